"""Run a model over M, S and T and write its predictions as COCO results, one sample at a time.

OUT/<subset>.json        results: [{"image_id", "segmentation", "score"}, ...], in the dataset's order
OUT/manifest.json        which ground truth and which model they are of
OUT/.<subset>.partial    what is done so far, one sample a line; a killed run goes on from it
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus import records
from a2dsplus.compose.frames import composed_frames
from a2dsplus.compose.ground_truth import image_key
from a2dsplus.compose.subset import Subset
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine
from a2dsplus.errors import A2dsplusError, ModelError, PredictionError, UsageError
from a2dsplus.files import sha256, write_text
from a2dsplus.media.clips import to_rgb
from a2dsplus.media.masks import Mask, encode
from a2dsplus.models import Model, make
from a2dsplus.progress import Bars, no_bar
from a2dsplus.records import Query, Sample

_KEPT_BYTES = 256 * 2**20  # videos up to this size are decoded once for all passes and queries
_AHEAD = 8  # frames decoded while a model works


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which model over which dataset. `devices`: one worker process each, in turn; `root`: where the source clips are, if they moved."""

    model: str
    checkpoint: Path | None
    dataset: Path
    devices: tuple[str, ...] = ("cpu",)
    workers: int = 1
    root: Path | None = None


class SampleVideo:
    """A sample's frames for a model: decoded ahead in a thread, and kept where the video is small."""

    def __init__(self, subset: Subset, sample: Sample) -> None:
        self.sample_id = sample.sample_id
        self.frames, self.height, self.width = sample.frames, sample.height, sample.width
        self._subset, self._sample = subset, sample
        self._kept: list[npt.NDArray[np.uint8]] = []
        self._small = sample.frames * sample.height * sample.width * 3 <= _KEPT_BYTES
        self._truth: dict[int, Mask] = {}

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        if len(self._kept) == self.frames:
            yield from self._kept
            return
        fresh: list[npt.NDArray[np.uint8]] = []
        for frame in _ahead(to_rgb(frame) for frame in composed_frames(self._sample, self._subset.clips)):
            if self._small:
                fresh.append(frame)
            yield frame
        self._kept = fresh

    def truth(self, frame: int) -> Mask:
        """Return the referent's mask at a 1-based frame; all zero where it is not evaluated."""
        known = self._truth.get(frame)
        return np.zeros((self.height, self.width), bool) if known is None else known

    def asked(self, query: Query) -> list[int]:
        """Return a query's evaluated frames, 1-based, ascending; `truth` answers for this query from now on."""
        numbers, masks = self._subset.masks(self._sample, query)
        self._truth = dict(zip(numbers, masks, strict=True))
        return numbers


class _Unlabelled:
    """A sample's video without its answers, as models are given it."""

    def __init__(self, video: SampleVideo) -> None:
        self.sample_id, self.frames, self.height, self.width = video.sample_id, video.frames, video.height, video.width
        self._frames = video

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        return iter(self._frames)


def predict(run: Run, out: Path, *, subsets: Sequence[str] | None = None, bars: Bars = no_bar) -> list[str]:
    """Run a model over a dataset's subsets, write `out`, and return the subsets' names.

    What `out` holds already is kept; a run that was stopped, however, goes on. The result does not depend on workers. Raises
    PredictionError where `out` holds another model's or another dataset's predictions, ModelError where the model fails.
    """
    from a2dsplus.score.integrity import stamp_predictions

    workspace = Workspace.open(run.dataset)
    names = _chosen(workspace, subsets)
    earlier = _claim(out, run, names)
    stamp_predictions(out, run.dataset, subsets=sorted({*names, *earlier}), **_identity(run))
    parts = {name: _Part(run, out, name) for name in names if not (out / f"{name}.json").is_file()}
    items = [(name, index) for name, part in parts.items() for index in part.missing()]
    engine = LocalEngine(workers=run.workers)
    with bars("predicting", sum(len(part.samples) for part in parts.values()), "samples") as advance:
        for part in parts.values():
            advance(len(part.done))
            part.finish()
        for name, sample_id, rows in engine.run(_predict_one, items, start=partial(_Worker, run), in_order=False):
            parts[name].add(sample_id, rows)
            parts[name].finish()
            advance(1)
    return names


class _Part:
    """What is predicted of one subset so far: in `OUT/.<subset>.partial`, and in OUT/<subset>.json once it is whole."""

    def __init__(self, run: Run, out: Path, name: str) -> None:
        self.samples = Subset(run.dataset, name, root=run.root).samples
        self._target, self._partial = out / f"{name}.json", out / f".{name}.partial"
        self.done = _read_partial(self._partial)

    def missing(self) -> list[int]:
        """Return the places of the samples that have no predictions yet."""
        return [index for index, sample in enumerate(self.samples) if sample.sample_id not in self.done]

    def add(self, sample_id: str, rows: list[dict[str, Any]]) -> None:
        """Keep a sample's results, on disk as well."""
        with self._partial.open("ab") as file:
            file.write((json.dumps([sample_id, rows]) + "\n").encode())
        self.done[sample_id] = rows

    def finish(self) -> None:
        """Write the results of all samples, in the dataset's order, once they are all there."""
        if len(self.done) < len(self.samples):
            return
        results = [row for sample in self.samples for row in self.done[sample.sample_id]]
        write_text(self._target, json.dumps(results) + "\n")
        self._partial.unlink(missing_ok=True)


