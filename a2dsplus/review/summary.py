"""A review in numbers: how much is reviewed and by whom, what was rejected and why, how far reviewers agree and how fast they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from a2dsplus.review.agreement import agreements
from a2dsplus.review.decisions import SETTLING, Decision, Mode, PairKey, Rejection, Verdict
from a2dsplus.review.ledger import Ledger, Outcome
from a2dsplus.review.store import FILE, read_ledger

# a longer gap between two verdicts is a break, not work
_BREAK_SECONDS = 120


def summary(workspace_root: Path, *, database: str | None = None, dataset: str = "") -> dict[str, Any]:
    """Return how much is reviewed, by whom, and the rejection rate by tier and reason, as plain numbers.

    {"decisions", "pairs": {"accepted", "rejected", "disputed", "bulk"}, "reviewers": [{"name", "accepted", "rejected", "skipped", "bulk",
    "seconds_a_pair", "agreement" (0..1 or None), "known": [right, asked], "first", "last"}], "tiers": {"1": {"accepted", "rejected",
    "rejection_rate" (0..1)}}, "reasons": {reason: {"rejected", "rejection_rate"}}, "agreement": [{"reviewers", "pairs", "percent", "kappa"}],
    "disagreements": [[query id, contrast query id]]}. The rate of a tier is over its decided pairs; that of a reason is over all decided
    pairs, for pairs rejected with it. `bulk`: accepted by captions alone. `dataset`: see `store.settled`.
    """
    if database is None and not (workspace_root / FILE).exists():
        return summarise(Ledger())
    return summarise(read_ledger(workspace_root, database, dataset))


def summarise(ledger: Ledger, *, known: Mapping[PairKey, bool] | None = None) -> dict[str, Any]:
    """Return a ledger's summary (see `summary`). `known`: the right answers of some pairs."""
    counts = dict.fromkeys((Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DISPUTED), 0)
    tiers: dict[int, dict[Outcome, int]] = {}
    reasons = dict.fromkeys([*map(str, Rejection), "replaced"], 0)
    bulk = 0
    for pair in ledger.pairs():
        outcome = ledger.outcome(pair)
        if outcome is Outcome.UNREVIEWED:
            continue
        counts[outcome] += 1
        if outcome is Outcome.DISPUTED:
            continue
        votes = list(ledger.votes(pair).values())
        settlement = ledger.settlement(pair)
        said = [*votes, settlement] if settlement is not None else votes
        bulk += outcome is Outcome.ACCEPTED and all(vote.mode is Mode.BULK for vote in said)
        tiers.setdefault(said[0].tier, {Outcome.ACCEPTED: 0, Outcome.REJECTED: 0})[outcome] += 1
        if outcome is Outcome.REJECTED:
            against = [d for d in said if d.vote is False or d.verdict is Verdict.SETTLE_REJECT]
            for reason in {str(d.reason) if d.reason else "replaced" for d in against}:
                reasons[reason] += 1
    decided = counts[Outcome.ACCEPTED] + counts[Outcome.REJECTED]
    return {
        "decisions": len(ledger),
        "pairs": {**{str(outcome): number for outcome, number in counts.items()}, "bulk": bulk},
        "reviewers": [_reviewer(name, ledger, known or {}) for name in ledger.reviewers()],
        "tiers": {
            str(tier): {
                "accepted": row[Outcome.ACCEPTED],
                "rejected": row[Outcome.REJECTED],
                "rejection_rate": row[Outcome.REJECTED] / sum(row.values()),
            }
            for tier, row in sorted(tiers.items())
        },
        "reasons": {
            reason: {"rejected": number, "rejection_rate": number / decided if decided else 0.0}
            for reason, number in reasons.items()
        },
        "agreement": [
            {"reviewers": list(a.reviewers), "pairs": a.pairs, "percent": a.percent, "kappa": a.kappa}
            for a in agreements(ledger)
        ],
        "disagreements": [list(pair) for pair in sorted(ledger.disputed)],
    }


def pace(history: Sequence[Decision]) -> float | None:
    """Return the median seconds from a reviewer's verdict to the next, None for fewer than three; breaks and bulk passes are left out."""
    said = [d for d in history if d.verdict not in SETTLING and d.mode is Mode.SINGLE]
    times = [datetime.fromisoformat(d.decided_at or d.at).timestamp() for d in said]
    gaps = [b - a for a, b in pairwise(times) if 0 <= b - a <= _BREAK_SECONDS]
    return median(gaps) if len(gaps) >= 3 else None


def _reviewer(name: str, ledger: Ledger, known: Mapping[PairKey, bool]) -> dict[str, Any]:
    history = ledger.history(name)
    latest = {decision.pair: decision for decision in history}
    same = shared = 0
    for pair, decision in latest.items():
        others = [other.vote for who, other in ledger.votes(pair).items() if who != name]
        if decision.vote is not None and others:
            shared += len(others)
            same += others.count(decision.vote)
    asked = {pair: decision.vote for pair, decision in latest.items() if pair in known and decision.vote is not None}
    return {
        "name": name,
        "accepted": sum(decision.vote is True for decision in latest.values()),
        "rejected": sum(decision.vote is False for decision in latest.values()),
        "skipped": sum(decision.verdict is Verdict.SKIP for decision in latest.values()),
        "bulk": sum(decision.mode is Mode.BULK and decision.vote is True for decision in latest.values()),
        "seconds_a_pair": pace(history),
        "agreement": same / shared if shared else None,
        "known": [sum(vote is known[pair] for pair, vote in asked.items()), len(asked)],
        "first": history[0].at,
        "last": history[-1].at,
    }
