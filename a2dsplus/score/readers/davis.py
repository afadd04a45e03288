"""Ref-DAVIS17's predictions: `anno_<0..3>/<video>/<frame>.png`, one palette image for all objects of a frame, four runs.

Run r asks the expressions r, 4 + r, 8 + r, ... of a video, of its objects in order; object k has the number k + 1 in the image.
"""

import io
import re
from collections.abc import Mapping, Sequence

import numpy as np

from a2dsplus.errors import PredictionError, listed
from a2dsplus.media.runs import Ints, Runs, from_mask, from_runs
from a2dsplus.media.segments import Resize
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.listing import File, Folder
from a2dsplus.score.readers.numbering import Asked, Numbering
from a2dsplus.score.readers.picture import checked_png
from a2dsplus.score.readers.png import masks_in
from a2dsplus.score.truth import Truth

RUN = re.compile(r"anno_([0-3])")
_RUNS = 4


class DavisPredictions(Predictions):
    """Of each unit, the palette image that holds its object, and the object's number in it."""

    def __init__(self, truth: Truth, files: Mapping[int, tuple[File, int, int]]) -> None:
        scores = np.full(len(truth), -np.inf)
        scores[list(files)] = 1.0
        missing = np.flatnonzero(np.isneginf(scores))
        super().__init__(
            truth,
            layout="Ref-DAVIS17 palettes anno_<run>/<video>/<frame>.png",
            scored=False,
            scores=scores,
            missing=missing,
        )
        self._files = files

    def runs(self, units: Ints) -> Runs:
        """Return the mask of each unit: where the image has its object's number."""
        return from_runs([self._read(unit) for unit in units.tolist()], self.truth.pixels[units])

    def _read(self, unit: int) -> Ints:
        from PIL import Image

        if unit not in self._files:
            return np.zeros((0, 2), np.int64)
        file, number, objects = self._files[unit]
        data, own = checked_png(file)
        size = int(self.truth.heights[unit]), int(self.truth.widths[unit])
        if own != size:
            raise PredictionError(
                f"{file}: its size is {own[0]}x{own[1]}, the ground truth's {size[0]}x{size[1]} (height x width)"
            )
        try:
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                mode, values = image.mode, np.asarray(image)
        except Exception as error:  # a decoder fed with damaged data may raise anything
            raise PredictionError(f"{file}: damaged PNG ({' '.join(str(error).split())}); write it again") from None
        if mode not in ("P", "L"):
            raise PredictionError(
                f"{file}: expected one image of object numbers (palette or grey), got one of mode {mode}"
            )
        if values.max(initial=0) > objects:
            raise PredictionError(f"{file}: has the object number {values.max()}, its video has {objects} objects")
        return from_mask(values == number)


def read_davis_folder(
    folder: Folder,
    truth: Truth,
    *,
    names: Mapping[str, Sequence[str]] | None,
    resize: Resize,
) -> DavisPredictions:
    """Return the predictions of the four runs in a folder; see the module. Raises PredictionError for videos that the dataset does not have."""
    if resize != "none":
        raise PredictionError(
            f"{folder}: images of object numbers are not resized; write them at the ground truth's size"
        )
    asked: dict[str, dict[int, str]] = {}
    for sample, expression in truth.queries:
        if not (expression.isascii() and expression.isdigit() and len(expression) < 6):
            raise PredictionError(
                f"{folder}: anno_<run> holds Ref-DAVIS17's palettes, which name expressions 4 k + run; {truth.subset} has {expression!r:.40}"
            )
        asked.setdefault(sample, {})[int(expression)] = expression
    frames: dict[Asked, dict[str, tuple[File, int, int]]] = {}
    strangers: list[str] = []
    for name, run in folder.folders().items():
        found = RUN.fullmatch(name)
        if found is None:
            continue
        for video, where in run.folders().items():
            own = asked.get(video)
            if own is None:
                strangers.append(f"{name}/{video}")
                continue
            pictures = masks_in(where)
            objects = max(own) // _RUNS + 1
            for number, expression in own.items():
                if number % _RUNS == int(found[1]):
                    frames[video, expression] = {
                        stem: (path, number // _RUNS + 1, objects) for stem, path in pictures.items()
                    }
    if strangers:
        raise PredictionError(f"{folder}: {len(strangers)} videos are not in {truth.file}: {listed(strangers)}")
    numbering = Numbering(frames, truth, where=folder, names=names)
    files: dict[int, tuple[File, int, int]] = {}
    for query, own_frames in frames.items():
        units = truth.by_name.get(query, {})
        for stem, place in own_frames.items():
            unit = units.get(numbering.frame(query[0], stem))
            if unit is None:
                continue
            if unit in files:
                raise PredictionError(f"{place[0]}: the same frame as {files[unit][0].name}; keep one of them")
            files[unit] = place
    predictions = DavisPredictions(truth, files)
    predictions.notes += [numbering.note] if numbering.note else []
    return predictions
