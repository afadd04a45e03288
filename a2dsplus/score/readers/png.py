"""Folders of PNG masks, one a frame, read when they are asked for."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from a2dsplus.errors import PredictionError, listed
from a2dsplus.media.runs import Ints, Runs, from_runs
from a2dsplus.media.segments import Resize
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.levels import PLAIN, Convention, PictureKind
from a2dsplus.score.readers.listing import File, Folder
from a2dsplus.score.readers.numbering import Asked, Numbering
from a2dsplus.score.readers.picture import NO_RUNS, read_png
from a2dsplus.score.truth import Truth

FILLER = "a2dsplus_filler_"
"""How the videos begin that an export adds where other code wants a certain number of them; their predictions are not read."""
_PICTURES = {".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".npy", ".npz", ".pt", ".pth", ".mat"}


class PngPredictions(Predictions):
    """A file a unit, read when asked for, so that memory does not grow with the number of units."""

    def __init__(
        self, truth: Truth, files: dict[int, File], *, layout: str, resize: Resize = "none", workers: int = 1
    ) -> None:
        scores = np.full(len(truth), -np.inf)
        scores[list(files)] = 1.0
        missing = np.flatnonzero(np.isneginf(scores))
        super().__init__(truth, layout=layout, scored=False, scores=scores, missing=missing)
        self._files = files
        self._resize = resize
        self._workers = workers
        self._pool: ThreadPoolExecutor | None = None
        self._convention = Convention()

    def runs(self, units: Ints) -> Runs:
        """Return the mask of each unit, decoded by the reader's threads."""
        if self._workers > 1:
            self._pool = self._pool or ThreadPoolExecutor(self._workers)
            found = list(self._pool.map(self._read, units.tolist()))
        else:
            found = [self._read(unit) for unit in units.tolist()]
        own = [
            runs if reading is PLAIN or self._convention.takes(reading, str(self._files[unit])) else NO_RUNS
            for unit, (runs, reading) in zip(units.tolist(), found, strict=True)
        ]
        return from_runs(own, self.truth.pixels[units])

    def settled(self) -> bool:
        """Return whether the masks given out stand; what levels mean may turn out late, and then all are to be asked for again."""
        if not self._convention.stands():
            self._convention = self._convention.again()
            return False
        self.notes += [note for note in self._convention.notes() if note not in self.notes]
        return True

    def _read(self, unit: int) -> tuple[Ints, PictureKind]:
        file = self._files.get(unit)
        if file is None:
            return NO_RUNS, PLAIN
        size = int(self.truth.heights[unit]), int(self.truth.widths[unit])
        return read_png(file, size=size, resize=self._resize)


def read_png_folder(
    folder: Folder,
    truth: Truth,
    *,
    expressions: Mapping[Asked, str] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
    resize: Resize = "none",
    workers: int = 1,
) -> PngPredictions:
    """Return the predictions of `<folder>/<sample>/<expression>/<frame>.png`; the expression level may be left out where a sample has one query.

    `expressions`, `names`: see `read_expression_folder`. Raises PredictionError for samples or expressions that the ground truth does
    not have.
    """
    queries: dict[str, list[str]] = {}
    for sample, expression in truth.queries:
        queries.setdefault(sample, []).append(expression)
    samples = _samples(folder, set(queries), "samples", truth)
    by_query: dict[Asked, Folder] = {}
    strangers: list[Asked] = []
    for sample, path in samples.items():
        own = queries[sample]
        inner = path.folders()
        strangers.extend((sample, name) for name in inner if name not in own)
        by_query.update({(sample, name): where for name, where in inner.items() if name in own})
        if not inner:
            if len(own) > 1 and any(name.lower().endswith(".png") for name in path.files()):
                raise PredictionError(
                    f"{path}: the sample has {len(own)} queries ({listed(own)}), so each one's masks belong in a folder of its expression's name"
                )
            by_query[sample, own[0]] = path
    if strangers and all(asked in (expressions or {}) for asked in strangers):
        raise PredictionError(
            f"{folder}: {len(strangers)} folders, {listed(map('/'.join, strangers))}, are no expressions of theirs but look like expression "
            f"numbers, as meta_expressions.json has them; put the samples' folders under {truth.subset}/Annotations"
        )
    _refuse_strangers(["/".join(asked) for asked in strangers], folder, "queries", truth)
    layout = "PNG folders <sample_id>/<expression>/<frame>.png"
    return _by_frame(truth, by_query, folder, names=names, layout=layout, resize=resize, workers=workers)


