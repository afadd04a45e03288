"""The log in PostgreSQL: a real server from Debian's packages, private to the test, as the same code sees it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from a2dsplus.errors import WorkspaceError
from a2dsplus.review.decisions import Decision, DecisionError, Verdict
from a2dsplus.review.store import Store, settled
from a2dsplus.review.summary import summary


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


PROGRAMS = _programs()
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL here (Debian: apt-get install postgresql)")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed (pip install 'a2dsplus[postgres]')")
    assert PROGRAMS is not None
    # PostgreSQL refuses to run as root: as Debian's own user then, or as nobody
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = ("postgres" if "postgres" in names else "nobody") if os.geteuid() == 0 else None
    # a socket's path is short: not below pytest's folders
    folder = Path(tempfile.mkdtemp(prefix="a2dpg"))
    if user is not None:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(PROGRAMS / program), *arguments]
        if user is not None:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=120)

    data = str(folder / "data")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=on"
    try:
        run("initdb", "-D", data, "-U", "reviewer", "--auth=trust", "--no-sync")
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            # the address as anybody would write it: the driver is ours to choose
            yield f"postgresql://reviewer@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    with opened._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE decisions, log_head, review_rules CASCADE")
    opened.close()


def say(number: int, verdict: Verdict, *, by: str = "ada", undoes: str | None = None, query: str = "q") -> Decision:
    return Decision(
        decision_id=f"{by}-{number:08d}",
        reviewer=by,
        query_id=f"{query}/1",
        contrast_query_id="c/1",
        verdict=verdict,
        undoes=undoes,
        note="naïve ‘quotes’; DROP TABLE decisions --",
    )


def test_the_log_holds_and_folds_as_in_sqlite(store: Store, url: str, tmp_path: Path) -> None:
    first = store.append(say(1, Verdict.ACCEPT))
    assert store.append(say(1, Verdict.ACCEPT)) == first
    assert [d.note for d in store.since(0)] == ["naïve ‘quotes’; DROP TABLE decisions --"]
    assert settled(tmp_path, database=url) == {("q/1", "c/1"): "accepted"}
    with pytest.raises(DecisionError, match="no decision of bob"):
        store.append(say(2, Verdict.UNDO, by="bob", undoes=first.decision_id))
    store.append(say(3, Verdict.UNDO, undoes=first.decision_id))
    assert settled(tmp_path, database=url) == {}
    assert summary(tmp_path, database=url)["decisions"] == 2
    # a refused decision takes no place in the log
    assert [d.seq for d in store.since(0)] == [1, 2]


def test_the_log_can_only_grow(store: Store) -> None:
    store.append(say(1, Verdict.ACCEPT))
    for sql in ("DELETE FROM decisions", "UPDATE decisions SET verdict = 'reject'", "TRUNCATE decisions"):
        with (
            pytest.raises(WorkspaceError, match="append-only"),
            store._errors(),
            store._engine.begin() as connection,
        ):
            connection.exec_driver_sql(sql)


def test_a_team_writes_at_once_and_none_is_missed(store: Store, url: str) -> None:
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        reader, last = Store(url), 0
        while not done.is_set() or seen[-1:] != [60]:
            for decision in reader.since(last):
                seen.append(last := decision.seq)
        reader.close()

    def write(name: str) -> None:
        own = Store(url)
        for number in range(15):
            own.append(say(number, Verdict.ACCEPT, by=name, query=f"{name}{number}"))
        own.close()

    reader = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(name,)) for name in ("ada", "bob", "cy", "dee")]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join(timeout=30)
    assert seen == list(range(1, 61)), "in order, without a gap, also for a reader that follows"


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(WorkspaceError, match=r"postgresql\+psycopg://ada:\*\*\*@/x.*check the") as caught:
        Store(f"postgresql://ada:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
