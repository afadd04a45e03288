"""How a training runs: one frozen record, the paper's values by default. The command line is made of it."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

from locater.errors import ConfigError


def _option(default: Any, text: str, *, least: float | None = None, most: float | None = None, **more: Any) -> Any:
    """Return a field with what it means, in which bounds it lies, and its `choices` or another `flag` on the command line."""
    return field(default=default, metadata={"text": text, "least": least, "most": most, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """Everything that fixes a training besides the network and the data. Raises `ConfigError` naming every fault.

    A field's metadata say what it means (`text`) and which values it takes (`least`, `most`, `choices`).
    """

    epochs: int = _option(30, "Passes over the queries.", least=1)
    batch: int = _option(32, "Samples a step, over all processes and accumulated passes.", least=1)
    lr: float = _option(4e-5, "Learning rate.", least=0)
    weight_decay: float = _option(1e-4, "Of matrices and kernels; biases, norms, tables and slots have none.", least=0)
    decoupled: bool = _option(
        False, "Weight decay outside the gradient (AdamW), not in it (Adam, as the paper names it)."
    )
    power: float = _option(0.9, "Of the polynomial decay: lr * (1 - step / steps)^power.", least=0)
    warmup: int = _option(0, "Steps in which the rate rises.", least=0)
    clip_norm: float = _option(1.0, "The longest a gradient may be; 0: any.", least=0)
    clip_frames: int = _option(3, "T: frames of a clip that go through the local memory.", least=1)
    stride: int = _option(4, "Frames from one frame of a clip to the next.", least=1)
    global_frames: int = _option(
        16, "G: the most frames written into the global memory, of those that inference writes; 0: all.", least=0
    )
    teacher: float = _option(
        0.5, "Share of samples whose local memory is given true masks; the others live with the model's own.", least=0, most=1
    )  # fmt: skip
    place: float = _option(
        0.0, "Weight of a loss, not the paper's, that teaches V where it is, so that memories can be read by it; 0.03 is a start.",
        least=0,
    )  # fmt: skip
    flip: float = _option(
        0.5, "Share of samples that are mirrored, left and right swapped in their texts.", least=0, most=1
    )
    contrast_share: float = _option(
        0.0, "Share of samples that are composed with another clip, beside or before or behind, where nothing is right; needs the data's pairs.",
        least=0, most=1,
    )  # fmt: skip
    contrasts: int = _option(1, "Clips that such a sample is composed with; fewer where a query has fewer.", least=1)
    memories_only: bool = _option(False, "Keep the encoders as they are and train what is past them; needs --init.")
    accumulate: int = _option(1, "Passes a step, to fit a batch into memory.", least=1)
    precision: str = _option("bf16", "Of the matrix products.", choices=("fp32", "bf16", "fp16"))
    recompute: bool = _option(False, "Gradient checkpointing.")
    compiled: bool = _option(False, "torch.compile of the encoder.", flag="compile")
    seed: int = _option(0, "Of weights, order and samples.", least=0)
    workers: int = _option(
        -1, "Processes that prepare samples; they do not change the result. -1: up to 8 beside an accelerator, none on a CPU.",
        least=-1,
    )  # fmt: skip
    cache_gb: float = _option(
        8.0, "Frames are kept in memory where they all fit into this; else decoded at each use.", least=0
    )
    save_every: int = _option(200, "Steps between checkpoints.", least=1)
    log_every: int = _option(20, "Steps between log lines.", least=1)
    validate_every: int = _option(500, "Steps between validations, where there is a validation split.", least=1)
    validate_queries: int = _option(64, "Queries of a validation, evenly chosen; 0: all.", least=0)

    def __post_init__(self) -> None:
        faults = []
        for entry in dataclasses.fields(self):
            name, value, about = entry.name, getattr(self, entry.name), entry.metadata
            if "choices" in about and value not in about["choices"]:
                faults.append(f"{name} is {value!r}, expected one of {', '.join(about['choices'])}")
            elif about["most"] is not None and not about["least"] <= value <= about["most"]:
                faults.append(f"{name} is {value!r}, expected a share from {about['least']} to {about['most']}")
            elif about["least"] is not None and not value >= about["least"]:
                faults.append(f"{name} is {value!r}, expected at least {about['least']:g}")
        if not faults and self.batch % self.accumulate:
            faults.append(f"batch {self.batch} is not a multiple of accumulate {self.accumulate}")
        if not faults and self.place and self.clip_frames < 2:
            faults.append("place compares two frames of a clip, clip_frames is 1")
        if faults:
            raise ConfigError("training: " + "; ".join(faults))

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return the options that go with the network preset `name`, with `changes` applied.

        `paper`, `paper-literal`, `released`: section 3.3. `rvos`: section 5.6. `tiny`: a network from scratch on one core.
        """
        known = {entry.name for entry in dataclasses.fields(cls)}
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
