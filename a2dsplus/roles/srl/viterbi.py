"""The best BIO sequence under per-piece scores, for a batch at a time.

The one constraint is AllenNLP's: I-X follows only B-X or I-X. Letters: B sequences, T word pieces, K labels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

ALLENNLP_START = 100_000.0
"""AllenNLP starts every path with this score and adds probabilities to it in single precision, so that its path scores are
rounded to 1/128 and ties abound. Who wants its tags must round as it does."""


class BioViterbi:
    """Viterbi decoding for one label set, such as ["O", "B-V", "I-V", "B-ARG0", ...]."""

    def __init__(self, labels: Sequence[str]) -> None:
        row = {label: index for index, label in enumerate(labels)}
        count = len(labels)
        inside = [index for index, label in enumerate(labels) if label[0] == "I"]
        self._inside = torch.tensor(inside, dtype=torch.long)
        # Labels other than I-X may follow any label, so one column stands for all of them: column 0. Column c > 0 is inside[c - 1].
        # The two rows more are AllenNLP's tags for start and end, never the best: how ties fall depends on the number of rows.
        self._columns = torch.full((count + 2, 1 + len(inside)), -torch.inf)
        self._columns[:, 0] = 0.0
        self._column_of = torch.zeros(count, dtype=torch.long)
        for column, index in enumerate(inside, start=1):
            self._column_of[index] = column
            for previous in (index, row.get("B" + labels[index][1:])):
                if previous is not None:
                    self._columns[previous, column] = 0.0

    def decode(self, scores: Tensor, lengths: Tensor, *, start: float = 0.0) -> Tensor:
        """Return label indices (B, T) of the best sequences; what lies beyond a sequence's length is 0.

        `scores` (B, T, K) float32: what each label of each piece adds to a path. `lengths` (B,). `start`: the score that
        every path begins with: ALLENNLP_START with probabilities as scores gives the tags of AllenNLP 2.10.1, ties and all,
        because the same top-k breaks them; 0 with log-probabilities gives the most probable valid sequence.
        """
        batch, steps, _ = scores.shape
        never = scores.new_full((batch, 2), -torch.inf)
        # In AllenNLP a path may begin inside a span, far below all others: never the best, yet it has a say in how ties fall.
        begin = torch.full((scores.shape[2],), start)
        begin[self._inside] = 0.0 if start > 0 else -torch.inf
        path = torch.cat([scores[:, 0] + begin, never], dim=1)  # (B, K + 2)
        paths = [path]
        pointers = []
        for step in range(1, steps):
            reached = path[:, :, None] + self._columns  # (B, K, columns)
            best, previous = torch.topk(reached, k=1, dim=1)
            path = torch.cat([scores[:, step] + best[:, 0][:, self._column_of], never], dim=1)
            paths.append(path)
            pointers.append(previous[:, 0])  # (B, columns)
        rows = torch.arange(batch)
        last = torch.topk(torch.stack(paths, dim=1)[rows, lengths - 1], k=1, dim=1).indices[:, 0]
        tags = torch.zeros(batch, steps, dtype=torch.long)
        tags[rows, lengths - 1] = last
        for step in range(steps - 1, 0, -1):
            here = tags[:, step]
            before = pointers[step - 1][rows, self._column_of[here]]
            within = step < lengths
            tags[:, step - 1] = torch.where(within, before, tags[:, step - 1])
        return tags
