"""What a noun phrase names: its classes and kinds by the listed words, and what a compound noun names besides its head."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from a2dsplus.contrast.actors import Actor
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.phrase_words import ADJECTIVES, COLOURS, POSITIONS, YOUNG
from a2dsplus.contrast.phrases import Phrase

NONE: frozenset[str] = frozenset()
# words before a noun that say of what kind it is, or of what sex, and name nobody
_NO_NAMES = frozenset(
    ["male", "female", "person", "human", "model", "ray", "police", "cow", "fly", "dig", "race", "auto", "cab"]
)


class Naming:
    """Looks up what phrases name."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists

    def unwrapped(self, phrase: Phrase) -> Phrase:
        """Return what "reflection of", "group of" and "front part of" are of."""
        of = next((inner for inner in phrase.attached if inner.preposition == "of"), None)
        if phrase.head in self.lists.containers and of is not None:
            rest = tuple(inner for inner in phrase.attached if inner is not of)
            return Phrase("", of.head, of.modifiers, of.words, (*of.attached, *rest), of.also)
        return phrase

    def classes(self, phrase: Phrase) -> tuple[str, frozenset[str], tuple[str, ...]]:
        """Return the name that a phrase's head goes by, its classes, and the words of that name."""
        own = [word for word in phrase.words if word]
        if len(own) > 1 and own[-1] in YOUNG:
            # "seal pup", "elephant calf"
            name, classes, used = self._named(own[:-1])
            if classes and classes <= self.lists.groups["animal"]:
                return name, classes, used
        return self._named(own) if own else (phrase.head, NONE, (phrase.head,))

    def _named(self, own: Sequence[str]) -> tuple[str, frozenset[str], tuple[str, ...]]:
        for length in range(min(self.lists.longest, len(own)), 0, -1):
            name = " ".join(own[-length:])
            if name in self.lists.classes:
                return name, self.lists.classes[name], tuple(own[-length:])
        if own and (own[-1] in POSITIONS or own[-1] in COLOURS):
            # a head that is no noun: "white parrot first"
            for place in range(len(own) - 1, 0, -1):
                if own[place - 1] in self.lists.classes:
                    return own[place - 1], self.lists.classes[own[place - 1]], (own[place - 1],)
        return own[-1], NONE, (own[-1],)

    def kinds(self, classes: Iterable[str], used: Sequence[str], own: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return the kinds within each class that a name's words (`used`) and those before them (`own` has both) tell."""
        found: dict[str, frozenset[str]] = {}
        name = " ".join(used)
        modifiers = own[: len(own) - len(used)]
        for inner in classes:
            listed = self.lists.kinds.get(inner, {})
            for word in (name, *reversed(used), *reversed(modifiers)):
                if word in listed and not (len(used) > 1 and word == used[-1] and name in self.lists.classes):
                    found[inner] = listed[word]
                    break
        return found

    def in_name(self, part: Phrase) -> Iterator[Actor]:
        """Yield what a compound noun names besides its head: a "car driver" has a car, a "horse drawn carriage" a horse."""
        _, classes, used = self.classes(part)
        own = part.words[: len(part.words) - len(used)] if classes & self.lists.groups["animal"] else part.words[:-1]
        for word in own:
            named = self.lists.classes.get(word, NONE)
            somebody = self.lists.groups["animal"] | self.lists.groups["vehicle"] | self.lists.sexed | {"ball"}
            if named & somebody and not named & classes and word not in ADJECTIVES | COLOURS | _NO_NAMES:
                yield Actor(words=word, head=word, classes=named)


def union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return all members; one object where there are none."""
    return frozenset(member for inner in sets for member in inner) or NONE
