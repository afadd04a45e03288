"""The procedural world on disk: A2D's layout, the same bytes for any number of workers, all or nothing."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from a2dsplus.cli.world import command
from a2dsplus.errors import InputError, UsageError
from a2dsplus.media.clips import decode as decode_clip
from a2dsplus.media.clips import to_rgb
from a2dsplus.media.masks import decode
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.world import paint_world
from a2dsplus.world.captions import colours
from a2dsplus.world.draw import paint
from a2dsplus.world.plan import Plan, plan_video
from a2dsplus.world.sheet import draw


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("procedural") / "world"
    paint_world(root, seed=3, workers=1, test_videos=3, train_videos=2)
    return root


def contents(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def plans(root: Path) -> Iterator[Plan]:
    """The plans behind a world's videos."""
    note = json.loads((root / "procedural.json").read_text())
    for split, count in note["counts"].items():
        for index in range(count):
            for attempt in range(50):
                plan = plan_video(seed=note["seed"], split=split, index=index, attempt=attempt)
                if [actor.kind for actor in plan.actors] == note["videos"][plan.video_id]["actors"]:
                    yield plan
                    break


def test_one_worker_and_two_write_the_same_bytes(world: Path, tmp_path: Path) -> None:
    paint_world(tmp_path / "again", seed=3, workers=2, test_videos=3, train_videos=2)
    assert contents(tmp_path / "again") == contents(world)


@pytest.mark.parametrize(("split", "videos"), [("test", 3), ("train", 2)])
def test_the_a2d_reader_reads_it_whole(world: Path, split: str, videos: int) -> None:
    source = A2dSource(world)
    listing = source.listing(split)
    assert not listing.left_out
    assert len({query.video_id for query in listing.queries}) == videos
    for query in listing.queries:
        video = source.video(query.video_id)
        assert 32 <= video.clip.frames <= 64
        assert video.clip.rate == 25
        seen = [frame for frame, masks in (video.masks or {}).items() if query.expression_id in masks]
        assert seen
        assert all(decode((video.masks or {})[frame][query.expression_id]).any() for frame in seen)


def test_masks_and_frames_on_disk_are_the_painted_ones(world: Path) -> None:
    source = A2dSource(world)
    for plan in plans(world):
        video = source.video(plan.video_id)
        painted = list(paint(plan, colours=colours()))
        assert sorted(video.masks or {}) == sorted(plan.annotated)
        for number, masks in (video.masks or {}).items():
            present = {str(k): mask for k, mask in enumerate(painted[number - 1].masks) if mask.any()}
            assert set(masks) == set(present)
            for instance, rle in masks.items():
                np.testing.assert_array_equal(decode(rle), present[instance])
        for frame, original in zip(map(to_rgb, decode_clip(video.clip)), painted, strict=True):
            assert np.abs(frame.astype(int) - original.image).mean() < 6


def test_h5_files_are_shaped_as_a2d_s(world: Path) -> None:
    shapes = set()
    for path in (world / "text_annotations" / "a2d_annotation_with_instances").rglob("*.h5"):
        with h5py.File(path) as file:
            count = file["instance"].shape[0]
            height, width = (file["reMask"].shape[-1], file["reMask"].shape[-2])
            assert height < width
            assert file["reMask"].ndim == (2 if count == 1 else 3)
            assert file["reBBox"].shape == ((4,) if count == 1 else (4, count))
            assert all(11 <= code <= 79 for code in file["id"][()])
            shapes.add(file["reMask"].ndim)
    assert shapes == {2, 3}


def test_the_note_lists_the_queries_that_only_the_whole_video_answers(world: Path) -> None:
    note = json.loads((world / "procedural.json").read_text())
    assert note["schema"] == 1
    expected = set()
    for video_id, about in note["videos"].items():
        if "look_alikes" in about:
            pair = about["look_alikes"]
            assert 1 < pair["divergence_frame"] < about["frames"]
            expected |= {f"{video_id}/{pair['target']}", f"{video_id}/{pair['other']}"}
    assert len(expected) == 4
    assert set(note["temporal_queries"]) == expected


def test_a_complete_world_is_not_painted_again(world: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*")}
    calls: list[int] = []
    paint_world(world, seed=3, test_videos=3, train_videos=2, progress=calls.append)
    assert not calls
    assert {path: path.stat().st_mtime_ns for path in world.rglob("*")} == before


def test_another_world_is_not_painted_over(world: Path) -> None:
    before = contents(world)
    with pytest.raises(InputError, match="of another seed; choose another folder"):
        paint_world(world, seed=5, test_videos=3, train_videos=2)
    assert contents(world) == before


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no procedural world"):
        paint_world(tmp_path, test_videos=1, splits=("test",))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_painter_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paint_world(tmp_path / "world", workers=1, splits=("test",), test_videos=2, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_painter_left_is_removed(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from a2dsplus.world import paint_world\n"
        "kill = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "paint_world(Path(sys.argv[1]), workers=1, splits=('test',), test_videos=1, size=(96, 128), progress=kill)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "world")], check=False)
    assert [path.name for path in tmp_path.iterdir()] != ["world"]
    paint_world(tmp_path / "world", workers=1, splits=("test",), test_videos=1, size=(96, 128))
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": ("valid",)}, "no split valid"),
        ({"size": (181, 240)}, "must be even"),
        ({"workers": 0}, "at least one"),
        ({"seed": -1}, "seeds start at 0"),
        ({"test_videos": 0}, "numbers of videos at 1"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        paint_world(tmp_path / "world", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="world: cannot be written"):
        paint_world(tmp_path / "file" / "world", splits=("test",), test_videos=1)


def test_the_command_draws_a_contact_sheet(world: Path, tmp_path: Path) -> None:
    figure = tmp_path / "pictures" / "sheet.png"
    options = ["--out", str(world), "--seed", "3", "--test-videos", "3", "--train-videos", "2", "--figure", str(figure)]
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 0, result.output
    about = json.loads((world / "procedural.json").read_text())["videos"]
    sheet = cv2.imread(str(figure))
    assert sheet is not None
    scenes = {video["scene"] for video in about.values() if video["split"] == "test"}
    assert sheet.shape[0] >= len(scenes) * 180
    assert sheet.std() > 30
    assert [path.name for path in figure.parent.iterdir()] == ["sheet.png"]


def test_a_sheet_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--out", str(tmp_path / "w"), "--figure", str(tmp_path / "sheet.doc")])
    assert isinstance(result.exception, UsageError)
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_of_an_unknown_video_is_refused(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no video AAAAAAAAAAA"):
        draw(world, tmp_path / "sheet.png", ["AAAAAAAAAAA"])


def test_the_command_paints_a_split(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        command, ["--out", str(tmp_path / "w"), "--split", "train", "--train-videos", "1", "--workers", "1"]
    )
    assert result.exit_code == 0, result.output
    assert "a2dsplus build --root" in result.output
    assert {query.split for query in A2dSource(tmp_path / "w").listing("train").queries} == {"train"}
