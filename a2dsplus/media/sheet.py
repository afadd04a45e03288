"""Contact sheets: rows of frames with outlined masks, and words beneath them, as one picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from a2dsplus.errors import UsageError
from a2dsplus.files import replacing
from a2dsplus.media.masks import Mask

Colour = tuple[int, int, int]
Picture = npt.NDArray[np.uint8]
SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf")
INK: Colour = (51, 51, 51)
_WIDTH, _GAP = 1280, 8
_TITLE, _WORDS = 19, 15  # sizes of letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Pictures side by side, RGB (H, W, 3) uint8; what is written above and, each line in its colour, below."""

    pictures: Sequence[Picture]
    lines: Sequence[tuple[str, Colour]] = ()
    title: str = ""


def outlined(picture: Picture, masks: Iterable[tuple[Mask, Colour]], *, tint: float = 0.28) -> Picture:
    """Return a copy of a frame with masks, bool (H, W), outlined in their colours; `tint`: how much of the colour lies within, 0 to 1."""
    image = picture.copy()
    for mask, colour in masks:
        image[mask] = ((1 - tint) * image[mask] + tint * np.array(colour)).astype(np.uint8)
        edges, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, edges, -1, (255, 255, 255), 2, cv2.LINE_AA)
        cv2.drawContours(image, edges, -1, colour, 1, cv2.LINE_AA)
    return image


def sheet(rows: Iterable[Row], *, columns: int) -> Picture:
    """Return rows below one another, RGB (H, W, 3) uint8, each picture as wide as its share of `columns` allows."""
    drawn = [_row(row, columns) for row in rows]
    return np.concatenate(drawn) if drawn else np.full((_GAP, _WIDTH, 3), 255, np.uint8)


def write(path: Path, rows: Iterable[Row], *, columns: int) -> None:
    """Write a sheet as a PNG, JPEG or PDF file. Raises UsageError for another suffix, WorkspaceError where it cannot be written."""
    check_suffix(path)
    image = Image.fromarray(sheet(rows, columns=columns))
    form = {".png": "PNG", ".pdf": "PDF"}.get(path.suffix.lower(), "JPEG")
    with replacing(path) as draft:
        image.save(draft, format=form, optimize=True, quality=88)


def check_suffix(path: Path) -> None:
    """Raise UsageError unless a sheet can be written under that name."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--figure {path}: the name must end with one of {', '.join(SUFFIXES)}")


def _row(row: Row, columns: int) -> Picture:
    room = (_WIDTH - _GAP * (columns + 1)) // columns
    # pictures of one row have one height: that of the widest one scaled into its room
    height = min((round(room * picture.shape[0] / picture.shape[1]) for picture in row.pictures), default=0)
    top = _GAP + (_TITLE + _GAP if row.title else 0)
    beneath = top + height + _GAP
    canvas = Image.new("RGB", (_WIDTH, beneath + len(row.lines) * (_WORDS + 5) + _GAP), "white")
    pen = ImageDraw.Draw(canvas)
    if row.title:
        pen.text((_GAP, _GAP // 2), row.title, font=ImageFont.load_default(_TITLE), fill=INK)
    for place, picture in enumerate(row.pictures):
        width = round(picture.shape[1] * height / picture.shape[0])
        shown = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        canvas.paste(Image.fromarray(shown), (_GAP + place * (room + _GAP) + (room - width) // 2, top))
    for place, (words, colour) in enumerate(row.lines):
        pen.text((_GAP, beneath + place * (_WORDS + 5)), words, font=ImageFont.load_default(_WORDS), fill=colour)
    return np.asarray(canvas)
