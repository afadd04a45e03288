"""The referring decoder of the paper: the query vector (Eq. 9, 10), the mask (Eq. 11), the read-outs (Eq. 12).

Legend: B batch, N patches, L words, D width, S image side.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import MLP
from locater.config import LocaterConfig

_LARGEST = 80.0  # sigmoid(-80) is still a normal float32


class QueryGenerator(nn.Module):
    """q = sum_w a_w E_w, with a from the visual context (Eq. 10) or from the words alone (Table 8e)."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        dim = config.dim
        self.visual = config.query == "visual"
        parts = 1 + (config.global_size > 0) + (config.local_size > 0)
        self.context = nn.Linear(parts * dim, dim, bias=False) if self.visual else None  # W1
        self.asking = None if self.visual else nn.Parameter(torch.randn(dim) * dim**-0.5)
        self.words = nn.Linear(dim, dim, bias=False)  # W2

    def forward(self, words: Tensor, mask: Tensor, *, summaries: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return q (B, D) and a (B, L).

        words (B, L, D), mask (B, L); summaries: the means of V, M_g and M_l, (B, D) each, without absent ones.
        """
        if self.context is not None:
            asking = self.context(torch.cat(summaries, dim=-1))  # (B, D)
        else:
            assert self.asking is not None
            asking = self.asking.expand(len(words), -1)
        scores = torch.bmm(self.words(words), asking.unsqueeze(-1).to(words.dtype)).squeeze(-1)  # (B, L)
        weights = scores.float().masked_fill(~mask, -torch.inf).softmax(-1).to(words.dtype)
        return torch.bmm(weights.unsqueeze(1), words).squeeze(1), weights


class MaskDecoder(nn.Module):
    """The score of every patch: product, cosine or an MLP on the encoder's output (Table 8f)."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.mode = config.decode
        self.head = MLP(config.dim, config.dim, 1) if self.mode == "encoder" else None
        # a cosine lies in [-1, 1]; without a learned scale its sigmoid could not leave [0.27, 0.73]
        self.scale = nn.Parameter(torch.tensor(10.0)) if self.mode == "cosine" else None

    def forward(self, tokens: Tensor, query: Tensor) -> Tensor:
        """tokens G (B, N, D), query (B, D) -> logits (B, 1, sqrt N, sqrt N)."""
        if self.head is not None:
            scores = self.head(tokens).squeeze(-1)
        elif self.scale is not None:
            cosine = torch.bmm(F.normalize(tokens, dim=-1), F.normalize(query, dim=-1).unsqueeze(-1))
            scores = self.scale * cosine.squeeze(-1)
        else:
            scores = torch.bmm(tokens, query.unsqueeze(-1)).squeeze(-1)  # (B, N)
        return to_grid(scores)


class ReadOut(nn.Module):
    """An auxiliary read-out: a small MLP on F2 of one module (Eq. 12)."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.mlp = MLP(config.dim, config.dim, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (B, N, D) -> logits (B, 1, sqrt N, sqrt N)."""
        return to_grid(self.mlp(tokens).squeeze(-1))


def to_grid(scores: Tensor) -> Tensor:
    """Return (B, N) as (B, 1, sqrt N, sqrt N)."""
    side = round(scores.shape[-1] ** 0.5)
    out: Tensor = scores.unflatten(-1, (1, side, side))
    return out


def enlarge(logits: Tensor, size: int, *, mode: str) -> Tensor:
    """Return the logits of the mask at size x size.

    logits (B, 1, h, w) -> (B, 1, size, size), float32. `probability`: the sigmoids are enlarged bilinearly, as
    Eq. 11 has it, and taken back to logits; `logit`: the logits are.
    """
    logits = logits.float()
    if mode == "logit":
        return F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
    bounded = logits.clamp(-_LARGEST, _LARGEST)
    both = torch.cat([torch.sigmoid(bounded), torch.sigmoid(-bounded)])
    inside, outside = F.interpolate(both, (size, size), mode="bilinear", align_corners=False).log().chunk(2)
    return inside - outside
