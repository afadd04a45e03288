"""The released network, module by module under the authors' names. `session.Session` drives it frame by frame.

Legend: B batch, T frames, N patches, C = 768, L = 22 ids, S image side.

Where a memory has size 0, its writer has no weights. Without a local memory there is "none yet" on every
frame, so the frame's own tokens stand in for it, as they do on the first frame; without a global memory it
is left out of what is read and, where the checkpoint's `query_generator.vis_proj.fc1` has a third of its
inputs less, out of the query's context; where it has all three, the frame's tokens stand in there as well.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from locater.blocks import initialise, stack
from locater.config import ReleasedConfig
from locater.language import ReleasedLanguage
from locater.network import Network
from locater.released_decoder import AskedWords, ReleasedDecoder, ReleasedQueries, Tail
from locater.released_memory import CrossAttention, ReleasedWriter, fill_global, fill_local
from locater.vision import patch_tokens


class ReleasedWords(NamedTuple):
    """What depends on the query alone."""

    features: Tensor
    """E (B, L, C)."""
    asked: AskedWords
    tail: Tail


class ReleasedGlobe(NamedTuple):
    """The global memory as it is read."""

    mean: Tensor
    """(B, C)."""
    keys: Tensor
    """(B, 8, M, 96)."""
    values: Tensor
    """(B, 8, M, 96)."""


class ReleasedVision(nn.Module):
    """The first blocks of a ViT-B/16, with its CLS token."""

    def __init__(self, config: ReleasedConfig) -> None:
        super().__init__()
        dim = config.dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.patches + 1, dim))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, dim, config.patch, config.patch)})
        self.blocks = stack(config.vision_depth, dim, config.heads, norm="pre", eps=1e-6)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pre_logits = nn.ModuleDict({"fc": nn.Linear(dim, dim)})
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, N + 1, C), CLS first."""
        proj: Any = self.patch_embed["proj"]
        x = patch_tokens(frames, proj.weight, proj.bias)  # (B, N, C)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        return torch.tanh(self.pre_logits["fc"](self.norm(self.blocks(x))))


class ReleasedFusion(nn.Module):
    """One module of the cross-modality encoder; one LayerNorm serves both of its halves."""

    def __init__(self, config: ReleasedConfig) -> None:
        super().__init__()
        dim, heads = config.dim, config.heads
        self.modal_embed = nn.Parameter(torch.zeros(1, 2, dim))
        self.blocks = stack(config.fuse_depth, dim, heads, norm="pre")
        self.pos_blocks = stack(config.post_depth, dim, heads, norm="pre")
        self.norm = nn.LayerNorm(dim)
        nn.init.trunc_normal_(self.modal_embed, std=0.02)

    def forward(self, tokens: Tensor, words: Tensor) -> Tensor:
        """tokens (B, N + 1, C), words (B, L, C) -> (B, N + 1, C)."""
        count = tokens.shape[1]
        joint = torch.cat([tokens + self.modal_embed[:, 0], words + self.modal_embed[:, 1]], dim=1)
        x = self.norm(self.blocks(joint, keep=count))
        out: Tensor = self.norm(self.pos_blocks(x))
        return out


