"""What predictions are of: which subsets, which ground truth, which model with which weights and options."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from a2dsplus.dataset.lock import FOLDER as LOCKS
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import ModelError, PredictionError, UsageError
from a2dsplus.files import read_bytes, sha256
from a2dsplus.records import SubsetName


def chosen_subsets(workspace: Workspace, asked: Sequence[str] | None) -> list[str]:
    """Return the names of the subsets to run: those asked for, or all; without those that have no sample.

    Raises UsageError for one that the dataset has not, PredictionError where none has a sample.
    """
    found = {name.value: workspace.path(name, "samples.jsonl") for name in SubsetName}
    there = [name for name, path in found.items() if path.is_file()]
    unknown = [name for name in asked or () if name not in there]
    if unknown:
        raise UsageError(
            f"--subsets: {', '.join(unknown)} is not in {workspace.root}, which has {', '.join(there) or 'none'}"
        )
    names = [name for name in there if not asked or name in asked]
    filled = [name for name in names if found[name].read_bytes().strip()]
    if not filled:
        which = f"no sample of {' or '.join(names)}" if names else "none of M, S and T"
        raise PredictionError(f"{workspace.root}: has {which}; run `a2dsplus build --out {workspace.root}`")
    return filled


def identity(model: str, checkpoint: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a run's predictions its own: the model, its weights' hash, its options (files among them by their hash)."""
    told = {name: _told(value) for name, value in sorted(options.items())}
    return {"model": model, "checkpoint": None if checkpoint is None else _digest(checkpoint), "options": told}


def claim(out: Path, dataset: Path, names: Sequence[str], identity: Mapping[str, Any]) -> list[str]:
    """Return the other subsets that `out` has predictions of; raises PredictionError where they are of something else."""
    from a2dsplus.score.integrity import truth_sha256

    note = out / "manifest.json"
    if not note.exists():
        if out.is_dir() and any(path.name != LOCKS for path in out.iterdir()):
            raise PredictionError(f"{out}: is not empty and not of this command; choose another --out")
        return []
    try:
        found = {"options": {}, **json.loads(read_bytes(note))}
        other = next((key for key in ("model", "checkpoint", "options") if found[key] != identity[key]), None)
        truth: dict[str, str] = dict(found["ground_truth"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise PredictionError(f"{note}: damaged, or not of this command; choose another --out") from None
    if other:
        how = {
            "model": "",
            "checkpoint": " with another checkpoint",
            "options": f" with other options ({found['options']})",
        }
        raise PredictionError(
            f"{out}: holds predictions of {found['model']}{how[other]}; choose another --out, or remove it"
        )
    for name in truth:
        if truth[name] != truth_sha256(dataset / name / "ground_truth.json"):
            raise PredictionError(
                f"{out}: holds predictions for another {name} (the dataset was built anew); choose another --out, or remove it"
            )
    return sorted({*truth} - {*names})


def _told(value: Any) -> Any:
    """Return an option as it stands in a manifest: files and folders by their hashes, the rest as it is."""
    if isinstance(value, tuple):
        return [_told(part) for part in value]
    return _digest(value) if isinstance(value, Path) else value


def _digest(path: Path) -> str:
    """Return the sha256 of a file, or of the names and hashes of the files right in a folder; "-" where there is nothing."""
    try:
        if path.is_dir():
            lines = [f"{sha256(file)}  {file.name}\n" for file in sorted(path.iterdir()) if file.is_file()]
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        return sha256(path) if path.is_file() else "-"
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
