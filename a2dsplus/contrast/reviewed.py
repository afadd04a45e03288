"""What people say of sampled pairs: verdicts of the review and published lists of pairs, applied to the ranking."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from a2dsplus.contrast.pairs_file import read_pairs_file
from a2dsplus.contrast.sampler import Sampler
from a2dsplus.errors import InputError
from a2dsplus.records import Pair, Status

# {(query id, contrast query id): "accepted" or "rejected"}
Verdicts = Mapping[tuple[str, str], Status]


def rank_again(sampled: Sequence[Pair], settled: Verdicts) -> list[Pair]:
    """Return pairs with statuses and ranks after review: accepted ones first, rejected ones last, each in the sampled order.

    The first that is not rejected gets rank 0 and is used.
    """
    by_query: dict[str, list[Pair]] = {}
    for pair in sampled:
        by_query.setdefault(pair.query_id, []).append(pair)
    places: dict[Status, int] = {"accepted": 0, "unreviewed": 1, "rejected": 2}
    result: list[Pair] = []
    for pairs in by_query.values():
        judged = [
            replace(pair, status=settled.get((pair.query_id, pair.contrast_query_id), "unreviewed")) for pair in pairs
        ]
        judged.sort(key=lambda pair: (places[pair.status], pair.rank))
        result += [replace(pair, rank=rank) for rank, pair in enumerate(judged)]
    return result


def published_pairs(
    path: Path, sampled: Sequence[Pair], sampler: Sampler
) -> tuple[list[Pair], dict[tuple[str, str], Status]]:
    """Return the pairs of a pairs file, with tiers and roles as this machine sees them, and their verdicts.

    Raises InputError where the file is none, or names a query that the source does not have.
    """
    meanings = {meaning.query_id: meaning for meaning in sampler.index.meanings}
    known = {(pair.query_id, pair.contrast_query_id): pair for pair in sampled}
    pairs: list[Pair] = []
    verdicts: dict[tuple[str, str], Status] = {}
    ranks: Counter[str] = Counter()
    for number, row in enumerate(read_pairs_file(path), 1):
        for query_id in (row.query_id, row.contrast_query_id):
            if query_id not in meanings:
                raise InputError(
                    f"{path}, pair {number}: query {query_id} is not in this source; build the split that the pairs were reviewed on"
                )
        ids = (row.query_id, row.contrast_query_id)
        pair = known.get(ids) or sampler.pair(meanings[row.query_id], meanings[row.contrast_query_id])
        pairs.append(replace(pair, rank=ranks[row.query_id]))
        ranks[row.query_id] += 1
        if row.status != "unreviewed":
            verdicts[ids] = row.status
    return pairs, verdicts
