"""Captions whose comparison went wrong once, from their text through roles to guard and grade, with the compact model."""

import csv

import pytest

from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.meaning import Meaning, meaning
from a2dsplus.contrast.sampler import Sampler
from a2dsplus.records import Query
from a2dsplus.roles import Labeller, load_labeller, parse
from tests.shared_data import SHARED, needs_shared


@pytest.fixture(scope="module")
def compact() -> Labeller:
    return load_labeller()


def _meanings(labeller: Labeller, *captions: str) -> list[Meaning]:
    found = []
    for number, caption in enumerate(parse(captions, labeller=labeller)):
        query = Query(video_id=f"v{number}", expression_id="0", objects=None, text=caption.text, split="test")
        rows = [
            (place, role.role, role.slot.value, role.phrase, role.lemma)
            for place, frame in enumerate(caption.frames)
            for role in frame.roles
        ]
        found.append(meaning(query, rows))
    return found


# query, other caption, whether the guard bars the other's video, the kind of reason of the pair's grade
CASES = [
    ("a cat is sleeping on the sofa", "a cat’s sleeping on the sofa", True, None),
    ("the one who is running", "a woman is running", True, None),
    ("something is rolling on the road", "a car is rolling on the road", True, None),
    ("a dog who is running", "a dog who is not running", False, "negation"),
    ("a dog who is not running", "a dog who is running", False, "negation"),
    ("a woman is running", "the one who is running", False, None),
]


def _check(labeller: Labeller, caption: str, other: str, barred: bool, kind: str | None) -> None:
    query, candidate = _meanings(labeller, caption, other)
    sampler = Sampler([query, candidate], Guard(Lexicon()))
    assert (sampler.satisfying(query, candidate.video_id) is not None) == barred, (query.roles, candidate.roles)
    if barred:
        assert sampler.ranked(query, seed=0) == []
        return
    (pair,) = sampler.ranked(query, seed=0)
    assert pair.contrast_query_id == candidate.query_id
    assert (pair.grade == "excluded") == (kind is not None)
    assert kind is None or pair.because.startswith(f"{kind}:")


@pytest.mark.parametrize(("caption", "other", "barred", "kind"), CASES)
def test_a_pair_is_barred_or_drawn(compact: Labeller, caption: str, other: str, barred: bool, kind: str | None) -> None:
    _check(compact, caption, other, barred, kind)


@needs_shared
def test_the_recorded_cases_come_out_right(compact: Labeller) -> None:
    with (SHARED / "cases" / "captions" / "captions.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["command"] == "build"]
    assert rows
    for row in rows:
        barred = row["right"].startswith("guarded")
        assert barred or row["right"].startswith("a pair"), row
        _check(compact, row["caption"], row["other caption"], barred, None if barred else "negation")


@pytest.mark.slow
@needs_shared
def test_over_real_captions_none_excludes_itself_and_none_that_satisfies_is_excluded(compact: Labeller) -> None:
    """Two tests of one question, made apart from each other, over a fifth of A2D-Sentences' captions."""
    with (SHARED / "data/a2d_annotation.txt").open(encoding="utf-8", newline="") as file:
        texts = list(dict.fromkeys(row["query"] for row in csv.DictReader(file)))[::5]
    meanings = _meanings(compact, *texts)
    guard = Guard(Lexicon())
    sampler = Sampler(meanings, guard)
    readings = [sampler.reading(meaning) for meaning in meanings]
    excluded = sampler.exclusion.excluded
    assert [text for text, one in zip(texts, readings, strict=True) if excluded(one, [one])] == []
    compared, wrong = 0, []
    for query, ours, text in zip(meanings, readings, texts, strict=True):
        for other, theirs, other_text in zip(meanings, readings, texts, strict=True):
            if other is not query and query.roles and guard.satisfied(query, other) is not None:
                compared += 1
                if excluded(ours, [theirs]):
                    wrong.append((text, other_text, str(sampler.exclusion.reason(ours.referent, theirs.referent))))
    assert compared > 300
    assert wrong == []
