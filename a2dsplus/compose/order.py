"""Which clip of a composite comes first: left in S, ahead in T."""

from collections.abc import Iterable, Sequence
from typing import Literal

from a2dsplus.contrast.positions import EARLY, LATE, LEFT, RIGHT, position_words
from a2dsplus.files import digest
from a2dsplus.records import Order, Query, SubsetName

OrderChoice = Literal["query-first", "contrast-first", "random", "balanced", "truthful", "both"]
REVERSED_SUFFIX = "_r"
"""What the second sample of a pair ends in, where each is made in both orders."""


def orders(
    subset: SubsetName, queries: Sequence[Query], *, choice: OrderChoice, seed: int
) -> dict[str, tuple[Order, ...]]:
    """Return {query id: the order, or both orders, of its samples}.

    `random`: by seed, query and subset alone. `balanced`: a seeded half of the subset's queries has the contrast first. `truthful`: where the
    caption's "on the right" or "at the end" stays true. `both`: the query first, then the contrast first.
    """
    if choice == "both":
        return dict.fromkeys((query.query_id for query in queries), (Order.QUERY_FIRST, Order.CONTRAST_FIRST))
    if choice == "balanced":
        drawn = sorted(queries, key=lambda query: digest("balanced", seed, subset, query.query_id))
        second = {query.query_id for query in drawn[: len(drawn) // 2]}
        return {q.query_id: (Order.CONTRAST_FIRST if q.query_id in second else Order.QUERY_FIRST,) for q in queries}
    return {query.query_id: (_one(subset, query, choice, seed),) for query in queries}


def _one(subset: SubsetName, query: Query, choice: OrderChoice, seed: int) -> Order:
    if choice == "random":
        layout = "spatial" if subset is SubsetName.S else "temporal"
        drawn = int(digest("order", seed, query.query_id, layout)[:8], 16) % 2
        return (Order.QUERY_FIRST, Order.CONTRAST_FIRST)[drawn]
    if choice == "contrast-first":
        return Order.CONTRAST_FIRST
    if choice == "truthful":
        words = position_words(query.text)
        first, last = (LEFT, RIGHT) if subset is SubsetName.S else (EARLY, LATE)
        if _any(words, last) and not _any(words, first):
            return Order.CONTRAST_FIRST
    return Order.QUERY_FIRST


def _any(words: Iterable[str], marked: Iterable[str]) -> bool:
    return bool(set(words) & set(marked))
