"""What a variant of the network answers, so that one `session.Session` can drive either.

Legend: B batch, T frames, N patches, D width, S image side.
"""

from typing import Any

from torch import Tensor, nn

from locater.blocks import Blocks


class Network(nn.Module):
    """The calls in the order of a video. Words and memories are each variant's own records; nobody else looks into them."""

    context = 0
    """Earlier frames that `look` needs before those it encodes."""
    known_ids: int
    """How many token ids there are."""

    def read_words(self, ids: Tensor) -> Any:
        """ids (B, L) -> all that depends on the query alone."""
        raise NotImplementedError

    def look(self, frames: Tensor) -> Tensor:
        """Return what no query changes: frames (B, context + T, 3, S, S) in [-1, 1] -> (B, T, N or N + 1, D)."""
        raise NotImplementedError

    def fuse(self, seen: Tensor, words: Any) -> list[Tensor]:
        """Return F2 of every module, V the last: of `look` (B, T, ..) -> K times (B, T, N, D)."""
        raise NotImplementedError

    def first_global(self, batch: int) -> Any:
        """Return M_g before the first sampled frame; None without a global memory."""
        raise NotImplementedError

    def write_global(self, globe: Any, tokens: Tensor, known: Tensor | None = None) -> Any:
        """Return M_g after sampled frames, V (B, t, N, D); those that are not `known` (B, t) leave it as it is."""
        raise NotImplementedError

    def readable(self, globe: Any) -> Any:
        """Return M_g, all of it written, as `predict` reads it."""
        return globe

    def first_local(self, batch: int) -> Any:
        """Return M_l before the first frame; None without a local memory."""
        raise NotImplementedError

    def write_local(self, local: Any, tokens: Tensor, mask: Tensor) -> Any:
        """Return M_l after a frame: V (B, N, D) and its mask, as `predict` or `remembered` gives it."""
        raise NotImplementedError

    def predict(
        self, tokens: Tensor, words: Any, globe: Any, local: Any, *, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (B, 1, S, S), the mask to be written into M_l, and the word weights; V (B, N, D)."""
        raise NotImplementedError

    def remembered(self, mask: Tensor) -> Tensor:
        """Return a given mask (B, 1, S, S) in [0, 1] as it is written into M_l."""
        raise NotImplementedError

    def auxiliary(self, outputs: list[Tensor]) -> list[Tensor]:
        """Return the read-outs of the modules: K times (B, T, N, D) -> K times logits (B, T, 1, S, S), or none."""
        raise NotImplementedError

    def recompute(self, on: bool) -> None:
        """Switch gradient checkpointing of the Transformer blocks."""
        for module in self.modules():
            if isinstance(module, Blocks):
                module.recompute = on
