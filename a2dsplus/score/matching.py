"""Ref-DAVIS17's evaluation: in each of four runs, the objects that were predicted are matched to the true ones, so that a swap costs nothing.

A video's expressions are numbered 4 k + run, k counting its objects. In a run the masks of all K objects are compared with all K true ones over all
frames, and the assignment of the greatest J&F counts, as in DAVIS's "unsupervised" evaluation. K: objects of a video.
"""

import numpy as np

from a2dsplus.errors import InputError, UsageError, listed
from a2dsplus.media.runs import Ints, Runs, intersections
from a2dsplus.score.counting.boundary import contour_accuracies
from a2dsplus.score.counting.measure import chunks, without_ignored
from a2dsplus.score.readers.base import Floats, Predictions
from a2dsplus.score.readers.davis import DavisPredictions
from a2dsplus.score.truth import Truth

RUNS = ("annotator 1, first frame", "annotator 1, full video", "annotator 2, first frame", "annotator 2, full video")
_MOST_OBJECTS = 14  # an assignment is sought among all subsets of them


class MatchedPredictions(Predictions):
    """Another reader's masks, each given to the object that its own is matched to. Raises UsageError where the truth is not of Ref-DAVIS17."""

    def __init__(self, given: Predictions) -> None:
        super().__init__(
            given.truth, layout=given.layout, scored=given.scored, scores=given.scores, missing=given.missing
        )
        self._given = given
        self._groups = objects_of_runs(given.truth)
        self._unit = self._matched()
        if not given.settled():  # what the levels of all masks together mean may turn out late
            self._unit = self._matched()
            given.settled()
        self.notes = given.notes
        if not isinstance(given, DavisPredictions):
            self.notes.append(
                "no palettes: where masks of two objects overlap, both count; DAVIS has one object a pixel"
            )

    def runs(self, units: Ints) -> Runs:
        """Return the mask of each unit: that of the object which is matched to the unit's."""
        return self._given.runs(self._unit[units])

    def _matched(self) -> Ints:
        """Return which unit's mask each unit gets, (N,)."""
        found = np.arange(len(self.truth))
        for own in self._groups:
            if len(own) < 2:
                continue
            quality = np.array([[self._quality(predicted, true) for true in own] for predicted in own])
            for true, predicted in enumerate(assignment(quality)):
                found[own[true]] = own[predicted]
        return found

    def _quality(self, predicted: Ints, true: Ints) -> float:
        """Return J&F of one object's masks against another object's true ones, at the same frames, (T,) units each."""
        region, contour = [], []
        for part in chunks(self.truth.pixels[true]):
            expected = self.truth.runs(true[part])
            found = without_ignored(self.truth, self._given.runs(predicted[part]), true[part])
            shared = intersections(found, expected)
            union = found.areas() + expected.areas() - shared
            region.append(np.where(union == 0, 1.0, shared / np.maximum(union, 1)))
            heights, widths = self.truth.heights[true[part]], self.truth.widths[true[part]]
            contour.append(contour_accuracies(found, expected, heights=heights, widths=widths))
        return float(np.concatenate(region).mean() + np.concatenate(contour).mean()) / 2


def run_of(truth: Truth) -> Ints:
    """Return each query's run, 0 to 3, (Q,). Raises UsageError where expressions are not numbered as Ref-DAVIS17's are."""
    words = [word for _, word in truth.queries]
    odd = [word for word in words if not (word.isascii() and word.isdigit() and len(word) < 6)]
    if odd:
        raise UsageError(
            f"protocol davis: is for N of Ref-DAVIS17, whose expressions are numbered 4 k + run; {truth.subset} has {listed(odd, most=3)}"
        )
    return np.array([int(word) % len(RUNS) for word in words])


def objects_of_runs(truth: Truth) -> list[list[Ints]]:
    """Return, for each video and run, the units of each of its objects, frames ascending, (T,).

    Raises UsageError where objects of a video have other frames, InputError where a video has more objects than can be matched.
    """
    groups: dict[tuple[str, int], list[Ints]] = {}
    frames: dict[str, list[int | None]] = {}
    for (sample, word), run in zip(truth.queries, run_of(truth).tolist(), strict=True):
        own = truth.by_name[sample, word]
        if frames.setdefault(sample, list(own)) != list(own):
            raise UsageError(
                f"protocol davis: the expressions of {sample} are judged at different frames; it is for N of Ref-DAVIS17"
            )
        groups.setdefault((sample, run), []).append(np.array(list(own.values())))
    for (sample, _), objects in groups.items():
        if len(objects) > _MOST_OBJECTS:
            raise InputError(f"{truth.file}: {sample} has {len(objects)} objects; at most {_MOST_OBJECTS} are matched")
    return list(groups.values())


def assignment(quality: Floats) -> list[int]:
    """Return which row each column gets, so that the sum is greatest. `quality`: (K, K), rows are predictions; each is used once.

    Over all subsets of rows: 2^K K steps. Of equal sums the one that keeps the order.
    """
    many = len(quality)
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for column in range(many):
        longer: dict[int, tuple[float, list[int]]] = {}
        for used, (total, rows) in best.items():
            for row in range(many):
                if not used >> row & 1:
                    own = total + float(quality[row, column])
                    key = used | 1 << row
                    if key not in longer or own > longer[key][0] + 1e-12:
                        longer[key] = own, [*rows, row]
        best = longer
    return best[(1 << many) - 1][1]


def by_run(truth: Truth, region: Floats, contour: Floats) -> dict[str, tuple[int, float]]:
    """Return {run: (expressions, J&F)}. `region`, `contour`: J and F of each unit, (N,)."""
    runs = run_of(truth)
    whole = (region + contour) / 2
    means = np.bincount(truth.query_of, weights=whole) / np.bincount(truth.query_of)
    return {
        name: (int((runs == run).sum()), float(means[runs == run].mean()))
        for run, name in enumerate(RUNS)
        if (runs == run).any()
    }
