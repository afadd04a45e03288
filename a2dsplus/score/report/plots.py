"""The report's plots as inline SVG; colours are the page's CSS classes, so that they follow light, dark and print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from a2dsplus.score.readers.base import Floats

_NICE = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.32, 0.4, 0.48, 0.6, 0.8, 1.0)  # a quarter of each is a round share
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 14, 40  # margins of a plot


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One subset in the picture of blind rows: `number`: the subset's place, for its colour; `blind` and `models`: mIoU by name."""

    subset: str
    number: int
    blind: Mapping[str, float]
    models: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]


def against_blind(lanes: Sequence[Lane], *, width: int = 1040) -> Markup:
    """Return each model's mIoU as a dot, with its interval, among lines where whoever reads no query stands.

    On less than 600 pixels the models' names stand above their dots instead of beside them.
    """
    narrow = width < 600
    left, right = (16, width - 16) if narrow else (190, width - 24)
    step = 38 if narrow else 24
    parts: list[str] = []
    labels: list[str] = []  # above all lines
    y = 8.0
    for lane in lanes:
        top = y
        y += 22
        rows = []
        for name, value in lane.models.items():
            rows.append((name, value, y + step - 13))
            y += step
        bottom = y + 2
        title = lane.subset if narrow else f"{lane.subset}: mIoU, %"
        labels.append(f'<text class="lane" x="{0 if narrow else 4}" y="{top + 15:.0f}">{escape(title)}</text>')
        parts.append(
            f'<rect class="rail" x="{left}" y="{top + 20:.0f}" width="{right - left}" height="{bottom - top - 20:.0f}" rx="4"/>'
        )
        for place in range(0, 101, 20):
            x = left + place / 100 * (right - left)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 20:.0f}" y2="{bottom:.0f}"/>')
            labels.append(f'<text x="{x:.1f}" y="{top + 15:.0f}" text-anchor="middle">{place}</text>')
        ends = [-1e9] * len(lane.blind)  # where the last label of each line of labels ends
        deepest = 0
        for name, value in sorted(lane.blind.items(), key=lambda item: item[1]):
            x = left + value * (right - left)
            label = f"{name} {100 * value:.1f}"
            half = 3.1 * len(label)
            at = min(max(x, left + half), right - half)
            line = next(line for line, end in enumerate(ends) if at - half > end + 8)
            ends[line], deepest = at + half, max(deepest, line + 1)
            below = bottom + 14 + 15 * line
            parts.append(f'<line class="blind" x1="{x:.1f}" x2="{x:.1f}" y1="{top + 20:.0f}" y2="{below - 10:.0f}"/>')
            labels.append(f'<text x="{at:.1f}" y="{below:.0f}" text-anchor="middle">{escape(label)}</text>')
        for name, value, middle in rows:
            x = left + value * (right - left)
            where = (
                f'x="{left + 4}" y="{middle - 11:.0f}"'
                if narrow
                else f'x="{left - 8}" y="{middle + 4:.0f}" text-anchor="end"'
            )
            labels.append(f'<text class="name" {where}>{escape(_short(name))}</text>')
            parts.append(f'<g class="c{lane.number % 6}">')
            if name in lane.intervals:
                ends_at = [left + bound * (right - left) for bound in lane.intervals[name]]
                parts.append(
                    f'<line class="whisker" x1="{ends_at[0]:.1f}" x2="{ends_at[1]:.1f}" y1="{middle:.0f}" y2="{middle:.0f}"/>'
                )
            parts.append(
                f'<circle class="dot" cx="{x:.1f}" cy="{middle:.0f}" r="6"><title>{escape(name)}: {100 * value:.1f}%</title></circle></g>'
            )
            at_end = x > right - 50
            beside, anchor = (x - 11, "end") if at_end else (x + 11, "start")
            labels.append(
                f'<text class="value" x="{beside:.1f}" y="{middle + (4 if narrow else -4):.0f}" text-anchor="{anchor}">{100 * value:.1f}</text>'
            )
        y = bottom + 15 * deepest + 14
    return _svg([*parts, *labels], width, round(y), "Each model's mIoU beside what whoever reads no query scores")


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:12]}…{name[-13:]}"


