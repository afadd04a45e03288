"""The server without a socket: what each address answers, who may call it, what a reviewer is shown."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from a2dsplus.contrast.pairs_file import read_pairs_file
from a2dsplus.dataset.tables import read_clips, read_pairs, write_clips, write_pairs
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import decode, encode
from a2dsplus.review.catalogue import Catalogue
from a2dsplus.review.desk import Desk
from a2dsplus.review.export import export
from a2dsplus.review.index import RoleRow
from a2dsplus.review.media import outline
from a2dsplus.review.queue import Rules
from a2dsplus.review.server import application
from a2dsplus.review.spans import pieces, relations
from a2dsplus.review.store import Store, default_url, settled
from tests.review.review_workspace import FRAMES, HEIGHT, SCRIPT, WIDTH, dataset, square

HOST = "http://127.0.0.1:8710"
WRITE = {"origin": HOST}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("review"), script=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(default_url(tmp_path))
    yield opened
    opened.close()


def desk_of(folder: Path, store: Store, **rules: Any) -> Desk:
    return Desk(Workspace.open(folder), store, rules=Rules(**rules))


def client_of(desk: Desk, *, reviewer: str | None = "ada", **options: Any) -> TestClient:
    return TestClient(application(desk, reviewer=reviewer, **options), base_url=HOST, raise_server_exceptions=False)


@pytest.fixture
def client(made: Path, store: Store) -> TestClient:
    return client_of(desk_of(made, store))


def ahead(client: TestClient, **values: str | int) -> list[dict[str, Any]]:
    answer = client.get("/api/ahead", params={"count": 20, **values})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["pairs"])


def dataset_of(client: TestClient) -> str:
    return str(client.get("/api/session").json()["dataset"])


class Voter:
    """A reviewer at a client."""

    def __init__(self, client: TestClient, name: str) -> None:
        self.client, self.name, self.number = client, name, 0

    def says(self, verdict: str, pair: dict[str, Any], **more: str) -> Any:
        self.number += 1
        body = {
            "id": f"{self.name}-{self.number:08d}",
            "verdict": verdict,
            "query": pair["query"],
            "contrast": pair["contrast"],
            **more,
        }
        return self.sends(body)["results"][0]

    def sends(self, *decisions: object) -> Any:
        answer = self.client.post(
            "/api/decisions",
            params={"reviewer": self.name, "dataset": dataset_of(self.client)},
            json={"decisions": decisions},
            headers=WRITE,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ahead(self, **values: str | int) -> list[dict[str, Any]]:
        return ahead(self.client, reviewer=self.name, **values)

    def rows(self, **values: str | int) -> list[dict[str, Any]]:
        return list(self.client.get("/api/queue", params={"reviewer": self.name, **values}).json()["rows"])


# ---- the page and its errors -------------------------------------------------------------------------------------


def test_the_page_and_each_of_its_files_are_served(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name in ("app.js", "style.css", "panels.css", "icon.svg", "player.js"):
        assert client.get(f"/ui/{name}").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/ui/nothing.js", 404),
        ("/ui/..%2f..%2fpyproject.toml", 404),
        ("/ui/%2e%2e/index.html", 404),
        ("/clips/..%2f..%2fetc%2fpasswd", 404),
        ("/clips/unknown", 404),
        ("/api/queue?status=nice", 400),
        ("/api/queue?offset=-1", 400),
        ("/api/queue?tier=9", 400),
        ("/api/queue?role=mood", 400),
        ("/api/pair?query=a&contrast=b", 404),
        ("/preview/M?query=a&contrast=b", 400),
        ("/preview/S?query=a&contrast=b", 404),
        ("/api/session?reviewer=%00", 422),
    ],
)
def test_every_error_has_one_shape(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"status", "code", "message"}
    assert error["status"] == status
    assert error["message"] and "\n" not in error["message"]


def test_a_wrong_method_or_range_has_that_shape_too(client: TestClient) -> None:
    assert client.post("/api/queue", json={}, headers=WRITE).json()["error"]["status"] == 405
    for value in ("bytes=999999-", "pages=1-2", "bytes=5-2"):
        answer = client.get("/clips/-video00001", headers={"range": value})
        assert answer.status_code in (400, 416)
        assert answer.json()["error"]["status"] == answer.status_code


@pytest.mark.parametrize(
    "body",
    ["", "[]", "not json", '{"verdict": "accept"}', '{"decisions": []}', "[" * 30_000, '{"decisions": ' + "[" * 30_000],
)
def test_a_bad_body_is_not_accepted(client: TestClient, body: str) -> None:
    headers = {**WRITE, "content-type": "application/json"}
    answer = client.post("/api/decisions", params={"dataset": dataset_of(client)}, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not-accepted")


def test_one_bad_decision_does_not_hold_up_the_others(client: TestClient) -> None:
    ada = Voter(client, "ada")
    first, second = ada.ahead()[:2]
    fine = {"id": "number-one-1", "verdict": "accept", "query": first["query"], "contrast": first["contrast"]}
    bad = {"id": "number-two-2", "verdict": "accept", "query": "no", "contrast": "pair"}
    good = {"id": "number-three", "verdict": "accept", "query": second["query"], "contrast": second["contrast"]}
    undo = {"id": "number-four-", "verdict": "undo", "undoes": "number-three"}
    found = ada.sends(fine, bad, {"id": "number-zero"}, good, undo)["results"]
    assert [result["id"] for result in found] == [d["id"] for d in (fine, bad)] + [
        "number-zero",
        good["id"],
        undo["id"],
    ]
    assert ["error" in result for result in found] == [False, True, True, False, False]
    assert "not in this dataset" in found[1]["error"]["message"]
    assert client.get("/api/session").json()["progress"]["done"] == 1


# ---- who may call ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"}]
)
def test_a_write_from_another_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    pair = ahead(client)[0]
    body = {"id": "abcdefgh", "verdict": "accept", "query": pair["query"], "contrast": pair["contrast"]}
    assert client.post("/api/decisions", json=body, headers=headers).status_code == 403
    assert client.get("/api/session").json()["progress"]["done"] == 0


def test_a_write_as_a_form_or_too_large_is_refused(client: TestClient) -> None:
    assert client.post("/api/decisions", data={"a": "b"}, headers=WRITE).status_code == 415
    big = client.post("/api/decisions", json={"note": "n" * 70_000}, headers=WRITE)
    assert big.status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8710", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/session", headers={"host": host}).status_code == 403


def test_a_named_host_is_served(made: Path, store: Store) -> None:
    client = client_of(desk_of(made, store), hosts=["review.example"])
    assert client.get("/api/session", headers={"host": "review.example:9000"}).status_code == 200


def test_with_a_token_nothing_is_served_without_it(made: Path, store: Store) -> None:
    client = client_of(desk_of(made, store), token="a-long-secret-token")
    for path in ("/", "/?token=wrong", "/ui/app.js", "/api/session", "/clips/-video00001"):
        assert client.get(path).status_code == 401
    wrong = client.get("/?token=wrong")
    assert wrong.headers["content-type"].startswith("text/html")
    assert "not this server" in wrong.text and "script" not in wrong.text
    first = client.get("/?token=a-long-secret-token", follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "httponly" in first.headers["set-cookie"].lower()
    assert "samesite=lax" in first.headers["set-cookie"].lower(), "a link clicked in a mail works"
    assert first.headers["set-cookie"].startswith("a2dsplus-review-8710="), "a second server on this host has its own"
    assert client.get("/api/session").status_code == 200
    client.cookies.clear()
    assert client.get("/api/session", headers={"authorization": "Bearer a-long-secret-token"}).status_code == 200


# ---- decisions and queues ----------------------------------------------------------------------------------------


def test_markup_in_a_caption_is_carried_as_text(client: TestClient) -> None:
    texts = [side["text"] for pair in ahead(client) for side in pair["sides"]]
    assert any(SCRIPT in text for text in texts)
    for pair in ahead(client):
        for side in pair["sides"]:
            assert "".join(piece["text"] for piece in side["pieces"]) == side["text"]


def test_each_reviewer_has_an_own_order_that_stays(made: Path, tmp_path: Path) -> None:
    many = dataset(tmp_path, videos=12, clip=next((made.parent / "source").iterdir()))
    store = Store(default_url(tmp_path))
    desk = desk_of(many, store)
    orders = {name: [p["query"] for p in desk.ahead(name, _filters(), after=None, count=12)["pairs"]] for name in "ab"}
    assert sorted(orders["a"]) == sorted(orders["b"])
    assert orders["a"] != orders["b"]
    again = desk_of(many, store)
    assert [p["query"] for p in again.ahead("a", _filters(), after=None, count=12)["pairs"]] == orders["a"]
    store.close()


def _filters(**values: str) -> Any:
    from a2dsplus.review.filters import Filters

    return Filters.of(values)


def test_an_accepted_pair_leaves_the_queue_and_others_queues(client: TestClient) -> None:
    ada, bob = Voter(client, "ada"), Voter(client, "bob")
    pair = ada.ahead()[0]
    assert ada.says("accept", pair)["seq"] == 1
    assert client.get("/api/session").json()["progress"]["done"] == 1
    for voter in (ada, bob):
        assert pair["query"] not in [p["query"] for p in voter.ahead()]
        assert len(voter.ahead()) == 5
    assert [row["query"] for row in ada.rows(status="accepted")] == [pair["query"]]
    assert [row["query"] for row in bob.rows(status="others")] == [pair["query"]]


def test_a_rejected_pair_comes_back_as_its_next_candidate_at_the_end(client: TestClient) -> None:
    ada = Voter(client, "ada")
    pair = ada.ahead()[0]
    ada.says("reject", pair, reason="visual")
    following = ada.ahead(after=pair["query"], after_contrast=pair["contrast"])
    assert (following[-1]["query"], following[-1]["rank"]) == (pair["query"], 1)
    assert [row["contrast"] for row in ada.rows(status="rejected")] == [pair["contrast"]]


def test_replace_shows_the_next_candidate_until_none_is_left(client: TestClient) -> None:
    ada = Voter(client, "ada")
    pair = ada.ahead()[0]
    second = ada.says("replace", pair)["pair"]
    assert (second["query"], second["rank"]) == (pair["query"], 1)
    assert ada.says("replace", second)["pair"] is None
    assert [row["query"] for row in ada.rows(status="exhausted")] == [pair["query"]]


def test_skipped_pairs_wait_at_the_end(client: TestClient) -> None:
    ada = Voter(client, "ada")
    pair = ada.ahead()[0]
    ada.says("skip", pair)
    assert ada.ahead()[-1]["query"] == pair["query"]
    assert [row["query"] for row in ada.rows(status="skipped")] == [pair["query"]]


def test_undo_takes_back_across_items_once(client: TestClient) -> None:
    ada = Voter(client, "ada")
    pairs = ada.ahead()[:2]
    ids = [ada.says("accept", pair)["id"] for pair in pairs]
    undo = {"id": "undo-number-1", "verdict": "undo", "undoes": ids[0]}
    answer = ada.sends(undo)
    assert answer["results"][0]["pair"]["query"] == pairs[0]["query"]
    assert answer["progress"]["done"] == 1
    assert "error" not in ada.sends(undo)["results"][0], "sent twice, logged once"
    second = ada.sends({**undo, "id": "undo-number-2"})["results"][0]
    assert second["error"] == {"code": "not-accepted", "message": f"undoes {ids[0]}: taken back already"}


def test_anothers_verdict_is_hidden_until_ones_own(made: Path, store: Store) -> None:
    client = client_of(desk_of(made, store, double=1.0))
    ada, bob = Voter(client, "ada"), Voter(client, "bob")
    pair = ada.ahead()[0]
    ada.says("reject", pair, reason="other", note="the dog is there, too")
    shown = next(p for p in bob.ahead() if p["query"] == pair["query"])
    # bob is asked about the very candidate that ada rejected, and is not told
    assert (shown["contrast"], shown["others"], shown["state"]) == (pair["contrast"], None, "undecided")
    assert "the dog is there" not in client.get("/api/queue?status=all&reviewer=bob").text
    assert "the dog is there" not in client.get("/api/agreement?reviewer=bob").text
    bob.says("accept", pair)
    params = {"reviewer": "bob", "query": pair["query"], "contrast": pair["contrast"]}
    (other,) = client.get("/api/pair", params=params).json()["others"]
    assert (other["reviewer"], other["verdict"], other["note"]) == ("ada", "reject", "the dog is there, too")


def test_a_disagreement_is_listed_and_settled(made: Path, store: Store, tmp_path: Path) -> None:
    client = client_of(desk_of(made, store, double=1.0))
    ada, bob, cy = (Voter(client, name) for name in ("ada", "bob", "cy"))
    pair = ada.ahead()[0]
    assert "nobody disagrees" in cy.says("settle-accept", pair)["error"]["message"]
    ada.says("accept", pair)
    bob.says("reject", pair, reason="linguistic")
    key = (pair["query"], pair["contrast"])
    assert settled(tmp_path) == {}
    found = client.get("/api/agreement?reviewer=cy").json()
    assert [(row["query"], row["contrast"]) for row in found["disagreements"]] == [key]
    assert found["agreement"][0]["percent"] == 0
    assert [row["query"] for row in cy.rows(status="disputed")] == [pair["query"]]
    for party in (ada, bob):
        assert "is a party to it" in party.says("settle-accept", pair)["error"]["message"]
    assert "error" not in cy.says("settle-reject", pair)
    assert settled(tmp_path) == {key: "rejected"}
    assert client.get("/api/agreement?reviewer=cy").json()["disagreements"] == []


def test_the_double_share_is_about_what_was_asked_for() -> None:
    rules = Rules(double=0.2)
    drawn = [rules.needed((f"video{i}/1", "c/1")) for i in range(5000)]
    assert 900 < drawn.count(2) < 1100
    assert drawn == [Rules(double=0.2).needed((f"video{i}/1", "c/1")) for i in range(5000)]


def test_filters(client: TestClient) -> None:
    ada = Voter(client, "ada")
    assert {row["tier"] for row in ada.rows(tier=2)} == {2}
    assert len(ada.rows(role="who")) == 6
    assert ada.rows(role="when") == []
    assert len(ada.rows(text="WHITE dog")) == 2  # as query and as contrast
    assert [row["query"] for row in ada.rows(text="<script>")] != []
    assert ada.rows(text="100%") == []
    pair = ada.ahead()[0]
    ada.says("accept", pair)
    assert [row["query"] for row in ada.rows(by="ada", status="all")] == [pair["query"]]
    assert ada.rows(by="bob", status="all") == []
    assert ada.rows(status="all", offset=2, limit=3) == ada.rows(status="all")[2:5]
    assert ada.rows(status="all")[-1]["query"] == pair["query"], "the undecided come first"


def test_what_another_server_logs_is_seen(made: Path, store: Store, tmp_path: Path) -> None:
    here, other = Store(default_url(tmp_path)), Store(default_url(tmp_path))
    first, second = client_of(desk_of(made, here)), client_of(desk_of(made, other))
    Voter(first, "ada").says("accept", ahead(first)[0])
    assert second.get("/api/session?reviewer=ada").json()["progress"]["done"] == 1
    here.close()
    other.close()


def test_many_verdicts_at_once_are_all_kept(client: TestClient, tmp_path: Path) -> None:
    pairs = ahead(client)
    voters = [Voter(client, f"reviewer{i}") for i in range(4)]
    workers = [threading.Thread(target=lambda v=v: [v.says("accept", pair) for pair in pairs]) for v in voters]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store = Store(default_url(tmp_path))
    assert [d.seq for d in store.since(0)] == list(range(1, 25))
    store.close()


# ---- what is shown -----------------------------------------------------------------------------------------------


def test_clips_are_served_whole_and_in_ranges(client: TestClient, made: Path) -> None:
    content = (made.parent / "source" / "-video00001.mp4").read_bytes()
    whole = client.get("/clips/-video00001")
    assert (whole.content, whole.headers["content-type"]) == (content, "video/mp4")
    part = client.get("/clips/-video00001", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])


def test_a_clip_no_browser_plays_is_copied_frame_for_frame(tmp_path: Path, store: Store) -> None:
    folder = dataset(tmp_path / "odd", videos=2)
    clip = tmp_path / "odd" / "source" / "-video00000.mp4"
    old = clip.with_suffix(".old.mp4")
    clip.rename(old)
    command = ["ffmpeg", "-v", "error", "-i", old, "-c:v", "mpeg4", "-q:v", "2", clip]
    subprocess.run(list(map(str, command)), check=True)
    workspace = Workspace.open(folder)
    write_clips(
        workspace, [probe(c.path, video_id=c.video_id) for c in read_clips(workspace).values()], root=clip.parent
    )
    client = client_of(desk_of(folder, store))
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(client.get("/clips/-video00000").content)
    assert copy.read_bytes() != clip.read_bytes()
    assert probe(copy, video_id="copy").frames == probe(clip, video_id="clip").frames


@pytest.mark.parametrize(("subset", "frames", "width"), [("S", 1, 2), ("T", 2, 1)])
def test_the_composed_sample_is_previewed(
    client: TestClient, tmp_path: Path, subset: str, frames: int, width: int
) -> None:
    pair = next(p for p in ahead(client) if p["query"] == "-video00000/1")
    params = {"query": pair["query"], "contrast": pair["contrast"]}
    path = tmp_path / "preview.mp4"
    path.write_bytes(client.get(f"/preview/{subset}", params=params).content)
    clip = probe(path, video_id="preview")
    assert (clip.frames, clip.height, clip.width) == (FRAMES * frames, HEIGHT, WIDTH * width)


def test_a_missing_clip_is_said_and_nothing_else_breaks(tmp_path: Path, store: Store) -> None:
    folder = dataset(tmp_path / "gone", videos=3)
    (tmp_path / "gone" / "source" / "-video00000.mp4").unlink()
    client = client_of(desk_of(folder, store))
    faults = {side["query"]: side["fault"] for pair in ahead(client) for side in pair["sides"]}
    assert "not there any more" in str(faults["-video00000/1"])
    assert faults["-video00001/1"] is None
    assert client.get("/clips/-video00000").json()["error"]["status"] == 404


def test_an_outline_runs_round_the_masks_pixels() -> None:
    found = outline(encode(square(0)))
    assert found is not None
    assert found["box"] == [8, HEIGHT // 3, 32, 32]
    numbers = [float(word) for point in found["path"].strip("MZ").split("L") for word in point.split()]
    xs, ys = np.array(numbers[::2]), np.array(numbers[1::2])
    assert abs(xs.min() - 8) < 0.5 and abs(xs.max() - 40) < 0.5
    assert abs(ys.min() - HEIGHT // 3) < 0.5 and abs(ys.max() - (HEIGHT // 3 + 32)) < 0.5
    assert outline(encode(np.zeros((4, 4), bool))) is None
    single = np.zeros((5, 5), bool)
    single[2, 3] = True
    lone = outline(encode(single))
    assert lone is not None and lone["box"] == [3, 2, 1, 1]
    assert decode(encode(single)).sum() == 1


def role(slot: str, phrase: str, *, label: str = "ARG0", lemma: str = "", frame: int = 0) -> RoleRow:
    return RoleRow(frame=frame, role=label, slot=slot, phrase=phrase, lemma=lemma or phrase)


def test_roles_are_found_in_the_caption_as_written() -> None:
    text = "A boy is skiing on the snow and suddenly falling to the ground."
    roles = [
        role("who", "boy"),
        role("verb", "skiing", label="V"),
        role("where", "on snow", label="ARGM-LOC"),
        role("when", "suddenly", label="ARGM-TMP", frame=1),
        role("verb", "falling", label="V", frame=1),
        role("where", "to ground", label="ARG2", frame=1),
        role("what", "not in it"),
    ]
    found = pieces(text, roles, [""] * len(roles))
    assert "".join(piece.text for piece in found) == text
    assert [(p.text, p.slot) for p in found if p.slot] == [
        ("boy", "who"),
        ("skiing", "verb"),
        ("on the snow", "where"),
        ("suddenly", "when"),
        ("falling", "verb"),
        ("to the ground", "where"),
    ]


def test_relations_follow_the_pair() -> None:
    ours = [role("who", "dog"), role("verb", "runs", lemma="run"), role("where", "on grass")]
    theirs = [role("who", "cat"), role("verb", "running", lemma="run"), role("where", "on green grass")]
    assert relations(ours, theirs, shared=["verb"], differing=["who"]) == ["differing", "shared", ""]


# ---- tables, export ----------------------------------------------------------------------------------------------


def test_export_carries_ids_and_statuses_alone(made: Path, store: Store, tmp_path: Path) -> None:
    desk = desk_of(made, store)
    ada = Voter(client_of(desk), "ada")
    kept, swapped = ada.ahead()[:2]
    ada.says("accept", kept)
    second = ada.says("replace", swapped)["pair"]
    ada.says("accept", second)
    path = tmp_path / "pairs.json"
    assert export(desk, path) == (6, 2)
    found = {(p.query_id, p.contrast_query_id): p.status for p in read_pairs_file(path)}
    assert found[kept["query"], kept["contrast"]] == "accepted"
    assert found[swapped["query"], swapped["contrast"]] == "rejected"
    assert found[second["query"], second["contrast"]] == "accepted"
    assert "rolling" not in path.read_text()
    # and of what its pairs are, and how they were judged
    assert export(desk, path, judged="Two of them were read aloud.") == (6, 2)
    about = json.loads(path.read_text())
    manifest = json.loads((made / "manifest.json").read_text()) if (made / "manifest.json").is_file() else {}
    assert about["name"] == "pairs" and about["dataset"] == manifest.get("source", {}).get("name")
    assert re.fullmatch(
        r"From the captions alone, .*: \d of 6 excluded, \d undecided\. Accepted by reviewers who watched the clips: 2\. Two of them were read aloud\.",
        about["judged"],
    )


def test_a_build_while_serving_is_taken_in(tmp_path: Path, store: Store) -> None:
    folder = dataset(tmp_path / "live", videos=3)
    desk = desk_of(folder, store)
    before = len(desk.catalogue)
    workspace = Workspace.open(folder)
    write_pairs(workspace, read_pairs(workspace)[:4])
    desk._looked = 0.0
    desk.refresh()
    assert (before, len(desk.catalogue)) == (6, 4)


def test_what_a_pairs_file_brought_counts_as_decided_by_others(tmp_path: Path, store: Store) -> None:
    folder = dataset(tmp_path / "brought", videos=3)
    workspace = Workspace.open(folder)
    pairs = read_pairs(workspace)
    from dataclasses import replace

    write_pairs(workspace, [replace(p, status="accepted" if p.rank == 0 else p.status) for p in pairs])
    desk = desk_of(folder, store)
    assert desk.progress("ada")["done"] == 3


def test_a_table_that_is_missing_or_damaged_is_one_line(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "bad", videos=2)
    (folder / "pairs.parquet").unlink()
    with pytest.raises(WorkspaceError, match=r"pairs\.parquet: missing"):
        Catalogue(Workspace.open(folder))
    (folder / "pairs.parquet").write_bytes(b"no table")
    with pytest.raises(WorkspaceError, match=r"pairs\.parquet: damaged"):
        Catalogue(Workspace.open(folder))


# ---- the command -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--dataset", "nowhere"], 1, "no such folder"),
        (["--port", "abc"], 2, "not a valid integer"),
        (["--double", "2"], 2, "range"),
        (["--token", "short"], 2, "at least 16"),
        (["--reviewer", " "], 1, "reviewer"),
        (["--database", "nonsense"], 1, "not a database URL"),
        (["--host", "203.0.113.7", "--no-open"], 1, "cannot be listened on"),
    ],
)
def test_a_wrong_call_is_one_clear_line(made: Path, arguments: list[str], status: int, words: str) -> None:
    if "--dataset" not in arguments:
        arguments = ["--dataset", str(made), *arguments]
    found = subprocess.run(
        [sys.executable, "-m", "a2dsplus", "review", *arguments], capture_output=True, text=True, timeout=60
    )
    assert (found.returncode, found.stdout) == (status, "")
    assert words in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.slow
def test_export_from_the_command_line(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.json"
    url = f"sqlite:///{tmp_path}/elsewhere.sqlite"
    found = subprocess.run(
        [sys.executable, "-m", "a2dsplus", "review", "--dataset", str(made), "--database", url, "--export", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == f"{path}: 6 pairs, 0 of them accepted\n"
    assert len(json.loads(path.read_text())["pairs"]) == 6
