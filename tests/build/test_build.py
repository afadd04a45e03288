"""The whole of `a2dsplus build`: from an A2D-Sentences folder to M, S and T, again and again, with faults, kills and reviews."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import a2dsplus
from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.build.stages.compose import samples_of
from a2dsplus.cli import main
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset import tables
from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine
from a2dsplus.errors import A2dsplusError, InputError, WorkspaceError
from a2dsplus.files import sha256
from a2dsplus.media import masks
from a2dsplus.records import SubsetName
from a2dsplus.sources.a2d import A2dSource
from tests.conftest import write_clip, write_masks
from tests.shared_data import needs_shared

NOTHING = Rendering(form="none")


def _build(root: Path, out: Path, **options: Any) -> Any:
    return build(A2dSource(root), out, options=BuildOptions(**{"rendering": NOTHING, **options}))


def _hashes(out: Path) -> dict[str, str]:
    return {name: sha256(out / name) for name in [*Workspace(out).files(), "manifest.json"]}


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def built(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small root as a rendered dataset, read only."""
    out = tmp_path_factory.mktemp("built") / "out"
    _build(small_root, out, rendering=Rendering(), engine=LocalEngine(workers=2))
    return out


def test_the_workspace_holds_what_the_design_says(built: Path) -> None:
    queries = pd.read_parquet(built / "queries.parquet")
    assert list(queries) == ["query_id", "video_id", "expression_id", "objects", "text", "split"]
    assert set(pd.read_parquet(built / "roles.parquet")) >= {
        "query_id",
        "role_frame",
        "role",
        "slot",
        "phrase",
        "lemma",
    }
    pairs = pd.read_parquet(built / "pairs.parquet")
    columns = "query_id contrast_query_id tier shared differing extra kind grade because doubt relation rank status"
    assert list(pairs) == columns.split()
    assert set(pairs["status"]) == {"unreviewed"}
    for subset in ("M", "S", "T"):
        meta = json.loads((built / subset / "meta_expressions.json").read_text())["videos"]
        samples = [json.loads(line) for line in (built / subset / "samples.jsonl").read_text().splitlines()]
        truth = json.loads((built / subset / "ground_truth.json").read_text())
        assert set(meta) == {sample["sample_id"] for sample in samples}
        for sample in samples:
            assert meta[sample["sample_id"]]["frames"] == [f"{frame:05d}" for frame in range(1, sample["frames"] + 1)]
            assert (built / subset / "videos" / f"{sample['sample_id']}.mp4").is_file()
            if subset == "M":
                assert sample["query"] is None and sample["contrast"] is None and len(sample["queries"]) > 1
            else:
                assert sample["sample_id"] == sample["query"]["query_id"].replace("/", "_")
                assert sample["query"]["video_id"] != sample["contrast"]["video_id"]
        ids = [image["id"] for image in truth["images"]]
        assert len(set(ids)) == len(ids) == len(truth["annotations"])
        assert [annotation["image_id"] for annotation in truth["annotations"]] == ids
        for annotation in truth["annotations"]:
            assert annotation["area"] == masks.area(annotation["segmentation"])
            assert (annotation["category_id"], annotation["iscrowd"]) == (1, 0)


def test_coco_tools_load_the_ground_truth_unchanged(built: Path) -> None:
    from pycocotools.coco import COCO

    coco = COCO(str(built / "T" / "ground_truth.json"))
    empty = [annotation for annotation in coco.dataset["annotations"] if annotation["area"] == 0]
    assert empty and all(not coco.annToMask(annotation).any() for annotation in empty)


def test_m_has_the_videos_with_several_described_actors(built: Path) -> None:
    samples = samples_of(Workspace(built), SubsetName.M)
    assert {sample.sample_id: sample.queries for sample in samples} == {
        "aaaaaaaaaaa": ("aaaaaaaaaaa/0", "aaaaaaaaaaa/1"),
        "ccccccccccc": ("ccccccccccc/0", "ccccccccccc/2"),
    }
    assert samples[0].evaluated_frames == (3, 6, 9)


