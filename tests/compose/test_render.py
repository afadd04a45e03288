"""Rendered samples: the promised frames, the same bytes whatever the workers, and the very frames that Subset gives."""

import resource
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from a2dsplus.compose.frames import composed_frames
from a2dsplus.compose.geometry import composite, whole
from a2dsplus.compose.render import Rendered, Rendering, render
from a2dsplus.engine import LocalEngine
from a2dsplus.errors import ClipError, WorkspaceError
from a2dsplus.media.clips import decode, probe, to_rgb
from a2dsplus.records import Clip, Order, Sample, SubsetName
from a2dsplus.sources.a2d import A2dSource


@pytest.fixture(scope="module")
def world(small_root: Path) -> tuple[dict[str, Clip], list[Sample]]:
    """The small root's clips, and M, S and T samples of both orders over them, sizes odd and even."""
    source = A2dSource(small_root)
    queries = source.listing("test").queries
    videos = {query.video_id: source.video(query.video_id) for query in queries}
    clips = {video: found.clip for video, found in videos.items()}
    masks = {video: found.masks or {} for video, found in videos.items()}
    samples = [
        whole(
            SubsetName.M,
            "aaaaaaaaaaa",
            [q for q in queries if q.video_id == "aaaaaaaaaaa"],
            clips["aaaaaaaaaaa"],
            masks["aaaaaaaaaaa"],
        )
    ]
    for number, query in enumerate(queries):
        contrast = next(q for q in queries[number + 1 :] + queries if q.video_id != query.video_id)
        for order, subset in (
            (list(Order)[number % 2], SubsetName.S),
            (list(Order)[number // 2 % 2], SubsetName.T),
        ):
            samples.append(composite(subset, query, [contrast], clips=clips, masks_of=masks.__getitem__, order=order))
    return clips, samples


def _render(
    out: Path,
    world: tuple[dict[str, Clip], list[Sample]],
    rendering: Rendering,
    *,
    workers: int = 1,
    samples: Sequence[Sample] | None = None,
) -> Rendered:
    clips, every = world
    return render(
        out,
        every if samples is None else samples,
        clips,
        rendering=rendering,
        journal=out / ".a2dsplus" / "rendered.jsonl",
        stamps={video: f"{clip.frames}" for video, clip in clips.items()},
        engine=LocalEngine(workers=workers),
    )


def _brightness(frames: np.ndarray) -> list[int]:
    """The frame number that conftest painted into each frame."""
    return [round((float(np.median(frame)) - 20) / 10) for frame in frames]


def test_every_video_has_exactly_the_promised_frames_and_any_player_s_format(
    tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]
) -> None:
    clips, samples = world
    result = _render(tmp_path, world, Rendering())
    assert (result.made, result.failed, len(result.files)) == (len(samples), [], len(samples))
    for sample in samples:
        path = tmp_path / Rendering().target(sample)
        clip = probe(path, video_id="rendered")
        assert (clip.frames, clip.height, clip.width) == (sample.frames, sample.height, sample.width)
        assert clip.rate == clips[sample.video_id].rate
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
            times = [frame.pts * frame.time_base for frame in container.decode(stream)]
        assert times == [index / clip.rate for index in range(sample.frames)]


def test_s_shows_both_clips_in_step_and_t_one_after_the_other(world: tuple[dict[str, Clip], list[Sample]]) -> None:
    clips, samples = world
    for sample in samples[1:]:
        assert sample.query is not None and sample.contrast is not None
        frames = np.stack([to_rgb(frame) for frame in composed_frames(sample, clips)])
        assert frames.shape == (sample.frames, sample.height, sample.width, 3)
        n, other = sample.query.frames, sample.contrast.frames
        if sample.subset == "S":
            seam = sample.query.width + sample.query.width % 2
            query_part, contrast_part = frames[:, :, :seam], frames[:, :, seam:]
            if sample.order is Order.CONTRAST_FIRST:
                seam = sample.width - seam
                contrast_part, query_part = frames[:, :, :seam], frames[:, :, seam:]
            assert _brightness(query_part) == list(range(n))
            assert _brightness(contrast_part) == [min(index, other - 1) for index in range(n)]
        else:
            halves = (frames[:n], frames[n:]) if sample.order is Order.QUERY_FIRST else (frames[n:], frames[:n])
            assert _brightness(halves[0]) == list(range(n))
            shown = _brightness(halves[1])
            assert shown[0] == 0 and shown[-1] == other - 1 and shown == sorted(shown)


def test_two_workers_make_the_same_bytes_as_one(tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]) -> None:
    one = _render(tmp_path / "one", world, Rendering(), workers=1)
    two = _render(tmp_path / "two", world, Rendering(), workers=2)
    assert one.files == two.files and len(one.files) == len(world[1])


