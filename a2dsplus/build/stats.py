"""A dataset in numbers: Table 2 of the paper beside ours, what the guard removed, how far the review is."""

from dataclasses import dataclass
from typing import Any, get_args

from a2dsplus.dataset import samples_file, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.records import Relation, Sample, SubsetName

# Table 2 of the paper: videos, queries, objects a video
PAPER = {"A2D-S test": (737, 1295, 1.76), "M": (257, 856, 3.33), "S": (1290, 1295, 5.02), "T": (1293, 1295, 5.13)}
WHY_M_DIFFERS = (
    "M: the paper's Table 2 says 257 videos. The public annotations have 298 test videos with two or more described objects, and these have"
    " exactly the paper's 856 queries, 2.87 objects a video; 856 / 257 would be the paper's 3.33. 737 - 298 = 439 single-object"
    " videos, where the paper's text says 459 of 757. S and T count a described object once for each clip it is seen in."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of Table 2. `objects` is the mean number of described objects a video, None where the subset is not built."""

    name: str
    videos: int
    queries: int
    objects: float | None
    paper: tuple[int, int, float] | None


def table_2(workspace: Workspace) -> list[Row]:
    """Return Table 2 for a dataset, with the paper's figures beside it where the dataset is A2D-S test."""
    queries = tables.read_queries(workspace)
    described: dict[str, int] = {}
    for query in queries:
        described[query.video_id] = described.get(query.video_id, 0) + 1
    manifest = workspace.manifest(needs=("split",))
    is_a2d_test = len(queries) == PAPER["A2D-S test"][1] and len(described) == PAPER["A2D-S test"][0]
    name = "A2D-S test" if is_a2d_test else f"source, {manifest['split']}" if manifest else "source"
    rows = [_row(name, len(described), len(queries), len(queries), "A2D-S test" if is_a2d_test else None)]
    for subset in SubsetName:
        if not workspace.path(subset, "samples.jsonl").exists():
            continue
        workspace.check_unchanged(f"{subset}/{samples_file.NAME}")
        samples = list(samples_file.read(workspace.path(subset, samples_file.NAME)))
        unknown = [part for sample in samples for part in _videos(sample) if part not in described]
        if unknown:
            raise WorkspaceError(
                f"{workspace.path(subset, samples_file.NAME)}: names the video {unknown[0]}, of which queries.parquet has no query; run"
                " `a2dsplus build` again"
            )
        objects = sum(described[video] for sample in samples for video in _videos(sample))
        asked = sum(len(sample.asked) for sample in samples)
        rows.append(_row(subset.value, len(samples), asked, objects, subset.value if is_a2d_test else None))
    return rows


def _videos(sample: Sample) -> list[str]:
    return [sample.video_id, *(part.video_id for part in sample.contrasts)]


def _row(name: str, videos: int, queries: int, objects: int, paper: str | None) -> Row:
    return Row(
        name=name,
        videos=videos,
        queries=queries,
        objects=objects / videos if videos else None,
        paper=PAPER[paper] if paper else None,
    )


def summary(workspace: Workspace, *, database: str | None = None) -> dict[str, Any]:
    """Return everything that `a2dsplus stats --json` prints; raises WorkspaceError for an unfinished dataset."""
    manifest = workspace.manifest(needs=("counts", "guard", "unpaired", "left_out", "srl", "source"))
    if manifest is None:
        raise WorkspaceError(
            f"{workspace.path('manifest.json')}: missing, the build has not been finished; run `a2dsplus build` again"
        )
    found: dict[str, Any] = {
        "table_2": [
            {"name": row.name, "videos": row.videos, "queries": row.queries, "objects": row.objects, "paper": row.paper}
            for row in table_2(workspace)
        ],
        "counts": manifest["counts"],
        "guard": manifest["guard"],
        "witness": manifest.get("witness", {}),
        "unpaired": manifest["unpaired"],
        "left_out": manifest["left_out"],
        "srl": manifest["srl"],
    }
    if database is not None or workspace.path("reviews.sqlite").exists():
        from a2dsplus.review.summary import summary as review_summary

        found["review"] = review_summary(
            workspace.root, database=database, dataset=str(manifest["source"]["fingerprint"])
        )
    return found


def grades_line(counts: dict[str, Any]) -> str:
    """Return how many pairs in use are excluded, and what they have in common, of a manifest's counts."""
    grades, relations, pairs = counts["grades"], counts["relations"], counts["pairs"]
    shares = ", ".join(
        f"{name}: {relations.get(name, 0):,} ({relations.get(name, 0) / max(pairs, 1):.0%})"
        for name in get_args(Relation)
    )
    return (
        f"contrast: {grades.get('excluded', 0):,} of {pairs:,} excluded, {grades.get('undecided', 0):,} undecided;"
        f" the same {shares}"
    )


def witness_line(witness: dict[str, int]) -> str:
    """Return how many pairs the source's labels made undecided and excluded, of a manifest's counts."""
    return (
        f"labels: {witness['undecided']:,} of these pairs are undecided, since somebody is to be seen whom no caption names;"
        f" {witness['excluded']:,} are excluded, since nobody of the query's class is"
    )
