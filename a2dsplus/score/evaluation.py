"""Predictions and ground truth in, figures with their intervals out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from a2dsplus.engine import Engine, LocalEngine
from a2dsplus.errors import InputError, PredictionError, UsageError, listed
from a2dsplus.media.segments import Resize
from a2dsplus.score.context import read_context
from a2dsplus.score.integrity import check_ground_truth, made_how
from a2dsplus.score.protocols import Missing, Protocol, Settings
from a2dsplus.score.readers import has_bare_predictions, has_predictions
from a2dsplus.score.results import Comparison, Report, SubsetScore, differences
from a2dsplus.score.scorer import MaskMap, Scorer, Source
from a2dsplus.score.truth import read_truth

DATASET = Path("a2dsplus-data")
ProtocolName = Literal["paper", "released", "mttr", "jhmdb", "ytvos", "mevis", "davis"]
# A folder or results file, several that are parts of one model's predictions, or masks in memory {subset: {key or image id: mask}}.
Given = Path | str | Sequence[Path | str] | MaskMap


def evaluate(
    predictions: Given,
    dataset: Path | str = DATASET,
    *,
    subsets: Sequence[str] | None = None,
    protocol: Protocol | ProtocolName = Protocol.PAPER,
    missing: Missing = "error",
    resize: Resize = "none",
    against: Given | None = None,
    seed: int = 0,
    resamples: int = 1000,
    workers: int = 1,
    engine: Engine | None = None,
) -> Report:
    """Return the score of a model's masks.

    `predictions`, `against`: a folder or COCO results file, several of them that are parts of one model's predictions, or masks in
    memory {subset: {key or image id: (H, W) array or run lengths}}. `dataset`: a folder that holds `<subset>/ground_truth.json`, or one
    COCO file. `subsets`: which to score, by default all that have predictions. `workers`: threads that decode PNG files. `engine`: what
    runs the subsets, an item each; by default this process. Raises
    PredictionError and InputError for faulty input, UsageError for settings that cannot be.
    """
    settings = _settings(protocol, missing, resize, seed, resamples)
    source = _source(predictions)
    other = None if against is None else _source(against)
    session = _Session(Path(dataset), settings, subsets, workers)
    report = session.reports({"": source}, engine or LocalEngine())[""]
    if other is None:
        return report
    return _against(report, session.scores([(other, name) for name in report.subsets], engine or LocalEngine()))


def compare(
    models: Mapping[str, Given],
    dataset: Path | str = DATASET,
    *,
    subsets: Sequence[str] | None = None,
    protocol: Protocol | ProtocolName = Protocol.PAPER,
    missing: Missing = "error",
    resize: Resize = "none",
    against: Given | None = None,
    seed: int = 0,
    resamples: int = 1000,
    workers: int = 1,
    engine: Engine | None = None,
) -> Comparison:
    """Return several models' scores, {label: predictions}, with each one's paired differences to `against`, by default the first model.

    The rest as for `evaluate`.
    """
    settings = _settings(protocol, missing, resize, seed, resamples)
    sources = {label: _source(given) for label, given in models.items()}
    session = _Session(Path(dataset), settings, subsets, workers)
    engine = engine or LocalEngine()
    reports = session.reports(sources, engine)
    if against is None:
        reference, others = next(iter(reports)), dict(next(iter(reports.values())).subsets)
    else:
        source = _source(against)
        reference = ", ".join(map(str, source)) if isinstance(source, tuple) else "masks in memory"
        needed = dict.fromkeys(name for report in reports.values() for name in report.subsets)
        others = session.scores([(source, name) for name in needed], engine)
    return Comparison(
        reports={
            label: report if label == reference and against is None else _against(report, others)
            for label, report in reports.items()
        },
        against=reference,
    )


def _against(report: Report, others: Mapping[str, SubsetScore]) -> Report:
    found = {
        name: replace(own, differences=differences(own, others[name])) if name in others else own
        for name, own in report.subsets.items()
    }
    return replace(report, subsets=found)


class _Session:
    """A dataset and settings, by which any number of models are scored; each subset is read once."""

    def __init__(self, dataset: Path, settings: Settings, subsets: Sequence[str] | None, workers: int) -> None:
        self.dataset = dataset
        self.settings = settings
        self._subsets = subsets
        self._workers = workers
        self._files = _truth_files(dataset)
        self._scorers: dict[str, Scorer] = {}

    def scorer(self, name: str) -> Scorer:
        """Return a subset's scorer. Raises InputError where its files are damaged."""
        if name not in self._scorers:
            file = self._files[name]
            truth = read_truth(file, subset=name)
            context = read_context(file.parent, truth)
            digest = check_ground_truth(self.dataset, name, file) if self.dataset.is_dir() else ""
            self._scorers[name] = Scorer(truth, context, self.settings, self.dataset, digest, self._workers)
        return self._scorers[name]

    def reports(self, sources: Mapping[str, Source], engine: Engine) -> dict[str, Report]:
        """Return each model's report; an item of the engine is a subset of a model."""
        chosen = {label: _chosen(source, self._files, self._subsets) for label, source in sources.items()}
        jobs = [(label, name) for label, (names, _) in chosen.items() for name in names]
        found = engine.run(
            _score,
            [(_parts(sources[label], name, self._files), name) for label, name in jobs],
            start=partial(_opened, self),
        )
        scores = dict(zip(jobs, found, strict=True))
        recipe, pairs = made_how(self.dataset) if self.dataset.is_dir() else (None, None)
        return {
            label: Report(
                settings=self.settings,
                dataset=self.dataset,
                subsets={name: scores[label, name] for name in names},
                notes=tuple(notes),
                recipe=recipe,
                pairs=pairs,
            )
            for label, (names, notes) in chosen.items()
        }

    def scores(self, jobs: Sequence[tuple[Source, str]], engine: Engine) -> dict[str, SubsetScore]:
        """Return the scores of one model by subset."""
        found = engine.run(_score, jobs, start=partial(_opened, self))
        return dict(zip((name for _, name in jobs), found, strict=True))


