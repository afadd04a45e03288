"""`a2dsplus build`."""

from pathlib import Path
from typing import Literal

import click

from a2dsplus.cli.options import PLACE, at_places, chosen_engine, engine_option, shard_option
from a2dsplus.dataset.workspace import DEFAULT
from a2dsplus.engine import processors
from a2dsplus.errors import UsageError


@click.command()
@click.option(
    "--split",
    default="test",
    show_default=True,
    help="Which split of the source (an unknown one says which there are).",
)
@click.option(
    "--root",
    type=PLACE,
    help="The dataset's folder, for A2D-Sentences the one that holds Release/ and text_annotations/. Without it: a painted sample.",
)
@click.option(
    "--source", "source_name", metavar="NAME", help="Which dataset the folder is, where that is not found out from it."
)
@click.option("--out", type=PLACE, default=DEFAULT, show_default=True, help="Where the dataset goes.")
@click.option(
    "--subsets", default="M,S,T", show_default=True, help="Which of N (the split as it is), M, S and T to make."
)
@click.option(
    "--recipe",
    type=click.Choice(["paper", "strict"]),
    default="paper",
    show_default=True,
    help="paper: query left and ahead, one query a sample. strict, for new results: half of the samples the other way round, and both captions asked where each excludes the other.",
)
@click.option(
    "--kind",
    type=click.Choice(["other", "frozen", "reversed"]),
    default="other",
    show_default=True,
    help="The contrast: another video, or the query's own clip frozen or backwards, where its words speak of motion or direction.",
)
@click.option(
    "--contrasts",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Contrast videos a sample, each a true negative.",
)
@click.option(
    "--srl",
    default="compact",
    show_default=True,
    metavar="NAME|ARCHIVE",
    help="The semantic-role model: compact, srl-bert, or the path of an AllenNLP archive.",
)
@click.option(
    "--full-only", is_flag=True, help="Leave out queries with fewer true negatives than --contrasts asks for."
)
@click.option(
    "--predicates",
    type=click.Choice(["model", "spacy"]),
    default="model",
    show_default=True,
    help="What finds the verbs.",
)
@click.option(
    "--correct", is_flag=True, help="Mend captions with an evident slip (annotations/query_corrections.json)."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the contrast sampling.")
@click.option(
    "--order",
    type=click.Choice(["query-first", "contrast-first", "random", "balanced", "truthful", "both"]),
    default=None,
    help='Which clip stands left (S) and ahead (T); by default the recipe\'s. balanced: a seeded half each. truthful: where the caption\'s "on the right" or "at the end" stays true. both: each pair in both orders.',
)
@click.option(
    "--pairs",
    metavar="NAME|FILE",
    help="Build these pairs: a list that the toolkit ships (a2d-s-test-1), or a file of `a2dsplus review --export`.",
)
@click.option(
    "--render",
    "form",
    type=click.Choice(["video", "frames", "none"]),
    default="video",
    show_default=True,
    help="H.264 mp4, images, or nothing: a2dsplus.Subset composes on the fly.",
)
@click.option(
    "--image",
    type=click.Choice(["jpg", "png"]),
    default="jpg",
    show_default=True,
    help="With --render frames: the format.",
)
@click.option(
    "--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="With --render frames: of JPEG."
)
@engine_option
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=None,
    help="Processes; by default one a core. The result does not depend on it.",
)
@shard_option
@click.option(
    "--only",
    type=click.Choice(["read", "roles", "contrast", "compose", "render"]),
    help="Run one stage alone, on what the ones before it have left.",
)
@click.option(
    "--check-content", is_flag=True, help="Find changed source files by their content, not by size and time (slow)."
)
@click.option("--skip-bad", is_flag=True, help="Go on without videos and queries that cannot be read, and list them.")
@click.option("--database", metavar="URL", help="Where the reviews are, if not in OUT/reviews.sqlite.")
@at_places(read=["root"], write="out")
def command(
    split: str,
    root: Path | None,
    source_name: str | None,
    out: Path,
    subsets: str,
    recipe: Literal["paper", "strict"],
    kind: Literal["other", "frozen", "reversed"],
    contrasts: int,
    full_only: bool,
    srl: str,
    predicates: str,
    correct: bool,
    seed: int,
    order: Literal["query-first", "contrast-first", "random", "balanced", "truthful", "both"] | None,
    pairs: str | None,
    form: Literal["video", "frames", "none"],
    image: Literal["jpg", "png"],
    quality: int,
    engine: str,
    ray_address: str | None,
    workers: int | None,
    shard: str | None,
    only: Literal["read", "roles", "contrast", "compose", "render"] | None,
    check_content: bool,
    skip_bad: bool,
    database: str | None,
) -> None:
    """Construct M, S and T from a dataset's folder.

    \b
    a2dsplus build --split test --root A2D          the benchmark, as mp4 videos
    a2dsplus build --root A2D --render none         its description only; a2dsplus.Subset composes frames when asked
    a2dsplus build                                  the painted sample, to try the toolkit

    Run it again after `a2dsplus review`: accepted pairs are kept, rejected ones replaced by the next candidate, and only what changed
    is made anew. A run that was interrupted goes on where it stopped.
    """
    from a2dsplus.build.options import BuildOptions
    from a2dsplus.build.run import build
    from a2dsplus.build.stats import grades_line, witness_line
    from a2dsplus.compose.render import Rendering
    from a2dsplus.contrast.pairs_file import locate
    from a2dsplus.dataset.shard import Shard
    from a2dsplus.records import SubsetName
    from a2dsplus.sources import find_source
    from a2dsplus.world import paint_world

    names = [name.strip() for name in subsets.split(",") if name.strip()]
    unknown = [name for name in names if name not in list(SubsetName)]
    if unknown or not names:
        raise UsageError(f"--subsets {subsets}: expected some of N,M,S,T")
    own = None if shard is None else Shard.parse(shard)
    if root is None and own is not None:
        raise UsageError(f"--shard {own}: give the dataset's folder with --root")
    if root is None:
        click.echo(
            "no --root given: building the painted sample (give your A2D-Sentences folder with --root)", err=True
        )
        root, source_name = out / "world", "a2d-sentences"
        paint_world(root, splits=(split,), workers=workers or processors())
    source = find_source(root, name=source_name)
    report = build(
        source,
        out,
        only=only,
        shard=own,
        options=BuildOptions(
            split=split,
            subsets=tuple(subset for subset in SubsetName if subset in names),
            srl=srl,
            predicates=predicates,
            correct=correct,
            seed=seed,
            recipe=recipe,
            kind=kind,
            contrasts=contrasts,
            full_only=full_only,
            order=order,
            pairs=None if pairs is None else locate(pairs),
            database=database,
            rendering=Rendering(form=form, image=image, quality=quality),
            engine=chosen_engine(engine, ray_address, workers=workers, folders=[root, out]),
            skip_bad=skip_bad,
            check_content=check_content,
        ),
    )
    for row in report.left_out:
        click.echo(f"left out: {row.item}: {row.reason}", err=True)
    for query_id, reason in report.unpaired.items():
        click.echo(f"no pair: {query_id}: {reason}", err=True)
    if own is not None:
        click.echo(
            f"shard {own}: {', '.join([*report.done, *report.kept])} in {out}; after all shards, the same command without --shard"
        )
        return
    if only is not None:
        click.echo(f"{only}: {'done' if report.done else 'as it was'} in {out}")
        return
    for query_id, reason in report.short.items():
        click.echo(f"fewer contrasts: {query_id}: {reason}", err=True)
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    counts = report.counts
    click.echo(
        f"{counts['queries']} queries of {counts['videos']} videos, {counts['pairs']} pairs (tiers {_tiers(counts['tiers'])})"
    )
    click.echo(grades_line(counts))
    if report.witness:
        click.echo(witness_line(report.witness))
    for subset in SubsetName:
        if subset.value in counts:
            click.echo(f"{subset}: {counts[subset.value]['videos']} videos, {counts[subset.value]['queries']} queries")
    click.echo(f"written to {out}; next: a2dsplus review --dataset {out}")


def _tiers(tiers: dict[str, int]) -> str:
    return ", ".join(f"{tier}: {count}" for tier, count in sorted(tiers.items()))
