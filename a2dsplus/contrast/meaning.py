"""What a caption says, as roles to compare: (slot, lemmatised phrase), each with its head word and modifiers."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from a2dsplus.records import Query, Slot

# words that end a noun phrase's own words: what follows modifies it
_LINKS = frozenset(
    [
        "with",
        "in",
        "on",
        "at",
        "of",
        "by",
        "near",
        "behind",
        "between",
        "beside",
        "besides",
        "under",
        "over",
        "from",
        "to",
        "into",
        "onto",
        "for",
        "along",
        "around",
        "through",
        "across",
        "inside",
        "toward",
        "towards",
        "above",
        "below",
        "next",
        "who",
        "that",
        "which",
        "while",
        "and",
    ]
)
# two- and three-word prepositions, as one
_COMPOUND = {
    ("in", "front", "of"): "in front of",
    ("front", "of"): "in front of",
    ("next", "to"): "next to",
    ("close", "to"): "close to",
    ("out", "of"): "out of",
    ("ahead", "of"): "ahead of",
    ("on", "top", "of"): "on",
    ("top", "of"): "on",
}
# roles that are compared: the paper's five questions
_COMPARED = frozenset({Slot.WHO, Slot.VERB, Slot.WHAT, Slot.WHERE, Slot.WHEN})


@dataclass(frozen=True, slots=True)
class Phrase:
    """A lemmatised phrase taken apart: its leading preposition ("" if none), its head word, its other content words."""

    preposition: str
    head: str
    modifiers: frozenset[str]


@cache
def analyse(slot: str, lemma: str) -> Phrase:
    """Return a lemmatised phrase's parts: "on green grass" is (on, grass, {green}), "man in red shirt" is ("", man, {red, shirt})."""
    words = lemma.split()
    preposition = ""
    if slot in (Slot.WHERE, Slot.WHEN, Slot.WHAT, Slot.OTHER):
        for compound, name in _COMPOUND.items():
            if tuple(words[: len(compound)]) == compound and len(words) > len(compound):
                preposition, words = name, words[len(compound) :]
                break
        else:
            if len(words) > 1 and words[0] in _LINKS:
                preposition, words = words[0], words[1:]
    own = len(words)
    for position, word in enumerate(words):
        if position and word in _LINKS:
            own = position
            break
    if slot == Slot.VERB:
        # a particle follows its verb: "climb up"
        return Phrase("", words[0], frozenset(words[1:])) if words else Phrase("", lemma, frozenset())
    if not words:
        return Phrase(preposition, lemma, frozenset())
    modifiers = frozenset(word for position, word in enumerate(words) if position != own - 1 and word not in _LINKS)
    return Phrase(preposition, words[own - 1], modifiers)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A caption's roles for comparison: `roles` are its distinct (slot, lemma), sorted; `framed` says that a verb was found."""

    query_id: str
    video_id: str
    roles: tuple[tuple[str, str], ...]
    framed: bool

    @property
    def structure(self) -> tuple[str, ...]:
        """The caption's semantic-role structure: its slots, sorted, repeated where they repeat."""
        return tuple(slot for slot, _ in self.roles)


def meaning(query: Query, rows: Iterable[tuple[int, str, str, str, str]]) -> Meaning:
    """Return what a query's rows of roles.parquet (frame, label, slot, phrase, lemma) say.

    The same role of several verbs counts once. Roles that answer none of the five questions (how, why) are not compared, as in the
    paper's first footnote.
    """
    kept = sorted({(slot, lemma) for _, _, slot, _, lemma in rows if slot in _COMPARED and lemma})
    return Meaning(query.query_id, query.video_id, tuple(kept), any(slot == Slot.VERB for slot, _ in kept))
