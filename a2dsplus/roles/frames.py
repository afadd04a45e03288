"""Tags of a caption's words to role frames, and frames to the caption's list of roles."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from a2dsplus.records import ParsedCaption, Role, RoleFrame, Slot
from a2dsplus.roles.clean import clean
from a2dsplus.roles.lemmas import lemma_of
from a2dsplus.roles.lexicon import AUXILIARY_LABELS, BE, PRONOUNS
from a2dsplus.roles.mending import Tagging, mended
from a2dsplus.roles.slots import slot_of, subject_of
from a2dsplus.roles.tokens import Word

NOUN_PHRASE = "NP"
"""The label of the one role of a caption without a frame; no model gives it."""


def build_caption(caption: str, words: Sequence[Word], predictions: Iterable[Tagging]) -> ParsedCaption:
    """Return the caption's role frames, in the order of their verbs.

    Frames of auxiliaries, and of "be" where there is another verb, are left out, as in Table 1 of the paper. A caption
    without a frame keeps its words as one role *who* of a frame without a verb; one without any letter or digit has no frame.
    """
    frames = [
        _frame(caption, words, prediction)
        for prediction in mended(words, sorted(predictions, key=lambda prediction: prediction.predicate_index))
        if words[prediction.predicate_index].spoken  # an untrained model may take an emoji for a verb
    ]
    telling = [frame for frame in frames if len(frame.roles) > 1]
    full = [frame for frame in telling if _verb_lemma(frame) != "be"] or telling
    if not full and sum(word.spoken for word in words) == 1:
        full = [frame for frame in frames if _verb_lemma(frame) != "be"]
    if not full:
        full = _noun_phrase(caption, words)
    return ParsedCaption(text=caption, frames=_without_pronouns(full))


def caption_roles(parsed: ParsedCaption) -> tuple[Role, ...]:
    """Return the roles of all frames of a caption, in its order, each (slot, lemma) once.

    The subject of several verbs is one role (the last rows of Table 1 of the paper), and a phrase said twice is one phrase.
    """
    found: dict[tuple[Slot, str], Role] = {}
    ordered = sorted((role for frame in parsed.frames for role in frame.roles), key=lambda role: (role.start, role.end))
    for role in ordered:
        found.setdefault((role.slot, role.lemma), role)
    return tuple(found.values())


def _without_pronouns(frames: Sequence[RoleFrame]) -> tuple[RoleFrame, ...]:
    """Return frames without subjects that stand for somebody named before: "it" in one caption is not "it" in another."""
    named = [
        role.start
        for frame in frames
        for role in frame.roles
        if role.slot in (Slot.WHO, Slot.WHAT) and role.lemma not in PRONOUNS
    ]
    first = min(named, default=None)
    if first is None:
        return tuple(frames)
    return tuple(
        replace(
            frame,
            roles=tuple(
                role
                for role in frame.roles
                if role.slot is not Slot.WHO or role.lemma not in PRONOUNS or role.start < first
            ),
        )
        for frame in frames
    )


def _verb_lemma(frame: RoleFrame) -> str:
    return next(role.lemma for role in frame.roles if role.slot is Slot.VERB)


def _frame(caption: str, words: Sequence[Word], prediction: Tagging) -> RoleFrame:
    index = prediction.predicate_index
    verb = lemma_of(words[index].plain.lower(), pos="VERB")
    spans = _spans(prediction)
    kept = []
    for label, first, last in spans:
        part = words[first:last]
        cleaned = clean(part, verb_at=index - first if label == "V" else None, agent="by" if label == "ARG0" else "")
        if cleaned is not None:
            kept.append((label, part, cleaned))
    labels = [label for label, _, _ in kept]
    phrases = [[word.plain.lower() for word in part if word.spoken] for _, part, _ in kept]
    verb_place = labels.index("V")
    subject = subject_of(labels, phrases, verb_place=verb_place, copular=words[index].plain.lower() in BE)
    roles = tuple(
        Role(
            role=label,
            slot=slot_of(label, phrases[place], verb=verb, subject=place == subject),
            text=caption[part[0].start : part[-1].end],
            start=part[0].start,
            end=part[-1].end,
            phrase=cleaned.phrase,
            lemma=cleaned.lemma,
        )
        for place, (label, part, cleaned) in enumerate(kept)
    )
    return RoleFrame(verb=words[index].text, roles=roles)


def _spans(prediction: Tagging) -> list[tuple[str, int, int]]:
    """Return (label, first word, word after the last) of each role, in order, exactly one of them V, over the predicate.

    References to a role (R-ARG0: "that", "who") and auxiliaries (ARGM-MOD: "can") are no roles. A model that puts V elsewhere
    or nowhere is overruled: the predicate is given.
    """
    spans: list[tuple[str, int, int]] = []
    open_label = ""
    for place, tag in enumerate(prediction.tags):
        kind, _, label = tag.partition("-")
        if kind == "I" and label == open_label:
            spans[-1] = (label, spans[-1][1], place + 1)
        elif kind in ("B", "I") and label:
            spans.append((label, place, place + 1))
        open_label = label if kind in ("B", "I") else ""
    index = prediction.predicate_index
    verbs = [span for span in spans if span[0] == "V" and span[1] <= index < span[2]] or [("V", index, index + 1)]
    others = [
        (label, first, last)
        for label, first, last in spans
        if label != "V" and not label.startswith("R-") and label not in AUXILIARY_LABELS
    ]
    return sorted([*others, verbs[0]], key=lambda span: (span[1], span[2]))


def _noun_phrase(caption: str, words: Sequence[Word]) -> list[RoleFrame]:
    spoken = [place for place, word in enumerate(words) if word.spoken]
    if not spoken:
        return []
    part = words[spoken[0] : spoken[-1] + 1]
    cleaned = clean(part)
    if cleaned is None:
        return []
    start, end = part[0].start, part[-1].end
    role = Role(
        role=NOUN_PHRASE,
        slot=Slot.WHO,
        text=caption[start:end],
        start=start,
        end=end,
        phrase=cleaned.phrase,
        lemma=cleaned.lemma,
    )
    return [RoleFrame(verb=None, roles=(role,))]
