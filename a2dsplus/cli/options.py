"""Options that several commands share, so that their names, defaults and help are one."""

from pathlib import Path

import click

from a2dsplus.dataset.workspace import DEFAULT

dataset_option = click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    default=DEFAULT,
    show_default=True,
    help="A folder made by `a2dsplus build`.",
)
