"""What moves is the referent: a classical baseline on OpenCV that does not read the text.

Two passes over the video, memory that does not grow with it. First the motion of the camera between frames, then, in each frame, the
optical flow that the camera does not explain, joined with what differs from the median background where the camera stands still.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage

_SIDE = 256  # longest side at which motion is measured
_LEAST_SIDE = 32  # OpenCV's DIS flow writes beyond its memory where a long frame is lower (many contrasts in a row)
_BACKGROUND_FRAMES = 25  # frames of which the background is the median
_STILL = 0.15  # pixels a frame, at that size, below which the camera counts as standing
_LEAST_FLOW = 0.35  # pixels a frame
_LEAST_CHANGE = 22.0  # grey levels
_LEAST_AREA = 0.002  # of the frame

Grey = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]


class Moving:
    """The largest thing that moves by itself, followed from frame to frame."""

    def __init__(self, *, checkpoint: Path | None, device: str) -> None:
        if checkpoint is not None:
            raise UsageError(f"--checkpoint {checkpoint}: this model has no weights")
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def segment(self, video: Footage, text: str) -> Iterator[Mask]:
        """Yield the moving thing's mask in each frame; nothing where nothing moves."""
        size = _measured_at(video.height, video.width)
        background = self._background(video, size)
        before: Grey | None = None
        heat: Field = np.zeros(size[::-1], np.float32)
        held: Mask | None = None
        pending = 0
        for frame in video:
            grey = _grey(frame, size)
            if before is not None:
                heat, held = self._follow(before, grey, background=background, heat=heat, held=held)
            before = grey
            pending += 1
            if pending > 1:
                # the first frame has nothing before it: it is given the second one's mask
                for _ in range(pending if pending == 2 else 1):
                    yield _enlarged(held, video)
        if pending == 1:
            yield np.zeros((video.height, video.width), bool)

    def _background(self, video: Footage, size: tuple[int, int]) -> Grey | None:
        """Return the median frame, or None where the camera moves."""
        step = max(1, video.frames // _BACKGROUND_FRAMES)
        kept, shifts = [], []
        before: Grey | None = None
        for index, frame in enumerate(video):
            if index % step:
                continue
            grey = _grey(frame, size)
            if before is not None:
                moved = _camera(self._flow.calc(before, grey, None))
                shifts.append(float(np.hypot(moved[..., 0], moved[..., 1]).mean()) / step)
            kept.append(grey)
            before = grey
        if len(kept) < 3 or float(np.median(shifts)) > _STILL:
            return None
        out: Grey | None = np.median(np.stack(kept), axis=0).astype(np.uint8)
        return out

    def _follow(
        self, before: Grey, grey: Grey, *, background: Grey | None, heat: Field, held: Mask | None
    ) -> tuple[Field, Mask | None]:
        """Return the smoothed motion after a frame, 1 where it is just enough, and the thing that is followed."""
        flow = self._flow.calc(before, grey, None)
        own = flow - _camera(flow)
        motion = np.hypot(own[..., 0], own[..., 1]) / _LEAST_FLOW
        if background is not None:
            change = cv2.GaussianBlur(cv2.absdiff(grey, background), (5, 5), 0).astype(np.float32) / _LEAST_CHANGE
            motion = np.maximum(0.7 * motion, change)
        # a thing's flow bleeds over its edge: half of what its inside has is the bar
        bar = max(1.0, 0.5 * float(np.quantile(motion, 0.98)))
        heat = 0.4 * _carried(heat, flow) + 0.6 * np.minimum(motion / bar, 2.0).astype(np.float32)
        found: np.ndarray = (heat > 1).astype(np.uint8)
        found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
        areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
        if count < 2 or areas.max() < _LEAST_AREA * found.size:
            return heat, held
        if held is not None:
            # one thing is followed: twice the weight for where it was
            areas += np.bincount(labels[held], minlength=count)[1:]
        return heat, labels == 1 + int(areas.argmax())


class Camera:
    """Follows what the camera does from frame to frame."""

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: Grey | None = None

    def follow(self, frame: npt.NDArray[np.uint8]) -> Callable[[float, float], tuple[float, float]] | None:
        """Return how far the camera has moved a point (x, y) of the frame given before, in pixels; None for the first frame.

        frame: uint8 (H, W, 3), all of one size.
        """
        height, width = frame.shape[:2]
        grey = _grey(frame, _measured_at(height, width))
        before, self._before = self._before, grey
        if before is None:
            return None
        field = _camera(self._flow.calc(before, grey, None))
        down, across = height / field.shape[0], width / field.shape[1]

        def shift(x: float, y: float) -> tuple[float, float]:
            row = min(max(int(y / down), 0), field.shape[0] - 1)
            column = min(max(int(x / across), 0), field.shape[1] - 1)
            return float(field[row, column, 0] * across), float(field[row, column, 1] * down)

        return shift


def _measured_at(height: int, width: int) -> tuple[int, int]:
    """Return the width and height at which motion is measured."""
    scale = min(1.0, _SIDE / max(height, width))
    return max(_LEAST_SIDE, round(width * scale)), max(_LEAST_SIDE, round(height * scale))


def _grey(frame: npt.NDArray[np.uint8], size: tuple[int, int]) -> Grey:
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _camera(flow: Field) -> Field:
    """Return the flow (H, W, 2) that a similarity fitted to most of the frame gives: what the camera does."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[4:height:8, 4:width:8]
    points = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
    moved = points + flow[rows.ravel(), columns.ravel()]
    matrix, _ = cv2.estimateAffinePartial2D(points, moved, method=cv2.RANSAC, ransacReprojThreshold=0.5)
    if matrix is None:
        return np.zeros_like(flow)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    return (grid @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)) - grid


def _carried(heat: Field, flow: Field) -> Field:
    """Return a map moved along the flow (approximately: backwards along the flow found where it arrives)."""
    height, width = heat.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(cv2.remap(heat, columns - flow[..., 0], rows - flow[..., 1], cv2.INTER_LINEAR))


def _enlarged(mask: Mask | None, video: Footage) -> Mask:
    if mask is None:
        return np.zeros((video.height, video.width), bool)
    full = cv2.resize(mask.astype(np.float32), (video.width, video.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full > 0.5)
