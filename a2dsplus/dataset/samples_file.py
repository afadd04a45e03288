"""samples.jsonl: a subset's samples, one a line, both ways. Needs nothing but the standard library.

Schema 1 wrote `instance_id` for `expression_id` and one `contrast`; it is still read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from a2dsplus.errors import InputError, WorkspaceError
from a2dsplus.files import require_regular
from a2dsplus.records import Kind, Layout, Order, Part, Sample, SubsetName

NAME = "samples.jsonl"
_PART = ("query_id", "video_id", "expression_id", "text", "frames", "height", "width")
_AGAIN = "run `a2dsplus build` again"
_T = TypeVar("_T")


def lines(samples: Iterable[Sample]) -> str:
    """Return samples as the file's text."""
    return "".join(json.dumps(_row(sample), sort_keys=True, ensure_ascii=False) + "\n" for sample in samples)


def read(path: Path) -> Iterator[Sample]:
    """Yield a file's samples in order.

    Raises WorkspaceError, with the line, where one is no sample, breaks a rule of `records.Sample`, or stands there twice.
    """
    seen: set[str] = set()
    try:
        require_regular(path)
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                where = f"{path}, line {number}"
                sample = _parsed(line, where)
                if sample.sample_id in seen:
                    raise WorkspaceError(f"{where}: sample {sample.sample_id} is there twice; {_AGAIN}")
                seen.add(sample.sample_id)
                yield sample
    except FileNotFoundError:
        raise WorkspaceError(f"{path}: missing; run `a2dsplus build` to the end") from None
    except OSError as error:
        raise WorkspaceError(f"{path}: cannot be read ({error.strerror or error})") from error


def _parsed(line: bytes, where: str) -> Sample:
    try:
        return _sample(json.loads(line))
    except WorkspaceError:
        raise
    except InputError as error:
        raise WorkspaceError(f"{where}: {error}") from error
    except KeyError as error:
        raise WorkspaceError(f"{where}: has no {error}; {_AGAIN}") from error
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WorkspaceError(f"{where}: not a sample ({error!s:.100}); {_AGAIN}") from error


def _part_row(part: Part | None) -> dict[str, Any] | None:
    return None if part is None else {name: getattr(part, name) for name in _PART}


def _row(sample: Sample) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sample_id": sample.sample_id,
        "subset": sample.subset.value,
        "layout": sample.layout.value,
        "order": sample.order.value,
        "kind": sample.kind,
        "height": sample.height,
        "width": sample.width,
        "frames": sample.frames,
        "video_id": sample.video_id,
        "queries": list(sample.queries),
        "query": _part_row(sample.query),
        "contrast": _part_row(sample.contrast),
        "contrasts": [_part_row(part) for part in sample.contrasts],
        "evaluated_frames": list(sample.evaluated_frames),
        "shared": list(sample.shared),
        "differing": list(sample.differing),
        "extra": list(sample.extra),
        "tier": sample.tier,
        "grade": sample.grade,
        "relation": sample.relation,
    }
    if sample.evaluated:
        row["evaluated"] = {expression: list(frames) for expression, frames in sample.evaluated.items()}
    return row


def _sample(row: Mapping[str, Any]) -> Sample:
    contrasts = row.get("contrasts")
    if contrasts is None:  # schema 1
        contrasts = [] if row.get("contrast") is None else [row["contrast"]]
    kind = row.get("kind", "other")
    if kind not in get_args(Kind):
        raise ValueError(f"kind {kind!r}")
    asked = row.get("evaluated", {})
    if not set(asked) <= {"query", "contrast"}:
        raise ValueError(f"evaluated of {', '.join(map(str, asked))}")
    query = row["query"]
    return Sample(
        sample_id=row["sample_id"],
        subset=SubsetName(row["subset"]),
        layout=Layout(row["layout"]),
        order=Order(row["order"]),
        kind=kind,
        height=row["height"],
        width=row["width"],
        frames=row["frames"],
        video_id=row["video_id"],
        queries=_texts(row["queries"], "queries"),
        query=None if query is None else _part(query),
        contrasts=tuple(_part(part) for part in contrasts),
        evaluated_frames=_numbers(row["evaluated_frames"]),
        evaluated={name: _numbers(asked[name]) for name in ("query", "contrast") if name in asked},
        shared=_texts(row.get("shared", []), "shared"),
        differing=_texts(row.get("differing", []), "differing"),
        extra=_texts(row.get("extra", []), "extra"),
        tier=_optional(row.get("tier"), int, "tier"),
        grade=_optional(row.get("grade"), str, "grade"),
        relation=_optional(row.get("relation"), str, "relation"),
    )


def _part(row: Mapping[str, Any]) -> Part:
    expression = row["expression_id"] if "expression_id" in row else row["instance_id"]
    (query_id, text) = _texts([row["query_id"], row["text"]], "query_id and text")
    return Part(
        query_id=query_id,
        video_id=row["video_id"],
        expression_id=expression,
        text=text,
        frames=row["frames"],
        height=row["height"],
        width=row["width"],
    )


def _optional(value: Any, kind: type[_T], name: str) -> _T | None:
    if value is not None and type(value) is not kind:
        raise ValueError(f"{name} {value!r:.40}")
    found: _T | None = value
    return found


def _texts(values: Any, name: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name} {values!r:.40} is no list of texts")
    return tuple(values)


def _numbers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ValueError(f"frames {values!r:.40} are no list of whole numbers")
    return tuple(values)
