"""A dataset on a disk that cannot be written is looked at, checked, scored and composed as any other, and nothing is changed in it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from a2dsplus import Subset
from a2dsplus.cli import main
from a2dsplus.review.store import Store, default_url
from tests.conftest import paint_root

NOBODY = 65534


def _run(*words: str | Path) -> None:
    result = CliRunner().invoke(main, [str(word) for word in words])
    if result.exit_code:
        raise AssertionError(f"{words}: {result.output} {result.exception!r}")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A dataset with a review log, and predictions, where nobody but the owner may write and everybody may read."""
    top = Path(tempfile.mkdtemp(prefix="read-only-"))
    paint_root(top / "root")
    _run("build", "--root", top / "root", "--out", top / "data", "--render", "none", "--workers", "1")
    _run(
        "baseline", "--model", "oracle", "--dataset", top / "data", "--out", top / "out", "--workers", "1", "--no-score"
    )
    Store(default_url(top / "data")).close()
    for path in (top, *top.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield top
    for path in (top, *top.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(top)


LOOKS: dict[str, Callable[[Path], object]] = {
    "stats": lambda top: _run("stats", "--dataset", top / "data"),
    "verify": lambda top: _run("verify", "--dataset", top / "data"),
    "verify --frames": lambda top: _run("verify", "--dataset", top / "data", "--frames", "--workers", "1"),
    "score": lambda top: _run("score", top / "out", "--dataset", top / "data", "--resamples", "2"),
    "Subset": lambda top: Subset(top / "data", "S")[0].frames,
}


@pytest.mark.parametrize("name", LOOKS)
def test_it_needs_no_right_to_write(name: str, place: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no fork here, so the rights cannot be given up in a process of its own")
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    LOOKS[name](place) if os.geteuid() else _warm(name)
    child = os.fork()
    if child == 0:
        status, said = 1, place.parent / f"said-{os.getpid()}"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            assert not os.access(place / "data", os.W_OK)
            LOOKS[name](place)
            status = 0
        except BaseException as error:
            said.write_text(f"{type(error).__name__}: {error}"[:2000])
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    told = place.parent / f"said-{child}"
    assert ended == 0, told.read_text() if told.exists() else "died"
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def _warm(name: str) -> None:
    """Import what a look imports, on a copy: the process that has given up its rights may not read the interpreter's folder."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        paint_root(top / "root")
        _run("build", "--root", top / "root", "--out", top / "data", "--render", "none", "--workers", "1")
        _run(
            "baseline",
            "--model",
            "oracle",
            "--dataset",
            top / "data",
            "--out",
            top / "out",
            "--workers",
            "1",
            "--no-score",
        )
        Store(default_url(top / "data")).close()
        LOOKS[name](top)
