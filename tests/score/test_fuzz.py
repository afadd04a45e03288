"""Mutated predictions and ground truth: a figure or one clear line, never a traceback.

1,500 seeded inputs by default; A2DSPLUS_FUZZ=10000 asks for more.
"""

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from a2dsplus.errors import A2dsplusError
from a2dsplus.media.masks import encode
from a2dsplus.score import evaluate
from tests.corpus.mutations import some_bytes as mutated_bytes
from tests.corpus.mutations import value as mutated_value
from tests.corpus.mutations import with_right_checksums
from tests.score.score_data import perturbed, random_masks, write_pngs, write_samples, write_truth

INPUTS = int(os.environ.get("A2DSPLUS_FUZZ", "1500"))
ROUNDS = 10
TRUTH = random_masks(6, 6, height=9, width=11)


def scored(predictions: Path, dataset: Path, chance: random.Random) -> bool:
    """Whether the input could be scored; anything but an error of the toolkit's own is a failure."""
    try:
        report = evaluate(
            predictions,
            dataset,
            subsets=chance.choice([None, ["M"]]),
            protocol=chance.choice(["paper", "released", "mttr", "jhmdb", "ytvos", "mevis"]),
            missing=chance.choice(["error", "empty"]),
            resize=chance.choice(["none", "nearest"]),
            resamples=2,
        )
        json.dumps(report.as_json(), allow_nan=False)
    except A2dsplusError as error:
        assert "\n" not in str(error).strip()
        return False
    return True


def rows(chance: random.Random) -> list[dict[str, object]]:
    """Results as a model writes them, in one of the forms COCO allows."""
    found: list[dict[str, object]] = []
    for image_id, mask in perturbed(TRUTH, chance.randrange(99)).items():
        rle: object = encode(mask)
        form = chance.randrange(3)
        if form == 1:
            rle = {"size": [9, 11], "counts": [20, 30, 49]}
        elif form == 2:
            rle = [[1, 1, 7, 1, 7, 6]]
        found.append({"image_id": image_id, "category_id": 1, "segmentation": rle, "score": chance.random()})
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_truth(folder, "M", TRUTH)
    expressions = {"0": {"exp": "a man", "obj_id": "0"}, "1": {"exp": "a dog", "obj_id": "1"}}
    content = {"videos": {"v0": {"frames": [], "expressions": expressions}}}
    (folder / "M" / "meta_expressions.json").write_text(json.dumps(content))
    row = {"sample_id": "v0", "layout": "none", "queries": ["v0/0", "v0/1"], "height": 9, "width": 11, "frames": 30}
    write_samples(folder, "M", [row])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_results_files(tmp_path: Path, dataset: Path, round_: int) -> None:
    chance = random.Random(f"results {round_}")
    file = tmp_path / "M.json"
    could = 0
    for _ in range(INPUTS * 4 // 10 // ROUNDS):
        value: object = rows(chance)
        for _ in range(chance.choice([0, 1, 1, 1, 2, 4])):
            value = mutated_value(value, chance)
        content = json.dumps(value).encode()
        file.write_bytes(mutated_bytes(content, chance) if chance.random() < 0.25 else content)
        could += scored(tmp_path, dataset, chance)
    assert 0 < could < INPUTS * 4 // 10 // ROUNDS  # the mutations neither miss nor break everything


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_png_folders(tmp_path: Path, dataset: Path, round_: int) -> None:
    chance = random.Random(f"png {round_}")
    folder = write_pngs(tmp_path / "masks", "M", perturbed(TRUTH, round_))
    files = sorted(folder.rglob("*.png"))
    whole = {file: file.read_bytes() for file in files}
    could = 0
    for _ in range(INPUTS * 4 // 10 // ROUNDS):
        file = chance.choice(files)
        damaged = mutated_bytes(whole[file], chance)
        file.write_bytes(with_right_checksums(damaged) if chance.random() < 0.7 else damaged)
        could += scored(folder, dataset, chance)
        file.write_bytes(whole[file])
    assert could < INPUTS * 4 // 10 // ROUNDS
    assert scored(folder, dataset, random.Random(0))


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_datasets(tmp_path: Path, dataset: Path, round_: int) -> None:
    chance = random.Random(f"dataset {round_}")
    shutil.copytree(dataset, tmp_path / "data")
    write_pngs(tmp_path / "masks", "M", TRUTH)
    names = ["ground_truth.json", "ground_truth.json", "samples.jsonl", "meta_expressions.json"]
    for _ in range(INPUTS * 2 // 10 // ROUNDS):
        file = tmp_path / "data" / "M" / chance.choice(names)
        whole = file.read_bytes()
        if chance.random() < 0.3:
            file.write_bytes(mutated_bytes(whole, chance))
        else:
            file.write_text(json.dumps(mutated_value(json.loads(whole), chance)))
        scored(tmp_path / "masks", tmp_path / "data", chance)
        file.write_bytes(whole)
    assert scored(tmp_path / "masks", tmp_path / "data", random.Random(1))
