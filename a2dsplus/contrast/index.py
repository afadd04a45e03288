"""An index over captions' roles and referents: a query's candidates in the order of preference, without listing them all.

The captions lie on a ring, each where a hash of the seed and its id puts it; a query takes its candidates in the order in which they follow
it. Their order of preference is that of relation (the same actor class and action, the same class, the same action, neither), then tier,
then the ring:

    tier 1   same structure, all roles but one equal
    tier 2   same structure, some role equal
    tier 3   some role equal
    tier 4   only a role's head word equal; for a query without a verb, its referent's class

Postings are keyed by what candidates have in common with a query (the roles but one; structure, class and verb; a role; a head word ...),
never by pairs of captions: `n` captions make some 25 n entries. Of one list of postings a query looks at the next `MOST_LOOKED` on the
ring, so that sampling costs O(n) look-ups whatever the size of the candidate sets; sorting the postings makes it O(n log n) in all.
"""

from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import get_args

import numpy as np
import numpy.typing as npt

from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.phrases import analyse
from a2dsplus.records import Relation

TIERS = (1, 2, 3, 4)
# of one list of postings, a query looks at so many captions
MOST_LOOKED = 256
_RELATIONS: tuple[Relation, ...] = get_args(Relation)
_BOTH, _CLASS, _ACTION, _NEITHER = range(4)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a caption's relation to others is told by: its referent's classes (or its head word) and verbs."""

    classes: frozenset[str]
    verbs: frozenset[str]


class CandidateIndex:
    """The postings of a set of captions, for one seed. Captions without a verb's frame are of tier 4 alone (DESIGN: their noun phrase is kept)."""

    def __init__(
        self, meanings: Sequence[Meaning], traits: Sequence[Traits], *, seed: int, looked: int = MOST_LOOKED
    ) -> None:
        """Index captions; `traits`, one a caption; `looked`: how many captions of a list a query looks at. `meanings` of the index are in the order of the ring."""
        placed = sorted(
            (_place(seed, meaning.query_id), meaning.query_id, order) for order, meaning in enumerate(meanings)
        )
        self.meanings = [meanings[order] for _, _, order in placed]
        self.number = {meaning.query_id: number for number, meaning in enumerate(self.meanings)}
        self._sides: list[_Side] = []
        known: dict[object, _Side] = {}
        ids = _Ids()
        keys, numbers = array("q"), array("I")
        for number, (_, _, order) in enumerate(placed):
            meaning, trait = meanings[order], traits[order]
            same = (meaning.roles, meaning.framed, trait)
            side = known.get(same)
            if side is None:
                side = known[same] = _Side(meaning, trait, ids)
            self._sides.append(side)
            for key in side.lies_under():
                keys.append(key)
                numbers.append(number)
        self._postings = _Postings(keys, numbers)
        self._looked = looked

    def candidates(self, query: Meaning) -> Iterator[tuple[Meaning, Relation, int]]:
        """Yield a query's candidates, with relation and tier, in the order of preference, each once, lazily.

        All of them come where no list of postings is longer than `looked`. The same video's captions are left to the caller. The
        query is one of the captions that are indexed.
        """
        number = self.number[query.query_id]
        side = self._sides[number]
        buckets: dict[tuple[int, int], list[int]] = {}
        for relation, tiers, keys in side.steps():
            for found in self._following(number, keys):
                other = self._sides[found]
                tier = side.tier(other)
                if tier is None:
                    continue
                related = side.relation(other)
                if related == relation and tier == tiers[0]:
                    yield self.meanings[found], _RELATIONS[related], tier
                elif tier in tiers and (related == relation or tier == 1):
                    # roles that are equal but for one: no later step asks for the other relations' again
                    buckets.setdefault((related, tier), []).append(found)
            for tier in tiers:
                for found in buckets.pop((relation, tier), ()):
                    yield self.meanings[found], _RELATIONS[relation], tier

    def sharing(self, query: Meaning) -> Iterator[Meaning]:
        """Yield the captions that share a role's head word with a query, itself among them, in the order of the ring."""
        lists = [self._postings.under(key) for key in self._sides[self.number[query.query_id]].head_keys()]
        if lists:
            for number in np.unique(np.concatenate(lists)).tolist():
                yield self.meanings[number]

    def _following(self, number: int, keys: Iterable[int]) -> list[int]:
        """Return the next captions on the ring under any of some keys."""
        lists = [self._postings.following(key, number, self._looked) for key in keys]
        if not lists:
            return []
        if len(lists) == 1:
            alone: list[int] = lists[0].tolist()
            return alone
        count = len(self.meanings)
        distances = np.unique((np.concatenate(lists).astype(np.int64) - number) % count)[: self._looked]
        out: list[int] = ((distances + number) % count).tolist()
        return out


def tier(query: Meaning, candidate: Meaning, *, alike: bool = False) -> int | None:
    """Return a candidate's tier for a query, or None where it is no candidate: nothing shared, or everything.

    `alike`: their referents are of one class, which a query without a verb ("a green car") shares with "a white van driving by".
    """
    roles, others = set(query.roles), set(candidate.roles)
    shared = roles & others if query.framed and candidate.framed else set()
    if roles <= others:
        return None
    if shared:
        if query.structure == candidate.structure:
            return 1 if len(shared) == len(roles) - 1 else 2
        return 3
    return 4 if _heads(query) & _heads(candidate) or (alike and not query.framed) else None


def _heads(meaning: Meaning) -> set[tuple[str, str]]:
    return {(slot, analyse(slot, lemma).head) for slot, lemma in meaning.roles}


