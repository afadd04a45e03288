"""A build in shards, in any order and with any engine in between: the bytes of a build in one go."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli import main
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset.lock import working_in
from a2dsplus.dataset.shard import Shard
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine
from a2dsplus.errors import UsageError, WorkspaceError
from a2dsplus.files import sha256
from a2dsplus.models.run import Run, predict
from a2dsplus.sources.a2d import A2dSource

OPTIONS = BuildOptions(rendering=Rendering(form="frames"), skip_bad=True)


def hashes(out: Path) -> dict[str, str]:
    return {name: sha256(out / name) for name in [*Workspace(out).files(), "manifest.json"]}


@pytest.fixture(scope="module")
def whole(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    build(A2dSource(small_root), out, options=OPTIONS)
    return out


@given(st.integers(1, 5).flatmap(lambda count: st.tuples(st.just(count), st.lists(st.integers(1, count), max_size=5))))
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shards_in_any_order_leave_the_bytes_of_one_build(
    small_root: Path, whole: Path, tmp_path: Path, plan: tuple[int, Sequence[int]]
) -> None:
    count, numbers = plan
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    source = A2dSource(small_root)
    for number in numbers:
        build(source, out, options=OPTIONS, shard=Shard(number=number, count=count))
        assert not (out / "manifest.json").exists()
    report = build(source, out, options=OPTIONS)
    assert hashes(out) == hashes(whole)
    if set(numbers) == set(range(1, count + 1)):
        assert "render (0 new)" in report.kept


def test_another_engine_and_a_lost_file_in_the_middle(small_root: Path, whole: Path, tmp_path: Path) -> None:
    out, source = tmp_path / "out", A2dSource(small_root)
    build(source, out, options=OPTIONS, shard=Shard(number=2, count=2))
    made = sorted(out.glob("*/JPEGImages/*/*.jpg"))
    made[0].unlink()
    made[1].touch()  # another time, the same content
    several = BuildOptions(rendering=OPTIONS.rendering, skip_bad=True, engine=LocalEngine(workers=2))
    build(source, out, options=several)
    assert hashes(out) == hashes(whole)


def test_a_shard_twice_at_once_and_wrong_use_are_one_line(small_root: Path, tmp_path: Path) -> None:
    out, source = tmp_path / "out", A2dSource(small_root)
    with working_in(out, shard=Shard(number=1, count=2)):
        with pytest.raises(WorkspaceError, match="works there"):
            build(source, out, options=OPTIONS, shard=Shard(number=1, count=2))
        with pytest.raises(WorkspaceError, match="works there"):
            build(source, out, options=OPTIONS)
    with pytest.raises(UsageError, match="--only read: what shards share is rendering"):
        build(source, out, options=OPTIONS, only="read", shard=Shard(number=1, count=2))
    for arguments, words in (
        (["--shard", "5/4", "--root", str(small_root)], "I from 1 to N"),
        (["--shard", "1/4"], "give the"),
    ):
        result = CliRunner().invoke(main, ["build", *arguments, "--out", str(out)])
        assert isinstance(result.exception, UsageError) and words in str(result.exception)


def test_predictions_in_shards_are_those_of_one_run(whole: Path, tmp_path: Path) -> None:
    run = Run(model="oracle", checkpoint=None, dataset=whole)
    predict(run, tmp_path / "one")
    out = tmp_path / "shards"
    for number in (3, 1):
        predict(run, out, shard=Shard(number=number, count=3))
    assert not list(out.glob("*/*.json")) and not (out / "S.json").exists()
    with working_in(out, shard=Shard(number=2, count=3)), pytest.raises(WorkspaceError, match="works there"):
        predict(run, out)
    predict(run, out)
    for name in ("M.json", "S.json", "T.json", "manifest.json"):
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert not list(out.glob(".*.partial"))
    result = CliRunner().invoke(main, ["score", str(out), "--dataset", str(whole), "--resamples", "0"])
    assert result.exit_code == 0, result.output
