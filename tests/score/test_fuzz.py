"""Mutated predictions and ground truth: a figure or one clear line, never a traceback.

1,500 seeded inputs by default; A2DSPLUS_FUZZ=10000 asks for more.
"""

import json
import os
import random
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from a2dsplus.errors import A2dsplusError
from a2dsplus.media.masks import encode
from a2dsplus.score import evaluate
from tests.score.score_data import perturbed, random_masks, write_pngs, write_samples, write_truth

INPUTS = int(os.environ.get("A2DSPLUS_FUZZ", "1500"))
ROUNDS = 10
TRUTH = random_masks(6, 6, height=9, width=11)
ODD_VALUES = [None, True, 0, -1, 1, 1e308, float("nan"), float("inf"), 10**400, "", "0", "5", "é", "\x00", [], {}, [[]], [0], [1, 2, 3, 4, 5, 6],
              [[1, 2, 3, 4, 5, float("nan")]], [[0, 0, 5, 0, 5, 5]], {"size": [9, 11]}, {"counts": "3"}, [9, 11], [2**40, 2**40], "v_v0_f_5_i_0",
              "v0/00005/0", "../../x", "/", -(2**63)]  # fmt: skip


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """Bytes of which some are changed, dropped, repeated or inserted."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        if not data:
            break
        at = chance.randrange(len(data))
        kind = chance.randrange(6)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.randrange(256)
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 4:
            data[at:at] = data[at : at + chance.randrange(1, 30)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 5))
    return bytes(data)


def mutated_value(value: object, chance: random.Random) -> object:
    """A JSON value of which one part, at any depth, is changed, dropped or repeated."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        kind = chance.random()
        if kind < 0.1:
            return {name: own for name, own in value.items() if name != key}
        if kind < 0.15:
            return {**value, str(chance.choice(ODD_VALUES)): value[key]}
        return {**value, key: mutated_value(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        kind = chance.random()
        if kind < 0.1:
            return value[:at] + value[at + 1 :]
        if kind < 0.2:
            return [*value, value[at]]
        return [*value[:at], mutated_value(value[at], chance), *value[at + 1 :]]
    if isinstance(value, str) and value and chance.random() < 0.6:
        return mutated_bytes(value.encode(), chance).decode("utf-8", "replace")
    return chance.choice(ODD_VALUES)


def with_right_checksums(content: bytes) -> bytes:
    """A PNG whose chunks' checksums are made to agree, so that the decoder itself meets the damage."""
    parts, at = [content[:8]], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if at + 12 + length > len(content):
            break
        body = content[at + 4 : at + 8 + length]
        parts.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join([*parts, content[at:]])


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
