"""Figures of a training or validation loop, counted batch by batch where the tensors are; nothing is copied to the host until the end.

B: units in a batch. H, W: their common height and width.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from a2dsplus.errors import PredictionError, UsageError
from a2dsplus.score.counting.measure import Counts
from a2dsplus.score.figures.metrics import Grouping, sums
from a2dsplus.score.figures.pairs import asked_both_ways
from a2dsplus.score.protocols import Protocol

if TYPE_CHECKING:
    from torch import Tensor

# What needs more than pixel counts is not given here: contours, the model's scores, the contrast's side, the query of each unit.
_WITHOUT_QUERIES = (
    "mAP",
    "mAP_5",
    "mAP_10",
    "P@0.5",
    "P@0.6",
    "P@0.7",
    "P@0.8",
    "P@0.9",
    "oIoU",
    "mIoU",
    "N-acc",
    "T-acc",
    "gIoU",
    "MCC",
    "cgF1",
)
_WITH_QUERIES = (*_WITHOUT_QUERIES, "tIoU", "vIoU", "J")
_WITH_PAIRS = ("pair", "group")


class Accumulator:
    """Counts of units, kept on the device of the masks.

    `protocol`: "paper" or "released". Average precision needs every unit's score at once: use `evaluate` for it and for `mttr`.

    Several processes: each keeps its own accumulator, `state()` of each is gathered and given to `merge`; a unit that two of them
    saw, as a padding sampler makes them, counts once.
    """

    def __init__(self, protocol: Protocol | Literal["paper", "released"] = Protocol.PAPER) -> None:
        if protocol not in (Protocol.PAPER, Protocol.RELEASED):
            raise UsageError(f"protocol {protocol!r}: an accumulator knows paper and released; use evaluate for mttr")
        self.protocol = Protocol(protocol)
        self._batches: list[Tensor] = []
        self._units: list[Hashable] = []
        self._queries: list[Hashable] = []

    def update(
        self,
        prediction: "Tensor",
        truth: "Tensor",
        *,
        units: Sequence[Hashable] | None = None,
        queries: Sequence[Hashable] | None = None,
    ) -> None:
        """Count a batch. `prediction`, `truth`: (B, H, W) on one device, bool or numbers; non-zero is the referent.

        `units`: (B,) an id each, such as the image id; a unit seen again is counted once. `queries`: (B,) which query each belongs to,
        for the figures that are averaged over queries. Logits are to be thresholded first (`logits > 0`). Raises PredictionError
        where the shapes differ, UsageError where ids are too many, too few, or given with some batches only.
        """
        import torch

        if prediction.shape != truth.shape or prediction.ndim != 3:
            raise PredictionError(
                f"accumulator: expected two masks (B, H, W) of one shape, got {tuple(prediction.shape)} and {tuple(truth.shape)}"
            )
        many = len(prediction)
        for name, given in (("units", units), ("queries", queries)):
            if given is not None and len(given) != many:
                raise UsageError(f"accumulator: {len(given)} {name} for a batch of {many}")
        if self._batches and ((units is None) != (not self._units) or (queries is None) != (not self._queries)):
            raise UsageError("accumulator: give units and queries with every batch or with none")
        found, expected = prediction != 0, truth != 0
        shared = (found & expected).flatten(1).sum(1)
        self._batches.append(
            torch.stack([shared, found.flatten(1).sum(1), expected.flatten(1).sum(1)], dim=1)
        )  # (B, 3)
        self._units.extend(units or ())
        self._queries.extend(queries or ())

    def state(self) -> tuple[np.ndarray, list[Hashable], list[Hashable]]:
        """Return all counts, (N, 3): intersection, prediction, truth; with the units' and queries' ids. The one copy to the host."""
        import torch

        if not self._batches:
            return np.zeros((0, 3), np.int64), [], []
        return torch.cat(self._batches).cpu().numpy().astype(np.int64), list(self._units), list(self._queries)

    def merge(self, states: Sequence[tuple[np.ndarray, list[Hashable], list[Hashable]]]) -> "Accumulator":
        """Return a new accumulator of the same protocol that holds what several counted. Raises UsageError where only some gave ids."""
        import torch

        filled = [state for state in states if len(state[0])]
        for place in (1, 2):
            if len({bool(state[place]) for state in filled}) > 1:
                raise UsageError("accumulator: some of the states have ids and some have none")
        merged = Accumulator(self.protocol)
        merged._batches = [torch.from_numpy(counts) for counts, _, _ in filled]
        merged._units = [unit for _, units, _ in filled for unit in units]
        merged._queries = [query for _, _, queries in filled for query in queries]
        return merged

    def compute(self, *, pairs: Mapping[str, tuple[Hashable, Hashable]] | None = None) -> dict[str, float | None]:
        """Return the figures so far, in 0..1 (MCC and cgF1 from -1), None where nothing bears on one.

        `pairs`: {sample id: (query, contrast)}, the queries that are asked of one composite, for `pair` and `group`; samples `x` and
        `x_r` are one pair in both orders. Pairs of which a query was not counted are left out. Raises UsageError before the first batch.
        """
        counts, units, queries = self.state()
        if not len(counts):
            raise UsageError("accumulator: no batch was counted yet")
        if units:
            first = list({unit: place for place, unit in reversed(list(enumerate(units)))}.values())
            keep = np.sort(np.array(first))
            counts, queries = counts[keep], [queries[place] for place in keep] if queries else []
        numbers: dict[Hashable, int] = {}
        query_of = [numbers.setdefault(query, len(numbers)) for query in (queries or range(len(counts)))]
        many = len(numbers)
        grouping = Grouping(query_of=np.array(query_of), video_of=np.zeros(many, np.int64), videos=1)
        whole = Counts(
            intersection=counts[:, 0],
            predicted=counts[:, 1],
            true=counts[:, 2],
            leaked=np.zeros(len(counts), np.int64),
            contour=np.zeros(len(counts)),
            scores=np.zeros(len(counts)),
        )
        counted = {sample: own for sample, own in (pairs or {}).items() if all(query in numbers for query in own)}
        both = asked_both_ways(counted, numbers)
        figures = sums(whole, grouping, protocol=self.protocol, contrast=None, pairs=both).figures()
        names = _WITH_QUERIES if queries else _WITHOUT_QUERIES
        return {name: figures[name] for name in (*names, *(_WITH_PAIRS if pairs is not None else ()))}
