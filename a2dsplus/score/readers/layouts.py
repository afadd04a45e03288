"""Which layout a folder, a zip or a results file of predictions is in, and the reader of it."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from a2dsplus.errors import PredictionError, listed
from a2dsplus.media.segments import Resize
from a2dsplus.records import SubsetName
from a2dsplus.score.readers import davis
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.coco import read_coco_results
from a2dsplus.score.readers.listing import DiskFile, DiskFolder, File, Folder, check_inside, open_zip
from a2dsplus.score.readers.numbering import Asked
from a2dsplus.score.readers.png import FILLER, read_expression_folder, read_png_folder
from a2dsplus.score.readers.sa2va import looks_like_sa2va, read_sa2va_results
from a2dsplus.score.truth import Truth

LAYOUTS = (
    "PREDICTIONS/<subset>/<sample_id>/<expression>/<frame:05d>.png",
    "PREDICTIONS/<subset>.json (COCO results, or Sa2VA's)",
    "PREDICTIONS/<subset>/Annotations/<sample_id>/<number>/<frame:05d>.png (Refer-YTVOS), or zipped",
)
_ANNOTATIONS = "Annotations"
_RESULTS = "results.json"
_DEEPEST = 3  # folders around those of the samples: a zip's own, the split, Annotations


def has_predictions(root: Path, subset: str) -> bool:
    """Return whether a folder holds anything that is named after a subset."""
    return (root / f"{subset}.json").is_file() or (root / subset).is_dir() or (root / f"{subset}.zip").is_file()


def has_bare_predictions(root: Path, subsets: Collection[str]) -> bool:
    """Return whether a folder holds predictions that do not say of which of the subsets they are, as other code leaves them."""
    if not root.is_dir():
        return root.is_file()
    folder = DiskFolder(root, root)
    kids = {name: kid for name, kid in folder.folders().items() if name not in subsets}
    files = {name: file for name, file in folder.files().items() if name.rpartition(".")[0] not in subsets}
    if _ANNOTATIONS in kids or _RESULTS in files or _zips(files):
        return True
    return any(davis.RUN.fullmatch(name) for name in kids) or any(
        any(inner.folders() for inner in kid.folders().values()) for kid in kids.values()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """What all layouts need to be read; see `open_predictions`."""

    truth: Truth
    resize: Resize
    workers: int
    expressions: Mapping[Asked, str]
    known_queries: Callable[[], set[str]]
    names: Callable[[], Mapping[str, Sequence[str]]]

    def results(self, file: File) -> Predictions:
        """Read a results file, COCO's or Sa2VA's."""
        try:
            document = json.loads(file.read(most=None))
        except (ValueError, RecursionError) as error:
            raise PredictionError(f"{file}: cannot be read as JSON ({error!s:.100})") from None
        if looks_like_sa2va(document):
            return read_sa2va_results(
                document, file, self.truth, expressions=self.expressions, names=self.names(), resize=self.resize
            )
        return read_coco_results(
            document,
            file,
            self.truth,
            expressions=self.expressions,
            resize=self.resize,
            known_queries=self.known_queries,
        )

    def folder(self, folder: Folder, *, numbered: bool, depth: int = 0) -> Predictions:
        """Read a folder, whatever lies around its samples. `numbered`: whether it is known to name expressions by number."""
        kids, files = folder.folders(), folder.files()
        if _RESULTS in files:
            return self.results(files[_RESULTS])
        if any(davis.RUN.fullmatch(name) for name in kids):
            return davis.read_davis_folder(folder, self.truth, names=self.names(), resize=self.resize)
        if self.truth.subset in kids:
            return self.folder(kids[self.truth.subset], numbered=False, depth=depth)
        if _ANNOTATIONS in kids:
            return self.folder(kids[_ANNOTATIONS], numbered=True, depth=depth + 1)
        known = {sample for sample, _ in self.truth.queries} | {sample for sample, _ in self.expressions}
        if any(name in known or name.startswith(FILLER) for name in kids):
            return self._samples(folder, numbered=numbered)
        if depth < _DEEPEST:
            around = [kid for kid in kids.values() if _leads_to(kid, known, _DEEPEST - depth)]
            if len(around) > 1:
                raise PredictionError(
                    f"{folder}: predictions for {self.truth.subset} lie in several of its folders, {listed(kid.name for kid in around)}; "
                    "pass one of them"
                )
            if (
                around
            ):  # <split>/<video>/<number>, as ReferFormer and OnlineRefer write it, or the folder that was zipped
                return self.folder(around[0], numbered=True, depth=depth + 1)
            zips = _zips(files)
            if not kids and len(zips) == 1 and isinstance(zips[0], DiskFile):
                return self.folder(open_zip(zips[0].path), numbered=numbered, depth=depth)
        if not kids and files and all(name.lower().endswith(".png") for name in files):
            raise PredictionError(
                f"{folder}: holds masks and no folders ({listed(files, most=3)}); put those of each sample into a folder of its name"
            )
        return self._samples(folder, numbered=numbered)

    def _samples(self, folder: Folder, *, numbered: bool) -> Predictions:
        if numbered:
            return read_expression_folder(
                folder,
                self.truth,
                expressions=self.expressions,
                names=self.names(),
                resize=self.resize,
                workers=self.workers,
            )
        return read_png_folder(
            folder,
            self.truth,
            expressions=self.expressions,
            names=self.names(),
            resize=self.resize,
            workers=self.workers,
        )


def open_predictions(
    root: Path,
    truth: Truth,
    *,
    resize: Resize = "none",
    workers: int = 1,
    expressions: Mapping[Asked, str] | None = None,
    known_queries: Callable[[], set[str]] = set,
    names: Callable[[], Mapping[str, Sequence[str]]] = dict,
) -> Predictions:
    """Return a subset's predictions, whichever layout they are in.

    `root`: the folder, a zip, or one results file. `expressions`: {(sample, number): expression} of meta_expressions.json, for layouts
    that number expressions. `known_queries`: gives the query ids of the whole dataset, so that MTTR's results for the full test split
    can be told from results for other data. `names`: gives what a sample's source calls its frames, in order, by sample. Raises
    PredictionError where there is nothing to read or it is not of this ground truth.
    """
    reader = _Reader(
        truth=truth,
        resize=resize,
        workers=workers,
        expressions=expressions or {},
        known_queries=known_queries,
        names=names,
    )
    if not root.is_dir():
        if root.suffix.lower() == ".zip":
            return reader.folder(open_zip(root), numbered=False)
        return reader.results(DiskFile(root))
    named = [root / f"{truth.subset}.json", root / truth.subset, root / f"{truth.subset}.zip"]
    there = [path for path in named if path.exists()]
    for path in there:
        check_inside(path, root)
    if not there:
        if not has_bare_predictions(root, set(SubsetName)):
            raise PredictionError(f"{root}: holds no predictions for {truth.subset}; expected {listed(LAYOUTS)}")
        return reader.folder(DiskFolder(root, root), numbered=False)
    first = there[0]
    if first.is_dir():
        found = reader.folder(DiskFolder(first, root), numbered=False)
    elif first.suffix == ".zip":
        found = reader.folder(open_zip(first), numbered=False)
    else:
        found = reader.results(DiskFile(first))
    found.notes += [
        f"{path}{'/' if path.is_dir() else ''} was not read: {first.name} beside it was" for path in there[1:]
    ]
    return found


def _leads_to(folder: Folder, known: set[str], depth: int) -> bool:
    """Whether samples, or Annotations, lie in a folder or in folders within it."""
    kids = folder.folders()
    if any(name in known or name.startswith(FILLER) for name in kids):
        return True
    return depth > 1 and any(_leads_to(kid, known, depth - 1) for kid in kids.values())


def _zips(files: Mapping[str, File]) -> list[File]:
    return [file for name, file in files.items() if name.lower().endswith(".zip")]
