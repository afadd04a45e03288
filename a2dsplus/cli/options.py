"""Options that several commands share, so that their names, defaults and help are one."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from a2dsplus.dataset.workspace import DEFAULT
from a2dsplus.errors import UsageError

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


class Place(click.ParamType):  # type: ignore[type-arg]  # older versions of click take none
    """A path, given as a Path, or a URL, given as text; `at_places` turns both into local paths."""

    name = "path or URL"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> Path | str:
        """Return the place."""
        from a2dsplus.urls import is_url

        return value if is_url(value) else Path(value)


PLACE = Place()


def at_places(
    *, read: Sequence[str] = (), write: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command local paths for those of its arguments that may be URLs: what is read is fetched before, what is written put back after."""

    def around(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(**given: Any) -> Any:
            from a2dsplus.urls import fetched, is_url, written

            for name in read:
                value = given[name]
                if value is not None:
                    given[name] = tuple(map(fetched, value)) if isinstance(value, tuple) else fetched(value)
            place: Any = given[write] if write else None
            if write is None or not is_url(place):
                return command(**given)
            if given.get("shard") is not None:
                raise UsageError(
                    f"--shard: {place} has no locks to keep shards apart; give --{write} a folder on a file system"
                )
            with written(place) as given[write]:
                result = command(**given)
            click.echo(f"put to {place}", err=True)
            return result

        return call

    return around
