"""Options that several commands share, so that their names, defaults and help are one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from a2dsplus.dataset.workspace import DEFAULT

if TYPE_CHECKING:
    from a2dsplus.engine import Engine

dataset_option = click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    default=DEFAULT,
    show_default=True,
    help="A folder made by `a2dsplus build`.",
)


def engine_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --engine and --ray-address to a command, which is given `engine` and `ray_address`; `chosen_engine` makes the engine of them."""
    add_address = click.option(
        "--ray-address",
        metavar="ADDRESS",
        help="With --engine ray: the cluster that runs, such as auto or ray://head:10001.  [default: RAY_ADDRESS, or one of this machine]",
    )
    add_engine = click.option(
        "--engine",
        default="local",
        show_default=True,
        metavar="NAME",
        help="What runs the work: local (processes of this machine), ray, or another package's. The result does not depend on it.",
    )
    return add_engine(add_address(command))


def chosen_engine(
    engine: str, ray_address: str | None, *, workers: int | None, folders: Sequence[Path | None] = (), gpus: int = 0
) -> "Engine":
    """Return the engine that was asked for. `folders`: what all its workers have to see; `gpus`: accelerators a worker.

    Raises UsageError for an unknown name or a cluster that does not answer.
    """
    from a2dsplus.engine import make_engine

    there = [folder for folder in folders if folder is not None and folder.exists()]
    return make_engine(engine, workers=workers, address=ray_address, folders=there, gpus=gpus)


shard_option = click.option(
    "--shard",
    metavar="I/N",
    help="Do the I-th of N shares and stop, beside the others on a shared file system; the same command without it completes and checks.",
)
