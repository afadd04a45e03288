"""The workspace's tables as records, both ways: what each stage hands to the next. The only reader and the only writer of each.

queries.parquet  query_id, video_id, expression_id, objects (list; null where the split withholds them), text, split
clips.parquet    video_id, path (relative to the source's root), frames, height, width, rate ("25/1"), frame_names (list; null: positions),
                 and the fields of `records.Coding` (start as "1/25")
masks.parquet    video_id, object, frame (1-based), height, width, counts (COCO's compressed run lengths); a video's rows stand together
roles.parquet    query_id, role_frame (0-based number of the caption's role frame), role, slot, phrase, lemma
pairs.parquet    query_id, contrast_query_id, tier, shared, differing, extra, kind, grade, because, doubt, relation, rank, status

The columns and their types are `dataset/parquet.py`'s.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from a2dsplus.dataset import parquet
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError, WorkspaceError
from a2dsplus.media.masks import Rle
from a2dsplus.records import Clip, Coding, Grade, Kind, Pair, ParsedCaption, Query, Relation, Status, check_id
from a2dsplus.sources import Masks

# {query id: [(number of the caption's role frame, label, slot, cleaned phrase, lemmatised phrase), ...]}
RoleRows = dict[str, list[tuple[int, str, str, str, str]]]

SAMPLED = ".a2dsplus/sampled.parquet"
"""The pairs as drawn, before any review; its columns are those of pairs.parquet."""
_WORDS = {"kind": get_args(Kind), "grade": get_args(Grade), "relation": get_args(Relation), "status": get_args(Status)}


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
        if name not in parquet.TABLES["queries.parquet"].names
    }
    parquet.write_rows(workspace, "queries.parquet", rows, others=others)


def read_queries(workspace: Workspace) -> list[Query]:
    """Return the queries, in the table's order; raises WorkspaceError where the table is missing or damaged."""
    queries = []
    for number, row in enumerate(parquet.rows(workspace, "queries.parquet")):
        query_id, video, expression, objects, text, split = row
        named = None if objects is None else tuple(objects)
        try:
            query = Query(video_id=video, expression_id=expression, objects=named, text=text, split=split)
        except InputError as error:
            raise parquet.at_fault(workspace, "queries.parquet", number, str(error)) from error
        if query.query_id != query_id:
            raise parquet.at_fault(
                workspace, "queries.parquet", number, f"query_id {query_id!r:.80} is not {query.query_id}"
            )
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
    parquet.write_rows(workspace, "clips.parquet", rows)


class ClipTable(Mapping[str, Clip]):
    """clips.parquet as {video id: clip}, a clip made when it is asked for; paths are below `root` (see `read_clips`)."""

    def __init__(self, workspace: Workspace, *, root: Path | None = None) -> None:
        self._workspace = workspace
        self._root = root if root is not None else source_root(workspace)
        table = parquet.read_columns(workspace, "clips.parquet", parquet.TABLES["clips.parquet"].names)
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
    rows = enumerate(parquet.rows(workspace, "clips.parquet"))
    return {clip.video_id: clip for clip in (_clip(workspace, number, row, base=base) for number, row in rows)}


def _clip(workspace: Workspace, number: int, row: tuple[Any, ...], *, base: Path) -> Clip:
    video, path, frames, height, width, rate, names, *coding = row
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise parquet.at_fault(workspace, "clips.parquet", number, f"path {path!r:.80} leaves the source's folder")
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
        raise parquet.at_fault(
            workspace, "clips.parquet", number, f"rate {rate!r:.40} or start is no fraction"
        ) from None
    except InputError as error:
        raise parquet.at_fault(workspace, "clips.parquet", number, str(error)) from error


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
    parquet.write_rows(workspace, "masks.parquet", rows)


class MaskTable(Mapping[str, Masks]):
    """masks.parquet as {video id: {frame: {object: mask}}}, read video by video when asked; a video without masks is absent."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._file = parquet.open_table(workspace, "masks.parquet")
        # where a video's rows are: [(row group, first row, one beyond the last)]
        self._places: dict[str, list[tuple[int, int, int]]] = {}
        for group in range(self._file.num_row_groups):
            first = 0
            column = parquet.read_group(workspace, "masks.parquet", self._file, group, ["video_id"])[
                "video_id"
            ].to_pylist()
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
                        f"{self._workspace.path('masks.parquet')}: mask of {video}, frame {frame}, is {height}x{width}; {parquet.AGAIN}"
                    )
                found.setdefault(frame, {})[name] = Rle(size=[height, width], counts=counts)
        ordered = dict(sorted(found.items()))
        self._videos[video] = ordered
        if len(self._videos) > 1024:
            self._videos.popitem(last=False)
        return ordered

    def _group(self, group: int) -> pa.Table:
        if group not in self._groups:
            columns = parquet.TABLES["masks.parquet"].names
            self._groups[group] = parquet.read_group(self._workspace, "masks.parquet", self._file, group, columns)
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
    parquet.write_rows(workspace, "roles.parquet", rows)


def read_roles(workspace: Workspace) -> RoleRows:
    """Return each query's roles; a query whose caption gave none is absent."""
    found: RoleRows = {}
    for query_id, number, role, slot, phrase, lemma in parquet.rows(workspace, "roles.parquet"):
        found.setdefault(query_id, []).append((number, role, slot, phrase, lemma))
    return found


def write_pairs(workspace: Workspace, pairs: Iterable[Pair], *, name: str = "pairs.parquet") -> None:
    """Write pairs.parquet, or another table of its columns; `shared`, `differing` and `extra` are lists of slots, `tier` may be null."""
    columns = parquet.TABLES["pairs.parquet"].names
    rows = [tuple(_cell(getattr(pair, column)) for column in columns) for pair in pairs]
    parquet.write_rows(workspace, name, rows, contract="pairs.parquet")


def read_pairs(workspace: Workspace, *, name: str = "pairs.parquet") -> list[Pair]:
    """Return the pairs, those in use and the alternatives, by rank in each query."""
    columns = parquet.TABLES["pairs.parquet"].names
    pairs = []
    for number, row in enumerate(parquet.rows(workspace, name, contract="pairs.parquet")):
        cells: dict[str, Any] = {
            column: tuple(cell) if isinstance(cell, list) else cell for column, cell in zip(columns, row, strict=True)
        }
        for column, allowed in _WORDS.items():
            if cells[column] not in allowed:
                what = f"{column} {cells[column]!r:.40} is none of {', '.join(allowed)}"
                raise parquet.at_fault(workspace, name, number, what)
        try:
            pairs.append(Pair(**cells))
        except InputError as error:
            raise parquet.at_fault(workspace, name, number, str(error)) from error
    return pairs


def _cell(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
