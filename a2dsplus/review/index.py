"""A dataset's tables as an index on disk, so that the server looks up one pair's captions, roles and masks without holding all.

`.a2dsplus/review-index.sqlite` is made from the parquet tables batch by batch and made again when one of them changes; deleting
it costs seconds. Reading a video's masks from parquet instead would read the whole table each time.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from a2dsplus.dataset import samples_file
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import replacing
from a2dsplus.media.masks import Rle
from a2dsplus.records import Clip, Order, Slot, Status, SubsetName

_RECIPE = 3
STATUSES: tuple[Status, ...] = get_args(Status)
SLOTS = tuple(slot.value for slot in Slot)
# of the candidate pairs, as Catalogue has them
COLUMNS = ("query", "contrast", "tier", "shared", "differing", "rank", "status")
_TABLES = ("queries.parquet", "roles.parquet", "clips.parquet", "masks.parquet", "pairs.parquet")
_SAMPLES = ("S/samples.jsonl", "T/samples.jsonl")
_CREATE = """
CREATE TABLE made_from (stamp TEXT NOT NULL);
CREATE TABLE queries (position INTEGER PRIMARY KEY, query_id TEXT NOT NULL, video_id TEXT NOT NULL, expression_id TEXT NOT NULL,
    text TEXT NOT NULL, folded TEXT NOT NULL);
CREATE TABLE roles (query_id TEXT NOT NULL, frame INTEGER, role TEXT, slot TEXT, phrase TEXT, lemma TEXT);
CREATE TABLE clips (video_id TEXT PRIMARY KEY, path TEXT NOT NULL, frames INTEGER, height INTEGER, width INTEGER, rate TEXT);
CREATE TABLE masks (video_id TEXT NOT NULL, object TEXT, frame INTEGER, height INTEGER, width INTEGER, counts TEXT);
CREATE TABLE columns (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE orders (query_id TEXT NOT NULL, subset TEXT NOT NULL, ordering TEXT NOT NULL, PRIMARY KEY (query_id, subset));
"""
_INDEXES = """
CREATE INDEX queries_by_id ON queries (query_id);
CREATE INDEX queries_by_video ON queries (video_id);
CREATE INDEX roles_by_query ON roles (query_id);
CREATE INDEX masks_by_video ON masks (video_id);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A query as the page needs it: its place in the table, its ids, its text."""

    position: int
    query_id: str
    video_id: str
    expression_id: str
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
    """Look-ups by id in a dataset's tables. Safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self.path = workspace.path(".a2dsplus", "review-index.sqlite")
        self.stamp = stamp(workspace)
        if not self._current():
            _build(workspace, self.path, self.stamp)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )

    def query_ids(self) -> list[str]:
        """Return all query ids, in the table's order."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT query_id FROM queries ORDER BY position")]

    def column(self, name: str) -> npt.NDArray[np.int32]:
        """Return a column of the candidate pairs (see `Catalogue`), int32, sorted by query and rank."""
        found = self._rows("SELECT data FROM columns WHERE name = ?", name)
        return np.frombuffer(found[0][0], np.int32)

    def caption(self, query_id: str) -> Caption | None:
        """Return a query, or None where the dataset has no such one."""
        rows = self._rows(f"{_CAPTION} WHERE query_id = ?", query_id)
        return _caption(rows[0]) if rows else None

    def captions_of(self, video_id: str) -> list[Caption]:
        """Return all queries of a video, in the table's order."""
        return [_caption(row) for row in self._rows(f"{_CAPTION} WHERE video_id = ? ORDER BY position", video_id)]

    def containing(self, words: str) -> list[int]:
        """Return the positions of the queries whose caption, or id, contains a text, upper and lower case alike."""
        pattern = "%" + words.casefold().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        condition = r"folded LIKE ? ESCAPE '\' OR query_id LIKE ? ESCAPE '\'"
        return [row[0] for row in self._rows(f"SELECT position FROM queries WHERE {condition}", pattern, pattern)]

    def roles(self, query_id: str) -> list[RoleRow]:
        """Return a query's roles, in the table's order."""
        rows = self._rows(
            "SELECT frame, role, slot, phrase, lemma FROM roles WHERE query_id = ? ORDER BY rowid", query_id
        )
        return [
            RoleRow(frame=f, role=role, slot=slot, phrase=phrase, lemma=lemma) for f, role, slot, phrase, lemma in rows
        ]

    def clip(self, video_id: str, *, root: Path) -> Clip | None:
        """Return a video's clip below the source's folder, or None where the dataset has no such video."""
        rows = self._rows("SELECT path, frames, height, width, rate FROM clips WHERE video_id = ?", video_id)
        if not rows:
            return None
        file, frames, height, width, rate = rows[0]
        path = (root / file).resolve()
        return Clip(video_id=video_id, path=path, frames=frames, height=height, width=width, rate=Fraction(rate))

    def annotations(self, video_id: str) -> dict[int, dict[str, Rle]]:
        """Return {frame: {object: mask}} of a video."""
        found: dict[int, dict[str, Rle]] = {}
        columns = "frame, object, height, width, counts"
        for frame, name, height, width, counts in self._rows(
            f"SELECT {columns} FROM masks WHERE video_id = ? ORDER BY frame, rowid", video_id
        ):
            found.setdefault(frame, {})[name] = Rle(size=[height, width], counts=counts)
        return found

    def order(self, query_id: str, subset: SubsetName) -> Order:
        """Return which clip comes first in a query's sample; query first where it has none yet."""
        rows = self._rows("SELECT ordering FROM orders WHERE query_id = ? AND subset = ?", query_id, subset.value)
        return Order(rows[0][0]) if rows else Order.QUERY_FIRST

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def _current(self) -> bool:
        if not self.path.is_file():
            return False
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                found = connection.execute("SELECT stamp FROM made_from").fetchone()
        except sqlite3.Error:
            return False
        return found is not None and found[0] == self.stamp


