"""Blind rows: the counts of blind.json against pixels counted here, for every composition; silence, and the actors of one side."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from a2dsplus.compose.blind import blind_rows
from a2dsplus.compose.geometry import composite, units, whole
from a2dsplus.media.masks import Mask, Rle, decode, encode
from a2dsplus.records import Clip, Order, Pair, Query, Sample, SubsetName

Annotated = dict[str, dict[int, dict[str, Rle]]]
# video: frames, height, width, {annotated frame: objects}
VIDEOS = {"q": (9, 12, 17, {2: "ab", 7: "a"}), "c": (14, 24, 20, {3: "a", 12: "ab"}), "d": (4, 6, 8, {1: "a", 4: "a"})}


def clips() -> dict[str, Clip]:
    return {
        video: Clip(video_id=video, path=Path(video), frames=frames, height=height, width=width, rate=Fraction(25))
        for video, (frames, height, width, _) in VIDEOS.items()
    }


def annotations(seed: int = 0) -> Annotated:
    generator = np.random.default_rng(seed)
    return {
        video: {
            frame: {name: encode(generator.random((height, width)) < 0.3) for name in names}
            for frame, names in there.items()
        }
        for video, (_, height, width, there) in VIDEOS.items()
    }


def query(video: str, expression: str = "a") -> Query:
    return Query(video_id=video, expression_id=expression, objects=(expression,), text="a dog", split="test")


QUERIES = {own.query_id: own for own in (query("q"), query("q", "b"), query("c"), query("d"))}  # nobody names b of c


def sample(subset: SubsetName, contrasts: str, masks: Annotated, **settings: object) -> Sample:
    given = {"order": Order.QUERY_FIRST, **settings}
    others = [query(video) for video in contrasts]
    return composite(subset, query("q"), others, clips=clips(), masks_of=masks.__getitem__, **given)  # type: ignore[arg-type]


def actors(video: str, frame: int, names: str, masks: Annotated, height: int, width: int) -> Mask:
    """The described actors of a clip's annotated frame that is nearest to a shown one, scaled by hand."""
    there = masks[video]
    nearest = min(there, key=lambda own: (abs(own - frame), own))
    found = np.zeros(VIDEOS[video][1:3], bool)
    for name, rle in there[nearest].items():
        if name in names:
            found |= decode(rle)
    rows = [int((row + 0.5) * found.shape[0] / height) for row in range(height)]
    columns = [int((column + 0.5) * found.shape[1] / width) for column in range(width)]
    return found[np.ix_(rows, columns)]


