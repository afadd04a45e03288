"""Words of a caption to their dictionary forms.

lemminflect carries its tables (MIT) and its rules for words that they lack: a word has the same lemma on every machine.
"""

import functools
from collections.abc import Iterator, Sequence

from a2dsplus.roles.lexicon import BE, FUNCTION_WORDS, GERUND_NOUNS, MISSPELT_VERBS, PREPOSITIONS, SET_FORMS


def lemmatise(words: Sequence[str], *, verb_at: int | None = None) -> tuple[str, ...]:
    """Return the lemmas, in lower case, of the words of one phrase; `verb_at` says which of them, if any, is its verb.

    A word's part of speech is guessed from the phrase alone: participles that govern something are verbs ("wearing red",
    "covered with snow"), those before a noun stay adjectives ("striped cat"), the rest are nouns, adjectives and adverbs.
    """
    lowered = [word.lower() for word in words]
    return tuple(
        lemma_of(word, pos="VERB" if index == verb_at else _guess(lowered, index)) for index, word in enumerate(lowered)
    )


@functools.lru_cache(maxsize=100_000)
def lemma_of(word: str, *, pos: str) -> str:
    """Return the lemma of a lower-case word as a part of speech: VERB, NOUN, ADJ, ADV, or X for a word that keeps its form."""
    if pos == "VERB" and word in BE:
        return "be"
    if pos != "VERB" and word in SET_FORMS:
        return SET_FORMS[word]
    if pos == "VERB" and word in MISSPELT_VERBS:
        return MISSPELT_VERBS[word]
    if pos == "X" or not word.isalpha() or not word.isascii():
        return word
    tried = (pos,) if pos == "VERB" else (pos, *(other for other in ("NOUN", "ADJ", "ADV") if other != pos))
    from lemminflect import getLemma

    for candidate in tried:
        found = getLemma(word, candidate, lemmatize_oov=False)
        if found:
            # Where a word stands in the dictionary as its own lemma too ("fell", "leave"), the inflected reading comes first.
            out: str = found[0]
            return out
    if pos == "VERB":
        for spelt in _respelt(word):
            found = getLemma(spelt, "VERB", lemmatize_oov=False)
            if found:
                return str(found[0])
    guessed = getLemma(word, tried[0])
    return guessed[0] if guessed else word


def _respelt(word: str) -> Iterator[str]:
    """Yield what a participle in no dictionary may be a slip for: "runing", "eatting", "walkng", "standig", "jumpin"."""
    if word.endswith("ing"):
        stem = word[:-3]
        yield f"{stem}{stem[-1:]}ing"
        if stem[-1:] == stem[-2:-1]:
            yield f"{stem[:-1]}ing"
        if stem.endswith("e"):
            yield f"{stem[:-1]}ing"
    elif word.endswith(("ng", "ig", "in")):
        yield f"{word[:-2]}ing"


@functools.lru_cache(maxsize=10_000)
def has_verb(word: str) -> bool:
    """Return whether the dictionary has a lower-case word as a form of a verb, or does not know it at all."""
    from lemminflect import getAllLemmas

    known = getAllLemmas(word)
    return not known or "VERB" in known


def _guess(words: Sequence[str], index: int) -> str:
    word = words[index]
    after = words[index + 1] if index + 1 < len(words) else None
    if word in ("has", "had", "does"):
        return "VERB"
    if word in FUNCTION_WORDS or word in PREPOSITIONS:
        return "X"
    governs = after is not None and after not in ("and", "or", "of")
    if word.endswith("ing") and word not in GERUND_NOUNS and len(word) > 4:
        return "VERB"
    if word.endswith("ed") and len(word) > 3 and governs and after in PREPOSITIONS:
        return "VERB"
    return "NOUN"
