"""The released network's memories: gated writes, filling up, reading.

Legend: B batch, N patches, M slots, C = 768, H = 8 heads of 96.

The gate weighs every (patch, slot) pair per head. The release multiplies it out to (B, H, N, M, 96); here
the sum over patches is a matrix product and the mean gate a number a slot and head, which is the same thing.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import MLP, join_heads, split_heads

HEADS = 8


class CrossAttention(nn.Module):
    """Multi-head attention with separate projections; keys and values can be made ahead."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        self.v = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def project(self, slots: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, C) -> keys and values (B, H, M, 96)."""
        return split_heads(self.k(slots), HEADS), split_heads(self.v(slots), HEADS)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """x (B, N, C); keys, values (B, H, M, 96) -> (B, N, C)."""
        query = split_heads(self.q(x), HEADS)
        out: Tensor = self.proj(join_heads(F.scaled_dot_product_attention(query, keys, values)))
        return out


def pad_with_mean(slots: Tensor, size: int) -> Tensor:
    """Return the slots (B, m, C), then copies of their mean up to `size`; no gradient passes to the copies."""
    with torch.no_grad():
        mean = slots.mean(1, keepdim=True).expand(-1, size - slots.shape[1], -1)
    return torch.cat([slots, mean], dim=1)


class ReleasedWriter(nn.Module):
    """The gated write of both memories. `for_local` adds the mask embedding and a LayerNorm on the candidates."""

    def __init__(self, dim: int, *, for_local: bool) -> None:
        super().__init__()
        self.c_func = nn.ModuleList([MLP(2 * dim, 4 * dim, dim)])
        if for_local:
            self.c_func.append(nn.LayerNorm(dim))
        self.o_func = nn.ModuleList([nn.ModuleDict({"q": nn.Linear(dim, dim), "k": nn.Linear(dim, dim)})])
        self.m_func = MLP(dim, 4 * dim, dim)
        self.post_func = MLP(dim, 4 * dim, dim)
        self.mask_enc = nn.Conv2d(1, dim, 3, padding=1) if for_local else None
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)

    def write(self, memory: Tensor, x: Tensor) -> Tensor:
        """Return norm2 of the gated write: memory (B, M, C), x (B, N, C) -> (B, M, C)."""
        summed, mean_gate = self._gated_sum(memory, self._candidates(memory, x))
        kept = self.m_func(memory)  # (B, M, C)
        # 1 - mean gate is one number a slot and head: (B, M, H) against (B, M, H, 96)
        kept = (kept.unflatten(-1, (HEADS, -1)) * (1 - mean_gate).unsqueeze(-1)).flatten(2)
        out: Tensor = self.norm2(self.post_func(summed) + kept)
        return out

    def _candidates(self, memory: Tensor, x: Tensor) -> Tensor:
        """Return c (B, N, C) of [x, mean m]; the mean, equal for all patches, passes its half of fc1 once."""
        mlp: Any = self.c_func[0]
        dim = x.shape[-1]
        weight = mlp.fc1.weight
        shift = F.linear(memory.mean(1), weight[:, dim:], mlp.fc1.bias)  # (B, 4C)
        hidden = F.gelu(F.linear(x, weight[:, :dim]) + shift.unsqueeze(1))  # (B, N, 4C)
        c: Tensor = mlp.fc2(hidden)
        return self.c_func[1](c) if len(self.c_func) > 1 else c

    def _gated_sum(self, memory: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return sum_n o[h, n, m] c[n, h] (B, M, C) and mean_n o[h, n, m] (B, M, H)."""
        gate: Any = self.o_func[0]
        q = split_heads(gate["q"](c), HEADS)  # (B, H, N, 96)
        k = split_heads(gate["k"](memory), HEADS)  # (B, H, M, 96)
        parts = split_heads(c, HEADS)  # (B, H, N, 96)
        k = k * k.shape[-1] ** -0.5
        sums, means = [], []
        for head in range(HEADS):
            o = torch.sigmoid(torch.bmm(k[:, head], q[:, head].transpose(1, 2)))  # (B, M, N)
            sums.append(torch.bmm(o, parts[:, head]))  # (B, M, 96)
            means.append(o.mean(-1))  # (B, M)
        return torch.cat(sums, dim=-1), torch.stack(means, dim=-1)

    def embed_mask(self, mask: Tensor) -> Tensor:
        """Return the mask embedding: mask (B, 1, S, S) -> (B, N, C).

        The 3x3 convolution at S x S followed by bilinear reduction to a sixteenth takes the mean of four
        pixels of the convolution in the middle of each patch: one 4x4 convolution of stride 16.
        """
        assert self.mask_enc is not None
        weight = self.mask_enc.weight
        kernel = F.conv2d(weight, weight.new_full((1, 1, 2, 2), 0.25), padding=1)  # (C, 1, 4, 4)
        middles = mask[..., 6:, 6:].unfold(2, 4, 16).unfold(3, 4, 16)  # (B, 1, S/16, S/16, 4, 4)
        return F.linear(middles.flatten(4).flatten(1, 3), kernel.flatten(1), self.mask_enc.bias)


def fill_global(writer: ReleasedWriter, tokens: Tensor, size: int) -> Tensor:
    """Return M_g after T frames: tokens (B, T, N, C) -> (B, T*N or `size`, C)."""
    x = writer.norm1(tokens)
    frames, patches = x.shape[1:3]
    if frames * patches <= size:
        out: Tensor = x.flatten(1, 2)
        return out
    first = size // patches
    with torch.no_grad():
        state = x[:, :first].flatten(1, 2) if first else x[:, 0].mean(1, keepdim=True)
    memory = pad_with_mean(state, size)
    for index in range(first, frames):
        memory = writer.write(memory, x[:, index])
    return memory


def fill_local(writer: ReleasedWriter, memory: Tensor | None, tokens: Tensor, mask: Tensor, *, size: int) -> Tensor:
    """Return M_l after a frame: tokens (B, N, C), mask (B, 1, S, S) -> (B, at most `size`, C)."""
    x: Tensor = writer.norm1(tokens + writer.embed_mask(mask))
    patches = x.shape[1]
    if memory is None:
        if patches <= size:
            return x
        memory = x.mean(1, keepdim=True)
    if memory.shape[1] + patches <= size:
        return torch.cat([memory, x], dim=1)
    if memory.shape[1] < size:
        memory = pad_with_mean(memory, size)
    return writer.write(memory, x)
