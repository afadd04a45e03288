"""The workspace's tables as records, both ways: what each stage hands to the next. The only reader and the only writer of each.

queries.parquet  query_id, video_id, expression_id, objects (list; null where the split withholds them), text, split
clips.parquet    video_id, path (relative to the source's root), frames, height, width, rate ("25/1"), frame_names (list; null: positions),
                 and the fields of `records.Coding` (start as "1/25")
masks.parquet    video_id, object, frame (1-based), height, width, counts (COCO's compressed run lengths); a video's rows stand together
roles.parquet    query_id, role_frame (0-based number of the caption's role frame), role, slot, phrase, lemma
pairs.parquet    query_id, contrast_query_id, tier, shared, differing, extra, kind, grade, because, doubt, relation, rank, status

A table that lacks a column, or has one of another type, is one error that names them.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError, WorkspaceError
from a2dsplus.files import replacing
from a2dsplus.media.masks import Rle
from a2dsplus.records import Clip, Coding, Grade, Kind, Pair, ParsedCaption, Query, Relation, Status, check_id
from a2dsplus.sources import Masks

# {query id: [(number of the caption's role frame, label, slot, cleaned phrase, lemmatised phrase), ...]}
RoleRows = dict[str, list[tuple[int, str, str, str, str]]]

_TEXTS = pa.list_(pa.string())
_CODED: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), Fraction: pa.string()}
_TABLES = {
    "queries.parquet": pa.schema(
        [
            pa.field("query_id", pa.string(), nullable=False),
            pa.field("video_id", pa.string(), nullable=False),
            pa.field("expression_id", pa.string(), nullable=False),
            pa.field("objects", _TEXTS),
            pa.field("text", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
        ]
    ),
    "clips.parquet": pa.schema(
        [
            pa.field("video_id", pa.string(), nullable=False),
            pa.field("path", pa.string(), nullable=False),
            pa.field("frames", pa.int64(), nullable=False),
            pa.field("height", pa.int64(), nullable=False),
            pa.field("width", pa.int64(), nullable=False),
            pa.field("rate", pa.string(), nullable=False),
            pa.field("frame_names", _TEXTS),
            *(pa.field(field.name, _CODED[field.type], nullable=False) for field in fields(Coding)),
        ]
    ),
    "masks.parquet": pa.schema(
        [
            pa.field("video_id", pa.string(), nullable=False),
            pa.field("object", pa.string(), nullable=False),
            pa.field("frame", pa.int64(), nullable=False),
            pa.field("height", pa.int64(), nullable=False),
            pa.field("width", pa.int64(), nullable=False),
            pa.field("counts", pa.string(), nullable=False),
        ]
    ),
    "roles.parquet": pa.schema(
        [
            pa.field("query_id", pa.string(), nullable=False),
            pa.field("role_frame", pa.int64(), nullable=False),
            pa.field("role", pa.string(), nullable=False),
            pa.field("slot", pa.string(), nullable=False),
            pa.field("phrase", pa.string(), nullable=False),
            pa.field("lemma", pa.string(), nullable=False),
        ]
    ),
    "pairs.parquet": pa.schema(
        [
            pa.field("query_id", pa.string(), nullable=False),
            pa.field("contrast_query_id", pa.string(), nullable=False),
            pa.field("tier", pa.int64()),
            pa.field("shared", _TEXTS, nullable=False),
            pa.field("differing", _TEXTS, nullable=False),
            pa.field("extra", _TEXTS, nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("grade", pa.string(), nullable=False),
            pa.field("because", pa.string(), nullable=False),
            pa.field("doubt", pa.float64(), nullable=False),
            pa.field("relation", pa.string(), nullable=False),
            pa.field("rank", pa.int64(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
        ]
    ),
}
SAMPLED = ".a2dsplus/sampled.parquet"
"""The pairs as drawn, before any review; its columns are those of pairs.parquet."""
_WORDS = {"kind": get_args(Kind), "grade": get_args(Grade), "relation": get_args(Relation), "status": get_args(Status)}
# rows that are read together: masks are looked up by video, the others read in stretches
_GROUP_ROWS = {"masks.parquet": 4096}
_MOST_GROUP_ROWS = 32768
_MOST_ROWS, _MOST_BYTES = 10**8, 8 * 2**30
_AGAIN = "run `a2dsplus build` again"


# ---- queries and clips -----------------------------------------------------------------------------------------------


def write_queries(
    workspace: Workspace, queries: Iterable[Query], *, columns: Mapping[str, Mapping[str, str | None]] | None = None
) -> None:
    """Write queries.parquet, in the order given. `columns`: texts of the source's own by column and query id, kept and not read again."""
    queries = list(queries)
    rows = [
        (q.query_id, q.video_id, q.expression_id, None if q.objects is None else list(q.objects), q.text, q.split)
        for q in queries
    ]
    others = {
        name: [texts.get(query.query_id) for query in queries]
        for name, texts in (columns or {}).items()
        if name not in _TABLES["queries.parquet"].names
    }
    _write(workspace, "queries.parquet", rows, others=others)