class ReleasedNetwork(Network):
    """The authors' network, under their names (strict loading depends on them)."""

    def __init__(self, config: ReleasedConfig, *, query_parts: int = 3) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.vision_encoder = ReleasedVision(config)
        self.lang_encoder = ReleasedLanguage(dim)
        self.trans_fusion = nn.ModuleList(ReleasedFusion(config) for _ in range(config.modules))
        self.localmem_writer = ReleasedWriter(dim, for_local=True) if config.local_size else None
        self.globalmem_writer = ReleasedWriter(dim, for_local=False) if config.global_size else None
        self.mem_reader: Any = nn.ModuleList([CrossAttention(dim), nn.LayerNorm(dim)])
        self.aux_decoders = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(dim, dim, 1),
                nn.BatchNorm2d(dim),
                nn.ReLU(),
                nn.Conv2d(dim, 1, 1),
                nn.Upsample(scale_factor=config.patch, mode="bilinear"),
            )
            for _ in range(config.modules)
        )
        self.query_generator = ReleasedQueries(dim, parts=query_parts)
        self.main_dec_net = ReleasedDecoder(dim)
        for part in (self.vision_encoder, self.trans_fusion, self.localmem_writer, self.globalmem_writer):
            if part is not None:
                initialise(part)
        initialise(self.query_generator)
        with (
            torch.no_grad()
        ):  # the sum over patches begins as a mean: drawn as large as the rest, it would leave one vector in all slots
            for writer in (self.localmem_writer, self.globalmem_writer):
                if writer is not None:
                    writer.post_func.fc1.weight.div_(config.patches)
        self.known_ids = self.lang_encoder.emb.num_embeddings

    def read_words(self, ids: Tensor) -> ReleasedWords:
        """ids (B, 22) -> everything that depends on the query alone."""
        features = self.lang_encoder(ids)
        return ReleasedWords(features, self.query_generator.prepare(features), self.main_dec_net.fold(self.config.grid))

    def look(self, frames: Tensor) -> Tensor:
        """frames (B, T, 3, S, S) -> the visual tokens, CLS first (B, T, N + 1, C)."""
        seen: Tensor = self.vision_encoder(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        return seen

    def fuse(self, seen: Tensor, words: ReleasedWords) -> list[Tensor]:
        """Return the tokens of every module without CLS: (B, T, N + 1, C) -> K times (B, T, N, C)."""
        tokens = seen.flatten(0, 1)  # (B*T, N + 1, C)
        features = words.features.repeat_interleave(seen.shape[1], 0)  # (B*T, L, C)
        outputs = []
        for module in self.trans_fusion:
            tokens = module(tokens, features)
            outputs.append(tokens[:, 1:].unflatten(0, seen.shape[:2]))
        return outputs

    def first_global(self, batch: int) -> list[Tensor] | None:
        """Return no frames yet: there are no learned slots."""
        return None if self.globalmem_writer is None else []

    def write_global(
        self, globe: list[Tensor] | None, tokens: Tensor, known: Tensor | None = None
    ) -> list[Tensor] | None:
        """Keep the few sampled frames' tokens, V (B, t, N, C), until `readable`: every video has as many, all known."""
        return None if globe is None else [*globe, tokens]

    def readable(self, globe: list[Tensor] | None) -> ReleasedGlobe | None:
        """Return M_g after all sampled frames, with its keys and values."""
        if self.globalmem_writer is None or globe is None:
            return None
        memory = fill_global(self.globalmem_writer, torch.cat(globe, dim=1), self.config.global_size)  # (B, M, C)
        keys, values = self.mem_reader[0].project(memory)
        return ReleasedGlobe(memory.mean(1), keys, values)

    def first_local(self, batch: int) -> Tensor | None:
        """Return M_l before the first frame: there is none yet."""
        return None

    def predict(
        self, tokens: Tensor, words: ReleasedWords, globe: ReleasedGlobe | None, local: Tensor | None, *, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (B, 1, S, S), the binary mask (B, 1, S, S) and the word weights (B, 8, 22).

        tokens V (B, N, C); local (B, m, C).
        """
        nearby = tokens if local is None else local
        frame_mean = tokens.mean(1)
        if self.query_generator.parts == 3:
            means = [frame_mean, nearby.mean(1), frame_mean if globe is None else globe.mean]
        else:
            means = [frame_mean]
            means += [] if self.localmem_writer is None else [nearby.mean(1)]
            means += [] if globe is None else [globe.mean]
        queries, weights = self.query_generator(words.asked, torch.cat(means, dim=-1))  # (B, 8, C), (B, 8, L)
        keys, values = self.mem_reader[0].project(nearby)  # (B, 8, m, 96) each
        if globe is not None:
            keys = torch.cat([keys, globe.keys], dim=2)  # (B, 8, m + M, 96)
            values = torch.cat([values, globe.values], dim=2)
        context = self.mem_reader[1](self.mem_reader[0](tokens, keys, values))  # G (B, N, C)
        logits = self.main_dec_net(context, queries, tail=words.tail)  # (B, 1, S, S)
        return logits, (torch.sigmoid(logits) > 0.5).to(logits.dtype), weights

    def remembered(self, mask: Tensor) -> Tensor:
        """Return a given mask (B, 1, S, S) as it is written."""
        return mask

    def write_local(self, local: Tensor | None, tokens: Tensor, mask: Tensor) -> Tensor | None:
        """Return M_l after a frame: tokens V (B, N, C), mask (B, 1, S, S)."""
        if self.localmem_writer is None:
            return None
        return fill_local(self.localmem_writer, local, tokens, mask.to(tokens.dtype), size=self.config.local_size)

    def auxiliary(self, outputs: list[Tensor]) -> list[Tensor]:
        """Return the read-outs of every module: K times (B, T, N, C) -> K times logits (B, T, 1, S, S)."""
        if not self.config.deep_supervision:
            return []
        grid = self.config.grid
        return [
            head(output.flatten(0, 1).transpose(1, 2).unflatten(-1, (grid, grid))).unflatten(0, output.shape[:2])
            for head, output in zip(self.aux_decoders, outputs, strict=True)
        ]
