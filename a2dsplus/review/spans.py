"""Where a caption's roles stand in its text: role phrases are cleaned words, the page colours the caption as written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from a2dsplus.review.index import RoleRow

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a caption: plain, or a role's, with what that role is to the pair: "shared", "differing" or ""."""

    text: str
    slot: str = ""
    role: str = ""
    relation: str = ""


def relations(
    roles: Sequence[RoleRow], other: Sequence[RoleRow], *, shared: Sequence[str], differing: Sequence[str]
) -> list[str]:
    """Return what each role of a caption is to the other caption of the pair: "shared", "differing" or "".

    Equal (slot, lemma) on both sides is shared, whatever its slot; otherwise the pair's own lists of slots decide.
    """
    both = {(role.slot, role.lemma) for role in other}
    found = []
    for role in roles:
        if (role.slot, role.lemma) in both:
            found.append("shared")
        elif role.slot in differing:
            found.append("differing")
        else:
            found.append("shared" if role.slot in shared else "")
    return found


def pieces(text: str, roles: Sequence[RoleRow], relation: Sequence[str]) -> list[Piece]:
    """Return a caption cut into pieces that join to the caption; where roles overlap, the shorter one shows.

    A role whose words are not found in the text in their order colours nothing. Words between a role's words (an article that
    cleaning dropped) belong to it.
    """
    words = [(match.group().casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]
    owner: list[int | None] = [None] * len(words)
    spans = []
    # a phrase that occurs again (a second frame's) is looked for after its first occurrence
    taken: dict[tuple[str, str], int] = {}
    for number, role in enumerate(roles):
        key = (role.slot, role.phrase)
        start = taken.get(key, 0) if role.slot == "verb" else 0
        span = _find([match.group().casefold() for match in _WORD.finditer(role.phrase)], words, start)
        if span is not None:
            taken[key] = span[1]
            spans.append((span[1] - span[0], number, span))
    for _, number, (first, end) in sorted(spans, key=lambda item: (-item[0], -item[1])):
        owner[first:end] = [number] * (end - first)
    return _joined(text, words, owner, roles, relation)


def _find(phrase: Sequence[str], words: Sequence[tuple[str, int, int]], start: int) -> tuple[int, int] | None:
    """Return the shortest stretch of words, as (first, end), that holds the phrase's words in their order."""
    best: tuple[int, int] | None = None
    for first in range(start, len(words)):
        if not phrase or words[first][0] != phrase[0]:
            continue
        at = first
        for wanted in phrase[1:]:
            at = next((i for i in range(at + 1, len(words)) if words[i][0] == wanted), -1)
            if at < 0:
                break
        if at >= 0 and (best is None or at + 1 - first < best[1] - best[0]):
            best = (first, at + 1)
    return best


def _joined(
    text: str,
    words: Sequence[tuple[str, int, int]],
    owner: Sequence[int | None],
    roles: Sequence[RoleRow],
    relation: Sequence[str],
) -> list[Piece]:
    found: list[Piece] = []
    position = word = 0
    while word < len(words):
        number, last = owner[word], word
        while last + 1 < len(words) and owner[last + 1] == number:
            last += 1
        start, end = words[word][1], words[last][2]
        if number is not None:
            if start > position:
                found.append(Piece(text=text[position:start]))
            role = roles[number]
            found.append(Piece(text=text[start:end], slot=role.slot, role=role.role, relation=relation[number]))
            position = end
        word = last + 1
    if position < len(text):
        found.append(Piece(text=text[position:]))
    return found
