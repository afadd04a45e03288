"""The two memories of the paper: writing (Eq. 5, 6) and reading (Eq. 7, 8).

Legend: B batch, T frames, N patches, M slots, D width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.config import LocaterConfig
from locater.network import Network
from locater.recurrence import write_in_turn


class Writer(nn.Module):
    """The gated write controller: c = W_c [x, mean m], o_n = sigmoid(c^T W_o m_n + shift), m_n <- o_n c + (1 - o_n) m_n.

    W_c begins near [identity, 0]: slots then hold what the encoder says of patches, in its own terms.
    """

    def __init__(self, config: LocaterConfig, *, inputs: int, slots: int) -> None:
        super().__init__()
        dim = config.dim
        self.sequential = config.write == "sequential"
        self.shift = config.gate_shift
        self.states = nn.Parameter(torch.randn(slots, dim))  # learned initial slots
        self.candidate = nn.Parameter(0.1 * torch.randn(dim, inputs + dim) * dim**-0.5)  # W_c
        self.gate = nn.Parameter(torch.randn(dim, dim) / dim)  # W_o
        with torch.no_grad():
            self.candidate[:, :dim] += torch.eye(dim)
        self.watched = False
        self.vitals: Tensor | None = None
        """While `watched`: the spread of the slots after the last write, and its mean gate, (2,)."""

    def initial(self, batch: int) -> Tensor:
        """Return the learned initial slots (B, M, D)."""
        return self.states.expand(batch, -1, -1)

    def forward(self, memory: Tensor, x: Tensor) -> Tensor:
        """Return the slots after one frame: memory (B, M, D), x (B, N, I) -> (B, M, D)."""
        inputs = x.shape[-1]
        seen = F.linear(x, self.candidate[:, :inputs])  # (B, N, D)
        # hundreds of small updates of one state: half precision would round each of them
        with torch.autocast(x.device.type if x.device.type != "meta" else "cpu", enabled=False):
            seen, from_mean = seen.to(memory.dtype), self.candidate[:, inputs:]
            if self.sequential:
                after = write_in_turn(memory, seen, from_mean, self.gate, self.shift)
            else:
                after = self._at_once(memory, *self._gates(memory, seen))
            if self.watched:
                with torch.no_grad():
                    gates = self._gates(memory, seen)[1].sigmoid()
                    self.vitals = torch.stack([spread(after), gates.mean()])
        return after

    def _gates(self, memory: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return c (B, N, D) and the gates' logits (B, N, M), float32, from one state (B, M, D)."""
        inputs = self.candidate.shape[1] - seen.shape[-1]
        c = seen + F.linear(memory.mean(1), self.candidate[:, inputs:]).unsqueeze(1)  # (B, N, D)
        return c, torch.bmm(c @ self.gate, memory.transpose(1, 2)).float() + self.shift  # (B, N, M)

    def _at_once(self, memory: Tensor, c: Tensor, logits: Tensor) -> Tensor:
        """Return the interpolations of all patches in a row, their c and o known.

        m_n <- prod_p (1 - o_pn) m_n + sum_p o_pn prod_{q > p} (1 - o_qn) c_p.
        """
        keep = F.logsigmoid(-logits)  # log(1 - o), (B, N, M)
        after = keep.flip(1).cumsum(1).flip(1)  # log prod_{q >= p} (1 - o_q)
        weight = (F.logsigmoid(logits) + after - keep).exp().to(c.dtype)  # (B, N, M)
        kept = after[:, 0].exp().to(c.dtype).unsqueeze(-1)  # (B, M, 1)
        return torch.baddbmm(kept * memory, weight.transpose(1, 2), c)  # (B, M, D)


class MaskEmbedding(nn.Module):
    """s: a small fully convolutional network over the patch probabilities of the mask (Eq. 6)."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        hidden = max(config.dim // 4, 1)
        self.conv1 = nn.Conv2d(1, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, config.dim, 3, padding=1)

    def forward(self, probabilities: Tensor) -> Tensor:
        """(B, 1, sqrt N, sqrt N) in [0, 1] -> (B, N, D)."""
        out: Tensor = self.conv2(torch.relu(self.conv1(probabilities)))  # (B, D, sqrt N, sqrt N)
        return out.flatten(2).transpose(1, 2)


class Memories(Network):
    """Both memories of a network, or those that its configuration has."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        dim = config.dim
        self.globe = Writer(config, inputs=dim, slots=config.global_size) if config.global_size else None
        self.local = Writer(config, inputs=2 * dim, slots=config.local_size) if config.local_size else None
        self.mask_embedding = MaskEmbedding(config) if config.local_size else None

    def writers(self) -> dict[str, Writer]:
        """Return the writers that there are, by the memory's name."""
        named = (("global", self.globe), ("local", self.local))
        return {name: writer for name, writer in named if writer is not None}

    def first_global(self, batch: int) -> Tensor | None:
        """Return M_g (B, Ng, D) before any frame."""
        return None if self.globe is None else self.globe.initial(batch)

    def write_global(self, globe: Tensor | None, tokens: Tensor, known: Tensor | None = None) -> Tensor | None:
        """Return M_g (B, Ng, D) after frames in time order, V (B, t, N, D), known (B, t) (Eq. 5)."""
        if self.globe is None or globe is None:
            return None
        for t, frame in enumerate(tokens.unbind(1)):
            after = self.globe(globe, frame)
            globe = after if known is None else torch.where(known[:, t].view(-1, 1, 1), after, globe)
        return globe

    def first_local(self, batch: int) -> Tensor | None:
        """Return M_l (B, Nl, D) before any frame."""
        return None if self.local is None else self.local.initial(batch)

    def write_local(self, local: Tensor | None, tokens: Tensor, mask: Tensor) -> Tensor | None:
        """Return M_l after a frame: V (B, N, D) and its patch probabilities (B, 1, sqrt N, sqrt N) (Eq. 6)."""
        if self.local is None or self.mask_embedding is None or local is None:
            return None
        embedded = self.mask_embedding(mask.to(self.mask_embedding.conv1.weight.dtype)).to(tokens.dtype)
        after: Tensor = self.local(local, torch.cat([tokens, embedded], dim=-1))
        return after


def read(tokens: Tensor, *memories: Tensor | None) -> Tensor:
    """Return G = V + c_g + c_l (Eq. 7, 8): tokens (B, N, D), each memory (B, M, D) or absent -> (B, N, D)."""
    out = tokens
    query = tokens.unsqueeze(1)  # (B, 1, N, D): one head
    for memory in memories:
        if memory is not None:
            slots = memory.to(tokens.dtype).unsqueeze(1)  # (B, 1, M, D)
            out = out + F.scaled_dot_product_attention(query, slots, slots).squeeze(1)
    return out


def spread(slots: Tensor) -> Tensor:
    """Return how far slots (B, M, D) lie from their mean, relative to their length: 0 where all are one vector, 1 where the mean is 0."""
    slots = slots.float()
    apart = slots - slots.mean(1, keepdim=True)
    return (apart.square().mean() / slots.square().mean().clamp_min(1e-12)).sqrt()
