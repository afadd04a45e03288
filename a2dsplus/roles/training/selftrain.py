"""Real captions as training examples: a trained model labels them, and the construction has the last word.

The rules are those of the caption grammar, applied to what the model found; they know prepositions and verb forms, no caption:

1. The subject of an active verb (a participle in -ing or a form in -s) is ARG0, whatever numbered role the model gave it.
2. A phrase after the verb that begins with a preposition of place is ARGM-LOC, of path or source ARGM-DIR, with to, into or onto
   ARG2, unless the verb governs the preposition ("look at", "play with") or the model found its agent there ("thrown by a man").
3. A bare particle of motion ("up", "over", "away") after the verb is ARGM-DIR.

Captions where a frame is broken (no V, or a role twice) or where the model is unsure of a word are left out.
"""

from collections.abc import Sequence

import numpy as np

from a2dsplus.roles.srl.srl_bert import CORE_ROLES, SrlTagger
from a2dsplus.roles.training.corpus import Sentence
from a2dsplus.roles.training.grammar_words import BARE_PATHS, PATH_PREPOSITIONS, PLACE_PREPOSITIONS, PREPOSITIONAL
from a2dsplus.roles.training.labels import spans

_PLACES = frozenset(phrase.split()[0] for phrase in PLACE_PREPOSITIONS) - {"far", "close", "next", "opposite"} | {
    "nearby"
}
_PATHS = frozenset(phrase.split()[0] for phrase in PATH_PREPOSITIONS)
_GOALS = frozenset({"to", "into", "onto"})
_PARTICLES = frozenset(BARE_PATHS) - {"in", "on", "by", "high"}
_GOVERNED = frozenset(preposition for _, preposition, _ in PREPOSITIONAL if preposition != "with") | {"of"}
_RELABELLED = frozenset({*CORE_ROLES[1:], "ARGM-LOC", "ARGM-DIR", "ARGM-GOL", "ARGM-EXT", "ARGM-ADV", "ARGM-PRD"})
_BE = frozenset(["is", "are", "was", "were", "be", "been", "being"])


def label_captions(tagger: SrlTagger, captions: Sequence[Sequence[str]], *, surest: float = 0.5) -> list[Sentence]:
    """Return the captions that the model labels surely, their frames normalised by the rules above.

    `captions`: words. `surest`: how probable the chosen label of every word must be. A caption that stands several times counts once.
    """
    distinct = list(dict.fromkeys(tuple(words) for words in captions if words and tagger.fits(words)))
    predicates = tagger.find_predicates(distinct)
    tagged = tagger.tag(distinct, predicates)
    sure = tagger.probabilities(distinct, predicates)
    row = {label: index for index, label in enumerate(tagger.labels)}
    kept = []
    for words, frames, probabilities in zip(distinct, tagged, sure, strict=True):
        starts = list(tagger.pieces.encode(words).starts)
        doubtful = any(
            float(np.min(values[starts, [row[tag] for tag in tags]])) < surest
            for (_, tags), (_, values) in zip(frames, probabilities, strict=True)
        )
        normal = [(predicate, normalised(words, predicate, tags)) for predicate, tags in frames]
        if not doubtful and not any(_broken(tags) for _, tags in normal):
            kept.append(Sentence(words=words, frames=tuple(normal), complete=True))
    return kept


def normalised(words: Sequence[str], predicate: int, tags: Sequence[str]) -> tuple[str, ...]:
    """Return a frame's tags after the rules above."""
    lower = [word.lower() for word in words]
    verb = lower[predicate]
    found = spans(tags)
    active = verb not in _BE and verb.endswith(("ing", "s")) and lower[predicate - 1 : predicate] != ["being"]
    roles = [role for role, _, _ in found]
    result = ["O"] * len(words)
    for role, start, end in found:
        new = role
        if end <= predicate:
            if active and role in CORE_ROLES and "ARG0" not in roles and lower[start] not in _PLACES | _GOALS | _PATHS:
                new = "ARG0"
        elif start > predicate and role in _RELABELLED and verb not in _BE:
            first = lower[start]
            if " ".join(lower[start:end]) in _PARTICLES:
                new = "ARGM-DIR"
            elif first in _GOVERNED and role == "ARG1":
                new = role
            elif end > start + 1 and first in _PATHS:
                new = "ARGM-DIR"
            elif end > start + 1 and first in _GOALS and lower[start + 1 : start + 2] != ["be"] and role != "ARG1":
                new = "ARG2"
            elif end > start + 1 and (
                first in _PLACES or lower[start : start + 2] in (["next", "to"], ["close", "to"])
            ):
                new = "ARGM-LOC"
        result[start:end] = [f"B-{new}"] + [f"I-{new}"] * (end - start - 1)
    return tuple(result)


def _broken(tags: Sequence[str]) -> bool:
    roles = [role for role, _, _ in spans(tags)]
    return roles.count("V") != 1 or any(roles.count(role) > 1 for role in CORE_ROLES)
