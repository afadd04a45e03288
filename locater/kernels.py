"""The two products that everything is made of, `linear` and `attend`, on the fastest path torch has here.

On a CPU in float32 without gradients, torch sends matrix products to MKL, which reaches less than half of
an AMD core's rate; oneDNN, in the same torch, reaches it whole and adds bias and GELU on the way out. On
every other path (gradients, autocast, other devices, compiled graphs) these are `F.linear` and
`F.scaled_dot_product_attention`. Both give the same numbers to float32 rounding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_FEWEST_ROWS = 16  # below this a product is bound by reading the weights, whoever computes it


def _probe() -> bool:
    """Return whether this torch has oneDNN's fused linear and it computes a linear."""
    try:
        x, w = torch.eye(16), torch.arange(256.0).view(16, 16)
        with torch.inference_mode():
            return torch.equal(torch.ops.mkldnn._linear_pointwise(x, w, None, "none", [], ""), w.t())
    except (AttributeError, RuntimeError, NotImplementedError):
        return False


_ONEDNN = _probe()


def _plain(x: Tensor) -> bool:
    """Return whether `x` is on the path where oneDNN is worth calling by hand."""
    return (
        _ONEDNN
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, gelu: bool = False) -> Tensor:
    """Return x W^T + b, through an exact (erf) GELU where `gelu`.

    x (..., I); weight (O, I); bias (O,) -> (..., O).
    """
    if _plain(x) and weight.dtype == x.dtype and x.numel() >= _FEWEST_ROWS * x.shape[-1]:
        # a strided weight would send oneDNN to its reference loop, hundreds of times slower than the copy
        y: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, weight.contiguous(), bias, "gelu" if gelu else "none", [], "none" if gelu else ""
        )
        return y
    y = F.linear(x, weight, bias)
    return F.gelu(y) if gelu else y


def attend(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """Return softmax(q k^T / sqrt(d)) v for every head (Eq. 1).

    q (B, H, Nq, d); k, v (B, H, Nk, d) -> (B, H, Nq, d). mask, broadcast to (B, H, Nq, Nk): True may be
    looked at.
    """
    if mask is not None or not _plain(q) or q.shape[2] < _FEWEST_ROWS or k.shape[2] > 4096:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    batch, heads, _, width = q.shape
    out = torch.empty_like(q)
    scaled = q * width**-0.5
    for b in range(batch):
        for h in range(heads):
            weights = linear(scaled[b, h], k[b, h].contiguous()).softmax(-1)  # (Nq, Nk)
            out[b, h] = linear(weights, v[b, h].t().contiguous())
    return out


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Return (B, N, H*d) as (B, H, N, d)."""
    out: Tensor = x.unflatten(-1, (heads, -1)).transpose(1, 2)
    return out


def join_heads(x: Tensor) -> Tensor:
    """Return (B, H, N, d) as (B, N, H*d)."""
    return x.transpose(1, 2).flatten(2)


def product(x: Tensor, y: Tensor) -> Tensor:
    """Return the batched matrix product: (B, n, k) and (B, k, m) -> (B, n, m)."""
    if _plain(x) and x.shape[1] >= _FEWEST_ROWS:
        rows = [linear(left.contiguous(), right.t().contiguous()) for left, right in zip(x, y, strict=True)]
        return torch.stack(rows) if len(rows) > 1 else rows[0].unsqueeze(0)
    return torch.bmm(x, y)
