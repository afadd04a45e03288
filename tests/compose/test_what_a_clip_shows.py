"""One rule for all: build, renderer, Subset, exports and the review page show a clip's frames as a player does (DESIGN, section 9).

The clips of `tests.media.marked` and of the shared cases tell their number, place and colour in every frame. Each is made a query's and a
contrast's clip, and everything that shows frames is asked.
"""

import io
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from a2dsplus import Subset
from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.frames import composed_frames
from a2dsplus.compose.geometry import Panel, composite, panels
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.export import EXPORTS, export
from a2dsplus.media.clips import decode, probe, to_rgb
from a2dsplus.models.footage import SampleVideo
from a2dsplus.records import Clip, Order, Query, Sample, SubsetName
from a2dsplus.review.catalogue import Catalogue
from a2dsplus.review.media import Media
from a2dsplus.sources.a2d import A2dSource
from tests.media import marked
from tests.shared_data import SHARED

pytestmark = pytest.mark.slow  # one world of clips, whose every composite is encoded

_ANNOTATED = (5, 15, 25)
# one of each kind; the decoder is asked for all of them in tests/media/test_clips.py
_CODINGS = (
    "plain.mp4",
    "full.mp4",
    "bt709.mov",
    "full709.mkv",
    "ten_bits.mkv",
    "vp9_709.webm",
    "mpeg4.avi",
    "late.mp4",
    "slower.mp4",
    "cover_track.mkv",
    "turned90.mp4",
    "mirrored.mp4",
    "turned_full_709.mp4",
)
_CASES = ("editlist.mp4", "full.mp4", "plain.mp4", "vfr.mp4")
# which frame number the editlist case shows at each of its frames: the last one's neighbour was cut off with the file
_SHOWN = {"editlist.mp4": (*range(15, 46), 47)}


def _a2d_folder(root: Path) -> dict[str, tuple[int, ...]]:
    """Write an A2D-Sentences folder with a clip of each coding; return {video id: the number that each of its frames shows}."""
    clips, text = root / "Release/clips320H", root / "text_annotations"
    clips.mkdir(parents=True)
    text.mkdir()
    numbers: dict[str, tuple[int, ...]] = {}
    for name in _CODINGS:
        video = f"made_{name.partition('.')[0]}"
        marked.write(clips / f"{video}{Path(name).suffix}", marked.CODINGS[name])
        numbers[video] = tuple(range(marked.FRAMES))
    for name in _CASES:
        case = SHARED / "cases/clips" / name
        if case.is_file():
            video = f"case_{name.partition('.')[0]}"
            (clips / f"{video}.mp4").write_bytes(case.read_bytes())
            numbers[video] = _SHOWN.get(name, tuple(range(marked.FRAMES)))
    rows = "".join(f"{video},11,0:00,0:01,120,160,30,3,1\n" for video in numbers)
    (root / "Release/videoset.csv").write_text(rows)
    verbs = ("rolling", "sliding")
    captions = [f"{video},0,a red box is {verbs[n % 2]} to the right\n" for n, video in enumerate(numbers)]
    (text / "a2d_annotation.txt").write_text("video_id,instance_id,query\n" + "".join(captions))
    for video, shown in numbers.items():
        folder = text / "a2d_annotation_with_instances" / video
        folder.mkdir(parents=True)
        for frame in _ANNOTATED:
            with h5py.File(folder / f"{frame:05d}.h5", "w") as file:
                file["instance"] = np.array([0.0])
                file["reMask"] = marked.mask(shown[frame - 1]).T
    return numbers


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[int, ...]]]:
    """A dataset of those clips, rendered as videos, and what each clip's frames show."""
    folder = tmp_path_factory.mktemp("shown")
    numbers = _a2d_folder(folder / "root")
    build(A2dSource(folder / "root"), folder / "out", options=BuildOptions(subsets=(SubsetName.S, SubsetName.T)))
    return folder / "out", numbers


def _shown(sample: Sample, numbers: dict[str, tuple[int, ...]]) -> Iterator[list[tuple[Panel, int]]]:
    """Yield what each frame of a sample has to show: (panel, number)."""
    for frame in range(1, sample.frames + 1):
        yield [
            (panel, numbers[panel.video_id][panel.indices[frame - 1 - panel.first_index]])
            for panel in panels(sample)
            if panel.shows(frame)
        ]


def _check(
    sample: Sample, frames: Sequence[np.ndarray], numbers: dict[str, tuple[int, ...]], *, off: int = 6, step: int = 1
) -> None:
    """Check every `step`-th frame of a sample, and the last one."""
    assert len(frames) == sample.frames
    for place, (frame, shown) in enumerate(zip(frames, _shown(sample, numbers), strict=True), 1):
        if place % step and place < len(frames):
            continue
        for panel, number in shown:
            here = frame[: panel.height, panel.left : panel.left + panel.width]
            marked.check(np.ascontiguousarray(here), number, off=off)


