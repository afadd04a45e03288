"""A pair's grade, the reason for it, and how much doubt is left: what exclusion and guard know of one contrast video."""

from collections.abc import Sequence
from dataclasses import dataclass

from a2dsplus.contrast.actors import Reading
from a2dsplus.contrast.entailment import Guard
from a2dsplus.contrast.exclusion import Exclusion, ReasonKind
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.records import Grade, Slot

# how often a difference of this kind is none after all, as judged by hand, in rough steps
_DOUBT: dict[ReasonKind, float] = {
    "actor": 0.01,
    "sex": 0.03,
    "kind": 0.04,
    "negation": 0.06,
    "verb": 0.06,
    "bare": 0.08,
    "object": 0.08,
    "colour": 0.09,
    "place": 0.12,
}
# what a role's word weighs in the doubt where nothing excludes
_WEIGHT = {Slot.WHO: 2.0, Slot.VERB: 1.5, Slot.WHAT: 1.0, Slot.WHERE: 1.0, Slot.WHEN: 0.5}


@dataclass(frozen=True, slots=True)
class Graded:
    """A pair's grade, why, and the doubt that is left, 0..1."""

    grade: Grade
    because: str
    doubt: float


class Grading:
    """Grades pairs by their captions alone."""

    def __init__(self, guard: Guard, exclusion: Exclusion) -> None:
        self.guard, self.exclusion = guard, exclusion

    def grade(
        self, query: Meaning, candidate: Meaning, captions: Sequence[Meaning], readings: Sequence[Reading]
    ) -> Graded:
        """Return a pair's grade. `captions`: all of the contrast's video; `readings`: of the query, the candidate, and the captions."""
        ours, theirs, others = readings[0], readings[1], readings[2:]
        reasons = self.exclusion.of_video(ours, others)
        if all(reason is not None for caption in reasons for reason in caption):
            doubts = [_DOUBT[reason.kind] for caption in reasons for reason in caption if reason is not None]
            because = self.exclusion.reason(ours.referent, theirs.referent)
            return Graded("excluded", str(because), round(max(doubts, default=0.0), 4))
        open_captions = [
            (caption, reading, place)
            for caption, reading, found in zip(captions, others, reasons, strict=True)
            for place, reason in enumerate(found)
            if reason is None
        ]
        doubt, because_of = max(
            (self._doubt(query, caption, named=place == 0), self._open(reading, place, caption is candidate))
            for caption, reading, place in open_captions
        )
        return Graded("undecided", because_of, round(doubt, 4))

    def _open(self, reading: Reading, place: int, is_contrast: bool) -> str:
        actor = reading.referent if place == 0 else reading.mentioned[place - 1]
        where = "" if is_contrast else " of another caption"
        return f"not ruled out: {actor.words or 'a referent without a noun'}{where}"

    def _doubt(self, query: Meaning, caption: Meaning, *, named: bool) -> float:
        """Return the doubt that somebody whom a caption speaks of leaves: by how much of the query the caption says, or leaves open."""
        if self.guard.satisfied(query, caption) is not None:
            return 1.0
        weights = 0.0
        met = 0.0
        for role in query.roles:
            weight = _WEIGHT[Slot(role[0])]
            weights += weight
            if self.guard.met(role, caption) is not None:
                met += weight
            elif all(slot != role[0] for slot, _ in caption.roles):
                # nothing is said: as likely as not
                met += 0.6 * weight
            else:
                met += 0.25 * weight
        share = met / weights if weights else 1.0
        return 0.2 + (0.75 if named else 0.45) * share
