"""M, S and T as geometry and frame maps: what the paper's section 4.1 promises, for any sizes and lengths."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from a2dsplus.compose.geometry import (
    composite,
    held_index,
    is_contrast_frame,
    mapped_indices,
    multiple,
    panels,
    referent_mask,
    resampled_indices,
)
from a2dsplus.contrast.positions import order_for, position_words
from a2dsplus.media.masks import Rle, decode, encode
from a2dsplus.records import Clip, Layout, Order, Pair, Query, Sample

lengths = st.integers(1, 60)
sides = st.integers(2, 40)
orders = st.sampled_from(list(Order))


def _clip(video: str, frames: int, height: int, width: int) -> Clip:
    return Clip(video_id=video, path=Path(video), frames=frames, height=height, width=width, rate=Fraction(25))


def _query(video: str, instance: str = "0", text: str = "a dog") -> Query:
    return Query(video_id=video, instance_id=instance, text=text, split="test")


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
    rle = referent_mask(sample, frame, instance_id="0", annotations=annotations["q"])
    assert rle is not None
    return decode(rle)


@given(pairs(), orders)
def test_s_masks_keep_their_place_and_never_cross_the_seam(
    pair: tuple[dict[str, Clip], dict[str, dict[int, dict[str, Rle]]]], order: Order
) -> None:
    clips, annotations = pair
    sample = composite(Layout.SPATIAL, _query("q"), _query("c"), clips=clips, annotations=annotations, order=order)
    query, contrast = panels(sample)
    assert contrast is not None
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
    sample = composite(Layout.TEMPORAL, _query("q"), _query("c"), clips=clips, annotations=annotations, order=order)
    n = clips["q"].frames
    assert sample.frames == 2 * n
    assert (sample.height, sample.width) == (
        n and clips["q"].height + clips["q"].height % 2,
        clips["q"].width + clips["q"].width % 2,
    )
    contrast_frames = [frame for frame in range(1, 2 * n + 1) if is_contrast_frame(sample, frame)]
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
    mapped = mapped_indices(sorted(annotated), frames, contrast_frames)
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
    assert mapped_indices([3, 5], 5, 9) == [1, 2]


PAIR = Pair(query_id="q/0", contrast_query_id="c/0", tier=1, shared=("who",), differing=("where",), rank=0)


def test_a_worked_spatial_sample() -> None:
    clips = {"q": _clip("q", 10, 320, 568), "c": _clip("c", 4, 160, 213)}
    annotations = {
        "q": {4: {"0": encode(np.ones((320, 568), bool))}},
        "c": {1: {"0": encode(np.ones((160, 213), bool))}},
    }
    sample = composite(
        Layout.SPATIAL,
        _query("q"),
        _query("c"),
        clips=clips,
        annotations=annotations,
        order=Order.CONTRAST_FIRST,
        pair=PAIR,
    )
    assert (sample.height, sample.width, sample.frames, sample.sample_id) == (320, 426 + 568, 10, "q_0")
    assert (sample.tier, sample.shared, sample.differing) == (1, ("who",), ("where",))
    query, contrast = panels(sample)
    assert (query.left, contrast and contrast.left, contrast and contrast.width) == (426, 0, 426)


def test_m_asks_at_every_frame_that_holds_one_of_its_referents() -> None:
    mask = encode(np.ones((4, 6), bool))
    annotations = {2: {"0": mask, "1": mask}, 5: {"1": mask}, 8: {"7": mask}}
    sample = multiple("v", [_query("v", "0"), _query("v", "1")], _clip("v", 9, 4, 6), annotations)
    assert sample.evaluated_frames == (2, 5)
    assert referent_mask(sample, 5, instance_id="0", annotations=annotations) is None
    assert referent_mask(sample, 5, instance_id="1", annotations=annotations) == mask


def test_truthful_order_keeps_what_a_caption_says() -> None:
    def order(text: str, layout: Layout) -> Order:
        return order_for(_query("v", text=text), layout, choice="truthful", seed=0)

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


@given(st.integers(0, 99), st.sampled_from(list(Layout)))
def test_random_order_depends_on_seed_query_and_layout_alone(seed: int, layout: Layout) -> None:
    first = order_for(_query("v"), layout, choice="random", seed=seed)
    assert first is order_for(_query("v"), layout, choice="random", seed=seed)


def test_random_order_is_balanced() -> None:
    drawn = [order_for(_query(f"v{n}"), Layout.SPATIAL, choice="random", seed=1) for n in range(400)]
    assert 160 < drawn.count(Order.QUERY_FIRST) < 240
