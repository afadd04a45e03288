"""Span F1 of a tagger on a corpus with gold predicates, and F1 of the predicates it finds.

A span counts where role, first and last word are all right (the measure of the CoNLL-2005 scorer). Spans of V and C-V are left
out: the predicate is given. Labels are collapsed as `labels.collapsed` says. Micro-averaged over all frames.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from a2dsplus.roles.srl.srl_bert import SrlTagger
from a2dsplus.roles.training.corpus import Sentence
from a2dsplus.roles.training.labels import spans

_LEFT_OUT = ("V", "C-V")


@dataclass(frozen=True, slots=True, kw_only=True)
class F1:
    """Counts of what was predicted, what is gold, and what is both; precision, recall and F1 in 0..1."""

    right: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        """The share of what was predicted that is right; 0 where nothing was."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of what is gold that was found; 0 where nothing is."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (self.predicted + self.gold) if self.predicted + self.gold else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Spans over all roles, spans of each role, and predicates (None where the tagger finds none)."""

    spans: F1
    by_role: dict[str, F1]
    predicates: F1 | None


def evaluate(tagger: SrlTagger, sentences: Sequence[Sentence]) -> Accuracy:
    """Return the tagger's accuracy on sentences with gold frames."""
    words = [sentence.words for sentence in sentences]
    tagged = tagger.tag(words, [[predicate for predicate, _ in sentence.frames] for sentence in sentences])
    right: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    gold: Counter[str] = Counter()
    for sentence, found in zip(sentences, tagged, strict=True):
        for (_, expected), (_, tags) in zip(sentence.frames, found, strict=True):
            have = {span for span in spans(tags) if span[0] not in _LEFT_OUT}
            want = {span for span in spans(expected) if span[0] not in _LEFT_OUT}
            right.update(span[0] for span in have & want)
            predicted.update(span[0] for span in have)
            gold.update(span[0] for span in want)
    by_role = {
        role: F1(right=right[role], predicted=predicted[role], gold=gold[role]) for role in sorted(gold | predicted)
    }
    total = F1(right=right.total(), predicted=predicted.total(), gold=gold.total())
    predicates = None
    if tagger.finds_predicates:
        have_all = [set(found) for found in tagger.find_predicates(words)]
        want_all = [{predicate for predicate, _ in sentence.frames} for sentence in sentences]
        predicates = F1(
            right=sum(len(a & b) for a, b in zip(have_all, want_all, strict=True)),
            predicted=sum(map(len, have_all)),
            gold=sum(map(len, want_all)),
        )
    return Accuracy(spans=total, by_role=by_role, predicates=predicates)
