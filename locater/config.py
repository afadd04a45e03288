"""The configuration of a LOCATER: one frozen record, four presets, every ablation of Table 8 a field."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Self

from locater.errors import ConfigError

_CHOICES: dict[str, tuple[str, ...]] = {
    "variant": ("paper", "released"),
    "vision": ("transformer", "conv3d"),
    "language": ("lstm", "bert"),
    "norm": ("post", "pre"),
    "write": ("sequential", "parallel"),
    "query": ("visual", "text"),
    "decode": ("product", "cosine", "encoder"),
    "upsample": ("probability", "logit"),
}
_LEAST: dict[str, int] = {
    "image_size": 1, "patch": 1, "dim": 1, "heads": 1, "vision_depth": 0, "words": 1, "vocabulary": 2,
    "word_dim": 1, "lstm_layers": 1, "modules": 0, "fuse_depth": 1, "post_depth": 0, "interval": 1,
    "global_frames": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaterConfig:
    """Everything that fixes the network's shape and the meaning of its weights.

    The defaults are the paper's (section 3.3). Raises `ConfigError` naming every field at fault.

    Table 8, row by row: (a) `modules=0` takes the cross-modality encoder away, `global_slots=local_slots=0`
    the memory, `deep_supervision=False` the auxiliary read-outs; (b) `modules`; (c) `global_slots`,
    `local_slots`; (d) `vision="conv3d"`; (e) `query="text"`; (f) `decode`; (h) `interval`.
    """

    variant: str = "paper"
    """`paper`: section 3 equation by equation. `released`: the network of the authors' inference code."""
    image_size: int = 320
    """S: frames are S x S."""
    patch: int = 16
    """O: side of a patch; N = (S / O)^2 patches a frame."""
    dim: int = 768
    """D: width of every token."""
    heads: int = 12
    """Heads of the Transformer blocks."""
    vision: str = "transformer"
    """Ev: `transformer` or an I3D-style `conv3d` network (Table 8d)."""
    vision_depth: int = 6
    """Blocks of Ev."""
    language: str = "lstm"
    """Ew: `lstm` (bidirectional) or `bert` (BERT-base, weights by path)."""
    words: int = 20
    """L: tokens of a query, padded and cut."""
    vocabulary: int = 8192
    """V: rows of each of the two hashed word tables (`paper`, lstm), or of the one table (`released`)."""
    word_dim: int = 300
    """Width of a word embedding before the LSTM."""
    lstm_layers: int = 1
    """Layers of the bi-LSTM."""
    norm: str = "post"
    """Where a block normalises: after the sum (Eq. 2) or before the layer (as ViT weights expect)."""
    modules: int = 3
    """K: modules of the cross-modality encoder (Eq. 3, 4)."""
    fuse_depth: int = 1
    """Blocks in F1 of a module."""
    post_depth: int = 1
    """Blocks in F2 of a module."""
    global_slots: float = 1.5
    """Slots of the global memory as a multiple of N; 0 leaves it out."""
    local_slots: float = 2.0
    """Slots of the local memory as a multiple of N; 0 leaves it out."""
    write: str = "sequential"
    """`sequential`: Eq. 5, patch after patch. `parallel`: gates and candidates from the state before the frame."""
    gate_bias: float = 0.0
    """Added to the gate's logits before the sigmoid (0: Eq. 5). Negative values make the memory slower."""
    query: str = "visual"
    """`visual`: words weighted by the visual context (Eq. 10). `text`: by self-attention (Table 8e)."""
    decode: str = "product"
    """`product` (Eq. 11), `cosine`, or an MLP on the `encoder`'s output (Table 8f)."""
    upsample: str = "probability"
    """What is enlarged to S x S: the patch probabilities (Eq. 11) or their logits."""
    deep_supervision: bool = True
    """Whether the auxiliary read-outs of Eq. 12 exist."""
    aux_weight: float = 0.4
    """Lambda of Eq. 12."""
    interval: int = 10
    """Every how many frames one is written into the global memory (`paper`)."""
    global_frames: int = 3
    """How many evenly spaced frames are written into the global memory (`released`)."""

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {getattr(self, name)!r}, expected one of {', '.join(known)}"
            for name, known in _CHOICES.items()
            if getattr(self, name) not in known
        ]
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                faults.append(f"{name} is {value!r}, expected a whole number of at least {least}")
        for name in ("global_slots", "local_slots", "aux_weight"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < 1000:
                faults.append(f"{name} is {value!r}, expected a number from 0")
        if not faults:
            if self.image_size % self.patch:
                faults.append(f"image_size {self.image_size} is not a multiple of patch {self.patch}")
            if self.dim % self.heads:
                faults.append(f"dim {self.dim} is not a multiple of heads {self.heads}")
            if self.language == "lstm" and self.dim % 2:
                faults.append(f"dim {self.dim} is odd; a bidirectional LSTM halves it")
            if self.vision == "conv3d" and self.patch & (self.patch - 1):
                faults.append(f"patch {self.patch} is not a power of two, which vision='conv3d' needs")
            if self.variant == "released":
                fixed = {"patch": 16, "dim": 768, "words": 22, "language": "lstm", "vision": "transformer"}
                faults += [
                    f"{name} is {getattr(self, name)!r}, the released network has {value!r} wired in"
                    for name, value in fixed.items()
                    if getattr(self, name) != value
                ]
                if not self.modules:
                    faults.append("modules is 0, the released network needs at least one")
        if faults:
            raise ConfigError("configuration: " + "; ".join(faults))

    @property
    def grid(self) -> int:
        """sqrt(N): patches along one side."""
        return self.image_size // self.patch

    @property
    def patches(self) -> int:
        """N: patches of a frame."""
        return self.grid**2

    @property
    def global_size(self) -> int:
        """Slots of the global memory."""
        return int(self.global_slots * self.patches)

    @property
    def local_size(self) -> int:
        """Slots of the local memory."""
        return int(self.local_slots * self.patches)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return the preset `name` with `changes` applied.

        `paper`     section 3.3: 320 x 320, patch 16, D = 768, K = 3.
        `released`  the network of the authors' inference code at its defaults.
        `rvos`      section 5.6: 384 x 384, patch 8, BERT-base language encoder.
        `tiny`      trains on a CPU: 80 x 80, patch 8, D = 96, K = 2, parallel writes; the structure of `paper`.

        Raises `ConfigError` for an unknown preset or field.
        """
        if name not in PRESETS:
            raise ConfigError(f"configuration: no preset {name!r}, there are {', '.join(PRESETS)}")
        return cls.from_dict({**PRESETS[name], **changes})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the configuration that `to_dict` wrote; unknown fields raise `ConfigError`."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(f"configuration: unknown field {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Return the fields as sorted JSON."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"


PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "released": {
        "variant": "released", "words": 22, "vocabulary": 30000, "lstm_layers": 3, "norm": "pre",
        "fuse_depth": 2, "post_depth": 2, "upsample": "logit", "write": "parallel",
    },
    "rvos": {"image_size": 384, "patch": 8, "language": "bert", "words": 22},
    "tiny": {
        "image_size": 80, "patch": 8, "dim": 96, "heads": 4, "vision_depth": 3, "vocabulary": 2048,
        "word_dim": 64, "modules": 2, "upsample": "logit", "norm": "pre", "write": "parallel", "gate_bias": -6.0,
    },
}  # fmt: skip
"""The fields in which each preset differs from the paper's."""
