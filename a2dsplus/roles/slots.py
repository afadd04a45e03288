"""PropBank labels to the five questions of the paper: who, did what, to whom or what, where, when.

Labels of one construction differ between models and even between captions ("on the floor" as ARGM-LOC, ARG2 or ARG1; the one
who rolls as ARG0 or ARG1). What the words say decides, therefore, and the label only where they do not.
"""

from collections.abc import Sequence

from a2dsplus.records import Slot
from a2dsplus.roles.lexicon import (
    ARTICLES,
    CLOTHES,
    COLOURS,
    DETERMINERS,
    GAZE_VERBS,
    INFINITIVE_VERBS,
    MANNER_PHRASES,
    PLACE_ADVERBS,
    PLACE_PREPOSITIONS,
    POSITION_NOUNS,
    PREPOSITIONS,
    RECIPIENT_VERBS,
    TIME_NOUNS,
    TIME_PREPOSITIONS,
    TIME_WORDS,
)

_PLACE_LABELS = frozenset({"ARGM-LOC", "ARGM-DIR", "ARGM-GOL"})
_NO_PLACE = frozenset(["with", "without", "for", "like", "as", "of", "about", "during", "while", "until"])
_BARE_POSITIONS = PLACE_ADVERBS | frozenset(["top", "bottom", "middle", "center", "centre", "front"])
_BEFORE_PREPOSITION = frozenset(
    ["just", "right", "left", "directly", "straight", "far", "all", "halfway", "close", "slightly"]
)


def base_label(label: str) -> str:
    """Return the label without its mark of continuation: ARG1 for C-ARG1."""
    return label.removeprefix("C-")


def is_numbered(label: str) -> bool:
    """Whether the label, C- aside, is a numbered argument (ARG0 ... ARG5, also ARG1-DSP) or ARGA."""
    base = base_label(label)
    return base.startswith("ARG") and not base.startswith("ARGM")


def slot_of(label: str, words: Sequence[str], *, verb: str, subject: bool) -> Slot:
    """Return the question that a role answers.

    `words`: the role's words in lower case, without punctuation. `verb`: the lemma of the frame's verb. `subject`: whether the
    role is the frame's subject (see `subject_of`).
    """
    base = base_label(label)
    if base == "V":
        return Slot.VERB if label == "V" else Slot.OTHER
    if subject:
        return Slot.WHO
    if _is_manner(words):
        return Slot.OTHER
    if verb == "dress" and words[0] == "in":
        return Slot.WHAT
    if base == "ARG0":
        return Slot.WHERE if _is_position(words) else Slot.WHO
    if base in _PLACE_LABELS and words[0] not in _NO_PLACE:
        return Slot.WHEN if _is_time(words) else Slot.WHERE
    if base == "ARGM-TMP":
        return Slot.WHERE if _is_position(words) else Slot.WHEN
    if _is_time(words):
        return Slot.WHEN
    if base == "ARGM-MNR" and words[0] in ("in", "on", "at", "by"):
        return Slot.WHERE if _is_position(words) else Slot.OTHER
    if base in ("ARGM-PRP", "ARGM-PRR", "ARGM-CAU") and words[0] == "to":
        return Slot.OTHER
    if _is_place(words, verb):
        return Slot.WHERE
    # With whom or what: ARG1, ARG2 or ARGM-COM, as the model has it ("playing with a ball").
    return Slot.WHAT if is_numbered(label) or base == "ARGM-COM" else Slot.OTHER


def subject_of(
    labels: Sequence[str], phrases: Sequence[Sequence[str]], *, verb_place: int, copular: bool
) -> int | None:
    """Return which role of a frame is its subject, or None: ARG0, or else the numbered argument that stands where one does.

    `labels` and `phrases` (words in lower case): the frame's roles in the caption's order; `verb_place`: which of them is the
    verb. Without an ARG0 the subject is the noun phrase before the verb, ARG1 first ("the ball is rolling", "ball thrown to
    the right"); in "on the left is a man" (`copular`) it follows.
    """
    for place, label in enumerate(labels):
        if label == "ARG0" and (phrases[place][0] == "by" or phrases[place][0] not in PLACE_PREPOSITIONS):
            return place
    nominal = [
        place
        for place, label in enumerate(labels)
        if is_numbered(label) and label == base_label(label) and phrases[place][0] not in PREPOSITIONS
    ]
    before = [place for place in nominal if place < verb_place]
    after = [place for place in nominal if place > verb_place and labels[place] == "ARG1"]
    candidates = before or (after if copular else [])
    return min(candidates, key=lambda place: (labels[place] != "ARG1", place)) if candidates else None


def _is_manner(words: Sequence[str]) -> bool:
    phrase = " ".join(words)
    return any(phrase == known or phrase.startswith(known + " ") for known in MANNER_PHRASES)


def _is_time(words: Sequence[str]) -> bool:
    if all(word in TIME_WORDS or word in ("and", "very") for word in words):
        return True
    if words[0] in TIME_PREPOSITIONS and not _is_position(words[1:]):
        return words[0] not in ("before", "after") or words[-1] not in POSITION_NOUNS
    content = [word for word in words if word not in DETERMINERS]
    if len(content) > 1 and content[0] in ("at", "in", "for", "from") and content[1] in TIME_NOUNS:
        # "at the end of the video" is a time, "at the end of the road" a place.
        return len(content) == 2 or content[-1] in (
            "video",
            "clip",
            "movie",
            "film",
            "race",
            "competition",
            "game",
            "match",
        )
    return False


def _is_position(words: Sequence[str]) -> bool:
    """Whether the words say where in the picture: "on the left", "in the middle", "far left side", "up and down"."""
    content = [word for word in words if word not in DETERMINERS and word not in ("and", "or", "very", "far", "most")]
    if not content:
        return False
    if all(word in _BARE_POSITIONS for word in content):
        return True
    rest = content[1:] if content[0] in ("on", "in", "at", "to", "from") else []
    if rest and all(word in POSITION_NOUNS or word in PLACE_ADVERBS for word in rest):
        return True
    return content[0] in PLACE_PREPOSITIONS and any(word in POSITION_NOUNS for word in rest) and "of" not in rest


def _is_place(words: Sequence[str], verb: str) -> bool:
    """Whether the words name a place, a path or a goal."""
    if _is_position(words):
        return True
    while len(words) > 1 and words[0] in _BEFORE_PREPOSITION and words[1] in PLACE_PREPOSITIONS:
        words = words[1:]
    first = words[0]
    if first not in PLACE_PREPOSITIONS or len(words) == 1:
        return False
    if first == "to":
        return verb not in RECIPIENT_VERBS and verb not in INFINITIVE_VERBS
    if first == "at":
        return verb not in GAZE_VERBS
    if first == "in":
        content = [word for word in words[1:] if word not in ARTICLES]
        return not _is_worn(content)
    return True


def _is_worn(words: Sequence[str]) -> bool:
    """Whether "in" with these words says what somebody wears: "black", "a red shirt and white shorts"."""
    end = next((place for place, word in enumerate(words) if place and word in PREPOSITIONS), len(words))
    return bool(words) and (words[end - 1] in CLOTHES or all(word in COLOURS or word == "and" for word in words[:end]))
