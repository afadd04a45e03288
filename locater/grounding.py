"""The grounding module of the RVOS challenge (section 5.6): which of several mask sequences is the referent's.

Each candidate, a model's masks for the whole video, becomes one token a frame: the mean of the frame's visual tokens
under the mask, and where the mask lies. Four Transformer blocks look at these and the words together; an MLP
on a leading token gives the candidate's score.

Legend: B batch, M candidates, T frames, N patches, L words, D width, g = sqrt(N).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater import checkpoint
from locater.blocks import MLP, stack
from locater.errors import CheckpointError, ConfigError, VideoError
from locater.inference import prepare
from locater.model import Locater

_PLACE = 7  # area, centre (x, y), box (left, top, right, bottom), all in [0, 1]
_TOGETHER = 8  # frames encoded at once
FRAMES = 64
"""The most frames of a video that are looked at."""
FILE, BESIDE = "grounding.safetensors", "model.safetensors"
"""A trained module's folder: its weights, and the LOCATER whose tokens it looks at."""


class Grounding(nn.Module):
    """Scores candidate mask sequences against a query."""

    def __init__(self, dim: int, heads: int, *, depth: int = 4, frames: int = FRAMES) -> None:
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

    def forward(self, seen: Tensor, known: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Return the scores (B, M): logits of a softmax over the candidates.

        seen (B, M, T, D + 7), as `sightings` gives it, known (B, T) True for a video's own frames; words E (B, L, D), mask (B, L) True for words.
        """
        batch, count, frames = seen.shape[:3]
        if frames > self.time.shape[1]:
            raise VideoError(f"grounding: {frames} frames, at most {self.time.shape[1]} are looked at; sample some")
        x = self.look(seen[..., :-_PLACE]) + self.place(seen[..., -_PLACE:])  # (B, M, T, D)
        x = (x + self.time[:, :frames] + self.types[0]).flatten(0, 1)  # (B*M, T, D)
        e = (words + self.types[1]).repeat_interleave(count, 0)  # (B*M, L, D)
        joint = torch.cat([self.lead.expand(len(x), -1, -1), x, e], dim=1)  # (B*M, 1 + T + L, D)
        there = torch.cat([known.new_ones(batch, 1), known, mask], dim=1).repeat_interleave(count, 0)
        out: Tensor = self.score(self.blocks(joint, keep=1, mask=there)[:, 0]).view(batch, count)  # (B*M, 1) -> (B, M)
        return out


def evenly(count: int, most: int = FRAMES) -> list[int]:
    """Return which of `count` frames are looked at, 0-based: all or, evenly spaced, `most`."""
    most = min(most, count)
    return [place * count // most for place in range(most)]


def sightings(tokens: Tensor, candidates: Tensor) -> Tensor:
    """Return what the module sees of candidates: the mean token under each mask, and `placement`: (M, T, D + 7).

    tokens V (T, N, D); candidates (M, T, g, g), the part of each patch that the mask covers. Raises `VideoError`.
    """
    frames, grid = candidates.shape[1:3]
    if tokens.shape[:2] != (frames, grid * grid):
        raise VideoError(f"grounding: tokens {tuple(tokens.shape)} do not fit candidates {tuple(candidates.shape)}")
    share = candidates.flatten(2)  # (M, T, N)
    under = torch.einsum("mtn,tnd->mtd", share / share.sum(-1, keepdim=True).clamp_min(1e-6), tokens)  # (M, T, D)
    return torch.cat([under, placement(candidates)], dim=-1)


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


@torch.no_grad()
def look(
    model: Locater, frames: np.ndarray, query: str | Tensor, candidates: Sequence[np.ndarray]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return `sightings` (M, T, D + 7), words E (L, D) and their mask (L,) of one query.

    frames: T of a video, uint8 (T, H, W, 3); candidates: M models' masks in them, bool (T, H, W) each. Raises `VideoError`, `ConfigError`.
    """
    if model.config.variant == "released":
        raise ConfigError("grounding: looks at tokens of the paper variant, not of the released network")
    _check(frames, candidates)
    session = model.start(query)
    tokens = [session.fuse(model.glance(part[None]))[0] for part in prepare(frames, model.config).split(_TOGETHER)]
    stacked = torch.from_numpy(np.stack(candidates)).to(model.device).float()  # (M, T, H, W)
    seen = sightings(torch.cat(tokens), F.adaptive_avg_pool2d(stacked, model.config.grid))
    return seen, session.words.features[0], session.words.mask[0]


def _check(frames: np.ndarray, candidates: Sequence[np.ndarray]) -> None:
    """Raise `VideoError` for no frame, no candidate, or one of another size."""
    if not candidates:
        raise VideoError("grounding: no candidates to choose from")
    for index, masks in enumerate(candidates):
        if masks.shape != frames.shape[:3]:
            raise VideoError(f"grounding: candidate {index + 1} is {masks.shape}, the video {frames.shape[:3]}")
    if not len(frames):
        raise VideoError("the video has no frames")


@torch.inference_mode()
def choose(
    model: Locater, grounding: Grounding, frames: np.ndarray, query: str | Tensor, candidates: Sequence[np.ndarray]
) -> tuple[int, Tensor]:
    """Return the index of the candidate that fits the query best, and the probabilities of all (M,).

    model: a LOCATER of the paper variant, whose tokens are looked at; frames, candidates: as in `look`, of which `grounding` looks
    at as many as it knows, evenly spaced. Raises `VideoError` for candidates of another size, or none, `ConfigError`.
    """
    _check(frames, candidates)
    taken = evenly(len(frames), grounding.time.shape[1])
    seen, words, mask = look(model, frames[taken], query, [masks[taken] for masks in candidates])
    scores = grounding(seen[None], mask.new_ones(1, len(taken)), words[None], mask[None])[0]  # (M,)
    return int(scores.argmax()), scores.softmax(-1)


def save(model: Locater, grounding: Grounding, folder: Path) -> None:
    """Write a module and the LOCATER that it looks through into a folder (`FILE`, `BESIDE`)."""
    checkpoint.save(model, folder / BESIDE)
    checkpoint.write_tensors(folder / FILE, grounding)


def load(folder: Path) -> tuple[Locater, Grounding]:
    """Return what `save` wrote, in evaluation mode. Raises `CheckpointError`, `QueryError`."""
    tensors, model = checkpoint.read(folder / FILE), checkpoint.load(folder / BESIDE)
    depth = len({name.split(".")[1] for name in tensors if name.startswith("blocks.")})
    time = tensors.get("time")
    if time is None or time.dim() != 3 or not depth:
        raise CheckpointError(f"{folder / FILE}: no grounding module")
    grounding = Grounding(model.config.dim, model.config.heads, depth=depth, frames=time.shape[1])
    checkpoint.fill(grounding, tensors, source=str(folder / FILE))
    return model, grounding.eval()
