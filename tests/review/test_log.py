"""The log and what it is folded into: nothing is lost, changed or counted twice."""

import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask

from a2dsplus.errors import WorkspaceError
from a2dsplus.review.agreement import agreements, cohen_kappa, watched
from a2dsplus.review.decisions import Decision, DecisionError, Rejection, Verdict, from_json
from a2dsplus.review.ledger import Ledger, Outcome
from a2dsplus.review.store import FILE, Store, default_url, settled
from a2dsplus.review.summary import summary

PAIR = ("v1/1", "v2/1")
_number = count(1)


def say(
    verdict: Verdict, *, by: str = "ada", pair: tuple[str, str] = PAIR, undoes: str | None = None, tier: int = 1
) -> Decision:
    """Return a decision with an id of its own."""
    return Decision(
        decision_id=f"decision-{next(_number):06d}",
        reviewer=by,
        query_id=pair[0],
        contrast_query_id=pair[1],
        verdict=verdict,
        reason=Rejection.VISUAL if verdict is Verdict.REJECT else None,
        undoes=undoes,
        tier=tier,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(default_url(tmp_path))
    yield opened
    opened.close()


def test_a_decision_survives_closing_and_comes_back_as_given(tmp_path: Path, store: Store) -> None:
    logged = store.append(say(Verdict.REJECT))
    store.close()
    again = Store(default_url(tmp_path))
    assert list(again.since(0)) == [logged]
    assert logged.seq == 1
    again.close()


def test_every_commit_is_synced_to_a_write_ahead_log(tmp_path: Path, store: Store) -> None:
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_log_can_only_grow(tmp_path: Path, store: Store) -> None:
    store.append(say(Verdict.ACCEPT))
    with sqlite3.connect(tmp_path / FILE) as connection:
        for sql in ("DELETE FROM decisions", "UPDATE decisions SET verdict = 'reject'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(sql)


def test_a_decision_sent_twice_is_logged_once(store: Store) -> None:
    decision = say(Verdict.ACCEPT)
    first, second = store.append(decision), store.append(decision)
    assert first == second
    assert len(list(store.since(0))) == 1


def test_an_id_cannot_be_used_for_something_else(store: Store) -> None:
    decision = say(Verdict.ACCEPT)
    store.append(decision)
    other = Decision(
        decision_id=decision.decision_id,
        reviewer="bob",
        query_id=PAIR[0],
        contrast_query_id=PAIR[1],
        verdict=Verdict.ACCEPT,
    )
    with pytest.raises(DecisionError, match="belongs to another decision"):
        store.append(other)


def test_nobody_undoes_what_another_said(store: Store) -> None:
    decision = store.append(say(Verdict.ACCEPT))
    with pytest.raises(DecisionError, match="no decision of bob"):
        store.append(say(Verdict.UNDO, by="bob", undoes=decision.decision_id))


def test_two_servers_on_one_file_write_in_turn(tmp_path: Path, store: Store) -> None:
    other = Store(default_url(tmp_path))
    places = [(store, other)[i % 2].append(say(Verdict.ACCEPT, pair=(f"v{i}/1", "w/1"))).seq for i in range(10)]
    assert places == list(range(1, 11))
    assert [d.seq for d in other.since(7)] == [8, 9, 10]
    other.close()


def test_undo_brings_back_the_verdict_before(store: Store) -> None:
    ledger = Ledger()
    for decision in (accepted := say(Verdict.ACCEPT), rejected := say(Verdict.REJECT)):
        ledger.apply(decision)
    assert ledger.outcome(PAIR) is Outcome.REJECTED
    ledger.apply(say(Verdict.UNDO, undoes=rejected.decision_id))
    assert ledger.outcome(PAIR) is Outcome.ACCEPTED
    ledger.apply(say(Verdict.UNDO, undoes=accepted.decision_id))
    assert ledger.outcome(PAIR) is Outcome.UNREVIEWED
    assert ledger.mentions(PAIR)


@given(st.lists(st.tuples(st.sampled_from(["ada", "bob"]), st.sampled_from(list(Verdict)[:4]), st.integers(0, 3))))
def test_undoing_everything_leaves_nothing(said: list[tuple[str, Verdict, int]]) -> None:
    ledger = Ledger()
    decisions = [say(verdict, by=by, pair=(f"q{i}/1", "c/1")) for by, verdict, i in said]
    for decision in decisions:
        ledger.apply(decision)
    for decision in decisions:
        ledger.apply(say(Verdict.UNDO, by=decision.reviewer, pair=decision.pair, undoes=decision.decision_id))
    assert all(ledger.outcome(pair) is Outcome.UNREVIEWED for pair in ledger.pairs())
    assert ledger.reviewers() == []
    assert not ledger.disputed


def test_settled_is_what_the_build_needs(tmp_path: Path, store: Store) -> None:
    assert settled(tmp_path / "nowhere") == {}
    pairs = {name: (f"{name}/1", "c/1") for name in ("kept", "gone", "swapped", "open", "undone", "disputed", "ended")}
    undone = say(Verdict.REJECT, pair=pairs["undone"])
    for decision in (
        say(Verdict.ACCEPT, pair=pairs["kept"]),
        say(Verdict.REJECT, pair=pairs["gone"]),
        say(Verdict.REPLACE, pair=pairs["swapped"]),
        say(Verdict.SKIP, pair=pairs["open"]),
        undone,
        say(Verdict.UNDO, pair=pairs["undone"], undoes=undone.decision_id),
        say(Verdict.ACCEPT, pair=pairs["disputed"]),
        say(Verdict.REJECT, pair=pairs["disputed"], by="bob"),
        say(Verdict.ACCEPT, pair=pairs["ended"]),
        say(Verdict.REJECT, pair=pairs["ended"], by="bob"),
        say(Verdict.SETTLE_ACCEPT, pair=pairs["ended"], by="cy"),
    ):
        store.append(decision)
    expected = {"kept": "accepted", "gone": "rejected", "swapped": "rejected", "ended": "accepted"}
    assert settled(tmp_path) == {pairs[name]: outcome for name, outcome in expected.items()}


def test_summary_counts_by_tier_reason_and_reviewer(tmp_path: Path, store: Store) -> None:
    for i, (verdict, tier) in enumerate(
        [(Verdict.ACCEPT, 1), (Verdict.ACCEPT, 1), (Verdict.ACCEPT, 1), (Verdict.REJECT, 1), (Verdict.REPLACE, 2)]
    ):
        store.append(say(verdict, pair=(f"q{i}/1", "c/1"), tier=tier))
    found = summary(tmp_path)
    assert found["pairs"] == {"accepted": 3, "rejected": 2, "disputed": 0, "bulk": 0}
    assert found["tiers"]["1"] == {"accepted": 3, "rejected": 1, "rejection_rate": 0.25}
    assert found["tiers"]["2"]["rejection_rate"] == 1.0
    assert found["reasons"]["visual"] == {"rejected": 1, "rejection_rate": 0.2}
    assert found["reasons"]["replaced"]["rejected"] == 1
    assert [(r["name"], r["accepted"], r["rejected"]) for r in found["reviewers"]] == [("ada", 3, 2)]
    assert summary(tmp_path / "nowhere")["decisions"] == 0


def test_kappa_by_hand() -> None:
    # both yes 20, both no 15, 5 and 10 mixed: observed 35/50, expected 0.5 * 0.6 + 0.5 * 0.4
    votes = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert cohen_kappa(votes) == pytest.approx((35 / 50 - 0.5) / 0.5)
    assert cohen_kappa([(True, True)] * 3) is None
    assert cohen_kappa([]) is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2))
