"""Queries: text -> token ids -> Ew's word features.

Legend: B batch, L tokens a query, D width, V hash rows. Id 0 is a pad.
"""

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from locater.config import LocaterConfig
from locater.errors import QueryError

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Tokeniser(Protocol):
    """What turns texts into ids."""

    @property
    def vocab(self) -> bytes | None:
        """The WordPiece file that goes with the weights, if there is one."""
        ...

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return int64 ids (B, L)."""


class HashTokeniser:
    """Lower-cased words, hashed: no word list to keep, and no word is unknown.

    A word is a run of letters and digits, apostrophes inside it kept. Its id is 1 + crc32(UTF-8) mod
    (V*V - 1), in 1..V*V-1; the embedding looks an id up as two rows, id // V and id % V, so two words
    share their features only if both agree. Words past `length` are cut off.
    """

    vocab = None

    def __init__(self, vocabulary: int, length: int) -> None:
        self.modulus = vocabulary * vocabulary - 1
        self.length = length

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return int64 ids (B, L). Raises `QueryError` for a text without a single word."""
        ids = torch.zeros(len(texts), self.length, dtype=torch.int64)
        for row, text in enumerate(texts):
            words = self.words(text)[: self.length]
            if not words:
                raise QueryError(f"query {row + 1} ({text!r}) has no word in it")
            ids[row, : len(words)] = torch.tensor([self.id(word) for word in words])
        return ids

    def words(self, text: str) -> list[str]:
        """Return the words of a text."""
        return _WORD.findall(text.lower())

    def id(self, word: str) -> int:
        """Return a word's id."""
        return 1 + zlib.crc32(word.encode()) % self.modulus


class WordPieceTokeniser:
    """BERT's lower-cased WordPiece from a vocab.txt: [CLS], at most L - 2 pieces, [SEP], then pads."""

    def __init__(self, vocab: str | Path, length: int) -> None:
        from tokenizers import BertWordPieceTokenizer

        path = Path(vocab)
        if path.is_dir():
            path = path / "vocab.txt"
        if not path.is_file():
            raise QueryError(f"{path}: no such vocabulary file (one WordPiece a line, as bert-base-uncased has it)")
        try:
            self._tokenizer = BertWordPieceTokenizer(str(path), lowercase=True)
        except Exception as error:  # the Rust side raises bare exceptions
            raise QueryError(f"{path}: not a WordPiece vocabulary ({' '.join(str(error).split())})") from None
        if any(self._tokenizer.token_to_id(piece) is None for piece in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")):
            raise QueryError(f"{path}: not a BERT vocabulary ([PAD], [UNK], [CLS] or [SEP] is missing)")
        self.vocab = path.read_bytes()
        self._tokenizer.enable_truncation(length)
        self._tokenizer.enable_padding(length=length)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return int64 ids (B, L). Raises `QueryError` for an empty text."""
        for row, text in enumerate(texts):
            if not text.strip():
                raise QueryError(f"query {row + 1} is empty")
        return torch.tensor([encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))])


class LstmLanguage(nn.Module):
    """Word embeddings, published ones for the words that have them and hashed ones, and a bidirectional LSTM that never reads the pads."""

    known_ids: Tensor

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.vocabulary = config.vocabulary
        self.known: nn.Embedding | None = None
        if config.word_vectors:
            self.keep(torch.arange(config.word_vectors), torch.zeros(config.word_vectors, config.word_dim))
        self.table = nn.Embedding(2 * config.vocabulary, config.word_dim)
        self.lstm = nn.LSTM(config.word_dim, config.dim // 2, config.lstm_layers, batch_first=True, bidirectional=True)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (B, L), mask (B, L) True for words -> E (B, L, D), zero at pads."""
        rows = self.table(ids // self.vocabulary) + self.table(
            self.vocabulary + ids % self.vocabulary
        )  # (B, L, word_dim)
        if self.known is not None:
            place = torch.searchsorted(self.known_ids, ids).clamp_max(len(self.known_ids) - 1)  # (B, L)
            rows = torch.where((self.known_ids[place] == ids).unsqueeze(-1), self.known(place), rows)
        packed = nn.utils.rnn.pack_padded_sequence(rows, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        out, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=ids.shape[1])
        return out

    def keep(self, ids: Tensor, vectors: Tensor) -> None:
        """Look these words up in vectors of their own, which learn on: ids (W,) ascending, vectors (W, word_dim)."""
        self.register_buffer("known_ids", ids)
        self.known = nn.Embedding.from_pretrained(vectors, freeze=False)


class BertLanguage(nn.Module):
    """BERT-base (transformers), and a projection where D is not its 768. Weights come by path (`training.published.load_bert`)."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        from transformers import BertConfig, BertModel

        self.bert = BertModel(BertConfig(), add_pooling_layer=False)
        self.vocabulary = int(self.bert.config.vocab_size)
        width = int(self.bert.config.hidden_size)
        self.proj: nn.Module = nn.Identity() if width == config.dim else nn.Linear(width, config.dim)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (B, L), mask (B, L) True for pieces -> E (B, L, D)."""
        out: Tensor = self.proj(self.bert(input_ids=ids, attention_mask=mask.long()).last_hidden_state)
        return out


def make_language(config: LocaterConfig) -> LstmLanguage | BertLanguage:
    """Return the language encoder that `config` names."""
    return BertLanguage(config) if config.language == "bert" else LstmLanguage(config)


class ReleasedLanguage(nn.Module):
    """The released encoder: own embedding, three bi-LSTM layers over all 22 ids, pads included, LayerNorm."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(30000, 300)
        self.lang_model = nn.LSTM(300, dim // 2, 3, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(dim)

    def forward(self, ids: Tensor) -> Tensor:
        """ids (B, 22) -> (B, 22, 768)."""
        out: Tensor = self.norm(self.lang_model(self.emb(ids))[0])
        return out


def check_ids(ids: Tensor, *, length: int, known: int) -> Tensor:
    """Return `ids` as int64 (B, L). Raises `QueryError` for another shape, type or range, or only pads."""
    if ids.dim() != 2 or ids.shape[1] != length or not ids.shape[0]:
        raise QueryError(f"token ids have shape {tuple(ids.shape)}, expected (B, {length})")
    if ids.is_floating_point() or ids.dtype == torch.bool:
        raise QueryError(f"token ids are {ids.dtype}, expected whole numbers")
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= known:
        raise QueryError(f"token ids run from {low} to {high}, this model knows 0 to {known - 1}")
    if not bool((ids != 0).any(1).all()):
        raise QueryError("a row of the token ids is all pads (id 0); a query needs at least one word")
    return ids.long()
