"""The quick sampler against its plain definition: all pairs compared, sorted, and asked one by one."""

from collections import Counter
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.index import tier
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.sampler import RANKS, Sampler

GUARD = Guard(Lexicon())
RELATIONS = ["class+action", "class", "action", "none"]
WHO = [
    "man",
    "woman",
    "person",
    "dog",
    "black dog",
    "white dog",
    "red car",
    "man in red shirt",
    "kite",
    "small kite",
    "dog of man",
]
VERB = ["run", "walk", "sit", "eat", "not walk"]
WHERE = ["on grass", "on green grass", "on snow", "on left", "in room", "with cat"]


@st.composite
def captions(draw: st.DrawFn) -> list[Meaning]:
    """A few videos of a few captions, some of which say the same."""
    found = []
    for video in range(draw(st.integers(1, 9))):
        for instance in range(draw(st.integers(1, 3))):
            roles = [
                (slot, word)
                for slot, words, most in (("who", WHO, 1), ("verb", VERB, 2), ("where", WHERE, 2))
                for word in draw(st.lists(st.sampled_from(words), max_size=most, unique=True))
            ]
            framed = any(slot == "verb" for slot, _ in roles)
            found.append(Meaning(f"v{video}/{instance}", f"v{video}", tuple(sorted(roles)), framed))
    return found


def plain(sampler: Sampler, captions: list[Meaning], query: Meaning, seed: int) -> list[tuple[str, bool]]:
    """Return a query's ranked candidates, (query id, excluded), by looking at all captions: excluded ones first, then the clear, then the vague;
    within each by relation, tier and the place on the ring after the query's; the first of each video."""

    def place(caption: Meaning) -> int:
        return int.from_bytes(blake2b(f"{seed} {caption.query_id}".encode(), digest_size=8).digest(), "big")

    def relation(caption: Meaning) -> int:
        return RELATIONS.index(
            sampler.exclusion.relation(sampler.reading(query).referent, sampler.reading(caption).referent)
        )

    def tier_of(caption: Meaning) -> int | None:
        return tier(query, caption, alike=relation(caption) < 2)

    def rank(caption: Meaning) -> tuple[int, int, int, int]:
        readings = [sampler.reading(other) for other in captions if other.video_id == caption.video_id]
        excluded = sampler.exclusion.excluded(sampler.reading(query), readings)
        grade = 0 if excluded else 1 if GUARD.is_clear(query, caption) else 2
        return grade, relation(caption), tier_of(caption) or 0, (place(caption) - place(query)) % 2**64

    ranked: dict[str, tuple[str, bool]] = {}
    for caption in sorted(
        (
            caption
            for caption in captions
            if caption.video_id != query.video_id
            and tier_of(caption) is not None
            and all(GUARD.satisfied(query, other) is None for other in captions if other.video_id == caption.video_id)
        ),
        key=rank,
    ):
        ranked.setdefault(caption.video_id, (caption.query_id, rank(caption)[0] == 0))
    return list(ranked.values())


@settings(max_examples=200, deadline=None)
@given(captions(), st.integers(0, 3))
def test_a_query_s_candidates_are_those_of_the_plain_definition_in_its_order(
    captions: list[Meaning], seed: int
) -> None:
    sampler = Sampler(captions, GUARD)
    for query in captions:
        found = [(one.meaning.query_id, one.excluded) for one in sampler.found(query, seed=seed, ranks=len(captions))]
        assert found == plain(sampler, captions, query, seed)


@settings(max_examples=100, deadline=None)
@given(captions(), st.integers(0, 3))
def test_the_index_finds_what_comparing_all_pairs_finds(captions: list[Meaning], seed: int) -> None:
    sampler = Sampler(captions, GUARD)
    index = sampler.index(seed=seed)
    for query in captions:
        found = [(other.query_id, number) for other, _, number in index.candidates(query)]
        ours = sampler.reading(query).referent
        alike = [sampler.exclusion.relation(ours, sampler.reading(other).referent)[:5] == "class" for other in captions]
        expected = [(o.query_id, tier(query, o, alike=same)) for o, same in zip(captions, alike, strict=True)]
        assert len(found) == len(set(found))
        assert set(found) == {(name, number) for name, number in expected if number is not None}


def test_of_a_long_list_a_query_looks_at_a_few_that_the_seed_picks() -> None:
    """The candidates of many like captions: no more than the bound, others by another seed, and each is picked about as often."""
    crowd = [Meaning(f"c{number}/0", f"c{number}", (("verb", "run"), ("who", "cat")), True) for number in range(400)]
    queries = [Meaning(f"q{number}/0", f"q{number}", (("verb", "run"), ("who", "dog")), True) for number in range(400)]
    sampler = Sampler([*queries, *crowd], GUARD)
    index = sampler.index(seed=0, looked=16)
    first = Counter(next(index.candidates(query))[0].query_id for query in queries)
    assert all(len(list(index.candidates(query))) <= 4 * 16 for query in queries[:20])
    assert len(first) > 120 and max(first.values()) < 16
    other = sampler.index(seed=1, looked=16)
    assert sum(next(other.candidates(query))[0] is next(index.candidates(query))[0] for query in queries) < 40


@pytest.mark.parametrize("contrasts", [1, 3, RANKS + 2])
def test_a_query_has_as_many_pairs_as_are_in_use(contrasts: int) -> None:
    captions = [
        Meaning(f"v{number}/0", f"v{number}", (("verb", "run"), ("who", "dog" if number % 2 else "cat")), True)
        for number in range(40)
    ]
    pairs = Sampler(captions, GUARD).sample(captions[:1], seed=0, contrasts=contrasts).pairs
    assert [pair.rank for pair in pairs] == list(range(max(RANKS, contrasts)))
