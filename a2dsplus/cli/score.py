"""`a2dsplus score`: metrics of any model, beside the published rows."""

from pathlib import Path

import click

from a2dsplus.errors import UsageError

_HELP = """Score a model's masks against the ground truth of M, S and T, beside the published rows.

PREDICTIONS is a folder; what it holds is found out and said:

\b
  <subset>/<sample_id>/<expression>/<frame:05d>.png   any non-zero pixel is the referent; the
                                                       <expression> level may be left out where
                                                       a sample has one query
  <subset>.json                                        COCO results (image_id, segmentation, score);
                                                       MTTR's and ReferFormer's ids work for M
  <subset>/Annotations/<sample_id>/<expression>/...    Refer-YTVOS

or one such .json file. The scorer needs nothing of the dataset but <subset>/ground_truth.json.

The unit is one (query, evaluated frame). Printed are percents with 95% bootstrap intervals over
videos; --json has the same in 0..1.

\b
Numbers of this field mean different things. Mind:
{traps}
"""


def _help() -> str:
    import textwrap

    from a2dsplus.score.protocols import TRAPS

    lines = []
    for trap in TRAPS:
        lines.append(textwrap.fill(trap, width=96, initial_indent="  - ", subsequent_indent="    "))
    return _HELP.format(traps="\n".join(lines))


@click.command(name="score", help=_help())
@click.argument("predictions", type=click.Path(path_type=Path))
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    default=Path("a2dsplus-data"),
    show_default=True,
    help="A dataset made by `a2dsplus build`, or one COCO ground-truth file.",
)
@click.option("--subsets", default=None, help="Which subsets, such as M,S. By default all that have predictions.")
@click.option(
    "--protocol",
    type=click.Choice(["paper", "released", "mttr"]),
    default="paper",
    show_default=True,
    help="paper: IoU > K, mAP over ten thresholds. released: as LOCATER's code, IoU >= K, five thresholds. "
    "mttr: as MTTR and ReferFormer, IoU > K in single precision, mAP is COCO's over all scored masks.",
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
@click.option("--against", type=click.Path(path_type=Path), help="Another model's predictions: the paired difference.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here; - is stdout.")
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
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=None,
    help="Threads that decode PNG files.  [default: the processors, at most 8]",
)
def command(
    predictions: Path,
    dataset: Path,
    subsets: str | None,
    protocol: str,
    missing: str,
    resize: str | None,
    against: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    beside: str | None,
    seed: int,
    resamples: int,
    workers: int | None,
) -> None:
    """Score predictions; what the help says is made by `_help`, from what the protocols are."""
    from a2dsplus.engine import processors
    from a2dsplus.files import write_text
    from a2dsplus.score.evaluation import evaluate
    from a2dsplus.score.report.text import render_text

    chosen = None
    if subsets is not None:
        chosen = [name.strip() for name in subsets.split(",") if name.strip()]
        if not chosen:
            raise UsageError("--subsets: expected names such as M,S")
    report = evaluate(
        predictions,
        dataset,
        subsets=chosen,
        protocol=protocol,  # type: ignore[arg-type]  # click has checked the choice
        missing="empty" if missing == "empty" else "error",
        resize="nearest" if resize else "none",
        against=against,
        seed=seed,
        resamples=resamples,
        workers=workers or min(processors(), 8),
    )
    if html_file is not None:
        from a2dsplus.score.report.html import render_html

        write_text(html_file, render_html(report, beside=int(beside) if beside else None))
        click.echo(f"wrote {html_file}", err=True)
    if json_file is not None:
        import json

        text = json.dumps(report.as_json(), sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        if str(json_file) == "-":
            click.echo(text, nl=False)
            return
        write_text(json_file, text)
        click.echo(f"wrote {json_file}", err=True)
    click.echo(render_text(report, beside=int(beside) if beside else None), nl=False)
