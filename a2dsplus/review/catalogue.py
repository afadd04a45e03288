"""The candidate pairs of a dataset as compact columns: 100,000 queries with their alternatives fit in some ten megabytes.

A query is its position in queries.parquet, a candidate its position here: a query's candidates stand together, by rank.
"""

import numpy as np

from a2dsplus.dataset.workspace import Workspace
from a2dsplus.records import Pair, Status
from a2dsplus.review.decisions import PairKey
from a2dsplus.review.index import SLOTS, STATUSES, Index


class Catalogue:
    """The pairs of a dataset. Q: queries, C: candidates.

    `first`: (Q + 1,) int32, query q's candidates are first[q] up to first[q + 1]. `contrast`: (C,) int32, the contrast's query.
    `query`: (C,) int32. `tier`, `rank`, `status` (index into unreviewed, accepted, rejected): (C,). `shared`, `differing`: (C,) uint8,
    bit i stands for slot i. Raises WorkspaceError where a pair names a query that the dataset has not.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.index = Index(workspace)
        self.query_ids = self.index.query_ids()
        self._position = {query_id: position for position, query_id in enumerate(self.query_ids)}
        self.query, self.contrast = self.index.column("query"), self.index.column("contrast")
        self.tier, self.rank = self.index.column("tier").astype(np.int8), self.index.column("rank").astype(np.int16)
        self.shared = self.index.column("shared").astype(np.uint8)
        self.differing = self.index.column("differing").astype(np.uint8)
        self.status = self.index.column("status").astype(np.int8)
        self.first = np.searchsorted(self.query, np.arange(len(self.query_ids) + 1)).astype(np.int32)

    def __len__(self) -> int:
        return len(self.query)

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
        out: Status = STATUSES[self.status[candidate]]
        return out


def slots(mask: int) -> tuple[str, ...]:
    """Return bits as slots."""
    return tuple(slot for i, slot in enumerate(SLOTS) if mask >> i & 1)
