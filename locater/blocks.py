"""What both variants are built of: linear layers, the two-layer MLP and the Transformer block of Eq. 2.

Legend: B batch, N tokens, D width, H heads.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class MLP(nn.Module):
    """fc2(GELU(fc1 x)): (..., I) -> (..., hidden) -> (..., O)."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.fc2 = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class SelfAttention(nn.Module):
    """Multi-head self-attention with one projection to [q | k | v], each head-major."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, *, keep: int | None = None, mask: Tensor | None = None) -> Tensor:
        """Return what the first `keep` tokens (all by default) gather from all tokens.

        x (B, N, D) -> (B, keep, D). mask (B, N): True for tokens that may be looked at.
        """
        dim = x.shape[-1]
        if keep is None:
            q, k, v = (split_heads(y, self.heads) for y in self.qkv(x).split(dim, dim=-1))  # (B, H, N, D/H)
        else:
            weight, bias = self.qkv.weight, self.qkv.bias
            q = split_heads(F.linear(x[:, :keep], weight[:dim], bias[:dim]), self.heads)  # (B, H, keep, D/H)
            kv = F.linear(x, weight[dim:], bias[dim:])  # (B, N, 2D)
            k, v = (split_heads(y, self.heads) for y in kv.split(dim, dim=-1))  # (B, H, N, D/H)
        seen = None if mask is None else mask[:, None, None, :]  # (B, 1, 1, N)
        out: Tensor = self.proj(join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=seen)))  # (B, keep, D)
        return out


class Block(nn.Module):
    """A Transformer encoder block.

    `post` (Eq. 2): X' = LN(X + MSA(X)), Y = LN(X' + MLP(X')). `pre`: X' = X + MSA(LN X), Y = X' + MLP(LN X').
    """

    def __init__(self, dim: int, heads: int, *, norm: str, eps: float = 1e-5) -> None:
        super().__init__()
        self.pre = norm == "pre"
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = MLP(dim, 4 * dim, dim)

    def forward(self, x: Tensor, *, keep: int | None = None, mask: Tensor | None = None) -> Tensor:
        """x (B, N, D) -> (B, keep, D): tokens past `keep` are looked at but not computed further."""
        kept = x if keep is None else x[:, :keep]
        if self.pre:
            kept = kept + self.attn(self.norm1(x), keep=keep, mask=mask)
            found: Tensor = kept + self.mlp(self.norm2(kept))
            return found
        kept = self.norm1(kept + self.attn(x, keep=keep, mask=mask))
        out: Tensor = self.norm2(kept + self.mlp(kept))
        return out


class Blocks(nn.ModuleList):
    """Blocks in a row; `recompute` trades their stored activations for a second forward pass."""

    recompute = False

    def forward(self, x: Tensor, *, keep: int | None = None, mask: Tensor | None = None) -> Tensor:
        """x (B, N, D) -> (B, keep, D); only the last block drops the tokens past `keep`."""
        for index, block in enumerate(self):
            last = keep if index == len(self) - 1 else None
            if self.recompute and torch.is_grad_enabled():
                x = checkpoint(block, x, keep=last, mask=mask, use_reentrant=False)
            else:
                x = block(x, keep=last, mask=mask)
        return x if keep is None else x[:, :keep]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Return (B, N, H*d) as (B, H, N, d)."""
    out: Tensor = x.unflatten(-1, (heads, -1)).transpose(1, 2)
    return out


def join_heads(x: Tensor) -> Tensor:
    """Return (B, H, N, d) as (B, N, H*d)."""
    return x.transpose(1, 2).flatten(2)


def stack(depth: int, dim: int, heads: int, *, norm: str, eps: float = 1e-5) -> Blocks:
    """Return `depth` blocks in a row."""
    return Blocks(Block(dim, heads, norm=norm, eps=eps) for _ in range(depth))


def initialise(module: nn.Module) -> None:
    """Draw Linear weights from a normal of 0.02 and zero their biases; LayerNorms stay at 1 and 0."""
    for child in module.modules():
        if isinstance(child, nn.Linear):
            nn.init.trunc_normal_(child.weight, std=0.02)
            if child.bias is not None:
                nn.init.zeros_(child.bias)
