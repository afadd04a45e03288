"""The mevis export, read as FORMATS describes MeViS, and its predictions scored."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from a2dsplus.errors import InputError
from a2dsplus.export import export
from a2dsplus.score import evaluate
from tests.export import reading

CASES = [
    *[("paper", "M"), ("paper", "T"), ("strict", "S"), ("both", "N"), ("contrasts", "S"), ("frozen", "T")],
    *[("backwards", "S"), ("several", "N"), ("several", "T"), ("named", "N")],
]


def read(split: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the videos and the masks by anno_id of a split's folder."""
    videos = json.loads((split / "meta_expressions.json").read_text())["videos"]
    return videos, json.loads((split / "mask_dict.json").read_text())


def answer(
    masks: dict[str, Any], entry: dict[str, Any], place: int, size: tuple[int, int]
) -> tuple[reading.Pixels, bool]:
    """Return the union of an expression's objects at a position, (H, W), and whether any object has an entry there."""
    found = [masks[str(number)][place] for number in entry["anno_id"]]
    decoded = [coco.decode(rle) for rle in found if rle is not None]
    return np.max([np.zeros(size, np.uint8), *decoded], axis=0), bool(decoded)


@pytest.mark.parametrize(("recipe", "subset"), CASES)
def test_expressions_frames_and_masks(request: pytest.FixtureRequest, tmp_path: Path, recipe: str, subset: str) -> None:
    dataset = request.getfixturevalue(recipe)
    root = tmp_path / "out"
    lines = export(dataset, root, layout="mevis", subsets=[subset])
    assert sorted(path.name for path in root.iterdir()) == ["valid", "valid_u"]
    assert (root / "valid").resolve() == root / "valid_u"
    videos, masks = read(root / "valid")
    captions, expected, samples = (
        reading.texts(dataset, subset),
        reading.masks(dataset, subset),
        reading.samples(dataset, subset),
    )
    assert list(videos) == list(captions) and len(expected) > 0
    owners: dict[int, str] = {}
    judged = set()
    for sample, video in videos.items():
        row, frames = samples[sample], video["frames"]
        assert frames == [f"{frame:05d}" for frame in range(row["frames"])]
        pictures = [np.asarray(Image.open(root / "valid_u" / "JPEGImages" / sample / f"{name}.jpg")) for name in frames]
        assert len(list((root / "valid_u" / "JPEGImages" / sample).iterdir())) == len(frames)
        assert reading.error(np.stack(pictures), reading.shown(dataset, subset, sample)) < 1.8
        assert [own["exp"] for own in video["expressions"].values()] == [text for _, text in captions[sample]]
        for (word, _), entry in zip(captions[sample], video["expressions"].values(), strict=True):
            assert len(entry["obj_id"]) == len(entry["anno_id"])
            assert all(type(number) is int for number in [*entry["obj_id"], *entry["anno_id"]])
            assert all(len(masks[str(number)]) == len(frames) for number in entry["anno_id"])
            assert {owners.setdefault(number, sample) for number in entry["anno_id"]} <= {sample}
            for place in range(len(frames)):
                mask, known = answer(masks, entry, place, (row["height"], row["width"]))
                own = expected.get((sample, word, place + 1))
                assert np.array_equal(mask, np.zeros_like(mask) if own is None else own), (sample, word, place)
                assert known == (own is not None) or not entry["anno_id"]
                judged.add((sample, word, place + 1)) if known else None
    assert {unit for unit, mask in expected.items() if mask.any()} <= judged
    assert {int(number) for number in masks} == set(owners)
    assert any("own evaluator counts as background" in line for line in lines) == any(
        len(row["evaluated_frames"]) < row["frames"] for row in samples.values()
    )


def test_an_expression_of_several_objects_and_one_of_none(tmp_path: Path, several: Path) -> None:
    export(several, tmp_path / "out", layout="mevis", subsets=["N"])
    videos, masks = read(tmp_path / "out" / "valid_u")
    ids = [own["anno_id"] for own in videos["1a2b3c"]["expressions"].values()]
    assert [len(own) for own in ids] == [2, 1, 0] and ids[1] == ids[0][1:]
    assert len(masks) == 3
    assert not coco.decode(masks[str(ids[1][0])][0]).any() and coco.decode(masks[str(ids[1][0])][1]).any()


@pytest.mark.parametrize(("recipe", "subset"), [("strict", "S"), ("strict", "T"), ("several", "N"), ("named", "N")])
def test_predictions_of_its_code_are_scored(
    request: pytest.FixtureRequest, tmp_path: Path, recipe: str, subset: str
) -> None:
    dataset = request.getfixturevalue(recipe)
    export(dataset, tmp_path / "out", layout="mevis", subsets=[subset])
    videos, masks = read(tmp_path / "out" / "valid_u")
    for video, entry in videos.items():
        row = reading.samples(dataset, subset)[video]
        for number, expression in entry["expressions"].items():
            folder = tmp_path / "predicted" / "Annotations" / video / number
            folder.mkdir(parents=True)
            for place, name in enumerate(entry["frames"]):
                mask, _ = answer(masks, expression, place, (row["height"], row["width"]))
                Image.fromarray(255 * mask).save(folder / f"{name}.png")
    own = evaluate([tmp_path / "predicted"], dataset, subsets=[subset], resamples=0).subsets[subset]
    assert own.figures["mIoU"] == 1


def test_train(tmp_path: Path, named: Path) -> None:
    lines = export(named, tmp_path / "out", layout="mevis", subsets=["M"], options={"train": True})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train"]
    videos, masks = read(tmp_path / "out" / "train")
    assert masks and all(own["anno_id"] for video in videos.values() for own in video["expressions"].values())
    assert any("reads train" in line for line in lines) and not any("a2dsplus score" in line for line in lines)


def test_without_masks_it_is_mevis_valid(tmp_path: Path, withheld: Path) -> None:
    export(withheld, tmp_path / "out", layout="mevis", subsets=["T"])
    folder = tmp_path / "out" / "valid"
    assert sorted(path.name for path in folder.iterdir()) == ["JPEGImages", "meta_expressions.json"]
    videos = json.loads((folder / "meta_expressions.json").read_text())["videos"]
    assert {tuple(own) for video in videos.values() for own in video["expressions"].values()} == {("exp",)}
    with pytest.raises(InputError, match="no masks to train on"):
        export(withheld, tmp_path / "no", layout="mevis", subsets=["T"], options={"train": True})
