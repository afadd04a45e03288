"""The a2d export, read as FORMATS describes the loaders of MTTR, ReferFormer, SgMg and OnlineRefer."""

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from pycocotools import mask as coco
from pycocotools.coco import COCO

from a2dsplus.export import export
from a2dsplus.score import evaluate
from tests.export import reading

CASES = [
    *[("paper", "M"), ("paper", "S"), ("paper", "T"), ("strict", "S"), ("strict", "T"), ("both", "N"), ("both", "T")],
    *[("contrasts", "S"), ("contrasts", "T"), ("frozen", "S"), ("backwards", "T"), ("several", "N"), ("named", "M")],
]


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str, Path, list[str]]:
    recipe, subset = request.param
    dataset = request.getfixturevalue(recipe)
    lines = export(dataset, tmp_path / "out", layout="a2d", subsets=[subset])
    return dataset, subset, tmp_path / "out", lines


def instance_of(words: list[str]) -> dict[str, int]:
    return (
        {word: int(word) for word in words}
        if all(word.isdigit() for word in words)
        else {word: n for n, word in enumerate(words)}
    )


def listed(root: Path, split: str) -> list[Any]:
    found: list[Any] = json.loads((root / f"a2d_sentences_single_frame_{split}_annotations.json").read_text())
    return found


def test_lists_captions_and_masks(case: tuple[Path, str, Path, list[str]]) -> None:
    dataset, subset, root, _ = case
    rows = listed(root, reading.split(dataset))
    assert listed(root, "train" if reading.split(dataset) == "test" else "test") == [] != rows
    captions, expected = reading.texts(dataset, subset), reading.masks(dataset, subset)
    with (root / "text_annotations" / "a2d_annotation.txt").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert [(row["video_id"], row["query"]) for row in told] == [
        (sample, text) for sample, own in captions.items() for _, text in own
    ]
    words = {
        (sample, number): word
        for sample, own in captions.items()
        for word, number in instance_of([word for word, _ in own]).items()
    }
    found = {}
    for text, video, frame, instance in rows:
        word = words[video, instance]
        assert text == dict(captions[video])[word].lower()
        for masks in (
            root / "text_annotations" / "a2d_annotation_with_instances",
            root / "a2d_annotation_with_instances",
        ):
            with h5py.File(masks / video / f"{frame:05d}.h5") as file:
                instances = list(file["instance"])
                stacked = np.array(file["reMask"])
                stacked = stacked[None] if len(instances) == 1 else stacked
                found[video, word, frame] = stacked[instances.index(instance)].T.astype(bool)
                for name, values in file.items():
                    json.dumps(np.array(values).tolist())
                    assert values.dtype == np.float64 or name != "reBBox"
    assert found.keys() == expected.keys()
    for unit, mask in expected.items():
        assert np.array_equal(found[unit], mask), unit
    order = [(video, instance) for _, video, _, instance in rows]
    assert order == sorted(
        order, key=lambda own: [(row["video_id"], int(row["instance_id"])) for row in told].index(own)
    )
    assert all(a[2] < b[2] for a, b in pairwise(rows) if (a[1], a[3]) == (b[1], b[3]))


def test_clips_are_what_the_dataset_shows(case: tuple[Path, str, Path, list[str]], small_root: Path) -> None:
    dataset, subset, root, _ = case
    with (root / "Release" / "videoset.csv").open(newline="") as file:
        table = {row[0]: row for row in csv.reader(file)}
    samples = reading.samples(dataset, subset)
    assert list(table) == list(samples)
    for name, row in samples.items():
        assert [int(value) for value in table[name][4:]] == [
            row["height"],
            row["width"],
            row["frames"],
            len(row["evaluated_frames"]),
            {"train": 0, "test": 1}[reading.split(dataset)],
        ]
        path = root / "Release" / "CLIPS320" / f"{name}.mp4"
        if subset in "NM" and dataset.name in ("paper", "both"):
            assert path.read_bytes() == (small_root / "Release" / "clips320H" / f"{name}.mp4").read_bytes()
        found = reading.frames_of(path)
        assert len(found) == row["frames"]
        assert reading.error(found, reading.shown(dataset, subset, name)) < 1.3


def test_truth_in_cocos_form(case: tuple[Path, str, Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    dataset, subset, root, _ = case
    truth, rows = COCO(str(root / "a2d_sentences_test_annotations_in_coco_format.json")), listed(root, "test")
    assert set(truth.imgs) == {f"v_{video}_f_{frame}_i_{instance}" for _, video, frame, instance in rows}
    results = []
    for annotation in truth.loadAnns(truth.getAnnIds()):
        assert annotation["category_id"] == 1 and all(isinstance(side, float) for side in annotation["bbox"])
        mask = coco.decode(annotation["segmentation"])
        assert mask.sum() == annotation["area"]
        results.append(
            {
                "image_id": annotation["image_id"],
                "category_id": 1,
                "segmentation": annotation["segmentation"],
                "score": 0.7,
            }
        )
    if reading.split(dataset) == "train":
        assert not results
        return
    file = root.parent / f"{subset}.json"
    file.write_text(json.dumps(results))
    assert evaluate(file, dataset, subsets=[subset], resamples=0).subsets[subset].figures["mIoU"] == 1


def test_how_to_start(case: tuple[Path, str, Path, list[str]]) -> None:
    _, subset, root, lines = case
    assert any(line.startswith("MTTR") and str(root.resolve()) in line for line in lines)
    assert any("replace each sample whose mask is empty" in line and "refer-ytvos" in line for line in lines) == (
        subset == "T"
    )
