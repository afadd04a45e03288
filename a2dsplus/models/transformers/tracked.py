"""Box, then track: a detector finds the caption's box in some frames, SAM 2 or EdgeTAM follows the best one both ways.

H, W a frame's size, S the segmenter's side.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage
from a2dsplus.models.transformers.adapter import (
    Adapter,
    Rgb,
    Roles,
    checked_threshold,
    enlarged,
    numbered_batches,
    pixels,
    silent,
)
from a2dsplus.models.transformers.boxes import Detector
from a2dsplus.models.transformers.folder import Picture, load_model, read_picture, read_type, transformers

_EVERY = 8  # frames between those in which the detector looks
SEGMENTERS = {"sam2_video": "Sam2Video", "edgetam_video": "EdgeTamVideo"}
"""`model_type` of a segmenter's folder, and how its classes begin."""


class Tracked(Adapter):
    """The best box over every 8th frame, followed to the video's beginning and end.

    A video whose best box scores below the threshold is silent; in a frame from which the referent is gone the segmenter says so.
    """

    def __init__(
        self, detector: Detector, segmenter: Path, *, device: str, threshold: float | None, batch: int
    ) -> None:
        kind = read_type(segmenter)
        if kind not in SEGMENTERS:
            raise ModelError(f"--segmenter {segmenter}: model_type {kind!r}; known are {', '.join(sorted(SEGMENTERS))}")
        name = SEGMENTERS[kind]
        self.detector, self.device, self.batch = detector, device, batch
        self.model = load_model(f"{name}Model", segmenter, device=device)
        self.picture = read_picture(segmenter, side=side_of(self.model.config.image_size))
        self.threshold = checked_threshold(threshold, detector.threshold)
        self._session = getattr(_module(kind), f"{name}InferenceSession")

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield (mask, confidence) of each text in each wanted frame; confidence: the box's score times the segmenter's that it is there.

        The texts are followed side by side: a frame is encoded once each way.
        """
        asked = list(range(1, video.frames + 1)) if wanted is None else list(wanted)
        if not asked:
            return
        frames = list(video)  # both ways, so all of them, as they are decoded
        starts = self._starts(video, texts)
        found: list[dict[int, tuple[Mask, float]]] = [{} for _ in texts]
        with self.computing():
            sessions = self._sessions(video, frames, starts)
            live = [row for row, session in enumerate(sessions) if session is not None]
            for reverse in (False, True):
                for number in _order(starts, live, asked, reverse=reverse):
                    for row in live:
                        start = starts[row][0]
                        if (number > start) if reverse else (number < start):
                            continue
                        seen = self.model(sessions[row], frame_idx=number - 1, reverse=reverse)
                        if number in asked and number not in found[row]:
                            found[row][number] = _answer(video, seen, starts[row][2])
        for number in asked:
            yield [found[row].get(number) or silent(video, float(starts[row][2])) for row in range(len(texts))]

    def _starts(self, video: Footage, texts: Sequence[str]) -> list[tuple[int, npt.NDArray[np.float32], float]]:
        """Return the frame, 1-based, the box and the score of the best box of each text."""
        looked = range(1, video.frames + 1, _EVERY)
        best: list[tuple[int, npt.NDArray[np.float32], float]] = [(1, np.zeros(4, np.float32), -1.0) for _ in texts]
        for batch in numbered_batches(video, looked, self.batch):
            with self.computing():
                boxes, scores = self.detector.best([frame for _, frame in batch], texts)
            for row in range(len(texts)):
                for index, (number, _) in enumerate(batch):
                    if scores[row, index] > best[row][2]:
                        best[row] = (number, boxes[row, index], float(scores[row, index]))
        return best

    def _sessions(
        self, video: Footage, frames: list[Rgb], starts: Sequence[tuple[int, npt.NDArray[np.float32], float]]
    ) -> list[Any]:
        """Return a session a text, with its box; None where its score is too low. They share the features of a frame."""
        import torch

        prepared = Prepared(frames, self.picture, device=self.device)
        sessions: list[Any] = []
        cache: Any = None
        for number, box, score in starts:
            if score < self.threshold:
                sessions.append(None)
                continue
            session = self._session(
                video_height=video.height,
                video_width=video.width,
                inference_device=self.device,
                inference_state_device=self.device,
                video_storage_device=self.device,
                dtype=torch.float32,
            )
            session.processed_frames = prepared
            cache = session.cache = cache or session.cache
            scale = np.array([self.picture.side / video.width, self.picture.side / video.height] * 2, np.float32)
            corners = torch.from_numpy(box * scale).view(1, 1, 2, 2)
            labels = torch.tensor([[[2, 3]]], dtype=torch.int32)  # a box's two corners, in this family of models
            index = session.obj_id_to_idx(1)
            session.add_point_inputs(index, number - 1, {"point_coords": corners, "point_labels": labels})
            session.obj_with_new_inputs = [1]
            sessions.append(session)
        return sessions


class Prepared(Mapping[int, Any]):
    """A video's frames, 0-based, as the segmenter takes them, (3, S, S), made when they are asked for: at S x S they would fill the memory."""

    def __init__(self, frames: Sequence[Rgb], picture: Picture, *, device: str) -> None:
        self._frames, self._picture, self._device = frames, picture, device

    def __getitem__(self, index: int) -> Any:
        return pixels([self._frames[index]], self._picture, device=self._device)[0]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._frames)))

    def __len__(self) -> int:
        return len(self._frames)


def _order(
    starts: Sequence[tuple[int, npt.NDArray[np.float32], float]],
    live: Sequence[int],
    asked: Sequence[int],
    *,
    reverse: bool,
) -> range:
    """Return the frames to go through one way: from the first start to the last frame that is asked for, or back."""
    if not live:
        return range(0)
    numbers = [starts[row][0] for row in live]
    if reverse:
        return range(max(numbers), min(asked) - 1, -1) if min(asked) < max(numbers) else range(0)
    return range(min(numbers), max([*numbers, *asked]) + 1)


def _answer(video: Footage, seen: Any, score: float) -> tuple[Mask, float]:
    mask = (enlarged(seen.pred_masks[:, 0], video)[0] > 0).cpu().numpy()
    there = float(seen.object_score_logits.float().sigmoid().flatten()[0])
    return mask, score * there if mask.any() else 1 - score * there


def _module(kind: str) -> Any:
    from importlib import import_module

    return import_module(f"{transformers().__name__}.models.{kind}.modeling_{kind}")


def side_of(size: Any) -> int:
    """Return the side of a config's `image_size`, one number or two."""
    return int(size if isinstance(size, int) else size[0])
