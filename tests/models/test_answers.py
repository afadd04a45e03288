"""What a model yields for a frame: two values are read for what they plainly mean, everything else is refused by name."""

import numpy as np
import pytest
import torch

from a2dsplus.errors import ModelError
from a2dsplus.models.answers import read_answer, wished

INSIDE = np.array([[0, 1, 1], [0, 0, 1]], bool)


@pytest.mark.parametrize(
    "mask",
    [
        INSIDE,
        INSIDE.astype(np.uint8),
        INSIDE.astype(np.int64) * 255,
        INSIDE.astype(np.uint8) * 7,
        INSIDE.astype(np.float32),
        INSIDE.astype(np.float64) * 255,
        np.where(INSIDE, 0.97, 0.03).astype(np.float32),
        np.where(INSIDE, 0.51, 0.5).astype(np.float16),
        torch.from_numpy(INSIDE),
        torch.where(torch.from_numpy(INSIDE), 0.9, 0.2).to(torch.bfloat16).requires_grad_(),
    ],
    ids=lambda mask: str(mask.dtype),
)
def test_a_mask_is_read_for_what_it_plainly_means(mask: object) -> None:
    read, confidence = read_answer(mask, height=2, width=3)
    assert read.dtype == np.bool_
    assert np.array_equal(read, INSIDE)
    assert confidence == 1
    assert read_answer((mask, 0.25), height=2, width=3)[1] == 0.25


@pytest.mark.parametrize("value", [0, 1, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_mask_of_one_value_is_everything_or_nothing(value: int, kind: type) -> None:
    read, _ = read_answer(np.full((2, 3), value, kind), height=2, width=3)
    assert read.all() == (value > 0)
    assert read.any() == (value > 0)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.full((2, 3), np.nan), r"shape \(2, 3\) and type float64 has 6 values that are no number \(NaN\)"),
        (np.where(INSIDE, 0.9, np.nan).astype(np.float32), r"type float32 has 3 values that are no number"),
        (np.where(INSIDE, np.inf, 0), r"has values from 0 to inf, expected probabilities"),
        (
            np.where(INSIDE, 4.0, -7.5),
            r"has values from -7.5 to 4, expected probabilities in \[0, 1\]; compare logits with 0",
        ),
        (np.where(INSIDE, 200.0, 0.4), r"has values from 0.4 to 200"),
        (
            np.array([[0, 3, 250], [0, 1, 255]], np.uint8),
            r"type uint8 has 5 values, 0 to 255; expected 0 and one other",
        ),
        (np.array([[3, 3, 5], [3, 3, 5]]), r"has 2 values, 3 to 5"),
        (INSIDE[None], r"shape \(1, 2, 3\) and type bool, expected shape \(2, 3\)"),
        (INSIDE.T, r"shape \(3, 2\)"),
        (np.array([["a"] * 3] * 2), r"expected bool, whole numbers"),
        (None, r"shape \(\) and type object"),
    ],
)
def test_a_mask_that_says_neither_yes_nor_no_is_refused(mask: object, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_answer(mask, height=2, width=3)


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), None, "high"])
def test_a_confidence_is_a_finite_number(confidence: object) -> None:
    with pytest.raises(ModelError, match="expected a finite number"):
        read_answer((INSIDE, confidence), height=2, width=3)


def test_a_function_is_given_what_it_names_and_nothing_else() -> None:
    offers = {"roles": 1, "wanted": 2}

    class Wanting:
        def segment(self, video: object, text: str, *, wanted: object = None, **rest: object) -> None: ...

    assert wished(Wanting().segment, offers) == {"wanted": 2}
    assert wished(lambda video, text: None, offers) == {}
    assert wished(lambda video, text, roles: None, offers) == {"roles": 1}
    assert wished(print, offers) == {}
