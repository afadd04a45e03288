"""What a caption says, as roles to compare: (slot, lemmatised phrase), and whom it is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from a2dsplus.contrast.spelling import normalised
from a2dsplus.records import Query, Slot

# roles that are compared: the paper's five questions
_COMPARED = frozenset({Slot.WHO, Slot.VERB, Slot.WHAT, Slot.WHERE, Slot.WHEN})
# a row of roles.parquet: frame, label, slot, phrase, lemma
Row = tuple[int, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A caption's roles for comparison: `roles` are its distinct (slot, lemma), sorted; `framed` says that a verb was found.

    `rows`: the caption's rows of roles.parquet, from which its referent is read; without them its roles count as one frame's.
    """

    query_id: str
    video_id: str
    roles: tuple[tuple[str, str], ...]
    framed: bool
    rows: tuple[Row, ...] = ()

    @property
    def structure(self) -> tuple[str, ...]:
        """The caption's semantic-role structure: its slots, sorted, repeated where they repeat."""
        return tuple(slot for slot, _ in self.roles)

    @property
    def frames(self) -> tuple[Row, ...]:
        """`rows`, or the roles as the rows of one frame."""
        order = list(Slot)
        ordered = sorted(self.roles, key=lambda role: order.index(Slot(role[0])))
        return self.rows or tuple((0, "", slot, lemma, lemma) for slot, lemma in ordered)


def meaning(query: Query, rows: Iterable[Row]) -> Meaning:
    """Return what a query's rows of roles.parquet (frame, label, slot, phrase, lemma) say.

    The same role of several verbs counts once, a verb that is denied (ARGM-NEG) is another verb: "not move". Roles that answer none of
    the five questions (how, why) are not compared, as in the paper's first footnote.
    """
    told = tuple(rows)
    denied = {number for number, label, _, _, _ in told if label == "ARGM-NEG"}
    kept = sorted(
        {
            (slot, f"not {lemma}" if slot == Slot.VERB and number in denied else lemma)
            for number, label, slot, _, lemma in ((*row[:4], normalised(row[4])) for row in told)
            if slot in _COMPARED and lemma and label != "ARGM-NEG"
        }
    )
    return Meaning(query.query_id, query.video_id, tuple(kept), any(slot == Slot.VERB for slot, _ in kept), told)
