"""Folders of PNG masks, one a frame; any non-zero pixel is the referent."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from a2dsplus.errors import PredictionError, listed
from a2dsplus.score.counting import segments
from a2dsplus.score.counting.runs import Ints, Runs, from_crop, from_mask, from_runs
from a2dsplus.score.protocols import Resize
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.truth import Truth

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 1 << 26  # 64 megapixels: above, Pillow warns of a decompression bomb
_NO_RUNS = np.zeros((0, 2), np.int64)


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

    def runs(self, units: Ints) -> Runs:
        """Return the mask of each unit, decoded by the reader's threads."""
        if self._workers > 1:
            self._pool = self._pool or ThreadPoolExecutor(self._workers)
            found = list(self._pool.map(self._read, units.tolist()))
        else:
            found = [self._read(unit) for unit in units.tolist()]
        return from_runs(found, self.truth.pixels[units])

    def _read(self, unit: int) -> Ints:
        file = self._files.get(unit)
        if file is None:
            return _NO_RUNS
        size = int(self.truth.heights[unit]), int(self.truth.widths[unit])
        return read_png(file, size=size, resize=self._resize)


def read_png(file: Path, *, size: tuple[int, int], resize: Resize = "none") -> Ints:
    """Return a PNG's runs (n, 2) at `size` (height, width): bilevel, grey, palette (by index) or colour, of any depth, alpha ignored.

    Raises PredictionError where the file is missing, damaged, no PNG, or of another size while `resize` is "none".
    """
    from PIL import Image

    try:
        data = file.read_bytes()
    except OSError as error:
        raise PredictionError(f"{file}: cannot be read ({error.strerror})") from None
    own = _checked_size(data, file)
    if own != size and resize == "none":
        raise PredictionError(
            f"{file}: its size is {own[0]}x{own[1]}, the ground truth's {size[0]}x{size[1]} (height x width); "
            "predict at that size, or pass --resize nearest"
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            if image.mode in ("1", "L", "P"):
                box = image.getbbox()
                if box is None:
                    return _NO_RUNS
                runs = from_crop(np.asarray(image.crop(box)), top=box[1], left=box[0], height=own[0])
            else:
                values = np.asarray(image)
                if values.ndim == 3:
                    values = values[:, :, :-1] if image.mode in ("LA", "RGBA") else values
                    runs = from_mask(values.max(axis=2))
                else:
                    runs = from_mask(values)
    except Exception as error:  # a decoder fed with damaged data may raise anything
        raise PredictionError(f"{file}: damaged PNG ({' '.join(str(error).split())}); write it again") from None
    return runs if own == size else segments.resized(runs, own, size)


def _checked_size(data: bytes, file: Path) -> tuple[int, int]:
    """Return the (height, width) that a PNG declares, after checking that its chunks are whole."""
    if data[:8] != _SIGNATURE:
        raise PredictionError(f"{file}: not a PNG image; masks are read from PNG files alone")
    height = width = 0
    at, kind = 8, b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise PredictionError(f"{file}: truncated PNG; write it again")
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise PredictionError(f"{file}: truncated PNG; write it again")
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise PredictionError(f"{file}: corrupt PNG (a checksum does not match); write it again")
        if at == 8:
            if kind != b"IHDR" or length != 13:
                raise PredictionError(f"{file}: corrupt PNG (it does not begin with a header); write it again")
            width, height = struct.unpack_from(">II", data, 16)
        at = end
    if not 0 < height * width <= _MOST_PIXELS:
        raise PredictionError(f"{file}: a PNG of {height}x{width} pixels is no mask")
    return height, width


def read_png_folder(folder: Path, truth: Truth, *, resize: Resize = "none", workers: int = 1) -> PngPredictions:
    """Return the predictions of `<folder>/<sample>/<expression>/<frame>.png`; the expression level may be left out where a sample has one query.

    Raises PredictionError for samples or expressions that the ground truth does not have.
    """
    queries: dict[str, list[str]] = {}
    for sample, expression in truth.queries:
        queries.setdefault(sample, []).append(expression)
    samples = _folders(folder)
    _refuse_strangers([name for name in samples if name not in queries], folder, "samples", truth)
    by_query: dict[tuple[str, str], Path] = {}
    strangers: list[str] = []
    for sample, path in samples.items():
        own = queries[sample]
        inner = _folders(path)
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
    return _by_frame(truth, by_query, folder, layout=layout, resize=resize, workers=workers)


def read_expression_folder(
    folder: Path,
    truth: Truth,
    *,
    expressions: dict[tuple[str, str], str],
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
    known = {sample for sample, _ in expressions}
    samples = _folders(folder)
    _refuse_strangers([name for name in samples if name not in known], folder, "videos", truth)
    by_query: dict[tuple[str, str], Path] = {}
    strangers: list[str] = []
    for sample, path in samples.items():
        for number, where in _folders(path).items():
            expression = expressions.get((sample, number))
            if expression is None:
                strangers.append(f"{sample}/{number}")
            else:
                by_query[sample, expression] = where
    _refuse_strangers(strangers, folder, "expressions", truth)
    layout = "Refer-YTVOS folders Annotations/<video>/<expression>/<frame>.png"
    return _by_frame(truth, by_query, folder, layout=layout, resize=resize, workers=workers)


def _by_frame(
    truth: Truth,
    by_query: dict[tuple[str, str], Path],
    folder: Path,
    *,
    layout: str,
    resize: Resize,
    workers: int,
) -> PngPredictions:
    files: dict[int, Path] = {}
    others = 0
    for query, path in by_query.items():
        units = truth.by_name.get(query, {})
        for frame, file in _frames(path).items():
            if frame in units:
                files[units[frame]] = file
            else:
                others += 1
    found = PngPredictions(truth, files, layout=layout, resize=resize, workers=workers)
    if others:
        found.notes.append(
            f"{folder}: {others} PNG files of frames that {truth.subset} does not evaluate were not read"
        )
    return found


def _scanned(folder: Path, wanted: Callable[["os.DirEntry[str]"], bool]) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".") and wanted(entry)]
    except OSError as error:
        raise PredictionError(f"{folder}: cannot be read ({error.strerror})") from None
    return sorted(found, key=lambda entry: entry.name)


def _folders(folder: Path) -> dict[str, Path]:
    return {entry.name: Path(entry.path) for entry in _scanned(folder, lambda entry: entry.is_dir())}


def _frames(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for entry in _scanned(folder, lambda entry: entry.name.endswith(".png")):
        stem = entry.name[:-4]
        if not (stem.isascii() and stem.isdigit() and len(stem) < 10):
            raise PredictionError(f"{entry.path}: its name is no frame number, expected one such as 00001.png")
        if int(stem) in found:
            raise PredictionError(f"{entry.path}: the same frame as {found[int(stem)].name}; keep one of them")
        found[int(stem)] = Path(entry.path)
    return found


def _refuse_strangers(strangers: list[str], folder: Path, what: str, truth: Truth) -> None:
    if strangers:
        raise PredictionError(
            f"{folder}: {len(strangers)} {what} are not in {truth.file}: {listed(strangers)}; were they made for another subset or split?"
        )
