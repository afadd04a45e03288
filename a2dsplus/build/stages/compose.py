"""The fourth stage: samples, expressions and ground truth of each subset from the tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from a2dsplus import resources
from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.build.stages.contrast import WORDS, grader, sampler_of, witness_of
from a2dsplus.compose.geometry import MasksOf, composite, described, whole
from a2dsplus.compose.ground_truth import write_subset
from a2dsplus.compose.order import REVERSED_SUFFIX, orders
from a2dsplus.contrast.reviewed import in_use
from a2dsplus.dataset import expressions_file, samples_file, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError
from a2dsplus.files import digest, sha256
from a2dsplus.progress import Bars
from a2dsplus.records import Clip, Order, Pair, Query, Sample, SubsetName
from a2dsplus.version import __version__

_NUMBER = 4  # a change to what this stage makes from the same input changes it
_LACKS = "the split withholds {}"


def compose(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> None:
    """Write samples.jsonl, meta_expressions.json and ground_truth.json of each subset from the tables."""
    hashes = [workspace.sha256(f"{name}.parquet") for name in ("queries", "clips", "masks", "pairs")]
    how = (
        options.subsets,
        options.split,
        options.recipe,
        options.contrasts,
        options.full_only,
        options.chosen_order,
        options.seed,
    )
    if options.recipe == "strict":
        hashes += [workspace.sha256("roles.parquet"), *(sha256(resources.path(name)) for name in WORDS)]
        hashes.append(digest(workspace.left_by("read").get("labels"), options.pairs is None))
    key = digest(_NUMBER, __version__, hashes, how)
    if workspace.is_current("compose", key):
        report.kept.append("compose")
        return
    queries = {query.query_id: query for query in tables.read_queries(workspace)}
    clips = tables.read_clips(workspace)
    masks = tables.read_masks(workspace)

    def masks_of(video: str) -> Any:
        return masks.get(video, {})

    used, short = _used(tables.read_pairs(workspace), options)
    mutual = _mutual(workspace, options, used) if options.recipe == "strict" else set()
    samples: dict[SubsetName, list[Sample]] = {}
    notes = [] if masks else [_LACKS.format("masks") + ": its samples can be watched and predicted, not scored"]
    for subset in options.subsets:
        if subset in (SubsetName.N, SubsetName.M):
            samples[subset] = _whole(subset, queries.values(), clips, masks_of)
        else:
            samples[subset] = _composites(subset, options, used, queries, clips, masks_of, mutual)
    withheld = SubsetName.M in samples and any(query.objects is None for query in queries.values())
    if withheld:
        note = f"M is left out: {_LACKS.format('which object an expression names')}, so nobody can tell which videos have several"
        if options.subsets == (SubsetName.M,):
            raise InputError(f"--subsets M: {note}; build S and T")
        del samples[SubsetName.M]
        notes.append(note)
    with bars("composing", sum(map(len, samples.values())), "samples") as advance:
        for subset, rows in samples.items():
            write_subset(
                workspace, subset, rows, queries=queries, masks_of=masks_of, split=options.split, progress=advance
            )
    written = [name for subset in samples for name in _files(workspace, subset)]
    workspace.remember(
        "compose", key, outputs=written, subsets=[subset.value for subset in samples], notes=notes, short=short
    )
    report.done.append("compose")


def _used(pairs: Sequence[Pair], options: BuildOptions) -> tuple[dict[str, list[Pair]], dict[str, str]]:
    """Return the pairs to compose by query id, and which queries have fewer contrasts than asked for, with the number.

    Beside the first, a contrast has to be a true negative: excluded, or accepted by a reviewer.
    """
    used: dict[str, list[Pair]] = {}
    for pair in in_use(pairs, contrasts=options.contrasts):
        own = used.setdefault(pair.query_id, [])
        if not own or pair.grade == "excluded" or pair.status == "accepted":
            own.append(pair)
    short = {
        query: f"{len(own)} of {options.contrasts} contrasts are true negatives"
        + ("; left out" if options.full_only else "")
        for query, own in sorted(used.items())
        if len(own) < options.contrasts
    }
    if options.full_only:
        used = {query: own for query, own in used.items() if query not in short}
    return dict(sorted(used.items())), short


def _files(workspace: Workspace, subset: SubsetName) -> list[str]:
    names = (samples_file.NAME, expressions_file.NAME, "meta_expressions.json", "ground_truth.json", "blind.json")
    return [f"{subset}/{name}" for name in names if workspace.path(subset, name).is_file()]


def _whole(subset: SubsetName, queries: Any, clips: Mapping[str, Clip], masks_of: MasksOf) -> list[Sample]:
    by_video: dict[str, list[Query]] = {}
    for query in queries:
        by_video.setdefault(query.video_id, []).append(query)
    return [
        whole(subset, video, own, clips[video], masks_of(video))
        for video, own in sorted(by_video.items())
        if subset is SubsetName.N or len(described(own) or ()) > 1
    ]


def _composites(
    subset: SubsetName,
    options: BuildOptions,
    used: Mapping[str, Sequence[Pair]],
    queries: Mapping[str, Query],
    clips: Mapping[str, Clip],
    masks_of: MasksOf,
    mutual: set[str],
) -> list[Sample]:
    chosen = orders(subset, [queries[name] for name in used], choice=options.chosen_order, seed=options.seed)
    return [
        composite(
            subset,
            queries[query_id],
            [queries[pair.contrast_query_id] for pair in pairs],
            clips=clips,
            masks_of=masks_of,
            order=order,
            pairs=pairs,
            both_asked=query_id in mutual,
            suffix=REVERSED_SUFFIX if options.chosen_order == "both" and order is Order.CONTRAST_FIRST else "",
        )
        for query_id, pairs in used.items()
        for order in chosen[query_id]
    ]


def _mutual(workspace: Workspace, options: BuildOptions, used: Mapping[str, Sequence[Pair]]) -> set[str]:
    """Return the queries whose first contrast's caption is excluded in the query's video, and in those of the other contrasts, as well: both
    captions can be asked."""
    firsts = {query: pairs[0] for query, pairs in used.items() if pairs[0].kind == "other"}
    sampler = sampler_of(workspace)
    meanings = {found.query_id: found for found in sampler.meanings}
    graded = grader(witness_of(workspace, options), sampler)

    return {
        query
        for query, pair in firsts.items()
        if pair.grade == "excluded"
        and all(
            graded(sampler.pair(meanings[pair.contrast_query_id], meanings[other])).grade == "excluded"
            for other in (query, *(more.contrast_query_id for more in used[query][1:]))
        )
    }


def samples_of(workspace: Workspace, subset: SubsetName) -> list[Sample]:
    """Return a composed subset's samples."""
    return list(samples_file.read(workspace.path(subset, samples_file.NAME)))


def composed(workspace: Workspace) -> list[SubsetName]:
    """Return the subsets that the last compose stage made."""
    return [SubsetName(name) for name in workspace.left_by("compose")["subsets"]]
