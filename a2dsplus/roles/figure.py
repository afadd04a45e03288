"""Role diagrams of captions, as an SVG figure (also within an HTML page) and as lines for a terminal.

A frame is one row: the caption, each role on a ground of its slot's colour, below it the role's question and label.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from a2dsplus.errors import UsageError
from a2dsplus.files import write_text
from a2dsplus.records import ParsedCaption, Role, RoleFrame, Slot

if TYPE_CHECKING:
    from rich.text import Text

COLOURS = {
    Slot.WHO: "#9ecbf2",
    Slot.VERB: "#f7b267",
    Slot.WHAT: "#c3b1e8",
    Slot.WHERE: "#9fdcb4",
    Slot.WHEN: "#f2d96b",
    Slot.OTHER: "#d5d5d0",
}
_TERMINAL = {
    Slot.WHO: "cyan",
    Slot.VERB: "yellow",
    Slot.WHAT: "magenta",
    Slot.WHERE: "green",
    Slot.WHEN: "bright_red",
    Slot.OTHER: "white",
}
_CHARACTER, _SMALL = 9.0, 6.0  # widths in SVG units of the two monospaced sizes
_LINE, _LABEL, _GAP, _MARGIN = 24, 14, 14, 24
_COLUMNS = 88  # characters of a line before a long caption goes on in the next


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """The part of a role that lies on one line: columns [start, end) of it; `label` where the role begins."""

    role: Role
    start: int
    end: int
    label: str


def write_figure(captions: Sequence[ParsedCaption], path: Path) -> None:
    """Write the diagrams of the captions to `path`: `.svg`, or `.html` for a page around it.

    Raises UsageError for another ending, WorkspaceError where the file cannot be written; nothing half-written is left.
    """
    kind = path.suffix.lower()
    if kind not in (".svg", ".html"):
        raise UsageError(f"--figure {path}: expected a file name that ends in .svg or .html")
    picture = svg(captions)
    if kind == ".html":
        picture = (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Semantic roles</title>'
            "<style>body{margin:2rem auto;max-width:60rem;background:#fff}svg{width:100%;height:auto}</style></head>\n"
            f"<body>\n{picture}</body></html>\n"
        )
    write_text(path, picture)


def svg(captions: Sequence[ParsedCaption]) -> str:
    """Return one SVG picture of all captions, one below the other, with a legend of the slots in use."""
    body: list[str] = []
    y = float(_MARGIN)
    width = 0.0
    for number, parsed in enumerate(captions):
        if number:
            y += _GAP / 2
            body.append(f'<line class="rule" x1="{_MARGIN}" x2="100%" y1="{y:g}" y2="{y:g}"/>')
            y += _GAP
        frames = parsed.frames or (RoleFrame(verb=None, roles=()),)
        for frame in frames:
            rows, y, right = _frame_svg(printable(parsed.text), frame, y)
            body += rows
            width = max(width, right)
    used = [slot for slot in Slot if any(role.slot is slot for p in captions for f in p.frames for role in f.roles)]
    x = float(_MARGIN)
    y += _GAP
    for slot in used:
        text = slot.value
        body.append(f'<rect x="{x:g}" y="{y:g}" width="12" height="12" rx="3" fill="{COLOURS[slot]}"/>')
        body.append(f'<text class="label" x="{x + 18:g}" y="{y + 10:g}">{text}</text>')
        x += 18 + len(text) * _SMALL + 20
    width = max(width, x) + _MARGIN
    height = y + 12 + _MARGIN
    style = (
        ".word{font:15px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1c1c1c;white-space:pre}"
        ".label{font:10px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#555}.rule{stroke:#e3e3e3}"
    )
    title = html.escape("; ".join(printable(parsed.text) for parsed in captions)[:300])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        f' role="img">\n<title>Semantic roles: {title}</title>\n<style>{style}</style>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def terminal_lines(parsed: ParsedCaption, *, width: int) -> list["Text"]:
    """Return the caption's diagram as styled lines for a terminal of `width` columns."""
    from rich.cells import cell_len
    from rich.text import Text

    caption = printable(parsed.text)
    if not parsed.frames:
        return [Text(caption + "  ").append("(no roles)", style="dim")]
    result: list[Text] = []
    for frame in parsed.frames:
        for first, last in _lines(caption, max(20, width - 2)):
            line = Text("  " + caption[first:last])
            segments = _segments(frame, first, last)
            for segment in segments:
                line.stylize(f"black on {_TERMINAL[segment.role.slot]}", 2 + segment.start, 2 + segment.end)
            result.append(line)
            # Columns of a terminal, where an emoji or a Chinese character takes two.
            labelled = [segment for segment in segments if segment.label]
            columns = [2 + cell_len(caption[first : first + segment.start]) for segment in labelled]
            rows = _stack([(c, len(s.label)) for c, s in zip(columns, labelled, strict=True)], gap=1)
            for row in range(max(rows, default=-1) + 1):
                below = Text()
                for column, segment, own in zip(columns, labelled, rows, strict=True):
                    if own == row:
                        below.append(" " * (column - below.cell_len))
                        below.append(segment.label, style=_TERMINAL[segment.role.slot])
                result.append(below)
    return result


