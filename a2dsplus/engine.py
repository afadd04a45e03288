"""One way to run a function over items: in this process, in a pool of processes, or on what a package adds.

    def start(number: int) -> Model: ...                    # once a worker: what its items share; `number` counts the workers from 0
    def work(model: Model, item: Item) -> Result: ...       # pure: the result depends on the item alone

    for result in LocalEngine(workers=4).run(work, items, start=start): ...

`work`, `start`, items and results travel between processes: functions of a module (or `functools.partial` of one) and plain data. The
results are the same whatever the engine and the number of its workers. A worker never raises: it sends its error home, and `run` raises it.

Another engine is a class with the methods of `Engine`, registered in the entry-point group `a2dsplus.engines` (docs/add-an-engine.md).
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Protocol, TypeVar

from a2dsplus.errors import A2dsplusError, UsageError, WorkerError
from a2dsplus.registry import Registry

State = TypeVar("State")
Item = TypeVar("Item")
Result = TypeVar("Result")

ENGINES = Registry(
    what="engine",
    group="a2dsplus.engines",
    built_in={"local": "a2dsplus.engine:LocalEngine", "ray": "a2dsplus.engine_ray:RayEngine"},
)
_AHEAD = 3  # items handed out a worker: enough that none waits, few enough that memory does not grow with the number of items


class Engine(Protocol):
    """What runs a function over items. Made by `Class(workers=n)`; see `make_engine`."""

    @property
    def workers(self) -> int:
        """How many items are worked on at a time."""
        ...

    def run(
        self,
        work: Callable[[State, Item], Result],
        items: Iterable[Item],
        *,
        start: Callable[[int], State],
        in_order: bool = True,
    ) -> Iterator[Result]:
        """Yield `work(state, item)` of each item, in the order of the items, or as they get done.

        `state` is what `start(number)` gave the worker. Raises the first error of the toolkit that `start` or `work` raised, and
        WorkerError where a worker died. Closing the iterator, or an error, stops what has not begun.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEngine:
    """This machine: one worker works in this process, several are processes of their own, which share the processors."""

    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"{self.workers} workers: there must be at least 1")

    def run(
        self,
        work: Callable[[State, Item], Result],
        items: Iterable[Item],
        *,
        start: Callable[[int], State],
        in_order: bool = True,
    ) -> Iterator[Result]:
        """Yield `work(state, item)` of each item; see `Engine.run`. Processes start when there are two items for them."""
        rest = iter(items)
        first = [item for _, item in zip(range(self.workers), rest, strict=False)]
        if len(first) < 2:
            if first:
                state = start(0)
                for item in first:
                    yield work(state, item)
                for item in rest:
                    yield work(state, item)
            return
        yield from _pooled(work, _chained(first, rest), start, workers=len(first), in_order=in_order)


def nothing(_number: int) -> None:
    """Return the state of workers whose items share nothing."""


def make_engine(
    name: str = "local",
    *,
    workers: int | None = None,
    address: str | None = None,
    folders: Sequence[Path] = (),
    gpus: int = 0,
) -> Engine:
    """Return the engine of a name. `workers`: by default as many as the engine sees fit.

    An engine whose class takes them is told the `address` of the cluster to use, the `folders` that its workers have to see, and how many
    `gpus` a worker needs. Raises UsageError for an unknown name, and for an address that the engine has no use for.
    """
    kind = ENGINES.load(name)
    takes = signature(kind).parameters
    if address is not None and "address" not in takes:
        raise UsageError(f"--ray-address {address}: --engine {name} has no use for it")
    told: dict[str, Any] = {"address": address, "folders": tuple(folders), "gpus": gpus}
    if workers is not None or "address" not in takes:  # a cluster's engine counts the cluster's processors
        told["workers"] = processors() if workers is None else workers
    engine: Engine = kind(**{key: value for key, value in told.items() if key in takes})
    return engine


# ---- processors and threads --------------------------------------------------------------------------------------


def processors() -> int:
    """Return how many processors this process may use: those it is bound to, or less where its control group is given less time."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(bound, _quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")) or bound))


def share_threads(workers: int) -> None:
    """Let the numerical libraries of this process, one of `workers`, use its share of the processors and no more."""
    use_threads(max(1, processors() // workers))


def use_threads(count: int) -> None:
    """Let the numerical libraries of this process use `count` threads each, those that are loaded already and those to come."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ[name] = str(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(count)


