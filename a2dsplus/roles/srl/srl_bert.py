"""SRL-BERT (Shi & Lin 2019), the one model class of every semantic-role model: what AllenNLP calls `srl_bert`.

A BERT encoder whose token type 1 marks the predicate's word pieces, one linear layer over BIO labels, constrained Viterbi over
word pieces, each word's tag read at its first piece. An optional second layer finds the predicates, in a pass with none marked.

    tagger = SrlTagger(model, labels=labels, pieces=pieces)         archive.load_archive(...) and compact.load_compact() give one
    tagger.tag([["a", "dog", "runs"]], [[2]])                       -> [[(2, ["B-ARG0", "I-ARG0", "B-V"])]]
    tagger.tag([["a", "dog", "runs"]])                              the same with the model's own predicates
    tagger.find_predicates([["a", "dog", "runs"]])                  -> [[2]]
    tagger.probabilities([["a", "dog", "runs"]], [[2]])             -> [[(2, float32 (pieces, labels))]]
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

import numpy as np
import torch
from torch import Tensor, nn

from a2dsplus.errors import InputError, ModelError
from a2dsplus.roles.srl.bert import BertEncoder, BertShape
from a2dsplus.roles.srl.viterbi import ALLENNLP_START, BioViterbi
from a2dsplus.roles.srl.wordpieces import EncodedWords, WordPieces

CORE_ROLES = ("ARG0", "ARG1", "ARG2", "ARG3", "ARG4", "ARG5")

Tagged = list[tuple[int, list[str]]]
"""The frames of one sentence: the predicate's word index, and one BIO tag a word."""


_Frame = tuple[EncodedWords, int]
"""A sentence and its predicate's word index; what is written alike is tagged once."""


_SURE = 1.0
"""Sentences where some word's margin between predicate and none is smaller in half precision are looked at again in single
precision. Between the two precisions the shipped model's margins differ by less than a third of this."""


def _multiplies_in_half() -> bool:
    """Return whether the processor has instructions for bfloat16 products, several times as fast as single precision."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


class Decoding(Enum):
    """How label scores become one sequence of tags."""

    ALLENNLP = "allennlp"
    """The tags that AllenNLP 2.10.1 gives, rounding of its path scores included. BIO over word pieces is the only constraint, so that
    a word's tag may be an I- whose B- was at a later piece of the word before."""
    STRICT = "strict"
    """The most probable BIO sequence in which spans begin at words, the marked word is V and no numbered role occurs twice."""


