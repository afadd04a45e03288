"""COCO average precision over units: detections ranked by score, precision interpolated at 101 recalls, ten IoU thresholds.

Every unit holds one true mask, so a detection is right where its unit's mask is not yet taken by a better-scored one and the
IoU reaches the threshold. The arithmetic and the order of ties are COCOeval's, so that the figure agrees with it wherever no
true mask is empty.

K detections, N units, V videos, B resamples.
"""

import numpy as np
import numpy.typing as npt

from a2dsplus.score.readers.base import Floats
from a2dsplus.score.runs import Ints

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST_NUMBERS = 1 << 21  # of a block of resamples at a time


def average_precision(ious: Floats, scores: Floats, units: Ints, *, rank: Ints) -> float:
    """Return the AP of K detections over N units.

    `ious`, `scores`, `units`: (K,), each detection's IoU with its unit's true mask, its score, and its unit; a unit's own detections
    come best first. `rank`: (N,), each unit's place among the sorted image ids, which orders equal scores.
    """
    order = np.lexsort((np.arange(len(units)), rank[units], -scores))
    hits = _hits(ious[order], units[order])  # (K, thresholds)
    return float(np.mean([_interpolated(np.cumsum(own), np.arange(1, len(own) + 1), len(rank)) for own in hits.T]))


def resampled_average_precision(
    ious: Floats,
    scores: Floats,
    units: Ints,
    *,
    rank: Ints,
    weights: npt.NDArray[np.int64],
    unit_video: Ints,
) -> Floats:
    """Return the AP of each resample, (B,): a video drawn twice counts as two.

    `weights`: (B, V), how often each resample drew each video. `unit_video`: (N,), each unit's video. The rest as above.
    """
    order = np.lexsort((np.arange(len(units)), rank[units], -scores))
    hits = _hits(ious[order], units[order])
    video = unit_video[units[order]]
    totals = weights @ np.bincount(unit_video, minlength=weights.shape[1])  # (B,) true masks
    block = max(1, _MOST_NUMBERS // max(len(order), 1))
    return np.concatenate(
        [
            _resampled_block(hits, weights[start : start + block][:, video], totals[start : start + block])
            for start in range(0, len(weights), block)
        ]
        or [np.zeros(0)]
    )


def _resampled_block(hits: npt.NDArray[np.bool_], drawn: npt.NDArray[np.int64], totals: Ints) -> Floats:
    """Return the AP of some resamples. `hits`: (K, 10), `drawn`: (b, K), both in order of score; `totals`: (b,)."""
    result = np.zeros(len(drawn))
    found = np.cumsum(drawn, axis=1, dtype=np.float32)
    for own in hits.T:
        right = np.flatnonzero(own)
        if not len(right):
            continue
        # Recall rises at right detections alone, and so the best precision from a recall on is found at one of them.
        true = np.cumsum(drawn[:, right], axis=1, dtype=np.float32)
        precision = true / np.maximum(found[:, right], 1)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for row, total in enumerate(totals):
            at = np.searchsorted(true[row], (_RECALLS * total - 1e-3).astype(np.float32))
            result[row] += envelope[row, at[at < len(right)]].sum() / len(_RECALLS)
    return result / hits.shape[1]


def _hits(ious: Floats, units: Ints) -> npt.NDArray[np.bool_]:
    """Return whether each ranked detection is right at each threshold, (K, 10)."""
    reached = ious[:, None] >= np.minimum(_THRESHOLDS, 1 - 1e-10)
    hits = np.zeros_like(reached)
    for column in range(reached.shape[1]):
        candidates = np.flatnonzero(reached[:, column])
        _, first = np.unique(units[candidates], return_index=True)
        hits[candidates[first], column] = True
    return hits


def _interpolated(true: Ints, found: Ints, total: int) -> float:
    if not len(true):
        return 0.0
    precision = true / (found + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(true / total, _RECALLS, side="left")
    return float(np.append(envelope, 0.0)[np.minimum(at, len(envelope))].mean())
