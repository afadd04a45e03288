"""One subset's scorer: what all models of a comparison share, and each one's figures with their intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import PredictionError
from a2dsplus.media.runs import Ints, from_counts, intersections
from a2dsplus.score.blind import NOT_KNOWN, read_blind
from a2dsplus.score.context import Context, videos_of
from a2dsplus.score.counting.measure import Counts, chunks, measure, without_ignored
from a2dsplus.score.diagnosis import WORST, describe, diagnose, ranked_units
from a2dsplus.score.figures.ap import average_precision, resampled_average_precision
from a2dsplus.score.figures.bootstrap import interval, video_weights
from a2dsplus.score.figures.metrics import NAMES, Grouping, Sums, sums
from a2dsplus.score.integrity import check_predictions
from a2dsplus.score.joined import JoinedPredictions
from a2dsplus.score.matching import RUNS, MatchedPredictions, by_run
from a2dsplus.score.protocols import Protocol, Settings, unit_ious
from a2dsplus.score.readers import MaskPredictions, Predictions, open_predictions, source_frame_names
from a2dsplus.score.readers.base import Floats, plausibility
from a2dsplus.score.readers.masks import AnyMask
from a2dsplus.score.results import Figures, SubsetScore
from a2dsplus.score.truth import Truth

MaskMap = Mapping[str, Mapping[Any, AnyMask]]  # {subset: {key or image id: mask}}
Source = (
    tuple[Path, ...] | MaskMap
)  # the files and folders that are parts of one model's predictions, or masks in memory


class Scorer:
    """Scores of one subset: what all models of a comparison share.

    `digest`: sha256 of the ground truth, "" where predictions need not be of it. `workers`: threads that decode PNG files.
    """

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
        self.pairs = context.pairs(truth)
        self.weights = video_weights(len(names), resamples=settings.resamples, seed=settings.seed, subset=truth.subset)
        self._blind: tuple[dict[str, Figures], list[str]] | None = None

    def score(self, source: Source) -> SubsetScore:
        """Return a model's score. Raises PredictionError for what is wrong with its predictions."""
        predictions, counts = self._counted(source)
        contrast, notes = self._contrast(counts.true)
        protocol = self.settings.protocol
        table = sums(counts, self.grouping, protocol=protocol, contrast=contrast, pairs=self.pairs)
        figures, resampled = self._figures(predictions, counts, table)
        blind, unknown = self._blind_rows(counts.true)
        ranked = ranked_units(self.truth, counts, self.context)
        return SubsetScore(
            truth=self.truth,
            predictions=predictions,
            context=self.context,
            counts=counts,
            figures=figures,
            intervals={name: bounds for name in figures if (bounds := interval(resampled[name])) is not None},
            queries=self.grouping.queries,
            videos=self.grouping.videos,
            tables=diagnose(
                self.truth,
                counts,
                self.context,
                self.grouping,
                settings=self.settings,
                contrast=contrast,
                pairs=self.pairs,
            ),
            worst=describe(ranked[:WORST], self.truth, counts, self.context),
            notes=(*predictions.notes, *notes, *unknown, *self._said(predictions, counts, figures)),
            blind=blind,
            resampled=resampled,
        )

    def _counted(self, source: Source) -> tuple[Predictions, Counts]:
        predictions = self._opened(source)
        if self.settings.missing == "error":
            predictions.require_all()
        elif len(predictions.missing) == len(self.truth):
            raise PredictionError(f"{self.truth.subset}: not one unit has a prediction; is this the right folder?")
        if self.settings.protocol is Protocol.DAVIS:
            predictions = MatchedPredictions(predictions)
        counts = measure(self.truth, predictions, sides=self.sides)
        if not predictions.settled():
            counts = measure(self.truth, predictions, sides=self.sides)
            predictions.settled()
        predictions.notes += plausibility(
            counts.predicted, self.truth.pixels, shared=counts.intersection, true=counts.true
        )
        return predictions, counts

    def _opened(self, source: Source) -> Predictions:
        if not isinstance(source, tuple):
            return MaskPredictions(source.get(self.truth.subset, {}), self.truth, resize=self.settings.resize)
        parts = []
        for path in source:
            check_predictions(path, self.dataset, self.truth.subset, self.digest)
            parts.append(
                open_predictions(
                    path,
                    self.truth,
                    resize=self.settings.resize,
                    workers=self.workers,
                    expressions=dict(self.context.expressions),
                    known_queries=self._known_queries,
                    names=self._frame_names,
                )
            )
        return parts[0] if len(parts) == 1 else JoinedPredictions(self.truth, parts, [str(path) for path in source])

    def _frame_names(self) -> Mapping[str, Sequence[str]]:
        return source_frame_names(self.dataset) if self.truth.subset in ("N", "M") else {}  # S and T are composed anew

    def _known_queries(self) -> set[str]:
        """Return the query ids of the whole dataset, which only a table tells: reading it needs an extra."""
        if not (self.dataset / "queries.parquet").is_file():
            return set()
        from a2dsplus.dataset.tables import read_queries
        from a2dsplus.dataset.workspace import Workspace

        return {query.query_id for query in read_queries(Workspace(self.dataset))}

    def _contrast(self, true: Ints) -> tuple[npt.NDArray[np.bool_] | str | None, list[str]]:
        if self.sides is not None:
            if self.context.is_temporal():
                return self.sides.stop == self.sides.first, []
            return "pixels", []
        if self.truth.subset == "T" and (true == 0).any():
            return true == 0, ["no samples.jsonl: leak counts the frames without a referent as contrast frames"]
        return None, []

    def _blind_rows(self, true: Ints) -> tuple[dict[str, Figures], list[str]]:
        """Return the figures of whoever reads no query, and what to say of them; none for subsets without contrasts."""
        if self._blind is None:
            self._blind = {}, []
            if self.truth.subset in ("S", "T") or self.sides is not None:
                rows, complete = read_blind(self.truth.file.parent, self.truth.subset, true)
                contrast, _ = self._contrast(true)
                known = contrast if not isinstance(contrast, str) else None
                found = {}
                for name, counts in rows.items():
                    table = sums(
                        counts, self.grouping, protocol=self.settings.protocol, contrast=known, pairs=self.pairs
                    )
                    figures = self.settings.shown(table.figures())
                    found[name] = {figure: value for figure, value in figures.items() if figure not in NOT_KNOWN}
                said = (
                    []
                    if complete
                    else ["no blind.json: what position alone scores is not known; build the dataset again"]
                )
                self._blind = found, said
        return self._blind

    def _said(self, predictions: Predictions, counts: Counts, figures: Figures) -> list[str]:
        said = []
        given = predictions.scores[np.isfinite(predictions.scores)]
        if len(predictions.missing):
            said.append(f"{len(predictions.missing)} units without a prediction count as empty masks (--missing empty)")
        if self.settings.resize != "none":
            said.append("masks of another size were resized to the ground truth's (--resize nearest)")
        ranked = "mAP_coco" in figures
        if ranked and (not predictions.scored or (len(given) > 1 and given.min() == given.max())):
            said.append(
                "the predictions have no scores, or all the same: mAP_coco ranks units by image id alone, compare it with no other model's"
            )
        if self.settings.protocol is Protocol.DAVIS:
            said += self._runs(counts)
        own, stock = figures.get("mAP"), figures.get("mAP_cocoeval")
        if own is not None and stock is not None and (counts.true == 0).any():
            said.append(
                f"MTTR's own evaluator prints {100 * stock:.1f} for mAP here, as stock COCOeval counts 0 where both masks are empty; "
                f"with empty pairs right it is {100 * own:.1f}"
            )
        return said

    def _runs(self, counts: Counts) -> list[str]:
        region = unit_ious(counts.intersection, counts.union, protocol=Protocol.DAVIS)
        found = by_run(self.truth, region, counts.contour)
        said = ["J&F by run: " + ", ".join(f"{name} {100 * value:.1f}" for name, (_, value) in found.items())]
        if len(found) < len(RUNS) or len({many for many, _ in found.values()}) > 1:
            said.append(
                "not every object has four expressions: the mean is over those that are there, and runs weigh by their number"
            )
        return said

    def _figures(self, predictions: Predictions, counts: Counts, table: Sums) -> tuple[Figures, dict[str, Floats]]:
        """Return the figures and their resamples, average precision among them."""
        figures, resampled = table.figures(), table.resampled(self.weights)
        unit_video = self.grouping.video_of[self.grouping.query_of]
        ious = unit_ious(counts.intersection, counts.union, protocol=Protocol.PAPER)
        units = np.arange(len(self.truth))
        ranked = [("mAP_coco", ious, counts.scores, units)] if self.settings.shows("mAP_coco") else []
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
        return self.settings.shown({name: figures[name] for name in NAMES if name in figures}), resampled


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
