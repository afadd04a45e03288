"""The report's first question: does this model ground? Answered by the pairs, else by what whoever reads no query scores."""

from dataclasses import dataclass

from a2dsplus.score.results import SubsetScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """An answer in a few words, and the sentences that bear it out."""

    answer: str
    reasons: tuple[str, ...]


def headline(own: SubsetScore) -> Headline | None:
    """Return the answer that a subset's figures give; None where it holds no contrasts."""
    if not own.blind:
        return None
    reasons = []
    pair, value = own.figures.get("pair"), own.figures.get("mIoU")
    group = own.figures.get("group")
    if pair is not None:
        unread = max((row.get("pair") or 0.0 for row in own.blind.values()), default=0.0)
        answer = "In none of the pairs" if pair == 0 else f"In {_percent(pair)}% of the pairs"
        reasons.append(
            f"Both captions of a pair are answered right on one composite in {_percent(pair)}% of the pairs"
            + ("" if group is None else f", in both orders in {_percent(group)}%")
            + f"; whoever reads no query scores {_percent(unread) if unread else 0}."
        )
    else:
        answer = "Cannot be told"
        reasons.append("Each composite is asked one caption (recipe paper), so there is no pair score.")
    known = {name: row["mIoU"] for name, row in own.blind.items() if row.get("mIoU") is not None}
    if value is not None and known:
        best = max(known, key=lambda name: known[name] or 0.0)
        gap = value - (known[best] or 0.0)
        side = "above" if gap > 0 else "below"
        reasons.append(
            f"mIoU {_percent(value)} is {100 * abs(gap):.1f} points {side} the best blind row ({best}: {_percent(known[best])})."
        )
        if pair is None:
            low = own.intervals.get("mIoU", (value, value))[0]
            answer = "More than position tells" if low > (known[best] or 0.0) else "Not shown"
            if len(known) == 1:
                answer = "Cannot be told"
                reasons.append("The dataset has no counts of what position alone scores; build it again to see.")
    leak = own.figures.get("leak")
    if leak is not None:
        what = (
            "frames of the other clip have a mask"
            if own.context.is_temporal()
            else "predicted pixels lie on the other clip"
        )
        reasons.append(f"{_percent(leak)}% of the {what}.")
    return Headline(answer=answer, reasons=tuple(reasons))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
