"""A unit as a picture: prediction and ground truth over the composed frame, or over grey where the clips are not there."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import A2dsplusError
from a2dsplus.media.masks import Mask
from a2dsplus.media.runs import to_mask
from a2dsplus.score.results import SubsetScore

Image = npt.NDArray[np.uint8]

# Told apart also by the colour-blind: right, wrong (predicted alone), missed (true alone).
RIGHT, WRONG, MISSED = (26, 175, 122), (240, 110, 40), (58, 130, 246)
_WIDEST = 560  # pixels of a picture


class FrameSource:
    """Composed frames of a dataset, read when asked for. `reason`: why there are none, in a sentence, once that is known; else ""."""

    def __init__(self, dataset: Path, subset: str) -> None:
        self._dataset = dataset
        self._subset = subset
        self._opened: Any = None
        self.reason = ""
        if not (dataset.is_dir() and (dataset / subset / "samples.jsonl").is_file()):
            self.reason = "The source clips are not at hand: masks are drawn on grey."

    def frame(self, sample_id: str, number: int) -> Image | None:
        """Return one frame (H, W, 3), or None where the clips, or the libraries that decode them, are not there."""
        if self.reason:
            return None
        try:
            if self._opened is None:
                from a2dsplus.compose.subset import Subset

                opened = Subset(self._dataset, self._subset)
                self._opened = opened, {sample.sample_id: sample for sample in opened.samples}
            subset, samples = self._opened
            found: Image = subset.frames(samples[sample_id], [number])[0]
            return found
        except ImportError:
            self.reason = "Masks are drawn on grey: decoding clips needs pip install 'a2dsplus[build]'."
        except (A2dsplusError, KeyError, IndexError):
            self.reason = "The source clips are not at hand: masks are drawn on grey."
        return None


def picture(own: SubsetScore, unit: int, frame_of: Callable[[str, int], Image | None]) -> str:
    """Return a unit's picture as a JPEG data URI."""
    from PIL import Image as Pillow

    height, width = int(own.truth.heights[unit]), int(own.truth.widths[unit])
    chosen = np.array([unit])
    found = to_mask(own.predictions.runs(chosen).of(0), height=height, width=width)
    expected = to_mask(own.truth.runs(chosen).of(0), height=height, width=width)
    name = own.truth.names[unit]
    frame = frame_of(name.sample, name.frame) if name.frame is not None else None
    if frame is None or frame.shape[:2] != (height, width):
        frame = np.full((height, width, 3), 96, np.uint8)
    image = Pillow.fromarray(overlaid(frame, found, expected))
    if width > _WIDEST:
        image = image.resize((_WIDEST, max(1, round(height * _WIDEST / width))), Pillow.Resampling.BILINEAR)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def overlaid(frame: Image, found: Mask, expected: Mask) -> Image:
    """Return a frame (H, W, 3) with the masks' three regions tinted and their contours drawn."""
    grey = frame.mean(axis=2, keepdims=True)
    result = 0.35 * frame.astype(np.float32) + 0.55 * grey.astype(np.float32)  # pale, so that the tints stand out
    for region, colour in ((found & expected, RIGHT), (found & ~expected, WRONG), (~found & expected, MISSED)):
        result[region] = 0.45 * result[region] + 0.55 * np.array(colour, np.float32)
    for mask, colour in ((found, WRONG), (expected, MISSED)):
        result[_outline(mask)] = colour
    out: Image = result.round().astype(np.uint8)
    return out


def _outline(mask: Mask) -> Mask:
    """Return the mask's pixels that touch one outside it, two pixels wide."""
    inner = mask.copy()
    for _ in range(2):
        padded = np.pad(inner, 1, mode="edge")
        inner = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner
