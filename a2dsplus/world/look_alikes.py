"""Two actors that look alike and do the same until one of them does something else: only the whole video tells them apart."""

from dataclasses import dataclass, replace

import numpy as np

from a2dsplus.world.cast import ACTIONS, CAST, NO_CARS, PEOPLE, draw_actor, draw_look
from a2dsplus.world.motion import HALF_WIDTH, HOP, RATES, Actor, Segment
from a2dsplus.world.scenes import SCENES

_IDLE = {
    "man": ("stand", "eat", "walk"), "woman": ("stand", "eat", "walk"), "baby": ("sit",), "ball": ("stand",),
    "bird": ("stand", "eat"), "car": ("stand",), "cat": ("sit", "stand", "eat"), "dog": ("sit", "stand", "walk"),
}  # fmt: skip
_DIVERGENCE = (0.54, 0.64)
"""When look-alikes begin to differ, as a share of the clip: most annotated frames come before."""
_EVENTS = {
    "man": ("jump", "run away", "fall"), "woman": ("jump", "run away", "fall"), "baby": ("crawl away", "roll", "fall"),
    "ball": ("bounce", "roll away"), "bird": ("fly away", "fly up", "jump"), "car": ("drive away", "jump"),
    "cat": ("jump", "run away", "roll", "lie down"), "dog": ("jump", "run away", "roll", "lie down"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlikes:
    """Two actors alike in looks and deeds until one, the target, does something else.

    `target`, `other`: their instance numbers. `frame`: the first at which they differ, 1-based. `side`: the target's, "left" or "right".
    """

    target: int
    other: int
    event: str
    idle: str
    frame: int
    side: str


def draw_look_alikes(
    rng: np.random.Generator, *, seed: int, split: str, index: int, frames: int, height: int, aspect: float, scene: str, swap: bool = False
) -> tuple[list[Actor], LookAlikes]:  # fmt: skip
    """Return two look-alikes, perhaps with somebody else behind them, and who does what.

    The pair stands a whole number of pixels apart, so that it leaves the same pixels until it differs. Of two consecutive such
    videos the target is once on the left and once on the right. swap: from then on each goes where the other stood, or past it out of the
    frame, so that the place of late tells nothing of the place before; what is drawn is the same with and without.
    """
    possible = {kind: events for kind, events in _EVENTS.items() if kind != "car" or scene not in NO_CARS}
    event = str(rng.choice(sorted({event for events in possible.values() for event in events})))
    kind = str(rng.choice([kind for kind, events in possible.items() if event in events]))
    idle = str(rng.choice(_IDLE[kind]))
    colour, variant = draw_look(rng, kind)
    facing = int(rng.choice([-1, 1]))
    ground = float(rng.uniform(0.07, 0.14))
    size = {"car": 0.95, "ball": 1.45, "man": 1.05, "woman": 1.05, "baby": 1.15}.get(kind, 1.12)
    diverges = round(frames * float(rng.uniform(*_DIVERGENCE)))
    ordinal = index // 3
    first = int(np.random.default_rng([seed, ordinal // 2, 7]).integers(2))
    target_is_left = (ordinal + first) % 2 == 0
    apart = round(float(rng.uniform(0.44, 0.5)) * aspect * height) / height
    left = aspect / 2 - apart / 2 + float(rng.uniform(-0.03, 0.03)) * aspect
    drift = facing * 0.2 if idle == "walk" else 0.0
    phase = float(rng.uniform(0, 1))

    def alike(x: float, *, is_target: bool, partner: float) -> Actor:
        here = x + drift * ((diverges - 1) / (frames - 1) - 0.5)
        before = Segment(action=idle, start=0, end=diverges, x=(x - drift / 2, here), phase=phase)
        bare = Actor(kind=kind, colour=colour, size=size, variant=variant, ground=ground, facing=facing, segments=())
        after: tuple[Segment, ...]
        if is_target:
            outside = -0.1 - HALF_WIDTH[kind] * bare.scale
            away = outside if (x < aspect / 2) != swap else aspect - outside
            after = _event(bare, event, here=here, away=away, start=diverges, end=frames, idle=idle)
            if swap:
                after = _shifted(after, by=partner - x, start=diverges, end=frames)
        else:
            onwards = phase + RATES[idle] * diverges
            after = (Segment(action=idle, start=diverges, end=frames, x=(here, x + drift / 2), phase=onwards),)
            if swap:
                after = _shifted(after, by=partner - x, start=diverges, end=frames)
        return replace(bare, segments=(before, *after))

    pair = [
        alike(left, is_target=target_is_left, partner=left + apart),
        alike(left + apart, is_target=not target_is_left, partner=left),
    ]
    actors = list(pair)
    if rng.random() < 0.55:
        others = [k for k in CAST if k != kind and not (k in PEOPLE and kind in PEOPLE)]
        extra = str(rng.choice([k for k in others if k != "car"]))
        action = str(rng.choice([a for a in ACTIONS[extra] if a not in ("climb",)]))
        back = min(0.38, SCENES[scene].horizon - 0.07)
        actors.append(draw_actor(rng, extra, action, ground=back, slot=0.5, frames=frames, aspect=aspect, scene=scene))
    numbers = [int(n) for n in rng.permutation(len(actors))]
    ordered = [actors[n] for n in numbers]
    target = numbers.index(0 if target_is_left else 1)
    other = numbers.index(1 if target_is_left else 0)
    found = LookAlikes(
        target=target,
        other=other,
        event=event,
        idle=idle,
        frame=diverges + 1,
        side="left" if target_is_left else "right",
    )
    return ordered, found


def _shifted(segments: tuple[Segment, ...], *, by: float, start: int, end: int) -> tuple[Segment, ...]:
    """Return segments that stay moved evenly by `by` between `start` and `end`; one that leaves the place goes its own way."""

    def moved(x: float, frame: int) -> float:
        return x + by * (frame - start) / (end - start)

    if any(abs(segment.x[1] - segment.x[0]) > abs(by) / 2 for segment in segments):
        return segments
    return tuple(
        replace(segment, x=(moved(segment.x[0], segment.start), moved(segment.x[1], segment.end)))
        for segment in segments
    )


def _event(
    bare: Actor, event: str, *, here: float, away: float, start: int, end: int, idle: str
) -> tuple[Segment, ...]:
    """Return what the target does from the divergence on: `here` is where it is, `away` a place outside the frame."""
    # one step in, so that the first frame of the event already shows it
    stay, leave = (here, here), (here + (away - here) / (end - start), away)
    turned = 1 if away > here else -1
    match event:
        case "jump" | "bounce":
            return (
                Segment(action="jump", start=start, end=end, x=stay, hop=HOP[bare.kind] * 1.3, phase=RATES["jump"]),
            )
        case "fly away":
            return (Segment(action="fly", start=start, end=end, x=leave, lift=(0.03, 0.75)),)
        case "fly up":
            middle = start + (end - start) // 3
            return (
                Segment(action="fly", start=start, end=middle, x=stay, lift=(0.03, 0.42)),
                Segment(
                    action="fly",
                    start=middle,
                    end=end,
                    x=stay,
                    lift=(0.42, 0.46),
                    phase=RATES["fly"] * (middle - start),
                ),
            )
        case "run away" | "drive away":
            return (Segment(action="run", start=start, end=end, x=leave),)
        case "crawl away":
            return (Segment(action="crawl", start=start, end=end, x=(leave[0], here + 0.75 * (away - here))),)
        case "roll away":
            return (Segment(action="roll", start=start, end=end, x=leave),)
        case "roll":
            turns = max(1, round(RATES["roll"] * (end - start)))
            path = (here, here + turned * 0.14)
            return (Segment(action="roll", start=start, end=end, x=path, tilt=(0.0, 2 * np.pi * turns)),)
        case "fall":
            landed = start + 5
            pose = "sit" if idle == "sit" else "stand"
            return (
                Segment(action=pose, start=start, end=landed, x=stay, tilt=(-0.2, -1.35)),
                Segment(action="lie", start=landed, end=end, x=stay),
            )
    return (Segment(action="lie", start=start, end=end, x=stay),)
