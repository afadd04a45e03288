"""Locater, the model people call, and Session, one query on one video.

Legend: B batch, T frames, N patches, L words, D width, S image side.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from locater.config import LocaterConfig
from locater.errors import QueryError, VideoError
from locater.inference import segment
from locater.language import HashTokeniser, Tokeniser, WordPieceTokeniser, check_ids
from locater.paper import PaperNetwork
from locater.released_network import ReleasedNetwork

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


class Session:
    """One query on one video (or B of each): remembers what `step` has seen. Made by `Locater.start`.

    Its memory does not grow with the frames, unless the model is in training mode with gradients on: then
    the steps stay connected, as back-propagation through time needs them to.
    """

    def __init__(self, model: "Locater", words: Any, globe: Any, *, batch: int, size: int) -> None:
        self._model = model
        self._size = size
        self._words = words
        self._globe = globe
        self._local = model.network.first_local(batch)
        self._before: Tensor | None = None  # earlier frames, for a visual encoder that looks back
        self.batch = batch
        self.word_weights: Tensor | None = None
        """The word weights of the last step, (B, L) or (B, 8, L)."""

    def step(self, frame: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the logits of the next frame's mask and write the frame into the local memory.

        frame (B, 3, S, S) in [-1, 1] -> (B, 1, S, S). mask (B, 1, S, S) in [0, 1] is written in place of the
        model's own. Raises `VideoError` for other shapes.
        """
        _check(frame, (self.batch, 3, self._size, self._size), "frame")
        with self._model.gradients():
            return self.advance(self.encode(frame.unsqueeze(1))[:, 0], mask)

    def encode(self, frames: Tensor) -> Tensor:
        """Return V of the next T frames, to be passed to `advance` one by one.

        frames (B, T, 3, S, S) -> (B, T, N, D). Frames do not depend on the memories up to here, so they may go
        through together.
        """
        context = self._model.network.context
        frames = self._model.fitting(frames)
        with self._model.gradients():
            if context:
                before = frames[:, :1].expand(-1, context, -1, -1, -1) if self._before is None else self._before
                frames = torch.cat([before, frames], dim=1)
                self._before = frames[:, -context:].detach()
            tokens: Tensor = self._model.network.encode(frames, self._words)[-1]
            return tokens

    def advance(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the logits for a frame that `encode` has seen: tokens (B, N, D) -> (B, 1, S, S)."""
        network = self._model.network
        with self._model.gradients():
            logits, own, self.word_weights = network.predict(
                tokens, self._words, globe=self._globe, local=self._local, size=self._size
            )
            if mask is not None:
                _check(mask.float(), (self.batch, 1, self._size, self._size), "mask")
                own = network.remembered(mask.to(tokens.device))
            self._local = network.write_local(self._local, tokens, own.detach())
            return logits


class Locater(nn.Module):
    """LOCATER (paper or released variant, by `config.variant`).

    `start` and `Session.step` follow a video frame by frame; `segment` does it for people; `forward` is the
    training pass. Text queries need no file in the paper variant; the released variant and the BERT
    encoder take `vocab`, the path of a WordPiece vocab.txt (without it they take token ids only).
    """

    def __init__(self, config: LocaterConfig, *, vocab: str | Path | None = None) -> None:
        super().__init__()
        self.config = config
        self.network: PaperNetwork | ReleasedNetwork = (
            ReleasedNetwork(config) if config.variant == "released" else PaperNetwork(config)
        )
        self.tokeniser: Tokeniser | None = None
        if vocab is not None:
            self.tokeniser = WordPieceTokeniser(vocab, config.words)
        elif config.variant == "paper" and config.language == "lstm":
            self.tokeniser = HashTokeniser(config.vocabulary, config.words)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def fitting(self, frames: Tensor) -> Tensor:
        """Return frames on the device and in the precision of the parameters."""
        parameter = next(self.parameters())
        return frames.to(parameter.device, parameter.dtype)

    def gradients(self) -> torch.set_grad_enabled:
        """Return the context in which sessions run: gradients only in training mode, and only where they are on."""
        return torch.set_grad_enabled(self.training and torch.is_grad_enabled())

    def recompute(self, on: bool = True) -> None:
        """Switch gradient checkpointing: less memory in training, a second forward pass through the blocks."""
        self.network.recompute(on)

    def compile_encoder(self, **options: Any) -> None:
        """Compile what does not depend on the memory, nine tenths of a frame, with `torch.compile(**options)`.

        On a GPU, `mode="reduce-overhead"` replays it as a CUDA graph. The numbers stay equal to rounding. Frames
        should then come in batches of one size.
        """
        network: Any = self.network
        network.encode = torch.compile(network.encode, **options)

    def tokens(self, query: Query) -> Tensor:
        """Return token ids (B, L) of a text, several texts, or of ids, which are checked.

        Words past L are cut. Raises `QueryError` for an empty query, ids out of range or of a wrong shape.
        """
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
        of such chunks in time order (a long video's, one after the other); may be left out only where the
        model has no global memory. size: side of the frames to come, S by default; another multiple of the
        patch works in the paper variant (multi-scale inference). Raises `QueryError`, `VideoError`.
        """
        ids = self.tokens(query)
        batch = len(ids)
        size = self._side(size)
        with self.gradients():
            words = self.network.read_words(ids)
            globe = None
            if self.config.global_size:
                if global_frames is None:
                    raise VideoError("no global frames: this model has a global memory to write them into")
                chunks = [global_frames] if isinstance(global_frames, Tensor) else global_frames
                encoded = (self.alone(part, words) for part in self._parts(chunks, batch, size))
                globe = self.network.global_memory(encoded, batch)
            return Session(self, words, globe, batch=batch, size=size)

    def _side(self, size: int | None) -> int:
        """Return the side of the frames. Raises `VideoError` for one that the network cannot take."""
        own, patch = self.config.image_size, self.config.patch
        if size is None or size == own:
            return own
        if self.config.variant == "released":
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
            _check(chunk, (batch, chunk.shape[1], 3, size, size), "global frames")
            seen += chunk.shape[1]
            for first in range(0, chunk.shape[1], _TOGETHER):
                yield self.fitting(chunk[:, first : first + _TOGETHER])
        if not seen:
            raise VideoError("no global frames: the video is empty")

    def alone(self, frames: Tensor, words: Any) -> Tensor:
        """Return V of frames that are not neighbours: each stands in for its own earlier frames.

        (B, T, 3, S, S) -> (B, T, N, D).
        """
        context = self.network.context
        if not context:
            tokens: Tensor = self.network.encode(frames, words)[-1]
            return tokens
        each = [frames[:, [index] * (context + 1)] for index in range(frames.shape[1])]
        return torch.cat([self.network.encode(clip, words)[-1] for clip in each], dim=1)

    def forward(
        self,
        query: Query,
        global_frames: Tensor | None,
        frames: Tensor,
        *,
        masks: Tensor | None = None,
        known: Tensor | None = None,
    ) -> Prediction:
        """Return the predictions for a clip of T frames in a row, with gradients: the training pass.

        query as in `start`; global_frames (B, G, 3, S, S); frames (B, T, 3, S, S) in [-1, 1]. Where `masks`
        (B, T, 1, S, S) is given and `known` (B, T) is True (all, if left out), the local memory takes the given
        mask, elsewhere the model's own, through which no gradient flows. Raises `QueryError`, `VideoError`.
        """
        ids = self.tokens(query)
        batch, size = len(ids), self.config.image_size
        if frames.dim() != 5 or not frames.shape[1]:
            raise VideoError(f"frames have shape {tuple(frames.shape)}, expected (B, T, 3, {size}, {size}), T >= 1")
        count = frames.shape[1]
        _check(frames, (batch, count, 3, size, size), "frames")
        network: Any = self.network  # both variants answer the same calls, each with its own kind of words
        words = network.read_words(ids)
        globe = None
        wanted = bool(self.config.global_size)
        if wanted and global_frames is None:
            raise VideoError("no global frames: this model has a global memory to write them into")
        if wanted and global_frames is not None and not network.context:
            _check(global_frames, (batch, global_frames.shape[1], 3, size, size), "global frames")
            ahead = global_frames.shape[1]
            outputs = network.encode(torch.cat([global_frames, frames], dim=1), words)  # one pass for both
            globe = network.global_memory([outputs[-1][:, :ahead]], batch)
            outputs = [output[:, ahead:] for output in outputs]
        else:
            if wanted and global_frames is not None:
                globe = network.global_memory([self.alone(global_frames, words)], batch)
            before = frames[:, :1].expand(-1, network.context, -1, -1, -1)
            outputs = network.encode(torch.cat([before, frames], dim=1), words)
        local = network.first_local(batch)
        logits, weights = [], []
        for index in range(count):
            tokens = outputs[-1][:, index]
            logit, own, weight = network.predict(tokens, words, globe=globe, local=local, size=size)
            logits.append(logit)
            weights.append(weight)
            if index + 1 < count:
                written = own.detach()
                if masks is not None:
                    given = network.remembered(masks[:, index]).to(written.dtype)
                    if known is not None:
                        given = torch.where(known[:, index].view(-1, 1, 1, 1), given, written)
                    written = given
                local = network.write_local(local, tokens, written)
        return Prediction(torch.stack(logits, 1), network.auxiliary(outputs), torch.stack(weights, 1), outputs[-1])

    def segment(self, video: np.ndarray | Iterable[np.ndarray], query: str | Tensor, **options: Any) -> np.ndarray:
        """Return the masks of the referent of `query` in `video`: bool (N, H, W). See `inference.segment`."""
        return segment(self, video, query, **options)


def _check(frames: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Raise `VideoError` unless `frames` is floating point and of `shape`."""
    if tuple(frames.shape) != shape:
        raise VideoError(f"{name}: shape {tuple(frames.shape)}, expected {shape}")
    if not frames.is_floating_point():
        raise VideoError(f"{name}: {frames.dtype}, expected floating point values")
