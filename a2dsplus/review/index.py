"""Look-ups in a dataset's tables by query and by video: columns as `dataset.tables` reads them, masks video by video.

What is looked up for one pair at a time stays as Arrow columns, some bytes a row; only masks, the largest table, stay on disk.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from a2dsplus.dataset import parquet, samples_file, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.records import Clip, Order, SubsetName
from a2dsplus.sources import Masks

_TABLES = ("queries.parquet", "roles.parquet", "clips.parquet", "masks.parquet", "pairs.parquet")
_SAMPLES = {SubsetName.S: "S/samples.jsonl", SubsetName.T: "T/samples.jsonl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A query as the page needs it: its place in the table, its ids, what it names, its text. `objects`: see `records.Query`."""

    position: int
    query_id: str
    video_id: str
    expression_id: str
    objects: tuple[str, ...] | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """A row of roles.parquet, without its query's id."""

    frame: int
    role: str
    slot: str
    phrase: str
    lemma: str


class Index:
    """Look-ups by id in a dataset's tables. Safe to use from several threads.

    `query_ids`: all of them, in the table's order. Raises WorkspaceError where a table is missing or damaged.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.stamp = stamp(workspace)
        names = ["query_id", "video_id", "expression_id", "objects", "text"]
        self._queries = parquet.read_columns(workspace, "queries.parquet", names)
        self.query_ids: list[str] = self._queries["query_id"].to_pylist()
        self._position = {query_id: position for position, query_id in enumerate(self.query_ids)}
        self._videos = parquet.read_columns(workspace, "queries.parquet", ["video_id"])["video_id"].unique()
        self._rows_of_video = _Groups(pc.index_in(self._queries["video_id"], self._videos), len(self._videos))
        # a column at a time: none needs the memory of all
        known = self._queries["query_id"].combine_chunks()
        groups = parquet.column_groups(workspace, "roles.parquet", ["query_id"])
        of_query = pa.chunked_array(
            [pc.index_in(group["query_id"].combine_chunks(), known) for group in groups], pa.int32()
        )
        self._rows_of_query = _Groups(of_query, len(self.query_ids))
        names = ["role_frame", "role", "slot", "phrase", "lemma"]
        self._roles = pa.table(
            {name: _compact(parquet.read_columns(workspace, "roles.parquet", [name])[name]) for name in names}
        )
        self.root = tables.source_root(workspace).resolve()
        self._clips = tables.ClipTable(workspace, root=self.root)
        self._masks = tables.read_masks(workspace)
        # a Parquet file is read by one thread at a time
        self._lock = threading.Lock()
        self._orders = {subset: _orders(workspace, name) for subset, name in _SAMPLES.items()}
        # what reading took is not needed any more
        pa.default_memory_pool().release_unused()

    def position(self, query_id: str) -> int | None:
        """Return a query's place in the table, or None where the dataset has no such one."""
        return self._position.get(query_id)

    def caption(self, query_id: str) -> Caption | None:
        """Return a query, or None where the dataset has no such one."""
        position = self._position.get(query_id)
        return None if position is None else self._caption(position)

    def captions_of(self, video_id: str) -> list[Caption]:
        """Return all queries of a video, in the table's order."""
        video = pc.index(self._videos, video_id).as_py()
        return [self._caption(int(position)) for position in self._rows_of_video[video]] if video >= 0 else []

    def texts(self) -> Sequence[str]:
        """Return all captions, in the table's order."""
        return _Texts(self._queries["text"])

    def containing(self, words: str) -> npt.NDArray[np.int64]:
        """Return the positions of the queries whose caption, or id, contains a text, upper and lower case alike."""
        holds = [
            pc.match_substring(self._queries[name], words, ignore_case=True).to_numpy() for name in ("text", "query_id")
        ]
        return np.flatnonzero(holds[0] | holds[1])

    def roles(self, query_id: str) -> list[RoleRow]:
        """Return a query's roles, in the table's order."""
        position = self._position.get(query_id)
        rows = [] if position is None else self._roles.take(self._rows_of_query[position]).to_pylist()
        return [
            RoleRow(frame=r["role_frame"], role=r["role"], slot=r["slot"], phrase=r["phrase"], lemma=r["lemma"])
            for r in rows
        ]

    def clip(self, video_id: str) -> Clip | None:
        """Return a video's clip, or None where the dataset has no such video."""
        return self._clips.get(video_id)

    def masks(self, video_id: str) -> Masks:
        """Return {frame: {object: mask}} of a video."""
        with self._lock:
            return self._masks.get(video_id, {})

    def order(self, query_id: str, subset: SubsetName) -> Order:
        """Return which clip comes first in a query's sample; query first where it has none yet."""
        return self._orders[subset].get(query_id, Order.QUERY_FIRST)

    def _caption(self, position: int) -> Caption:
        row = {name: self._queries[name][position].as_py() for name in self._queries.column_names}
        objects = row.pop("objects")
        return Caption(position=position, objects=None if objects is None else tuple(objects), **row)


class _Groups:
    """The rows of each group, without an object a row: rows by group, and where each group's begin.

    `groups`: each row's group, 0 to `number` - 1; a row without one is in none.
    """

    def __init__(self, groups: pa.ChunkedArray, number: int) -> None:
        of_row = pc.fill_null(groups, -1).to_numpy().astype(np.int32)
        self._order = np.argsort(of_row, kind="stable").astype(np.int32)
        self._first = np.searchsorted(of_row[self._order], np.arange(number + 1)).astype(np.int32)

    def __getitem__(self, group: int) -> npt.NDArray[np.int32]:
        """Return the numbers of a group's rows, ascending."""
        return self._order[self._first[group] : self._first[group + 1]]


class _Texts(Sequence[str]):
    """A column of text that makes a string when it is asked for one."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, place: Any) -> Any:
        return self._column[place].as_py()


def stamp(workspace: Workspace) -> str:
    """Return a key that changes when a table that the review reads does."""
    states = []
    for name in (*_TABLES, *_SAMPLES.values()):
        try:
            state = workspace.path(name).stat()
            states.append([name, state.st_size, state.st_mtime_ns, state.st_ino])
        except FileNotFoundError:
            states.append([name])
    return json.dumps(states)


def _compact(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece; words that repeat are kept once."""
    joined = column.combine_chunks()
    return joined.dictionary_encode() if pa.types.is_string(joined.type) else joined


def _orders(workspace: Workspace, name: str) -> dict[str, Order]:
    """Return the order of each query's sample that is not query first."""
    if not workspace.path(name).is_file():
        return {}
    found = samples_file.read(workspace.path(name))
    return {
        query: sample.order for sample in found if sample.order is not Order.QUERY_FIRST for query in sample.queries
    }
