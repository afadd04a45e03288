"""When one caption's words make another's true: the ambiguity guard's reasoning, role by role.

"red car" satisfies "car", "man" satisfies "person", "on the green grass" satisfies "on grass". The words' relations come from
`annotations/lexicon.json`, written by hand: the same on every machine, whatever is installed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from a2dsplus import resources
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.phrase_words import ADJECTIVES, CLOTHES, COLOURS, YOUNG
from a2dsplus.contrast.phrases import Phrase, analyse
from a2dsplus.records import Slot

# why a caption satisfies a query, from the plainest reason to the least
Reason = Literal["identical roles", "more specific", "synonym or hyponym"]
# words that say where to without a noun: "climbing up a ladder" is climbing up, "driving by a house" driving by
_PARTICLES = frozenset(
    [
        *("up", "down", "out", "off", "away", "back", "over", "around", "along", "through", "in", "on", "across", "by"),
        *("past", "behind", "under", "inside", "outside", "above", "below"),
    ]
)
# clothes that nobody is said to be in by their colour alone
_SMALL = frozenset(["hat", "cap", "helmet", "shoe", "boot", "sock", "glove"])
# what holds of anything, and of anybody
_ANYTHING = frozenset(["one", "something", "anything", "thing", "object", "it", "another", "other", "others"])
# words before a noun that ask for nothing of it: "another man" is a man, "a red colored car" a red car
_ASKS_NOTHING = frozenset(["one", "another", "other", "colored", "color", "single"])
# what is many of the noun behind "of"
_MANY = frozenset(
    [
        "group",
        "bunch",
        "crowd",
        "flock",
        "herd",
        "pack",
        "pair",
        "lot",
        "number",
        "row",
        "set",
        "one",
        "some",
        "two",
        "three",
    ]
)
# "in a red shirt", "with a red shirt" and "wearing a red shirt" say one thing
_WORN = frozenset(["in", "with", "wear", "dress"])
_WEARABLE = CLOTHES | frozenset(
    ["glasses", "sunglasses", "goggles", "mask", "scarf", "tie", "gown", "robe", "bikini", "swimsuit"]
)

_LEXICON = {"same": [[str]], "kind": {"*": [str]}, "prepositions": [[str]]}


class Lexicon:
    """The relations of `annotations/lexicon.json`."""

    def __init__(self) -> None:
        value = resources.document("annotations/lexicon.json", _LEXICON)
        groups, kinds, prepositions = value["same"], value["kind"], value["prepositions"]
        self._canonical = {word: group[0] for group in groups for word in group}
        self._kinds: dict[str, set[str]] = {}
        for word, general in kinds.items():
            self._kinds.setdefault(self._name(word), set()).update(self._name(other) for other in general)
        self._preposition_class = {word: number for number, group in enumerate(prepositions) for word in group}
        self._above: dict[str, frozenset[str]] = {}

    def entails(self, word: str, other: str) -> bool:
        """Return whether what `word` names is always an `other`."""
        return word == other or other in _ANYTHING or self._name(other) in self.above(word)

    def above(self, word: str) -> frozenset[str]:
        """Return the names of everything that `word` always is, itself among them; cached."""
        found = self._above.get(word)
        if found is None:
            reached = {self._name(word)}
            fresh = list(reached)
            while fresh:
                for general in self._kinds.get(fresh.pop(), ()):
                    if general not in reached:
                        reached.add(general)
                        fresh.append(general)
            found = self._above[word] = frozenset(reached)
        return found

    def same_place(self, preposition: str, other: str) -> bool:
        """Return whether two prepositions of the same noun may describe one state: "on grass" and "in grass" do."""
        if preposition == other or not preposition or not other:
            return True
        first, second = self._preposition_class.get(preposition), self._preposition_class.get(other)
        return first is not None and first == second

    def _name(self, word: str) -> str:
        out: str = self._canonical.get(word, word)
        return out


class Guard:
    """Decides whether a caption satisfies a query: then its video may hold a second right answer."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._cache: dict[tuple[tuple[str, str], tuple[str, str]], Reason | None] = {}

    def role_satisfied(self, role: tuple[str, str], by: tuple[str, str]) -> Reason | None:
        """Return why a role (slot, lemma) makes another true, or None where it does not; slots must agree."""
        if role == by:
            return "identical roles"
        if role[0] != by[0]:
            return None
        key = (role, by)
        if key not in self._cache:
            self._cache[key] = self._compared(role, by)
        return self._cache[key]

    def _compared(self, role: tuple[str, str], by: tuple[str, str]) -> Reason | None:
        wanted, given = self._grown(analyse(*role)), self._grown(analyse(*by))
        if role[0] == Slot.VERB:
            if wanted.preposition != given.preposition:
                return None
            # what is not moving is not walking
            general, special = (given, wanted) if wanted.preposition == "not" else (wanted, given)
            if not self._lexicon.entails(special.head, general.head) or not wanted.modifiers <= given.modifiers:
                return None
            return "more specific" if wanted.head == given.head else "synonym or hyponym"
        if wanted.head in _ANYTHING and (of := _of(wanted)) is not None:
            # "one of the men" is a man
            wanted = replace(of, preposition=wanted.preposition)
        return _plainest(self._phrase(wanted, other) for other in _all_of(given))

    def _grown(self, phrase: Phrase) -> Phrase:
        """Return "seal pup" as a young seal."""
        if phrase.head in YOUNG and len(phrase.words) > 1 and "animal" in self._lexicon.above(phrase.words[-2]):
            name = phrase.words[-2]
            modifiers = phrase.modifiers - {name} | {phrase.head}
            return replace(phrase, head=name, modifiers=modifiers, words=(*phrase.words[:-2], phrase.head, name))
        return phrase

    def _phrase(self, wanted: Phrase, given: Phrase) -> Reason | None:
        """Return why a phrase makes another true: place by place the same or more, every modifier that of its own noun."""
        if not wanted.preposition and given.preposition == wanted.head and wanted.head in _PARTICLES:
            # "up a ladder" is up
            return "more specific"
        links = {given.preposition, wanted.preposition}
        worn = links <= _WORN and (given.head in _WEARABLE or (given.head in COLOURS and "with" not in links))
        if not worn and not self._lexicon.same_place(given.preposition, wanted.preposition):
            return None
        if not self._lexicon.entails(given.head, wanted.head) and not self._worn_colour(wanted, given):
            return None
        own = given.modifiers | ({given.head} if given.head != wanted.head else frozenset())
        asked = wanted.modifiers - _ASKS_NOTHING
        if not all(any(self._lexicon.entails(has, word) for has in own) for word in asked):
            return None
        for part in (*wanted.attached, *wanted.also):
            offered = (
                *given.attached,
                *given.also,
                *(p for inner in given.attached for p in (*inner.also, *inner.attached)),
            )
            if all(self._phrase(part, other) is None for other in offered):
                return None
        same_words = wanted.head == given.head and wanted.modifiers <= given.modifiers
        return "more specific" if same_words else "synonym or hyponym"

    def _worn_colour(self, wanted: Phrase, given: Phrase) -> bool:
        """Whether "in red" is made true by what is worn: "in red shirt"; a red cap does not."""
        return wanted.head in COLOURS and given.head in CLOTHES - _SMALL and wanted.head in given.modifiers

    def satisfied(self, query: Meaning, by: Meaning) -> Reason | None:
        """Return why a caption satisfies a whole query (the least plain of its roles' reasons), or None where it does not."""
        reasons = []
        for role in query.roles:
            reason = self.met(role, by)
            if reason is None:
                return None
            reasons.append(reason)
        return max(reasons, key=_ORDER.index, default=None)

    def met(self, role: tuple[str, str], by: Meaning) -> Reason | None:
        """Return why a caption makes a role true: by a role of the same slot, or by the same words elsewhere in it."""
        slot, lemma = role
        reason = _plainest(self.role_satisfied(role, other) for other in by.roles)
        if reason is not None:
            return reason
        wanted = self._grown(analyse(slot, lemma))
        if slot == Slot.VERB:
            if wanted.head == "be" and not wanted.preposition:
                return "more specific"
            return self._verb_spread(wanted, by)
        if slot == Slot.WHERE and wanted.head in _PARTICLES and not wanted.preposition:
            verbs = [analyse(other_slot, other) for other_slot, other in by.roles if other_slot == Slot.VERB]
            return "more specific" if any(wanted.head in verb.modifiers for verb in verbs) else None
        if slot == Slot.WHO:
            return self._spread(wanted, by)
        subjects = [part for other in by.roles if other[0] == Slot.WHO for part in _all_of(analyse(*other))]
        if _is_looks(wanted) and any(self._looks(wanted) <= part.modifiers for part in subjects):
            # "that is black" of a black dog
            return "more specific"
        if wanted.head in _WEARABLE | COLOURS and not wanted.preposition:
            wanted = replace(wanted, preposition="wear")
        if wanted.preposition:
            # "on the left" of a verb, or of whom it says who it is
            return _plainest(self._phrase(wanted, inner) for part in subjects for inner in _attached(part))
        return None

    def _verb_spread(self, wanted: Phrase, by: Meaning) -> Reason | None:
        """Return why a verb is made true by other words: "climb up" by "up a ladder", "run" by "running dog", "wear" by "in a shirt"."""
        if wanted.preposition:
            return None
        particles = wanted.modifiers & _PARTICLES
        if particles and wanted.modifiers == particles:
            parts = [(Slot.VERB.value, wanted.head), *((Slot.WHERE.value, word) for word in sorted(particles))]
            if all(any(self.role_satisfied(part, other) for other in by.roles) for part in parts):
                return "more specific"
        phrases = [part for role in by.roles if role[0] != Slot.VERB for part in _all_of(analyse(*role))]
        subjects = [part for role in by.roles if role[0] == Slot.WHO for part in _all_of(analyse(*role))]
        if any(self._lexicon.entails(word, wanted.head) for part in subjects for word in part.modifiers):
            return "more specific"
        if wanted.head in ("wear", "have", "dress"):
            inner = [worn for part in phrases for worn in (part, *_attached(part)) if worn.preposition in _WORN]
            if any(part.head in _WEARABLE | COLOURS for part in inner):
                return "synonym or hyponym"
        return None

    def _spread(self, wanted: Phrase, by: Meaning) -> Reason | None:
        """Return why a noun phrase is made true by one whose words are roles of their own: "black man in red on the left", "running dog"."""
        elsewhere = tuple(
            analyse(slot, lemma) for slot, lemma in by.roles if slot in (Slot.WHERE, Slot.WHAT, Slot.OTHER)
        )
        verbs = frozenset(
            verb.head
            for verb in (analyse(slot, lemma) for slot, lemma in by.roles if slot == Slot.VERB)
            if not verb.preposition
        )
        worn: tuple[Phrase, ...] = ()
        if verbs & {"wear", "have"}:
            worn = tuple(replace(part, preposition="in") for part in elsewhere if not part.preposition)
        told = verbs | {word for part in elsewhere if "be" in verbs and _is_looks(part) for word in self._looks(part)}
        for slot, lemma in by.roles:
            if slot == Slot.WHO:
                given = self._grown(analyse(slot, lemma))
                attached = (*given.attached, *elsewhere, *worn)
                given = replace(given, modifiers=given.modifiers | told, attached=attached)
                reason = _plainest(self._phrase(wanted, part) for part in _all_of(given))
                if reason is not None:
                    return reason
        return None

    def _looks(self, phrase: Phrase) -> frozenset[str]:
        return frozenset(word for part in phrase.all() for word in part.words if word not in ("color", "and"))

    def differing(self, query: Meaning, candidate: Meaning) -> list[tuple[str, str]]:
        """Return the query's roles that a candidate's caption does not make true."""
        return [
            role for role in query.roles if all(self.role_satisfied(role, other) is None for other in candidate.roles)
        ]

    def by_slot(self, query: Meaning, candidate: Meaning) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the slots that two captions share, those that differ, and those of one of them alone, each sorted.

        A slot is shared where every role on either side is made true by one on the other. The same in both directions.
        """
        shared, differing, extra = [], [], []
        for slot in sorted({slot for slot, _ in (*query.roles, *candidate.roles)}):
            ours = [role for role in query.roles if role[0] == slot]
            theirs = [role for role in candidate.roles if role[0] == slot]
            if not ours or not theirs:
                extra.append(slot)
            elif self._all_made_true(ours, theirs) and self._all_made_true(theirs, ours):
                shared.append(slot)
            else:
                differing.append(slot)
        return tuple(shared), tuple(differing), tuple(extra)

    def _all_made_true(self, roles: Sequence[tuple[str, str]], by: Sequence[tuple[str, str]]) -> bool:
        return all(any(self.role_satisfied(role, other) for other in by) for role in roles)

    def is_clear(self, query: Meaning, candidate: Meaning) -> bool:
        """Return whether a differing role is more than a vaguer wording: "dog" beside "black dog" may yet be the black one."""
        return any(
            all(self.role_satisfied(other, role) is None for other in candidate.roles if other[0] == role[0])
            and any(other[0] == role[0] for other in candidate.roles)
            for role in self.differing(query, candidate)
        )


def _is_looks(phrase: Phrase) -> bool:
    """Whether a phrase only says how something looks: "black and white", "red in color"."""
    return not phrase.preposition and all(
        word in COLOURS or word in ADJECTIVES or word == "color" for part in phrase.all() for word in part.words
    )


def _of(phrase: Phrase) -> Phrase | None:
    return next((inner for inner in phrase.attached if inner.preposition == "of"), None)


def _all_of(phrase: Phrase) -> Iterator[Phrase]:
    """Yield a phrase, what "and" joins to it, and what it is many of: "a group of men" are men."""
    for part in (phrase, *phrase.also):
        yield part
        of = _of(part) if part.head in _MANY else None
        if of is not None:
            rest = tuple(inner for inner in part.attached if inner is not of)
            yield replace(of, preposition=part.preposition, attached=(*of.attached, *rest))


def _attached(phrase: Phrase) -> Iterator[Phrase]:
    for inner in phrase.attached:
        yield from (inner, *inner.also)


_ORDER: list[Reason] = ["identical roles", "more specific", "synonym or hyponym"]


def _plainest(reasons: Iterable[Reason | None]) -> Reason | None:
    return min((reason for reason in reasons if reason is not None), key=_ORDER.index, default=None)
