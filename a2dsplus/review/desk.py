"""The review at work: one dataset, one log, any number of reviewers. What the server's addresses answer, as plain values."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from a2dsplus.contrast.reviewed import in_use, order_after_review, to_publish
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError
from a2dsplus.records import Pair, Slot, Status
from a2dsplus.review.catalogue import Catalogue
from a2dsplus.review.decisions import REASONS, SETTLING, Decision, DecisionError, PairKey, Verdict, reviewer_name
from a2dsplus.review.index import Caption, stamp
from a2dsplus.review.ledger import Outcome
from a2dsplus.review.media import Media
from a2dsplus.review.queue import OPEN, Queue, Rules, State
from a2dsplus.review.shown import row, votes, whole, words
from a2dsplus.review.store import Store, summarise

STATUSES = ("undecided", "all", "accepted", "rejected", "skipped", "others", "disputed", "exhausted")
_MOST_ROWS = 200
# a longer gap between two verdicts is a break, not work
_BREAK_SECONDS = 120


class QuestionError(InputError):
    """A request asks for what does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which pairs to list. `role`: a slot that differs; `by`: judged by this reviewer; `text`: in one of the two captions or ids."""

    status: str = "undecided"
    tier: int | None = None
    role: str | None = None
    by: str | None = None
    text: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Filters":
        """Return the filters of a request's parameters; raises QuestionError where one is none."""
        status, tier, role = values.get("status") or "undecided", values.get("tier") or "", values.get("role") or ""
        if status not in STATUSES:
            raise QuestionError(f"status {status!r}: expected one of {', '.join(STATUSES)}")
        if tier not in ("", "1", "2", "3", "4"):
            raise QuestionError(f"tier {tier!r}: expected 1, 2, 3 or 4")
        if role and role not in list(Slot):
            raise QuestionError(f"role {role!r}: expected one of {', '.join(Slot)}")
        by = reviewer_name(values["by"]) if values.get("by") else None
        text = " ".join(values.get("text", "").split())
        return cls(status=status, tier=int(tier) if tier else None, role=role or None, by=by, text=text)


