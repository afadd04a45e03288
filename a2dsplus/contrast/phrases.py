"""Lemmatised phrases taken apart: a head with its own words, and what is attached to it by prepositions, verbs and "and".

"black and white dog in red jacket" is a dog that is black and white, with a red jacket attached by "in": every modifier belongs to its
noun.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from a2dsplus.contrast.phrase_words import (
    ADJECTIVES,
    AND,
    CLOTHES,
    COLOURS,
    COMPOUND,
    EMBEDDED,
    LINKS,
    POSITIONS,
    RELATIVES,
)
from a2dsplus.records import Slot


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase: the preposition or verb that leads it ("" if none), its head word, the other words of the head's own noun phrase.

    `words`: the own words in order, the head last. `attached`: what follows by a preposition, a participle or a relative pronoun;
    `also`: what is joined by "and".
    """

    preposition: str
    head: str
    modifiers: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    attached: tuple["Phrase", ...] = ()
    also: tuple["Phrase", ...] = ()

    def all(self) -> Iterator["Phrase"]:
        """Yield the phrase and all those within it."""
        yield self
        for inner in (*self.also, *self.attached):
            yield from inner.all()


@cache
def analyse(slot: str, lemma: str) -> Phrase:
    """Return a lemmatised phrase's parts: "on green grass" is (on, grass, {green}), "man in red shirt" a man with (in, shirt, {red})."""
    words = lemma.split()
    if slot == Slot.VERB:
        # a particle follows its verb: "climb up"
        if words[:1] == ["not"] and len(words) > 1:
            return Phrase("not", words[1], frozenset(words[2:]), tuple(words))
        return Phrase("", words[0], frozenset(words[1:]), tuple(words)) if words else Phrase("", lemma)
    joined = _join_prepositions(words)
    lead = ""
    if slot != Slot.WHO and len(joined) > 1 and joined[0] in LINKS:
        lead, joined = joined[0], joined[1:]
    if not joined:
        return Phrase("", lemma)
    return _phrase(lead, joined)


def _join_prepositions(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(words):
        for compound, name in COMPOUND:
            if tuple(words[place : place + len(compound)]) == compound and len(words) > place + len(compound):
                found.append(name)
                place += len(compound)
                break
        else:
            found.append(words[place])
            place += 1
    return found


def _phrase(lead: str, words: Sequence[str]) -> Phrase:
    """Return a noun phrase and what is attached to it, all attachments to its first head."""
    parts = _split(words)
    own = parts[0][1]
    rest = parts[1:]
    if len(rest) and rest[0][0] == "from" and all(word in POSITIONS for word in own) and len(rest[0][1]) > 1:
        # "second from left man" is a man
        behind = [word for word in rest[0][1] if word not in POSITIONS]
        if behind:
            own, rest = [*own, *behind], [("from", rest[0][1][: -len(behind)]), *rest[1:]]
    heads = _coordinated(own)
    attached = []
    for link, inner in rest:
        first, *others = _coordinated(inner)
        attached.append(_own(link, first, also=[_own(link, other) for other in others]))
    first, *others = heads
    return _own(lead, first, also=[_own(lead, other) for other in others], attached=attached)


def _own(lead: str, words: Sequence[str], *, also: Sequence[Phrase] = (), attached: Sequence[Phrase] = ()) -> Phrase:
    own = [word for word in words if word not in AND]
    trailing: list[str] = []
    worn = lead in ("in", "with", "wear", "have", "and")
    while len(own) > 1 and own[-1] in POSITIONS and not (worn and own[-1] in CLOTHES):
        if all(word in POSITIONS or word in ADJECTIVES or word in _NO_HEADS for word in own):
            break
        trailing.append(own.pop())
    while len(own) > 1 and own[-1] in _BEHIND and own[-2] not in ADJECTIVES | COLOURS | POSITIONS | AND:
        # "dog bigger than", "ball red"
        trailing.append(own.pop())
    head = own[-1] if own else (words[-1] if words else "")
    modifiers = frozenset([*own[:-1], *trailing])
    return Phrase(lead, head, modifiers, (*trailing, *own), tuple(attached), tuple(also))


# what may stand behind its noun and is no noun there
_BEHIND = (
    (ADJECTIVES | COLOURS)
    - POSITIONS
    - CLOTHES
    - frozenset(
        ["light", "orange", "rose", "cream", "gold", "silver", "tan", "lime", "ginger", "navy", "adult", "baby"]
    )
)
# words that are no heads beside a position: "on both sides", "on its back"
_NO_HEADS = frozenset(["two", "three", "both", "each", "its", "his", "her", "their", "it", "other", "same"])


def _split(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return (link, words) of the stretches between links; a relative pronoun before a verb goes."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for place, word in enumerate(words):
        own = parts[-1][1]
        is_link = word in LINKS and place > 0
        is_verb = word in EMBEDDED and bool(own) and own[-1] not in AND and not _is_noun_here(words, place)
        described = bool(own) and all(other in ADJECTIVES or other in COLOURS for other in own)
        after = words[place + 1] if place + 1 < len(words) else ""
        if (
            is_verb
            and described
            and (own[-1] in ADJECTIVES or word in _NOUNS_TOO or not (after == "" or after in LINKS))
        ):
            # "white flying bird", "with a white face"
            is_verb = False
        if not (is_link or is_verb):
            own.append(word)
        elif not own and len(parts) > 1 and (parts[-1][0] in RELATIVES or parts[-1][0] in ("next", "up", "down")):
            parts[-1] = (word, [])
        elif not own and len(parts) > 1 and word in LINKS:
            # "sit on": the preposition says more than the verb, which is kept as a part of its own
            parts.append((word, []))
        else:
            if own and own[-1] in AND:
                own.pop()
            parts.append((word, []))
    kept = [parts[0], *(part for part in parts[1:] if part[1] or part[0] in EMBEDDED)]
    return kept if kept[0][1] else [("", list(words))]


# verbs that are nouns in captions' noun phrases: "with a white face", "hair tie"
_NOUNS_TOO = frozenset(["face", "tie", "dress", "cover", "lead", "look", "show"])


def _is_noun_here(words: Sequence[str], place: int) -> bool:
    """Whether a word that may be a participle is a noun: "swim pool", "play ground", "fly disc", "pink dress", "hair tie"."""
    after = words[place + 1] if place + 1 < len(words) else ""
    if words[place] in ("dress", "tie"):
        return after not in ("as", "up", "to", "around", "like")
    return (words[place], after) in {("swim", "pool"), ("play", "ground"), ("fly", "disc"), ("hang", "glider")}


def _coordinated(words: Sequence[str]) -> list[list[str]]:
    """Return the noun phrases that "and", or clothes named one after the other, join: adjectives alone belong to the next."""
    parts: list[list[str]] = [[]]
    for place, word in enumerate(words):
        if word in AND:
            if parts[-1] and not all(other in COLOURS or other in ADJECTIVES for other in parts[-1]):
                parts.append([])
            continue
        before = parts[-1][-1] if parts[-1] else ""
        if before in CLOTHES and word in COLOURS and place + 1 < len(words) and before != "short":
            parts.append([])
        parts[-1].append(word)
    kept = [part for part in parts if part]
    if len(kept) > 1 and all(word in COLOURS or word in ADJECTIVES for word in kept[-1]):
        # "shirt black and white": colours behind their noun
        kept[-2] = [*kept[-1], *kept[-2]]
        kept.pop()
    return kept or [list(words)]
