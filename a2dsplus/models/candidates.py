"""Other models' predictions as candidates for the grounding module: to train it, and to choose with it. Imports torch where it runs.

M: models, one a prediction folder. K: a query's evaluated frames.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from a2dsplus.compose.subset import Subset
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import ModelError, UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.media.runs import Runs, to_mask
from a2dsplus.models.identity import chosen_subsets
from a2dsplus.progress import Bars, no_bar
from a2dsplus.score.readers import has_predictions, open_predictions
from a2dsplus.score.readers.base import Floats
from a2dsplus.score.truth import Truth, read_truth

if TYPE_CHECKING:
    from locater import Locater
    from locater.training import TrainOptions
    from locater.training.grounding import Case


class Asked(NamedTuple):
    """A query's candidates: the evaluated frames (K,), 1-based, ascending; each model's masks there, bool (K, H, W); its scores (M, K)."""

    frames: list[int]
    masks: list[Mask]
    scores: Floats


class Candidates:
    """The predictions of several models for one dataset, in any layout that `score` reads.

    Raises UsageError for fewer than two folders; reading raises PredictionError where one lacks a prediction.
    """

    def __init__(self, dataset: Path, folders: Sequence[Path]) -> None:
        if len(folders) < 2:
            raise UsageError(f"--candidates: {len(folders)} given, expected the predictions of two models or more")
        self._dataset, self._folders = dataset, list(folders)
        self._open: dict[str, tuple[Truth, list[tuple[Runs, Floats]]]] = {}

    def subsets(self) -> list[str]:
        """Return the subsets of the dataset that every folder has predictions of. Raises UsageError where there is none."""
        names = chosen_subsets(Workspace.open(self._dataset), None)
        shared = [name for name in names if all(has_predictions(folder, name) for folder in self._folders)]
        if not shared:
            raise UsageError(
                f"--candidates: no subset of {self._dataset} ({', '.join(names)}) is predicted in all of {', '.join(map(str, self._folders))}"
            )
        return shared

    def of(self, subset: str, sample_id: str, expression: str) -> Asked:
        """Return the candidates of one query. Raises PredictionError."""
        if subset not in self._open:
            truth = read_truth(self._dataset / subset / "ground_truth.json", subset=subset)
            self._open[subset] = truth, [_read(folder, truth) for folder in self._folders]
        truth, read = self._open[subset]
        units = truth.by_name[sample_id, expression]
        places = list(units.values())
        height, width = int(truth.heights[places[0]]), int(truth.widths[places[0]])
        masks = [np.stack([to_mask(runs.of(unit), height=height, width=width) for unit in places]) for runs, _ in read]
        return Asked([frame or 0 for frame in units], masks, np.stack([scores[places] for _, scores in read]))


def _read(folder: Path, truth: Truth) -> tuple[Runs, Floats]:
    """Return a model's masks of all units and its scores, (N,), 1 where it gives none. Raises PredictionError."""
    predictions = open_predictions(folder, truth)
    predictions.require_all()
    units = np.arange(len(truth))
    runs = predictions.runs(units)
    if not predictions.settled():
        runs = predictions.runs(units)
        predictions.settled()
    return runs, predictions.scores if predictions.scored else np.ones(len(truth))


def train(
    candidates: Candidates,
    dataset: Path,
    model: "Locater",
    options: "TrainOptions",
    *,
    out: Path,
    split: str,
    report: Callable[[str], None],
    bars: Bars = no_bar,
) -> Path:
    """Train the grounding module on a dataset's candidates and return the folder that `baseline --model grounding` takes.

    `model`: the LOCATER that it looks through. Raises UsageError for a dataset of another split, PredictionError, ModelError.
    """
    import locater
    from locater.training.grounding import train_grounding

    names = candidates.subsets()
    subsets = [Subset(dataset, name, frames="evaluated") for name in names]
    try:
        with bars("looking at candidates", sum(map(len, subsets)), "queries") as advance:
            cases = [case for subset in subsets for case in _cases(candidates, subset, model, split, advance)]

        def told(step: int, steps: int, loss: float, share: float) -> None:
            report(f"step {step}/{steps}  loss {loss:.4f}  picked {100 * share:.1f}% of the best candidates' IoU")

        module = train_grounding(cases, options, heads=model.config.heads, report=told)
        out.mkdir(parents=True, exist_ok=True)
        locater.grounding.save(model, module, out)
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error
    return out


def _cases(
    candidates: Candidates, subset: Subset, model: "Locater", split: str, advance: Callable[[int], None]
) -> Iterator["Case"]:
    """Yield what is learned of each query of a subset: at its evaluated frames, at most as many as the module looks at."""
    import torch

    from locater.grounding import evenly, look
    from locater.training.grounding import Case

    for (_, query), item in zip(subset.queries, subset, strict=True):
        if query.split != split:
            raise UsageError(
                f"query {query.query_id} is of split {query.split}, --split says {split}: nobody trains on what is scored"
            )
        found = candidates.of(subset.name, item.sample_id, item.expression).masks
        quality = [_iou(masks, item.masks) for masks in found]
        taken = evenly(len(item.evaluated_frames))
        seen = look(model, item.frames[taken], item.text, [masks[taken] for masks in found])
        advance(1)
        yield Case(*seen, torch.tensor(quality, device=model.device))


def _iou(ours: Mask, truth: Mask) -> float:
    """Return the mean IoU of masks (K, H, W); 1 where both are empty."""
    both, either = ((pair).sum((1, 2)) for pair in (ours & truth, ours | truth))
    return float(np.where(either > 0, both / np.maximum(either, 1), 1).mean())