def test_a_second_run_changes_nothing_and_the_dataset_verifies(built: Path, small_root: Path) -> None:
    before = _hashes(built)
    report = _build(small_root, built, rendering=Rendering())
    assert {"read", "roles", "sample", "compose", "render (0 new)"} <= set(report.kept)
    assert _hashes(built) == before
    assert verify(Workspace(built)).is_sound


def test_workers_and_seed(small_root: Path, tmp_path: Path, built: Path) -> None:
    _build(small_root, tmp_path / "one", rendering=Rendering())
    assert _hashes(tmp_path / "one") == _hashes(built)


def test_subset_composes_the_rendered_frames(built: Path) -> None:
    for name in ("M", "S", "T"):
        subset = a2dsplus.Subset(built, name)
        truth = {
            image["key"]: row["segmentation"]
            for document in [json.loads((built / name / "ground_truth.json").read_text())]
            for image, row in zip(document["images"], document["annotations"], strict=True)
        }
        for index, (sample, query) in enumerate(subset.queries):
            item = subset[index]
            assert (
                item.frames.shape == (sample.frames, sample.height, sample.width, 3) and item.frames.dtype == np.uint8
            )
            assert (
                item.masks.shape == (len(item.evaluated_frames), sample.height, sample.width)
                and item.masks.dtype == bool
            )
            assert (item.text, item.query_id) == (query.text, query.query_id)
            for frame, mask in zip(item.evaluated_frames, item.masks, strict=True):
                assert (masks.decode(truth[f"{sample.sample_id}/{frame:05d}/{item.expression}"]) == mask).all()
    few = a2dsplus.Subset(built, "T", frames="evaluated")[0]
    whole = a2dsplus.Subset(built, "T")[0]
    assert (few.frames == whole.frames[few.evaluated_frames - 1]).all()


def test_a_torch_data_loader_takes_a_subset_as_it_is(built: Path) -> None:
    from torch.utils.data import DataLoader

    subset = a2dsplus.Subset(built, "S", frames="evaluated")
    items = list(DataLoader(subset, batch_size=None, num_workers=2, multiprocessing_context="spawn"))  # type: ignore[arg-type]
    assert [item.query_id for item in items] == [query.query_id for _, query in subset.queries]


def test_a_torch_data_loader_makes_batches_with_collate(built: Path) -> None:
    import torch
    from torch.utils.data import DataLoader

    subset = a2dsplus.Subset(built, "T", frames="evaluated")
    batches = list(DataLoader(subset, batch_size=2, collate_fn=a2dsplus.collate))  # type: ignore[arg-type]
    assert [query for batch in batches for query in batch["query_id"]] == [q.query_id for _, q in subset.queries]
    frames, masks = batches[0]["frames"], batches[0]["masks"]
    assert frames[0].dtype == torch.uint8 and masks[0].dtype == torch.bool
    assert (frames[1].numpy() == subset[1].frames).all() and (masks[1].numpy() == subset[1].masks).all()


