"""The configurations: a frozen record a variant, five presets, every ablation of Table 8 a field."""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from locater.errors import ConfigError

_CHOICES: dict[str, tuple[str, ...]] = {
    "vision": ("transformer", "conv3d"),
    "language": ("lstm", "bert"),
    "norm": ("post", "pre"),
    "write": ("parallel", "sequential"),
    "query": ("visual", "text"),
    "decode": ("product", "cosine", "encoder"),
    "upsample": ("probability", "logit"),
}
_LEAST: dict[str, int] = {
    "image_size": 1, "patch": 1, "dim": 1, "heads": 1, "vision_depth": 0, "words": 1, "vocabulary": 2,
    "word_dim": 1, "word_vectors": 0, "lstm_layers": 1, "modules": 0, "fuse_depth": 1, "post_depth": 0, "interval": 1,
    "global_frames": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What both variants have. Raises `ConfigError` naming every field at fault."""

    variant: ClassVar[str]
    image_size: int = 320
    """S: frames are S x S."""
    patch: int = 16
    """O: side of a patch; N = (S / O)^2 patches a frame."""
    dim: int = 768
    """D: width of every token."""
    words: int = 20
    """L: tokens of a query, padded and cut."""
    heads: int = 12
    """Heads of the Transformer blocks."""
    vision_depth: int = 6
    """Blocks of Ev."""
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
    deep_supervision: bool = True
    """Whether the auxiliary read-outs of Eq. 12 exist."""
    aux_weight: float = 0.4
    """Lambda of Eq. 12."""

    def __post_init__(self) -> None:
        faults = self._faults() or self._contradictions()
        if faults:
            raise ConfigError("configuration: " + "; ".join(faults))

    def _faults(self) -> list[str]:
        """Return what is wrong with single fields."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        faults = [
            f"{name} is {values[name]!r}, expected one of {', '.join(known)}"
            for name, known in _CHOICES.items()
            if name in values and values[name] not in known
        ]
        for name, least in _LEAST.items():
            value = values.get(name, least)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                faults.append(f"{name} is {value!r}, expected a whole number of at least {least}")
        for name in ("global_slots", "local_slots", "aux_weight"):
            if not isinstance(values[name], int | float) or not 0 <= values[name] < 1000:
                faults.append(f"{name} is {values[name]!r}, expected a number from 0")
        return faults

    def _contradictions(self) -> list[str]:
        """Return which fields contradict each other."""
        faults = []
        if self.image_size % self.patch:
            faults.append(f"image_size {self.image_size} is not a multiple of patch {self.patch}")
        if self.dim % self.heads:
            faults.append(f"dim {self.dim} is not a multiple of heads {self.heads}")
        return faults

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

    def sampled(self, count: int) -> list[int]:
        """Return which of a video's `count` frames (0-based, ascending) are written into the global memory."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the variant and the fields as plain values, ready for JSON."""
        chosen = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self) if entry.init}
        return {"variant": self.variant, **chosen}

    def to_json(self) -> str:
        """Return `to_dict` as sorted JSON."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaterConfig(Shape):
    """The network of the paper's section 3. The defaults are section 3.3's, but for two things that let memory live.

    Eq. 5 taken literally forgets: N = 400 writes a frame through gates near 0.5 leave one vector in all slots. So `gate_bias` makes gates
    small, and `write` takes means and gates once a frame (docs/training.md has the figures; the preset `paper-literal` has neither).

    Table 8, row by row: (a) `modules=0` takes the cross-modality encoder away, `global_slots=local_slots=0`
    the memory, `deep_supervision=False` the auxiliary read-outs; (b) `modules`; (c) `global_slots`,
    `local_slots`; (d) `vision="conv3d"`; (e) `query="text"`; (f) `decode`; (h) `interval`.
    """

    variant: ClassVar[str] = "paper"
    vision: str = "transformer"
    """Ev: `transformer`, or I3D (`conv3d`, Table 8d), weights by path."""
    language: str = "lstm"
    """Ew: `lstm` (bidirectional) or `bert` (BERT-base, weights by path)."""
    vocabulary: int = 8192
    """V: rows of each of the two hashed word tables of `lstm`."""
    word_dim: int = 300
    """Width of a word embedding before the LSTM."""
    word_vectors: int = 0
    """Words that `lstm` looks up in published vectors (`training.published.load_vectors` sets it)."""
    lstm_layers: int = 1
    """Layers of the bi-LSTM."""
    norm: str = "post"
    """Where a block normalises: after the sum (Eq. 2) or before the layer (as ViT weights expect)."""
    write: str = "parallel"
    """`parallel`: means and gates from the state before the frame. `sequential`: from the state before the patch (Eq. 5)."""
    gate_bias: float | None = None
    """Added to the gate's logits before the sigmoid; 0 is Eq. 5. None: -log(4 N), so that a frame's N writes replace about a fifth."""
    query: str = "visual"
    """`visual`: words weighted by the visual context (Eq. 10). `text`: by self-attention (Table 8e)."""
    decode: str = "product"
    """`product` (Eq. 11), `cosine`, or an MLP on the `encoder`'s output V, without query and memory (Table 8f)."""
    upsample: str = "probability"
    """What is enlarged to S x S: the patch probabilities (Eq. 11) or their logits."""
    interval: int = 10
    """Every how many frames one is written into the global memory."""

    def _contradictions(self) -> list[str]:
        faults = Shape._contradictions(self)
        if self.language == "lstm" and self.dim % 2:
            faults.append(f"dim {self.dim} is odd; a bidirectional LSTM halves it")
        if self.vision == "conv3d" and self.patch not in (8, 16):
            faults.append(f"patch {self.patch}, vision='conv3d' has 8 and 16")
        return faults

    @property
    def gate_shift(self) -> float:
        """What `gate_bias` comes to."""
        return -math.log(4 * self.patches) if self.gate_bias is None else self.gate_bias

    def sampled(self, count: int) -> list[int]:
        """Return every `interval`-th of `count` frames."""
        return list(range(0, count, self.interval))

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "AnyConfig":
        """Return the preset `name` with `changes` applied.

        `paper`          section 3.3: 320 x 320, patch 16, D = 768, K = 3, with a memory that lives.
        `paper-literal`  the same with Eq. 5 to the letter, whose memory is dead after a frame.
        `released`       the network of the authors' inference code at its defaults.
        `rvos`           section 5.6: 384 x 384, patch 8, BERT-base language encoder.
        `tiny`           trains on a CPU: 80 x 80, patch 8, D = 96, K = 2; the structure of `paper`.

        Raises `ConfigError` for an unknown preset or field.
        """
        if name not in PRESETS:
            raise ConfigError(f"configuration: no preset {name!r}, there are {', '.join(PRESETS)}")
        return cls.from_dict({**PRESETS[name], **changes})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "AnyConfig":
        """Return the configuration of the variant that `values` names ("paper", if none); unknown fields raise `ConfigError`."""
        variant = values.get("variant", "paper")
        if not isinstance(variant, str) or variant not in _VARIANTS:
            raise ConfigError(f"configuration: variant is {variant!r}, expected one of {', '.join(_VARIANTS)}")
        kind = _VARIANTS[variant]
        known = {entry.name for entry in dataclasses.fields(kind) if entry.init}
        given = {name: value for name, value in values.items() if name != "variant"}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ConfigError(f"configuration: unknown field {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        return kind(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedConfig(Shape):
    """The network of the authors' inference code, whose width, patch and words are wired in."""

    variant: ClassVar[str] = "released"
    patch: int = field(default=16, init=False)
    dim: int = field(default=768, init=False)
    words: int = field(default=22, init=False)
    fuse_depth: int = 2
    post_depth: int = 2
    global_frames: int = 3
    """How many evenly spaced frames are written into the global memory."""

    def _contradictions(self) -> list[str]:
        return Shape._contradictions(self) + ([] if self.modules else ["modules is 0, expected at least 1"])

    def sampled(self, count: int) -> list[int]:
        """Return `global_frames` frames, step = floor(count / n) apart, the first (1-based) floor((1 + step) / 2).

        In a video of fewer frames the same one may come twice.
        """
        step = count // self.global_frames
        numbers = [(1 + step) // 2 + index * step for index in range(self.global_frames)]
        return [min(max(number, 1), count) - 1 for number in numbers]


AnyConfig = LocaterConfig | ReleasedConfig
_VARIANTS: dict[str, type[LocaterConfig] | type[ReleasedConfig]] = {"paper": LocaterConfig, "released": ReleasedConfig}
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "paper-literal": {"write": "sequential", "gate_bias": 0.0},
    "released": {"variant": "released"},
    "rvos": {"image_size": 384, "patch": 8, "language": "bert", "words": 22},
    "tiny": {
        "image_size": 80, "patch": 8, "dim": 96, "heads": 4, "vision_depth": 3, "vocabulary": 2048,
        "word_dim": 64, "modules": 2, "upsample": "logit", "norm": "pre",
    },
}  # fmt: skip
"""The fields in which each preset differs from `paper`."""
