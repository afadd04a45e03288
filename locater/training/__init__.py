"""Training LOCATER on any set of queries, clips and masks: `train(config, examples, store, options)`."""

from locater.training.data import Clips, Compose, Example, FrameStore, Shown
from locater.training.loop import train
from locater.training.options import TrainOptions
from locater.training.validation import Marks, Validation

__all__ = ["Clips", "Compose", "Example", "FrameStore", "Marks", "Shown", "TrainOptions", "Validation", "train"]
