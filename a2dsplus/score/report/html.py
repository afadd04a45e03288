"""A report as one self-contained page: no scripts, no network, light and dark, fit to print. The page itself is page.html.j2."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.score.diagnosis import BY_CONTRASTS, RankedUnit, Table, describe, known, ranked_units
from a2dsplus.score.figures.metrics import NAMES
from a2dsplus.score.protocols import MEANS, TRAPS, Protocol, unit_ious
from a2dsplus.score.report import plots
from a2dsplus.score.report.headline import headline
from a2dsplus.score.report.overlays import FrameSource, picture
from a2dsplus.score.report.published import published_table, rows_for
from a2dsplus.score.report.text import AGAINST_BLIND, MARKS, compared, percent
from a2dsplus.score.results import Comparison, Figures, Report, SubsetScore
from a2dsplus.version import __version__

_WORST, _MIDDLE, _BEST = 6, 3, 3  # pictures a subset
_HEADLINES = ("mAP", "oIoU", "mIoU", "J&F", "cgF1", "pair")
_OF_DIFFICULTY = ("pair", "leak")  # beside the bars' figure, over the number of contrasts
_SIX = ("mAP_10", "oIoU", "mIoU")
Cell = str | dict[str, Any]


def render_html(scores: Report | Comparison, *, beside: int | None = None) -> str:
    """Return the page as text; `beside`: a further table of the paper to show, 3, 4, 5 or 7.

    Of several models, all are in the picture and in the first table; the rest is of the one that the others are compared with.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folder = Path(__file__).parent
    pages = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    comparison = (
        scores if isinstance(scores, Comparison) else Comparison(reports={"these predictions": scores}, against="")
    )
    label, report = next(iter(comparison.reports.items()))
    if comparison.against in comparison.reports:
        label, report = comparison.against, comparison.reports[comparison.against]
    style = Markup((folder / "page.css").read_text(encoding="utf-8"))  # our own file
    content = _content(label, report, comparison, beside)
    return pages.get_template("page.html.j2").render(style=style, version=__version__, **content) + "\n"


def _content(label: str, report: Report, comparison: Comparison, beside: int | None) -> dict[str, Any]:
    """Return what the template shows, in its words."""
    scores = report.subsets
    answers = [
        {"name": name, "number": number % 6, "answer": found.answer, "reasons": found.reasons}
        for number, (name, own) in enumerate(scores.items())
        if (found := headline(own)) is not None
    ]
    figures = [
        _figures(scores),
        *_blind(scores),
        *_published(scores),
        *([_whole_table(beside)] if beside is not None else []),
    ]
    return {
        "question": "Does this model ground?" if answers else "Score report",
        "label": label,
        "dataset": str(report.dataset),
        "protocol": report.settings.protocol.value,
        "means": MEANS[report.settings.protocol],
        "signature": report.signature,
        "answers": answers,
        "pictures": _pictures(comparison) if answers else (),
        "notes": report.all_notes,
        "models": _models(comparison) if len(comparison.reports) > 1 else [],
        "figures": figures,
        "curves": plots.precision_curves({name: _ious(own) for name, own in scores.items()}),
        "bar": _bar_figure(report),
        "subsets": [_subset(report, name, own, number) for number, (name, own) in enumerate(scores.items())],
        "traps": TRAPS,
        "resamples": report.settings.resamples,
        "seed": report.settings.seed,
    }


def _subset(report: Report, name: str, own: SubsetScore, number: int) -> dict[str, Any]:
    source = FrameSource(report.dataset, name)
    cards = _cards(own, source)
    bar = _bar_figure(report)
    heads = [(figure, percent(own.figures[figure])) for figure in _HEADLINES if own.figures.get(figure) is not None]
    return {
        "name": name,
        "number": number % 6,
        "heads": heads,
        "size": f"{own.queries} queries, {own.units} units, {own.videos} videos",
        "layout": own.predictions.layout,
        "histogram": plots.histogram(_ious(own), number),
        "differences": _differences(own) if own.differences is not None else None,
        "groups": [
            {
                "title": table.title,
                "picture": _curve(table, bar) if table.title == BY_CONTRASTS else _bars(table, bar, number),
                "table": _groups(table),
            }
            for table in own.tables
        ],
        "cards": cards,
        "no_frames": source.reason,
        "worst": _worst(own),
    }


