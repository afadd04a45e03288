"""Locater, the model people call, and Session, one query on one video.

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


class Eye:
    """The visual encoder on the frames of one video (or B of each) in order: what no query changes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._before: Tensor | None = None  # earlier frames, for an encoder that looks back

    def look(self, frames: Tensor) -> Tensor:
        """frames (B, T, 3, S, S), the next ones -> what `Session.fuse` takes."""
        context = self._network.context
        if context:
            before = frames[:, :1].expand(-1, context, -1, -1, -1) if self._before is None else self._before
            frames = torch.cat([before, frames], dim=1)
            self._before = frames[:, -context:].detach()
        return self._network.look(frames)


class Session:
    """One query on one video (or B of each): remembers what it has seen. Made by `Locater.start`.

    Its memory does not grow with the frames, unless the model is in training mode with gradients on: then
    the steps stay connected, as back-propagation through time needs them to.
    """

    def __init__(self, model: "Locater", ids: Tensor, *, size: int, gradients: bool = False) -> None:
        self._model, self._network, self._size = model, model.network, size
        self._gradients = gradients  # in evaluation mode too
        self._eye = Eye(model.network)
        self.batch = len(ids)
        with self._context():
            self.words = self._network.read_words(ids)
            self._globe = self._network.first_global(self.batch)
            self._local = self._network.first_local(self.batch)
        self._remembered = False
        self._ready: Any = None
        self._unwritten: tuple[Tensor, Tensor] | None = None  # the last frame's V and mask
        self.word_weights: Tensor | None = None
        """The word weights of the last step, (B, L) or (B, 8, L)."""

    def _context(self) -> torch.set_grad_enabled:
        return torch.set_grad_enabled(torch.is_grad_enabled() and (self._gradients or self._model.training))

    def remember(self, tokens: Tensor, known: Tensor | None = None) -> None:
        """Write sampled frames into the global memory, in time order and before the first `advance`: V (B, t, N, D).

        known (B, t): which of them are a sample's own, all if left out; the others only fill up the batch.
        """
        with self._context():
            self._globe = self._network.write_global(self._globe, tokens, known)
        self._remembered = True

    def step(self, frame: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the logits of the next frame's mask and write the frame into the local memory.

        frame (B, 3, S, S) in [-1, 1] -> (B, 1, S, S). mask (B, 1, S, S) in [0, 1] is written in place of the
        model's own. Raises `VideoError` for other shapes.
        """
        check(frame, (self.batch, 3, self._size, self._size), "frame")
        if mask is not None:
            check(mask.float(), (self.batch, 1, self._size, self._size), "mask")
        with self._context():
            tokens = self.fuse(self._eye.look(self._model.fitting(frame.unsqueeze(1))))
            return self.advance(tokens[:, 0], mask)

    def fuse(self, seen: Tensor) -> Tensor:
        """Return V (B, T, N, D) of what an `Eye` has seen, for `remember` and `advance`. It depends on no memory."""
        with self._context():
            return self._network.fuse(seen, self.words)[-1]

    def advance(self, tokens: Tensor, mask: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """Return the logits of the next frame, V (B, N, D) -> (B, 1, S, S): the one step that everything runs.

        The frame before is written into M_l first. What of this one will be written: the model's own mask or, where
        `known` (B,), all if left out, `mask` (B, 1, S, S).
        """
        network = self._network
        with self._context():
            if self._globe is not None and self._ready is None:
                if not self._remembered:
                    raise VideoError("no global frames: this model has a global memory to write them into")
                self._ready = network.readable(self._globe)
            if self._unwritten is not None:
                self._local = network.write_local(self._local, *self._unwritten)
            logits, own, self.word_weights = network.predict(
                tokens, self.words, self._ready, self._local, size=self._size
            )
            written = own.detach()  # no gradient flows through the model's own mask
            if mask is not None:
                given = network.remembered(mask.to(tokens.device)).to(written.dtype)
                written = given if known is None else torch.where(known.view(-1, 1, 1, 1), given, written)
            self._unwritten = tokens, written
            return logits


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

    def fitting(self, frames: Tensor) -> Tensor:
        """Return frames on the device and in the precision of the parameters."""
        parameter = next(self.parameters())
        return frames.to(parameter.device, parameter.dtype)

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
        session = Session(self, self.tokens(query), size=self._side(size))
        if self.config.global_size and global_frames is not None:
            chunks = [global_frames] if isinstance(global_frames, Tensor) else global_frames
            for part in self._parts(chunks, session.batch, session._size):
                session.remember(session.fuse(self.glance(part)))
        return session

    def glance(self, frames: Tensor) -> Tensor:
        """Return what the visual encoder sees of frames that are no neighbours: each stands in for its own earlier frames.

        (B, T, 3, S, S) -> what `Session.fuse` takes.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.training):
            return self._glance(frames)

    def _glance(self, frames: Tensor) -> Tensor:
        frames, context = self.fitting(frames), self.network.context
        if not context:
            return self.network.look(frames)
        each = [frames[:, [index] * (context + 1)] for index in range(frames.shape[1])]
        return torch.cat([self.network.look(clip) for clip in each], dim=1)

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
        session = Session(self, self.tokens(query), size=self.config.image_size, gradients=True)
        outputs = self._encode(session, global_frames, frames, ahead)  # K times (B, T, N, D)
        logits, weights = [], []
        for t, tokens in enumerate(outputs[-1].unbind(1)):
            given, labelled = (None if part is None else part[:, t] for part in (masks, known))
            logits.append(session.advance(tokens, given, labelled))
            weights.append(session.word_weights)
        read = self.network.auxiliary(outputs)
        return Prediction(torch.stack(logits, 1), read, torch.stack(weights, 1), outputs[-1])  # type: ignore[arg-type]  # every step has set it

    def _encode(self, session: Session, globe: Tensor | None, frames: Tensor, ahead: Tensor | None) -> list[Tensor]:
        """Return F2 of every module for a clip, (B, T, N, D) each, the global frames written into the session's memory."""
        size, batch, network = self.config.image_size, session.batch, self.network
        if frames.dim() != 5 or not frames.shape[1]:
            raise VideoError(f"frames have shape {tuple(frames.shape)}, expected (B, T, 3, {size}, {size}), T >= 1")
        check(frames, (batch, frames.shape[1], 3, size, size), "frames")
        if globe is None or not self.config.global_size:
            return network.fuse(session._eye.look(self.fitting(frames)), session.words)
        count = globe.shape[1]
        check(globe, (batch, count, 3, size, size), "global frames")
        if network.context:
            seen = torch.cat([self._glance(globe), session._eye.look(self.fitting(frames))], dim=1)
        else:  # one pass for both
            seen = network.look(self.fitting(torch.cat([globe, frames], dim=1)))  # (B, G + T, N, D)
        outputs = network.fuse(seen, session.words)
        session.remember(outputs[-1][:, :count], ahead)
        return [output[:, count:] for output in outputs]

    def segment(self, video: np.ndarray | Iterable[np.ndarray], query: str | Tensor, **options: Any) -> np.ndarray:
        """Return the masks of the referent of `query` in `video`: bool (N, H, W). See `inference.segment`."""
        return segment(self, video, query, **options)


def check(frames: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Raise `VideoError` unless `frames` is floating point and of `shape`."""
    if tuple(frames.shape) != shape:
        raise VideoError(f"{name}: shape {tuple(frames.shape)}, expected {shape}")
    if not frames.is_floating_point():
        raise VideoError(f"{name}: {frames.dtype}, expected floating point values")
