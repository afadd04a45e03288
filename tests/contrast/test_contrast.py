"""Contrast sampling: who may stand against whom, and whom the guard keeps out."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.index import tier
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.phrases import Phrase, analyse
from a2dsplus.contrast.reviewed import published_pairs, rank_again
from a2dsplus.contrast.sampler import MOST_USES, RANKS, Sampler
from a2dsplus.records import Pair, Status

LEXICON = Lexicon()


def _meaning(query_id: str, **roles: str | Sequence[str]) -> Meaning:
    found = {
        (slot, lemma) for slot, lemmas in roles.items() for lemma in ([lemmas] if isinstance(lemmas, str) else lemmas)
    }
    return Meaning(query_id, query_id.split("/")[0], tuple(sorted(found)), "verb" in roles)


BOY = _meaning("q/0", who="boy", verb="run", where="on grass")


@pytest.mark.parametrize(
    ("slot", "lemma", "expected"),
    [
        ("who", "red car", Phrase("", "car", frozenset({"red"}))),
        ("who", "man in red shirt", Phrase("", "man")),
        ("who", "black and white dog", Phrase("", "dog", frozenset({"black", "white"}))),
        ("who", "naked baby", Phrase("", "baby", frozenset({"naked"}))),
        ("who", "dog big than cat", Phrase("", "dog", frozenset({"big"}))),
        ("what", "ball red", Phrase("", "ball", frozenset({"red"}))),
        ("who", "white fly bird", Phrase("", "bird", frozenset({"white", "fly"}))),
        ("who", "girl in pink dress", Phrase("", "girl")),
        ("where", "on its back", Phrase("on", "back", frozenset({"its"}))),
        ("who", "second from left man", Phrase("", "man", frozenset({"second"}))),
        ("where", "on green grass", Phrase("on", "grass", frozenset({"green"}))),
        ("where", "in front of camera", Phrase("in front of", "camera", frozenset())),
        ("where", "on top of car", Phrase("on", "car", frozenset())),
        ("where", "outside", Phrase("", "outside", frozenset())),
        ("verb", "climb up", Phrase("", "climb", frozenset({"up"}))),
    ],
)
def test_phrases_are_taken_apart(slot: str, lemma: str, expected: Phrase) -> None:
    found = analyse(slot, lemma)
    assert (found.preposition, found.head, found.modifiers) == (expected.preposition, expected.head, expected.modifiers)


def test_the_paper_s_example_is_tier_1() -> None:
    assert tier(BOY, _meaning("c/0", who="boy", verb="run", where="on snow")) == 1


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"who": "dog", "verb": "run", "where": "on snow"}, 2),
        ({"who": "boy", "verb": "jump"}, 3),
        ({"who": "little boy", "verb": "jump"}, 4),
        ({"who": "dog", "verb": "eat", "what": "corn"}, None),
        ({"who": "boy", "verb": "run", "where": "on grass", "when": "slowly"}, None),
    ],
)
def test_tiers(roles: dict[str, str], expected: int | None) -> None:
    assert tier(BOY, _meaning("c/0", **roles)) == expected


@pytest.mark.parametrize(
    ("query", "candidate", "shared", "differing", "extra"),
    [
        ({"who": "boy", "verb": "run", "where": "on grass"}, {"who": "boy", "verb": "run"}, "verb who", "", "where"),
        ({"who": "boy", "verb": "run"}, {"who": "boy", "verb": "jump", "what": "rope"}, "who", "verb", "what"),
        ({"who": "boy", "verb": ["run", "jump"]}, {"who": "lad", "verb": "run"}, "who", "verb", ""),
        ({"who": "dog", "where": "on grass"}, {"who": "black dog", "where": "in grass"}, "where", "who", ""),
    ],
)
def test_a_slot_is_shared_or_differs_or_stands_on_one_side(
    query: dict[str, str], candidate: dict[str, str], shared: str, differing: str, extra: str
) -> None:
    found = Guard(LEXICON).by_slot(_meaning("q/0", **query), _meaning("c/0", **candidate))
    assert found == (tuple(shared.split()), tuple(differing.split()), tuple(extra.split()))


@pytest.mark.parametrize(
    ("query", "by", "reason"),
    [
        ({"who": "car"}, {"who": "red car"}, "more specific"),
        ({"who": "red car"}, {"who": "car"}, None),
        ({"who": "person"}, {"who": "man"}, "synonym or hyponym"),
        ({"who": "man"}, {"who": "person"}, None),
        ({"who": "child"}, {"who": "kid"}, "synonym or hyponym"),
        ({"who": "child"}, {"who": "boy"}, "synonym or hyponym"),
        ({"who": "bird"}, {"who": "green parrot"}, "synonym or hyponym"),
        ({"who": "guy in red"}, {"who": "man in red shirt"}, "synonym or hyponym"),
        ({"where": "on grass"}, {"where": "on green grass"}, "more specific"),
        ({"where": "on grass"}, {"where": "in grass"}, "more specific"),
        ({"where": "on left"}, {"where": "on right"}, None),
        ({"where": "behind tree"}, {"where": "in tree"}, None),
        ({"who": "boy", "verb": "run"}, {"who": "boy", "verb": "run", "where": "on snow"}, "identical roles"),
        ({"who": "boy", "verb": "run"}, {"who": "boy"}, None),
        ({"verb": "jump"}, {"verb": "hop"}, "synonym or hyponym"),
    ],
)
def test_satisfying_is_entailment_role_by_role(query: dict[str, str], by: dict[str, str], reason: str | None) -> None:
    assert Guard(LEXICON).satisfied(_meaning("q/0", **query), _meaning("c/0", **by)) == reason


def test_a_video_one_of_whose_captions_satisfies_the_query_is_never_drawn() -> None:
    captions = [
        BOY,
        _meaning("c/0", who="boy", verb="run", where="on snow"),
        _meaning("c/1", who="little boy", verb="run", where="on green grass"),
        _meaning("d/0", who="dog", verb="run", where="on grass"),
    ]
    sampler = Sampler(captions, Guard(LEXICON))
    assert [pair.contrast_query_id for pair in sampler.ranked(BOY, seed=0)] == ["d/0"]
    assert sampler.removed([BOY], seed=0) == {"more specific": 2, "kept": 1}


def test_a_vaguer_wording_comes_after_a_clear_contrast() -> None:
    query = _meaning("q/0", who="black dog", verb="run")
    vague, clear = _meaning("v/0", who="dog", verb="run"), _meaning("w/0", who="white dog", verb="run")
    for seed in range(8):
        ranked = Sampler([query, vague, clear], Guard(LEXICON)).ranked(query, seed=seed)
        assert [pair.contrast_query_id for pair in ranked] == ["w/0", "v/0"]


def test_a_caption_without_a_verb_takes_part_in_tier_4_alone() -> None:
    query = _meaning("q/0", who="white dog")
    other = _meaning("c/0", who="black dog", verb="run")
    sampler = Sampler([query, other], Guard(LEXICON))
    assert [(pair.tier, pair.differing) for pair in sampler.ranked(query, seed=0)] == [(4, ("who",))]
    assert [pair.tier for pair in sampler.ranked(other, seed=0)] == [4]


def test_queries_without_a_pair_are_listed_with_the_reason() -> None:
    captions = [
        _meaning("a/0", who="dog", verb="run"),
        _meaning("b/0", who="brown dog", verb="run"),
        _meaning("c/0", who="kite", verb="soar"),
        _meaning("d/0"),
    ]
    unpaired = Sampler(captions, Guard(LEXICON)).sample(captions, seed=0).unpaired
    assert set(unpaired) == {"a/0", "c/0", "d/0"}
    assert "satisfy the query" in unpaired["a/0"]
    assert "no caption of another video" in unpaired["c/0"]
    assert "no role" in unpaired["d/0"]


who = st.sampled_from(["man", "boy", "person", "dog", "black dog", "red car", "car"])
verb = st.sampled_from(["run", "walk", "jump", "roll"])
where = st.sampled_from(["on grass", "on green grass", "on snow", "on left", "in room"])


@st.composite
def worlds(draw: st.DrawFn) -> list[Meaning]:
    captions = []
    for video in range(draw(st.integers(1, 12))):
        for instance in range(draw(st.integers(1, 3))):
            roles: dict[str, str] = {}
            for slot, phrases in (("who", who), ("verb", verb), ("where", where)):
                if draw(st.booleans()):
                    roles[slot] = draw(phrases)
            captions.append(_meaning(f"v{video}/{instance}", **roles))
    return captions


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_pairs_keep_every_promise(captions: list[Meaning], seed: int, random) -> None:  # type: ignore[no-untyped-def]
    guard = Guard(LEXICON)
    sampler = Sampler(captions, guard)
    sampling = sampler.sample(captions, seed=seed)
    by_id = {caption.query_id: caption for caption in captions}
    assert {pair.query_id for pair in sampling.pairs} | set(sampling.unpaired) == set(by_id)
    uses = Counter(by_id[pair.contrast_query_id].video_id for pair in sampling.pairs if pair.rank == 0)
    capped = max(uses.values(), default=0) >= MOST_USES
    for query_id, query in by_id.items():
        ranked = [pair for pair in sampling.pairs if pair.query_id == query_id]
        assert [pair.rank for pair in ranked] == list(range(len(ranked))) and len(ranked) <= RANKS
        videos = [by_id[pair.contrast_query_id].video_id for pair in ranked]
        assert len(set(videos)) == len(videos) and query.video_id not in videos
        for pair, video in zip(ranked, videos, strict=True):
            assert all(guard.satisfied(query, other) is None for other in captions if other.video_id == video)
            assert pair.differing or pair.extra
            contrast = by_id[pair.contrast_query_id]
            told = [*pair.shared, *pair.differing, *pair.extra]
            assert sorted(told) == sorted({slot for slot, _ in (*query.roles, *contrast.roles)})
            assert guard.by_slot(contrast, query) == (pair.shared, pair.differing, pair.extra)
        # a query's draw depends on who else is asked by the cap alone, and never on their order
        if not capped:
            assert ranked == sampler.ranked(query, seed=seed)
    shuffled = list(captions)
    random.shuffle(shuffled)
    again = sampler.sample(shuffled, seed=seed)
    assert sorted(again.pairs, key=repr) == sorted(sampling.pairs, key=repr)


def _pair(contrast: str, rank: int) -> Pair:
    return Pair(query_id="q/0", contrast_query_id=contrast, tier=1, shared=("who",), differing=("verb",), rank=rank)


def test_review_ranks_accepted_pairs_first_and_rejected_ones_last() -> None:
    pairs = [_pair("a/0", 0), _pair("b/0", 1), _pair("c/0", 2)]
    settled: dict[tuple[str, str], Status] = {("q/0", "a/0"): "rejected"}
    assert [(p.contrast_query_id, p.rank, p.status) for p in rank_again(pairs, settled)] == [
        ("b/0", 0, "unreviewed"),
        ("c/0", 1, "unreviewed"),
        ("a/0", 2, "rejected"),
    ]
    settled["q/0", "c/0"] = "accepted"
    assert [p.contrast_query_id for p in rank_again(pairs, settled)] == ["c/0", "b/0", "a/0"]


def _crowd(popular: int, queries: int, *, others: bool) -> list[Meaning]:
    """Return dogs that run, the few cats that run, all excluded from them; with `others` as many birds that run besides."""
    captions = [_meaning(f"q{number}/0", who="dog", verb="run") for number in range(queries)]
    captions += [_meaning(f"c{number}/0", who="cat", verb="run", where="on grass") for number in range(popular)]
    if others:
        captions += [_meaning(f"b{number}/0", who="bird", verb="run") for number in range(queries)]
    return captions


@pytest.mark.parametrize("others", [True, False])
def test_a_contrast_video_serves_no_more_queries_than_the_cap_while_others_are_left(others: bool) -> None:
    captions = _crowd(2, 3 * MOST_USES, others=others)
    queries = captions[: 3 * MOST_USES]
    sampling = Sampler(captions, Guard(LEXICON)).sample(queries, seed=0)
    used = Counter(pair.contrast_query_id for pair in sampling.pairs if pair.rank == 0)
    assert sum(used.values()) == len(queries) and not sampling.unpaired
    # two videos cannot serve them all within the cap; a query is paired all the same
    assert (max(used.values()) <= MOST_USES) == others


def test_a_listed_query_with_its_own_video_is_told_of_and_left_out(tmp_path: Path) -> None:
    captions = [BOY, _meaning("q/1", who="dog", verb="run"), _meaning("c/0", who="dog", verb="run")]
    path = tmp_path / "pairs.json"
    rows = [{"query": "q/0", "contrast": name, "status": "accepted"} for name in ("q/1", "c/0")]
    rows.append({"query": "q/1", "contrast": "q/0", "status": "accepted"})
    path.write_text(json.dumps({"schema": 2, "pairs": rows}))
    found = published_pairs(path, [], Sampler(captions, Guard(LEXICON)), split="test")
    assert [(pair.query_id, pair.contrast_query_id, pair.rank, pair.grade) for pair in found.pairs] == [
        ("q/0", "c/0", 0, "excluded")
    ]
    assert "pairs.json pairs it with its own video (q/0)" in found.own_video["q/1"]
