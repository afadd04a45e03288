"""`a2dsplus parse`: the semantic roles of captions."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from a2dsplus.errors import InputError, UsageError
from a2dsplus.records import ParsedCaption


@click.command()
@click.argument("text", nargs=-1)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="Also captions of a UTF-8 text file, one a line (- is standard input).",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one item a caption, instead of diagrams.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the diagrams into FILE.svg or FILE.html.")
@click.option(
    "--srl",
    default="compact",
    show_default=True,
    metavar="NAME|ARCHIVE",
    help="The model: compact, srl-bert (the paper's; found or fetched), the path of an AllenNLP SRL archive, or"
    " allennlp:ARCHIVE (the same by AllenNLP itself).",
)
@click.option(
    "--predicates",
    type=click.Choice(["model", "spacy"]),
    default="model",
    show_default=True,
    help="Find the verbs by the model, or by an installed spaCy pipeline as AllenNLP does.",
)
@click.option("--correct", is_flag=True, help="Parse captions with an evident slip on record as they were meant.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
def command(
    text: tuple[str, ...],
    files: tuple[Path, ...],
    as_json: bool,
    figure: Path | None,
    srl: str,
    predicates: str,
    correct: bool,
    workers: int,
) -> None:
    """Show the semantic roles of captions, who did what, to what, where and when, and whom each is read to be about.

    \b
    a2dsplus parse "a man in red is standing on the left"
    a2dsplus parse --file captions.txt --json > roles.json
    a2dsplus parse "a ball rolls off the table" --figure roles.svg
    """
    captions = [*text, *(line for file in files for line in _lines(file))]
    if not text and not files:
        raise UsageError("nothing to parse: give captions, or --file FILE")
    if figure is not None and figure.suffix.lower() not in (".svg", ".html"):
        raise UsageError(f"--figure {figure}: expected a file name that ends in .svg or .html")
    from a2dsplus.roles import load_labeller, parse

    labeller = load_labeller(srl, predicates=predicates)
    if len(captions) > 500 and sys.stderr.isatty():
        from a2dsplus.progress import bar

        with bar("labelling roles", len(captions), unit="captions") as advance:
            parsed = parse(captions, labeller=labeller, workers=workers, correct=correct, progress=advance)
    else:
        parsed = parse(captions, labeller=labeller, workers=workers, correct=correct)
    if figure is not None:
        from a2dsplus.roles.figure import write_figure

        write_figure(parsed, figure)
        click.echo(f"{figure}: {len(parsed)} captions", err=True)
    if as_json:
        click.echo(json.dumps(as_rows(parsed), ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace"))
    elif figure is None:
        _show(parsed)


def as_rows(parsed: Sequence[ParsedCaption]) -> list[dict[str, Any]]:
    """Return captions as `--json` prints them: {"text", "frames": [{"verb", "roles": [{"role", "slot", "text", ...}]}], "referent"}."""
    from a2dsplus.contrast.lists import Lists
    from a2dsplus.contrast.told import as_json, reading_of

    lists = Lists.shipped()
    return [
        {
            "text": caption.text,
            "frames": [
                {
                    "verb": frame.verb,
                    "roles": [
                        {
                            "role": role.role,
                            "slot": role.slot.value,
                            "text": role.text,
                            "start": role.start,
                            "end": role.end,
                            "phrase": role.phrase,
                            "lemma": role.lemma,
                        }
                        for role in frame.roles
                    ],
                }
                for frame in caption.frames
            ],
            "referent": as_json(reading_of(caption, lists)),
        }
        for caption in parsed
    ]


def _lines(file: Path) -> list[str]:
    """Return the lines of a caption file, empty ones too, so that results and lines stay side by side."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{file}, line {line}: not UTF-8 ({error.reason}); convert the file") from error
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _show(parsed: Sequence[ParsedCaption]) -> None:
    from rich.console import Console

    from a2dsplus.contrast.lists import Lists
    from a2dsplus.contrast.told import as_line, reading_of
    from a2dsplus.roles.figure import printable, terminal_lines

    lists = Lists.shipped()
    console = Console(highlight=False, soft_wrap=True)
    for number, caption in enumerate(parsed):
        if number:
            console.print()
        for line in terminal_lines(caption, width=console.width):
            console.print(line)
        console.print(printable(as_line(reading_of(caption, lists))), markup=False)
