"""A sample's frames, composed from the source clips one by one, never a whole clip in memory.

What this yields is what the encoder gets, what the image writer converts and what `a2dsplus.Subset` returns: one composition,
bit for bit. Composition happens on the yuv420p planes: Y (H, W), U and V (H/2, W/2), uint8.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import av
from av.video.reformatter import Interpolation, VideoReformatter

from a2dsplus.compose.geometry import Panel, even, panels
from a2dsplus.errors import InputError
from a2dsplus.media.clips import decode
from a2dsplus.media.picture import PIXEL_FORMAT, Planes, planes, tagged
from a2dsplus.records import Clip, Layout, Sample

# video black: luma 16, both chroma planes 128 (ITU-R BT.601, limited range)
_BLACK = (16, 128, 128)
# a clip's frames at non-descending 0-based indices, as `media.clips.decode` gives them
Decode = Callable[[Clip, Sequence[int]], Iterator[av.VideoFrame]]


def composed_frames(
    sample: Sample, clips: Mapping[str, Clip], wanted: Sequence[int] | None = None, *, decode: Decode = decode
) -> Iterator[av.VideoFrame]:
    """Yield a sample's frames in order, yuv420p of (sample.height, sample.width), limited BT.601.

    `clips`: the source clips by video id. `wanted`: 0-based indices of the sample's frames, strictly ascending; by default all
    `sample.frames` of them. No more is decoded than they need. Raises ClipError where a clip is damaged or not as it was probed, InputError
    where the parts do not make the frames that the sample says.
    """
    indices = range(sample.frames) if wanted is None else wanted
    placed = [_own_size(panel, sample, clips) for panel in _fitting(sample)]
    if sample.layout is Layout.SPATIAL:
        streams = [_shown(clips[panel.video_id], panel, indices, decode) for panel in placed]
        for parts in zip(*streams, strict=True):
            yield _beside(sample, *zip(parts, placed, strict=True))
        return
    for panel in sorted(placed, key=lambda panel: panel.first_index):
        yield from _shown(clips[panel.video_id], panel, indices, decode)


def _fitting(sample: Sample) -> Sequence[Panel]:
    """Return a sample's panels; raises InputError where they do not make the frames that it says."""
    placed = panels(sample)
    height = max(panel.filled_height for panel in placed)
    width = max(panel.left + panel.filled_width for panel in placed)
    frames = max(panel.first_index + len(panel.indices) for panel in placed)
    if (frames, height, width) != (sample.frames, even(sample.height), even(sample.width)):
        raise InputError(
            f"sample {sample.sample_id}: its parts make {frames} frames of {height}x{width}, it says {sample.frames} of"
            f" {sample.height}x{sample.width}; run `a2dsplus build` again"
        )
    return placed


def _own_size(panel: Panel, sample: Sample, clips: Mapping[str, Clip]) -> Panel:
    """Return the panel, not scaled where the clip stands alone: one of odd size gains a black line, as its masks gain a zero one."""
    if sample.layout is not Layout.NONE:
        return panel
    clip = clips[panel.video_id]
    return replace(panel, height=clip.height, width=clip.width)


def _shown(clip: Clip, panel: Panel, indices: Sequence[int], decode: Decode) -> Iterator[av.VideoFrame]:
    """Yield what a panel shows at the sample's frames `indices`, fitted to it; a repeated frame is fitted once.

    Backwards, the frames are held in memory.
    """
    first, count = panel.first_index, len(panel.indices)
    wanted = [panel.indices[index - first] for index in indices if first <= index < first + count]
    backwards = bool(wanted) and wanted[0] > wanted[-1]
    scaler = VideoReformatter()
    fitted: list[av.VideoFrame] = []
    last = None
    for frame in decode(clip, wanted[::-1] if backwards else wanted):
        if frame is not last:
            last = frame
            fitted = [*fitted, _fitted(frame, panel, scaler)] if backwards else [_fitted(frame, panel, scaler)]
        if not backwards:
            yield fitted[0]
    if backwards:
        yield from fitted[::-1]


def _fitted(frame: av.VideoFrame, panel: Panel, scaler: VideoReformatter) -> av.VideoFrame:
    """Return a frame scaled to its panel (bicubic, as ffmpeg's `scale`), grown by a black line where a side is odd."""
    if (frame.height, frame.width) != (panel.height, panel.width):
        frame = scaler.reformat(
            frame,
            width=panel.width,
            height=panel.height,
            format=PIXEL_FORMAT,
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
    if (frame.height, frame.width) == (panel.filled_height, panel.filled_width):
        return frame
    canvas, target = _black(panel.filled_height, panel.filled_width)
    for plane, source in zip(target, planes(frame), strict=True):
        plane[: source.shape[0], : source.shape[1]] = source
    return canvas


def _beside(sample: Sample, *parts: tuple[av.VideoFrame, Panel]) -> av.VideoFrame:
    """Return the canvas of an S frame with its parts pasted at their columns."""
    canvas = tagged(av.VideoFrame(sample.width, sample.height, PIXEL_FORMAT))
    target = planes(canvas)
    for frame, panel in parts:
        for plane, source, left in zip(
            target, planes(frame), (panel.left, panel.left // 2, panel.left // 2), strict=True
        ):
            plane[:, left : left + source.shape[1]] = source
    return canvas


def _black(height: int, width: int) -> tuple[av.VideoFrame, Planes]:
    frame = tagged(av.VideoFrame(width, height, PIXEL_FORMAT))
    target = planes(frame)
    for plane, value in zip(target, _BLACK, strict=True):
        plane[:] = value
    return frame, target