class Desk:
    """Answers of one review. Safe to use from several threads: one at a time is inside."""

    def __init__(self, workspace: Workspace, store: Store, *, rules: Rules) -> None:
        self.workspace, self.store, self.rules = workspace, store, rules
        self._lock = threading.RLock()
        self._queues: dict[str, Queue] = {}
        self.ledger = store.ledger()
        self._load()

    def _load(self) -> None:
        self.catalogue = Catalogue(self.workspace)
        self.media = Media(self.workspace, self.catalogue)
        self._queues.clear()
        self._looked = time.monotonic()

    def refresh(self) -> None:
        """Take in what other servers have logged, and the tables where a build has changed them."""
        with self._lock:
            for decision in self.store.since(self.ledger.seq):
                self._take(decision)
            if time.monotonic() - self._looked > 2:
                self._looked = time.monotonic()
                if stamp(self.workspace) != self.catalogue.index.stamp:
                    self._load()

    def _take(self, decision: Decision) -> None:
        pair = self.ledger.apply(decision)
        query = self.catalogue.position(pair[0])
        if query is not None:
            for queue in self._queues.values():
                queue.update([query])

    def queue(self, reviewer: str) -> Queue:
        """Return a reviewer's queue."""
        with self._lock:
            if reviewer not in self._queues:
                self._queues[reviewer] = Queue(self.catalogue, self.ledger, reviewer=reviewer, rules=self.rules)
            return self._queues[reviewer]

    # ---- questions -----------------------------------------------------------------------------------------------

    def session(self, reviewer: str) -> dict[str, Any]:
        """Return what a page needs to start: progress, reviewers, the words for reasons, roles and states, the last decision."""
        with self._lock:
            self.refresh()
            history = self.ledger.history(reviewer)
            return {
                "dataset": self.workspace.root.resolve().name,
                "reviewer": reviewer,
                "reviewers": self.ledger.reviewers(),
                "reasons": {reason.value: words for reason, words in REASONS.items()},
                "statuses": list(STATUSES),
                "slots": [slot.value for slot in Slot],
                "double": self.rules.double,
                "last": words(history[-1]) if history else None,
                "progress": self.progress(reviewer),
            }

    def progress(self, reviewer: str) -> dict[str, Any]:
        """Return how far a reviewer is: `total` queries, those `done`, each state's count, seconds a pair and left (or None)."""
        counts = self.queue(reviewer).counts()
        total, left = sum(counts.values()), sum(counts[state.word] for state in OPEN)
        recent = [d for d in self.ledger.history(reviewer)[-31:] if d.verdict not in SETTLING]
        times = [datetime.fromisoformat(d.at).timestamp() for d in recent]
        gaps = [b - a for a, b in pairwise(times) if 0 <= b - a <= _BREAK_SECONDS]
        pace = median(gaps) if len(gaps) >= 3 else None
        return {
            "total": total,
            "done": total - left,
            "counts": counts,
            "disputed": len(self.ledger.disputed),
            "seconds_a_pair": pace,
            "seconds_left": None if pace is None else pace * left,
        }

    def listing(self, reviewer: str, filters: Filters, *, offset: int, limit: int) -> dict[str, Any]:
        """Return a page of the list: {"total", "offset", "rows"}; at most 200 rows."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            found = queue.listed(self._chosen(queue, filters))
            page = found[offset : offset + min(limit, _MOST_ROWS)].tolist()
            return {"total": len(found), "offset": offset, "rows": [row(queue, candidate) for candidate in page]}

    def ahead(self, reviewer: str, filters: Filters, *, after: PairKey | None, count: int) -> dict[str, Any]:
        """Return the next pairs to show after one, whole: {"total", "pairs"}; the first undecided ones where `after` is None."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            chosen = self._chosen(queue, filters)
            query = self.catalogue.position(after[0]) if after else None
            found = queue.following(chosen, query, count=count + 1).tolist()
            shown = [candidate for candidate in found if self.catalogue.key(candidate) != after]
            return {"total": len(chosen), "pairs": [whole(queue, self.media, candidate) for candidate in shown[:count]]}

    def pair(self, reviewer: str, pair: PairKey) -> dict[str, Any]:
        """Return one pair, whole; raises QuestionError where the dataset has no such pair."""
        with self._lock:
            self.refresh()
            candidate = self.catalogue.candidate(pair)
            if candidate is None:
                raise QuestionError(f"pair {' with '.join(pair)}: not in this dataset")
            return whole(self.queue(reviewer), self.media, candidate)

    def agreement(self, reviewer: str) -> dict[str, Any]:
        """Return the summary, and the disagreements that this reviewer may see: those he is not asked about himself."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            found = self._disputes(queue)
            rows = [{**row(queue, candidate), "votes": votes(queue, candidate)} for candidate in found[:_MOST_ROWS]]
            return {
                **summarise(self.ledger),
                "disagreements": rows,
                "hidden": len(self.ledger.disputed) - len(found),
            }

    def caption(self, query_id: str) -> Caption:
        """Return a query; raises QuestionError where the dataset has no such one."""
        caption = self.catalogue.index.caption(query_id)
        if caption is None:
            raise QuestionError(f"query {query_id!r}: not in this dataset")
        return caption

    # ---- decisions -----------------------------------------------------------------------------------------------

    def decide(self, decision: Decision) -> dict[str, Any]:
        """Log a decision; return {"saved": {"id", "seq", "at"}, "progress", "pair"} once it is on disk.

        `pair`: after `replace` the candidate now in play (or None where none is left), after `undo` the pair gone back to. Raises
        DecisionError where the pair is none of the dataset, or there is nothing to undo or to settle.
        """
        with self._lock:
            self.refresh()
            logged = self.store.append(self._checked(decision))
            if logged.seq > self.ledger.seq:
                for new in self.store.since(self.ledger.seq):
                    self._take(new)
            queue = self.queue(decision.reviewer)
            shown: int | None = None
            if logged.verdict is Verdict.REPLACE:
                query = self.catalogue.position(logged.query_id)
                in_play = -1 if query is None else int(queue.candidate[query])
                shown = in_play if in_play >= 0 else None
            elif logged.verdict is Verdict.UNDO:
                shown = self.catalogue.candidate(logged.pair)
            return {
                "saved": {"id": logged.decision_id, "seq": logged.seq, "at": logged.at},
                "progress": self.progress(decision.reviewer),
                "pair": None if shown is None else whole(queue, self.media, shown),
            }

    def _checked(self, decision: Decision) -> Decision:
        if self.ledger.get(decision.decision_id) is not None and decision.verdict is not Verdict.UNDO:
            return decision
        if decision.verdict is Verdict.UNDO:
            undone = self.ledger.get(decision.undoes or "")
            if undone is None or undone.reviewer != decision.reviewer:
                raise DecisionError(f"undoes {decision.undoes}: no decision of {decision.reviewer} has this id")
            if self.ledger.get(decision.decision_id) is None and not self.ledger.stands(undone.decision_id):
                raise DecisionError(f"undoes {decision.undoes}: taken back already")
            return replace(
                decision,
                query_id=undone.query_id,
                contrast_query_id=undone.contrast_query_id,
                tier=undone.tier,
                rank=undone.rank,
            )
        candidate = self.catalogue.candidate(decision.pair)
        if candidate is None:
            raise DecisionError(f"pair {' with '.join(decision.pair)}: not in this dataset; reload the page")
        if decision.verdict in SETTLING and len({d.vote for d in self.ledger.votes(decision.pair).values()}) < 2:
            raise DecisionError(f"pair {' with '.join(decision.pair)}: nobody disagrees about it; vote instead")
        return replace(decision, tier=int(self.catalogue.tier[candidate]), rank=int(self.catalogue.rank[candidate]))

    def pairs(self) -> list[Pair]:
        """Return every candidate with the status and the rank that the review gives it, as a build now would."""
        with self._lock:
            self.refresh()
            found: list[Pair] = []
            for query in range(len(self.catalogue.query_ids)):
                candidates = self.catalogue.candidates(query)
                statuses = [self._status(candidate) for candidate in candidates]
                found += [
                    self.catalogue.pair(candidates[place], rank=rank, status=statuses[place])
                    for rank, place in enumerate(order_after_review(statuses))
                ]
            return found

    def _status(self, candidate: int) -> Status:
        pair = self.catalogue.key(candidate)
        if not self.ledger.mentions(pair):
            return self.catalogue.built_status(candidate)
        outcome = self.ledger.outcome(pair)
        return "unreviewed" if outcome is Outcome.DISPUTED else cast(Status, outcome.value)

    # ---- parts ---------------------------------------------------------------------------------------------------

    def _chosen(self, queue: Queue, filters: Filters) -> npt.NDArray[np.int32]:
        """Return the candidates that pass the filters, in no order."""
        found = self._with_status(queue, filters)
        keep = np.ones(len(found), bool)
        if filters.tier is not None:
            keep &= self.catalogue.tier[found] == filters.tier
        if filters.role is not None:
            keep &= (self.catalogue.differing[found] >> list(Slot).index(Slot(filters.role)) & 1).astype(bool)
        if filters.text:
            holds = np.zeros(len(self.catalogue.query_ids), bool)
            holds[self.catalogue.index.containing(filters.text)] = True
            keep &= holds[self.catalogue.query[found]] | holds[self.catalogue.contrast[found]]
        return found[keep]

    def _with_status(self, queue: Queue, filters: Filters) -> npt.NDArray[np.int32]:
        if filters.by is None:
            if filters.status == "rejected":
                return np.array(list(queue.rejected), np.int32)
            if filters.status == "disputed":
                return np.array(self._disputes(queue), np.int32)
            if filters.status == "undecided":
                return queue.in_play(OPEN)
            return queue.in_play([state for state in State if filters.status in ("all", state.word)])
        judged = {d.pair for d in self.ledger.history(filters.by) if d.vote is not None}
        found = [
            candidate
            for pair in judged
            if self._fits(queue, pair, filters.status) and (candidate := self.catalogue.candidate(pair)) is not None
        ]
        return np.array(found, np.int32)

    def _fits(self, queue: Queue, pair: PairKey, status: str) -> bool:
        own = self.ledger.own(pair, queue.reviewer)
        return {
            "all": True,
            "undecided": queue.needs(pair),
            "accepted": own is not None and own.vote is True,
            "rejected": own is not None and own.vote is False,
            "skipped": own is not None and own.verdict is Verdict.SKIP,
            "others": own is None and not queue.needs(pair),
            "disputed": self.ledger.outcome(pair) is Outcome.DISPUTED and not queue.needs(pair),
            "exhausted": False,
        }[status]

    def _disputes(self, queue: Queue) -> list[int]:
        found = (self.catalogue.candidate(pair) for pair in sorted(self.ledger.disputed) if not queue.needs(pair))
        return [candidate for candidate in found if candidate is not None]


def export(desk: Desk, path: Path) -> tuple[int, int]:
    """Write the reviewed pairs as a list of ids and statuses; return how many are in use and how many of those are accepted."""
    from a2dsplus.contrast.pairs_file import write_pairs

    manifest = desk.workspace.manifest() or {}
    pairs = desk.pairs()
    number = write_pairs(path, to_publish(pairs), split=str(manifest.get("split", "test")))
    return number, sum(pair.status == "accepted" for pair in in_use(pairs))
