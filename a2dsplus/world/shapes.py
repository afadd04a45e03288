"""Vector shapes of a sprite and their rasteriser.

A sprite is a list of groups drawn from back to front; a group is a tuple of shapes that share one outline. Sprites live
in their own plane: x grows in the direction the actor faces, y grows upwards, the origin is the point of the ground under
the actor, and the unit is chosen by the sprite. A layer is what a sprite leaves on the screen: premultiplied RGBA.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]  # (N, 2), x and y
Image = npt.NDArray[np.uint8]  # (H, W, 3) RGB, 0..255
Colour = tuple[int, int, int]
Point = tuple[float, float]

SUPERSAMPLING = 3
_OUTLINE: Colour = (42, 34, 40)
_FIXED_POINT_BITS = 4
_ANGLES = np.linspace(0.0, 2.0 * math.pi, 24, endpoint=False)
_CIRCLE: Points = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_HALF_ANGLES = np.linspace(-math.pi / 2, math.pi / 2, 8)
_HALF_CIRCLE: Points = np.stack([np.cos(_HALF_ANGLES), np.sin(_HALF_ANGLES)], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A filled polygon; `outlined` shapes get a dark contour around their group."""

    points: Points
    colour: Colour
    outlined: bool = True


Group = tuple[Shape, ...]
Sprite = list[Group]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What a sprite leaves on the screen: premultiplied RGBA, (h, w, 4) uint8, its corner at (top, left)."""

    top: int
    left: int
    rgba: npt.NDArray[np.uint8]

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the frame that the layer covers."""
        height, width = self.rgba.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a sprite's plane lies on the screen.

    `x`, `y`: the sprite's origin in pixels. `scale`: pixels a unit. `facing`: 1 to the right, -1 to the left. `tilt`: radians, in the
    direction that the actor faces (a somersault forwards is positive), about `pivot` in the sprite's plane.
    """

    x: float
    y: float
    scale: float
    facing: int = 1
    tilt: float = 0.0
    pivot: Point = (0.0, 0.0)

    def apply(self, points: Points) -> Points:
        """Return points of the sprite's plane in pixels of the screen."""
        if self.tilt:
            cosine, sine = math.cos(self.tilt), math.sin(self.tilt)
            centred = points - self.pivot
            points = centred @ np.array([[cosine, -sine], [sine, cosine]]) + self.pivot
        return points * (self.scale * self.facing, -self.scale) + (self.x, self.y)


def ellipse(centre: Point, radii: Point, colour: Colour, *, angle: float = 0.0, outlined: bool = True) -> Shape:
    """Return an ellipse; `angle` turns it counter-clockwise."""
    points = _CIRCLE * radii
    if angle:
        cosine, sine = math.cos(angle), math.sin(angle)
        points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return Shape(points=points + centre, colour=colour, outlined=outlined)


def limb(start: Point, end: Point, colour: Colour, *, widths: tuple[float, float], outlined: bool = True) -> Shape:
    """Return a rounded stroke that tapers from one half-width at its start to the other at its end."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    tail = -_HALF_CIRCLE @ turn * widths[0] + start
    head = _HALF_CIRCLE @ turn * widths[1] + end
    return Shape(points=np.concatenate([tail, head]), colour=colour, outlined=outlined)


def polygon(points: Sequence[Point], colour: Colour, *, outlined: bool = True) -> Shape:
    """Return a polygon through the given points."""
    return Shape(points=np.array(points, np.float64), colour=colour, outlined=outlined)


def stroke(points: Sequence[Point], colour: Colour, *, widths: tuple[float, float]) -> Group:
    """Return a bent stroke of two or more points as one group."""
    steps = len(points) - 1
    edges = [widths[0] + (widths[1] - widths[0]) * k / steps for k in range(steps + 1)]
    return tuple(limb(points[k], points[k + 1], colour, widths=(edges[k], edges[k + 1])) for k in range(steps))


def shade(colour: Colour, factor: float) -> Colour:
    """Return a colour darkened (factor below 1) or lightened towards white (above 1)."""
    if factor <= 1:
        return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))
    lift = factor - 1
    return tuple(int(c + (255 - c) * lift) for c in colour)  # type: ignore[return-value]


def rasterise(
    sprite: Iterable[Group], placement: Placement, *, size: tuple[int, int], outline: float = 1.0
) -> Layer | None:
    """Return a sprite's layer on a screen of `size` (height, width), or None where nothing of it is on the screen.

    `outline`: the contour's width in pixels.
    """
    groups = [[(placement.apply(shape.points), shape) for shape in group] for group in sprite]
    everything = np.concatenate([points for group in groups for points, _ in group])
    margin = outline + 2
    low, high = everything.min(axis=0) - margin, everything.max(axis=0) + margin
    left, top = max(0, math.floor(low[0])), max(0, math.floor(low[1]))
    right, bottom = min(size[1], math.ceil(high[0])), min(size[0], math.ceil(high[1]))
    if right <= left or bottom <= top:
        return None
    fine = np.zeros(((bottom - top) * SUPERSAMPLING, (right - left) * SUPERSAMPLING, 4), np.uint8)
    thickness = max(1, round(2 * outline * SUPERSAMPLING))
    unit = SUPERSAMPLING * (1 << _FIXED_POINT_BITS)
    for group in groups:
        fixed = [
            (np.round((points - (left, top)) * unit - unit / (2 * SUPERSAMPLING)).astype(np.int32), shape)
            for points, shape in group
        ]
        contours = [points for points, shape in fixed if shape.outlined]
        if contours and outline > 0:
            cv2.polylines(fine, contours, True, (*_OUTLINE, 255), thickness, cv2.LINE_8, _FIXED_POINT_BITS)
        for points, shape in fixed:
            cv2.fillPoly(fine, [points], (*shape.colour, 255), cv2.LINE_8, _FIXED_POINT_BITS)
    rgba = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return Layer(top=top, left=left, rgba=np.asarray(rgba, np.uint8))


def lit(layer: Layer, *, top: float, bottom: float) -> Layer:
    """Return a layer that darkens from its top row's light to its bottom row's (factors of at most 1)."""
    rows = np.linspace(top, bottom, layer.rgba.shape[0], dtype=np.float32)[:, None, None]
    rgba = layer.rgba.copy()
    rgba[..., :3] = (rgba[..., :3] * rows).astype(np.uint8)
    return Layer(top=layer.top, left=layer.left, rgba=rgba)


def composite(frame: Image, layer: Layer) -> None:
    """Paint a layer over a frame, in place."""
    rows, columns = layer.window
    under = frame[rows, columns].astype(np.uint16)
    keep = 255 - layer.rgba[..., 3:].astype(np.uint16)
    frame[rows, columns] = (layer.rgba[..., :3] + (under * keep + 127) // 255).clip(max=255).astype(np.uint8)
