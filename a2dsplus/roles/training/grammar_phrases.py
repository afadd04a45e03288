"""The phrases of written captions: who, what and where, without their roles."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from a2dsplus.roles.training.grammar_words import (
    ADJECTIVES,
    BODY_PARTS,
    CLOTHES,
    COLOURS,
    COMPOUNDS,
    GROUNDS,
    OBJECTS,
    PEOPLE,
    PLACE_PREPOSITIONS,
    SIDES,
    SUBJECTS,
)

Words = list[str]
_Choice = TypeVar("_Choice")


class Phrases:
    """Draws phrases. The same generator state gives the same phrases."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def subject(self, *, sided: float = 0.13, things: float = 0.0) -> Words:
        """Return the words of a subject; `sided`: how often it says where it is; `things`: how often it is a thing."""
        heads = OBJECTS if self.chance(things) else SUBJECTS
        words = self.noun_phrase(self.any(heads), sided=sided)
        if self.chance(0.02):
            words += ["and", *self.noun_phrase(self.any(heads), sided=0.0)]
        return words

    def object(self) -> Words:
        """Return the words of an object."""
        return self.noun_phrase(self.any(OBJECTS if self.chance(0.7) else SUBJECTS), sided=0.0, plain=0.55)

    def noun_phrase(self, head: str, *, sided: float, plain: float = 0.45) -> Words:
        """Return a noun phrase around `head`; `plain`: how often it has no adjective."""
        words = self.pick({"a": 40, "the": 30, "": 26, "another": 1, "two": 1, "his": 1, "one": 1}).split()
        if words == ["a"] and head[0] in "aeiou":
            words = ["an"]
        if self.chance(0.07):
            words.append(
                self.any(
                    (
                        "left",
                        "right",
                        "first",
                        "second",
                        "third",
                        "rightmost",
                        "leftmost",
                        "front",
                        "last",
                        "middle",
                        "left most",
                        "most right",
                    )
                )
            )
        if not self.chance(plain):
            words.append(self.any(COLOURS if self.chance(0.6) else ADJECTIVES))
            if self.chance(0.2):
                words += [*(["and"] if self.chance(0.7) else []), self.any(COLOURS)]
        if self.chance(0.015):
            words += [self.any(PEOPLE), "'s"]
        words = " ".join(words).split()
        words += self.any(COMPOUNDS).split() if self.chance(0.06) else [head]
        if head in PEOPLE and self.chance(0.45):
            words += self._worn()
        elif self.chance(0.02):
            words += ["of", *self.ground()]
        if self.chance(sided):
            words += self.place()
            if self.chance(0.1):
                words += self.place()
        return words

    def _worn(self) -> Words:
        words = [self.pick({"in": 7, "with": 4})]
        if words == ["in"] and self.chance(0.2):
            return [*words, self.any(COLOURS)]
        for more in (0.25, 0.0):
            words += self.pick({"": 7, "a": 3, "the": 1}).split()
            words += [self.any(COLOURS)] if self.chance(0.85) else []
            words.append(self.any(CLOTHES))
            if not self.chance(more):
                break
            words.append("and")
        return words

    def ground(self, *, sided: float = 0.1) -> Words:
        """Return what a place or a path is relative to; `sided`: how often that is a side."""
        if self.chance(sided):
            return [*(["the"] if self.chance(0.7) else []), self.any(SIDES)]
        words = self.pick({"the": 60, "a": 18, "": 16, "his": 3, "its": 3}).split()
        if self.chance(0.03):
            words += [self.any(SUBJECTS), "'s"]
        if self.chance(0.2):
            words.append(self.any(COLOURS + ADJECTIVES))
        words += (
            self.any(COMPOUNDS).split() if self.chance(0.06) else [self.any(GROUNDS if self.chance(0.8) else OBJECTS)]
        )
        if self.chance(0.06):
            words += ["of", *self.ground(sided=0.0)]
        return words

    def place(self) -> Words:
        """Return the words of a place."""
        kind = self.pick({"ground": 55, "side": 36, "person": 7, "alone": 4, "hand": 2})
        if kind == "side":
            words = [self.pick({"on": 12, "in": 3, "at": 1}), *(["the"] if self.chance(0.92) else [])]
            words += self.pick({"": 8, "far": 1, "bottom": 1, "top": 1, "back": 1}).split()
            words += [self.any(SIDES), *(["side"] if self.chance(0.12) else [])]
            return [*words, *(["of", *self.ground(sided=0.0)] if self.chance(0.12) else [])]
        if kind == "alone":
            return [
                self.any(
                    (
                        "outside",
                        "inside",
                        "nearby",
                        "indoor",
                        "indoors",
                        "outdoors",
                        "ahead",
                        "there",
                        "here",
                        "upside down",
                        "underwater",
                    )
                )
            ]
        if kind == "hand":
            return ["in", self.any(("his", "her", "its", "the")), self.any(BODY_PARTS)]
        preposition = self.any(PLACE_PREPOSITIONS).split()
        if kind == "person":
            preposition = self.any(
                ("behind", "next to", "beside", "in front of", "near", "by", "between", "under", "close to", "around")
            ).split()
            return [*preposition, *self.noun_phrase(self.any(SUBJECTS), sided=0.0)]
        return [*preposition, *self.ground()]

    def chance(self, share: float) -> bool:
        """Return true in this share of the cases."""
        return bool(self.rng.random() < share)

    def any(self, choices: Sequence[_Choice]) -> _Choice:
        """Return one of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def pick(self, weights: dict[str, float]) -> str:
        """Return one of the keys, by weight."""
        shares = np.cumsum(list(weights.values()))
        return list(weights)[int(np.searchsorted(shares, self.rng.random() * shares[-1], side="right"))]
