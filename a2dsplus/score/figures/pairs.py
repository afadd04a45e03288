"""Captions that are asked of one composite, judged together: whether a model tells the two clips of a pair apart.

Q queries (a caption on a sample), P pairs of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints
from a2dsplus.score.counting.measure import Counts

IN_OTHER_ORDER = "_r"  # what a sample's id ends in where the same pair is there in both orders
_RIGHT = 0.5  # a caption's mean IoU must be more


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The places of P pairs' two captions among Q queries, both (P,); `other`: the place of the same pair in the other order, -1 for none."""

    query: Ints
    contrast: Ints
    other: Ints

    def __len__(self) -> int:
        return len(self.query)

    def among(self, queries: Ints) -> "Pairs":
        """Return the pairs both of whose captions are among some queries (ascending places), as places among these."""
        inside = np.isin(self.query, queries) & np.isin(self.contrast, queries)
        numbers = np.where(inside, np.cumsum(inside) - 1, -1)
        other = np.where(self.other >= 0, numbers[self.other], -1)
        return Pairs(
            query=np.searchsorted(queries, self.query[inside]),
            contrast=np.searchsorted(queries, self.contrast[inside]),
            other=other[inside],
        )


def asked_both_ways(samples: Mapping[str, tuple[Any, Any]], numbers: Mapping[Any, int]) -> Pairs:
    """Return the pairs of {sample id: (query, contrast)}; `numbers`: each query's place. Those of `x` and `x_r` are one in both orders."""
    places = {sample: place for place, sample in enumerate(samples)}
    other = np.full(len(samples), -1, np.int64)
    for sample, place in places.items():
        fellow = places.get(sample + IN_OTHER_ORDER)
        if fellow is not None:
            other[place], other[fellow] = fellow, place
    return Pairs(
        query=np.array([numbers[query] for query, _ in samples.values()], np.int64),
        contrast=np.array([numbers[contrast] for _, contrast in samples.values()], np.int64),
        other=other,
    )


def captions_right(counts: Counts, query_of: Ints, queries: int) -> npt.NDArray[np.bool_]:
    """Return whether each query is answered: mean IoU above 0.5 where its referent is, no pixel where it is not. Shape (Q,)."""
    there = counts.true > 0
    ious = np.where(there, counts.intersection / np.maximum(counts.union, 1), 0.0)
    frames = np.bincount(query_of, weights=there, minlength=queries)
    means = np.bincount(query_of, weights=ious, minlength=queries) / np.maximum(frames, 1)
    shouts = np.bincount(query_of, weights=~there & (counts.predicted > 0), minlength=queries)
    out: npt.NDArray[np.bool_] = ((means > _RIGHT) | (frames == 0)) & (shouts == 0)
    return out


def pairs_right(
    right: npt.NDArray[np.bool_], pairs: Pairs
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Ints]:
    """Return whether both captions of each pair are right, (P,); whether they are in both orders, (G,); and the places of those G pairs."""
    both = right[pairs.query] & right[pairs.contrast]
    firsts = np.flatnonzero(pairs.other > np.arange(len(pairs)))  # a pair in both orders counts once
    return both, both[firsts] & both[pairs.other[firsts]], firsts
