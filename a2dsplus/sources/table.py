"""Anybody's own data: a table with a row an expression.

    video    the clip: a video file, or a folder of images, relative to the table
    text     the expression
    query    optional: the expression's id, unique in its video; else expressions are counted from 0
    object   optional: the object's id; several are joined by `;`; empty: the expression has no target
    split    optional: without it every split is all of the table
    masks    optional: a folder of PNG, one an annotated frame, named by its number from 1 or as the frames are. A folder that rows of several
             objects name holds object numbers; else what is not 0 is the object
    rle      optional, in place of masks: a JSON list with one COCO run-length mask or null a frame; null: the frame is not annotated

The table is a .csv (UTF-8) or .parquet file, or `table.csv` or `table.parquet` in a folder. Other columns are kept in queries.parquet.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from a2dsplus.errors import AnnotationError
from a2dsplus.files import inside, read_bytes, require_regular
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import Rle, encode
from a2dsplus.records import Clip, Query, to_id
from a2dsplus.sources import Listing, Video, checked_ids
from a2dsplus.sources.files import read_indices
from a2dsplus.sources.mevis import read_rle

COLUMNS = ("video", "text", "query", "object", "split", "masks", "rle")
_NEEDED = ("video", "text")
_NAMES = ("table.csv", "table.parquet")


class TableSource:
    """A table of expressions, and the clips and masks that it names."""

    name: ClassVar[str] = "table"
    splits: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None for a table or a folder that holds one, else what is missing."""
        if root.is_file():
            return None if root.suffix.lower() in (".csv", ".parquet") else "a .csv or .parquet file"
        return None if any((root / name).is_file() for name in _NAMES) else " or ".join(_NAMES)

    def __init__(self, root: Path) -> None:
        what = self.missing(root)
        if what is not None:
            raise AnnotationError(f"{root}: is not {what}; give the table with --root")
        self.table = root if root.is_file() else next(root / name for name in _NAMES if (root / name).is_file())
        self.root = self.table.parent
        self._rows: dict[str, list[tuple[int, Mapping[str, str | None], Query]]] = {}
        self._folders: dict[str, set[str]] = {}

    def listing(self, split: str) -> Listing:
        """Return the table's expressions of a split; raises AnnotationError with the row for what is missing or twice."""
        rows = list(_read(self.table))
        columns = set(rows[0][1]) if rows else set()
        absent = [name for name in _NEEDED if name not in columns]
        if not rows or absent:
            what = f"has no column {' and '.join(absent)}" if rows else "has no rows"
            raise AnnotationError(
                f"{self.table}: {what}; it needs {' and '.join(_NEEDED)}, and may have {', '.join(COLUMNS[2:])}"
            )
        if {"masks", "rle"} <= columns:
            raise AnnotationError(f"{self.table}: has both masks and rle; keep one of the two columns")
        counted: dict[str, int] = {}
        paths: dict[str, str] = {}
        queries = []
        for number, row in rows:
            where = f"{self.table}, row {number}"
            video = self._video_id(row, paths, where)
            expression = row.get("query")
            if not expression:
                expression = str(counted.get(video, 0))
                counted[video] = counted.get(video, 0) + 1
            own = row.get("split") or split
            if own != split:
                continue
            text = row["text"]
            if not text or not text.strip():
                raise AnnotationError(f"{where}: the text is empty; correct the row")
            query = Query(
                video_id=video,
                expression_id=to_id(expression.strip()),
                objects=self._objects(row, to_id(expression.strip())),
                text=text,
                split=split,
            )
            if row.get("masks"):
                self._folders.setdefault(str(row["masks"]), set()).update(query.objects or ())
            self._rows.setdefault(video, []).append((number, row, query))
            queries.append(query)
        if not queries:
            there = sorted({row.get("split") or "" for _, row in rows})
            raise AnnotationError(f"{self.table}: no row of split {split}; there are {', '.join(there)}")
        others = sorted(columns - set(COLUMNS))
        kept = {
            name: {query.query_id: row.get(name) for own in self._rows.values() for _, row, query in own}
            for name in others
        }
        return Listing(queries=checked_ids(sorted(queries, key=lambda query: query.query_id)), columns=kept)

    def video(self, video_id: str) -> Video:
        """Return a clip and the masks of its rows' objects; None where no row has any."""
        rows = self._rows[video_id]
        clip = probe(inside(self.root, _relative(rows[0][1]["video"])), video_id=video_id)
        masks: dict[int, dict[str, Rle]] = {}
        for number, row, query in rows:
            where = f"{self.table}, row {number}"
            found = self._masks(row, query, clip, where)
            if found and len(query.objects or ()) != 1:
                raise AnnotationError(
                    f"{where}: has masks and names {len(query.objects or ())} objects; give a row of its own to each object"
                )
            for frame, rle in found.items():
                name = (query.objects or ("",))[0]
                if masks.setdefault(frame, {}).setdefault(name, rle) != rle:
                    raise AnnotationError(
                        f"{where}: another mask of object {name} at frame {frame} than an earlier row's; correct one"
                    )
        return Video(clip=clip, masks=dict(sorted(masks.items())) or None)

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from."""
        yield self.table
        if not self._rows:
            self.listing(split)
        for rows in self._rows.values():
            places = {
                _relative(rows[0][1]["video"]),
                *(_relative(row["masks"]) for _, row, _ in rows if row.get("masks")),
            }
            for place in sorted(places):
                path = inside(self.root, place)
                yield from sorted(path.glob("[!.]*")) if path.is_dir() else [path]

    def _video_id(self, row: Mapping[str, str | None], paths: dict[str, str], where: str) -> str:
        name = row["video"]
        if not name or not name.strip():
            raise AnnotationError(f"{where}: names no video; correct the row")
        relative = _relative(name)
        video = to_id(str(Path(relative).with_suffix("")) if Path(relative).suffix else relative)
        if paths.setdefault(video, relative) != relative:
            raise AnnotationError(
                f"{where}: {relative} and {paths[video]} would be one video, {video}; rename one of them"
            )
        return video

    def _objects(self, row: Mapping[str, str | None], expression: str) -> tuple[str, ...] | None:
        if "object" in row:
            return tuple(to_id(name.strip()) for name in (row["object"] or "").split(";") if name.strip())
        # without a column the mask of a row is its own object's
        return (expression,) if row.get("masks") or row.get("rle") else None

    def _masks(self, row: Mapping[str, str | None], query: Query, clip: Clip, where: str) -> dict[int, Rle]:
        if row.get("rle"):
            try:
                entries = json.loads(row["rle"] or "")
            except (ValueError, RecursionError) as error:
                raise AnnotationError(
                    f"{where}: rle is not JSON ({error}); expected a list with one mask or null a frame"
                ) from error
            if not isinstance(entries, list) or len(entries) != clip.frames:
                count = len(entries) if isinstance(entries, list) else "no"
                raise AnnotationError(
                    f"{where}: rle has {count} entries, the clip has {clip.frames} frames; give one, or null, a frame"
                )
            return {
                frame: read_rle(entry, height=clip.height, width=clip.width, where=f"{where}, frame {frame}")
                for frame, entry in enumerate(entries, 1)
                if entry is not None
            }
        if not row.get("masks"):
            return {}
        folder = inside(self.root, _relative(row["masks"]))
        pictures = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() == ".png")
        if not pictures:
            raise AnnotationError(f"{folder}: has no PNG, the masks of {where}; correct the row")
        numbered = len(self._folders[str(row["masks"])]) > 1
        found: dict[int, Rle] = {}
        of: dict[int, Path] = {}
        for path in pictures:
            frame = _frame(path, clip)
            if of.setdefault(frame, path) != path:
                raise AnnotationError(
                    f"{path}: the mask of frame {frame}, as {of[frame].name} is; remove one of the two"
                )
            indices = read_indices(path, height=clip.height, width=clip.width)
            if not numbered:
                there = indices != 0
                if not (indices[there] == indices.max()).all():
                    raise AnnotationError(
                        f"{path}: has more than two levels, up to {indices.max()}; a mask has two values: write 255 on the object and 0 elsewhere"
                    )
                found[frame] = encode(there)
                continue
            name = (query.objects or ("",))[0]
            if not name.isdigit() or not 1 <= int(name) <= 255:
                raise AnnotationError(
                    f"{where}: {folder} is of several objects, and object {name!r} is no number from 1 to 255; correct the row"
                )
            found[frame] = encode(indices == int(name))
        return found


def _relative(name: str | None) -> str:
    return Path(name or "").as_posix()


def _frame(path: Path, clip: Clip) -> int:
    if clip.frame_names and path.stem in clip.frame_names:
        return clip.frame_names.index(path.stem) + 1
    if not path.stem.isdigit() or not 1 <= int(path.stem) <= clip.frames:
        raise AnnotationError(
            f"{path}: expected the name of a frame or a number from 1 to {clip.frames}; rename the file"
        )
    return int(path.stem)


def _read(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield (row number, cells as text) of a table."""
    if path.suffix.lower() == ".parquet":
        yield from _read_parquet(path)
        return
    line = 1
    try:
        csv.field_size_limit(2**28)
        reader = csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True)
        names: list[str] | None = None
        for row in reader:
            if names is None:
                names = row
            elif row and len(row) != len(names):
                raise AnnotationError(
                    f"{path}, line {line}: expected {len(names)} columns; quote a text that holds a comma"
                )
            elif row:
                yield reader.line_num, dict(zip(names, row, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise AnnotationError(
            f"{path}, line {line}: {error} (a quote that opens here is open until line {reader.line_num}); correct the row"
            if reader.line_num > line
            else f"{path}, line {line}: {error}; correct the row"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{path}: not readable as a UTF-8 table ({error}); correct it") from error


def _read_parquet(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    import pyarrow.parquet as pq

    try:
        require_regular(path)
        rows: list[dict[str, Any]] = pq.read_table(path.absolute()).to_pylist()
    except Exception as error:  # a damaged file makes the reader raise anything
        raise AnnotationError(f"{path}: not a readable parquet file ({error!s:.100}); restore it") from error
    for number, row in enumerate(rows):
        yield number, {name: None if value is None else str(value) for name, value in row.items()}
