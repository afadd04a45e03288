"""Shipped files that are damaged: one clear line each."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from a2dsplus import resources
from a2dsplus.contrast import own_clip
from a2dsplus.contrast.entailment import Lexicon
from a2dsplus.contrast.lists import Lists
from a2dsplus.errors import InputError
from a2dsplus.roles import corrections
from a2dsplus.score.report.published import published_tables
from a2dsplus.world import captions

READERS: dict[str, Callable[[], object]] = {
    "annotations/lexicon.json": Lexicon,
    "annotations/exclusion.json": lambda: Lists.read(resources.path("annotations/exclusion.json")),
    "annotations/motion.json": lambda: own_clip._words.__wrapped__("motion"),
    "annotations/query_corrections.json": corrections.corrections.__wrapped__,
    "annotations/published.json": published_tables,
    "annotations/procedural_vocabulary.json": captions.vocabulary.__wrapped__,
}


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_list_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = resources.path(name).read_bytes()
    document = json.loads(good)
    first = next(key for key, value in document.items() if key != "about" and isinstance(value, list | dict))
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "a2dsplus")
    (tmp_path / "annotations").mkdir()
    for damaged in (
        b"",
        good[: len(good) // 2],
        b"\xff" + good,
        b"[" * 100_000,
        b"null",
        b"[]",
        json.dumps({key: value for key, value in document.items() if key != first}).encode(),
        json.dumps({**document, first: 3}).encode(),
        json.dumps({**document, first: [[3]] if isinstance(document[first], list) else {"a": 3}}).encode(),
    ):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(InputError) as caught:
            READERS[name]()
        line = str(caught.value)
        assert line.startswith(str(tmp_path / name)) and line.endswith("install the toolkit again")
        assert "\n" not in line and len(line) < 600
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match="not part of this installation"):
        READERS[name]()
