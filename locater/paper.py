"""The paper's network (section 3), put together from its parts. `model.Session` drives it frame by frame.

Legend: B batch, T frames, N patches, L words, D width, S image side.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import Blocks, initialise
from locater.config import LocaterConfig
from locater.decoder import MaskDecoder, QueryGenerator, ReadOut, enlarge
from locater.fusion import Fusion
from locater.language import make_language
from locater.memory import MaskEmbedding, Writer, read
from locater.vision import make_vision


class Words(NamedTuple):
    """A query as the network sees it: features (B, L, D) and mask (B, L), True for words."""

    features: Tensor
    mask: Tensor


class PaperNetwork(nn.Module):
    """Ev, Ew, Evw, the two writers and the decoder."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = make_vision(config)
        self.fusion = Fusion(config)
        self.decoder = MaskDecoder(config)
        count = config.modules if config.deep_supervision else 0
        self.readouts = nn.ModuleList(ReadOut(config) for _ in range(count))
        initialise(self)
        self.language = make_language(config)
        self.queries = QueryGenerator(config)
        self.globe = Writer(config, inputs=config.dim, slots=config.global_size) if config.global_size else None
        self.local = Writer(config, inputs=2 * config.dim, slots=config.local_size) if config.local_size else None
        self.mask_embedding = MaskEmbedding(config) if self.local is not None else None

    @property
    def context(self) -> int:
        """Earlier frames that `encode` needs before the ones it encodes."""
        return self.vision.context

    @property
    def known_ids(self) -> int:
        """How many token ids there are."""
        rows = self.language.vocabulary
        return rows if self.config.language == "bert" else rows * rows

    def recompute(self, on: bool) -> None:
        """Switch gradient checkpointing of the Transformer blocks."""
        for module in self.modules():
            if isinstance(module, Blocks):
                module.recompute = on

    def read_words(self, ids: Tensor) -> Words:
        """ids (B, L) -> word features (B, L, D) and their mask."""
        mask = (ids != 0).long().flip(1).cummax(1).values.flip(1).bool()  # up to and with the last word
        return Words(self.language(ids, mask), mask)

    def encode(self, frames: Tensor, words: Words) -> list[Tensor]:
        """Return F2 of every module for T frames; the last is V.

        frames (B, context + T, 3, S, S) in [-1, 1] -> K times (B, T, N, D).
        """
        tokens = self.vision(frames)  # (B, T, N, D)
        batch, count = tokens.shape[:2]
        features = words.features.repeat_interleave(count, 0)  # (B*T, L, D)
        outputs = self.fusion(tokens.flatten(0, 1), features, words.mask.repeat_interleave(count, 0))
        return [output.unflatten(0, (batch, count)) for output in outputs]

    def global_memory(self, chunks: Iterable[Tensor], batch: int) -> Tensor | None:
        """Return M_g after the sampled frames, chunks of V (B, t, N, D) in time order -> (B, Ng, D) (Eq. 5)."""
        if self.globe is None:
            return None
        memory = self.globe.initial(batch)
        for chunk in chunks:
            for index in range(chunk.shape[1]):
                memory = self.globe(memory, chunk[:, index])
        return memory

    def first_local(self, batch: int) -> Tensor | None:
        """Return M_l before the first frame (B, Nl, D)."""
        return None if self.local is None else self.local.initial(batch)

    def predict(
        self, tokens: Tensor, words: Words, *, globe: Tensor | None, local: Tensor | None, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits (B, 1, S, S), the patch probabilities (B, 1, sqrt N, sqrt N) and the word weights (B, L).

        tokens V (B, N, D). Eq. 7 to 11.
        """
        contextual = read(tokens, globe, local)
        summaries = [memory.mean(1) for memory in (tokens, globe, local) if memory is not None]
        query, weights = self.queries(words.features, words.mask, summaries=summaries)
        scores = self.decoder(contextual, query.to(contextual.dtype))
        logits = enlarge(scores, size, mode=self.config.upsample)
        return logits, torch.sigmoid(scores.float()), weights

    def remembered(self, mask: Tensor) -> Tensor:
        """Return a given mask (B, 1, S, S) in [0, 1] as patch probabilities (B, 1, sqrt N, sqrt N)."""
        return F.avg_pool2d(mask.float(), self.config.patch)

    def write_local(self, local: Tensor | None, tokens: Tensor, mask: Tensor) -> Tensor | None:
        """Return M_l after a frame: V (B, N, D) and its patch probabilities (Eq. 6)."""
        if self.local is None or self.mask_embedding is None or local is None:
            return None
        embedded = self.mask_embedding(mask).to(tokens.dtype)
        out: Tensor | None = self.local(local, torch.cat([tokens, embedded], dim=-1))
        return out

    def auxiliary(self, outputs: list[Tensor]) -> list[Tensor]:
        """Return the read-outs of every module: K times (B, T, N, D) -> K times logits (B, T, 1, S, S)."""
        size, mode = self.config.image_size, self.config.upsample
        return [
            enlarge(readout(output.flatten(0, 1)), size, mode=mode).unflatten(0, output.shape[:2])
            for readout, output in zip(self.readouts, outputs, strict=False)
        ]
