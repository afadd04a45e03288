"""What all adapters share: one text is several texts with one in it, the frames that are asked for, batches, precision.

B frames a batch, H, W a frame's size.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage, RolePhrase
from a2dsplus.models.transformers.folder import Picture

Rgb = npt.NDArray[np.uint8]
Roles = tuple[RolePhrase, ...] | None


class Adapter:
    """A model of `transformers` behind the models' interface. `segment_all` is each one's own."""

    device: str
    batch: int

    def segment(
        self, video: Footage, text: str, *, wanted: Sequence[int] | None = None, roles: Roles = None
    ) -> Iterator[tuple[Mask, float]]:
        """Yield (mask, confidence) of each wanted frame."""
        for answers in self.segment_all(video, [text], wanted=wanted, roles=[roles]):
            yield answers[0]

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield, for each wanted frame, (mask, confidence) of each text; the network looks at each frame once."""
        raise NotImplementedError

    def computing(self) -> Any:
        """Give a context in which the network runs: without gradients; on an accelerator in bfloat16, or in float16 where it has no bfloat16."""
        return _Computing(self.device)


class _Computing:
    """Inference, in the precision that a device is best at; on the CPU as the weights are."""

    def __init__(self, device: str) -> None:
        import torch

        kind = torch.device(device).type
        half = torch.bfloat16
        if kind == "mps" or (kind == "cuda" and not torch.cuda.is_bf16_supported()):
            half = torch.float16
        self._contexts: list[Any] = [
            torch.inference_mode(),
            torch.autocast(kind, dtype=half, enabled=kind != "cpu"),
        ]
        self._device = device

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        for context in reversed(self._contexts):
            context.__exit__(kind, error, trace)
        if type(error).__name__ == "OutOfMemoryError":
            raise ModelError(
                f"{self._device}: out of memory; run the same command again with a smaller --batch"
            ) from error


def batches(video: Footage, wanted: Sequence[int] | None, size: int) -> Iterator[list[Rgb]]:
    """Yield the frames that are asked for, in order, at most `size` together; `wanted`: 1-based, ascending, all by default."""
    for numbered in numbered_batches(video, wanted, size):
        yield [frame for _, frame in numbered]


def numbered_batches(video: Footage, wanted: Sequence[int] | None, size: int) -> Iterator[list[tuple[int, Rgb]]]:
    """Yield the same with the frames' numbers, 1-based."""
    chosen = None if wanted is None else frozenset(wanted)
    last = video.frames if wanted is None else max(wanted, default=0)
    frames = islice(enumerate(video, 1), last)
    asked = ((number, frame) for number, frame in frames if chosen is None or number in chosen)
    while batch := list(islice(asked, size)):
        yield batch


def pixels(frames: Sequence[Rgb], picture: Picture, *, device: str) -> Any:
    """Return frames as a video network takes them: uint8 (H, W, 3) each -> float32 (B, 3, side, side).

    Resized on whole channel values with a low-pass filter, as the library's own processor of these models does on torchvision.
    """
    import torch
    import torch.nn.functional as F

    values = torch.from_numpy(np.stack(frames)).to(device).permute(0, 3, 1, 2)  # (B, 3, H, W)
    if values.shape[-2:] != (picture.side, picture.side):
        size = (picture.side, picture.side)
        values = F.interpolate(values, size, mode="bilinear", align_corners=False, antialias=True)
    mean, std = (torch.tensor(each, device=device).view(1, 3, 1, 1) * 255 for each in (picture.mean, picture.std))
    return (values.float() - mean) / std


def enlarged(logits: Any, video: Footage) -> Any:
    """Return logits (n, h, w) at the video's size, float32 (n, H, W)."""
    import torch.nn.functional as F

    size = (video.height, video.width)
    return F.interpolate(logits[:, None].float(), size, mode="bilinear", align_corners=False)[:, 0]


def silent(video: Footage, score: float) -> tuple[Mask, float]:
    """Return the empty mask of a frame in which the best score is too low, and how sure of its emptiness the model is."""
    return np.zeros((video.height, video.width), bool), 1 - score


def checked_threshold(threshold: float | None, default: float) -> float:
    """Return the threshold asked for, or the default. Raises UsageError."""
    if threshold is None:
        return default
    if not 0 <= threshold <= 1:
        raise UsageError(f"--threshold {threshold}: expected a number from 0 to 1")
    return threshold