_CAPTION = "SELECT position, query_id, video_id, expression_id, text FROM queries"


def _caption(row: Sequence[Any]) -> Caption:
    position, query_id, video_id, expression_id, text = row
    return Caption(position=position, query_id=query_id, video_id=video_id, expression_id=expression_id, text=text)


def stamp(workspace: Workspace) -> str:
    """Return a key that changes when a table that the review reads does."""
    states = []
    for name in (*_TABLES, *_SAMPLES):
        try:
            state = workspace.path(name).stat()
            states.append([name, state.st_size, state.st_mtime_ns, state.st_ino])
        except FileNotFoundError:
            states.append([name])
    return json.dumps([_RECIPE, states])


def batches(workspace: Workspace, name: str, columns: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
    """Yield a parquet table's columns, some thousand rows at a time; raises WorkspaceError where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = workspace.path(name)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=2048, columns=list(columns)):
                yield batch.to_pydict()
    except FileNotFoundError:
        raise WorkspaceError(f"{path}: missing; run `a2dsplus build --out {workspace.root}` to the end") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        words = str(error).splitlines()[0]
        raise WorkspaceError(f"{path}: damaged ({words}); delete it and run `a2dsplus build` again") from error


def _build(workspace: Workspace, path: Path, made_from: str) -> None:
    import pyarrow as pa

    with replacing(path) as partial, closing(sqlite3.connect(partial)) as connection:
        connection.executescript(_CREATE)
        position = 0
        for batch in batches(workspace, "queries.parquet", ("query_id", "video_id", "expression_id", "text")):
            ids, videos, expressions, texts = batch.values()
            numbers = range(position, position + len(ids))
            folded = [text.casefold() for text in texts]
            _insert(connection, "queries", zip(numbers, ids, videos, expressions, texts, folded, strict=True))
            position += len(ids)
        for table, columns in (
            ("roles", ("query_id", "role_frame", "role", "slot", "phrase", "lemma")),
            ("clips", ("video_id", "path", "frames", "height", "width", "rate")),
            ("masks", ("video_id", "object", "frame", "height", "width", "counts")),
        ):
            for batch in batches(workspace, f"{table}.parquet", columns):
                _insert(connection, table, zip(*(batch[column] for column in columns), strict=True))
        for subset, name in zip(("S", "T"), _SAMPLES, strict=True):
            if workspace.path(name).is_file():
                samples = samples_file.read(workspace.path(name))
                rows = ((sample.queries[0], subset, sample.order.value) for sample in samples)
                _insert(connection, "orders", rows)
        connection.executescript(_INDEXES)
        for name, values in _pair_columns(workspace, connection).items():
            connection.execute("INSERT INTO columns VALUES (?, ?)", (name, values.tobytes()))
        connection.execute("INSERT INTO made_from VALUES (?)", (made_from,))
        connection.commit()
    # what the tables took is not needed any more
    pa.default_memory_pool().release_unused()


def _pair_columns(workspace: Workspace, connection: sqlite3.Connection) -> dict[str, npt.NDArray[np.int32]]:
    """Return pairs.parquet as numbers, sorted by query and rank; raises WorkspaceError where it names an unknown query."""
    positions = dict(connection.execute("SELECT query_id, position FROM queries"))
    masks: dict[tuple[str, ...], int] = {}

    def located(query_ids: list[str]) -> list[int]:
        try:
            return [positions[query_id] for query_id in query_ids]
        except KeyError as error:
            raise WorkspaceError(
                f"{workspace.path('pairs.parquet')}: query {error.args[0]!r} is not in queries.parquet; run `a2dsplus build` again"
            ) from None

    def packed(rows: list[list[str]]) -> list[int]:
        keys = [tuple(row) for row in rows]
        masks.update((key, bits(key)) for key in set(keys) - masks.keys())
        return [masks[key] for key in keys]

    found: dict[str, list[npt.NDArray[np.int32]]] = {name: [np.empty(0, np.int32)] for name in COLUMNS}
    columns = ("query_id", "contrast_query_id", "tier", "shared", "differing", "rank", "status")
    for batch in batches(workspace, "pairs.parquet", columns):
        query, contrast, tier, shared, differing, rank, status = batch.values()
        statuses = [STATUSES.index(word) if word in STATUSES else 0 for word in status]
        values = (located(query), located(contrast), tier, packed(shared), packed(differing), rank, statuses)
        for name, column in zip(COLUMNS, values, strict=True):
            found[name].append(np.asarray(column, np.int32))
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    order = np.lexsort((joined["rank"], joined["query"]))
    return {name: values[order] for name, values in joined.items()}


def bits(names: Iterable[str]) -> int:
    """Return slots as bits; an unknown name is `other`."""
    return sum({1 << SLOTS.index(name) if name in SLOTS else 1 << SLOTS.index(Slot.OTHER) for name in names})


def _insert(connection: sqlite3.Connection, table: str, rows: Any) -> None:
    width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
    marks = ", ".join("?" * width)
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
