"""Frames and masks of a planned video."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from a2dsplus.media.masks import Mask
from a2dsplus.world import animals, people, things
from a2dsplus.world.backdrop import paint_scene
from a2dsplus.world.motion import Actor, State, state
from a2dsplus.world.nature import occluder
from a2dsplus.world.plan import Plan
from a2dsplus.world.scenes import SCENES
from a2dsplus.world.shapes import (
    Colour,
    Image,
    Layer,
    Placement,
    Sprite,
    composite,
    lit,
    rasterise,
)

_PIVOT = {
    "man": 0.22, "woman": 0.22, "baby": 0.3, "ball": 0.5, "bird": 0.42, "car": 0.3, "cat": 0.38, "dog": 0.38,
}  # fmt: skip
_OUTLINE_SHARE = 0.0048


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A frame, (H, W, 3) uint8 RGB, the visible part of each actor, bool (H, W), and each actor's area if nothing hid it."""

    image: Image
    masks: tuple[Mask, ...]
    areas: tuple[int, ...]


def sprite_of(actor: Actor, now: State, colour: Colour) -> Sprite:
    """Return the sprite of an actor in a state."""
    match actor.kind:
        case "man" | "woman":
            return people.person(
                now.action, now.phase, proportions=people.ADULT, clothes=colour, long_hair=actor.kind == "woman",
                variant=actor.variant,
            )  # fmt: skip
        case "baby":
            return people.person(
                now.action, now.phase, proportions=people.BABY, clothes=colour, long_hair=False, variant=actor.variant
            )
        case "ball":
            return things.ball(now.phase, colour=colour, variant=actor.variant)
        case "bird":
            return animals.bird(now.action, now.phase, feathers=colour, variant=actor.variant)
        case "car":
            return things.car(now.phase, colour=colour, variant=actor.variant)
    return animals.quadruped(actor.kind, now.action, now.phase, coat=colour, variant=actor.variant)


def actor_layer(
    actor: Actor, index: int, *, colour: Colour, size: tuple[int, int], camera: float = 0.0
) -> Layer | None:
    """Return what an actor leaves on a screen of `size` (H, W) at a frame index, None where it is outside.

    `camera`: how many pixels the camera has moved to the right.
    """
    height = size[0]
    now = state(actor, index)
    sprite = sprite_of(actor, now, colour)
    pivot = (0.0, _PIVOT[actor.kind])
    scale = now.scale * height
    upright = Placement(x=0.0, y=0.0, scale=scale, facing=now.facing, tilt=now.tilt, pivot=pivot)
    settle = 0.0
    if now.tilt and actor.kind != "ball":
        settle = -max(float(upright.apply(shape.points)[:, 1].max()) for group in sprite for shape in group)
    placement = Placement(
        x=now.x * height - camera,
        y=(1.0 - now.y - now.lift) * height + settle,
        scale=scale,
        facing=now.facing,
        tilt=now.tilt,
        pivot=pivot,
    )
    layer = rasterise(sprite, placement, size=size, outline=_OUTLINE_SHARE * height)
    return None if layer is None else lit(layer, top=1.0, bottom=0.84)


def _shadow(frame: Image, actor: Actor, index: int, camera: float) -> None:
    """Darken the ground under an actor, in place; the higher it is, the wider and fainter the shadow."""
    now = state(actor, index)
    if actor.climbs:
        return
    height, width = frame.shape[:2]
    high = min(1.0, now.lift / 0.5)
    half = (0.3 if actor.kind in ("man", "woman", "baby") else 0.46) * now.scale * height * (1 + 0.3 * high)
    x, y = now.x * height - camera, (1 - now.y) * height + 0.5
    left, right = max(0, math.floor(x - half - 2)), min(width, math.ceil(x + half + 2))
    flat = half * 0.24
    top, bottom = max(0, math.floor(y - flat - 2)), min(height, math.ceil(y + flat + 2))
    if left >= right or top >= bottom:
        return
    rows = (np.arange(top, bottom, dtype=np.float32)[:, None] - y) / flat
    columns = (np.arange(left, right, dtype=np.float32)[None, :] - x) / half
    strength = 0.42 * (1 - 0.75 * high) * np.clip(1.25 * (1 - rows * rows - columns * columns), 0, 1)
    frame[top:bottom, left:right] = (frame[top:bottom, left:right] * (1 - strength)[..., None]).astype(np.uint8)


def camera_at(plan: Plan, index: int) -> float:
    """Return how many pixels the camera has panned to the right at a frame index."""
    share = index / max(1, plan.frames - 1)
    return plan.pan * (share * share * (3 - 2 * share) - 0.5)


def paint(plan: Plan, *, colours: dict[str, Colour]) -> Iterator[Painted]:
    """Yield a video's frames in order."""
    height, width = plan.size
    margin = math.ceil(abs(plan.pan) / 2) + 2 if plan.pan else 0
    rng = np.random.default_rng(plan.texture_seed)
    backdrop = paint_scene(SCENES[plan.scene], rng, size=plan.size, margin=margin)
    order = sorted(range(len(plan.actors)), key=lambda k: -plan.actors[k].ground)
    props = sorted(plan.props, key=lambda prop: -prop.ground)
    for index in range(plan.frames):
        camera = camera_at(plan, index)
        if plan.pan:
            shift = np.array([[1, 0, -camera - margin], [0, 1, 0]], np.float64)
            frame = np.asarray(cv2.warpAffine(backdrop, shift, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
        else:
            frame = backdrop.copy()
        for actor in plan.actors:
            _shadow(frame, actor, index, camera)
        visible: dict[int, npt.NDArray[np.uint8]] = {}
        areas = [0] * len(plan.actors)
        waiting = list(props)
        for number in [*order, -1]:
            nearest = plan.actors[number].ground if number >= 0 else -1.0
            while waiting and waiting[0].ground > nearest:
                prop = waiting.pop(0)
                place = Placement(x=prop.x * height - camera, y=(1 - prop.ground) * height, scale=prop.size * height)
                layer = rasterise(occluder(prop.kind), place, size=plan.size, outline=_OUTLINE_SHARE * height)
                if layer is not None:
                    _cover(visible, layer)
                    composite(frame, lit(layer, top=1.0, bottom=0.8))
            if number < 0:
                break
            actor = plan.actors[number]
            layer = actor_layer(actor, index, colour=colours[actor.colour], size=plan.size, camera=camera)
            if layer is None:
                continue
            _cover(visible, layer)
            composite(frame, layer)
            alpha = np.zeros((height, width), np.uint8)
            alpha[layer.window] = layer.rgba[..., 3]
            visible[number] = alpha
            areas[number] = int(np.count_nonzero(alpha > 127))
        none = np.zeros((height, width), bool)
        masks = tuple(visible[k] > 127 if k in visible else none for k in range(len(plan.actors)))
        yield Painted(image=frame, masks=masks, areas=tuple(areas))


def _cover(visible: dict[int, npt.NDArray[np.uint8]], layer: Layer) -> None:
    """Take from every actor painted so far what a layer hides."""
    keep = 255 - layer.rgba[..., 3].astype(np.uint16)
    for alpha in visible.values():
        under = alpha[layer.window]
        alpha[layer.window] = ((under * keep + 127) // 255).astype(np.uint8)