def _bars(table: Table, bar: str, number: int) -> Any:
    rows = [(group.name, group.figures.get(bar), _beside_bar(group.figures, bar)) for group in table.groups]
    return plots.horizontal_bars(rows, number)


def _curve(table: Table, bar: str) -> Any:
    """Return the figures that tell how hard it is by the number of contrasts."""
    names = [name for name in (bar, *_OF_DIFFICULTY) if name in known(table)]
    points = [
        (int(group.name), group.queries, {name: group.figures.get(name) for name in names}) for group in table.groups
    ]
    return plots.curve_of_difficulty(points)


def _ious(own: SubsetScore) -> np.ndarray:
    return unit_ious(own.counts.intersection, own.counts.union, protocol=Protocol.PAPER)


def _bar_figure(report: Report) -> str:
    return "mIoU" if report.settings.shows("mIoU") else "J&F"


def _table(head: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = "") -> dict[str, Any]:
    return {"head": list(head), "rows": [list(row) for row in rows], "caption": caption}


def _cell(text: str, *, bold: bool = False, small: str = "", code: bool = False) -> Cell:
    return {"text": text, "bold": bold, "small": small, "code": code}


def _pictures(comparison: Comparison) -> tuple[Any, ...]:
    """Return the picture for wide and for narrow screens."""
    lanes = []
    for subset, rows in comparison.blind.items():
        scores = {
            label: report.subsets[subset] for label, report in comparison.reports.items() if subset in report.subsets
        }
        lanes.append(
            plots.Lane(
                subset=subset,
                number=comparison.subsets.index(subset),
                blind={name: value for name, row in rows.items() if (value := row.get("mIoU")) is not None},
                models={
                    label: value for label, own in scores.items() if (value := own.figures.get("mIoU")) is not None
                },
                intervals={label: own.intervals["mIoU"] for label, own in scores.items() if "mIoU" in own.intervals},
            )
        )
    if not lanes or not all(lane.models for lane in lanes):
        return ()
    return plots.against_blind(lanes), plots.against_blind(lanes, width=340)


def _models(comparison: Comparison) -> list[dict[str, Any]]:
    found = []
    for subset in comparison.subsets:
        head, rows = compared(comparison, subset)
        found.append(_table(head, rows, caption=f"{subset}, in percent"))
    return found


def _figures(scores: Mapping[str, SubsetScore]) -> dict[str, Any]:
    rows = [
        [name, *(_with_interval(own, name) for own in scores.values())]
        for name in NAMES
        if any(own.figures.get(name) is not None for own in scores.values())
    ]
    return _table(["%", *scores], rows)


def _with_interval(own: SubsetScore, name: str) -> Cell:
    value, bounds = own.figures.get(name), own.intervals.get(name)
    if value is None:
        return "-"
    small = f"{percent(bounds[0])} to {percent(bounds[1])}" if bounds else ""
    return _cell(percent(value), bold=True, small=small)


def _blind(scores: Mapping[str, SubsetScore]) -> list[dict[str, Any]]:
    found = []
    for name, own in scores.items():
        if own.blind:
            rows: dict[str, Figures] = {"these predictions": own.figures, **own.blind}
            names = [figure for figure in AGAINST_BLIND if any(row.get(figure) is not None for row in rows.values())]
            lines = [
                [_cell(label, bold=not place), *(_cell(percent(row.get(figure)), bold=not place) for figure in names)]
                for place, (label, row) in enumerate(rows.items())
            ]
            found.append(_table(["", *names], lines, caption=f"{name} beside who reads no query"))
    return found


