"""Dogs and cats (one jointed quadruped in two shapes) and birds, seen from the side.

Unit: the animal's length from rump to nose, about; a limb's angle is 0 straight down and grows forwards.
"""

import math
from dataclasses import dataclass

from a2dsplus.world.shapes import (
    Colour,
    Group,
    Point,
    Sprite,
    ellipse,
    limb,
    polygon,
    shade,
    stroke,
)

_DARK: Colour = (42, 34, 40)
_WHITE: Colour = (255, 255, 255)
_BEAK: Colour = (246, 168, 48)
_BOWL: Colour = (196, 76, 84)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stance:
    """Joints of a quadruped: rump height, pitch of the back, leg angles (hind near, hind far, fore near, fore far), head offset, tail."""

    rump: float
    pitch: float
    legs: tuple[tuple[float, float], ...]
    head: Point
    nod: float
    tail: float


def _stance(action: str, phase: float) -> _Stance:
    turn = 2 * math.pi * phase
    swing, wag = math.sin(turn), 0.25 * math.sin(2 * turn)
    straight = ((0.1, -0.1), (-0.1, -0.25), (0.05, 0.0), (-0.12, -0.15))
    match action:
        case "walk":
            legs = tuple(
                (0.45 * math.sin(turn + shift), 0.45 * math.sin(turn + shift) - 0.5 * max(0.0, math.cos(turn + shift)))
                for shift in (0.0, math.pi, math.pi, 0.0)
            )  # fmt: skip
            return _Stance(
                rump=0.4, pitch=0.02 * swing, legs=legs, head=(0.2, 0.2 + 0.015 * swing), nod=0.0, tail=0.6 + wag
            )
        case "run":
            hind, fore = math.sin(turn), math.sin(turn + 2.2)
            legs = (
                (0.15 + 0.95 * hind, -0.15 + 0.75 * hind),
                (0.0 + 0.95 * hind, -0.35 + 0.75 * hind),
                (0.95 * fore, 0.85 * fore - 0.25),
                (0.95 * fore - 0.2, 0.85 * fore - 0.5),
            )
            return _Stance(
                rump=0.42 + 0.05 * math.cos(turn), pitch=0.14 * math.cos(turn), legs=legs, head=(0.24, 0.14),
                nod=0.0, tail=0.1 + 0.15 * swing,
            )  # fmt: skip
        case "jump":
            air = abs(math.sin(math.pi * phase))
            legs = ((-0.9 * air, -1.1 * air), (-0.7 * air, -0.9 * air), (1.1 * air, 0.7 * air), (0.9 * air, 0.5 * air))
            return _Stance(rump=0.4, pitch=0.35 * air, legs=legs, head=(0.2, 0.2), nod=0.1, tail=0.4 + air)
        case "eat":
            return _Stance(
                rump=0.4, pitch=-0.12, legs=straight, head=(0.27, -0.14 + 0.035 * swing), nod=-0.75, tail=0.9 + wag
            )
        case "crawl":
            legs = tuple((0.9 + 0.4 * s * swing, -1.1 + 0.3 * s * swing) for s in (1, -1, -1, 1))
            return _Stance(rump=0.22, pitch=0.0, legs=legs, head=(0.22, 0.12), nod=0.0, tail=-0.1 + wag)
        case "climb":
            legs = (
                (1.5 + 0.35 * swing, 0.9 + 0.3 * swing), (1.5 - 0.35 * swing, 0.9 - 0.3 * swing),
                (1.55 - 0.4 * swing, 1.9 - 0.3 * swing), (1.55 + 0.4 * swing, 1.9 + 0.3 * swing),
            )  # fmt: skip
            return _Stance(rump=0.2, pitch=1.4, legs=legs, head=(0.06, 0.26), nod=0.55, tail=-1.1 + wag)
        case "sit":
            legs = ((1.25, 0.5), (1.15, 0.35), (0.02, 0.0), (0.12, 0.08))
            return _Stance(
                rump=0.16, pitch=0.78, legs=legs, head=(0.1, 0.24 + 0.012 * swing), nod=0.06 * swing, tail=-0.25 + wag
            )
        case "lie":
            legs = ((1.45, 1.5), (1.35, 1.45), (1.5, 1.55), (1.4, 1.5))
            return _Stance(rump=0.17, pitch=0.0, legs=legs, head=(0.24, 0.0), nod=-0.12, tail=-0.35 + 0.3 * wag)
        case "roll":
            legs = tuple((0.35 * math.sin(2 * turn + k), 0.7 + 0.4 * math.sin(2 * turn + 2 * k)) for k in range(4))
            return _Stance(rump=0.36, pitch=0.0, legs=legs, head=(0.2, 0.08), nod=0.0, tail=0.5 + wag)
    return _Stance(
        rump=0.4, pitch=0.0, legs=straight, head=(0.19, 0.2 + 0.01 * swing), nod=0.05 * swing, tail=0.7 + wag
    )


