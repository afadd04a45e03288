"""The two memories of the paper: writing (Eq. 5, 6) and reading (Eq. 7, 8).

Legend: B batch, N patches, M slots, D width.

Eq. 5 goes patch by patch: the candidate c of a patch depends on the mean of the slots that the patch before
it has written, and every slot's gate on c. What does not depend on the memory, W_c's part on V, is one
matrix product for all patches; the recurrence itself keeps, for each patch, one product with the mean, one
with W_o, one gate a slot and one interpolation in place, for all samples together.
"""

import torch
from torch import Tensor, nn

from locater import kernels
from locater.config import LocaterConfig


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
            write = self._in_turn if self.sequential else self._at_once
            return write(memory, seen.to(memory.dtype), self.candidate[:, inputs:])

    def _in_turn(self, memory: Tensor, seen: Tensor, from_mean: Tensor) -> Tensor:
        """Eq. 5 as it stands, one patch after the other."""
        training = torch.is_grad_enabled()
        memory = memory if training else memory.contiguous().clone()
        for patch in range(seen.shape[1]):
            c = seen[:, patch] + memory.mean(1) @ from_mean.t()  # (B, D)
            o = torch.bmm(memory, (c @ self.gate).unsqueeze(-1))  # (B, M, 1)
            o = torch.sigmoid(o + self.gate_bias)
            if training:
                memory = torch.lerp(memory, c.unsqueeze(1), o)
            else:
                memory.lerp_(c.unsqueeze(1), o)
        return memory

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
