"""A list of pairs to carry to another machine: query ids and statuses alone, no captions, no frames.

{"schema": 1, "split": "test", "pairs": [{"query": "<id>", "contrast": "<id>", "status": "accepted"}, ...]}
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from a2dsplus.errors import InputError
from a2dsplus.files import replacing
from a2dsplus.records import Pair, Status

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPair:
    """A query's contrast as somebody else chose and reviewed it."""

    query_id: str
    contrast_query_id: str
    status: Status


def write_pairs(path: Path, pairs: Iterable[Pair], *, split: str) -> int:
    """Write pairs, by query id and rank: those in use and the rejected ones; return how many are in use."""
    rows = [
        {"query": pair.query_id, "contrast": pair.contrast_query_id, "status": pair.status}
        for pair in sorted(pairs, key=lambda pair: (pair.query_id, pair.rank))
    ]
    with replacing(path) as partial:
        partial.write_text(
            json.dumps({"schema": SCHEMA, "split": split, "pairs": rows}, indent=0, sort_keys=True) + "\n"
        )
    return sum(row["status"] != "rejected" for row in rows)


def read_pairs_file(path: Path) -> list[PublishedPair]:
    """Return the pairs of a file written by `a2dsplus review --export`.

    Raises InputError, naming file and entry, where it is not one, or where a query has two pairs in use.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        rows = value["pairs"]
        schema = value["schema"]
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give a file written by `a2dsplus review --export`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not a list of pairs ({error!r}); give a file written by `a2dsplus review --export`"
        ) from error
    if schema != SCHEMA:
        raise InputError(f"{path}: schema {schema}, this version reads {SCHEMA}; export the pairs again")
    pairs: list[PublishedPair] = []
    in_use: set[str] = set()
    for number, row in enumerate(rows, 1):
        try:
            pair = PublishedPair(query_id=row["query"], contrast_query_id=row["contrast"], status=row["status"])
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{path}, pair {number}: expected query, contrast and status ({error!r}); export the pairs again"
            ) from error
        if pair.status not in get_args(Status):
            raise InputError(f"{path}, pair {number}: status {pair.status!r} is none of {', '.join(get_args(Status))}")
        if pair.status != "rejected":
            if pair.query_id in in_use:
                raise InputError(f"{path}, pair {number}: query {pair.query_id} has two pairs in use; keep one of them")
            in_use.add(pair.query_id)
        pairs.append(pair)
    return pairs
