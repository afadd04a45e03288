"""What is counted of each unit: pixels of the masks, of their intersection, and the contour's accuracy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints, Runs, from_runs, intersections, without
from a2dsplus.score.counting.boundary import contour_accuracies
from a2dsplus.score.readers.base import Floats, Predictions
from a2dsplus.score.truth import Truth

CHUNK = 128  # units at a time: small enough for the processor's cache, large enough for numpy
_MOST_PIXELS = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Where the clip that a unit's caption is about lies: pixels [first, stop) of the frame, numbered down the columns, both (N,)."""

    first: Ints
    stop: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Counts of N units, each (N,): pixels of the intersection, of the prediction, of the truth, of the prediction off its own clip.

    `contour`: F of each unit. `scores`: the model's, -inf where no mask came.
    """

    intersection: Ints
    predicted: Ints
    true: Ints
    leaked: Ints
    contour: Floats
    scores: Floats

    @property
    def union(self) -> Ints:
        """|P ∪ G|, (N,)."""
        return self.predicted + self.true - self.intersection

    def take(self, units: npt.NDArray[np.generic]) -> "Counts":
        """Return the counts of some units."""
        return Counts(**{name: getattr(self, name)[units] for name in self.__slots__})


def measure(truth: Truth, predictions: Predictions, *, sides: Sides | None = None) -> Counts:
    """Return the counts of all units of a subset, read and counted chunk by chunk without decoding to pixels."""
    keep_memory()
    parts = [_measured(truth, predictions, units, sides) for units in chunks(truth.pixels)]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Counts(**whole, scores=predictions.scores)


def without_ignored(truth: Truth, found: Runs, units: Ints) -> Runs:
    """Return predicted masks without the pixels that the truth ignores, which its own masks are without already."""
    places = [place for place, unit in enumerate(units.tolist()) if unit in truth.ignored]
    if not places:
        return found
    own = [found.of(place) for place in range(len(found))]
    chosen = units[places]
    some = from_runs([own[place] for place in places], truth.pixels[chosen])
    kept = without(some, truth.ignored_runs(chosen))
    for number, place in enumerate(places):
        own[place] = kept.of(number)
    return from_runs(own, truth.pixels[units])


def keep_memory() -> None:
    """Make the process keep the memory of temporary arrays from chunk to chunk.

    glibc returns freed memory to the system above a threshold that it raises when a large block is freed; fetching it again, page by
    page, costs as much as the counting itself. Elsewhere this does nothing.
    """
    np.empty(1 << 24, np.uint8)


def chunks(pixels: Ints) -> list[Ints]:
    """Return runs of successive units, at most CHUNK long and of a bounded number of pixels in all."""
    found, begin, total = [], 0, 0
    for unit, own in enumerate(pixels.tolist()):
        if unit > begin and (unit - begin == CHUNK or total + own > _MOST_PIXELS):
            found.append(np.arange(begin, unit))
            begin, total = unit, 0
        total += own
    return [*found, np.arange(begin, len(pixels))]


def _measured(
    truth: Truth, predictions: Predictions, units: Ints, sides: Sides | None
) -> dict[str, npt.NDArray[np.generic]]:
    expected, found = truth.runs(units), without_ignored(truth, predictions.runs(units), units)
    areas = found.areas()
    leaked = (
        np.zeros_like(areas) if sides is None else areas - found.areas_within(sides.first[units], sides.stop[units])
    )
    return {
        "intersection": intersections(found, expected),
        "predicted": areas,
        "true": expected.areas(),
        "leaked": leaked,
        "contour": contour_accuracies(found, expected, heights=truth.heights[units], widths=truth.widths[units]),
    }
