"""Which pairs a list holds: the filters of the page, and how many pairs each would leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import InputError
from a2dsplus.records import Grade, Relation, Slot
from a2dsplus.review.decisions import PairKey, Verdict, reviewer_name
from a2dsplus.review.ledger import Outcome
from a2dsplus.review.queue import OPEN, Queue, State

STATUSES = ("undecided", "all", "accepted", "rejected", "skipped", "again", "others", "disputed", "exhausted")
GRADES: tuple[Grade, ...] = get_args(Grade)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
MARKS = {
    "position": "a caption speaks of a position",
    "fits": "another caption of the contrast video may fit",
}
"""What may be marked at a pair, in words."""


class QuestionError(InputError):
    """A request asks for what does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which pairs to list. `role`: a slot that differs; `only`: the only slot that does; `mark`: one of MARKS; `by`: judged by this
    reviewer; `text`: in one of the two captions or ids."""

    status: str = "undecided"
    tier: int | None = None
    grade: str | None = None
    relation: str | None = None
    role: str | None = None
    only: str | None = None
    mark: str | None = None
    by: str | None = None
    text: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Filters":
        """Return the filters of a request's parameters; raises QuestionError where one is none."""
        tier = values.get("tier") or ""
        if tier not in ("", "1", "2", "3", "4"):
            raise QuestionError(f"tier {tier!r}: expected 1, 2, 3 or 4")
        return cls(
            status=_one_of(values, "status", STATUSES) or "undecided",
            tier=int(tier) if tier else None,
            grade=_one_of(values, "grade", GRADES),
            relation=_one_of(values, "relation", RELATIONS),
            role=_one_of(values, "role", list(Slot)),
            only=_one_of(values, "only", list(Slot)),
            mark=_one_of(values, "mark", list(MARKS)),
            by=reviewer_name(values["by"]) if values.get("by") else None,
            text=" ".join(values.get("text", "").split()),
        )


def _one_of(values: Mapping[str, str], name: str, known: "tuple[str, ...] | list[Any]") -> str | None:
    found = values.get(name) or ""
    if found and found not in known:
        raise QuestionError(f"{name} {found!r}: expected one of {', '.join(known)}")
    return found or None


def chosen(queue: Queue, filters: Filters) -> npt.NDArray[np.int32]:
    """Return the candidates that pass the filters, in no order."""
    catalogue = queue.catalogue
    found = _with_status(queue, filters)
    keep = np.ones(len(found), bool)
    if filters.tier is not None:
        keep &= catalogue.tier[found] == filters.tier
    if filters.grade is not None:
        keep &= catalogue.grade[found] == GRADES.index(filters.grade)
    if filters.relation is not None:
        keep &= catalogue.relation[found] == RELATIONS.index(filters.relation)
    if filters.role is not None:
        keep &= (catalogue.differing[found] & _bit(filters.role)).astype(bool)
    if filters.only is not None:
        keep &= catalogue.differing[found] == _bit(filters.only)
    if filters.mark is not None:
        keep &= catalogue.marked(filters.mark, found)
    if filters.text:
        holds = np.zeros(len(catalogue.query_ids), bool)
        holds[catalogue.index.containing(filters.text)] = True
        keep &= holds[catalogue.query[found]] | holds[catalogue.contrast[found]]
    return found[keep]


def facets(queue: Queue) -> dict[str, dict[str, int]]:
    """Return how many of the queries that are still open each filter leaves: {filter: {value: number}}."""
    catalogue = queue.catalogue
    found = queue.in_play(OPEN)
    differing = catalogue.differing[found]
    return {
        "tier": {str(tier): int((catalogue.tier[found] == tier).sum()) for tier in (1, 2, 3, 4)},
        "grade": {name: int((catalogue.grade[found] == i).sum()) for i, name in enumerate(GRADES)},
        "relation": {name: int((catalogue.relation[found] == i).sum()) for i, name in enumerate(RELATIONS)},
        "role": {slot.value: int((differing & _bit(slot) != 0).sum()) for slot in Slot},
        "only": {slot.value: int((differing == _bit(slot)).sum()) for slot in Slot},
        "mark": {mark: int(catalogue.marked(mark, found).sum()) for mark in MARKS},
    }


def disputes(queue: Queue) -> list[int]:
    """Return the candidates that others disagree about and that this reviewer is not asked about himself."""
    found = (queue.catalogue.candidate(pair) for pair in sorted(queue.ledger.disputed) if not queue.needs(pair))
    return [candidate for candidate in found if candidate is not None]


def _bit(slot: str) -> int:
    return 1 << list(Slot).index(Slot(slot))


def _with_status(queue: Queue, filters: Filters) -> npt.NDArray[np.int32]:
    if filters.by is not None:
        judged = {d.pair for d in queue.ledger.history(filters.by) if d.vote is not None}
        fitting = (queue.catalogue.candidate(pair) for pair in judged if _fits(queue, pair, filters.status))
        return np.array([candidate for candidate in fitting if candidate is not None], np.int32)
    if filters.status in ("accepted", "rejected"):
        return np.array(list(queue.accepted if filters.status == "accepted" else queue.rejected), np.int32)
    if filters.status == "disputed":
        return np.array(disputes(queue), np.int32)
    if filters.status == "undecided":
        return queue.in_play(OPEN)
    if filters.status == "again":
        return queue.in_play_of(queue.again())
    return queue.in_play([state for state in State if filters.status in ("all", state.word)])


def _fits(queue: Queue, pair: PairKey, status: str) -> bool:
    own = queue.ledger.own(pair, queue.reviewer)
    asked = queue.needs(pair)
    return {
        "all": True,
        "undecided": asked,
        "again": asked and own is not None,
        "accepted": own is not None and own.vote is True,
        "rejected": own is not None and own.vote is False,
        "skipped": own is not None and own.verdict is Verdict.SKIP,
        "others": own is None and not asked,
        "disputed": queue.ledger.outcome(pair) is Outcome.DISPUTED and not asked,
        "exhausted": False,
    }[status]
