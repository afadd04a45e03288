"""The paper's network (section 3), put together from its parts. `session.Session` drives it frame by frame.

Legend: B batch, T frames, N patches, L words, D width, S image side.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from locater.blocks import initialise
from locater.config import LocaterConfig
from locater.decoder import MaskDecoder, QueryGenerator, ReadOut, enlarge
from locater.fusion import Fusion
from locater.language import make_language
from locater.memory import Memories, read
from locater.vision import make_vision


class Words(NamedTuple):
    """A query as the network sees it: features (B, L, D) and mask (B, L), True for words."""

    features: Tensor
    mask: Tensor


class PaperNetwork(Memories):
    """Ev, Ew, Evw, the two writers and the decoder."""

    def __init__(self, config: LocaterConfig) -> None:
        super().__init__(config)
        self.config = config
        self.vision = make_vision(config)
        self.fusion = Fusion(config)
        self.decoder = MaskDecoder(config)
        count = config.modules if config.deep_supervision else 0
        self.readouts = nn.ModuleList(ReadOut(config) for _ in range(count))
        for part in (self.vision, self.fusion, self.decoder, self.readouts):
            initialise(part)
        self.language = make_language(config)
        self.queries = QueryGenerator(config)
        self.context = self.vision.context
        rows = self.language.vocabulary
        self.known_ids = rows if config.language == "bert" else rows * rows

    def encoders(self) -> list[nn.Module]:
        """Return what comes before the memories: Ev, Ew and Evw."""
        return [self.vision, self.language, self.fusion]

    def read_words(self, ids: Tensor) -> Words:
        """ids (B, L) -> word features (B, L, D) and their mask."""
        mask = (ids != 0).long().flip(1).cummax(1).values.flip(1).bool()  # up to and with the last word
        return Words(self.language(ids, mask), mask)

    def look(self, frames: Tensor) -> Tensor:
        """Return I: frames (B, context + T, 3, S, S) in [-1, 1] -> (B, T, N, D)."""
        seen: Tensor = self.vision(frames)
        return seen

    def fuse(self, seen: Tensor, words: Words) -> list[Tensor]:
        """Return F2 of every module, V the last: I (B, T, N, D) -> K times (B, T, N, D) (Eq. 3, 4)."""
        count = seen.shape[1]
        features = words.features.repeat_interleave(count, 0)  # (B*T, L, D)
        outputs = self.fusion(seen.flatten(0, 1), features, words.mask.repeat_interleave(count, 0))
        return [output.unflatten(0, seen.shape[:2]) for output in outputs]

    def predict(
        self, tokens: Tensor, words: Words, globe: Tensor | None, local: Tensor | None, *, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits (B, 1, S, S), the patch probabilities (B, 1, sqrt N, sqrt N) and the word weights (B, L).

        tokens V (B, N, D), globe (B, Ng, D), local (B, Nl, D). Eq. 7 to 11.
        """
        contextual = read(tokens, globe, local)  # G (B, N, D)
        summaries = [memory.mean(1) for memory in (tokens, globe, local) if memory is not None]
        query, weights = self.queries(words.features, words.mask, summaries=summaries)  # (B, D), (B, L)
        seen = tokens if self.decoder.head is not None else contextual  # Table 8f's encoder alone asks no memory
        scores = self.decoder(seen, query.to(seen.dtype))  # (B, 1, sqrt N, sqrt N)
        return enlarge(scores, size, mode=self.config.upsample), torch.sigmoid(scores.float()), weights

    def remembered(self, mask: Tensor) -> Tensor:
        """Return a given mask (B, 1, S, S) in [0, 1] as patch probabilities (B, 1, sqrt N, sqrt N)."""
        return F.avg_pool2d(mask.float(), self.config.patch)

    def auxiliary(self, outputs: list[Tensor]) -> list[Tensor]:
        """Return the read-outs of every module: K times (B, T, N, D) -> K times logits (B, T, 1, S, S)."""
        size, mode = self.config.image_size, self.config.upsample
        return [
            enlarge(readout(output.flatten(0, 1)), size, mode=mode).unflatten(0, output.shape[:2])
            for readout, output in zip(self.readouts, outputs, strict=False)
        ]