def quadruped(kind: str, action: str, phase: float, *, coat: Colour, variant: int) -> Sprite:
    """Return a dog or a cat in an action at a phase. `coat`: its colour. `variant`: collar and markings."""
    cat = kind == "cat"
    stance = _stance(action, phase)
    back, girth = 0.56, 0.148 if cat else 0.17
    leg_width = 0.048 if cat else 0.058
    pale = shade(coat, 1.45)
    rump: Point = (-0.3, stance.rump)
    if stance.pitch > 0.6:
        rump = (-0.12, stance.rump)
    cosine, sine = math.cos(stance.pitch), math.sin(stance.pitch)
    chest = (rump[0] + back * cosine, rump[1] + back * sine)
    head = (chest[0] + stance.head[0], chest[1] + stance.head[1])

    def leg(joint: Point, angles: tuple[float, float], dim: float) -> Group:
        knee = (joint[0] + 0.21 * math.sin(angles[0]), joint[1] - 0.21 * math.cos(angles[0]))
        paw = (knee[0] + 0.17 * math.sin(angles[1]), max(leg_width * 0.7, knee[1] - 0.17 * math.cos(angles[1])))
        colour = shade(coat, dim)
        return (
            limb(joint, knee, colour, widths=(leg_width * 1.6, leg_width)),
            limb(knee, paw, colour, widths=(leg_width, leg_width * 0.8)),
            ellipse((paw[0] + 0.022, paw[1]), (leg_width * 1.15, leg_width * 0.8), shade(pale, dim)),
        )

    hind = (rump[0] + 0.02, rump[1] - 0.02)
    fore = (chest[0] - 0.03 * cosine, chest[1] - 0.04)
    tail_root = (rump[0] - girth * 0.75 * cosine, rump[1] + 0.05 - girth * 0.4 * sine)
    tail = _tail(tail_root, stance.tail, coat, cat=cat)
    body: Group = (
        limb(rump, chest, coat, widths=(girth * 0.95, girth * 1.05)),
        limb(chest, head, coat, widths=(girth * 0.85, girth * 0.7)),
    )
    belly: Group = (
        limb((rump[0] + 0.1 * cosine + 0.4 * girth * sine, rump[1] - 0.45 * girth * cosine + 0.1 * sine),
             (chest[0] + 0.45 * girth * sine, chest[1] - 0.4 * girth * cosine), pale,
             widths=(girth * 0.38, girth * 0.5), outlined=False),
    )  # fmt: skip
    sprite: Sprite = [tail, leg(hind, stance.legs[1], 0.75), leg(fore, stance.legs[3], 0.75), body, belly]
    sprite += [leg(hind, stance.legs[0], 1.0), leg(fore, stance.legs[2], 1.0)]
    if action == "eat":
        bowl = ((head[0] - 0.06, 0.12), (head[0] + 0.3, 0.12), (head[0] + 0.25, 0.0), (head[0] - 0.01, 0.0))
        sprite.append((polygon(bowl, _BOWL),))
    sprite += _muzzle(head, stance.nod, coat, cat=cat, variant=variant)
    return sprite


def _tail(root: Point, lift: float, coat: Colour, *, cat: bool) -> Group:
    points, angle, step = [root], math.pi - lift, 0.1 if cat else 0.085
    for bend in (0.0, -0.25, -0.5, -0.5, 0.5) if cat else (0.0, -0.3, -0.35):
        angle += bend
        points.append((points[-1][0] + step * math.cos(angle), points[-1][1] + step * math.sin(angle)))
    return stroke(points, coat, widths=(0.04, 0.03) if cat else (0.05, 0.028))


