"""Training of the compact model: labels, corpora, written captions, augmentation, self-training, the loop and the command."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from a2dsplus.cli.train_srl import command
from a2dsplus.errors import InputError, UsageError
from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.srl_bert import Decoding, SrlBert, SrlTagger
from a2dsplus.roles.srl.wordpieces import WordPieces
from a2dsplus.roles.training.augment import caption_like
from a2dsplus.roles.training.corpus import Sentence, read
from a2dsplus.roles.training.evaluate import evaluate
from a2dsplus.roles.training.grammar import CaptionGrammar
from a2dsplus.roles.training.labels import LABELS, ROLES, collapsed, spans
from a2dsplus.roles.training.loop import Recipe, Trainer
from a2dsplus.roles.training.selftrain import normalised
from a2dsplus.roles.training.train import caption_sha1, read_captions, train
from tests.shared_data import SHARED, needs_shared

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{letter}" for letter in LETTERS), ".", "'"]
TINY = BertShape(
    vocab_size=len(PIECES),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=128,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)


def sentence(text: str, predicate: int, *roles: tuple[str, int, int], complete: bool = True) -> Sentence:
    words = tuple(text.split())
    tags = ["O"] * len(words)
    for role, start, end in roles:
        tags[start:end] = [f"B-{role}"] + [f"I-{role}"] * (end - start - 1)
    return Sentence(words=words, frames=((predicate, tuple(tags)),), complete=complete)


# Labels


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("ARG1", "ARG1"),
        ("ARGA", "ARG0"),
        ("ARG6", "ARG4"),
        ("ARGM-PNC", "ARGM-PRP"),
        ("ARG1-DSP", "ARG1"),
        ("C-ARG1-DSP", "C-ARG1"),
        ("C-ARG2", "C-ARG1"),
        ("C-V", "C-V"),
        ("C-ARGM-LOC", "ARGM-LOC"),
        ("R-ARG0", "R-ARG0"),
        ("R-ARG4", "R-ARG2"),
        ("R-ARGM-CAU", "R-ARGM-ADV"),
        ("R-C-ARG2", "R-ARG2"),
    ],
)
def test_roles_collapse(role: str, expected: str) -> None:
    assert collapsed(role) == expected
    assert expected in ROLES


def test_spans_of_tags() -> None:
    tags = ["B-ARG0", "I-ARG0", "B-V", "O", "I-ARG1", "B-ARG1", "I-ARG0"]
    assert spans(tags) == [("ARG0", 0, 2), ("V", 2, 3), ("ARG1", 4, 5), ("ARG1", 5, 6), ("ARG0", 6, 7)]


# Corpora


def write(path: Path, *rows: dict) -> Path:
    with gzip.open(path, "wt") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path


TAGGED = {
    "words": ["He", "has", "run"],
    "xpos": ["PRP", "VBZ", "VBN"],
    "lemmas": ["he", "have", "run"],
    "frames": [
        {"predicate_index": 1, "sense": "have.01", "is_verb": True, "tags": ["O", "B-V", "O"]},
        {"predicate_index": 2, "sense": "run.02", "is_verb": True, "tags": ["B-ARGA", "O", "B-V"]},
        {"predicate_index": 0, "sense": "he.01", "is_verb": False, "tags": ["B-V", "O", "O"]},
    ],
}


def test_auxiliaries_and_nouns_carry_no_frame(tmp_path: Path) -> None:
    (found,) = read(write(tmp_path / "x.jsonl.gz", TAGGED))
    assert found.frames == ((2, ("B-ARG0", "O", "B-V")),)
    assert found.complete


def test_frame_file_examples_are_cut_to_the_clause(tmp_path: Path) -> None:
    row = {
        "words": ["It", "rains", ".", "The", "dog", "ran", "away", ".", "Good", "."],
        "frames": [
            {
                "predicate_index": 5,
                "sense": "run.02",
                "alias_pos": ["v"],
                "tags": ["O", "O", "O", "B-ARG0", "I-ARG0", "B-V", "B-ARGM-DIR", "O", "O", "O"],
            }
        ],
    }
    (found,) = read(write(tmp_path / "x.jsonl.gz", row))
    assert found.words == ("The", "dog", "ran", "away", ".")
    assert found.frames == ((2, ("B-ARG0", "I-ARG0", "B-V", "B-ARGM-DIR", "O")),)
    assert not found.complete


def test_a_faulty_line_is_named(tmp_path: Path) -> None:
    bad = {**TAGGED, "frames": [{"predicate_index": 0, "sense": "x.01", "is_verb": True, "tags": ["O"]}]}
    with pytest.raises(InputError, match=r"line 2: not a PropBank sentence.*1 tags for 3 words"):
        list(read(write(tmp_path / "x.jsonl.gz", TAGGED, bad)))
    (tmp_path / "y.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot read the corpus"):
        list(read(tmp_path / "y.jsonl.gz"))


# Written captions and augmentation


def test_the_grammar_is_seeded_and_its_frames_are_sound() -> None:
    first, second = (CaptionGrammar(np.random.default_rng(4)) for _ in range(2))
    captions = [first.caption() for _ in range(600)]
    assert captions == [second.caption() for _ in range(600)]
    for caption in captions:
        for predicate, tags in caption.frames:
            assert len(tags) == len(caption.words)
            assert tags[predicate] == "B-V"
            assert set(tags) <= set(LABELS)
            roles = [role for role, _, _ in spans(tags)]
            assert roles.count("V") == 1
            assert roles.count("ARG0") + roles.count("ARG1") >= 1
    assert {len(caption.frames) for caption in captions} >= {0, 1, 2}


def test_augmentation_keeps_predicates_and_roles() -> None:
    original = Sentence(
        words=("She", "is", "eating", "it", "because", "he", "ran", "."),
        frames=(
            (2, ("B-ARG0", "O", "B-V", "B-ARG1", "B-ARGM-CAU", "I-ARGM-CAU", "I-ARGM-CAU", "O")),
            (6, ("O", "O", "O", "O", "O", "B-ARG0", "B-V", "O")),
        ),
        complete=True,
        xpos=("PRP", "VBZ", "VBG", "PRP", "IN", "PRP", "VBD", "."),
        lemmas=("she", "be", "eat", "it", "because", "he", "run", "."),
    )
    rng = np.random.default_rng(0)
    changed = {caption_like(original, rng) for _ in range(400)}
    assert len(changed) > 20
    for made in changed:
        assert [[role for role, _, _ in spans(tags)] for _, tags in made.frames] == [
            ["ARG0", "V", "ARG1", "ARGM-CAU"],
            ["ARG0", "V"],
        ]
        assert made.words[made.frames[0][0]] == "eating"
        assert made.words[made.frames[1][0]] in {"ran", "running"}
        for predicate, tags in made.frames:
            assert tags[predicate] == "B-V"
            assert len(tags) == len(made.words) == len(made.xpos) == len(made.lemmas)
    assert any("is" not in made.words for made in changed)
    assert any("." not in made.words for made in changed)


# Self-training


def test_the_construction_decides_the_label() -> None:
    words = ["a", "ball", "is", "rolling", "in", "a", "box", "over", "the", "mat", "to", "the", "wall"]
    tags = sentence(
        " ".join(words), 3, ("ARG1", 0, 2), ("V", 3, 4), ("ARG2", 4, 7), ("ARG1", 7, 10), ("ARGM-GOL", 10, 13)
    ).frames[0][1]
    assert [(role, start) for role, start, _ in spans(normalised(words, 3, tags))] == [
        ("ARG0", 0),
        ("V", 3),
        ("ARGM-LOC", 4),
        ("ARGM-DIR", 7),
        ("ARG2", 10),
    ]


def test_a_passive_subject_and_a_governed_preposition_keep_their_labels() -> None:
    words = ["the", "ball", "is", "thrown", "at", "the", "wall"]
    tags = sentence(" ".join(words), 3, ("ARG1", 0, 2), ("V", 3, 4)).frames[0][1]
    assert normalised(words, 3, tags) == tags
    words = ["man", "looking", "at", "the", "wall"]
    tags = sentence(" ".join(words), 1, ("ARG0", 0, 1), ("V", 1, 2), ("ARG1", 2, 5)).frames[0][1]
    assert normalised(words, 1, tags) == tags


def test_an_agent_stays_an_agent() -> None:
    words = ["a", "ball", "is", "caught", "by", "a", "dog"]
    tags = sentence(" ".join(words), 3, ("ARG1", 0, 2), ("V", 3, 4), ("ARG0", 4, 7)).frames[0][1]
    assert normalised(words, 3, tags) == tags


def test_captions_are_read_from_lines_and_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("a dog\n\n a cat \n")
    (tmp_path / "table.csv").write_text('video_id,instance_id,query\nx,0,"a dog, a cat"\n')
    assert read_captions(tmp_path / "lines.txt") == ["a dog", " a cat "]
    assert read_captions(tmp_path / "table.csv") == ["a dog, a cat"]
    with pytest.raises(InputError, match="cannot read the captions"):
        read_captions(tmp_path / "none.txt")


# The loop

LESSONS = [
    sentence("a dog eats an egg", 2, ("ARG0", 0, 2), ("V", 2, 3), ("ARG1", 3, 5)),
    sentence("it sits on a mat", 1, ("ARG0", 0, 1), ("V", 1, 2), ("ARGM-LOC", 2, 5)),
    sentence("the egg rolls off", 2, ("ARG0", 0, 2), ("V", 2, 3), ("ARGM-DIR", 3, 4)),
]


def trainer(recipe: Recipe) -> tuple[Trainer, SrlTagger]:
    torch.manual_seed(0)
    pieces = WordPieces(PIECES, lower=True)
    model = SrlBert(TINY, labels=len(LABELS), predicate_head=True)
    subject = SrlTagger(model, labels=LABELS, pieces=pieces, decoding=Decoding.STRICT)
    return Trainer(model, pieces=pieces, corpora=[LESSONS], captions=LESSONS, recipe=recipe), subject


@pytest.mark.slow
def test_the_model_learns_a_few_sentences_by_heart(tmp_path: Path) -> None:
    recipe = Recipe(passes=90, shares=(1.0,), written=0, learning_rate=3e-3, head_learning_rate=3e-3, bf16=False)
    run, subject = trainer(recipe)
    before = evaluate(subject, LESSONS)
    run.run(tmp_path, report=lambda _: None, after_pass=lambda _: None)
    after = evaluate(subject, LESSONS)
    assert before.spans.f1 < 0.5
    assert after.spans.f1 == 1.0
    assert after.predicates is not None
    assert after.predicates.f1 == 1.0
    assert after.by_role["ARGM-LOC"].gold == 1


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = Recipe(passes=3, shares=(1.0,), written=4, batch_pieces=120)

    def stop_after_second(number: int) -> None:
        if number == 1:
            raise KeyboardInterrupt

    whole, straight = trainer(recipe)
    whole.run(tmp_path / "whole", report=lambda _: None, after_pass=lambda _: None)
    first, _ = trainer(recipe)
    with pytest.raises(KeyboardInterrupt):
        first.run(tmp_path / "cut", report=lambda _: None, after_pass=stop_after_second)
    first._save(tmp_path / "cut")
    second, resumed = trainer(recipe)
    second.run(tmp_path / "cut", report=lambda _: None, after_pass=lambda _: None)
    for name, tensor in straight.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], tensor, atol=0, rtol=0)
    other, _ = trainer(Recipe(passes=4, shares=(1.0,)))
    with pytest.raises(InputError, match="another recipe"):
        other.run(tmp_path / "cut", report=lambda _: None, after_pass=lambda _: None)


def test_f1_counts_whole_spans_with_their_labels() -> None:
    run, subject = trainer(Recipe(shares=(1.0,)))
    del run
    gold = [sentence("a dog eats an egg", 2, ("ARG0", 0, 2), ("V", 2, 3), ("ARG1", 3, 4), ("ARG2", 4, 5))]
    subject.tag = lambda words, predicates=None: [  # type: ignore[method-assign]
        [(2, ["B-ARG0", "I-ARG0", "B-V", "B-ARG1", "I-ARG1"])]
    ]
    found = evaluate(subject, gold).spans
    assert (found.right, found.predicted, found.gold) == (1, 2, 3)
    assert (found.precision, found.recall, found.f1) == (1 / 2, 1 / 3, 0.4)


def test_self_training_needs_a_trained_model(tmp_path: Path) -> None:
    for name in ("train", "masc", "frame_examples", "dev"):
        write(tmp_path / f"{name}.jsonl.gz", TAGGED)
    (tmp_path / "captions.txt").write_text("a dog\n")
    with pytest.raises(InputError, match="give --init"):
        train(tmp_path, tmp_path / "out", recipe=Recipe(), captions=(tmp_path / "captions.txt",))


@needs_shared
def test_the_shared_corpora_read() -> None:
    dev = list(read(SHARED / "data" / "propbank" / "dev.jsonl.gz"))
    assert len(dev) == 1967
    assert all(tags[predicate] == "B-V" for row in dev for predicate, tags in row.frames)
    assert {tag for row in dev for _, tags in row.frames for tag in tags} <= set(LABELS)


# The command


@pytest.mark.slow
def test_the_command_trains_on_and_writes_a_model(tmp_path: Path) -> None:
    """One pass from the shipped model over two sentences and two captions; the second call has nothing left to do."""
    pytest.importorskip("lemminflect")
    from a2dsplus.roles.srl.compact import load_compact
    from a2dsplus.roles.srl.naming import SHIPPED

    for name in ("train", "masc", "frame_examples", "dev"):
        write(tmp_path / f"{name}.jsonl.gz", TAGGED)
    (tmp_path / "captions.txt").write_text("a dog is running on the grass\na cat is eating\n")
    (tmp_path / "tests.json").write_text(json.dumps([{"sha1": caption_sha1("a cat is eating")}]))
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--init", str(SHIPPED), "--passes", "1"]
    options += [
        "--captions",
        str(tmp_path / "captions.txt"),
        "--leave-out",
        str(tmp_path / "tests.json"),
        "--written",
        "3",
    ]
    for _ in range(2):
        result = CliRunner().invoke(command, options)
        assert result.exit_code == 0, result.output
        assert "self-training: 1 captions of 1" in result.output
        assert "F1 on dev, gold predicates: spans" in result.output
    assert load_compact(tmp_path / "out" / "model").finds_predicates
    assert json.loads((tmp_path / "out" / "training.json").read_text())["captions"] == 1


def test_faulty_shares_are_wrong_usage(tmp_path: Path) -> None:
    for shares in ("1,2", "a,b,c", "1,1,7"):
        result = CliRunner().invoke(command, ["--data", str(tmp_path), "--out", str(tmp_path), "--shares", shares])
        assert isinstance(result.exception, UsageError)
