"""A report as one self-contained page: no scripts, no network, light and dark, fit to print."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from a2dsplus import __version__
from a2dsplus.score.diagnosis import Table, Unit, describe, ranked_units
from a2dsplus.score.evaluation import Report, SubsetScore
from a2dsplus.score.figures.metrics import NAMES
from a2dsplus.score.protocols import MAP_MEANS, TRAPS, Protocol, unit_ious
from a2dsplus.score.report import plots
from a2dsplus.score.report.overlays import FrameSource, picture
from a2dsplus.score.report.page_style import STYLE
from a2dsplus.score.report.published import published_table, rows_for
from a2dsplus.score.report.text import MARKS, percent

_WORST, _MIDDLE, _BEST = 6, 3, 3  # pictures a subset
_HEADLINES = ("mAP", "oIoU", "mIoU", "J&F")


def render_html(report: Report, *, beside: int | None = None) -> str:
    """Return the page as text; `beside`: a further table of the paper to show, 3, 4, 5 or 7."""
    scores = report.subsets
    ious = {name: _ious(own) for name, own in scores.items()}
    body = [
        _header(report),
        f'<div class="tiles">{"".join(_tile(name, own, number) for number, (name, own) in enumerate(scores.items()))}</div>',
        _notes(report),
        _section("Figures", _figures(report) + (_whole_table(beside) if beside is not None else "")),
        _section(
            "How IoU is spread",
            f'<div class="columns"><figure>{_legend(scores)}{plots.precision_curves(ious)}'
            "<figcaption>Share of units above each threshold; the dots are P@0.5 to P@0.9.</figcaption></figure>"
            f"<figure>{''.join(_histogram(name, own, number) for number, (name, own) in enumerate(ious.items()))}"
            "<figcaption>Units by IoU, in twentieths.</figcaption></figure></div>",
        ),
    ]
    for number, (name, own) in enumerate(scores.items()):
        if own.differences is not None:
            body.append(_section(f"{name}: difference to the other model", _differences(own)))
        body.append(_section(f"{name}: where it fails", _diagnosis(own, number)))
    for name, own in scores.items():
        body.append(_section(f"{name}: worst, median and best units", _gallery(report, name, own)))
        body.append(_section(f"{name}: the {len(own.worst)} worst units", _worst(own)))
    body.append(_section("Read these numbers with care", _traps(report)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>Score report: {escape(', '.join(scores))}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(body)}\n</main></body></html>\n"
    )


def _ious(own: SubsetScore) -> np.ndarray:
    return unit_ious(own.counts.intersection, own.counts.union, protocol=Protocol.PAPER)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _header(report: Report) -> str:
    settings = report.settings
    return (
        f"<header><h1>Score report</h1><p>Protocol <b>{settings.protocol}</b>: mAP is the {escape(MAP_MEANS[settings.protocol])}. "
        f"Dataset <b>{escape(str(report.dataset))}</b>.</p><p><code>{escape(settings.signature())}</code></p></header>"
    )


def _tile(name: str, own: SubsetScore, number: int) -> str:
    cells = "".join(
        f"<div><span>{escape(figure)}</span><b>{percent(own.figures.get(figure))}</b></div>" for figure in _HEADLINES
    )
    return (
        f'<div class="tile c{number % 6}"><h3>{escape(name)}</h3><div class="heads">{cells}</div>'
        f"<p>{own.queries} queries, {own.units} units, {own.videos} videos<br>{escape(own.predictions.layout)}</p></div>"
    )


def _notes(report: Report) -> str:
    notes = [*report.notes, *(f"{name}: {note}" for name, own in report.subsets.items() for note in own.notes)]
    return f'<ul class="notes">{"".join(f"<li>{escape(note)}</li>" for note in notes)}</ul>' if notes else ""


def _figures(report: Report) -> str:
    scores = report.subsets
    rows = []
    for name in NAMES:
        if any(name in own.figures for own in scores.values()):
            rows.append([escape(name), *(_cell(own, name) for own in scores.values())])
    return _table(["%", *map(escape, scores)], rows) + _published(scores)


def _published(scores: dict[str, SubsetScore]) -> str:
    """Return Table 6 of the paper beside the figures, a method a row, the subsets side by side."""
    known = {name: rows_for(name) for name in scores if rows_for(name)}
    if not known:
        return ""
    lines = [
        [
            "<b>these predictions</b>",
            *(cell for name in known for cell in _three(scores[name].figures, definition)),
            f"<small>{MARKS[definition]}</small>",
        ]
        for definition in ("mAP_10", "mAP_5")
    ]
    for place, row in enumerate(next(iter(known.values()))):
        cells = [percent(known[name][place].figures.get(figure)) for name in known for figure in _HEADLINES[:3]]
        mark = MARKS[row.map_definition] if row.map_definition else ""
        lines.append([f"{escape(row.method)}, {escape(row.venue)}", *cells, f"<small>{mark}</small>"])
    head = ["method", *(f"{escape(name)} {figure}" for name in known for figure in _HEADLINES[:3]), "mAP is over"]
    return _table(head, lines, caption="Beside Table 6 of the paper, whose pairs are not public")


def _whole_table(number: int) -> str:
    table = published_table(number)
    lines = []
    for row in table.rows:
        mark = MARKS[row.map_definition] if row.map_definition else ""
        cells = [percent(row.figures.get(name)) for name in table.figures]
        lines.append([escape(f"{row.method}, {row.venue}".rstrip(", ")), *cells, f"<small>{mark}</small>"])
    head = ["method", *map(escape, table.figures), "mAP is over"]
    return _table(head, lines, caption=escape(f"Table {number} of the paper, {table.data}. {table.note}"))


def _three(figures: dict[str, float | None], definition: str) -> list[str]:
    return [_bold(figures.get(name)) for name in (definition, "oIoU", "mIoU")]


def _bold(value: float | None) -> str:
    return f"<b>{percent(value)}</b>"


def _cell(own: SubsetScore, name: str) -> str:
    value = own.figures.get(name)
    bounds = own.intervals.get(name)
    if value is None:
        return "-"
    range_ = f"<small>{percent(bounds[0])} to {percent(bounds[1])}</small>" if bounds else ""
    return f"<b>{percent(value)}</b>{range_}"


def _legend(names: Iterable[str]) -> str:
    keys = "".join(f'<span class="c{number % 6}"><i></i>{escape(name)}</span>' for number, name in enumerate(names))
    return f'<div class="legend">{keys}</div>'


def _histogram(name: str, ious: np.ndarray, number: int) -> str:
    return f'<div class="c{number % 6}"><h3 class="key"><i></i>{escape(name)}</h3>{plots.histogram(ious, number)}</div>'


def _differences(own: SubsetScore) -> str:
    rows = []
    for name, found in (own.differences or {}).items():
        bounds = "-"
        if found.interval is not None:
            bounds = f"{100 * found.interval[0]:+.1f} to {100 * found.interval[1]:+.1f}"
        difference = f"<b>{100 * found.difference:+.1f}</b>"
        rows.append([escape(name), percent(own.figures[name]), percent(found.other), difference, bounds])
    return f'<div class="narrow">{_table(["%", "these", "other", "difference", "95% interval"], rows)}</div>'


def _diagnosis(own: SubsetScore, number: int) -> str:
    parts = []
    for table in own.tables:
        bars = [(group.name, group.figures.get("mIoU"), _beside_bar(group.figures)) for group in table.groups]
        parts.append(
            f'<figure class="wide"><h3>{escape(table.title)}</h3>{plots.horizontal_bars(bars, number)}'
            f"<details><summary>as a table</summary>{_groups(table)}</details></figure>"
        )
    return f'<p><small>Bars: mIoU in percent.</small></p><div class="plots">{"".join(parts)}</div>'


def _beside_bar(figures: dict[str, float | None]) -> str:
    leak = figures.get("leak")
    return percent(figures.get("mIoU")) + ("" if leak is None else f" · leak {100 * leak:.0f}")


def _groups(table: Table) -> str:
    names = list(dict.fromkeys(figure for group in table.groups for figure in group.figures))
    rows = [
        [
            escape(group.name),
            str(group.queries),
            str(group.units),
            *(percent(group.figures.get(name)) for name in names),
        ]
        for group in table.groups
    ]
    return _table(["", "queries", "units", *names], rows)


def _gallery(report: Report, name: str, own: SubsetScore) -> str:
    source = FrameSource(report.dataset, name)
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
    key = (
        '<div class="legend"><span class="right"><i></i>right</span><span class="wrong"><i></i>predicted alone</span>'
        '<span class="missed"><i></i>missed</span></div>'
    )
    where = (
        "" if source.available else "<p><small>The source clips are not at hand: masks are drawn on grey.</small></p>"
    )
    return f'{key}{where}<div class="cards">{"".join(cards)}</div>'


def _card(label: str, unit: Unit, image: str) -> str:
    caption = f"“{escape(unit.text)}”" if unit.text else ""
    return (
        f'<figure class="card"><img src="{image}" alt="{escape(unit.image_id)}: {escape(unit.text)}">'
        f"<figcaption><b>{label}, IoU {percent(unit.iou)}</b> {caption}<br><code>{escape(unit.image_id)}</code></figcaption></figure>"
    )


def _worst(own: SubsetScore) -> str:
    rows = [
        [
            f"<code>{escape(unit.image_id)}</code>",
            escape(unit.text),
            percent(unit.iou),
            str(unit.intersection),
            str(unit.union),
        ]
        for unit in own.worst
    ]
    return _table(["unit", "caption", "IoU %", "I", "U"], rows, wide=True)


def _traps(report: Report) -> str:
    traps = "".join(f"<li>{escape(trap)}</li>" for trap in TRAPS)
    return (
        f"<ul>{traps}</ul><p>Intervals are 95% percentile intervals of {report.settings.resamples} resamples of the videos "
        f"(seed {report.settings.seed}): queries and frames of one video are drawn together.</p>"
        f"<p><small>a2dsplus {__version__}</small></p>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", wide: bool = False) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    title = f"<caption>{caption}</caption>" if caption else ""
    kind = ' class="texts"' if wide else ""
    return f"<div class='scroll'><table{kind}>{title}<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"