def test_damage_is_found_and_mended(small_root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _build(small_root, out, rendering=Rendering())
    whole = _hashes(out)
    (out / "S" / "ground_truth.json").write_text("{}")
    video = next((out / "T" / "videos").iterdir())
    video.unlink()
    (out / "M" / "notes.txt").write_text("mine")
    found = verify(Workspace(out))
    assert (found.changed, found.missing, found.extra) == (
        ("S/ground_truth.json",),
        (f"T/videos/{video.name}",),
        ("M/notes.txt",),
    )
    result = _run("verify", "--dataset", out)
    assert isinstance(result.exception, WorkspaceError) and "missing: T/videos/" in result.stdout
    (out / "M" / "notes.txt").unlink()
    _build(small_root, out, rendering=Rendering())
    assert _hashes(out) == whole


def test_kill_at_any_moment_loses_nothing_and_the_next_run_ends_in_the_same_bytes(
    small_root: Path, tmp_path: Path, built: Path
) -> None:
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "a2dsplus",
        "build",
        "--root",
        str(small_root),
        "--out",
        str(out),
        "--workers",
        "2",
    ]
    made = 0
    for wanted in (1, 4):
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            while process.poll() is None and len(list(out.glob("*/videos/[!.]*.mp4"))) < made + wanted:
                pass
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        now = len(list(out.glob("*/videos/[!.]*.mp4")))
        assert now >= made
        made = now
    subprocess.run(command, check=True, capture_output=True)
    assert _hashes(out) == _hashes(built)
    assert not list(out.rglob("*.partial"))


def test_more_contrasts_than_true_negatives_are_said_or_left_out(small_root: Path, tmp_path: Path) -> None:
    def made(name: str, full_only: bool) -> tuple[dict[str, Any], Counter[int]]:
        report = _build(small_root, tmp_path / name, contrasts=9, full_only=full_only)
        lines = (tmp_path / name / "S" / "samples.jsonl").read_text().splitlines()
        assert report.short == json.loads((tmp_path / name / "manifest.json").read_text())["short"]
        return report.short, Counter(len(json.loads(line)["contrasts"]) for line in lines)

    short, counts = made("fewer", full_only=False)
    assert counts and max(counts) < 9 and sum(counts.values()) == len(short)
    assert all(re.fullmatch(r"[0-8] of 9 contrasts are true negatives", why) for why in short.values())
    left_out, none = made("left-out", full_only=True)
    assert not none and left_out.keys() == short.keys()
    assert all(why.endswith("; left out") for why in left_out.values())


MASKS = "text_annotations/a2d_annotation_with_instances"


def _instances(root: Path, *, instance: Any) -> None:
    """Put another `instance` into a frame's file: an array, or a group where it is None."""
    with h5py.File(root / MASKS / "aaaaaaaaaaa/00003.h5", "a") as file:
        del file["instance"]
        if instance is None:
            file.create_group("instance")
        else:
            file["instance"] = instance


def test_hidden_files_of_macos_are_no_part_of_a_build(root: Path, tmp_path: Path, built: Path) -> None:
    (root / MASKS / "aaaaaaaaaaa/._00003.h5").write_bytes(b"Mac OS X")
    (root / "Release/clips320H/._aaaaaaaaaaa.mp4").write_bytes(b"Mac OS X")
    for more in ({}, {"skip_bad": True}):
        out = tmp_path / f"out{len(more)}"
        _build(root, out, **more)
        own, right = (json.loads((folder / "manifest.json").read_text()) for folder in (out, built))
        assert own["left_out"] == right["left_out"]
        assert (out / "masks.parquet").read_bytes() == (built / "masks.parquet").read_bytes()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "Release/clips320H/aaaaaaaaaaa.mp4").unlink(), ["aaaaaaaaaaa.mp4", "missing"]),
        (lambda root: shutil.rmtree(root / "text_annotations/a2d_annotation_with_instances/aaaaaaaaaaa") or
         write_masks(root / "text_annotations/a2d_annotation_with_instances/aaaaaaaaaaa/00003.h5", ["0"], 48, 64), ["aaaaaaaaaaa/1", "no annotated frame"]),
        (lambda root: _instances(root, instance=np.array([0.0, np.nan])), ["aaaaaaaaaaa", "00003.h5", "instance id nan"]),
        (lambda root: _instances(root, instance=None), ["aaaaaaaaaaa", "00003.h5", "instance is a group"]),
        (lambda root: shutil.copy(root / MASKS / "aaaaaaaaaaa/00003.h5", root / MASKS / "aaaaaaaaaaa/3.h5"), ["aaaaaaaaaaa", "3.h5", "same frame"]),
    ],
)  # fmt: skip
def test_bad_input_stops_the_build_and_skip_bad_goes_on(
    root: Path, tmp_path: Path, spoil: Any, words: list[str]
) -> None:
    spoil(root)
    out = tmp_path / "out"
    with pytest.raises(InputError) as caught:
        _build(root, out)
    assert all(word in str(caught.value) for word in [*words, "--skip-bad"]) and "\n" not in str(caught.value)
    assert not out.exists()
    result = _run("build", "--root", root, "--out", out, "--render", "none", "--skip-bad")
    assert result.exit_code == 0, result.output
    left_out = json.loads((out / "manifest.json").read_text())["left_out"]
    assert any(words[0].removesuffix(".mp4") in row["item"] for row in left_out)
    assert f"left out: {words[0].removesuffix('.mp4')}" in result.output


