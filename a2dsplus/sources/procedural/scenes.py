"""Backgrounds and things that stand in front of actors.

A scene is painted once a video, wider than the frame where the camera pans. Its plane: x and y in frame heights, y upwards
from the frame's lower edge.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from a2dsplus.sources.procedural.shapes import (
    Colour,
    Group,
    Image,
    Placement,
    Point,
    Shape,
    Sprite,
    composite,
    ellipse,
    limb,
    polygon,
    rasterise,
    shade,
)

_SKY: tuple[Colour, Colour] = (118, 186, 236), (214, 236, 246)
_TRUNK: Colour = (134, 96, 66)
_LEAVES: Colour = (74, 142, 74)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A kind of place. `horizon`: height where the ground begins. `grain`: strength of the texture, 0..255.

    `climb_at`: where the thing that can be climbed stands, as a share of the frame's width, or None.
    """

    name: str
    horizon: float
    sky: tuple[Colour, Colour]
    ground: tuple[Colour, Colour]
    grain: float
    climb_at: float | None = None


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(name="grass", horizon=0.56, sky=_SKY, ground=((146, 196, 98), (92, 156, 70)), grain=9),
        Scene(name="beach", horizon=0.5, sky=_SKY, ground=((240, 220, 170), (222, 190, 132)), grain=7),
        Scene(name="street", horizon=0.5, sky=_SKY, ground=((150, 150, 156), (112, 112, 120)), grain=7),
        Scene(name="snow", horizon=0.55, sky=((150, 180, 208), (222, 232, 240)), ground=((232, 240, 248), (206, 220, 236)), grain=4),
        Scene(name="room", horizon=0.42, sky=((238, 222, 196), (226, 204, 172)), ground=((190, 142, 98), (158, 112, 74)), grain=5, climb_at=0.5),
        Scene(name="water", horizon=0.4, sky=_SKY, ground=((152, 190, 104), (104, 158, 78)), grain=8),
        Scene(name="court", horizon=0.46, sky=((120, 132, 158), (168, 178, 196)), ground=((216, 152, 96), (188, 122, 72)), grain=5),
        Scene(name="park", horizon=0.5, sky=_SKY, ground=((138, 192, 96), (88, 150, 68)), grain=9, climb_at=0.5),
        Scene(name="wall", horizon=0.3, sky=((190, 118, 90), (170, 98, 76)), ground=((176, 172, 164), (146, 142, 136)), grain=8, climb_at=0.5),
    )
}  # fmt: skip


def paint_scene(scene: Scene, rng: np.random.Generator, *, size: tuple[int, int], margin: int = 0) -> Image:
    """Return a scene's background, (H, W + 2 margin, 3) uint8 RGB; `size` is the frame's (H, W).

    The plane's x = 0 is the left edge of the unpanned frame, `margin` pixels in.
    """
    height, width = size
    canvas = np.empty((height, width + 2 * margin, 3), np.float32)
    horizon = round(height * (1 - scene.horizon))
    canvas[:horizon] = _gradient(*scene.sky, rows=horizon)
    canvas[horizon:] = _gradient(*scene.ground, rows=height - horizon)
    image = canvas.astype(np.uint8)
    aspect, extra = width / height, margin / height
    for sprite, outline in _DETAILS[scene.name](scene, rng, -extra, aspect + extra, aspect):
        placement = Placement(x=float(margin), y=float(height), scale=float(height))
        layer = rasterise(sprite, placement, size=image.shape[:2], outline=outline)
        if layer is not None:
            composite(image, layer)
    return _textured(image, rng, scene.grain)


def _gradient(top: Colour, bottom: Colour, *, rows: int) -> np.ndarray:
    steps = np.linspace(0, 1, max(rows, 1), dtype=np.float32)[:rows, None, None]
    return np.array(top, np.float32) * (1 - steps) + np.array(bottom, np.float32) * steps


