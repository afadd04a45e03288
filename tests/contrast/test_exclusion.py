"""What rules what out: one listed difference does, absent and vague words never do."""

import json
from pathlib import Path

import pytest

from a2dsplus.contrast.actors import Reading
from a2dsplus.contrast.exclusion import Exclusion
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.pairs_file import list_name, locate, read_pairs_file, shipped
from a2dsplus.contrast.referent import read
from a2dsplus.errors import InputError

LISTS = Lists.shipped()
TEST = Exclusion(LISTS)


def _read(*frames: dict[str, str]) -> Reading:
    rows = [
        (number, "", slot, lemma, lemma)
        for number, frame in enumerate(frames)
        for slot, lemma in frame.items()
        if slot != "neg"
    ]
    rows += [(number, "ARGM-NEG", "other", "not", "not") for number, frame in enumerate(frames) if "neg" in frame]
    return read(rows, LISTS)


@pytest.mark.parametrize(
    ("query", "other", "kind"),
    [
        ({"who": "dog", "verb": "run"}, {"who": "cat", "verb": "run"}, "actor"),
        ({"who": "animal"}, {"who": "cat"}, None),
        ({"who": "man", "verb": "run"}, {"who": "woman", "verb": "run"}, "sex"),
        ({"who": "person", "verb": "run"}, {"who": "woman", "verb": "run"}, None),
        ({"who": "parrot"}, {"who": "duck"}, "kind"),
        ({"who": "white dog"}, {"who": "black dog"}, "colour"),
        ({"who": "black and white dog"}, {"who": "white dog"}, None),
        ({"who": "dog"}, {"who": "black dog"}, None),
        ({"who": "man in yellow shirt and green pants"}, {"who": "man in green shirt"}, "colour"),
        ({"who": "man in white shirt"}, {"who": "man with black jacket"}, None),
        ({"who": "man in white shirt"}, {"who": "man in black shorts"}, None),
        ({"who": "dog", "verb": "walk"}, {"who": "dog", "verb": "run"}, "verb"),
        ({"who": "dog", "verb": "run"}, {"who": "dog", "verb": "play"}, None),
        ({"who": "cat", "verb": "eat", "what": "corn"}, {"who": "cat", "verb": "eat", "what": "fish"}, "object"),
        ({"who": "cat", "verb": "eat", "what": "corn"}, {"who": "cat", "verb": "eat", "what": "food"}, None),
        ({"who": "cat", "verb": "sit", "where": "on bed"}, {"who": "cat", "verb": "sit", "where": "on floor"}, "place"),
        ({"who": "cat", "verb": "sit", "where": "on left"}, {"who": "cat", "verb": "sit", "where": "on right"}, None),
        ({"who": "man", "verb": "move"}, {"who": "man", "verb": "move", "neg": ""}, "negation"),
    ],
)
def test_one_listed_difference_excludes(query: dict[str, str], other: dict[str, str], kind: str | None) -> None:
    ours, theirs = _read(query), _read(other)
    found = TEST.reason(ours.referent, theirs.referent)
    assert (found and found.kind) == kind
    assert TEST.excluded(ours, [theirs]) == (kind is not None)
    assert not TEST.excluded(ours, [ours])


def test_everybody_that_a_caption_mentions_counts() -> None:
    query = _read({"who": "man", "verb": "run"})
    assert TEST.excluded(query, [_read({"who": "dog", "verb": "run"})])
    assert not TEST.excluded(query, [_read({"who": "dog", "verb": "run", "what": "with man"})])


def test_damaged_lists_are_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "exclusion.json"
    for text, words in (("{", "not JSON"), ('{"schema": 9}', "schema 9"), ('{"schema": 1}', "damaged")):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            Lists.read(path)


def test_a_shipped_list_is_found_by_its_name_and_has_no_captions() -> None:
    assert "a2d-s-test-1" in shipped()
    path = locate("a2d-s-test-1")
    assert list_name(path) == "a2d-s-test-1"
    rows = json.loads(path.read_text())["pairs"]
    assert {name for row in rows for name in row} == {"query", "contrast", "status", "grade", "reason"}
    assert len(read_pairs_file(path, split="test")) == len(rows) == 1292
    with pytest.raises(InputError, match="a2d-s-test-1"):
        locate("no-such-list")
    with pytest.raises(InputError, match="split test, not of train"):
        read_pairs_file(path, split="train")


def test_a_query_may_have_several_rows_in_schema_2_alone(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    rows = [{"query": "a/0", "contrast": f"{name}/0", "status": "accepted"} for name in "bc"]
    path.write_text(json.dumps({"schema": 2, "pairs": rows}))
    assert [row.contrast_query_id for row in read_pairs_file(path)] == ["b/0", "c/0"]
    path.write_text(json.dumps({"schema": 1, "pairs": rows}))
    with pytest.raises(InputError, match="two pairs in use"):
        read_pairs_file(path)
