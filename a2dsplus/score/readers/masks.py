"""Predictions that are in memory: arrays or run lengths by image id."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import MaskError, PredictionError, listed
from a2dsplus.media import segments
from a2dsplus.media.masks import Rle
from a2dsplus.media.runs import Ints, RunError, Runs, from_counts, from_mask
from a2dsplus.media.segments import Resize
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.levels import of_array
from a2dsplus.score.truth import Truth

AnyMask = npt.NDArray[np.generic] | Rle


class MaskPredictions(Predictions):
    """`masks`: {key or image id: (H, W) array as `levels.of_array` reads it, or COCO run lengths}; `scores`: {image id: score}, optional."""

    def __init__(
        self,
        masks: Mapping[Any, AnyMask],
        truth: Truth,
        *,
        scores: Mapping[Any, float] | None = None,
        resize: Resize = "none",
    ) -> None:
        places = truth.place
        unknown = [image_id for image_id in masks if image_id not in places]
        if unknown:
            raise PredictionError(f"{len(unknown)} image ids are not in {truth.file}: {listed(unknown)}")
        given = dict((scores or {}).items())
        own = np.full(len(truth), -np.inf)
        for image_id in masks:
            own[places[image_id]] = given.get(image_id, 1.0)
        if np.isnan(own).any():
            raise PredictionError(f"image {truth.ids[int(np.argmax(np.isnan(own)))]!r}: its score is not a number")
        units = [places[image_id] for image_id in masks]
        if len(set(units)) < len(units):
            raise PredictionError("masks in memory: a unit is given twice, by its key and by its image id; keep one")
        missing = np.setdiff1d(np.arange(len(truth)), np.array(units, np.int64))
        super().__init__(truth, layout="masks in memory", scored=scores is not None, scores=own, missing=missing)
        self._counts: dict[int, str] = {}
        for image_id, mask in masks.items():
            unit = places[image_id]
            height, width = int(truth.heights[unit]), int(truth.widths[unit])
            try:
                self._counts[unit] = _counts(mask, height=height, width=width, resize=resize)
            except MaskError as error:
                raise PredictionError(f"image {image_id!r}: {error}") from None

    def runs(self, units: Ints) -> Runs:
        """Return the mask of each unit."""
        try:
            return from_counts(
                [self._counts.get(int(unit)) or self._empty(int(unit)) for unit in units], self.pixels(units)
            )
        except RunError as error:
            raise PredictionError(f"image {self.truth.ids[units[error.index]]!r}: {error.reason}") from None

    def pixels(self, units: Ints) -> Ints:
        """Return the units' numbers of pixels."""
        return self.truth.pixels[units]

    def _empty(self, unit: int) -> str:
        height, width = int(self.truth.heights[unit]), int(self.truth.widths[unit])
        return segments.to_counts(np.zeros((0, 2), np.int64), height=height, width=width)


def _counts(mask: AnyMask, *, height: int, width: int, resize: Resize) -> str:
    if isinstance(mask, dict):
        return segments.compressed_counts(mask, height=height, width=width, resize=resize)
    array = np.asarray(mask)
    own = from_mask(of_array(array))
    if array.shape != (height, width):
        size = array.shape[0], array.shape[1]
        segments.check_size(size, (height, width), resize=resize)
        own = segments.resized(own, size, (height, width))
    return segments.to_counts(own, height=height, width=width)
