"""The SRL-BERT network: word pieces, encoder, Viterbi and tagger."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from a2dsplus.errors import InputError, ModelError
from a2dsplus.roles.srl.bert import BertEncoder, BertShape
from a2dsplus.roles.srl.srl_bert import CORE_ROLES, Decoding, SrlBert, SrlTagger
from a2dsplus.roles.srl.viterbi import ALLENNLP_START, BioViterbi
from a2dsplus.roles.srl.wordpieces import WordPieces

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "dog",
    "run",
    "##s",
    "##ning",
    "on",
    "grass",
    "the",
    "un",
    "##aff",
    "##able",
    "-",
]
SMALL = BertShape(
    vocab_size=len(PIECES),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=24,
)
LABELS = ["O", *(f"{mark}-{role}" for role in ("V", "ARG0", "ARG1", "ARGM-LOC") for mark in "BI")]


def tagger(
    seed: int = 0, *, decoding: Decoding = Decoding.ALLENNLP, spread: float = 0.6, head: bool = True
) -> SrlTagger:
    """A tagger with random weights; `spread` makes its probabilities uneven."""
    torch.manual_seed(seed)
    model = SrlBert(SMALL, labels=len(LABELS), predicate_head=head)
    torch.nn.init.normal_(model.tag_projection_layer.weight, std=spread)
    return SrlTagger(model, labels=LABELS, pieces=WordPieces(PIECES, lower=True), decoding=decoding)


# Word pieces


def test_words_become_pieces_by_greedy_longest_match() -> None:
    pieces = WordPieces(PIECES, lower=True)
    encoded = pieces.encode(["A", "unaffable", "dog", "runs", "xyz"])
    assert [PIECES[i] for i in encoded.ids] == [
        "[CLS]",
        "a",
        "un",
        "##aff",
        "##able",
        "dog",
        "run",
        "##s",
        "[UNK]",
        "[SEP]",
    ]
    assert encoded.starts == (1, 2, 5, 6, 8)
    assert encoded.ends == (2, 5, 6, 8, 9)


def test_a_word_of_white_space_has_no_pieces_and_an_overlong_one_is_unknown() -> None:
    encoded = WordPieces(PIECES, lower=True).encode([" \n", "dog", "a" * 101])
    assert [PIECES[i] for i in encoded.ids] == ["[CLS]", "dog", "[UNK]", "[SEP]"]
    assert (encoded.starts, encoded.ends) == ((1, 1, 2), (1, 2, 3))


def test_case_is_kept_where_the_model_is_cased() -> None:
    assert [PIECES[i] for i in WordPieces(PIECES, lower=False).encode(["Dog"]).ids] == ["[CLS]", "[UNK]", "[SEP]"]


@given(st.text(alphabet="adogrunsigthe-f", max_size=12).filter(lambda word: word.strip()))
@settings(max_examples=150, deadline=None)
def test_pieces_are_those_of_greedy_longest_match(word: str) -> None:
    """The rule as Devlin et al. (2019) state it, written out."""
    expected: list[str] = []
    rest = word
    while rest:
        mark = "##" if expected else ""
        fitting = [rest[:end] for end in range(len(rest), 0, -1) if mark + rest[:end] in PIECES]
        if not fitting:
            expected = ["[UNK]"]
            break
        expected.append(mark + fitting[0])
        rest = rest[len(fitting[0]) :]
    assert [PIECES[row] for row in WordPieces(PIECES, lower=True).encode([word]).ids[1:-1]] == expected


def test_a_vocabulary_without_its_special_pieces_is_refused() -> None:
    with pytest.raises(ModelError, match=r"lacks \[UNK\], \[SEP\]"):
        WordPieces(["[PAD]", "[CLS]", "dog"], lower=True)


# Encoder


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_hidden_states_are_those_of_transformers(activation: str) -> None:
    from transformers import BertConfig, BertModel

    shape = {
        "vocab_size": 90,
        "hidden_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "intermediate_size": 40,
    }
    torch.manual_seed(1)
    theirs = BertModel(BertConfig(**shape, hidden_act=activation), add_pooling_layer=False).eval()
    ours = BertEncoder(BertShape.of(shape | {"hidden_act": activation})).eval()
    ours.load_state_dict(theirs.state_dict())
    ids, types = torch.randint(0, 90, (3, 9)), torch.randint(0, 2, (3, 9))
    mask = torch.arange(9) < torch.tensor([9, 4, 7])[:, None]
    with torch.no_grad():
        expected = theirs(input_ids=ids, token_type_ids=types, attention_mask=mask.long()).last_hidden_state
        torch.testing.assert_close(ours(ids, types, mask)[mask], expected[mask], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"hidden_size": 100, "num_attention_heads": 12}, "not a multiple"),
        ({"hidden_act": "tanhish"}, "hidden_act"),
        ({"type_vocab_size": 1}, "token type 1 marks the predicate"),
        ({"position_embedding_type": "relative_key"}, "absolute"),
        ({"hidden_size": "768"}, "hidden_size is '768'"),
        ({"num_hidden_layers": 0}, "at least 1"),
    ],
)
def test_a_shape_that_cannot_be_run_is_refused(config: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        BertShape.of(config)


# Viterbi


def naive_allennlp(scores: torch.Tensor, labels: list[str]) -> list[int]:
    """AllenNLP's recursion for one sequence over the full table of transitions, start and end tags among the states."""
    count = len(labels)
    start, end = count, count + 1
    transition = torch.zeros(count + 2, count + 2)
    for i, j in itertools.product(range(count), range(count)):
        if labels[j][0] == "I" and labels[i] not in (labels[j], "B" + labels[j][1:]):
            transition[i, j] = -torch.inf
    for j in range(count):
        transition[start, j] = -torch.inf if labels[j][0] == "I" else 0.0
    transition[start, start:] = -torch.inf
    transition[end, :] = -torch.inf
    transition[:, start] = -torch.inf
    path = torch.zeros(count + 2)
    path[start] = ALLENNLP_START
    back = []
    for row in scores:
        best = torch.topk(path[:, None] + transition, k=1, dim=0)
        path = torch.cat([row, torch.full((2,), -torch.inf)]) + best.values[0]
        back.append(best.indices[0])
    tags = [int(torch.topk(path[:, None] + transition, k=1, dim=0).indices[0, end])]
    for pointers in reversed(back[1:]):
        tags.append(int(pointers[tags[-1]]))
    return tags[::-1]


