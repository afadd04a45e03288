"""Contrast sampling: for every query a ranked list of captions that share some but not all of its roles (paper, section 4.1).

Of the candidates of a query those come first whose video is excluded (`contrast.exclusion`), then those that are about the same actor class
and action, then those of the lower tier. What a query draws depends on the seed, its own id and the captions, never on the order or the
number of workers; only the cap on the uses of a video looks at the other queries, in an order that the seed fixes.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np

from a2dsplus.contrast.entailment import Guard, Reason
from a2dsplus.contrast.exclusion import Exclusion
from a2dsplus.contrast.grading import Grading
from a2dsplus.contrast.index import TIERS, CandidateIndex
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.referent import Reading, read
from a2dsplus.records import Pair, Relation

# a query keeps this many candidates: the pair in use and those that take its place when it is rejected
RANKS = 6
# a contrast video serves this many queries while others are left
MOST_USES = 8
# how many excluded candidates of a query are looked for: those it keeps, and those for whose video others came first
_POOL = 3 * RANKS
# how many candidates of a tier, or of the same class and action, are drawn
_DRAWN = 256
# how many candidates are compared in full, at most
_COMPARED = 384
_RELATIONS: tuple[Relation, ...] = get_args(Relation)


@dataclass(slots=True, kw_only=True)
class Sampling:
    """The pairs of all queries, by query id and rank, and the queries without one, with the reason."""

    pairs: list[Pair] = field(default_factory=list)
    unpaired: dict[str, str] = field(default_factory=dict)


class Sampler:
    """Draws contrast candidates from a set of captions: none that the guard bars, those that exclude first."""

    def __init__(self, meanings: Sequence[Meaning], guard: Guard, lists: Lists | None = None) -> None:
        self.guard = guard
        lists = Lists.shipped() if lists is None else lists
        self.exclusion = Exclusion(lists)
        self.readings: dict[str, Reading] = {}
        known: dict[object, Reading] = {}
        for meaning in meanings:
            frames = meaning.frames
            if frames not in known:
                known[frames] = read(frames, lists)
            self.readings[meaning.query_id] = known[frames]
        self.index = CandidateIndex(meanings, keys=[_keys(self.readings[m.query_id]) for m in meanings])
        self._videos: dict[str, list[Meaning]] = {}
        for meaning in meanings:
            self._videos.setdefault(meaning.video_id, []).append(meaning)
        self.grading = Grading(guard, self.exclusion)

    def sample(
        self,
        queries: Sequence[Meaning],
        *,
        seed: int,
        contrasts: int = 1,
        progress: Callable[[int], object] = lambda _: None,
    ) -> Sampling:
        """Return up to `RANKS` ranked pairs a query (more where `contrasts`, the pairs in use of each, are more), from distinct videos.

        A contrast video is in use for at most `MOST_USES` queries while a query has other candidates of the same grade.
        """
        uses: Counter[str] = Counter()
        ranked: dict[str, list[Pair]] = {}
        for query in sorted(
            queries, key=lambda query: (zlib.crc32(f"{seed} {query.query_id}".encode()), query.query_id)
        ):
            pairs = self._capped(query, seed=seed, uses=uses, contrasts=contrasts)
            uses.update(self._video(pair) for pair in pairs[:contrasts])
            ranked[query.query_id] = pairs
            progress(1)
        result = Sampling()
        for query in queries:
            result.pairs += ranked[query.query_id]
            if not ranked[query.query_id]:
                result.unpaired[query.query_id] = self._why_unpaired(query)
        return result

    def ranked(self, query: Meaning, *, seed: int, ranks: int = RANKS) -> list[Pair]:
        """Return a query's ranked pairs, as if it were the only one.

        Never the query's own video, never a video one of whose captions satisfies the query, never two captions of one video.
        """
        return self._as_pairs(query, self._drawn(query, seed=seed, ranks=ranks)[:ranks])

    def _capped(self, query: Meaning, *, seed: int, uses: Counter[str], contrasts: int) -> list[Pair]:
        ranks = max(RANKS, contrasts)
        drawn = self._drawn(query, seed=seed, ranks=ranks)
        full = {found.meaning.video_id for found in drawn if uses[found.meaning.video_id] >= MOST_USES}
        free = [found for found in drawn if found.meaning.video_id not in full]
        if len(free) < min(contrasts, len(drawn)) or (free and drawn and free[0].excluded != drawn[0].excluded):
            barred = {video for video, count in uses.items() if count >= MOST_USES}
            free = self._drawn(query, seed=seed, ranks=ranks, barred=barred)
        wanted = [found for found in free if found.excluded == drawn[0].excluded][:contrasts] if drawn else []
        taken = {found.meaning.video_id for found in wanted}
        rest = [found for found in drawn if found.meaning.video_id not in taken]
        return self._as_pairs(query, [*wanted, *rest][:ranks])

    # ---- the draw ----------------------------------------------------------------------------------------------------

    def _drawn(self, query: Meaning, *, seed: int, ranks: int, barred: Collection[str] = ()) -> list["_Found"]:
        """Return a query's candidates in the order of preference, from distinct videos: up to three times `ranks` that are excluded,
        else filled up with undecided ones to `ranks`."""
        rng = np.random.default_rng([seed, zlib.crc32(query.query_id.encode())])
        seen = {query.video_id, *barred}
        excluded: list[_Found] = []
        undecided: list[_Found] = []
        most = max(_POOL, 3 * ranks)
        for compared, found in enumerate(self._in_order(query, rng)):
            if len(excluded) >= most or (compared >= _COMPARED and excluded):
                break
            if found.meaning.video_id in seen:
                continue
            if self._is_excluded(query, found.meaning.video_id):
                seen.add(found.meaning.video_id)
                if self.satisfying(query, found.meaning.video_id) is None:
                    excluded.append(replace(found, excluded=True))
            elif len(undecided) < 8 * ranks:
                undecided.append(found)
        if len(excluded) >= ranks:
            return excluded
        return [*excluded, *self._undecided(query, undecided, seen, ranks - len(excluded))]

    def _undecided(self, query: Meaning, candidates: Sequence["_Found"], seen: set[str], wanted: int) -> list["_Found"]:
        """Return candidates whose video is not barred; those whose difference is more than a vaguer wording come first."""
        clear: list[_Found] = []
        vague: list[_Found] = []
        for found in candidates:
            if found.meaning.video_id in seen:
                continue
            if self.satisfying(query, found.meaning.video_id) is not None:
                seen.add(found.meaning.video_id)
            elif self.guard.is_clear(query, found.meaning):
                seen.add(found.meaning.video_id)
                clear.append(found)
                if len(clear) == wanted:
                    return clear
            else:
                vague.append(found)
        for found in vague:
            if len(clear) < wanted and found.meaning.video_id not in seen:
                seen.add(found.meaning.video_id)
                clear.append(found)
        return clear

    def _in_order(self, query: Meaning, rng: np.random.Generator) -> Iterator["_Found"]:
        """Yield candidates by relation, then tier, then as drawn."""
        buckets: dict[tuple[int, int], list[_Found]] = {}
        ours = self.readings[query.query_id].referent
        drawn: set[int] = set()
        streams = [self.index.draws(query, tier, rng) for tier in TIERS]
        streams.append(self.index.same(query, _keys(self.readings[query.query_id]), rng))
        for stream in streams:
            for count, number in enumerate(stream):
                if count >= _DRAWN:
                    break
                if number in drawn:
                    continue
                drawn.add(number)
                meaning = self.index.meanings[number]
                tier = self.index.tier(query, meaning)
                if tier is None or meaning.video_id == query.video_id:
                    continue
                relation = self.exclusion.relation(ours, self.readings[meaning.query_id].referent)
                buckets.setdefault((_RELATIONS.index(relation), tier), []).append(_Found(meaning, tier))
        for key in sorted(buckets):
            yield from buckets[key]

    def _is_excluded(self, query: Meaning, video_id: str) -> bool:
        captions = [self.readings[caption.query_id] for caption in self._videos[video_id]]
        return self.exclusion.excluded(self.readings[query.query_id], captions)

    # ---- pairs -------------------------------------------------------------------------------------------------------

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
        """Return a pair with its roles by slot, its grade and what speaks for it; tier 4 where these captions are no candidates (a pairs
        file may have been made with another role labeller)."""
        captions = self._videos[candidate.video_id]
        graded = self.grading.grade(
            query, candidate, captions, [self.readings[m.query_id] for m in (query, candidate, *captions)]
        )
        shared, differing, extra = self.guard.by_slot(query, candidate)
        return Pair(
            query_id=query.query_id,
            contrast_query_id=candidate.query_id,
            tier=tier or self.index.tier(query, candidate) or 4,
            shared=shared,
            differing=differing,
            extra=extra,
            grade=graded.grade,
            because=graded.because,
            doubt=graded.doubt,
            relation=self.exclusion.relation(
                self.readings[query.query_id].referent, self.readings[candidate.query_id].referent
            ),
            rank=rank,
        )

    def _as_pairs(self, query: Meaning, drawn: Sequence["_Found"]) -> list[Pair]:
        return [self.pair(query, found.meaning, found.tier, rank) for rank, found in enumerate(drawn)]

    def _video(self, pair: Pair) -> str:
        return pair.contrast_query_id.rsplit("/", 1)[0]

    def _why_unpaired(self, query: Meaning) -> str:
        if not query.roles:
            return "its caption has no role"
        others = [
            number for number in self.index.sharing(query) if self.index.meanings[number].video_id != query.video_id
        ]
        if not others:
            return "no caption of another video shares a role's head word"
        return f"all {len(others)} captions that share a role satisfy the query or are of videos that do"


@dataclass(frozen=True, slots=True)
class _Found:
    """A drawn candidate."""

    meaning: Meaning
    tier: int
    excluded: bool = False


def _keys(reading: Reading) -> tuple[tuple[str, str], ...]:
    """Return what captions of the same class and action have in common: (class, verb), and (class, "") for those without a verb."""
    verbs = {action.verb for action in reading.referent.actions} or {""}
    return tuple(sorted((name, verb) for name in reading.referent.classes for verb in verbs))
