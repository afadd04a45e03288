"""Commands whose writes fail, or which are killed, in a real process: one line, nothing lost, and the same bytes when run again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import driver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        driver.compiler() is None, reason="no C compiler on Linux, so no system call can be made to fail"
    ),
]
ROOT = Path(__file__).parents[2]


def _run(folder: Path, *words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.faults", *words, "--folder", str(folder)]
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert ", 0 wrong" in found.stdout


@pytest.mark.parametrize(
    "words",
    [["score"], ["baseline"], ["export a2d", "--every", "23"], ["build", "--every", "67"], ["train", "--every", "19"]],
)
def test_a_write_that_fails(words: list[str], tmp_path: Path) -> None:
    _run(tmp_path, "failures", *words)


def test_kills(tmp_path: Path) -> None:
    _run(tmp_path, "kills", "baseline", "export a2d", "--many", "6")