def test_a_clip_that_breaks_off_while_rendering(root: Path, tmp_path: Path) -> None:
    clip = root / "Release/clips320H/ccccccccccc.mp4"
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : start + 4000] = bytes(4000)
    clip.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"ccccccccccc\.mp4") as caught:
        _build(root, tmp_path / "out", rendering=Rendering())
    assert "--skip-bad" in str(caught.value)
    report = _build(root, tmp_path / "out", rendering=Rendering(), skip_bad=True)
    assert any("ccccccccccc" in row.reason for row in report.left_out)
    videos = {path.stem for path in (tmp_path / "out").glob("S/videos/*.mp4")}
    assert videos == {sample.sample_id for sample in samples_of(Workspace(tmp_path / "out"), SubsetName.S)}
    assert verify(Workspace(tmp_path / "out")).is_sound


def test_a_workspace_of_another_source_split_or_version_is_left_alone(
    root: Path, tmp_path: Path, small_root: Path
) -> None:
    out = tmp_path / "out"
    _build(small_root, out)
    before = _hashes(out)
    write_clip(
        root / "Release/clips320H/ddddddddddd.mp4", 9, 50, 66, tables.read_clips(Workspace(out))["aaaaaaaaaaa"].rate
    )
    with pytest.raises(WorkspaceError, match="another source"):
        _build(root, out)
    assert _hashes(out) == before
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, "schema": 99}))
    with pytest.raises(WorkspaceError, match="schema 99"):
        _build(small_root, out)


