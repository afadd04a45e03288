"""Parsing captions end to end: windows, order, corrections, the command, its figure; with an untrained model where any will do."""

import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from a2dsplus.cli.parse import as_rows, command
from a2dsplus.errors import InputError, ModelError, UsageError
from a2dsplus.records import ParsedCaption, Slot
from a2dsplus.roles import Labeller, Predicates, caption_roles, load_labeller, parse
from a2dsplus.roles.corrections import caption_key, correct_caption, corrections
from a2dsplus.roles.figure import printable, svg, terminal_lines, write_figure
from a2dsplus.roles.srl.finders import SpacyFinder
from tests.roles.srl_archives import random_tagger

CAPTIONS = [
    "A boy is skiing on the snow and suddenly falling to the ground.",
    "a man is on the left",
    "dog running on the grass",
    "small red car",
    "",
    "  two  dogs are playing with a ball  ",
    "!!!",
    "\U0001f600 a cat \U0001f600 jumping",
    "il cane corre sull'erba",
    "狗在草地上跑",
]


class EverySoManyWords:
    """Takes every so many words for a predicate, from the third on: for tests in which any will do."""

    def __init__(self, step: int) -> None:
        self.step = step

    def find_predicates(self, captions: Sequence[str], words: Sequence[Sequence[str]]) -> list[list[int]]:
        return [list(range(2, len(row), self.step)) for row in words]


def untrained(*, batch_pieces: int = 1024, step: int = 3) -> Labeller:
    """Return a labeller of random opinions."""
    tagger = random_tagger(seed=7, sharpness=0.5)
    tagger.batch_pieces = batch_pieces
    return Labeller(
        tagger, finder=EverySoManyWords(step), name="untrained", recipe=("nowhere.tar.gz", Predicates.MODEL)
    )


LABELLER = untrained()


def check_spans(caption: ParsedCaption, text: str) -> None:
    assert caption.text == text
    for frame in caption.frames:
        assert frame.verb is None or frame.verb in text
        for role in frame.roles:
            assert text[role.start : role.end] == role.text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=6))
def test_spans_are_verbatim_for_any_text(texts: list[str]) -> None:
    for text, caption in zip(texts, parse(texts, labeller=LABELLER), strict=True):
        check_spans(caption, text)


def test_half_a_surrogate_pair_keeps_its_place() -> None:
    text = "a \ud83d dog runs \udc00 fast"
    (caption,) = parse([text], labeller=LABELLER)
    check_spans(caption, text)


@pytest.mark.slow
def test_ten_thousand_words_are_read_in_windows() -> None:
    text = " ".join(f"word{number}" if number % 97 else "." for number in range(10_000))
    (caption,) = parse([text], labeller=untrained(step=50))
    check_spans(caption, text)
    assert len(caption.frames) > 150
    assert max(role.end for frame in caption.frames for role in frame.roles) > len(text) - 100


def test_one_endless_word_has_a_result() -> None:
    text = "x" * 50_000
    (caption,) = parse([text], labeller=LABELLER)
    check_spans(caption, text)


def test_results_do_not_depend_on_order_company_or_batches() -> None:
    together = parse(CAPTIONS, labeller=LABELLER)
    assert [parse([text], labeller=LABELLER)[0] for text in CAPTIONS] == together
    assert parse(CAPTIONS[::-1] * 2, labeller=LABELLER) == together[::-1] * 2
    assert parse(CAPTIONS, labeller=untrained(batch_pieces=1)) == together


def test_progress_counts_every_caption() -> None:
    told: list[int] = []
    parse(["a dog runs"] * 5 + ["a cat"], labeller=LABELLER, progress=told.append)
    assert sum(told) == 6


def test_what_is_no_caption_is_an_error() -> None:
    with pytest.raises(InputError, match="caption 1: a NoneType"):
        parse(["a dog", None], labeller=LABELLER)  # type: ignore[list-item]
    with pytest.raises(InputError, match="workers is 0"):
        parse([], labeller=LABELLER, workers=0)