class SrlBert(nn.Module):
    """The network. Parameters carry AllenNLP's names: `bert_model.*`, `tag_projection_layer.*` (and `predicate_layer.*`)."""

    def __init__(
        self, shape: BertShape, *, labels: int, embedding_dropout: float = 0.0, predicate_head: bool = False
    ) -> None:
        super().__init__()
        self.bert_model = BertEncoder(shape)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.tag_projection_layer = nn.Linear(shape.hidden_size, labels)
        self.predicate_layer = nn.Linear(shape.hidden_size, 2) if predicate_head else None

    @property
    def shape(self) -> BertShape:
        """The encoder's sizes."""
        return self.bert_model.shape

    def forward(self, ids: Tensor, marked: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return label scores (B, T, K) of word pieces `ids` (B, T), int64.

        `marked` (B, T) int64: 1 at the predicate's pieces, else 0. `mask` (B, T) bool: true at real pieces; None: all are.
        """
        out: Tensor = self.tag_projection_layer(self.embedding_dropout(self.bert_model(ids, marked, mask)))
        return out

    def predicate_logits(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (B, T, 2) scores of each piece's word being no predicate, and being one.

        Raises ModelError where the model has no predicate head.
        """
        if self.predicate_layer is None:
            raise ModelError(
                "this model has no predicate head; name the predicates, or find them with --predicates spacy"
            )
        out: Tensor = self.predicate_layer(self.embedding_dropout(self.bert_model(ids, torch.zeros_like(ids), mask)))
        return out


class SrlTagger:
    """A network with its labels and word pieces: tags sentences that are already cut into words.

    `labels`: BIO labels in the order of the network's outputs. `batch_pieces`: how many word pieces, padding included, go
    through the network at once; it bounds memory and has no effect on the tags.
    """

    def __init__(
        self,
        model: SrlBert,
        *,
        labels: Sequence[str],
        pieces: WordPieces,
        decoding: Decoding = Decoding.ALLENNLP,
        batch_pieces: int = 512,
    ) -> None:
        outputs = model.tag_projection_layer.out_features
        if len(labels) != outputs:
            raise ModelError(
                f"{len(labels)} labels for a network with {outputs} outputs; the vocabulary is another model's"
            )
        if "B-V" not in labels:
            raise ModelError("the label set has no B-V; this is no semantic-role model")
        if len(pieces) > model.shape.vocab_size:
            raise ModelError(
                f"{len(pieces)} word pieces for an encoder with {model.shape.vocab_size}; the vocabulary is another model's"
            )
        self.model = model.eval()
        self.labels = tuple(labels)
        self.pieces = pieces
        self.decoding = decoding
        self.batch_pieces = batch_pieces
        self._row = {label: index for index, label in enumerate(self.labels)}
        self._viterbi = BioViterbi(self.labels)
        self._begins = torch.tensor([label[0] == "B" for label in self.labels])

    @property
    def finds_predicates(self) -> bool:
        """Whether the model finds predicates itself."""
        return self.model.predicate_layer is not None

    def fits(self, words: Sequence[str]) -> bool:
        """Return whether a sentence's word pieces are no more than the encoder's positions (BERT: 512 with [CLS] and [SEP])."""
        return len(self.pieces.encode(words).ids) <= self.model.shape.max_position_embeddings

    @torch.inference_mode()
    def find_predicates(self, sentences: Sequence[Sequence[str]]) -> list[list[int]]:
        """Return the ascending word indices of each sentence's predicates.

        Raises ModelError where the model has no predicate head, InputError where a sentence is too long.
        """
        encoded = [self._encode(words) for words in sentences]
        asked = list(dict.fromkeys(encoded))
        found: dict[EncodedWords, list[int]] = {}
        for half in (True, False) if _multiplies_in_half() else (False,):
            unsure = []
            for batch in self._batches(asked):
                members = [asked[i] for i in batch]
                ids, mask, _ = self._tensors(members)
                with torch.autocast("cpu", torch.bfloat16, enabled=half):
                    logits = self.model.predicate_logits(ids, mask).float()
                for member, row in zip(members, (logits[..., 1] - logits[..., 0]).tolist(), strict=True):
                    spans = enumerate(zip(member.starts, member.ends, strict=True))
                    margins = {word: row[start] for word, (start, end) in spans if end > start}
                    found[member] = [word for word, margin in margins.items() if margin > 0]
                    if half and any(abs(margin) < _SURE for margin in margins.values()):
                        unsure.append(member)
            asked = unsure  # and once more, in single precision
        return [list(found[member]) for member in encoded]

    @torch.inference_mode()
    def tag(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]] | None = None
    ) -> list[Tagged]:
        """Return each sentence's frames: (predicate's word index, a BIO tag for each word), in the order of `predicates`.

        `predicates`: for each sentence the word indices to label; None: those that the model finds. The tags do not depend on
        the order or number of the sentences. Raises ModelError and InputError as `find_predicates`.
        """
        predicates = self.find_predicates(sentences) if predicates is None else predicates
        frames = self._frames(sentences, predicates)
        tags: dict[_Frame, list[str]] = {}
        for members, probabilities, lengths in self._run(frame for _, frame in frames):
            rows = self._decode(probabilities, lengths, members)
            for member, row in zip(members, rows.tolist(), strict=True):
                tags[member] = [self.labels[row[start]] for start in member[0].starts]
        result: list[Tagged] = [[] for _ in sentences]
        for index, frame in frames:
            result[index].append((frame[1], list(tags[frame])))
        return result

    @torch.inference_mode()
    def probabilities(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]]
    ) -> list[list[tuple[int, np.ndarray]]]:
        """Return for each frame its predicate's word index and the class probabilities, float32 (pieces, labels).

        Pieces are those of `pieces.encode(words)`, [CLS] and [SEP] among them, as in AllenNLP's `class_probabilities`.
        """
        frames = self._frames(sentences, predicates)
        found: dict[_Frame, np.ndarray] = {}
        for members, probabilities, lengths in self._run(frame for _, frame in frames):
            for row, member in enumerate(members):
                found[member] = probabilities[row, : lengths[row]].numpy().copy()
        result: list[list[tuple[int, np.ndarray]]] = [[] for _ in sentences]
        for index, frame in frames:
            result[index].append((frame[1], found[frame]))
        return result

    def _encode(self, words: Sequence[str]) -> EncodedWords:
        encoded = self.pieces.encode(words)
        most = self.model.shape.max_position_embeddings
        if len(encoded.ids) > most:
            raise InputError(
                f"sentence beginning {' '.join(words[:6])!r}: {len(encoded.ids)} word pieces; the model reads at most {most}"
            )
        return encoded

    def _frames(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]]
    ) -> list[tuple[int, _Frame]]:
        """Return (sentence's index, frame) in order; raises InputError for predicates that are no word's index."""
        if len(predicates) != len(sentences):
            raise InputError(
                f"{len(predicates)} lists of predicates for {len(sentences)} sentences; give one a sentence"
            )
        frames: list[tuple[int, _Frame]] = []
        for index, (words, chosen) in enumerate(zip(sentences, predicates, strict=True)):
            encoded = self._encode(words) if chosen else None
            for word in chosen:
                if not 0 <= word < len(words):
                    raise InputError(f"sentence {index}: predicate {word} is none of its {len(words)} words")
                assert encoded is not None
                frames.append((index, (encoded, word)))
        return frames

    def _run(self, frames: Iterable[_Frame]) -> Iterator[tuple[list[_Frame], Tensor, Tensor]]:
        """Yield batches of distinct frames with their class probabilities (B, T, K) and lengths (B,)."""
        distinct = list(dict.fromkeys(frames))
        for batch in self._batches([sentence for sentence, _ in distinct]):
            members = [distinct[i] for i in batch]
            ids, mask, lengths = self._tensors([sentence for sentence, _ in members])
            marked = torch.zeros_like(ids)
            for row, (sentence, word) in enumerate(members):
                marked[row, sentence.starts[word] : sentence.ends[word]] = 1
            yield members, torch.softmax(self.model(ids, marked, mask).float(), dim=-1), lengths

    def _batches(self, encoded: Sequence[EncodedWords]) -> Iterator[list[int]]:
        """Yield indices by length, shortest first, so that little is padding."""
        batch: list[int] = []
        for index in sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids)):
            if batch and (len(batch) + 1) * len(encoded[index].ids) > self.batch_pieces:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def _tensors(self, members: Sequence[EncodedWords]) -> tuple[Tensor, Tensor | None, Tensor]:
        lengths = torch.tensor([len(member.ids) for member in members])
        longest = int(lengths.max())
        rows = [member.ids + (self.pieces.padding,) * (longest - len(member.ids)) for member in members]
        mask = torch.arange(longest) < lengths[:, None]
        return torch.tensor(rows), None if bool(mask.all()) else mask, lengths

    def _decode(self, probabilities: Tensor, lengths: Tensor, members: Sequence[_Frame]) -> Tensor:
        """Return label indices (B, T) of the frames."""
        if self.decoding is Decoding.ALLENNLP:
            return self._viterbi.decode(probabilities, lengths, start=ALLENNLP_START)
        scores = probabilities.clamp_min(1e-12).log()
        within = torch.ones(scores.shape[:2], dtype=torch.bool)  # pieces that begin no word: no span begins there
        for row, (sentence, _) in enumerate(members):
            within[row, list(sentence.starts)] = False
        scores.masked_fill_(within[..., None] & self._begins, -torch.inf)
        verb = self._row["B-V"]
        rows = torch.arange(len(scores))
        pinned = torch.full_like(scores[:, 0], -torch.inf)
        pinned[:, verb] = 0.0
        scores[..., verb] = -torch.inf
        scores[rows, torch.tensor([sentence.starts[word] for sentence, word in members])] = pinned
        tags = self._viterbi.decode(scores, lengths)
        for _ in CORE_ROLES:  # each round settles at least one role of every frame that is still at fault
            repeated = [row for row, found in enumerate(tags.tolist()) if self._forbid_repeats(scores[row], found)]
            if not repeated:
                break
            tags[repeated] = self._viterbi.decode(scores[repeated], lengths[repeated])
        return tags

    def _forbid_repeats(self, scores: Tensor, tags: Sequence[int]) -> bool:
        """Return whether a numbered role occurs twice; of each such role forbid (in place) all but the surest span."""
        names = [self.labels[tag] for tag in tags]
        counts = Counter(name for name in names if name[:2] == "B-" and name[2:] in CORE_ROLES)
        repeated = [name[2:] for name, count in counts.items() if count > 1]
        for role in repeated:
            begins = [i for i, name in enumerate(names) if name == f"B-{role}"]
            spans = []
            for begin in begins:
                end = begin + 1
                while end < len(names) and names[end] == f"I-{role}":
                    end += 1
                spans.append((sum(float(scores[i, tags[i]]) for i in range(begin, end)) / (end - begin), begin, end))
            _, begin, end = max(spans, key=lambda span: (span[0], -span[1]))
            for label in (f"B-{role}", f"I-{role}"):
                if label in self._row:
                    column = scores[:, self._row[label]]
                    column[:begin] = -torch.inf
                    column[end:] = -torch.inf
        return bool(repeated)