def _published(scores: Mapping[str, SubsetScore]) -> list[dict[str, Any]]:
    """Return Table 6 of the paper beside the figures, a method a row, the subsets side by side."""
    shown = {name: rows_for(name) for name, own in scores.items() if rows_for(name) and "mAP_10" in own.figures}
    if not shown:
        return []
    lines: list[list[Cell]] = []
    for definition in ("mAP_10", "mAP_5"):
        own = [
            _cell(percent(scores[name].figures.get(figure)), bold=True)
            for name in shown
            for figure in (definition, *_SIX[1:])
        ]
        lines.append([_cell("these predictions", bold=True), *own, MARKS[definition], "1"])
    for row in dict.fromkeys(row for name in shown for row in scores[name].blind):
        values = [percent(scores[name].blind.get(row, {}).get(figure)) for name in shown for figure in _SIX]
        lines.append([f"blind: {row}", *values, MARKS["mAP_10"], "1"])
    for place, method in enumerate(next(iter(shown.values()))):
        cells = [
            percent(shown[name][place].figures.get(figure)) for name in shown for figure in ("mAP", "oIoU", "mIoU")
        ]
        mark = MARKS[method.map_definition] if method.map_definition else ""
        lines.append([f"{method.method}, {method.venue}", *cells, mark, method.empty or "-"])
    head = [
        "method",
        *(f"{name} {figure}" for name in shown for figure in ("mAP", "oIoU", "mIoU")),
        "mAP is over",
        "IoU of two empty masks",
    ]
    return [_table(head, lines, caption="Beside Table 6 of the paper, whose pairs are not public")]


def _whole_table(number: int) -> dict[str, Any]:
    table = published_table(number)
    lines = []
    for row in table.rows:
        mark = MARKS[row.map_definition] if row.map_definition else ""
        lines.append(
            [
                f"{row.method}, {row.venue}".rstrip(", "),
                *(percent(row.figures.get(name)) for name in table.figures),
                mark,
            ]
        )
    caption = f"Table {number} of the paper, {table.data}. {table.note}"
    return _table(["method", *table.figures, "mAP is over"], lines, caption=caption)


def _differences(own: SubsetScore) -> dict[str, Any]:
    rows: list[list[Cell]] = []
    for name, found in (own.differences or {}).items():
        bounds = "-"
        if found.interval is not None:
            bounds = f"{100 * found.interval[0]:+.1f} to {100 * found.interval[1]:+.1f}"
        difference = _cell(f"{100 * found.difference:+.1f}", bold=True)
        rows.append([name, percent(own.figures[name]), percent(found.other), difference, bounds])
    return _table(["%", "these", "other", "difference", "95% interval"], rows)


def _beside_bar(figures: Mapping[str, float | None], bar: str) -> str:
    leak = figures.get("leak")
    return percent(figures.get(bar)) + ("" if leak is None else f" · leak {100 * leak:.0f}")


def _groups(table: Table) -> dict[str, Any]:
    names = known(table)
    rows = [
        [group.name, str(group.queries), str(group.units), *(percent(group.figures.get(name)) for name in names)]
        for group in table.groups
    ]
    return _table(["", "queries", "units", *names], rows)


def _cards(own: SubsetScore, source: FrameSource) -> list[dict[str, str]]:
    order = ranked_units(own.truth, own.counts, own.context)
    shown: set[int] = set()  # a query is shown once
    cards = []
    for label, units, many in (
        ("worst", order, _WORST),
        ("median", order[len(order) // 2 :], _MIDDLE),
        ("best", order[::-1], _BEST),
    ):
        picked: list[int] = []
        for unit in units.tolist():
            query = int(own.truth.query_of[unit])
            if len(picked) < many and query not in shown:
                shown.add(query)
                picked.append(unit)
        for found in describe(np.array(picked, np.int64), own.truth, own.counts, own.context):
            cards.append(_card(label, found, picture(own, found.unit, source.frame)))
    return cards


def _card(label: str, unit: RankedUnit, image: str) -> dict[str, str]:
    return {"label": label, "image": image, "id": unit.image_id, "text": unit.text, "iou": percent(unit.iou)}


def _worst(own: SubsetScore) -> dict[str, Any]:
    rows: list[list[Cell]] = [
        [_cell(unit.image_id, code=True), unit.text, percent(unit.iou), str(unit.intersection), str(unit.union)]
        for unit in own.worst
    ]
    return _table(["unit", "caption", "IoU %", "I", "U"], rows)
