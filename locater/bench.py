"""The paper's efficiency figures on any device: Table 8g (memory against a Transformer block) and Table 3's frames a second.

Legend: T frames, N tokens a frame, D width, H heads, S image side.
"""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from locater.blocks import Block, initialise
from locater.config import AnyConfig, LocaterConfig
from locater.errors import ConfigError
from locater.memory import Memories, read
from locater.model import Locater
from locater.released_memory import CrossAttention, ReleasedWriter, fill_global, fill_local

FRAMES = (15, 30, 50, 80, 100)
"""The lengths of Table 8g."""
PAPER = {"transformer": (2.01, 2.95, 4.57, 8.48, 11.54), "memory": (1.71, 2.00, 2.22, 2.26, 2.26)}
"""Its milliseconds a frame, on the authors' GPU."""
_MOST_SCORES = 4 * 2**30  # bytes of materialised attention that are still tried


class Row(NamedTuple):
    """Milliseconds a frame at one length; None where a peer was not run."""

    frames: int
    memory: float
    released: float | None
    fused: float | None
    materialised: float | None


class MemoryModule(Memories):
    """The paper's memory by itself: every `interval`-th frame into M_g; then, frame by frame, read and write M_l."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__(config)
        self.interval = config.interval

    def forward(self, tokens: Tensor, masks: Tensor) -> Tensor:
        """tokens V (T, N, D), masks (T, 1, sqrt N, sqrt N) -> G (T, N, D)."""
        globe = self.write_global(self.first_global(1), tokens[None, :: self.interval])
        local, out = self.first_local(1), []
        for frame, mask in zip(tokens.split(1), masks.split(1), strict=True):
            out.append(read(frame, globe, local))
            local = self.write_local(local, frame, mask)
        return torch.cat(out)


class ReleasedMemoryModule(nn.Module):
    """The released network's memory by itself, in closed form, with its three global frames."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.size = config.global_size, config.local_size
        self.globe = ReleasedWriter(config.dim, for_local=False)
        self.local = ReleasedWriter(config.dim, for_local=True)
        self.reader = CrossAttention(config.dim)
        self.norm = nn.LayerNorm(config.dim)
        initialise(self)

    def forward(self, tokens: Tensor, masks: Tensor) -> Tensor:
        """tokens V (T, N, D), masks (T, 1, S, S) -> G (T, N, D)."""
        step = len(tokens) // 3
        keys, values = self.reader.project(fill_global(self.globe, tokens[None, : 3 * step : step], self.size[0]))
        local: Tensor | None = None
        out = []
        for frame, mask in zip(tokens.split(1), masks.split(1), strict=True):
            k, v = self.reader.project(frame if local is None else local)
            out.append(self.norm(self.reader(frame, torch.cat([k, keys], dim=2), torch.cat([v, values], dim=2))))
            local = fill_local(self.local, local, frame, mask, size=self.size[1])
        return torch.cat(out)


def table_8g(
    *,
    frames: Sequence[int] = FRAMES,
    tokens: int = 256,
    dim: int = 768,
    heads: int = 12,
    peers: bool = True,
    device: str = "cpu",
    progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Return milliseconds a frame at each length, on a CPU with torch's current number of threads.

    Weights and tokens are random (times do not depend on them). Each figure is the whole video's time over its
    frames, the best of two runs; the Transformer's long videos run once, with materialised attention where all heads' scores
    take up to 4 GiB. Raises `ConfigError`.
    """
    side = math.isqrt(tokens)
    if side * side != tokens or not frames or min(frames) < 3 or dim % heads:
        raise ConfigError("bench: tokens must be a square number, frames at least 3, dim a multiple of heads")
    config = LocaterConfig(image_size=16 * side, dim=dim, heads=heads)
    rows = []
    with torch.inference_mode():
        memory = MemoryModule(config).to(device)
        closed = ReleasedMemoryModule(config).to(device) if dim % 8 == 0 else None
        block = Block(dim, heads, norm="post").to(device)
        for count in frames:
            x = torch.randn(count, tokens, dim, device=device)
            masks = torch.rand(count, 1, side, side, device=device)
            pixels = (torch.rand(count, 1, 16 * side, 16 * side, device=device) > 0.5).float()
            flat, runs = x.reshape(1, -1, dim), 2 if count <= 30 else 1
            released = fused = plain = None
            progress(f"{count} frames: memory")
            own = _seconds(partial(memory, x, masks))
            if closed is not None:
                progress(f"{count} frames: memory as released, in closed form")
                released = _seconds(partial(closed, x, pixels))
            if peers:
                progress(f"{count} frames: Transformer block, fused attention")
                fused = _seconds(partial(block, flat), runs=runs)
            if peers and 4 * heads * (count * tokens) ** 2 <= _MOST_SCORES:
                progress(f"{count} frames: Transformer block, materialised attention")
                with sdpa_kernel(SDPBackend.MATH):
                    plain = _seconds(partial(block, flat), runs=runs)
            times = (None if found is None else 1000 * found / count for found in (released, fused, plain))
            rows.append(Row(count, 1000 * own / count, *times))
    return rows


def frame_rate(config: AnyConfig, *, frames: int = 16, words: int = 20, device: str = "cpu", batch: int = 4) -> float:
    """Return the frames a second of the whole network on a video of random pixels (Table 3: 16 frames of 512 x 512, 20 words).

    Reading the query, writing the global memory and following the frames, `batch` encoded together; the best of two runs.
    """
    model = Locater(config).to(device).eval()
    size = config.image_size
    ids = torch.ones(1, config.words, dtype=torch.long, device=device)
    ids[:, words:] = 0
    video = torch.rand(1, frames, 3, size, size, device=device) * 2 - 1

    def follow() -> None:
        for _ in model.start(ids, video[:, config.sampled(frames)]).follow(video, together=batch):
            pass

    with torch.inference_mode():
        return frames / _seconds(follow)


def crossing(rows: Sequence[Row]) -> float | None:
    """Return the length at which the fused block begins to cost more than the memory, linearly between rows.

    Below the first row the line through the first two is followed; None if the block never costs more.
    """
    measured = [(row.frames, row.fused - row.memory) for row in rows if row.fused is not None]
    for (t0, d0), (t1, d1) in itertools.pairwise(measured):
        if d1 > 0 and d1 > d0:
            return max(0.0, t0 - d0 * (t1 - t0) / (d1 - d0))
    return None


def growth(rows: Sequence[Row]) -> float:
    """Return how much more a frame costs at the last length than at the first: 0.05 for 5%."""
    return rows[-1].memory / rows[0].memory - 1


def _seconds(run: Callable[[], object], *, runs: int = 2) -> float:
    """Return the best time of `runs`, everything that was queued on an accelerator done."""
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        run()
        if torch.accelerator.is_available():
            torch.accelerator.synchronize()
        best = min(best, time.perf_counter() - start)
    return best
