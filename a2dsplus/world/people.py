"""Adults and babies: one jointed figure, seen from the side, in two proportions.

Unit: the figure's height when it stands. Angles are in radians; a limb's angle is 0 straight down and grows forwards.
"""

import math
from dataclasses import dataclass

from a2dsplus.world.shapes import (
    Colour,
    Group,
    Point,
    Shape,
    Sprite,
    ellipse,
    limb,
    polygon,
    shade,
)

_SKIN: tuple[Colour, ...] = ((247, 206, 172), (229, 176, 132), (173, 117, 78), (121, 79, 56))
_HAIR: tuple[Colour, ...] = ((74, 48, 34), (38, 32, 34), (196, 150, 78), (142, 72, 38))
_TROUSERS: tuple[Colour, ...] = ((122, 108, 92), (98, 92, 96), (150, 132, 104), (112, 96, 78))
_SHOES: Colour = (70, 52, 46)
_DARK: Colour = (42, 34, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Lengths of a figure: head radius, trunk, the two parts of a leg and of an arm, half-widths of limb and trunk."""

    head: float
    trunk: float
    thigh: float
    shin: float
    upper_arm: float
    forearm: float
    leg_width: float
    arm_width: float
    trunk_width: float


ADULT = Proportions(
    head=0.125, trunk=0.27, thigh=0.21, shin=0.21, upper_arm=0.15, forearm=0.14,
    leg_width=0.052, arm_width=0.038, trunk_width=0.092,
)  # fmt: skip
BABY = Proportions(
    head=0.215, trunk=0.26, thigh=0.135, shin=0.13, upper_arm=0.13, forearm=0.11,
    leg_width=0.078, arm_width=0.056, trunk_width=0.135,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Attitude:
    """A figure's joints: lean of the trunk (0 upright, forwards positive), nod of the head against it, and each limb's two angles.

    Limbs are (upper, lower) in absolute angles. `hip`: height of the hip, or None for feet on the ground.
    """

    lean: float = 0.0
    nod: float = 0.0
    near_leg: tuple[float, float] = (0.05, 0.0)
    far_leg: tuple[float, float] = (-0.05, 0.0)
    near_arm: tuple[float, float] = (0.1, 0.25)
    far_arm: tuple[float, float] = (-0.1, 0.1)
    hip: float | None = None
    apple: bool = False


def attitude(action: str, phase: float, *, proportions: Proportions) -> Attitude:
    """Return the joints of an action at a phase (in cycles)."""
    p, turn = proportions, 2 * math.pi * phase
    swing = math.sin(turn)
    match action:
        case "walk" | "run":
            reach, bend = (0.55, 0.55) if action == "walk" else (0.95, 1.25)
            elbow = 0.35 if action == "walk" else 1.35

            def leg(side: float) -> tuple[float, float]:
                thigh = reach * math.sin(turn + side)
                return thigh, thigh - bend * max(0.0, math.cos(turn + side)) - 0.08

            def arm(side: float) -> tuple[float, float]:
                upper = -0.9 * reach * math.sin(turn + side)
                return upper, upper + elbow

            return Attitude(
                lean=0.05 if action == "walk" else 0.28,
                near_leg=leg(0), far_leg=leg(math.pi), near_arm=arm(0), far_arm=arm(math.pi),
            )  # fmt: skip
        case "crawl":
            return Attitude(
                lean=1.32, nod=-0.95, hip=p.thigh + p.leg_width,
                near_leg=(0.35 * swing, -1.45), far_leg=(-0.35 * swing, -1.45),
                near_arm=(-0.4 * swing + 0.1, -0.4 * swing + 0.2), far_arm=(0.4 * swing + 0.1, 0.4 * swing + 0.2),
            )  # fmt: skip
        case "climb":
            return Attitude(
                lean=0.1, nod=-0.3, hip=p.thigh + p.shin,
                near_leg=(0.9 + 0.45 * swing, -0.25 + 0.4 * swing), far_leg=(0.9 - 0.45 * swing, -0.25 - 0.4 * swing),
                near_arm=(2.35 - 0.45 * swing, 2.75 - 0.3 * swing), far_arm=(2.35 + 0.45 * swing, 2.75 + 0.3 * swing),
            )  # fmt: skip
        case "jump":
            air = abs(math.sin(math.pi * phase))
            return Attitude(
                lean=0.06, near_leg=(0.75 * air + 0.1, -0.75 * air), far_leg=(0.35 * air - 0.1, -0.95 * air),
                near_arm=(0.3 + 2.3 * air, 0.5 + 2.3 * air), far_arm=(0.1 + 2.1 * air, 0.3 + 2.4 * air),
                hip=(p.thigh + p.shin) * (1 - 0.12 * air),
            )  # fmt: skip
        case "eat":
            lift = 0.5 + 0.5 * swing
            return Attitude(
                nod=0.12 * lift, near_arm=(0.25 + 0.15 * lift, 1.35 + 1.15 * lift), far_arm=(0.15, 0.9), apple=True
            )  # fmt: skip
        case "sit":
            return Attitude(
                lean=-0.12 + 0.03 * swing, nod=0.1 * swing, hip=p.leg_width * 1.25,
                near_leg=(1.45, 1.5), far_leg=(1.6, 1.35), near_arm=(0.25, 0.7 + 0.2 * swing), far_arm=(-0.5, -0.2),
            )  # fmt: skip
        case "roll":
            return Attitude(
                lean=0.75, nod=0.75, hip=p.head + 0.06, near_leg=(2.0, 0.1), far_leg=(1.8, 0.0),
                near_arm=(1.4, 0.9), far_arm=(1.3, 0.7),
            )  # fmt: skip
        case "lie":
            return Attitude(lean=-1.5, nod=0.1, hip=p.trunk_width, near_leg=(1.52, 1.56), far_leg=(1.62, 1.5),
                            near_arm=(-2.2, -1.7), far_arm=(-0.4, -0.9))  # fmt: skip
    return Attitude(lean=0.02 * swing, nod=0.06 * swing, near_arm=(0.12 + 0.05 * swing, 0.3 + 0.1 * swing))


def _end(start: Point, angle: float, length: float) -> Point:
    return start[0] + length * math.sin(angle), start[1] - length * math.cos(angle)


def person(
    action: str,
    phase: float,
    *,
    proportions: Proportions,
    clothes: Colour,
    long_hair: bool,
    variant: int,
) -> Sprite:
    """Return a figure in an action at a phase.

    `clothes`: the shirt's colour (a baby's suit's). `variant`: chooses skin, hair and trousers.
    """
    p = proportions
    baby = p is BABY
    pose = attitude(action, phase, proportions=p)
    skin, hair = _SKIN[variant % 4], _HAIR[variant // 4 % 4]
    trousers = shade(clothes, 1.35) if baby else _TROUSERS[variant // 16 % 4]

    def leg(angles: tuple[float, float], hip: Point, dim: float) -> Group:
        knee = _end(hip, angles[0], p.thigh)
        ankle = _end(knee, angles[1], p.shin - p.leg_width * 0.6)
        toe = _end(ankle, angles[1] + 1.35, p.leg_width * 1.5)
        cloth, shoe = shade(trousers, dim), shade(shade(clothes, 1.6) if baby else _SHOES, dim)
        return (
            limb(ankle, toe, shoe, widths=(p.leg_width * 0.85, p.leg_width * 0.7)),
            limb(hip, knee, cloth, widths=(p.leg_width * 1.15, p.leg_width)),
            limb(knee, ankle, cloth, widths=(p.leg_width, p.leg_width * 0.8)),
        )

    def arm(angles: tuple[float, float], shoulder: Point, dim: float) -> tuple[Group, Point]:
        elbow = _end(shoulder, angles[0], p.upper_arm)
        hand = _end(elbow, angles[1], p.forearm)
        group = (
            ellipse(hand, (p.arm_width * 1.15, p.arm_width * 1.15), shade(skin, dim)),
            limb(elbow, hand, shade(skin, dim) if not baby else shade(clothes, dim), widths=(p.arm_width * 0.95, p.arm_width * 0.8)),
            limb(shoulder, elbow, shade(clothes, dim), widths=(p.arm_width * 1.2, p.arm_width)),
        )  # fmt: skip
        return group, hand

    hip_height = pose.hip
    if hip_height is None:
        hip_height = max(
            p.thigh * math.cos(thigh) + p.shin * math.cos(shin) for thigh, shin in (pose.near_leg, pose.far_leg)
        )  # fmt: skip
    hip = (0.0, hip_height)
    if action in ("crawl", "lie"):
        hip = (-0.6 * p.trunk if action == "crawl" else 0.6 * p.trunk, hip_height)
    neck = (hip[0] + p.trunk * math.sin(pose.lean), hip[1] + p.trunk * math.cos(pose.lean))
    shoulder = (neck[0] - 0.05 * math.sin(pose.lean), neck[1] - 0.05 * math.cos(pose.lean))
    upward = pose.lean + pose.nod
    head = (neck[0] + p.head * 0.92 * math.sin(upward), neck[1] + p.head * 0.92 * math.cos(upward))

    far_arm, _ = arm(pose.far_arm, shoulder, 0.78)
    near_arm, hand = arm(pose.near_arm, shoulder, 1.0)
    trunk: Group = (
        limb(hip, neck, clothes, widths=(p.trunk_width * (1.1 if baby else 0.92), p.trunk_width)),
        limb(hip, hip, trousers, widths=(p.trunk_width * 0.95, p.trunk_width * 0.95)),
    )
    sprite: Sprite = [far_arm, leg(pose.far_leg, hip, 0.78), leg(pose.near_leg, hip, 1.0), trunk]
    if pose.apple:
        sprite.append((ellipse((hand[0] + 0.02, hand[1] + 0.04), (0.05, 0.05), (206, 44, 40)),))
    sprite += _head(head, upward, p, skin=skin, hair=hair, long_hair=long_hair, bald=baby, blink=phase % 3 > 2.9)
    sprite.append(near_arm)
    return sprite


def _head(
    centre: Point, upward: float, p: Proportions, *, skin: Colour, hair: Colour, long_hair: bool, bald: bool, blink: bool
) -> Sprite:  # fmt: skip
    """Return a head whose crown points along `upward` (0 is up, forwards positive)."""
    cosine, sine, r = math.cos(upward), math.sin(upward), p.head

    def at(x: float, y: float) -> Point:
        return centre[0] + r * (x * cosine + y * sine), centre[1] + r * (y * cosine - x * sine)

    behind: Group = ()
    if long_hair:
        behind = (limb(at(-0.35, 0.2), at(-0.75, -1.15), hair, widths=(0.8 * r, 0.42 * r)),)
    face: list[Shape] = [
        ellipse(centre, (r, r), skin),
        ellipse(at(0.98, -0.12), (0.16 * r, 0.13 * r), skin),
    ]
    crown = [] if bald else [
        polygon([at(x, y) for x, y in ((0.72, 0.74), (0.25, 1.08), (-0.45, 1.02), (-0.98, 0.5), (-1.05, -0.3),
                                       (-0.72, -0.55), (-0.5, 0.0), (-0.2, 0.38), (0.35, 0.45))], hair),
    ]  # fmt: skip
    curl = [limb(at(-0.05, 1.0), at(0.35, 1.22), hair, widths=(0.12 * r, 0.06 * r))] if bald else []
    eye = (0.13 * r, 0.03 * r if blink else 0.2 * r)
    features: Group = (
        ellipse(at(0.48, 0.08), eye, _DARK, angle=-upward, outlined=False),
        ellipse(at(0.53, 0.16), (0.045 * r, 0.055 * r), (255, 255, 255), outlined=False),
        ellipse(at(0.5, -0.32), (0.2 * r, 0.12 * r), _blush(skin), outlined=False),
        limb(at(0.5, -0.42), at(0.66, -0.54), shade(skin, 0.5), widths=(0.04 * r, 0.05 * r), outlined=False),
        limb(at(0.66, -0.54), at(0.84, -0.46), shade(skin, 0.5), widths=(0.05 * r, 0.04 * r), outlined=False),
    )
    ear: Group = (ellipse(at(-0.2, -0.1), (0.2 * r, 0.24 * r), shade(skin, 0.93)),)
    groups: Sprite = [(*face, *curl), features, ear]
    if crown:
        groups.append(tuple(crown))
    return [behind, *groups] if behind else groups


def _blush(skin: Colour) -> Colour:
    return min(255, skin[0] + 12), int(skin[1] * 0.82), int(skin[2] * 0.8)
