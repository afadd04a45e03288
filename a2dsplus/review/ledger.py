"""The log folded into what holds now: whose verdict stands for which pair, and what that makes of the pair."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from a2dsplus.review.decisions import SETTLING, Decision, PairKey, Verdict


class Outcome(StrEnum):
    """What the reviewers together say of a pair. Disputed: they disagree and nobody has settled it."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DISPUTED = "disputed"


class Ledger:
    """Decisions that have not been taken back, by pair and by reviewer; fed in the log's order.

    `disputed`: the pairs whose reviewers disagree and that nobody has settled.
    """

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        self.seq = 0
        self._standing: dict[PairKey, list[Decision]] = {}
        self._history: dict[str, list[Decision]] = {}
        self._known: dict[str, Decision] = {}
        self.disputed: set[PairKey] = set()
        for decision in decisions:
            self.apply(decision)

    def __len__(self) -> int:
        return len(self._known)

    def apply(self, decision: Decision) -> PairKey:
        """Take in the log's next decision; return the pair whose standing it changes."""
        pair = self._take(decision)
        (self.disputed.add if self.outcome(pair) is Outcome.DISPUTED else self.disputed.discard)(pair)
        return pair

    def _take(self, decision: Decision) -> PairKey:
        self.seq = max(self.seq, decision.seq)
        self._known[decision.decision_id] = decision
        if decision.verdict is not Verdict.UNDO:
            self._standing.setdefault(decision.pair, []).append(decision)
            self._history.setdefault(decision.reviewer, []).append(decision)
            return decision.pair
        undone = self._known.get(decision.undoes or "")
        if undone is None or undone.reviewer != decision.reviewer:
            return decision.pair
        for decisions in (self._standing[undone.pair], self._history[undone.reviewer]):
            # an undo is nearly always of the latest decision: search from the end
            for index in range(len(decisions) - 1, -1, -1):
                if decisions[index].decision_id == undone.decision_id:
                    del decisions[index]
                    break
        return undone.pair

    def get(self, decision_id: str) -> Decision | None:
        """Return a logged decision, taken back or not."""
        return self._known.get(decision_id)

    def stands(self, decision_id: str) -> bool:
        """Return whether a decision is logged and has not been taken back."""
        decision = self._known.get(decision_id)
        return decision is not None and decision in self._standing.get(decision.pair, ())

    def pairs(self) -> Iterator[PairKey]:
        """Yield every pair that the log mentions, also where everything said of it has been taken back."""
        return iter(self._standing)

    def mentions(self, pair: PairKey) -> bool:
        """Return whether anything was ever said of a pair."""
        return pair in self._standing

    def own(self, pair: PairKey, reviewer: str) -> Decision | None:
        """Return the reviewer's standing decision about a pair (accept, reject, replace or skip)."""
        for decision in reversed(self._standing.get(pair, ())):
            if decision.reviewer == reviewer and decision.verdict not in SETTLING:
                return decision
        return None

    def votes(self, pair: PairKey) -> dict[str, Decision]:
        """Return {reviewer: standing vote}; a reviewer who skipped last has none."""
        latest = {d.reviewer: d for d in self._standing.get(pair, ()) if d.verdict not in SETTLING}
        return {reviewer: decision for reviewer, decision in latest.items() if decision.vote is not None}

    def settlement(self, pair: PairKey) -> Decision | None:
        """Return the standing settlement of a pair's disagreement; the latest where there are several."""
        for decision in reversed(self._standing.get(pair, ())):
            if decision.verdict in SETTLING:
                return decision
        return None

    def outcome(self, pair: PairKey) -> Outcome:
        """Return what holds for a pair: its settlement, or else what all votes agree on."""
        settled = self.settlement(pair)
        if settled is not None:
            return Outcome.ACCEPTED if settled.verdict is Verdict.SETTLE_ACCEPT else Outcome.REJECTED
        votes = {decision.vote for decision in self.votes(pair).values()}
        if not votes:
            return Outcome.UNREVIEWED
        if len(votes) == 2:
            return Outcome.DISPUTED
        return Outcome.ACCEPTED if votes == {True} else Outcome.REJECTED

    def history(self, reviewer: str) -> list[Decision]:
        """Return a reviewer's standing decisions, oldest first."""
        return self._history.get(reviewer, [])

    def reviewers(self) -> list[str]:
        """Return everybody with a standing decision, by name."""
        return sorted(name for name, decisions in self._history.items() if decisions)
