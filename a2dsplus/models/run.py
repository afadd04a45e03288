"""Run a model over M, S and T and write its predictions as COCO results, one sample at a time.

OUT/<subset>.json        results: [{"image_id", "segmentation", "score"}, ...], in the dataset's order
OUT/manifest.json        which ground truth and which model they are of
OUT/.<subset>.partial    what is done so far, one sample a line, .<subset>.shard-<I>-of-<N>.partial what a shard did; a killed run goes on from it
"""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from a2dsplus.compose.subset import Subset
from a2dsplus.dataset.lock import working_in
from a2dsplus.dataset.shard import Shard
from a2dsplus.dataset.tables import RoleRows, read_roles
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import Engine, LocalEngine
from a2dsplus.errors import InputError, PredictionError, listed
from a2dsplus.files import read_bytes, remove_abandoned_in, unwritable, write_text
from a2dsplus.models import make
from a2dsplus.models.asking import Asker, Row, uses_roles
from a2dsplus.models.candidates import Candidates
from a2dsplus.models.identity import chosen_subsets, claim, identity
from a2dsplus.progress import Bars, no_bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which model over which dataset. `devices`: one worker each, in turn; `root`: where the source clips are, if they moved.

    `options`: what else the model's constructor is given, by name, such as {"threshold": 0.3}; None counts as not given.
    """

    model: str
    checkpoint: Path | None
    dataset: Path
    devices: tuple[str, ...] = ("cpu",)
    engine: Engine = field(default_factory=LocalEngine)
    root: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def given(self) -> dict[str, Any]:
        """Return the options that are given."""
        return {name: value for name, value in self.options.items() if value is not None}


def predict(
    run: Run, out: Path, *, subsets: Sequence[str] | None = None, shard: Shard | None = None, bars: Bars = no_bar
) -> list[str]:
    """Run a model over a dataset's subsets, write `out`, and return the subsets' names; one without a sample is left out.

    What `out` holds already is kept; a run that was stopped, however, goes on. The result does not depend on the engine. `shard`: run
    its share of the samples alone, beside the other shards; a run without it afterwards runs what is missing and writes `out`. Raises
    PredictionError where `out` holds another model's or another dataset's predictions, ModelError where the model fails.
    """
    names = chosen_subsets(Workspace.open(run.dataset), subsets)
    unjudged = [name for name in names if not (run.dataset / name / "ground_truth.json").is_file()]
    if unjudged:
        raise InputError(
            f"{run.dataset}: no frame of {listed(unjudged)} is evaluated, since its split withholds masks; `a2dsplus export --layout"
            " refer-ytvos` gives all frames to a model of the field, `a2dsplus.Subset` to yours"
        )
    with working_in(out, shard=shard):
        remove_abandoned_in(out)
        _predict(run, out, names, shard, bars)
    return names


def _predict(run: Run, out: Path, names: Sequence[str], shard: Shard | None, bars: Bars) -> None:
    from a2dsplus.score.integrity import stamp_predictions

    notes = identity(run.model, run.checkpoint, run.given())
    earlier = claim(out, run.dataset, names, notes)
    stamp_predictions(out, run.dataset, subsets=sorted({*names, *earlier}), **notes)
    parts = {name: _Part(run, out, name, shard) for name in names if not (out / f"{name}.json").is_file()}
    if shard is None:
        for name in names:
            if name not in parts:  # a run that was killed after the last line may have left what it was made from
                for left in (out / f".{name}.partial", *out.glob(f".{name}.shard-*.partial")):
                    left.unlink(missing_ok=True)
    items = [(name, index) for name, part in parts.items() for index in part.missing()]
    with bars("predicting", sum(len(part.samples) for part in parts.values()), "samples") as advance:
        for part in parts.values():
            advance(len(part.done))
            part.finish()
        for name, sample_id, rows in run.engine.run(
            _predict_one, items, start=partial(_Worker, replace(run, engine=LocalEngine())), in_order=False
        ):
            parts[name].add(sample_id, rows)
            parts[name].finish()
            advance(1)


class _Part:
    """What is predicted of one subset so far: in `OUT/.<subset>.partial`, and in OUT/<subset>.json once it is whole."""

    def __init__(self, run: Run, out: Path, name: str, shard: Shard | None) -> None:
        self.samples = Subset(run.dataset, name, root=run.root).samples
        self._shard = shard
        self._target = out / f"{name}.json"
        self._partial = out / (f".{name}.{shard.name}.partial" if shard else f".{name}.partial")
        self._others = sorted({*out.glob(f".{name}.partial"), *out.glob(f".{name}.shard-*.partial")} - {self._partial})
        known = {sample.sample_id for sample in self.samples}
        self.done = _read_partial(self._partial, known, own=True)
        for other in self._others:
            self.done.update(_read_partial(other, known, own=False))

    def missing(self) -> list[int]:
        """Return the places of the samples that have no predictions yet."""
        places = range(len(self.samples))
        own = self._shard.share(places) if self._shard else places
        return [index for index in own if self.samples[index].sample_id not in self.done]

    def add(self, sample_id: str, rows: list[Row]) -> None:
        """Keep a sample's results, on disk as well."""
        try:
            with self._partial.open("ab") as file:
                file.write((json.dumps([sample_id, rows]) + "\n").encode())
        except OSError as error:
            raise unwritable(self._partial, error) from error
        self.done[sample_id] = rows

    def finish(self) -> None:
        """Write the results of all samples, in the dataset's order, once they are all there; a shard leaves it to the whole run."""
        if len(self.done) < len(self.samples) or self._shard is not None:
            return
        results = [row for sample in self.samples for row in self.done[sample.sample_id]]
        write_text(self._target, json.dumps(results) + "\n")
        for path in (self._partial, *self._others):
            path.unlink(missing_ok=True)


