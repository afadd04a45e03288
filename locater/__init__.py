"""LOCATER, the memory-augmented Transformer for language-guided video segmentation, in two variants.

`Locater(LocaterConfig.preset("paper"))` is the network of the paper's section 3; `locater.released.load(path)`
the one of the authors' inference code, taking their weights.
"""

from locater.config import LocaterConfig, ReleasedConfig
from locater.errors import CheckpointError, ConfigError, LocaterError, QueryError, VideoError
from locater.model import Locater, Prediction
from locater.session import Session

from . import checkpoint, grounding, loss, released

__all__ = [
    "CheckpointError", "ConfigError", "Locater", "LocaterConfig", "LocaterError", "Prediction", "QueryError",
    "ReleasedConfig", "Session", "VideoError", "checkpoint", "grounding", "loss", "released",
]  # fmt: skip
