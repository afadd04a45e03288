"""Clips whose frames tell their number, place and colour, in every coding that a player has to undo.

Eight blocks at the top of frame k (from 0) hold k, white = 1, least significant first; a red square begins at column 8 + 3k, rows 40 to
79; the ground is green. It is how `shared/cases/clips` are made, so that those and these are asked the same.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.stream import Disposition
from PIL import Image

Rgb = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 120, 160
RED, GREEN = (220, 30, 30), (40, 110, 60)
FRAMES = 30
# what a clip is coded as, and the file it goes to
CODINGS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "full.mp4": {"matrix": 5, "full": True, "pixels": "yuvj420p"},
    "bt709.mov": {"matrix": 1, "pixels": "yuv420p"},
    "full709.mkv": {"matrix": 1, "full": True, "pixels": "yuvj420p"},
    "ten_bits.mkv": {"pixels": "yuv420p10le"},
    "ten_bits_709.mp4": {"pixels": "yuv420p10le", "matrix": 1},
    "whole_chroma.mkv": {"pixels": "yuv444p"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "vp9_709.webm": {"codec": "libvpx-vp9", "matrix": 1},
    "vp8.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "crf": "4", "b": "4M"}},
    "h264.avi": {"ticks": 50},  # counts half frames
    "mpeg4.avi": {"codec": "mpeg4", "options": {"qmin": "1", "qmax": "2", "bf": "2"}},
    "motion_jpeg.avi": {
        "codec": "mjpeg",
        "pixels": "yuvj420p",
        "full": True,
        "matrix": 5,
        "options": {"qmin": "1", "qmax": "2"},
    },
    "late.mp4": {"start": Fraction(12, 5)},
    "late.mkv": {"start": Fraction(12, 5)},
    "slower.mp4": {"slower": True},
    "slower.webm": {"slower": True, "codec": "libvpx-vp9"},
    "cover.mp4": {"cover": "attached"},
    "cover_track.mkv": {"cover": "track"},
    "turned90.mp4": {"shown": (0, -1, 1, 0)},
    "turned180.mp4": {"shown": (-1, 0, 0, -1)},
    "turned270.mov": {"shown": (0, 1, -1, 0)},
    "mirrored.mp4": {"shown": (-1, 0, 0, 1)},
    "upside_down.mp4": {"shown": (1, 0, 0, -1)},
    "transposed.mp4": {"shown": (0, 1, 1, 0)},
    "turned_full_709.mp4": {"shown": (0, -1, 1, 0), "matrix": 1, "full": True, "pixels": "yuvj420p"},
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a frame shows: its number, the square's first column and first row, and its colour."""

    number: int
    left: int
    top: int
    colour: tuple[int, int, int]


def paint(number: int) -> Rgb:
    """Return frame `number`, (HEIGHT, WIDTH, 3) uint8."""
    frame = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    frame[:] = GREEN
    for bit in range(8):
        frame[:16, 16 * bit : 16 * bit + 16] = 255 if number >> bit & 1 else 0
    frame[40:80, 8 + 3 * number : 40 + 3 * number] = RED
    return frame


def mask(number: int) -> npt.NDArray[np.uint8]:
    """Return the square of frame `number`, (HEIGHT, WIDTH), 0 and 1."""
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    found[40:80, 8 + 3 * number : 40 + 3 * number] = 1
    return found


def see(frame: Rgb) -> Seen:
    """Return what an upright frame of (HEIGHT, WIDTH) shows."""
    assert frame.shape == (HEIGHT, WIDTH, 3)
    blocks = frame[4:12, :128].reshape(8, 8, 16, 3)[:, :, 4:12].mean((0, 2, 3))
    number = sum(1 << bit for bit, brightness in enumerate(blocks) if brightness > 128)
    ground = frame[24:, :].astype(int)
    red = (ground[..., 0] > 130) & (ground[..., 1] < 70)
    rows, columns = np.flatnonzero(red.sum(1) > 8) + 24, np.flatnonzero(red.sum(0) > 20)
    inside = frame[rows[0] + 4 : rows[-1] - 3, columns[0] + 4 : columns[-1] - 3].reshape(-1, 3)
    red_, green, blue = (round(float(value)) for value in np.median(inside, 0))
    return Seen(number=number, left=int(columns[0]), top=int(rows[0]), colour=(red_, green, blue))


def check(frame: Rgb, number: int, *, off: int = 6) -> None:
    """Fail where an upright frame does not show what frame `number` is to show: place to 1 pixel, colour to `off` of 255 levels."""
    seen = see(frame)
    assert seen.number == number
    assert abs(seen.left - (8 + 3 * number)) <= 1 and abs(seen.top - 40) <= 1
    assert max(abs(found - right) for found, right in zip(seen.colour, RED, strict=True)) <= off, seen.colour