def test_images_are_the_composed_frames(tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]) -> None:
    clips, samples = world
    chosen = [samples[1], samples[2]]
    _render(tmp_path, world, Rendering(form="frames", image="png"), samples=chosen)
    _render(tmp_path, world, Rendering(form="frames", quality=97), samples=chosen)
    for sample in chosen:
        for number, frame in enumerate(composed_frames(sample, clips), 1):
            rgb = to_rgb(frame)
            png = cv2.imread(str(tmp_path / sample.subset / "PNGImages" / sample.sample_id / f"{number:05d}.png"))
            jpg = cv2.imread(str(tmp_path / sample.subset / "JPEGImages" / sample.sample_id / f"{number:05d}.jpg"))
            assert (cv2.cvtColor(png, cv2.COLOR_BGR2RGB) == rgb).all()
            assert np.abs(cv2.cvtColor(jpg, cv2.COLOR_BGR2RGB).astype(int) - rgb).mean() < 3


def test_a_second_run_makes_only_what_changed(tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]) -> None:
    first = _render(tmp_path, world, Rendering())
    names = sorted(first.files)
    (tmp_path / names[0]).unlink()
    (tmp_path / names[1]).write_bytes(b"damaged")
    second = _render(tmp_path, world, Rendering())
    assert second.made == 2 and second.files == first.files
    assert _render(tmp_path, world, Rendering()).made == 0


def test_a_torn_journal_costs_only_the_torn_line(tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]) -> None:
    first = _render(tmp_path, world, Rendering())
    journal = tmp_path / ".a2dsplus" / "rendered.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    assert _render(tmp_path, world, Rendering()).made == 1
    again = _render(tmp_path, world, Rendering())
    assert again.made == 0 and again.files == first.files


def test_a_clip_that_ends_early_fails_its_samples_alone_and_leaves_no_file(
    tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]
) -> None:
    clips, samples = world
    cut = tmp_path / "cut.mp4"
    data = clips["ccccccccccc"].path.read_bytes()
    cut.write_bytes(data[: data.rindex(b"moov") - 4])
    spoilt = {
        **clips,
        "ccccccccccc": Clip(
            video_id="ccccccccccc", path=cut, frames=20, height=64, width=48, rate=clips["ccccccccccc"].rate
        ),
    }
    result = _render(tmp_path / "out", (spoilt, samples), Rendering())
    touched = {
        f"{s.subset}/{s.sample_id}"
        for s in samples
        if "ccccccccccc" in (s.video_id, s.contrast and s.contrast.video_id)
    }
    assert {row.item for row in result.failed} == touched
    assert all(str(cut) in row.reason for row in result.failed)
    written = {path.stem for path in (tmp_path / "out").rglob("*.mp4")}
    assert written == {s.sample_id for s in samples if f"{s.subset}/{s.sample_id}" not in touched}
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_a_full_disk_is_one_clear_line_and_leaves_nothing_half_written(
    tmp_path: Path, world: tuple[dict[str, Clip], list[Sample]]
) -> None:
    # a limit on the size of files stands for the full disk: the operating system refuses the write in the same place
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, before[1]))
    try:
        for rendering in (Rendering(), Rendering(form="frames", image="png")):
            with pytest.raises(WorkspaceError, match="cannot be written"):
                _render(tmp_path, world, rendering, samples=world[1][2:3])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "rendered.jsonl"] == []


def test_decoding_says_how_many_frames_there_are(world: tuple[dict[str, Clip], list[Sample]]) -> None:
    clip = world[0]["aaaaaaaaaaa"]
    longer = Clip(
        video_id=clip.video_id, path=clip.path, frames=13, height=clip.height, width=clip.width, rate=clip.rate
    )
    with pytest.raises(ClipError, match="12 of 13 frames"):
        list(decode(longer))