def read_expression_folder(
    folder: Folder,
    truth: Truth,
    *,
    expressions: Mapping[Asked, str],
    names: Mapping[str, Sequence[str]] | None = None,
    resize: Resize = "none",
    workers: int = 1,
) -> PngPredictions:
    """Return the predictions of `<folder>/<video>/<number>/<frame>.png`, as the code of Refer-YouTube-VOS and MeViS writes them.

    `expressions`: {(sample, number of the expression): expression}. `names`: {sample: what its source calls its frames}, of those that
    have such names. Raises PredictionError for videos or expressions that the dataset does not have.
    """
    require_expressions(expressions, folder, truth)
    samples = _samples(folder, {sample for sample, _ in expressions}, "videos", truth)
    by_query: dict[Asked, Folder] = {}
    strangers: list[Asked] = []
    for sample, path in samples.items():
        for number, where in path.folders().items():
            expression = expressions.get((sample, number))
            if expression is None:
                strangers.append((sample, number))
            else:
                by_query[sample, expression] = where
    if strangers and all(asked in truth.by_name for asked in strangers):
        raise PredictionError(
            f"{folder}: {len(strangers)} folders, {listed(map('/'.join, strangers))}, are no numbers of meta_expressions.json but look like "
            f"expressions; put the samples' folders under {truth.subset}, without Annotations"
        )
    _refuse_strangers(["/".join(asked) for asked in strangers], folder, "expressions", truth)
    layout = "Refer-YTVOS folders <video>/<number of the expression>/<frame>.png"
    return _by_frame(truth, by_query, folder, names=names, layout=layout, resize=resize, workers=workers)


def require_expressions(expressions: Mapping[Asked, str], where: object, truth: Truth) -> None:
    """Raise PredictionError where it is not known which number is which expression."""
    if not expressions:
        raise PredictionError(
            f"{where}: the Refer-YTVOS layout needs {truth.file.parent / 'meta_expressions.json'} to tell which expression is which query"
        )


def _samples(folder: Folder, known: set[str], what: str, truth: Truth) -> dict[str, Folder]:
    samples = {name: path for name, path in folder.folders().items() if not name.startswith(FILLER)}
    _refuse_strangers([name for name in samples if name not in known], folder, what, truth)
    return samples


def _by_frame(
    truth: Truth,
    by_query: Mapping[Asked, Folder],
    folder: Folder,
    *,
    names: Mapping[str, Sequence[str]] | None,
    layout: str,
    resize: Resize,
    workers: int,
) -> PngPredictions:
    frames = {query: masks_in(path) for query, path in by_query.items()}
    numbering = Numbering(frames, truth, where=folder, names=names)
    files: dict[int, File] = {}
    others = 0
    for query, own in frames.items():
        units = truth.by_name.get(query, {})
        for name, file in own.items():
            unit = units.get(numbering.frame(query[0], name))
            if unit is None:
                others += 1
            elif unit in files:
                raise PredictionError(f"{file}: the same frame as {files[unit].name}; keep one of them")
            else:
                files[unit] = file
    found = PngPredictions(truth, files, layout=layout, resize=resize, workers=workers)
    if numbering.note:
        found.notes.append(numbering.note)
    if others:
        found.notes.append(
            f"{folder}: {others} PNG files of frames that {truth.subset} does not evaluate were not read"
        )
    return found


def masks_in(folder: Folder) -> dict[str, File]:
    """Return the masks in a folder by their names without suffix. Raises PredictionError for pictures that are no PNG, and two of one name."""
    found: dict[str, File] = {}
    for name, file in folder.files().items():
        stem, _, suffix = name.rpartition(".")
        if f".{suffix.lower()}" in _PICTURES:
            raise PredictionError(
                f"{file}: masks are read from PNG files alone; .{suffix} may lose or hide their two values"
            )
        if suffix.lower() != "png":
            continue
        if stem in found:
            raise PredictionError(f"{file}: the same frame as {found[stem].name}; keep one of them")
        found[stem] = file
    return found


def _refuse_strangers(strangers: list[str], folder: Folder, what: str, truth: Truth) -> None:
    if strangers:
        raise PredictionError(
            f"{folder}: {len(strangers)} {what} are not in {truth.file}: {listed(strangers)}; were they made for another subset, split or recipe?{truth.recipe}"
        )
