"""A2D's labels as a witness: what is read of them, and what is not."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from a2dsplus.cli import main
from a2dsplus.sources.a2d import A2dSource
from tests.conftest import CLIPS

A, B = "aaaaaaaaaaa", "-bbbbbbbbbb"


def _pixels(root: Path, video: str, frame: int, classes: list[int], *, key: str = "reS_id") -> Path:
    """Write a frame's pixel classes as A2D has them, transposed."""
    _, height, width, _, _ = CLIPS[video]
    array = np.zeros((width, height), np.uint8)
    for number, value in enumerate(classes):
        array[4 * number : 4 * number + 4] = value
    path = root / "Release" / "Annotations" / "mat" / video / f"{frame:05d}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        file[key] = array
    return path


def _ids(root: Path, video: str, frame: int, ids: list[float]) -> None:
    path = root / "text_annotations" / "a2d_annotation_with_instances" / video / f"{frame:05d}.h5"
    with h5py.File(path, "a") as file:
        del file["id"]
        file["id"] = np.array(ids)


def _column(root: Path, classes: dict[str, Any]) -> None:
    path = root / "Release" / "videoset.csv"
    rows = list(csv.reader(path.read_text().splitlines()))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([row[0], classes.get(row[0], row[1]), *row[2:]] for row in rows)


def test_the_three_kinds_together(root: Path) -> None:
    for frame in CLIPS[A][4]:
        _pixels(root, A, frame, [0, 17, 73] if frame == 6 else [17])
    _pixels(root, B, 2, [47])
    _ids(root, B, 5, [31, 31, 0])
    _column(root, {A: 52})
    labels = A2dSource(root).labels([A, B])
    assert labels.actors == {A: {"adult": 1, "car": 1, "dog": 1}, B: {"adult": 1, "ball": 2, "bird": 1}}
    assert labels.whole == {A}, "B has a frame without pixel classes"
    assert [note.partition(": ")[2] for note in labels.notes] == [
        "Annotations/mat and the key id of the h5 files and column 2 of videoset.csv"
    ]


def test_a_folder_without_labels_has_no_witness(root: Path) -> None:
    labels = A2dSource(root).labels(list(CLIPS))
    assert (labels.actors, labels.whole, labels.notes) == ({}, frozenset(), ()), "ids of 0, one class for all clips"


@pytest.mark.parametrize("ids", [[1.0, 2.0], [10], [80], [np.nan], [11.5], [-11], [1e300]])
def test_numbers_that_are_no_classes(root: Path, ids: list[float]) -> None:
    _ids(root, A, 3, [17])
    _ids(root, B, 5, ids)
    labels = A2dSource(root).labels([A, B])
    assert not labels.actors
    [note] = labels.notes
    assert note.startswith("no witness: the key id of the h5 files (") and "00005.h5" in note


def test_files_that_cannot_be_read(root: Path, tmp_path: Path) -> None:
    far = tmp_path / "far.h5"
    with h5py.File(far, "w") as file:
        file["reS_id"] = np.full((4, 4), 17)

    def broken(path: Path) -> None:
        path.write_bytes(b"MATLAB 7.3 MAT-file")

    def linked(path: Path) -> None:
        with h5py.File(path, "a") as file:
            del file["reS_id"]
            file["reS_id"] = h5py.ExternalLink(str(far), "/reS_id")

    def huge(path: Path) -> None:
        with h5py.File(path, "a") as file:
            del file["reS_id"]
            file.create_dataset("reS_id", shape=(1 << 20, 1 << 20), dtype="u1", chunks=(64, 64))

    for damage in (broken, linked, huge, lambda path: _pixels(root, A, 3, [17], key="id")):
        path = _pixels(root, A, 3, [17])
        damage(path)
        _ids(root, A, 3, [73])
        labels = A2dSource(root).labels([A])
        assert labels.actors == {A: {"dog": 1}} and not labels.whole
        assert labels.notes[1].startswith(f"no witness: Annotations/mat ({path}: ")


def test_a_build_grades_by_them_and_draws_as_without(root: Path, tmp_path: Path) -> None:
    def built(name: str, *more: str) -> tuple[list[tuple], dict, str]:
        out = tmp_path / name
        done = CliRunner().invoke(
            main, ["build", "--root", str(root), "--out", str(out), "--render", "none", "--workers", "1", *more]
        )
        assert done.exit_code == 0, done.output

        pairs = pd.read_parquet(out / "pairs.parquet").sort_values(["query_id", "rank"])
        drawn = list(zip(pairs.query_id, pairs.contrast_query_id, pairs["rank"], strict=True))
        grades = dict(zip(zip(pairs.query_id, pairs.contrast_query_id, strict=True), pairs.because, strict=True))
        manifest = json.loads((out / "manifest.json").read_text())
        return drawn, {"because": grades, "witness": manifest.get("witness"), "notes": manifest["notes"]}, done.output

    drawn, before, said = built("before")
    assert before["witness"] is None and "labels" not in said
    for video, (_, _, _, _, annotated) in CLIPS.items():
        for frame in annotated:
            _pixels(root, video, frame, [12, 17, 22, 41, 61, 71])
    again, after, said = built("after")
    assert again == drawn
    changed = {ids: because for ids, because in after["because"].items() if because != before["because"][ids]}
    assert changed and all(because.startswith("labels: ") for because in changed.values())
    assert after["witness"]["undecided"] >= 1 and f"labels: {after['witness']['undecided']} of these pairs" in said
    assert any("witness" in note for note in after["notes"])
    # a list of pairs has the same grades everywhere
    pairs = tmp_path / "pairs.json"
    rows = [
        {"query": query, "contrast": contrast, "status": "unreviewed"} for query, contrast, rank in drawn if rank == 0
    ]
    pairs.write_text(json.dumps({"schema": 1, "split": "test", "pairs": rows}))
    _, listed, _ = built("listed", "--pairs", str(pairs))
    assert listed["witness"] is None
    assert all(because == before["because"][ids] for ids, because in listed["because"].items())
