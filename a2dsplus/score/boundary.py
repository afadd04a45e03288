"""Contour accuracy F as DAVIS defines it, counted on masks written as one long integer each, a bit a pixel.

H, W: a frame's height and width; r: the tolerance radius, ceil(0.008 * sqrt(H^2 + W^2)). A mask's columns stand one after
the other in the integer, each followed by r guard bits, so that shifting by up to r bits moves every column within itself,
and shifting by H + r bits moves all columns one to the side. Only the columns that hold either mask are looked at: a contour
outside them does not exist, so the result is that of the whole frame, bit for bit.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016, and the
arithmetic of the DAVIS evaluation: a contour pixel differs from its right, lower or lower right neighbour (at the last row
and column from those that exist); it is right where a disk of radius r around it meets the other mask's contour.
"""

import math
from functools import lru_cache

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


def _matches(prediction: Ints, truth: Ints, *, height: int, width: int) -> tuple[int, int, int, int]:
    """Return contour pixels: of the prediction near the truth's, of the truth near the prediction's, all of each."""
    present = [runs for runs in (prediction, truth) if len(runs)]
    if not present:
        return 0, 0, 0, 0
    reach = radius(height=height, width=width)
    stride = height + reach
    # A contour lies on a mask's pixels, or one up or to the left of them.
    left = max(min(int(runs[0, 0]) for runs in present) // height - 1, 0)
    right = max(int(runs[-1, 1]) - 1 for runs in present) // height + 1
    columns = right - left
    at_edge = right == width
    one, other = (
        _contour(
            _bits(runs, left=left, columns=columns, height=height, stride=stride, width=width),
            columns=columns,
            height=height,
            stride=stride,
            width=width,
            at_edge=at_edge,
        )
        for runs in (prediction, truth)
    )
    if not one or not other:
        return 0, 0, one.bit_count(), other.bit_count()
    near_one, near_other = (_dilated(contour, reach=reach, stride=stride) for contour in (one, other))
    return (one & near_other).bit_count(), (other & near_one).bit_count(), one.bit_count(), other.bit_count()


def _bits(runs: Ints, *, left: int, columns: int, height: int, stride: int, width: int) -> int:
    """Return the mask's columns from `left` on as an integer."""
    if not len(runs):
        return 0
    column, row = np.divmod(runs, height)
    # A run that ends with its column ends in that column's guard bits, not at the top of the next.
    turn = row[:, 1] == 0
    column[:, 1] -= turn
    row[:, 1] += turn * height
    places = ((column - left) * stride + row).ravel()
    edges = np.zeros(columns * stride, np.uint8)
    if len(places) > 1 and (places[1:] == places[:-1]).any():
        np.bitwise_xor.at(edges, places, 1)  # a run of no pixels: its two ends cancel
    else:
        edges[places] = 1
    bits = int.from_bytes(np.packbits(edges, bitorder="little").tobytes(), "little")
    # From edges to runs: each bit becomes the parity of all edges up to it.
    shift = 1
    while shift < len(edges):
        bits ^= bits << shift
        shift *= 2
    return bits & _every_column((1 << height) - 1, stride, width) & ((1 << len(edges)) - 1)


def _contour(bits: int, *, columns: int, height: int, stride: int, width: int, at_edge: bool) -> int:
    """Return the pixels that differ from their right, lower or lower right neighbour."""
    if not bits:
        return 0
    # At the frame's border the missing neighbours repeat the pixel: its last row below, its last column beside.
    last_row = bits & _every_column(1 << (height - 1), stride, width)
    framed = bits | (last_row << 1)
    if at_edge:
        framed |= (framed >> ((columns - 1) * stride)) << (columns * stride)
    lower, right = framed >> 1, framed >> stride
    changed = (framed ^ lower) | (framed ^ right) | (framed ^ (lower >> stride))
    return changed & _every_column((1 << height) - 1, stride, width) & ((1 << (columns * stride)) - 1)


def _dilated(bits: int, *, reach: int, stride: int) -> int:
    """Return the bits grown by a disk of radius `reach`; guard bits of the result mean nothing."""
    grown, rows, spread = 0, 0, bits
    for aside in range(reach, -1, -1):
        for _ in range(math.isqrt(reach * reach - aside * aside) - rows):
            spread |= (spread << 1) | (spread >> 1)
            rows += 1
        grown |= (spread << (aside * stride)) | (spread >> (aside * stride))
    return grown


@lru_cache(maxsize=64)
def _every_column(pattern: int, stride: int, width: int) -> int:
    """Return a column's pattern repeated over all columns of the frame."""
    repeated, columns = pattern, 1
    while columns < width:
        repeated |= repeated << (columns * stride)
        columns *= 2
    return repeated & ((1 << (width * stride)) - 1)
