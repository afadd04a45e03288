"""Predictions in the layouts that models write, found by themselves and said."""

from collections.abc import Callable
from pathlib import Path

from a2dsplus.errors import PredictionError, listed
from a2dsplus.score.protocols import Resize
from a2dsplus.score.readers.base import Predictions
from a2dsplus.score.readers.coco import read_coco_results
from a2dsplus.score.readers.masks import MaskPredictions
from a2dsplus.score.readers.png import read_expression_folder, read_png_folder
from a2dsplus.score.truth import Truth

__all__ = ["MaskPredictions", "Predictions", "has_predictions", "open_predictions"]

LAYOUTS = (
    "PREDICTIONS/<subset>/<sample_id>/<expression>/<frame:05d>.png",
    "PREDICTIONS/<subset>.json (COCO results)",
    "PREDICTIONS/<subset>/Annotations/<sample_id>/<expression>/<frame:05d>.png (Refer-YTVOS)",
)


def has_predictions(root: Path, subset: str) -> bool:
    """Return whether a folder holds anything for a subset."""
    return (root / f"{subset}.json").is_file() or (root / subset).is_dir()


def open_predictions(
    root: Path,
    truth: Truth,
    *,
    resize: Resize = "none",
    workers: int = 1,
    expressions: dict[tuple[str, str], str] | None = None,
    known_queries: Callable[[], set[str]] = set,
) -> Predictions:
    """Return a subset's predictions, whichever layout they are in.

    `root`: the folder, or one COCO results file. `expressions`: {(sample, number): expression} of meta_expressions.json, for the
    Refer-YTVOS layout. `known_queries`: gives the query ids of the whole dataset, so that MTTR's results for the full test split can
    be told from results for other data. Raises PredictionError where there is nothing to read or it is not of this ground truth.
    """
    if root.is_file():
        return read_coco_results(root, truth, resize=resize, known_queries=known_queries)
    results, folder = root / f"{truth.subset}.json", root / truth.subset
    if results.is_file():
        found = read_coco_results(results, truth, resize=resize, known_queries=known_queries)
        if folder.is_dir():
            found.notes.append(f"{folder}/ was not read: {results.name} beside it was")
        return found
    for annotations in (folder / "Annotations", root / "Annotations"):
        if annotations.is_dir():
            return read_expression_folder(
                annotations, truth, root=root, expressions=expressions or {}, resize=resize, workers=workers
            )
    if folder.is_dir():
        return read_png_folder(folder, truth, root=root, resize=resize, workers=workers)
    raise PredictionError(f"{root}: holds no predictions for {truth.subset}; expected {listed(LAYOUTS)}")
