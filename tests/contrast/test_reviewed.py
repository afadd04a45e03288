"""One rule for the pair in use: what the build takes, what the review exports, and what a build of that export takes."""

import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2dsplus.contrast.pairs_file import PublishedPair, read_pairs_file
from a2dsplus.contrast.reviewed import in_use, order_after_review, rank_again
from a2dsplus.dataset.tables import SAMPLED, read_pairs, write_pairs
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.records import Pair, Status
from a2dsplus.review.decisions import Decision, Rejection, Verdict
from a2dsplus.review.desk import Desk
from a2dsplus.review.export import export
from a2dsplus.review.queue import Rules
from a2dsplus.review.store import Store, default_url, settled
from tests.review.review_workspace import dataset

QUERIES, CANDIDATES = 3, 2
REVIEWERS = ("ada", "bob", "cy")
Said = tuple[int, int, int, Verdict]
"""Who (index), of which query, which candidate, what; an undo is of one's own last decision."""

verdicts = st.sampled_from([Verdict.ACCEPT, Verdict.REJECT, Verdict.REPLACE, Verdict.SKIP, Verdict.UNDO])
logs = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, QUERIES - 1), st.integers(0, CANDIDATES - 1), verdicts),
    max_size=14,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("rule"), videos=QUERIES)


def logged(store: Store, pairs: list[Pair], said: list[Said], *, first: int = 1) -> None:
    """Write a log as the reviewers' pages would."""
    number = count(first)
    own: dict[int, list[Decision]] = {}
    for who, query, candidate, verdict in said:
        pair = pairs[query * CANDIDATES + candidate]
        last = own.get(who, [])
        if verdict is Verdict.UNDO and not last:
            continue
        undone = last.pop() if verdict is Verdict.UNDO else None
        decision = Decision(
            decision_id=f"decision-{next(number):06d}",
            reviewer=REVIEWERS[who],
            query_id=undone.query_id if undone else pair.query_id,
            contrast_query_id=undone.contrast_query_id if undone else pair.contrast_query_id,
            verdict=verdict,
            reason=Rejection.VISUAL if verdict is Verdict.REJECT else None,
            undoes=undone.decision_id if undone else None,
        )
        store.append(decision)
        if undone is None:
            own.setdefault(who, []).append(decision)


def as_rows(pairs: list[Pair]) -> list[tuple[str, str, int, Status]]:
    return sorted((pair.query_id, pair.contrast_query_id, pair.rank, pair.status) for pair in pairs)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(logs)
def test_build_and_export_and_a_build_of_the_export_use_the_same_pairs(made: Path, said: list[Said]) -> None:
    workspace = Workspace.open(made)
    drawn = read_pairs(workspace)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(default_url(Path(folder)))
        logged(store, drawn, said)
        built = rank_again(drawn, settled(Path(folder)))
        write_pairs(workspace, built)
        try:
            desk = Desk(workspace, store, rules=Rules(double=1.0))
            assert as_rows(desk.pairs()) == as_rows(built), "the page's table is the build's"
            path = Path(folder) / "pairs.json"
            export(desk, path)
        finally:
            write_pairs(workspace, drawn)
            store.close()
        rows = read_pairs_file(path)
    # what a build with --pairs makes of the file: its rows are the candidates, its statuses the verdicts
    published = [pair for row in rows for pair in built if (pair.query_id, pair.contrast_query_id) == row_key(row)]
    again = rank_again(published, {row_key(row): row.status for row in rows})
    used = {(pair.query_id, pair.contrast_query_id): pair.status for pair in in_use(built)}
    assert {(pair.query_id, pair.contrast_query_id): pair.status for pair in in_use(again)} == used
    rejected = {(pair.query_id, pair.contrast_query_id) for pair in built if pair.status == "rejected"}
    assert {(pair.query_id, pair.contrast_query_id) for pair in again if pair.status == "rejected"} == rejected


def row_key(row: PublishedPair) -> tuple[str, str]:
    return row.query_id, row.contrast_query_id


@settings(max_examples=20, deadline=None)
@given(logs, logs)
def test_the_page_knows_the_draw_also_after_a_build_by_verdicts_that_were_taken_back(
    made: Path, before: list[Said], after: list[Said]
) -> None:
    workspace = Workspace.open(made)
    drawn = read_pairs(workspace)
    write_pairs(workspace, drawn, name=SAMPLED)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(default_url(Path(folder)))
        logged(store, drawn, before)
        write_pairs(workspace, rank_again(drawn, settled(Path(folder))))
        try:
            # everything is taken back, and something else is said
            for number, decision in enumerate([d for d in store.since(0) if store.ledger().stands(d.decision_id)]):
                name = f"undo-{number:06d}"
                store.append(
                    replace(decision, decision_id=name, verdict=Verdict.UNDO, undoes=decision.decision_id, reason=None)
                )
            logged(store, drawn, after, first=1000)
            built = rank_again(drawn, settled(Path(folder)))
            assert as_rows(Desk(workspace, store, rules=Rules(double=1.0)).pairs()) == as_rows(built)
        finally:
            write_pairs(workspace, drawn)
            workspace.path(SAMPLED).unlink()
            store.close()


def test_a_disputed_first_candidate_gives_way_to_an_accepted_second(made: Path, tmp_path: Path) -> None:
    workspace = Workspace.open(made)
    drawn = read_pairs(workspace)
    store = Store(default_url(tmp_path))
    logged(
        store,
        drawn,
        [(0, 0, 0, Verdict.REPLACE), (0, 0, 1, Verdict.ACCEPT), (1, 0, 0, Verdict.ACCEPT)],
    )
    built = next(p for p in in_use(rank_again(drawn, settled(tmp_path))) if p.query_id == drawn[0].query_id)
    export(Desk(workspace, store, rules=Rules(double=1.0)), tmp_path / "pairs.json")
    exported = next(row for row in read_pairs_file(tmp_path / "pairs.json") if row.query_id == drawn[0].query_id)
    assert built.contrast_query_id == exported.contrast_query_id == drawn[1].contrast_query_id
    store.close()


def test_several_contrasts_are_the_first_that_are_not_rejected() -> None:
    statuses: list[Status] = ["unreviewed", "rejected", "accepted", "unreviewed"]
    assert order_after_review(statuses) == [2, 0, 3, 1]
    pairs = [
        Pair(query_id="q/0", contrast_query_id=f"{name}/0", tier=1, shared=(), differing=(), rank=rank)
        for rank, name in enumerate("abcd")
    ]
    ranked = rank_again(pairs, {("q/0", "b/0"): "rejected", ("q/0", "c/0"): "accepted"})
    assert [p.contrast_query_id for p in in_use(ranked, contrasts=2)] == ["c/0", "a/0"]
    assert [p.contrast_query_id for p in in_use(ranked, contrasts=9)] == ["c/0", "a/0", "d/0"]
