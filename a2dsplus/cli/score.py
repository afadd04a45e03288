"""`a2dsplus score`: metrics of any model, beside the published rows."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from a2dsplus.cli.options import PLACE, at_places, chosen_engine, engine_option
from a2dsplus.errors import UsageError

if TYPE_CHECKING:
    from a2dsplus.engine import Engine
    from a2dsplus.media.segments import Resize
    from a2dsplus.score.evaluation import ProtocolName
    from a2dsplus.score.protocols import Missing
    from a2dsplus.score.results import Comparison

_SIMPLE = {
    "empty",
    "everything",
    "oracle",
    "moving",
    "named",
}  # built-in models that need no training: first in a table


class _Settings(TypedDict):
    """What is asked of one model and of several alike."""

    subsets: list[str] | None
    protocol: "ProtocolName"
    missing: "Missing"
    resize: "Resize"
    against: Path | None
    seed: int
    resamples: int
    workers: int
    engine: "Engine"


_HELP = """Score models' masks against the ground truth of a dataset, beside the published and the blind rows.

Each PREDICTIONS is a model, a folder or a COCO results file; several give one table with paired
differences to the first. With --join all are parts of one model. What a folder holds is found out
and said:

\b
  <subset>/<sample_id>/<expression>/<frame:05d>.png   the <expression> level may be left out where
                                                      a sample has one query
  <subset>.json                                       COCO results (image_id, segmentation, score);
                                                      MTTR's and ReferFormer's ids work for M
  <subset>/Annotations/<sample_id>/<number>/...       Refer-YTVOS
  anno_<0..3>/<video>/<frame>.png                     Ref-DAVIS17's palettes, for N

The scorer needs nothing of the dataset but <subset>/ground_truth.json.

The unit is one (query, evaluated frame). Printed are percents with 95% bootstrap intervals over
videos; --json has the same in 0..1.

\b
Protocols:
{protocols}

