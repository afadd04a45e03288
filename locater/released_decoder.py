"""The released network's query generator and mask head.

Legend: B batch, N patches, g = sqrt(N), C = 768, L = 22 ids, H = 8 heads of 96, S = 16 g.

The mask head is five 3x3 convolutions with a bilinear doubling before each but the first, and nothing
between them: an affine map. A 1x1 convolution commutes with a doubling, and a 3x3 convolution is nine 1x1
convolutions, shifted and summed. So from the third convolution on (at 4g), the weights collapse to one
1x1 convolution at 2g with 9*9*9 outputs, whose maps are doubled, shifted and summed three times over, along
y and x separately: out = A Z A^T. That is 1.5 GFLOP in place of 25 at S = 320; the second convolution goes
the same way.
"""

import functools
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import MLP, split_heads
from locater.released_memory import HEADS

_WIDTH = 208
_TAPS = 3


class AskedWords(NamedTuple):
    """What of the query generator depends on the words alone."""

    keys: Tensor
    """(B, H, L, 96)."""
    values: Tensor
    """(B, L, C)."""


class ReleasedQueries(nn.Module):
    """Eight query vectors from eight heads of word attention, asked by the visual context."""

    def __init__(self, dim: int, *, parts: int) -> None:
        super().__init__()
        self.parts = parts
        """How many means make the context: of the frame, the local and the global memory."""
        self.vis_proj = MLP(parts * dim, 4 * dim, dim)
        self.lin_proj = MLP(dim, 4 * dim, dim)
        self.value_proj = MLP(dim, 4 * dim, dim)
        self.norm = nn.LayerNorm(dim)

    def prepare(self, words: Tensor) -> AskedWords:
        """words E (B, L, C) -> their keys and values."""
        return AskedWords(split_heads(self.lin_proj(words), HEADS), self.value_proj(words))

    def forward(self, asked: AskedWords, context: Tensor) -> tuple[Tensor, Tensor]:
        """context (B, parts*C), means of frame, local and global memory -> queries (B, 8, C), weights (B, 8, L)."""
        u = self.vis_proj(context).unflatten(-1, (HEADS, 1, -1))  # (B, H, 1, 96)
        logits = (u * asked.keys).sum(-1) * u.shape[-1] ** -0.5  # (B, H, L)
        weights = logits.softmax(-1)
        return self.norm(torch.bmm(weights, asked.values)), weights


class Tail(NamedTuple):
    """The mask head after its second convolution, folded: see `ReleasedDecoder.fold`."""

    second: Tensor
    """(9 * 208, 208): the second convolution's taps as one 1x1 convolution."""
    weight: Tensor
    """(729, 208): taps (y, x) of the last, the fourth, the third convolution as one 1x1 convolution."""
    bias: Tensor
    """(S, S): what the three biases come to."""


