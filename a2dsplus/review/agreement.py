"""How far reviewers agree: percent and Cohen's kappa, over the pairs that two of them judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from a2dsplus.review.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two reviewers' agreement over the `pairs` that both judged. `kappa` is None where it is not defined (see `cohen_kappa`)."""

    reviewers: tuple[str, str]
    pairs: int
    same: int
    kappa: float | None

    @property
    def percent(self) -> float:
        """The share of pairs with the same verdict, in percent; 0 where there is no pair."""
        return 100 * self.same / self.pairs if self.pairs else 0.0


def cohen_kappa(votes: Sequence[tuple[bool, bool]]) -> float | None:
    """Return Cohen's kappa (1960) of two raters' yes/no votes: (observed - expected) / (1 - expected) agreement.

    None where there are no votes, or where both raters said one and the same thing throughout: agreement by chance is then
    certain, and the quotient is 0/0.
    """
    if not votes:
        return None
    n = len(votes)
    observed = sum(a == b for a, b in votes) / n
    first, second = sum(a for a, _ in votes) / n, sum(b for _, b in votes) / n
    expected = first * second + (1 - first) * (1 - second)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreements(ledger: Ledger) -> list[Agreement]:
    """Return the agreement of every two reviewers who judged a pair in common, by name."""
    common: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for pair in ledger.pairs():
        votes = ledger.votes(pair)
        for first, second in combinations(sorted(votes), 2):
            common.setdefault((first, second), []).append((bool(votes[first].vote), bool(votes[second].vote)))
    return [
        Agreement(reviewers=names, pairs=len(votes), same=sum(a == b for a, b in votes), kappa=cohen_kappa(votes))
        for names, votes in sorted(common.items())
    ]


def watched(ledger: Ledger) -> str:
    """Return who stands behind a list of pairs, for the list: how many people, and how far they agree; "" where nobody has judged."""
    people = [name for name in ledger.reviewers() if any(d.vote is not None for d in ledger.history(name))]
    if not people:
        return ""
    told = f"watched by {len(people)} {'person' if len(people) == 1 else 'people'}"
    known = [(found.pairs, found.kappa) for found in agreements(ledger) if found.kappa is not None]
    number = sum(pairs for pairs, _ in known)
    if not number:
        return told
    kappa = sum(pairs * value for pairs, value in known) / number
    return f"{told}, Cohen's kappa {kappa:.2f} over {number} pairs that two of them judged"
