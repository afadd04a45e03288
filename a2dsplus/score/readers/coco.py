"""COCO results files: [{"image_id", "segmentation", "score"}, ...], one or several scored masks a unit."""

import json
import math
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import MaskError, PredictionError, listed
from a2dsplus.score.counting import segments
from a2dsplus.score.counting.runs import Ints, RunError, Runs, from_counts
from a2dsplus.score.protocols import Resize
from a2dsplus.score.readers.base import Predictions, ScoredMasks
from a2dsplus.score.truth import Truth, parse_image_id


class CocoPredictions(Predictions):
    """The rows of a results file by unit: of each, the row of its best score."""

    def __init__(
        self, file: Path, truth: Truth, *, rows: dict[int, list[tuple[float, int]]], masks: list[Any], resize: Resize
    ) -> None:
        scores = np.full(len(truth), -np.inf)
        self._best = np.full(len(truth), -1, np.int64)
        self._rows = rows
        self._masks = masks
        self._file = file
        self._resize = resize
        self._empty: dict[tuple[int, int], str] = {}
        for unit, own in rows.items():
            scores[unit], self._best[unit] = max(own)
        many = max((len(own) for own in rows.values()), default=0)
        layout = "COCO results" + (f", up to {many} scored masks a unit" if many > 1 else "")
        missing = np.flatnonzero(self._best < 0)
        super().__init__(truth, layout=layout, scored=True, scores=scores, missing=missing)

    def runs(self, units: Ints) -> Runs:
        """Return the best-scored mask of each unit."""
        counts = [self._counts(unit, row) for unit, row in zip(units.tolist(), self._best[units].tolist(), strict=True)]
        try:
            return from_counts(counts, self.truth.pixels[units])
        except RunError as error:
            raise self._fault(int(self._best[units[error.index]]), error.reason) from None

    def every_mask(self) -> ScoredMasks | None:
        """Return all masks where any unit has several, at most COCO's 100 a unit, the best first."""
        if all(len(own) < 2 for own in self._rows.values()):
            return None
        units, scores, counts = [], [], []
        for unit in sorted(self._rows):
            own = sorted(self._rows[unit], key=lambda scored: (-scored[0], scored[1]))[:100]
            for score, row in own:
                units.append(unit)
                scores.append(score)
                counts.append(self._counts(unit, row))
        places = np.array(units, np.int64)
        try:
            for start in range(0, len(counts), 256):
                chunk = slice(start, start + 256)
                from_counts(counts[chunk], self.truth.pixels[places[chunk]])
        except RunError as error:
            image_id = self.truth.ids[units[start + error.index]]
            raise PredictionError(f"{self._file}: a mask of image {image_id!r}: {error.reason}") from None
        return ScoredMasks(units=places, scores=np.array(scores), counts=counts)

    def _counts(self, unit: int, row: int) -> str:
        height, width = int(self.truth.heights[unit]), int(self.truth.widths[unit])
        if row < 0:
            if (height, width) not in self._empty:
                no_runs = np.zeros((0, 2), np.int64)
                self._empty[height, width] = segments.to_counts(no_runs, height=height, width=width)
            return self._empty[height, width]
        try:
            return segments.compressed_counts(self._masks[row], height=height, width=width, resize=self._resize)
        except MaskError as error:
            raise self._fault(row, str(error)) from None

    def _fault(self, row: int, reason: str) -> PredictionError:
        unit = next(unit for unit, own in self._rows.items() if any(place == row for _, place in own))
        return PredictionError(f"{self._file}: entry {row} (image {self.truth.ids[unit]!r}): {reason}")


def read_coco_results(
    file: Path, truth: Truth, *, resize: Resize = "none", known_queries: Callable[[], set[str]] = set
) -> CocoPredictions:
    """Return the predictions of a results file; see `open_predictions`.

    Raises PredictionError where the file is no JSON list, an entry is malformed, its score is not a finite number, its image id is
    not of the ground truth, or one unit's best score is given twice.
    """
    rows: dict[int, list[tuple[float, int]]] = {}
    masks: list[Any] = []
    strangers: list[Hashable] = []
    unscored: list[int] = []
    entries = _entries(file)
    for row, entry in enumerate(entries):
        if not isinstance(entry, dict) or type(entry.get("image_id")) not in (str, int):
            raise PredictionError(f"{file}: entry {row} has no image_id")
        masks.append(entry.get("segmentation"))
        unit = truth.place.get(entry["image_id"])
        if unit is None:
            unit = _unit_by_name(entry["image_id"], truth)
        if unit is None:
            strangers.append(entry["image_id"])
            continue
        if "score" not in entry:
            unscored.append(row)
        rows.setdefault(unit, []).append((_score(entry.get("score", 1.0), file, row), row))
    ignored = _sort_out(strangers, truth, file, known_queries)
    _refuse_ambiguous(rows, truth, file)
    found = CocoPredictions(file, truth, rows=rows, masks=masks, resize=resize)
    found.scored = not unscored
    if ignored:
        found.notes.append(
            f"{file.name}: {ignored} masks of frames or queries that {truth.subset} does not evaluate were not read"
        )
    return found


def _entries(file: Path) -> list[Any]:
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise PredictionError(f"{file}: cannot be read as JSON ({error})") from None
    if isinstance(document, dict):
        document = document.get("annotations")
    if not isinstance(document, list):
        raise PredictionError(
            f"{file}: expected a list of COCO results (image_id, segmentation, score), or an object that holds it as annotations"
        )
    return document


def _score(score: object, file: Path, row: int) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise PredictionError(f"{file}: entry {row}: its score is {score!r}, expected a number")
    try:
        number = float(score)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PredictionError(f"{file}: entry {row}: its score is {number}, expected a finite number")
    return number


def _unit_by_name(image_id: Hashable, truth: Truth) -> int | None:
    name = parse_image_id(image_id)
    return truth.by_name.get((name.sample, name.expression), {}).get(name.frame)


def _sort_out(strangers: list[Hashable], truth: Truth, file: Path, known_queries: Callable[[], set[str]]) -> int:
    """Return how many image ids are merely not evaluated; raises PredictionError for those of other data."""
    names = [(image_id, parse_image_id(image_id)) for image_id in strangers]
    unknown = [
        (image_id, name)
        for image_id, name in names
        if name.frame is None or (name.sample, name.expression) not in truth.by_name
    ]
    if unknown and all(name.frame is not None for _, name in unknown):
        known = known_queries()
        unknown = [(image_id, name) for image_id, name in unknown if f"{name.sample}/{name.expression}" not in known]
    if unknown:
        raise PredictionError(
            f"{file}: {len(unknown)} entries are of images that {truth.file} does not have: "
            f"{listed(repr(image_id) for image_id, _ in unknown)}; were they made for another subset or split?"
        )
    return len(names)


def _refuse_ambiguous(rows: dict[int, list[tuple[float, int]]], truth: Truth, file: Path) -> None:
    twice = []
    for unit, own in rows.items():
        if len(own) > 1:
            best = max(own)[0]
            if sum(score == best for score, _ in own) > 1:
                twice.append(truth.ids[unit])
    if twice:
        raise PredictionError(
            f"{file}: {len(twice)} image ids have several masks of the same best score (a duplicate, or results gathered twice): "
            f"{listed(twice)}; keep one, or give them different scores"
        )