def _opened(session: _Session, _number: int) -> _Session:
    return session


def _score(session: _Session, job: tuple[Source, str]) -> SubsetScore:
    source, name = job
    return session.scorer(name).score(source)


def _source(given: Given) -> Source:
    """Return predictions as the scorer takes them; raises PredictionError where a path is not there."""
    if isinstance(given, Mapping):
        return given
    paths = (Path(given),) if isinstance(given, str | Path) else tuple(Path(path) for path in given)
    if not paths:
        raise UsageError("predictions: no folder or file given")
    for path in paths:
        if not path.exists():
            raise PredictionError(f"{path}: no such file or folder; pass the folder that holds your masks")
    return paths


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


def _chosen(source: Source, files: Mapping[str, Path], subsets: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return which subsets to score, and what to say of the rest."""
    if subsets:
        unknown = [name for name in subsets if name not in files]
        if unknown:
            raise InputError(f"the dataset has no subset {listed(unknown)}; it has {listed(files)}")
        return list(dict.fromkeys(subsets)), []
    if isinstance(source, tuple):
        there = {name for path in source for name in _subsets_of(path, files)}
    else:
        there = {name for name in files if name in source}
    chosen = [name for name in files if name in there]
    if not chosen:
        raise PredictionError(
            f"{listed(source) if isinstance(source, tuple) else 'predictions'}: holds nothing for {listed(files)}; expected "
            "<subset>.json or <subset>/<sample_id>/<expression>/<frame:05d>.png"
        )
    rest = [name for name in files if name not in chosen]
    return chosen, [f"{listed(rest)} not scored: no predictions for it"] if rest else []


def _parts(source: Source, subset: str, files: Mapping[str, Path]) -> Source:
    """Return those of several parts that have anything for a subset; all of them where none seems to, so that the error is the reader's."""
    if not isinstance(source, tuple) or len(source) == 1:
        return source
    return tuple(path for path in source if _may_hold(path, subset, files)) or source


def _may_hold(path: Path, subset: str, files: Mapping[str, Path]) -> bool:
    if path.is_file():
        return path.stem == subset or path.stem not in files
    return has_predictions(path, subset) or has_bare_predictions(path, files)


def _subsets_of(path: Path, files: Mapping[str, Path]) -> list[str]:
    """Return the subsets that a folder or file has predictions for."""
    if path.is_file():
        own = [path.stem] if path.stem in files else list(files)
        if len(own) > 1:
            raise UsageError(f"{path}: pass --subsets to say which of {listed(files)} it is for")
        return own
    own = [name for name in files if has_predictions(path, name)]
    if not own and has_bare_predictions(path, files):
        own = list(files)
        if len(own) > 1:
            raise UsageError(f"{path}: pass --subsets to say which of {listed(files)} its predictions are for")
    return own
