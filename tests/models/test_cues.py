"""What captions say of their referent, by hand; and which candidate fits."""

import numpy as np
import pytest

from a2dsplus.models import RolePhrase
from a2dsplus.models.coco import CLASSES, named_class
from a2dsplus.models.cues import Candidate, Cues, named_colours, rank, read_cues


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a man in red is running", {"colours": {"red"}, "moving": True}),
        ("a gray cat on the left sits", {"colours": {"grey"}, "places": {"left"}, "moving": False}),
        ("the dog walking to the left", {"courses": {"left"}, "moving": True}),
        ("a small bird in the middle", {"places": {"middle"}, "large": False}),
        ("the big car in front is parked", {"places": {"front"}, "large": True, "moving": False}),
        ("a woman stands by a running horse", {"moving": False}),
        ("a ball", {}),
        ("", {}),
    ],
)
def test_cues_by_hand(text: str, expected: dict[str, object]) -> None:
    plain = {name: frozenset(value) if isinstance(value, set) else value for name, value in expected.items()}
    assert read_cues(text) == Cues(**plain)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("two men are running", "person"),
        ("a baby crawling to a dog", "person"),
        ("a dog is chasing the man", "dog"),
        ("the basketball player in white", "person"),
        ("white puppies", "dog"),
        ("a duck on the pond", "bird"),
        ("suv on the street", "car"),
        ("rolling basketball", "sports ball"),
        ("a zebra", "zebra"),
        ("blob", None),
    ],
)
def test_the_referents_class(text: str, name: str | None) -> None:
    assert named_class(text) == (None if name is None else CLASSES.index(name))


def test_the_who_of_the_roles_goes_before_the_first_noun() -> None:
    roles = (RolePhrase(0, "ARG0", "who", "dog", "dog"),)
    assert named_class("behind the man a dog is running", roles) == CLASSES.index("dog")
    assert named_class("behind the man a dog is running") == CLASSES.index("person")


def candidate(x: float, *, size: float = 10, frames: int = 10, step: float = 0.0, **colours: float) -> Candidate:
    boxes = {n: (x + step * n, 40.0, x + step * n + size, 40.0 + size) for n in range(frames)}
    return Candidate(boxes=boxes, moves=dict.fromkeys(range(1, frames), (step, 0.0)), colours=colours, score=0.5)


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("on the left", 0),
        ("on the right", 3),
        ("red", 1),
        ("running", 2),
        ("standing still in blue", 0),
        ("big", 3),
        ("moving to the left", 4),
    ],
)
def test_the_best_candidate_by_hand(text: str, best: int) -> None:
    candidates = [
        candidate(5, blue=0.9),
        candidate(30, red=0.6),
        candidate(40, step=3),
        candidate(150, size=30),
        candidate(90, step=-3),
    ]
    ranks = rank(candidates, read_cues(text), height=100, width=200, frames=10)
    assert int(np.argmax(ranks)) == best
    assert all(0 <= value <= 1 for value in ranks)


def test_what_flickers_ranks_below_what_lasts() -> None:
    lasting, flicker = candidate(5), candidate(90, frames=1)
    assert rank([flicker, lasting], read_cues("a dog"), height=100, width=100, frames=10)[1] > 0.4
    assert int(np.argmax(rank([flicker, lasting], read_cues("on the right"), height=100, width=100, frames=10))) == 1


@pytest.mark.parametrize(
    ("name", "rgb"),
    [
        ("red", (200, 20, 20)),
        ("green", (30, 160, 40)),
        ("blue", (30, 60, 200)),
        ("yellow", (230, 210, 40)),
        ("white", (240, 240, 240)),
        ("black", (15, 15, 15)),
        ("grey", (120, 120, 120)),
        ("brown", (110, 70, 40)),
        ("pink", (240, 110, 180)),
    ],
)
def test_colours_by_their_names(name: str, rgb: tuple[int, int, int]) -> None:
    shares = named_colours(np.array([rgb] * 8, np.uint8))
    assert max(shares, key=lambda each: shares[each]) == name
    assert shares[name] == 1
    assert named_colours(np.zeros((0, 3), np.uint8)) == {}
