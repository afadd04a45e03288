"""Models without a look at the video: the floor and the ceiling of every figure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from a2dsplus.errors import UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage


class _Weightless:
    """A model that takes no checkpoint."""

    def __init__(self, *, checkpoint: Path | None, device: str) -> None:
        if checkpoint is not None:
            raise UsageError(f"--checkpoint {checkpoint}: this model has no weights")


class Empty(_Weightless):
    """No pixel of any frame."""

    def segment(self, video: Footage, text: str) -> Iterator[Mask]:
        """Yield all-zero masks."""
        for _ in range(video.frames):
            yield np.zeros((video.height, video.width), bool)


class Everything(_Weightless):
    """Every pixel of every frame."""

    def segment(self, video: Footage, text: str) -> Iterator[Mask]:
        """Yield all-one masks."""
        for _ in range(video.frames):
            yield np.ones((video.height, video.width), bool)


class Labelled(Footage, Protocol):
    """A video that knows the answer."""

    def truth(self, frame: int) -> Mask:
        """Return the true mask of a 1-based frame; all zero where none is known."""
        ...


class Oracle(_Weightless):
    """The ground truth itself: must score 1.0, or the scorer or the data is at fault."""

    sees_truth = True

    def segment(self, video: Labelled, text: str) -> Iterator[Mask]:
        """Yield the true masks."""
        for frame in range(1, video.frames + 1):
            yield video.truth(frame)
