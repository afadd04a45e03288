"""COCO results files: [{"image_id", "category_id", "segmentation", "score"}, ...], one or several scored masks a unit."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from a2dsplus.errors import MaskError, PredictionError, cut, listed
from a2dsplus.media import segments
from a2dsplus.media.runs import Ints, RunError, Runs, from_counts
from a2dsplus.media.segments import Resize
from a2dsplus.score.readers.base import Predictions, ScoredMasks
from a2dsplus.score.readers.listing import File
from a2dsplus.score.readers.numbering import Asked, Numbering
from a2dsplus.score.truth import Truth, UnitName, parse_image_id

Rows = dict[int, list[tuple[float, int]]]


class CocoPredictions(Predictions):
    """The rows of a results file by unit: of each, the last row of its best score."""

    def __init__(self, file: str, truth: Truth, *, rows: Rows, masks: list[Any], resize: Resize) -> None:
        scores = np.full(len(truth), -np.inf)
        self._best = np.full(len(truth), -1, np.int64)
        self._rows = rows
        self._masks = masks
        self._file = file
        self._resize = resize
        for unit, own in rows.items():
            scores[unit], self._best[unit] = max(own)  # MTTR and ReferFormer sort by score, stably, and take the last
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
        if row < 0 or self._masks[row] is None:
            return segments.empty_counts(height, width)
        try:
            return segments.compressed_counts(self._masks[row], height=height, width=width, resize=self._resize)
        except MaskError as error:
            raise self._fault(row, str(error)) from None

    def _fault(self, row: int, reason: str) -> PredictionError:
        unit = next(unit for unit, own in self._rows.items() if any(place == row for _, place in own))
        return PredictionError(f"{self._file}: entry {row} (image {self.truth.ids[unit]!r}): {reason}")


def read_coco_results(
    document: object,
    file: File,
    truth: Truth,
    *,
    expressions: Mapping[Asked, str] | None = None,
    resize: Resize = "none",
    known_queries: Callable[[], set[str]] = set,
) -> CocoPredictions:
    """Return the predictions of a results file's content; see `open_predictions`.

    A row that is there twice counts once, a null segmentation is an empty mask, rows of a category that the ground truth does not have
    are left out as COCOeval leaves them out, and of several masks with one best score the last is taken, as MTTR and ReferFormer do;
    each is noted. Raises PredictionError where the document is no list, an entry is malformed, its score is not a finite number, its
    image id is not of the ground truth, or several masks of a unit have no score.
    """
    entries = _entries(document, file)
    for row, entry in enumerate(entries):
        if not isinstance(entry, dict) or _image_id(entry.get("image_id")) is None:
            raise PredictionError(f"{file}: entry {row} has no image_id")
    chosen, notes = _of_the_category(entries, truth, file)
    words = _words(truth, expressions or {})
    units, strangers, said = _units(entries, chosen, words, truth, file)
    notes += said
    rows: Rows = {}
    for row, unit in units.items():
        rows.setdefault(unit, []).append((_score(entries[row].get("score", 1.0), file, row), row))
    ignored = _sort_out(strangers, words, truth, file, known_queries)
    notes += _without_repeats(rows, entries, file)
    notes += _ties(rows, entries, truth, file)
    found = CocoPredictions(str(file), truth, rows=rows, masks=[_mask(entry) for entry in entries], resize=resize)
    found.scored = all("score" in entries[row] for row in units)
    nulls = sum(entries[row].get("segmentation", 0) is None for row in units)
    if nulls:
        notes.append(f"{file.name}: {nulls} null segmentations are empty masks")
    if ignored:
        notes.append(
            f"{file.name}: {ignored} masks of frames or queries that {truth.subset} does not evaluate were not read"
        )
    found.notes += notes
    return found


def _entries(document: object, file: File) -> list[Any]:
    if isinstance(document, dict):
        document = document.get("annotations")
    if not isinstance(document, list):
        raise PredictionError(
            f"{file}: expected a list of COCO results (image_id, segmentation, score), or an object that holds it as annotations"
        )
    return document


def _mask(entry: dict[str, Any]) -> Any:
    return entry.get("segmentation", "absent")  # null stands for an empty mask, no entry for none


def _image_id(value: object) -> Hashable | None:
    return value if isinstance(value, str) else segments.whole(value)


def _of_the_category(entries: list[Any], truth: Truth, file: File) -> tuple[list[int], list[str]]:
    """Return the rows of the ground truth's categories, and what to say of the others."""
    given = [_category(entry, file, row) for row, entry in enumerate(entries)]
    many = Counter(category for category in given if category is not None and category not in truth.categories)
    if not many:
        return list(range(len(entries))), []
    kept = [row for row, category in enumerate(given) if category is None or category in truth.categories]
    names = ", ".join(str(category) for category in sorted(truth.categories))
    if kept:
        return kept, [
            f"{file.name}: {many.total()} masks of category {listed(sorted(many))} were not read, as COCOeval does not: the ground truth "
            f"has category {names} alone"
        ]
    if len(many) == 1:
        return list(range(len(entries))), [
            f"{file.name}: all masks are of category {listed(many)} and were taken for the ground truth's, {names}; COCOeval counts none"
        ]
    raise PredictionError(
        f"{file}: its masks are of the categories {listed(sorted(many))}, the ground truth's is {names}; write category_id {names}"
    )


