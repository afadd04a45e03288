"""A list of pairs to carry to another machine: query ids, statuses and grades, no captions, no frames.

{"schema": 2, "split": "test", "pairs": [{"query": "<id>", "contrast": "<id>", "status": "accepted", "grade": "excluded"}, ...]}

A query's rows are its candidates in order, as many in use as a build is asked for. In schema 1, which is still read, one is. A file says besides
of what its pairs are (dataset, seed, role model), how they were judged, and the kind of reason of each. The lists that the toolkit ships are
`annotations/pairs/<name>.json`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from a2dsplus import resources
from a2dsplus.errors import InputError
from a2dsplus.files import read_bytes, replacing
from a2dsplus.records import Pair, Status

SCHEMA = 2
_READ = (1, 2)
_FOLDER = "annotations/pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPair:
    """A query's contrast as somebody else chose and reviewed it."""

    query_id: str
    contrast_query_id: str
    status: Status


def write_pairs(path: Path, pairs: Iterable[Pair], *, split: str, about: Mapping[str, object] | None = None) -> int:
    """Write pairs, by query id and rank, a line each: those in use and the rejected ones; return how many are in use. `about`: what else the
    file says of them."""
    rows = [
        {
            "query": pair.query_id,
            "contrast": pair.contrast_query_id,
            "status": pair.status,
            "grade": pair.grade,
            "reason": pair.because.split(":")[0] if pair.grade == "excluded" else None,
        }
        for pair in sorted(pairs, key=lambda pair: (pair.query_id, pair.rank))
    ]
    head = {"schema": SCHEMA, "name": path.stem, "split": split, **(about or {})}
    lines = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()]
    listed = ",\n".join(f"  {json.dumps(row, sort_keys=True)}" for row in rows)
    with replacing(path) as partial:
        partial.write_text("{\n" + ",\n".join(lines) + f',\n "pairs": [\n{listed}\n ]\n}}\n', encoding="utf-8")
    return sum(row["status"] != "rejected" for row in rows)


def shipped() -> list[str]:
    """Return the names of the lists that the toolkit ships."""
    return sorted(path.stem for path in resources.path(_FOLDER).glob("*.json"))


def locate(name: str) -> Path:
    """Return the file that a name or path of a pairs file means; raises InputError, listing the names, where it is neither."""
    if Path(name).exists():
        return Path(name)
    if name in shipped():
        return resources.path(f"{_FOLDER}/{name}.json")
    raise InputError(f"{name}: neither a file nor a list of pairs that the toolkit ships ({', '.join(shipped())})")


def list_name(path: Path) -> str | None:
    """Return the name of a list that the toolkit ships, None for any other file."""
    return path.stem if path.resolve().parent == resources.path(_FOLDER).resolve() else None


def read_pairs_file(path: Path, *, split: str | None = None) -> list[PublishedPair]:
    """Return the pairs of a file written by `a2dsplus review --export`, or of a shipped list, in its order.

    Raises InputError, naming file and entry, where it is not one, holds a pair twice or is of another split than `split`.
    """
    try:
        value = json.loads(read_bytes(path))
        rows = value["pairs"]
        schema = value["schema"]
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give a file written by `a2dsplus review --export`"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: not a list of pairs ({error!r:.100}); give a file written by `a2dsplus review --export`"
        ) from error
    if schema not in _READ:
        raise InputError(f"{path}: schema {schema}, this version reads {_READ}; export the pairs again")
    if not isinstance(rows, list):
        raise InputError(f"{path}: its pairs are a {type(rows).__name__}, expected a list; export the pairs again")
    if split is not None and value.get("split", split) != split:
        raise InputError(f"{path}: pairs of the split {value['split']}, not of {split}; build that split")
    pairs: list[PublishedPair] = []
    in_use: set[str] = set()
    known: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, 1):
        try:
            pair = PublishedPair(query_id=row["query"], contrast_query_id=row["contrast"], status=row["status"])
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{path}, pair {number}: expected query, contrast and status ({error!r}); export the pairs again"
            ) from error
        if pair.status not in get_args(Status):
            raise InputError(f"{path}, pair {number}: status {pair.status!r} is none of {', '.join(get_args(Status))}")
        if not (isinstance(pair.query_id, str) and isinstance(pair.contrast_query_id, str)):
            raise InputError(f"{path}, pair {number}: ids that are no text; export the pairs again")
        if (pair.query_id, pair.contrast_query_id) in known:
            raise InputError(
                f"{path}, pair {number}: {pair.query_id} with {pair.contrast_query_id} twice; keep one of them"
            )
        known.add((pair.query_id, pair.contrast_query_id))
        if pair.status != "rejected" and schema == 1:
            if pair.query_id in in_use:
                raise InputError(f"{path}, pair {number}: query {pair.query_id} has two pairs in use; keep one of them")
            in_use.add(pair.query_id)
        pairs.append(pair)
    return pairs
