"""A report as text for the terminal."""

from collections.abc import Iterable, Sequence

from a2dsplus.score.evaluation import Report, SubsetScore
from a2dsplus.score.figures.metrics import NAMES
from a2dsplus.score.protocols import MAP_MEANS
from a2dsplus.score.report.published import PublishedRow, published_table, rows_for

MARKS = {"mAP_5": "five thresholds", "mAP_10": "ten thresholds", "unstated": "definition not stated"}


def render_text(report: Report, *, beside: int | None = None) -> str:
    """Return the report as plain text: figures in percent with their 95% intervals, published rows, diagnosis, signature.

    `beside`: a further table of the paper to print, 3, 4, 5 or 7, for data other than M, S and T.
    """
    parts = [_figures(report)]
    if beside is not None:
        parts.append(_whole_table(beside))
    for name, own in report.subsets.items():
        parts.append(_published(name, own, rows_for(name)))
        if own.differences is not None:
            parts.append(_differences(name, own))
        parts.extend(_diagnosis(name, own))
    notes = [*report.notes, *(f"{name}: {note}" for name, own in report.subsets.items() for note in own.notes)]
    if notes:
        parts.append("\n".join(f"note: {note}" for note in notes))
    parts.append(f"mAP is the {MAP_MEANS[report.settings.protocol]}.\nsignature: {report.settings.signature()}")
    return "\n\n".join(part for part in parts if part) + "\n"


def percent(value: float | None) -> str:
    """Return a figure in percent with one decimal, "-" for none."""
    return "-" if value is None else f"{100 * value:.1f}"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned columns, the first to the left and the others to the right."""
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _figures(report: Report) -> str:
    scores = list(report.subsets.values())
    rows = [["units", *(str(own.units) for own in scores)], ["queries", *(str(own.queries) for own in scores)]]
    for name in NAMES:
        if any(own.figures.get(name) is not None for own in scores):
            rows.append([name, *(_with_interval(own, name) for own in scores)])
    layouts = "\n".join(f"{name}: read from {own.predictions.layout}" for name, own in report.subsets.items())
    return f"{grid(['%', *report.subsets], rows)}\n{layouts}"


def _with_interval(own: SubsetScore, name: str) -> str:
    value = percent(own.figures.get(name))
    bounds = own.intervals.get(name)
    return value if bounds is None or value == "-" else f"{value} [{percent(bounds[0])}, {percent(bounds[1])}]"


def _published(name: str, own: SubsetScore, rows: Sequence[PublishedRow]) -> str:
    if not rows:
        return ""
    ours = [percent(own.figures.get(figure)) for figure in ("oIoU", "mIoU")]
    lines = [
        *(
            ["these predictions", percent(own.figures[definition]), *ours, f"mAP: {MARKS[definition]}"]
            for definition in ("mAP_10", "mAP_5")
        ),
        *(
            [
                f"{row.method}, {row.venue}",
                *(percent(row.figures.get(figure)) for figure in ("mAP", "oIoU", "mIoU")),
                _mark(row),
            ]
            for row in rows
        ),
    ]
    return f"{name} beside Table 6 of the paper (its own pairs, which are not public)\n" + grid(
        ["method", "mAP", "oIoU", "mIoU", ""], lines
    )


def _whole_table(number: int) -> str:
    table = published_table(number)
    rows = [
        [
            f"{row.method}, {row.venue}".rstrip(", "),
            *(percent(row.figures.get(name)) for name in table.figures),
            _mark(row),
        ]
        for row in table.rows
    ]
    return f"Table {number} of the paper, {table.data}. {table.note}\n{grid(['method', *table.figures, ''], rows)}"


def _mark(row: PublishedRow) -> str:
    return f"mAP: {MARKS[row.map_definition]}" if row.map_definition else ""


def _differences(name: str, own: SubsetScore) -> str:
    rows = []
    for figure, found in (own.differences or {}).items():
        bounds = "-" if found.interval is None else f"[{_signed(found.interval[0])}, {_signed(found.interval[1])}]"
        sure = "" if found.interval is None or found.interval[0] <= 0 <= found.interval[1] else "*"
        rows.append(
            [figure, percent(own.figures[figure]), percent(found.other), _signed(found.difference), bounds, sure]
        )
    head = ["%", "these", "other", "difference", "95% interval", ""]
    return f"{name}: paired difference over videos; * where the interval leaves out 0\n{grid(head, rows)}"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}"


def _diagnosis(name: str, own: SubsetScore) -> Iterable[str]:
    for table in own.tables:
        names = list(dict.fromkeys(figure for group in table.groups for figure in group.figures))
        rows = [
            [
                group.name,
                str(group.queries),
                str(group.units),
                *(percent(group.figures.get(figure)) for figure in names),
            ]
            for group in table.groups
        ]
        yield f"{name} {table.title}\n{grid(['', 'queries', 'units', *names], rows)}"
