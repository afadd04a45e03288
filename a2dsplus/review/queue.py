"""What one reviewer has before him: for every query the candidate in play, what it waits for, and in which order.

A query is offered its best-ranked candidate that nobody relevant has rejected. The doubtful come first: undecided pairs before excluded
ones, by the column `doubt`. Within a stretch of some pairs the order is the reviewer's own, drawn from (seed, name), so that two people
who start together seldom meet at a pair.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf

import numpy as np
import numpy.typing as npt

from a2dsplus.review.catalogue import Catalogue
from a2dsplus.review.decisions import PairKey, Verdict
from a2dsplus.review.ledger import Ledger, Outcome


class State(IntEnum):
    """Where a query stands for a reviewer; in the order of the list, the undecided first."""

    UNDECIDED = 0
    SKIPPED = 1
    ACCEPTED = 2
    # decided by as many others as are asked for: nothing to do here
    OTHERS = 3
    # every candidate was rejected: the query gets no sample
    EXHAUSTED = 4

    @property
    def word(self) -> str:
        """The name that the page and its filters use."""
        return self.name.lower()


# pairs of about the same doubt, among which each reviewer has an own order
STRETCH = 24
OPEN = (State.UNDECIDED, State.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for all reviewers: the seed of their orders, and the share of queries (0..1) that two of them judge.

    `by_doubt`: the doubtful first; otherwise in the reviewer's random order. `known`: the right answers of some pairs, accepted (True) or
    rejected, each of which every reviewer is asked for.
    """

    seed: int = 0
    double: float = 0.0
    by_doubt: bool = True
    known: Mapping[PairKey, bool] = field(default_factory=dict)

    def needed(self, pair: PairKey) -> float:
        """Return how many reviewers a pair asks for; depends on the seed and the query's id alone, or on its being a known one."""
        if pair in self.known:
            return inf
        query_id = pair[0]
        if self.double <= 0:
            return 1
        drawn = zlib.crc32(query_id.encode(), zlib.crc32(str(self.seed).encode()))
        return 2 if drawn < self.double * 2**32 else 1