def _muzzle(centre: Point, nod: float, coat: Colour, *, cat: bool, variant: int) -> Sprite:
    """Return a dog's or a cat's head, `nod` radians above level."""
    cosine, sine = math.cos(nod), math.sin(nod)

    def at(x: float, y: float) -> Point:
        return centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine

    pale, dark = shade(coat, 1.5), shade(coat, 0.68)
    if cat:
        ears: Group = (
            polygon([at(-0.15, 0.08), at(-0.12, 0.3), at(0.02, 0.14)], coat),
            polygon([at(0.02, 0.14), at(0.13, 0.29), at(0.16, 0.06)], coat),
        )
        inner: Group = (
            polygon([at(-0.11, 0.13), at(-0.105, 0.24), at(-0.03, 0.15)], (240, 170, 170), outlined=False),
            polygon([at(0.06, 0.15), at(0.115, 0.23), at(0.13, 0.11)], (240, 170, 170), outlined=False),
        )
        skull: Group = (ellipse(centre, (0.175, 0.16), coat, angle=nod),)
        face: Group = (
            ellipse(at(0.1, -0.06), (0.085, 0.062), pale, outlined=False, angle=nod),
            polygon([at(0.1, -0.015), at(0.155, -0.015), at(0.128, -0.05)], (232, 120, 130), outlined=False),
            ellipse(at(0.015, 0.03), (0.036, 0.047), (196, 214, 92), outlined=False),
            ellipse(at(0.025, 0.03), (0.017, 0.043), _DARK, outlined=False),
            ellipse(at(0.135, 0.035), (0.026, 0.043), (196, 214, 92), outlined=False),
            ellipse(at(0.14, 0.035), (0.014, 0.04), _DARK, outlined=False),
            *(limb(at(0.1, -0.06), at(-0.1, -0.03 - 0.05 * k), _WHITE, widths=(0.007, 0.005), outlined=False) for k in (0, 1)),
        )  # fmt: skip
        return [ears, inner, skull, face]
    skull = (
        ellipse(centre, (0.155, 0.15), coat),
        limb(at(0.06, -0.045), at(0.2, -0.055), coat, widths=(0.095, 0.072)),
    )
    face = (
        limb(at(0.13, -0.08), at(0.205, -0.07), pale, widths=(0.05, 0.05), outlined=False),
        ellipse(at(0.255, -0.02), (0.04, 0.034), _DARK, outlined=False),
        limb(at(0.13, -0.105), at(0.235, -0.1), dark, widths=(0.009, 0.009), outlined=False),
        ellipse(at(0.05, 0.045), (0.031, 0.038), _WHITE if sum(coat) < 220 else _DARK, outlined=False),
        ellipse(at(0.058, 0.043), (0.02, 0.027), _DARK, outlined=False),
        ellipse(at(0.066, 0.056), (0.009, 0.01), _WHITE, outlined=False),
    )
    ear: Group = (limb(at(-0.06, 0.1), at(-0.115, -0.1), dark, widths=(0.055, 0.075)),)
    collar: Colour = ((208, 52, 56), (50, 120, 200), (240, 190, 50))[variant % 3]
    band: Group = (limb(at(-0.17, -0.06), at(-0.02, -0.17), collar, widths=(0.032, 0.032)),)
    return [band, skull, face, ear]