class ReleasedDecoder(nn.Module):
    """Dot maps of patches and queries beside the context, through the progressive mask head."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, dim)
        plan = [(dim + HEADS * HEADS, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, 1)]
        layers: list[nn.Module] = []
        for inputs, outputs in plan:
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.Upsample(scale_factor=2, mode="bilinear")]
        self.mask_head = nn.Sequential(*layers[:-1])

    def fold(self, grid: int) -> Tail:
        """Return the folded weights for a grid of g x g patches. Cheap: once a query."""
        second, third, fourth, last = (self._convolution(index) for index in (2, 4, 6, 8))
        last_taps = last.weight[0].permute(1, 2, 0).flatten(0, 1)  # (9, 208), taps row-major
        fourth_taps = torch.einsum("ac,cdyx->ayxd", last_taps, fourth.weight).flatten(0, 2)  # (81, 208)
        third_taps = torch.einsum("ac,cdyx->ayxd", fourth_taps, third.weight).flatten(0, 2)  # (729, 208)
        from_third = _through(fourth_taps @ _bias(third), 4 * grid, doublings=2)
        from_fourth = _through(last_taps @ _bias(fourth), 8 * grid, doublings=1)
        return Tail(second.weight.permute(2, 3, 0, 1).flatten(0, 2), third_taps, from_third + from_fourth + _bias(last))

    def forward(self, tokens: Tensor, queries: Tensor, *, tail: Tail) -> Tensor:
        """tokens G (B, N, C), queries (B, 8, C) -> logits (B, 1, S, S)."""
        grid = round(tokens.shape[1] ** 0.5)
        q = split_heads(self.q(tokens), HEADS)  # (B, H, N, 96)
        k = split_heads(self.k(queries), HEADS)  # (B, H, 8, 96)
        dots = torch.matmul(k, q.transpose(2, 3)) * q.shape[-1] ** -0.5  # (B, H, 8, N)
        maps = torch.cat([tokens.transpose(1, 2), dots.flatten(1, 2)], dim=1)  # (B, C + 64, N)
        x = self.mask_head[0](maps.unflatten(-1, (grid, grid)))  # (B, 208, g, g)
        x = _spread(_pointwise(x, tail.second), taps=1, outputs=_WIDTH)
        x = x + _bias(self._convolution(2)).view(-1, 1, 1)  # (B, 208, 2g, 2g)
        return _spread(_pointwise(x, tail.weight), taps=3, outputs=1) + tail.bias

    def _convolution(self, index: int) -> nn.Conv2d:
        layer = self.mask_head[index]
        assert isinstance(layer, nn.Conv2d)
        return layer


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """1x1 convolution: (B, I, h, w), (O, I) -> (B, O, h, w)."""
    rows = x.flatten(2).transpose(1, 2).contiguous()  # (B, h*w, I)
    out: Tensor = F.linear(rows, weight).transpose(1, 2).unflatten(-1, x.shape[2:])
    return out


@functools.lru_cache(maxsize=16)
def _shifted_doubling(size: int) -> Tensor:
    """Return (2n, 3, n): bilinear doubling of n values, then shifts by -1, 0, 1 with zeros coming in (tap order)."""
    # kept for later calls: not an inference tensor, which training could not use
    with torch.inference_mode(False), torch.no_grad():
        eye = torch.eye(size, dtype=torch.float64)[None]  # n signals, each one value
        doubled = F.interpolate(eye, scale_factor=2, mode="linear", align_corners=False)[0].t()  # (2n, n)
        padded = F.pad(doubled, (0, 0, 1, 1))
        return torch.stack([padded[tap : tap + 2 * size] for tap in range(_TAPS)], dim=1).float()


@functools.lru_cache(maxsize=16)
def _chain(size: int, doublings: int) -> Tensor:
    """Return A (2^d n, 3^d * n): `doublings` shifted doublings in a row, the last one's tap first."""
    # kept for later calls: not an inference tensor, which training could not use
    with torch.inference_mode(False), torch.no_grad():
        first = _shifted_doubling(size)  # (2n, 3, n)
        if doublings == 1:
            return first.flatten(1)
        rest = _chain(2 * size, doublings - 1)  # (2^d n, 3^(d-1) * 2n)
        rest = rest.view(rest.shape[0], -1, 2 * size)
        return torch.einsum("orm,mtn->ortn", rest, first).flatten(1).contiguous()


def _spread(maps: Tensor, *, taps: int, outputs: int) -> Tensor:
    """Return the tap maps doubled, shifted and summed `taps` times over.

    maps (B, 9^taps * outputs or, for one tap, 9 * outputs, n, n), tap pairs (y, x) from the last convolution to
    the first -> (B, outputs, 2^taps n, 2^taps n).
    """
    size = maps.shape[-1]
    matrix = _chain(size, taps).to(maps)  # (out, 3^taps * n)
    batch = maps.shape[0]
    x = maps.reshape(batch, *([_TAPS] * (2 * taps)), outputs, size, size)
    ys = [1 + 2 * i for i in range(taps)]
    xs = [2 + 2 * i for i in range(taps)]
    channel, row, column = 1 + 2 * taps, 2 + 2 * taps, 3 + 2 * taps
    x = x.permute(0, channel, *xs, column, *ys, row)  # (B, outputs, x taps, n, y taps, n)
    x = x.reshape(-1, matrix.shape[1])  # rows: one (sample, output, x tap, x); columns: (y tap, y)
    x = F.linear(x, matrix)  # (.., out): along y
    x = x.view(batch * outputs, -1, matrix.shape[0]).transpose(1, 2).reshape(-1, matrix.shape[1])
    x = F.linear(x, matrix)  # along x
    return x.view(batch, outputs, matrix.shape[0], matrix.shape[0])


def _through(constants: Tensor, size: int, *, doublings: int) -> Tensor:
    """Return what constant tap maps (9^d,) of side `size` come to: (2^d size, 2^d size)."""
    maps = constants.view(1, -1, 1, 1).expand(1, -1, size, size)
    return _spread(maps, taps=doublings, outputs=1)[0, 0]
