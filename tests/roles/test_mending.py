"""What role models get wrong, as tags over words, and what is made of it."""

import pytest

from a2dsplus.roles.mending import Tagging, mended
from a2dsplus.roles.tokens import split_words


def _mended(caption: str, *predicted: str) -> list[dict[str, str]]:
    """Return {label: words} of each predicate; a prediction is a label a word ("ARG1 ARG1 V"), "-" for none, "+" going on with the last."""
    words = split_words(caption)
    taggings = []
    for line in predicted:
        tags: list[str] = []
        for label in line.split():
            tags.append("O" if label == "-" else f"I-{tags[-1][2:]}" if label == "+" else f"B-{label}")
        assert len(tags) == len(words)
        taggings.append(Tagging(predicate_index=tags.index("B-V"), tags=tuple(tags)))
    found = []
    for tagging in mended(words, taggings):
        assert tagging.tags[tagging.predicate_index] == "B-V"
        told: dict[str, str] = {}
        for word, tag in zip(words, tagging.tags, strict=True):
            if tag != "O":
                told[tag[2:]] = f"{told.get(tag[2:], '')} {word.plain}".strip()
        found.append(told)
    return found


@pytest.mark.parametrize(
    ("caption", "predicted"),
    [
        ("a brick built house", "- ARG2 V ARG1"),
        ("a long haired girl", "- ARGM-MNR V ARG1"),
        ("a small seal", "ARG0 + V"),
        ("the cat like animal", "ARG0 + V ARG1"),
    ],
)
def test_a_participle_or_a_noun_within_a_noun_phrase_is_no_verb(caption: str, predicted: str) -> None:
    assert _mended(caption, predicted) == []


@pytest.mark.parametrize(
    ("caption", "predicted"),
    [
        ("a house built by men", "ARG1 + V ARG0 +"),
        ("a house is built of brick", "ARG1 + - V ARG2 +"),
        ("birds that fly", "ARG0 R-ARG0 V"),
        ("the girls duck", "ARG0 + V"),
    ],
)
def test_the_same_words_as_verbs_stay(caption: str, predicted: str) -> None:
    (found,) = _mended(caption, predicted)
    (given,) = _mended(caption.replace("built", "put").replace("fly", "sit").replace("duck", "sit"), predicted)
    assert found.keys() == given.keys() and found["V"] in caption


def test_of_two_noun_phrases_the_first_is_held_and_the_second_holds() -> None:
    (found,) = _mended("the hat the boy is wearing", "ARG0 + + + - V")
    assert found == {"ARG1": "the hat", "ARG0": "the boy", "V": "wearing"}
    (kept,) = _mended("the boy is wearing the hat", "ARG0 + - V ARG1 +")
    assert kept == {"ARG0": "the boy", "V": "wearing", "ARG1": "the hat"}


def test_who_feeds_is_named_by_a_noun_phrase_and_how_by_a_bare_noun() -> None:
    (found,) = _mended("a goat fed by a hand", "ARG1 + V ARGM-MNR + +")
    assert found["ARG0"] == "by a hand" and "ARGM-MNR" not in found
    (kept,) = _mended("a goat fed by hand", "ARG1 + V ARGM-MNR +")
    assert kept["ARGM-MNR"] == "by hand" and "ARG0" not in kept


def test_participles_in_a_list_are_verbs_of_their_own() -> None:
    found = _mended("a dog running jumping and rolling", "ARG0 + V ARG1 - -")
    assert found == [{"ARG0": "a dog", "V": "running"}, {"ARG0": "a dog", "V": "jumping"}]
    kept = _mended("a dog starts jumping", "ARG0 + V ARG1")
    assert kept == [{"ARG0": "a dog", "V": "starts", "ARG1": "jumping"}]


@pytest.mark.parametrize(
    ("caption", "predicted", "denial"),
    [
        ("a cat that is no longer running", "ARG0 + R-ARG0 - ARGM-TMP + V", "no longer"),
        ("a cat neither sits nor runs", "ARG0 + - - - V", "nor"),
    ],
)
def test_a_denial_reaches_every_verb(caption: str, predicted: str, denial: str) -> None:
    (found,) = _mended(caption, predicted)
    assert found["ARGM-NEG"] == denial and "ARGM-TMP" not in found


def test_an_article_alone_has_its_noun_beside_it() -> None:
    (found,) = _mended("the thing is flying", "ARG1 - - V")
    assert found["ARG1"] == "the thing"
    (kept,) = _mended("the is flying", "ARG1 - V")
    assert kept["ARG1"] == "the"


def test_a_relative_clause_is_told_of_the_object_before_it() -> None:
    first, second = _mended("a man holding a dog that is sleeping", "ARG0 + V ARG1 + + + +", "ARG0 + + + + R-ARG0 - V")
    assert (first["ARG0"], first["ARG1"]) == ("a man", "a dog")
    assert second["ARG0"] == "a dog"
    worn, running = _mended("a man wearing a hat who is running", "ARG0 + V ARG1 + - - -", "ARG0 + + + + R-ARG0 - V")
    assert worn["ARG1"] == "a hat" and running["ARG0"] == "a man wearing a hat"


def test_a_noun_that_no_dictionary_has_as_a_verb_is_none() -> None:
    assert _mended("a dog walker", "ARG0 + V") == []
