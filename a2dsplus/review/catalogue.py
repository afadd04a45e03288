"""The candidate pairs of a dataset as compact columns: 100,000 queries with their alternatives fit in some ten megabytes.

A query is its position in queries.parquet, a candidate its position here: a query's candidates stand together, by rank.
"""

from collections.abc import Iterable
from typing import get_args

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import WorkspaceError
from a2dsplus.records import Pair, Slot, Status
from a2dsplus.review.decisions import PairKey
from a2dsplus.review.index import Index, batches
from a2dsplus.workspace import Workspace

_STATUSES: tuple[Status, ...] = get_args(Status)
_COLUMNS = ("query_id", "contrast_query_id", "tier", "shared", "differing", "rank", "status")
SLOTS = tuple(Slot)


class Catalogue:
    """The pairs of a dataset. Q: queries, C: candidates.

    `first`: (Q + 1,) int32, query q's candidates are first[q] up to first[q + 1]. `contrast`: (C,) int32, the contrast's query.
    `query`: (C,) int32. `tier`, `rank`, `status` (index into unreviewed, accepted, rejected): (C,). `shared`, `differing`: (C,) uint8,
    bit i stands for slot i. Raises WorkspaceError where a pair names a query that the dataset has not.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.index = Index(workspace)
        self.query_ids = [query_id for query_id, _ in self.index.captions()]
        self._position = {query_id: position for position, query_id in enumerate(self.query_ids)}
        columns: list[list[npt.NDArray[np.int32]]] = [[] for _ in _COLUMNS]
        for batch in batches(workspace, "pairs.parquet", _COLUMNS):
            read = (
                self._positions(workspace, batch["query_id"]),
                self._positions(workspace, batch["contrast_query_id"]),
                batch["tier"],
                [bits(slots) for slots in batch["shared"]],
                [bits(slots) for slots in batch["differing"]],
                batch["rank"],
                [_STATUSES.index(status) if status in _STATUSES else 0 for status in batch["status"]],
            )
            for column, values in zip(columns, read, strict=True):
                column.append(np.asarray(values, np.int32))
        empty = np.empty(0, np.int32)
        query, contrast, tier, shared, differing, rank, status = (
            np.concatenate([empty, *column]) for column in columns
        )
        order = np.lexsort((rank, query))
        self.query, self.contrast = query[order], contrast[order]
        self.tier, self.rank = tier[order].astype(np.int8), rank[order].astype(np.int16)
        self.shared, self.differing = shared[order].astype(np.uint8), differing[order].astype(np.uint8)
        self.status = status[order].astype(np.int8)
        self.first = np.searchsorted(self.query, np.arange(len(self.query_ids) + 1)).astype(np.int32)

    def __len__(self) -> int:
        return len(self.query)

    def _positions(self, workspace: Workspace, query_ids: Iterable[str]) -> list[int]:
        try:
            return [self._position[query_id] for query_id in query_ids]
        except KeyError as error:
            raise WorkspaceError(
                f"{workspace.path('pairs.parquet')}: query {error.args[0]!r} is not in queries.parquet; run `a2dsplus build` again"
            ) from None

    def position(self, query_id: str) -> int | None:
        """Return a query's position, or None where the dataset has no such query."""
        return self._position.get(query_id)

    def candidate(self, pair: PairKey) -> int | None:
        """Return a pair's position among the candidates, or None where it is none."""
        query, contrast = self._position.get(pair[0]), self._position.get(pair[1])
        if query is None or contrast is None:
            return None
        return next((i for i in self.candidates(query) if self.contrast[i] == contrast), None)

    def key(self, candidate: int) -> PairKey:
        """Return a candidate's query id and contrast query id."""
        return self.query_ids[self.query[candidate]], self.query_ids[self.contrast[candidate]]

    def candidates(self, query: int) -> range:
        """Return a query's candidates, in the order in which they replace each other."""
        return range(self.first[query], self.first[query + 1])

    def pair(self, candidate: int, *, rank: int, status: Status) -> Pair:
        """Return a candidate as a record, at a rank and with a status that the review gave it."""
        query_id, contrast_query_id = self.key(candidate)
        return Pair(
            query_id=query_id,
            contrast_query_id=contrast_query_id,
            tier=int(self.tier[candidate]),
            shared=slots(int(self.shared[candidate])),
            differing=slots(int(self.differing[candidate])),
            rank=rank,
            status=status,
        )

    def built_status(self, candidate: int) -> Status:
        """Return the status that the dataset was built with."""
        return _STATUSES[self.status[candidate]]


def bits(names: Iterable[str]) -> int:
    """Return slots as bits."""
    return sum(1 << SLOTS.index(Slot(name)) for name in set(names))


def slots(mask: int) -> tuple[str, ...]:
    """Return bits as slots."""
    return tuple(slot.value for i, slot in enumerate(SLOTS) if mask >> i & 1)
