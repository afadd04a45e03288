"""One process of a training, for torchrun: python -m tests.locater.training_process OUT [--kill STEP] [--damaged]."""

import dataclasses
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from a2dsplus.cli import run
from a2dsplus.errors import ModelError
from locater import LocaterError
from locater.training import Example, FrameStore, train
from locater.training.progress import Progress
from tests.locater.test_training import COUNT, OPTIONS, SIZE, examples, fresh, paint, store

SHARED = dataclasses.replace(OPTIONS, epochs=3, accumulate=2)


def uneven() -> list[Example]:
    """Return examples of which every other one has a single labelled frame."""
    return [dataclasses.replace(e, labelled=(0,)) if i % 2 else e for i, e in enumerate(examples())]


def damaged() -> FrameStore:
    """Return frames that are read at each use, of videos that end early for the second process alone."""

    def cut(video: str, numbers: Sequence[int]) -> list[np.ndarray]:
        return paint(video, numbers)[: 1 if os.environ["RANK"] == "1" else COUNT]

    return FrameStore(cut, dict.fromkeys("0123", COUNT), size=SIZE, every=4, labelled={})


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--kill", type=int, help="The step whose report kills the process.")
@click.option("--damaged", "ends_early", is_flag=True)
def command(out: Path, kill: int | None, ends_early: bool) -> None:
    """Train, with the errors told as `a2dsplus` tells them."""

    def report(progress: Progress) -> None:
        click.echo(f"step {progress.step} loss {progress.loss:.6f}")
        if progress.step == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        options = dataclasses.replace(SHARED, cache_gb=0) if ends_early else SHARED  # 0: each process reads for itself
        train(fresh(), uneven(), damaged() if ends_early else store(), options, out=out, report=report)
    except LocaterError as error:
        raise ModelError(str(error)) from error


if __name__ == "__main__":
    run(command)