def _place(seed: int, query_id: str) -> bytes:
    return blake2b(f"{seed} {query_id}".encode(), digest_size=8).digest()


class _Ids:
    """Numbers of words and tuples, in the order in which they first come."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

        self._sets: dict[frozenset[int], frozenset[int]] = {}

    def of(self, name: Hashable) -> int:
        return self._known.setdefault(name, len(self._known))

    def set_of(self, names: Iterable[Hashable]) -> frozenset[int]:
        found = frozenset(map(self.of, names))
        return self._sets.setdefault(found, found)


# what a key of the postings is made of, its first number
_REST, _ALL, _CLASS_VERB, _IN_CLASS, _OF_CLASS, _IN_VERB, _OF_VERB, _IN_ROLE, _OF_ROLE, _HEAD = range(10)


class _Side:
    """What `tier` and `Relation` compare of a caption, as numbers; captions that say the same share one."""

    __slots__ = ("_ordered", "_slots", "classes", "framed", "heads", "roles", "structure", "verbs")

    def __init__(self, meaning: Meaning, traits: Traits, ids: _Ids) -> None:
        self._ordered = tuple(ids.of(role) for role in meaning.roles)
        self._slots = tuple(ids.of(slot) for slot in meaning.structure)
        self.roles = frozenset(self._ordered)
        self.heads = ids.set_of(("head", *head) for head in sorted(_heads(meaning)))
        self.structure = ids.of(("structure", *meaning.structure))
        self.framed = meaning.framed
        self.classes = ids.set_of(("class", name) for name in sorted(traits.classes))
        self.verbs = ids.set_of(("does", verb) for verb in sorted(traits.verbs))

    def tier(self, other: "_Side") -> int | None:
        """Return what the module's `tier` does."""
        if self.roles <= other.roles:
            return None
        shared = len(self.roles & other.roles) if self.framed and other.framed else 0
        if shared:
            if self.structure == other.structure:
                return 1 if shared == len(self.roles) - 1 else 2
            return 3
        if self.heads.isdisjoint(other.heads):
            return None if self.framed or self.classes.isdisjoint(other.classes) else 4
        return 4

    def relation(self, other: "_Side") -> int:
        if self.classes.isdisjoint(other.classes):
            return _NEITHER if self.verbs.isdisjoint(other.verbs) else _ACTION
        return _CLASS if self.verbs.isdisjoint(other.verbs) else _BOTH

    def steps(self) -> Iterator[tuple[int, tuple[int, ...], Iterable[int]]]:
        """Yield (relation, tiers, keys) in the order of preference: under the keys lie all candidates of the relation and the tiers."""
        inside = self.structure
        framed = self.framed
        yield _BOTH, (1,), self._rest_keys()
        yield _BOTH, (2,), [hash((_ALL, inside, c, v)) for c in self.classes for v in self.verbs] if framed else ()
        yield _BOTH, (3, 4), [hash((_CLASS_VERB, c, v)) for c in self.classes for v in self.verbs]
        yield _CLASS, (1,), ()
        yield _CLASS, (2,), [hash((_IN_CLASS, inside, c)) for c in self.classes] if framed else ()
        yield _CLASS, (3, 4), [hash((_OF_CLASS, c)) for c in self.classes]
        yield _ACTION, (1,), ()
        yield _ACTION, (2,), [hash((_IN_VERB, inside, v)) for v in self.verbs] if framed else ()
        yield _ACTION, (3, 4), [hash((_OF_VERB, v)) for v in self.verbs]
        yield _NEITHER, (1,), ()
        yield _NEITHER, (2,), [hash((_IN_ROLE, inside, role)) for role in self.roles] if framed else ()
        yield _NEITHER, (3,), [hash((_OF_ROLE, role)) for role in self.roles] if framed else ()
        yield _NEITHER, (4,), self.head_keys()

    def lies_under(self) -> Iterator[int]:
        """Yield the keys that a caption lies under."""
        for _, _, keys in self.steps():
            yield from keys

    def head_keys(self) -> list[int]:
        return [hash((_HEAD, head)) for head in self.heads]

    def _rest_keys(self) -> list[int]:
        if not self.framed or len(self._ordered) < 2:
            return []
        return [
            hash((_REST, self.structure, slot, *self._ordered[:place], *self._ordered[place + 1 :]))
            for place, slot in enumerate(self._slots)
        ]


class _Postings:
    """Numbers of captions under keys, ascending. Keys are hashes: a caption may lie under one by mistake, and is then compared in vain."""

    def __init__(self, keys: "array[int]", numbers: "array[int]") -> None:
        """Take entries, (key, number) each, with ascending numbers."""
        unsorted = np.frombuffer(keys, np.int64) if keys else np.zeros(0, np.int64)
        order = np.argsort(unsorted, kind="stable")
        self._keys = unsorted[order]
        self._numbers = (np.frombuffer(numbers, np.uint32) if numbers else np.zeros(0, np.uint32))[order]

    def under(self, key: int) -> npt.NDArray[np.uint32]:
        start = self._keys.searchsorted(key)
        return self._numbers[start : self._keys.searchsorted(key, "right")]

    def following(self, key: int, number: int, most: int) -> npt.NDArray[np.uint32]:
        """Return the first `most` numbers under a key that follow `number`, around the ring."""
        own = self.under(key)
        at = int(own.searchsorted(number, "right"))
        ahead = own[at : at + most]
        if len(ahead) == most or at == 0:
            return ahead
        return np.concatenate([ahead, own[: min(at, most - len(ahead))]])
