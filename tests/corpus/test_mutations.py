"""Every reader over seeded damage: one printable line or a result, never a traceback, a hang, gigabytes, or, where it can be known, something else.

`python -m tests.corpus.trial --inputs 1000` is the same with more.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from a2dsplus.errors import InputError
from tests.corpus import mutations, trial
from tests.corpus.readers import READERS

INPUTS = 12


@pytest.mark.slow
@pytest.mark.parametrize("name", [reader.name for reader in READERS])
def test_one_line_or_a_result(name: str) -> None:
    found = list(trial.outcomes(name, inputs=range(INPUTS), seed=1))
    assert len(found) == INPUTS
    assert [outcome for outcome in found if outcome.kind in trial.FAULTS] == []


def test_a_seed_gives_the_same_damage() -> None:
    content = b'{"a": [1, 2, {"b": "text"}], "c": null}'
    damage = [
        [mutations.document(content, random.Random(f"{turn} {number}")) for number in range(50)] for turn in (1, 1, 2)
    ]
    assert damage[0] == damage[1] != damage[2]
    assert sum(one != content for one in damage[0]) > 40


def _raises(error: BaseException) -> Callable[[Path], object]:
    def read(_: Path) -> object:
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (_raises(KeyError("a")), "traceback"),
        (_raises(MemoryError()), "traceback"),
        (_raises(InputError("file: of no use")), "line"),
        (lambda _: 1, "same"),
        (lambda _: 2, "silent"),
    ],
)
def test_the_trial_tells_what_came_of_it(read: Callable[[Path], object], kind: str, tmp_path: Path) -> None:
    from tests.corpus.readers import Reader

    reader = Reader(name="x", make=lambda _: None, files={}, read=read, sealed=True)
    assert trial._tried(reader, tmp_path, 1, tmp_path / "x")[0] == kind