def _quota(own: Path, groups: Path) -> int | None:
    """Return the processors' worth of time that the control group of this process has, rounded up; None where it is not limited."""
    try:
        lines = own.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    found = []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "":  # version 2: cpu.max of the group and of all above it
            for folder in [groups / name.lstrip("/"), *(groups / name.lstrip("/")).parents]:
                if folder.is_relative_to(groups):
                    found.append(_share(*_words(folder / "cpu.max", 2)))
        elif "cpu" in controllers.split(","):
            for folder in (groups / "cpu" / name.lstrip("/"), groups / "cpu"):
                quota, period = _words(folder / "cpu.cfs_quota_us", 1), _words(folder / "cpu.cfs_period_us", 1)
                found.append(_share(quota[0], period[0]))
    limits = [share for share in found if share is not None]
    return min(limits, default=None)


def _words(file: Path, count: int) -> list[str]:
    try:
        words = file.read_text("ascii", "replace").split()
    except OSError:
        words = []
    return words if len(words) == count else [""] * count


def _share(quota: str, period: str) -> int | None:
    if not (quota.isdigit() and period.isdigit() and int(period)):  # "max", "-1", or no such file
        return None
    return max(1, -(-int(quota) // int(period)))


# ---- the pool ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failed:
    """An error on its way home: of the toolkit by its class and words (its cause may not travel), any other by its traceback."""

    kind: type[A2dsplusError] | None
    words: str

    @classmethod
    def of(cls, error: Exception) -> "Failed":
        """Return an error made ready to travel."""
        if isinstance(error, A2dsplusError):
            return cls(type(error), str(error))
        return cls(None, "".join(traceback.format_exception(error)))

    def error(self) -> Exception:
        """Return the error to raise at home."""
        return self.kind(self.words) if self.kind else RuntimeError(f"in a worker process:\n{self.words}")


def _chained(first: list[Item], rest: Iterator[Item]) -> Iterator[Item]:
    yield from first
    yield from rest


def _pooled(
    work: Callable[[State, Item], Result],
    items: Iterator[Item],
    start: Callable[[int], State],
    *,
    workers: int,
    in_order: bool,
) -> Iterator[Result]:
    # Fresh processes: a fork of a process in which torch has started threads may hang.
    context = multiprocessing.get_context("spawn")
    turns = context.Value("i", 0)
    job = pickle.dumps((work, start))
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(job, workers, turns))
    waiting: deque[Future[Any]] = deque()
    try:
        while True:
            for item in items:
                waiting.append(pool.submit(_in_worker, item))
                if len(waiting) >= _AHEAD * workers:
                    break
            if not waiting:
                return
            if in_order:
                ready = [waiting.popleft()]
            else:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                ready = [future for future in waiting if future in done]
                waiting = deque(future for future in waiting if future not in done)
            for future in ready:
                found = future.result()
                if isinstance(found, Failed):
                    raise found.error()
                yield found
    except BrokenProcessPool:
        raise WorkerError(
            "a worker process died (out of memory? or a script without `if __name__ == '__main__':`); "
            "what was finished is kept, run the same again with fewer workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_work: Callable[[Any, Any], Any] | None = None
_state: Any = None


def _begin(job: bytes, workers: int, turns: Any) -> None:
    """Make a worker process ready. The threads are counted out before the job's modules, which may start some, are imported."""
    global _work, _state
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who stops the workers
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with turns.get_lock():
        number, turns.value = turns.value, turns.value + 1
    share_threads(workers)
    try:
        _work, start = pickle.loads(job)
        share_threads(workers)  # now of the libraries that the job imported
        _state = start(number)
    except Exception as error:  # sent home with the first item
        _state = Failed.of(error)


def _die_with_parent() -> None:
    """End this process when the one that started it is gone: it must not write beside the next run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_worker(item: Any) -> Any:
    """Return the result of an item, or its error."""
    if isinstance(_state, Failed):
        return _state
    assert _work is not None
    try:
        return _work(_state, item)
    except Exception as error:  # a worker never raises: an error that does not travel would end the pool
        return Failed.of(error)
