"""The contract of the workspace's tables: each one's columns and types, and the one way to write or read them as parquet.

`dataset/tables.py` makes records of the rows and says what each column holds. A table that lacks a column, or has one of another type, is
one error that names them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import replacing, require_regular
from a2dsplus.records import Coding

_TEXTS = pa.list_(pa.string())
_CODED: dict[Any, pa.DataType] = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), Fraction: pa.string()}
TABLES = {
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
# rows that are read together: masks are looked up by video, the others read in stretches
_GROUP_ROWS = {"masks.parquet": 4096}
_MOST_GROUP_ROWS = 32768
_MOST_ROWS, _MOST_BYTES = 10**8, 8 * 2**30
AGAIN = "run `a2dsplus build` again"


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
    schema = TABLES[contract or name]
    table = pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
    for column, texts in sorted((others or {}).items()):
        table = table.append_column(column, pa.array(texts, pa.string()))
    with replacing(workspace.path(name)) as partial:
        # absolute: pyarrow takes a name such as data:2023/x for an address
        pq.write_table(table, partial.absolute(), row_group_size=_GROUP_ROWS.get(name, _MOST_GROUP_ROWS))


def column_groups(
    workspace: Workspace, name: str, columns: list[str], *, contract: str | None = None
) -> Iterator[pa.Table]:
    """Yield columns of a table as they stand on disk, some ten thousand rows at a time; raises WorkspaceError as the readers do.

    `contract`: the table whose columns it has, if not its own.
    """
    file = open_table(workspace, name, contract=contract)
    schema = pa.schema([TABLES[contract or name].field(column) for column in columns])
    for group in range(file.num_row_groups):
        yield read_group(workspace, name, file, group, columns, contract=contract).cast(schema)


def read_columns(workspace: Workspace, name: str, columns: list[str]) -> pa.Table:
    """Return columns of a table as they stand on disk, for who reads a hundred thousand rows; raises WorkspaceError as the readers do."""
    groups = list(column_groups(workspace, name, columns))
    schema = pa.schema([TABLES[name].field(column) for column in columns])
    return pa.concat_tables(groups) if groups else schema.empty_table()


def write_rows(
    workspace: Workspace,
    name: str,
    rows: list[tuple[Any, ...]],
    *,
    contract: str | None = None,
    others: Mapping[str, list[str | None]] | None = None,
) -> None:
    """Write a table from rows, each in the order of the contract's columns; otherwise as `write_columns`."""
    names = TABLES[contract or name].names
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    write_columns(workspace, name, dict(zip(names, values, strict=True)), contract=contract, others=others)


def rows(workspace: Workspace, name: str, *, contract: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield a table's rows, in the order of the contract's columns."""
    contract = contract or name
    file = open_table(workspace, name, contract=contract)
    for group in range(file.num_row_groups):
        table = read_group(workspace, name, file, group, TABLES[contract].names, contract=contract)
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def open_table(workspace: Workspace, name: str, *, contract: str | None = None) -> pq.ParquetFile:
    """Return a table's file, its columns and size looked at. Raises WorkspaceError where it is missing, damaged, changed or no such table."""
    path, schema = workspace.path(name), TABLES[contract or name]
    workspace.check_unchanged(name)
    try:
        require_regular(path)
        file = pq.ParquetFile(path.absolute())
        names = file.schema_arrow.names
        rows, size = file.metadata.num_rows, path.stat().st_size
        unpacked = sum(file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups))
    except FileNotFoundError:
        raise WorkspaceError(f"{path}: missing; run `a2dsplus build --out {workspace.root}` to the end") from None
    except Exception as error:  # a damaged file makes the reader raise anything
        raise damaged(path, error) from error
    absent = [column for column in schema.names if column not in names]
    if absent:
        older = "made by an older version" if "instance_id" in names or "file" in names else "not this toolkit's table"
        raise WorkspaceError(f"{path}: has no column {', '.join(absent)} ({older}); {AGAIN}")
    if rows > _MOST_ROWS or unpacked > max(_MOST_BYTES, 64 * size):
        raise WorkspaceError(f"{path}: {rows} rows of {unpacked} bytes, more than a dataset can have; {AGAIN}")
    return file


def read_group(
    workspace: Workspace,
    name: str,
    file: pq.ParquetFile,
    group: int,
    columns: list[str],
    *,
    contract: str | None = None,
) -> pa.Table:
    """Return columns of one row group, their types and empty cells looked at. Raises WorkspaceError where they break the contract."""
    path, schema = workspace.path(name), TABLES[contract or name]
    try:
        table = file.read_row_group(group, columns=columns).select(columns)
        table.validate(full=True)
    except Exception as error:  # a damaged file makes the reader raise anything
        raise damaged(path, error) from error
    for column in columns:
        field = schema.field(column)
        found = table.schema.field(column).type
        if not _fits(found, field.type):
            raise WorkspaceError(f"{path}: column {column} is of {found}, expected {field.type}; {AGAIN}")
        if not field.nullable and table[column].null_count:
            raise WorkspaceError(f"{path}: column {column} has {table[column].null_count} empty cells; {AGAIN}")
        if pa.types.is_list(field.type) and table[column].combine_chunks().flatten().null_count:
            raise WorkspaceError(f"{path}: column {column} has empty entries in its lists; {AGAIN}")
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


def damaged(path: Path, error: Exception) -> WorkspaceError:
    """Return the one line about a file that the reader cannot make sense of."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return WorkspaceError(f"{path}: damaged ({reason:.160}); delete it and {AGAIN}")


def at_fault(workspace: Workspace, name: str, number: int, what: str) -> WorkspaceError:
    """Return the one line about a row that is no record."""
    return WorkspaceError(f"{workspace.path(name)}, row {number}: {what}; {AGAIN}")
