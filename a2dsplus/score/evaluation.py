"""Predictions and ground truth in, figures with their intervals out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from a2dsplus import __version__
from a2dsplus.errors import InputError, PredictionError, UsageError, listed
from a2dsplus.score.context import Context, read_context, videos_of
from a2dsplus.score.counting.measure import Counts, chunks, measure, without_ignored
from a2dsplus.score.counting.runs import Ints, from_counts, intersections
from a2dsplus.score.diagnosis import WORST, Table, Unit, describe, diagnose, ranked_units
from a2dsplus.score.figures.ap import average_precision, resampled_average_precision
from a2dsplus.score.figures.bootstrap import interval, video_weights
from a2dsplus.score.figures.metrics import NAMES, Grouping, Sums, sums
from a2dsplus.score.integrity import check_ground_truth, check_predictions
from a2dsplus.score.protocols import Missing, Protocol, Resize, Settings, unit_ious
from a2dsplus.score.readers import MaskPredictions, Predictions, has_predictions, open_predictions
from a2dsplus.score.readers.base import Floats, plausibility
from a2dsplus.score.readers.masks import AnyMask
from a2dsplus.score.truth import Truth, read_truth

DATASET = Path("a2dsplus-data")
MaskMap = Mapping[str, Mapping[Any, AnyMask]]  # {subset: {key or image id: mask}}
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of ours minus the same of another model's, resampled over the same videos."""

    other: float
    difference: float
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetScore:
    """A subset's figures (in 0..1, None where nothing bears on one), their 95% intervals, and all that they were made from."""

    truth: Truth
    predictions: Predictions
    context: Context
    counts: Counts
    figures: dict[str, float | None]
    intervals: dict[str, Interval]
    queries: int
    videos: int
    tables: tuple[Table, ...]
    worst: tuple[Unit, ...]
    notes: tuple[str, ...]
    differences: dict[str, Difference] | None = None

    @property
    def units(self) -> int:
        """The number of (query, evaluated frame) units."""
        return len(self.truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Scores by subset, how they were made, and what a reader should know of them."""

    settings: Settings
    dataset: Path
    subsets: dict[str, SubsetScore]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the report as `score --json` writes it: figures in 0..1, null where nothing bears on one."""
        document: dict[str, object] = {
            "schema": 1,
            "version": __version__,
            "protocol": self.settings.protocol.value,
            "signature": self.settings.signature(),
            "notes": [*self.notes, *(f"{name}: {note}" for name, own in self.subsets.items() for note in own.notes)],
            "subsets": {
                name: {
                    **own.figures,
                    "units": own.units,
                    "queries": own.queries,
                    "videos": own.videos,
                    "missing": len(own.predictions.missing),
                    "layout": own.predictions.layout,
                }
                for name, own in self.subsets.items()
            },
            "intervals": {
                name: {figure: list(bounds) for figure, bounds in own.intervals.items()}
                for name, own in self.subsets.items()
            },
            "diagnosis": {
                name: {
                    table.title: {
                        group.name: {"units": group.units, "queries": group.queries, **group.figures}
                        for group in table.groups
                    }
                    for table in own.tables
                }
                for name, own in self.subsets.items()
            },
            "worst": {
                name: [{"image_id": unit.image_id, "text": unit.text, "IoU": unit.iou} for unit in own.worst]
                for name, own in self.subsets.items()
            },
        }
        if any(own.differences is not None for own in self.subsets.values()):
            document["against"] = {
                name: {
                    figure: {
                        "other": found.other,
                        "difference": found.difference,
                        "interval": None if found.interval is None else list(found.interval),
                    }
                    for figure, found in (own.differences or {}).items()
                }
                for name, own in self.subsets.items()
            }
        return document


def evaluate(
    predictions: Path | str | MaskMap,
    dataset: Path | str = DATASET,
    *,
    subsets: Sequence[str] | None = None,
    protocol: Protocol | Literal["paper", "released", "mttr"] = Protocol.PAPER,
    missing: Missing = "error",
    resize: Resize = "none",
    against: Path | str | MaskMap | None = None,
    seed: int = 0,
    resamples: int = 1000,
    workers: int = 1,
) -> Report:
    """Return the score of a model's masks.

    `predictions`, `against`: a folder or COCO results file, or masks in memory {subset: {key or image id: (H, W) array or run lengths}}.
    `dataset`: a folder that holds `<subset>/ground_truth.json`, or one COCO file. `subsets`: which to score, by default all that
    have predictions. `workers`: threads that decode PNG files. Raises PredictionError and InputError for faulty input, UsageError
    for settings that cannot be.
    """
    settings = _settings(protocol, missing, resize, seed, resamples)
    source = Path(predictions) if isinstance(predictions, str | Path) else predictions
    other = Path(against) if isinstance(against, str | Path) else against
    if isinstance(source, Path) and not source.exists():
        raise PredictionError(f"{source}: no such file or folder; pass the folder that holds your masks")
    if isinstance(other, Path) and not other.exists():
        raise PredictionError(f"{other}: no such file or folder; pass the masks to compare with")
    files = _truth_files(Path(dataset))
    chosen, notes = _chosen(source, files, subsets)
    scores = {}
    for name in chosen:
        truth = read_truth(files[name], subset=name)
        context = read_context(files[name].parent, truth)
        digest = check_ground_truth(Path(dataset), name, files[name]) if Path(dataset).is_dir() else ""
        scorer = _Scorer(truth, context, settings, Path(dataset), digest, workers)
        scores[name] = scorer.score(source, other)
    return Report(settings=settings, dataset=Path(dataset), subsets=scores, notes=tuple(notes))


def _settings(protocol: str, missing: str, resize: str, seed: int, resamples: int) -> Settings:
    if protocol not in list(Protocol):
        raise UsageError(f"protocol {protocol!r}: expected one of {', '.join(Protocol)}")
    if missing not in ("error", "empty"):
        raise UsageError(f"missing {missing!r}: expected error or empty")
    if resize not in ("none", "nearest"):
        raise UsageError(f"resize {resize!r}: expected nearest, or none")
    if seed < 0 or resamples < 0:
        raise UsageError("seed and resamples: expected whole numbers from 0")
    return Settings(
        protocol=Protocol(protocol),
        missing="empty" if missing == "empty" else "error",
        resize="nearest" if resize == "nearest" else "none",
        seed=seed,
        resamples=resamples,
    )


def _truth_files(dataset: Path) -> dict[str, Path]:
    if dataset.is_file():
        return {dataset.parent.name if dataset.name == "ground_truth.json" else dataset.stem: dataset}
    found = {file.parent.name: file for file in sorted(dataset.glob("*/ground_truth.json"))}
    if not found:
        raise InputError(
            f"{dataset}: no <subset>/ground_truth.json in it; make the dataset with `a2dsplus build`, or pass --dataset"
        )
    return found


def _chosen(
    source: Path | MaskMap, files: dict[str, Path], subsets: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return which subsets to score, and what to say of the rest."""
    if subsets:
        unknown = [name for name in subsets if name not in files]
        if unknown:
            raise InputError(f"the dataset has no subset {listed(unknown)}; it has {listed(files)}")
        return list(dict.fromkeys(subsets)), []
    if isinstance(source, Path):
        if source.is_file():
            chosen = [source.stem] if source.stem in files else list(files)
            if len(chosen) > 1:
                raise UsageError(f"{source}: pass --subsets to say which of {listed(files)} it is for")
            return chosen, []
        chosen = [name for name in files if has_predictions(source, name)]
        if not chosen and (source / "Annotations").is_dir():
            chosen = list(files)
            if len(chosen) > 1:
                raise UsageError(f"{source}: pass --subsets to say which of {listed(files)} its Annotations are for")
    else:
        chosen = [name for name in files if name in source]
    if not chosen:
        raise PredictionError(
            f"{source if isinstance(source, Path) else 'predictions'}: holds nothing for {listed(files)}; expected <subset>.json or "
            "<subset>/<sample_id>/<expression>/<frame:05d>.png"
        )
    rest = [name for name in files if name not in chosen]
    return chosen, [f"{listed(rest)} not scored: no predictions for it"] if rest else []


class _Scorer:
    """Scores of one subset: what both models of a comparison share."""

    def __init__(
        self, truth: Truth, context: Context, settings: Settings, dataset: Path, digest: str, workers: int
    ) -> None:
        self.truth = truth
        self.context = context
        self.settings = settings
        self.dataset = dataset
        self.digest = digest
        self.workers = workers
        names, video_of = videos_of(context, truth)
        self.grouping = Grouping(query_of=truth.query_of, video_of=video_of, videos=len(names))
        self.sides = context.sides(truth)
        self.weights = video_weights(len(names), resamples=settings.resamples, seed=settings.seed, subset=truth.subset)

    def score(self, source: Path | MaskMap, other: Path | MaskMap | None) -> SubsetScore:
        predictions, counts = self._counted(source)
        contrast, notes = self._contrast(counts)
        table = sums(counts, self.grouping, protocol=self.settings.protocol, contrast=contrast)
        figures, resampled = self._figures(predictions, counts, table)
        differences = None
        if other is not None:
            differences = self._differences(other, figures, resampled)
        ranked = ranked_units(self.truth, counts, self.context)
        return SubsetScore(
            truth=self.truth,
            predictions=predictions,
            context=self.context,
            counts=counts,
            figures=figures,
            intervals=_intervals(resampled),
            queries=self.grouping.queries,
            videos=self.grouping.videos,
            tables=diagnose(
                self.truth, counts, self.context, self.grouping, protocol=self.settings.protocol, contrast=contrast
            ),
            worst=describe(ranked[:WORST], self.truth, counts, self.context),
            notes=(*predictions.notes, *notes, *self._said(predictions)),
            differences=differences,
        )

    def _counted(self, source: Path | MaskMap) -> tuple[Predictions, Counts]:
        predictions = self._opened(source)
        if self.settings.missing == "error":
            predictions.require_all()
        elif len(predictions.missing) == len(self.truth):
            raise PredictionError(f"{self.truth.subset}: not one unit has a prediction; is this the right folder?")
        counts = measure(self.truth, predictions, sides=self.sides)
        if not predictions.settled():
            counts = measure(self.truth, predictions, sides=self.sides)
            predictions.settled()
        predictions.notes += plausibility(counts.predicted, self.truth.pixels)
        return predictions, counts

    def _opened(self, source: Path | MaskMap) -> Predictions:
        if not isinstance(source, Path):
            return MaskPredictions(source.get(self.truth.subset, {}), self.truth, resize=self.settings.resize)
        check_predictions(source, self.truth.subset, self.digest)
        return open_predictions(
            source,
            self.truth,
            resize=self.settings.resize,
            workers=self.workers,
            expressions=dict(self.context.expressions),
            known_queries=self._known_queries,
        )

    def _known_queries(self) -> set[str]:
        file = self.dataset / "queries.parquet"
        if not file.is_file():
            return set()
        import pyarrow.parquet

        try:
            return set(pyarrow.parquet.read_table(file, columns=["query_id"])["query_id"].to_pylist())
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{file}: damaged ({error}); build the dataset again") from None

    def _contrast(self, counts: Counts) -> tuple[npt.NDArray[np.bool_] | str | None, list[str]]:
        if self.sides is not None:
            if self.context.is_temporal():
                return self.sides.stop > self.sides.first, []
            return "pixels", []
        if self.truth.subset == "T" and (counts.true == 0).any():
            return counts.true == 0, ["no samples.jsonl: leak counts the frames without a referent as contrast frames"]
        return None, []

    def _said(self, predictions: Predictions) -> list[str]:
        said = []
        given = predictions.scores[np.isfinite(predictions.scores)]
        if len(predictions.missing):
            said.append(f"{len(predictions.missing)} units without a prediction count as empty masks (--missing empty)")
        if self.settings.resize != "none":
            said.append("masks of another size were resized to the ground truth's (--resize nearest)")
        if not predictions.scored or (len(given) > 1 and given.min() == given.max()):
            said.append(
                "the predictions have no scores, or all the same: mAP_coco ranks units by image id alone, compare it with no other model's"
            )
        return said

    def _figures(
        self, predictions: Predictions, counts: Counts, table: Sums
    ) -> tuple[dict[str, float | None], dict[str, Floats]]:
        """Return the figures and their resamples, average precision among them."""
        figures, resampled = table.figures(), table.resampled(self.weights)
        unit_video = self.grouping.video_of[self.grouping.query_of]
        ious = unit_ious(counts.intersection, counts.union, protocol=Protocol.PAPER)
        units = np.arange(len(self.truth))
        ranked = [("mAP_coco", ious, counts.scores, units)]
        if self.settings.protocol is Protocol.MTTR:
            every = predictions.every_mask()
            if every is None:
                ranked.append(("mAP", ious, counts.scores, units))
                plain = np.where(counts.union == 0, 0.0, ious)
                ranked.append(("mAP_cocoeval", plain, counts.scores, units))
            else:
                own, plain = _every_iou(self.truth, every.units, every.counts)
                ranked.append(("mAP", own, every.scores, every.units))
                ranked.append(("mAP_cocoeval", plain, every.scores, every.units))
        for name, own_ious, scores, own_units in ranked:
            figures[name] = average_precision(own_ious, scores, own_units, rank=self.truth.rank)
            resampled[name] = resampled_average_precision(
                own_ious, scores, own_units, rank=self.truth.rank, weights=self.weights, unit_video=unit_video
            )
        return {name: figures[name] for name in NAMES if name in figures}, resampled

    def _differences(
        self, other: Path | MaskMap, figures: dict[str, float | None], resampled: dict[str, Floats]
    ) -> dict[str, Difference]:
        predictions, counts = self._counted(other)
        contrast, _ = self._contrast(counts)
        table = sums(counts, self.grouping, protocol=self.settings.protocol, contrast=contrast)
        theirs, theirs_resampled = self._figures(predictions, counts, table)
        found = {}
        for name, own in figures.items():
            of_other = theirs.get(name)
            if own is not None and of_other is not None:
                bounds = interval(resampled[name] - theirs_resampled[name])
                found[name] = Difference(other=of_other, difference=own - of_other, interval=bounds)
        return found


def _every_iou(truth: Truth, units: Ints, counts: list[str]) -> tuple[Floats, Floats]:
    """Return the IoU of each of K masks with its unit's, with empty pairs as 1 and as COCOeval's 0, both (K,)."""
    own, plain = [], []
    for part in chunks(truth.pixels[units]):
        expected = truth.runs(units[part])
        found = from_counts([counts[place] for place in part], truth.pixels[units[part]])
        found = without_ignored(truth, found, units[part])
        shared = intersections(found, expected)
        union = found.areas() + expected.areas() - shared
        own.append(unit_ious(shared, union, protocol=Protocol.PAPER))
        plain.append(shared / np.maximum(union, 1))
    return np.concatenate(own), np.concatenate(plain)


def _intervals(resampled: dict[str, Floats]) -> dict[str, Interval]:
    found = {name: interval(resampled[name]) for name in NAMES if name in resampled}
    return {name: bounds for name, bounds in found.items() if bounds is not None}
