"""The third stage: pairs.parquet from the captions' roles, a pairs file and the reviews."""

from collections import Counter
from collections.abc import Callable

from a2dsplus import resources
from a2dsplus.build.options import BuildOptions, BuildReport
from a2dsplus.contrast import own_clip
from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.meaning import meaning
from a2dsplus.contrast.own_clip import own_pair
from a2dsplus.contrast.reviewed import Verdicts, published_pairs, rank_again
from a2dsplus.contrast.sampler import RANKS, Sampler
from a2dsplus.contrast.witness import Witness
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.files import digest, sha256
from a2dsplus.progress import Bars
from a2dsplus.records import Pair

_NUMBER = 6  # a change to what this stage makes from the same input changes it
WORDS = ("annotations/lexicon.json", "annotations/exclusion.json")


def contrast(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> None:
    """Write pairs.parquet: the sampled pairs, ranked anew by what the reviewers and a pairs file say."""
    sampler = _sample(workspace, options, report, bars)
    pairs = tables.read_pairs(workspace, name=tables.SAMPLED)
    unpaired = dict(workspace.left_by("sample")["unpaired"])
    settled = _settled(workspace, options)
    if options.pairs is not None:
        sampler = sampler or sampler_of(workspace)
        published = published_pairs(options.pairs, pairs, sampler, split=options.split)
        pairs = published.pairs
        settled = {**published.verdicts, **settled}
        paired = {pair.query_id for pair in pairs}
        missing = [query.query_id for query in tables.read_queries(workspace) if query.query_id not in paired]
        unpaired = {name: published.own_video.get(name, f"{options.pairs.name} has no pair for it") for name in missing}
    pairs, witness = _witnessed(workspace, options, pairs, sampler)
    ranked = rank_again(pairs, settled)
    for pair in ranked:
        if pair.rank == 0 and pair.status == "rejected":
            unpaired[pair.query_id] = "every candidate was rejected in review"
    tables.write_pairs(workspace, ranked)
    told = {"witness": witness} if witness else {}
    workspace.remember("contrast", "", outputs=["pairs.parquet"], unpaired=dict(sorted(unpaired.items())), **told)
    report.done.append("contrast")


def _sample(workspace: Workspace, options: BuildOptions, report: BuildReport, bars: Bars) -> Sampler | None:
    """Keep the sampled pairs, before any review, in the workspace's own folder; return the sampler where one was made."""
    words = [sha256(resources.path(name)) for name in WORDS]
    key = digest(
        _NUMBER,
        workspace.sha256("queries.parquet"),
        workspace.sha256("roles.parquet"),
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
    sampler = sampler_of(workspace)
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


def sampler_of(workspace: Workspace) -> Sampler:
    """Return a sampler of the captions of queries.parquet and roles.parquet."""
    rows = tables.read_roles(workspace)
    meanings = [meaning(query, rows.get(query.query_id, ())) for query in tables.read_queries(workspace)]
    return Sampler(meanings, Guard(Lexicon()))


def witness_of(workspace: Workspace, options: BuildOptions) -> Witness:
    """Return what the source's labels show; nothing where it has none, nor for pairs of a file, which captions alone grade everywhere."""
    labels = workspace.left_by("read").get("labels")
    if labels is None or options.pairs is not None or options.kind != "other":
        return Witness()
    return Witness(actors=labels["actors"], whole=frozenset(labels["whole"]))


def grader(witness: Witness, sampler: Sampler) -> Callable[[Pair], Pair]:
    """Return what grades a pair of a sampler's captions by a witness as well."""
    meanings = {found.query_id: found for found in sampler.meanings}

    def graded(pair: Pair) -> Pair:
        query, video = sampler.reading(meanings[pair.query_id]), meanings[pair.contrast_query_id].video_id
        return witness.graded(pair, query, sampler.readings(video), video=video)

    return graded


def _witnessed(
    workspace: Workspace, options: BuildOptions, pairs: list[Pair], sampler: Sampler | None
) -> tuple[list[Pair], dict[str, int]]:
    """Return the pairs as labels grade them, and how many of the first candidates became undecided and excluded by that; {} without labels."""
    witness = witness_of(workspace, options)
    if not witness.actors:
        return pairs, {}
    graded = [*map(grader(witness, sampler or sampler_of(workspace)), pairs)]
    changed = Counter(
        new.grade for new, old in zip(graded, pairs, strict=True) if new.grade != old.grade and not new.rank
    )
    return graded, {"undecided": changed["undecided"], "excluded": changed["excluded"]}


def _settled(workspace: Workspace, options: BuildOptions) -> Verdicts:
    if options.database is None and not workspace.path("reviews.sqlite").exists():
        return {}
    from a2dsplus.review.store import settled

    dataset = str(workspace.left_by("read")["source"]["fingerprint"])
    return settled(workspace.root, database=options.database, dataset=dataset)
