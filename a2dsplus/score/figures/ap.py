"""COCO average precision over units: detections ranked by score, precision interpolated at 101 recalls, ten IoU thresholds.

Every unit holds one true mask, so a detection is right where its unit's mask is not yet taken by a better-scored one and the
IoU reaches the threshold. The arithmetic and the order of ties are COCOeval's, so that the figure agrees with it wherever no
true mask is empty.

K detections, N units, V videos, B resamples.
"""

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints
from a2dsplus.score.readers.base import Floats

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST_NUMBERS = 1 << 22  # of a block of resamples at a time


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
    by_video = np.ascontiguousarray(weights.T, np.float32)  # (V, B)
    block = max(1, _MOST_NUMBERS // max(len(order), 1))
    return np.concatenate(
        [
            _resampled_block(hits, by_video[:, start : start + block][video], totals[start : start + block])
            for start in range(0, len(weights), block)
        ]
        or [np.zeros(0)]
    )


def _resampled_block(hits: npt.NDArray[np.bool_], drawn: npt.NDArray[np.float32], totals: Ints) -> Floats:
    """Return the AP of some resamples. `hits`: (K, 10), `drawn`: (K, b), both in order of score; `totals`: (b,)."""
    result = np.zeros(drawn.shape[1])
    found = _accumulated(np.add, drawn.copy())
    scale = ((len(_RECALLS) - 1) / np.maximum(totals, 1)).astype(np.float32)
    for own in hits.T:
        right = np.flatnonzero(own)
        if not len(right):
            continue
        # Recall rises at right detections alone, and so the best precision from a recall on is found at one of them.
        true = _accumulated(np.add, drawn[right])  # (right, b)
        precision = true / np.maximum(found[right], 1)
        envelope = _accumulated(np.maximum, precision[::-1])[::-1]
        reached = np.floor(true * scale + np.float32(1e-4))  # the last of the 101 recalls that is reached so far
        reached[1:] -= reached[:-1].copy()
        reached[0] += 1
        result += np.einsum("rb,rb->b", reached, envelope)
    out: Floats = result / (hits.shape[1] * len(_RECALLS))
    return out


def _accumulated(operation: np.ufunc, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return rows (n, b), changed in place, each combined with all before it: several times as fast as `operation.accumulate`."""
    for place in range(1, len(rows)):
        operation(rows[place - 1], rows[place], out=rows[place])
    return rows


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
