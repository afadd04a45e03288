"""A mask in a box: by GrabCut, or by a network that segments people.

H, W a frame's size; a box is (left, top, right, bottom) in pixels.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError
from a2dsplus.media.masks import Mask
from a2dsplus.models.cues import Box
from a2dsplus.models.detector import read_net

_SIDE = 160  # longest side at which GrabCut works
_MARGIN = 0.25  # of the box: how far around it its background is looked at
_CORE = 0.5  # of the box's sides: what lies in its middle is the thing
_GROUND = 0.25  # least share of surroundings in what is looked at: a box that fills the frame shows no background to differ from
_LEAST, _MOST = 0.3, 0.97  # share of the box: a cut outside it has failed

Rgb = npt.NDArray[np.uint8]


class GrabCut:
    """What differs from the surroundings of the box (Rother et al. 2004, OpenCV's)."""

    def __call__(self, frame: Rgb, box: Box) -> Mask:
        """Return the mask, bool (H, W), of frame (H, W, 3); the box's ellipse where the cut fails."""
        left, top, right, bottom = _around(frame, box, _MARGIN)
        crop = frame[top:bottom, left:right]
        scale = min(1.0, _SIDE / max(crop.shape[:2]))
        small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        inner = [round((side - edge) * scale) for side, edge in zip(box, (left, top, left, top), strict=True)]
        labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
        labels[inner[1] : inner[3], inner[0] : inner[2]] = cv2.GC_PR_FGD
        middle = ((inner[0] + inner[2]) // 2, (inner[1] + inner[3]) // 2)
        core = (round(_CORE * (inner[2] - inner[0]) / 2), round(_CORE * (inner[3] - inner[1]) / 2))
        cv2.ellipse(labels, middle, core, 0, 0, 360, cv2.GC_FGD, -1)
        ellipse = _ellipse(frame, box)
        if not (labels == cv2.GC_PR_FGD).any() or (labels == cv2.GC_BGD).mean() < _GROUND:
            return ellipse
        cv2.setRNGSeed(0)  # the same cut whenever it is made
        try:
            cv2.grabCut(small, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
        except cv2.error:  # a box of one colour
            return ellipse
        inside = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
        share = inside.sum() / max(1, (inner[2] - inner[0]) * (inner[3] - inner[1]))
        if not _LEAST <= share <= _MOST:
            return ellipse
        inside = _one_piece(np.asarray(cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8))
        mask = np.zeros(frame.shape[:2], bool)
        size = (right - left, bottom - top)
        mask[top:bottom, left:right] = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
        return mask


class PersonSegmenter:
    """A network (ONNX or TFLite) that says of each pixel of a square picture whether it is a person's, such as MediaPipe's."""

    def __init__(self, path: Path, *, side: int = 256) -> None:
        if not path.is_file():
            raise ModelError(f"--segmenter {path}: no such file; give an ONNX or TFLite person segmenter")
        self._net, self._side, self._path = read_net(path), side, path

    def __call__(self, frame: Rgb, box: Box) -> Mask:
        """Return the mask, bool (H, W), of frame (H, W, 3), within the box and a little around it; the box's ellipse where it finds nobody."""
        left, top, right, bottom = _around(frame, box, _MARGIN)
        crop = cv2.resize(frame[top:bottom, left:right], (self._side, self._side), interpolation=cv2.INTER_AREA)
        try:
            self._net.setInput(crop.astype(np.float32).transpose(2, 0, 1)[None] / 255)
            found = np.asarray(self._net.forward()).squeeze()
        except cv2.error as error:
            raise ModelError(
                f"{self._path}: does not run on (1, 3, {self._side}, {self._side}) ({error.err})"
            ) from error
        if found.ndim != 2:
            raise ModelError(f"{self._path}: puts out {found.shape}, expected one value a pixel")
        whole = np.zeros(frame.shape[:2], bool)
        whole[top:bottom, left:right] = (
            cv2.resize(found, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR) > 0.5
        )
        near = np.zeros_like(whole)
        left, top, right, bottom = _around(frame, box, 0.08)
        near[top:bottom, left:right] = whole[top:bottom, left:right]
        return near if near.sum() >= _LEAST * (box[2] - box[0]) * (box[3] - box[1]) else _ellipse(frame, box)


def _one_piece(inside: Rgb) -> Rgb:
    """Return a cut without the pieces that are less than a fifth of its largest."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.isin(labels, np.flatnonzero(areas >= max(1.0, areas.max() / 5))).astype(np.uint8)


def _around(frame: Rgb, box: Box, margin: float) -> tuple[int, int, int, int]:
    across, down = margin * (box[2] - box[0]), margin * (box[3] - box[1])
    height, width = frame.shape[:2]
    left, top = max(0, int(box[0] - across)), max(0, int(box[1] - down))
    return (
        left,
        top,
        max(left + 2, min(width, int(box[2] + across + 1))),
        max(top + 2, min(height, int(box[3] + down + 1))),
    )


def _ellipse(frame: Rgb, box: Box) -> Mask:
    mask = np.zeros(frame.shape[:2], np.uint8)
    centre = (round((box[0] + box[2]) / 2), round((box[1] + box[3]) / 2))
    half = (max(1, round((box[2] - box[0]) / 2)), max(1, round((box[3] - box[1]) / 2)))
    cv2.ellipse(mask, centre, half, 0, 0, 360, 1, -1)
    return np.asarray(mask > 0)
