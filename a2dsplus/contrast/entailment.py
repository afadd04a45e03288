"""When one caption's words make another's true: the ambiguity guard's reasoning, role by role.

"red car" satisfies "car", "man" satisfies "person", "on the green grass" satisfies "on grass". The words' relations come from
`annotations/lexicon.json`, written by hand: the same on every machine, whatever is installed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from a2dsplus import resources
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.phrase_words import CLOTHES, COLOURS
from a2dsplus.contrast.phrases import Phrase, analyse
from a2dsplus.errors import InputError
from a2dsplus.records import Slot

# why a caption satisfies a query, from the plainest reason to the least
Reason = Literal["identical roles", "more specific", "synonym or hyponym"]
# words that say where to without a noun: "climbing up a ladder" is climbing up
_PARTICLES = frozenset(
    ["up", "down", "out", "off", "away", "back", "over", "around", "along", "through", "in", "on", "across"]
)
# clothes that nobody is said to be in by their colour alone
_SMALL = frozenset(["hat", "cap", "helmet", "shoe", "boot", "sock", "glove"])
# what holds of anything, and of anybody
_ANYTHING = frozenset(["one", "something", "thing", "object", "it"])


class Lexicon:
    """The relations of `annotations/lexicon.json`."""

    def __init__(self) -> None:
        path = resources.path("annotations/lexicon.json")
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            groups, kinds, prepositions = value["same"], value["kind"], value["prepositions"]
        except (ValueError, KeyError, OSError, RecursionError) as error:
            raise InputError(f"{path}: damaged ({error!r}); install the toolkit again") from error
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
        wanted, given = analyse(*role), analyse(*by)
        if role[0] == Slot.VERB:
            if wanted.preposition != given.preposition:
                return None
            # what is not moving is not walking
            general, special = (given, wanted) if wanted.preposition == "not" else (wanted, given)
            if not self._lexicon.entails(special.head, general.head) or not wanted.modifiers <= given.modifiers:
                return None
            return "more specific" if wanted.head == given.head else "synonym or hyponym"
        found = [self._phrase(wanted, other) for other in (given, *given.also)]
        return _plainest(found)

    def _phrase(self, wanted: Phrase, given: Phrase) -> Reason | None:
        """Return why a phrase makes another true: place by place the same or more, every modifier that of its own noun."""
        if not wanted.preposition and given.preposition == wanted.head and wanted.head in _PARTICLES:
            # "up a ladder" is up
            return "more specific"
        if not self._lexicon.same_place(given.preposition, wanted.preposition):
            return None
        if not self._lexicon.entails(given.head, wanted.head) and not self._worn_colour(wanted, given):
            return None
        own = given.modifiers | ({given.head} if given.head != wanted.head else frozenset())
        if not all(any(self._lexicon.entails(has, word) for has in own) for word in wanted.modifiers):
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
        wanted = analyse(slot, lemma)
        if slot == Slot.VERB:
            if wanted.head == "be" and not wanted.preposition:
                return "more specific"
            # "climb up" beside "climb" with "up a ladder"
            particles = wanted.modifiers & _PARTICLES
            if particles and wanted.modifiers == particles and not wanted.preposition:
                parts = [(Slot.VERB.value, wanted.head), *((Slot.WHERE.value, word) for word in sorted(particles))]
                if all(any(self.role_satisfied(part, other) for other in by.roles) for part in parts):
                    return "more specific"
            return None
        if slot == Slot.WHERE and wanted.head in _PARTICLES and not wanted.preposition:
            verbs = [analyse(other_slot, other) for other_slot, other in by.roles if other_slot == Slot.VERB]
            return "more specific" if any(wanted.head in verb.modifiers for verb in verbs) else None
        if slot == Slot.WHO:
            return self._spread(wanted, by)
        if wanted.preposition:
            # "on the left" of a verb, or of whom it says who it is
            held = [part for other in by.roles if other[0] == Slot.WHO for part in analyse(*other).attached]
            return _plainest(self._phrase(wanted, part) for part in held)
        return None

    def _spread(self, wanted: Phrase, by: Meaning) -> Reason | None:
        """Return why a noun phrase is made true by one whose attachments are roles of their own: "man in red on the left"."""
        elsewhere = tuple(
            analyse(slot, lemma) for slot, lemma in by.roles if slot in (Slot.WHERE, Slot.WHAT, Slot.OTHER)
        )
        if not wanted.attached or not elsewhere:
            return None
        wearing = any(slot == Slot.VERB and lemma == "wear" for slot, lemma in by.roles)
        worn = tuple(replace(part, preposition="in") for part in elsewhere if wearing and not part.preposition)
        for slot, lemma in by.roles:
            if slot == Slot.WHO:
                given = analyse(slot, lemma)
                reason = self._phrase(wanted, replace(given, attached=(*given.attached, *elsewhere, *worn)))
                if reason is not None:
                    return reason
        return None

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


_ORDER: list[Reason] = ["identical roles", "more specific", "synonym or hyponym"]


def _plainest(reasons: Iterable[Reason | None]) -> Reason | None:
    return min((reason for reason in reasons if reason is not None), key=_ORDER.index, default=None)
