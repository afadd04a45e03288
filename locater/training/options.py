"""How a training runs: one frozen record, the paper's values by default."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from locater.errors import ConfigError

_CHOICES = {"precision": ("fp32", "bf16", "fp16")}
_LEAST: dict[str, float] = {
    "epochs": 1, "batch": 1, "accumulate": 1, "warmup": 0, "clip_frames": 1, "stride": 1, "global_frames": 1,
    "seed": 0, "workers": 0, "save_every": 1, "log_every": 1, "lr": 0, "place": 0, "weight_decay": 0, "power": 0, "clip_norm": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """Everything that fixes a training besides the network and the data. Raises `ConfigError` naming every fault."""

    epochs: int = 30
    batch: int = 32
    """Samples an optimiser step, over all processes and accumulated passes."""
    lr: float = 4e-5
    weight_decay: float = 1e-4
    decoupled: bool = False
    """Weight decay outside the gradient (AdamW) instead of in it (Adam, as the paper names it)."""
    power: float = 0.9
    """Of the polynomial decay: lr * (1 - step / steps)^power."""
    warmup: int = 0
    """Steps in which the rate rises to `lr`."""
    clip_norm: float = 1.0
    """The longest a gradient may be; 0: any."""
    clip_frames: int = 3
    """T: frames of a clip that go through the local memory."""
    stride: int = 4
    """Frames from one frame of a clip to the next."""
    global_frames: int = 5
    """G: frames written into the global memory."""
    teacher: float = 0.5
    """Share of samples whose local memory is given the true masks; the others live with the model's own."""
    place: float = 0.0
    """Weight of `loss.place_loss` between the ends of a clip, which teaches V to say where it is; 0: Eq. 12 alone, as in the paper."""
    flip: float = 0.5
    """Share of samples that are mirrored, left and right swapped in their texts."""
    accumulate: int = 1
    """Passes an optimiser step."""
    precision: str = "bf16"
    recompute: bool = False
    """Gradient checkpointing."""
    compiled: bool = False
    """torch.compile."""
    seed: int = 0
    workers: int = 0
    """Processes that prepare samples; they do not change the result."""
    save_every: int = 200
    """Steps between checkpoints."""
    log_every: int = 20
    """Steps between log lines."""

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {getattr(self, name)!r}, expected one of {', '.join(known)}"
            for name, known in _CHOICES.items()
            if getattr(self, name) not in known
        ]
        faults += [
            f"{name} is {getattr(self, name)!r}, expected at least {least:g}"
            for name, least in _LEAST.items()
            if not getattr(self, name) >= least
        ]
        faults += [
            f"{name} is {getattr(self, name)!r}, expected a share from 0 to 1"
            for name in ("teacher", "flip")
            if not 0 <= getattr(self, name) <= 1
        ]
        if not faults and self.batch % self.accumulate:
            faults.append(f"batch {self.batch} is not a multiple of accumulate {self.accumulate}")
        if not faults and self.place and self.clip_frames < 2:
            faults.append("place compares two frames of a clip, clip_frames is 1")
        if faults:
            raise ConfigError("training: " + "; ".join(faults))

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return the options that go with the network preset `name`, with `changes` applied.

        `paper`, `released`: section 3.3. `rvos`: section 5.6. `tiny`: a network from scratch on one core.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ConfigError(f"training: unknown option {', '.join(unknown)}")
        return cls(**{**PRESETS.get(name, {}), **changes})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return dataclasses.asdict(self)


PRESETS: dict[str, dict[str, Any]] = {
    "rvos": {"lr": 2e-4, "batch": 48, "epochs": 50},
    "tiny": {"lr": 1e-3, "weight_decay": 0.02, "decoupled": True, "batch": 16, "epochs": 12, "warmup": 100},
}  # fmt: skip
"""The options in which a preset differs from the paper's."""