def read_queries(workspace: Workspace) -> list[Query]:
    """Return the queries, in the table's order; raises WorkspaceError where the table is missing or damaged."""
    queries = []
    for number, row in enumerate(_rows(workspace, "queries.parquet")):
        query_id, video, expression, objects, text, split = row
        named = None if objects is None else tuple(objects)
        try:
            query = Query(video_id=video, expression_id=expression, objects=named, text=text, split=split)
        except InputError as error:
            raise _at_fault(workspace, "queries.parquet", number, str(error)) from error
        if query.query_id != query_id:
            raise _at_fault(workspace, "queries.parquet", number, f"query_id {query_id!r:.80} is not {query.query_id}")
        queries.append(query)
    return queries


def write_clips(workspace: Workspace, clips: Iterable[Clip], *, root: Path) -> None:
    """Write clips.parquet, paths relative to the source's root."""
    names = [field.name for field in fields(Coding)]
    rows = [
        (
            clip.video_id,
            clip.path.relative_to(root).as_posix(),
            clip.frames,
            clip.height,
            clip.width,
            _ratio(clip.rate),
            None if clip.frame_names is None else list(clip.frame_names),
            *(
                _ratio(value) if isinstance(value, Fraction) else value
                for value in (getattr(clip.coding, n) for n in names)
            ),
        )
        for clip in clips
    ]
    _write(workspace, "clips.parquet", rows)


