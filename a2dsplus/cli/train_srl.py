"""`a2dsplus train-srl`: train the compact semantic-role model."""

import json
from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("train-srl")
@click.option("--data", type=_FOLDER, required=True, help="Folder with train, dev, masc and frame_examples .jsonl.gz.")
@click.option("--out", type=_FOLDER, required=True, help="Where the model, its checkpoint and its figures go.")
@click.option("--init", type=_FOLDER, help="A compact model to begin with; by default MiniLM-L6 (extra train-srl).")
@click.option(
    "--captions", type=_FILE, multiple=True, help="Captions for self-training (needs --init): lines, or a CSV."
)
@click.option("--label-with", type=_FOLDER, help="The compact model that labels the captions, if it is not --init.")
@click.option(
    "--leave-out",
    type=_FILE,
    help="A JSON list whose rows have the sha1 of captions never to train on: the labelled test captions.",
)
@click.option("--passes", type=click.IntRange(1), default=2, show_default=True, help="Passes over the data.")
@click.option("--shares", default="1,1,0.5", show_default=True, help="Of train, masc and frame_examples, in each pass.")
@click.option("--written", type=click.IntRange(0), default=12_000, show_default=True, help="Grammar captions a pass.")
@click.option("--learning-rate", type=click.FloatRange(0, 1), default=4e-4, show_default=True, help="Highest rate.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the weights, the order and the captions.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Processor threads.")
@click.option("--bf16/--no-bf16", default=True, show_default=True, help="Compute in bfloat16 where it is safe.")
def command(
    data: Path,
    out: Path,
    init: Path | None,
    captions: tuple[Path, ...],
    label_with: Path | None,
    leave_out: Path | None,
    passes: int,
    shares: str,
    written: int,
    learning_rate: float,
    seed: int,
    threads: int,
    bf16: bool,
) -> None:
    """Train the compact semantic-role model that the wheel carries.

    A run that was stopped goes on when the same command is given again. The model is in OUT/model;
    `a2dsplus.roles.srl.compact.load_compact(OUT/model)` loads it. How the shipped model was trained is in its model card, annotations/compact-model-card.md.
    """
    import torch

    from a2dsplus.errors import InputError, UsageError
    from a2dsplus.roles.training.loop import Recipe
    from a2dsplus.roles.training.train import train

    try:
        parts = tuple(float(share) for share in shares.split(","))
    except ValueError as error:
        raise UsageError(f"--shares {shares}: expected three numbers, such as 1,1,0.5") from error
    if len(parts) != 3 or not all(0 <= share <= 1 for share in parts):
        raise UsageError(f"--shares {shares}: expected three numbers from 0 to 1, for train, masc and frame_examples")
    torch.set_num_threads(threads)
    recipe = Recipe(passes=passes, shares=parts, written=written, learning_rate=learning_rate, seed=seed, bf16=bf16)
    left_out: frozenset[str] = frozenset()
    if leave_out:
        try:
            left_out = frozenset(str(row["sha1"]) for row in json.loads(leave_out.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(f"{leave_out}: expected a JSON list of rows with a sha1 ({error!r})") from error
    accuracy = train(
        data,
        out,
        recipe=recipe,
        init=init,
        captions=captions,
        label_with=label_with,
        left_out=left_out,
        report=lambda line: click.echo(line, err=True),
    )
    predicates = f", predicates {accuracy.predicates.f1:.4f}" if accuracy.predicates else ""
    click.echo(f"{out / 'model'}: F1 on dev, gold predicates: spans {accuracy.spans.f1:.4f}{predicates}")
