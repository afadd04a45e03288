"""A COCO detector from a file: ONNX or TFLite through OpenCV's dnn, TorchScript through torch. What it puts out tells how it is read.

A detector is given one frame, (1, 3, S, S), RGB in [0, 1], and S is 640; a file `<name>.json` beside it may say otherwise:
{"side": 512, "range": 255, "channels": "bgr"}. n: proposals; a box is (left, top, right, bottom).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.models.coco import CLASSES, GAPS, of_coco

Found = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]
"""Boxes in pixels of the frame (n, 4), scores in [0, 1] (n,), 0-based classes (n,)."""
_NEAR = 0.5  # boxes of one class that overlap more are one thing
_TORCH = (".ts", ".pt", ".torchscript", ".pth")


class FileDetector:
    """A detector that a file holds. Raises ModelError where it cannot be read, or its output is none of COCO's classes."""

    def __init__(self, path: Path, *, device: str, threshold: float) -> None:
        if not path.is_file():
            raise ModelError(f"--detector {path}: no such file; give an ONNX, TFLite or TorchScript COCO detector")
        self.path, self.threshold = path, threshold
        said = _settings(path.with_name(path.name + ".json"))
        self.side, self._range, self._bgr = said["side"], said["range"], said["channels"] == "bgr"
        self._run = _torchscript(path, device) if path.suffix in _TORCH else _network(path, device)

    def __call__(self, frame: npt.NDArray[np.uint8]) -> Found:
        """Return what is in a frame, uint8 (H, W, 3), above the threshold, the best first."""
        small = cv2.resize(frame, (self.side, self.side), interpolation=cv2.INTER_LINEAR)
        picture = (small[..., ::-1] if self._bgr else small).astype(np.float32) * (self._range / 255)
        try:
            outputs = self._run(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        except (cv2.error, RuntimeError) as error:
            raise ModelError(
                f"{self.path}: does not run on (1, 3, {self.side}, {self.side}): {_line(error)}"
            ) from error
        boxes, scores, classes = read_outputs(outputs, side=self.side, where=str(self.path))
        kept = scores >= self.threshold
        boxes, scores, classes = boxes[kept], scores[kept], classes[kept]
        height, width = frame.shape[:2]
        boxes = np.clip(boxes * np.array([width, height] * 2, np.float32) / self.side, 0, [width, height] * 2)
        chosen = _without_doubles(boxes, scores, classes)
        return boxes[chosen].astype(np.float32), scores[chosen], classes[chosen]


def read_outputs(outputs: Sequence[npt.NDArray[Any]], *, side: int, where: str) -> Found:
    """Return what a detector's outputs say, boxes in pixels of its own picture.

    Known are: (n, 6) as left, top, right, bottom, score, class; SSD's (n, 7); YOLO's (n, 84) or (n, 85), either way round; logits
    (n, 80, 81, 91 or 92) and boxes (n, 4) as DETR has them; and boxes (n, 4), labels (n,), scores (n,) as torchvision has them.
    Raises ModelError for others.
    """
    arrays = [np.asarray(output).squeeze() for output in outputs]
    shapes = ", ".join(str(np.asarray(output).shape) for output in outputs)
    flat = [array for array in arrays if array.ndim == 2]
    if len(arrays) == 3 and len(flat) == 1 and flat[0].shape[1] == 4:
        return _torchvision(flat[0], *[array for array in arrays if array.ndim == 1], where=where)
    if len(flat) == 2 and any(array.shape[1] == 4 for array in flat):
        logits, boxes = sorted(flat, key=lambda array: array.shape[1] == 4)
        return _detr(logits, boxes, side, where)
    if len(flat) == 1:
        table = flat[0].astype(np.float32)
        if table.shape[1] == 6:
            return table[:, :4], table[:, 4], table[:, 5].astype(np.int64)
        if table.shape[1] == 7:
            return _ssd(table, side)
        for rows in (table, table.T):
            if rows.shape[1] in (4 + len(CLASSES), 5 + len(CLASSES)):
                return _yolo(rows)
    raise ModelError(f"{where}: puts out {shapes}, which is no COCO detector's output that is known (docs/models.md)")


def _torchvision(boxes: npt.NDArray[Any], one: npt.NDArray[Any], other: npt.NDArray[Any], *, where: str) -> Found:
    labels, scores = (one, other) if one.dtype.kind in "iu" else (other, one)
    if labels.size and not 1 <= labels.min() <= labels.max() <= 90:
        raise ModelError(f"{where}: labels from {labels.min()} to {labels.max()}, expected COCO's numbers 1 to 90")
    numbers = np.array([-1 if (number := of_coco(int(label))) is None else number for label in labels], np.int64)
    kept = numbers >= 0
    return boxes[kept].astype(np.float32), scores[kept].astype(np.float32), numbers[kept]


def _detr(logits: npt.NDArray[Any], boxes: npt.NDArray[Any], side: int, where: str) -> Found:
    count = logits.shape[1]
    if count in (len(CLASSES) + 1, 92):  # the last is "nothing", and they share one probability
        raised = np.exp(logits - logits.max(1, keepdims=True))
        scores = (raised / raised.sum(1, keepdims=True))[:, :-1]
    elif count in (len(CLASSES), 90, 91):
        scores = 1 / (1 + np.exp(-logits))
    else:
        raise ModelError(f"{where}: has {count} classes, expected COCO's 80 (or 90 by its own numbers)")
    if count > len(CLASSES) + 1:  # COCO's own numbers, from 1 where there is a place for 0
        first = 0 if count == 90 else 1
        scores = scores[:, [number - 1 + first for number in range(1, 91) if number not in GAPS]]
    x, y, w, h = boxes.astype(np.float32).T * side
    classes = scores.argmax(1)
    corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
    return corners, scores.max(1).astype(np.float32), classes.astype(np.int64)


def _ssd(table: npt.NDArray[np.float32], side: int) -> Found:
    """(n, 7): picture, COCO's number, score, box in 0..1."""
    numbers = np.array([-1 if (number := of_coco(int(label))) is None else number for label in table[:, 1]], np.int64)
    kept = numbers >= 0
    return table[kept, 3:] * side, table[kept, 2], numbers[kept]


def _yolo(rows: npt.NDArray[np.float32]) -> Found:
    x, y, w, h = rows[:, :4].T
    scores = rows[:, -len(CLASSES) :]
    if rows.shape[1] == 5 + len(CLASSES):
        scores = scores * rows[:, 4:5]  # whether there is anything at all
    corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
    return corners, scores.max(1), scores.argmax(1).astype(np.int64)


def _without_doubles(
    boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]
) -> list[int]:
    """Return the places of the boxes that are not a better one of their class again, the best first."""
    chosen: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        if all(classes[place] != classes[other] or overlap(boxes[place], boxes[other]) <= _NEAR for other in chosen):
            chosen.append(int(place))
    return chosen