def printable(text: str) -> str:
    """Return the text with every character that a terminal or XML must not get replaced, one for one."""
    return "".join(
        character
        if character.isprintable() or character == "\u200d"
        else (" " if character in "\t\n\r\x0b\x0c\u2028\u2029\xa0\u3000" or character.isspace() else "\ufffd")
        for character in text
    )


def _frame_svg(caption: str, frame: RoleFrame, y: float) -> tuple[list[str], float, float]:
    """Return the SVG elements of a frame, the y below it, and its right edge."""
    body: list[str] = []
    right = 0.0
    for first, last in _lines(caption, _COLUMNS):
        segments = _segments(frame, first, last)
        at = [_MARGIN + column * _CHARACTER for column in _columns(caption[first:last])]
        for segment in segments:
            x, long = at[segment.start] - 3, at[segment.end] - at[segment.start] + 6
            colour = COLOURS[segment.role.slot]
            body.append(f'<rect x="{x:g}" y="{y:g}" width="{long:g}" height="{_LINE}" rx="5" fill="{colour}"/>')
        body += _text_svg(caption[first:last], at, y + 17)
        y += _LINE
        labelled = [segment for segment in segments if segment.label]
        places = [(at[segment.start], len(segment.label) * _SMALL) for segment in labelled]
        rows = _stack(places, gap=8)
        for segment, (x, long), row in zip(labelled, places, rows, strict=True):
            body.append(
                f'<text class="label" x="{x:g}" y="{y + 12 + row * _LABEL:g}">{html.escape(segment.label)}</text>'
            )
            right = max(right, x + long)
        y += _LABEL * (max(rows, default=-1) + 1) + _GAP
        right = max(right, at[-1])
    return body, y, right


def _text_svg(text: str, at: Sequence[float], y: float) -> list[str]:
    """Return the elements of a line of text whose characters begin at `at`: one a run of equal width, so that none drifts."""
    body = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and at[end] - at[end - 1] == at[end + 1] - at[end] == _CHARACTER:
            continue
        run = html.escape(text[start:end])
        if run.strip():
            length = f' textLength="{at[end] - at[start]:g}"' if end - start > 1 else ""
            body.append(f'<text class="word" x="{at[start]:g}" y="{y:g}"{length} xml:space="preserve">{run}</text>')
        start = end
    return body


def _lines(text: str, width: int) -> list[tuple[int, int]]:
    """Return [start, end) of the lines that a caption breaks into, at blanks where there are any."""
    lines = []
    start = 0
    while len(text) - start > width:
        cut = text.rfind(" ", start + 1, start + width + 1)
        end = cut if cut > start else start + width
        lines.append((start, end))
        start = end + (1 if cut > start else 0)
    lines.append((start, len(text)))
    return lines


def _columns(text: str) -> list[int]:
    """Return the column of each character and of the end; East Asian characters and emoji take two, combining ones none."""
    from rich.cells import cell_len

    columns = [0]
    for character in text:
        columns.append(columns[-1] + cell_len(character))
    return columns


def _segments(frame: RoleFrame, first: int, last: int) -> list[_Segment]:
    return [
        _Segment(
            role=role,
            start=max(role.start, first) - first,
            end=min(role.end, last) - first,
            label=f"{role.slot.value} · {role.role}" if role.start >= first else "",
        )
        for role in frame.roles
        if role.start < last and role.end > first
    ]


def _stack(places: Sequence[tuple[float, float]], *, gap: float) -> list[int]:
    """Return for each label at (x, width), from left to right, the first row in which it touches no other."""
    ends: list[float] = []
    rows = []
    for x, long in places:
        row = next((row for row, end in enumerate(ends) if end + gap <= x), len(ends))
        ends[row : row + 1] = [x + long]
        rows.append(row)
    return rows
