"""`a2dsplus world`: paint the procedural sample as an A2D-Sentences folder."""

from pathlib import Path

import click
from tqdm import tqdm


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
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes; by default one a processor. They change no byte.",
)
def command(out: Path, seed: int, split: str, test_videos: int, train_videos: int, workers: int | None) -> None:
    """Paint the procedural sample as an A2D-Sentences folder.

    Drawn actors move through drawn scenes, with masks and captions, in the layout of A2D-Sentences: give the folder to `build --root`.
    A third of the videos have two look-alikes that differ only later; procedural.json lists their queries. A complete world that is
    already there is left as it is.
    """
    from a2dsplus.sources.procedural import paint_world

    with tqdm(desc="painting", unit="video", leave=False) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        paint_world(
            out,
            seed=seed,
            workers=workers,
            splits=("test", "train") if split == "all" else (split,),
            progress=advance,
            test_videos=test_videos,
            train_videos=train_videos,
        )
    click.echo(f"{out}: painted; build from it with: a2dsplus build --root {out}")
