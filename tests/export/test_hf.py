"""The Hugging Face layout, read by `datasets` itself, plain and streaming, without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from pycocotools import mask as coco

from a2dsplus.export import export
from tests.export.reading import error, frames_of, masks, samples, shown, texts


@pytest.fixture(scope="module")
def folder(strict: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hf") / "out"
    export(strict, out, layout="hf")
    return out


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    yield


def rows_of(folder: Path, subset: str, tmp_path: Path, *, streaming: bool) -> list[dict[str, Any]]:
    found = datasets.load_dataset(str(folder), subset, cache_dir=str(tmp_path), streaming=streaming)
    assert list(found) == ["test"]
    return list(found["test"])


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("subset", ["M", "S", "T"])
def test_a_row_is_a_sample_and_an_expression(
    folder: Path, strict: Path, tmp_path: Path, subset: str, streaming: bool
) -> None:
    rows = rows_of(folder, subset, tmp_path, streaming=streaming)
    expected = {(sample, word): text for sample, words in texts(strict, subset).items() for word, text in words}
    assert {(row["sample_id"], row["expression"]): row["text"] for row in rows} == expected
    assert len(rows) == len(expected)
    right = masks(strict, subset)
    seen = {}
    for row in rows:
        assert [mask["frame"] for mask in row["masks"]] == row["evaluated_frames"]
        for mask in row["masks"]:
            decoded = coco.decode({"size": mask["size"], "counts": mask["counts"]}).astype(bool)
            seen[row["sample_id"], row["expression"], mask["frame"]] = decoded
    assert set(seen) == set(right)
    assert all(np.array_equal(seen[unit], right[unit]) for unit in right)


@pytest.mark.parametrize("recipe", ["both", "several", "withheld"])
def test_it_follows_recipes_kinds_and_sources(request: pytest.FixtureRequest, tmp_path: Path, recipe: str) -> None:
    dataset = request.getfixturevalue(recipe)
    export(dataset, tmp_path / "out", layout="hf")
    for subset in [path.parent.name for path in dataset.glob("?/samples.jsonl")]:
        rows = rows_of(tmp_path / "out", subset, tmp_path / "cache", streaming=True)
        expected = {(sample, word): text for sample, words in texts(dataset, subset).items() for word, text in words}
        assert {(row["sample_id"], row["expression"]): row["text"] for row in rows} == expected
        right = {} if recipe == "withheld" else masks(dataset, subset)
        found = {
            (row["sample_id"], row["expression"], mask["frame"]): coco.decode(
                {"size": mask["size"], "counts": mask["counts"]}
            )
            for row in rows
            for mask in row["masks"]
        }
        assert found.keys() == right.keys()
        assert all(np.array_equal(found[unit], mask) for unit, mask in right.items())
        assert all(len(row["images"]) == len(row["evaluated_frames"]) for row in rows)


@pytest.mark.parametrize("subset", ["M", "S", "T"])
def test_pictures_and_clips_are_the_frames(folder: Path, strict: Path, tmp_path: Path, subset: str) -> None:
    lines = samples(strict, subset)
    for row in rows_of(folder, subset, tmp_path, streaming=True)[:3]:
        frames = shown(strict, subset, row["sample_id"])
        assert (row["frames"], row["height"], row["width"]) == frames.shape[:3]
        assert row["frames"] == lines[row["sample_id"]]["frames"]
        pictures = np.stack([np.asarray(image.convert("RGB")) for image in row["images"]])
        assert error(pictures, frames[np.array(row["evaluated_frames"]) - 1]) < 1.8
        assert error(frames_of(folder / row["video"]), frames) < 1.3
