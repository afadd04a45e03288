"""An inverted index over captions' roles: a query's candidates by tier, drawn at random without listing them.

Postings are keyed by what a tier's candidates have in common with the query, never by pairs of captions:

    tier 1   same structure, all roles but one equal     key: the structure and the other roles
    tier 2   same structure, some role equal             key: the structure and one role
    tier 3   some role equal                             key: one role
    tier 4   only a role's head word equal               key: (slot, head word)

`n` captions of at most r roles make at most 3 r n + r n entries. A draw costs a dictionary look-up and a random number, so sampling
costs O(n) draws whatever the size of the candidate sets; sorting the postings makes it O(n log n) in all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.phrases import analyse

TIERS = (1, 2, 3, 4)


class CandidateIndex:
    """The postings of a set of captions. Captions without a verb's frame are found by tier 4 alone (DESIGN: their noun phrase is kept)."""

    def __init__(self, meanings: Sequence[Meaning], keys: Sequence[Iterable[Hashable]] = ()) -> None:
        """Index captions; `keys`, one list a caption, are what `same` finds them by."""
        self.meanings = list(meanings)
        self._by_key: dict[Hashable, list[int]] = {}
        for number, names in enumerate(keys):
            for name in names:
                self._by_key.setdefault(name, []).append(number)
        # tier 1's postings are sorted by the differing role, so that a query's own realisation is one interval to leave out
        self._all_but_one: dict[Hashable, list[tuple[str, int]]] = {}
        self._in_structure: dict[Hashable, list[int]] = {}
        self._by_role: dict[Hashable, list[int]] = {}
        self._by_head: dict[Hashable, list[int]] = {}
        for number, meaning in enumerate(self.meanings):
            for slot, head in {(slot, analyse(slot, lemma).head) for slot, lemma in meaning.roles}:
                self._by_head.setdefault((slot, head), []).append(number)
            if not meaning.framed:
                continue
            structure = meaning.structure
            for role in meaning.roles:
                self._by_role.setdefault(role, []).append(number)
                self._in_structure.setdefault((structure, role), []).append(number)
            if len(meaning.roles) > 1:
                for left_out, rest in _all_but_one(meaning):
                    self._all_but_one.setdefault((structure, left_out[0], rest), []).append((left_out[1], number))
        for postings in self._all_but_one.values():
            postings.sort()

    def draws(self, query: Meaning, tier: int, rng: np.random.Generator) -> Iterator[int]:
        """Yield a tier's candidates for a query in random order, each once, lazily: numbers into `meanings`.

        Every candidate of the tier comes, if one goes on to the end. The same video's captions are left to the caller.
        """
        lists = self._postings(query, tier)
        seen: set[int] = set()
        for list_number, position in _shuffled([len(postings) for postings in lists], rng):
            number = lists[list_number][position]
            if number in seen:
                continue
            seen.add(number)
            if self.tier(query, self.meanings[number]) == tier:
                yield number

    def same(self, query: Meaning, keys: Iterable[Hashable], rng: np.random.Generator) -> Iterator[int]:
        """Yield the captions under any of some keys in random order, each once, lazily; they need not be candidates of the query."""
        lists = [self._by_key.get(key, ()) for key in keys]
        seen: set[int] = set()
        for list_number, position in _shuffled([len(postings) for postings in lists], rng):
            number = lists[list_number][position]
            if number not in seen:
                seen.add(number)
                yield number

    def tier(self, query: Meaning, candidate: Meaning) -> int | None:
        """Return a candidate's tier for a query, or None where it is no candidate: nothing shared, or everything."""
        roles, others = set(query.roles), set(candidate.roles)
        shared = roles & others if query.framed and candidate.framed else set()
        if roles <= others:
            return None
        if shared:
            if query.structure == candidate.structure:
                return 1 if len(shared) == len(roles) - 1 else 2
            return 3
        heads = {(slot, analyse(slot, lemma).head) for slot, lemma in roles}
        return 4 if heads & {(slot, analyse(slot, lemma).head) for slot, lemma in others} else None

    def sharing(self, query: Meaning) -> set[int]:
        """Return the captions that share a role or a role's head word with a query, itself among them."""
        found: set[int] = set()
        for slot, lemma in query.roles:
            found.update(self._by_head.get((slot, analyse(slot, lemma).head), ()))
        return found

    def _postings(self, query: Meaning, tier: int) -> list[Sequence[int]]:
        if tier == 4:
            heads = sorted({(slot, analyse(slot, lemma).head) for slot, lemma in query.roles})
            return [self._by_head.get(head, ()) for head in heads]
        if not query.framed:
            return []
        if tier == 3:
            return [self._by_role.get(role, ()) for role in query.roles]
        if tier == 2:
            # of two roles, one shared leaves one to differ: that is tier 1
            if len(query.roles) < 3:
                return []
            return [self._in_structure.get((query.structure, role), ()) for role in query.roles]
        lists: list[Sequence[int]] = []
        for left_out, rest in _all_but_one(query) if len(query.roles) > 1 else ():
            postings = self._all_but_one.get((query.structure, left_out[0], rest), [])
            own = (bisect_left(postings, (left_out[1], -1)), bisect_right(postings, (left_out[1], len(self.meanings))))
            lists += [_Numbers(postings, 0, own[0]), _Numbers(postings, own[1], len(postings))]
        return lists


class _Numbers(Sequence[int]):
    """The caption numbers of a stretch of tier-1 postings, without copying it."""

    def __init__(self, postings: Sequence[tuple[str, int]], start: int, stop: int) -> None:
        self._postings, self._start, self._stop = postings, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, position: int) -> int:  # type: ignore[override]  # read one by one only
        return self._postings[self._start + position][1]


def _all_but_one(meaning: Meaning) -> Iterator[tuple[tuple[str, str], tuple[tuple[str, str], ...]]]:
    for position, role in enumerate(meaning.roles):
        yield role, meaning.roles[:position] + meaning.roles[position + 1 :]


def _shuffled(lengths: Sequence[int], rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield every (list, position) of several lists in one random order, in O(1) time and memory each (Fisher-Yates, sparse)."""
    starts = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    remaining = starts[-1]
    moved: dict[int, int] = {}
    while remaining:
        drawn = int(rng.integers(remaining))
        remaining -= 1
        flat = moved.get(drawn, drawn)
        moved[drawn] = moved.pop(remaining, remaining)
        list_number = bisect_right(starts, flat) - 1
        yield list_number, flat - starts[list_number]
