"""The workspace's tables as records, both ways: what each stage hands to the next.

queries.parquet  query_id, video_id, instance_id, text, split
clips.parquet    video_id, file (relative to the source's root), frames, height, width, rate ("25/1"), frame_names (list, null = positions),
                 and the fields of `records.Coding` (start as "1/25")
masks.parquet    video_id, frame (1-based), instance_id, height, width, counts (COCO's compressed run lengths)
roles.parquet    query_id, frame (0-based number of the caption's frame), role, slot, phrase, lemma
pairs.parquet    query_id, contrast_query_id, tier, shared, differing, extra, kind, grade, because, doubt, relation, rank, status
<subset>/samples.jsonl
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.media.masks import Rle
from a2dsplus.records import Clip, Coding, Layout, Order, Pair, ParsedCaption, Part, Query, Sample, Subset
from a2dsplus.sources import Annotations

# {query id: [(number of the frame in the caption, label, slot, cleaned phrase, lemmatised phrase), ...]}
RoleRows = dict[str, list[tuple[int, str, str, str, str]]]
_CODING = tuple(field.name for field in fields(Coding))


def write_queries(workspace: Workspace, queries: Iterable[Query]) -> None:
    """Write queries.parquet, in the order given."""
    rows = [(query.query_id, query.video_id, query.instance_id, query.text, query.split) for query in queries]
    workspace.write_table(
        "queries.parquet",
        pd.DataFrame(rows, columns=["query_id", "video_id", "instance_id", "text", "split"], dtype="str"),
    )


def read_queries(workspace: Workspace) -> list[Query]:
    """Return the queries, in the table's order."""
    table = workspace.read_table("queries.parquet")
    columns = zip(table["video_id"], table["instance_id"], table["text"], table["split"], strict=True)
    return [
        Query(video_id=video, instance_id=instance, text=text, split=split) for video, instance, text, split in columns
    ]


def write_clips(workspace: Workspace, clips: Iterable[Clip], *, root: Path) -> None:
    """Write clips.parquet, paths relative to the source's root."""
    rows = [
        {
            "video_id": clip.video_id,
            "file": clip.path.relative_to(root).as_posix(),
            "frames": clip.frames,
            "height": clip.height,
            "width": clip.width,
            "rate": _ratio(clip.rate),
            "frame_names": None if clip.frame_names is None else list(clip.frame_names),
            **{name: getattr(clip.coding, name) for name in _CODING},
            "start": _ratio(clip.coding.start),
        }
        for clip in clips
    ]
    columns = ["video_id", "file", "frames", "height", "width", "rate", "frame_names", *_CODING]
    workspace.write_table("clips.parquet", pd.DataFrame(rows, columns=columns))


def read_clips(workspace: Workspace, *, root: Path | None = None) -> dict[str, Clip]:
    """Return {video id: clip}, the paths below `root` (by default, the source's folder that the dataset was built from).

    A table of before the columns of `Coding` gives its defaults.
    """
    base = root if root is not None else source_root(workspace)
    clips = {}
    for row in workspace.read_table("clips.parquet").to_dict("records"):
        coding = {name: row[name] for name in _CODING if name in row}
        if "start" in coding:
            coding["start"] = Fraction(coding["start"])
        names = row.get("frame_names")
        clips[row["video_id"]] = Clip(
            video_id=row["video_id"],
            path=base / row["file"],
            frames=int(row["frames"]),
            height=int(row["height"]),
            width=int(row["width"]),
            rate=Fraction(row["rate"]),
            frame_names=None if names is None else tuple(names),
            coding=Coding(**coding),
        )
    return clips


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def write_source_root(workspace: Workspace, root: Path) -> None:
    """Remember where the source lies on this machine (no part of the dataset)."""
    workspace.write_json(".a2dsplus/source.json", {"root": str(root.resolve())})


def source_root(workspace: Workspace) -> Path:
    """Return the source's folder; raises WorkspaceError where it has moved."""
    try:
        root = Path(workspace.read_json(".a2dsplus/source.json")["root"])
    except (KeyError, TypeError, WorkspaceError):
        raise WorkspaceError(
            f"{workspace.root}: does not know where its source clips are; run `a2dsplus build --root DIR --out {workspace.root}` once"
        ) from None
    if not root.is_dir():
        raise WorkspaceError(
            f"{root}: the source clips of {workspace.root} are not there any more; run `a2dsplus build` with the new --root"
        )
    return root


def write_annotations(workspace: Workspace, annotations: Mapping[str, Annotations]) -> None:
    """Write masks.parquet from {video id: {frame: {instance id: mask}}}."""
    rows = [
        (video, frame, instance, rle["size"][0], rle["size"][1], rle["counts"])
        for video, frames in annotations.items()
        for frame, instances in frames.items()
        for instance, rle in instances.items()
    ]
    workspace.write_table(
        "masks.parquet", pd.DataFrame(rows, columns=["video_id", "frame", "instance_id", "height", "width", "counts"])
    )


def read_annotations(workspace: Workspace) -> dict[str, dict[int, dict[str, Rle]]]:
    """Return {video id: {frame: {instance id: mask}}}."""
    table = workspace.read_table("masks.parquet")
    found: dict[str, dict[int, dict[str, Rle]]] = {}
    columns = zip(
        table["video_id"],
        table["frame"],
        table["instance_id"],
        table["height"],
        table["width"],
        table["counts"],
        strict=True,
    )
    for video, frame, instance, height, width, counts in columns:
        rle = Rle(size=[int(height), int(width)], counts=counts)
        found.setdefault(video, {}).setdefault(int(frame), {})[instance] = rle
    return found


