"""Captions to words, every word with its place in the caption as written."""

import functools
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of a caption: `text == caption[start:end]`. `spelling`: what is meant, where that is another ("'s" for a typographic ’s)."""

    text: str
    start: int
    end: int
    spelling: str | None = None

    @property
    def plain(self) -> str:
        """The word as it is meant, for models and dictionaries."""
        return self.text if self.spelling is None else self.spelling

    @property
    def spoken(self) -> bool:
        """Whether the word has a letter or a digit: punctuation, emoji and control characters have none."""
        return any(character.isalnum() for character in self.text)


# typographic signs and those of a typewriter
_SIGNS = str.maketrans(
    {**dict.fromkeys("’‘ʼʹ＇´`", "'"), **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‐‑‒–—―", "-"), "\u00a0": " "}
)
# brackets and signs between letters part words: "person(adult)", "black&white"; so does a full stop that lacks its blank
_PARTING = re.compile(r"(?<=[^\W_])[()\[\]{}<>|&+=*;:_](?=[^\W_])|(?<=[a-z]{3})\.(?=[A-Za-z]{2})")
# a possessive that lost its apostrophe: "a person s hand"
_POSSESSIVE = re.compile(r"(?<=[a-z]) s(?= )", re.IGNORECASE)


def _readable(caption: str) -> str:
    """Return a caption of the same length in signs that the tokeniser knows."""
    return _PARTING.sub(" ", caption.translate(_SIGNS))


@functools.cache
def _tokenizer() -> Any:  # spaCy's compiled tokeniser has no type stubs
    # The language's own class rather than spacy.blank("en"): the latter reads the entry points of every installed package.
    from spacy.lang.en import English

    return English().tokenizer


def split_words(caption: str) -> tuple[Word, ...]:
    """Return the words of a caption, in order, as spaCy's English tokeniser splits it; white space is no word.

    The tokeniser is that of AllenNLP's SRL predictor. Punctuation counts as a word. Whatever the characters, the words lie in
    the caption verbatim and do not overlap.
    """
    # spaCy keeps UTF-8 and chokes on half surrogate pairs; another character in each one's place keeps the positions.
    known = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in caption)
    readable = _readable(known)
    possessive = {match.start() + 1 for match in _POSSESSIVE.finditer(readable)}
    words = []
    for token in _tokenizer()(readable):
        if token.is_space:
            continue
        start, end = token.idx, token.idx + len(token.text)
        meant = "'s" if start in possessive and end == start + 1 else token.text
        spelling = None if meant == known[start:end] else meant
        words.append(Word(text=caption[start:end], start=start, end=end, spelling=spelling))
    signs = [match.start() for match in _PARTING.finditer(known.translate(_SIGNS))]
    words += [Word(text=caption[place], start=place, end=place + 1) for place in signs]
    return tuple(sorted(words, key=lambda word: word.start))
