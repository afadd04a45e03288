"""What labels do to a pair's grade."""

import pytest

from a2dsplus.contrast.actors import Actor, Reading
from a2dsplus.contrast.witness import Witness
from a2dsplus.records import Grade, Pair


def _pair(grade: Grade) -> Pair:
    because = "colour: black dog / white dog" if grade == "excluded" else "not ruled out: it"
    return Pair(query_id="q/0", contrast_query_id="c/0", tier=1, shared=(), differing=(), grade=grade, because=because, doubt=0.09, rank=0)  # fmt: skip


def _caption(*names: str, number: str = "") -> Reading:
    actors = [Actor(words=name, head=name, classes=frozenset([name] if name else []), number=number) for name in names]
    return Reading(referent=actors[0], mentioned=tuple(actors[1:]))


DOG, MAN, IT, TRUCK = _caption("dog"), _caption("adult"), _caption(""), _caption("truck")
UNNAMED = ("undecided", "labels: a dog that no caption names")
NONE = ("excluded", "labels: no dog is there")


@pytest.mark.parametrize(
    ("query", "captions", "actors", "whole", "before", "after"),
    [
        # an actor whom nobody described
        (DOG, [MAN], {"dog": 1, "adult": 1}, True, "excluded", UNNAMED),
        (DOG, [MAN], {"dog": 1}, False, "excluded", UNNAMED),
        (DOG, [DOG, MAN], {"dog": 2, "adult": 1}, True, "excluded", UNNAMED),
        (MAN, [DOG], {"adult": 1}, True, "excluded", ("undecided", "labels: an adult that no caption names")),
        # everybody is named
        (DOG, [DOG, DOG], {"dog": 2}, True, "excluded", None),
        (DOG, [_caption("adult", "dog")], {"dog": 1, "adult": 1}, True, "excluded", None),
        (DOG, [_caption("dog", number="two")], {"dog": 2}, True, "excluded", None),
        (DOG, [MAN], {"adult": 1}, True, "excluded", None),
        (MAN, [MAN], {"adult": 1, "dog": 3}, True, "excluded", None),
        # nobody of the class is there, and no caption says so
        (DOG, [IT], {"adult": 1}, True, "undecided", NONE),
        (DOG, [IT], {}, True, "undecided", NONE),
        (DOG, [IT], {"adult": 1}, False, "undecided", None),
        (DOG, [DOG], {"adult": 1}, True, "undecided", None),
        (DOG, [_caption("adult", "dog")], {"adult": 1}, True, "undecided", None),
        (MAN, [IT], {"baby": 1}, True, "undecided", None),
        (TRUCK, [IT], {"adult": 1}, True, "undecided", None),
        (IT, [MAN], {"dog": 1}, True, "undecided", None),
    ],
)
def test_grades(
    query: Reading, captions: list[Reading], actors: dict[str, int], whole: bool, before: Grade, after: tuple[str, str]
) -> None:
    witness = Witness(actors={"c": actors}, whole=frozenset(["c"]) if whole else frozenset())
    pair = _pair(before)
    graded = witness.graded(pair, query, captions, video="c")
    if after is None:
        assert graded is pair
        return
    assert (graded.grade, graded.because) == after
    assert graded.doubt == (0.47 if graded.grade == "undecided" else 0.01)
