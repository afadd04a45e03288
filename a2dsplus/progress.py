"""Progress bars on stderr, where somebody looks; and which of several processes speaks.

What takes time over n things of one kind takes `progress: Advance`, called with how many were done since the last call; what has several
such stages takes `bars: Bars`, which opens a bar a stage.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]
"""Called with the number of things newly done."""


class Bars(Protocol):
    """What opens a bar: `bar` below, or `no_bar`."""

    def __call__(self, title: str, total: int, unit: str) -> AbstractContextManager[Advance]: ...


def unwatched(_count: int) -> None:
    """Advance a bar that nobody watches."""


@contextmanager
def no_bar(title: str, total: int, unit: str) -> Iterator[Advance]:
    """Give a function to advance, and draw nothing."""
    yield unwatched


@contextmanager
def bar(title: str, total: int, unit: str) -> Iterator[Advance]:
    """Give a function that advances a bar by a number of units; nothing is drawn where stderr is no terminal or another process speaks."""
    from tqdm import tqdm

    with tqdm(total=total, desc=title, unit=f" {unit}", disable=None if leads() else True, dynamic_ncols=True) as meter:

        def advance(count: int) -> None:
            meter.update(count)

        yield advance


def leads() -> bool:
    """Return whether this is the only process, or the first of those that torchrun or Accelerate started together."""
    return os.environ.get("RANK", "0") == "0"


def fails_first() -> bool:
    """Return whether this is the only process, or the first to ask of those that torchrun or Accelerate started together.

    The others fail of the same fault or because this one is gone: one line is enough. They ask the launcher's own store.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return leads()
    from datetime import timedelta

    from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]  # torch says so in its documentation

    try:
        store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), timeout=timedelta(seconds=10))
        return store.add("a2dsplus/failed", 1) == 1
    except (DistError, KeyError, ValueError):
        return True
