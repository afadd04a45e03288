"""What scoring gives: figures by subset with all that they were made from, one model's or several models' beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from a2dsplus.score.context import Context
from a2dsplus.score.counting.measure import Counts
from a2dsplus.score.diagnosis import RankedUnit, Table
from a2dsplus.score.figures.bootstrap import interval
from a2dsplus.score.protocols import Settings
from a2dsplus.score.readers.base import Floats, Predictions
from a2dsplus.score.truth import Truth
from a2dsplus.version import __version__

Figures = dict[str, float | None]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of ours minus the same of another model's, resampled over the same videos."""

    other: float
    difference: float
    interval: Interval | None

    def as_json(self) -> dict[str, object]:
        """Return the difference as JSON has it."""
        return {
            "other": self.other,
            "difference": self.difference,
            "interval": None if self.interval is None else list(self.interval),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetScore:
    """A subset's figures (in 0..1, MCC and cgF1 from -1, None where nothing bears on one), and all that they were made from.

    `intervals`: of 95%. `blind`: the figures of whoever reads no query, by row. `resampled`: each figure of each resample, (B,).
    """

    truth: Truth
    predictions: Predictions
    context: Context
    counts: Counts
    figures: Figures
    intervals: dict[str, Interval]
    queries: int
    videos: int
    tables: tuple[Table, ...]
    worst: tuple[RankedUnit, ...]
    notes: tuple[str, ...]
    blind: Mapping[str, Figures] = field(default_factory=dict)
    resampled: Mapping[str, Floats] = field(default_factory=dict, repr=False)
    differences: dict[str, Difference] | None = None

    @property
    def units(self) -> int:
        """The number of (query, evaluated frame) units."""
        return len(self.truth)


def differences(own: SubsetScore, other: SubsetScore) -> dict[str, Difference]:
    """Return the paired differences of two models' figures on one subset, over the figures that both have."""
    found = {}
    for name, value in own.figures.items():
        of_other = other.figures.get(name)
        if value is not None and of_other is not None:
            bounds = interval(own.resampled[name] - other.resampled[name])
            found[name] = Difference(other=of_other, difference=value - of_other, interval=bounds)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One model's scores by subset, how they were made, and what a reader should know of them.

    `recipe`, `pairs`: how the dataset's samples were composed and which published list of pairs they are of, as its manifest says.
    """

    settings: Settings
    dataset: Path
    subsets: dict[str, SubsetScore]
    notes: tuple[str, ...]
    recipe: str | None = None
    pairs: str | None = None

    @property
    def signature(self) -> str:
        """One line that tells a reader how the numbers were made."""
        return self.settings.signature(recipe=self.recipe, pairs=self.pairs)

    @property
    def all_notes(self) -> list[str]:
        """The notes of the whole and of each subset."""
        return [*self.notes, *(f"{name}: {note}" for name, own in self.subsets.items() for note in own.notes)]

    @property
    def blind(self) -> dict[str, Mapping[str, Figures]]:
        """The blind rows of each subset that has some."""
        return {name: own.blind for name, own in self.subsets.items() if own.blind}

    def as_json(self) -> dict[str, object]:
        """Return the report as `score --json` writes it: figures in 0..1, null where nothing bears on one."""
        document: dict[str, object] = {
            "schema": 1,
            "version": __version__,
            "protocol": self.settings.protocol.value,
            "signature": self.signature,
            "notes": self.all_notes,
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
            "blind": {name: dict(rows) for name, rows in self.blind.items()},
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
                name: {figure: found.as_json() for figure, found in (own.differences or {}).items()}
                for name, own in self.subsets.items()
            }
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Several models' reports on one dataset, by label, and the label or path of the one that the differences of the others are to."""

    reports: dict[str, Report]
    against: str

    @property
    def first(self) -> Report:
        """The first model's report, for what all have in common."""
        return next(iter(self.reports.values()))

    @property
    def subsets(self) -> list[str]:
        """The subsets that any model was scored on, sorted."""
        return sorted({name for report in self.reports.values() for name in report.subsets})

    @property
    def blind(self) -> dict[str, Mapping[str, Figures]]:
        """The blind rows of each subset that has some."""
        return {name: rows for report in self.reports.values() for name, rows in report.blind.items()}

    def as_json(self) -> dict[str, object]:
        """Return what `score --json` writes for several models: each one's report, and the blind rows once more for all."""
        return {
            "schema": 1,
            "version": __version__,
            "protocol": self.first.settings.protocol.value,
            "signature": self.first.signature,
            "compared_with": self.against,
            "models": {label: report.as_json() for label, report in self.reports.items()},
            "blind": {name: dict(rows) for name, rows in self.blind.items()},
        }
