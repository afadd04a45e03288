"""What a dataset's labels show of a contrast video that its captions do not tell: actors whom nobody described, or that there are none.

Labels change how a pair is graded, never which pair is drawn, and never speak against a caption. A query's referent may be among actors who
are to be seen and whom no caption names: such a pair is undecided. Where every pixel is labelled and nobody of the referent's class is among
them, nor in any caption, the pair is excluded.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from a2dsplus.contrast.actors import Actor, Reading
from a2dsplus.records import Pair

# who may be called by the other's name: a child is labelled as either
_ALIKE = frozenset(["adult", "baby"])
_LABELLED = frozenset([*_ALIKE, "ball", "bird", "car", "cat", "dog"])
_RULED_OUT = 0.01
# as of a caption that says nothing of the query's roles
_UNTOLD = 0.47


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Which actors videos show.

    `actors`: {video: {actor class: how many at once, at least}}; `whole`: the videos in which nobody else is.
    """

    actors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    whole: Collection[str] = frozenset()

    def graded(self, pair: Pair, query: Reading, captions: Sequence[Reading], *, video: str) -> Pair:
        """Return a pair as its captions and the labels of its contrast video grade it. `captions`: the readings of all that video's captions."""
        ours = query.referent.classes
        seen = self.actors.get(video, {})
        if pair.grade == "excluded":
            for name in sorted(ours & seen.keys()):
                if seen[name] > _named(name, captions):
                    because = f"labels: {_one(name)} that no caption names"
                    return replace(pair, grade="undecided", because=because, doubt=max(pair.doubt, _UNTOLD))
        elif ours and ours <= _LABELLED and video in self.whole:
            sought = ours | (_ALIKE if ours & _ALIKE else frozenset())
            told = any(actor.classes & sought for caption in captions for actor in _actors(caption))
            if not told and not sought & seen.keys():
                because = f"labels: no {' or '.join(sorted(ours))} is there"
                return replace(pair, grade="excluded", because=because, doubt=_RULED_OUT)
        return pair


def _actors(caption: Reading) -> tuple[Actor, ...]:
    return (caption.referent, *caption.mentioned)


def _named(name: str, captions: Sequence[Reading]) -> float:
    """Return how many of a class captions name, at least: two captions may mention one actor, no two are about one."""
    about = [caption.referent for caption in captions if name in caption.referent.classes]
    if any(actor.number for caption in captions for actor in _actors(caption) if name in actor.classes):
        return float("inf")
    together = [sum(name in actor.classes for actor in _actors(caption)) for caption in captions]
    return max(len(about), *together, 0)


def _one(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
