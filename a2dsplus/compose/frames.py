"""A sample's frames, composed from the source clips one by one, never a whole clip in memory.

What this yields is what the encoder gets, what the image writer converts and what `a2dsplus.Subset` returns: one composition,
bit for bit. Composition happens on the yuv420p planes: Y (H, W), U and V (H/2, W/2), uint8.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from a2dsplus.compose.geometry import Panel, panels
from a2dsplus.media.clips import PIXEL_FORMAT, decode
from a2dsplus.records import Clip, Layout, Sample

# video black: luma 16, both chroma planes 128 (ITU-R BT.601, limited range)
_BLACK = (16, 128, 128)
Planes = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def composed_frames(sample: Sample, clips: Mapping[str, Clip]) -> Iterator[av.VideoFrame]:
    """Yield a sample's frames in order, yuv420p of (sample.height, sample.width), `sample.frames` of them.

    `clips`: the source clips by video id. Raises ClipError where one cannot be decoded to its end.
    """
    placed = panels(sample)
    if sample.layout is Layout.SPATIAL:
        streams = [_at(clips[panel.video_id], panel) for panel in placed]
        for parts in zip(*streams, strict=True):
            yield _beside(sample, *zip(parts, placed, strict=True))
        return
    for panel in sorted(placed, key=lambda panel: panel.first_index):
        yield from _at(clips[panel.video_id], panel)


def _at(clip: Clip, panel: Panel) -> Iterator[av.VideoFrame]:
    """Yield the clip's frames that a panel shows, fitted to it; a repeated frame is fitted once. Backwards, the clip is held in memory."""
    frames = decode(clip)
    if panel.indices[0] > panel.indices[-1]:
        frames = iter([_fitted(frame, panel) for frame in frames][::-1])
        yield from frames
        return
    position, held = -1, None
    for index in panel.indices:
        if index != position or held is None:
            held = _fitted(next(islice(frames, index - position - 1, None)), panel)
            position = index
        yield held


def _fitted(frame: av.VideoFrame, panel: Panel) -> av.VideoFrame:
    """Return a frame scaled to its panel (bicubic, as ffmpeg's `scale`), grown by a black line where a side is odd."""
    if (frame.height, frame.width) != (panel.height, panel.width):
        frame = frame.reformat(
            width=panel.width,
            height=panel.height,
            format=PIXEL_FORMAT,
            interpolation=Interpolation.BICUBIC,
        )
    if (frame.height, frame.width) == (panel.filled_height, panel.filled_width):
        return frame
    canvas, target = _black(panel.filled_height, panel.filled_width)
    for plane, source in zip(target, _planes(frame), strict=True):
        plane[: source.shape[0], : source.shape[1]] = source
    return canvas


def _beside(sample: Sample, *parts: tuple[av.VideoFrame, Panel]) -> av.VideoFrame:
    """Return the canvas of an S frame with its parts pasted at their columns."""
    canvas = av.VideoFrame(sample.width, sample.height, PIXEL_FORMAT)
    target = _planes(canvas)
    for frame, panel in parts:
        for plane, source, left in zip(
            target, _planes(frame), (panel.left, panel.left // 2, panel.left // 2), strict=True
        ):
            plane[:, left : left + source.shape[1]] = source
    return canvas


def _black(height: int, width: int) -> tuple[av.VideoFrame, Planes]:
    frame = av.VideoFrame(width, height, PIXEL_FORMAT)
    planes = _planes(frame)
    for plane, value in zip(planes, _BLACK, strict=True):
        plane[:] = value
    return frame, planes


def _planes(frame: av.VideoFrame) -> Planes:
    """Return views of a frame's planes without the decoder's padding: Y (H, W), U and V (H/2, W/2) rounded up."""
    views = []
    for plane in frame.planes:
        view = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        views.append(view[: plane.height, : plane.width])
    return views[0], views[1], views[2]
