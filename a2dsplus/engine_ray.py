"""The engine `ray`: items as tasks of a Ray cluster, one that runs or one of this machine (extra `ray`).

Core tasks, one an item: what a worker process shares is made once in it and kept for the items that Ray sends there later. A task whose
worker or node is lost is run again by Ray, on another one; so are results that were lost with a node before they were fetched. Progress
is the driver's: results come home one by one.

Every node needs the same version of the toolkit, and the folders of the job under the same names: a shared file system.
"""

import os
import pickle
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from a2dsplus.engine import Failed, Item, Result, State, processors, use_threads
from a2dsplus.errors import InputError, UsageError, WorkerError
from a2dsplus.extras import explained
from a2dsplus.version import __version__

_AHEAD = 3  # items handed out a worker, as in `engine`
_RETRIES = 3  # of a task whose worker or node died; one that kills every worker it meets must come to an end
_STORE_BYTES = 128 * 2**20  # of a cluster of our own: items and results are small, files go to the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class RayEngine:
    """A Ray cluster. Raises UsageError where it cannot be reached, InputError where it is of another version.

    `workers`: tasks at a time, by default the processors of the cluster. `address`: of a cluster that runs ("auto", "host:6379",
    "ray://host:10001"); without one, that of RAY_ADDRESS, or a cluster of this machine that ends with the process. `folders`: what every
    node has to see. `gpus`: accelerators a task; Ray shows a worker its own ones alone, so that the first it sees is its own.
    """

    workers: int = 0
    address: str | None = None
    folders: tuple[Path, ...] = ()
    gpus: int = 0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise UsageError(f"{self.workers} workers: there must be at least 1")
        _connect(self.address, self.workers or None)
        object.__setattr__(self, "workers", self.workers or _on_cluster())

    def run(
        self,
        work: Callable[[State, Item], Result],
        items: Iterable[Item],
        *,
        start: Callable[[int], State],
        in_order: bool = True,
    ) -> Iterator[Result]:
        """Yield `work(state, item)` of each item; see `Engine.run`. `start` is given 0: Ray tells the workers apart, by what they see."""
        import ray
        from ray import cloudpickle
        from ray.exceptions import RayError

        job = ray.put(
            _Job(
                key=uuid4().hex,
                version=__version__,
                here=str(Path.cwd()),
                folders=tuple(str(folder.absolute()) for folder in self.folders),
                code=cloudpickle.dumps((work, start)),  # type: ignore[no-untyped-call]  # functions of the driver's own script travel whole
            )
        )
        needs: dict[str, Any] = {"num_cpus": 1, "num_gpus": self.gpus, "max_retries": _RETRIES}
        task = ray.remote(scheduling_strategy="SPREAD", **needs)(_on_a_worker)
        # where the cluster has more processors than workers are asked for, what is handed out is what runs
        most = self.workers * (1 if _on_cluster() > self.workers else _AHEAD)
        rest = iter(items)
        waiting: list[Any] = []
        try:
            while True:
                for item in rest:
                    waiting.append(task.remote(job, item))
                    if len(waiting) >= most:
                        break
                if not waiting:
                    return
                ready = waiting[0] if in_order else ray.wait(waiting, num_returns=1)[0][0]
                waiting.remove(ready)
                found = ray.get(ready)
                del ready  # the result leaves the cluster's memory
                if isinstance(found, Failed):
                    raise found.error()
                yield found
        except RayError as error:
            raise _lost(error) from None
        finally:
            for left in waiting:
                ray.cancel(left, force=False)


def _connect(address: str | None, workers: int | None) -> None:
    """Join the cluster of an address, or start one on this machine; what this process has joined already stays."""
    with explained():
        import ray
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # of a cluster of our own: no less a process than those of `local`
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    where = address or os.environ.get("RAY_ADDRESS")
    try:
        if where:
            ray.init(address=where, **quiet)
        else:
            ray.init(
                address="local",
                num_cpus=workers or processors(),
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                **quiet,
            )
    except (ConnectionError, ValueError, OSError) as error:
        raise UsageError(
            f"--ray-address {where}: no Ray cluster answers there ({_line(error)}); start one with `ray start --head`"
        ) from None
    except RuntimeError as error:  # Ray's own words tell both versions
        raise InputError(
            f"ray {where or ''}: {_line(error)}; install the cluster's versions of Ray and Python here, or these there"
        ) from None


def _on_cluster() -> int:
    """Return the processors of the cluster that this process has joined."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(1, int(resources.get("CPU", 1)))


def _lost(error: Exception) -> Exception:
    cause = getattr(error, "cause", None)
    if isinstance(cause, ImportError):
        return InputError(
            f"a node of the cluster cannot import {cause.name or 'a package'} ({_line(cause)}); install a2dsplus {__version__}, and what it"
            " needs, on every node"
        )
    return WorkerError(
        f"a task was lost {_RETRIES + 1} times with its worker or node (out of memory?): {_line(error)}; what was finished is kept, run"
        " the same again with fewer workers"
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


# ---- on a worker -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What the tasks of one `run` share. `here`: the driver's folder, which relative paths are of; `code`: (work, start), pickled."""

    key: str
    version: str
    here: str
    folders: tuple[str, ...]
    code: bytes


_known: tuple[str, Any] | None = None
"""The job that this process works for, and its (work, state), or the error of its start."""


def _on_a_worker(job: _Job, item: Any) -> Any:
    """Return the result of an item, or its error."""
    global _known
    if _known is None or _known[0] != job.key:
        _known = job.key, _begun(job)
    ready = _known[1]
    if isinstance(ready, Failed):
        return ready
    work, state = ready
    try:
        return work(state, item)
    except Exception as error:  # of the toolkit, as itself; Ray would send its own kind
        return Failed.of(error)


def _begun(job: _Job) -> Any:
    try:
        _check(job)
        use_threads(1)
        work, start = pickle.loads(job.code)
        use_threads(1)  # now of the libraries that the job imported
        return work, start(0)
    except Exception as error:  # sent home with the first item
        return Failed.of(error)


def _check(job: _Job) -> None:
    """Raise InputError where this node is not fit for a job; go to the driver's folder."""
    if job.version != __version__:
        raise InputError(
            f"node {socket.gethostname()}: has a2dsplus {__version__}, expected {job.version}; install one version on all nodes"
        )
    for folder in (job.here, *job.folders):
        if not Path(folder).exists():
            raise InputError(
                f"node {socket.gethostname()}: does not see {folder}; put dataset, clips and working folder on a file system that all"
                " nodes share, under the same name"
            )
    os.chdir(job.here)