@pytest.mark.parametrize("roles", [2, 12, 40])
def test_tags_are_allennlps_ties_included(roles: int) -> None:
    labels = ["O", *(f"{mark}-R{role}" for role in range(roles) for mark in "BI")]
    viterbi = BioViterbi(labels)
    generator = torch.Generator().manual_seed(roles)
    for spread in (0.05, 1.0, 6.0):
        lengths = torch.randint(1, 9, (12,), generator=generator)
        drawn = torch.randn(12, int(lengths.max()), len(labels), generator=generator)
        probabilities = torch.softmax(drawn * spread, dim=-1)
        found = viterbi.decode(probabilities, lengths, start=ALLENNLP_START)
        for row, length in enumerate(lengths):
            assert found[row, :length].tolist() == naive_allennlp(probabilities[row, :length], labels)
            assert not found[row, length:].any()


def test_the_most_probable_valid_sequence_wins() -> None:
    labels = ["O", "B-V", "I-V", "B-A", "I-A"]
    viterbi = BioViterbi(labels)
    scores = torch.log_softmax(torch.randn(6, 5, 5, generator=torch.Generator().manual_seed(3)) * 2, dim=-1)
    found = viterbi.decode(scores, torch.full((6,), 5))
    for row in range(6):
        best = max(
            (seq for seq in itertools.product(range(5), repeat=5) if valid([labels[i] for i in seq])),
            key=lambda seq: sum(float(scores[row, step, tag]) for step, tag in enumerate(seq)),
        )
        assert found[row].tolist() == list(best)


def valid(tags: list[str]) -> bool:
    return all(tag[0] != "I" or before[1:] == tag[1:] for before, tag in itertools.pairwise(["O", *tags]))


# Tagger

SENTENCES = [
    ["a", "dog", "runs", "on", "the", "grass"],
    ["dog"],
    ["the", "unaffable", "dog", "running"],
    [],
    ["a", "dog", "runs", "on", "the", "grass"],
    ["grass", "xyz", "dog", "on", "a", "a", "the", "running", "dog"],
]
PREDICATES = [[2, 1], [0], [3], [], [2], [7]]


