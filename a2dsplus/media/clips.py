"""Clips on disk: probe, decode and encode them, frame by frame (on PyAV).

Frames stay in yuv420p, as they are coded, between decoder and encoder: the two conversions to RGB and back would cost more
than everything else. A frame's planes are (H, W), (H/2, W/2), (H/2, W/2), uint8.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ClipError
from a2dsplus.records import Clip

PIXEL_FORMAT = "yuv420p"
Rgb = npt.NDArray[np.uint8]


def probe(path: Path, *, video_id: str) -> Clip:
    """Return a clip's number of frames, size and rate, counted from its packets without decoding.

    Raises ClipError where the file is missing, truncated, no video, or holds no frame.
    """
    if not path.is_file():
        raise ClipError(
            f"{path}: the clip of video {video_id} is missing; put it there or leave the video out with --skip-bad"
        )
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(f"{path}: no video stream; replace the clip or leave it out with --skip-bad")
            stream = container.streams.video[0]
            promised, rate = stream.frames, stream.average_rate or stream.guessed_rate or Fraction(25)
            height, width = stream.height, stream.width
            frames = sum(1 for packet in container.demux(stream) if packet.size)
    except (av.error.FFmpegError, OSError) as error:
        raise ClipError(
            f"{path}: not a readable video ({_reason(error)}); download it again or leave it out with --skip-bad"
        ) from error
    if frames == 0:
        raise ClipError(f"{path}: the clip has no frames; replace it or leave it out with --skip-bad")
    if frames < promised:
        raise ClipError(
            f"{path}: truncated, its header promises {promised} frames and {frames} are there; download it again or leave it out with --skip-bad"
        )
    return Clip(video_id=video_id, path=path, frames=frames, height=height, width=width, rate=Fraction(rate))


def decode(clip: Clip) -> Iterator[av.VideoFrame]:
    """Yield a clip's frames in order, each yuv420p, exactly `clip.frames` of them.

    Raises ClipError where the file has changed since it was probed or a frame cannot be decoded.
    """
    count = 0
    try:
        with av.open(str(clip.path)) as container:
            stream = container.streams.video[0]
            # one thread a clip: clips are decoded side by side in worker processes
            stream.codec_context.thread_count = 1
            for frame in container.decode(stream):
                if (frame.height, frame.width) != (clip.height, clip.width):
                    raise ClipError(
                        f"{clip.path}, frame {count + 1}: size {frame.height}x{frame.width}, the clip's is {clip.height}x{clip.width}; encode the clip again"
                    )
                count += 1
                yield frame if frame.format.name == PIXEL_FORMAT else frame.reformat(format=PIXEL_FORMAT)
                if count == clip.frames:
                    return
    except (av.error.FFmpegError, OSError) as error:
        raise ClipError(
            f"{clip.path}, frame {count + 1}: cannot be decoded ({_reason(error)}); download the clip again or leave it out"
        ) from error
    raise ClipError(
        f"{clip.path}: {count} of {clip.frames} frames can be decoded; download the clip again or leave it out with --skip-bad"
    )


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
    """Write frames as an H.264 mp4 (yuv420p, constant rate) that any player opens; return how many.

    One encoder thread: the bytes depend on the frames alone, whatever the machine's number of cores. Raises OSError where the file
    cannot be written to its end.
    """
    # without cpu-independent x264's AVX-512 code for macroblock trees now and then gives other bytes for the same frames
    options = {"preset": preset, "crf": str(crf), "x264-params": "cpu-independent=1"}
    flags = {"movflags": "+faststart", "fflags": "+bitexact"}
    count = 0
    try:
        with av.open(str(path), "w", format="mp4", options=flags) as container:
            stream: Any = container.add_stream("libx264", rate=rate, options=options)
            stream.height, stream.width, stream.pix_fmt = height, width, PIXEL_FORMAT
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
        raise OSError(error.errno, _reason(error)) from error
    return count


def to_rgb(frame: av.VideoFrame) -> Rgb:
    """Return a frame as RGB, (H, W, 3) uint8."""
    rgb: Rgb = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    return rgb


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
