"""The review at work: one dataset, one log, any number of reviewers. What the server's addresses answer, as plain values."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from a2dsplus.contrast.reviewed import order_after_review
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.records import Pair, Slot, SubsetName
from a2dsplus.review.catalogue import Catalogue, fingerprint
from a2dsplus.review.decisions import REASONS, SETTLING, Decision, DecisionError, PairKey, Sent, Verdict
from a2dsplus.review.filters import STATUSES, Filters, QuestionError, chosen, disputes, facets
from a2dsplus.review.index import Caption, stamp
from a2dsplus.review.ledger import Outcome
from a2dsplus.review.media import Media
from a2dsplus.review.queue import OPEN, Queue, Rules
from a2dsplus.review.shown import in_bulk, row, votes, whole, words
from a2dsplus.review.store import Store
from a2dsplus.review.summary import pace, summarise

_MOST_ROWS = 200
_RECENT = 10


class StaleError(DecisionError):
    """A decision would override one that the page did not show: another window has decided in the meantime."""


class Desk:
    """Answers of one review. Safe to use from several threads: one at a time is inside, but for a write that waits for its disk."""

    def __init__(self, workspace: Workspace, store: Store, *, rules: Rules) -> None:
        self.workspace, self.store, self.rules = workspace, store, rules
        self.dataset = fingerprint(workspace)
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
            self._take_new()
            if time.monotonic() - self._looked > 2:
                self._looked = time.monotonic()
                if stamp(self.workspace) != self.catalogue.index.stamp:
                    self._load()

    def _take_new(self) -> None:
        for decision in self.store.since(self.ledger.seq):
            query = self.catalogue.position(self.ledger.apply(decision)[0])
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
        """Return what a page needs to start: progress, reviewers, the words for reasons, roles and states, the last verdicts."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            return {
                "dataset": self.dataset,
                "name": self.workspace.root.resolve().name,
                "reviewer": reviewer,
                "reviewers": self.ledger.reviewers(),
                "reasons": {reason.value: words for reason, words in REASONS.items()},
                "statuses": list(STATUSES),
                "slots": [slot.value for slot in Slot],
                "double": self.rules.double,
                "contrasts": self.catalogue.contrasts,
                "by_doubt": self.rules.by_doubt and self.catalogue.has_doubt,
                "has_doubt": self.catalogue.has_doubt,
                "recent": self._recent(queue),
                "facets": facets(queue),
                "progress": self.progress(reviewer),
            }

    def _recent(self, queue: Queue) -> list[dict[str, Any]]:
        """Return the reviewer's last standing verdicts, the latest first; a pair that is in the dataset no more is left out."""
        found: dict[PairKey, dict[str, Any]] = {}
        for decision in reversed(self.ledger.history(queue.reviewer)):
            candidate = self.catalogue.candidate(decision.pair)
            if candidate is not None and decision.pair not in found:
                found[decision.pair] = {**row(queue, candidate), "decision": words(decision)}
            if len(found) == _RECENT:
                break
        return list(found.values())

    def progress(self, reviewer: str) -> dict[str, Any]:
        """Return how far a reviewer is: `total` queries, those `done`, to look at `again`, each state's count, seconds a pair and
        left (or None), and the disputes that wait for somebody who is no party to them."""
        with self._lock:
            queue = self.queue(reviewer)
            counts = queue.counts()
            total, left = sum(counts.values()), sum(counts[state.word] for state in OPEN)
            seconds = pace(self.ledger.history(reviewer)[-31:])
            return {
                "total": total,
                "done": total - left,
                "again": len(queue.again()),
                "counts": counts,
                "disputed": len(self.ledger.disputed),
                "to_settle": sum(not self._is_party(self.catalogue.key(c), reviewer) for c in disputes(queue)),
                "seconds_a_pair": seconds,
                "seconds_left": None if seconds is None else seconds * left,
            }

    def _is_party(self, pair: PairKey, reviewer: str) -> bool:
        return reviewer in self.ledger.votes(pair)

    def listing(self, reviewer: str, filters: Filters, *, offset: int, limit: int) -> dict[str, Any]:
        """Return a page of the list: {"total", "offset", "rows"}; at most 200 rows."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            found = queue.listed(chosen(queue, filters))
            page = found[offset : offset + min(limit, _MOST_ROWS)].tolist()
            return {"total": len(found), "offset": offset, "rows": [row(queue, candidate) for candidate in page]}

    def ahead(self, reviewer: str, filters: Filters, *, after: PairKey | None, count: int) -> dict[str, Any]:
        """Return the next pairs to show after one, whole: {"total", "pairs"}; the first undecided ones where `after` is None."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            passing = chosen(queue, filters)
            query = self.catalogue.position(after[0]) if after else None
            found = queue.following(passing, query, count=count + 1).tolist()
            shown = [candidate for candidate in found if self.catalogue.key(candidate) != after]
            return {
                "total": len(passing),
                "pairs": [whole(queue, self.media, candidate) for candidate in shown[:count]],
            }

    def bulk(self, reviewer: str, filters: Filters, *, count: int) -> dict[str, Any]:
        """Return the open pairs that captions exclude with the least doubt, as captions alone: {"total", "rows"}."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            passing = chosen(queue, replace(filters, status="undecided", grade="excluded"))
            found = queue.least_doubtful(passing, count=count).tolist()
            return {"total": len(passing), "rows": [in_bulk(queue, candidate) for candidate in found]}

    def pair(self, reviewer: str, pair: PairKey) -> dict[str, Any]:
        """Return one pair, whole; raises QuestionError where the dataset has no such pair."""
        with self._lock:
            self.refresh()
            return whole(self.queue(reviewer), self.media, self._candidate(pair))

    def instead(self, reviewer: str, pair: PairKey) -> dict[str, Any]:
        """Return {"pair": the pair, whole, that comes in where the reviewer rejects one, or None}."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            candidate = queue.instead(self._candidate(pair))
            return {"pair": None if candidate is None else whole(queue, self.media, candidate)}

    def _candidate(self, pair: PairKey) -> int:
        candidate = self.catalogue.candidate(pair)
        if candidate is None:
            raise QuestionError(f"pair {' with '.join(pair)}: not in this dataset")
        return candidate

    def agreement(self, reviewer: str) -> dict[str, Any]:
        """Return the summary, and the disagreements that this reviewer may see: those he is not asked about himself."""
        with self._lock:
            self.refresh()
            queue = self.queue(reviewer)
            found = disputes(queue)
            rows = [
                {
                    **row(queue, candidate),
                    "votes": votes(queue, candidate),
                    "party": self._is_party(self.catalogue.key(candidate), reviewer),
                }
                for candidate in found[:_MOST_ROWS]
            ]
            return {
                **summarise(self.ledger, known=self.rules.known),
                "disagreements": rows,
                "hidden": len(self.ledger.disputed) - len(found),
            }

    def preview(self, subset: SubsetName, pair: PairKey) -> Path:
        """Return the composed sample of a pair as an mp4; raises QuestionError, ClipError."""
        with self._lock:
            self._candidate(pair)
            query, contrast = self.caption(pair[0]), self.caption(pair[1])
        return self.media.preview(subset, query, contrast)

    def caption(self, query_id: str) -> Caption:
        """Return a query; raises QuestionError where the dataset has no such one."""
        caption = self.catalogue.index.caption(query_id)
        if caption is None:
            raise QuestionError(f"query {query_id!r}: not in this dataset")
        return caption

    # ---- decisions -----------------------------------------------------------------------------------------------

    def decide(self, reviewer: str, sent: Sequence[Sent | DecisionError]) -> dict[str, Any]:
        """Log decisions of a reviewer; return {"results", "progress", "recent"} once they are on disk.

        `results`: for each {"id", "seq", "at", "pair"} or, where it cannot be logged, {"id", "error"}: a pair of another dataset, nothing
        to undo or to settle, a verdict that the page did not know of. `pair`: what now comes in for a rejected candidate (None: none is
        left), or the pair that an undo goes back to.
        """
        results: list[dict[str, Any]] = []
        # an undo may be of what was sent just before it: by then that is in the log
        runs: list[list[Sent | DecisionError]] = [[]]
        for item in sent:
            if isinstance(item, Sent) and item.decision.verdict is Verdict.UNDO:
                runs.append([])
            runs[-1].append(item)
        for run in filter(None, runs):
            results += self._logged(run)
        with self._lock:
            return {
                "results": results,
                "progress": self.progress(reviewer),
                "recent": self._recent(self.queue(reviewer)),
            }

    def _logged(self, run: Sequence[Sent | DecisionError]) -> list[dict[str, Any]]:
        with self._lock:
            self.refresh()
            checked = [self._checked(item) for item in run]
        # outside: while this waits for the disk or for another writer, others read on
        logged = iter(self.store.append_all([item for item in checked if isinstance(item, Decision)]))
        with self._lock:
            self._take_new()
            return [self._answer(next(logged) if isinstance(item, Decision) else item, of=item) for item in checked]

    def _answer(self, outcome: Decision | DecisionError, *, of: Decision | DecisionError) -> dict[str, Any]:
        if isinstance(outcome, DecisionError):
            kind = "stale" if isinstance(outcome, StaleError) else "not-accepted"
            name = of.decision_id if isinstance(of, Decision) else getattr(of, "decision_id", None)
            return {"id": name, "error": {"code": kind, "message": str(outcome)}}
        queue = self.queue(outcome.reviewer)
        shown: int | None = None
        if outcome.vote is False:
            candidate = self.catalogue.candidate(outcome.pair)
            shown = None if candidate is None else queue.instead(candidate)
        elif outcome.verdict is Verdict.UNDO:
            shown = self.catalogue.candidate(outcome.pair)
        pair = None if shown is None else whole(queue, self.media, shown)
        return {"id": outcome.decision_id, "seq": outcome.seq, "at": outcome.at, "pair": pair}

    def _checked(self, item: Sent | DecisionError) -> Decision | DecisionError:
        if isinstance(item, DecisionError):
            return item
        try:
            return self._fits(item)
        except DecisionError as error:
            error.decision_id = item.decision.decision_id
            return error

    def _fits(self, sent: Sent) -> Decision:
        """Return a decision with the tier and rank of its pair; raises DecisionError where it does not fit what is logged."""
        decision = sent.decision
        logged = self.ledger.get(decision.decision_id)
        if decision.verdict is Verdict.UNDO:
            return self._undo(decision, again=logged is not None)
        if logged is not None:
            return decision
        candidate = self.catalogue.candidate(decision.pair)
        if candidate is None:
            raise DecisionError(f"pair {' with '.join(decision.pair)}: not in this dataset; reload the page")
        if decision.verdict in SETTLING:
            found = self.ledger.votes(decision.pair)
            if len({vote.vote for vote in found.values()}) < 2:
                raise DecisionError(f"pair {' with '.join(decision.pair)}: nobody disagrees about it; vote instead")
            if decision.reviewer in found:
                raise DecisionError(
                    f"pair {' with '.join(decision.pair)}: {decision.reviewer} is a party to it; change the own verdict, or let"
                    " somebody settle it who has not judged it"
                )
        else:
            own = self.ledger.own(decision.pair, decision.reviewer)
            if own is not None and sent.saw is not None and sent.saw != own.decision_id:
                raise StaleError(
                    f"pair {' with '.join(decision.pair)}: decided in another window ({own.verdict} at {own.at[11:16]} UTC);"
                    " decide again to override that"
                )
        return replace(decision, tier=int(self.catalogue.tier[candidate]), rank=int(self.catalogue.rank[candidate]))

    def _undo(self, decision: Decision, *, again: bool) -> Decision:
        undone = self.ledger.get(decision.undoes or "")
        if undone is None or undone.reviewer != decision.reviewer:
            raise DecisionError(f"undoes {decision.undoes}: no decision of {decision.reviewer} has this id")
        if not again and not self.ledger.stands(undone.decision_id):
            raise DecisionError(f"undoes {decision.undoes}: taken back already")
        return replace(
            decision,
            query_id=undone.query_id,
            contrast_query_id=undone.contrast_query_id,
            tier=undone.tier,
            rank=undone.rank,
        )

    # ---- what the review makes of the pairs ----------------------------------------------------------------------

    def pairs(self) -> list[Pair]:
        """Return every candidate with the status and the rank that the review gives it, as a build now would."""
        with self._lock:
            self.refresh()
            found: list[Pair] = []
            for query in range(len(self.catalogue.query_ids)):
                candidates = self.catalogue.candidates(query)
                statuses = [self.catalogue.status_after(candidate, self.ledger) for candidate in candidates]
                found += [
                    self.catalogue.pair(candidates[place], rank=rank, status=statuses[place])
                    for rank, place in enumerate(order_after_review(statuses))
                ]
            return found

    def is_disputed(self, pair: PairKey) -> bool:
        """Return whether reviewers disagree about a pair and nobody has settled it."""
        return self.ledger.outcome(pair) is Outcome.DISPUTED
