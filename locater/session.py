"""One query on one video, a frame at a time: the step that inference, training, validation and benchmarks run.

Legend: B batch, T frames, N patches, L words, D width, S image side.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from locater.errors import VideoError
from locater.network import Network


class Eye:
    """The visual encoder on the frames of one video (or B of each) in order: what no query changes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._before: Tensor | None = None  # earlier frames, for an encoder that looks back

    def look(self, frames: Tensor) -> Tensor:
        """frames (B, T, 3, S, S) in [-1, 1], the next ones -> what `Session.fuse` takes."""
        frames, context = fitting(self._network, frames), self._network.context
        if context:
            before = frames[:, :1].expand(-1, context, -1, -1, -1) if self._before is None else self._before
            frames = torch.cat([before, frames], dim=1)  # (B, context + T, 3, S, S)
            self._before = frames[:, -context:].detach()
        return self._network.look(frames)

    def glance(self, frames: Tensor) -> Tensor:
        """frames (B, T, 3, S, S) that are no neighbours, each standing in for its own earlier ones -> what `Session.fuse` takes."""
        frames, context = fitting(self._network, frames), self._network.context
        if not context:
            return self._network.look(frames)
        each = [frames[:, [index] * (context + 1)] for index in range(frames.shape[1])]  # (B, context + 1, 3, S, S)
        return torch.cat([self._network.look(clip) for clip in each], dim=1)


class Session:
    """One query on one video (or B of each): remembers what it has seen. Made by `Locater.start`.

    Its memory does not grow with the frames, unless the network is in training mode with gradients on: then
    the steps stay connected, as back-propagation through time needs them to. `gradients`: in evaluation mode too.
    """

    def __init__(self, network: Network, ids: Tensor, *, size: int, gradients: bool = False) -> None:
        self._network, self._eye = network, Eye(network)
        self._gradients = gradients
        self.batch, self.size = len(ids), size
        with self._context():
            self.words = network.read_words(ids)
            self._globe = network.first_global(self.batch)
            self._local = network.first_local(self.batch)
        self._remembered = False
        self._ready: Any = None
        self._unwritten: tuple[Tensor, Tensor] | None = None  # the last frame's V and mask
        self.word_weights = torch.empty(0)
        """The word weights of the last step, (B, L) or (B, 8, L)."""

    def _context(self) -> torch.set_grad_enabled:
        return torch.set_grad_enabled(torch.is_grad_enabled() and (self._gradients or self._network.training))

    def encode(self, globe: Tensor | None, frames: Tensor, known: Tensor | None = None) -> list[Tensor]:
        """Return F2 of every module for the first frames (B, T, 3, S, S), K times (B, T, N, D), `globe` (B, G, 3, S, S) remembered.

        `known` as in `remember`. One pass through the encoders for both.
        """
        count = 0 if globe is None else globe.shape[1]
        with self._context():
            if globe is None:
                seen = self._eye.look(frames)  # (B, T, N, D)
            elif self._network.context:
                seen = torch.cat([self._eye.glance(globe), self._eye.look(frames)], dim=1)  # (B, G + T, N, D)
            else:
                seen = self._eye.look(torch.cat([globe, frames], dim=1))  # (B, G + T, N, D)
            outputs = self._network.fuse(seen, self.words)  # K times (B, G + T, N, D)
        if count:
            self.remember(outputs[-1][:, :count], known)
        return [output[:, count:] for output in outputs]

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
        check(frame, (self.batch, 3, self.size, self.size), "frame")
        if mask is not None:
            check(mask.float(), (self.batch, 1, self.size, self.size), "mask")
        with self._context():
            tokens = self.fuse(self._eye.look(frame.unsqueeze(1)))  # (B, 1, N, D)
            return self.advance(tokens[:, 0], mask)

    def follow(self, frames: Tensor, *, together: int = 8) -> Iterator[Tensor]:
        """Yield the logits (B, 1, S, S) of the next frames (B, T, 3, S, S), `together` of which are encoded at once."""
        for part in frames.split(together, dim=1):
            for tokens in self.fuse(self._eye.look(part)).unbind(1):  # (B, N, D)
                yield self.advance(tokens)

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
                tokens, self.words, self._ready, self._local, size=self.size
            )
            written = own.detach()  # no gradient flows through the model's own mask
            if mask is not None:
                given = network.remembered(mask.to(tokens.device)).to(written.dtype)
                written = given if known is None else torch.where(known.view(-1, 1, 1, 1), given, written)
            self._unwritten = tokens, written
            return logits


def fitting(network: Network, frames: Tensor) -> Tensor:
    """Return frames on the device and in the precision of the parameters."""
    parameter = next(network.parameters())
    return frames.to(parameter.device, parameter.dtype)


def check(frames: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Raise `VideoError` unless `frames` is floating point and of `shape`."""
    if tuple(frames.shape) != shape:
        raise VideoError(f"{name}: shape {tuple(frames.shape)}, expected {shape}")
    if not frames.is_floating_point():
        raise VideoError(f"{name}: {frames.dtype}, expected floating point values")
