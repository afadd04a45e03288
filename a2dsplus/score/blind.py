"""What whoever reads no query scores on a subset: the rows of `<subset>/blind.json`, counted when the dataset was built."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import InputError
from a2dsplus.files import read_bytes
from a2dsplus.media.runs import Ints
from a2dsplus.score.counting.measure import Counts
from a2dsplus.score.integrity import check_file

FILE = "blind.json"
NOTHING = "nothing"
NOT_KNOWN = frozenset({"mAP_coco", "mAP_cocoeval", "F", "J&F"})  # of rows that are counts alone: no scores, no contours
_MOST_ROWS = 20


def read_blind(folder: Path, subset: str, true: Ints) -> tuple[dict[str, Counts], bool]:
    """Return the rows' counts by name, and whether the dataset has them all; without blind.json there is `nothing` alone.

    `true`: pixels of each unit's true mask, (N,). Raises InputError where the file is damaged or of other ground truth.
    """
    file = folder / FILE
    if not file.is_file():
        return {NOTHING: _counts(np.zeros_like(true), true, true)}, False
    check_file(folder.parent, f"{subset}/{FILE}")
    try:
        rows = json.loads(read_bytes(file))["rows"]
        if not isinstance(rows, dict) or len(rows) > _MOST_ROWS:
            raise ValueError("rows are no object of a few names")
        return {
            name: _row(name, rows[name], true) for name in sorted(rows, key=lambda name: (name != NOTHING, name))
        }, True
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file}: no counts of this ground truth ({error}); build the dataset again") from None


def _row(name: str, row: dict[str, Any], true: Ints) -> Counts:
    shared, union = (_numbers(row[key], f"{name}, {key}", len(true)) for key in ("I", "U"))
    if (shared > true).any() or (union < true).any():
        raise ValueError(f"{name}: an I above or a U below the true mask's pixels")
    return _counts(shared, union, true)


def _numbers(values: object, where: str, many: int) -> Ints:
    if not isinstance(values, list) or len(values) != many:
        raise ValueError(f"{where}: expected a list of {many} numbers, a unit each")
    if not all(type(value) is int and 0 <= value < 1 << 40 for value in values):
        raise ValueError(f"{where}: a value that is no number of pixels")
    return np.array(values, np.int64)


def _counts(shared: Ints, union: Ints, true: Ints) -> Counts:
    none = np.zeros(len(true))
    return Counts(
        intersection=shared,
        predicted=union - true + shared,
        true=true,
        leaked=np.zeros_like(true),
        contour=none,
        scores=none,
    )