def _as_any_player(path: Path) -> list[np.ndarray]:
    """Return a file's frames as RGB, by nothing but what the file says of itself."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (int(stream.codec_context.color_range), int(stream.codec_context.colorspace)) == (1, 6)
        frames = list(container.decode(stream))
        steps = {late.pts - early.pts for early, late in pairwise(frames)}
        assert frames[0].pts == 0 and len(steps) == 1
        return [frame.to_ndarray(format="rgb24") for frame in frames]


@pytest.mark.parametrize("subset", ["S", "T"])
def test_rendered_videos_and_subset_show_what_a_player_shows(
    made: tuple[Path, dict[str, tuple[int, ...]]], subset: str
) -> None:
    out, numbers = made
    found = Subset(out, subset)
    assert {sample.video_id for sample in found.samples} == numbers.keys()
    for sample in found.samples:
        _check(sample, _as_any_player(out / Rendering().target(sample)), numbers)
    for index in range(len(found)):
        item, (sample, _) = found[index], found.queries[index]
        _check(sample, list(item.frames), numbers, step=2)
        # the outline lies on the square
        for frame, mask in zip(item.evaluated_frames, item.masks, strict=True):
            if mask.any():
                seen = item.frames[frame - 1]
                assert np.abs(np.median(seen[mask], axis=0) - marked.RED).max() <= 6


def test_only_the_evaluated_frames_are_the_same_frames(made: tuple[Path, dict[str, tuple[int, ...]]]) -> None:
    for subset in ("S", "T"):
        every, some = Subset(made[0], subset), Subset(made[0], subset, frames="evaluated")
        for index in range(0, len(every), 4):
            chosen = every[index].frames[some[index].frame_numbers - 1]
            assert np.array_equal(chosen, some[index].frames) and len(chosen) == len(some[index].evaluated_frames)


def _exported(folder: Path, sample: Sample) -> Sequence[np.ndarray] | None:
    """Return a sample's frames as an export shows them, as a video or as a folder of images; None where it has no pictures."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stem == sample.sample_id and path.suffix == ".mp4":
            return _as_any_player(path)
        if path.is_dir() and path.name == sample.sample_id:
            images = sorted(image for image in path.iterdir() if image.suffix in (".jpg", ".png"))
            if len(images) == sample.frames:
                return [np.asarray(Image.open(image).convert("RGB")) for image in images]
    return None


def test_every_export_shows_what_a_player_shows(made: tuple[Path, dict[str, tuple[int, ...]]], tmp_path: Path) -> None:
    out, numbers = made
    with_pictures = set()
    for layout in EXPORTS.places():
        export(out, tmp_path / layout, layout=layout, subsets=["S"])
        for sample in Subset(out, "S").samples:
            frames = _exported(tmp_path / layout, sample)
            if frames is not None:
                _check(sample, frames, numbers, off=8, step=4)
                with_pictures.add(layout)
    assert with_pictures == EXPORTS.places().keys() - {"codabench"}
    samples = {sample.sample_id: sample for sample in Subset(out, "S").samples}
    for row in pq.read_table(tmp_path / "hf/S/test.parquet").to_pylist():  # the pictures beside the videos
        sample = samples[row["sample_id"]]
        every = list(_shown(sample, numbers))
        for frame, image in zip(row["evaluated_frames"], row["images"], strict=True):
            picture = np.asarray(Image.open(io.BytesIO(image["bytes"])).convert("RGB"))
            for panel, number in every[frame - 1]:
                here = picture[: panel.height, panel.left : panel.left + panel.width]
                marked.check(np.ascontiguousarray(here), number, off=8)


def test_models_are_given_what_a_player_shows(made: tuple[Path, dict[str, tuple[int, ...]]]) -> None:
    out, numbers = made
    found = Subset(out, "T")
    for sample in found.samples[::3]:
        video = SampleVideo(found, sample)
        first, again = list(video), list(video)
        _check(sample, first, numbers, step=4)
        assert all(np.array_equal(*frames) for frames in zip(first, again, strict=True))