def as_shown(image: npt.NDArray[Any], shown: tuple[int, int, int, int]) -> npt.NDArray[Any]:
    """Return a coded picture (H, W, ...) as a display matrix (a, b, c, d) shows it: pixel (x, y) goes to (ax + cy, bx + dy)."""
    a, b, c, d = shown
    turned = image.swapaxes(0, 1) if b else image
    return turned[:: (-1 if (d or b) < 0 else 1), :: (-1 if (a or c) < 0 else 1)]


def times(coding: dict[str, Any], frames: int = FRAMES) -> list[Fraction]:
    """Return when the frames of a coding are shown, in seconds: 25 a second, with `slower` a third of it from frame 15 on."""
    steps = [Fraction(3 if coding.get("slower") and k >= 15 else 1, 25) for k in range(frames)]
    return [coding.get("start", Fraction(0)) + sum(steps[:k], Fraction(0)) for k in range(frames)]


def write(path: Path, coding: dict[str, Any] | None = None, *, frames: Sequence[int] = range(FRAMES)) -> Path:
    """Write a clip whose frames show `frames`, coded as `CODINGS` says of the file's name."""
    coding = CODINGS.get(path.name, {}) if coding is None else coding
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = coding.get("codec", "libx264")
    options = coding.get("options", {"crf": "12"} if codec == "libx264" else {"crf": "4", "b": "0"})
    with av.open(str(path), "w") as container:
        cover = _cover(container, attached=coding["cover"] == "attached") if "cover" in coding else None
        stream: Any = container.add_stream(codec, rate=25, options=options)
        turned = bool(coding.get("shown", (1, 0, 0, 1))[1])
        stream.width, stream.height = (HEIGHT, WIDTH) if turned else (WIDTH, HEIGHT)
        stream.pix_fmt = coding.get("pixels", "yuv420p")
        tick = Fraction(1, coding.get("ticks", 25))
        stream.codec_context.time_base = tick
        stream.codec_context.thread_count = 1
        if "matrix" in coding:
            stream.codec_context.colorspace = coding["matrix"]
            stream.codec_context.color_range = 2 if coding.get("full") else 1
        if cover is not None:
            _draw_cover(container, cover)
        for number, time in zip(frames, times(coding, len(frames)), strict=True):
            frame = _coded(paint(number), coding)
            frame.pts, frame.time_base = int(time / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if "shown" in coding:
        _set_display_matrix(path, coding["shown"])
    return path


def write_folder(folder: Path, names: Sequence[str], *, suffix: str = ".png") -> Path:
    """Write frames as images of the given names, without suffix, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(paint(number)).save(folder / f"{name}{suffix}", quality=97)
    return folder


def _coded(rgb: Rgb, coding: dict[str, Any]) -> av.VideoFrame:
    if "shown" in coding:
        # what is coded is what the display matrix brings back to the upright picture
        a, b, c, d = coding["shown"]
        rgb = np.ascontiguousarray(as_shown(rgb, (a, c, b, d)))
    # (x, y) of BT.601 and BT.709, written out: an independent check of the toolkit's own conversion
    red, blue = (0.2126, 0.0722) if coding.get("matrix") == 1 else (0.299, 0.114)
    r, g, b = (rgb[..., channel] / 255 for channel in range(3))
    luma = red * r + (1 - red - blue) * g + blue * b
    chroma = ((b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red))
    pixels = coding.get("pixels", "yuv420p")
    scale = 4 if pixels == "yuv420p10le" else 1
    least, span, chroma_span = (0, 255, 255) if coding.get("full") else (16, 219, 224)
    planes = [least + span * luma, *(128 + chroma_span * part for part in chroma)]
    if "420" in pixels:
        planes = [planes[0], *(part.reshape(part.shape[0] // 2, 2, -1, 2).mean((1, 3)) for part in planes[1:])]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], pixels)
    kind = np.dtype("<u2") if scale > 1 else np.dtype(np.uint8)
    for target, plane in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), kind).reshape(target.height, -1)
        rows[:, : target.width] = np.clip(plane * scale, 0, 256 * scale - 1).round()
    return frame


def _cover(container: Any, *, attached: bool) -> Any:
    cover = container.add_stream("mjpeg", rate=25)
    cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
    cover.codec_context.time_base = Fraction(1, 25)
    if attached:
        cover.disposition = Disposition.attached_pic
    return cover


def _draw_cover(container: Any, cover: Any) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 200, np.uint8), format="rgb24").reformat(format="yuvj420p")
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    for packet in [*cover.encode(frame), *cover.encode(None)]:
        container.mux(packet)


def _set_display_matrix(path: Path, shown: tuple[int, int, int, int]) -> None:
    data = bytearray(path.read_bytes())
    a, b, c, d = (value * 65536 for value in shown)
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
