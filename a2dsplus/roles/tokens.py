"""Captions to words, every word with its place in the caption as written."""

import functools
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of a caption: `text == caption[start:end]`."""

    text: str
    start: int
    end: int

    @property
    def spoken(self) -> bool:
        """Whether the word has a letter or a digit: punctuation, emoji and control characters have none."""
        return any(character.isalnum() for character in self.text)


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
    readable = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in caption)
    return tuple(
        Word(text=caption[token.idx : token.idx + len(token.text)], start=token.idx, end=token.idx + len(token.text))
        for token in _tokenizer()(readable)
        if not token.is_space
    )
