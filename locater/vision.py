"""Ev, the visual encoder: a ViT on patches (the paper's), or I3D (Table 8d).

Legend: B batch, T frames, S image side, O patch side, N = (S/O)^2 patches, D width.
"""

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


class Unit3d(nn.Module):
    """Convolution, BatchNorm, ReLU, under I3D's published names. Space is padded as TensorFlow's SAME pads it.

    Time is not: (B, C, T, H, W) -> (B, C', T - (k - 1), H/stride, W/stride), so a frame's result depends on it and on those
    before it, however many frames are encoded at once.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride=(1, stride, stride), bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn(self.conv3d(_same(x, self.kernel, self.stride))).relu()
        return out


class Mixed(nn.Module):
    """Four branches side by side, two frames looked back: (B, C, T, H, W) -> (B, C', T - 2, H, W)."""

    def __init__(self, inputs: int, b0: int, b1a: int, b1b: int, b2a: int, b2b: int, b3b: int) -> None:
        super().__init__()
        self.b0 = Unit3d(inputs, b0, 1)
        self.b1a, self.b1b = Unit3d(inputs, b1a, 1), Unit3d(b1a, b1b, 3)
        self.b2a, self.b2b = Unit3d(inputs, b2a, 1), Unit3d(b2a, b2b, 3)
        self.b3b = Unit3d(inputs, b3b, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.max_pool3d(_same(x, 3, 1), 3, stride=1)
        branches = [self.b0(x[:, :, 2:]), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)]
        return torch.cat(branches, dim=1)


class Pool3d(nn.Module):
    """The greatest of `kernel` frames and 3 x 3 pixels, every second pixel."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(_same(x, 3, 2), (self.kernel, 3, 3), stride=(1, 2, 2))


_MIXED = {
    "3b": (64, 96, 128, 16, 32, 32), "3c": (128, 128, 192, 32, 96, 64), "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64), "4d": (128, 128, 256, 24, 64, 64), "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
}  # fmt: skip


class Conv3dVision(nn.Module):
    """I3D (Inception-v1, inflated) down to the patch grid, every frame kept; then a projection to D.

    Patch 8 ends with Mixed_3c, patch 16 with Mixed_4f. Where I3D halves time nothing is left out here; its kernels look at the
    frames before. `context` earlier frames are looked at; at the start of a video the first frame stands in for them.
    """

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        stages: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": Unit3d(3, 64, 7, 2), "MaxPool3d_2a_3x3": Pool3d(1),
            "Conv3d_2b_1x1": Unit3d(64, 64, 1), "Conv3d_2c_3x3": Unit3d(64, 192, 3), "MaxPool3d_3a_3x3": Pool3d(1),
        }  # fmt: skip
        width = 192
        for name, (b0, b1a, b1b, b2a, b2b, b3b) in _MIXED.items():
            if name == "4b" and config.patch == 8:
                break
            if name == "4b":
                stages["MaxPool3d_4a_3x3"] = Pool3d(3)
            stages[f"Mixed_{name}"] = Mixed(width, b0, b1a, b1b, b2a, b2b, b3b)
            width = b0 + b1b + b2b + b3b
        self.stages = nn.ModuleDict(stages)
        self.context = sum(2 if isinstance(m, Mixed) else getattr(m, "kernel", 1) - 1 for m in stages.values())
        self.proj = nn.Linear(width, config.dim)
        self.norm = nn.LayerNorm(config.dim)
        self.positions = nn.Parameter(torch.zeros(1, 1, config.patches, config.dim))
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, frames: Tensor) -> Tensor:
        """frames (B, context + T, 3, S, S) in [-1, 1] -> (B, T, N, D)."""
        x = frames.transpose(1, 2)  # (B, 3, context + T, S, S)
        for stage in self.stages.values():
            x = stage(x)  # (B, C, T, S/O, S/O) at last
        x = x.flatten(3).permute(0, 2, 3, 1)  # (B, T, N, C)
        out: Tensor = self.norm(self.proj(x)) + positions_for(self.positions[0], x.shape[2])
        return out


def _same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Return x (.., H, W) with the zeros around that TensorFlow's SAME adds: H / stride outputs, one zero more at the end."""
    around = [kernel - (stride if size % stride == 0 else size % stride) for size in (x.shape[-1], x.shape[-2])]
    return F.pad(x, [part for total in around for part in (max(total, 0) // 2, max(total, 0) - max(total, 0) // 2)])


def make_vision(config: LocaterConfig) -> PatchVision | Conv3dVision:
    """Return the visual encoder that `config` names."""
    return Conv3dVision(config) if config.vision == "conv3d" else PatchVision(config)