def test_the_review_page_plays_what_a_player_shows(made: tuple[Path, dict[str, tuple[int, ...]]]) -> None:
    out, numbers = made
    workspace = Workspace.open(out)
    media = Media(workspace, Catalogue(workspace))
    served_as_it_is = set()
    for video, shown in numbers.items():
        path = media.playable(video)
        if path.suffix == ".mp4" and path.is_relative_to(out):
            frames = _as_any_player(path)
        else:
            served_as_it_is.add(video)
            with av.open(str(path)) as container:
                frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[0])]
        assert len(frames) == len(shown)
        for number, frame in zip(shown, frames, strict=True):
            marked.check(frame, number)
    # and when: a frame's time is the player's, from the first one on
    for video in numbers:
        times = media.times(video)
        if video in ("made_slower", "case_vfr"):
            with av.open(str(media.playable(video))) as container:
                assert times == pytest.approx([frame.time for frame in container.decode(video=0)], abs=1e-4)
        else:
            assert times is None and media.clip(video).rate == 25
    assert media.times("made_slower") == pytest.approx([float(time) for time in marked.times({"slower": True})])
    # what every browser shows so needs no copy; a variable rate is a matter of the page's clock
    assert served_as_it_is - {"case_plain", "case_vfr"} == {"made_plain", "made_slower"}


def test_the_review_page_composes_and_draws_what_a_player_shows(
    made: tuple[Path, dict[str, tuple[int, ...]]],
) -> None:
    out, numbers = made
    catalogue = Catalogue(Workspace.open(out))
    media = Media(Workspace.open(out), catalogue)
    videos = sorted(numbers)
    for subset in (SubsetName.S, SubsetName.T):
        samples = {sample.video_id: sample for sample in Subset(out, subset).samples}
        for video in videos[:: 3 if subset is SubsetName.S else 5]:
            sample = samples[video]
            assert sample.query is not None and sample.contrast is not None
            captions = [catalogue.index.caption(part.query_id) for part in (sample.query, sample.contrast)]
            assert captions[0] is not None and captions[1] is not None
            _check(sample, _as_any_player(media.preview(subset, captions[0], captions[1])), numbers, step=4)
    for video in videos:
        strip = np.asarray(Image.open(media.strip(video)).convert("RGB"))
        tiles = np.split(strip, len(_ANNOTATED), axis=1)
        for frame, tile in zip(_ANNOTATED, tiles, strict=True):
            scaled = np.asarray(Image.fromarray(tile).resize((marked.WIDTH, marked.HEIGHT)))
            seen = marked.see(scaled)
            assert seen.number == numbers[video][frame - 1]
            assert np.abs(np.array(seen.colour) - marked.RED).max() <= 8


def test_the_table_and_the_manifest_keep_what_was_found(made: tuple[Path, dict[str, tuple[int, ...]]]) -> None:
    out, numbers = made
    coding = {video: clip.coding for video, clip in Subset(out, "S").clips.items()}
    assert (coding["made_turned90"].rotation, coding["made_mirrored"].mirrored) == (90, True)
    assert (coding["made_full709"].color_range, coding["made_full709"].matrix) == ("full", "bt709")
    assert coding["made_late"].start == Fraction(12, 5) and coding["made_slower"].variable_rate
    if "case_editlist" in coding:
        assert coding["case_editlist"].discarded == 15
    frames = json.loads((out / "manifest.json").read_text())["frames"]
    assert frames.keys() == numbers.keys()
    assert all(len(row["marks"]) == 4 * len(numbers[video]) for video, row in frames.items())


def _query(video: str) -> Query:
    return Query(video_id=video, expression_id="0", objects=("0",), text="a red box", split="test")


def test_folders_and_containers_make_one_sample(tmp_path: Path) -> None:
    paths = {
        "images": marked.write_folder(tmp_path / "images", [f"{5 * k:05d}" for k in range(12)]),
        "turned": marked.write(tmp_path / "turned90.mp4"),
    }
    clips: dict[str, Clip] = {video: probe(path, video_id=video) for video, path in paths.items()}
    numbers = {video: tuple(range(clip.frames)) for video, clip in clips.items()}
    for subset in (SubsetName.S, SubsetName.T):
        for one, other in (("images", "turned"), ("turned", "images")):
            sample = composite(
                subset,
                _query(one),
                [_query(other)],
                clips=clips,
                masks_of=lambda _: {},
                order=Order.QUERY_FIRST,
            )
            _check(sample, [to_rgb(frame) for frame in composed_frames(sample, clips)], numbers)
            few = [to_rgb(frame) for frame in composed_frames(sample, clips, [2, 7, sample.frames - 1])]
            whole = [to_rgb(frame) for frame in composed_frames(sample, clips)]
            assert all((whole[at] == frame).all() for at, frame in zip((2, 7, sample.frames - 1), few, strict=True))


def test_wanted_images_alone_are_opened(tmp_path: Path) -> None:
    folder = marked.write_folder(tmp_path / "images", [str(k) for k in range(9)])
    clip = probe(folder, video_id="v")
    for name in ("0", "5", "8"):
        image = cv2.imread(str(folder / f"{name}.png"))
        (folder / f"{name}.png").write_bytes(b"damaged since")
        assert image is not None
    assert [marked.see(to_rgb(frame)).number for frame in decode(clip, [1, 4, 7])] == [1, 4, 7]
