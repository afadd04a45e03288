"""The grounding module of the RVOS challenge (section 5.6): which of several mask sequences is the referent's.

Each candidate, a model's masks for the whole video, becomes one token a frame: the mean of the frame's visual tokens
under the mask, and where the mask lies. Four Transformer blocks look at these and the words together; an MLP
on a leading token gives the candidate's score.

Legend: B batch, M candidates, T frames, N patches, L words, D width.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import MLP, stack
from locater.errors import VideoError
from locater.inference import prepare
from locater.model import Locater

_PLACE = 7  # area, centre (x, y), box (left, top, right, bottom), all in [0, 1]


class Grounding(nn.Module):
    """Scores candidate mask sequences against a query."""

    def __init__(self, dim: int, heads: int, *, depth: int = 4, frames: int = 64) -> None:
        super().__init__()
        self.lead = nn.Parameter(torch.zeros(1, 1, dim))
        self.types = nn.Parameter(torch.zeros(2, dim))
        self.time = nn.Parameter(torch.zeros(1, frames, dim))
        self.look = nn.Linear(dim, dim)
        self.place = MLP(_PLACE, dim, dim)
        self.blocks = stack(depth, dim, heads, norm="post")
        self.score = MLP(dim, dim, 1)
        for parameter in (self.lead, self.types, self.time):
            nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, tokens: Tensor, words: Tensor, mask: Tensor, candidates: Tensor) -> Tensor:
        """Return the scores (B, M): logits of a softmax over the candidates.

        tokens V (B, T, N, D); words E (B, L, D), mask (B, L) True for words; candidates (B, M, T, g, g), the part of
        each patch that the mask covers, g = sqrt(N).
        """
        batch, count, frames, grid = candidates.shape[:4]
        if tokens.shape[:3] != (batch, frames, grid * grid):
            raise VideoError(f"grounding: tokens {tuple(tokens.shape)} do not fit candidates {tuple(candidates.shape)}")
        if frames > self.time.shape[1]:
            raise VideoError(f"grounding: {frames} frames, at most {self.time.shape[1]} are looked at; sample some")
        share = candidates.flatten(3)  # (B, M, T, N)
        area = share.sum(-1, keepdim=True)
        seen = torch.einsum("bmtn,btnd->bmtd", share / area.clamp_min(1e-6), tokens)
        x = self.look(seen) + self.place(placement(candidates)) + self.time[:, :frames] + self.types[0]
        x = x.flatten(0, 1)  # (B*M, T, D)
        e = (words + self.types[1]).repeat_interleave(count, 0)  # (B*M, L, D)
        joint = torch.cat([self.lead.expand(len(x), -1, -1), x, e], dim=1)
        known = torch.cat([mask.new_ones(len(x), 1 + frames), mask.repeat_interleave(count, 0)], dim=1)
        lead = self.blocks(joint, keep=1, mask=known)[:, 0]  # (B*M, D)
        out: Tensor = self.score(lead).view(batch, count)
        return out


def placement(candidates: Tensor) -> Tensor:
    """Return area, centre and box of each mask, in [0, 1], zero for empty ones: (..., g, g) -> (..., 7)."""
    grid = candidates.shape[-1]
    spots = (torch.arange(grid, device=candidates.device, dtype=candidates.dtype) + 0.5) / grid
    total = candidates.sum((-2, -1)).clamp_min(1e-6)
    x = (candidates.sum(-2) * spots).sum(-1) / total
    y = (candidates.sum(-1) * spots).sum(-1) / total
    edges = []
    for axis in (-2, -1):  # columns, then rows
        on = candidates.amax(axis) > 0.5  # (..., g)
        low = torch.where(on, spots, 1.0).amin(-1) * on.any(-1)
        high = torch.where(on, spots, 0.0).amax(-1)
        edges += [low, high]
    left, right, top, bottom = edges
    return torch.stack([total.clamp_max(grid * grid) / grid**2, x, y, left, top, right, bottom], dim=-1)


def grounding_loss(scores: Tensor, quality: Tensor) -> Tensor:
    """Return the cross-entropy of scores (B, M) with the candidate of the best quality, say mean IoU, (B, M)."""
    return F.cross_entropy(scores.float(), quality.argmax(1))


@torch.inference_mode()
def choose(
    model: Locater, grounding: Grounding, video: np.ndarray, query: str | Tensor, candidates: Sequence[np.ndarray]
) -> tuple[int, Tensor]:
    """Return the index of the candidate that fits the query best, and the probabilities of all (M,).

    model: a LOCATER of the paper variant, whose tokens are looked at; video: uint8 (N, H, W, 3); candidates: M
    mask sequences of any models, bool (N, H, W). The frames that the global memory would take are looked at, at most
    as many as `grounding` knows, evenly spaced. Raises `VideoError` for candidates of another size, or none.
    """
    if not candidates:
        raise VideoError("grounding: no candidates to choose from")
    for index, masks in enumerate(candidates):
        if masks.shape != video.shape[:3]:
            raise VideoError(f"grounding: candidate {index + 1} is {masks.shape}, the video {video.shape[:3]}")
    if not len(video):
        raise VideoError("the video has no frames")
    indices = model.config.sampled(len(video))
    most = grounding.time.shape[1]
    if len(indices) > most:
        indices = [indices[i * len(indices) // most] for i in range(most)]
    if model.config.variant == "released":
        raise VideoError("grounding: looks at tokens of the paper variant, not of the released network")
    session = model.start(query)
    frames = prepare(video[indices], model.config, device=model.device)
    tokens = torch.cat([session.fuse(model.glance(frames[None, t : t + 1])) for t in range(len(frames))], dim=1)
    grid = model.config.grid
    stacked = torch.from_numpy(np.stack([masks[indices] for masks in candidates])).to(model.device).float()
    shares = F.adaptive_avg_pool2d(stacked, grid)  # (M, T, g, g)
    scores = grounding(tokens, session.words.features, session.words.mask, shares[None])[0]
    return int(scores.argmax()), scores.softmax(-1)