def test_the_same_folder_mended_is_built_again(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _build(root, out)
    write_masks(root / "text_annotations/a2d_annotation_with_instances/ddddddddddd/00007.h5", ["0"], 50, 66)
    report = _build(root, out)
    assert "read" in report.done
    assert 7 in tables.read_masks(Workspace(out))["ddddddddddd"]


def test_a_rejected_pair_is_replaced_an_accepted_one_kept_and_only_their_videos_are_made_anew(
    small_root: Path, tmp_path: Path
) -> None:
    from a2dsplus.review.decisions import Verdict
    from a2dsplus.review.store import Store, default_url
    from tests.review.test_log import say

    out = tmp_path / "out"
    _build(small_root, out, rendering=Rendering())
    pairs = tables.read_pairs(Workspace(out))
    ranked: dict[str, list[str]] = {}
    for pair in pairs:
        ranked.setdefault(pair.query_id, []).append(pair.contrast_query_id)
    rejected = next(query for query, contrasts in ranked.items() if len(contrasts) > 1)
    accepted = next(query for query in ranked if query != rejected)
    store = Store(default_url(out))
    store.append(say(Verdict.REJECT, pair=(rejected, ranked[rejected][0])))
    store.append(say(Verdict.ACCEPT, pair=(accepted, ranked[accepted][0])))
    store.close()
    report = _build(small_root, out, rendering=Rendering())
    used = {pair.query_id: pair for pair in tables.read_pairs(Workspace(out)) if pair.rank == 0}
    assert used[rejected].contrast_query_id == ranked[rejected][1]
    assert (used[accepted].contrast_query_id, used[accepted].status) == (ranked[accepted][0], "accepted")
    for query in ranked.keys() - {rejected}:
        assert used[query].contrast_query_id == ranked[query][0]
    # the query's S and T alone
    assert "render (2 new)" in report.done
    assert verify(Workspace(out)).is_sound
    assert "review" in _run("stats", "--dataset", out).output


def test_published_pairs_rebuild_the_same_benchmark_elsewhere(small_root: Path, tmp_path: Path) -> None:
    from a2dsplus.contrast.pairs_file import write_pairs
    from a2dsplus.contrast.reviewed import to_publish

    first, second, file = tmp_path / "first", tmp_path / "second", tmp_path / "pairs.json"
    _build(small_root, first, seed=3, rendering=Rendering())
    pairs = tables.read_pairs(Workspace(first))
    assert write_pairs(file, to_publish(pairs), split="test") == sum(pair.rank == 0 for pair in pairs)
    text = file.read_text()
    assert all(query.text not in text for query in tables.read_queries(Workspace(first)))
    _build(small_root, second, seed=0, pairs=file, rendering=Rendering())
    for subset in ("M", "S", "T"):
        for path in sorted((first / subset).rglob("*")):
            if path.is_file():
                assert path.read_bytes() == (second / subset / path.relative_to(first / subset)).read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not a list of pairs"),
        ('{"schema": 1, "pairs": [{"query": "a/0"}]}', "pair 1"),
        ('{"schema": 1, "pairs": [{"query": "zzzzzzzzzzz/0", "contrast": "aaaaaaaaaaa/0", "status": "accepted"}]}', "zzzzzzzzzzz/0 is not in this source"),
        ('{"schema": 1, "pairs": [{"query": "a/0", "contrast": "b/0", "status": "maybe"}]}', "'maybe'"),
        ('{"schema": 7, "pairs": []}', "schema 7"),
    ],
)  # fmt: skip
def test_a_bad_pairs_file_is_one_clear_line(small_root: Path, tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        _build(small_root, tmp_path / "out", pairs=path)


def test_usage_errors(tmp_path: Path) -> None:
    result = _run("build", "--subsets", "M,X", "--out", tmp_path)
    assert isinstance(result.exception, A2dsplusError) and result.exception.exit_status == 2
    with pytest.raises(A2dsplusError, match="subset 'Q'"):
        a2dsplus.Subset(tmp_path, "Q")
    with pytest.raises(WorkspaceError, match="a2dsplus build"):
        a2dsplus.Subset(tmp_path / "none", "S")


def test_stats_prints_the_table_and_draws_the_sheet(built: Path, tmp_path: Path) -> None:
    result = _run("stats", "--dataset", built, "--figure", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines() if line[:2] in ("M ", "S ", "T ")}
    assert lines["M"] == ["2", "4", "2.00"]
    assert lines["S"][:2] == lines["T"][:2]
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(_run("stats", "--dataset", built, "--json").output)
    assert found["counts"]["units"] == 13


@needs_shared
def test_real_captions_and_masks_end_to_end(real_root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _run("build", "--split", "test", "--root", real_root, "--out", out, "--workers", "2")
    assert result.exit_code == 0, result.output
    counts = json.loads((out / "manifest.json").read_text())["counts"]
    assert (counts["videos"], counts["queries"], counts["units"]) == (40, 65, 202)
    assert counts["M"] == {"videos": 12, "queries": 37}
    assert counts["S"]["queries"] == counts["T"]["queries"] == counts["pairs"] >= 60
    assert verify(Workspace(out)).is_sound
    for name in ("S", "T"):
        truth = json.loads((out / name / "ground_truth.json").read_text())
        assert sum(annotation["area"] > 0 for annotation in truth["annotations"]) > 180
