"""Captions of a planned video, each true of exactly one of its actors.

A caption is a claim about noun, colour, size, action and place. It is kept only where it holds of its actor throughout and no other
actor of the video could be meant, by a reading that gives every doubt to the other actor: near colours, a position held for a
moment, an action done at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from a2dsplus import resources
from a2dsplus.world.motion import HALF_WIDTH, Actor, state
from a2dsplus.world.shapes import Colour

_TRIES = 60
_LEFT, _RIGHT = 0.4, 0.6
_SMALL, _BIG = 0.85, 1.2
_TRAVELS = 0.2
_SIZED = ("ball", "bird", "car", "cat", "dog")


@cache
def vocabulary() -> dict[str, Any]:
    """Return the words of the world (annotations/procedural_vocabulary.json)."""
    found: dict[str, Any] = resources.document("annotations/procedural_vocabulary.json", {"colours": {"*": [int]}})
    return found


def colours() -> dict[str, Colour]:
    """Return each colour word's RGB."""
    return {name: (rgb[0], rgb[1], rgb[2]) for name, rgb in vocabulary()["colours"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What can be said of an actor. `span`: the least and greatest x of its centre while it is on screen, as shares of the width.

    `travel`: how far it gets to the right on the screen, a share of the width.
    """

    actor: Actor
    span: tuple[float, float]
    travel: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a caption says. `where`: (kind, value): place, sky, climbed thing, position or direction; None where nothing is said."""

    noun: str
    colour: str | None
    size: str | None
    verb: str
    action: str
    where: tuple[str, str] | None


def facts(actors: Sequence[Actor], *, frames: int, aspect: float, cameras: Sequence[float]) -> list[Facts]:
    """Return what can be said of each actor; `cameras`: the camera's place at each frame, in frame heights."""
    found = []
    for actor in actors:
        seen = []
        for index in range(frames):
            x = state(actor, index).x - cameras[index]
            half = HALF_WIDTH[actor.kind] * actor.scale
            if -half < x < aspect + half:
                seen.append(min(1.0, max(0.0, x / aspect)))
        seen = seen or [0.5]
        found.append(Facts(actor=actor, span=(min(seen), max(seen)), travel=seen[-1] - seen[0]))
    return found


def holds(claim: Claim, of: Facts) -> bool:
    """Say whether a claim is true of an actor throughout (its noun, action and place are taken as chosen from it)."""
    actor = of.actor
    if (claim.size == "small" and actor.size > _SMALL) or (claim.size == "big" and actor.size < _BIG):
        return False
    match claim.where:
        case ("position", "left"):
            return of.span[1] < _LEFT
        case ("position", "right"):
            return of.span[0] > _RIGHT
        case ("position", _):
            return of.span[0] > 0.38 and of.span[1] < 0.62
        case ("direction", "left"):
            return of.travel < -_TRAVELS
        case ("direction", _):
            return of.travel > _TRAVELS
    return True


def could_mean(claim: Claim, other: Facts) -> bool:
    """Say whether a claim might be taken to mean another actor, every doubt in its favour."""
    words, actor = vocabulary(), other.actor
    if actor.kind not in words["covers"][claim.noun]:
        return False
    near = [set(pair) for pair in words["alike"]]
    if claim.colour not in (None, actor.colour) and {claim.colour, actor.colour} not in near:
        return False
    if (claim.size == "small" and actor.size > 1.1) or (claim.size == "big" and actor.size < 0.95):
        return False
    done = set(words["vague_verbs"].get(claim.verb, [claim.action]))
    if not done & set(actor.actions):
        return False
    match claim.where:
        case ("position", "left"):
            return other.span[0] < 0.5
        case ("position", "right"):
            return other.span[1] > 0.5
        case ("position", _):
            return other.span[0] < 0.7 and other.span[1] > 0.3
        case ("direction", "left"):
            return other.travel < -0.04
        case ("direction", _):
            return other.travel > 0.04
        case ("sky", _):
            return "fly" in actor.actions
        case ("climbed", _):
            return actor.climbs is not None
    return True


def describe(number: int, everyone: Sequence[Facts], *, scene: str, rng: np.random.Generator) -> str | None:
    """Return a caption of one actor that no other could be meant by, or None where none was found."""
    of = everyone[number]
    for _ in range(_TRIES):
        claim = _draw(of, scene=scene, rng=rng)
        if holds(claim, of) and not any(could_mean(claim, o) for k, o in enumerate(everyone) if k != number):
            return _words(claim, of.actor, scene=scene, rng=rng)
    return None


def describe_event(
    actor: Actor, event: str, *, idle: str, target: bool, with_colour: bool, rng: np.random.Generator
) -> str:
    """Return the caption of one of two look-alikes: what the `target` does in the end, or how the other goes on."""
    words = vocabulary()
    noun = _pick(rng, [n for n in words["nouns"][actor.kind] if n not in ("person", "kid")])
    if target:
        known = words["events"][event]
        time = _pick(rng, known["times"])
        deed = f"{_pick(rng, known['verbs'])} {time}".strip()
    else:
        manner = {"ball": "still", "car": "parked"}.get(actor.kind, idle)
        deed = _pick(rng, words["continues"][manner])
    claim = Claim(noun=noun, colour=actor.colour if with_colour else None, size=None, verb="", action="", where=None)
    relative = _pick(rng, ["that", "who"] if actor.kind in words["clothed"] else ["that", "that", "which"])
    return _finish(f"{_noun_phrase(claim, actor, rng)} {relative} {deed}", _pick(rng, ["the", "the", "a", ""]), rng)


def _draw(of: Facts, *, scene: str, rng: np.random.Generator) -> Claim:
    words, actor = vocabulary(), of.actor
    action = actor.segments[0].action
    verb = _pick(rng, words["verbs_of"].get(actor.kind, {}).get(action, [words["verbs"][action]]))
    colour = actor.colour if rng.random() < 0.6 else None
    size = _pick(rng, ["small", "big"]) if actor.kind in _SIZED and rng.random() < 0.3 else None
    where: tuple[str, str] | None = None
    draw = rng.random()
    if draw < 0.5:
        where = ("place", scene)
        if action == "climb" and actor.climbs:
            where = ("climbed", actor.climbs)
        elif action == "fly":
            where = ("sky", scene)
    elif draw < 0.72:
        where = ("position", _pick(rng, ["left", "right", "middle"]))
    elif draw < 0.82:
        where = ("direction", _pick(rng, ["left", "right"]))
    noun = _pick(rng, words["nouns"][actor.kind])
    return Claim(noun=noun, colour=colour, size=size, verb=verb, action=action, where=where)


def _noun_phrase(claim: Claim, actor: Actor, rng: np.random.Generator) -> str:
    words = vocabulary()
    size = _pick(rng, words["size_words"][claim.size]) + " " if claim.size else ""
    if claim.colour is None:
        return f"{size}{claim.noun}"
    if actor.kind in words["clothed"]:
        manner = _pick(rng, words["baby_clothing" if actor.kind == "baby" else "clothing"])
        return f"{size}{claim.noun} {manner.format(colour=claim.colour)}"
    return f"{size}{claim.colour} {claim.noun}"


def _where(claim: Claim, scene: str, rng: np.random.Generator) -> str:
    words = vocabulary()
    match claim.where:
        case ("place", name):
            return _pick(rng, words["places"][name])
        case ("sky", name):
            indoor = name in words["indoor"]
            over = "water_sky_places" if name == "water" else "sky_places"
            return _pick(rng, words["indoor_sky_places" if indoor else over])
        case ("climbed", thing):
            return _pick(rng, words["climb_places"][thing])
        case ("position", side):
            return _pick(rng, words["positions"][side])
        case ("direction", side):
            return _pick(rng, words["directions"][side])
    return ""


def _words(claim: Claim, actor: Actor, *, scene: str, rng: np.random.Generator) -> str:
    article = _pick(rng, vocabulary()["articles"])
    copula = "is " if rng.random() < (0.7 if article else 0.3) else ""
    where = _where(claim, scene, rng)
    return _finish(f"{_noun_phrase(claim, actor, rng)} {copula}{claim.verb} {where}".strip(), article, rng)


def _finish(text: str, article: str, rng: np.random.Generator) -> str:
    if article == "a" and text[0] in "aeiou":
        article = "an"
    text = f"{article} {text}".strip()
    return text[0].upper() + text[1:] if rng.random() < 0.15 else text


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
