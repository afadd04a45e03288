"""The exclusion test for many captions: which aspects of two actors exclude each other is remembered, not found anew for each pair."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from a2dsplus.contrast.actors import Actor, Reading
from a2dsplus.contrast.exclusion import Exclusion

# so many answers are remembered at most (some 250 MB)
_MOST = 2_000_000
# about one aspect: it excludes; it does not; it does not and nothing else counts; it does where nobody else in the caption is concerned
_YES, _NO, _CLOSED, _ASK = range(4)


@dataclass(frozen=True, slots=True)
class Known:
    """A caption's reading, and the numbers of the aspects of everybody that it speaks of, the referent first, and of `joined`."""

    reading: Reading
    actors: tuple[tuple[int, ...], ...]
    joined: tuple[tuple[int, ...], ...]


class Remembered:
    """Answers what `Exclusion.excluded` answers, for readings that are `known` to it."""

    def __init__(self, exclusion: Exclusion) -> None:
        self.exclusion = exclusion
        # somebody who has an aspect, by its number; 0 is the aspect of who says nothing of the kind
        self._example: list[Actor] = [Actor(words="")]
        self._numbers: dict[Hashable, int] = {}
        self._answers: dict[int, int] = {}
        self._tests = (
            (exclusion.negation, exclusion.verbs),
            (exclusion.colours,),
            (exclusion.places,),
            (exclusion.objects,),
        )

    def known(self, reading: Reading) -> Known:
        """Return a reading with the numbers of its actors' aspects."""
        actors = tuple(self._aspects(actor) for actor in (reading.referent, *reading.mentioned))
        return Known(reading, actors, tuple(self._aspects(actor) for actor in reading.joined))

    def excluded(self, query: Known, captions: Sequence[Known]) -> bool:
        """Return whether a video with these captions holds nothing that fits the query, as far as its captions tell."""
        unsure = False
        for ours in (query.actors[0], *query.joined):
            for caption in captions:
                for place, theirs in enumerate(caption.actors):
                    answer = self._compared(ours, theirs)
                    if answer == _YES:
                        continue
                    if answer != _ASK and place == 0:
                        return False
                    unsure = True
        # what somebody whom a caption only mentions is, another caption of the video may tell
        return not unsure or self.exclusion.excluded(query.reading, [caption.reading for caption in captions])

    def _compared(self, ours: tuple[int, ...], theirs: tuple[int, ...]) -> int:
        answers = self._answers
        answer = answers.get(ours[0] << 32 | theirs[0])
        if answer is None:
            answer = self._remember(ours[0], theirs[0], self._who(self._example[ours[0]], self._example[theirs[0]]))
        if answer != _NO:
            return answer
        for aspect, tests in enumerate(self._tests, 1):
            one, two = ours[aspect], theirs[aspect]
            if one and two:
                answer = answers.get(one << 32 | two)
                if answer is None:
                    pair = self._example[one], self._example[two]
                    differ = any(True for test in tests for _ in test(*pair))
                    answer = self._remember(one, two, _YES if differ else _NO)
                if answer == _YES:
                    return _YES
        return _NO

    def _who(self, query: Actor, other: Actor) -> int:
        if not self.exclusion.apart(query, other):
            return _YES if any(True for _ in self.exclusion.sex_and_kind(query, other)) else _NO
        if not self.exclusion.tells(query, other):
            return _CLOSED
        return _ASK if self.exclusion.owners_of(query, other) else _YES

    def _remember(self, one: int, two: int, answer: int) -> int:
        if len(self._answers) >= _MOST:
            self._answers.clear()
        self._answers[one << 32 | two] = answer
        return answer

    def _aspects(self, actor: Actor) -> tuple[int, ...]:
        """Return the numbers of who somebody is, what they do, how they look, where they are and what their verbs are done to."""
        looks = actor.coloured or actor.bare
        return (
            self._number(actor, "is", *self._identity(actor)),
            self._number(actor, "does", actor.classes, actor.actions) if actor.actions else 0,
            self._number(actor, "looks", actor.classes, actor.coloured, actor.bare) if looks else 0,
            self._number(actor, "is at", actor.places) if actor.places else 0,
            self._number(actor, "does to", *self._objects(actor)) if actor.objects else 0,
        )

    def _number(self, actor: Actor, *aspect: Hashable) -> int:
        number = self._numbers.setdefault(aspect, len(self._example))
        if number == len(self._example):
            self._example.append(actor)
        return number

    def _identity(self, actor: Actor) -> tuple[Hashable, ...]:
        return actor.classes, actor.sex, frozenset(actor.kinds.items())

    def _objects(self, actor: Actor) -> list[Hashable]:
        return [
            (verb, thing.head, thing.words, *self._identity(thing), thing.coloured, thing.bare)
            for verb, thing in actor.objects
        ]
