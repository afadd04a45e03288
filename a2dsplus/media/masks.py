"""Masks as COCO run lengths: encode, decode, area, and paste into a larger canvas (on pycocotools).

H, W: a mask's height and width in pixels. A mask is bool (H, W) in memory and an `Rle` at rest.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from a2dsplus.errors import MaskError

Mask = npt.NDArray[np.bool_]


class Rle(TypedDict):
    """A mask as COCO has it at rest: `size` is [H, W], `counts` the compressed column-major run lengths."""

    size: list[int]
    counts: str


def encode(mask: npt.NDArray[np.generic]) -> Rle:
    """Return a mask's run lengths.

    `mask`: (H, W), any dtype; non-zero is the referent. Raises MaskError where it is not two-dimensional.
    """
    if mask.ndim != 2:
        raise MaskError(f"mask: expected two dimensions (H, W), got shape {mask.shape}")
    binary = mask.view(np.uint8) if mask.dtype == np.bool_ else (mask != 0).view(np.uint8)
    rle = coco.encode(np.asfortranarray(binary))
    return Rle(size=[int(side) for side in rle["size"]], counts=rle["counts"].decode("ascii"))


def decode(rle: Rle) -> Mask:
    """Return the mask of run lengths, bool (H, W)."""
    out: Mask = coco.decode(_raw(rle)).astype(bool)
    return out


def area(rle: Rle) -> int:
    """Return a mask's number of pixels."""
    return int(coco.area(_raw(rle)))


def bounding_box(rle: Rle) -> list[float]:
    """Return a mask's box as COCO has it: [left, top, width, height]; four zeros for an empty mask."""
    return [float(side) for side in coco.toBbox(_raw(rle))]


def empty(height: int, width: int) -> Rle:
    """Return the all-zero mask of a size."""
    return encode(np.zeros((height, width), bool))


def union(rles: Sequence[Rle], *, height: int, width: int) -> Rle:
    """Return the pixels that are in any of some masks of (height, width); the all-zero mask for none.

    Raises MaskError for a mask of another size.
    """
    for rle in rles:
        if list(rle["size"]) != [height, width]:
            raise MaskError(f"mask of {rle['size'][0]}x{rle['size'][1]}, expected {height}x{width}")
    if len(rles) == 1:
        return rles[0]
    if not rles:
        return empty(height, width)
    merged = coco.merge([_raw(rle) for rle in rles])
    return Rle(size=[int(side) for side in merged["size"]], counts=merged["counts"].decode("ascii"))


def resized(rle: Rle, *, height: int, width: int) -> Rle:
    """Return a mask scaled to (height, width): each pixel takes the value of the nearest one, by centres."""
    if list(rle["size"]) == [height, width]:
        return rle
    old_height, old_width = rle["size"]
    rows = (2 * np.arange(height) + 1) * old_height // (2 * height)
    columns = (2 * np.arange(width) + 1) * old_width // (2 * width)
    return encode(decode(rle)[rows[:, None], columns])


def paste(rle: Rle, *, height: int, width: int, left: int = 0) -> Rle:
    """Return a mask set into an all-zero canvas of (height, width), its first column at `left`.

    Raises MaskError where the mask does not fit the canvas.
    """
    rows, columns = rle["size"]
    if (rows, columns) == (height, width) and left == 0:
        return rle
    if rows > height or left < 0 or left + columns > width:
        raise MaskError(f"mask of {rows}x{columns} at column {left} does not fit a canvas of {height}x{width}")
    canvas = np.zeros((height, width), np.uint8, order="F")
    canvas[:rows, left : left + columns] = coco.decode(_raw(rle))
    return encode(canvas)


def _raw(rle: Rle) -> dict[str, object]:
    return {"size": rle["size"], "counts": rle["counts"].encode("ascii")}