def bird(action: str, phase: float, *, feathers: Colour, variant: int) -> Sprite:
    """Return a bird in an action at a phase. `feathers`: its colour."""
    turn = 2 * math.pi * phase
    swing = math.sin(turn)
    flying = action in ("fly", "jump")
    pitch, leg_length = (0.05 if action == "fly" else 0.42), 0.2
    height = 0.42 if not flying else 0.4
    head_at: Point = (0.27, 0.24)
    if action == "eat":
        pecking = max(0.0, swing)
        pitch, head_at = 0.42 - 0.75 * pecking, (0.3, 0.24 - 0.42 * pecking)
    elif action == "walk":
        head_at = (0.27 + 0.04 * swing, 0.24)
    elif action == "climb":
        pitch, head_at = 1.1, (0.16, 0.34)
    elif action == "lie":
        height, pitch, head_at = 0.22, 0.05, (0.27, 0.14)
    body: Point = (0.0, height)
    head = (head_at[0], height + head_at[1] * (1.0 if action != "fly" else 0.55))
    cosine, sine = math.cos(pitch), math.sin(pitch)

    def at(x: float, y: float) -> Point:
        return body[0] + x * cosine - y * sine, body[1] + x * sine + y * cosine

    pale, dark = shade(feathers, 1.45), shade(feathers, 0.66)
    tail: Group = (polygon([at(-0.2, 0.08), at(-0.6, 0.1), at(-0.58, -0.06), at(-0.22, -0.08)], dark),)
    trunk: Group = (
        ellipse(body, (0.33, 0.23), feathers, angle=pitch),
        ellipse(head, (0.17, 0.165), feathers),
        limb(at(0.12, 0.05), head, feathers, widths=(0.17, 0.14)),
    )
    breast: Group = (ellipse(at(0.12, -0.09), (0.18, 0.11), pale, angle=pitch, outlined=False),)
    droop = -0.35 if action == "eat" and swing > 0.2 else 0.0
    beak: Group = (
        polygon([(head[0] + 0.13, head[1] + 0.07), (head[0] + 0.34, head[1] - 0.01 + droop * 0.35), (head[0] + 0.12, head[1] - 0.07)],
                _BEAK if sum(feathers) < 740 or variant % 2 else (240, 140, 60)),
    )  # fmt: skip
    eye: Group = (
        ellipse((head[0] + 0.055, head[1] + 0.035), (0.048, 0.052), _WHITE, outlined=False),
        ellipse((head[0] + 0.068, head[1] + 0.035), (0.03, 0.036), _DARK, outlined=False),
        ellipse((head[0] + 0.078, head[1] + 0.05), (0.011, 0.012), _WHITE, outlined=False),
    )
    sprite: Sprite = [tail]
    if flying:
        beat = math.sin(turn)
        sprite.append((_wing(at(0.05, 0.08), 1.75 - 1.25 * beat, shade(feathers, 0.6)),))
    elif action not in ("lie",):
        for side in (0.0, math.pi):
            step = 0.5 * math.sin(turn + side) if action == "walk" else (0.16 if side else -0.1)
            hip = (0.02 + (0.05 if side else -0.05), height - 0.17)
            foot = (hip[0] + leg_length * math.sin(step), max(0.02, hip[1] - leg_length * math.cos(step) - 0.05))
            sprite.append((
                limb(hip, foot, (214, 124, 44), widths=(0.022, 0.022)),
                limb(foot, (foot[0] + 0.1, foot[1]), (214, 124, 44), widths=(0.022, 0.016)),
            ))  # fmt: skip
    sprite += [trunk, breast, beak, eye]
    if flying:
        sprite.append((_wing(at(0.02, 0.06), 1.95 - 1.35 * math.sin(turn), dark),))
    else:
        wing: Group = (
            limb(at(0.06, 0.03), at(-0.36, -0.02), dark, widths=(0.135, 0.035)),
            limb(at(0.04, 0.05), at(-0.2, 0.04), shade(feathers, 0.82), widths=(0.09, 0.03), outlined=False),
        )
        sprite.append(wing)
    return sprite


def _wing(root: Point, angle: float, colour: Colour):  # type: ignore[no-untyped-def]
    """Return a spread wing from its root; `angle` is its direction, 0 forwards and pi/2 up."""
    cosine, sine = math.cos(angle), math.sin(angle)
    outline = (
        (0.13, -0.02),
        (0.16, 0.3),
        (0.04, 0.58),
        (-0.08, 0.5),
        (-0.15, 0.4),
        (-0.22, 0.28),
        (-0.24, 0.12),
        (-0.14, -0.04),
    )
    turned = [(root[0] + x * sine + y * cosine, root[1] - x * cosine + y * sine) for x, y in outline]
    return polygon(turned, colour)
