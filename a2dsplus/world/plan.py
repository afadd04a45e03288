"""What happens in a video: its scene, its actors and their tracks, its captions. Nothing is painted here."""

import base64
import hashlib
from dataclasses import dataclass

import numpy as np

from a2dsplus.errors import InputError
from a2dsplus.world import captions
from a2dsplus.world.cast import draw_cast
from a2dsplus.world.look_alikes import LookAlikes, draw_look_alikes
from a2dsplus.world.motion import Actor
from a2dsplus.world.scenes import SCENES

SIZES = ((180, 240), (180, 320), (180, 280))
"""Frame sizes (H, W) of the world: each video has one of them."""
FEWEST_FRAMES, MOST_FRAMES = 32, 64
FEWEST_WITH_LOOK_ALIKES = 48
"""Look-alikes need time to be the same and time to differ."""
DENSE_STEP = 4
"""Training videos are annotated at every fourth frame, from the first on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prop:
    """A thing in front of actors: kind, place and size in frame heights."""

    kind: str
    x: float
    ground: float
    size: float


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


def plan_video(
    *,
    seed: int,
    split: str,
    index: int,
    attempt: int = 0,
    size: tuple[int, int] | None = None,
    swap_sides: bool = False,
) -> Plan:
    """Return the plan of a video, depending on the arguments alone; every third video has look-alikes.

    `attempt`: another plan for the same video, where an actor of the one before could not be seen. `swap_sides`: as in `paint_world`.
    """
    stream = 0 if split == "test" else 1
    for retry in range(1000):
        rng = np.random.default_rng([seed, stream, index, attempt, retry])
        found = _try(rng, seed=seed, split=split, index=index, size=size, swap=swap_sides)
        if found is not None:
            return found
    raise InputError(
        f"procedural world: no captions tell the actors of video {split} {index} apart; choose another size or seed"
    )


def _try(
    rng: np.random.Generator, *, seed: int, split: str, index: int, size: tuple[int, int] | None, swap: bool
) -> Plan | None:
    has_look_alikes = index % 3 == 1
    fewest = FEWEST_WITH_LOOK_ALIKES if has_look_alikes else FEWEST_FRAMES
    frames = int(rng.integers(fewest // 4, MOST_FRAMES // 4 + 1)) * 4
    height, width = size or SIZES[int(rng.integers(len(SIZES)))]
    aspect = width / height
    scene = str(rng.choice(list(SCENES)))
    pan = float(rng.uniform(-0.07, 0.07)) * width if rng.random() < 0.4 else 0.0
    props: tuple[Prop, ...] = ()
    look_alikes: LookAlikes | None = None
    if has_look_alikes:
        actors, look_alikes = draw_look_alikes(
            rng,
            seed=seed,
            split=split,
            index=index,
            frames=frames,
            height=height,
            aspect=aspect,
            scene=scene,
            swap=swap,
        )
    else:
        actors = draw_cast(rng, frames=frames, aspect=aspect, scene=scene)
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
