"""Words to BERT word pieces, word by word, as AllenNLP's semantic-role reader cuts them.

Each word is cut alone by greedy longest match, without the splitting at punctuation that BERT's own tokeniser does first: the
reader relies on one run of pieces a word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
            found = tuple(row for part in word.split() for row in self._cut_part(part))
            if len(self._cache) < _MOST_CACHED:
                self._cache[word] = found
        return found

    def _cut_part(self, part: str) -> list[int]:
        if len(part) > _LONGEST_WORD:
            return [self._row["[UNK]"]]
        rows: list[int] = []
        start = 0
        while start < len(part):
            for end in range(len(part), start, -1):
                row = self._row.get(("##" if start else "") + part[start:end])
                if row is not None:
                    rows.append(row)
                    start = end
                    break
            else:
                return [self._row["[UNK]"]]
        return rows
