"""Cleaning of role phrases as in Table 1 of the paper: determiners, auxiliaries and punctuation go, lemmas are taken."""

from collections.abc import Sequence
from dataclasses import dataclass

from a2dsplus.roles.lemmas import lemmatise
from a2dsplus.roles.lexicon import ARTICLES, BE, DETERMINERS, PREPOSITIONS, RELATIVES
from a2dsplus.roles.tokens import Word

_CONJUNCTIONS = frozenset({"and", "or", "but", "while", "as"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A phrase without the words that tell nothing, and the same in dictionary forms, in lower case."""

    phrase: str
    lemma: str


def clean(words: Sequence[Word], *, verb_at: int | None = None, agent: str = "") -> Cleaned | None:
    """Return the cleaned phrase and lemma of a role's words, or None where nothing is left to say (punctuation, "and").

    `verb_at`: which word is the predicate itself, in the role V, of which nothing but punctuation is dropped. `agent`: a
    preposition that only marks the agent ("by" in "thrown by a man") and goes if the phrase begins with it.
    """
    spoken = [(index, word) for index, word in enumerate(words) if word.spoken]
    if verb_at is not None:
        kept = spoken
    else:
        lowered = [word.plain.lower() for _, word in spoken]
        if all(word in _CONJUNCTIONS for word in lowered):
            return None
        kept = [item for place, item in enumerate(spoken) if not _drops(lowered, place)]
        if agent and len(kept) > 1 and kept[0][1].text.lower() == agent:
            kept = kept[1:]
        kept = kept or spoken
    if not kept:
        return None
    verb_place = next((place for place, (index, _) in enumerate(kept) if index == verb_at), None)
    lemmas = lemmatise([word.plain for _, word in kept], verb_at=verb_place)
    return Cleaned(phrase=" ".join(word.text for _, word in kept), lemma=" ".join(lemmas))


def _drops(words: Sequence[str], place: int) -> bool:
    """Whether the word at `place` of a role's words (lower case, no punctuation) goes.

    A possessive or demonstrative stands for its noun where none follows ("next to her"), a relative pronoun where it begins
    the phrase; both stay there.
    """
    word = words[place]
    if word in ARTICLES or word in BE:
        return True
    after = words[place + 1] if place + 1 < len(words) else None
    if word in RELATIVES and place > 0 and after is not None:
        return True
    return word in DETERMINERS and after is not None and after not in PREPOSITIONS and after not in _CONJUNCTIONS