\b
Numbers of this field mean different things. Mind:
{traps}
"""


def _help() -> str:
    import textwrap

    from a2dsplus.score.protocols import MEANS, TRAPS

    def filled(lines: list[str]) -> str:
        return "\n".join(
            textwrap.fill(line, width=96, initial_indent="  - ", subsequent_indent="    ") for line in lines
        )

    protocols = [f"{protocol.value}: {means}" for protocol, means in MEANS.items()]
    return _HELP.format(protocols=filled(protocols), traps=filled(list(TRAPS)))


@click.command(name="score", help=_help())
@click.argument("predictions", type=PLACE, nargs=-1, required=True)
@click.option("--join", is_flag=True, help="All PREDICTIONS are parts of one model's, which do not overlap.")
@click.option(
    "--dataset",
    type=PLACE,
    default=Path("a2dsplus-data"),
    show_default=True,
    help="A dataset made by `a2dsplus build`, or one COCO ground-truth file.",
)
@click.option("--subsets", default=None, help="Which subsets, such as M,S. By default all that have predictions.")
@click.option(
    "--protocol",
    type=click.Choice(["paper", "released", "mttr", "jhmdb", "ytvos", "mevis", "davis"]),
    default="paper",
    show_default=True,
    help="Whose definitions; see above. jhmdb, ytvos, mevis and davis are for the subset N.",
)
@click.option(
    "--missing",
    type=click.Choice(["error", "empty"]),
    default="error",
    show_default=True,
    help="A unit without a prediction stops the run, or counts as an empty mask.",
)
@click.option(
    "--resize", type=click.Choice(["nearest"]), default=None, help="Resize masks of another size; otherwise an error."
)
@click.option("--against", type=PLACE, help="Another model's predictions: the paired difference.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here; - is stdout.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path), help="Write a row a subset and model here, figures in 0..1."
)
@click.option(
    "--latex", "latex_file", type=click.Path(path_type=Path), help="Write a table for a paper here, in percent."
)
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write a self-contained report here.")
@click.option(
    "--beside",
    type=click.Choice(["3", "4", "5", "7"]),
    help="Print this table of the paper too, for data other than M, S and T.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the bootstrap.")
@click.option(
    "--resamples",
    type=click.IntRange(0, 100_000),
    default=1000,
    show_default=True,
    help="Bootstrap resamples; 0 for none.",
)
@engine_option
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="Threads that decode PNG files.  [default: the processors, at most 8]",
)
@at_places(read=["predictions", "dataset", "against"])
def command(
    predictions: tuple[Path, ...],
    join: bool,
    dataset: Path,
    subsets: str | None,
    protocol: "ProtocolName",
    missing: "Missing",
    resize: str | None,
    against: Path | None,
    json_file: Path | None,
    csv_file: Path | None,
    latex_file: Path | None,
    html_file: Path | None,
    beside: str | None,
    seed: int,
    resamples: int,
    engine: str,
    ray_address: str | None,
    workers: int | None,
) -> None:
    """Score predictions; what the help says is made by `_help`, from what the protocols are."""
    from a2dsplus.engine import processors
    from a2dsplus.score.evaluation import compare, evaluate
    from a2dsplus.score.report.text import render_comparison, render_text
    from a2dsplus.score.results import Comparison

    chosen = None
    if subsets is not None:
        chosen = [name.strip() for name in subsets.split(",") if name.strip()]
        if not chosen:
            raise UsageError("--subsets: expected names such as M,S")
    settings = _Settings(
        subsets=chosen,
        protocol=protocol,
        missing=missing,
        resize="nearest" if resize else "none",
        against=against,
        seed=seed,
        resamples=resamples,
        workers=workers or min(processors(), 8),
        engine=chosen_engine(
            engine,
            ray_address,
            workers=1 if engine == "local" else None,  # one subset is scored sooner than a process has started
            folders=[dataset, *predictions, against],
        ),
    )
    table = int(beside) if beside else None
    if join or len(predictions) == 1:
        report = evaluate(predictions, dataset, **settings)
        comparison = Comparison(reports={_labels(predictions[:1])[predictions[0]]: report}, against="")
        text, document = render_text(report, beside=table), report.as_json()
    else:
        comparison = _simple_first(compare(_models(predictions), dataset, **settings), predictions)
        text, document = render_comparison(comparison), comparison.as_json()
    if html_file is not None:
        from a2dsplus.score.report.html import render_html

        _write(html_file, render_html(comparison, beside=table))
    if csv_file is not None:
        from a2dsplus.score.report.paper import render_csv

        _write(csv_file, render_csv(comparison))
    if latex_file is not None:
        from a2dsplus.score.report.paper import render_latex

        _write(latex_file, render_latex(comparison))
    if json_file is not None:
        import json

        figures = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        if str(json_file) == "-":
            click.echo(figures, nl=False)
            return
        _write(json_file, figures)
    click.echo(text, nl=False)


def _write(file: Path, text: str) -> None:
    from a2dsplus.files import remove_abandoned, write_text

    remove_abandoned(file)
    write_text(file, text)
    click.echo(f"wrote {file}", err=True)


def _models(predictions: tuple[Path, ...]) -> dict[str, Path]:
    """Return the models by label."""
    labels = _labels(predictions)
    if len(labels) < len(predictions):
        twice = next(path for path in predictions if predictions.count(path) > 1)
        raise UsageError(f"{twice}: given twice; each PREDICTIONS is a model")
    return {label: path for path, label in labels.items()}


def _simple_first(comparison: "Comparison", predictions: tuple[Path, ...]) -> "Comparison":
    """Return a comparison whose table begins with the models that need no training."""
    from dataclasses import replace

    from a2dsplus.score.integrity import model_of

    labels = sorted(_models(predictions).items(), key=lambda item: model_of(item[1]) not in _SIMPLE)
    return replace(comparison, reports={label: comparison.reports[label] for label, _ in labels})


def _labels(predictions: tuple[Path, ...]) -> dict[Path, str]:
    """Return what each model is called in tables: its folder's or file's name, or the whole path where two have one name."""
    names = [path.resolve().name for path in predictions]
    return {path: name if names.count(name) == 1 else str(path) for path, name in zip(predictions, names, strict=True)}
