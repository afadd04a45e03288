"""The published rows that a score is read against, each with the mAP definition behind it (`annotations/published.json`)."""

from dataclasses import dataclass

from a2dsplus import resources
from a2dsplus.errors import UsageError

_ROW = {"method": str, "venue": str, "percent": {"*": float}, "map_definition?": object, "empty?": str}
_TABLE = {"table": int, "subset": str, "data": str, "note": str, "rows": [_ROW]}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """A method's figures as printed, in 0..1.

    `map_definition`: the name of our figure that its mAP is, or "unstated". `empty`: what its evaluator counts where the true and the
    predicted mask are both empty ("1"), or "unstated"; None for data without such frames.
    """

    method: str
    venue: str
    figures: dict[str, float]
    map_definition: str | None
    empty: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """A table of the paper. `subset`: which of ours it is about ("" for other datasets)."""

    number: int
    subset: str
    data: str
    note: str
    rows: tuple[PublishedRow, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        """The figures that any row has, in the order printed."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.figures))


def published_tables() -> tuple[PublishedTable, ...]:
    """Return Tables 3 to 7 of the paper; Table 6 is one table a subset. Raises InputError where the shipped file is damaged."""
    document = resources.document("annotations/published.json", {"tables": [_TABLE]})
    return tuple(
        PublishedTable(
            number=table["table"],
            subset=table["subset"],
            data=table["data"],
            note=table["note"],
            rows=tuple(
                PublishedRow(
                    method=row["method"],
                    venue=row["venue"],
                    figures={name: value / 100 for name, value in row["percent"].items()},
                    map_definition=row.get("map_definition"),
                    empty=row.get("empty"),
                )
                for row in table["rows"]
            ),
        )
        for table in document["tables"]
    )


def rows_for(subset: str) -> tuple[PublishedRow, ...]:
    """Return the published rows of a subset of A2D-S+ (Table 6), none for other data."""
    return tuple(row for table in published_tables() if table.subset == subset for row in table.rows)


def published_table(number: int) -> PublishedTable:
    """Return a table of the paper that is about other data than A2D-S+: 3, 4, 5 or 7. Raises UsageError for another number."""
    for table in published_tables():
        if table.number == number and not table.subset:
            return table
    raise UsageError(f"table {number}: expected 3 (A2D-S), 4 (J-HMDB-S), 5 (R-YTVOS) or 7 (YTB-VOS21)")
