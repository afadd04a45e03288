"""From tags to roles: Table 1 of the paper, cleaning, slots and lemmas, on captions whose tags are written out by hand."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2dsplus.records import ParsedCaption, Slot
from a2dsplus.roles import Tagging, build_caption, caption_roles, split_words
from a2dsplus.roles.lemmas import lemma_of, lemmatise
from a2dsplus.roles.slots import slot_of


def parsed(*bracketed: str) -> ParsedCaption:
    """Return the caption of "[ARG0 A dog] [V runs]", one string a predicate, with those tags."""
    plain = [re.sub(r"\[\S+ ([^]]*)\]", r"\1", text) for text in bracketed]
    assert len(set(plain)) == 1, plain
    words = split_words(plain[0])
    predictions = []
    for text in bracketed:
        tags = ["O"] * len(words)
        shift = 0  # how far the brackets have pushed the text
        verb = None
        for match in re.finditer(r"\[(\S+) ([^]]*)\]", text):
            label, span = match.groups()
            start = match.start() - shift
            shift += len(match.group()) - len(span)
            places = [i for i, word in enumerate(words) if start <= word.start and word.end <= start + len(span)]
            for i in places:
                tags[i] = ("B-" if i == places[0] else "I-") + label
            if label == "V":
                verb = places[0]
        assert verb is not None
        predictions.append(Tagging(predicate_index=verb, tags=tuple(tags)))
    return build_caption(plain[0], words, predictions)


def told(caption: ParsedCaption) -> list[tuple[str, str]]:
    """Return (slot, lemma) of each role of the caption."""
    return [(role.slot.value, role.lemma) for role in caption_roles(caption)]


def test_table_1_of_the_paper() -> None:
    caption = parsed(
        "A boy [V is] skiing on the snow and suddenly falling to the ground.",
        "[ARG0 A boy] is [V skiing] [ARGM-LOC on the snow] and suddenly falling to the ground.",
        "[ARG0 A boy] is skiing on the snow and [ARGM-TMP suddenly] [V falling] [ARG2 to the ground].",
    )
    assert [frame.verb for frame in caption.frames] == ["skiing", "falling"]
    roles = caption_roles(caption)
    assert [(role.phrase, role.role) for role in roles] == [
        ("boy", "ARG0"),
        ("skiing", "V"),
        ("on snow", "ARGM-LOC"),
        ("suddenly", "ARGM-TMP"),
        ("falling", "V"),
        ("to ground", "ARG2"),
    ]
    assert [role.lemma for role in roles] == ["boy", "ski", "on snow", "suddenly", "fall", "to ground"]
    assert [role.slot.value for role in roles] == ["who", "verb", "where", "when", "verb", "where"]


CASES = [
    (["[ARG1 the white ball] is [V rolling] [ARG2 on the floor]"], "who white ball, verb roll, where on floor"),
    (["[ARG0 the white ball] is [V rolling] [ARGM-LOC on the floor]"], "who white ball, verb roll, where on floor"),
    (["[ARG1 the white ball] is [V rolling] [ARG1 on the floor]"], "who white ball, verb roll, where on floor"),
    (["[ARG1 a man] [V is] [ARG2 on the left]"], "who man, verb be, where on left"),
    (["[ARG2 on the left] [V is] [ARG1 a man]"], "where on left, verb be, who man"),
    (
        ["[ARG1 The man] who [V is] [ARG2 on the left] jumps", "[ARG0 The man who is on the left] [V jumps]"],
        "who man on left, verb jump",
    ),
    (["[ARG0 A dog] [V is] running", "[ARG0 A dog] is [V running]"], "who dog, verb run"),
    (["[ARG1 ball] [V thrown] [ARG0 by a man]"], "what ball, verb throw, who man"),
    (["[ARG1 ball] [V thrown] [ARGM-DIR to the right]"], "who ball, verb throw, where to right"),
    (["[ARG0 woman] [V clapping] [ARG1 her hands]"], "who woman, verb clap, what hand"),
    (["[ARG0 girl] [V kissing] [ARG1 her]"], "who girl, verb kiss, what her"),
    (
        ["[ARG0 player] [V passing] [ARG1 the ball] [ARGM-LOC on left] and [ARGM-LOC on the left]"],
        "who player, verb pass, what ball, where on left",
    ),
    (
        ["[ARG0 a man] [V standing] [ARGM-LOC in the back] clapping", "[ARG0 a man] standing in the back [V clapping]"],
        "who man, verb stand, where in back, verb clap",
    ),
    (["[ARG0 men in red t-shirts] [V running] [ARGM-MNR in slow motion]"], "who man in red t shirt, verb run, other in slow motion"),
    (["[ARG1 dog] [V dressed] [ARG2 in red]"], "who dog, verb dress, what in red"),
    (["[ARG0 cat] [R-ARG0 that] [ARGM-MOD can] [V jump] [ARGM-DIR up and down]"], "who cat, verb jump, where up and down"),
    (["[ARG0 dog] [V playing] [ARG1 with the ball] [ARGM-TMP on the right]"], "who dog, verb play, what with ball, where on right"),
    (["[ARG0 boys] [V trying] [ARG1 to catch the ball]"], "who boy, verb try, what to catch ball"),
    (["[ARG0 man] [V throwing] [ARG1 a ball] [ARG2 to another man]"], "who man, verb throw, what ball, where to another man"),
    (["[ARG0 man] [V giving] [ARG1 food] [ARG2 to a dog]"], "who man, verb give, what food, what to dog"),
    (["[ARG0 dog] [V walking] [ARGM-LOC at the end]"], "who dog, verb walk, when at end"),
    (["[ARG0 dog] [V walking] [ARGM-LOC at the end of the road]"], "who dog, verb walk, where at end of road"),
]  # fmt: skip


@pytest.mark.parametrize(("bracketed", "expected"), CASES)
def test_slots_and_lemmas(bracketed: list[str], expected: str) -> None:
    assert ", ".join(f"{slot} {lemma}" for slot, lemma in told(parsed(*bracketed))) == expected


def test_a_caption_without_a_frame_keeps_its_noun_phrase() -> None:
    text = " The small red car, on the left. "
    caption = build_caption(text, split_words(text), [])
    assert [frame.verb for frame in caption.frames] == [None]
    (role,) = caption.frames[0].roles
    assert (role.role, role.slot, role.text) == ("NP", Slot.WHO, "The small red car, on the left")
    assert (role.phrase, role.lemma) == ("small red car on left", "small red car on left")


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "!!! ...", "\U0001f600\U0001f600", "\x00\x07", "and"])
def test_a_caption_that_names_nothing_has_no_frame(text: str) -> None:
    assert build_caption(text, split_words(text), []).frames == ()


def test_a_verb_alone_is_a_frame_only_where_nothing_else_is_said() -> None:
    alone = Tagging(predicate_index=0, tags=("B-V",))
    assert [f.verb for f in build_caption("jumping", split_words("jumping"), [alone]).frames] == ["jumping"]
    modifier = Tagging(predicate_index=0, tags=("B-V", "O"))
    assert [f.verb for f in build_caption("spotted cat", split_words("spotted cat"), [modifier]).frames] == [None]


def test_the_predicate_is_the_verb_whatever_the_model_says() -> None:
    words = split_words("a dog runs")
    for tags in (("O", "O", "O"), ("B-V", "I-V", "O"), ("B-ARG0", "I-ARG0", "I-ARG0"), ("I-ARG1", "B-V", "O")):
        frames = build_caption("a dog runs", words, [Tagging(predicate_index=2, tags=tags)]).frames
        verbs = [role for frame in frames for role in frame.roles if role.slot is Slot.VERB]
        assert all(role.text == "runs" for role in verbs)


@pytest.mark.parametrize(
    ("word", "pos", "lemma"),
    [
        ("skiing", "VERB", "ski"),
        ("lying", "VERB", "lie"),
        ("sitting", "VERB", "sit"),
        ("fell", "VERB", "fall"),
        ("is", "VERB", "be"),
        ("runing", "VERB", "run"),
        ("eatting", "VERB", "eat"),
        ("walkng", "VERB", "walk"),
        ("siting", "VERB", "sit"),
        ("hiding", "VERB", "hide"),
        ("oxen", "NOUN", "ox"),
        ("men", "NOUN", "man"),
        ("puppies", "NOUN", "puppy"),
        ("geese", "NOUN", "goose"),
        ("left", "NOUN", "left"),
        ("shorts", "NOUN", "shorts"),
        ("grass", "NOUN", "grass"),
        ("bus", "NOUN", "bus"),
        ("tshirts", "NOUN", "tshirt"),
        ("biggest", "NOUN", "big"),
        ("7", "NOUN", "7"),
        ("狗", "NOUN", "狗"),
    ],
)
def test_lemmas(word: str, pos: str, lemma: str) -> None:
    assert lemma_of(word, pos=pos) == lemma


def test_lemmas_go_by_the_phrase() -> None:
    assert lemmatise(["Striped", "cats", "wearing", "hats"]) == ("striped", "cat", "wear", "hat")
    assert lemmatise(["trees", "covered", "with", "leaves"]) == ("tree", "cover", "with", "leaf")
    assert lemmatise(["man", "has", "a", "red", "hat"]) == ("man", "have", "a", "red", "hat")
    assert lemmatise(["near", "the", "buildings"]) == ("near", "the", "building")
    assert lemmatise(["jumps"], verb_at=0) == ("jump",)


@given(st.sampled_from(["ARG0", "ARG1", "ARG4", "C-ARG1", "ARGM-LOC", "ARGM-MNR", "ARGM-TMP", "ARGM-PRP", "ARGM-XYZ"]))
def test_position_is_where_under_any_label(label: str) -> None:
    for words in (["on", "the", "left"], ["in", "the", "middle"], ["in", "the", "far", "back"], ["up", "and", "down"]):
        assert slot_of(label, words, verb="run", subject=False) is Slot.WHERE


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_words_lie_in_the_caption_verbatim_and_in_order(text: str) -> None:
    end = 0
    for word in split_words(text):
        assert word.start >= end
        assert text[word.start : word.end] == word.text
        assert word.text.strip()
        end = word.end
    assert "".join(word.text for word in split_words(text)) == "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["dog", "the", "is", "running", "on", "!", "😀", "by", "her", "that"]), max_size=8),
    st.data(),
)
def test_roles_are_verbatim_whatever_the_tags(words: list[str], data: st.DataObject) -> None:
    text = "  ".join(words)
    cut = split_words(text)
    tag = st.sampled_from(["O", "B-V", "I-V", "B-ARG0", "I-ARG0", "I-ARG1", "B-ARGM-LOC", "B-R-ARG0", "I-C-ARG1"])
    verbs = data.draw(st.sets(st.integers(0, len(cut) - 1))) if cut else set()
    predictions = [Tagging(predicate_index=verb, tags=tuple(data.draw(tag) for _ in cut)) for verb in sorted(verbs)]
    caption = build_caption(text, cut, predictions)
    assert caption.text == text
    for frame in caption.frames:
        assert frame.roles
        for role in frame.roles:
            assert text[role.start : role.end] == role.text
            assert role.phrase
            assert role.lemma == role.lemma.lower()
            assert set(role.phrase.split()) <= {word.text for word in cut}
    merged = caption_roles(caption)
    assert len({(role.slot, role.lemma) for role in merged}) == len(merged)
