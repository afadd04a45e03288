"""The last stage: the samples' videos or images."""

from collections.abc import Mapping, Sequence

from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.build.stages.compose import composed, samples_of
from a2dsplus.compose.ground_truth import write_subset
from a2dsplus.compose.journal import clip_key
from a2dsplus.compose.render import Rendered, render
from a2dsplus.dataset import tables
from a2dsplus.dataset.shard import Shard
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import ClipError
from a2dsplus.progress import Bars
from a2dsplus.records import Sample, SubsetName


def render_samples(
    workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars, *, shard: Shard | None = None
) -> Rendered:
    """Write the videos or images of every sample; return what there is. Samples whose clips cannot be decoded are refused, or left out.

    `shard`: write its share of them alone; those that are to be left out are the whole build's to leave out.
    """
    samples = {subset: samples_of(workspace, subset) for subset in composed(workspace)}
    clips = tables.read_clips(workspace)
    every: Sequence[Sample] = [sample for rows in samples.values() for sample in rows]
    every = shard.share(every) if shard else every
    with bars("rendering", len(every) if options.rendering.form != "none" else 0, "samples") as advance:
        result = render(
            workspace.root,
            every,
            clips,
            rendering=options.rendering,
            journal=workspace.journal_of(shard) if shard else workspace.journal,
            others=workspace.journals,
            stamps={video: clip_key(clip) for video, clip in clips.items()},
            engine=options.engine,
            progress=advance,
        )
    if result.failed and not options.skip_bad:
        more = len(result.failed) - 1
        rest = f" (and {more} more samples; --skip-bad leaves them out)" if more else ""
        raise ClipError(f"{result.failed[0].reason}{rest}")
    if result.failed:
        report.left_out += result.failed
    if result.failed and shard is None:
        _leave_out(workspace, options, samples, {row.item for row in result.failed})
    (report.done if result.made else report.kept).append(f"render ({result.made} new)")
    return result


def _leave_out(
    workspace: Workspace, options: BuildOptions, samples: Mapping[SubsetName, list[Sample]], failed: set[str]
) -> None:
    queries = {query.query_id: query for query in tables.read_queries(workspace)}
    masks = tables.read_masks(workspace)
    for subset, rows in samples.items():
        kept = [row for row in rows if f"{subset}/{row.sample_id}" not in failed]
        write_subset(
            workspace, subset, kept, queries=queries, masks_of=lambda video: masks.get(video, {}), split=options.split
        )
