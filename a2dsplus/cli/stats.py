"""`a2dsplus stats`."""

import json
from pathlib import Path
from typing import Any

import click

from a2dsplus.cli.options import dataset_option


@click.command()
@dataset_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path),
    help="Draw a contact sheet: example composites with masks and captions (.png, .jpg, .pdf).",
)
@click.option(
    "--rows", type=click.IntRange(1, 20), default=2, show_default=True, help="With --figure: samples of each subset."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="With --figure: which samples.")
@click.option("--database", metavar="URL", help="Where the reviews are, if not in DATASET/reviews.sqlite.")
def command(dataset: Path, as_json: bool, figure: Path | None, rows: int, seed: int, database: str | None) -> None:
    """Print Table 2 of the paper beside this dataset, and how its pairs came about.

    The guard's lines count candidate captions, over all queries, of large datasets the first 500,000: those kept, and those removed because a
    caption of their video makes the query true as well (the composite would hold two right answers).
    """
    from a2dsplus.build.stats import WHY_M_DIFFERS, summary
    from a2dsplus.dataset.workspace import Workspace

    workspace = Workspace.open(dataset)
    found = summary(workspace, database=database)
    if figure is not None:
        from a2dsplus.build.contact_sheet import draw

        draw(workspace, figure, rows=rows, seed=seed)
    if as_json:
        click.echo(json.dumps(found, sort_keys=True))
        return
    _print_table(found["table_2"])
    if any(row["paper"] for row in found["table_2"]):
        click.echo(f"\n{WHY_M_DIFFERS}")
    _print_pairs(found)
    if "review" in found:
        click.echo("\nreview")
        _print_tree(found["review"], "  ")
    if figure is not None:
        click.echo(f"\ncontact sheet: {figure}")


def _print_table(rows: list[dict[str, Any]]) -> None:
    paper = any(row["paper"] for row in rows)
    click.echo(
        f"{'':14}{'videos':>8}{'queries':>9}{'objects/video':>15}"
        + ("   paper: videos  queries  objects/video" if paper else "")
    )
    for row in rows:
        objects = "" if row["objects"] is None else f"{row['objects']:.2f}"
        line = f"{row['name']:14}{row['videos']:>8,}{row['queries']:>9,}{objects:>15}"
        if row["paper"]:
            videos, queries, paper_objects = row["paper"]
            line += f"{videos:>16,}{queries:>9,}{paper_objects:>15.2f}"
        click.echo(line)


def _print_pairs(found: dict[str, Any]) -> None:
    counts = found["counts"]
    tiers = ", ".join(
        f"tier {tier}: {count} ({count / max(counts['pairs'], 1):.0%})"
        for tier, count in sorted(counts["tiers"].items())
    )
    click.echo(f"\npairs: {counts['pairs']:,} of {counts['queries']:,} queries; {tiers}")
    if "grades" in counts:
        from a2dsplus.build.stats import grades_line, witness_line

        click.echo(grades_line(counts))
        if found["witness"]:
            click.echo(witness_line(found["witness"]))
    for query_id, reason in list(found["unpaired"].items())[:10]:
        click.echo(f"  no pair: {query_id}: {reason}")
    if len(found["unpaired"]) > 10:
        click.echo(f"  and {len(found['unpaired']) - 10} more without a pair (manifest.json lists them)")
    click.echo(
        f"captions that speak of position (flagged in review; see --order truthful): {counts['position_words']:,}"
    )
    removed = {reason: count for reason, count in found["guard"].items() if reason != "kept"}
    click.echo(f"guard: of {sum(found['guard'].values()):,} candidate captions it removed {sum(removed.values()):,}")
    for reason, count in sorted(removed.items(), key=lambda row: -row[1]):
        click.echo(f"  {count:>8,}  {reason}")
    click.echo(f"roles by {found['srl']['name']} ({found['srl']['sha256'][:12]})")
    if found["left_out"]:
        click.echo(f"left out of the source: {len(found['left_out'])} (manifest.json lists them)")


def _print_tree(value: dict[str, Any], indent: str) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict):
            click.echo(f"{indent}{name}")
            _print_tree(inner, indent + "  ")
        else:
            click.echo(f"{indent}{name}: {inner:.3g}" if isinstance(inner, float) else f"{indent}{name}: {inner}")
