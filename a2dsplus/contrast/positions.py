"""Captions that speak of position: what they say may stop being true in a composite.

A caption's "on the right" is about its own clip. Beside another clip it may be wrong, unless the query stands on that side; "first" and
"at the end" are about time in the same way. Such captions are flagged for review, and `--order truthful` puts the query where its
caption stays true.
"""

import re
from collections.abc import Iterable
from typing import Literal

from a2dsplus.dataset.workspace import digest
from a2dsplus.records import Layout, Order, Query

OrderChoice = Literal["query-first", "contrast-first", "random", "truthful"]

_LEFT = ("left", "leftmost", "left-most", "lefthand")
_RIGHT = ("right", "rightmost", "right-most", "righthand")
_ACROSS = ("middle", "center", "centre", "centered", "corner", "side", "between")
_EARLY = ("first", "beginning", "start", "begin", "initially")
_LATE = ("last", "end", "finally", "afterwards", "later", "eventually")
# "the left hand", "right to left": no place in the picture
_NO_PLACE = re.compile(
    r"\b(?:left|right)\s+(?:hand|arm|leg|foot|paw|wing|shoulder|ear|eye)\b|\b(?:from\s+)?(?:left|right)\s+to\s+(?:the\s+)?(?:left|right)\b"
)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)?")


def position_words(text: str) -> tuple[str, ...]:
    """Return a caption's words about its place in the picture or in time, in order, lower case; () if it has none."""
    words = _WORD.findall(_NO_PLACE.sub(" ", text.lower()))
    marked = {*_LEFT, *_RIGHT, *_ACROSS, *_EARLY, *_LATE}
    return tuple(word for word in words if word in marked)


def order_for(query: Query, layout: Layout, *, choice: OrderChoice, seed: int) -> Order:
    """Return which clip of a query's sample comes first; `random` depends on seed, query and layout alone."""
    if choice == "random":
        drawn = int(digest("order", seed, query.query_id, layout)[:8], 16) % 2
        return (Order.QUERY_FIRST, Order.CONTRAST_FIRST)[drawn]
    if choice == "contrast-first":
        return Order.CONTRAST_FIRST
    if choice == "truthful":
        words = position_words(query.text)
        first, last = (_LEFT, _RIGHT) if layout is Layout.SPATIAL else (_EARLY, _LATE)
        if _any(words, last) and not _any(words, first):
            return Order.CONTRAST_FIRST
    return Order.QUERY_FIRST


def _any(words: Iterable[str], marked: Iterable[str]) -> bool:
    return bool(set(words) & set(marked))
