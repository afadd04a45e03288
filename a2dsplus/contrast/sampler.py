"""Contrast sampling: for every query a ranked list of captions that share some but not all of its roles (paper, section 4.1).

A query's list depends on the seed, its own id and the captions, never on the order or the number of workers.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from a2dsplus.contrast.entailment import Guard, Reason
from a2dsplus.contrast.index import TIERS, CandidateIndex
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.records import Pair

# a query keeps this many candidates: the pair in use and those that take its place when it is rejected
RANKS = 6
# how many candidates of a tier are looked at for a clear contrast before vaguer ones are taken
_LOOKED_AT = 256


@dataclass(slots=True, kw_only=True)
class Sampling:
    """The pairs of all queries, by query id and rank, and the queries without one, with the reason."""

    pairs: list[Pair] = field(default_factory=list)
    unpaired: dict[str, str] = field(default_factory=dict)


class Sampler:
    """Draws contrast candidates from a set of captions under the ambiguity guard."""

    def __init__(self, meanings: Sequence[Meaning], guard: Guard) -> None:
        self.index = CandidateIndex(meanings)
        self.guard = guard
        self._videos: dict[str, list[Meaning]] = {}
        for meaning in meanings:
            self._videos.setdefault(meaning.video_id, []).append(meaning)

    def sample(
        self, queries: Sequence[Meaning], *, seed: int, progress: Callable[[int], None] = lambda _: None
    ) -> Sampling:
        """Return up to `RANKS` ranked pairs a query, tier by tier, from distinct videos."""
        result = Sampling()
        for query in queries:
            pairs = self.ranked(query, seed=seed)
            result.pairs += pairs
            if not pairs:
                result.unpaired[query.query_id] = self._why_unpaired(query)
            progress(1)
        return result

    def ranked(self, query: Meaning, *, seed: int) -> list[Pair]:
        """Return a query's ranked pairs.

        Tiers come in order; within a tier, candidates whose difference is more than a vaguer wording come first. Never the query's own
        video, never a video one of whose captions satisfies the query, never two captions of one video.
        """
        rng = np.random.default_rng([seed, zlib.crc32(query.query_id.encode())])
        barred = {query.video_id}
        pairs: list[Pair] = []
        for tier in TIERS:
            if len(pairs) == RANKS:
                break
            vague: list[Meaning] = []
            for looked_at, number in enumerate(self.index.draws(query, tier, rng)):
                if len(pairs) == RANKS or (looked_at >= _LOOKED_AT and (pairs or vague)):
                    break
                candidate = self.index.meanings[number]
                if candidate.video_id in barred:
                    continue
                if self.satisfying(query, candidate.video_id) is not None:
                    barred.add(candidate.video_id)
                elif self.guard.is_clear(query, candidate):
                    barred.add(candidate.video_id)
                    pairs.append(self.pair(query, candidate, tier, len(pairs)))
                else:
                    vague.append(candidate)
            for candidate in vague:
                if len(pairs) < RANKS and candidate.video_id not in barred:
                    barred.add(candidate.video_id)
                    pairs.append(self.pair(query, candidate, tier, len(pairs)))
        return pairs

    def satisfying(self, query: Meaning, video_id: str) -> Reason | None:
        """Return why a video may hold a second right answer to a query, or None."""
        for caption in self._videos[video_id]:
            reason = self.guard.satisfied(query, caption)
            if reason is not None:
                return reason
        return None

    def removed(self, queries: Sequence[Meaning]) -> Counter[str]:
        """Return how many (query, candidate caption) the guard removes, by reason, over all candidates of all tiers."""
        counts: Counter[str] = Counter()
        for query in queries:
            reasons: dict[str, Reason | None] = {}
            for number in self.index.sharing(query):
                candidate = self.index.meanings[number]
                if candidate.video_id == query.video_id:
                    continue
                if candidate.video_id not in reasons:
                    reasons[candidate.video_id] = self.satisfying(query, candidate.video_id)
                reason = reasons[candidate.video_id]
                counts[reason or "kept"] += 1
        return counts

    def pair(self, query: Meaning, candidate: Meaning, tier: int | None = None, rank: int = 0) -> Pair:
        """Return a pair with the roles that it shares and those that differ; tier 4 where these captions are no candidates (a pairs
        file may have been made with another role labeller)."""
        shared, differing, extra = self.guard.by_slot(query, candidate)
        return Pair(
            query_id=query.query_id,
            contrast_query_id=candidate.query_id,
            tier=tier or self.index.tier(query, candidate) or 4,
            shared=shared,
            differing=differing,
            extra=extra,
            rank=rank,
        )

    def _why_unpaired(self, query: Meaning) -> str:
        if not query.roles:
            return "its caption has no role"
        others = [
            number for number in self.index.sharing(query) if self.index.meanings[number].video_id != query.video_id
        ]
        if not others:
            return "no caption of another video shares a role's head word"
        return f"all {len(others)} captions that share a role satisfy the query or are of videos that do"