@pytest.mark.parametrize("decoding", list(Decoding))
def test_batch_size_and_order_do_not_matter(decoding: Decoding) -> None:
    subject = tagger(decoding=decoding)
    expected = subject.tag(SENTENCES, PREDICATES)
    alone = [subject.tag([words], [chosen])[0] for words, chosen in zip(SENTENCES, PREDICATES, strict=True)]
    assert alone == expected
    subject.batch_pieces = 1
    assert subject.tag(SENTENCES, PREDICATES) == expected
    assert subject.tag(SENTENCES[::-1], PREDICATES[::-1]) == expected[::-1]


@pytest.mark.parametrize("seed", range(4))
def test_allennlps_tags_are_labels_one_a_word(seed: int) -> None:
    for words, frames in zip(SENTENCES, tagger(seed).tag(SENTENCES, PREDICATES), strict=True):
        for _, tags in frames:
            assert len(tags) == len(words)
            assert set(tags) <= set(LABELS)


def test_strict_decoding_marks_the_verb_and_repeats_no_numbered_role() -> None:
    repeated = invalid = 0  # how often the constraints have work to do
    for seed in range(6):
        loose = tagger(seed, spread=1.5).tag(SENTENCES, PREDICATES)
        for _, tags in itertools.chain.from_iterable(loose):
            repeated += any(tags.count(f"B-{role}") > 1 for role in CORE_ROLES)
            invalid += not valid(tags)
        strict = tagger(seed, decoding=Decoding.STRICT, spread=1.5).tag(SENTENCES, PREDICATES)
        for predicate, tags in itertools.chain.from_iterable(strict):
            assert valid(tags)
            assert [index for index, tag in enumerate(tags) if tag == "B-V"] == [predicate]
            assert all(tags.count(f"B-{role}") <= 1 for role in CORE_ROLES)
    assert repeated
    assert invalid


def test_probabilities_are_a_distribution_over_labels_for_each_piece() -> None:
    subject = tagger()
    ((predicate, values),) = subject.probabilities([["the", "unaffable", "dog"]], [[2]])[0]
    assert (predicate, values.shape, values.dtype) == (2, (7, len(LABELS)), np.float32)
    np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)


def test_the_marked_word_changes_the_tags() -> None:
    first, second = tagger(decoding=Decoding.STRICT).probabilities([SENTENCES[0]], [[1, 2]])[0]
    assert np.abs(first[1] - second[1]).max() > 1e-3


def test_own_predicates_are_used_where_none_are_given() -> None:
    subject = tagger(decoding=Decoding.STRICT)
    found = subject.find_predicates(SENTENCES)
    assert [[predicate for predicate, _ in frames] for frames in subject.tag(SENTENCES)] == found
    assert any(found)


def test_a_network_without_a_predicate_head_says_so() -> None:
    subject = tagger(head=False)
    assert not subject.finds_predicates
    with pytest.raises(ModelError, match="no predicate head"):
        subject.tag(SENTENCES)


def test_faulty_calls_are_refused() -> None:
    subject = tagger()
    with pytest.raises(InputError, match="predicate 1 is none of its 1 words"):
        subject.tag([["dog"]], [[1]])
    with pytest.raises(InputError, match="1 lists of predicates for 2 sentences"):
        subject.tag([["dog"], ["a"]], [[0]])
    long = ["dog"] * 23
    assert not subject.fits(long)
    assert subject.fits(long[:22])
    with pytest.raises(InputError, match="25 word pieces; the model reads at most 24"):
        subject.tag([long], [[0]])


def test_labels_and_pieces_of_another_model_are_refused() -> None:
    model = SrlBert(SMALL, labels=len(LABELS))
    pieces = WordPieces(PIECES, lower=True)
    with pytest.raises(ModelError, match="3 labels for a network with 9 outputs"):
        SrlTagger(model, labels=["O", "B-V", "I-V"], pieces=pieces)
    with pytest.raises(ModelError, match="no B-V"):
        SrlTagger(model, labels=[f"X{i}" for i in range(9)], pieces=pieces)
    with pytest.raises(ModelError, match="17 word pieces for an encoder with 16"):
        SrlTagger(model, labels=LABELS, pieces=WordPieces([*PIECES, "extra"], lower=True))