def precision_curves(ious: dict[str, Floats], *, width: int = 500, height: int = 360) -> Markup:
    """Return the share of units whose IoU is above each threshold, one line a subset; dots mark the five thresholds of P@K."""
    thresholds = np.linspace(0, 1, 101)
    right, bottom = width - _RIGHT, height - _BOTTOM
    parts = [*_axes(width, height, "IoU threshold K", "units with IoU > K")]
    for number, (name, own) in enumerate(ious.items()):
        above = [float((own > threshold).mean()) for threshold in thresholds]
        points = [
            (_LEFT + threshold * (right - _LEFT), bottom - share * (bottom - _TOP))
            for threshold, share in zip(thresholds, above, strict=True)
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dots = "".join(
            f'<circle cx="{points[place][0]:.1f}" cy="{points[place][1]:.1f}" r="3.5">'
            f"<title>{escape(name)}: P@{thresholds[place]:.1f} = {100 * above[place]:.1f}%</title></circle>"
            for place in (50, 60, 70, 80, 90)
        )
        parts.append(f'<g class="series c{number % 6}"><polyline points="{line}"/>{dots}</g>')
    return _svg(parts, width, height, "Share of units above each IoU threshold")


def histogram(ious: Floats, number: int, *, width: int = 500, height: int = 150) -> Markup:
    """Return how many units fall into each twentieth of IoU; `number`: the subset's place, for its colour."""
    many, edges = np.histogram(ious, bins=20, range=(0, 1))
    share = many / max(len(ious), 1)
    top = next(nice for nice in _NICE if nice >= min(float(share.max()), 1.0))
    right, bottom = width - _RIGHT, height - _BOTTOM
    step = (right - _LEFT) / len(many)
    bars = "".join(
        f'<path d="{_bar(_LEFT + place * step + 1, bottom - own / top * (bottom - _TOP), step - 2, own / top * (bottom - _TOP))}">'
        f"<title>IoU {edges[place]:.2f} to {edges[place + 1]:.2f}: {many[place]} units ({100 * own:.1f}%)</title></path>"
        for place, own in enumerate(share)
        if many[place]
    )
    axes = _axes(width, height, "IoU", "units", top=top)
    return _svg([*axes, f'<g class="bars c{number % 6}">{bars}</g>'], width, height, "Histogram of IoU")


def horizontal_bars(
    rows: Sequence[tuple[str, float | None, str]], number: int, *, width: int = 320, label_width: int = 108
) -> Markup:
    """Return a bar a row, (label, value in 0..1, text behind the bar)."""
    step = 24
    height = step * len(rows) + 8
    room = width - label_width - 92
    parts = []
    for place, (label, value, text) in enumerate(rows):
        y = place * step + 6
        shown = 0.0 if value is None else value
        parts.append(
            f'<text class="label" x="{label_width - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="rail" x="{label_width}" y="{y}" width="{room}" height="18" rx="3"/>'
            f'<g class="bars c{number % 6}"><rect x="{label_width}" y="{y}" width="{max(shown * room, 1):.1f}" height="18" rx="3"/></g>'
            f'<text class="value" x="{label_width + room + 8}" y="{y + 13}">{escape(text)}</text>'
        )
    return _svg(parts, width, height, "Bars")


def curve_of_difficulty(
    points: Sequence[tuple[int, int, Mapping[str, float | None]]], *, width: int = 320, height: int = 250
) -> Markup:
    """Return figures over the number of contrasts, one line a figure: the more clips stand beside or around, the harder.

    `points`: (contrasts, queries, figures in 0..1), ascending; the number of queries stands below each.
    """
    right, bottom = width - 62, height - 56
    first, last = points[0][0], points[-1][0]

    def across(contrasts: int) -> float:
        return _LEFT + 14 + (contrasts - first) / max(last - first, 1) * (right - _LEFT - 28)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - share * (bottom - _TOP)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_share(share)}</text>')
    for contrasts, queries, _ in points:
        x = across(contrasts)
        parts.append(f'<text class="label" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{contrasts}</text>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 30}" text-anchor="middle">{queries:,}</text>')
    middle = (_LEFT + right) / 2
    parts.append(
        f'<text class="axis" x="{middle:.1f}" y="{height - 6}" text-anchor="middle">contrasts, and queries with as many</text>'
    )
    names = [name for name in points[0][2] if all(figures.get(name) is not None for _, _, figures in points)]
    labels = _apart([bottom - (points[-1][2][name] or 0.0) * (bottom - _TOP) for name in names])
    for number, (name, label_y) in enumerate(zip(names, labels, strict=True)):
        values = [(contrasts, figures[name] or 0.0) for contrasts, _, figures in points]
        at = [(across(contrasts), bottom - value * (bottom - _TOP)) for contrasts, value in values]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        dots = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(name)}, {contrasts} contrasts: {100 * value:.1f}%</title></circle>'
            for (x, y), (contrasts, value) in zip(at, values, strict=True)
        )
        parts.append(f'<g class="series c{number % 6}"><polyline points="{line}"/>{dots}</g>')
        parts.append(
            f'<text class="label" x="{right - 6}" y="{label_y + 4:.1f}">{escape(name)} {100 * values[-1][1]:.0f}</text>'
        )
    return _svg(parts, width, height, "Curve of difficulty: figures by the number of contrasts")


def _apart(heights: Sequence[float], least: float = 14) -> list[float]:
    """Return the heights, moved down so far that labels do not overlap."""
    found = list(heights)
    order = sorted(range(len(found)), key=found.__getitem__)
    for above, below in pairwise(order):
        found[below] = max(found[below], found[above] + least)
    return found


def _axes(width: int, height: int, below: str, beside: str, *, top: float = 1.0) -> list[str]:
    right, bottom = width - _RIGHT, height - _BOTTOM
    parts = []
    for place in range(5):
        share = place / 4
        y = bottom - share * (bottom - _TOP)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_share(share * top)}</text>')
    for place in range(0, 11, 2):
        x = _LEFT + place / 10 * (right - _LEFT)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{place / 10:g}</text>')
    parts.append(
        f'<text class="axis" x="{(_LEFT + right) / 2:.1f}" y="{height - 6}" text-anchor="middle">{below}</text>'
    )
    parts.append(f'<text class="axis" x="{_LEFT + 4}" y="{_TOP - 2}">{beside}</text>')
    return parts


def _share(value: float) -> str:
    return f"{100 * value:.0f}%"


def _bar(x: float, y: float, width: float, height: float) -> str:
    """Return the outline of an upright bar, its two upper corners rounded."""
    round_by = min(2.5, height)
    return (
        f"M{x:.1f},{y + height:.1f}v{-(height - round_by):.1f}q0,{-round_by:.1f} {round_by:.1f},{-round_by:.1f}"
        f"h{width - 2 * round_by:.1f}q{round_by:.1f},0 {round_by:.1f},{round_by:.1f}v{height - round_by:.1f}z"
    )


def _svg(parts: Sequence[str], width: int, height: int, label: str) -> Markup:
    drawn = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}" style="max-width:{width}px">{"".join(parts)}</svg>'
    return Markup(drawn)
