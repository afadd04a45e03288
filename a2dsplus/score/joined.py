"""Several folders or files that are parts of one model's predictions, as one."""

from collections.abc import Sequence

import numpy as np

from a2dsplus.errors import PredictionError, listed
from a2dsplus.media.runs import Ints, Runs, from_runs
from a2dsplus.media.segments import to_counts
from a2dsplus.score.readers.base import Predictions, ScoredMasks
from a2dsplus.score.truth import Truth


class JoinedPredictions(Predictions):
    """Each unit's mask from the part that has it. Raises PredictionError where two parts have one unit."""

    def __init__(self, truth: Truth, parts: Sequence[Predictions], names: Sequence[str]) -> None:
        self._parts = parts
        given = np.ones((len(parts), len(truth)), bool)
        for place, part in enumerate(parts):
            given[place, part.missing] = False
        twice = np.flatnonzero(given.sum(axis=0) > 1)
        if len(twice):
            first, second = np.flatnonzero(given[:, twice[0]])[:2]
            raise PredictionError(
                f"{truth.subset}: {names[first]} and {names[second]} both have {len(twice)} units, "
                f"{listed(truth.ids[unit] for unit in twice[:10].tolist())}; --join is for parts that do not overlap"
            )
        self._part_of = np.where(given.any(axis=0), given.argmax(axis=0), -1)
        scores = np.full(len(truth), -np.inf)
        for place, part in enumerate(parts):
            own = self._part_of == place
            scores[own] = part.scores[own]
        layouts = dict.fromkeys(part.layout for part in parts)
        super().__init__(
            truth,
            layout=f"{len(parts)} parts: {'; '.join(layouts)}",
            scored=all(part.scored for part in parts),
            scores=scores,
            missing=np.flatnonzero(self._part_of < 0),
        )
        self.notes = [note for part in parts for note in part.notes]

    def runs(self, units: Ints) -> Runs:
        """Return the best mask of each of some units."""
        none = np.zeros((0, 2), np.int64)
        found = [none] * len(units)
        for place, part in enumerate(self._parts):
            own = np.flatnonzero(self._part_of[units] == place)
            if len(own):
                masks = part.runs(units[own])
                for number, where in enumerate(own.tolist()):
                    found[where] = masks.of(number)
        return from_runs(found, self.truth.pixels[units])

    def settled(self) -> bool:
        """Return whether the masks of every part stand."""
        stand = [part.settled() for part in self._parts]
        self.notes = [note for part in self._parts for note in part.notes]
        return all(stand)

    def every_mask(self) -> ScoredMasks | None:
        """Return all scored masks, or None where no part has several a unit."""
        given = [part.every_mask() for part in self._parts]
        if all(own is None for own in given):
            return None
        found = [
            self._single(place) if own is None else own
            for place, own in enumerate(given)
            if (self._part_of == place).any()
        ]
        return ScoredMasks(
            units=np.concatenate([own.units for own in found]),
            scores=np.concatenate([own.scores for own in found]),
            counts=[counts for own in found for counts in own.counts],
        )

    def _single(self, place: int) -> ScoredMasks:
        """Return the masks of a part that has one a unit."""
        units = np.flatnonzero(self._part_of == place)
        masks = self._parts[place].runs(units)
        sizes = zip(self.truth.heights[units].tolist(), self.truth.widths[units].tolist(), strict=True)
        counts = [to_counts(masks.of(n), height=height, width=width) for n, (height, width) in enumerate(sizes)]
        return ScoredMasks(units=units, scores=self.scores[units], counts=counts)
