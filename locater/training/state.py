"""A training at rest: what `kill -9` cannot take away.

RUN/step-00000200/ model.safetensors, model.json (weights and configuration, as `checkpoint.load` reads them), optimiser.safetensors
(moments) and state.json (step, what the run was started with and, in fp16, the loss's scale). A folder appears under its name only
when it is complete; the last two are kept. Whatever is drawn is drawn by step, so there is no random state to keep.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from locater import checkpoint
from locater.errors import CheckpointError
from locater.model import Locater
from locater.training.data import Clips

_KEPT = 2


@contextmanager
def writing(run: Path) -> Iterator[None]:
    """Turn an OSError of what is written for a run into a CheckpointError of one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise CheckpointError(
            f"{run}: cannot be written ({reason}); free space or choose another --out; the same command goes on from the last checkpoint"
        ) from error


def identity(model: Locater, clips: Clips) -> dict[str, Any]:
    """Return what a run was started with: a checkpoint of another run is not gone on from."""
    ours = (
        "workers",
        "cache_gb",
        "save_every",
        "log_every",
        "validate_every",
        "validate_queries",
    )  # which change no weight
    return {
        "options": {name: value for name, value in clips.options.to_dict().items() if name not in ours},
        "config": model.config.to_dict(),
        "data": {"examples": len(clips), "videos": len(clips.store.counts)},
    }


def save_state(
    run: Path,
    *,
    model: Locater,
    optimiser: torch.optim.Optimizer,
    scaler: Any,
    step: int,
    best: float,
    identity: dict[str, Any],
) -> Path:
    """Write a checkpoint of the run after `step` steps and return its folder.

    scaler: of the loss in fp16, or None; best: the validation's best mIoU so far, or -1.
    """
    from safetensors.torch import save as to_bytes

    target = run / f"step-{step:08d}"
    draft = run / f".step-{step:08d}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    checkpoint.save(model, draft / "model.safetensors")
    tensors: dict[str, Tensor] = {}
    for index, moments in optimiser.state_dict()["state"].items():
        for name, value in moments.items():
            kept = value if isinstance(value, Tensor) else torch.tensor(float(value))
            tensors[f"{index}.{name}"] = kept.detach().cpu().contiguous()
    (draft / "optimiser.safetensors").write_bytes(to_bytes(tensors))
    state = {"step": step, "best": best, "scaler": {} if scaler is None else scaler.state_dict(), **identity}
    (draft / "state.json").write_text(json.dumps(state, indent=1, sort_keys=True) + "\n", "utf-8")
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    for old in checkpoints(run)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def checkpoints(run: Path) -> list[Path]:
    """Return the run's complete checkpoints, oldest first, and remove what a killed run left half-written."""
    for draft in run.glob(".step-*"):
        if draft.is_dir() and not _alive(draft.name.rpartition(".")[2]):
            shutil.rmtree(draft, ignore_errors=True)
    return sorted(path for path in run.glob("step-*") if path.is_dir())


def read_state(folder: Path, *, identity: dict[str, Any]) -> tuple[int, float]:
    """Return a checkpoint's step and the best mIoU before it.

    Raises CheckpointError where it is damaged or of a run that was started otherwise, naming what differs.
    """
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        step, best = int(state.pop("step")), float(state.pop("best", -1))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CheckpointError(f"{folder}: no checkpoint of a training; remove it or choose another --out") from None
    plain = json.loads(json.dumps(identity))
    differing = [
        f"{part}.{name} {state.get(part, {}).get(name)!r} -> {value!r}"
        for part, values in plain.items()
        for name, value in values.items()
        if state.get(part, {}).get(name) != value
    ]
    if differing:
        raise CheckpointError(
            f"{folder}: this run was started otherwise ({'; '.join(differing[:4])}); use the same options or another --out"
        )
    return step, best


def restore_state(folder: Path, *, model: Locater, optimiser: torch.optim.Optimizer, scaler: Any) -> None:
    """Fill model, optimiser and, in fp16, the loss's scale from a checkpoint that `read_state` has read. Raises CheckpointError."""
    checkpoint.fill(model.network, checkpoint.read(folder / "model.safetensors"), source=str(folder))
    if scaler is not None and (kept := json.loads((folder / "state.json").read_text("utf-8")).get("scaler")):
        scaler.load_state_dict(kept)
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in checkpoint.read(folder / "optimiser.safetensors").items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
