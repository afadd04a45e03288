"""The two memories of the paper: writing (Eq. 5, 6) and reading (Eq. 7, 8).

Legend: B batch, N patches, M slots, D width.

Eq. 5 goes patch by patch; `recurrence` runs it.
"""

import torch
from torch import Tensor, nn

from locater import kernels
from locater.config import LocaterConfig
from locater.recurrence import write_in_turn


class Writer(nn.Module):
    """The gated write controller: c = W_c [x, mean m], o_n = sigmoid(c^T W_o m_n), m_n <- o_n c + (1 - o_n) m_n."""

    def __init__(self, config: LocaterConfig, *, inputs: int, slots: int) -> None:
        super().__init__()
        dim = config.dim
        self.sequential = config.write == "sequential"
        self.gate_bias = config.gate_bias
        self.states = nn.Parameter(torch.randn(slots, dim))  # learned initial slots
        self.candidate = nn.Parameter(torch.randn(dim, inputs + dim) * dim**-0.5)  # W_c
        self.gate = nn.Parameter(torch.randn(dim, dim) / dim)  # W_o

    def initial(self, batch: int) -> Tensor:
        """Return the learned initial slots (B, M, D)."""
        return self.states.expand(batch, -1, -1)

    def forward(self, memory: Tensor, x: Tensor) -> Tensor:
        """Return the slots after one frame: memory (B, M, D), x (B, N, I) -> (B, M, D)."""
        inputs = x.shape[-1]
        seen = kernels.linear(x, self.candidate[:, :inputs])  # (B, N, D)
        # hundreds of small updates of one state: half precision would round each of them
        with torch.autocast(x.device.type, enabled=False):
            seen, from_mean = seen.to(memory.dtype), self.candidate[:, inputs:]
            if self.sequential:
                return write_in_turn(memory, seen, from_mean, self.gate, self.gate_bias)
            return self._at_once(memory, seen, from_mean)

    def _at_once(self, memory: Tensor, seen: Tensor, from_mean: Tensor) -> Tensor:
        """The same composition of interpolations with every c and o taken from the state before the frame.

        m_n <- prod_p (1 - o_pn) m_n + sum_p o_pn prod_{q > p} (1 - o_qn) c_p.
        """
        c = seen + (memory.mean(1) @ from_mean.t()).unsqueeze(1)  # (B, N, D)
        logits = torch.bmm(c @ self.gate, memory.transpose(1, 2)).float() + self.gate_bias  # (B, N, M)
        keep = nn.functional.logsigmoid(-logits)  # log(1 - o)
        after = keep.flip(1).cumsum(1).flip(1)  # log prod_{q >= p} (1 - o_q)
        weight = (nn.functional.logsigmoid(logits) + after - keep).exp().to(c.dtype)  # (B, N, M)
        kept = after[:, 0].exp().to(c.dtype).unsqueeze(-1)  # (B, M, 1)
        return torch.baddbmm(kept * memory, weight.transpose(1, 2), c)


class MaskEmbedding(nn.Module):
    """s: a small fully convolutional network over the patch probabilities of the mask (Eq. 6)."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        hidden = max(config.dim // 4, 1)
        self.conv1 = nn.Conv2d(1, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, config.dim, 3, padding=1)

    def forward(self, probabilities: Tensor) -> Tensor:
        """(B, 1, sqrt N, sqrt N) in [0, 1] -> (B, N, D)."""
        out: Tensor = self.conv2(torch.relu(self.conv1(probabilities)))
        return out.flatten(2).transpose(1, 2)


def read(tokens: Tensor, *memories: Tensor | None) -> Tensor:
    """Return G = V + c_g + c_l (Eq. 7, 8): tokens (B, N, D), each memory (B, M, D) or absent -> (B, N, D)."""
    out = tokens
    query = tokens.unsqueeze(1)
    for memory in memories:
        if memory is not None:
            slots = memory.to(tokens.dtype).unsqueeze(1)
            out = out + kernels.attend(query, slots, slots).squeeze(1)
    return out
