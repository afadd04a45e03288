"""URLs: a dataset built, predicted and scored behind memory://, the bytes of the same on a disk; faults in one line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from a2dsplus import urls
from a2dsplus.cli import main
from a2dsplus.errors import InputError, MissingExtraError, UsageError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The file system of memory://, empty, and a cache of the test's own."""
    monkeypatch.setenv("A2DSPLUS_CACHE", str(tmp_path / "cache"))
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


def _run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_build_baseline_and_score_behind_urls(small_root: Path, tmp_path: Path, memory: Any) -> None:
    memory.put(str(small_root), "/a2d", recursive=True)
    for place, root in ((f"{tmp_path}/here", small_root), ("memory://there", "memory://a2d")):
        build = ["build", "--root", root, "--skip-bad", "--subsets", "M,S", "--workers", "1"]
        _run(*build, "--render", "frames", "--out", f"{place}/data")
        _run("baseline", "--model", "oracle", "--dataset", f"{place}/data", "--out", f"{place}/oracle", "--no-score")
    here = {path.relative_to(tmp_path / "here").as_posix(): path for path in (tmp_path / "here").rglob("*")}
    shown = {name: path for name, path in here.items() if path.is_file() and "/.a2dsplus/" not in name}
    assert {name for name in memory.find("/there") if "/.a2dsplus/" not in name} == {f"/there/{name}" for name in shown}
    for name, path in shown.items():
        assert memory.cat_file(f"/there/{name}") == path.read_bytes(), name
    score = ["score", "--resamples", "0", "--json", "-", "--subsets", "S"]
    one = _run(*score, tmp_path / "here" / "oracle", "--dataset", tmp_path / "here" / "data")
    two = _run(*score, "memory://there/oracle", "--dataset", "memory://there/data")
    assert one.count('"mIoU": 1.0') == two.count('"mIoU": 1.0') > 0
    assert '"mIoU": 1.0' in _run(*score, "memory://there/oracle/S.json", "--dataset", "memory://there/data")


def test_only_what_changed_is_fetched_and_put(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[tuple[str, str]] = []
    for verb in ("get_file", "put_file"):
        whole = getattr(type(memory), verb)

        def noted(
            self: Any, source: str, target: str, *rest: Any, _verb: str = verb, _whole: Any = whole, **more: Any
        ) -> Any:
            moved.append((_verb, (source if _verb == "get_file" else target).rpartition("/")[2]))
            return _whole(self, source, target, *rest, **more)

        monkeypatch.setattr(type(memory), verb, noted)
    memory.pipe({"/f/a.txt": b"a", "/f/in/b.txt": b"b"})
    assert (urls.fetched("memory://f") / "in" / "b.txt").read_bytes() == b"b"
    memory.pipe({"/f/a.txt": b"other"})
    moved.clear()
    folder = urls.fetched("memory://f")
    assert moved == [("get_file", "a.txt")] and (folder / "a.txt").read_bytes() == b"other"
    moved.clear()
    with urls.written("memory://f") as out:
        (out / "manifest.json").write_text("{}")
        (out / "z.txt").write_text("z")
        (out / "a.txt").unlink()
    assert moved == [("put_file", "z.txt"), ("put_file", "manifest.json")]
    assert memory.find("/f") == ["/f/in/b.txt", "/f/manifest.json", "/f/z.txt"]
    moved.clear()
    assert urls.fetched("memory://f") == folder and moved == []
    with pytest.raises(ZeroDivisionError), urls.written("memory://f") as out:
        (out / "half.txt").write_text("half")
        raise ZeroDivisionError
    assert moved == []


@pytest.mark.parametrize("text", ["s3:out", "http:", "memory:", "memory:/x", "a/b", "C:\\x", "1s://x"])
def test_what_has_no_scheme_is_a_path(text: str) -> None:
    assert not urls.is_url(text)
    assert urls.fetched(text) == Path(text)


def test_a_file_url_is_the_path(tmp_path: Path) -> None:
    assert urls.fetched(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    with urls.written(f"file://{tmp_path}/c") as folder:
        assert folder == tmp_path / "c"


def test_faults_are_one_line(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"^nosuch://x: .*expected a scheme such as s3://"):
        urls.fetched("nosuch://x")
    with pytest.raises(InputError, match=r"^memory://nothing: nothing is there"):
        urls.fetched("memory://nothing")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(
        MissingExtraError, match=r"^s3://bucket/x: its scheme needs a package that is not installed .*s3fs"
    ):
        urls.fetched("s3://bucket/x")
    memory.pipe({"/evil/../../out": b"x"})
    if any(".." in name for name in memory.find("/evil")):
        with pytest.raises(InputError, match="refuses the name"):
            urls.fetched("memory://evil")
    result = CliRunner().invoke(main, ["build", "--root", str(tmp_path), "--out", "memory://o", "--shard", "1/2"])
    assert isinstance(result.exception, UsageError) and "has no locks to keep shards apart" in str(result.exception)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtraError, match=r'pip install "a2dsplus\[urls\]"'):
        urls.fetched("memory://x")
