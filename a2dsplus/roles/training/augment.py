"""Sentences of a corpus made to look more like captions: no full stop, participles for finite verbs, caption nouns for pronouns."""

import numpy as np

from a2dsplus.roles.training.corpus import Sentence
from a2dsplus.roles.training.grammar import CaptionGrammar

_PRONOUNS = frozenset({"i", "he", "she", "it", "they", "we", "you", "him", "them", "somebody", "someone"})
_STOPS = frozenset({".", "!", "?"})
_FINITE = frozenset({"VBZ", "VBP", "VBD"})


def caption_like(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """Return the sentence with some of these changes, each by chance; frames keep their roles.

    The final stop is dropped; a pronoun becomes a caption's noun phrase; "is" before a participle is dropped; a finite verb becomes
    its participle, with or without "is". Sentences without part-of-speech tags lose the stop at most.
    """
    if sentence.words[-1:] and sentence.words[-1] in _STOPS and len(sentence.words) > 1 and rng.random() < 0.4:
        sentence = _replaced(sentence, len(sentence.words) - 1, ())
    if not sentence.xpos or len(sentence.words) > 40:
        return sentence
    if rng.random() < 0.2:
        places = [i for i, word in enumerate(sentence.words) if word.lower() in _PRONOUNS and sentence.xpos[i] == "PRP"]
        if places:
            place = places[int(rng.integers(len(places)))]
            sentence = _replaced(sentence, place, tuple(CaptionGrammar(rng).noun_phrase()))
    predicates = {predicate for predicate, _ in sentence.frames}
    for index in range(len(sentence.words) - 1):
        tag, lemma = sentence.xpos[index], sentence.lemmas[index]
        if tag in _FINITE and lemma == "be" and index not in predicates and sentence.xpos[index + 1] == "VBG":
            return _replaced(sentence, index, ()) if rng.random() < 0.3 else sentence
        if tag in _FINITE and lemma not in {"be", "have", "do"} and index in predicates and rng.random() < 0.06:
            from lemminflect import getInflection

            forms = getInflection(lemma, tag="VBG")
            if forms:
                return _replaced(sentence, index, (forms[0],) if rng.random() < 0.5 else ("is", forms[0]))
    return sentence


def _replaced(sentence: Sentence, index: int, words: tuple[str, ...]) -> Sentence:
    """Put `words` in the place of one word. Where the word was a predicate, the last of them is it."""
    more = len(words) - 1
    frames = []
    for predicate, tags in sentence.frames:
        tag = tags[index]
        if predicate == index:
            middle = ("O",) * more + ("B-V",)
        else:
            inside = "O" if tag == "O" else f"I-{tag[2:]}"
            middle = (tag, *(inside,) * more) if words else ()
        after = tags[index + 1 :]
        if not words and tag[:1] == "B" and after[:1] == (f"I-{tag[2:]}",):
            after = (tag, *after[1:])
        moved = predicate + more if predicate >= index else predicate
        frames.append((moved, (*tags[:index], *middle, *after)))
    kept = slice(0, index), slice(index + 1, None)
    return Sentence(
        words=(*sentence.words[kept[0]], *words, *sentence.words[kept[1]]),
        frames=tuple(frames),
        complete=sentence.complete,
        xpos=(*sentence.xpos[kept[0]], *("XX",) * len(words), *sentence.xpos[kept[1]]) if sentence.xpos else (),
        lemmas=(*sentence.lemmas[kept[0]], *words, *sentence.lemmas[kept[1]]) if sentence.lemmas else (),
    )
