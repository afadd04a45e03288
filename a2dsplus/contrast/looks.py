"""How somebody looks: the colours of a body and of what is worn, and what is said not to be worn."""

from collections.abc import Iterator, Sequence

from a2dsplus.contrast.actors import Coloured
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.phrase_words import COLOURS, PATTERNS, POSITIONS
from a2dsplus.contrast.phrases import Phrase

_WORN_LINKS = frozenset(["in", "with", "wear", "have", "dress", "of"])


class Looks:
    """Reads looks by the listed words."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists

    def coloured(self, phrase: Phrase, classes: frozenset[str], head: str) -> list[Coloured]:
        """Return the colours that a noun phrase's own words give a body, hair, or all that a person wears."""
        own = [word for word in phrase.words if word not in POSITIONS]
        colours = frozenset(self.lists.colours[word] for word in own if word in self.lists.colours)
        person = bool(classes & self.lists.sexed)
        if "haired" in own:
            hair = frozenset(
                self.lists.colours[word] for word in own[: own.index("haired")] if word in self.lists.colours
            )
            return [Coloured("hair", hair, " ".join(own))] if hair else []
        if person:
            # "a white man" may be his skin or his clothes
            worn = colours - {"white", "black", "brown", "yellow", "dark", "light", "golden", "blond", "gray", "red"}
            return [Coloured("main", worn, " ".join(own))] if worn else []
        if len(colours) == 1 and PATTERNS & {*own}:
            return []
        if colours and "multicolored" not in own and "colorful" not in own:
            return [Coloured("body", colours, " ".join(own))]
        listed = [self.lists.kind_colours[word] for word in own if word in self.lists.kind_colours]
        return [Coloured("body", listed[0], " ".join(own))] if listed else []

    def told(self, phrase: Phrase, classes: frozenset[str]) -> list[Coloured]:
        """Return what "is black" and "is red in color" say of an animal or a thing."""
        own = [word for word in phrase.words if word != "color"]
        if phrase.preposition or classes & self.lists.sexed or not own or not all(word in COLOURS for word in own):
            return []
        return self.coloured(phrase, classes, phrase.head)

    def worn(self, phrase: Phrase, classes: frozenset[str]) -> list[Coloured]:
        """Return what "in red", "with a white hat and black shorts" and "wearing jeans" say."""
        if phrase.preposition not in _WORN_LINKS:
            return []
        found = []
        for part in (phrase, *phrase.also):
            colours = frozenset(self.lists.colours[word] for word in part.words if word in self.lists.colours)
            said = " ".join(word for word in part.words if word not in POSITIONS)
            garment = self.lists.garments.get(part.head)
            if part.head == "short" and garment and len(part.words) > 1 and part.also:
                garment = self.lists.garments.get("shorts")
            if (
                garment is None
                and colours
                and all(
                    word in self.lists.colours or word in ("and", "dark", "light", "all", "color")
                    for word in part.words
                )
            ):
                garment = "main" if part.preposition in ("in", "wear", "dress") and classes & self.lists.sexed else None
            if garment == "body" and not classes & self.lists.sexed and not colours:
                garment = None
            if garment in ("hair", "body") and not classes & self.lists.sexed:
                garment = "body"
            if garment and colours and not (len(colours) == 1 and PATTERNS & {*part.words}):
                found.append(Coloured(garment, colours, said))
        return found

    def bare(self, attached: Sequence[Phrase]) -> Iterator[frozenset[str]]:
        """Yield the parts that "without a shirt" and "with no hat" say are bare."""
        for inner in attached:
            for part in (inner, *inner.also):
                garment = self.lists.garments.get(part.head)
                absent = inner.preposition == "without" or (inner.preposition in _WORN_LINKS and "no" in part.words)
                if absent and garment and garment not in ("body", "hair"):
                    plain = len(part.words) == 1 + ("no" in part.words)
                    if plain:
                        yield self.lists.bare["shirtless"] if garment == "top" else frozenset([garment])


def led(phrase: Phrase, link: str) -> Phrase:
    """Return a phrase, and what is joined to it, led by a link."""
    also = tuple(Phrase(link, p.head, p.modifiers, p.words, p.attached, p.also) for p in phrase.also)
    return Phrase(link, phrase.head, phrase.modifiers, phrase.words, phrase.attached, also)


def is_worn(phrase: Phrase) -> bool:
    """Whether a word of position is a garment here: "in a pink top" is, "on the top" is not."""
    return phrase.preposition in _WORN_LINKS and phrase.preposition != "of" and len(phrase.words) > 1
