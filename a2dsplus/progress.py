"""Progress bars on stderr, where somebody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]


@contextmanager
def bar(title: str, total: int, *, unit: str) -> Iterator[Advance]:
    """Give a function that advances a bar by a number of units; nothing is drawn where stderr is no terminal."""
    from tqdm import tqdm

    with tqdm(total=total, desc=title, unit=f" {unit}", disable=None, dynamic_ncols=True) as meter:

        def advance(count: int) -> None:
            meter.update(count)

        yield advance
