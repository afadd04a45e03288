"""Backgrounds that people built: street, room, basketball court and wall (the plane is that of `nature`)."""

import numpy as np

from a2dsplus.world.nature import Details, clouds
from a2dsplus.world.scenes import Scene
from a2dsplus.world.shapes import Colour, Group, Shape, Sprite, ellipse, limb, polygon, shade


def street(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a road before a row of houses."""
    h = scene.horizon
    sprite = clouds(rng, low, high, 2)
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


def room(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a floor with a rug, a window with curtains, a sofa and a picture."""
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


def court(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a basketball court before its spectators."""
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


def wall(scene: Scene, rng: np.random.Generator, low: float, high: float, aspect: float) -> Details:
    """Return a brick wall with holds to climb, and a pavement."""
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
