"""Contour accuracy F as DAVIS defines it, counted on masks written as one long integer each, a bit a pixel.

H, W: a frame's height and width; r: the tolerance radius, ceil(0.008 * sqrt(H^2 + W^2)). Only the rectangle that holds both masks
is looked at, and one row and column more above and to the left: there is no contour elsewhere, so the result is that of the whole
frame, bit for bit. The rectangle's columns stand one after the other in the integer, each followed by r guard bits: shifting by up
to r bits moves every column within itself, shifting by a column and its guard moves all columns one to the side.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016, and the
arithmetic of the DAVIS evaluation: a contour pixel differs from its right, lower or lower right neighbour (at the last row
and column from those that exist); it is right where a disk of radius r around it meets the other mask's contour.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints, Runs, from_runs

TOLERANCE = 0.008  # of the frame's diagonal


def radius(*, height: int, width: int) -> int:
    """Return the tolerance in pixels."""
    return math.ceil(TOLERANCE * math.sqrt(height * height + width * width))


def contour_accuracies(predictions: Runs, truths: Runs, *, heights: Ints, widths: Ints) -> npt.NDArray[np.float64]:
    """Return F, the harmonic mean of the contour's precision and recall, of N pairs of masks: (N,), in [0, 1].

    `heights`, `widths`: (N,), of the frames. F is 1 where neither mask has a contour (both empty, or both the whole frame), 0 where
    only one has.
    """
    matches = _matches(predictions, truths, heights=heights, widths=widths)
    return np.array([_harmonic_mean(*own) for own in matches], np.float64)


def contour_accuracy(prediction: Ints, truth: Ints, *, height: int, width: int) -> float:
    """Return F of one pair of masks, given as runs (n, 2) in pixel numbers down the columns (`Runs.of`)."""
    pixels = np.array([height * width])
    pair = [from_runs([runs], pixels) for runs in (prediction, truth)]
    return float(contour_accuracies(*pair, heights=np.array([height]), widths=np.array([width]))[0])


def _harmonic_mean(matched_predicted: int, matched_true: int, predicted: int, true: int) -> float:
    if predicted == 0 or true == 0:
        return 1.0 if predicted == true else 0.0
    precision, recall = matched_predicted / predicted, matched_true / true
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


class _Rectangle(NamedTuple):
    """The part of a frame that is looked at. `at_bottom`, `at_right`: whether it ends with the frame; `reach`: the tolerance."""

    rows: int
    columns: int
    stride: int
    at_bottom: bool
    at_right: bool
    reach: int

    def every_column(self, pattern: int) -> int:
        """Return a column's pattern repeated over all columns."""
        repeated, columns = pattern, 1
        while columns < self.columns:
            repeated |= repeated << (columns * self.stride)
            columns *= 2
        return repeated & ((1 << (self.columns * self.stride)) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """Where N masks' runs begin and end: columns and rows (K, 2), each run's mask (K,), where each mask's runs begin (N + 1,).

    `bounds`: (N, 4), the least column, the greatest, the least row, the one below the greatest; of an empty mask the other way round.
    """

    column: Ints
    row: Ints
    owner: Ints
    index: Ints
    bounds: Ints


def _matches(predictions: Runs, truths: Runs, *, heights: Ints, widths: Ints) -> list[tuple[int, int, int, int]]:
    """Return contour pixels of each pair: of the prediction near the truth's, of the truth near the prediction's, all of each."""
    placed = [_placed(runs, heights) for runs in (predictions, truths)]
    bounds = [own.bounds for own in placed]
    # A contour lies on a mask's pixels, or one up or to the left of them.
    left = np.maximum(np.minimum(bounds[0][:, 0], bounds[1][:, 0]) - 1, 0)
    top = np.maximum(np.minimum(bounds[0][:, 2], bounds[1][:, 2]) - 1, 0)
    right = np.maximum(bounds[0][:, 1], bounds[1][:, 1]) + 1
    bottom = np.maximum(bounds[0][:, 3], bounds[1][:, 3])
    reach = np.ceil(TOLERANCE * np.sqrt(heights * heights + widths * widths)).astype(np.int64)
    rows, columns = bottom - top, right - left
    fields = (rows, columns, rows + reach, bottom == heights, right == widths, reach)
    rectangles = [_Rectangle(*own) for own in zip(*(field.tolist() for field in fields), strict=True)]
    places = [
        (own.column - left[own.owner, None]) * (rows + reach)[own.owner, None] + own.row - top[own.owner, None]
        for own in placed
    ]
    found = []
    for pair, rectangle in enumerate(rectangles):
        if rectangle.rows <= 0:  # both masks are empty
            found.append((0, 0, 0, 0))
            continue
        ends = [own[one.index[pair] : one.index[pair + 1]] for own, one in zip(places, placed, strict=True)]
        found.append(_pair_matches(ends[0], ends[1], rectangle))
    return found


def _pair_matches(prediction: Ints, truth: Ints, rectangle: _Rectangle) -> tuple[int, int, int, int]:
    inside = rectangle.every_column((1 << rectangle.rows) - 1)
    one, other = (_contour(_bits(own, rectangle, inside), rectangle, inside) for own in (prediction, truth))
    if not one or not other:
        return 0, 0, one.bit_count(), other.bit_count()
    near_one, near_other = _dilated(one, rectangle), _dilated(other, rectangle)
    return (one & near_other).bit_count(), (other & near_one).bit_count(), one.bit_count(), other.bit_count()


def _placed(runs: Runs, heights: Ints) -> _Placed:
    owner = np.repeat(np.arange(len(runs)), np.diff(runs.index) // 2)
    ends = runs.boundaries.reshape(-1, 2)
    some = ends[:, 0] < ends[:, 1]
    if not some.all():
        owner, ends = owner[some], ends[some]
    height = heights[owner]
    column, row = np.divmod(ends - runs.offsets[owner, None], height[:, None])
    # A run that ends with its column ends in the row below that column, not at the top of the next.
    turn = row[:, 1] == 0
    column[:, 1] -= turn
    row[:, 1] += turn * height
    index = np.searchsorted(owner, np.arange(len(runs) + 1))
    bounds = np.tile(np.array([1 << 40, -1, 1 << 40, -1]), (len(runs), 1))
    filled = np.flatnonzero(np.diff(index))
    if len(filled):
        first, last = index[filled], index[filled + 1] - 1
        bounds[filled, 0], bounds[filled, 1] = column[first, 0], column[last, 1]
        # A run that goes on from column to column takes in every row.
        goes_on = np.logical_or.reduceat(column[:, 0] != column[:, 1], first)
        bounds[filled, 2] = np.where(goes_on, 0, np.minimum.reduceat(row[:, 0], first))
        bounds[filled, 3] = np.where(goes_on, heights[filled], np.maximum.reduceat(row[:, 1], first))
    return _Placed(column=column, row=row, owner=owner, index=index, bounds=bounds)


def _bits(ends: Ints, rectangle: _Rectangle, inside: int) -> int:
    """Return a mask as an integer; `ends`: (n, 2), each run's first bit and the bit behind it."""
    if not len(ends):
        return 0
    size = rectangle.columns * rectangle.stride
    bits = np.zeros((2, (size + 7) // 8 * 8), np.uint8)
    bits[0, ends[:, 0]] = 1
    bits[1, ends[:, 1]] = 1
    first, behind = np.packbits(bits, axis=1, bitorder="little")
    # A run is all ones from its first bit up to, not including, the bit behind it: the difference of those two powers of two.
    return (int.from_bytes(behind.tobytes(), "little") - int.from_bytes(first.tobytes(), "little")) & inside


def _contour(bits: int, rectangle: _Rectangle, inside: int) -> int:
    """Return the pixels that differ from their right, lower or lower right neighbour."""
    if not bits:
        return 0
    stride, columns, framed = rectangle.stride, rectangle.columns, bits
    # At the frame's border the missing neighbours repeat the pixel: its last row below, its last column beside.
    if rectangle.at_bottom:
        framed |= (bits & rectangle.every_column(1 << (rectangle.rows - 1))) << 1
    if rectangle.at_right:
        framed |= (framed >> ((columns - 1) * stride)) << (columns * stride)
    lower, right = framed >> 1, framed >> stride
    return ((framed ^ lower) | (framed ^ right) | (framed ^ (lower >> stride))) & inside


def _dilated(bits: int, rectangle: _Rectangle) -> int:
    """Return the bits grown by a disk; guard bits of the result mean nothing."""
    grown, rows, spread = 0, 0, bits
    reach, stride = rectangle.reach, rectangle.stride
    for aside in range(reach, -1, -1):
        for _ in range(math.isqrt(reach * reach - aside * aside) - rows):
            spread |= (spread << 1) | (spread >> 1)
            rows += 1
        grown |= (spread << (aside * stride)) | (spread >> (aside * stride))
    return grown
