"""Locater, the model people call: queries and frames checked, then `session.Session` step by step.

Legend: B batch, T frames, N patches, L words, D width, S image side.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from locater.config import AnyConfig, ReleasedConfig
from locater.errors import QueryError, VideoError
from locater.inference import segment
from locater.language import HashTokeniser, Tokeniser, WordPieceTokeniser, check_ids
from locater.network import Network
from locater.paper import PaperNetwork
from locater.released_network import ReleasedNetwork
from locater.session import Eye, Session, check

Query = str | Sequence[str] | Tensor

_TOGETHER = 8  # global frames encoded at once: more cost memory and gain nothing


class Prediction(NamedTuple):
    """What `Locater.forward` gives for a clip: everything Eq. 12 needs."""

    logits: Tensor
    """(B, T, 1, S, S)."""
    auxiliary: list[Tensor]
    """The read-outs of the K modules, (B, T, 1, S, S) each; empty without deep supervision."""
    word_weights: Tensor
    """a of Eq. 10: (B, T, L), or (B, T, 8, L) in the released network."""
    tokens: Tensor
    """V: (B, T, N, D)."""


class Locater(nn.Module):
    """LOCATER, the paper's network or the released one, by the kind of `config`.

    `start` and `Session.step` follow a video frame by frame; `segment` does it for people; `forward` is the
    training pass. Text queries need no file in the paper's network; the released one and the BERT
    encoder take `vocab`, the path of a WordPiece vocab.txt (without it they take token ids only).
    """

    def __init__(self, config: AnyConfig, *, vocab: str | Path | None = None) -> None:
        super().__init__()
        self.config = config
        self.network: Network = ReleasedNetwork(config) if isinstance(config, ReleasedConfig) else PaperNetwork(config)
        self.tokeniser: Tokeniser | None = None
        if vocab is not None:
            self.tokeniser = WordPieceTokeniser(vocab, config.words)
        elif not isinstance(config, ReleasedConfig) and config.language == "lstm":
            self.tokeniser = HashTokeniser(config.vocabulary, config.words)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def recompute(self, on: bool = True) -> None:
        """Switch gradient checkpointing: less memory in training, a second forward pass through the blocks."""
        self.network.recompute(on)

    def compile_encoder(self, **options: Any) -> None:
        """Compile what does not depend on the memory, nine tenths of a frame, with `torch.compile(**options)`.

        On a GPU, `mode="reduce-overhead"` replays it as a CUDA graph. The numbers stay equal to rounding. Frames
        should then come in batches of one size.
        """
        for name in ("look", "fuse"):
            setattr(self.network, name, torch.compile(getattr(self.network, name), **options))

    def tokens(self, query: Query) -> Tensor:
        """Return the token ids of a query, (B, L): of a text, of B texts, or checked ids as they are. Raises `QueryError`."""
        if isinstance(query, Tensor):
            ids = query
        else:
            texts = [query] if isinstance(query, str) else list(query)
            if not texts or not all(isinstance(text, str) for text in texts):
                raise QueryError(f"query is {query!r}, expected a text, texts or token ids (B, {self.config.words})")
            for row, text in enumerate(texts):
                if not text.strip():
                    raise QueryError(f"query {row + 1} is empty")
            if self.tokeniser is None:
                raise QueryError(
                    "this model has no vocabulary for text queries: give the path of bert-base-uncased's vocab.txt "
                    f"(vocab=...; --vocab; NAME.vocab.txt beside NAME.safetensors), or token ids (B, {self.config.words})"
                )
            ids = self.tokeniser(texts)
        return check_ids(ids, length=self.config.words, known=self.network.known_ids).to(self.device)

    def start(
        self, query: Query, global_frames: Tensor | Iterable[Tensor] | None = None, *, size: int | None = None
    ) -> Session:
        """Return a session for `query`, its global memory written.

        query: a text, B texts, or token ids (B, L). global_frames (B, T, 3, S, S) in [-1, 1], or an iterable
        of such chunks in time order (a long video's, one after the other); may be left out where the
        model has no global memory, or where `Session.remember` is to be called. size: side of the frames to come, S by
        default; another multiple of the patch works in the paper's network (multi-scale inference). Raises `QueryError`,
        `VideoError`.
        """
        session = Session(self.network, self.tokens(query), size=self._side(size))
        if self.config.global_size and global_frames is not None:
            chunks = [global_frames] if isinstance(global_frames, Tensor) else global_frames
            for part in self._parts(chunks, session.batch, session.size):
                session.remember(session.fuse(self.glance(part)))
        return session

    def glance(self, frames: Tensor) -> Tensor:
        """Return what the visual encoder sees of frames that are no neighbours: each stands in for its own earlier frames.

        (B, T, 3, S, S) -> what `Session.fuse` takes.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.training):
            return self.eye().glance(frames)

    def eye(self) -> Eye:
        """Return the visual encoder for the frames of one video, whose look any number of sessions may share."""
        return Eye(self.network)

    def _side(self, size: int | None) -> int:
        """Return the side of the frames. Raises `VideoError` for one that the network cannot take."""
        own, patch = self.config.image_size, self.config.patch
        if size is None or size == own:
            return own
        if isinstance(self.config, ReleasedConfig):
            raise VideoError(f"frames of side {size}: the released network takes {own} alone")
        if size < patch or size % patch:
            raise VideoError(f"frames of side {size}: expected a multiple of the patch, {patch}")
        return size

    def _parts(self, chunks: Iterable[Tensor], batch: int, size: int) -> Iterator[Tensor]:
        """Yield checked global frames (B, t, 3, S, S), few at a time. Raises `VideoError` if there are none."""
        seen = 0
        for chunk in chunks:
            if chunk.dim() != 5:
                raise VideoError(f"global frames have shape {tuple(chunk.shape)}, expected (B, T, 3, {size}, {size})")
            check(chunk, (batch, chunk.shape[1], 3, size, size), "global frames")
            seen += chunk.shape[1]
            for first in range(0, chunk.shape[1], _TOGETHER):
                yield chunk[:, first : first + _TOGETHER]
        if not seen:
            raise VideoError("no global frames: the video is empty")

    def forward(
        self,
        query: Query,
        global_frames: Tensor | None,
        frames: Tensor,
        *,
        ahead: Tensor | None = None,
        masks: Tensor | None = None,
        known: Tensor | None = None,
    ) -> Prediction:
        """Return the predictions for a clip of T frames in a row, with gradients: the training pass.

        query as in `start`; global_frames (B, G, 3, S, S), of which `ahead` (B, G), all if left out, are a sample's own; frames
        (B, T, 3, S, S) in [-1, 1]. Where `masks` (B, T, 1, S, S) is given and `known` (B, T) is True (all, if left out), the local memory takes the given
        mask, elsewhere the model's own, through which no gradient flows. Raises `QueryError`, `VideoError`.
        """
        size = self.config.image_size
        session = Session(self.network, self.tokens(query), size=size, gradients=True)
        if frames.dim() != 5 or not frames.shape[1]:
            raise VideoError(f"frames have shape {tuple(frames.shape)}, expected (B, T, 3, {size}, {size}), T >= 1")
        check(frames, (session.batch, frames.shape[1], 3, size, size), "frames")
        globe = global_frames if self.config.global_size else None
        if globe is not None:
            check(globe, (session.batch, globe.shape[1], 3, size, size), "global frames")
        outputs = session.encode(globe, frames, ahead)  # K times (B, T, N, D)
        logits, weights = [], []
        for t, tokens in enumerate(outputs[-1].unbind(1)):  # (B, N, D)
            given, labelled = (None if part is None else part[:, t] for part in (masks, known))
            logits.append(session.advance(tokens, given, labelled))  # (B, 1, S, S)
            weights.append(session.word_weights)
        read = self.network.auxiliary(outputs)
        return Prediction(torch.stack(logits, 1), read, torch.stack(weights, 1), outputs[-1])

    def segment(self, video: np.ndarray | Iterable[np.ndarray], query: str | Tensor, **options: Any) -> np.ndarray:
        """Return the masks of the referent of `query` in `video`: bool (N, H, W). See `inference.segment`."""
        return segment(self, video, query, **options)
