"""Several reviewers at one desk: whose dataset it is, who comes first, who settles, and that nobody waits for another's disk."""

import csv
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from a2dsplus.dataset.tables import read_pairs, write_pairs
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.records import Grade, Pair
from a2dsplus.review.catalogue import fingerprint
from a2dsplus.review.export import COLUMNS, export_table
from a2dsplus.review.queue import STRETCH, Rules
from a2dsplus.review.store import FILE, Store, default_url, settled
from tests.review.browser import serving
from tests.review.review_workspace import dataset
from tests.review.test_server import HOST, WRITE, Voter, client_of, dataset_of, desk_of


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next((dataset(tmp_path_factory.mktemp("clip"), videos=1).parent / "source").iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(default_url(tmp_path))
    yield opened
    opened.close()


def graded(folder: Path, grade: Callable[[int, Pair], tuple[Grade, str, float]]) -> None:
    """Give each pair of a dataset a grade, the reason for it, and a doubt."""
    workspace = Workspace.open(folder)
    pairs = []
    for number, pair in enumerate(read_pairs(workspace)):
        found = grade(number, pair)
        pairs.append(replace(pair, grade=found[0], because=found[1], doubt=found[2]))
    write_pairs(workspace, pairs)


# ---- by doubt ----------------------------------------------------------------------------------------------------


def test_the_doubtful_come_first_and_each_reviewer_has_an_own_order_among_them(
    tmp_path: Path, clip: Path, store: Store
) -> None:
    number = 3 * STRETCH
    folder = dataset(tmp_path / "many", videos=number, clip=clip)

    def grade(place: int, pair: Pair) -> tuple[Grade, str, float]:
        if place // 2 % 3:
            return "excluded", "colour: white shirt / black shirt", place / 1000
        return "undecided", "not ruled out: dog", place / 1000

    graded(folder, grade)
    doubt = {p.query_id: (p.grade == "excluded", -p.doubt) for p in read_pairs(Workspace.open(folder)) if p.rank == 0}
    wanted = sorted(doubt, key=lambda query: doubt[query])
    client = client_of(desk_of(folder, store))
    orders = {name: [row["query"] for row in Voter(client, name).rows(limit=200)] for name in ("ada", "bob")}
    for order in orders.values():
        for start in range(0, number, STRETCH):
            assert set(order[start : start + STRETCH]) == set(wanted[start : start + STRETCH])
    assert orders["ada"] != orders["bob"]
    # the pass by captions begins at the other end
    bulk = client.get("/api/bulk", params={"reviewer": "ada", "count": 20}).json()["rows"]
    assert [row["query"] for row in bulk] == orders["ada"][::-1][:20]


def test_the_pass_by_captions_offers_only_what_the_captions_keep_apart(
    tmp_path: Path, clip: Path, store: Store
) -> None:
    folder = dataset(tmp_path / "few", videos=6, clip=clip)
    graded(folder, lambda n, p: ("excluded", "actor: dog / cat", 0.01) if n < 4 else ("undecided", "", 0.6))
    client = client_of(desk_of(folder, store))
    ada = Voter(client, "ada")
    rows = client.get("/api/bulk?reviewer=ada").json()["rows"]
    assert [row["grade"] for row in rows] == ["excluded"] * 2
    first, second = rows
    taken = [
        {"id": f"bulk-{n:08d}", "verdict": verdict, "mode": "bulk", "query": row["query"], "contrast": row["contrast"]}
        for n, (verdict, row) in enumerate((("accept", first), ("skip", second)))
    ]
    assert all("error" not in result for result in ada.sends(*taken)["results"])
    assert client.get("/api/bulk?reviewer=ada").json()["rows"] == []
    assert [d.mode for d in store.since(0)] == ["bulk", "bulk"]
    assert client.get("/api/agreement?reviewer=ada").json()["pairs"]["bulk"] == 1
    assert [row["query"] for row in ada.rows(status="again")] == [second["query"]]


def test_what_keeps_a_pair_apart_is_said(tmp_path: Path, clip: Path, store: Store) -> None:
    folder = dataset(tmp_path / "said", videos=3, clip=clip)

    def grade(number: int, pair: Pair) -> tuple[Grade, str, float]:
        said: list[tuple[Grade, str, float]] = [
            ("excluded", "actor: ball / dog", 0.01),
            ("undecided", "not ruled out: ball of another caption", 0.5),
            ("undecided", "not ruled out: cat", 0.7),
        ]
        return said[number // 2]

    graded(folder, grade)
    ada = Voter(client_of(desk_of(folder, store)), "ada")
    told = {
        pair["query"]: ["".join(piece["text"] for piece in line["pieces"]) for line in pair["why"]]
        for pair in ada.ahead()
    }
    assert told["-video00000/1"][0] == "exclude each other by actor: ball / dog"
    assert told["-video00001/1"][:2] == [
        "only who keeps these apart: white dog / small cat",
        "not ruled out: ball of another caption",
    ]
    assert told["-video00001/1"][2] == "the contrast’s verb and where satisfy the query’s"
    assert [row["query"] for row in ada.rows(mark="fits")] == ["-video00001/1"]
    assert len(ada.rows(grade="undecided")) == 2
    assert len(ada.rows(only="who")) == 3
    facets = ada.client.get("/api/session?reviewer=ada").json()["facets"]
    assert (facets["grade"], facets["mark"]["fits"], facets["only"]["who"]) == ({"excluded": 1, "undecided": 2}, 1, 3)


def test_a_dataset_without_grades_comes_in_random_order_and_says_so(tmp_path: Path, clip: Path, store: Store) -> None:
    client = client_of(desk_of(dataset(tmp_path / "old", videos=6, clip=clip), store))
    session = client.get("/api/session?reviewer=ada").json()
    assert (session["has_doubt"], session["by_doubt"]) == (False, False)


# ---- a verdict belongs to a dataset ------------------------------------------------------------------------------


def test_a_request_about_another_dataset_is_refused(tmp_path: Path, clip: Path, store: Store) -> None:
    client = client_of(desk_of(dataset(tmp_path / "here", videos=3, clip=clip), store))
    for answer in (
        client.get("/api/session", params={"dataset": "another"}),
        client.post("/api/decisions", params={"dataset": "another"}, json={"decisions": [{}]}, headers=WRITE),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "other-dataset")
    missing = client.post("/api/decisions", json={"decisions": [{}]}, headers=WRITE)
    assert missing.status_code == 422
    assert list(store.since(0)) == []


def test_of_a_shared_database_only_the_own_decisions_count(tmp_path: Path, clip: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    first, second = (dataset(tmp_path / name, videos=n, clip=clip) for name, n in (("one", 3), ("two", 4)))
    stores = {folder: Store(url, dataset=fingerprint(Workspace.open(folder))) for folder in (first, second)}
    assert len({store.dataset for store in stores.values()}) == 2
    ada = Voter(client_of(desk_of(first, stores[first])), "ada")
    pair = next(p for p in ada.ahead() if p["query"] == "-video00000/1")
    ada.says("accept", pair)
    assert settled(first, database=url, dataset=stores[first].dataset) == {
        (pair["query"], pair["contrast"]): "accepted"
    }
    # the other has a pair of the same ids
    assert settled(second, database=url, dataset=stores[second].dataset) == {}
    assert stores[second].of_others() == 1
    assert desk_of(second, stores[second]).progress("ada")["done"] == 0
    for store in stores.values():
        store.close()


# the table as version 1 of the log made it
_SCHEMA_1 = """
CREATE TABLE decisions (seq INTEGER NOT NULL PRIMARY KEY, decision_id VARCHAR(64) NOT NULL UNIQUE, reviewer VARCHAR(40) NOT NULL,
    query_id VARCHAR(160) NOT NULL, contrast_query_id VARCHAR(160) NOT NULL, verdict VARCHAR(16) NOT NULL, reason VARCHAR(16),
    note TEXT NOT NULL, undoes VARCHAR(64), tier INTEGER NOT NULL, rank INTEGER NOT NULL, at VARCHAR(32) NOT NULL);
CREATE TABLE log_head (schema INTEGER, seq INTEGER NOT NULL);
INSERT INTO log_head VALUES (1, 1);
INSERT INTO decisions VALUES (1, 'decision-1', 'ada', '-video00000/1', '-video00001/1', 'accept', NULL, '', NULL, 1, 0, '2025-01-01T00:00:00.000+00:00');
"""


def test_a_log_of_schema_1_counts_and_goes_on(tmp_path: Path, clip: Path) -> None:
    folder = dataset(tmp_path / "old", videos=3, clip=clip)
    with sqlite3.connect(folder / FILE) as connection:
        connection.executescript(_SCHEMA_1)
    assert settled(folder) == {("-video00000/1", "-video00001/1"): "accepted"}
    store = Store(default_url(folder))
    desk = desk_of(folder, store)
    assert desk.progress("ada")["done"] == 1
    ada = Voter(client_of(desk), "ada")
    ada.says("accept", ada.ahead()[0])
    assert [(d.seq, d.mode, bool(d.dataset)) for d in store.since(0)] == [(1, "single", False), (2, "single", True)]
    with sqlite3.connect(folder / FILE) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM decisions")
    store.close()


# ---- windows, reviewers, disputes --------------------------------------------------------------------------------


def test_a_stale_window_is_told_before_it_overrides(tmp_path: Path, clip: Path, store: Store) -> None:
    ada = Voter(client_of(desk_of(dataset(tmp_path / "two", videos=3, clip=clip), store)), "ada")
    pair = ada.ahead()[0]
    first = ada.says("accept", pair, saw="")
    # the other window still shows the pair as undecided
    stale = ada.says("reject", pair, reason="visual", saw="")
    assert stale["error"]["code"] == "stale"
    assert "decided in another window (accept at" in stale["error"]["message"]
    assert "error" not in ada.says("reject", pair, reason="visual", saw=first["id"])
    assert [d.verdict for d in store.since(0)] == ["accept", "reject"]


@pytest.mark.parametrize(
    ("given", "kept"), [("ada\u00a0lovelace", "ada lovelace"), ("\u2003ada\u00a0", "ada"), ("Zoe\u0308", "Zoë")]
)
def test_blanks_in_a_name_are_blanks(tmp_path: Path, clip: Path, store: Store, given: str, kept: str) -> None:
    client = client_of(desk_of(dataset(tmp_path / "names", videos=1, clip=clip), store))
    assert client.get("/api/session", params={"reviewer": given}).json()["reviewer"] == kept


def test_known_pairs_are_asked_of_everybody_and_counted(tmp_path: Path, clip: Path, store: Store) -> None:
    folder = dataset(tmp_path / "known", videos=4, clip=clip)
    known = {("-video00000/1", "-video00001/1"): False, ("-video00001/1", "-video00002/1"): True}
    client = client_of(desk_of(folder, store, known=known))
    for name in ("ada", "bob"):
        voter = Voter(client, name)
        asked = [pair for pair in voter.ahead() if (pair["query"], pair["contrast"]) in known]
        assert len(asked) == 2, "also where another has judged it"
        for pair in asked:
            voter.says("accept", pair)
    rows = client.get("/api/agreement?reviewer=ada").json()["reviewers"]
    assert [row["known"] for row in rows] == [[1, 2], [1, 2]]
    assert [row["agreement"] for row in rows] == [1.0, 1.0]


def test_known_pairs_come_in_between_one_a_stretch(tmp_path: Path, clip: Path, store: Store) -> None:
    folder = dataset(tmp_path / "between", videos=3 * STRETCH, clip=clip)
    known = {(f"-video{n:05d}/1", f"-video{n + 1:05d}/1"): True for n in (0, 1, 2)}
    places = {}
    for name in ("ada", "bob"):
        queue = desk_of(folder, store, known=known).queue(name)
        order = {queue.catalogue.query_ids[position]: int(place) for position, place in enumerate(queue.order)}
        assert sorted(order.values()) == list(range(len(order)))
        places[name] = [order[query_id] for query_id, _ in known]
        assert sorted(place // STRETCH for place in places[name]) == [0, 1, 2]
    assert places["ada"] != places["bob"]


def test_a_write_that_waits_holds_up_no_reader(tmp_path: Path, clip: Path) -> None:
    folder = dataset(tmp_path / "busy", videos=4, clip=clip)
    store = Store(default_url(folder))
    client = client_of(desk_of(folder, store))
    ada, bob = Voter(client, "ada"), Voter(client, "bob")
    pair = ada.ahead()[0]
    # somebody else holds the write lock of the log
    blocker = sqlite3.connect(folder / FILE, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    said: list[object] = []
    writer = threading.Thread(target=lambda: said.append(ada.says("accept", pair)))
    writer.start()
    try:
        assert len(bob.ahead()) == 4
        assert bob.rows(status="all")
        assert writer.is_alive() and said == [], "the write still waits"
    finally:
        blocker.execute("COMMIT")
        blocker.close()
    writer.join(timeout=30)
    assert len(said) == 1
    assert client.get("/api/session?reviewer=ada").json()["progress"]["done"] == 1
    store.close()


def test_what_is_wrong_with_the_log_is_said_to_the_page_and_in_the_terminal(
    tmp_path: Path, clip: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    client = client_of(desk_of(dataset(tmp_path / "full", videos=3, clip=clip), store))
    pair = Voter(client, "ada").ahead()[0]
    # no page may be added: as on a full disk
    event.listen(store._engine, "checkout", lambda connection, *_: connection.execute("PRAGMA max_page_count=1"))
    body = {"verdict": "skip", "query": pair["query"], "contrast": pair["contrast"], "note": "n" * 2000}
    decisions = [{**body, "id": f"number-{number:08d}"} for number in range(20)]
    answer = client.post(
        "/api/decisions",
        params={"reviewer": "ada", "dataset": dataset_of(client)},
        json={"decisions": decisions},
        headers=WRITE,
    )
    assert answer.status_code == 503
    assert "disk is full" in answer.json()["error"]["message"]
    assert "disk is full" in capsys.readouterr().err


# ---- what is kept and what leaves --------------------------------------------------------------------------------


def test_the_table_has_every_vote_and_every_pair_in_use(tmp_path: Path, clip: Path, store: Store) -> None:
    folder = dataset(tmp_path / "out", videos=3, clip=clip)
    desk = desk_of(folder, store, double=1.0)
    client = client_of(desk)
    ada, bob = Voter(client, "ada"), Voter(client, "bob")
    first, second, third = sorted(ada.ahead(), key=lambda pair: pair["query"])
    ada.says("accept", first, note="=1+1", decided_at="2026-11-25T09:30:00.000Z")
    bob.says("reject", first, reason="referent", note='a second, "white" dog')
    ada.says("replace", second, reason="visual")
    path = tmp_path / "votes.csv"
    assert export_table(desk, path) == (4, 3)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    found = [
        (r["query_id"], r["in_use"], r["status"], r["reviewer"], r["verdict"], r["reason"], r["note"]) for r in rows
    ]
    assert found == [
        (first["query"], "yes", "disputed", "ada", "accept", "", "'=1+1"),
        (first["query"], "yes", "disputed", "bob", "reject", "referent", 'a second, "white" dog'),
        (second["query"], "yes", "unreviewed", "", "", "", ""),
        (second["query"], "no", "rejected", "ada", "replace", "visual", ""),
        (third["query"], "yes", "unreviewed", "", "", "", ""),
    ]
    assert (rows[0]["query"], rows[0]["decided_at"], rows[0]["mode"]) == (
        first["text"],
        "2026-11-25T09:30:00.000Z",
        "single",
    )


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "a2dsplus", "review", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})


@pytest.mark.slow
def test_seed_and_double_stay_with_the_log(tmp_path: Path, clip: Path) -> None:
    folder, out = dataset(tmp_path / "kept", videos=3, clip=clip), str(tmp_path / "out.csv")
    given = ("--dataset", str(folder), "--export", out)
    assert run(*given, "--double", "0.25", "--seed", "7").returncode == 0
    store = Store(default_url(folder))
    assert store.rules() == (7, 0.25)
    store.close()
    again = run(*given, "--double", "0.5")
    assert "--seed 7 --double 0.5 from now on (was --seed 7 --double 0.25)" in again.stderr
    assert run(*given).stderr == ""
    store = Store(default_url(folder))
    assert store.rules() == (7, 0.5)
    store.close()


def test_known_answers_come_from_a_pairs_file(tmp_path: Path, clip: Path) -> None:
    folder, known = dataset(tmp_path / "asked", videos=3, clip=clip), tmp_path / "known.json"
    known.write_text(
        '{"schema": 1, "split": "test", "pairs": [{"query": "a/0", "contrast": "b/0", "status": "unreviewed"}]}'
    )
    found = run("--dataset", str(folder), "--known", str(known), "--export", str(tmp_path / "x.json"))
    assert (found.returncode, found.stdout) == (1, "")
    assert "no pair in it is accepted or rejected" in found.stderr


def test_rules_ask_for_two_or_for_all() -> None:
    rules = Rules(double=1.0, known={("q/1", "c/1"): True})
    assert rules.needed(("q/1", "c/2")) == 2
    assert rules.needed(("q/1", "c/1")) > 1000


def test_a_database_of_no_dataset_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="unable to open"):
        settled(tmp_path, database="sqlite:////nowhere/x.sqlite", dataset="abc")


def test_two_servers_on_one_host_have_cookies_of_their_own(tmp_path: Path, clip: Path, store: Store) -> None:
    desk = desk_of(dataset(tmp_path / "host", videos=1, clip=clip), store)
    first = client_of(desk, token="the-token-of-the-first")
    first.get("/?token=the-token-of-the-first")
    from a2dsplus.review.server import application

    second = TestClient(
        application(desk, reviewer="ada", token="the-token-of-the-second"), base_url=HOST.replace("8710", "8711")
    )
    second.cookies = first.cookies
    second.get("/?token=the-token-of-the-second")
    assert first.get("/api/session").status_code == 200
    assert second.get("/api/session").status_code == 200


# ---- what held ---------------------------------------------------------------------------------------------------


def test_a_link_that_leaves_the_sources_folder_is_not_followed(tmp_path: Path, store: Store) -> None:
    folder = dataset(tmp_path / "linked", videos=2)
    inside = tmp_path / "linked" / "source" / "-video00000.mp4"
    outside = tmp_path / "outside.mp4"
    inside.rename(outside)
    inside.symlink_to(outside)
    client = client_of(desk_of(folder, store))
    for path in ("/clips/-video00000", "/strip/-video00000"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["status"]) == (404, 404)
    assert client.get("/clips/-video00001").status_code == 200


def test_a_hundred_requests_at_once_are_all_answered(tmp_path: Path, clip: Path) -> None:
    folder = dataset(tmp_path / "many", videos=10, clip=clip)
    with serving(folder, "--reviewer", "ada") as server:
        address, _, token = server.url.partition("?token=")
        headers = {
            "authorization": f"Bearer {token}",
            "origin": address.rstrip("/"),
            "content-type": "application/json",
        }

        def ask(path: str, body: object = None) -> dict[str, Any]:
            data = None if body is None else json.dumps(body).encode()
            with urlopen(Request(address + path, data=data, headers=headers), timeout=60) as answer:
                return dict(json.load(answer))

        fingerprint = ask("api/session")["dataset"]
        pairs = ask("api/ahead?count=10")["pairs"]

        def one(number: int) -> int:
            if number % 2:
                pair = pairs[number // 2 % len(pairs)]
                said = {
                    "id": f"number-{number:08d}",
                    "verdict": "accept",
                    "query": pair["query"],
                    "contrast": pair["contrast"],
                }
                ask(f"api/decisions?reviewer=r{number}&dataset={fingerprint}", {"decisions": [said]})
            return len(ask(f"api/queue?reviewer=r{number}&status=all")["rows"])

        with ThreadPoolExecutor(100) as threads:
            assert list(threads.map(one, range(100))) == [10] * 100
    store = Store(default_url(folder))
    assert [decision.seq for decision in store.since(0)] == list(range(1, 51))
    store.close()
