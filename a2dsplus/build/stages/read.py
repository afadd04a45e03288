"""The first stage: queries.parquet, clips.parquet and masks.parquet from a source."""

from dataclasses import replace
from typing import Any

from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import digest
from a2dsplus.progress import Bars
from a2dsplus.records import Query
from a2dsplus.sources import Source
from a2dsplus.sources.reading import read_split
from a2dsplus.sources.reading import stamp as source_stamp

_NUMBER = 3  # a change to what this stage makes from the same input changes it


def read(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars, *, source: Source) -> None:
    """Write queries.parquet, clips.parquet and masks.parquet from a source's split."""
    key = digest(
        _NUMBER, source_stamp(source, options.split, content=options.check_content), options.skip_bad, options.correct
    )
    if workspace.is_current("read", key):
        report.kept.append("read")
    else:
        _read(workspace, options, bars, source, key)
        report.done.append("read")
    tables.write_source_root(workspace, source.root)


def _read(workspace: Workspace, options: BuildOptions, bars: Bars, source: Source, key: str) -> None:
    listing = source.listing(options.split)
    with bars("reading clips and masks", len(listing.videos), "videos") as advance:
        reading = read_split(source, listing, skip_bad=options.skip_bad, engine=options.engine, progress=advance)
    if options.correct:
        reading = replace(reading, queries=tuple(_corrected(query) for query in reading.queries))
    fingerprint = reading.fingerprint(source.name)
    _check_same_source(workspace, options, source, fingerprint)
    tables.write_queries(workspace, reading.queries, columns=reading.columns)
    tables.write_clips(workspace, reading.clips.values(), root=source.root)
    tables.write_masks(workspace, reading.masks)
    labels: dict[str, Any] = {}
    notes = [*reading.notes]
    if look := getattr(source, "labels", None):
        with bars("reading labels", len(reading.clips), "videos") as advance:
            found = look(reading.clips, progress=advance)
        notes += found.notes
        if found.actors:
            labels = {"labels": {"actors": found.actors, "whole": sorted(found.whole)}}
    workspace.remember(
        "read",
        key,
        outputs=["queries.parquet", "clips.parquet", "masks.parquet"],
        source={"name": source.name, "fingerprint": fingerprint},
        left_out=[{"item": row.item, "reason": row.reason} for row in reading.left_out],
        notes=notes,
        **labels,
    )


def _corrected(query: Query) -> Query:
    from a2dsplus.roles.corrections import correct_caption

    return replace(query, text=correct_caption(query.text))


def _check_same_source(workspace: Workspace, options: BuildOptions, source: Source, fingerprint: str) -> None:
    """Refuse to build one source over another's dataset; the same folder, mended, may be built again."""
    previous = workspace.manifest(needs=("source", "split")) if workspace.root.exists() else None
    if previous is None:
        return
    before = previous["source"]
    same_folder = workspace.path(".a2dsplus", "source.json").exists() and (
        workspace.read_json(".a2dsplus/source.json").get("root") == str(source.root.resolve())
    )
    if previous["split"] != options.split or (before["fingerprint"] != fingerprint and not same_folder):
        raise WorkspaceError(
            f"{workspace.root}: holds the {previous['split']} split of another source ({before['name']},"
            f" {before['fingerprint'][:12]}), not of {source.root}; choose another --out or remove that folder"
        )
