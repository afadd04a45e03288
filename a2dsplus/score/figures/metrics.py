"""Figures from counts. Every one but average precision is made of sums over videos, which is what the bootstrap resamples."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints
from a2dsplus.score.counting.measure import Counts
from a2dsplus.score.figures.pairs import Pairs, captions_right, pairs_right
from a2dsplus.score.figures.temporal import temporal_ious
from a2dsplus.score.protocols import FIVE, TEN, Protocol, passes, unit_ious
from a2dsplus.score.readers.base import Floats

# In the order in which they are printed. mAP_cocoeval is given by the protocol mttr alone.
NAMES = (
    "mAP", "mAP_5", "mAP_10", "mAP_coco", "mAP_cocoeval", "P@0.5", "P@0.6", "P@0.7", "P@0.8", "P@0.9", "oIoU", "mIoU",
    "N-acc", "T-acc", "gIoU", "MCC", "cgF1", "tIoU", "vIoU", "J", "F", "J&F", "leak", "pair", "group",
)  # fmt: skip

_POSITIVE_F1 = "pmF1"  # a part of cgF1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Which query each of N units belongs to, (N,), and which video each of Q queries, (Q,)."""

    query_of: Ints
    video_of: Ints
    videos: int

    @property
    def queries(self) -> int:
        """Q."""
        return len(self.video_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What M figures are made of over V videos.

    `numerators`, `denominators`: (V, M), a figure is the ratio of their sums. `tallies`: (V, 4), units that fire and should, fire and
    should not, are silent and should fire, are silent and should be; without them there is no MCC and no cgF1.
    """

    names: tuple[str, ...]
    numerators: Floats
    denominators: Floats
    tallies: Floats | None = None

    def figures(self) -> dict[str, float | None]:
        """Return each figure over all videos, None where nothing bears on it."""
        tallies = None if self.tallies is None else self.tallies.sum(0)[None]
        whole = self._named(self.numerators.sum(0)[None], self.denominators.sum(0)[None], tallies)
        return {name: _number(values[0]) for name, values in whole.items()}

    def resampled(self, weights: npt.NDArray[np.int64]) -> dict[str, Floats]:
        """Return each figure of each resample, (B,), NaN where nothing bears on it. `weights`: (B, V), how often a video was drawn."""
        drawn = weights.astype(np.float64)
        tallies = None if self.tallies is None else drawn @ self.tallies
        return self._named(drawn @ self.numerators, drawn @ self.denominators, tallies)

    def _named(self, tops: Floats, bottoms: Floats, tallies: Floats | None) -> dict[str, Floats]:
        found = dict(zip(self.names, _ratios(tops, bottoms).T, strict=True))
        if tallies is not None:
            found["MCC"] = _matthews(tallies)
            found["cgF1"] = found.pop(_POSITIVE_F1) * found["MCC"]
        return {name: found[name] for name in NAMES if name in found}


def sums(
    counts: Counts,
    grouping: Grouping,
    *,
    protocol: Protocol,
    contrast: npt.NDArray[np.bool_] | str | None,
    pairs: Pairs | None = None,
) -> Sums:
    """Return the sums behind every figure that is made of them.

    `contrast`: what leak is counted over: "pixels" (S), the units that are contrast frames, (N,) (T), or None where there is no
    contrast. `pairs`: the captions that are asked of one composite.
    """
    ious = unit_ious(counts.intersection, counts.union, protocol=protocol)
    ten = passes(counts.intersection, counts.union, protocol=protocol, thresholds=TEN)
    five = passes(counts.intersection, counts.union, protocol=protocol, thresholds=FIVE)
    reached = passes(counts.intersection, counts.union, protocol=Protocol.RELEASED, thresholds=TEN)  # SA-Co's IoU >= K
    fires, absent = counts.predicted > 0, counts.true == 0
    # Without a target, GRES's gIoU is 1 for no mask and 0 for any.
    generalised = np.where(absent, ~fires, ious)
    everywhere = np.ones(len(ious))
    by_unit: dict[str, tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]] = {
        "mAP_5": (five.mean(axis=1), everywhere),
        "mAP_10": (ten.mean(axis=1), everywhere),
        **{f"P@{threshold / 100}": (five[:, column], everywhere) for column, threshold in enumerate(FIVE)},
        "oIoU": (counts.intersection, counts.union),
        "mIoU": (ious, everywhere),
        "N-acc": (absent & ~fires, absent),
        "T-acc": (~absent & fires, ~absent),
        "gIoU": (generalised, everywhere),
        # With one mask a unit, twice the true positives plus both kinds of error is the number of masks given and of masks wanted.
        _POSITIVE_F1: (2 * reached.mean(axis=1) * (~absent & fires), ~absent * (1.0 + fires)),
    }
    if protocol is not Protocol.MTTR:
        by_unit["mAP"] = by_unit["mAP_5" if protocol is Protocol.RELEASED else "mAP_10"]
    if isinstance(contrast, str):
        by_unit["leak"] = (counts.leaked, counts.predicted)
    elif contrast is not None:
        by_unit["leak"] = (contrast & fires, contrast)
    exact = np.where(counts.union == 0, 1.0, counts.intersection / np.maximum(counts.union, 1))
    temporal, volume = temporal_ious(
        counts.predicted, counts.true, exact, query_of=grouping.query_of, queries=grouping.queries
    )
    region, contour = (_query_means(values, grouping) for values in (exact, counts.contour))
    by_query = {"tIoU": temporal, "vIoU": volume, "J": region, "F": contour, "J&F": (region + contour) / 2}
    unit_video = grouping.video_of[grouping.query_of]
    columns = {
        name: (_by_video(top, unit_video, grouping.videos), _by_video(bottom, unit_video, grouping.videos))
        for name, (top, bottom) in by_unit.items()
    }
    columns |= {
        name: (
            _by_video(values, grouping.video_of, grouping.videos),
            _by_video(np.ones(len(values)), grouping.video_of, grouping.videos),
        )
        for name, values in by_query.items()
    }
    columns |= _pair_columns(counts, grouping, pairs)
    kinds = (fires & ~absent, fires & absent, ~fires & ~absent, ~fires & absent)
    return Sums(
        names=tuple(columns),
        numerators=np.stack([top for top, _ in columns.values()], axis=1),
        denominators=np.stack([bottom for _, bottom in columns.values()], axis=1),
        tallies=np.stack([_by_video(own, unit_video, grouping.videos) for own in kinds], axis=1),
    )


def _pair_columns(counts: Counts, grouping: Grouping, pairs: Pairs | None) -> dict[str, tuple[Floats, Floats]]:
    if pairs is None or not len(pairs):
        none = np.zeros(grouping.videos)
        return {"pair": (none, none), "group": (none, none)}
    right = captions_right(counts, grouping.query_of, grouping.queries)
    both, both_orders, firsts = pairs_right(right, pairs)
    video = grouping.video_of[pairs.query]
    found = {}
    for name, values, of in (("pair", both, video), ("group", both_orders, video[firsts])):
        found[name] = (_by_video(values, of, grouping.videos), _by_video(np.ones(len(of)), of, grouping.videos))
    return found


def _matthews(tallies: Floats) -> Floats:
    """Return Matthews' correlation, (B,), of tallies (B, 4): 0 for all alike, NaN where units of one kind alone are judged."""
    hits, shouts, misses, rests = tallies.T
    product = (hits + shouts) * (hits + misses) * (rests + shouts) * (rests + misses)
    found = np.clip((hits * rests - shouts * misses) / np.sqrt(np.maximum(product, 1)), -1, 1)
    return np.where((hits + misses > 0) & (shouts + rests > 0), found, np.nan)


def _query_means(values: Floats, grouping: Grouping) -> Floats:
    totals = np.bincount(grouping.query_of, weights=values, minlength=grouping.queries)
    return totals / np.maximum(np.bincount(grouping.query_of, minlength=grouping.queries), 1)


def _by_video(values: npt.NDArray[np.generic], video_of: Ints, videos: int) -> Floats:
    return np.bincount(video_of, weights=values.astype(np.float64), minlength=videos).astype(np.float64)


def _ratios(numerators: Floats, denominators: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominators > 0, numerators / denominators, np.nan)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
