"""Contrast sampling: for every query a ranked list of captions that share some but not all of its roles (paper, section 4.1).

Of the candidates of a query those come first whose video is excluded (`contrast.exclusion`), then those that are about the same actor class
and action, then those of the lower tier. What a query draws depends on the seed, its own id and the captions, never on the order or the
number of workers; only the cap on the uses of a video looks at the other queries, in an order that the seed fixes.
"""

import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from a2dsplus.contrast.actors import Actor, Reading
from a2dsplus.contrast.entailment import Guard, Reason
from a2dsplus.contrast.exclusion import Exclusion
from a2dsplus.contrast.grading import Grading
from a2dsplus.contrast.index import MOST_LOOKED, CandidateIndex, Traits, tier
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.referent import read
from a2dsplus.contrast.remembered import Known, Remembered
from a2dsplus.records import Pair, Relation

# a query keeps this many candidates: the pair in use and those that take its place when it is rejected
RANKS = 6
# a contrast video serves this many queries while others are left
MOST_USES = 8
# over so many candidate captions it is counted what the guard removes
MOST_COUNTED = 500_000
# how many undecided candidates of a query are kept in mind, for each that it may need
_SPARE = 8


@dataclass(slots=True, kw_only=True)
class Drawn:
    """The pairs of all queries, by query id and rank, and the queries without one, with the reason."""

    pairs: list[Pair] = field(default_factory=list)
    unpaired: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate that may be paired with a query."""

    meaning: Meaning
    relation: Relation
    tier: int
    excluded: bool


class Sampler:
    """Draws contrast candidates from a set of captions: none that the guard bars, those that exclude first."""

    def __init__(self, meanings: Sequence[Meaning], guard: Guard, lists: Lists | None = None) -> None:
        self.guard = guard
        self.meanings = list(meanings)
        lists = Lists.shipped() if lists is None else lists
        self.exclusion = Exclusion(lists)
        self.grading = Grading(guard, self.exclusion)
        self._test = Remembered(self.exclusion)
        self._known: dict[str, Known] = {}
        known: dict[object, Known] = {}
        self._videos: dict[str, list[Meaning]] = {}
        for meaning in meanings:
            frames = meaning.frames
            if frames not in known:
                known[frames] = self._test.known(read(frames, lists))
            self._known[meaning.query_id] = known[frames]
            self._videos.setdefault(meaning.video_id, []).append(meaning)
        self._said: dict[object, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {}
        self._doubts: dict[float, float] = {}
        self._index: tuple[tuple[int, int], CandidateIndex] | None = None

    def reading(self, caption: Meaning) -> Reading:
        """Return whom a caption is read to speak of."""
        return self._known[caption.query_id].reading

    def readings(self, video_id: str) -> list[Reading]:
        """Return whom a video's captions are read to speak of."""
        return [self.reading(caption) for caption in self._videos[video_id]]

    def sample(
        self,
        queries: Sequence[Meaning],
        *,
        seed: int,
        contrasts: int = 1,
        progress: Callable[[int], object] = lambda _: None,
    ) -> Drawn:
        """Return up to `RANKS` ranked pairs a query (more where `contrasts`, the pairs in use of each, are more), from distinct videos.

        A contrast video is in use for at most `MOST_USES` queries while a query has other candidates of the same grade.
        """
        uses: Counter[str] = Counter()
        ranked: dict[str, list[Pair]] = {}
        for query in _in_turn(queries, seed):
            found = self._capped(query, seed=seed, uses=uses, contrasts=contrasts)
            uses.update(one.meaning.video_id for one in found[:contrasts])
            ranked[query.query_id] = self._as_pairs(query, found)
            progress(1)
        result = Drawn()
        for query in queries:
            result.pairs += ranked[query.query_id]
            if not ranked[query.query_id]:
                result.unpaired[query.query_id] = self._why_unpaired(query, seed=seed)
        return result

    def ranked(self, query: Meaning, *, seed: int, ranks: int = RANKS) -> list[Pair]:
        """Return a query's ranked pairs, as if it were the only one.

        Never the query's own video, never a video one of whose captions satisfies the query, never two captions of one video.
        """
        found = self._capped(query, seed=seed, uses=Counter(), contrasts=ranks)
        return self._as_pairs(query, found[:ranks])

    def _capped(self, query: Meaning, *, seed: int, uses: Counter[str], contrasts: int) -> list[Found]:
        """Return a query's candidates in the order of preference, at the front those to use: of the best grade, and of videos with uses left
        while there are such."""
        ranks = max(RANKS, contrasts)
        found: list[Found] = []
        free: list[Found] = []
        for one in self.found(query, seed=seed, ranks=ranks):
            if len(found) >= ranks and (len(free) >= contrasts or one.excluded != found[0].excluded):
                break
            found.append(one)
            if one.excluded == found[0].excluded and uses[one.meaning.video_id] < MOST_USES:
                free.append(one)
            if len(found) >= ranks and len(free) >= contrasts:
                break
        wanted = free[:contrasts]
        return [*wanted, *(one for one in found if one not in wanted)][:ranks]

    # ---- the draw ----------------------------------------------------------------------------------------------------

    def found(self, query: Meaning, *, seed: int, ranks: int = RANKS) -> Iterator[Found]:
        """Yield a query's candidates in the order of preference, from distinct videos, lazily: those that are excluded, then, up to `ranks`,
        undecided ones."""
        seen = {query.video_id}
        count = 0
        undecided: list[Found] = []
        for meaning, relation, at in self.index(seed=seed).candidates(query):
            if meaning.video_id in seen:
                continue
            if self._is_excluded(query, meaning.video_id):
                seen.add(meaning.video_id)
                if self.satisfying(query, meaning.video_id) is None:
                    count += 1
                    yield Found(meaning, relation, at, excluded=True)
            elif len(undecided) < _SPARE * ranks:
                undecided.append(Found(meaning, relation, at, excluded=False))
        yield from self._undecided(query, undecided, seen, ranks - count)

    def _undecided(self, query: Meaning, candidates: Sequence[Found], seen: set[str], wanted: int) -> Iterator[Found]:
        """Yield candidates whose video is not barred; those whose difference is more than a vaguer wording come first."""
        vague: list[Found] = []
        for one in candidates:
            if wanted <= 0:
                return
            if one.meaning.video_id in seen:
                continue
            if self.satisfying(query, one.meaning.video_id) is not None:
                seen.add(one.meaning.video_id)
            elif self.guard.is_clear(query, one.meaning):
                seen.add(one.meaning.video_id)
                wanted -= 1
                yield one
            else:
                vague.append(one)
        for one in vague:
            if wanted > 0 and one.meaning.video_id not in seen:
                seen.add(one.meaning.video_id)
                wanted -= 1
                yield one

    def _is_excluded(self, query: Meaning, video_id: str) -> bool:
        captions = [self._known[caption.query_id] for caption in self._videos[video_id]]
        return self._test.excluded(self._known[query.query_id], captions)

    def index(self, *, seed: int, looked: int = MOST_LOOKED) -> CandidateIndex:
        """Return the index of all captions for a seed; the last one asked for is kept."""
        if self._index is None or self._index[0] != (seed, looked):
            traits = [_traits(self.reading(meaning).referent) for meaning in self.meanings]
            self._index = (seed, looked), CandidateIndex(self.meanings, traits, seed=seed, looked=looked)
        return self._index[1]

    # ---- pairs -------------------------------------------------------------------------------------------------------

    def satisfying(self, query: Meaning, video_id: str) -> Reason | None:
        """Return why a video may hold a second right answer to a query, or None."""
        for caption in self._videos[video_id]:
            reason = self.guard.satisfied(query, caption)
            if reason is not None:
                return reason
        return None

    def removed(self, queries: Sequence[Meaning], *, seed: int, most: int = MOST_COUNTED) -> Counter[str]:
        """Return how many (query, candidate caption) the guard removes, by reason, over all candidates of all tiers, or over the first `most`
        where there are more, query by query in the seed's order."""
        counts: Counter[str] = Counter()
        for query in _in_turn(queries, seed):
            reasons: dict[str, Reason | None] = {}
            for candidate in self.index(seed=seed).sharing(query):
                if candidate.video_id == query.video_id:
                    continue
                if counts.total() == most:
                    return counts
                if candidate.video_id not in reasons:
                    reasons[candidate.video_id] = self.satisfying(query, candidate.video_id)
                counts[reasons[candidate.video_id] or "kept"] += 1
        return counts

    def pair(self, query: Meaning, candidate: Meaning, known_tier: int | None = None, rank: int = 0) -> Pair:
        """Return a pair with its roles by slot, its grade and what speaks for it; tier 4 where these captions are no candidates (a pairs
        file may have been made with another role labeller)."""
        captions = self._videos[candidate.video_id]
        graded = self.grading.grade(
            query, candidate, captions, [self.reading(caption) for caption in (query, candidate, *captions)]
        )
        slots = self.guard.by_slot(query, candidate)
        # of a million captions the same few words are said again and again
        shared, differing, extra = self._said.setdefault(slots, slots)
        return Pair(
            query_id=query.query_id,
            contrast_query_id=candidate.query_id,
            tier=known_tier or tier(query, candidate) or 4,
            shared=shared,
            differing=differing,
            extra=extra,
            grade=graded.grade,
            because=sys.intern(graded.because),
            doubt=self._doubts.setdefault(graded.doubt, graded.doubt),
            relation=self.exclusion.relation(self.reading(query).referent, self.reading(candidate).referent),
            rank=rank,
        )

    def _as_pairs(self, query: Meaning, drawn: Sequence[Found]) -> list[Pair]:
        return [self.pair(query, found.meaning, found.tier, rank) for rank, found in enumerate(drawn)]

    def _why_unpaired(self, query: Meaning, *, seed: int) -> str:
        if not query.roles:
            return "its caption has no role"
        others = sum(other.video_id != query.video_id for other in self.index(seed=seed).sharing(query))
        if not others:
            return "no caption of another video shares a role's head word"
        return f"all {others} captions that share a role satisfy the query or are of videos that do"


def _in_turn(queries: Sequence[Meaning], seed: int) -> list[Meaning]:
    """Return queries in the order in which they are served."""
    return sorted(queries, key=lambda query: (zlib.crc32(f"{seed} {query.query_id}".encode()), query.query_id))


def _traits(referent: Actor) -> Traits:
    """Return what `Exclusion.relation` compares: the classes, or else the head word, and the verbs."""
    classes = referent.classes or frozenset([f"head {referent.head}"] if referent.head else [])
    return Traits(classes, frozenset(action.verb for action in referent.actions))