class ClipTable(Mapping[str, Clip]):
    """clips.parquet as {video id: clip}, a clip made when it is asked for; paths are below `root` (see `read_clips`)."""

    def __init__(self, workspace: Workspace, *, root: Path | None = None) -> None:
        self._workspace = workspace
        self._root = root if root is not None else source_root(workspace)
        table = read_columns(workspace, "clips.parquet", _TABLES["clips.parquet"].names)
        self._place = {video: place for place, video in enumerate(table["video_id"].to_pylist())}
        # what most clips have in common is kept once
        self._columns = [
            column.dictionary_encode() if pa.types.is_string(column.type) else column for column in table.columns
        ]

    def __len__(self) -> int:
        return len(self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __contains__(self, video: object) -> bool:
        return video in self._place

    def __getitem__(self, video: str) -> Clip:
        place = self._place[video]
        row = tuple(column[place].as_py() for column in self._columns)
        return _clip(self._workspace, place, row, base=self._root)


def read_clips(workspace: Workspace, *, root: Path | None = None) -> dict[str, Clip]:
    """Return {video id: clip}, the paths below `root` (by default, the source's folder that the dataset was built from)."""
    base = root if root is not None else source_root(workspace)
    rows = enumerate(_rows(workspace, "clips.parquet"))
    return {clip.video_id: clip for clip in (_clip(workspace, number, row, base=base) for number, row in rows)}


def _clip(workspace: Workspace, number: int, row: tuple[Any, ...], *, base: Path) -> Clip:
    video, path, frames, height, width, rate, names, *coding = row
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise _at_fault(workspace, "clips.parquet", number, f"path {path!r:.80} leaves the source's folder")
    values = dict(zip((field.name for field in fields(Coding)), coding, strict=True))
    try:
        return Clip(
            video_id=check_id(video, what="video", where="clip"),
            path=base / path,
            frames=frames,
            height=height,
            width=width,
            rate=Fraction(rate),
            frame_names=None if names is None else tuple(names),
            coding=Coding(**{**values, "start": Fraction(values["start"])}),
        )
    except (ValueError, ZeroDivisionError):
        raise _at_fault(workspace, "clips.parquet", number, f"rate {rate!r:.40} or start is no fraction") from None
    except InputError as error:
        raise _at_fault(workspace, "clips.parquet", number, str(error)) from error


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def write_source_root(workspace: Workspace, root: Path) -> None:
    """Remember where the source lies on this machine (no part of the dataset)."""
    workspace.write_json(".a2dsplus/source.json", {"root": str(root.resolve())})


def source_root(workspace: Workspace) -> Path:
    """Return the source's folder; raises WorkspaceError where it has moved."""
    try:
        name = workspace.read_json(".a2dsplus/source.json")["root"]
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
            raise KeyError(name)
        root = Path(name)
    except (KeyError, TypeError, AttributeError, WorkspaceError):
        raise WorkspaceError(
            f"{workspace.root}: does not know where its source clips are; run `a2dsplus build --root DIR --out {workspace.root}` once"
        ) from None
    if not root.is_dir():
        raise WorkspaceError(
            f"{root}: the source clips of {workspace.root} are not there any more; run `a2dsplus build` with the new --root"
        )
    return root


# ---- masks -----------------------------------------------------------------------------------------------------------


def write_masks(workspace: Workspace, masks: Mapping[str, Masks]) -> None:
    """Write masks.parquet from {video id: {frame: {object: mask}}}."""
    rows = [
        (video, name, frame, rle["size"][0], rle["size"][1], rle["counts"])
        for video, frames in masks.items()
        for frame, objects in frames.items()
        for name, rle in objects.items()
    ]
    _write(workspace, "masks.parquet", rows)


class MaskTable(Mapping[str, Masks]):
    """masks.parquet as {video id: {frame: {object: mask}}}, read video by video when asked; a video without masks is absent."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._file = _open(workspace, "masks.parquet")
        # where a video's rows are: [(row group, first row, one beyond the last)]
        self._places: dict[str, list[tuple[int, int, int]]] = {}
        for group in range(self._file.num_row_groups):
            first = 0
            column = _read_group(workspace, "masks.parquet", self._file, group, ["video_id"])["video_id"].to_pylist()
            for row, video in enumerate(column):
                if row + 1 == len(column) or column[row + 1] != video:
                    self._places.setdefault(video, []).append((group, first, row + 1))
                    first = row + 1
        self._groups: OrderedDict[int, pa.Table] = OrderedDict()
        self._videos: OrderedDict[str, Masks] = OrderedDict()

    def __reduce__(self) -> tuple[type["MaskTable"], tuple[Workspace]]:
        # to another process goes the place, not the open file
        return MaskTable, (self._workspace,)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __contains__(self, video: object) -> bool:
        return video in self._places

    def __getitem__(self, video: str) -> Masks:
        places = self._places[video]
        known = self._videos.get(video)
        if known is not None:
            self._videos.move_to_end(video)
            return known
        found: dict[int, dict[str, Rle]] = {}
        for group, first, stop in places:
            rows = self._group(group).slice(first, stop - first)
            names = [column.to_pylist() for column in rows.columns]
            for _, name, frame, height, width, counts in zip(*names, strict=True):
                if min(height, width) < 1 or height * width > 2**28:
                    raise WorkspaceError(
                        f"{self._workspace.path('masks.parquet')}: mask of {video}, frame {frame}, is {height}x{width}; {_AGAIN}"
                    )
                found.setdefault(frame, {})[name] = Rle(size=[height, width], counts=counts)
        ordered = dict(sorted(found.items()))
        self._videos[video] = ordered
        if len(self._videos) > 1024:
            self._videos.popitem(last=False)
        return ordered

    def _group(self, group: int) -> pa.Table:
        if group not in self._groups:
            columns = _TABLES["masks.parquet"].names
            self._groups[group] = _read_group(self._workspace, "masks.parquet", self._file, group, columns)
            if len(self._groups) > 16:
                self._groups.popitem(last=False)
        self._groups.move_to_end(group)
        return self._groups[group]


def read_masks(workspace: Workspace) -> Mapping[str, Masks]:
    """Return {video id: {frame: {object: mask}}}, read when asked; raises WorkspaceError where the table is missing or damaged."""
    return MaskTable(workspace)


# ---- roles and pairs -------------------------------------------------------------------------------------------------


def write_roles(workspace: Workspace, parsed: Mapping[str, ParsedCaption]) -> None:
    """Write roles.parquet from {query id: parsed caption}."""
    rows = [
        (query_id, number, role.role, role.slot.value, role.phrase, role.lemma)
        for query_id, caption in parsed.items()
        for number, frame in enumerate(caption.frames)
        for role in frame.roles
    ]
    _write(workspace, "roles.parquet", rows)


def read_roles(workspace: Workspace) -> RoleRows:
    """Return each query's roles; a query whose caption gave none is absent."""
    found: RoleRows = {}
    for query_id, number, role, slot, phrase, lemma in _rows(workspace, "roles.parquet"):
        found.setdefault(query_id, []).append((number, role, slot, phrase, lemma))
    return found


def write_pairs(workspace: Workspace, pairs: Iterable[Pair], *, name: str = "pairs.parquet") -> None:
    """Write pairs.parquet, or another table of its columns; `shared`, `differing` and `extra` are lists of slots, `tier` may be null."""
    columns = _TABLES["pairs.parquet"].names
    rows = [tuple(_cell(getattr(pair, column)) for column in columns) for pair in pairs]
    _write(workspace, name, rows, contract="pairs.parquet")


def read_pairs(workspace: Workspace, *, name: str = "pairs.parquet") -> list[Pair]:
    """Return the pairs, those in use and the alternatives, by rank in each query."""
    columns = _TABLES["pairs.parquet"].names
    pairs = []
    for number, row in enumerate(_rows(workspace, name, contract="pairs.parquet")):
        cells: dict[str, Any] = {
            column: tuple(cell) if isinstance(cell, list) else cell for column, cell in zip(columns, row, strict=True)
        }
        for column, allowed in _WORDS.items():
            if cells[column] not in allowed:
                what = f"{column} {cells[column]!r:.40} is none of {', '.join(allowed)}"
                raise _at_fault(workspace, name, number, what)
        try:
            pairs.append(Pair(**cells))
        except InputError as error:
            raise _at_fault(workspace, name, number, str(error)) from error
    return pairs


def _cell(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def write_columns(
    workspace: Workspace,
    name: str,
    columns: Mapping[str, Any],
    *,
    contract: str | None = None,
    others: Mapping[str, list[str | None]] | None = None,
) -> None:
    """Write a table from its columns, {name: values}. `contract`: the table whose columns it has, if not its own; `others`: texts to keep
    behind them."""
    schema = _TABLES[contract or name]
    table = pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
    for column, texts in sorted((others or {}).items()):
        table = table.append_column(column, pa.array(texts, pa.string()))
    with replacing(workspace.path(name)) as partial:
        pq.write_table(table, partial, row_group_size=_GROUP_ROWS.get(name, _MOST_GROUP_ROWS))


def column_groups(
    workspace: Workspace, name: str, columns: list[str], *, contract: str | None = None
) -> Iterator[pa.Table]:
    """Yield columns of a table as they stand on disk, some ten thousand rows at a time; raises WorkspaceError as the readers do.

    `contract`: the table whose columns it has, if not its own.
    """
    file = _open(workspace, name, contract=contract)
    schema = pa.schema([_TABLES[contract or name].field(column) for column in columns])
    for group in range(file.num_row_groups):
        yield _read_group(workspace, name, file, group, columns, contract=contract).cast(schema)


def read_columns(workspace: Workspace, name: str, columns: list[str]) -> pa.Table:
    """Return columns of a table as they stand on disk, for who reads a hundred thousand rows; raises WorkspaceError as the readers do."""
    groups = list(column_groups(workspace, name, columns))
    schema = pa.schema([_TABLES[name].field(column) for column in columns])
    return pa.concat_tables(groups) if groups else schema.empty_table()


# ---- parquet ---------------------------------------------------------------------------------------------------------


def _write(
    workspace: Workspace,
    name: str,
    rows: list[tuple[Any, ...]],
    *,
    contract: str | None = None,
    others: Mapping[str, list[str | None]] | None = None,
) -> None:
    names = _TABLES[contract or name].names
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    write_columns(workspace, name, dict(zip(names, values, strict=True)), contract=contract, others=others)


def _rows(workspace: Workspace, name: str, *, contract: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield a table's rows, in the order of the contract's columns."""
    contract = contract or name
    file = _open(workspace, name, contract=contract)
    for group in range(file.num_row_groups):
        table = _read_group(workspace, name, file, group, _TABLES[contract].names, contract=contract)
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def _open(workspace: Workspace, name: str, *, contract: str | None = None) -> pq.ParquetFile:
    path, schema = workspace.path(name), _TABLES[contract or name]
    workspace.check_unchanged(name)
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        rows, size = file.metadata.num_rows, path.stat().st_size
        unpacked = sum(file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups))
    except FileNotFoundError:
        raise WorkspaceError(f"{path}: missing; run `a2dsplus build --out {workspace.root}` to the end") from None
    except Exception as error:  # a damaged file makes the reader raise anything
        raise _damaged(path, error) from error
    absent = [column for column in schema.names if column not in names]
    if absent:
        older = "made by an older version" if "instance_id" in names or "file" in names else "not this toolkit's table"
        raise WorkspaceError(f"{path}: has no column {', '.join(absent)} ({older}); {_AGAIN}")
    if rows > _MOST_ROWS or unpacked > max(_MOST_BYTES, 64 * size):
        raise WorkspaceError(f"{path}: {rows} rows of {unpacked} bytes, more than a dataset can have; {_AGAIN}")
    return file


def _read_group(
    workspace: Workspace,
    name: str,
    file: pq.ParquetFile,
    group: int,
    columns: list[str],
    *,
    contract: str | None = None,
) -> pa.Table:
    path, schema = workspace.path(name), _TABLES[contract or name]
    try:
        table = file.read_row_group(group, columns=columns).select(columns)
        table.validate(full=True)
    except Exception as error:  # a damaged file makes the reader raise anything
        raise _damaged(path, error) from error
    for column in columns:
        field = schema.field(column)
        found = table.schema.field(column).type
        if not _fits(found, field.type):
            raise WorkspaceError(f"{path}: column {column} is of {found}, expected {field.type}; {_AGAIN}")
        if not field.nullable and table[column].null_count:
            raise WorkspaceError(f"{path}: column {column} has {table[column].null_count} empty cells; {_AGAIN}")
        if pa.types.is_list(field.type) and table[column].combine_chunks().flatten().null_count:
            raise WorkspaceError(f"{path}: column {column} has empty entries in its lists; {_AGAIN}")
    return table


def _fits(found: pa.DataType, expected: pa.DataType) -> bool:
    if pa.types.is_list(expected):
        return (pa.types.is_list(found) or pa.types.is_large_list(found)) and _fits(
            found.value_type, expected.value_type
        )
    if pa.types.is_string(expected):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    if pa.types.is_integer(expected):
        return bool(pa.types.is_integer(found))
    return bool(found == expected)


def _damaged(path: Path, error: Exception) -> WorkspaceError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return WorkspaceError(f"{path}: damaged ({reason:.160}); delete it and {_AGAIN}")


def _at_fault(workspace: Workspace, name: str, number: int, what: str) -> WorkspaceError:
    return WorkspaceError(f"{workspace.path(name)}, row {number}: {what}; {_AGAIN}")
