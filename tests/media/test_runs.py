"""Masks as runs: the same pixels, areas and intersections as pycocotools and numpy count, and malformed counts refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from a2dsplus.media import runs, segments
from a2dsplus.media.masks import Mask, encode

MASKS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda size: arrays(np.bool_, size))
PAIRS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: st.tuples(arrays(np.bool_, size), arrays(np.bool_, size))
)


def batch(masks: list[Mask]) -> runs.Runs:
    return runs.from_counts([encode(mask)["counts"] for mask in masks], np.array([mask.size for mask in masks]))


@given(st.lists(MASKS, min_size=1, max_size=8))
def test_decodes_what_pycocotools_encodes(masks: list[Mask]) -> None:
    found = batch(masks)
    assert found.areas().tolist() == [int(mask.sum()) for mask in masks]
    for place, mask in enumerate(masks):
        assert np.array_equal(runs.to_mask(found.of(place), height=mask.shape[0], width=mask.shape[1]), mask)


@given(st.lists(PAIRS, min_size=1, max_size=8))
def test_intersections_are_numpys(pairs: list[tuple[Mask, Mask]]) -> None:
    found = runs.intersections(batch([one for one, _ in pairs]), batch([other for _, other in pairs]))
    assert found.tolist() == [int((one & other).sum()) for one, other in pairs]


@given(MASKS)
def test_from_mask_and_back(mask: Mask) -> None:
    own = runs.from_mask(mask)
    assert np.array_equal(runs.to_mask(own, height=mask.shape[0], width=mask.shape[1]), mask)
    assert segments.to_counts(own, height=mask.shape[0], width=mask.shape[1]) == encode(mask)["counts"]


@given(st.lists(MASKS, min_size=1, max_size=6), st.data())
def test_areas_within_a_range_of_columns(masks: list[Mask], data: st.DataObject) -> None:
    first = [data.draw(st.integers(0, mask.shape[1])) for mask in masks]
    stop = [data.draw(st.integers(low, mask.shape[1])) for mask, low in zip(masks, first, strict=True)]
    heights = np.array([mask.shape[0] for mask in masks])
    found = batch(masks).areas_within(np.array(first) * heights, np.array(stop) * heights)
    assert found.tolist() == [int(mask[:, low:high].sum()) for mask, low, high in zip(masks, first, stop, strict=True)]


def test_large_counts_take_several_characters() -> None:
    mask = np.zeros((3000, 4000), bool)
    mask[2999, 3999] = True
    mask[0, :] = True
    rle = encode(mask)
    found = runs.from_counts([rle["counts"]], np.array([mask.size]))
    assert found.areas().tolist() == [int(mask.sum())]
    assert coco.area({"size": rle["size"], "counts": rle["counts"].encode()}) == found.areas()[0]


def test_runs_of_no_pixels_and_an_odd_number_of_runs() -> None:
    # 3 background, 2 foreground, 0 background, 1 foreground, 4 background
    found = runs.from_lengths([[3, 2, 0, 1, 4], [0, 10], [10]], np.array([10, 10, 10]))
    assert found.areas().tolist() == [3, 10, 0]
    assert runs.intersections(found, runs.from_lengths([[4, 2, 4], [9, 1], [0, 10]], np.array([10] * 3))).tolist() == [
        2,
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ("", "empty"),
        ("é", "not ASCII"),
        ("~~", "does not use"),
        ("o", "cut off"),
        ("3", "add up to 3 pixels, its size has 12"),
        ("oooooooo1", "more than 35 bits"),
        ("O", "negative"),
    ],
)
def test_malformed_counts_are_named(counts: str, reason: str) -> None:
    good = encode(np.ones((3, 4), bool))["counts"]
    with pytest.raises(runs.RunError, match=reason) as raised:
        runs.from_counts([good, counts, good], np.array([12, 12, 12]))
    assert raised.value.index == 1


def test_an_empty_batch() -> None:
    none = runs.from_counts([], np.zeros(0, np.int64))
    assert len(none) == 0 and none.areas().tolist() == [] and runs.intersections(none, none).tolist() == []
