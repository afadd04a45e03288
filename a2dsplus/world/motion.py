"""Actors and how they move: an actor is a look and a track, a track is a row of segments, a state is what is drawn.

Lengths are in frame heights, times in frames (`index`, 0-based), angles in radians.
"""

import math
from dataclasses import dataclass

KINDS = ("man", "woman", "baby", "ball", "bird", "car", "cat", "dog")
UNIT = {
    "man": 0.5, "woman": 0.48, "baby": 0.34, "ball": 0.19, "bird": 0.3, "car": 0.52, "cat": 0.32, "dog": 0.36,
}  # fmt: skip
"""Frame heights a unit of each kind's sprite, before depth and size."""
HALF_WIDTH = {"man": 0.3, "woman": 0.3, "baby": 0.32, "ball": 0.5, "bird": 0.55, "car": 0.5, "cat": 0.7, "dog": 0.72}
"""Half the width of each kind's sprite, in its units."""
A2D_ACTORS = {"man": 1, "woman": 1, "baby": 2, "ball": 3, "bird": 4, "car": 5, "cat": 6, "dog": 7}
A2D_ACTIONS = {"climb": 1, "crawl": 2, "eat": 3, "fly": 4, "jump": 5, "roll": 6, "run": 7, "walk": 8}
_NO_ACTION = 9
RATES = {
    "walk": 1.7 / 25, "run": 2.4 / 25, "crawl": 1.5 / 25, "climb": 1.3 / 25, "jump": 1.25 / 25, "eat": 1.1 / 25,
    "fly": 3.1 / 25, "stand": 0.5 / 25, "sit": 0.5 / 25, "lie": 0.3 / 25, "roll": 0.9 / 25,
}  # fmt: skip
"""Cycles a frame of each action, at 25 frames a second."""
HOP = {"man": 0.2, "woman": 0.2, "baby": 0.1, "ball": 0.34, "bird": 0.16, "car": 0.15, "cat": 0.2, "dog": 0.2}
"""How high each kind jumps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One action over frames [start, end): ground position, height above it, and turn, each from its first value to its last.

    `phase`: the action's cycle at `start`. `hop`: height of the jump that each cycle makes.
    """

    action: str
    start: int
    end: int
    x: tuple[float, float]
    lift: tuple[float, float] = (0.0, 0.0)
    tilt: tuple[float, float] = (0.0, 0.0)
    hop: float = 0.0
    phase: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A look and a track.

    `ground`: height of its feet above the frame's lower edge. `size`: 1, or what "small" and "big" mean. `variant`: markings.
    `facing`: 1 to the right, -1 to the left. `climbs`: what it climbs, or None.
    """

    kind: str
    colour: str
    size: float
    variant: int
    ground: float
    facing: int
    segments: tuple[Segment, ...]
    climbs: str | None = None

    @property
    def scale(self) -> float:
        """Frame heights a unit of the sprite: farther is smaller."""
        return UNIT[self.kind] * self.size * (1.12 - 0.55 * self.ground)

    @property
    def actions(self) -> frozenset[str]:
        """Everything the actor does at some time."""
        return frozenset(segment.action for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An actor at one frame. `x`, `y`: its origin in frame heights, y of its ground. `lift`: above the ground."""

    action: str
    phase: float
    x: float
    y: float
    lift: float
    tilt: float
    facing: int
    scale: float


def state(actor: Actor, index: int) -> State:
    """Return an actor's state at a frame index."""
    segment = next(s for s in actor.segments if s.start <= index < s.end)
    share = (index - segment.start) / max(1, segment.end - segment.start - 1)
    phase = segment.phase + RATES[segment.action] * (index - segment.start)
    hop = segment.hop * abs(math.sin(math.pi * phase)) if segment.hop else 0.0
    x = _between(segment.x, share)
    facing = actor.facing
    if segment.x[1] - segment.x[0] > 0.02:
        facing = 1
    elif segment.x[0] - segment.x[1] > 0.02:
        facing = -1
    if actor.kind in ("ball", "car") and segment.action != "fly":
        radius = (0.5 if actor.kind == "ball" else 0.105) * actor.scale
        phase = actor.variant * 0.13 + (x - actor.segments[0].x[0]) * facing / (2 * math.pi * radius)
    return State(
        action=segment.action,
        phase=phase,
        x=x,
        y=actor.ground,
        lift=_between(segment.lift, share) + hop + (0.015 * math.sin(2 * math.pi * phase) if segment.action == "fly" else 0.0),
        tilt=_between(segment.tilt, share),
        facing=facing,
        scale=actor.scale,
    )  # fmt: skip


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def action_code(actor: Actor, index: int) -> int:
    """Return A2D's label of an actor and its action at a frame index, such as 18 for an adult that walks."""
    action = state(actor, index).action
    if actor.kind == "car" and action == "walk":
        action = "run"
    return 10 * A2D_ACTORS[actor.kind] + A2D_ACTIONS.get(action, _NO_ACTION)
