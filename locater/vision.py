"""Ev, the visual encoder: a ViT on patches (the paper's), or an I3D-style 3-D convolution network (Table 8d).

Legend: B batch, T frames, S image side, O patch side, N = (S/O)^2 patches, D width.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import stack
from locater.config import LocaterConfig


def patch_tokens(frames: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the patches of `frames` through a convolution of kernel and stride O, as one matrix product.

    frames (B, 3, S, S); weight (D, 3, O, O) -> (B, N, D), row-major (y, then x).
    """
    side = weight.shape[-1]
    batch, channels, height, width = frames.shape
    cut = frames.reshape(batch, channels, height // side, side, width // side, side)
    rows = cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * side * side)  # (B, N, 3*O*O)
    return F.linear(rows, weight.flatten(1), bias)


def positions_for(positions: Tensor, patches: int) -> Tensor:
    """Return the positions (1, N, D) for a grid of `patches`, resampled bicubically where that is not N."""
    if positions.shape[1] == patches:
        return positions
    old, new = round(positions.shape[1] ** 0.5), round(patches**0.5)
    grid = positions.transpose(1, 2).unflatten(-1, (old, old))
    resized = F.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
    return resized.flatten(2).transpose(1, 2)


def sines(grid: int, dim: int) -> Tensor:
    """Return where positions begin to learn, (1, grid * grid, dim): a quarter each of sines and cosines of row and column."""
    quarter = dim // 4
    rates = 10.0 ** (-torch.arange(quarter) / max(quarter - 1, 1)) * torch.pi / 2
    angles = torch.arange(grid).float()[:, None] * rates  # (grid, quarter)
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # (grid, 2 * quarter)
    rows = waves[:, None].expand(-1, grid, -1)
    columns = waves[None].expand(grid, -1, -1)
    positions = torch.cat([rows, columns], dim=-1).flatten(0, 1)  # (N, 4 * quarter)
    return F.pad(positions, (0, dim - positions.shape[1])).unsqueeze(0) * 0.5


class PatchVision(nn.Module):
    """Patches, learned positions, Transformer blocks. Each frame by itself."""

    context = 0
    """Earlier frames that `forward` needs before the ones it encodes."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        dim, side = config.dim, config.patch
        self.proj = nn.Conv2d(3, dim, side, side)
        self.positions = nn.Parameter(sines(config.grid, dim))
        self.blocks = stack(config.vision_depth, dim, config.heads, norm=config.norm)
        self.norm: nn.Module = nn.LayerNorm(dim) if config.norm == "pre" else nn.Identity()

    def forward(self, frames: Tensor) -> Tensor:
        """frames (B, T, 3, S, S) in [-1, 1] -> (B, T, N, D)."""
        x = patch_tokens(frames.flatten(0, 1), self.proj.weight, self.proj.bias)  # (B*T, N, D)
        x = self.norm(self.blocks(x + positions_for(self.positions, x.shape[1])))
        out: Tensor = x.unflatten(0, frames.shape[:2])
        return out


class Inception3d(nn.Module):
    """Four branches side by side, as in I3D: 1x1x1; two 1x1x1 -> 3x3x3; 1x1x1 after a spatial pool.

    Time is not padded: (B, C, T, H, W) -> (B, C', T - 2, H, W), so a frame's result depends on it and on
    the two before it, however many frames are encoded at once.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        part = outputs // 4
        self.point = nn.Conv3d(inputs, part, 1)
        self.reduce = nn.Conv3d(inputs, 2 * part, 1)
        self.left = nn.Conv3d(part, outputs - 3 * part, 3, padding=(0, 1, 1))
        self.right = nn.Conv3d(part, part, 3, padding=(0, 1, 1))
        self.pooled = nn.Conv3d(inputs, part, 1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        now = x[:, :, 2:]
        left, right = self.reduce(x).relu().chunk(2, dim=1)
        pooled = F.max_pool3d(now, (1, 3, 3), stride=1, padding=(0, 1, 1))
        branches = [self.point(now), self.left(left), self.right(right), self.pooled(pooled)]
        out: Tensor = self.norm(torch.cat(branches, dim=1)).relu()
        return out


class Conv3dVision(nn.Module):
    """A stem and one inception stage a halving, down to the patch grid; then a projection to D.

    `context` earlier frames are looked at. At the start of a video the first frame stands in for them.
    """

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        halvings = int(math.log2(config.patch))
        base = max(16, config.dim // 8)
        widths = [min(base * 2**i, config.dim) // 4 * 4 for i in range(max(halvings, 1))]
        stages: list[nn.Module] = [
            nn.Conv3d(3, widths[0], (3, 7, 7), stride=(1, 2 if halvings else 1, 2 if halvings else 1), padding=(0, 3, 3)),
            nn.BatchNorm3d(widths[0]),
            nn.ReLU(),
        ]  # fmt: skip
        for before, after in itertools.pairwise(widths):
            stages += [Inception3d(before, after), nn.MaxPool3d((1, 2, 2))]
        stages.append(Inception3d(widths[-1], widths[-1]))
        self.stages = nn.Sequential(*stages)
        self.context = 2 * (1 + sum(isinstance(stage, Inception3d) for stage in stages))
        self.proj = nn.Linear(widths[-1], config.dim)
        self.norm = nn.LayerNorm(config.dim)
        self.positions = nn.Parameter(torch.zeros(1, 1, config.patches, config.dim))
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, frames: Tensor) -> Tensor:
        """frames (B, context + T, 3, S, S) in [-1, 1] -> (B, T, N, D)."""
        x = self.stages(frames.transpose(1, 2))  # (B, C, T, S/O, S/O)
        x = x.flatten(3).permute(0, 2, 3, 1)  # (B, T, N, C)
        out: Tensor = self.norm(self.proj(x)) + positions_for(self.positions[0], x.shape[2])
        return out


def make_vision(config: LocaterConfig) -> PatchVision | Conv3dVision:
    """Return the visual encoder that `config` names."""
    return Conv3dVision(config) if config.vision == "conv3d" else PatchVision(config)
