"""Who is in a video and what they do from its first frame to its last."""

import numpy as np

from a2dsplus.world.captions import vocabulary
from a2dsplus.world.motion import HALF_WIDTH, HOP, RATES, Actor, Segment
from a2dsplus.world.scenes import SCENES

ACTIONS = {
    "man": ["climb", "climb", "crawl", "eat", "jump", "roll", "run", "run", "walk", "walk", "walk", "stand", "sit"],
    "baby": ["climb", "crawl", "crawl", "crawl", "roll", "roll", "walk", "walk", "sit"],
    "ball": ["fly", "jump", "jump", "roll", "roll", "roll"],
    "bird": ["eat", "fly", "fly", "fly", "jump", "walk", "walk", "stand"],
    "car": ["jump", "roll", "run", "run", "run", "run", "stand"],
    "cat": ["climb", "climb", "eat", "jump", "roll", "run", "run", "walk", "walk", "sit", "lie"],
    "dog": ["crawl", "eat", "jump", "jump", "roll", "run", "run", "walk", "walk", "sit", "lie"],
}
ACTIONS["woman"] = ACTIONS["man"]
_SPEED = {"walk": 0.34, "run": 0.85, "crawl": 0.24, "roll": 0.5, "fly": 0.6}
CAST = ("man", "woman", "man", "woman", "baby", "ball", "ball", "bird", "bird", "car", "cat", "cat", "dog", "dog")
NO_CARS = ("room", "court", "water")
PEOPLE = ("man", "woman", "baby")


def draw_look(rng: np.random.Generator, kind: str) -> tuple[str, int]:
    """Return a colour and a variant of a kind of actor."""
    words = vocabulary()
    return str(rng.choice(words["actor_colours"][kind])), int(rng.integers(64))


def draw_cast(rng: np.random.Generator, *, frames: int, aspect: float, scene: str) -> list[Actor]:
    """Return one to five actors, at most one of which climbs; nearly half of the time two are of a kind."""
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.16, 0.36, 0.28, 0.14, 0.06]))
    kinds = [str(rng.choice(CAST)) for _ in range(count)]
    if count > 1 and rng.random() < 0.45:
        kinds[1] = kinds[0]
    kinds = [kind if kind != "car" or scene not in NO_CARS else "ball" for kind in kinds]
    deepest = min(0.36, SCENES[scene].horizon - 0.08)
    grounds = rng.permutation(np.linspace(0.07, deepest, count + 1)[:count] + rng.uniform(0, 0.04, count))
    slots = rng.permutation((np.arange(count) + 0.5) / count * 0.84 + 0.08 + rng.uniform(-0.04, 0.04, count))
    climbed = False
    actors = []
    for k, kind in enumerate(kinds):
        actions = [a for a in ACTIONS[kind] if a != "climb" or (scene in vocabulary()["climbable"] and not climbed)]
        action = str(rng.choice(actions))
        climbed = climbed or action == "climb"
        actors.append(
            draw_actor(rng, kind, action, ground=float(grounds[k]), slot=float(slots[k]), frames=frames, aspect=aspect, scene=scene)
        )  # fmt: skip
    return actors


def draw_actor(
    rng: np.random.Generator, kind: str, action: str, *, ground: float, slot: float, frames: int, aspect: float, scene: str
) -> Actor:  # fmt: skip
    """Return an actor that does one thing all the time, about its slot (a share of the width)."""
    colour, variant = draw_look(rng, kind)
    size = float(rng.choice([0.72, 1.0, 1.0, 1.3])) if kind not in PEOPLE else float(rng.uniform(0.94, 1.06))
    facing = int(rng.choice([-1, 1]))
    climbs = vocabulary()["climbable"].get(scene) if action == "climb" else None
    if climbs:
        ground = SCENES[scene].horizon - 0.06
    bare = Actor(
        kind=kind, colour=colour, size=size, variant=variant, ground=ground, facing=facing, segments=(), climbs=climbs
    )
    half = HALF_WIDTH[kind] * bare.scale
    x = (slot * aspect, slot * aspect)
    lift, tilt, hop = (0.0, 0.0), (0.0, 0.0), 0.0
    start_phase = float(rng.uniform(0, 1))
    seconds = frames / 25
    if action in _SPEED and not (action == "roll" and kind in PEOPLE and rng.random() < 0.3):
        reach = min(_SPEED[action] * seconds * float(rng.uniform(0.8, 1.2)), 1.1 * aspect)
        x = (x[0] - facing * reach / 2, x[0] + facing * reach / 2)
        if rng.random() > 0.4:
            x = _kept_inside(x, half, aspect)
    elif not climbs:
        x = _kept_inside(x, half, aspect)
    if action == "roll" and kind != "ball":
        turns = max(1, round(RATES["roll"] * frames))
        tilt = (0.0, 2 * np.pi * turns)
    elif action == "fly":
        high = float(rng.uniform(0.3, max(0.31, 0.8 - ground - 0.5 * bare.scale)))
        lift = (high, high + float(rng.uniform(-0.06, 0.1)))
    elif action == "jump":
        hop, start_phase = HOP[kind], 0.0
    elif climbs:
        offset = {"tree": 0.13, "wall": 0.0, "curtain": 0.17}[climbs]
        spot = aspect * (SCENES[scene].climb_at or 0.5) - facing * offset
        x = (spot, spot)
        low = float(rng.uniform(0.0, 0.1))
        tall = {"cat": 1.0, "dog": 1.0}.get(kind, 1.1) * bare.scale
        lift = (low, max(low + 0.05, min(low + 0.16 * seconds + 0.05, 0.98 - ground - tall)))
    track = Segment(action=action, start=0, end=frames, x=x, lift=lift, tilt=tilt, hop=hop, phase=start_phase)
    return Actor(
        kind=kind,
        colour=colour,
        size=size,
        variant=variant,
        ground=ground,
        facing=facing,
        segments=(track,),
        climbs=climbs,
    )


def _kept_inside(x: tuple[float, float], half: float, aspect: float) -> tuple[float, float]:
    low, high = half + 0.04, aspect - half - 0.04
    if low >= high:
        return aspect / 2, aspect / 2
    return min(max(x[0], low), high), min(max(x[1], low), high)
