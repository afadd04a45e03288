"""`a2dsplus world`: paint the procedural sample as an A2D-Sentences folder."""

from pathlib import Path

import click


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to make.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed paints another world."
)
@click.option(
    "--split",
    type=click.Choice(["test", "train", "all"]),
    default="all",
    show_default=True,
    help="Which videos to paint.",
)
@click.option("--test-videos", type=click.IntRange(min=1), default=32, show_default=True, help="Number of test videos.")
@click.option(
    "--train-videos", type=click.IntRange(min=1), default=128, show_default=True, help="Number of training videos."
)
@click.option(
    "--swap-sides",
    is_flag=True,
    help="Look-alikes go where the other stood, once they differ: place then tells nothing of who is who.",
)
@click.option(
    "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Also draw a contact sheet (.png, .jpg, .pdf)."
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes; by default one a processor. They change no byte.",
)
def command(
    out: Path,
    seed: int,
    split: str,
    test_videos: int,
    train_videos: int,
    swap_sides: bool,
    figure: Path | None,
    workers: int | None,
) -> None:
    """Paint the procedural sample as an A2D-Sentences folder.

    Drawn actors move through drawn scenes, with masks and captions, in the layout of A2D-Sentences: give the folder to `build --root`.
    A third of the videos have two look-alikes that differ only later; procedural.json lists their queries. A complete world that is
    already there is left as it is.
    """
    from a2dsplus.media.sheet import check_suffix
    from a2dsplus.progress import bar
    from a2dsplus.world import paint_world
    from a2dsplus.world.sheet import draw

    if figure:
        check_suffix(figure)
    counts = {"test": test_videos, "train": train_videos}
    splits = tuple(counts) if split == "all" else (split,)
    with bar("painting", sum(counts[name] for name in splits), unit="videos") as advance:
        paint_world(
            out,
            seed=seed,
            workers=workers,
            splits=splits,
            progress=advance,
            test_videos=test_videos,
            train_videos=train_videos,
            swap_sides=swap_sides,
        )
    click.echo(f"{out}: painted; build from it with: a2dsplus build --root {out}")
    if figure:
        draw(out, figure)
        click.echo(f"{figure}: contact sheet")
