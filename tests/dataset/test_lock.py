"""One at a time in a folder: the second is told who is there, a killed one leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from a2dsplus.dataset.lock import working_in
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
        with working_in(out, name="shard-1-of-2"):
            pass
        process.kill()
    with working_in(out):
        (out / "made").touch()
    assert sorted(path.name for path in out.iterdir()) == [".a2dsplus", "made"]


def test_a_folder_that_nothing_was_put_into_is_gone_again(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), working_in(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
