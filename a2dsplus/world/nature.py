"""Backgrounds out of doors: grass, beach, snow, lake and park, and things that stand in front of actors.

In every scene x and y are in frame heights, y upwards from the frame's lower edge; `low` and `high` are the least and greatest x that
the camera can see, `aspect` is the frame's width.
"""

import math

import numpy as np

from a2dsplus.world.scenes import Scene
from a2dsplus.world.shapes import Colour, Group, Point, Shape, Sprite, ellipse, limb, polygon, shade

TRUNK: Colour = (134, 96, 66)
LEAVES: Colour = (74, 142, 74)
Details = list[tuple[Sprite, float]]
"""Sprites from back to front, each with its contour's width in pixels."""


def clouds(rng: np.random.Generator, low: float, high: float, count: int) -> Sprite:
    """Return white clouds in the upper fifth of the plane."""
    sprite: Sprite = []
    for _ in range(count):
        x, y, r = rng.uniform(low, high), rng.uniform(0.78, 0.96), rng.uniform(0.035, 0.06)
        puffs = ((-1.4, 0.0, 0.8), (-0.4, 0.35, 1.1), (0.7, 0.15, 0.95), (1.6, -0.05, 0.6))
        sprite.append(tuple(
            ellipse((x + dx * r, y + dy * r), (s * r * 1.2, s * r * 0.75), (250, 252, 254), outlined=False)
            for dx, dy, s in puffs
        ))  # fmt: skip
    return sprite


def hills(rng: np.random.Generator, low: float, high: float, base: float, colour: Colour, rise: float) -> Group:
    """Return a ridge that rises at most `rise` above `base`."""
    phase, x = rng.uniform(0, 6.28), np.linspace(low - 0.05, high + 0.05, 28)
    ridge = base + rise * (0.55 + 0.3 * np.sin(2.6 * x + phase) + 0.15 * np.sin(6.1 * x + 2 * phase))
    points: list[Point] = [(float(a), float(b)) for a, b in zip(x, ridge, strict=True)]
    return (polygon([*points, (high + 0.05, base - 0.01), (low - 0.05, base - 0.01)], colour, outlined=False),)


def tree(x: float, base: float, size: float, *, leaves: Colour = LEAVES, tall: float = 0.5) -> Sprite:
    """Return a broad-leaved tree; `tall` is its bare trunk as a share of its size."""
    r = 0.2 * size
    crown = (base + size * tall) + 0.6 * r
    puffs = ((0, 0.75, 1.0), (-0.95, 0.1, 0.85), (0.95, 0.15, 0.85), (-0.35, -0.15, 0.8), (0.4, -0.1, 0.8))
    return [
        (limb((x, base), (x, crown), TRUNK, widths=(0.055 * size, 0.035 * size)),),
        tuple(ellipse((x + dx * r, crown + dy * r), (s * r, s * r * 0.85), leaves) for dx, dy, s in puffs),
        tuple(
            ellipse((x + dx * r - 0.03 * size, crown + dy * r + 0.04 * size), (s * r * 0.6, s * r * 0.45),
                    shade(leaves, 1.14), outlined=False)
            for dx, dy, s in puffs[:3]
        ),
    ]  # fmt: skip


def tufts(rng: np.random.Generator, low: float, high: float, top: float, colour: Colour, count: int) -> Group:
    """Return tufts of grass between the lower edge and `top`."""
    shapes: list[Shape] = []
    for _ in range(count):
        x, y = rng.uniform(low, high), rng.uniform(0.01, top)
        h = 0.016 + 0.014 * (1 - y)
        shapes += [
            polygon([(x - 0.008, y), (x + dx, y + h), (x + 0.004, y)], colour, outlined=False) for dx in (-0.014, 0.0, 0.014)
        ]  # fmt: skip
    return tuple(shapes)


def flowers(rng: np.random.Generator, low: float, high: float, top: float) -> Group:
    """Return small flowers between the lower edge and `top`."""
    colours: tuple[Colour, ...] = ((252, 250, 244), (250, 220, 90), (240, 150, 180))
    return tuple(
        ellipse((rng.uniform(low, high), rng.uniform(0.02, top)), (0.009, 0.007), colours[k % 3], outlined=False)
        for k in range(14)
    )