class Queue:
    """One reviewer's view of all queries. Q: queries.

    `candidate`: (Q,) int32, the candidate in play, -1 where none is left. `state`: (Q,) int8, a `State`. `order`: (Q,) int32, the place
    of each query in the reviewer's order.
    """

    def __init__(self, catalogue: Catalogue, ledger: Ledger, *, reviewer: str, rules: Rules) -> None:
        self.catalogue, self.ledger, self.reviewer, self.rules = catalogue, ledger, reviewer, rules
        number = len(catalogue.query_ids)
        self.order = _order(catalogue, rules, seed=[rules.seed, zlib.crc32(reviewer.encode()), 1])
        counts = np.diff(catalogue.first)
        self.has_pairs = counts > 0
        self.candidate = np.where(self.has_pairs, catalogue.first[:-1], -1).astype(np.int32)
        self.state = np.full(number, State.UNDECIDED, np.int8)
        self.accepted: dict[int, None] = {}
        self.rejected: dict[int, None] = {}
        # queries that a look at the log or at a built status decides; all others are undecided at their first candidate
        touched = set(np.unique(catalogue.query[catalogue.status != 0]).tolist())
        touched |= {position for pair in ledger.pairs() if (position := catalogue.position(pair[0])) is not None}
        self.update(touched)

    def update(self, queries: Iterable[int]) -> None:
        """Look again at queries of which something was said."""
        for query in queries:
            self.candidate[query], self.state[query] = self._look(query)
            for candidate in self.catalogue.candidates(query):
                own = self.ledger.own(self.catalogue.key(candidate), self.reviewer)
                for votes, vote in ((self.accepted, True), (self.rejected, False)):
                    if own is not None and own.vote is vote:
                        votes[candidate] = None
                    else:
                        votes.pop(candidate, None)

    def _look(self, query: int) -> tuple[int, State]:
        """Return what a query asks of this reviewer; else the pair in use, by the rule of the build."""
        asked = self._asked(self.catalogue.candidates(query))
        if asked is not None:
            return asked
        used = self.catalogue.in_use(query, self.ledger)
        if not used:
            return -1, State.EXHAUSTED
        own = next((candidate for candidate in used if self._accepted(candidate)), None)
        return (own, State.ACCEPTED) if own is not None else (used[0], State.OTHERS)

    def instead(self, candidate: int) -> int | None:
        """Return the candidate that this reviewer is asked about if he rejects one; None where none is left for him."""
        candidates = self.catalogue.candidates(int(self.catalogue.query[candidate]))
        asked = self._asked([other for other in candidates if other != candidate])
        return None if asked is None else asked[0]

    def _asked(self, candidates: Iterable[int]) -> tuple[int, State] | None:
        kept = 0
        for candidate in candidates:
            state = self._state(candidate)
            if state in OPEN:
                return candidate, state
            kept += state is not None
            if kept == self.catalogue.contrasts:
                break
        return None

    def _accepted(self, candidate: int) -> bool:
        own = self.ledger.own(self.catalogue.key(candidate), self.reviewer)
        return own is not None and own.vote is True

    def _state(self, candidate: int) -> State | None:
        """Return where a candidate stands, None where it is out of play for this reviewer."""
        pair = self.catalogue.key(candidate)
        needed = self.rules.needed(pair)
        if not self.ledger.mentions(pair):
            built = self.catalogue.built_status(candidate)
            if built == "unreviewed" or pair in self.rules.known:
                return State.UNDECIDED
            return State.OTHERS if built == "accepted" else None
        own = self.ledger.own(pair, self.reviewer)
        settlement = self.ledger.settlement(pair)
        if settlement is not None and settlement.verdict is Verdict.SETTLE_REJECT:
            return None
        if own is not None and own.vote is not None:
            if own.vote or settlement is not None:
                return State.ACCEPTED if own.vote else State.OTHERS
            return None
        votes = self.ledger.votes(pair)
        if settlement is None and len(votes) < needed:
            return State.SKIPPED if own is not None else State.UNDECIDED
        return None if self.ledger.outcome(pair) is Outcome.REJECTED else State.OTHERS

    # ---- lists ---------------------------------------------------------------------------------------------------

    def in_play(self, states: Iterable[State]) -> npt.NDArray[np.int32]:
        """Return the candidates of the queries in some states; of an exhausted query, its first."""
        return self.in_play_of(np.flatnonzero(np.isin(self.state, list(states)) & self.has_pairs))

    def in_play_of(self, queries: "npt.NDArray[np.int64] | list[int]") -> npt.NDArray[np.int32]:
        """Return the candidates of some queries; of an exhausted query, its first."""
        positions = np.asarray(queries, np.int64)
        return np.where(self.candidate[positions] < 0, self.catalogue.first[positions], self.candidate[positions])

    def listed(self, candidates: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Return candidates with the undecided queries' first, then in the reviewer's order."""
        queries = self.catalogue.query[candidates]
        # one number to sort by: three times faster than lexsort
        key = self.state[queries].astype(np.int64) * len(self.order) + self.order[queries]
        return candidates[np.argsort(key, kind="stable")]

    def following(self, candidates: npt.NDArray[np.int32], after: int | None, *, count: int) -> npt.NDArray[np.int32]:
        """Return `count` candidates to go on with after a query: in the reviewer's order, round the end, the skipped ones last."""
        queries = self.catalogue.query[candidates]
        place = self.order[queries].astype(np.int64)
        if after is not None:
            place = (place - self.order[after] - 1) % len(self.order)
        key = place + len(self.order) * (self.state[queries] == State.SKIPPED)
        if count < len(key):
            nearest = np.argpartition(key, count)[:count]
            candidates, key = candidates[nearest], key[nearest]
        return candidates[np.argsort(key, kind="stable")]

    def least_doubtful(self, candidates: npt.NDArray[np.int32], *, count: int) -> npt.NDArray[np.int32]:
        """Return `count` candidates of undecided queries from the other end of the order, for the pass by captions."""
        queries = self.catalogue.query[candidates]
        candidates = candidates[self.state[queries] == State.UNDECIDED]
        return candidates[np.argsort(-self.order[self.catalogue.query[candidates]], kind="stable")][:count]

    def again(self) -> list[int]:
        """Return the queries to be looked at again: skipped, or back with another candidate than one that was rejected."""
        back = {query for c in self.rejected if self.state[query := int(self.catalogue.query[c])] == State.UNDECIDED}
        return sorted(back | set(np.flatnonzero((self.state == State.SKIPPED) & self.has_pairs).tolist()))

    def counts(self) -> dict[str, int]:
        """Return how many queries are in each state."""
        number = np.bincount(self.state[self.has_pairs], minlength=len(State))
        return {state.word: int(number[state]) for state in State}

    def needs(self, pair: PairKey) -> bool:
        """Return whether this reviewer's verdict on a pair is still asked for: others' stay hidden until it is given."""
        own = self.ledger.own(pair, self.reviewer)
        if own is not None and own.vote is not None:
            return False
        return self.ledger.settlement(pair) is None and len(self.ledger.votes(pair)) < self.rules.needed(pair)


def _order(catalogue: Catalogue, rules: Rules, *, seed: list[int]) -> npt.NDArray[np.int32]:
    """Return each query's place in a reviewer's order, (Q,) int32."""
    number = len(catalogue.query_ids)
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(number)
    if rules.by_doubt and catalogue.has_doubt:
        first = catalogue.first[:-1].clip(max=max(0, len(catalogue) - 1))
        place = np.empty(number, np.int64)
        place[np.lexsort((np.arange(number), -catalogue.doubt[first], catalogue.is_excluded[first]))] = np.arange(
            number
        )
        sequence = np.lexsort((drawn, place // STRETCH))
    else:
        sequence = drawn
    known = {position for query_id, _ in rules.known if (position := catalogue.position(query_id)) is not None}
    if known:
        sequence = _interleaved(sequence, np.array(sorted(known)), rng)
    order = np.empty(number, np.int32)
    order[sequence] = np.arange(number, dtype=np.int32)
    return order


def _interleaved(
    sequence: npt.NDArray[np.int64], known: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return a sequence with the known queries drawn in between: one a stretch, anywhere in it, so that nobody can tell which they are."""
    others = sequence[~np.isin(sequence, known)]
    begin = np.minimum(np.arange(len(known)) * (STRETCH - 1), len(others))
    end = np.minimum(begin + STRETCH - 1, len(others))
    places = rng.integers(begin, end, endpoint=True)
    return np.insert(others, places, rng.permutation(known))