# ---- corrections -----------------------------------------------------------------------------------------------------


def test_a_caption_with_a_recorded_slip_is_put_right() -> None:
    assert correct_caption("Solder  crawling on the ground ") == "soldier  crawling on the ground "
    assert correct_caption("soldier crawling on the ground") == "soldier crawling on the ground"
    (as_meant,) = parse(["rd black formula car riding on the right side of the track"], labeller=LABELLER, correct=True)
    assert as_meant.text.startswith("red black formula car")


def test_corrections_are_known_by_hash_and_change_something() -> None:
    table = corrections()
    assert len(table) >= 15
    for key, edits in table.items():
        assert re.fullmatch(r"[0-9a-f]{64}", key)
        assert edits
        assert all(edit.written != edit.meant for edit in edits)
    assert caption_key(" A  dog ") == hashlib.sha256(b"a dog").hexdigest()


# ---- the command and its figure --------------------------------------------------------------------------------------


def test_json_has_the_fields_and_spans(tmp_path: Path) -> None:
    rows = as_rows(parse(CAPTIONS, labeller=LABELLER))
    assert [row["text"] for row in rows] == CAPTIONS
    for row in rows:
        assert list(row) == ["text", "frames", "referent"]
        for frame in row["frames"]:
            assert list(frame) == ["verb", "roles"]
            for role in frame["roles"]:
                assert list(role) == ["role", "slot", "text", "start", "end", "phrase", "lemma"]
                assert row["text"][role["start"] : role["end"]] == role["text"]
                assert role["slot"] in {"who", "verb", "what", "where", "when", "other"}


@pytest.mark.parametrize("ending", ["svg", "html"])
def test_the_figure_is_xml_whatever_the_caption(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"roles.{ending}"
    write_figure(parse([*CAPTIONS, "<b>&\x00\x1b[31m a dog\ud800", "long " * 60], labeller=LABELLER), path)
    text = path.read_text(encoding="utf-8")
    start = text.index("<svg")
    root = ElementTree.fromstring(text[start : text.index("</svg>") + 6])
    assert "skiing" in "".join(root.itertext())
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_figure_of_another_kind_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.svg or \.html"):
        write_figure([], tmp_path / "roles.png")


def test_the_picture_is_as_wide_as_its_text() -> None:
    def width(text: str) -> float:
        found = re.search(r'viewBox="0 0 ([\d.]+)', svg(parse([text], labeller=LABELLER)))
        assert found is not None
        return float(found.group(1))

    assert width("a dog " * 10) < width("a dog " * 14) < 1000
    assert width("a dog " * 100) < 1000  # goes on in the next line


@pytest.mark.parametrize("columns", [24, 60, 200])
def test_terminal_lines_show_the_caption_and_every_label(columns: int) -> None:
    for caption in parse(CAPTIONS[:8], labeller=LABELLER):
        text = "".join(line.plain for line in terminal_lines(caption, width=columns))
        for word in caption.text.split():
            assert word in text
        for frame in caption.frames:
            for role in frame.roles:
                assert f"{role.slot.value} · {role.role}" in text


def test_no_control_character_reaches_a_terminal() -> None:
    assert printable("a\x1b[31m\tb\x00\u202e") == "a\ufffd[31m b\ufffd\ufffd"


def test_the_command_reports_what_is_wrong(tmp_path: Path) -> None:
    run = CliRunner()
    (tmp_path / "latin.txt").write_bytes(b"a dog\ncaf\xe9\n")
    for arguments, kind, words in (
        ([], UsageError, "nothing to parse"),
        (["--file", str(tmp_path / "none.txt")], InputError, "none.txt: cannot be read"),
        (["--file", str(tmp_path / "latin.txt")], InputError, "latin.txt, line 2: not UTF-8"),
        (["a dog", "--figure", "roles.png"], UsageError, "ends in .svg or .html"),
        (["a dog", "--srl", str(tmp_path / "none.tar.gz")], ModelError, "no such file"),
    ):
        result = run.invoke(command, arguments)
        assert isinstance(result.exception, kind), arguments
        assert words in str(result.exception)


# ---- the compact model -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compact() -> Labeller:
    """The model that the wheel carries."""
    return load_labeller()


def test_table_1_with_the_compact_model(compact: Labeller) -> None:
    (caption,) = parse(CAPTIONS[:1], labeller=compact)
    roles = caption_roles(caption)
    assert [role.phrase for role in roles] == ["boy", "skiing", "on snow", "suddenly", "falling", "to ground"]
    assert [role.lemma for role in roles] == ["boy", "ski", "on snow", "suddenly", "fall", "to ground"]
    assert [role.slot.value for role in roles] == ["who", "verb", "where", "when", "verb", "where"]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a man is on the left", "who man, verb be, where on left"),
        ("dog running on the grass", "who dog, verb run, where on grass"),
        ("the white ball is rolling on the floor", "who white ball, verb roll, where on floor"),
        ("a woman in red is standing in the middle", "who woman in red, verb stand, where in middle"),
        ("small bird eating seeds", "who small bird, verb eat, what seed"),
        ("a striped cat is jumping over the fence", "who striped cat, verb jump, where over fence"),
        ("black and white dog on the right", "who black and white dog on right"),
    ],
)
def test_captions_with_the_compact_model(compact: Labeller, caption: str, expected: str) -> None:
    (parsed,) = parse([caption], labeller=compact)
    assert ", ".join(f"{role.slot.value} {role.lemma}" for role in caption_roles(parsed)) == expected


