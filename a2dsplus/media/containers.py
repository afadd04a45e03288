"""Container files (mp4, mov, webm, mkv, avi, ...): what a player shows of them, frame by frame (on PyAV).

Nothing in a file is trusted: it is opened as this one local file whatever its name looks like, never as a list of other files, and
damage that a decoder would hide is an error that names the frame.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from a2dsplus.errors import ClipError
from a2dsplus.files import require_regular
from a2dsplus.media.picture import Common, color_range, matrix, orientation
from a2dsplus.records import Clip, Coding

# what a video clip comes in; lists of files (concat, hls, dash, image2) are none
_FORMATS = "mov,mp4,matroska,webm,avi,asf,flv,mpeg,mpegts,ogg,ivf"
# codecs of which each packet is one frame; of the others (VP8 has packets that are only referred to) the frames are counted decoded
_ONE_EACH = {"h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg"}
# a file says how large its pictures are: more than 8192 x 8192 is no clip, and nothing is allocated for it
_MOST_PIXELS = 2**26
# a decoder hides damage by default; these make it say so
_DECODER = {"err_detect": "crccheck+bitstream+buffer+explode", "max_pixels": str(_MOST_PIXELS)}
_AGAIN = "download it again or leave it out with --skip-bad"


def probe(path: Path, *, video_id: str) -> Clip:
    """Return a container's clip: its frames counted from the packets, all else from the stream and its first frame.

    Raises ClipError where the file is truncated, no video, of an unknown codec, or holds no frame.
    """
    with _opened(path) as (container, stream):
        codec = stream.codec_context.codec.canonical_name
        one_each = codec in _ONE_EACH
        first = None
        times: list[int | None] = []
        packets = discarded = 0
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise ClipError(f"{path}: truncated or damaged after {packets} of its frames; {_AGAIN}")
            if packet.size:
                packets += 1
                discarded += packet.is_discard
                if one_each and not packet.is_discard:
                    times.append(packet.pts)
            if first is None or not one_each:
                for frame in _decoded(packet, lambda: f"{path}, frame {len(times) or 1}"):
                    first = first or frame
                    if not one_each:
                        times.append(frame.pts)
        if not times:
            raise ClipError(f"{path}: the clip has no frames; replace it or leave it out with --skip-bad")
        promised = _promised(container, stream)
        if packets < promised:
            raise ClipError(
                f"{path}: truncated, its header promises {promised} frames and {packets} are there; {_AGAIN}"
            )
        if first is None:
            raise ClipError(f"{path}: none of its {len(times)} frames can be decoded; {_AGAIN}")
        shown = _seconds(times, stream)
        if container.format.name in ("avi", "matroska,webm") and _ends_early(
            _promised_end(container, stream), shown or []
        ):
            raise ClipError(f"{path}: truncated, its last frames are missing; {_AGAIN}")
        try:
            mirrored, rotation = orientation(first)
        except ClipError as error:
            raise ClipError(f"{path}: {error}") from None
        height, width = first.height, first.width
        if rotation in (90, 270):
            height, width = width, height
        rate, said, variable = _rate(stream, shown)
        coding = Coding(
            codec=codec,
            pixel_format=first.format.name,
            stream=stream.index,
            color_range=color_range(first),
            matrix=matrix(first),
            mirrored=mirrored,
            rotation=rotation,
            start=shown[0] if shown else Fraction(0),
            discarded=discarded,
            variable_rate=variable,
            rate_assumed=not said,
        )
    return Clip(video_id=video_id, path=path, frames=len(times), height=height, width=width, rate=rate, coding=coding)


def decode(clip: Clip) -> Iterator[av.VideoFrame]:
    """Yield a container's frames in the order shown, in the common form, exactly `clip.frames` of them.

    Raises ClipError where the file has changed since it was probed, or a frame is damaged or cannot be decoded.
    """
    common = Common(clip.coding)
    size = (clip.width, clip.height) if clip.coding.rotation in (90, 270) else (clip.height, clip.width)
    count = 0
    with _opened(clip.path, clip.coding.stream) as (container, stream):
        for frame in _frames(clip, container, stream):
            count += 1
            if count > clip.frames:
                raise ClipError(
                    f"{clip.path}: has more than the {clip.frames} frames that were counted; run `a2dsplus build` again, or encode the clip again"
                )
            if (frame.height, frame.width) != size:
                raise ClipError(
                    f"{clip.path}, frame {count}: size {frame.height}x{frame.width}, the clip's is {size[0]}x{size[1]}; encode the clip again"
                )
            if frame.is_corrupt:
                raise ClipError(
                    f"{clip.path}, frame {count}: damaged, the decoder had to make up a part of it; {_AGAIN}"
                )
            try:
                yield common(frame)
            except ClipError as error:
                raise ClipError(f"{clip.path}, frame {count}: {error}") from None
    if count < clip.frames:
        raise ClipError(f"{clip.path}: {count} of {clip.frames} frames can be decoded; {_AGAIN}")


def presented(clip: Clip) -> list[Fraction]:
    """Return when a player shows each of a container's frames, in seconds from the first; [] where the file does not say of one."""
    with _opened(clip.path, clip.coding.stream) as (container, stream):
        times = [packet.pts for packet in container.demux(stream) if packet.size and not packet.is_discard]
        shown = _seconds(times, stream) or []
    return [time - shown[0] for time in shown]


