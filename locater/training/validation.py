"""How good a network is while it trains: mIoU and oIoU on held-back queries, and whether it stays silent beside another video (subset T).

Legend: S image side, n kept frames of a video.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from locater.errors import LocaterError
from locater.model import Locater
from locater.training.data import Example, FrameStore, scaled, squared


class Marks(NamedTuple):
    """What a validation found, 0..1, at S x S and at the frames that the store keeps."""

    miou: float
    """Mean IoU of labelled frames; 1 where both are empty."""
    oiou: float
    """Their intersections by their unions."""
    silence: float
    """Share of another video's frames, shown after the query's own, on which nothing is predicted."""


class Validation:
    """A split's queries, evenly chosen, to be asked of a network again and again."""

    def __init__(self, examples: Sequence[Example], store: FrameStore, *, queries: int = 0) -> None:
        if not examples:
            raise LocaterError("validation: no example has a labelled frame")
        count = min(queries or len(examples), len(examples))
        self.examples = [examples[index * len(examples) // count] for index in range(count)]
        self.store = store
        videos = sorted({example.video for example in examples})
        self._other = {video: videos[(place + len(videos) // 2) % len(videos)] for place, video in enumerate(videos)}

    @torch.inference_mode()
    def sums(self, model: Locater, *, rank: int = 0, ranks: int = 1) -> Tensor:
        """Return a process' share: labelled frames, sum of IoU, of intersections, of unions, other frames, silent ones: (6,)."""
        training = model.training
        model.train(False)
        found = np.zeros(6)
        try:
            for example in self.examples[rank::ranks]:
                own, numbers = self.store.kept(example.video), self.store.numbers(example.video)
                masks = self._masks(model, example.text, own, self.store.counts[example.video])
                for frame in example.labelled:
                    truth = squared(example.mask(frame).astype(np.float32), self.store.size) > 0.5
                    ours = masks[numbers.index(frame)]
                    both, either = int((ours & truth).sum()), int((ours | truth).sum())
                    found[:4] += 1, both / either if either else 1, both, either
                if (other := self._other[example.video]) != example.video:
                    both_videos = np.concatenate([own, self.store.kept(other)])
                    count = self.store.counts[example.video] + self.store.counts[other]
                    late = self._masks(model, example.text, both_videos, count)[len(own) :]
                    found[4:] += len(late), (~late.any((1, 2))).sum()
        finally:
            model.train(training)
        return torch.from_numpy(found)

    @staticmethod
    def marks(sums: Tensor) -> Marks:
        """Return what the sums of all shares come to."""
        units, ious, intersections, unions, frames, silent = sums.tolist()
        return Marks(ious / max(units, 1), intersections / max(unions, 1), silent / max(frames, 1))

    def _masks(self, model: Locater, text: str, images: np.ndarray, count: int) -> np.ndarray:
        """Return bool (n, S, S): the query followed through kept frames, uint8 (n, S, S, 3), of a video of `count` frames."""
        frames = scaled(torch.from_numpy(images).permute(0, 3, 1, 2)[None])  # (1, n, 3, S, S)
        taken = [number * len(images) // count for number in model.config.sampled(count)]
        session = model.start(text, frames[:, taken])
        return np.stack([(logits[0, 0] > 0).cpu().numpy() for logits in session.follow(frames)])
