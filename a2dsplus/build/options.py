"""What to build, and what a build came to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from a2dsplus.compose.order import OrderChoice
from a2dsplus.compose.render import Rendering
from a2dsplus.engine import Engine, LocalEngine
from a2dsplus.errors import UsageError
from a2dsplus.records import DEFAULT_SUBSETS, Kind, SubsetName
from a2dsplus.sources import LeftOut

Recipe = Literal["paper", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What to build. `order`: see `compose.order`, by default the recipe's; `pairs`: a pairs file to build from, or a published list's name;
    `contrasts`: contrast clips a sample; `full_only`: leave out queries with fewer true negatives than that; `check_content`: look at the content of source files, not at their sizes and times; `database`: of the reviews, if not the default; `engine`: what runs the stages. Raises UsageError."""

    split: str = "test"
    subsets: tuple[SubsetName, ...] = DEFAULT_SUBSETS
    srl: str = "compact"
    predicates: str = "model"
    correct: bool = False
    seed: int = 0
    recipe: Recipe = "paper"
    kind: Kind = "other"
    contrasts: int = 1
    full_only: bool = False
    order: OrderChoice | None = None
    pairs: Path | None = None
    database: str | None = None
    rendering: Rendering = field(default_factory=Rendering)
    engine: Engine = field(default_factory=LocalEngine)
    skip_bad: bool = False
    check_content: bool = False

    def __post_init__(self) -> None:
        if self.contrasts < 1:
            raise UsageError(f"--contrasts {self.contrasts}: expected 1 or more")
        if self.kind != "other" and (self.contrasts > 1 or self.pairs is not None):
            raise UsageError(
                f"--kind {self.kind}: the contrast is the query's own clip; it takes neither --contrasts nor --pairs"
            )

    @property
    def chosen_order(self) -> OrderChoice:
        """The order asked for, or the recipe's: the paper's query first, or, under strict, a seeded half of each."""
        return self.order or ("balanced" if self.recipe == "strict" else "query-first")


@dataclass(slots=True, kw_only=True)
class BuildReport:
    """What a build came to, for a person and for the manifest. `witness`: how many pairs the source's labels
    made undecided and excluded, if it has any; `done` and `kept`: stages run now, and found as they should be."""

    counts: dict[str, Any] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    unpaired: dict[str, str] = field(default_factory=dict)
    short: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    witness: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
