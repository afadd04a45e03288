"""M, S and T as geometry and frame maps: what the paper's section 4.1 promises, for any sizes and lengths."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from a2dsplus.compose.geometry import (
    composite,
    held_index,
    panels,
    resampled_indices,
    shown_annotated,
    units,
    whole,
)
from a2dsplus.compose.order import orders as orders_for
from a2dsplus.contrast.positions import position_words
from a2dsplus.media.masks import Rle, decode, encode
from a2dsplus.records import Clip, Layout, Order, Pair, Query, Sample, SubsetName

lengths = st.integers(1, 60)
sides = st.integers(2, 40)
orders = st.sampled_from(list(Order))


def _clip(video: str, frames: int, height: int, width: int) -> Clip:
    return Clip(video_id=video, path=Path(video), frames=frames, height=height, width=width, rate=Fraction(25))


def _query(video: str, expression: str = "0", text: str = "a dog") -> Query:
    return Query(video_id=video, expression_id=expression, objects=(expression,), text=text, split="test")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Clip], dict[str, dict[int, dict[str, Rle]]]]:
    clips, annotations = {}, {}
    for video in ("q", "c"):
        clip = clips[video] = _clip(video, draw(lengths), draw(sides), draw(sides))
        frames = draw(st.sets(st.integers(1, clip.frames), min_size=1, max_size=4))
        bits = st.binary(min_size=clip.height * clip.width, max_size=clip.height * clip.width)
        annotations[video] = {
            frame: {"0": encode((np.frombuffer(draw(bits), np.uint8) > 127).reshape(clip.height, clip.width))}
            for frame in frames
        }
    return clips, annotations


def _mask(sample: Sample, frame: int, annotations: dict[str, dict[int, dict[str, Rle]]]) -> np.ndarray:
    found = units(sample, {"q/0": _query("q")}, annotations.__getitem__)
    return next(decode(unit.mask) for unit in found if unit.frame == frame)


@given(pairs(), orders)
def test_s_masks_keep_their_place_and_never_cross_the_seam(
    pair: tuple[dict[str, Clip], dict[str, dict[int, dict[str, Rle]]]], order: Order
) -> None:
    clips, annotations = pair
    sample = composite(
        SubsetName.S, _query("q"), [_query("c")], clips=clips, masks_of=annotations.__getitem__, order=order
    )
    query, contrast = panels(sample)
    assert sample.frames == clips["q"].frames
    assert sample.height % 2 == sample.width % 2 == 0
    assert {query.left, contrast.left} == {0, (query if order is Order.QUERY_FIRST else contrast).filled_width}
    assert query.filled_width + contrast.filled_width == sample.width
    # the contrast keeps its shape: its width follows its height to within a pixel
    assert abs(contrast.width - clips["c"].width * query.height / clips["c"].height) <= 1
    assert sample.evaluated_frames == tuple(sorted(annotations["q"]))
    for frame in sample.evaluated_frames:
        mask = _mask(sample, frame, annotations)
        assert mask.shape == (sample.height, sample.width)
        inside = mask[: query.height, query.left : query.left + query.width]
        assert (inside == decode(annotations["q"][frame]["0"])).all()
        assert mask.sum() == inside.sum()


@given(pairs(), orders)
def test_t_has_twice_the_frames_and_no_mask_on_the_contrast(
    pair: tuple[dict[str, Clip], dict[str, dict[int, dict[str, Rle]]]], order: Order
) -> None:
    clips, annotations = pair
    sample = composite(
        SubsetName.T, _query("q"), [_query("c")], clips=clips, masks_of=annotations.__getitem__, order=order
    )
    n = clips["q"].frames
    assert sample.frames == 2 * n
    assert (sample.height, sample.width) == (
        n and clips["q"].height + clips["q"].height % 2,
        clips["q"].width + clips["q"].width % 2,
    )
    contrast_frames = [frame for frame in range(1, 2 * n + 1) if not panels(sample)[0].shows(frame)]
    assert contrast_frames == list(range(n + 1, 2 * n + 1) if order is Order.QUERY_FIRST else range(1, n + 1))
    evaluated_contrast = set(sample.evaluated_frames) & set(contrast_frames)
    assert 1 <= len(evaluated_contrast) <= len(annotations["c"])
    assert len(sample.evaluated_frames) - len(evaluated_contrast) == len(annotations["q"])
    offset = 0 if order is Order.QUERY_FIRST else n
    for frame in sample.evaluated_frames:
        mask = _mask(sample, frame, annotations)
        if frame in evaluated_contrast:
            assert not mask.any()
        else:
            height, width = clips["q"].height, clips["q"].width
            assert (mask[:height, :width] == decode(annotations["q"][frame - offset]["0"])).all()


@given(lengths, lengths)
def test_the_resampled_contrast_covers_its_whole_clip_evenly(frames: int, contrast_frames: int) -> None:
    indices = resampled_indices(frames, contrast_frames)
    assert len(indices) == frames
    assert indices == sorted(indices)
    assert indices[0] == 0
    if frames > 1:
        assert indices[-1] == contrast_frames - 1
        steps = np.diff(indices)
        assert steps.max() - steps.min() <= 1
    if frames >= contrast_frames:
        assert set(indices) == set(range(contrast_frames))


@given(lengths, lengths, st.data())
def test_annotated_contrast_frames_map_to_the_nearest_shown(
    frames: int, contrast_frames: int, data: st.DataObject
) -> None:
    annotated = data.draw(st.sets(st.integers(1, contrast_frames), min_size=1))
    shown = resampled_indices(frames, contrast_frames)
    clips = {"q": _clip("q", frames, 4, 4), "c": _clip("c", contrast_frames, 4, 4)}
    sample = composite(
        SubsetName.T, _query("q"), [_query("c")], clips=clips, masks_of=lambda _: {}, order=Order.QUERY_FIRST
    )
    mapped = [frame - frames - 1 for frame in shown_annotated(sample, panels(sample)[1], sorted(annotated))]
    assert mapped == sorted(set(mapped))
    for frame in annotated:
        nearest = min(abs(index - (frame - 1)) for index in shown)
        assert any(abs(shown[position] - (frame - 1)) == nearest for position in mapped)
        if frames >= contrast_frames:
            assert nearest == 0


def test_worked_frame_maps() -> None:
    assert resampled_indices(5, 9) == [0, 2, 4, 6, 8]
    assert resampled_indices(9, 5) == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert resampled_indices(1, 7) == [0]
    assert [held_index(index, 3) for index in range(5)] == [0, 1, 2, 2, 2]


PAIR = Pair(query_id="q/0", contrast_query_id="c/0", tier=1, shared=("who",), differing=("where",), rank=0)


def test_a_worked_spatial_sample() -> None:
    clips = {"q": _clip("q", 10, 320, 568), "c": _clip("c", 4, 160, 213)}
    annotations = {
        "q": {4: {"0": encode(np.ones((320, 568), bool))}},
        "c": {1: {"0": encode(np.ones((160, 213), bool))}},
    }
    sample = composite(
        SubsetName.S,
        _query("q"),
        [_query("c")],
        clips=clips,
        masks_of=annotations.__getitem__,
        order=Order.CONTRAST_FIRST,
        pairs=[PAIR],
    )
    assert (sample.height, sample.width, sample.frames, sample.sample_id) == (320, 426 + 568, 10, "q_0")
    assert (sample.tier, sample.shared, sample.differing) == (1, ("who",), ("where",))
    query, contrast = panels(sample)
    assert (query.left, contrast.left, contrast.width) == (426, 0, 426)


def test_m_asks_at_every_frame_that_holds_one_of_its_referents() -> None:
    mask = encode(np.ones((4, 6), bool))
    annotations = {2: {"0": mask, "1": mask}, 5: {"1": mask}, 8: {"7": mask}}
    queries = {query.query_id: query for query in (_query("v", "0"), _query("v", "1"))}
    sample = whole(SubsetName.M, "v", list(queries.values()), _clip("v", 9, 4, 6), annotations)
    assert sample.evaluated_frames == (2, 5)
    found = [(unit.expression, unit.frame) for unit in units(sample, queries, lambda _: annotations)]
    assert found == [("0", 2), ("1", 2), ("1", 5)]


def test_truthful_order_keeps_what_a_caption_says() -> None:
    def order(text: str, layout: Layout) -> Order:
        subset = SubsetName.S if layout is Layout.SPATIAL else SubsetName.T
        return orders_for(subset, [_query("v", text=text)], choice="truthful", seed=0)["v/0"][0]

    assert order("man on the right", Layout.SPATIAL) is Order.CONTRAST_FIRST
    assert order("man on the left", Layout.SPATIAL) is Order.QUERY_FIRST
    assert order("man on the right", Layout.TEMPORAL) is Order.QUERY_FIRST
    assert order("the bird that flies away at the end", Layout.TEMPORAL) is Order.CONTRAST_FIRST
    assert order("the first man running", Layout.TEMPORAL) is Order.QUERY_FIRST
    assert order("man raising his right hand", Layout.SPATIAL) is Order.QUERY_FIRST
    assert position_words("Man in the MIDDLE, raising his left arm, on the right-most track") == (
        "middle",
        "right-most",
    )
    assert position_words("car moving from left to right") == ()


@given(st.integers(0, 99), st.sampled_from([SubsetName.S, SubsetName.T]))
def test_random_order_depends_on_seed_query_and_subset_alone(seed: int, subset: SubsetName) -> None:
    queries = [_query(f"v{n}") for n in range(5)]
    alone = [orders_for(subset, [query], choice="random", seed=seed)[query.query_id] for query in queries]
    assert alone == list(orders_for(subset, queries, choice="random", seed=seed).values())


def test_random_order_is_about_even_and_balanced_order_is_exactly() -> None:
    queries = [_query(f"v{n}") for n in range(400)]
    drawn = list(orders_for(SubsetName.S, queries, choice="random", seed=1).values())
    assert 160 < drawn.count((Order.QUERY_FIRST,)) < 240
    balanced = orders_for(SubsetName.T, queries, choice="balanced", seed=1)
    assert list(balanced.values()).count((Order.CONTRAST_FIRST,)) == 200
    assert balanced != orders_for(SubsetName.S, queries, choice="balanced", seed=1)
    both = orders_for(SubsetName.S, queries[:1], choice="both", seed=1)
    assert both == {"v0/0": (Order.QUERY_FIRST, Order.CONTRAST_FIRST)}


# ---- several contrasts, both captions, the query's own clip ------------------------------------------------------


def _row(frames: int, shown: dict[int, list[int]], size: tuple[int, int]) -> dict[int, dict[str, Rle]]:
    """Masks with one pixel set at column `frame`."""
    masks = {}
    for frame, objects in shown.items():
        mask = np.zeros(size, bool)
        mask[0, frame] = True
        masks[frame] = {str(name): encode(mask) for name in objects}
    return masks


def test_k_contrasts_stand_in_a_row_and_come_one_after_the_other() -> None:
    clips = {"q": _clip("q", 4, 8, 16), "c": _clip("c", 9, 4, 8), "d": _clip("d", 2, 16, 30)}
    masks = {"q": _row(4, {2: [0]}, (8, 16)), "c": _row(9, {1: [0], 5: [0]}, (4, 8)), "d": _row(2, {2: [0]}, (16, 30))}
    others = [_query("c"), _query("d")]
    beside = composite(
        SubsetName.S, _query("q"), others, clips=clips, masks_of=masks.__getitem__, order=Order.QUERY_FIRST
    )
    assert [(panel.video_id, panel.left, panel.width) for panel in panels(beside)] == [
        ("q", 0, 16),
        ("c", 16, 16),
        ("d", 32, 15),
    ]
    assert (beside.width, beside.frames, beside.evaluated_frames) == (48, 4, (2,))
    first = composite(
        SubsetName.S, _query("q"), others, clips=clips, masks_of=masks.__getitem__, order=Order.CONTRAST_FIRST
    )
    assert [(panel.video_id, panel.left) for panel in panels(first)] == [("q", 32), ("c", 0), ("d", 16)]
    behind = composite(
        SubsetName.T, _query("q"), others, clips=clips, masks_of=masks.__getitem__, order=Order.QUERY_FIRST
    )
    assert (behind.width, behind.frames) == (16, 12)
    assert [panel.indices for panel in panels(behind)] == [(0, 1, 2, 3), (0, 3, 5, 8), (0, 0, 1, 1)]
    # frame 2 of q; frames 1 and 5 of c at the nearest of 1, 4, 6, 9; frame 2 of d where it is shown first
    assert behind.evaluated_frames == (2, 5, 6, 11)
    areas = [
        unit.mask["counts"] != "" and decode(unit.mask).sum()
        for unit in units(behind, {"q/0": _query("q")}, masks.__getitem__)
    ]
    assert areas == [1, 0, 0, 0]


def test_both_captions_are_asked_on_one_composite() -> None:
    clips = {"q": _clip("q", 4, 8, 16), "c": _clip("c", 9, 4, 8)}
    masks = {"q": _row(4, {2: [0]}, (8, 16)), "c": _row(9, {3: [0], 4: [1], 7: [0]}, (4, 8))}
    queries = {"q/0": _query("q"), "c/0": _query("c")}
    asked = {
        subset: composite(
            subset,
            _query("q"),
            [_query("c")],
            clips=clips,
            masks_of=masks.__getitem__,
            order=Order.QUERY_FIRST,
            both_asked=True,
        )
        for subset in (SubsetName.S, SubsetName.T)
    }
    beside = asked[SubsetName.S]
    # frame 7 is beyond the four shown, frame 4 shows another object alone
    assert beside.evaluated == {"query": (2,), "contrast": (3,)} and beside.evaluated_frames == (2, 3)
    assert beside.asked == {"query": "q/0", "contrast": "c/0"}
    found = {unit.expression: decode(unit.mask) for unit in units(beside, queries, masks.__getitem__)}
    assert np.argwhere(found["query"]).tolist() == [[0, 2]]
    # the contrast's pixel, twice as large, in its own panel
    assert sorted(map(tuple, np.argwhere(found["contrast"]).tolist())) == [(0, 22), (0, 23), (1, 22), (1, 23)]
    after = asked[SubsetName.T]
    assert after.evaluated_frames == (2, 6, 7)
    # frames 3 and 4 of c are nearest to the second frame shown, 7 to the third
    assert after.evaluated == {"query": (2, 6, 7), "contrast": (2, 6, 7)}
    areas = {
        (unit.expression, unit.frame): int(decode(unit.mask).sum()) for unit in units(after, queries, masks.__getitem__)
    }
    assert [areas["query", frame] > 0 for frame in (2, 6, 7)] == [True, False, False]
    # at frame 6 another object's frame is nearer than the referent's own, which is what is judged
    assert [areas["contrast", frame] > 0 for frame in (2, 6, 7)] == [False, True, True]


@given(st.data(), orders, st.sampled_from((SubsetName.S, SubsetName.T)), st.booleans())
def test_what_is_evaluated_is_what_is_scored(data: st.DataObject, order: Order, subset: SubsetName, both: bool) -> None:
    # a long contrast's annotated frames crowd at the few that are shown
    clips = {
        video: _clip(video, data.draw(st.integers(1, most)), 4, 6) for video, most in (("q", 4), ("c", 12), ("d", 12))
    }
    mask = encode(np.ones((4, 6), bool))
    masks = {
        video: data.draw(
            st.dictionaries(
                st.integers(1, clip.frames),
                st.dictionaries(st.sampled_from("01"), st.just(mask), min_size=1),
                min_size=clip.frames // 2,
            )
        )
        for video, clip in clips.items()
    }
    queries = {f"{video}/0": _query(video) for video in clips}
    contrasts = [queries["c/0"], queries["d/0"]][: data.draw(st.integers(1, 2))]
    sample = composite(
        subset, queries["q/0"], contrasts, clips=clips, masks_of=masks.__getitem__, order=order, both_asked=both
    )
    scored: dict[str, list[int]] = {expression: [] for expression in sample.asked}
    for unit in units(sample, queries, masks.__getitem__):
        scored[unit.expression].append(unit.frame)
        own = panels(sample)[unit.expression == "contrast"]
        assert bool(decode(unit.mask).any()) == own.shows(unit.frame)
    assert scored == {
        expression: list(sample.evaluated.get(expression, sample.evaluated_frames)) for expression in sample.asked
    }


def test_a_frozen_and_a_reversed_clip_are_contrasts_of_their_own_query() -> None:
    clips, masks = {"q": _clip("q", 5, 8, 16)}, {"q": _row(5, {1: [0], 4: [0]}, (8, 16))}
    for kind, shown in (("frozen", (2, 2, 2, 2, 2)), ("reversed", (4, 3, 2, 1, 0))):
        pair = Pair(query_id="q/0", contrast_query_id="q/0", tier=None, shared=(), differing=(), rank=0, kind=kind)
        samples = [
            composite(
                subset,
                _query("q"),
                [_query("q")],
                clips=clips,
                masks_of=masks.__getitem__,
                order=Order.QUERY_FIRST,
                pairs=[pair],
            )
            for subset in (SubsetName.S, SubsetName.T)
        ]
        assert all(panels(sample)[1].indices == shown for sample in samples)
        assert samples[0].evaluated_frames == (1, 4)
        assert samples[1].evaluated_frames == ((1, 4, 6, 9) if kind == "frozen" else (1, 4, 7, 10))
        for sample in samples:
            for unit in units(sample, {"q/0": _query("q")}, masks.__getitem__):
                assert decode(unit.mask).sum() == (unit.frame <= 5)


def test_an_expression_of_several_objects_of_none_and_of_void_pixels() -> None:
    masks = _row(4, {1: [1, "void"], 2: [2]}, (8, 16))
    clip = _clip("v", 4, 8, 16)

    def query(expression: str, objects: tuple[str, ...] | None) -> Query:
        return Query(video_id="v", expression_id=expression, objects=objects, text="two dogs", split="valid")

    queries = {q.query_id: q for q in (query("both", ("1", "2")), query("none", ()), query("withheld", None))}
    sample = whole(SubsetName.N, "v", list(queries.values()), clip, masks)
    assert sample.evaluated_frames == (1, 2)
    found = {(unit.expression, unit.frame): unit for unit in units(sample, queries, lambda _: masks)}
    assert {key: int(decode(unit.mask).sum()) for key, unit in found.items()} == {
        ("both", 1): 1,
        ("both", 2): 1,
        ("none", 1): 0,
        ("none", 2): 0,
    }
    ignored = found["both", 1].ignore
    assert ignored is not None and decode(ignored).sum() == 1 and found["both", 2].ignore is None
