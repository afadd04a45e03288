"""One form for every frame: upright, 8 bits, 4:2:0, limited BT.601, whatever the clip's coding says (DESIGN, section 9).

H, W: a frame's height and width in pixels. A frame's planes are Y (H, W), U and V (H/2, W/2, rounded up), uint8.
"""

import struct
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from a2dsplus.errors import ClipError
from a2dsplus.records import Coding

PIXEL_FORMAT = "yuv420p"
# the numbers of ISO/IEC 23091-2 (ffmpeg's AVColorSpace) and what we call them
MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt601",
    6: "bt601",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020",
    10: "bt2020-constant",
}
_RANGES = {ColorRange.MPEG: "limited", ColorRange.JPEG: "full"}
# what frames are tagged with: limited range, BT.601's matrix by its number for 525 lines
LIMITED, BT601 = int(ColorRange.MPEG), 6
# exact sums instead of the shortcuts that lose up to five of 255 levels
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
Rgb = npt.NDArray[np.uint8]
Planes = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def color_range(frame: av.VideoFrame) -> str:
    """Return a decoded frame's range: limited, full, or unspecified (read as limited; RGB and JPEG's formats are full)."""
    if frame.format.name.startswith("yuvj") or frame.format.is_rgb:
        return "full"
    return _RANGES.get(ColorRange(frame.color_range), "unspecified")


def matrix(frame: av.VideoFrame) -> str:
    """Return a decoded frame's matrix coefficients by name; unspecified is read as bt601, as ffmpeg does."""
    if frame.format.is_rgb:
        return "rgb"
    return MATRICES.get(int(frame.colorspace), "unspecified")


def orientation(frame: av.VideoFrame) -> tuple[bool, int]:
    """Return what a frame's display matrix asks for: (mirror left to right, then turn by degrees counter-clockwise).

    Raises ClipError where it turns by anything but a multiple of 90 degrees.
    """
    every: Any = frame.side_data  # a mapping by type, whose iteration gives the values
    for data in every:
        if data.type == SideDataType.DISPLAYMATRIX:
            a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
            return _orientation(a, b, c, d)
    return False, 0


def _orientation(a: int, b: int, c: int, d: int) -> tuple[bool, int]:
    """Return mirroring and turn of the matrix ((a, b), (c, d)): a pixel at (x, y) is shown at (ax + cy, bx + dy), y downwards."""
    if (a, b, c, d) == (0, 0, 0, 0):
        return False, 0
    straight, turned = min(abs(a), abs(d)), min(abs(b), abs(c))
    if straight > 100 * max(abs(b), abs(c)):
        mirrored, upside_down = (a < 0) != (d < 0), d < 0
        return mirrored, 180 if upside_down else 0
    if turned > 100 * max(abs(a), abs(d)):
        # counter-clockwise by 90: right becomes up, b < 0 < c
        mirrored = (b < 0) == (c < 0)
        return mirrored, 90 if (b > 0 if mirrored else b < 0) else 270
    raise ClipError("its display matrix turns the picture by an odd angle, expected a multiple of 90 degrees")


class Common:
    """Brings the frames of one clip to the common form; a frame that is in it already is only tagged."""

    def __init__(self, coding: Coding) -> None:
        self._mirrored, self._rotation = coding.mirrored, coding.rotation
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame upright, yuv420p, limited BT.601, tagged so. Raises ClipError for colours that cannot be converted."""
        name, space = frame.format.name, int(frame.colorspace)
        if name != PIXEL_FORMAT or frame.color_range == ColorRange.JPEG or space not in (2, 5, 6):
            frame = self._converted(frame)
        if self._mirrored or self._rotation:
            frame = _upright(frame, self._mirrored, self._rotation)
        return tagged(frame)

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        known = matrix(frame)
        if known in ("ycgco", "bt2020-constant"):
            raise ClipError(f"its colours are coded as {known}, which cannot be converted; encode it again as BT.709")
        if known == "unspecified":
            # 0, 3 and what later standards add mean nothing for YUV: as unspecified
            frame.colorspace = BT601
        return self._reformatter.reformat(
            frame,
            format=PIXEL_FORMAT,
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if color_range(frame) == "full" else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACT,
            threads=1,
        )


def tagged(frame: av.VideoFrame) -> av.VideoFrame:
    """Return the frame, marked as limited BT.601."""
    frame.color_range, frame.colorspace = LIMITED, BT601
    return frame


def from_rgb(rgb: Rgb) -> av.VideoFrame:
    """Return an RGB image, (H, W, 3) uint8, as a frame of the common form."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return tagged(
        frame.reformat(
            format=PIXEL_FORMAT,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACT,
            threads=1,
        )
    )


def to_rgb(frame: av.VideoFrame) -> Rgb:
    """Return a frame of the common form as RGB, (H, W, 3) uint8."""
    rgb: Rgb = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    return rgb


def planes(frame: av.VideoFrame) -> Planes:
    """Return views of a frame's planes without the decoder's padding: Y (H, W), U and V (H/2, W/2) rounded up."""
    views = []
    for plane in frame.planes:
        view = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        views.append(view[: plane.height, : plane.width])
    return views[0], views[1], views[2]


def _upright(frame: av.VideoFrame, mirrored: bool, rotation: int) -> av.VideoFrame:
    height, width = frame.height, frame.width
    if rotation in (90, 270):
        height, width = width, height
    turned = av.VideoFrame(width, height, PIXEL_FORMAT)
    for target, source in zip(planes(turned), planes(frame), strict=True):
        target[:] = np.rot90(source[:, ::-1] if mirrored else source, rotation // 90)
    turned.pts, turned.time_base = frame.pts, frame.time_base
    return turned
