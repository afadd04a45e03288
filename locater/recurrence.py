"""Eq. 5's recurrence over the patches of a frame, as fast as one step after the other allows.

Legend: B batch, N patches, M slots, D width.

For each patch p in turn: c = x_p + W_m mean(m); o_n = sigmoid(c^T W_o m_n + bias); m_n <- m_n + o_n (c - m_n).
x = W_c's part on the patches is one matrix product, made before. Each step needs the mean that the step before
it leaves, so the steps cannot be merged: with the state as rank-one updates of an older one (as linear attention
is run in blocks), the mean of the slots still passes W_m at every step, and reading the older state twice costs
what updating the state in place does. What a step costs is one read of W_m and W_o (2 D^2), three of the
slots (mean, gates, update: 3 M D) and one write. So:

* without gradients the slots are updated in place, into buffers made once;
* with gradients, one autograd node for all steps, its derivative written out, keeps the slots at every
  `_STRIDE`-th patch only and recomputes those between; the weights' gradients, sums over all
  patches, become two matrix products at the end.
"""

from typing import Any

import torch
from torch import Tensor

_STRIDE = 32


def write_in_turn(memory: Tensor, x: Tensor, from_mean: Tensor, gate: Tensor, bias: float) -> Tensor:
    """Return the slots after all patches: memory (B, M, D), x (B, N, D), from_mean W_m, gate W_o (D, D) -> (B, M, D)."""
    if torch.is_grad_enabled() and any(t.requires_grad for t in (memory, x, from_mean, gate)):
        out: Tensor = _InTurn.apply(memory, x, from_mean, gate, bias)  # type: ignore[no-untyped-call]
        return out
    memory = memory.contiguous().clone()
    for patch in range(x.shape[1]):
        _step(memory, x[:, patch], from_mean, gate, bias, out=memory)
    return memory


def _step(
    memory: Tensor, x: Tensor, from_mean: Tensor, gate: Tensor, bias: float, *, out: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the slots after one patch (into `out`), the mean before, c (B, D) and o (B, M, 1)."""
    mean = memory.mean(1)
    c = torch.addmm(x, mean, from_mean.t())
    o = torch.bmm(memory, (c @ gate).unsqueeze(-1))
    o = torch.sigmoid(o + bias if bias else o)
    after = torch.lerp(memory, c.unsqueeze(1), o, out=out)
    return after, mean, c, o


class _InTurn(torch.autograd.Function):
    """The recurrence with its derivative."""

    @staticmethod
    def forward(ctx: Any, memory: Tensor, x: Tensor, from_mean: Tensor, gate: Tensor, bias: float) -> Tensor:
        state, kept = memory.contiguous().clone(), []
        for patch in range(x.shape[1]):
            if patch % _STRIDE == 0:
                kept.append(state.clone())
            _step(state, x[:, patch], from_mean, gate, bias, out=state)
        ctx.save_for_backward(x, from_mean, gate, *kept)
        ctx.bias = bias
        return state

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        x, from_mean, gate, *kept = ctx.saved_tensors
        patches = x.shape[1]
        means, candidates, to_c, to_asked = (torch.empty_like(x) for _ in range(4))
        g = gradient.clone(memory_format=torch.contiguous_format)  # to the slots after the step, then before it
        for index in reversed(range(len(kept))):
            first = index * _STRIDE
            states, gates = [kept[index]], []
            for patch in range(first, min(first + _STRIDE, patches)):
                after, means[:, patch], candidates[:, patch], o = _step(
                    states[-1], x[:, patch], from_mean, gate, ctx.bias
                )
                states.append(after)
                gates.append(o)
            for patch in reversed(range(first, min(first + _STRIDE, patches))):
                m, o, c = states[patch - first], gates[patch - first], candidates[:, patch]
                to_gate = torch.bmm(g, c.unsqueeze(-1)) - (g * m).sum(-1, keepdim=True)  # (B, M, 1)
                to_gate = to_gate * o * (1 - o)
                to_asked[:, patch] = asked = torch.bmm(to_gate.transpose(1, 2), m).squeeze(1)  # to W_o^T c
                to_c[:, patch] = dc = torch.bmm(o.transpose(1, 2), g).squeeze(1) + asked @ gate.t()
                # three ways back to the slots before: kept, through the gate, through the mean
                g.mul_(1 - o).baddbmm_(to_gate, (c @ gate).unsqueeze(1))
                g.add_((dc @ from_mean).unsqueeze(1), alpha=1 / m.shape[1])
        to_from_mean = to_c.flatten(0, 1).t() @ means.flatten(0, 1)
        to_gate_weight = candidates.flatten(0, 1).t() @ to_asked.flatten(0, 1)
        return g, to_c, to_from_mean, to_gate_weight, None