def write_roles(workspace: Workspace, parsed: Mapping[str, ParsedCaption]) -> None:
    """Write roles.parquet from {query id: parsed caption}."""
    rows = [
        (query_id, number, role.role, role.slot.value, role.phrase, role.lemma)
        for query_id, caption in parsed.items()
        for number, frame in enumerate(caption.frames)
        for role in frame.roles
    ]
    workspace.write_table(
        "roles.parquet", pd.DataFrame(rows, columns=["query_id", "frame", "role", "slot", "phrase", "lemma"])
    )


def read_roles(workspace: Workspace) -> RoleRows:
    """Return each query's roles; a query whose caption gave none is absent."""
    table = workspace.read_table("roles.parquet")
    found: RoleRows = {}
    columns = zip(
        table["query_id"], table["frame"], table["role"], table["slot"], table["phrase"], table["lemma"], strict=True
    )
    for query_id, number, role, slot, phrase, lemma in columns:
        found.setdefault(query_id, []).append((int(number), role, slot, phrase, lemma))
    return found


# columns of pairs.parquet in their order; those that a dataset of an older version lacks, with what they are read as
PAIR_COLUMNS = tuple(field.name for field in dataclasses.fields(Pair) if field.name not in ("rank", "status"))
PAIR_COLUMNS += ("rank", "status")
_ADDED_TO_PAIRS = {
    field.name: field.default
    for field in dataclasses.fields(Pair)
    if field.name in ("extra", "kind", "grade", "because", "doubt", "relation")
}
_SLOT_LISTS = ("shared", "differing", "extra")


def write_pairs(workspace: Workspace, pairs: Iterable[Pair]) -> None:
    """Write pairs.parquet; `shared`, `differing` and `extra` are lists of slots, `tier` is null where there is none."""
    rows = list(pairs)
    columns = {name: [getattr(pair, name) for pair in rows] for name in PAIR_COLUMNS}
    for name in _SLOT_LISTS:
        columns[name] = [list(slots) for slots in columns[name]]
    types = {"tier": "Int64", "doubt": "float64", "rank": "int64"}
    workspace.write_table("pairs.parquet", pd.DataFrame(columns).astype(types))


def read_pairs(workspace: Workspace) -> list[Pair]:
    """Return the pairs, those in use (rank 0) and the alternatives; a column that an older version did not write has its default."""
    table = workspace.read_table("pairs.parquet")
    length = len(table)
    columns: dict[str, list[Any]] = {
        name: table[name].tolist() if name in table or name not in _ADDED_TO_PAIRS else [_ADDED_TO_PAIRS[name]] * length
        for name in PAIR_COLUMNS
    }
    for name in _SLOT_LISTS:
        columns[name] = [tuple(slots) for slots in columns[name]]
    columns["tier"] = [None if pd.isna(tier) else int(tier) for tier in columns["tier"]]
    return [Pair(**dict(zip(PAIR_COLUMNS, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def write_samples(workspace: Workspace, subset: Subset, samples: Iterable[Sample]) -> None:
    """Write a subset's samples.jsonl, one sample a line."""
    lines = [json.dumps(_sample_row(sample), sort_keys=True, ensure_ascii=False) for sample in samples]
    workspace.write_text(f"{subset}/samples.jsonl", "".join(line + "\n" for line in lines))


def read_samples(workspace: Workspace, subset: Subset) -> list[Sample]:
    """Return a subset's samples, in the file's order."""
    samples = []
    for number, row in enumerate(workspace.read_lines(f"{subset}/samples.jsonl"), 1):
        try:
            samples.append(_sample(row))
        except (KeyError, TypeError, ValueError) as error:
            where = f"{workspace.path(subset, 'samples.jsonl')}, line {number}"
            raise WorkspaceError(f"{where}: not a sample ({error!r}); run `a2dsplus build` again") from error
    return samples


_PART_FIELDS = ("query_id", "video_id", "instance_id", "text", "frames", "height", "width")


def _part_row(part: Part | None) -> dict[str, Any] | None:
    return None if part is None else {name: getattr(part, name) for name in _PART_FIELDS}


def _sample_row(sample: Sample) -> dict[str, Any]:
    return {
        "sample_id": sample.sample_id,
        "subset": sample.subset.value,
        "layout": sample.layout.value,
        "order": sample.order.value,
        "height": sample.height,
        "width": sample.width,
        "frames": sample.frames,
        "video_id": sample.video_id,
        "queries": list(sample.queries),
        "query": _part_row(sample.query),
        "contrast": _part_row(sample.contrast),
        "evaluated_frames": list(sample.evaluated_frames),
        "shared": list(sample.shared),
        "differing": list(sample.differing),
        "tier": sample.tier,
    }


def _sample(row: dict[str, Any]) -> Sample:
    return Sample(
        sample_id=row["sample_id"],
        subset=Subset(row["subset"]),
        layout=Layout(row["layout"]),
        order=Order(row["order"]),
        height=row["height"],
        width=row["width"],
        frames=row["frames"],
        video_id=row["video_id"],
        queries=tuple(row["queries"]),
        query=None if row["query"] is None else Part(**row["query"]),
        contrast=None if row["contrast"] is None else Part(**row["contrast"]),
        evaluated_frames=tuple(row["evaluated_frames"]),
        shared=tuple(row["shared"]),
        differing=tuple(row["differing"]),
        tier=row["tier"],
    )
