"""Evw, the cross-modality encoder (Eq. 3, 4): K modules that let patches and words look at each other.

Legend: B batch (all frames of all samples), N patches, L words, D width.
"""

import torch
from torch import Tensor, nn

from locater.blocks import stack
from locater.config import LocaterConfig


class Fusion(nn.Module):
    """F1 = block([F2 + e_v, E + e_w]) of which the first N outputs are kept, F2 = block(F1); K times.

    With K = 0 (Table 8a's baseline) each patch is joined with the mean word by one linear layer.
    """

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        dim = config.dim
        self.types = nn.Parameter(torch.zeros(2, dim))  # e_v, e_w
        nn.init.trunc_normal_(self.types, std=0.02)
        self.mix = nn.ModuleList(
            stack(config.fuse_depth, dim, config.heads, norm=config.norm) for _ in range(config.modules)
        )
        self.refine = nn.ModuleList(
            stack(config.post_depth, dim, config.heads, norm=config.norm) for _ in range(config.modules)
        )
        self.norms = nn.ModuleList(
            nn.LayerNorm(dim) if config.norm == "pre" else nn.Identity() for _ in range(config.modules)
        )
        self.join = None if config.modules else nn.Linear(2 * dim, dim)

    def forward(self, tokens: Tensor, words: Tensor, mask: Tensor) -> list[Tensor]:
        """Return F2 of every module; the last is V.

        tokens (B, N, D); words (B, L, D); mask (B, L) True for words -> K times (B, N, D).
        """
        if self.join is not None:
            weight = mask.unsqueeze(-1).to(words.dtype)
            mean = (words * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
            return [self.join(torch.cat([tokens, mean.expand_as(tokens)], dim=-1))]
        patches = tokens.shape[1]
        seen = torch.cat([mask.new_ones(tokens.shape[:2]), mask], dim=1)  # (B, N + L)
        typed = words + self.types[1]
        outputs = []
        for mix, refine, norm in zip(self.mix, self.refine, self.norms, strict=True):
            joint = torch.cat([tokens + self.types[0], typed.to(tokens.dtype)], dim=1)  # (B, N + L, D)
            tokens = norm(refine(mix(joint, keep=patches, mask=seen)))
            outputs.append(tokens)
        return outputs
