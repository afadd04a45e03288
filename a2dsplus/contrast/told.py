"""What a caption is read as, for people and programs to see: its referent in one line, and as JSON."""

from collections.abc import Iterable
from typing import Any

from a2dsplus.contrast.actors import Action, Actor, Reading
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.referent import read
from a2dsplus.records import ParsedCaption


def reading_of(caption: ParsedCaption, lists: Lists) -> Reading:
    """Return whom a parsed caption is read to speak of."""
    rows = [
        (number, role.role, role.slot.value, role.phrase, role.lemma)
        for number, frame in enumerate(caption.frames)
        for role in frame.roles
    ]
    return read(rows, lists)


def as_line(reading: Reading) -> str:
    """Return a caption's referent in one line: what is listed of it, each thing with its name; what the words do not say is left out."""
    actor = reading.referent
    if not actor.words:
        return "referent: none that a role names"
    told = [
        ("class", _or(actor.classes)),
        ("kind", _list(_or(names) for _, names in sorted(actor.kinds.items()))),
        ("sex", _or(actor.sex)),
        ("number", actor.number),
        ("colours", _list(f"{thing.part} {' and '.join(sorted(thing.colours))}" for thing in actor.coloured)),
        ("bare", _list(sorted(actor.bare))),
        ("verbs", _list(_verb(action) for action in actor.actions)),
        ("objects", _list(f"{verb} {thing.words}" for verb, thing in actor.objects)),
        ("places", _list(f"{place.relation} {place.place or _unlisted(place.words)}" for place in actor.places)),
        ("mentions", _list(other.words for other in reading.mentioned)),
    ]
    return f"referent: {'; '.join([actor.words, *(f'{name} {words}' for name, words in told if words)])}"


def as_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as `parse --json` prints it: the referent's fields, and under "mentions" the same of everybody else."""
    return {**_fields(reading.referent), "mentions": [_fields(actor) for actor in reading.mentioned]}


def _fields(actor: Actor) -> dict[str, Any]:
    return {
        "words": actor.words,
        "head": actor.head,
        "classes": sorted(actor.classes),
        "kinds": {name: sorted(kinds) for name, kinds in sorted(actor.kinds.items())},
        "sex": sorted(actor.sex),
        "number": actor.number,
        "colours": [{"of": thing.part, "colours": sorted(thing.colours)} for thing in actor.coloured],
        "bare": sorted(actor.bare),
        "verbs": [
            {"verb": action.verb, "negated": action.negated, "passive": action.passive} for action in actor.actions
        ],
        "objects": [{"verb": verb, "words": thing.words} for verb, thing in actor.objects],
        "places": [{"relation": place.relation, "place": place.place, "words": place.words} for place in actor.places],
    }


def _verb(action: Action) -> str:
    return f"{'not ' if action.negated else ''}{action.verb}{' (suffered)' if action.passive else ''}"


def _unlisted(words: str) -> str:
    return f'"{words}"'


def _or(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))


def _list(items: Iterable[str]) -> str:
    return ", ".join(items)
