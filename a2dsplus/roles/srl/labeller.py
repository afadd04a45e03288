"""Choosing a semantic-role model by name and running it over captions that are cut into words."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.roles.mending import Tagging
from a2dsplus.roles.srl.naming import identify
from a2dsplus.roles.tokens import Word

_WINDOW = 128  # words of a window of a caption that no model reads whole


class Predicates(StrEnum):
    """Where the predicates come from."""

    MODEL = "model"
    """The SRL model's own predicate head; the compact model's where the archive has none."""
    SPACY = "spacy"
    """The verbs and auxiliaries that an installed spaCy pipeline tags, as AllenNLP's predictor takes them."""


class Tagger(Protocol):
    """What runs an SRL model: `a2dsplus.roles.srl.srl_bert.SrlTagger`, or AllenNLP in its own process."""

    def fits(self, words: Sequence[str], /) -> bool:
        """Return whether a sentence is short enough for the model."""

    def tag(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]] | None, /
    ) -> list[list[tuple[int, list[str]]]]:
        """Return for each sentence (predicate, a BIO tag a word) of each of its predicates."""


class Finder(Protocol):
    """What finds predicates."""

    def find_predicates(self, captions: Sequence[str], words: Sequence[Sequence[str]], /) -> list[list[int]]:
        """Return the ascending word indices of each caption's predicates."""


class Labeller:
    """A semantic-role model ready to run.

    `name`: how it was asked for, folders left out.
    `recipe`: the arguments of `load_labeller` that make the same one again, in another process.
    """

    def __init__(self, tagger: Tagger, *, finder: Finder, name: str, recipe: tuple[str, Predicates]) -> None:
        self.name = name
        self.recipe = recipe
        self._tagger = tagger
        self._finder = finder

    def label(self, captions: Sequence[str], words: Sequence[Sequence[Word]]) -> list[tuple[Tagging, ...]]:
        """Return the predictions for captions whose words are given, one tuple a caption.

        A caption longer than the model reads (512 word pieces for BERT) is labelled in windows cut at sentence ends where it
        has them: no role crosses a window.
        """
        plain = [[word.plain for word in row] for row in words]
        pieces: list[tuple[int, int, list[str]]] = []  # (caption, its first word here, words)
        for index, row in enumerate(plain):
            pieces += [(index, first, row[first:last]) for first, last in _windows(row, self._tagger)]
        texts = [captions[index] if len(part) == len(plain[index]) else " ".join(part) for index, _, part in pieces]
        predicates = self._finder.find_predicates(texts, [part for _, _, part in pieces])
        tagged = self._tagger.tag([part for _, _, part in pieces], predicates)
        found: list[list[Tagging]] = [[] for _ in captions]
        for (index, first, part), frames in zip(pieces, tagged, strict=True):
            after = len(plain[index]) - first - len(part)
            for predicate, tags in frames:
                whole = (*("O",) * first, *tags, *("O",) * after)
                found[index].append(Tagging(predicate_index=first + predicate, tags=whole))
        return [tuple(frames) for frames in found]


def load_labeller(srl: str = "compact", *, predicates: str = "model") -> Labeller:
    """Return the labeller of a name: `compact`, `srl-bert`, an archive's path, or `allennlp:` and an archive's path.

    `predicates`: `model` or `spacy`, see `Predicates`. Raises ModelError where the model cannot be had or read, UsageError for
    another way to find predicates.
    """
    if predicates not in set(Predicates):
        raise UsageError(f"--predicates {predicates}: expected one of {', '.join(Predicates)}")
    way = Predicates(predicates)
    from a2dsplus.roles.srl.finders import SpacyFinder, TaggerFinder
    from a2dsplus.roles.srl.quick import quickened

    model = identify(srl)
    tagger: Tagger
    if model.archive is None:
        from a2dsplus.roles.srl import compact

        native = tagger = quickened(compact.load_compact())
    elif model.by_allennlp:
        from a2dsplus.roles.allennlp.predictor import AllenNlpTagger

        tagger, native = AllenNlpTagger(model.archive), None
    else:
        from a2dsplus.roles.srl.archive import load_archive

        tagger = native = quickened(load_archive(model.archive))
    if way is Predicates.SPACY:
        finder: Finder = SpacyFinder()
    elif native is not None and native.finds_predicates:
        finder = TaggerFinder(native)
    else:
        from a2dsplus.roles.srl import compact

        finder = TaggerFinder(compact.load_compact())
    return Labeller(tagger, finder=finder, name=model.name, recipe=(srl, way))


def _windows(words: Sequence[str], tagger: Tagger) -> list[tuple[int, int]]:
    """Return (first word, word after the last) of the parts of a caption that the model can read."""
    if not words:
        return []
    if tagger.fits(words):
        return [(0, len(words))]
    if len(words) == 1:
        raise ModelError(f"the word beginning {words[0][:20]!r} is longer than the model reads")
    windows = []
    first = 0
    while first < len(words):
        last = min(first + _WINDOW, len(words))
        ends = [place + 1 for place in range(first, last) if words[place] in (".", "!", "?", ";")]
        if last < len(words) and ends:
            last = ends[-1]
        while last - first > 1 and not tagger.fits(words[first:last]):
            last = first + (last - first) // 2
        windows.append((first, last))
        first = last
    return windows
