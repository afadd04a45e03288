"""The bfloat16 first look: the same tags as single precision alone, and few second looks from a model that knows its trade."""

import pytest
import torch

from a2dsplus.roles import split_words
from a2dsplus.roles.srl.compact import load_compact
from a2dsplus.roles.srl.quick import QuickTagger
from a2dsplus.roles.srl.srl_bert import Decoding
from tests.roles.srl_archives import random_tagger, trained_tagger
from tests.shared_data import SHARED

_WHO = ("a dog", "two small cats", "the man in a red shirt", "ball")
_DID = ("is running", "rolled", "standing and waving", "that jumps")
_WHERE = ("", " on the grass", " on the left of the house", " towards her")


def _captions() -> list[list[str]]:
    captions = [who + " " + did + where for who in _WHO for did in _DID for where in _WHERE]
    file = SHARED / "data" / "a2d_annotation.txt"
    if file.exists():
        captions += [line.split(",", 2)[2] for line in file.read_text(encoding="utf-8").splitlines()[1::33]]
    return [[word.text for word in split_words(caption)] for caption in captions]


@pytest.mark.slow
def test_the_compact_models_tags_are_those_of_single_precision() -> None:
    sentences = _captions()
    exact = load_compact()
    quick = QuickTagger(exact)
    assert quick.tag(sentences) == exact.tag(sentences)
    assert quick.looked_at > 50
    assert quick.looked_again < quick.looked_at / 5


@pytest.mark.parametrize("decoding", list(Decoding))
def test_an_undecided_model_is_looked_at_again(decoding: Decoding) -> None:
    sentences = _captions()[:100]
    predicates = [[len(words) - 1] for words in sentences]
    exact = random_tagger(seed=4)
    exact.decoding = decoding
    quick = QuickTagger(exact)
    assert quick.tag(sentences, predicates) == exact.tag(sentences, predicates)
    assert quick.looked_again > 0


def test_allennlps_decoding_is_kept() -> None:
    sentences = _captions()[:100]
    predicates = [len(words) // 2 for words in sentences]
    exact = trained_tagger(sentences[:60], predicates[:60])
    quick = QuickTagger(exact)
    marked = [[word] for word in predicates]
    assert quick.tag(sentences, marked) == exact.tag(sentences, marked)
    for (one,), (other,) in zip(
        quick.probabilities(sentences[:9], marked[:9]), exact.probabilities(sentences[:9], marked[:9]), strict=True
    ):
        assert torch.equal(torch.from_numpy(one[1]), torch.from_numpy(other[1]))  # single precision, bit for bit
