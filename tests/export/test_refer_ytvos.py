"""The refer-ytvos export, read as FORMATS describes the loaders of Refer-YouTube-VOS, and its predictions scored."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from a2dsplus.errors import InputError, UsageError
from a2dsplus.export import export
from a2dsplus.score import evaluate
from tests.export import reading


def jpegs(folder: Path, names: list[str]) -> reading.Pixels:
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.jpg" for name in names]
    return np.stack([np.asarray(Image.open(folder / f"{name}.jpg")) for name in names])


def videos(root: Path, split: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "meta_expressions" / split / "meta_expressions.json").read_text())[
        "videos"
    ]
    return found


@pytest.mark.parametrize("from_zero", [False, True])
@pytest.mark.parametrize(
    ("recipe", "subset"),
    [
        *[("paper", "M"), ("paper", "T"), ("strict", "S"), ("both", "N"), ("both", "S"), ("contrasts", "T")],
        *[("frozen", "S"), ("backwards", "T"), ("several", "N"), ("named", "N"), ("named", "M")],
    ],
)
def test_valid(request: pytest.FixtureRequest, tmp_path: Path, recipe: str, subset: str, from_zero: bool) -> None:
    dataset = request.getfixturevalue(recipe)
    root = tmp_path / "out"
    export(dataset, root, layout="refer-ytvos", subsets=[subset], options={"from_zero": from_zero})
    assert videos(root, "test") == {}
    meta, captions, expected = videos(root, "valid"), reading.texts(dataset, subset), reading.masks(dataset, subset)
    assert meta.keys() == captions.keys()
    found = {}
    for sample, video in meta.items():
        frames = video["frames"]
        own = reading.names(dataset, subset, sample)
        assert frames == ([f"{frame:05d}" for frame in range(len(own))] if from_zero else own)
        assert (
            reading.error(jpegs(root / "valid" / "JPEGImages" / sample, frames), reading.shown(dataset, subset, sample))
            < 1.8
        )
        order = sorted(video["expressions"], key=int)
        assert order == (
            [word for word, _ in captions[sample]] if subset == "N" else [str(n) for n in range(len(captions[sample]))]
        )
        assert [video["expressions"][number]["exp"] for number in order] == [text for _, text in captions[sample]]
        for number, (word, _) in zip(order, captions[sample], strict=True):
            for path in (root / "valid" / "Annotations" / sample / number).iterdir():
                image = Image.open(path)
                assert image.mode == "P"
                found[sample, word, frames.index(path.stem) + 1] = np.asarray(image).astype(bool)
    assert found.keys() == expected.keys()
    for unit, mask in expected.items():
        assert np.array_equal(found[unit], mask), unit


def test_names_of_the_source_are_mapped_back(tmp_path: Path, named: Path) -> None:
    export(named, tmp_path / "out", layout="refer-ytvos", subsets=["N"])
    own = evaluate([predict(tmp_path / "out", tmp_path / "p")], named, subsets=["N"], resamples=0).subsets["N"]
    assert own.figures["mIoU"] == 1


def test_without_masks(tmp_path: Path, withheld: Path) -> None:
    lines = export(withheld, tmp_path / "out", layout="refer-ytvos", subsets=["T"])
    assert any("has no masks" in line for line in lines) and not any("then: " in line for line in lines)
    assert sorted(path.name for path in (tmp_path / "out" / "valid").iterdir()) == ["JPEGImages"]
    found = videos(tmp_path / "out", "valid")
    assert {tuple(own) for video in found.values() for own in video["expressions"].values()} == {("exp",)}
    with pytest.raises(InputError, match="no masks to train on"):
        export(withheld, tmp_path / "no", layout="refer-ytvos", subsets=["T"], options={"train": True})


def predict(root: Path, out: Path) -> Path:
    """Copy the true masks as a model would leave its own: every frame of every video, those without a mask black."""
    for video, own in videos(root, "valid").items():
        for number in own["expressions"]:
            for name in own["frames"]:
                target = out / "Annotations" / video / number / f"{name}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                true = root / "valid" / "Annotations" / video / number / f"{name}.png"
                if true.is_file():
                    shutil.copy(true, target)
                else:
                    with Image.open(root / "valid" / "JPEGImages" / video / f"{name}.jpg") as frame:
                        Image.new("L", frame.size).save(target)
    return out


@pytest.mark.parametrize("from_zero", [False, True])
def test_roots_of_so_many_videos_and_their_predictions(tmp_path: Path, strict: Path, from_zero: bool) -> None:
    lines = export(
        strict,
        tmp_path / "out",
        layout="refer-ytvos",
        subsets=["S"],
        options={"videos_per_split": 3, "from_zero": from_zero},
    )
    roots = sorted((tmp_path / "out").iterdir())
    samples = reading.samples(strict, "S")
    assert len(roots) == -(-len(samples) // 3) > 1 and len(samples) % 3  # so the last is filled up
    for root in roots:
        assert len(videos(root, "valid")) == len(list((root / "valid" / "JPEGImages").iterdir())) == 3
    assert sum(name in samples for root in roots for name in videos(root, "valid")) == len(samples)
    assert any("--join" in line for line in lines)
    outputs = [predict(root, tmp_path / f"predicted-{root.name}") for root in roots]
    own = evaluate(outputs, strict, subsets=["S"], resamples=0).subsets["S"]
    assert own.figures["mIoU"] == 1
    assert any("numbered from 0" in note for note in own.notes) == from_zero


def test_train(tmp_path: Path, paper: Path) -> None:
    root = tmp_path / "out"
    with pytest.raises(UsageError, match="leave --videos-per-split out"):
        export(paper, root, layout="refer-ytvos", subsets=["M"], options={"train": True, "videos_per_split": 202})
    export(paper, root, layout="refer-ytvos", subsets=["M"], options={"train": True})
    objects = json.loads((root / "train" / "meta.json").read_text())["videos"]
    expected, captions = reading.masks(paper, "M"), reading.texts(paper, "M")
    for sample, video in videos(root, "train").items():
        for number, own in video["expressions"].items():
            word = captions[sample][int(number)][0]
            entry = objects[sample]["objects"][own["obj_id"]]
            assert entry["category"] == "person"
            assert entry["frames"] == [
                f"{frame:05d}"
                for (name, said, frame), mask in expected.items()
                if (name, said) == (sample, word) and mask.any()
            ]
            later = [other for other in video["expressions"] if int(other) > int(number)]
            for (name, said, frame), mask in expected.items():
                if (name, said) == (sample, word):
                    picture = np.asarray(Image.open(root / "train" / "Annotations" / sample / f"{frame:05d}.png"))
                    hidden = np.isin(picture, [int(video["expressions"][other]["obj_id"]) for other in later])
                    assert np.array_equal(picture == int(own["obj_id"]), mask & ~hidden)
