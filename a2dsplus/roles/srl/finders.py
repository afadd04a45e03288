"""Finding a caption's predicates: by a model's own head, or by spaCy's part-of-speech tags."""

import pkgutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from a2dsplus.errors import ModelError

if TYPE_CHECKING:
    from a2dsplus.roles.srl.srl_bert import SrlTagger

_PIPELINES = "en_core_web_"


class TaggerFinder:
    """The predicate head of a model. Captions longer than that model reads cannot be asked for (the labeller cuts them)."""

    def __init__(self, tagger: "SrlTagger") -> None:
        self._tagger = tagger

    def find_predicates(self, captions: Sequence[str], words: Sequence[Sequence[str]]) -> list[list[int]]:
        """Return the ascending word indices of each caption's predicates."""
        return self._tagger.find_predicates(words)


class SpacyFinder:
    """The words that spaCy's English pipeline tags VERB or AUX: what AllenNLP's SRL predictor takes for predicates.

    Raises ModelError where no pipeline `en_core_web_*` is installed.
    """

    def __init__(self) -> None:
        import spacy

        installed = sorted(module.name for module in pkgutil.iter_modules() if module.name.startswith(_PIPELINES))
        if not installed:
            raise ModelError(
                f"--predicates spacy: no spaCy pipeline {_PIPELINES}* is installed; install one"
                " (python -m spacy download en_core_web_sm), or use --predicates model"
            )
        chosen = "en_core_web_sm" if "en_core_web_sm" in installed else installed[0]
        self.name = chosen
        self._pipeline = spacy.load(chosen, disable=["parser", "ner", "lemmatizer", "senter"])

    def find_predicates(self, captions: Sequence[str], words: Sequence[Sequence[str]]) -> list[list[int]]:
        """Return the ascending word indices of each caption's predicates."""
        found = []
        for doc, row in zip(self._pipeline.pipe(captions), words, strict=True):
            spoken = [token for token in doc if not token.is_space]
            if [token.text for token in spoken] != list(row):
                raise ModelError(
                    f"the tokeniser of {self.name} cuts {doc.text[:60]!r} otherwise; use --predicates model"
                )
            found.append([place for place, token in enumerate(spoken) if token.pos_ in ("VERB", "AUX")])
        return found
