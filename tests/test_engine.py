"""Engines: the same results however many workers, errors that come home, workers that die with a word."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from a2dsplus import engine
from a2dsplus.engine import ENGINES, LocalEngine, make_engine, nothing, processors
from a2dsplus.errors import InputError, ModelError, UsageError, WorkerError


def begin(base: int, number: int) -> tuple[int, int]:
    return base, number


def add(state: tuple[int, int], item: int) -> int:
    return state[0] + item


def who(state: tuple[int, int], _item: int) -> tuple[int, int]:
    return state[1], os.getpid()


def refuse(_state: None, item: int) -> int:
    if item == 3:
        raise ModelError(f"item {item}: bad")
    return item


def stumble(_state: None, item: int) -> int:
    return 1 // (item - 3)


def die(_state: None, item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def fail_to_begin(number: int) -> None:
    raise InputError("no such checkpoint")


def threads(_state: None, _item: int) -> tuple[str, int]:
    import cv2

    return os.environ["OMP_NUM_THREADS"], cv2.getNumThreads()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("in_order", [True, False])
def test_results_do_not_depend_on_the_workers(workers: int, in_order: bool) -> None:
    found = list(LocalEngine(workers=workers).run(add, range(40), start=partial(begin, 100), in_order=in_order))
    assert (found if in_order else sorted(found)) == list(range(100, 140))


def test_one_worker_or_one_item_stays_in_this_process() -> None:
    assert list(LocalEngine().run(who, [1, 2], start=partial(begin, 0))) == [(0, os.getpid())] * 2
    assert list(LocalEngine(workers=4).run(who, [1], start=partial(begin, 0))) == [(0, os.getpid())]
    assert list(LocalEngine(workers=4).run(who, [], start=fail_to_begin)) == []


def test_workers_are_numbered_and_are_no_more_than_the_items() -> None:
    found = set(LocalEngine(workers=8).run(who, range(2), start=partial(begin, 0)))
    assert {number for number, _ in found} <= {0, 1}
    assert os.getpid() not in {process for _, process in found}


def test_items_are_taken_as_they_are_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = LocalEngine(workers=2).run(add, items(), start=partial(begin, 0))
    assert next(results) == 0
    assert len(taken) < 20
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_toolkit_comes_home_as_itself(workers: int) -> None:
    with pytest.raises(ModelError, match=r"^item 3: bad$"):
        list(LocalEngine(workers=workers).run(refuse, range(9), start=nothing))
    with pytest.raises(InputError, match="no such checkpoint"):
        list(LocalEngine(workers=workers).run(refuse, range(9), start=fail_to_begin))


def test_any_other_error_brings_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"in a worker process:(?s:.)*in stumble(?s:.)*ZeroDivisionError"):
        list(LocalEngine(workers=2).run(stumble, range(9), start=nothing))


def test_a_worker_that_dies_is_one_clear_error() -> None:
    with pytest.raises(WorkerError, match=r"a worker process died .out of memory.*fewer workers"):
        list(LocalEngine(workers=2).run(die, range(9), start=nothing))


def test_workers_share_the_processors() -> None:
    share = max(1, processors() // 2)
    assert set(LocalEngine(workers=2).run(threads, range(4), start=nothing)) == {(str(share), share)}


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from a2dsplus.engine import LocalEngine, nothing\n"
        "def work(_state, item):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    list(LocalEngine(workers=2).run(work, [1, 2], start=nothing))\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(parent.stdout.readline()) for _ in range(2)]
        parent.kill()
        assert parent.stdout.read() == ""  # the pipe is closed when the last process that holds it is gone
    assert all(_gone(child) for child in children)


def _gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_engines_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "local" in ENGINES.places()
    assert make_engine("local", workers=3) == LocalEngine(workers=3)
    assert make_engine().workers == processors()
    with pytest.raises(UsageError, match=r"engine 'slurm': known are .*local"):
        make_engine("slurm")
    with pytest.raises(UsageError, match="at least 1"):
        LocalEngine(workers=0)


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        ("0::/job\n", {"job/cpu.max": "150000 100000\n"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000", "a/b/cpu.max": "max 100000"}, 1),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/\n", {}, None),
        ("4:cpu,cpuacct:/job\n", {"cpu/job/cpu.cfs_quota_us": "400000", "cpu/job/cpu.cfs_period_us": "100000"}, 4),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("4:cpu:/elsewhere\n", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 1),
    ],
)
def test_a_control_group_limits_the_processors(
    tmp_path: Path, cgroup: str, files: dict[str, str], expected: int | None
) -> None:
    (tmp_path / "own").write_text(cgroup)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)
    assert engine._quota(tmp_path / "own", tmp_path / "groups") == expected
    assert engine._quota(tmp_path / "nowhere", tmp_path / "groups") is None
