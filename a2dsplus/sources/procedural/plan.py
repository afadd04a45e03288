"""What happens in a video: its scene, its actors and their tracks, its captions. Nothing is painted here."""

import base64
import hashlib
from dataclasses import dataclass, replace

import numpy as np

from a2dsplus.sources.procedural import captions
from a2dsplus.sources.procedural.motion import HALF_WIDTH, HOP, RATES, Actor, Segment
from a2dsplus.sources.procedural.scenes import SCENES

SIZES = ((180, 240), (180, 320), (180, 280))
"""Frame sizes (H, W) of the world: each video has one of them."""
FEWEST_FRAMES, MOST_FRAMES = 32, 64
DENSE_STEP = 4
"""Training videos are annotated at every fourth frame, from the first on."""

_ACTIONS = {
    "man": ["climb", "climb", "crawl", "eat", "jump", "roll", "run", "run", "walk", "walk", "walk", "stand", "sit"],
    "baby": ["climb", "crawl", "crawl", "crawl", "roll", "roll", "walk", "walk", "sit"],
    "ball": ["fly", "jump", "jump", "roll", "roll", "roll"],
    "bird": ["eat", "fly", "fly", "fly", "jump", "walk", "walk", "stand"],
    "car": ["jump", "roll", "run", "run", "run", "run", "stand"],
    "cat": ["climb", "climb", "eat", "jump", "roll", "run", "run", "walk", "walk", "sit", "lie"],
    "dog": ["crawl", "eat", "jump", "jump", "roll", "run", "run", "walk", "walk", "sit", "lie"],
}
_ACTIONS["woman"] = _ACTIONS["man"]
_SPEED = {"walk": 0.34, "run": 0.85, "crawl": 0.24, "roll": 0.5, "fly": 0.6}
_CAST = ("man", "woman", "man", "woman", "baby", "ball", "ball", "bird", "bird", "car", "cat", "cat", "dog", "dog")
_NO_CARS = ("room", "court", "water")
_IDLE = {
    "man": ("stand", "eat", "walk"), "woman": ("stand", "eat", "walk"), "baby": ("sit",), "ball": ("stand",),
    "bird": ("stand", "eat"), "car": ("stand",), "cat": ("sit", "stand", "eat"), "dog": ("sit", "stand", "walk"),
}  # fmt: skip
_EVENTS = {
    "man": ("jump", "run away", "fall"), "woman": ("jump", "run away", "fall"), "baby": ("crawl away", "roll", "fall"),
    "ball": ("bounce", "roll away"), "bird": ("fly away", "fly up", "jump"), "car": ("drive away", "jump"),
    "cat": ("jump", "run away", "roll", "lie down"), "dog": ("jump", "run away", "roll", "lie down"),
}  # fmt: skip
_PEOPLE = ("man", "woman", "baby")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prop:
    """A thing in front of actors: kind, place and size in frame heights."""

    kind: str
    x: float
    ground: float
    size: float


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A video before it is painted. `size`: (H, W). `pan`: pixels the camera moves. `captions`: one an actor, by instance number."""

    video_id: str
    split: str
    size: tuple[int, int]
    frames: int
    scene: str
    pan: float
    texture_seed: int
    actors: tuple[Actor, ...]
    props: tuple[Prop, ...]
    captions: tuple[str, ...]
    look_alikes: LookAlikes | None

    @property
    def annotated(self) -> tuple[int, ...]:
        """The annotated frames, 1-based: every fourth in training; else three, or five where there are look-alikes."""
        if self.split == "train":
            return tuple(range(1, self.frames + 1, DENSE_STEP))
        count = 5 if self.look_alikes else 3
        step = self.frames // (count + 1)
        return tuple(step * k for k in range(1, count + 1))


def video_id(seed: int, split: str, index: int) -> str:
    """Return the id of a video, eleven characters as on YouTube; every eighth begins with a hyphen."""
    digest = hashlib.sha256(f"a2dsplus world {seed} {split} {index}".encode()).digest()
    name = base64.urlsafe_b64encode(digest).decode("ascii")[:11]
    return f"-{name[1:]}" if index % 8 == 5 else name


def plan_video(*, seed: int, split: str, index: int, attempt: int = 0, size: tuple[int, int] | None = None) -> Plan:
    """Return the plan of a video, depending on the arguments alone; every third video has look-alikes.

    `attempt`: another plan for the same video, where an actor of the one before could not be seen.
    """
    stream = 0 if split == "test" else 1
    for retry in range(1000):
        rng = np.random.default_rng([seed, stream, index, attempt, retry])
        found = _try(rng, seed=seed, split=split, index=index, size=size)
        if found is not None:
            return found
    raise RuntimeError(f"no captions tell the actors of procedural video {split} {index} apart")


def _try(rng: np.random.Generator, *, seed: int, split: str, index: int, size: tuple[int, int] | None) -> Plan | None:
    frames = int(rng.integers(FEWEST_FRAMES // 4, MOST_FRAMES // 4 + 1)) * 4
    height, width = size or SIZES[int(rng.integers(len(SIZES)))]
    aspect = width / height
    scene = str(rng.choice(list(SCENES)))
    pan = float(rng.uniform(-0.07, 0.07)) * width if rng.random() < 0.4 else 0.0
    props: tuple[Prop, ...] = ()
    look_alikes: LookAlikes | None = None
    if index % 3 == 1:
        actors, look_alikes = _look_alikes(
            rng, seed=seed, split=split, index=index, frames=frames, height=height, aspect=aspect, scene=scene
        )
    else:
        actors = _cast(rng, frames=frames, aspect=aspect, scene=scene)
        if rng.random() < 0.35:
            props = (_prop(rng, aspect=aspect, scene=scene),)
    cameras = []
    for k in range(frames):
        share = k / (frames - 1)
        cameras.append(pan / height * (share * share * (3 - 2 * share) - 0.5))
    everyone = captions.facts(actors, frames=frames, aspect=aspect, cameras=cameras)
    texts: list[str] = []
    with_colour = bool(rng.random() < 0.4)
    for number in range(len(actors)):
        text: str | None
        if look_alikes and number in (look_alikes.target, look_alikes.other):
            text = captions.describe_event(
                actors[number], look_alikes.event, idle=look_alikes.idle, target=number == look_alikes.target,
                with_colour=with_colour, rng=rng,
            )  # fmt: skip
        else:
            text = captions.describe(number, everyone, scene=scene, rng=rng)
        if text is None:
            return None
        texts.append(text)
    return Plan(
        video_id=video_id(seed, split, index),
        split=split,
        size=(height, width),
        frames=frames,
        scene=scene,
        pan=pan,
        texture_seed=int(rng.integers(2**31)),
        actors=tuple(actors),
        props=props,
        captions=tuple(texts),
        look_alikes=look_alikes,
    )


def _prop(rng: np.random.Generator, *, aspect: float, scene: str) -> Prop:
    kinds = {"room": ["box"], "court": ["box"], "street": ["post", "box"], "wall": ["post", "box"]}
    kind = str(rng.choice(kinds.get(scene, ["bush", "tree", "box", "bush"])))
    return Prop(kind=kind, x=float(rng.uniform(0.1, 0.9)) * aspect, ground=0.02, size=float(rng.uniform(0.9, 1.3)))


def _look(rng: np.random.Generator, kind: str) -> tuple[str, int]:
    words = captions.vocabulary()
    return str(rng.choice(words["actor_colours"][kind])), int(rng.integers(64))


def _cast(rng: np.random.Generator, *, frames: int, aspect: float, scene: str) -> list[Actor]:
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.16, 0.36, 0.28, 0.14, 0.06]))
    kinds = [str(rng.choice(_CAST)) for _ in range(count)]
    if count > 1 and rng.random() < 0.45:
        kinds[1] = kinds[0]
    kinds = [kind if kind != "car" or scene not in _NO_CARS else "ball" for kind in kinds]
    deepest = min(0.36, SCENES[scene].horizon - 0.08)
    grounds = rng.permutation(np.linspace(0.07, deepest, count + 1)[:count] + rng.uniform(0, 0.04, count))
    slots = rng.permutation((np.arange(count) + 0.5) / count * 0.84 + 0.08 + rng.uniform(-0.04, 0.04, count))
    climbed = False
    actors = []
    for k, kind in enumerate(kinds):
        actions = [
            a for a in _ACTIONS[kind] if a != "climb" or (scene in captions.vocabulary()["climbable"] and not climbed)
        ]
        action = str(rng.choice(actions))
        climbed = climbed or action == "climb"
        actors.append(
            _actor(rng, kind, action, ground=float(grounds[k]), slot=float(slots[k]), frames=frames, aspect=aspect, scene=scene)
        )  # fmt: skip
    return actors


def _actor(
    rng: np.random.Generator, kind: str, action: str, *, ground: float, slot: float, frames: int, aspect: float, scene: str
) -> Actor:  # fmt: skip
    """Return an actor that does one thing all the time, about its slot (a share of the width)."""
    colour, variant = _look(rng, kind)
    size = float(rng.choice([0.72, 1.0, 1.0, 1.3])) if kind not in _PEOPLE else float(rng.uniform(0.94, 1.06))
    facing = int(rng.choice([-1, 1]))
    climbs = captions.vocabulary()["climbable"].get(scene) if action == "climb" else None
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
    if action in _SPEED and not (action == "roll" and kind in _PEOPLE and rng.random() < 0.3):
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


def _look_alikes(
    rng: np.random.Generator, *, seed: int, split: str, index: int, frames: int, height: int, aspect: float, scene: str
) -> tuple[list[Actor], LookAlikes]:  # fmt: skip
    """Return two look-alikes, perhaps with somebody else behind them, and who does what.

    The pair stands a whole number of pixels apart, so that it leaves the same pixels until it differs. Of two consecutive such
    videos the target is once on the left and once on the right.
    """
    kind = str(rng.choice([k for k in _EVENTS if k != "car" or scene not in _NO_CARS]))
    idle, event = str(rng.choice(_IDLE[kind])), str(rng.choice(_EVENTS[kind]))
    colour, variant = _look(rng, kind)
    facing = int(rng.choice([-1, 1]))
    ground = float(rng.uniform(0.07, 0.14))
    size = {"car": 0.95, "ball": 1.45, "man": 1.05, "woman": 1.05, "baby": 1.15}.get(kind, 1.12)
    diverges = round(frames * float(rng.uniform(0.42, 0.58)))
    ordinal = index // 3
    first = int(np.random.default_rng([seed, ordinal // 2, 7]).integers(2))
    target_is_left = (ordinal + first) % 2 == 0
    apart = round(float(rng.uniform(0.44, 0.5)) * aspect * height) / height
    left = aspect / 2 - apart / 2 + float(rng.uniform(-0.03, 0.03)) * aspect
    drift = facing * 0.2 if idle == "walk" else 0.0
    phase = float(rng.uniform(0, 1))

    def alike(x: float, *, is_target: bool) -> Actor:
        here = x + drift * ((diverges - 1) / (frames - 1) - 0.5)
        before = Segment(action=idle, start=0, end=diverges, x=(x - drift / 2, here), phase=phase)
        bare = Actor(kind=kind, colour=colour, size=size, variant=variant, ground=ground, facing=facing, segments=())
        after: tuple[Segment, ...]
        if is_target:
            outside = -0.1 - HALF_WIDTH[kind] * bare.scale
            away = outside if x < aspect / 2 else aspect - outside
            after = _event(bare, event, here=here, away=away, start=diverges, end=frames, idle=idle)
        else:
            onwards = phase + RATES[idle] * diverges
            after = (Segment(action=idle, start=diverges, end=frames, x=(here, x + drift / 2), phase=onwards),)
        return replace(bare, segments=(before, *after))

    pair = [alike(left, is_target=target_is_left), alike(left + apart, is_target=not target_is_left)]
    actors = list(pair)
    if rng.random() < 0.55:
        others = [k for k in _CAST if k != kind and not (k in _PEOPLE and kind in _PEOPLE)]
        extra = str(rng.choice([k for k in others if k != "car"]))
        action = str(rng.choice([a for a in _ACTIONS[extra] if a not in ("climb",)]))
        back = min(0.38, SCENES[scene].horizon - 0.07)
        actors.append(_actor(rng, extra, action, ground=back, slot=0.5, frames=frames, aspect=aspect, scene=scene))
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


def _event(
    bare: Actor, event: str, *, here: float, away: float, start: int, end: int, idle: str
) -> tuple[Segment, ...]:
    """Return what the target does from the divergence on: `here` is where it is, `away` a place outside the frame."""
    stay, leave = (here, here), (here, away)
    turned = 1 if away > here else -1
    match event:
        case "jump" | "bounce":
            return (Segment(action="jump", start=start, end=end, x=stay, hop=HOP[bare.kind] * 1.3),)
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
            return (Segment(action="crawl", start=start, end=end, x=(here, here + 0.75 * (away - here))),)
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
