"""`a2dsplus train`."""

from pathlib import Path
from typing import Any

import click

from a2dsplus.errors import ModelError, UsageError

_CACHE_GB = 8.0


@click.command()
@click.option(
    "--model",
    type=click.Choice(["locater", "locater-img"]),
    default="locater",
    show_default=True,
    help="With or without its memories.",
)
@click.option(
    "--preset",
    type=click.Choice(["tiny", "paper", "released", "rvos"]),
    default="paper",
    show_default=True,
    help="Network and schedule. paper: Adam, rate 4e-5, batch 32, 30 epochs. tiny: from scratch on one core.",
)
@click.option("--root", type=click.Path(path_type=Path), help="The A2D-Sentences folder, or one of `a2dsplus world`.")
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="Instead of --root: a folder of `a2dsplus build`; its source's training split is used.",
)
@click.option("--split", type=click.Choice(["train", "test"]), default="train", show_default=True, help="Which split.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("run"),
    show_default=True,
    help="Checkpoints, logs and model.safetensors.",
)
@click.option(
    "--init",
    type=click.Path(path_type=Path),
    help="Start from this LOCATER checkpoint; memories that it lacks start fresh.",
)
@click.option(
    "--memories-only",
    is_flag=True,
    help="Train what is past the encoders, on encodings made once; needs --init. Minutes instead of hours on a CPU.",
)
@click.option(
    "--vision",
    type=click.Path(path_type=Path),
    help="Start the visual encoder from ImageNet ViT weights (timm's names).",
)
@click.option(
    "--bert",
    type=click.Path(path_type=Path),
    help="Start rvos' language encoder from these BERT-base weights: safetensors, a torch file of tensors alone, or the folder of one.",
)
@click.option(
    "--vocab",
    type=click.Path(path_type=Path),
    help="WordPiece vocab.txt, for released and rvos; it is kept beside the weights.  [default: BERT uncased's]",
)
@click.option(
    "--set",
    "fields",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A field of LocaterConfig, such as global_slots=0; may be repeated.",
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over the queries.")
@click.option("--batch", type=click.IntRange(1), help="Samples a step.")
@click.option("--lr", type=float, help="Learning rate.")
@click.option("--clip-frames", type=click.IntRange(1), help="Frames of a clip.")
@click.option("--stride", type=click.IntRange(1), help="Frames from one frame of a clip to the next.")
@click.option("--global-frames", type=click.IntRange(1), help="Frames written into the global memory.")
@click.option(
    "--place",
    type=click.FloatRange(0),
    help="Weight of a loss, not the paper's, that teaches V where it is, so that memories can be read by it; 0.03 is a start.",
)
@click.option("--accumulate", type=click.IntRange(1), help="Passes a step, to fit a batch into memory.")
@click.option("--precision", type=click.Choice(["fp32", "bf16", "fp16"]), help="Of the matrix products.")
@click.option("--recompute", is_flag=True, default=None, help="Gradient checkpointing.")
@click.option("--compile", "compiled", is_flag=True, default=None, help="torch.compile.")
@click.option("--seed", type=click.IntRange(0), help="Of weights, order and samples.")
@click.option(
    "--workers", type=click.IntRange(0), help="Processes that prepare samples; they do not change the result."
)
@click.option("--save-every", type=click.IntRange(1), help="Steps between checkpoints.")
@click.option(
    "--cache-gb",
    type=click.FloatRange(0),
    default=_CACHE_GB,
    show_default=True,
    help="Frames are kept in memory where they all fit into this; else decoded at each use.",
)
def command(
    model: str,
    preset: str,
    root: Path | None,
    dataset: Path | None,
    split: str,
    out: Path,
    init: Path | None,
    vision: Path | None,
    bert: Path | None,
    vocab: Path | None,
    fields: tuple[str, ...],
    memories_only: bool,
    cache_gb: float,
    **options: Any,
) -> None:
    """Train LOCATER.

    \b
    a2dsplus world --out world --train-videos 800
    a2dsplus train --preset tiny --root world --out run
    a2dsplus baseline --model locater --checkpoint run/model.safetensors

    Several GPUs or machines: accelerate launch -m a2dsplus train ..., or torchrun, also on CPUs (Accelerate, in the extra `train`). A
    run that was killed goes on from its last checkpoint when the same command is given again, and ends with the same bits.
    """
    import os

    import torch

    import locater
    from a2dsplus.models.training_data import open_training
    from a2dsplus.progress import bar, leads
    from a2dsplus.roles.srl.bert_names import find_vocabulary
    from locater.language import BertLanguage
    from locater.training import Clips, TrainOptions, train
    from locater.training.initial import prepare, settle, transfer
    from locater.training.loop import Progress
    from locater.training.published import load_bert, load_vit

    folder = _root(root, dataset)
    if memories_only and init is None:
        raise UsageError("--memories-only needs encoders that are trained: give a checkpoint with --init")
    if memories_only and os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError("--memories-only runs in one process; it takes minutes")
    chosen = {name: value for name, value in options.items() if value is not None}
    try:
        settings = TrainOptions.preset(preset, **chosen)
        changes = dict(_field(text) for text in fields)
        if model == "locater-img":
            changes = {"global_slots": 0, "local_slots": 0, **changes}
        config = locater.LocaterConfig.preset(preset, **changes)
        if bert is not None and config.language != "bert":
            raise UsageError(
                f"--bert: this network reads with {config.language}; use --preset rvos, or --set language=bert"
            )
        if vocab is None and (config.language == "bert" or config.variant == "released"):
            vocab = find_vocabulary("bert-base-uncased", beside=bert or folder / "none")
        torch.manual_seed(settings.seed)
        network = locater.Locater(config, vocab=vocab)
        prepare(network)
        if isinstance(language := getattr(network.network, "language", None), BertLanguage):
            if bert is not None:
                load_bert(language, bert)
            elif init is None and leads():
                click.echo("note: BERT starts from random weights; --bert FILE gives it published ones", err=True)
        fresh: list[str] = []
        if init is not None:
            fresh = transfer(locater.checkpoint.load(init, vocab=vocab), network, source=str(init))
        if vision is not None:
            load_vit(network, vision)
        with bar("reading masks", 0, unit="videos") as advance:
            examples, store = open_training(
                folder,
                split=split,
                size=config.image_size,
                every=settings.stride,
                progress=advance,
            )
        if store.bytes <= cache_gb * 2**30:
            with bar("reading frames", len(store.counts), unit="videos") as advance:
                store.preload(progress=advance)
        clips = Clips(examples, store, settings)
        settle(network, clips, fresh)
        steps = max(len(examples) // settings.batch, 1) * settings.epochs
        with bar("training", steps, unit="steps") as advance:
            done = 0

            def report(progress: Progress) -> None:
                nonlocal done
                advance(progress.step - done)
                done = progress.step
                click.echo(
                    f"step {progress.step}/{progress.steps} loss {progress.loss:.4f} IoU {progress.iou:.4f}", err=True
                )

            if memories_only:
                final = _past_the_encoders(network, clips, out, report)
            else:
                final = train(network, examples, store, settings, out=out, report=report)
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error
    if leads():
        click.echo(f"{final}; next: a2dsplus baseline --model {model} --checkpoint {final}")


def _past_the_encoders(network: Any, clips: Any, out: Path, report: Any) -> Path:
    """Train the memories on encodings and return the path of the weights."""
    from a2dsplus.progress import bar
    from locater.training.memories import Encodings, train_memories

    encodings = Encodings(network, clips.examples, clips.store)
    with bar("encoding", len(clips), unit="queries") as advance:
        encodings.encode(progress=advance)
    return train_memories(network, encodings, clips, out=out, report=report)


def _root(root: Path | None, dataset: Path | None) -> Path:
    """Return the source folder that the options name."""
    if (root is None) == (dataset is None):
        raise UsageError("give the training data with --root DIR (A2D-Sentences) or --dataset DIR, one of them")
    if root is not None:
        return root
    from a2dsplus.dataset.tables import source_root
    from a2dsplus.dataset.workspace import Workspace

    assert dataset is not None
    return source_root(Workspace.open(dataset))


def _field(text: str) -> tuple[str, Any]:
    """Return a FIELD=VALUE as name and value: a number, true or false, or a word."""
    import json

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text}: expected FIELD=VALUE, such as global_slots=0")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
