"""Frames and masks of the procedural world: masks are the painted actors' visible pixels."""

import dataclasses
import math

import cv2
import numpy as np
import pytest

from a2dsplus.world.captions import colours
from a2dsplus.world.draw import Painted, actor_layer, paint
from a2dsplus.world.motion import KINDS, Actor, Segment
from a2dsplus.world.nature import occluder
from a2dsplus.world.plan import Plan, Prop, plan_video
from a2dsplus.world.shapes import Placement, composite, ellipse, rasterise

RED_TO_BLUE = {**colours(), "red": colours()["blue"]}


def still(kind: str, *, x: float = 0.7, ground: float = 0.2, action: str = "stand", size: float = 1.0) -> Actor:
    track = Segment(action=action, start=0, end=4, x=(x, x))
    return Actor(kind=kind, colour="red", size=size, variant=3, ground=ground, facing=1, segments=(track,))


def scene_with(*actors: Actor, props: tuple[Prop, ...] = (), pan: float = 0.0) -> Plan:
    return Plan(
        video_id="AAAAAAAAAAA", split="test", size=(180, 240), frames=4, scene="grass", pan=pan, texture_seed=1,
        actors=actors, props=props, captions=("",) * len(actors), look_alikes=None,
    )  # fmt: skip


def first(plan: Plan, palette: dict[str, tuple[int, int, int]] | None = None) -> Painted:
    return next(paint(plan, colours=palette or colours()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_changes_with_the_actor_s_colour_is_inside_its_mask(kind: str) -> None:
    plan = scene_with(still(kind))
    red, blue = first(plan), first(plan, RED_TO_BLUE)
    changed = (red.image != blue.image).any(axis=2)
    mask = red.masks[0]
    np.testing.assert_array_equal(mask, blue.masks[0])
    rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert not (changed & ~rim).any()
    assert changed[mask].mean() > 0.15


@pytest.mark.parametrize("kind", KINDS)
def test_the_background_shows_wherever_no_mask_or_shadow_is(kind: str) -> None:
    bare, painted = first(scene_with()), first(scene_with(still(kind, ground=0.3)))
    changed = (bare.image != painted.image).any(axis=2)
    mask = painted.masks[0]
    rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    shadow = np.zeros_like(mask)
    shadow[180 - 54 - 16 : 180 - 54 + 16] = True
    assert not (changed & ~rim & ~shadow).any()
    assert changed[mask].mean() > 0.98


def test_the_nearer_actor_hides_the_farther_one() -> None:
    far, near = still("man", ground=0.3), still("ball", ground=0.22, size=1.5)
    alone = first(scene_with(far)).masks[0]
    both = first(scene_with(near, far))
    ball, man = both.masks
    assert not (ball & man).any()
    assert 0 < man.sum() < alone.sum()
    assert not (man & ~alone).any()
    assert both.areas == (ball.sum(), alone.sum())


def test_props_hide_actors_and_have_no_mask() -> None:
    alone = first(scene_with(still("baby"))).masks[0]
    hidden = first(scene_with(still("baby"), props=(Prop(kind="box", x=0.7, ground=0.05, size=1.0),)))
    assert len(hidden.masks) == 1
    assert 0 < hidden.masks[0].sum() < alone.sum()
    assert hidden.areas == (alone.sum(),)


@pytest.mark.parametrize("kind", ["bush", "box", "tree", "post"])
def test_every_prop_can_be_drawn(kind: str) -> None:
    layer = rasterise(occluder(kind), Placement(x=100, y=170, scale=150), size=(180, 200))
    assert layer is not None
    assert (layer.rgba[..., 3] > 127).sum() > 500


def test_masks_of_a_whole_video_never_overlap() -> None:
    plan = next(p for p in (plan_video(seed=0, split="test", index=k) for k in range(0, 99, 3)) if len(p.actors) > 3)
    for painted in paint(plan, colours=colours()):
        assert np.sum(painted.masks, axis=0).max() <= 1


@pytest.mark.parametrize("index", [1, 4, 7, 13])
def test_look_alikes_leave_the_same_pixels_until_they_differ(index: int) -> None:
    plan = plan_video(seed=0, split="test", index=index)
    pair = plan.look_alikes
    assert pair is not None
    alone = dataclasses.replace(plan, actors=(plan.actors[pair.target], plan.actors[pair.other]), pan=0.0)
    for k in range(plan.frames):
        target, other = (
            actor_layer(actor, k, colour=colours()[actor.colour], size=(plan.size[0], 4 * plan.size[1]), camera=-plan.size[1])
            for actor in alone.actors
        )  # fmt: skip
        same = target is not None and other is not None and target.rgba.shape == other.rgba.shape
        same = same and np.array_equal(target.rgba, other.rgba) and target.top == other.top
        assert same == (k < pair.frame - 1), f"frame {k + 1}, they differ from frame {pair.frame} on"


def test_an_actor_outside_the_frame_leaves_nothing() -> None:
    assert actor_layer(still("cat", x=-3.0), 0, colour=(9, 9, 9), size=(180, 240)) is None
    assert not first(scene_with(still("cat", x=-3.0))).masks[0].any()


def test_the_camera_moves_actors_and_background_alike() -> None:
    plan = scene_with(still("ball"), pan=12.0)
    frames = list(paint(plan, colours=colours()))
    columns = [np.nonzero(frame.masks[0].any(axis=0))[0].min() for frame in frames]
    assert columns[0] - columns[-1] == 12
    np.testing.assert_allclose(frames[0].image[:60, 12:].astype(int), frames[-1].image[:60, :-12].astype(int), atol=2)


def test_a_disc_has_the_area_of_a_disc() -> None:
    layer = rasterise(
        [(ellipse((0, 0), (1, 1), (255, 0, 0)),)], Placement(x=50, y=50, scale=30), size=(100, 100), outline=0
    )
    assert layer is not None
    assert layer.rgba[..., 3].sum() / 255 == pytest.approx(math.pi * 30**2, rel=0.02)
    canvas = np.full((100, 100, 3), 200, np.uint8)
    composite(canvas, layer)
    assert canvas[50, 50].tolist() == [255, 0, 0]
    assert canvas[2, 2].tolist() == [200, 200, 200]


def test_a_layer_is_cut_at_the_frame_s_edge_without_moving() -> None:
    disc = [(ellipse((0, 0), (1, 1), (255, 0, 0)),)]
    whole = rasterise(disc, Placement(x=55, y=50, scale=30), size=(100, 120))
    cut = rasterise(disc, Placement(x=5, y=50, scale=30), size=(100, 120))
    assert whole is not None
    assert cut is not None
    left = 50 - whole.left
    difference = np.abs(cut.rgba.astype(int) - whole.rgba[:, left:])
    # OpenCV rounds an edge anew where it clips it
    assert (difference > 0).mean() < 0.002
