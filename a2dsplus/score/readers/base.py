"""What every reader gives: each unit's best mask as runs, its score, and what is missing."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import PredictionError, listed
from a2dsplus.media.runs import Ints, Runs
from a2dsplus.score.truth import Truth

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredMasks:
    """Every mask a model gave, best or not: the unit each belongs to (K,), its score (K,), its compressed counts."""

    units: Ints
    scores: Floats
    counts: list[str]


class Predictions(ABC):
    """A model's masks for the N units of one subset.

    `layout`: what was found, for the report. `notes`: what a user should know of the reading. `scores`: (N,), -inf where no mask
    came. `scored`: whether the model gave scores at all. `missing`: units without a mask, ascending.
    """

    def __init__(self, truth: Truth, *, layout: str, scored: bool, scores: Floats, missing: Ints) -> None:
        self.truth = truth
        self.layout = layout
        self.notes: list[str] = []
        self.scored = scored
        self.scores = scores
        self.missing = missing

    @abstractmethod
    def runs(self, units: Ints) -> Runs:
        """Return the best mask of each of some units, empty where none came. Raises PredictionError for a malformed one."""

    def settled(self) -> bool:
        """Return whether the masks given out stand, asked once all were read; False: ask for all of them again, and then this.

        Completes `notes`. Raises PredictionError where the masks together say no one thing.
        """
        return True

    def every_mask(self) -> ScoredMasks | None:
        """Return all scored masks, or None where each unit has at most one."""
        return None

    def require_all(self) -> None:
        """Raise PredictionError, with how many and the first ten, where units have no mask."""
        if len(self.missing):
            ids = [self.truth.ids[unit] for unit in self.missing[:11]]
            more = f" and {len(self.missing) - 10} more" if len(self.missing) > 10 else ""
            said = "".join(f" ({note})" for note in self.notes)
            raise PredictionError(
                f"{self.truth.subset}: no prediction for {len(self.missing)} of {len(self.truth)} units: {listed(ids[:10])}{more}; "
                f"write them, or pass --missing empty to count them as empty masks{said}{self.truth.recipe}"
            )


def plausibility(areas: Ints, pixels: Ints, *, shared: Ints, true: Ints) -> list[str]:
    """Return a note where all masks together can hardly be meant.

    `areas`, `pixels`, `shared`, `true`: (N,) each mask's pixels, its frame's, those it shares with the right mask, and the right mask's.
    """
    if not areas.any():
        return ["every mask is empty: nothing is predicted anywhere"]
    covering = areas >= 0.95 * pixels
    if (covering | (areas == 0)).all():
        empty = "and the others are empty " if not covering.all() else ""
        return [
            f"{int(covering.sum())} of {len(areas)} masks cover all or nearly all of their frames {empty}"
            "(are referent and background swapped, or is what was read no mask?)"
        ]
    # of each mask's rest: what it shares with the right mask, and both together
    rest = float((true - shared).sum() / (pixels - areas + shared).sum())
    if rest > 0.5:
        return [f"what the masks leave out is right by an oIoU of {rest:.2f}: referent and background are swapped"]
    return []
