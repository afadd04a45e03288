"""Folders of PNG masks, one a frame, read when they are asked for."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from a2dsplus.errors import PredictionError, listed
from a2dsplus.score.counting.runs import Ints, Runs, from_runs
from a2dsplus.score.protocols import Resize
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.levels import PLAIN, Convention, Reading
from a2dsplus.score.readers.listing import Tree
from a2dsplus.score.readers.numbering import NOTE, first_frame
from a2dsplus.score.readers.picture import NO_RUNS, read_png
from a2dsplus.score.truth import Truth

_PICTURES = {".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".npy", ".npz", ".pt", ".pth", ".mat"}


class PngPredictions(Predictions):
    """A file a unit, read when asked for, so that memory does not grow with the number of units."""

    def __init__(
        self, truth: Truth, files: dict[int, Path], *, layout: str, resize: Resize = "none", workers: int = 1
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

    def _read(self, unit: int) -> tuple[Ints, Reading]:
        file = self._files.get(unit)
        if file is None:
            return NO_RUNS, PLAIN
        size = int(self.truth.heights[unit]), int(self.truth.widths[unit])
        return read_png(file, size=size, resize=self._resize)


def read_png_folder(
    folder: Path, truth: Truth, *, root: Path | None = None, resize: Resize = "none", workers: int = 1
) -> PngPredictions:
    """Return the predictions of `<folder>/<sample>/<expression>/<frame>.png`; the expression level may be left out where a sample has one query.

    `root`: the folder that all files must lie in, by default `folder`. Raises PredictionError for samples or expressions that the
    ground truth does not have.
    """
    tree = Tree(root or folder)
    queries: dict[str, list[str]] = {}
    for sample, expression in truth.queries:
        queries.setdefault(sample, []).append(expression)
    samples = tree.folders(folder)
    _refuse_strangers([name for name in samples if name not in queries], folder, "samples", truth)
    by_query: dict[tuple[str, str], Path] = {}
    strangers: list[str] = []
    for sample, path in samples.items():
        own = queries[sample]
        inner = tree.folders(path)
        strangers.extend(f"{sample}/{expression}" for expression in inner if expression not in own)
        by_query.update({(sample, expression): where for expression, where in inner.items() if expression in own})
        if not inner:
            if len(own) > 1 and any(path.glob("*.png")):
                raise PredictionError(
                    f"{path}: the sample has {len(own)} queries ({listed(own)}), so each one's masks belong in a folder of its expression's name"
                )
            by_query[sample, own[0]] = path
    _refuse_strangers(strangers, folder, "queries", truth)
    layout = "PNG folders <sample_id>/<expression>/<frame>.png"
    return _by_frame(truth, by_query, tree, folder, layout=layout, resize=resize, workers=workers)


def read_expression_folder(
    folder: Path,
    truth: Truth,
    *,
    expressions: Mapping[tuple[str, str], str],
    root: Path | None = None,
    resize: Resize = "none",
    workers: int = 1,
) -> PngPredictions:
    """Return the predictions of Refer-YTVOS's `Annotations/<video>/<expression>/<frame>.png`.

    `expressions`: {(sample, number of the expression): expression}. Raises PredictionError for videos or expressions that the dataset does not have.
    """
    if not expressions:
        raise PredictionError(
            f"{folder}: the Refer-YTVOS layout needs {truth.file.parent / 'meta_expressions.json'} to tell which expression is which query"
        )
    tree = Tree(root or folder)
    known = {sample for sample, _ in expressions}
    samples = tree.folders(folder)
    _refuse_strangers([name for name in samples if name not in known], folder, "videos", truth)
    by_query: dict[tuple[str, str], Path] = {}
    strangers: list[str] = []
    for sample, path in samples.items():
        for number, where in tree.folders(path).items():
            expression = expressions.get((sample, number))
            if expression is None:
                strangers.append(f"{sample}/{number}")
            else:
                by_query[sample, expression] = where
    _refuse_strangers(strangers, folder, "expressions", truth)
    layout = "Refer-YTVOS folders Annotations/<video>/<expression>/<frame>.png"
    return _by_frame(truth, by_query, tree, folder, layout=layout, resize=resize, workers=workers)


def _by_frame(
    truth: Truth,
    by_query: Mapping[tuple[str, str], Path],
    tree: Tree,
    folder: Path,
    *,
    layout: str,
    resize: Resize,
    workers: int,
) -> PngPredictions:
    frames = {query: _frames(path, tree) for query, path in by_query.items()}
    shift = 1 - first_frame(frames, truth, where=folder)
    files: dict[int, Path] = {}
    others = 0
    for query, own in frames.items():
        units = truth.by_name.get(query, {})
        for frame, file in own.items():
            if frame + shift in units:
                files[units[frame + shift]] = file
            else:
                others += 1
    found = PngPredictions(truth, files, layout=layout, resize=resize, workers=workers)
    if shift:
        found.notes.append(f"{folder}: {NOTE}")
    if others:
        found.notes.append(
            f"{folder}: {others} PNG files of frames that {truth.subset} does not evaluate were not read"
        )
    return found


def _frames(folder: Path, tree: Tree) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in tree.files(folder).values():
        stem, suffix = path.stem, path.suffix.lower()
        numbered = stem.isascii() and stem.isdigit() and len(stem) < 10
        if suffix in _PICTURES and numbered:
            raise PredictionError(
                f"{path}: masks are read from PNG files alone; {suffix} may lose or hide their two values"
            )
        if suffix != ".png":
            continue
        if not numbered:
            raise PredictionError(f"{path}: its name is no frame number, expected one such as 00001.png")
        if int(stem) in found:
            raise PredictionError(f"{path}: the same frame as {found[int(stem)].name}; keep one of them")
        found[int(stem)] = path
    return found


def _refuse_strangers(strangers: list[str], folder: Path, what: str, truth: Truth) -> None:
    if strangers:
        raise PredictionError(
            f"{folder}: {len(strangers)} {what} are not in {truth.file}: {listed(strangers)}; were they made for another subset or split?"
        )
