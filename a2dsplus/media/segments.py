"""One mask as a COCO file may write it (compressed, uncompressed, polygons) as compressed counts of the expected size."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from a2dsplus.errors import MaskError, cut
from a2dsplus.media import runs

Resize = Literal["none", "nearest"]
"""What becomes of a mask of another size: it is refused, or each pixel takes the nearest one's value."""
_FARTHEST = 100_000  # pixels from the origin that a polygon's corner may lie: a bound on the work it can ask for
MOST_PIXELS = 1 << 31  # of one mask
MOST_RESIZED = 1 << 26  # of one mask that is resized, as its pixels are decoded for it


def compressed_counts(segmentation: object, *, height: int, width: int, resize: Resize = "none") -> str:
    """Return a segmentation's compressed counts at (height, width).

    `segmentation`: {"size": [H, W], "counts": text or whole numbers}, or polygons [[x, y, x, y, ...], ...]; a polygon of one corner,
    or all of whose corners are one, is the pixel they stand on. Compressed counts of the right size are returned as they are, unread:
    `runs.from_counts` checks them. Raises MaskError, the reason alone, where it is none of these, or of a size that `check_size` refuses.
    """
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        # nearly all of them: asked first, since a file has a million (a side of 1 might be `true`)
        if segmentation.get("size") == [height, width] and height > 1 < width and isinstance(counts, str):
            return counts
        size = _size(segmentation)
        if size == (height, width) and isinstance(counts, str):
            return counts
        check_size(size, (height, width), resize=resize)
        own = _own_runs(counts, pixels=size[0] * size[1])
        if size != (height, width):
            own = resized(own, size, (height, width))
        return to_counts(own, height=height, width=width)
    if isinstance(segmentation, Sequence) and not isinstance(segmentation, str):
        return _polygons(segmentation, height=height, width=width)
    raise MaskError('its segmentation is neither {"size", "counts"} nor a list of polygons')


def check_size(own: tuple[int, int], wanted: tuple[int, int], *, resize: Resize) -> None:
    """Raise MaskError where a mask of one size (height, width) cannot stand for one of another, before it is decoded."""
    if own == wanted:
        return
    said = f"its size is {own[0]}x{own[1]}, the ground truth's {wanted[0]}x{wanted[1]} (height x width)"
    slack = max(wanted)  # a pixel of rounding
    if abs(own[0] * wanted[0] - own[1] * wanted[1]) <= slack < abs(own[0] * wanted[1] - own[1] * wanted[0]):
        raise MaskError(f"{said}: the sides are swapped; write each mask as (height, width)")
    if resize == "none":
        raise MaskError(f"{said}; predict at that size, or pass --resize nearest")
    if own[0] * own[1] > MOST_RESIZED:
        raise MaskError(f"{said}: too large to be resized; predict at the ground truth's size")


def resized(own: runs.Ints, source: tuple[int, int], target: tuple[int, int]) -> runs.Ints:
    """Return runs (n, 2) at another size (height, width), each pixel from the nearest of the source."""
    mask = runs.to_mask(own, height=source[0], width=source[1])
    rows, columns = (
        np.minimum(((np.arange(to) + 0.5) * of / to).astype(np.int64), of - 1)
        for of, to in zip(source, target, strict=True)
    )
    return runs.from_mask(mask[rows][:, columns])


@lru_cache(maxsize=1024)
def empty_counts(height: int, width: int) -> str:
    """Return the compressed counts of a mask without a pixel."""
    return to_counts(np.zeros((0, 2), np.int64), height=height, width=width)


def to_counts(own: runs.Ints, *, height: int, width: int) -> str:
    """Return the compressed counts of runs (n, 2)."""
    from pycocotools import mask as coco

    joined = np.ones(own.size, bool)  # a run that begins where another ends goes on from it
    joined[1:-1] = np.repeat(own[1:, 0] != own[:-1, 1], 2)
    lengths = np.diff(np.concatenate([[0], own.ravel()[joined], [height * width]]))
    if len(lengths) > 1 and lengths[-1] == 0:
        lengths = lengths[:-1]
    rle = coco.frPyObjects({"size": [height, width], "counts": lengths.tolist()}, height, width)
    return str(rle["counts"].decode("ascii"))


def _size(segmentation: dict[str, Any]) -> tuple[int, int]:
    size = segmentation.get("size")
    sides = [whole(side) for side in size] if isinstance(size, list | tuple) and len(size) == 2 else []
    height, width = (*sides, None, None)[:2]
    if height is None or width is None:
        raise MaskError(f"its size is {cut(repr(size))}, expected two whole numbers [height, width]")
    if min(height, width) < 1 or height * width > MOST_PIXELS:
        raise MaskError(f"its size is {cut(str(height))}x{cut(str(width))}, which no image has")
    return height, width


def whole(value: object) -> int | None:
    """Return a whole number, written as 3 or as 3.0, or None where it is none."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _own_runs(counts: object, *, pixels: int) -> runs.Ints:
    area = np.array([pixels], np.int64)
    try:
        if isinstance(counts, str):
            return runs.from_counts([counts], area).of(0)
        if isinstance(counts, list):
            lengths = [whole(count) for count in counts]
            if all(length is not None and 0 <= length <= pixels for length in lengths):
                return runs.from_lengths([[length or 0 for length in lengths]], area).of(0)
    except runs.RunError as error:
        raise MaskError(error.reason) from None
    raise MaskError("its counts are neither text nor whole numbers from 0 to its number of pixels")


def _polygons(polygons: Sequence[Any], *, height: int, width: int) -> str:
    from pycocotools import mask as coco

    parts, points = [], []
    if len(polygons) > 2 and all(isinstance(corners, list) and len(corners) == 2 for corners in polygons):
        raise MaskError(
            f"its {len(polygons)} polygons have one corner each, as one polygon's corners in pairs; write [[x, y, x, y, ...]]"
        )
    for number, corners in enumerate(polygons):
        if not isinstance(corners, list) or len(corners) % 2 or len(corners) == 0:
            raise MaskError(f"its polygon {number} is no list of three or more x, y corners")
        for value in corners:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise MaskError(f"its polygon {number} has a corner that is no number")
            if not -_FARTHEST <= value <= _FARTHEST:  # not a number is no less and no more
                raise MaskError(f"its polygon {number} has a corner far outside any image")
        if all(0 <= value <= 1 for value in corners) and not all(float(value).is_integer() for value in corners):
            raise MaskError(f"its polygon {number} lies within one pixel, as shares of the frame do; write pixels")
        if corners == corners[:2] * (len(corners) // 2):
            points.append(corners[:2])
        elif len(corners) < 6:
            raise MaskError(f"its polygon {number} is no list of three or more x, y corners")
        else:
            parts.append([float(value) for value in corners])
    pieces = coco.frPyObjects(parts, height, width) if parts else []
    if points:
        places = {int(x) * height + int(y) for x, y in points if 0 <= x < width and 0 <= y < height}
        pixels = np.array([[place, place + 1] for place in sorted(places)], np.int64).reshape(-1, 2)
        dots = to_counts(pixels, height=height, width=width)
        pieces.append({"size": [height, width], "counts": dots.encode("ascii")})
    if not pieces:
        return to_counts(np.zeros((0, 2), np.int64), height=height, width=width)
    return str(coco.merge(pieces)["counts"].decode("ascii"))
