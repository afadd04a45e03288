"""Training LOCATER on any set of queries, clips and masks: `train(config, examples, store, options)`."""

from locater.training.data import Clips, Example, FrameStore
from locater.training.loop import train
from locater.training.options import TrainOptions
from locater.training.validation import Marks, Validation

__all__ = ["Clips", "Example", "FrameStore", "Marks", "TrainOptions", "Validation", "train"]