def _read_partial(path: Path, known: Collection[str], *, own: bool) -> dict[str, list[Row]]:
    """Return what an interrupted run wrote without a line that it could not finish, which is cut off where the file is one's own."""
    if not os.path.lexists(path):
        return {}
    try:
        data = read_bytes(path)
        whole = data.rfind(b"\n") + 1
        if own and whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)
        done = dict(map(json.loads, data[:whole].splitlines()))
        if not all(name in known and isinstance(rows, list) for name, rows in done.items()):
            raise ValueError
    except (OSError, ValueError, TypeError, RecursionError):
        raise PredictionError(f"{path}: damaged; remove it and run the command again") from None
    return done


# ---- workers -----------------------------------------------------------------------------------------------------


class _Worker:
    """One model, on the next device in turn, and the subset it has open."""

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        device = run.devices[number % len(run.devices)]
        options = run.given()
        if "candidates" in options:
            options["candidates"] = Candidates(run.dataset, options["candidates"])
        model = make(run.model, checkpoint=run.checkpoint, device=device, options=options)
        self.asker = Asker(model=model, roles=_roles(run.dataset) if uses_roles(model) else None)
        self._subset: Subset | None = None

    def subset(self, name: str) -> Subset:
        """Return a subset, opened once as long as samples of it are asked for."""
        if self._subset is None or self._subset.name != name:
            self._subset = Subset(self.run.dataset, name, root=self.run.root)
        return self._subset


def _predict_one(worker: _Worker, item: tuple[str, int]) -> tuple[str, str, list[Row]]:
    name, index = item
    subset = worker.subset(name)
    sample = subset.samples[index]
    return name, sample.sample_id, worker.asker.ask(subset, sample)


def _roles(dataset: Path) -> RoleRows | None:
    """Return the captions' roles by query id, None where the dataset was built without."""
    workspace = Workspace.open(dataset)
    return read_roles(workspace) if workspace.path("roles.parquet").is_file() else None