def test_kappa_agrees_with_nltk(votes: list[tuple[bool, bool]]) -> None:
    ours = cohen_kappa(votes)
    if ours is not None:
        data = [(name, i, vote[rater]) for rater, name in enumerate("ab") for i, vote in enumerate(votes)]
        assert ours == pytest.approx(AnnotationTask(data=data).kappa())


def test_agreement_is_over_the_pairs_both_judged() -> None:
    ledger = Ledger()
    for i, (a, b) in enumerate([(Verdict.ACCEPT, Verdict.ACCEPT), (Verdict.ACCEPT, Verdict.REJECT)]):
        ledger.apply(say(a, pair=(f"q{i}/1", "c/1")))
        ledger.apply(say(b, by="bob", pair=(f"q{i}/1", "c/1")))
    ledger.apply(say(Verdict.ACCEPT, pair=("alone/1", "c/1")))
    (found,) = agreements(ledger)
    assert (found.reviewers, found.pairs, found.percent) == (("ada", "bob"), 2, 50.0)
    assert ledger.disputed == {("q1/1", "c/1")}
    # one always accepted: observed 1/2, expected 1/2
    assert watched(ledger) == "watched by 2 people, Cohen's kappa 0.00 over 2 pairs that two of them judged"
    assert watched(Ledger()) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "expected a JSON object"),
        ({"id": "abcdefgh", "verdict": "love"}, "verdict 'love'"),
        ({"id": "x", "verdict": "accept"}, "8 to 64"),
        ({"id": "abcdefgh", "verdict": "reject"}, "a rejection needs one of"),
        ({"id": "abcdefgh", "verdict": "reject", "reason": "mood"}, "reason 'mood'"),
        ({"id": "abcdefgh", "verdict": "accept", "reason": "visual"}, "goes with a rejection"),
        ({"id": "abcdefgh", "verdict": "undo"}, "undoes"),
        ({"id": "abcdefgh", "verdict": "accept", "note": "n" * 2001}, "at most 2000"),
        ({"id": "abcdefgh", "verdict": "accept", "query": 3}, "query: expected text, got int"),
        ({"id": "abcdefgh", "verdict": "accept", "extra": "x"}, "unknown field 'extra'"),
    ],
)
def test_what_cannot_be_logged_says_why(value: object, words: str) -> None:
    with pytest.raises(DecisionError, match=words):
        from_json(value, reviewer="ada")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", "not a database URL"),
        ("sqlite:////nowhere/at/all.sqlite", "unable to open"),
        ("mysql+nodriver://h/x", "check the URL|not installed"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_line(url: str, words: str) -> None:
    with pytest.raises(WorkspaceError, match=words) as caught:
        Store(url)
    assert "\n" not in str(caught.value)


def test_a_damaged_log_is_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(WorkspaceError, match="not a database"):
        settled(tmp_path)


def test_a_log_of_a_newer_version_is_left_alone(tmp_path: Path, store: Store) -> None:
    store.append(say(Verdict.ACCEPT))
    store.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE log_head SET schema = 99")
    with pytest.raises(WorkspaceError, match="schema 99"):
        Store(default_url(tmp_path))
