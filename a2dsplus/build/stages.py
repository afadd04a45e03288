"""The stages in order, each a function of the workspace and the options: read, roles, contrast, compose, render.

Each reads the tables of the stage before it and writes its own, and remembers what they were made from: run again, only what is missing or changed
is done. What a killed run had finished is kept. A stage can be run alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from a2dsplus import resources
from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.compose.geometry import MasksOf, composite, described, whole
from a2dsplus.compose.ground_truth import write_subset
from a2dsplus.compose.journal import clip_key
from a2dsplus.compose.order import REVERSED_SUFFIX, orders
from a2dsplus.compose.render import Rendered, render
from a2dsplus.contrast import own_clip
from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.meaning import meaning
from a2dsplus.contrast.own_clip import own_pair
from a2dsplus.contrast.reviewed import Verdicts, in_use, published_pairs, rank_again
from a2dsplus.contrast.sampler import RANKS, Sampler
from a2dsplus.dataset import expressions_file, samples_file, tables
from a2dsplus.dataset.shard import Shard
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine
from a2dsplus.errors import ClipError, InputError, WorkspaceError
from a2dsplus.files import digest, sha256
from a2dsplus.progress import Bars
from a2dsplus.records import Clip, Order, Pair, Query, Sample, SubsetName
from a2dsplus.sources import Source
from a2dsplus.sources.reading import read_split
from a2dsplus.sources.reading import stamp as source_stamp
from a2dsplus.version import __version__

# a change to what a stage makes from the same input changes its number
_READ, _ROLES, _SAMPLE, _COMPOSE = 2, 3, 6, 4
_WORDS = ("annotations/lexicon.json", "annotations/exclusion.json")
_MANY_CAPTIONS = 1000
_LACKS = "the split withholds {}"


# ---- read ------------------------------------------------------------------------------------------------------------


def read(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars, *, source: Source) -> None:
    """Write queries.parquet, clips.parquet and masks.parquet from a source's split."""
    key = digest(
        _READ, source_stamp(source, options.split, content=options.check_content), options.skip_bad, options.correct
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
    workspace.remember(
        "read",
        key,
        outputs=["queries.parquet", "clips.parquet", "masks.parquet"],
        source={"name": source.name, "fingerprint": fingerprint},
        left_out=[{"item": row.item, "reason": row.reason} for row in reading.left_out],
        notes=list(reading.notes),
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


# ---- roles -----------------------------------------------------------------------------------------------------------


def roles(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> None:
    """Write roles.parquet from queries.parquet."""
    from a2dsplus.roles import Predicates, identify, load_labeller, parse

    model = identify(options.srl)
    srl = {"name": model.name, "sha256": model.sha256, "predicates": options.predicates}
    key = digest(_ROLES, __version__, _hash(workspace, "queries.parquet"), srl)
    if workspace.is_current("roles", key):
        report.kept.append("roles")
        return
    queries = tables.read_queries(workspace)
    texts = [query.text for query in queries]
    labeller = load_labeller(options.srl, predicates=Predicates(options.predicates))
    # fewer are parsed sooner than a worker has started
    engine = options.engine if len(texts) >= _MANY_CAPTIONS else LocalEngine()
    with bars("labelling roles", len(texts), "captions") as advance:
        parsed = parse(texts, labeller=labeller, engine=engine, progress=advance)
    tables.write_roles(workspace, dict(zip((query.query_id for query in queries), parsed, strict=True)))
    workspace.remember("roles", key, outputs=["roles.parquet"], srl=srl)
    report.done.append("roles")


# ---- contrast --------------------------------------------------------------------------------------------------------


def contrast(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> None:
    """Write pairs.parquet: the sampled pairs, ranked anew by what the reviewers and a pairs file say."""
    sampler = _sample(workspace, options, report, bars)
    pairs = tables.read_pairs(workspace, name=tables.SAMPLED)
    unpaired = dict(workspace.left_by("sample")["unpaired"])
    settled = _settled(workspace, options)
    if options.pairs is not None:
        sampler = sampler or _sampler(workspace)
        published = published_pairs(options.pairs, pairs, sampler, split=options.split)
        pairs = published.pairs
        settled = {**published.verdicts, **settled}
        paired = {pair.query_id for pair in pairs}
        missing = [query.query_id for query in tables.read_queries(workspace) if query.query_id not in paired]
        unpaired = {name: published.own_video.get(name, f"{options.pairs.name} has no pair for it") for name in missing}
    ranked = rank_again(pairs, settled)
    for pair in ranked:
        if pair.rank == 0 and pair.status == "rejected":
            unpaired[pair.query_id] = "every candidate was rejected in review"
    tables.write_pairs(workspace, ranked)
    workspace.remember("contrast", "", outputs=["pairs.parquet"], unpaired=dict(sorted(unpaired.items())))
    report.done.append("contrast")


def _sample(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> Sampler | None:
    """Keep the sampled pairs, before any review, in the workspace's own folder; return the sampler where one was made."""
    words = [sha256(resources.path(name)) for name in _WORDS]
    key = digest(
        _SAMPLE,
        _hash(workspace, "queries.parquet"),
        _hash(workspace, "roles.parquet"),
        options.seed,
        options.contrasts,
        options.kind,
        words,
    )
    if workspace.is_current("sample", key):
        report.kept.append("sample")
        return None
    report.done.append("sample")
    if options.kind != "other":
        pairs, unpaired = _own_pairs(workspace, options)
        tables.write_pairs(workspace, pairs, name=tables.SAMPLED)
        motion = {"motion": sha256(resources.path(own_clip.NAME))}
        workspace.remember("sample", key, outputs=[tables.SAMPLED], unpaired=unpaired, guard={}, options=motion)
        return None
    sampler = _sampler(workspace)
    meanings = sampler.meanings
    with bars("sampling contrast", len(meanings), "queries") as advance:
        sampling = sampler.sample(meanings, seed=options.seed, contrasts=options.contrasts, progress=advance)
    guard = sampler.removed(meanings, seed=options.seed)
    tables.write_pairs(workspace, sampling.pairs, name=tables.SAMPLED)
    workspace.remember(
        "sample",
        key,
        outputs=[tables.SAMPLED],
        unpaired=sampling.unpaired,
        guard={reason: guard[reason] for reason in sorted(guard)},
        options={"ranks": RANKS, "lexicon": words[0], "exclusion": words[1]},
    )
    return sampler


def _own_pairs(workspace: Workspace, options: BuildOptions) -> tuple[list[Pair], dict[str, str]]:
    """Return each query's pair with its own clip, frozen or reversed, and why the others take no part."""
    rows, clips = tables.read_roles(workspace), tables.read_clips(workspace)
    pairs, unpaired = [], {}
    for query in tables.read_queries(workspace):
        found = own_pair(query, rows.get(query.query_id, ()), clips[query.video_id], kind=options.kind)
        if isinstance(found, str):
            unpaired[query.query_id] = found
        else:
            pairs.append(found)
    return pairs, unpaired


def _sampler(workspace: Workspace) -> Sampler:
    rows = tables.read_roles(workspace)
    meanings = [meaning(query, rows.get(query.query_id, ())) for query in tables.read_queries(workspace)]
    return Sampler(meanings, Guard(Lexicon()))


def _settled(workspace: Workspace, options: BuildOptions) -> Verdicts:
    if options.database is None and not workspace.path("reviews.sqlite").exists():
        return {}
    from a2dsplus.review.store import settled

    dataset = str(workspace.left_by("read")["source"]["fingerprint"])
    return settled(workspace.root, database=options.database, dataset=dataset)


# ---- compose ---------------------------------------------------------------------------------------------------------


def compose(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> None:
    """Write samples.jsonl, meta_expressions.json and ground_truth.json of each subset from the tables."""
    hashes = [_hash(workspace, f"{name}.parquet") for name in ("queries", "clips", "masks", "pairs")]
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
        hashes += [_hash(workspace, "roles.parquet"), *(sha256(resources.path(name)) for name in _WORDS)]
    key = digest(_COMPOSE, __version__, hashes, how)
    if workspace.is_current("compose", key):
        report.kept.append("compose")
        return
    queries = {query.query_id: query for query in tables.read_queries(workspace)}
    clips = tables.read_clips(workspace)
    masks = tables.read_masks(workspace)

    def masks_of(video: str) -> Any:
        return masks.get(video, {})

    used, short = _used(tables.read_pairs(workspace), options)
    mutual = _mutual(workspace, used) if options.recipe == "strict" else set()
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


def _mutual(workspace: Workspace, used: Mapping[str, Sequence[Pair]]) -> set[str]:
    """Return the queries whose first contrast's caption is excluded in the query's video, and in those of the other contrasts, as well: both
    captions can be asked."""
    firsts = {query: pairs[0] for query, pairs in used.items() if pairs[0].kind == "other"}
    sampler = _sampler(workspace)
    meanings = {found.query_id: found for found in sampler.meanings}
    return {
        query
        for query, pair in firsts.items()
        if pair.grade == "excluded"
        and all(
            sampler.pair(meanings[pair.contrast_query_id], meanings[other]).grade == "excluded"
            for other in (query, *(more.contrast_query_id for more in used[query][1:]))
        )
    }


def samples_of(workspace: Workspace, subset: SubsetName) -> list[Sample]:
    """Return a composed subset's samples."""
    return list(samples_file.read(workspace.path(subset, samples_file.NAME)))


def composed(workspace: Workspace) -> list[SubsetName]:
    """Return the subsets that the last compose stage made."""
    return [SubsetName(name) for name in workspace.left_by("compose")["subsets"]]


# ---- render ----------------------------------------------------------------------------------------------------------


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


def _hash(workspace: Workspace, name: str) -> str:
    path = workspace.path(name)
    if not path.is_file():
        raise WorkspaceError(f"{path}: missing; run the stage before this one, or `a2dsplus build` without --only")
    return sha256(path)


def tiers(pairs: Sequence[Pair]) -> dict[str, int]:
    """Return how many pairs are of each tier, "1" to "4"."""
    counts = Counter(pair.tier for pair in pairs)
    return {str(tier): counts[tier] for tier in (1, 2, 3, 4)}
