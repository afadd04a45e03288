"""`a2dsplus export`."""

from pathlib import Path

import click

from a2dsplus.cli.options import dataset_option

LAYOUTS = ("a2d", "refer-ytvos", "mevis", "locater", "hf", "codabench")


@click.command()
@dataset_option
@click.option(
    "--subset", "--subsets", default=None, help="Which subset, or several such as M,S. By default all there are."
)
@click.option(
    "--layout",
    required=True,
    metavar="NAME",
    help=f"{', '.join(LAYOUTS)}, another package's, or module:name.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
@click.option(
    "--videos-per-split",
    type=click.IntRange(1, 100_000),
    help="refer-ytvos: roots of so many videos each, the last filled up; most code wants 202.",
)
@click.option(
    "--from-zero", is_flag=True, help="refer-ytvos: frames are called 00000, 00001, ...; `score` maps them back."
)
@click.option(
    "--train", is_flag=True, help="refer-ytvos, mevis: as their train split has it, with the masks that training reads."
)
def command(
    dataset: Path,
    subset: str | None,
    layout: str,
    out: Path,
    videos_per_split: int | None,
    from_zero: bool,
    train: bool,
) -> None:
    """Lay a dataset out as other tools of the field read it.

    \b
    a2dsplus export --layout a2d --subset S --out S-as-A2D            the loaders of MTTR, ReferFormer and their kin
    a2dsplus export --layout refer-ytvos --subset T --videos-per-split 202 --out T-as-YTVOS
    a2dsplus export --layout hf --out S-as-HF                         Hugging Face `datasets`
    a2dsplus export --layout codabench --out bundle                   a benchmark to upload, scored by `a2dsplus score`

    Their predictions go to `a2dsplus score` as they are.
    """
    from a2dsplus.export import export
    from a2dsplus.progress import bar

    options: dict[str, int | bool] = {}
    if videos_per_split is not None:
        options["videos_per_split"] = videos_per_split
    if from_zero:
        options["from_zero"] = True
    if train:
        options["train"] = True
    subsets = None if subset is None else [name.strip() for name in subset.split(",") if name.strip()]
    for line in export(dataset, out, layout=layout, subsets=subsets, options=options, bars=bar):
        click.echo(line)
