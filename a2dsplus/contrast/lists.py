"""The listed words of `annotations/exclusion.json`, by what they are looked up for."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from a2dsplus import resources
from a2dsplus.errors import InputError

NAME = "annotations/exclusion.json"
SCHEMA = 1


class Lists:
    """Which words exclude each other. `Lists.shipped()` are those of the toolkit."""

    def __init__(self, value: Mapping[str, Any], *, where: Path | str = NAME) -> None:
        """Take the lists of a file's value; raises InputError, naming file and entry, where they are not what the schema says."""
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            found = value.get("schema") if isinstance(value, Mapping) else None
            raise InputError(f"{where}: schema {found!r}, this version reads {SCHEMA}; install the toolkit again")
        try:
            self._take(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{where}: damaged ({type(error).__name__}: {error}); install the toolkit again"
            ) from error

    @classmethod
    def read(cls, path: Path) -> "Lists":
        """Return the lists of a file; raises InputError where it cannot be read or is damaged."""
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")), where=path)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); install the toolkit again") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: damaged (not JSON: {error}); install the toolkit again") from error

    @classmethod
    @functools.cache
    def shipped(cls) -> "Lists":
        """Return the lists that the toolkit ships, read once."""
        return cls.read(resources.path(NAME))

    def _take(self, value: Mapping[str, Any]) -> None:
        self.groups = {str(name): _words(f"groups.{name}", inner) for name, inner in value["groups"].items()}
        classes = {str(name): _words(f"classes.{name}", inner) for name, inner in value["classes"].items()}
        for name, inner in self.groups.items():
            _known(f"groups.{name}", inner, classes)
        self.classes = _inverted(classes)
        for word, names in value["general"].items():
            self.classes[word] = frozenset().union(*(self.of(name, known=classes) for name in names))
        self.longest = max(len(word.split()) for word in self.classes)
        self.containers = _words("containers", value["containers"])
        self.same_kind_words = _words("same_kind_words", value["same_kind_words"])
        _known("kinds", value["kinds"], classes)
        self.kinds = {
            name: _inverted({kind: _words(f"kinds.{name}.{kind}", words) for kind, words in inner.items()})
            for name, inner in value["kinds"].items()
        }
        self.sex = _inverted({sex: _words(f"sex.{sex}", value["sex"][sex]) for sex in ("male", "female")})
        self.sexed = _words("sexed_classes", value["sexed_classes"])
        self.unmentioned = [
            (self.of(owner, known=classes), frozenset().union(*(self.of(name, known=classes) for name in things)))
            for owner, things in value["unmentioned"]
        ]
        self.background = _words("background", value["background"])
        _known("background", self.background, classes)
        self.tells_of = [
            (self.of(owner, known=classes), frozenset().union(*(self.of(name, known=classes) for name in things)))
            for owner, things in value["telling_of_owner"]
        ]
        self.implied = {
            verb: frozenset().union(*(self.of(name, known=classes) for name in names))
            for verb, names in value["implied"].items()
        }
        _known("implied", self.implied, value["verbs"])
        self.colours = {str(word): str(colour) for word, colour in value["colours"].items()}
        known_colours = set(self.colours.values())
        self.near = _pairs("near", value["near"], known_colours)
        self.kind_colours = {
            word: _words(f"kind_colours.{word}", names) for word, names in value["kind_colours"].items()
        }
        garments = {name: _words(f"garments.{name}", words) for name, words in value["garments"].items()}
        self.garments = {word: name for name, words in garments.items() for word in words}
        self.all_over = _words("all_over", value["all_over"])
        _known("all_over", self.all_over, {*garments, "main"})
        self.comparable = _pairs("comparable", value["comparable"], {*garments, "main", "body"}, equal=True)
        self.bare = {word: _words(f"bare.{word}", names) for word, names in value["bare"].items()}
        verbs = {name: _words(f"verbs.{name}", words) for name, words in value["verbs"].items()}
        self.verbs = {word: name for name, words in verbs.items() for word in words}
        self.transparent = _words("transparent", value["transparent"])
        self.alongside = _words("alongside", value["alongside"])
        self.exclusive = self._exclusive(value["exclusive_verbs"], classes, verbs)
        self.food = _inverted({name: _words(f"food.{name}", words) for name, words in value["food"].items()})
        self.food_together = _pairs("food_together", value["food_together"], value["food"])
        self.played = _inverted({name: _words(f"played.{name}", words) for name, words in value["played"].items()})
        self.drinks = _inverted({name: _words(f"drink.{name}", words) for name, words in value["drink"].items()})
        _known("objects", value["objects"], verbs)
        self.objects = {
            verb: (
                frozenset(name for name in names if name in ("food", "played", "drink")),
                frozenset().union(
                    *(self.of(n, known=classes) for n in names if n not in ("food", "played", "drink", "place"))
                ),
            )
            for verb, names in value["objects"].items()
        }
        places = {name: _words(f"places.{name}", words) for name, words in value["places"].items()}
        self.places = {word: name for name, words in places.items() for word in words}
        self.apart = self._apart(value["apart"], places)
        self.location = _words("prepositions.location", value["prepositions"]["location"])
        self.goal = _words("prepositions.goal", value["prepositions"]["goal"])
        self.body_parts = _words("body_parts", value["body_parts"])

    def of(self, name: str, *, known: Mapping[str, Any]) -> frozenset[str]:
        """Return the classes of a group, or of a class by itself."""
        if name in self.groups:
            return self.groups[name]
        if name not in known:
            raise ValueError(f"{name!r} is neither a group nor a class")
        return frozenset([name])

    def _exclusive(
        self, blocks: Sequence[Mapping[str, Any]], classes: Mapping[str, Any], verbs: Mapping[str, Any]
    ) -> dict[str, frozenset[frozenset[str]]]:
        """Return the pairs of verbs that exclude each other, for every class that any is listed for."""
        found: dict[str, set[frozenset[str]]] = {}
        for number, block in enumerate(blocks, 1):
            where = f"exclusive_verbs {number}"
            names = _words(where, block["verbs"])
            _known(where, names, verbs)
            together = _pairs(f"{where}, together", block["together"], verbs)
            pairs = {frozenset((one, other)) for one in names for other in names if one < other} - together
            pairs |= _pairs(f"{where}, pairs", block["pairs"], verbs)
            for name in frozenset().union(*(self.of(group, known=classes) for group in block["of"])):
                but = [
                    _pairs(f"{where}, but {group}", inner, verbs)
                    for group, inner in block["but"].items()
                    if name in self.of(group, known=classes)
                ]
                found.setdefault(name, set()).update(pairs.difference(*but) if but else pairs)
        return {name: frozenset(pairs) for name, pairs in found.items()}

    def _apart(self, blocks: Sequence[Mapping[str, Any]], places: Mapping[str, Any]) -> frozenset[frozenset[str]]:
        found: set[frozenset[str]] = set()
        for number, block in enumerate(blocks, 1):
            where = f"apart {number}"
            ours = _words(where, block["places"])
            theirs = _words(where, block["other"]) if "other" in block else ours
            _known(where, [*ours, *theirs], places)
            together = _pairs(f"{where}, together", block["together"], places)
            found |= {frozenset((one, other)) for one in ours for other in theirs if one != other} - together
        return frozenset(found)


def _words(where: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise ValueError(f"{where} is no list of words")
    return frozenset(value)


def _known(where: str, names: Iterable[str], known: Mapping[str, Any] | set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: {name!r} is not listed")


def _pairs(
    where: str, value: Any, known: Mapping[str, Any] | set[str], *, equal: bool = False
) -> frozenset[frozenset[str]]:
    found = set()
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or (pair[0] == pair[1] and not equal):
            raise ValueError(f"{where}: {pair!r} is no pair")
        _known(where, pair, known)
        found.add(frozenset(pair))
    return frozenset(found)


def _inverted(named: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return {word: names} of {name: words}."""
    found: dict[str, set[str]] = {}
    for name, words in named.items():
        for word in words:
            found.setdefault(word, set()).add(name)
    return {word: frozenset(names) for word, names in found.items()}
