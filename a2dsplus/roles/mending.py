"""What role models get wrong in captions, put right before roles are read: kinds of fault seen in several models and datasets.

- a noun with another noun phrase behind it, as in "the dog the man is holding": the first is what is held, the second who holds;
- a participle inside a noun phrase, as in "a stone built wall", and a noun that looks like a verb, as in "a baby seal", are no verbs;
- participles in a list without a comma, as in "running jumping and rolling", are verbs of their own;
- "fed by a hand" names who feeds; "by hand" tells how;
- of two nouns before "that is standing" the object of an earlier verb stands;
- "no longer running" and "neither walking nor running" deny every verb;
- a role that is an article alone, as in "the thing is flying", has its noun beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from a2dsplus.roles.lemmas import has_verb
from a2dsplus.roles.lexicon import ARTICLES, BE, DETERMINERS, GERUND_NOUNS, INFINITIVE_VERBS, PREPOSITIONS, RELATIVES
from a2dsplus.roles.tokens import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """What a model says of one predicate: its word, and a BIO tag a word of the caption."""

    predicate_index: int
    tags: tuple[str, ...]


_PARTICIPLES = frozenset(
    [
        "built",
        "made",
        "drawn",
        "driven",
        "shaped",
        "colored",
        "coloured",
        "haired",
        "sized",
        "filled",
        "powered",
        "lined",
        "legged",
        "eyed",
        "patterned",
        "printed",
        "trimmed",
        "toned",
        "faced",
        "tailed",
        "winged",
        "handed",
        "roofed",
        "tiled",
        "paved",
    ]
)
# nouns that are verbs as well; as the last word of a noun phrase they are the noun
_NOUNS = frozenset(
    [
        "seal",
        "sink",
        "basin",
        "duck",
        "fly",
        "bear",
        "ring",
        "bat",
        "fish",
        "train",
        "fox",
        "cub",
        "bull",
        "ram",
        "dispenser",
        "diver",
        "body",
        "car",
        "cap",
        "slide",
        "bow",
        "bug",
        "cart",
        "toy",
        "cage",
        "house",
    ]
)
_AFTER_VERBS = frozenset(
    [
        "start",
        "starts",
        "started",
        "stop",
        "stops",
        "stopped",
        "keep",
        "keeps",
        "kept",
        "begin",
        "begins",
        "began",
        "enjoy",
        "enjoys",
        "go",
        "goes",
        "going",
        "do",
        "does",
        "doing",
        "try",
        "tries",
        "trying",
        "continue",
        "continues",
        "practice",
        "practicing",
        "practising",
        "finish",
        "starting",
        "stopping",
        "keeping",
        "beginning",
        "enjoying",
        "like",
        "likes",
        "love",
        "loves",
        "show",
        "showing",
        "perform",
        "performing",
        "play",
        "playing",
    ]
)
_AUXILIARIES = BE | frozenset(
    [
        "has",
        "have",
        "had",
        "can",
        "could",
        "will",
        "would",
        "may",
        "might",
        "must",
        "should",
        "is're",
        "do",
        "does",
        "did",
        "not",
        "n't",
    ]
)
_WORN = frozenset(["wearing", "wears", "worn", "has", "having"])
_BEFORE_NOUN = ARTICLES | frozenset(["his", "her", "their", "its", "my", "your", "our"])
_JOINS = frozenset(["and", "or", "but", ",", ";", ".", "-", "with", "while"])


def mended(words: Sequence[Word], predictions: Sequence[Tagging]) -> list[Tagging]:
    """Return the predictions of a caption without those faults, in the order of their predicates."""
    lowered = [word.plain.lower() for word in words]
    kept = [prediction for prediction in predictions if not _is_no_verb(lowered, prediction.predicate_index)]
    relatives = {place for place in (_relative_before(lowered, told) for told in kept) if place is not None}
    found: list[Tagging] = []
    for prediction in kept:
        nearest = _without_clauses(_with_nearest(lowered, prediction, kept), relatives)
        told = _with_denial(lowered, _with_noun(lowered, _with_agent(lowered, _with_relative(lowered, nearest))))
        told, listed = _without_listed(lowered, told, {other.predicate_index for other in kept})
        found += [told, *listed]
    return sorted(found, key=lambda prediction: prediction.predicate_index)


def _is_no_verb(words: Sequence[str], place: int) -> bool:
    word = words[place]
    if word.endswith("er") and place and not has_verb(word):
        # "dog walker"
        return True
    before = words[place - 1] if place else ""
    after = words[place + 1] if place + 1 < len(words) else ""
    if not before.isalpha() or before in PREPOSITIONS or before in RELATIVES or before in _AUXILIARIES:
        return False
    is_open = before not in DETERMINERS and before not in _JOINS
    if word in _PARTICIPLES and is_open:
        # "a stone built wall", but not "a wall built by men"
        return after.isalpha() and after not in PREPOSITIONS and after not in DETERMINERS and after not in _JOINS
    if word == "like":
        return is_open and before not in ("they", "we", "you", "i", "people", "to") and not before.endswith("s")
    if word in _NOUNS:
        plural = before.endswith("s") and not before.endswith("ss")
        return not plural and before not in ("to", "they", "we", "you", "i", "people", "who", "that", "and", "can")
    return False


def _with_relative(words: Sequence[str], prediction: Tagging) -> Tagging:
    """Return "the dog the man is holding" with the man as agent; other predictions as they are."""
    verb = prediction.predicate_index
    if any(tag.endswith(("-ARG1", "-ARG2")) for tag in prediction.tags[verb + 1 :]):
        return prediction
    end = verb
    while end and words[end - 1] in _AUXILIARIES:
        end -= 1
    start = next((place for place in range(end - 1, 0, -1) if words[place] in _BEFORE_NOUN), 0)
    inner = words[start + 1 : end]
    before = words[start - 1] if start else ""
    plain = [word.isalpha() and word not in PREPOSITIONS and word not in RELATIVES for word in (before, *inner)]
    if not start or not inner or not all(plain) or {before, *inner} & (_JOINS | DETERMINERS | _AUXILIARIES):
        return prediction
    if before.endswith("ing") and before not in GERUND_NOUNS:
        return prediction
    first = start - 1
    while first and prediction.tags[first].startswith("I-"):
        first -= 1
    label = prediction.tags[first].partition("-")[2]
    if (
        label not in ("ARG0", "ARG1")
        or "B-ARG0" in prediction.tags[start:end]
        or "B-ARG1" in prediction.tags[start:end]
    ):
        return prediction
    tags = list(prediction.tags)
    tags[first:start] = ["B-ARG1", *["I-ARG1"] * (start - first - 1)]
    tags[start:end] = ["B-ARG0", *["I-ARG0"] * (end - start - 1)]
    return Tagging(predicate_index=verb, tags=tuple(tags))


def _with_agent(words: Sequence[str], prediction: Tagging) -> Tagging:
    """Return "fed by a hand" with the hand as agent."""
    tags = list(prediction.tags)
    if any(tag.endswith("-ARG0") for tag in tags) or words[prediction.predicate_index].endswith("ing"):
        return prediction
    for place, tag in enumerate(tags[:-1]):
        if tag == "B-ARGM-MNR" and words[place] == "by" and words[place + 1] in DETERMINERS:
            end = place + 1
            while end < len(tags) and tags[end] == "I-ARGM-MNR":
                end += 1
            tags[place:end] = ["B-ARG0", *["I-ARG0"] * (end - place - 1)]
            return Tagging(predicate_index=prediction.predicate_index, tags=tuple(tags))
    return prediction


def _relative_before(words: Sequence[str], prediction: Tagging) -> int | None:
    """Return the place of the relative pronoun right before a verb other than "be", its auxiliaries and its denial, or None."""
    start = prediction.predicate_index
    if words[start] in _AUXILIARIES:
        return None
    while start and (words[start - 1] in _AUXILIARIES or prediction.tags[start - 1] == "B-ARGM-NEG"):
        start -= 1
    return start - 1 if start > 1 and words[start - 1] in RELATIVES else None


def _without_clauses(prediction: Tagging, relatives: set[int]) -> Tagging:
    """Return a prediction whose noun phrases end before a relative clause that has a frame of its own."""
    tags = list(prediction.tags)
    for place in relatives:
        label = tags[place][2:]
        if tags[place].startswith("I-") and label in ("ARG0", "ARG1", "ARG2", "ARGM-COM"):
            while place < len(tags) and tags[place] == f"I-{label}":
                tags[place] = "O"
                place += 1
    return Tagging(predicate_index=prediction.predicate_index, tags=tuple(tags))


def _with_nearest(words: Sequence[str], prediction: Tagging, others: Sequence[Tagging]) -> Tagging:
    """Return "a man holding a dog that is sleeping" with the dog as the one that sleeps: what an earlier verb has for an object."""
    verb = prediction.predicate_index
    relative = _relative_before(words, prediction)
    if relative is None:
        return prediction
    for other in others:
        first = relative - 1
        while first and other.tags[first].startswith("I-"):
            first -= 1
        is_object = other.tags[first] in ("B-ARG1", "B-ARG2", "B-ARGM-COM") and other.predicate_index < first
        if not is_object or words[other.predicate_index] in _WORN or other.predicate_index == verb:
            continue
        if words[first] in PREPOSITIONS:
            first += 1
        if first < relative and not {*words[first:relative]} & PREPOSITIONS:
            kept = ["O" if tag[2:] in ("ARG0", "ARG1", "ARG2") else tag for tag in prediction.tags[:relative]]
            kept[first:] = ["B-ARG0", *["I-ARG0"] * (relative - first - 1)]
            return Tagging(predicate_index=verb, tags=(*kept, *prediction.tags[relative:]))
    return prediction


def _with_denial(words: Sequence[str], prediction: Tagging) -> Tagging:
    """Return a verb behind "no longer" or "nor" as denied."""
    verb = prediction.predicate_index
    tags = list(prediction.tags)
    start = verb
    while start and words[start - 1] in _AUXILIARIES:
        start -= 1
    if words[max(0, start - 2) : start] == ["no", "longer"]:
        tags[start - 2 : start] = ["B-ARGM-NEG", "I-ARGM-NEG"]
    elif start and words[start - 1] == "nor":
        tags[start - 1] = "B-ARGM-NEG"
    return Tagging(predicate_index=verb, tags=tuple(tags))


def _with_noun(words: Sequence[str], prediction: Tagging) -> Tagging:
    """Return a role that is an article alone with the noun behind it."""
    tags = list(prediction.tags)
    for place, tag in enumerate(tags[:-1]):
        noun = words[place + 1]
        is_noun = noun.isalpha() and noun not in {*_AUXILIARIES, *_JOINS, *PREPOSITIONS, *RELATIVES}
        if words[place] in ARTICLES and tag.startswith("B-ARG") and tags[place + 1] == "O" and is_noun:
            tags[place + 1] = f"I-{tag[2:]}"
    return Tagging(predicate_index=prediction.predicate_index, tags=tuple(tags))


def _without_listed(words: Sequence[str], prediction: Tagging, known: set[int]) -> tuple[Tagging, list[Tagging]]:
    """Return a prediction without objects that are verbs of a list, and predictions for those that have none."""
    verb = prediction.predicate_index
    if not words[verb].endswith("ing") or words[verb] in _AFTER_VERBS or words[verb] in INFINITIVE_VERBS:
        return prediction, []
    tags = list(prediction.tags)
    listed = []
    for place in range(verb + 1, len(tags)):
        alone = tags[place] == "B-ARG1" and (place + 1 == len(tags) or tags[place + 1] != "I-ARG1")
        word = words[place]
        if alone and place == verb + 1 and word.endswith("ing") and len(word) > 4 and word not in GERUND_NOUNS:
            tags[place] = "O"
            if place not in known:
                own = ["O" if tag.endswith("-V") or at > verb else tag for at, tag in enumerate(tags)]
                own[place] = "B-V"
                listed.append(Tagging(predicate_index=place, tags=tuple(own)))
    return Tagging(predicate_index=verb, tags=tuple(tags)), listed
