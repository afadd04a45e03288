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

import numpy as np

from a2dsplus.score.runs import Ints

TOLERANCE = 0.008  # of the frame's diagonal


def radius(*, height: int, width: int) -> int:
    """Return the tolerance in pixels."""
    return math.ceil(TOLERANCE * math.sqrt(height * height + width * width))


def contour_accuracy(prediction: Ints, truth: Ints, *, height: int, width: int) -> float:
    """Return F, the harmonic mean of the contour's precision and recall, in [0, 1].

    `prediction`, `truth`: runs (n, 2) in pixel numbers down the columns (`Runs.of`). 1 where neither mask has a contour
    (both empty, or both the whole frame), 0 where only one has.
    """
    matched_predicted, matched_true, predicted, true = _matches(prediction, truth, height=height, width=width)
    if predicted == 0 or true == 0:
        return 1.0 if predicted == true else 0.0
    precision, recall = matched_predicted / predicted, matched_true / true
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rectangle:
    """The part of the frame that is looked at. `at_bottom`, `at_right`: whether it ends with the frame."""

    top: int
    left: int
    rows: int
    columns: int
    stride: int
    at_bottom: bool
    at_right: bool

    def every_column(self, pattern: int) -> int:
        """Return a column's pattern repeated over all columns."""
        repeated, columns = pattern, 1
        while columns < self.columns:
            repeated |= repeated << (columns * self.stride)
            columns *= 2
        return repeated & ((1 << (self.columns * self.stride)) - 1)


def _matches(prediction: Ints, truth: Ints, *, height: int, width: int) -> tuple[int, int, int, int]:
    """Return contour pixels: of the prediction near the truth's, of the truth near the prediction's, all of each."""
    placed = [_placed(runs, height) for runs in (prediction, truth)]
    if not any(len(column) for column, _ in placed):
        return 0, 0, 0, 0
    reach = radius(height=height, width=width)
    rectangle = _rectangle([own for own in placed if len(own[0])], height=height, width=width, reach=reach)
    inside = rectangle.every_column((1 << rectangle.rows) - 1)
    one, other = (_contour(_bits(own, rectangle, inside), rectangle, inside) for own in placed)
    if not one or not other:
        return 0, 0, one.bit_count(), other.bit_count()
    near_one, near_other = (_dilated(contour, reach=reach, stride=rectangle.stride) for contour in (one, other))
    return (one & near_other).bit_count(), (other & near_one).bit_count(), one.bit_count(), other.bit_count()


def _placed(runs: Ints, height: int) -> tuple[Ints, Ints]:
    """Return the columns and rows, (n, 2) each, of the runs' first pixels and of the places after their last ones."""
    runs = runs[runs[:, 0] < runs[:, 1]]
    column, row = np.divmod(runs, height)
    # A run that ends with its column ends in the row below that column, not at the top of the next.
    turn = row[:, 1] == 0
    column[:, 1] -= turn
    row[:, 1] += turn * height
    return column, row


def _rectangle(placed: list[tuple[Ints, Ints]], *, height: int, width: int, reach: int) -> _Rectangle:
    # A contour lies on a mask's pixels, or one up or to the left of them.
    left = max(min(int(column[0, 0]) for column, _ in placed) - 1, 0)
    right = max(int(column[-1, 1]) for column, _ in placed) + 1
    top, bottom = 0, height
    if all(np.array_equal(column[:, 0], column[:, 1]) for column, _ in placed):  # no run goes on from column to column
        top = max(min(int(row[:, 0].min()) for _, row in placed) - 1, 0)
        bottom = max(int(row[:, 1].max()) for _, row in placed)
    return _Rectangle(
        top=top,
        left=left,
        rows=bottom - top,
        columns=right - left,
        stride=bottom - top + reach,
        at_bottom=bottom == height,
        at_right=right == width,
    )


def _bits(placed: tuple[Ints, Ints], rectangle: _Rectangle, inside: int) -> int:
    """Return the rectangle's part of a mask as an integer."""
    column, row = placed
    if not len(column):
        return 0
    places = (column - rectangle.left) * rectangle.stride + (row - rectangle.top)
    # A run is all ones from its first bit up to, not including, the bit behind it: the difference of those two powers of two.
    return (_power_sum(places[:, 1], rectangle) - _power_sum(places[:, 0], rectangle)) & inside


def _power_sum(places: Ints, rectangle: _Rectangle) -> int:
    """Return the integer with the bits at some different places set."""
    bits = np.zeros(rectangle.columns * rectangle.stride, np.uint8)
    bits[places] = 1
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")


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


def _dilated(bits: int, *, reach: int, stride: int) -> int:
    """Return the bits grown by a disk of radius `reach`; guard bits of the result mean nothing."""
    grown, rows, spread = 0, 0, bits
    for aside in range(reach, -1, -1):
        for _ in range(math.isqrt(reach * reach - aside * aside) - rows):
            spread |= (spread << 1) | (spread >> 1)
            rows += 1
        grown |= (spread << (aside * stride)) | (spread >> (aside * stride))
    return grown