def _textured(image: Image, rng: np.random.Generator, grain: float) -> Image:
    """Return an image with blotches of two sizes and a soft vignette."""
    height, width = image.shape[:2]
    field = np.zeros((height, width), np.float32)
    for cells, weight in ((6, 1.0), (28, 0.75)):
        coarse = rng.normal(size=(cells, max(2, cells * width // height))).astype(np.float32)
        field += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    light = 1.0 - 0.1 * (x * x * 0.6 + y * y * 0.7)
    return ((image + (field * grain * 0.45)[..., None]) * light[..., None]).clip(0, 255).astype(np.uint8)


Details = list[tuple[Sprite, float]]


def _clouds(rng: np.random.Generator, low: float, high: float, count: int) -> Sprite:
    sprite: Sprite = []
    for _ in range(count):
        x, y, r = rng.uniform(low, high), rng.uniform(0.78, 0.96), rng.uniform(0.035, 0.06)
        puffs = ((-1.4, 0.0, 0.8), (-0.4, 0.35, 1.1), (0.7, 0.15, 0.95), (1.6, -0.05, 0.6))
        sprite.append(tuple(
            ellipse((x + dx * r, y + dy * r), (s * r * 1.2, s * r * 0.75), (250, 252, 254), outlined=False)
            for dx, dy, s in puffs
        ))  # fmt: skip
    return sprite


def _hills(rng: np.random.Generator, low: float, high: float, base: float, colour: Colour, rise: float) -> Group:
    phase, x = rng.uniform(0, 6.28), np.linspace(low - 0.05, high + 0.05, 28)
    ridge = base + rise * (0.55 + 0.3 * np.sin(2.6 * x + phase) + 0.15 * np.sin(6.1 * x + 2 * phase))
    points: list[Point] = [(float(a), float(b)) for a, b in zip(x, ridge, strict=True)]
    return (polygon([*points, (high + 0.05, base - 0.01), (low - 0.05, base - 0.01)], colour, outlined=False),)


def _tree(x: float, base: float, size: float, *, leaves: Colour = _LEAVES, tall: float = 0.5) -> Sprite:
    r = 0.2 * size
    crown = (base + size * tall) + 0.6 * r
    puffs = ((0, 0.75, 1.0), (-0.95, 0.1, 0.85), (0.95, 0.15, 0.85), (-0.35, -0.15, 0.8), (0.4, -0.1, 0.8))
    return [
        (limb((x, base), (x, crown), _TRUNK, widths=(0.055 * size, 0.035 * size)),),
        tuple(ellipse((x + dx * r, crown + dy * r), (s * r, s * r * 0.85), leaves) for dx, dy, s in puffs),
        tuple(
            ellipse((x + dx * r - 0.03 * size, crown + dy * r + 0.04 * size), (s * r * 0.6, s * r * 0.45),
                    shade(leaves, 1.14), outlined=False)
            for dx, dy, s in puffs[:3]
        ),
    ]  # fmt: skip


def _tufts(rng: np.random.Generator, low: float, high: float, top: float, colour: Colour, count: int) -> Group:
    shapes: list[Shape] = []
    for _ in range(count):
        x, y = rng.uniform(low, high), rng.uniform(0.01, top)
        h = 0.016 + 0.014 * (1 - y)
        shapes += [
            polygon([(x - 0.008, y), (x + dx, y + h), (x + 0.004, y)], colour, outlined=False) for dx in (-0.014, 0.0, 0.014)
        ]  # fmt: skip
    return tuple(shapes)


def _flowers(rng: np.random.Generator, low: float, high: float, top: float) -> Group:
    colours: tuple[Colour, ...] = ((252, 250, 244), (250, 220, 90), (240, 150, 180))
    return tuple(
        ellipse((rng.uniform(low, high), rng.uniform(0.02, top)), (0.009, 0.007), colours[k % 3], outlined=False)
        for k in range(14)
    )


def _grass(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    sprite = _clouds(rng, low, high, 4)
    sprite.append(_hills(rng, low, high, scene.horizon, (128, 176, 140), 0.14))
    sprite.append(_hills(rng, low, high, scene.horizon, (112, 168, 98), 0.07))
    trees: Sprite = []
    for _ in range(int(rng.integers(1, 4))):
        trees += _tree(rng.uniform(low, high), scene.horizon - 0.01, rng.uniform(0.2, 0.34), tall=0.35)
    ground = [
        _tufts(rng, low, high, scene.horizon - 0.04, (80, 142, 64), 46),
        _flowers(rng, low, high, scene.horizon - 0.06),
    ]
    return [(sprite, 0), (trees, 0.5), (ground, 0)]


def _beach(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    h = scene.horizon
    sea: Sprite = _clouds(rng, low, high, 3)
    sea.append(
        (
            polygon(
                [(low, h + 0.17), (high, h + 0.17), (high, h - 0.02), (low, h - 0.02)], (64, 150, 198), outlined=False
            ),
        )
    )
    sea.append(
        (
            polygon(
                [(low, h + 0.08), (high, h + 0.08), (high, h - 0.02), (low, h - 0.02)], (92, 182, 214), outlined=False
            ),
        )
    )
    sea.append(tuple(
        limb((x, y), (x + 0.09, y), (190, 226, 238), widths=(0.004, 0.003), outlined=False)
        for x, y in zip(rng.uniform(low, high, 14), rng.uniform(h + 0.02, h + 0.16, 14), strict=True)
    ))  # fmt: skip
    x = np.linspace(low, high, 24)
    foam = [(float(a), h - 0.015 + 0.012 * math.sin(9 * a)) for a in x]
    sea.append((polygon([*foam, *[(a, b + 0.022) for a, b in reversed(foam)]], (246, 250, 250), outlined=False),))
    shells: Group = tuple(
        ellipse((rng.uniform(low, high), rng.uniform(0.02, h - 0.1)), (0.012, 0.008), (250, 236, 214), outlined=False)
        for _ in range(10)
    )
    px = rng.uniform(low + 0.1, high - 0.1)
    parasol: Sprite = [
        (limb((px, h - 0.06), (px + 0.02, h + 0.2), (226, 222, 214), widths=(0.007, 0.007)),),
        (polygon([(px - 0.13, h + 0.15), (px - 0.08, h + 0.225), (px + 0.02, h + 0.26), (px + 0.12, h + 0.23), (px + 0.17, h + 0.16)], (236, 120, 108)),),
        (polygon([(px - 0.03, h + 0.152), (px - 0.01, h + 0.25), (px + 0.02, h + 0.26), (px + 0.055, h + 0.25), (px + 0.07, h + 0.156)], (250, 240, 226), outlined=False),),
    ]  # fmt: skip
    return [(sea, 0), (parasol, 0.5), ([shells], 0)]


def _street(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    h = scene.horizon
    sprite = _clouds(rng, low, high, 2)
    facades: tuple[Colour, ...] = ((214, 182, 152), (186, 196, 206), (208, 164, 146), (200, 200, 172), (176, 170, 190))
    houses: Sprite = []
    x = low - rng.uniform(0, 0.2)
    while x < high:
        wide, tall = rng.uniform(0.26, 0.42), rng.uniform(0.2, 0.42)
        colour = facades[int(rng.integers(len(facades)))]
        houses.append((polygon([(x, h), (x, h + tall), (x + wide, h + tall), (x + wide, h)], colour),))
        panes: list[Shape] = []
        for row in range(int(tall / 0.13)):
            for column in range(int(wide / 0.11)):
                wx, wy = x + 0.03 + 0.11 * column, h + 0.06 + 0.13 * row
                panes.append(
                    polygon(
                        [(wx, wy), (wx, wy + 0.075), (wx + 0.055, wy + 0.075), (wx + 0.055, wy)],
                        (108, 138, 160),
                        outlined=False,
                    )
                )
        houses.append(tuple(panes))
        x += wide
    road: Sprite = [
        (polygon([(low, h), (high, h), (high, h - 0.07), (low, h - 0.07)], (192, 188, 182), outlined=False),),
        (
            polygon(
                [(low, h - 0.07), (high, h - 0.07), (high, h - 0.085), (low, h - 0.085)],
                (146, 142, 138),
                outlined=False,
            ),
        ),
        tuple(
            polygon([(a, 0.2), (a + 0.13, 0.2), (a + 0.12, 0.182), (a - 0.01, 0.182)], (238, 234, 214), outlined=False)
            for a in np.arange(low - 0.1, high, 0.27)
        ),
    ]
    return [(sprite, 0), (houses, 0.5), (road, 0)]


def _snow(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    back: Sprite = [_hills(rng, low, high, scene.horizon, (186, 204, 224), 0.22)]
    back.append(_hills(rng, low, high, scene.horizon, (214, 226, 238), 0.09))
    firs: Sprite = []
    for _ in range(int(rng.integers(4, 7))):
        x, s = rng.uniform(low, high), rng.uniform(0.16, 0.27)
        base = scene.horizon - 0.01
        firs.append((limb((x, base), (x, base + 0.06), _TRUNK, widths=(0.012, 0.012)),))
        for k in range(3):
            y, w = base + 0.03 + k * 0.27 * s, (0.3 - 0.07 * k) * s
            firs.append((polygon([(x - w, y), (x, y + 0.45 * s), (x + w, y)], (72, 118, 106)),))
            firs.append(
                (
                    polygon(
                        [(x - 0.35 * w, y + 0.29 * s), (x, y + 0.45 * s), (x + 0.35 * w, y + 0.29 * s)],
                        (246, 250, 252),
                        outlined=False,
                    ),
                )
            )
    tracks: Group = tuple(
        ellipse((rng.uniform(low, high), rng.uniform(0.02, scene.horizon - 0.08)), (0.05, 0.008), (190, 206, 226), outlined=False)
        for _ in range(12)
    )  # fmt: skip
    return [(back, 0), (firs, 0.4), ([tracks], 0)]


def _room(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    h = scene.horizon
    side = 0.16 * aspect if rng.random() < 0.5 else 0.84 * aspect
    boards: Sprite = [
        tuple(limb((low, y), (high, y), (142, 100, 66), widths=(0.003, 0.003), outlined=False) for y in (0.06, 0.14, 0.22, 0.3, 0.37)),
        (polygon([(low, h), (high, h), (high, h + 0.035), (low, h + 0.035)], (248, 240, 226), outlined=False),),
        (ellipse((aspect / 2, 0.14), (0.42 * aspect, 0.1), (176, 88, 84), outlined=False), ellipse((aspect / 2, 0.14), (0.36 * aspect, 0.08), (204, 122, 106), outlined=False)),
    ]  # fmt: skip
    centre = aspect * (scene.climb_at or 0.5)
    window: Sprite = [
        (polygon([(centre - 0.14, h + 0.12), (centre - 0.14, 0.9), (centre + 0.14, 0.9), (centre + 0.14, h + 0.12)], (170, 212, 236)),),
        (limb((centre, h + 0.12), (centre, 0.9), (250, 246, 238), widths=(0.008, 0.008), outlined=False),),
    ]  # fmt: skip
    curtain_colour: Colour = ((106, 140, 178), (150, 168, 110), (178, 120, 140))[int(rng.integers(3))]
    for left in (centre - 0.24, centre + 0.06):
        window.append(
            (
                polygon(
                    [(left, h - 0.02), (left + 0.02, 0.95), (left + 0.18, 0.95), (left + 0.18, h - 0.02)],
                    curtain_colour,
                ),
            )
        )
        window.append(
            tuple(
                limb(
                    (left + d, h),
                    (left + d + 0.003, 0.94),
                    shade(curtain_colour, 0.86),
                    widths=(0.006, 0.004),
                    outlined=False,
                )
                for d in (0.045, 0.09, 0.135)
            )
        )
    sofa_colour: Colour = ((126, 160, 140), (196, 140, 104), (140, 130, 170))[int(rng.integers(3))]
    sofa: Sprite = [
        (polygon([(side - 0.22, h - 0.06), (side - 0.22, h + 0.17), (side - 0.17, h + 0.2), (side + 0.17, h + 0.2), (side + 0.22, h + 0.17), (side + 0.22, h - 0.06)], sofa_colour),),
        (polygon([(side - 0.2, h - 0.06), (side - 0.2, h + 0.07), (side + 0.2, h + 0.07), (side + 0.2, h - 0.06)], shade(sofa_colour, 1.15)),),
    ]  # fmt: skip
    far = aspect - side
    picture: Sprite = [
        (polygon([(far - 0.1, 0.68), (far - 0.1, 0.86), (far + 0.1, 0.86), (far + 0.1, 0.68)], (120, 84, 56)),),
        (
            polygon(
                [(far - 0.08, 0.7), (far - 0.08, 0.84), (far + 0.08, 0.84), (far + 0.08, 0.7)],
                (178, 214, 206),
                outlined=False,
            ),
        ),
        (ellipse((far, 0.73), (0.05, 0.035), (104, 156, 96), outlined=False),),
    ]
    return [(boards, 0), (window, 0.5), (sofa, 0.6), (picture, 0.4)]


def _water(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    h = scene.horizon
    back = _clouds(rng, low, high, 3)
    back.append(_hills(rng, low, high, h + 0.2, (116, 164, 132), 0.13))
    back.append(
        (
            polygon(
                [(low, h + 0.21), (high, h + 0.21), (high, h - 0.02), (low, h - 0.02)], (86, 164, 204), outlined=False
            ),
        )
    )
    back.append(tuple(
        limb((x, y), (x + 0.07, y), (168, 214, 234), widths=(0.004, 0.002), outlined=False)
        for x, y in zip(rng.uniform(low, high, 20), rng.uniform(h + 0.02, h + 0.19, 20), strict=True)
    ))  # fmt: skip
    x = np.linspace(low, high, 24)
    bank = [(float(a), h + 0.006 + 0.012 * math.sin(7 * a)) for a in x]
    back.append((polygon([*bank, *[(a, b - 0.05) for a, b in reversed(bank)]], (150, 186, 108), outlined=False),))
    reeds: Sprite = []
    for _ in range(9):
        rx = rng.choice([rng.uniform(low, low + 0.3), rng.uniform(high - 0.3, high)])
        reeds.append((limb((rx, h - 0.03), (rx + 0.015, h + 0.11), (96, 138, 76), widths=(0.005, 0.003), outlined=False),
                      limb((rx + 0.015, h + 0.1), (rx + 0.018, h + 0.14), (122, 84, 58), widths=(0.009, 0.009), outlined=False)))  # fmt: skip
    ground = [_tufts(rng, low, high, h - 0.05, (88, 146, 68), 34), _flowers(rng, low, high, h - 0.07)]
    return [(back, 0), (reeds, 0), (ground, 0)]


def _court(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    h = scene.horizon
    back: Sprite = []
    for row, colour in enumerate(((98, 108, 138), (112, 122, 150), (126, 136, 162))):
        y = h + 0.26 - 0.09 * row
        back.append((polygon([(low, y), (high, y), (high, y - 0.09), (low, y - 0.09)], colour, outlined=False),))
        back.append(tuple(
            ellipse((x, y + 0.01), (0.02, 0.026), tuple(int(v) for v in rng.integers(90, 190, 3)), outlined=False)  # type: ignore[arg-type]
            for x in np.arange(low + 0.03 + 0.04 * (row % 2), high, 0.085)
        ))  # fmt: skip
    back.append((polygon([(low, h + 0.04), (high, h + 0.04), (high, h), (low, h)], (74, 88, 128), outlined=False),))
    hoop_x = aspect * (0.1 if rng.random() < 0.5 else 0.9)
    hoop: Sprite = [
        (limb((hoop_x, h - 0.02), (hoop_x, 0.72), (96, 100, 112), widths=(0.013, 0.013)),),
        (polygon([(hoop_x - 0.13, 0.7), (hoop_x - 0.13, 0.9), (hoop_x + 0.13, 0.9), (hoop_x + 0.13, 0.7)], (246, 246, 244)),),
        (polygon([(hoop_x - 0.045, 0.72), (hoop_x - 0.045, 0.8), (hoop_x + 0.045, 0.8), (hoop_x + 0.045, 0.72)], (214, 84, 60)),
         polygon([(hoop_x - 0.035, 0.73), (hoop_x - 0.035, 0.79), (hoop_x + 0.035, 0.79), (hoop_x + 0.035, 0.73)], (246, 246, 244), outlined=False)),
        (ellipse((hoop_x, 0.71), (0.055, 0.014), (226, 96, 48)),),
        tuple(limb((hoop_x + d, 0.7), (hoop_x + 0.6 * d, 0.63), (244, 244, 240), widths=(0.004, 0.004), outlined=False) for d in (-0.05, -0.017, 0.017, 0.05)),
    ]  # fmt: skip
    lines: Sprite = [
        (limb((low, 0.36), (high, 0.36), (248, 238, 222), widths=(0.006, 0.006), outlined=False),),
        (ellipse((aspect / 2, 0.14), (0.34, 0.1), (248, 238, 222), outlined=False),),
        (ellipse((aspect / 2, 0.14), (0.325, 0.09), (204, 140, 86), outlined=False),),
        tuple(limb((low, y), (high, y), (196, 132, 80), widths=(0.002, 0.002), outlined=False) for y in (0.05, 0.42)),
    ]
    return [(back, 0), (lines, 0), (hoop, 0.5)]


def _park(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    back = _clouds(rng, low, high, 3)
    back.append(_hills(rng, low, high, scene.horizon, (120, 172, 112), 0.11))
    small: Sprite = []
    for x in (low + 0.12, high - 0.15):
        small += _tree(x, scene.horizon, rng.uniform(0.24, 0.34), leaves=(98, 160, 92), tall=0.35)
    x = aspect * (scene.climb_at or 0.5)
    base = scene.horizon - 0.1
    big: Sprite = [
        (polygon([(x - 0.13, base), (x - 0.075, base + 0.1), (x - 0.065, 1.0), (x + 0.065, 1.0), (x + 0.075, base + 0.1), (x + 0.13, base)], _TRUNK),),
        tuple(limb((x + d, base + 0.08 + 0.1 * k), (x + d, base + 0.15 + 0.1 * k), shade(_TRUNK, 0.8), widths=(0.005, 0.005), outlined=False) for k, d in enumerate((-0.03, 0.025, -0.02, 0.03))),
        tuple(ellipse((x + dx, 1.0 + dy), (0.17, 0.12), _LEAVES) for dx, dy in ((-0.26, 0.0), (0.27, 0.0), (0.0, -0.01), (-0.13, -0.07), (0.14, -0.06))),
        tuple(ellipse((x + dx, 1.0 + dy), (0.08, 0.05), shade(_LEAVES, 1.15), outlined=False) for dx, dy in ((-0.27, 0.0), (0.2, -0.02), (-0.1, -0.05))),
    ]  # fmt: skip
    ground = [_tufts(rng, low, high, scene.horizon - 0.05, (78, 138, 62), 40)]
    return [(back, 0), (small, 0.5), (ground, 0), (big, 0.6)]


def _wall(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    bricks: list[Shape] = []
    tones: tuple[Colour, ...] = ((196, 122, 94), (184, 110, 84), (176, 104, 80), (202, 132, 104))
    for row, y in enumerate(np.arange(scene.horizon, 1.0, 0.062)):
        for x in np.arange(low - (0.075 if row % 2 else 0.0), high, 0.15):
            tone = tones[int(rng.integers(4))]
            bricks.append(
                polygon(
                    [(x + 0.005, y + 0.005), (x + 0.005, y + 0.057), (x + 0.145, y + 0.057), (x + 0.145, y + 0.005)],
                    tone,
                    outlined=False,
                )
            )
    holds = tuple(
        ellipse((aspect * (scene.climb_at or 0.5) + dx, y), (0.02, 0.016), ((240, 190, 70), (110, 180, 150), (210, 120, 170))[k % 3])
        for k, (dx, y) in enumerate(((-0.12, 0.45), (0.1, 0.52), (-0.06, 0.62), (0.13, 0.7), (-0.12, 0.78), (0.05, 0.86), (-0.02, 0.95)))
    )  # fmt: skip
    slabs: Group = tuple(
        limb(
            (x, scene.horizon - 0.02),
            (aspect / 2 + (x - aspect / 2) * 1.5, 0.0),
            (134, 130, 124),
            widths=(0.003, 0.004),
            outlined=False,
        )
        for x in np.arange(low - 0.3, high + 0.3, 0.24)
    )
    kerb: Group = (
        polygon(
            [(low, scene.horizon), (high, scene.horizon), (high, scene.horizon - 0.02), (low, scene.horizon - 0.02)],
            (120, 112, 106),
            outlined=False,
        ),
    )
    return [([tuple(bricks)], 0), ([holds], 0.5), ([slabs, kerb], 0)]


_DETAILS: dict[str, Callable[[Scene, np.random.Generator, float, float, float], Details]] = {
    "grass": _grass, "beach": _beach, "street": _street, "snow": _snow, "room": _room, "water": _water,
    "court": _court, "park": _park, "wall": _wall,
}  # fmt: skip


def occluder(kind: str) -> Sprite:
    """Return a thing that hides actors behind it: `bush`, `box`, `tree` or `post`. Unit: the frame's height."""
    match kind:
        case "bush":
            puffs = ((-0.1, 0.06, 0.09), (0.1, 0.06, 0.09), (0.0, 0.1, 0.11))
            green: Colour = (66, 128, 70)
            return [
                tuple(ellipse((x, y), (r, r * 0.9), green) for x, y, r in puffs),
                tuple(ellipse((x - 0.02, y + 0.035), (r * 0.5, r * 0.35), shade(green, 1.15), outlined=False) for x, y, r in puffs),
            ]  # fmt: skip
        case "box":
            return [
                (polygon([(-0.11, 0.0), (-0.11, 0.2), (0.11, 0.2), (0.11, 0.0)], (204, 164, 112)),),
                (polygon([(-0.11, 0.2), (-0.07, 0.235), (0.145, 0.235), (0.11, 0.2)], (222, 188, 140)),),
                (polygon([(0.11, 0.0), (0.11, 0.2), (0.145, 0.235), (0.145, 0.035)], (172, 132, 86)),),
                (polygon([(-0.02, 0.0), (-0.02, 0.2), (0.02, 0.2), (0.02, 0.0)], (232, 214, 178), outlined=False),),
            ]
        case "tree":
            return [
                (limb((0.0, 0.0), (0.01, 1.1), shade(_TRUNK, 0.9), widths=(0.065, 0.05)),),
                tuple(limb((d, y), (d, y + 0.09), shade(_TRUNK, 0.72), widths=(0.006, 0.006), outlined=False)
                      for d, y in ((-0.02, 0.1), (0.025, 0.26), (-0.015, 0.45), (0.02, 0.62))),
            ]  # fmt: skip
    return [
        (limb((0.0, 0.0), (0.0, 0.8), (88, 96, 104), widths=(0.022, 0.016)),),
        (ellipse((0.0, 0.83), (0.05, 0.06), (255, 244, 200)),),
        (polygon([(-0.05, 0.0), (-0.035, 0.06), (0.035, 0.06), (0.05, 0.0)], (72, 78, 86)),),
    ]
