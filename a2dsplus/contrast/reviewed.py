"""What people say of sampled pairs: verdicts of the review and published lists of pairs, applied to the ranking."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from a2dsplus.contrast.pairs_file import read_pairs_file
from a2dsplus.contrast.sampler import Sampler
from a2dsplus.errors import InputError
from a2dsplus.records import Pair, Status

# {(query id, contrast query id): "accepted" or "rejected"}
Verdicts = Mapping[tuple[str, str], Status]


def order_after_review(statuses: Sequence[Status]) -> list[int]:
    """Return the places of a query's candidates as review leaves them: accepted ones first, rejected ones last, else as they were.

    Page, export and build all ask this and `in_use`: there is no other rule for which pair is in use.
    """
    places: dict[Status, int] = {"accepted": 0, "unreviewed": 1, "rejected": 2}
    return sorted(range(len(statuses)), key=lambda place: places[statuses[place]])


def rank_again(sampled: Sequence[Pair], settled: Verdicts) -> list[Pair]:
    """Return pairs with statuses and ranks after review, each query's in the order of `order_after_review`."""
    by_query: dict[str, list[Pair]] = {}
    for pair in sampled:
        by_query.setdefault(pair.query_id, []).append(pair)
    result: list[Pair] = []
    for drawn in by_query.values():
        pairs = sorted(drawn, key=lambda pair: pair.rank)
        statuses = [settled.get((pair.query_id, pair.contrast_query_id), "unreviewed") for pair in pairs]
        order = order_after_review(statuses)
        result += [replace(pairs[place], status=statuses[place], rank=rank) for rank, place in enumerate(order)]
    return result


def in_use(pairs: Collection[Pair], *, contrasts: int = 1) -> list[Pair]:
    """Return the pairs in use: each query's first `contrasts` by rank that are not rejected, in the order given."""
    found: list[Pair] = []
    taken: Counter[str] = Counter()
    for pair in sorted(pairs, key=lambda pair: pair.rank):
        if pair.status != "rejected" and taken[pair.query_id] < contrasts:
            taken[pair.query_id] += 1
            found.append(pair)
    used = {id(pair) for pair in found}
    return [pair for pair in pairs if id(pair) in used]


def to_publish(pairs: Collection[Pair], *, contrasts: int = 1) -> list[Pair]:
    """Return what a pairs file carries: the pairs in use, and the rejected ones so that nobody draws them again."""
    used = {id(pair) for pair in in_use(pairs, contrasts=contrasts)}
    return [pair for pair in pairs if id(pair) in used or pair.status == "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A pairs file as this source sees it: its pairs, graded here; their verdicts; {query id: why} of those that it pairs with their own
    video, which are left out."""

    pairs: list[Pair]
    verdicts: dict[tuple[str, str], Status]
    own_video: dict[str, str]


def published_pairs(path: Path, sampled: Sequence[Pair], sampler: Sampler, *, split: str) -> Published:
    """Return the pairs of a pairs file, with tiers, roles and grades as this machine sees them: graded, never dropped.

    Raises InputError where the file is none or of another split, or names queries that the source does not have.
    """
    rows = read_pairs_file(path, split=split)
    meanings = {meaning.query_id: meaning for meaning in sampler.meanings}
    unknown = sorted({name for row in rows for name in (row.query_id, row.contrast_query_id)} - meanings.keys())
    if unknown:
        more = f" (and {len(unknown) - 10} more)" if len(unknown) > 10 else ""
        which = (
            f"query {unknown[0]} is not in this source"
            if len(unknown) == 1
            else f"{len(unknown)} of its queries are not in this source: {', '.join(unknown[:10])}{more}"
        )
        raise InputError(f"{path}: {which}; build the dataset and split that the pairs are of")
    known = {(pair.query_id, pair.contrast_query_id): pair for pair in sampled}
    found = Published(pairs=[], verdicts={}, own_video={})
    ranks: Counter[str] = Counter()
    for row in rows:
        query, contrast = meanings[row.query_id], meanings[row.contrast_query_id]
        if query.video_id == contrast.video_id:
            found.own_video[row.query_id] = f"{path.name} pairs it with its own video ({row.contrast_query_id})"
            continue
        ids = (row.query_id, row.contrast_query_id)
        pair = known.get(ids) or sampler.pair(query, contrast)
        found.pairs.append(replace(pair, rank=ranks[row.query_id]))
        ranks[row.query_id] += 1
        if row.status != "unreviewed":
            found.verdicts[ids] = row.status
    return found