def _category(entry: dict[str, Any], file: File, row: int) -> int | None:
    if "category_id" not in entry:
        return None
    category = segments.whole(entry["category_id"])
    if category is None:
        raise PredictionError(
            f"{file}: entry {row}: its category_id is {cut(repr(entry['category_id']))}, expected a whole number"
        )
    return category


def _units(
    entries: list[Any], chosen: list[int], words: Mapping[Asked, str], truth: Truth, file: File
) -> tuple[dict[int, int], list[Hashable], list[str]]:
    """Return the unit of each row, the image ids that name none, and what to say."""
    names: dict[int, UnitName] = {}
    ids = {row: _image_id(entries[row]["image_id"]) for row in chosen}
    for row, image_id in ids.items():
        if truth.place.get(image_id) is None or isinstance(image_id, str):
            names[row] = _named(image_id, words)
    frames: dict[tuple[str, str], set[int]] = {}
    for name in names.values():
        if name.frame is not None:
            frames.setdefault((name.sample, name.expression), set()).add(name.frame)
    numbering = Numbering(frames, truth, where=file)
    units: dict[int, int] = {}
    strangers: list[Hashable] = []
    for row, image_id in ids.items():
        unit = truth.place.get(image_id)
        if row in names and (unit is None or numbering.note):
            name = names[row]
            frame = None if name.frame is None else numbering.frame(name.sample, name.frame)
            unit = truth.by_name.get((name.sample, name.expression), {}).get(frame)
        if unit is None:
            strangers.append(image_id)
        else:
            units[row] = unit
    return units, strangers, [numbering.note] if numbering.note else []


def _words(truth: Truth, expressions: Mapping[Asked, str]) -> dict[Asked, str]:
    """Return the expression that an id means by a word of another kind: no word, of a sample's only one; a number, where it is no word."""
    many = Counter(sample for sample, _ in truth.queries)
    alone = {(sample, ""): expression for sample, expression in truth.queries if many[sample] == 1}
    return {asked: word for asked, word in {**expressions, **alone}.items() if asked not in truth.by_name}


def _named(image_id: Hashable, words: Mapping[Asked, str]) -> UnitName:
    """Return what an image id names."""
    name = parse_image_id(image_id)
    word = None if name.frame is None else words.get((name.sample, name.expression))
    return name if word is None else replace(name, expression=word)


def _score(score: object, file: File, row: int) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise PredictionError(f"{file}: entry {row}: its score is {cut(repr(score))}, expected a number")
    try:
        number = float(score)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PredictionError(f"{file}: entry {row}: its score is {number}, expected a finite number")
    return number


def _sort_out(
    strangers: list[Hashable],
    words: Mapping[Asked, str],
    truth: Truth,
    file: File,
    known_queries: Callable[[], set[str]],
) -> int:
    """Return how many image ids are merely not evaluated; raises PredictionError for those of other data."""
    names = [(image_id, _named(image_id, words)) for image_id in strangers]
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
            f"{listed(repr(image_id) for image_id, _ in unknown)}; were they made for another subset, split or recipe?{truth.recipe}"
        )
    return len(names)


def _without_repeats(rows: Rows, entries: list[Any], file: File) -> list[str]:
    """Take out of `rows` what repeats an earlier row, mask and score, and say how many they were."""
    many = 0
    for unit, own in rows.items():
        if len(own) < 2:
            continue
        kept: dict[float, list[int]] = {}
        for score, row in own:
            of_score = kept.setdefault(score, [])
            if any(_mask(entries[row]) == _mask(entries[other]) for other in of_score):
                many += 1
            else:
                of_score.append(row)
        rows[unit] = sorted(
            ((score, row) for score, of_score in kept.items() for row in of_score), key=lambda own: own[1]
        )
    if not many:
        return []
    return [f"{file.name}: {many} rows repeat another, mask and score, as padded samplers make them; each counts once"]


def _ties(rows: Rows, entries: list[Any], truth: Truth, file: File) -> list[str]:
    """Say how many units have several masks of the same best score; raises PredictionError where these have no score at all."""
    tied = []
    for unit, own in rows.items():
        if len(own) > 1:
            best = max(own)[0]
            first = [row for score, row in own if score == best]
            if len(first) > 1:
                tied.append(unit)
                if not all("score" in entries[row] for row in first):
                    raise PredictionError(
                        f"{file}: image {cut(repr(truth.ids[unit]))} has several masks without a score; keep one, or give them scores"
                    )
    if not tied:
        return []
    return [
        f"{file.name}: {len(tied)} units have several masks of the same best score ({listed(truth.ids[unit] for unit in tied[:3])}"
        f"{', ...' if len(tied) > 3 else ''}); the last is taken, as MTTR and ReferFormer do"
    ]
