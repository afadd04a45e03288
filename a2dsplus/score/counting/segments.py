"""One mask as a COCO file may write it (compressed, uncompressed, polygons) as compressed counts of the expected size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from a2dsplus.errors import MaskError
from a2dsplus.score.counting import runs
from a2dsplus.score.protocols import Resize

_FARTHEST = 100_000  # pixels from the origin that a polygon's corner may lie: a bound on the work it can ask for
MOST_PIXELS = 1 << 31  # of one mask


def compressed_counts(segmentation: object, *, height: int, width: int, resize: Resize = "none") -> str:
    """Return a segmentation's compressed counts at (height, width).

    `segmentation`: {"size": [H, W], "counts": text or whole numbers}, or polygons [[x, y, x, y, ...], ...]. Compressed counts of
    the right size are returned as they are, unread: `runs.from_counts` checks them. Raises MaskError, the reason alone, where
    it is none of these, or of another size while `resize` is "none".
    """
    if isinstance(segmentation, dict):
        size, counts = _size(segmentation), segmentation.get("counts")
        if size == (height, width) and isinstance(counts, str):
            return counts
        own = _own_runs(counts, pixels=size[0] * size[1])
        if size != (height, width):
            if resize == "none":
                raise MaskError(
                    f"its size is {size[0]}x{size[1]}, the ground truth's {height}x{width} (height x width); "
                    "predict at that size, or pass --resize nearest"
                )
            own = resized(own, size, (height, width))
        return to_counts(own, height=height, width=width)
    if isinstance(segmentation, Sequence) and not isinstance(segmentation, str):
        return _polygons(segmentation, height=height, width=width)
    raise MaskError('its segmentation is neither {"size", "counts"} nor a list of polygons')


def resized(own: runs.Ints, source: tuple[int, int], target: tuple[int, int]) -> runs.Ints:
    """Return runs (n, 2) at another size (height, width), each pixel from the nearest of the source."""
    mask = runs.to_mask(own, height=source[0], width=source[1])
    rows, columns = (
        np.minimum(((np.arange(to) + 0.5) * of / to).astype(np.int64), of - 1)
        for of, to in zip(source, target, strict=True)
    )
    return runs.from_mask(mask[rows][:, columns])


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
    if not (isinstance(size, list | tuple) and len(size) == 2 and all(type(side) is int for side in size)):
        raise MaskError(f"its size is {size!r}, expected two whole numbers [height, width]")
    if min(size) < 1 or size[0] * size[1] > MOST_PIXELS:
        raise MaskError(f"its size is {size[0]}x{size[1]}, which no image has")
    return size[0], size[1]


def _own_runs(counts: object, *, pixels: int) -> runs.Ints:
    area = np.array([pixels], np.int64)
    try:
        if isinstance(counts, str):
            return runs.from_counts([counts], area).of(0)
        if isinstance(counts, list) and all(type(count) is int and 0 <= count <= pixels for count in counts):
            return runs.from_lengths([counts], area).of(0)
    except runs.RunError as error:
        raise MaskError(error.reason) from None
    raise MaskError("its counts are neither text nor whole numbers from 0 to its number of pixels")


def _polygons(polygons: Sequence[Any], *, height: int, width: int) -> str:
    from pycocotools import mask as coco

    if not polygons:
        return to_counts(np.zeros((0, 2), np.int64), height=height, width=width)
    for number, corners in enumerate(polygons):
        if not isinstance(corners, list) or len(corners) < 6 or len(corners) % 2:
            raise MaskError(f"its polygon {number} is no list of three or more x, y corners")
        for value in corners:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise MaskError(f"its polygon {number} has a corner that is no number")
            if not -_FARTHEST <= value <= _FARTHEST:  # not a number is no less and no more
                raise MaskError(f"its polygon {number} has a corner far outside any image")
    rle = coco.merge(coco.frPyObjects([[float(value) for value in corners] for corners in polygons], height, width))
    return str(rle["counts"].decode("ascii"))
