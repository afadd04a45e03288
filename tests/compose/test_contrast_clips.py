"""Training on contrast: what is drawn, what it looks like and how it is told, on a painted train split."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

import a2dsplus
from a2dsplus.compose.geometry import panels
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import UsageError, WorkspaceError
from a2dsplus.records import Layout, Order, Sample

ROOT = Path(__file__).resolve().parents[2]


def _drawn(clips: a2dsplus.ContrastClips, epochs: int) -> list[Sample]:
    found = []
    for epoch in range(epochs):
        clips.set_epoch(epoch)
        found += [clips.sample(index) for index in range(len(clips))]
    return found


def _same(one: Any, other: Any) -> bool:
    return all(np.array_equal(value, other.as_dict()[name]) for name, value in one.as_dict().items())


def test_the_share_of_composed_items_and_even_layouts_and_orders(trained_on: Path) -> None:
    clips = a2dsplus.ContrastClips(trained_on, share=0.4)
    # one query's only pair is undecided
    assert clips.composable == len(clips) - 1 > 10
    drawn = _drawn(clips, 100)
    composed = [sample for sample in drawn if sample.layout is not Layout.NONE]
    # five standard errors of a fair draw
    assert abs(len(composed) / len(drawn) - 0.4 * clips.composable / len(clips)) < 5 * (0.24 / len(drawn)) ** 0.5
    kinds = Counter((sample.layout, sample.order) for sample in composed)
    assert set(kinds) == {(layout, order) for layout in (Layout.SPATIAL, Layout.TEMPORAL) for order in Order}
    for count in kinds.values():
        assert abs(count / len(composed) - 0.25) < 5 * (0.1875 / len(composed)) ** 0.5


def test_share_0_is_plain_and_share_1_composed(trained_on: Path) -> None:
    assert {sample.layout for sample in _drawn(a2dsplus.ContrastClips(trained_on, share=0), 3)} == {Layout.NONE}
    clips = a2dsplus.ContrastClips(trained_on, share=1)
    plain = {sample.queries for sample in _drawn(clips, 3) if sample.layout is Layout.NONE}
    assert len(plain) == len(clips) - clips.composable
    only = a2dsplus.ContrastClips(trained_on, share=1, subsets=["T"])
    assert {sample.layout for sample in _drawn(only, 3) if sample.queries not in plain} == {Layout.TEMPORAL}


def test_what_is_drawn_is_seed_epoch_and_index(trained_on: Path) -> None:
    clips, again = a2dsplus.ContrastClips(trained_on, seed=3), a2dsplus.ContrastClips(trained_on, seed=3)
    assert _drawn(clips, 3) == _drawn(again, 3)
    first = _drawn(clips, 1)
    assert [clips.sample(index) for index in reversed(range(len(clips)))] == first[::-1]
    clips.set_epoch(1)
    assert [clips.sample(index) for index in range(len(clips))] != first
    assert _drawn(a2dsplus.ContrastClips(trained_on, seed=4), 1) != first
    assert clips.sample(-1) == clips.sample(len(clips) - 1)
    with pytest.raises(IndexError):
        clips[len(clips)]


def test_contrasts_are_the_query_s_true_negatives(trained_on: Path) -> None:
    pairs = tables.read_pairs(Workspace(trained_on))
    negatives = {(pair.query_id, pair.contrast_query_id) for pair in pairs if pair.grade == "excluded"}
    assert len(negatives) < len(pairs)  # else the test would tell nothing
    drawn = _drawn(a2dsplus.ContrastClips(trained_on, share=1, contrasts=2), 40)
    used = {(sample.query.query_id, part.query_id) for sample in drawn if sample.query for part in sample.contrasts}
    assert used == negatives
    assert {len(sample.contrasts) for sample in drawn} >= {2}
    assert all(len({part.video_id for part in sample.contrasts}) == len(sample.contrasts) for sample in drawn)


def test_a_rejected_pair_is_never_drawn_and_a_query_without_one_stays_plain(trained_on: Path, tmp_path: Path) -> None:
    copytree(trained_on, tmp_path / "out")
    workspace = Workspace(tmp_path / "out")
    pairs = tables.read_pairs(workspace)
    lonely = pairs[0].query_id
    undecided = next(pair for pair in pairs if pair.grade == "undecided" and pair.query_id != lonely)
    told = [
        replace(
            pair, status="rejected" if pair.query_id == lonely else "accepted" if pair is undecided else pair.status
        )
        for pair in pairs
    ]
    tables.write_pairs(workspace, told)
    with pytest.raises(WorkspaceError, match=r"not the file that manifest\.json tells of"):
        a2dsplus.ContrastClips(tmp_path / "out")
    workspace.path("manifest.json").unlink()
    clips = a2dsplus.ContrastClips(tmp_path / "out", share=1)
    assert clips.composable == a2dsplus.ContrastClips(trained_on).composable - 1 + (undecided.rank == 0)
    drawn = _drawn(clips, 60)
    assert {sample.layout for sample in drawn if lonely in sample.queries} == {Layout.NONE}
    used = {(sample.query.query_id, part.query_id) for sample in drawn if sample.query for part in sample.contrasts}
    assert (undecided.query_id, undecided.contrast_query_id) in used


def test_items_show_the_query_s_clip_with_its_mask_and_nothing_on_the_contrast(trained_on: Path) -> None:
    plain = a2dsplus.ContrastClips(trained_on, share=0)
    clips = a2dsplus.ContrastClips(trained_on, share=1)
    seen = set()
    for index in range(len(clips)):
        sample, item, own = clips.sample(index), clips[index], plain[index]
        if sample.layout is Layout.NONE:  # no true negative
            continue
        seen.add(item.layout)
        assert (item.query_id, item.text) == (own.query_id, own.text)
        assert item.frames.shape == (sample.frames, sample.height, sample.width, 3) and item.frames.dtype == np.uint8
        assert item.masks.shape == (len(item.evaluated_frames), sample.height, sample.width)
        assert item.masks.dtype == bool and own.masks.any()
        assert own.layout == "none" and own.contrasts == () and len(item.contrasts) == 1
        query = panels(sample)[0]
        columns = slice(query.left, query.left + query.width)
        first = query.first_index
        assert (item.frames[first : first + len(own.frames), : query.height, columns] == own.frames).all()
        on_contrast = [not panels(sample)[0].shows(int(frame)) for frame in item.evaluated_frames]
        assert any(on_contrast) == (item.layout == "temporal")
        assert not item.masks[on_contrast].any()
        kept = item.masks[np.logical_not(on_contrast)]
        assert (kept[:, : query.height, columns] == own.masks).all() and kept.sum() == own.masks.sum()
        few = a2dsplus.ContrastClips(trained_on, share=1, frames="evaluated")[index]
        assert (few.frames == item.frames[item.evaluated_frames - 1]).all() and len(few.frames) == len(few.masks)
    assert seen == {"spatial", "temporal"}


@pytest.mark.slow
def test_a_torch_data_loader_with_spawned_workers_gives_what_indexing_gives(trained_on: Path) -> None:
    from torch.utils.data import DataLoader

    clips = a2dsplus.ContrastClips(trained_on, frames="evaluated")
    for epoch in (0, 1):
        clips.set_epoch(epoch)
        loader: Any = DataLoader(clips, batch_size=None, num_workers=2, multiprocessing_context="spawn")  # type: ignore[arg-type]
        items = list(loader)
        assert len(items) == len(clips)
        assert all(_same(item, clips[index]) for index, item in enumerate(items))


@pytest.mark.slow
def test_the_loop_of_the_page_trains(trained_on: Path, tmp_path: Path) -> None:
    code = (ROOT / "docs" / "train-on-contrast.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
    (tmp_path / "loop.py").write_text(code)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "loop.py"), str(trained_on)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 0", "epoch 1"]
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines]
    assert all(0 < loss < 10 for loss in losses)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"share": 1.5}, "share 1.5: expected 0 to 1"),
        ({"share": float("nan")}, "share nan"),
        ({"contrasts": 0}, "contrasts 0"),
        ({"subsets": ["M"]}, "expected S, T or both"),
        ({"subsets": []}, "expected S, T or both"),
        ({"seed": -1}, "seed -1"),
        ({"frames": "some"}, "expected all or evaluated"),
        ({"split": "test"}, "is of split 'train', expected 'test'"),
    ],
)
def test_bad_arguments(trained_on: Path, bad: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        a2dsplus.ContrastClips(trained_on, **bad)


def test_a_bad_epoch_and_tables_at_odds(trained_on: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="epoch -1"):
        a2dsplus.ContrastClips(trained_on).set_epoch(-1)
    copytree(trained_on, tmp_path / "out")
    workspace = Workspace(tmp_path / "out")
    workspace.path("manifest.json").unlink()
    tables.write_queries(workspace, tables.read_queries(workspace)[1:])
    with pytest.raises(WorkspaceError, match=r"pairs\.parquet: names query .* which queries\.parquet does not have"):
        a2dsplus.ContrastClips(tmp_path / "out")