def _frames(clip: Clip, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Yield the frames as decoded; raises ClipError with the number of the frame whose packet is damaged."""
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise ClipError(f"{_where(clip, packet.pts)}: damaged, a part of it is missing; {_AGAIN}")
        yield from _decoded(packet, partial(_where, clip, packet.pts))


def _decoded(packet: Any, where: Callable[[], str]) -> list[av.VideoFrame]:
    try:
        frames: list[av.VideoFrame] = packet.decode()
    except av.error.FFmpegError as error:
        raise ClipError(f"{where()}: cannot be decoded ({reason(error)}); {_AGAIN}") from error
    return frames


def _where(clip: Clip, pts: int | None) -> str:
    """Return the file and which of the frames shown is the one of a time stamp, 1-based."""
    with _opened(clip.path, clip.coding.stream) as (container, stream):
        times = [packet.pts for packet in container.demux(stream) if packet.size and not packet.is_discard]
    if pts is None or None in times:
        return f"{clip.path}, a frame"
    return f"{clip.path}, frame {max(1, sum(1 for time in times if time is not None and time <= pts))}"


@contextmanager
def _opened(path: Path, index: int | None = None) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Give the container and its video stream: the one of `index`, or the one that a player chooses."""
    try:
        require_regular(path)
        # "file:" and an absolute path: a name such as "concat:a|b.mp4" or "data:2023" is no protocol
        with av.open(
            f"file:{path.absolute()}",
            options={"protocol_whitelist": "file", "format_whitelist": _FORMATS},
            metadata_errors="replace",
        ) as container:
            stream = _stream(container, path, index)
            # one thread a clip: clips are decoded side by side in worker processes
            stream.codec_context.thread_count = 1
            stream.codec_context.options = _DECODER
            if stream.width * stream.height > _MOST_PIXELS:
                raise ClipError(
                    f"{path}: its pictures are said to be {stream.height}x{stream.width}, no clip; {_AGAIN}"
                )
            yield container, stream
    except av.error.ArgumentError as error:
        raise ClipError(
            f"{path}: not a video of a known container ({_FORMATS.replace(',', ', ')}); {_AGAIN}"
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        raise ClipError(f"{path}: not a readable video ({reason(error)}); {_AGAIN}") from error


def _stream(container: InputContainer, path: Path, index: int | None) -> VideoStream:
    # pictures attached to a file, such as its cover, are no videos
    videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if index is not None:
        videos = [stream for stream in videos if stream.index == index]
    if not videos:
        raise ClipError(f"{path}: no video stream; replace the clip or leave it out with --skip-bad")
    stream = videos[0]
    if len(videos) > 1:
        best: Any = container.streams.best("video")
        stream = best if best in videos else stream
    if stream.codec_context is None:
        raise ClipError(
            f"{path}: coded in a way that ffmpeg has no decoder for; encode it as H.264 or leave it out with --skip-bad"
        )
    return stream


def _seconds(times: Sequence[int | None], stream: VideoStream) -> list[Fraction] | None:
    """Return when the frames are shown, in order; None where the file does not say of one."""
    known = [time for time in times if time is not None]
    if len(known) < len(times) or stream.time_base is None:
        return None
    return [Fraction(time * stream.time_base) for time in sorted(known)]


def _promised(container: InputContainer, stream: VideoStream) -> int:
    """Return how many packets the header promises, 0 where it does not say."""
    if "mp4" in container.format.name:
        # samples that an edit list leaves out altogether are counted in the header, but not indexed
        return min(stream.frames, len(stream.index_entries))
    # AVI counts pauses as well
    return 0 if container.format.name == "avi" else stream.frames


def _promised_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Return when the video ends as its header says, in seconds; None where that is told for all streams together, or not at all."""
    if stream.duration and stream.time_base:
        return Fraction(stream.duration * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return Fraction(container.duration, 1_000_000)
    return None


def _ends_early(end: Fraction | None, shown: Sequence[Fraction]) -> bool:
    """Return whether the last frames are missing: two steps or more lie between the last one shown and the promised end."""
    if end is None or len(shown) < 2:
        return False
    step = max(late - early for early, late in pairwise(shown))
    return shown[-1] + 2 * step < end


def _rate(stream: VideoStream, shown: Sequence[Fraction] | None) -> tuple[Fraction, bool, bool]:
    """Return frames a second, whether the file says so, and whether a frame is shown off the grid of a constant rate."""
    said = stream.average_rate or stream.guessed_rate
    rate = Fraction(said or 25)
    # the last frame's time is guessed by some readers, AVI's for one
    shown = shown[:-1] if shown is not None and len(shown) > 2 else shown
    if shown is None or len(shown) < 2 or shown[-1] == shown[0]:
        return rate, bool(said), False
    step = (shown[-1] - shown[0]) / (len(shown) - 1)
    variable = any(abs(time - shown[0] - index * step) > step / 4 for index, time in enumerate(shown))
    if not variable and abs(rate * step - 1) * len(shown) > Fraction(1, 4):
        # AVI, for one, may count half frames: the frames themselves know better
        rate = (1 / step).limit_denominator(1001)
    return rate, bool(said), variable


def reason(error: Exception) -> str:
    """Return an error's reason in one short line."""
    words = (getattr(error, "strerror", None) or str(error)).strip().lower()
    return words.splitlines()[0][:200] if words else type(error).__name__
