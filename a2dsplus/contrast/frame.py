"""One verb's frame of a caption, its phrases taken apart."""

from collections.abc import Iterable, Iterator, Sequence

from a2dsplus.contrast.phrase_words import COLOURS, POSITIONS
from a2dsplus.contrast.phrases import Phrase, analyse
from a2dsplus.contrast.spelling import normalised
from a2dsplus.records import Slot

# rows of roles.parquet of one caption: (frame number, label, slot, cleaned phrase, lemmatised phrase)
Rows = Sequence[tuple[int, str, str, str, str]]
_ANOTHER = frozenset(["another", "other", "others", "one", "friend"])


class Frame:
    """One verb's frame, its phrases taken apart."""

    def __init__(self, rows: Iterable[tuple[int, str, str, str, str]]) -> None:
        self.verb = ""
        self.negated = False
        self.roles: list[tuple[str, str, Phrase]] = []  # label, slot, phrase
        for _, label, slot, phrase, lemma in rows:
            spelt = normalised(_kept(phrase, lemma))
            if not spelt:
                continue
            if label == "ARGM-NEG":
                self.negated = True
            elif slot == Slot.VERB:
                self.verb = spelt
            else:
                self.roles.append((label, slot, analyse(slot, spelt)))

    def is_limited(self, main: Phrase) -> bool:
        """Whether the frame's verb is told of an object, a place or a manner: "not eating the apple", not "not moving at all"."""
        return any(
            slot in (Slot.WHAT, Slot.WHERE, Slot.OTHER)
            and label != "ARGM-NEG"
            and not same(phrase, main)
            and any(word not in POSITIONS and word not in ("all", "anymore", "it") for word in phrase.words)
            for label, slot, phrase in self.roles
        )

    def of(self, *slots: str) -> Iterator[Phrase]:
        """Yield the phrases of some slots, in their order."""
        for _, slot, phrase in self.roles:
            if slot in slots:
                yield phrase


def same(phrase: Phrase, other: Phrase) -> bool:
    """Whether two noun phrases of a caption speak of one: the same head, and the own words of one among those of the other."""
    if phrase is other:
        return True
    if phrase.head != other.head or phrase.preposition not in ("", other.preposition, "by"):
        return False
    if _ANOTHER & {*phrase.words, *other.words}:
        return phrase.words == other.words and phrase.attached == other.attached
    return set(phrase.words) <= set(other.words) or set(other.words) <= set(phrase.words)


def _kept(phrase: str, lemma: str) -> str:
    """Return a lemma with its phrase's comparatives: "the darker horse" may be brown or gray."""
    said, lemmas = phrase.split(), lemma.split()
    if len(said) != len(lemmas):
        return lemma
    pairs = zip((word.lower() for word in said), lemmas, strict=True)
    return " ".join(word if base in COLOURS and word.endswith(("er", "est")) else base for word, base in pairs)
