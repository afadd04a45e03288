"""Balls and cars. Unit: the ball's diameter, the car's length."""

import math

from a2dsplus.world.shapes import Colour, Group, Point, Sprite, ellipse, limb, polygon, shade

_WHITE: Colour = (250, 250, 246)
_TYRE: Colour = (48, 46, 52)
_GLASS: Colour = (186, 222, 240)


def ball(phase: float, *, colour: Colour, variant: int) -> Sprite:
    """Return a ball turned by `phase` cycles; `variant` chooses panels, bands or a star."""
    centre: Point = (0.0, 0.5)
    angle = -2 * math.pi * phase
    light = _WHITE if sum(colour) < 660 else (150, 150, 160)

    def at(radius: float, turn: float) -> Point:
        return centre[0] + radius * math.cos(angle + turn), centre[1] + radius * math.sin(angle + turn)

    sphere: Group = (ellipse(centre, (0.5, 0.5), colour),)
    marks: Group
    match variant % 3:
        case 0:
            marks = tuple(
                polygon([centre, *(at(0.49, k * 2.0944 + 0.15 * j) for j in range(8))], light, outlined=False)
                for k in range(3)
            )
        case 1:
            marks = (
                polygon([at(0.49, t) for t in (0.35, 0.15, -0.05, -0.25, 3.39, 3.19, 2.99, 2.79)], light, outlined=False),
                ellipse(centre, (0.16, 0.16), light, outlined=False),
            )  # fmt: skip
        case _:
            star = [at(0.34 if k % 2 == 0 else 0.15, k * math.pi / 5) for k in range(10)]
            marks = (polygon(star, light, outlined=False),)
    gloss: Group = (ellipse((-0.17, 0.74), (0.13, 0.08), shade(colour, 1.7), angle=0.6, outlined=False),)
    return [sphere, marks, gloss]


def car(phase: float, *, colour: Colour, variant: int) -> Sprite:
    """Return a car whose wheels are turned by `phase` cycles; `variant` chooses saloon or van."""
    dark = shade(colour, 0.7)
    sprite: Sprite = []
    hull = [
        (-0.5, 0.12),
        (-0.5, 0.26),
        (-0.46, 0.31),
        (-0.36, 0.33),
        (0.26, 0.33),
        (0.45, 0.28),
        (0.5, 0.22),
        (0.5, 0.12),
    ]
    if variant % 2 == 0:
        cabin = [(-0.36, 0.31), (-0.26, 0.5), (-0.2, 0.53), (0.06, 0.53), (0.11, 0.5), (0.27, 0.31)]
        panes = (
            [(-0.3, 0.33), (-0.225, 0.475), (-0.08, 0.475), (-0.08, 0.33)],
            [(-0.04, 0.33), (-0.04, 0.475), (0.07, 0.475), (0.2, 0.33)],
        )
    else:
        cabin = [(-0.47, 0.3), (-0.45, 0.52), (-0.4, 0.55), (0.16, 0.55), (0.21, 0.52), (0.32, 0.31)]
        panes = (
            [(-0.41, 0.34), (-0.4, 0.49), (-0.12, 0.49), (-0.12, 0.34)],
            [(-0.07, 0.34), (-0.07, 0.49), (0.16, 0.49), (0.25, 0.34)],
        )
    sprite.append((polygon(hull, colour), polygon(cabin, colour)))
    details = [polygon(pane, _GLASS, outlined=False) for pane in panes]
    details += [
        polygon([(pane[0][0] + 0.03, pane[0][1] + 0.02), (pane[1][0] + 0.03, pane[1][1] - 0.01),
                 (pane[1][0] + 0.06, pane[1][1] - 0.01), (pane[0][0] + 0.07, pane[0][1] + 0.02)], (232, 246, 252), outlined=False)
        for pane in panes
    ]  # fmt: skip
    details += [
        polygon([(-0.5, 0.12), (-0.5, 0.18), (0.5, 0.18), (0.5, 0.12)], dark, outlined=False),
        limb((-0.06, 0.31), (-0.06, 0.19), dark, widths=(0.008, 0.008), outlined=False),
        limb((0.02, 0.27), (0.07, 0.27), dark, widths=(0.011, 0.011), outlined=False),
        ellipse((0.455, 0.235), (0.035, 0.035), (255, 240, 170), outlined=False),
        ellipse((-0.475, 0.25), (0.022, 0.035), (214, 44, 40), outlined=False),
    ]
    sprite.append(tuple(details))
    turn = -2 * math.pi * phase
    for x in (-0.28, 0.28):
        hub: Point = (x, 0.1)
        sprite.append((ellipse(hub, (0.105, 0.105), _TYRE),))
        spokes = tuple(
            limb(hub, (x + 0.05 * math.cos(turn + k * 2.0944), 0.1 + 0.05 * math.sin(turn + k * 2.0944)),
                 (92, 92, 100), widths=(0.012, 0.012), outlined=False)
            for k in range(3)
        )  # fmt: skip
        sprite.append((ellipse(hub, (0.06, 0.06), (206, 208, 214), outlined=False), *spokes))
    return sprite
