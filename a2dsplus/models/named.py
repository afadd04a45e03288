"""The named thing: a detector's class for the caption's noun, boxes linked over time, the cues of the caption, a mask in the box.

A floor on real video without a GPU: what words like "dog", "left", "red" and "running" are worth without a network that reads.
H, W a frame's size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage, RolePhrase
from a2dsplus.models.box_mask import GrabCut, PersonSegmenter
from a2dsplus.models.coco import CLASSES, named_class
from a2dsplus.models.cues import Box, Candidate, Cues, named_colours, rank, read_cues
from a2dsplus.models.detector import FileDetector, Found, overlap
from a2dsplus.models.moving import Camera

_EVERY = 3  # frames between those in which the detector looks, besides those that are asked for
_LINK = 0.2  # least overlap of a box with a track's last one
_GAP = 12  # frames for which a track may be out of sight
_LEAST = 3  # looked-at frames in which a track must be seen, where the video has twice as many: less is a flicker
_THRESHOLD = 0.35  # chosen by eye on three real clips with a 4 MB CenterNet: lower, and stones become dogs
_WEAK = 0.6  # of the threshold: what a box needs to go on with a track
_PERSON = CLASSES.index("person")

Rgb = npt.NDArray[np.uint8]
Roles = tuple[RolePhrase, ...] | None


@dataclass(slots=True)
class _Looked:
    """What was seen of a video: by 0-based frame the detector's finds, their colours, and the camera's motion since the frame looked at before."""

    found: dict[int, Found] = field(default_factory=dict)
    colours: dict[int, list[dict[str, float]]] = field(default_factory=dict)
    shifts: dict[int, Any] = field(default_factory=dict)


class Named:
    """Of what a COCO detector finds of the caption's noun, what fits its other words best; silent where nothing of the class is seen."""

    def __init__(
        self,
        *,
        checkpoint: Path | None,
        device: str,
        detector: Path | None = None,
        segmenter: Path | None = None,
        threshold: float | None = None,
    ) -> None:
        if checkpoint is not None:
            raise UsageError(f"--checkpoint {checkpoint}: this model's weights are its --detector")
        if detector is None:
            raise UsageError("--model named: needs --detector FILE, a COCO detector (ONNX, TFLite or TorchScript)")
        self.threshold = _THRESHOLD if threshold is None else threshold
        self._detect = FileDetector(detector, device=device, threshold=_WEAK * self.threshold)
        self._cut = GrabCut()
        self._cut_person = self._cut if segmenter is None else PersonSegmenter(segmenter)

    @staticmethod
    def remark(texts: Sequence[str]) -> str | None:
        """Return how many captions name no known class, for which this model is silent."""
        unknown = [text for text in texts if named_class(text) is None]
        return (
            f"{len(unknown)} of {len(texts)} captions name no class that a COCO detector knows: silent there"
            if unknown
            else None
        )

    def segment(
        self, video: Footage, text: str, *, wanted: Sequence[int] | None = None, roles: Roles = None
    ) -> Iterator[tuple[Mask, float]]:
        """Yield (mask, confidence) of each wanted frame; confidence: the detector's score of the box."""
        for answers in self.segment_all(video, [text], wanted=wanted, roles=[roles]):
            yield answers[0]

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield the same of each text; the detector looks at each frame once."""
        asked = range(1, video.frames + 1) if wanted is None else wanted
        said = roles or [None] * len(texts)
        classes = [named_class(text, own) for text, own in zip(texts, said, strict=True)]
        cues = [read_cues(text) for text in texts]
        chosen: list[Candidate | None] = [None] * len(texts)
        if any(number is not None for number in classes):
            seen = self._look(video, {number - 1 for number in asked}, cues)
            chosen = [self._choose(seen, number, own, video) for number, own in zip(classes, cues, strict=True)]
        last = max(asked, default=0)
        numbers = frozenset(asked)
        for number, frame in enumerate(video, 1):
            if number in numbers:
                yield [
                    self._answer(video, frame, candidate, number - 1, kind)
                    for candidate, kind in zip(chosen, classes, strict=True)
                ]
            if number >= last:
                return

    def _look(self, video: Footage, asked: set[int], cues: Sequence[Cues]) -> _Looked:
        seen = _Looked()
        camera = Camera() if any(cue.moving is not None or cue.courses for cue in cues) else None
        for index, frame in enumerate(video):
            # one grid for the whole video, so that what is chosen does not depend on what is asked for
            if index % _EVERY and index not in asked:
                continue
            found = self._detect(frame)
            if index % _EVERY == 0:
                seen.colours[index] = [named_colours(_core(frame, box)) for box in found[0]]
                if camera is not None:
                    seen.shifts[index] = camera.follow(frame)
            seen.found[index] = found
        return seen

    def _choose(self, seen: _Looked, kind: int | None, cues: Cues, video: Footage) -> Candidate | None:
        """Return the track of a class that fits best, with its boxes in the other looked-at frames as well; None where there is none."""
        looked = -(-video.frames // _EVERY)
        least = min(_LEAST, max(1, looked // 2))
        tracks = [] if kind is None else link(seen, kind, threshold=self.threshold)
        tracks = [track for track in tracks if len(track.boxes) >= least]
        if not tracks:
            return None
        ranks = rank(tracks, cues, height=video.height, width=video.width, frames=looked)
        best = tracks[int(np.argmax(ranks))]
        for index, (boxes, _, classes) in seen.found.items():
            where = _at(best, index) if index % _EVERY else None
            if where is not None:  # asked for, between two frames of the grid: the box nearest to where the track is
                near = [
                    box for box, own in zip(boxes, classes, strict=True) if own == kind and overlap(box, where) > 0.5
                ]
                if near:
                    best.boxes[index] = _box(max(near, key=lambda box: overlap(box, where)))
        return best

    def _answer(
        self, video: Footage, frame: Rgb, candidate: Candidate | None, index: int, kind: int | None
    ) -> tuple[Mask, float]:
        box = None if candidate is None else _at(candidate, index)
        if candidate is None or box is None:
            return np.zeros((video.height, video.width), bool), 1.0
        cut = self._cut_person if kind == _PERSON else self._cut
        return cut(frame, box), candidate.score


def link(seen: _Looked, kind: int, *, threshold: float) -> list[Candidate]:
    """Return the tracks of a class, through the frames of the grid: each box goes to the track whose last box it overlaps most.

    The better half of a track's boxes score the threshold on average.
    """
    tracks: list[Candidate] = []
    scores: list[list[float]] = []
    shades: list[list[dict[str, float]]] = []
    for index in sorted(index for index in seen.found if index % _EVERY == 0):
        boxes, found, classes = seen.found[index]
        open_tracks = [n for n, track in enumerate(tracks) if index - max(track.boxes) <= _GAP]
        places = [place for place in range(len(boxes)) if classes[place] == kind]
        pairs = sorted(
            (-overlap(boxes[place], tracks[n].boxes[max(tracks[n].boxes)]), place, n)
            for place in places
            for n in open_tracks
        )
        taken: dict[int, int] = {}
        for fit, place, n in pairs:
            if -fit >= _LINK and place not in taken and n not in taken.values():
                taken[place] = n
        for place in places:
            n = taken.get(place, len(tracks))
            if n == len(tracks):
                tracks.append(Candidate())
                scores.append([])
                shades.append([])
            elif index in seen.shifts:
                tracks[n].moves[index] = _moved(tracks[n], index, boxes[place], seen.shifts[index])
            tracks[n].boxes[index] = _box(boxes[place])
            scores[n].append(float(found[place]))
            shades[n].append(seen.colours[index][place])
    for track, own, colours in zip(tracks, scores, shades, strict=True):
        track.score = float(np.mean(own))
        names = {name for shade in colours for name in shade}
        track.colours = {name: float(np.mean([shade.get(name, 0.0) for shade in colours])) for name in names}
    halves = [sorted(own, reverse=True)[: (len(own) + 1) // 2] for own in scores]
    return [track for track, half in zip(tracks, halves, strict=True) if np.mean(half) >= threshold]


def _moved(track: Candidate, index: int, box: npt.NDArray[Any], shift: Any) -> tuple[float, float]:
    """Return how far a track's centre has moved by itself, in pixels a frame; what the camera did is taken off."""
    last = max(track.boxes)
    before = track.boxes[last]
    x, y = (before[0] + before[2]) / 2, (before[1] + before[3]) / 2
    own_x, own_y = (box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y
    if index - last == _EVERY and shift is not None:
        away = shift(x, y)
        own_x, own_y = own_x - away[0], own_y - away[1]
    return float(own_x) / (index - last), float(own_y) / (index - last)


def _at(track: Candidate, index: int) -> Box | None:
    """Return a track's box at a 0-based frame, between two boxes as on the line from one to the other; None where it is out of sight."""
    if index in track.boxes:
        return track.boxes[index]
    before = max((known for known in track.boxes if known < index), default=None)
    after = min((known for known in track.boxes if known > index), default=None)
    if before is None or after is None:
        near = before if after is None else after
        return track.boxes[near] if near is not None and abs(index - near) < _EVERY else None
    if after - before > _GAP:
        return None
    share = (index - before) / (after - before)
    one, other = track.boxes[before], track.boxes[after]
    return _box([a + share * (b - a) for a, b in zip(one, other, strict=True)])


def _core(frame: Rgb, box: npt.NDArray[Any]) -> Rgb:
    """Return the pixels in the middle of a box, (n, 3): its edge is background."""
    left, top, right, bottom = box
    rows = slice(
        int(top + 0.2 * (bottom - top)), max(int(top + 0.2 * (bottom - top)) + 1, int(bottom - 0.2 * (bottom - top)))
    )
    columns = slice(
        int(left + 0.25 * (right - left)),
        max(int(left + 0.25 * (right - left)) + 1, int(right - 0.25 * (right - left))),
    )
    return frame[rows, columns].reshape(-1, 3)


def _box(values: Sequence[float] | npt.NDArray[Any]) -> Box:
    return float(values[0]), float(values[1]), float(values[2]), float(values[3])
