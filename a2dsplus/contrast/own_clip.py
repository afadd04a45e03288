"""Contrasts without captions: the query's own clip, frozen at its middle frame or shown backwards. Only motion, direction and order tell them apart.

True by construction: the actors are the same, and what the words say does not happen there. A query takes part where its words speak of motion
(frozen), or of a direction or an order (reversed).
"""

from collections.abc import Iterable
from functools import cache

from a2dsplus import resources
from a2dsplus.records import Clip, Kind, Pair, Query

NAME = "annotations/motion.json"
Row = tuple[int, str, str, str, str]
"""(number of the role frame, label, slot, cleaned phrase, lemmatised phrase)."""
_PLACES = ("ARGM-DIR", "ARGM-GOL", "ARGM-LOC", "ARG2", "ARG4")
_LISTS = ("motion", "one_way", "one_way_verbs", "order")


def own_pair(query: Query, rows: Iterable[Row], clip: Clip, *, kind: Kind) -> Pair | str:
    """Return the pair of a query with its own clip, or, in a few words, why it takes no part.

    `rows`: the query's roles.
    """
    rows = list(rows)
    words = moving(rows) if kind == "frozen" else directed(rows)
    if clip.frames < 2:
        return "its clip has one frame"
    if not words:
        return f"its words speak of no {'motion' if kind == 'frozen' else 'direction or order'}"
    slots = tuple(sorted({slot for _, _, slot, _, _ in rows}))
    return Pair(
        query_id=query.query_id,
        contrast_query_id=query.query_id,
        tier=None,
        shared=slots,
        differing=(),
        kind=kind,
        grade="excluded",
        because=f"{kind}: {', '.join(words)}",
        doubt=0.0,
        relation="class+action",
        rank=0,
    )


def moving(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the motion verbs of a caption's roles, in order, that are not denied."""
    rows = list(rows)
    denied = {number for number, label, *_ in rows if label == "ARGM-NEG"}
    return tuple(
        dict.fromkeys(
            lemma
            for number, _, slot, _, lemma in rows
            if slot == "verb" and number not in denied and lemma.split(" ")[0] in _words("motion")
        )
    )


def directed(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return what a caption's roles say of a direction that is another one backwards, or of an order in time."""
    found: list[str] = []
    rows = list(rows)
    moves = {number for number, _, slot, _, lemma in rows if slot == "verb" and lemma in _words("motion")}
    for number, label, slot, phrase, lemma in rows:
        words = lemma.split()
        if slot == "verb" and words and words[0] in _words("one_way_verbs"):
            found.append(lemma)
        elif (slot == "when" and _words("order") & set(words)) or (
            number in moves and label in _PLACES and words and words[0] in _words("one_way") and not _symmetric(words)
        ):
            found.append(phrase)
    # "the second from the left" is a place: a side is a direction beside a goal alone
    goals = [phrase for phrase in found if not _side(phrase)]
    return tuple(dict.fromkeys(found if goals else ()))


def _side(phrase: str) -> bool:
    words = phrase.lower().split()
    return words[0] == "from" and bool({"left", "right", "middle", "behind", "front", "back"} & set(words))


def _symmetric(words: list[str]) -> bool:
    """Return whether words name both ways ("back and forth", "up and down")."""
    return ("and" in words and len(_words("one_way") & set(words)) > 1) or "forth" in words


@cache
def _words(name: str) -> frozenset[str]:
    found: list[str] = resources.document(NAME, {key: [str] for key in _LISTS})[name]
    return frozenset(found)
