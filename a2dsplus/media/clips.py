"""Clips on disk: probe, decode and encode them, frame by frame; a container file and a folder of images alike.

Frames stay in yuv420p, as they are coded, between decoder and encoder: the two conversions to RGB and back would cost more
than everything else. Every frame that leaves here is upright and limited BT.601 (see `media.picture`).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from a2dsplus.errors import ClipError
from a2dsplus.media import containers, images
from a2dsplus.media.picture import BT601, LIMITED, PIXEL_FORMAT, Rgb, to_rgb
from a2dsplus.records import Clip

__all__ = ["PIXEL_FORMAT", "Rgb", "decode", "encode", "probe", "size_on_disk", "stamp", "to_rgb"]

# of an image folder whose source does not say (the rate of A2D's own clips is in their files)
ASSUMED_RATE = Fraction(25)
Seen = Callable[[int, av.VideoFrame], None]


def probe(path: Path, *, video_id: str, rate: Fraction | None = None, frame_names: Sequence[str] | None = None) -> Clip:
    """Return the clip of a container file or of a folder of images: how many frames a player shows, their size and rate.

    `rate`: of a folder, where its source says one. `frame_names`: a folder's frames in order, without suffix; by default all its
    images in natural order. Raises ClipError where the file or a named frame is missing, damaged, truncated, or holds no frame.
    """
    if path.is_dir():
        return images.probe(path, video_id=video_id, rate=rate, names=frame_names, assumed_rate=ASSUMED_RATE)
    if not path.is_file():
        raise ClipError(
            f"{path}: the clip of video {video_id} is missing; put it there or leave the video out with --skip-bad"
        )
    return containers.probe(path, video_id=video_id)


def decode(clip: Clip, wanted: Sequence[int] | None = None, *, seen: Seen | None = None) -> Iterator[av.VideoFrame]:
    """Yield a clip's frames in order, each yuv420p, upright, limited BT.601.

    `wanted`: 0-based indices, never descending, all by default; a repeated one yields the same frame again. `seen` is called with
    the index and the frame of every frame of the clip, also of those not wanted, to the clip's end: without it no more is decoded than
    has to be. Raises ClipError where the clip has changed since it was probed, or a frame is damaged or cannot be decoded.
    """
    indices = range(clip.frames) if wanted is None else wanted
    if clip.is_folder:
        needed: Sequence[int] = range(clip.frames) if seen else sorted(set(indices))
        frames: Iterator[tuple[int, av.VideoFrame]] = zip(needed, images.decode(clip, needed), strict=True)
    else:
        frames = enumerate(containers.decode(clip))
    asked = iter(indices)
    due = next(asked, None)
    for index, frame in frames:
        if seen is not None:
            seen(index, frame)
        while due == index:
            yield frame
            due = next(asked, None)
        if due is None and seen is None and index < clip.frames - 1:
            return


def size_on_disk(clip: Clip) -> int:
    """Return how many bytes a clip's file, or its images together, have."""
    return sum(path.stat().st_size for path in _files(clip))


def stamp(clip: Clip) -> str:
    """Return a key that changes with a clip's file or images (sizes and times of change): cheap."""
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _files(clip)]
    return hashlib.sha256(repr(states).encode()).hexdigest()


def _files(clip: Clip) -> list[Path]:
    return images.frame_files(clip) if clip.is_folder else [clip.path]


def encode(
    path: Path,
    frames: Iterable[av.VideoFrame],
    *,
    height: int,
    width: int,
    rate: Fraction,
    preset: str = "veryfast",
    crf: int = 18,
) -> int:
    """Write frames as an H.264 mp4 (yuv420p, tagged limited BT.601, constant rate) that any player opens; return how many.

    One encoder thread: the bytes depend on the frames alone, whatever the machine's number of cores. Raises OSError where the file
    cannot be written to its end.
    """
    # without cpu-independent x264's AVX-512 code for macroblock trees now and then gives other bytes for the same frames
    options = {"preset": preset, "crf": str(crf), "x264-params": "cpu-independent=1"}
    flags = {"movflags": "+faststart", "fflags": "+bitexact"}
    count = 0
    try:
        with av.open(f"file:{path.absolute()}", "w", format="mp4", options=flags) as container:
            stream: Any = container.add_stream("libx264", rate=rate, options=options)
            stream.height, stream.width, stream.pix_fmt = height, width, PIXEL_FORMAT
            stream.codec_context.color_range, stream.codec_context.colorspace = LIMITED, BT601
            stream.codec_context.thread_count = 1
            stream.codec_context.time_base = 1 / rate
            for frame in frames:
                frame.pts, frame.time_base = count, 1 / rate
                # the source's own decision about key frames is not ours
                frame.pict_type = 0
                container.mux(stream.encode(frame))
                count += 1
            container.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        # the frames' own errors are ClipErrors already: what is left is the file's
        raise OSError(error.errno, containers.reason(error)) from error
    return count