def _read_partial(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what an interrupted run wrote, and cut off a line that it could not finish."""
    if not path.is_file():
        return {}
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
    try:
        return dict(map(json.loads, data[:whole].splitlines()))
    except (ValueError, TypeError):
        raise PredictionError(f"{path}: damaged; remove it and run the command again") from None


def predict_sample(model: Model, subset: Subset, sample: Sample) -> list[dict[str, Any]]:
    """Return a model's results for all queries of a sample, at their evaluated frames.

    Raises ModelError where it gives too few masks, masks of another size or a confidence that is no number, or fails.
    """
    video = SampleVideo(subset, sample)
    queries = [query for own, query in subset.queries if own is sample]
    rows: list[dict[str, Any]] = []
    for query in queries:
        wanted = video.asked(query)
        given: Any = video if getattr(model, "sees_truth", False) else _Unlabelled(video)
        where = f"sample {sample.sample_id} of {subset.name}, query {query.text!r}"
        masks: Any = None
        number = 0
        try:
            masks = iter(model.segment(given, query.text))
            for frame in wanted:
                answer = None
                while number < frame:
                    answer = next(masks)
                    number += 1
                rows.append(_row(answer, sample, frame, query, where))
        except A2dsplusError:
            raise
        except StopIteration:
            raise ModelError(f"{where}: the model gave {number} masks, the video has {sample.frames} frames") from None
        except Exception as error:  # a third party's code may raise anything
            raise ModelError(f"{where}: the model failed: {type(error).__name__}: {error}") from error
        finally:
            if hasattr(masks, "close"):
                masks.close()
    return rows


def _row(answer: Any, sample: Sample, frame: int, query: Query, where: str) -> dict[str, Any]:
    mask, score = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, 1.0)
    mask, score = np.asarray(mask), float(score)
    if not np.isfinite(score):
        raise ModelError(f"{where}, frame {frame}: confidence {score}, expected a finite number")
    if mask.shape != (sample.height, sample.width):
        raise ModelError(
            f"{where}, frame {frame}: mask of shape {mask.shape}, expected ({sample.height}, {sample.width})"
        )
    return {
        "image_id": image_key(sample.sample_id, frame, sample.expression_of(query.query_id)),
        "segmentation": encode(mask),
        "score": round(score, 6),
    }


# ---- workers -----------------------------------------------------------------------------------------------------


class _Worker:
    """One model, on the next device in turn, and the subset it has open."""

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        self.model = make(run.model, checkpoint=run.checkpoint, device=run.devices[number % len(run.devices)])
        self._subset: Subset | None = None

    def subset(self, name: str) -> Subset:
        """Return a subset, opened once as long as samples of it are asked for."""
        if self._subset is None or self._subset.name != name:
            self._subset = Subset(self.run.dataset, name, root=self.run.root)
        return self._subset


def _predict_one(worker: _Worker, item: tuple[str, int]) -> tuple[str, str, list[dict[str, Any]]]:
    name, index = item
    subset = worker.subset(name)
    sample = subset.samples[index]
    return name, sample.sample_id, predict_sample(worker.model, subset, sample)


def _ahead(frames: Iterator[npt.NDArray[np.uint8]]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield what an iterator yields, a few items fetched ahead by a thread."""
    queue: Queue[Any] = Queue(_AHEAD)
    stopped = False

    def fetch() -> None:
        try:
            for frame in frames:
                queue.put((frame, None))
                if stopped:
                    return
            queue.put((None, None))
        except BaseException as error:  # handed to the reader, who raises it
            queue.put((None, error))

    thread = Thread(target=fetch, daemon=True)
    thread.start()
    try:
        while True:
            frame, error = queue.get()
            if error is not None:
                raise error
            if frame is None:
                return
            yield frame
    finally:
        stopped = True
        while thread.is_alive():
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)


# ---- identity ----------------------------------------------------------------------------------------------------


def _chosen(workspace: Workspace, subsets: Sequence[str] | None) -> list[str]:
    there = [name.value for name in records.SubsetName if workspace.path(name, "samples.jsonl").is_file()]
    if not there:
        raise PredictionError(f"{workspace.root}: has none of M, S and T; run `a2dsplus build --out {workspace.root}`")
    unknown = [name for name in subsets or () if name not in there]
    if unknown:
        raise UsageError(f"--subsets: {', '.join(unknown)} is not in {workspace.root}, which has {', '.join(there)}")
    return [name for name in there if not subsets or name in subsets]


def _identity(run: Run) -> dict[str, Any]:
    checkpoint = None if run.checkpoint is None else (sha256(run.checkpoint) if run.checkpoint.is_file() else "-")
    return {"model": run.model, "checkpoint": checkpoint}


def _claim(out: Path, run: Run, names: list[str]) -> list[str]:
    """Return the subsets that `out` has predictions of; raises PredictionError where they are of something else."""
    from a2dsplus.score.integrity import truth_sha256

    note, identity = out / "manifest.json", _identity(run)
    if not note.exists():
        if out.is_dir() and any(out.iterdir()):
            raise PredictionError(f"{out}: is not empty and not of this command; choose another --out")
        return []
    try:
        found = json.loads(note.read_text("utf-8"))
        same = {key: found[key] for key in identity} == identity
        truth: dict[str, str] = dict(found["ground_truth"])
    except (OSError, ValueError, KeyError, TypeError):
        raise PredictionError(f"{note}: damaged, or not of this command; choose another --out") from None
    if not same:
        other = " with another checkpoint" if found["model"] == identity["model"] else ""
        raise PredictionError(
            f"{out}: holds predictions of {found['model']}{other}; choose another --out, or remove it"
        )
    for name in truth:
        if truth[name] != truth_sha256(run.dataset / name / "ground_truth.json"):
            raise PredictionError(
                f"{out}: holds predictions for another {name} (the dataset was built anew); choose another --out, or remove it"
            )
    return sorted({*truth} - {*names})
