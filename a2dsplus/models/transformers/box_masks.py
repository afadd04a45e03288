"""Boxes as masks: what a detector alone is worth, frame by frame."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage
from a2dsplus.models.transformers.adapter import Adapter, Roles, batches, checked_threshold, silent
from a2dsplus.models.transformers.boxes import Detector


class BoxMasks(Adapter):
    """The inside of the best box of each frame; nothing where its score is below the threshold."""

    def __init__(self, detector: Detector, *, device: str, threshold: float | None, batch: int) -> None:
        self.detector, self.device, self.batch = detector, device, batch
        self.threshold = checked_threshold(threshold, detector.threshold)

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield (mask, score) of each text in each wanted frame."""
        for frames in batches(video, wanted, self.batch):
            with self.computing():
                boxes, scores = self.detector.best(frames, texts)  # (T, B, 4), (T, B)
            for index in range(len(frames)):
                yield [self._answer(video, boxes[row, index], float(scores[row, index])) for row in range(len(texts))]

    def _answer(self, video: Footage, box: npt.NDArray[np.float32], score: float) -> tuple[Mask, float]:
        if score < self.threshold:
            return silent(video, score)
        left, top, right, bottom = np.round(box).astype(int)
        mask = np.zeros((video.height, video.width), bool)
        mask[top:bottom, left:right] = True
        return mask, score
