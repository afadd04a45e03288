"""`a2dsplus baseline`."""

from collections.abc import Callable
from pathlib import Path

import click

from a2dsplus.cli.options import PLACE, at_places, chosen_engine, engine_option, shard_option
from a2dsplus.dataset.workspace import DEFAULT
from a2dsplus.errors import UsageError


@click.command()
@click.option(
    "--model",
    required=True,
    metavar="NAME",
    help="A registered model (`--models` lists them) or module:Class.",
)
@click.option(
    "--models",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *given: _list_models(*given),
    help="List the registered models and stop.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="The model's weights, a file or a folder. Without them locater is the small one that ships with the package, trained on painted videos.",
)
@click.option(
    "--detector", type=click.Path(path_type=Path), help="A COCO detector, ONNX, TFLite or TorchScript, for `named`."
)
@click.option(
    "--segmenter",
    type=click.Path(path_type=Path),
    help="A second network that turns boxes into masks (docs/models.md).",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="The score below which a model is silent.  [default: the model's own]",
)
@click.option(
    "--batch", type=click.IntRange(1), help="Frames that go through a network together.  [default: the model's own]"
)
@click.option(
    "--candidates",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A model's predictions for this dataset, for `grounding` to choose from; given twice or more.",
)
@click.option(
    "--scales",
    metavar="LIST",
    help="Sizes to look at and average, such as 0.5,1,1.5, or rvos for the six of the challenge (locater).",
)
@click.option("--flip", is_flag=True, default=None, help="Look at the mirrored video as well and average (locater).")
@click.option("--dataset", type=PLACE, default=DEFAULT, show_default=True, help="A folder made by `a2dsplus build`.")
@click.option("--root", type=PLACE, help="Where the source clips are, if they moved since the build.")
@click.option("--out", type=PLACE, help="Where the predictions go.  [default: predictions-NAME]")
@click.option("--subsets", default=None, help="Which subsets, such as M,S. By default all that the dataset has.")
@engine_option
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes, each with its model.  [default: one a device]"
)
@click.option(
    "--device",
    default=None,
    help="cpu, cuda, or several such as cuda:0,cuda:1; samples are shared out among them.  [default: all GPUs, or cpu]",
)
@shard_option
@click.option("--no-score", is_flag=True, help="Write the predictions only.")
@at_places(read=["dataset", "root"], write="out")
def command(
    model: str,
    checkpoint: Path | None,
    detector: Path | None,
    segmenter: Path | None,
    threshold: float | None,
    batch: int | None,
    candidates: tuple[Path, ...],
    scales: str | None,
    flip: bool | None,
    dataset: Path,
    root: Path | None,
    out: Path | None,
    subsets: str | None,
    engine: str,
    ray_address: str | None,
    workers: int | None,
    device: str | None,
    shard: str | None,
    no_score: bool,
) -> None:
    """Run a model over M, S and T, write its predictions, and score them.

    \b
    a2dsplus baseline --model locater            the reference model, small, on a2dsplus-data
    a2dsplus baseline --model my_package:MyModel any class with segment(video, text)

    A run that was interrupted goes on where it stopped; subsets that are done are not run again.
    """
    from a2dsplus.dataset.shard import Shard
    from a2dsplus.models import find
    from a2dsplus.models.run import Run, predict
    from a2dsplus.progress import bar

    names = None if subsets is None else [name.strip() for name in subsets.split(",") if name.strip()]
    if names is not None and not names:
        raise UsageError("--subsets: expected names such as M,S")
    remark = getattr(find(model), "remark", None)
    devices = _devices(device)
    gpus = 0
    if engine != "local":  # another engine shows each of its workers an accelerator of its own
        gpus = int(devices[0] != "cpu")
        devices = (devices[0].partition(":")[0],)
    folder = out or Path(f"predictions-{model.replace(':', '.')}")
    run = Run(
        model=model,
        checkpoint=checkpoint,
        dataset=dataset,
        devices=devices,
        engine=chosen_engine(
            engine,
            ray_address,
            workers=workers or (len(devices) if engine == "local" else None),
            folders=[dataset, root, checkpoint, detector, segmenter],
            gpus=gpus,
        ),
        root=root,
        options={
            "detector": detector,
            "segmenter": segmenter,
            "threshold": threshold,
            "batch": batch,
            "candidates": candidates or None,
            "scales": _scales(scales),
            "flip": flip or None,
        },
    )
    own = None if shard is None else Shard.parse(shard)
    done = predict(run, folder, subsets=names, shard=own, bars=bar)
    if own is not None:
        click.echo(
            f"shard {own} of {', '.join(done)} in {folder}; after all shards, the same command without --shard",
            err=True,
        )
        return
    if remark is not None:
        _say(remark, dataset)
    click.echo(f"predictions of {model} for {', '.join(done)} in {folder}", err=True)
    if no_score:
        return
    from a2dsplus.score.evaluation import evaluate
    from a2dsplus.score.report.text import render_text

    click.echo(render_text(evaluate(folder, dataset, subsets=done)), nl=False)


def _say(remark: Callable[[list[str]], str | None], dataset: Path) -> None:
    """Print what a model has to say of a dataset's captions as a whole."""
    from a2dsplus.dataset.tables import read_queries
    from a2dsplus.dataset.workspace import Workspace

    line = remark([query.text for query in read_queries(Workspace.open(dataset))])
    if line:
        click.echo(line, err=True)


def _list_models(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from a2dsplus.models import MODELS, find

        for name in MODELS.places():
            about = (find(name).__doc__ or "").strip().splitlines() or [""]
            click.echo(f"{name:18}{about[0]}")
        context.exit()


def _scales(asked: str | None) -> list[float] | None:
    if asked is None:
        return None
    if asked == "rvos":
        from locater.inference import SCALES

        return list(SCALES)
    try:
        scales = [float(part) for part in asked.split(",")]
    except ValueError:
        scales = []
    if not scales or not all(0 < scale <= 8 for scale in scales):
        raise UsageError(f"--scales {asked}: expected rvos, or numbers above 0 such as 0.5,1,1.5")
    return scales


def _devices(asked: str | None) -> tuple[str, ...]:
    if asked is not None:
        devices = tuple(name.strip() for name in asked.split(",") if name.strip())
        wrong = [name for name in devices if name != "cpu" and name.partition(":")[0] not in ("cuda", "mps", "xpu")]
        if wrong or not devices:
            raise UsageError(f"--device {asked}: expected cpu, cuda, or a list such as cuda:0,cuda:1")
        return devices
    import torch

    count = torch.cuda.device_count()
    return tuple(f"cuda:{index}" for index in range(count)) or ("cpu",)
