"""PropBank corpora as training examples."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2dsplus.errors import InputError
from a2dsplus.roles.training.labels import AUXILIARY_SENSES, collapsed_tags

_LONGEST = 70  # words; longer sentences are rare and cost most
_CLAUSE_ENDS = {".", "!", "?", ";"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words and their frames: (predicate's word index, collapsed BIO tags).

    `complete`: every verbal predicate has its frame, so that the predicate head can learn from it. `xpos`: Penn tags, or empty.
    """

    words: tuple[str, ...]
    frames: tuple[tuple[int, tuple[str, ...]], ...]
    complete: bool
    xpos: tuple[str, ...] = ()
    lemmas: tuple[str, ...] = ()


def read(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a `*.jsonl.gz` corpus with their verbal, non-auxiliary frames, labels collapsed.

    Sentences of frame files (one frame each, no part-of-speech tags) are cut to the clause around the predicate where they run
    over several, and count as incomplete. Raises InputError where the file is missing or a line is no such sentence.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield from _sentence(json.loads(line))
                except (KeyError, TypeError, ValueError, RecursionError) as error:
                    raise InputError(f"{path}, line {number}: not a PropBank sentence ({error!r})") from error
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot read the corpus ({error})") from error


def _sentence(row: dict[str, Any]) -> Iterator[Sentence]:
    words = tuple(row["words"])
    tagged = "xpos" in row
    frames = []
    for frame in row["frames"]:
        verbal = frame["is_verb"] if tagged else "v" in frame["alias_pos"]
        if verbal and frame["sense"] not in AUXILIARY_SENSES:
            if len(frame["tags"]) != len(words):
                raise ValueError(f"{len(frame['tags'])} tags for {len(words)} words")
            frames.append((int(frame["predicate_index"]), collapsed_tags(frame["tags"])))
    if tagged:
        yield Sentence(
            words=words, frames=tuple(frames), complete=True, xpos=tuple(row["xpos"]), lemmas=tuple(row["lemmas"])
        )
        return
    for predicate, tags in frames:
        yield _clause(words, predicate, tags)


def _clause(words: tuple[str, ...], predicate: int, tags: tuple[str, ...]) -> Sentence:
    """Cut at sentence ends outside the frame's own span."""
    first = min(i for i, tag in enumerate(tags) if tag != "O")
    last = max(i for i, tag in enumerate(tags) if tag != "O")
    start = max((i + 1 for i in range(first) if words[i] in _CLAUSE_ENDS), default=0)
    end = min((i + 1 for i in range(last + 1, len(words)) if words[i] in _CLAUSE_ENDS), default=len(words))
    return Sentence(words=words[start:end], frames=((predicate - start, tags[start:end]),), complete=False)


def short_enough(sentence: Sentence) -> bool:
    """Return whether a sentence is used in training."""
    return len(sentence.words) <= _LONGEST
