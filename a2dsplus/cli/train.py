"""`a2dsplus train`."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from a2dsplus.errors import ModelError, UsageError


def _with_training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for every field of `TrainOptions`; one that is not given stays the preset's."""
    from locater.training.options import TrainOptions

    for entry in reversed(dataclasses.fields(TrainOptions)):
        about, kind = entry.metadata, type(entry.default)
        name = "--" + about.get("flag", entry.name).replace("_", "-")
        shown = f"{about['text']}  [default: {entry.default}]"
        given: dict[str, Any] = {"type": kind}
        if kind is bool:
            given, shown = {"is_flag": True}, about["text"]
        elif "choices" in about:
            given = {"type": click.Choice(about["choices"])}
        elif kind in (int, float):
            limits = click.IntRange if kind is int else click.FloatRange
            given = {"type": limits(about["least"], about["most"])}
        command = click.option(name, entry.name, default=None, help=shown, **given)(command)
    return command


@click.command()
@click.option(
    "--model",
    type=click.Choice(["locater", "locater-img", "grounding"]),
    default="locater",
    show_default=True,
    help="With or without its memories; or what chooses among several models' predictions (--candidates, --dataset, --init).",
)
@click.option(
    "--preset",
    type=click.Choice(["tiny", "paper", "paper-literal", "released", "rvos"]),
    default="paper",
    show_default=True,
    help="Network and schedule, whose defaults the options below change. tiny: from scratch on one core.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="The dataset's folder: A2D-Sentences, one of `a2dsplus world`, or what another source reads.",
)
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="Instead of --root: a folder of `a2dsplus build`; its source's training split is used.",
)
@click.option("--split", default="train", show_default=True, help="Which of the source's splits.")
@click.option(
    "--validation-split",
    help="Where mIoU, oIoU and silence are measured meanwhile; OUT/best.safetensors is best there.",
)
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
    "--candidates",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A model's predictions for --dataset, for --model grounding to learn from; given twice or more.",
)
@click.option(
    "--vision",
    type=click.Path(path_type=Path),
    help="Start the visual encoder from ImageNet ViT weights (timm's names) or, with --set vision=conv3d, Kinetics I3D weights.",
)
@click.option(
    "--bert",
    type=click.Path(path_type=Path),
    help="Start rvos' language encoder from these BERT-base weights: safetensors, a torch file of tensors alone, or the folder of one.",
)
@click.option(
    "--word-vectors",
    type=click.Path(path_type=Path),
    help="Start the captions' words from these vectors, a word and its numbers a line (GloVe, word2vec's text form); others stay hashed.",
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
@_with_training_options
def command(
    model: str,
    preset: str,
    root: Path | None,
    dataset: Path | None,
    split: str,
    validation_split: str | None,
    out: Path,
    init: Path | None,
    candidates: tuple[Path, ...],
    vision: Path | None,
    bert: Path | None,
    word_vectors: Path | None,
    vocab: Path | None,
    fields: tuple[str, ...],
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
    import torch

    import locater
    from a2dsplus.models.training_data import contrasts
    from a2dsplus.progress import bar, leads
    from locater.training import Clips, TrainOptions, Validation, train
    from locater.training.initial import settle, transfer
    from locater.training.published import load_vectors, load_vision

    if model == "grounding":
        others: dict[str, Any] = {"root": root, "validation_split": validation_split, "vision": vision, "bert": bert}
        others |= {"word_vectors": word_vectors, "vocab": vocab, "set": fields or None, **options}
        _grounding(preset, dataset, init, candidates, split=split, out=out, given=others)
        return
    if candidates:
        raise UsageError("--candidates: are for --model grounding")
    folder = _root(root, dataset)
    if options["contrast_share"] and dataset is None:
        raise UsageError(
            f"--contrast-share needs the pairs of the training split: a2dsplus build --split {split} --subsets M --render none --root {root} --out"
            " train-data, then --dataset train-data instead of --root"
        )
    if options["memories_only"] and init is None:
        raise UsageError("--memories-only needs encoders that are trained: give a checkpoint with --init")
    try:
        settings = TrainOptions.preset(preset, **{name: value for name, value in options.items() if value is not None})
        torch.manual_seed(settings.seed)
        network = _network(model, preset, fields, vocab=vocab, bert=bert, folder=folder, fresh=init is None)
        fresh: list[str] = []
        if init is not None:
            fresh = transfer(locater.checkpoint.load(init, vocab=vocab), network, source=str(init))
        if vision is not None:
            load_vision(network, vision)
        size = network.config.image_size
        examples, store = _opened(folder, split, size=size, every=settings.stride)
        if word_vectors is not None:
            count = load_vectors(network, word_vectors, [example.text for example in examples])
            click.echo(f"{count} words of the captions have vectors in {word_vectors}", err=True)
        compose = None
        if settings.contrast_share:
            assert dataset is not None
            share, count = settings.contrast_share, settings.contrasts
            compose = contrasts(dataset, examples, store, split=split, share=share, count=count, seed=settings.seed)
        validation = None
        if validation_split is not None:
            opened = _opened(folder, validation_split, size=size, every=settings.stride)
            validation = Validation(*opened, queries=settings.validate_queries)
        settle(network, Clips(examples, store, settings, network.config, compose), fresh)
        with bar("training", max(len(examples) // settings.batch, 1) * settings.epochs, unit="steps") as advance:
            final = train(
                network, examples, store, settings, out=out, compose=compose, validation=validation,
                report=_reporter(advance),
            )  # fmt: skip
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error
    if leads():
        best = "" if validation is None else f", the best on {validation_split} is {out / 'best.safetensors'}"
        click.echo(f"{final}{best}; next: a2dsplus baseline --model {model} --checkpoint {final}")


def _opened(folder: Path, split: str, *, size: int, every: int) -> tuple[Any, Any]:
    """Return a split's examples and where their frames are."""
    from a2dsplus.models.training_data import open_training
    from a2dsplus.progress import bar

    with bar(f"reading masks of {split}", 0, unit="videos") as advance:
        return open_training(folder, split=split, size=size, every=every, progress=advance)


def _reporter(advance: Callable[[int], None]) -> Callable[[Any], None]:
    """Return what prints a training's log lines, moves its bar, and warns once of each memory that is dead."""
    done, told = 0, set[str]()

    def report(now: Any) -> None:
        nonlocal done
        advance(now.step - done)
        done = now.step
        click.echo(str(now), err=True)
        for name in set(now.dead) - told:
            told.add(name)
            click.echo(
                f"warning: the {name} memory is dead: all its slots are one vector (spread {now.vitals[name][0]:.1g}), whatever was "
                "written; lower gate_bias, or use --preset paper (docs/training.md)",
                err=True,
            )

    return report


def _grounding(
    preset: str,
    dataset: Path | None,
    init: Path | None,
    candidates: tuple[Path, ...],
    *,
    split: str,
    out: Path,
    given: dict[str, Any],
) -> None:
    """Train what chooses among predictions, looking through the LOCATER of --init."""
    import torch

    import locater
    from a2dsplus.models.candidates import Candidates, train
    from a2dsplus.progress import bar
    from locater.training import TrainOptions
    from locater.training.grounding import OPTIONS

    given = {name: value for name, value in given.items() if value is not None}
    if surplus := sorted(given.keys() - set(OPTIONS)):
        raise UsageError(
            f"--model grounding: takes no --{surplus[0].replace('_', '-')}; its training has {', '.join(OPTIONS)}"
        )
    if dataset is None or init is None:
        raise UsageError(
            "--model grounding: give a dataset of the training split with --dataset, and the LOCATER that it looks through with --init"
        )
    try:
        settings = TrainOptions.preset(preset, **given)
        model = locater.checkpoint.load(init)
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error
    if torch.accelerator.is_available():
        model = model.to(torch.accelerator.current_accelerator())
    train(
        Candidates(dataset, candidates), dataset, model, settings, out=out, split=split, bars=bar,
        report=lambda line: click.echo(line, err=True),
    )  # fmt: skip
    click.echo(
        f"{out}; next, with the same models' predictions for the test split: "
        f"a2dsplus baseline --model grounding --checkpoint {out}{' --candidates FOLDER' * len(candidates)}"
    )


def _network(
    model: str,
    preset: str,
    fields: tuple[str, ...],
    *,
    vocab: Path | None,
    bert: Path | None,
    folder: Path,
    fresh: bool,
) -> Any:
    """Return the network that the options name, drawn, its language encoder from published weights where they are given."""
    import locater
    from a2dsplus.progress import leads
    from a2dsplus.roles.srl.bert_names import find_vocabulary
    from locater.training.published import load_bert

    changes = dict(_field(text) for text in fields)
    if model == "locater-img":
        changes = {"global_slots": 0, "local_slots": 0, **changes}
    config = locater.LocaterConfig.preset(preset, **changes)
    reads = getattr(config, "language", "its own LSTM")
    if bert is not None and reads != "bert":
        raise UsageError(f"--bert: this network reads with {reads}; use --preset rvos, or --set language=bert")
    if vocab is None and reads != "lstm":
        vocab = find_vocabulary("bert-base-uncased", beside=bert or folder / "none")
    network = locater.Locater(config, vocab=vocab)
    if bert is not None:
        load_bert(network, bert)
    elif reads == "bert" and fresh and leads():
        click.echo("note: BERT starts from random weights; --bert FILE gives it published ones", err=True)
    return network


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
