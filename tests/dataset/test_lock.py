"""One at a time in a folder: the second is told who is there, a killed one leaves nothing behind."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from a2dsplus.dataset.lock import turn, working_in
from a2dsplus.dataset.shard import Shard
from a2dsplus.errors import WorkspaceError

HOLD = """
import sys
from pathlib import Path
from a2dsplus.dataset.lock import working_in
with working_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_works_there_and_a_kill_frees_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with _holder(out) as process:
        with pytest.raises(WorkspaceError, match=f"process {process.pid} on "), working_in(out):
            pass
        # a shard's lock is its own
        with working_in(out, shard=Shard(number=1, count=2)):
            pass
        process.kill()
    with working_in(out):
        (out / "made").touch()
    assert sorted(path.name for path in out.iterdir()) == [".a2dsplus", "made"]


def test_a_folder_that_nothing_was_put_into_is_gone_again(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), working_in(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


FIRST, SECOND = Shard(number=1, count=2), Shard(number=2, count=2)


def test_shards_work_beside_each_other_and_a_whole_build_alone(tmp_path: Path) -> None:
    with working_in(tmp_path, shard=FIRST):
        with working_in(tmp_path, shard=SECOND), turn(tmp_path):
            pass
        with pytest.raises(WorkspaceError, match="works there"), working_in(tmp_path, shard=FIRST):
            pass
        with pytest.raises(WorkspaceError, match="works there"), working_in(tmp_path):
            pass
    with working_in(tmp_path):
        pass


def test_a_shard_waits_for_its_turn(tmp_path: Path) -> None:
    waiting = (
        "import sys\nfrom pathlib import Path\nfrom a2dsplus.dataset.lock import turn\nprint('waits', flush=True)\n"
        "with turn(Path(sys.argv[1])):\n    print(Path(sys.argv[1], 'made').exists())\n"
    )
    whole = working_in(tmp_path)
    whole.__enter__()
    with subprocess.Popen([sys.executable, "-c", waiting, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "waits\n"
        (tmp_path / "made").touch()
        whole.__exit__(None, None, None)
        assert process.stdout.read() == "True\n"


def test_a_file_system_without_locks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_given: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(WorkspaceError, match=r"its file system has no locks .*choose a folder"), working_in(tmp_path):
        pass
