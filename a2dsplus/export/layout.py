"""What an export is: a layout somebody else's code reads, and what is asked of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from a2dsplus.compose.subset import Subset
from a2dsplus.errors import UsageError
from a2dsplus.progress import Advance, unwatched
from a2dsplus.records import Query, Sample, SubsetName


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An export to make: of `subsets` (by name, at least one) of `dataset`, into the folder `out`, which is there and empty.

    `target`: where `out` will lie in the end, for what is told to the user. `manifest`: the dataset's. `options`: of the layout,
    checked by `export`. `progress` is called with the number of samples just done.
    """

    dataset: Path
    subsets: Mapping[SubsetName, Subset]
    out: Path
    target: Path
    manifest: Mapping[str, Any]
    options: Mapping[str, int | bool]
    progress: Advance = unwatched

    @property
    def split(self) -> str:
        """The split that the dataset was built from."""
        return str(self.manifest.get("split", "test"))

    def judged(self, name: SubsetName) -> bool:
        """Return whether a subset has ground truth: a split that withholds masks or objects has none."""
        return (self.dataset / name / "ground_truth.json").is_file()

    @property
    def source(self) -> str:
        """The name of the source; of a dataset whose build has not been finished nothing tells it."""
        return str(self.manifest.get("source", {}).get("name", "an unfinished build"))

    def only(self) -> Subset:
        """Return the one subset that a layout takes."""
        (subset,) = self.subsets.values()
        return subset


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A layout: `write` makes it and returns lines for the user (how to start what reads it); `reads` says what reads it, in a few words.

    `several`: whether it takes several subsets at once. `needs_masks`: whether it is of no use without them. `options`: the options it
    knows, with their defaults.
    """

    write: Callable[[Task], list[str]]
    reads: str
    several: bool = False
    needs_masks: bool = False
    options: Mapping[str, int | bool] = field(default_factory=dict)

    def checked(self, name: str, given: Mapping[str, int | bool]) -> dict[str, int | bool]:
        """Return the options with their defaults; raises UsageError for one that the layout does not know."""
        unknown = [f"--{option.replace('_', '-')}" for option in given if option not in self.options]
        if unknown:
            raise UsageError(f"--layout {name} does not know {', '.join(unknown)}")
        return {**self.options, **given}


def numbers(subset: Subset, sample: Sample) -> dict[str, Query]:
    """Return a sample's queries by their numbers, as meta_expressions.json has them."""
    return dict(zip(sample.numbered, subset.asked(sample), strict=True))