def grass(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a meadow with hills and trees."""
    sprite = clouds(rng, low, high, 4)
    sprite.append(hills(rng, low, high, scene.horizon, (128, 176, 140), 0.14))
    sprite.append(hills(rng, low, high, scene.horizon, (112, 168, 98), 0.07))
    trees: Sprite = []
    for _ in range(int(rng.integers(1, 4))):
        trees += tree(rng.uniform(low, high), scene.horizon - 0.01, rng.uniform(0.2, 0.34), tall=0.35)
    ground = [
        tufts(rng, low, high, scene.horizon - 0.04, (80, 142, 64), 46),
        flowers(rng, low, high, scene.horizon - 0.06),
    ]
    return [(sprite, 0), (trees, 0.5), (ground, 0)]


def beach(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return sea, sand and a parasol."""
    h = scene.horizon
    sea: Sprite = clouds(rng, low, high, 3)
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


def snow(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a white field with firs."""
    back: Sprite = [hills(rng, low, high, scene.horizon, (186, 204, 224), 0.22)]
    back.append(hills(rng, low, high, scene.horizon, (214, 226, 238), 0.09))
    firs: Sprite = []
    for _ in range(int(rng.integers(4, 7))):
        x, s = rng.uniform(low, high), rng.uniform(0.16, 0.27)
        base = scene.horizon - 0.01
        firs.append((limb((x, base), (x, base + 0.06), TRUNK, widths=(0.012, 0.012)),))
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


def water(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a lake with reeds and a near bank."""
    h = scene.horizon
    back = clouds(rng, low, high, 3)
    back.append(hills(rng, low, high, h + 0.2, (116, 164, 132), 0.13))
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
    ground = [tufts(rng, low, high, h - 0.05, (88, 146, 68), 34), flowers(rng, low, high, h - 0.07)]
    return [(back, 0), (reeds, 0), (ground, 0)]


def park(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a meadow with a big tree to climb."""
    back = clouds(rng, low, high, 3)
    back.append(hills(rng, low, high, scene.horizon, (120, 172, 112), 0.11))
    small: Sprite = []
    for x in (low + 0.12, high - 0.15):
        small += tree(x, scene.horizon, rng.uniform(0.24, 0.34), leaves=(98, 160, 92), tall=0.35)
    x = aspect * (scene.climb_at or 0.5)
    base = scene.horizon - 0.1
    big: Sprite = [
        (polygon([(x - 0.13, base), (x - 0.075, base + 0.1), (x - 0.065, 1.0), (x + 0.065, 1.0), (x + 0.075, base + 0.1), (x + 0.13, base)], TRUNK),),
        tuple(limb((x + d, base + 0.08 + 0.1 * k), (x + d, base + 0.15 + 0.1 * k), shade(TRUNK, 0.8), widths=(0.005, 0.005), outlined=False) for k, d in enumerate((-0.03, 0.025, -0.02, 0.03))),
        tuple(ellipse((x + dx, 1.0 + dy), (0.17, 0.12), LEAVES) for dx, dy in ((-0.26, 0.0), (0.27, 0.0), (0.0, -0.01), (-0.13, -0.07), (0.14, -0.06))),
        tuple(ellipse((x + dx, 1.0 + dy), (0.08, 0.05), shade(LEAVES, 1.15), outlined=False) for dx, dy in ((-0.27, 0.0), (0.2, -0.02), (-0.1, -0.05))),
    ]  # fmt: skip
    ground = [tufts(rng, low, high, scene.horizon - 0.05, (78, 138, 62), 40)]
    return [(back, 0), (small, 0.5), (ground, 0), (big, 0.6)]


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
                (limb((0.0, 0.0), (0.01, 1.1), shade(TRUNK, 0.9), widths=(0.065, 0.05)),),
                tuple(limb((d, y), (d, y + 0.09), shade(TRUNK, 0.72), widths=(0.006, 0.006), outlined=False)
                      for d, y in ((-0.02, 0.1), (0.025, 0.26), (-0.015, 0.45), (0.02, 0.62))),
            ]  # fmt: skip
    return [
        (limb((0.0, 0.0), (0.0, 0.8), (88, 96, 104), widths=(0.022, 0.016)),),
        (ellipse((0.0, 0.83), (0.05, 0.06), (255, 244, 200)),),
        (polygon([(-0.05, 0.0), (-0.035, 0.06), (0.035, 0.06), (0.05, 0.0)], (72, 78, 86)),),
    ]
