"""Several models' figures as a LaTeX table and as CSV, the blind rows first."""

import csv
import io
from collections.abc import Iterator

from a2dsplus.score.figures.metrics import NAMES
from a2dsplus.score.report.text import percent
from a2dsplus.score.results import Comparison, Figures

_COLUMNS = ("mAP", "oIoU", "mIoU", "J", "F", "J&F", "cgF1", "leak", "pair")
_WITH_MAP = frozenset({"J", "F", "J&F"})  # left out of a table that has mAP
_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
)


def render_csv(comparison: Comparison) -> str:
    """Return a row a subset and model: subset, kind (blind or model), model, units, queries, then every figure in 0..1, empty for none."""
    names = [name for name in NAMES if any(own.get(name) is not None for _, _, _, own in _rows(comparison))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["subset", "kind", "model", "units", "queries", *names])
    size = {
        name: (own.units, own.queries) for report in comparison.reports.values() for name, own in report.subsets.items()
    }
    for subset, kind, label, own in _rows(comparison):
        writer.writerow(
            [subset, kind, label, *size[subset], *("" if own.get(name) is None else own[name] for name in names)]
        )
    return text.getvalue()


def render_latex(comparison: Comparison) -> str:
    """Return a tabular (with booktabs) of figures in percent, a model a row, the subsets side by side; the signature is a comment."""
    rows = list(_rows(comparison))
    columns: list[tuple[str, str]] = []
    for subset in comparison.subsets:
        names = [name for name in _COLUMNS if any(own.get(name) is not None for at, _, _, own in rows if at == subset)]
        columns += [(subset, name) for name in names if "mAP" not in names or name not in _WITH_MAP]
    heads, rules, at = [], [], 2
    for subset in comparison.subsets:
        many = sum(own == subset for own, _ in columns)
        heads.append(f"\\multicolumn{{{many}}}{{c}}{{{_escaped(subset)}}}")
        rules.append(f"\\cmidrule(lr){{{at}-{at + many - 1}}}")
        at += many
    lines = [
        f"% {comparison.first.signature}",
        f"\\begin{{tabular}}{{l{'r' * len(columns)}}}",
        "\\toprule",
        f" & {' & '.join(heads)} \\\\",
        " ".join(rules),
        f"model & {' & '.join(_escaped(name) for _, name in columns)} \\\\",
    ]
    for kind in ("blind", "model"):
        labels = dict.fromkeys(label for _, own_kind, label, _ in rows if own_kind == kind)
        lines += ["\\midrule"] if labels else []
        for label in labels:
            own = {subset: figures for subset, own_kind, name, figures in rows if (own_kind, name) == (kind, label)}
            cells = [_cell(own, subset, name) for subset, name in columns]
            lines.append(f"{_escaped(label)} & {' & '.join(cells)} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _cell(own: dict[str, Figures], subset: str, name: str) -> str:
    value = own.get(subset, {}).get(name)
    return "--" if value is None else f"${percent(value)}$" if value < 0 else percent(value)


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)


def _rows(comparison: Comparison) -> Iterator[tuple[str, str, str, Figures]]:
    """Yield (subset, kind, label, figures), subset by subset, the blind rows first."""
    for subset in comparison.subsets:
        for label, own in comparison.blind.get(subset, {}).items():
            yield subset, "blind", label, own
        for label, report in comparison.reports.items():
            if subset in report.subsets:
                yield subset, "model", label, report.subsets[subset].figures