def overlap(one: Sequence[float] | npt.NDArray[Any], other: Sequence[float] | npt.NDArray[Any]) -> float:
    """Return the intersection of two boxes over their union."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = float(across * down)
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return both / (float(areas) - both)


def _network(path: Path, device: str) -> Any:
    if device != "cpu":
        raise UsageError(
            f"--device {device}: OpenCV's dnn runs on the CPU here; give a TorchScript detector, or --device cpu"
        )
    net = read_net(path)
    names = net.getUnconnectedOutLayersNames()

    def run(picture: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        net.setInput(picture)
        return list(net.forward(names))

    return run


def read_net(path: Path) -> Any:
    """Return a network that OpenCV reads (ONNX, TFLite). Raises ModelError."""
    try:
        return cv2.dnn.readNet(str(path))
    except cv2.error as error:
        raise ModelError(f"{path}: OpenCV cannot read it as a network ({_line(error)})") from error


def _torchscript(path: Path, device: str) -> Any:
    import torch

    from locater.checkpoint import check_records

    try:
        check_records(path)
        module = torch.jit.load(str(path), map_location=device).eval()
    except Exception as error:  # a damaged file makes both readers raise anything
        raise ModelError(f"{path}: torch cannot read it as TorchScript ({_line(error)})") from error

    def run(picture: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        with torch.inference_mode():
            found = module(torch.from_numpy(picture).to(device))
        parts = (
            [found] if isinstance(found, torch.Tensor) else list(found.values() if isinstance(found, dict) else found)
        )
        return [part.float().cpu().numpy() if part.is_floating_point() else part.cpu().numpy() for part in parts]

    return run


def _settings(path: Path) -> dict[str, Any]:
    """Return what the file beside a detector says of its input."""
    said: dict[str, Any] = {"side": 640, "range": 1, "channels": "rgb"}
    if path.is_file():
        try:
            said |= json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ModelError(f"{path}: is not a JSON object ({error})") from error
    side, channels = said["side"], said["channels"]
    if (
        type(side) is not int
        or not 32 <= side <= 4096
        or said["range"] not in (1, 255)
        or channels not in ("rgb", "bgr")
    ):
        raise ModelError(f'{path}: expected "side" from 32 to 4096, "range" 1 or 255, "channels" "rgb" or "bgr"')
    return said


def _line(error: BaseException) -> str:
    return next((line.strip()[:200] for line in str(error).splitlines() if line.strip()), type(error).__name__)
