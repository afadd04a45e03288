"""Ground truth of both schemas: the same figures from either, results by integer id or by key, and ignored pixels out of both masks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2dsplus.errors import InputError, PredictionError
from a2dsplus.media.masks import encode
from a2dsplus.score import evaluate
from a2dsplus.score.truth import read_truth
from tests.score.score_data import box, perturbed, random_masks, write_rows, write_truth

TRUTH = random_masks(7, 24)
PREDICTED = perturbed(TRUTH, 8)
NUMBERS = {key: number for number, key in enumerate(TRUTH, 1)}


def to_schema_2(file: Path) -> Path:
    """Rewrite a file of schema 1 as the build writes schema 2: integer ids, and the earlier ids as keys."""
    document = json.loads(file.read_text())
    numbers = {}
    for number, image in enumerate(document["images"], 1):
        numbers[image["id"]] = number
        image |= {"key": image["id"], "id": number, "file_name": f"{image['id']}.jpg"}
    for annotation in document["annotations"]:
        annotation["image_id"] = numbers[annotation["image_id"]]
    file.write_text(json.dumps(document | {"info": {"schema": 2}}))
    return file


def figures(dataset: Path, predictions: Any, **settings: Any) -> dict[str, float | None]:
    return evaluate(predictions, dataset, resamples=0, **settings).subsets["M"].figures


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_truth(tmp_path / "old", "M", TRUTH)
    return tmp_path / "old"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    to_schema_2(write_truth(tmp_path / "new", "M", TRUTH))
    return tmp_path / "new"


@pytest.mark.parametrize("protocol", ["paper", "released", "mttr"])
def test_both_schemas_score_the_same_by_id_and_by_key(tmp_path: Path, old: Path, new: Path, protocol: str) -> None:
    def results(name: str, called: Callable[[str], str | int]) -> Path:
        rows = [
            {"image_id": called(key), "segmentation": encode(mask), "score": 0.5} for key, mask in PREDICTED.items()
        ]
        return write_rows(tmp_path / name, "M", rows)

    by_key, by_number = results("keys", lambda key: key), results("numbers", NUMBERS.__getitem__)
    expected = figures(old, by_key, protocol=protocol)
    assert figures(new, by_key, protocol=protocol) == expected
    assert figures(new, by_number, protocol=protocol) == expected
    in_memory = figures(new, {"M": {NUMBERS[key]: mask for key, mask in PREDICTED.items()}}, protocol=protocol)
    assert in_memory == expected


def test_units_are_called_by_their_keys(new: Path) -> None:
    with pytest.raises(PredictionError, match=r"no prediction for 23 of 24 units: v0/00015/0"):
        figures(new, {"M": {1: PREDICTED["v0/00005/0"]}})
    report = evaluate({"M": PREDICTED}, new, resamples=0)
    assert all("/" in unit.image_id for unit in report.subsets["M"].worst)


def test_a_unit_given_by_id_and_by_key_is_one_unit(tmp_path: Path, new: Path) -> None:
    mask = PREDICTED["v0/00005/0"]
    with pytest.raises(PredictionError, match="given twice"):
        figures(new, {"M": {"v0/00005/0": mask, 1: mask}})
    rows = [{"image_id": name, "segmentation": encode(mask), "score": 0.5} for name in ("v0/00005/0", 1)]
    with pytest.raises(PredictionError, match="1 rows repeat another"):
        figures(new, write_rows(tmp_path, "M", rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["images"][1].update(key=d["images"][0]["key"]), "1 image keys are listed twice: v0/00005/0"),
        (lambda d: d["images"][1].update(id=1), "1 image ids are listed twice: 1"),
        (lambda d: d["images"][1].update(key="v0/5/0"), "two image ids name the same frame"),
        (lambda d: d["images"][1].pop("key"), "1 images have no key while others do: 2"),
        (lambda d: d["info"].update(schema=3), "has schema 3, this version reads up to 2"),
        (lambda d: d["images"][0].update(ignore=[1]), "ignore of image 'v0/00005/0': its polygon 0"),
    ],
)
def test_faults_of_schema_2_are_one_line(new: Path, change: Callable[[Any], object], message: str) -> None:
    file = new / "M" / "ground_truth.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    with pytest.raises(InputError) as raised:
        read_truth(file, subset="M")
    assert message in str(raised.value)


@pytest.mark.parametrize("protocol", ["paper", "released", "mttr"])
def test_ignored_pixels_leave_both_masks(tmp_path: Path, new: Path, protocol: str) -> None:
    void = {key: box(24, 32, 0, 8 * (place % 3), 20, 9) for place, key in enumerate(TRUTH) if place % 2}
    file = new / "M" / "ground_truth.json"
    document = json.loads(file.read_text())
    for image in document["images"]:
        if image["key"] in void:
            image["ignore"] = encode(void[image["key"]])
    file.write_text(json.dumps(document))
    none = np.zeros((24, 32), bool)
    write_truth(tmp_path / "cut", "M", {key: mask & ~void.get(key, none) for key, mask in TRUTH.items()})
    cut = {key: mask & ~void.get(key, none) for key, mask in PREDICTED.items()}
    assert figures(new, {"M": PREDICTED}, protocol=protocol) == figures(tmp_path / "cut", {"M": cut}, protocol=protocol)
    assert figures(new, {"M": PREDICTED}) != figures(new, {"M": TRUTH})


def test_predictions_for_another_recipe_are_told_what_is_asked(tmp_path: Path) -> None:
    mask = box(4, 4, 0, 0, 2, 2)
    write_truth(tmp_path / "data", "S", {f"v_0/00001/{word}": mask for word in ("query", "contrast")})
    rows = [{"image_id": "v_0/00001/0", "segmentation": encode(mask), "score": 1.0}]
    with pytest.raises(PredictionError, match=r"recipe\? \(it asks `query` and `contrast`"):
        evaluate(write_rows(tmp_path / "paper", "S", rows), tmp_path / "data", resamples=0)
    with pytest.raises(PredictionError, match=r"v_0/00001/contrast; .*for --recipe paper lack the contrast's"):
        evaluate({"S": {"v_0/00001/query": mask}}, tmp_path / "data", resamples=0)
