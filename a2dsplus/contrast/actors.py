"""Whom a caption speaks of: actors with what is told of them, and the reading of a whole caption."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Coloured:
    """What has colours: the body, or what covers a part of it, as the caption words it."""

    part: str
    colours: frozenset[str]
    words: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is or goes: `relation` location, goal or climb; `place` the listed name, None for a word that is not listed."""

    relation: str
    place: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Action:
    """A verb of somebody: its listed name (or its lemma), whether it is denied, whether it is suffered.

    `limited`: what is denied is denied of one object or place only ("not eating the apple").
    """

    verb: str
    words: str
    negated: bool = False
    passive: bool = False
    limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody or something that a caption speaks of. Empty fields: the caption says nothing, or nothing that is listed."""

    words: str
    head: str = ""
    classes: frozenset[str] = frozenset()
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sex: frozenset[str] = frozenset()
    number: str = ""
    coloured: tuple[Coloured, ...] = ()
    bare: frozenset[str] = frozenset()
    actions: tuple[Action, ...] = ()
    objects: tuple[tuple[str, "Actor"], ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A caption's referent and the others that it mentions, in the caption's order.

    `joined`: those among the others whom "and" or "or" joins to the referent, with what is said of all of them.
    """

    referent: Actor
    mentioned: tuple[Actor, ...] = ()
    joined: tuple[Actor, ...] = ()