@pytest.mark.slow
def test_the_number_of_processes_does_not_change_the_roles(compact: Labeller) -> None:
    captions = [f"{who} {what} {where}" for who in ("a dog", "two men", "the red ball", "girl in blue")
                for what in ("is running", "rolling", "jumps", "standing and waving") for where in
                ("", "on the grass", "on the left", "to the other side", "near a tree in the middle", "slowly", "up the stairs",
                 "over the fence and falling", "behind the man in white")]  # fmt: skip
    assert len(captions) > 128  # more than one process gets something to do
    assert parse(captions, labeller=compact, workers=2) == parse(captions, labeller=compact)


def test_empty_and_foreign_captions_with_the_compact_model(compact: Labeller) -> None:
    for text, caption in zip(CAPTIONS, parse(CAPTIONS, labeller=compact), strict=True):
        check_spans(caption, text)
        assert bool(caption.frames) == any(character.isalnum() for character in text)


def test_the_command_prints_json(compact: Labeller, tmp_path: Path) -> None:
    file = tmp_path / "captions.txt"
    file.write_text("a dog runs\n\na cat on the left\r\n", encoding="utf-8")
    figure = tmp_path / "roles.svg"
    result = CliRunner().invoke(
        command, ["a man jumps", "--file", str(file), "--json", "--figure", str(figure)], catch_exceptions=False
    )
    rows = json.loads(result.stdout)
    assert [row["text"] for row in rows] == ["a man jumps", "a dog runs", "", "a cat on the left"]
    assert rows[2]["frames"] == []
    assert rows[1]["frames"][0]["verb"] == "runs"
    assert figure.exists()


@pytest.mark.slow
def test_spacy_finds_predicates_as_allennlp_does(tmp_path: Path) -> None:
    try:
        finder = SpacyFinder()
    except ModelError as error:
        pytest.skip(str(error))
    captions = ["a dog is running on the grass", " ", "red car"]
    assert finder.find_predicates(captions, [text.split() for text in captions]) == [[2, 3], [], []]
    (caption,) = parse(captions[:1], labeller=load_labeller(predicates="spacy"))
    assert [role.slot for role in caption.frames[0].roles][:2] == [Slot.WHO, Slot.VERB]
