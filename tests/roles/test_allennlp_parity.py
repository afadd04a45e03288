"""The native runtime against AllenNLP 2.10.1 itself, archive by archive: the same tags, the same probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from a2dsplus.errors import ModelError
from a2dsplus.roles import load_labeller, split_words
from a2dsplus.roles.allennlp.predictor import PYTHON_VARIABLE, AllenNlpTagger, find_python
from a2dsplus.roles.srl.archive import load_archive
from a2dsplus.roles.srl.compact import export_archive
from tests.roles.srl_archives import (
    TINY,
    labels_of,
    pad_labels,
    random_tagger,
    rewrite,
    trained_tagger,
)
from tests.shared_data import SHARED

needs_allennlp = pytest.mark.skipif(
    find_python() is None, reason="AllenNLP's Python 3.10 environment is not built (make allennlp)"
)
_ODD = [
    "",
    "running",
    "  two  blanks and\ttab ",
    "don't stop the T-shirt-wearing man's dog's ball!",
    "\U0001f600 un chien court sur l’herbe — 狗在跑",
    "zero\x00width\u200bjoined\u200dwords \x07bell",
    "Antidisestablishmentarianism" * 5 + " is long",
    "a " * 200 + "dog runs",
]


def _sentences(count: int) -> tuple[list[list[str]], list[list[int]]]:
    """Return real captions where they are at hand, else made ones, with every second word for a predicate or a participle."""
    file = SHARED / "data" / "a2d_annotation.txt"
    if file.exists():
        captions = [line.split(",", 2)[2] for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    else:
        who, did = ["a dog", "two small cats", "the man in red"], ["running", "is standing", "rolled"]
        captions = [f"{a} {b} on {c} {n}" for n in range(99) for a in who for b in did for c in who]
    captions = sorted(set(captions))
    step = max(1, len(captions) // count)
    words = [[word.text for word in split_words(caption)] for caption in [*_ODD, *captions[::step]]]
    verbs = [[i for i, word in enumerate(row) if word.endswith("ing")] or list(range(len(row)))[-1:] for row in words]
    return words, verbs


@needs_allennlp
@pytest.mark.parametrize("case", ["few labels", "many padded labels, wider", "cased", "trained"])
def test_tags_and_probabilities_are_allennlps(case: str, tmp_path: Path) -> None:
    words, verbs = _sentences(2500 if case in ("few labels", "trained") else 300)
    path = tmp_path / "model.tar.gz"
    if case == "trained":
        useful = [(row, verb[0]) for row, verb in zip(words, verbs, strict=True) if verb and len(row) < 100][:150]
        tagger = trained_tagger([row for row, _ in useful], [verb for _, verb in useful])
        export_archive(path, tagger=tagger)
    elif case == "cased":  # the uncased vocabulary under a cased name: capitals must reach the word pieces
        tagger = random_tagger(seed=2, lower=False)
        export_archive(tmp_path / "plain.tar.gz", tagger=tagger, wordpieces="bert-base-cased")
        vocabulary = "\n".join(tagger.pieces.pieces).encode()
        rewrite(tmp_path / "plain.tar.gz", path, vocab=vocabulary)
    elif case == "few labels":
        export_archive(path, tagger=random_tagger(seed=1, labels=labels_of(4)))
    else:
        shape = replace(TINY, hidden_size=96, num_hidden_layers=3, num_attention_heads=6, hidden_act="gelu_new")
        export_archive(tmp_path / "plain.tar.gz", tagger=random_tagger(seed=3, shape=shape, labels=labels_of(64)))
        pad_labels(tmp_path / "plain.tar.gz", path)

    native = load_archive(path)
    ours = native.tag(words, verbs)
    scores = native.probabilities(words[:150], verbs[:150])
    reference = AllenNlpTagger(path, threads=1)
    try:
        theirs = reference.tag(words, verbs, batch=64)
        exact = reference.probabilities(words[:150], verbs[:150])
    finally:
        reference.close()

    assert ours == theirs
    if case == "trained":
        assert {tag for row in ours for _, tags in row for tag in tags} >= {"B-ARG0", "I-ARG0", "B-V", "B-ARG1"}
    compared = 0
    for own, row in zip(scores, exact, strict=True):
        for (place, probabilities), (predicate, _, expected) in zip(own, row, strict=True):
            assert place == predicate
            np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
            compared += 1
    assert compared > 50


@needs_allennlp
def test_allennlp_can_be_asked_for_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    export_archive(path, tagger=random_tagger(seed=1))
    labeller = load_labeller(f"allennlp:{path}")
    assert labeller.name == "allennlp:model.tar.gz"
    captions = ["a dog is running on the grass", ""]
    words = [split_words(caption) for caption in captions]
    assert labeller.label(captions, words) == load_labeller(str(path)).label(captions, words)


def test_a_missing_environment_says_how_to_build_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.tar.gz"
    export_archive(path, tagger=random_tagger(seed=1))
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "python"))
    with pytest.raises(ModelError, match="make allennlp"):
        AllenNlpTagger(path)
