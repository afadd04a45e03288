"""Named things that packages add: one name is one thing, and what cannot be had is one clear line."""

from importlib.metadata import EntryPoint

import pytest

import a2dsplus.registry
from a2dsplus.errors import InputError, UsageError
from a2dsplus.registry import Registry

THINGS = Registry(
    what="thing", group="a2dsplus.things", built_in={"path": "pathlib:Path", "gone": "no_such_module:Thing"}
)


def register(monkeypatch: pytest.MonkeyPatch, *places: str) -> None:
    entries = [EntryPoint("mine", place, THINGS.group) for place in places]
    monkeypatch.setattr(a2dsplus.registry, "entry_points", lambda group: entries)


def test_a_name_and_a_place_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, "json:loads", "json:loads")  # one package installed twice is no conflict
    assert list(THINGS.places()) == ["gone", "mine", "path"]
    assert THINGS.load("mine")("1") == THINGS.load("json:loads")("1") == 1
    assert THINGS.load("path").__name__ == "Path"


def test_two_packages_may_not_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, "one:Thing", "two:Thing")
    with pytest.raises(InputError, match="thing mine: registered twice, as one:Thing and as two:Thing; rename one"):
        THINGS.places()


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        (
            "nonesuch",
            UsageError,
            "thing 'nonesuch': known are gone, path; another one by the entry-point group a2dsplus.things",
        ),
        ("gone", InputError, "thing gone: no_such_module:Thing cannot be imported"),
        ("json:nothing", InputError, "thing json:nothing: json:nothing cannot be imported"),
    ],
)
def test_what_cannot_be_had(name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        THINGS.load(name)
