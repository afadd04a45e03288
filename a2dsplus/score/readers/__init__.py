"""Predictions in the layouts that models write, found by themselves and said."""

from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.layouts import has_bare_predictions, has_predictions, open_predictions
from a2dsplus.score.readers.masks import MaskPredictions
from a2dsplus.score.readers.names import source_frame_names

__all__ = [
    "MaskPredictions",
    "Predictions",
    "has_bare_predictions",
    "has_predictions",
    "open_predictions",
    "source_frame_names",
]
