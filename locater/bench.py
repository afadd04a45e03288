"""Table 8g: what a frame costs in the memory module and in a Transformer block over all tokens of the video.

Legend: T frames, N tokens a frame, D width, H heads.
"""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater import kernels
from locater.blocks import MLP, Linear, initialise
from locater.config import LocaterConfig
from locater.errors import ConfigError
from locater.memory import MaskEmbedding, Writer, read
from locater.released_memory import CrossAttention, ReleasedWriter, fill_global, fill_local

FRAMES = (15, 30, 50, 80, 100)
"""The lengths of Table 8g."""
PAPER = {"transformer": (2.01, 2.95, 4.57, 8.48, 11.54), "memory": (1.71, 2.00, 2.22, 2.26, 2.26)}
"""Its milliseconds a frame, on the authors' GPU."""
_MOST_SCORES = 4 * 2**30  # bytes of one head's materialised attention that are still tried


class Row(NamedTuple):
    """Milliseconds a frame at one length; None where a peer was not run."""

    frames: int
    memory: float
    released: float | None
    fused: float | None
    materialised: float | None


class MemoryModule(nn.Module):
    """The paper's memory by itself: every `interval`-th frame into M_g; then, frame by frame, read and write M_l."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.config = config
        self.globe = Writer(config, inputs=config.dim, slots=config.global_size)
        self.local = Writer(config, inputs=2 * config.dim, slots=config.local_size)
        self.mask_embedding = MaskEmbedding(config)

    def forward(self, tokens: Tensor, masks: Tensor) -> Tensor:
        """tokens V (T, N, D), masks (T, 1, sqrt N, sqrt N) -> G (T, N, D)."""
        globe, local = self.globe.initial(1), self.local.initial(1)
        for index in range(0, len(tokens), self.config.interval):
            globe = self.globe(globe, tokens[index : index + 1])
        out = []
        for index in range(len(tokens)):
            frame = tokens[index : index + 1]
            out.append(read(frame, globe, local))
            embedded = self.mask_embedding(masks[index : index + 1])
            local = self.local(local, torch.cat([frame, embedded], dim=-1))
        return torch.cat(out)


class ReleasedMemoryModule(nn.Module):
    """The released network's memory by itself, in closed form, with its three global frames."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.config = config
        self.globe = ReleasedWriter(config.dim, for_local=False)
        self.local = ReleasedWriter(config.dim, for_local=True)
        self.reader = CrossAttention(config.dim)
        self.norm = nn.LayerNorm(config.dim)
        initialise(self)

    def forward(self, tokens: Tensor, masks: Tensor) -> Tensor:
        """tokens V (T, N, D), masks (T, 1, S, S) -> G (T, N, D)."""
        step = len(tokens) // 3
        keys, values = self.reader.project(
            fill_global(self.globe, tokens[None, : 3 * step : step], self.config.global_size)
        )
        local: Tensor | None = None
        out = []
        for index in range(len(tokens)):
            frame = tokens[index : index + 1]
            k, v = self.reader.project(frame if local is None else local)
            read_out = self.reader(frame, torch.cat([k, keys], dim=2), torch.cat([v, values], dim=2))
            out.append(self.norm(read_out))
            local = fill_local(self.local, local, frame, masks[index : index + 1], size=self.config.local_size)
        return torch.cat(out)


class TransformerBlock(nn.Module):
    """The peer: one encoder block (Eq. 2) whose tokens are all tokens of the video."""

    def __init__(self, dim: int, heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = Linear(dim, 3 * dim), Linear(dim, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.mlp = MLP(dim, 4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """x (1, T*N, D) -> the same shape."""
        q, k, v = (kernels.split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:  # the scores of one head at a time, whole: all heads' would not fit
            y = torch.empty_like(q)
            scale = q.shape[-1] ** -0.5
            for head in range(self.heads):
                scores = kernels.product(q[:, head] * scale, k[:, head].transpose(1, 2))
                y[:, head] = kernels.product(scores.softmax(-1), v[:, head])
        x = self.norm1(x + self.proj(kernels.join_heads(y)))
        out: Tensor = self.norm2(x + self.mlp(x))
        return out


def table_8g(
    *,
    frames: Sequence[int] = FRAMES,
    tokens: int = 256,
    dim: int = 768,
    heads: int = 12,
    peers: bool = True,
    released: bool = True,
    progress: Callable[[str], None] | None = None,
) -> list[Row]:
    """Return milliseconds a frame at each length, on the CPU with torch's current number of threads.

    Weights and tokens are random (times do not depend on them). Each figure is the whole video's time over its
    frames, the best of two runs; the Transformer's long videos run once. Raises `ConfigError`.
    """
    side = math.isqrt(tokens)
    if side * side != tokens or not frames or min(frames) < 3 or dim % heads:
        raise ConfigError("bench: tokens must be a square number, frames at least 3, dim a multiple of heads")
    config = LocaterConfig.preset("paper", image_size=16 * side, dim=dim, heads=heads)
    say = progress or (lambda _: None)
    rows = []
    with torch.inference_mode():
        module = MemoryModule(config).eval()
        closed = ReleasedMemoryModule(config).eval() if released and dim % 8 == 0 else None
        fused = TransformerBlock(dim, heads, fused=True).eval()
        plain = TransformerBlock(dim, heads, fused=False).eval()
        for count in frames:
            x = torch.randn(count, tokens, dim)
            masks = torch.rand(count, 1, side, side)
            pixels = (torch.rand(count, 1, 16 * side, 16 * side) > 0.5).float()
            say(f"{count} frames: memory")
            memory_ms = _milliseconds(partial(module, x, masks), count)
            released_ms = fused_ms = plain_ms = None
            if closed is not None:
                say(f"{count} frames: memory as released, in closed form")
                released_ms = _milliseconds(partial(closed, x, pixels), count)
            if peers:
                flat = x.reshape(1, -1, dim)
                runs = 2 if count <= 30 else 1
                say(f"{count} frames: Transformer block, fused attention")
                fused_ms = _milliseconds(partial(fused, flat), count, runs=runs)
                if 4 * (count * tokens) ** 2 <= _MOST_SCORES:
                    say(f"{count} frames: Transformer block, materialised attention")
                    plain_ms = _milliseconds(partial(plain, flat), count, runs=runs)
            rows.append(Row(count, memory_ms, released_ms, fused_ms, plain_ms))
    return rows


def crossing(rows: Sequence[Row]) -> float | None:
    """Return the length at which the fused block begins to cost more than the memory, linearly between rows.

    Below the first row the line through the first two is followed; None if the block never costs more.
    """
    measured = [(row.frames, row.fused - row.memory) for row in rows if row.fused is not None]
    if len(measured) < 2:
        return None
    for (t0, d0), (t1, d1) in itertools.pairwise(measured):
        if d1 > 0 and d1 > d0:
            return max(0.0, t0 - d0 * (t1 - t0) / (d1 - d0))
    return None


def growth(rows: Sequence[Row]) -> float:
    """Return how much more a frame costs at the last length than at the first: 0.05 for 5%."""
    return rows[-1].memory / rows[0].memory - 1


def _milliseconds(run: Callable[[], object], frames: int, *, runs: int = 2) -> float:
    """Return the best time of `runs`, in milliseconds a frame."""
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return 1000 * best / frames
