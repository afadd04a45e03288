"""The whole build: the stages in order, or one of them alone, and the manifest."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args

from a2dsplus.build.card import write_card
from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.build.stages.compose import compose, composed, samples_of
from a2dsplus.build.stages.contrast import contrast
from a2dsplus.build.stages.read import read
from a2dsplus.build.stages.render import render_samples
from a2dsplus.build.stages.roles import roles
from a2dsplus.compose.render import Rendered
from a2dsplus.contrast.pairs_file import list_name
from a2dsplus.contrast.positions import position_words
from a2dsplus.contrast.reviewed import in_use
from a2dsplus.dataset import tables
from a2dsplus.dataset.lock import turn, working_in
from a2dsplus.dataset.shard import Shard
from a2dsplus.dataset.workspace import SCHEMA, Workspace
from a2dsplus.errors import UsageError
from a2dsplus.files import sha256
from a2dsplus.progress import Bars, bar
from a2dsplus.records import Pair
from a2dsplus.sources import LeftOut, Source, referent_frames
from a2dsplus.version import __version__

Stage = Literal["read", "roles", "contrast", "compose", "render"]
STAGES: tuple[Stage, ...] = get_args(Stage)
_BETWEEN = {"roles": roles, "contrast": contrast, "compose": compose}


def build(
    source: Source,
    out: Path,
    *,
    options: BuildOptions,
    only: Stage | None = None,
    shard: Shard | None = None,
    bars: Bars = bar,
) -> BuildReport:
    """Construct the subsets of a source's split in the folder `out`; return what was done.

    `only`: run this stage alone, on the tables that are there; the manifest is written by a whole build. `shard`:
    write the tables where they are not there yet, one shard after another, and render its share of the samples, beside the other shards; a
    whole build afterwards finds what they made, makes what is missing, and finishes. Raises InputError (with the file, row
    or frame at fault) and leaves what is in `out` as it was, or whole; UsageError for a split that the source cannot have.
    """
    if source.splits and options.split not in source.splits:
        raise UsageError(f"--split {options.split}: {source.name} has {', '.join(source.splits)}")
    if shard is not None and only not in (None, "render"):
        raise UsageError(f"--shard {shard} --only {only}: what shards share is rendering; leave --shard out")
    with working_in(out, shard=shard):
        if shard is not None:
            return _run_shard(source, Workspace(out), options, only, shard, bars)
        return _run(source, Workspace(out), options, only, bars)


def _run_shard(
    source: Source, workspace: Workspace, options: BuildOptions, only: Stage | None, shard: Shard, bars: Bars
) -> BuildReport:
    report = BuildReport()
    with turn(workspace.root):
        for stage in STAGES[:-1] if only is None else ():
            _stage(stage, source, workspace, options, report, bars)
    render_samples(workspace, options, report, bars, shard=shard)
    return report


def _run(source: Source, workspace: Workspace, options: BuildOptions, only: Stage | None, bars: Bars) -> BuildReport:
    report = BuildReport()
    chosen = STAGES if only is None else (only,)
    rendered = Rendered()
    for stage in chosen:
        if stage == "render":
            rendered = render_samples(workspace, options, report, bars)
        else:
            _stage(stage, source, workspace, options, report, bars)
    if only is not None:
        return report
    return _finish(workspace, options, report, rendered)


def _stage(
    stage: Stage, source: Source, workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars
) -> None:
    workspace.manifest()  # of a version that this one must not overwrite?
    if stage == "read":
        read(workspace, options, report, bars, source=source)
    else:
        _BETWEEN[stage](workspace, options, report, bars)


def _finish(workspace: Workspace, options: BuildOptions, report: BuildReport, rendered: Rendered) -> BuildReport:
    """Remove what no longer belongs, and write the card, and manifest.json with every file's hash."""
    made = {stage: workspace.left_by(stage) for stage in ("read", "roles", "sample", "contrast", "compose")}
    report.left_out = [LeftOut(**row) for row in made["read"]["left_out"]] + report.left_out
    report.unpaired = made["contrast"]["unpaired"]
    report.short = made["compose"]["short"]
    report.notes = made["read"]["notes"] + made["compose"]["notes"]
    report.witness = made["contrast"].get("witness", {})
    workspace.sweep(rendered.files, subsets=[subset.value for subset in options.subsets])
    report.counts = _counts(workspace, in_use(tables.read_pairs(workspace), contrasts=options.contrasts))
    frames = options.rendering.form == "frames"
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": {"name": "a2dsplus", "version": __version__},
        "source": made["read"]["source"],
        "split": options.split,
        "seed": options.seed,
        "recipe": options.recipe,
        "kind": options.kind,
        "contrasts": options.contrasts,
        "srl": made["roles"]["srl"],
        "options": {
            "subsets": [subset.value for subset in options.subsets],
            "order": options.chosen_order,
            "correct": options.correct,
            "skip_bad": options.skip_bad,
            "pairs": sha256(options.pairs) if options.pairs else None,
            "pairs_list": list_name(options.pairs) if options.pairs else None,
            "render": options.rendering.form,
            "image": options.rendering.image if frames else None,
            "quality": options.rendering.quality if frames else None,
            **made["sample"]["options"],
        },
        "counts": report.counts,
        "guard": made["sample"]["guard"],
        **({"witness": report.witness} if report.witness else {}),
        "unpaired": report.unpaired,
        "short": report.short,
        "left_out": [{"item": row.item, "reason": row.reason} for row in report.left_out],
        "notes": report.notes,
        "frames": {video: found.as_dict() for video, found in rendered.frames.items()},
    }
    write_card(workspace, manifest)
    files = {name: rendered.files.get(name) or sha256(workspace.path(name)) for name in workspace.files()}
    manifest["files"] = files
    workspace.write_json("manifest.json", manifest, indent=1)
    return report


def _counts(workspace: Workspace, used: list[Pair]) -> dict[str, Any]:
    queries = tables.read_queries(workspace)
    masks = tables.read_masks(workspace)
    described = Counter(query.video_id for query in queries)
    counts: dict[str, Any] = {
        "videos": len(described),
        "queries": len(queries),
        "units": sum(len(referent_frames(masks.get(query.video_id), query)) for query in queries),
        "paired": len({pair.query_id for pair in used}),
        "pairs": len(used),
        "grades": Counter(pair.grade for pair in used),
        "relations": Counter(pair.relation for pair in used),
        "tiers": {str(tier): sum(pair.tier == tier for pair in used) for tier in (1, 2, 3, 4)},
        "position_words": sum(bool(position_words(query.text)) for query in queries),
    }
    for subset in composed(workspace):
        samples = samples_of(workspace, subset)
        counts[subset.value] = {"videos": len(samples), "queries": sum(len(sample.asked) for sample in samples)}
    return counts
