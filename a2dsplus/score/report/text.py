"""A report as text for the terminal."""

import io
from collections.abc import Iterable, Mapping, Sequence

from a2dsplus.score.diagnosis import known
from a2dsplus.score.figures.metrics import NAMES
from a2dsplus.score.protocols import MEANS
from a2dsplus.score.report.published import PublishedRow, published_table, rows_for
from a2dsplus.score.results import Comparison, Difference, Figures, Report, SubsetScore

MARKS = {"mAP_5": "five thresholds", "mAP_10": "ten thresholds", "unstated": "definition not stated"}
# What a model is held against whoever reads nothing by.
AGAINST_BLIND = ("mAP_10", "oIoU", "mIoU", "P@0.5", "N-acc", "MCC", "cgF1", "J", "leak", "pair")
COMPARED = ("mAP", "oIoU", "mIoU", "P@0.5", "J&F", "N-acc", "cgF1", "leak", "pair")
_WIDE = 10_000  # columns: lines are as long as they are, as `less -S` and a file want them


def render_text(report: Report, *, beside: int | None = None) -> str:
    """Return the report as plain text: figures in percent with their 95% intervals, blind and published rows, diagnosis, signature.

    `beside`: a further table of the paper to print, 3, 4, 5 or 7, for data other than M, S and T.
    """
    parts = [_figures(report)]
    if beside is not None:
        parts.append(_whole_table(beside))
    for name, own in report.subsets.items():
        if own.blind:
            parts.append(_blind(name, own))
        parts.append(_published(name, own, rows_for(name)))
        if own.differences is not None:
            parts.append(_differences(name, own))
        parts.extend(_diagnosis(name, own))
    return _joined(parts, report)


def render_comparison(comparison: Comparison) -> str:
    """Return several models as plain text: a table a subset, the blind rows first, and each model's differences to the one compared with."""
    parts = []
    for name in comparison.subsets:
        parts.append(f"{name}, in percent\n{grid(*compared(comparison, name))}")
        rows = [
            [label, figure, *_difference(report.subsets[name], figure, found)]
            for label, report in comparison.reports.items()
            if name in report.subsets
            for figure, found in (report.subsets[name].differences or {}).items()
            if figure in COMPARED and label != comparison.against
        ]
        if rows:
            head = ["model", "%", "this", "other", "difference", "95% interval", ""]
            title = f"{name}: paired difference to {comparison.against} over videos; * where the interval leaves out 0"
            parts.append(f"{title}\n{grid(head, rows)}")
    notes = [f"{label}: {note}" for label, report in comparison.reports.items() for note in report.all_notes]
    return _joined(parts, comparison.first, notes)


def compared(comparison: Comparison, subset: str) -> tuple[list[str], list[list[str]]]:
    """Return a subset's table of several models, head and rows: the blind rows, then the models, figures in percent."""
    rows: dict[str, Figures] = {**comparison.blind.get(subset, {})}
    rows |= {
        label: report.subsets[subset].figures
        for label, report in comparison.reports.items()
        if subset in report.subsets
    }
    names = [name for name in COMPARED if any(own.get(name) is not None for own in rows.values())]
    return ["model", *names], [[label, *(percent(own.get(name)) for name in names)] for label, own in rows.items()]


def _joined(parts: Iterable[str], report: Report, notes: Sequence[str] | None = None) -> str:
    said = "\n".join(f"note: {note}" for note in (report.all_notes if notes is None else notes))
    end = f"{MEANS[report.settings.protocol]}.\nsignature: {report.signature}"
    return "\n\n".join(part for part in (*parts, said, end) if part) + "\n"


def percent(value: float | None) -> str:
    """Return a figure in percent with one decimal, "-" for none."""
    if value is None:
        return "-"
    return f"{100 * value:.1f}".replace("-0.0", "0.0") if abs(value) < 0.0005 else f"{100 * value:.1f}"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned columns, the first to the left and the others to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for column in range(len(head)):
        table.add_column(justify="right" if column else "left", no_wrap=True)
    for row in (head, *rows):
        table.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=_WIDE, color_system=None, markup=False, emoji=False, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


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


def _blind(name: str, own: SubsetScore) -> str:
    rows: Mapping[str, Figures] = {"these predictions": own.figures, **own.blind}
    names = [figure for figure in AGAINST_BLIND if any(row.get(figure) is not None for row in rows.values())]
    lines = [[label, *(percent(row.get(figure)) for figure in names)] for label, row in rows.items()]
    return f"{name} beside who reads no query\n{grid(['', *names], lines)}"


def _published(name: str, own: SubsetScore, rows: Sequence[PublishedRow]) -> str:
    figures = own.figures
    if not rows or "mAP_10" not in figures:
        return ""
    ours = [percent(figures.get(figure)) for figure in ("oIoU", "mIoU")]
    lines = [
        ["these predictions", percent(figures[definition]), *ours, f"mAP: {MARKS[definition]}", "1"]
        for definition in ("mAP_10", "mAP_5")
    ]
    lines += [
        [
            f"blind: {label}",
            *(percent(row.get(figure)) for figure in ("mAP_10", "oIoU", "mIoU")),
            f"mAP: {MARKS['mAP_10']}",
            "1",
        ]
        for label, row in own.blind.items()
    ]
    lines += [
        [
            f"{row.method}, {row.venue}",
            *(percent(row.figures.get(figure)) for figure in ("mAP", "oIoU", "mIoU")),
            _mark(row),
            row.empty or "-",
        ]
        for row in rows
    ]
    return f"{name} beside Table 6 of the paper (its own pairs, which are not public)\n" + grid(
        ["method", "mAP", "oIoU", "mIoU", "", "IoU of two empty masks"], lines
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
    rows = [[figure, *_difference(own, figure, found)] for figure, found in (own.differences or {}).items()]
    head = ["%", "these", "other", "difference", "95% interval", ""]
    return f"{name}: paired difference over videos; * where the interval leaves out 0\n{grid(head, rows)}"


def _difference(own: SubsetScore, figure: str, found: Difference) -> list[str]:
    bounds = "-" if found.interval is None else f"[{_signed(found.interval[0])}, {_signed(found.interval[1])}]"
    sure = "" if found.interval is None or found.interval[0] <= 0 <= found.interval[1] else "*"
    return [percent(own.figures[figure]), percent(found.other), _signed(found.difference), bounds, sure]


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}"


def _diagnosis(name: str, own: SubsetScore) -> Iterable[str]:
    for table in own.tables:
        names = known(table)
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
