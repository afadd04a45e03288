"""A query beside its own clip, frozen or backwards: which captions take part, and why the others do not."""

from fractions import Fraction
from pathlib import Path

import pytest

from a2dsplus.contrast.own_clip import Row, directed, moving, own_pair
from a2dsplus.records import Clip, Pair, Query

RUN = (0, "V", "verb", "running", "run")
SIT = (0, "V", "verb", "sitting", "sit")


def _clip(frames: int = 8) -> Clip:
    return Clip(video_id="v", path=Path("v"), frames=frames, height=4, width=4, rate=Fraction(25))


def _query() -> Query:
    return Query(video_id="v", expression_id="0", objects=("0",), text="a dog", split="test")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([RUN], ("run",)),
        ([SIT], ()),
        ([SIT, (1, "V", "verb", "walking", "walk")], ("walk",)),
        ([RUN, (0, "ARGM-NEG", "other", "not", "not")], ()),
    ],
)
def test_words_of_motion(rows: list[Row], expected: tuple[str, ...]) -> None:
    assert moving(rows) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((0, "ARGM-DIR", "where", "towards camera", "towards camera"), ("towards camera",)),
        ((0, "ARGM-DIR", "where", "into water", "into water"), ("into water",)),
        ((0, "ARGM-DIR", "where", "up and down", "up and down"), ()),
        ((0, "ARGM-DIR", "where", "back and forth", "back and forth"), ()),
        ((0, "ARGM-LOC", "where", "on grass", "on grass"), ()),
        ((0, "ARGM-DIR", "where", "from left", "from left"), ()),
        ((0, "ARGM-TMP", "when", "then", "then"), ("then",)),
    ],
)
def test_words_of_direction_and_order(row: Row, expected: tuple[str, ...]) -> None:
    assert directed([RUN, row]) == expected


def test_a_side_is_a_direction_beside_a_goal() -> None:
    rows = [RUN, (0, "ARGM-DIR", "where", "from left", "from left"), (0, "ARGM-GOL", "where", "to right", "to right")]
    assert directed(rows) == ("from left", "to right")
    # who sits does not move towards anything
    assert directed([SIT, (0, "ARGM-DIR", "where", "towards camera", "towards camera")]) == ()


def test_the_pair_of_a_query_with_its_own_clip() -> None:
    rows = [(0, "ARG0", "who", "dog", "dog"), RUN]
    pair = own_pair(_query(), rows, _clip(), kind="frozen")
    assert isinstance(pair, Pair)
    assert (pair.query_id, pair.contrast_query_id, pair.tier, pair.grade) == ("v/0", "v/0", None, "excluded")
    assert (pair.shared, pair.differing, pair.because) == (("verb", "who"), (), "frozen: run")
    assert own_pair(_query(), rows, _clip(), kind="reversed") == "its words speak of no direction or order"
    assert own_pair(_query(), rows, _clip(1), kind="frozen") == "its clip has one frame"