def counted(own: Sample, masks: Annotated, predicted: dict[int, Mask]) -> dict[str, list[int]]:
    shared, union = [], []
    for unit in units(own, QUERIES, masks.__getitem__):
        truth, found = decode(unit.mask), predicted[unit.frame]
        if unit.ignore is not None:
            truth, found = truth & ~decode(unit.ignore), found & ~decode(unit.ignore)
        shared.append(int((truth & found).sum()))
        union.append(int((truth | found).sum()))
    return {"I": shared, "U": union}


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("both", [False, True])
def test_s_by_hand(order: Order, both: bool) -> None:
    masks = annotations()
    own = sample(SubsetName.S, "c", masks, order=order, both_asked=both)
    # the query is 12 x 17, grown to 18 columns; the contrast, 24 x 20, is scaled to 12 x 10
    width = {"q": 18, "c": 10}
    first, last = ("q", "c") if order is Order.QUERY_FIRST else ("c", "q")
    left, right, everywhere = {}, {}, {}
    for frame in range(1, 10):
        parts = {"q": actors("q", frame, "ab", masks, 12, 17), "c": actors("c", frame, "a", masks, 12, 10)}
        left[frame], right[frame] = np.zeros((12, 28), bool), np.zeros((12, 28), bool)
        left[frame][:, : parts[first].shape[1]] = parts[first]
        right[frame][:, width[first] : width[first] + parts[last].shape[1]] = parts[last]
        everywhere[frame] = left[frame] | right[frame]
    rows = blind_rows([own], QUERIES, masks.__getitem__)["rows"]
    assert list(rows) == ["nothing", "all actors", "all actors, left", "all actors, right"]
    for name, predicted in (("all actors", everywhere), ("all actors, left", left), ("all actors, right", right)):
        assert rows[name] == counted(own, masks, predicted), name
    assert rows["nothing"] == counted(own, masks, {frame: np.zeros((12, 28), bool) for frame in range(1, 10)})
    assert set(rows["nothing"]["I"]) == {0}


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("both", [False, True])
def test_t_by_hand(order: Order, both: bool) -> None:
    masks = annotations(1)
    own = sample(SubsetName.T, "c", masks, order=order, both_asked=both)
    begin = {"q": 0, "c": 9} if order is Order.QUERY_FIRST else {"q": 9, "c": 0}
    # nine of the contrast's 14 frames: 1 + round(13 k / 8); its frame 3 is nearest to the second shown, 12 to the eighth
    at = {begin["q"] + frame: ("q", frame, "ab") for frame in (2, 7)} | {
        begin["c"] + 2: ("c", 3, "a"),
        begin["c"] + 8: ("c", 12, "a"),
    }
    assert {unit.frame for unit in units(own, QUERIES, masks.__getitem__)} == set(at)
    predicted: dict[str, dict[int, Mask]] = {"first": {}, "second": {}, "everywhere": {}}
    for frame, (video, annotated, names) in at.items():
        there = np.zeros((12, 18), bool)
        there[:, :17] = actors(video, annotated, names, masks, 12, 17)
        predicted["everywhere"][frame] = there
        predicted["first"][frame] = there & (frame <= 9)
        predicted["second"][frame] = there & (frame > 9)
    rows = blind_rows([own], QUERIES, masks.__getitem__)["rows"]
    assert list(rows) == ["nothing", "all actors", "all actors, first", "all actors, second"]
    assert rows["all actors"] == counted(own, masks, predicted["everywhere"])
    assert rows["all actors, first"] == counted(own, masks, predicted["first"])
    assert rows["all actors, second"] == counted(own, masks, predicted["second"])


def test_of_several_contrasts_the_last_is_right() -> None:
    masks = annotations(2)
    own = sample(SubsetName.S, "cd", masks)  # 18 + 10 + 16 columns
    rows = blind_rows([own], QUERIES, masks.__getitem__)["rows"]
    right = {}
    for frame in range(1, 10):
        right[frame] = np.zeros((12, 44), bool)
        right[frame][:, 28:] = actors("d", min(frame, 4), "a", masks, 12, 16)
    assert rows["all actors, right"] == counted(own, masks, right)
    everywhere = [
        one + two for one, two in zip(rows["all actors, left"]["I"], rows["all actors, right"]["I"], strict=True)
    ]
    assert rows["all actors"]["I"] == everywhere


def test_beside_its_frozen_self_a_clip_shows_its_middle() -> None:
    masks = annotations(3)
    pair = Pair(query_id="q/a", contrast_query_id="q/a", tier=None, shared=(), differing=(), kind="frozen", rank=0)
    own = sample(SubsetName.S, "q", masks, pairs=[pair])
    right = {}
    for frame in range(1, 10):
        right[frame] = np.zeros((12, 36), bool)
        right[frame][:, 18:35] = actors("q", 5, "ab", masks, 12, 17)  # frame 5 of 9, whose nearest annotated one is 7
    rows = blind_rows([own], QUERIES, masks.__getitem__)["rows"]
    assert rows["all actors, right"] == counted(own, masks, right)


def test_void_pixels_are_in_neither_count_and_no_actor() -> None:
    masks = annotations(4)
    void = np.zeros((12, 17), bool)
    void[:, 5:11] = True
    masks["q"][2]["void"] = encode(void)
    own = sample(SubsetName.S, "c", masks)
    rows = blind_rows([own], QUERIES, masks.__getitem__)["rows"]
    left = {frame: np.zeros((12, 28), bool) for frame in (2, 7)}
    for frame in left:
        left[frame][:, :17] = actors("q", frame, "ab", masks, 12, 17)
    assert rows["all actors, left"] == counted(own, masks, left)


def test_a_subset_without_contrasts_has_no_sides() -> None:
    masks = annotations(5)
    own = whole(SubsetName.M, "q", [query("q"), query("q", "b")], clips()["q"], masks["q"])
    rows = blind_rows([own], QUERIES, masks.__getitem__)["rows"]
    assert list(rows) == ["nothing", "all actors"]
    assert len(rows["nothing"]["I"]) == 3  # a at two frames, b at one
