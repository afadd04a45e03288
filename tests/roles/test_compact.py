"""The compact model: what the wheel carries, how it is stored and exported, and the roles it gives captions."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from a2dsplus.errors import ModelError
from a2dsplus.roles.srl import srl_bert
from a2dsplus.roles.srl.archive import load_archive
from a2dsplus.roles.srl.compact import export_archive, load_compact, save_compact
from a2dsplus.roles.srl.naming import SHIPPED, fingerprint
from a2dsplus.roles.srl.srl_bert import Decoding, SrlTagger
from a2dsplus.roles.tokens import split_words
from a2dsplus.roles.training.caption_accuracy import caption_accuracy, read_labels
from a2dsplus.roles.training.grammar import CaptionGrammar
from a2dsplus.roles.training.labels import LABELS, spans
from tests.shared_data import SHARED, needs_shared

LABELLED = Path(__file__).parents[1] / "data" / "caption_roles.json"
WHEEL_SHARE = 30_000_000  # bytes of the wheel's 45 MB that the model may take
LARGEST_FILE = 20_000_000


@pytest.fixture(scope="module")
def compact() -> SrlTagger:
    return load_compact()


def roles(tagger: SrlTagger, caption: str) -> list[list[tuple[str, str]]]:
    """For each frame its (role, words) in order."""
    words = caption.split()
    return [
        [(role, " ".join(words[start:end])) for role, start, end in spans(tags)] for _, tags in tagger.tag([words])[0]
    ]


def test_the_paper_s_example_has_the_paper_s_roles(compact: SrlTagger) -> None:
    assert roles(compact, "A boy is skiing on the snow and suddenly falling to the ground .") == [
        [("ARG0", "A boy"), ("V", "skiing"), ("ARGM-LOC", "on the snow")],
        [("ARG0", "A boy"), ("ARGM-TMP", "suddenly"), ("V", "falling"), ("ARG2", "to the ground")],
    ]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("horse galloping in the field", [[("ARG0", "horse"), ("V", "galloping"), ("ARGM-LOC", "in the field")]]),
        (
            "an old tractor is parked behind the barn",
            [[("ARG1", "an old tractor"), ("V", "parked"), ("ARGM-LOC", "behind the barn")]],
        ),
        ("a monkey in a red vest", []),
        ("the tall girl is on the left", [[("ARG1", "the tall girl"), ("V", "is"), ("ARG2", "on the left")]]),
        (
            "the frisbee is caught by a brown goat",
            [[("ARG1", "the frisbee"), ("V", "caught"), ("ARG0", "by a brown goat")]],
        ),
        (
            "woman in green dress holding an umbrella on the right",
            [
                [
                    ("ARG0", "woman in green dress"),
                    ("V", "holding"),
                    ("ARG1", "an umbrella"),
                    ("ARGM-LOC", "on the right"),
                ]
            ],
        ),
        ("a goat is climbing up and down", [[("ARG0", "a goat"), ("V", "climbing"), ("ARGM-DIR", "up and down")]]),
        ("fox jumping over the log", [[("ARG0", "fox"), ("V", "jumping"), ("ARGM-DIR", "over the log")]]),
    ],
)
def test_constructions_of_captions(compact: SrlTagger, caption: str, expected: list[list[tuple[str, str]]]) -> None:
    assert roles(compact, caption) == expected


@pytest.mark.parametrize("verb", ["rolling", "sitting", "falling", "standing", "jumping", "running", "floating"])
@pytest.mark.parametrize("subject", ["a ball", "the old man", "white bird"])
def test_the_same_construction_has_the_same_labels(compact: SrlTagger, subject: str, verb: str) -> None:
    frames = roles(compact, f"{subject} is {verb} on the grass")
    assert frames == [[("ARG0", subject), ("V", verb), ("ARGM-LOC", "on the grass")]]


@pytest.mark.slow
@needs_shared
def test_hand_labelled_captions(compact: SrlTagger) -> None:
    with (SHARED / "data" / "a2d_annotation.txt").open(encoding="utf-8", newline="") as lines:
        captions = {f"{row['video_id']}/{row['instance_id']}": row["query"] for row in csv.DictReader(lines)}
    accuracy = caption_accuracy(compact, read_labels(LABELLED), captions)
    assert accuracy.captions == 300
    assert accuracy.right / accuracy.frames >= 0.9, accuracy.errors


@pytest.mark.slow
def test_predicates_do_not_depend_on_the_processor_s_precision(
    compact: SrlTagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    grammar = CaptionGrammar(np.random.default_rng(8))
    sentences = [grammar.caption().words for _ in range(400)]
    monkeypatch.setattr(srl_bert, "_multiplies_in_half", lambda: False)
    single = compact.find_predicates(sentences)
    monkeypatch.setattr(srl_bert, "_multiplies_in_half", lambda: True)
    assert compact.find_predicates(sentences) == single


def test_labels_point_at_words_in_order() -> None:
    for row in read_labels(LABELLED):
        for predicate, found in row.frames:
            assert ("V", predicate, predicate + 1) in found
            ends = [0, *(end for _, _, end in found)]
            assert all(before <= start < end for before, (_, start, end) in zip(ends, found, strict=False))


def test_the_model_fits_the_wheel() -> None:
    sizes = {file.name: file.stat().st_size for file in SHIPPED.iterdir()}
    assert sum(sizes.values()) < WHEEL_SHARE
    assert max(sizes.values()) < LARGEST_FILE
    assert load_compact().labels == LABELS


def test_saving_and_loading_changes_nothing(compact: SrlTagger, tmp_path: Path) -> None:
    save_compact(compact, tmp_path / "model")
    again = load_compact(tmp_path / "model")
    for name, tensor in compact.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)
    assert again.pieces.pieces == compact.pieces.pieces
    assert len(fingerprint(tmp_path / "model")) == 64


@pytest.mark.slow
def test_the_exported_archive_is_the_same_network(compact: SrlTagger, tmp_path: Path) -> None:
    export_archive(tmp_path / "compact.tar.gz")
    archive = load_archive(tmp_path / "compact.tar.gz")
    assert archive.decoding is Decoding.ALLENNLP
    sentences = [
        [word.text for word in split_words(text)] for text in ("a dog is eating food", "Two unicyclists race .")
    ]
    for theirs, ours in zip(
        archive.probabilities(sentences, [[3], [2]]), compact.probabilities(sentences, [[3], [2]]), strict=True
    ):
        assert theirs[0][0] == ours[0][0]
        torch.testing.assert_close(torch.tensor(theirs[0][1]), torch.tensor(ours[0][1]))
    assert archive.tag(sentences, [[3], [2]])[0] == compact.tag(sentences, [[3], [2]])[0]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text('{"schema": 99}'), "expected schema 1"),
        (lambda folder: (folder / "network.safetensors").unlink(), "network.safetensors: missing"),
        (lambda folder: (folder / "network.safetensors").write_bytes(b"12345678901"), "damaged"),
        (lambda folder: (folder / "vocab.txt").write_text("dog\n"), "lacks"),
    ],
)
def test_a_damaged_model_is_one_clear_line(compact: SrlTagger, tmp_path: Path, damage, words: str) -> None:
    save_compact(compact, tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=words) as caught:
        load_compact(tmp_path)
    assert "\n" not in str(caught.value)


def test_weights_of_another_shape_name_the_tensor(compact: SrlTagger, tmp_path: Path) -> None:
    save_compact(compact, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["bert"]["intermediate_size"] = 1024
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"tensor bert_model.encoder.layer.0.*\(1536,\).*\(1024,\)"):
        load_compact(tmp_path)
