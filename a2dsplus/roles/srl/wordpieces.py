"""Words to BERT word pieces, word by word, as AllenNLP's semantic-role reader cuts them.

Each word is cut alone by greedy longest match, without the splitting at punctuation that BERT's own tokeniser does first: the
reader relies on one run of pieces a word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers.models import WordPiece

from a2dsplus.errors import ModelError

_LONGEST_WORD = 100  # characters; BERT's tokenisers make a longer word unknown
_MOST_CACHED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedWords:
    """The pieces of one sentence.

    `ids`: vocabulary rows, [CLS] first and [SEP] last. `starts`: for each word the index in `ids` of its first piece. `ends`:
    the index after its last piece. A word without pieces (white space alone) has `starts == ends`, the next word's place.
    """

    ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class WordPieces:
    """A word-piece vocabulary. `lower`: words are put in lower case first (uncased models)."""

    def __init__(self, pieces: Sequence[str], *, lower: bool) -> None:
        self.pieces = tuple(pieces)
        self.lower = lower
        self._row = {piece: row for row, piece in enumerate(self.pieces)}
        missing = [piece for piece in ("[PAD]", "[UNK]", "[CLS]", "[SEP]") if piece not in self._row]
        if missing:
            raise ModelError(f"word-piece vocabulary of {len(self.pieces)} pieces lacks {', '.join(missing)}")
        self.padding = self._row["[PAD]"]
        self._model = WordPiece(self._row, unk_token="[UNK]", max_input_chars_per_word=_LONGEST_WORD)
        self._cache: dict[str, tuple[int, ...]] = {}

    @classmethod
    def read(cls, path: Path, *, lower: bool) -> "WordPieces":
        """Return the vocabulary of a `vocab.txt`, one piece a line. Raises ModelError where it cannot be read."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: cannot read the word-piece vocabulary ({error})") from error
        return cls(text.rstrip("\n").split("\n"), lower=lower)

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, words: Iterable[str]) -> EncodedWords:
        """Return the pieces of a sentence's words."""
        ids = [self._row["[CLS]"]]
        starts, ends = [], []
        for word in words:
            starts.append(len(ids))
            ids.extend(self._cut(word))
            ends.append(len(ids))
        ids.append(self._row["[SEP]"])
        return EncodedWords(ids=tuple(ids), starts=tuple(starts), ends=tuple(ends))

    def _cut(self, word: str) -> tuple[int, ...]:
        if self.lower:
            word = word.lower()
        found = self._cache.get(word)
        if found is None:
            # half surrogate pairs, which no UTF-8 text has, are unknown characters
            readable = word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            found = tuple(token.id for part in readable.split() for token in self._model.tokenize(part))
            if len(self._cache) < _MOST_CACHED:
                self._cache[word] = found
        return found
