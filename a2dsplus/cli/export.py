"""`a2dsplus export`."""

from pathlib import Path

import click

from a2dsplus.cli.options import dataset_option


@click.command()
@dataset_option
@click.option("--subset", type=click.Choice(["M", "S", "T"]), required=True, help="Which subset.")
@click.option(
    "--layout",
    type=click.Choice(["a2d", "refer-ytvos"]),
    required=True,
    help="a2d: an A2D-Sentences folder. refer-ytvos: JPEGImages, meta_expressions.json, Annotations.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
def command(dataset: Path, subset: str, layout: str, out: Path) -> None:
    """Lay a subset out as other tools of the field read it.

    \b
    a2dsplus export --subset S --layout a2d --out S-as-A2D            for the loaders of MTTR, ReferFormer and their kin
    a2dsplus export --subset T --layout refer-ytvos --out T-as-YTVOS  for those of Refer-YouTube-VOS

    ground_truth.json of every subset is COCO already, and samples' predictions are scored by `a2dsplus score`.
    """
    from a2dsplus.dataset.samples_file import NAME, read
    from a2dsplus.dataset.workspace import Workspace
    from a2dsplus.export import LAYOUTS, export
    from a2dsplus.progress import bar
    from a2dsplus.records import SubsetName

    samples = list(read(Workspace.open(dataset).path(subset, NAME)))
    with bar("exporting", len(samples), unit="samples") as advance:
        export(dataset, out, layout=layout, subset=SubsetName(subset), progress=advance)
    click.echo(f"{len(samples)} samples of {subset} in {out}: {LAYOUTS[layout][1]}")
