"""Contour accuracy: DAVIS's arithmetic on whole frames, written out here, against the one in columns of bits."""

import math

import numpy as np
import pytest

from a2dsplus.media.masks import Mask
from a2dsplus.media.runs import from_mask, from_runs
from a2dsplus.score.counting.boundary import _matches, contour_accuracies, contour_accuracy, radius
from tests.score.score_data import decoded, real_masks
from tests.shared_data import needs_shared


def contour(mask: Mask) -> Mask:
    """A pixel that differs from its right, lower or lower right neighbour; at the last row and column, from those there are."""
    right, lower, diagonal = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1] = mask[:, 1:]
    lower[:-1] = mask[1:]
    diagonal[:-1, :-1] = mask[1:, 1:]
    found = (mask ^ right) | (mask ^ lower) | (mask ^ diagonal)
    found[-1] = mask[-1] ^ right[-1]
    found[:, -1] = mask[:, -1] ^ lower[:, -1]
    found[-1, -1] = False
    return found


def dilated(mask: Mask, reach: int) -> Mask:
    """The mask grown by a disk, shift by shift."""
    height, width = mask.shape
    padded = np.pad(mask, reach)
    grown = np.zeros_like(mask)
    for down in range(-reach, reach + 1):
        for aside in range(-reach, reach + 1):
            if down * down + aside * aside <= reach * reach:
                grown |= padded[reach + down : reach + down + height, reach + aside : reach + aside + width]
    return grown


def reference(prediction: Mask, truth: Mask) -> float:
    """F on the whole frame."""
    reach = math.ceil(0.008 * np.linalg.norm(truth.shape))
    predicted, true = contour(prediction), contour(truth)
    matched_predicted, matched_true = (predicted & dilated(true, reach)).sum(), (true & dilated(predicted, reach)).sum()
    if predicted.sum() == 0 and true.sum() > 0:
        precision, recall = 1.0, 0.0
    elif predicted.sum() > 0 and true.sum() == 0:
        precision, recall = 0.0, 1.0
    elif predicted.sum() == 0 and true.sum() == 0:
        precision, recall = 1.0, 1.0
    else:
        precision, recall = matched_predicted / predicted.sum(), matched_true / true.sum()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def accuracy(prediction: Mask, truth: Mask) -> float:
    height, width = truth.shape
    return contour_accuracy(from_mask(prediction), from_mask(truth), height=height, width=width)


def some_mask(generator: np.random.Generator, height: int, width: int) -> Mask:
    mask = np.zeros((height, width), bool)
    kind = generator.integers(8)
    top, left = generator.integers(0, height), generator.integers(0, width)
    if kind == 1:
        mask[:] = generator.random((height, width)) < generator.random()
    elif kind == 2:
        mask[:] = True
    elif kind == 3:  # a box, often at the border
        mask[top : top + generator.integers(1, height + 1), left : left + generator.integers(1, width + 1)] = True
    elif kind == 4:  # one row
        mask[top] = True
    elif kind == 5:  # one column
        mask[:, left] = True
    elif kind == 6:  # one pixel
        mask[top, left] = True
    elif kind == 7:  # a disk
        rows, columns = np.ogrid[:height, :width]
        mask[:] = (rows - top) ** 2 + (columns - left) ** 2 < generator.integers(1, 400)
    return mask


@pytest.mark.parametrize("seed", range(6))
def test_f_is_that_of_the_whole_frame(seed: int) -> None:
    generator = np.random.default_rng(seed)
    for trial in range(150):
        largest = 300 if trial % 25 == 0 else 70
        height, width = (int(side) for side in generator.integers(1, largest, 2))
        prediction, truth = some_mask(generator, height, width), some_mask(generator, height, width)
        assert accuracy(prediction, truth) == reference(prediction, truth), (seed, trial, height, width)


def test_a_batch_of_frames_of_many_sizes() -> None:
    generator = np.random.default_rng(99)
    sizes = [tuple(int(side) for side in generator.integers(1, 60, 2)) for _ in range(200)]
    pairs = [(some_mask(generator, *size), some_mask(generator, *size)) for size in sizes]
    heights, widths = np.array(sizes).T
    one, other = (from_runs([from_mask(pair[side]) for pair in pairs], heights * widths) for side in (0, 1))
    found = contour_accuracies(one, other, heights=heights, widths=widths)
    assert found.tolist() == [reference(*pair) for pair in pairs]


def test_contour_pixels_of_a_small_square() -> None:
    # A 2 x 2 square at (2, 2): its own pixels but the inner one, and those up and to the left of it, make a 3 x 3 contour
    # without the pixel (2, 2), all of whose three neighbours are inside.
    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:4] = True
    own = from_runs([from_mask(mask)], np.array([64]))
    assert _matches(own, own, heights=np.array([8]), widths=np.array([8])) == [(8, 8, 8, 8)]
    assert contour(mask).sum() == 8


def test_a_shift_within_the_tolerance_costs_nothing_and_one_beyond_it_all() -> None:
    height, width = 300, 400  # diagonal 500: tolerance 4
    assert radius(height=height, width=width) == 4
    truth = np.zeros((height, width), bool)
    truth[:, :100] = True
    within, beyond = np.zeros_like(truth), np.zeros_like(truth)
    within[:, :104] = True
    beyond[:, :105] = True
    assert accuracy(within, truth) == 1.0
    assert accuracy(beyond, truth) == 0.0


def test_empty_masks() -> None:
    none, some = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    some[3:9, 4:11] = True
    assert accuracy(none, none) == 1.0
    assert accuracy(some, none) == 0.0
    assert accuracy(none, some) == 0.0
    assert accuracy(some, some) == 1.0


@needs_shared
def test_real_masks() -> None:
    generator = np.random.default_rng(0)
    for rle in list(real_masks().values())[::250]:
        truth = decoded(rle)
        prediction = np.roll(truth, tuple(generator.integers(-12, 13, 2)), (0, 1))
        assert accuracy(prediction, truth) == reference(prediction, truth)
