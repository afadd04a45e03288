"""A painted video and a detector that knows its colours: a TorchScript file as anybody's would be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (40, 60, 210)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """A disc of a colour; its centre at frame 0, its step a frame, and the frames (0-based) in which it is there."""

    colour: tuple[int, int, int]
    start: tuple[float, float]
    step: tuple[float, float] = (0.0, 0.0)
    radius: int = 12
    shown: range = range(1000)

    def mask(self, index: int, height: int, width: int) -> np.ndarray:
        rows, columns = np.mgrid[:height, :width]
        x, y = self.start[0] + index * self.step[0], self.start[1] + index * self.step[1]
        return ((columns - x) ** 2 + (rows - y) ** 2 < self.radius**2) & (index in self.shown)


class Painting:
    """Discs on a grey, textured ground."""

    sample_id = "painting"

    def __init__(self, discs: Sequence[Disc], *, frames: int = 24, height: int = 96, width: int = 160) -> None:
        self.frames, self.height, self.width, self.discs = frames, height, width, discs
        noise = np.random.default_rng(0).integers(90, 150, (height, width, 1), np.uint8)
        self._ground = cv2.GaussianBlur(np.repeat(noise, 3, 2), (3, 3), 1)

    def __iter__(self) -> Iterator[np.ndarray]:
        for index in range(self.frames):
            image = self._ground.copy()
            for disc in self.discs:
                image[disc.mask(index, self.height, self.width)] = disc.colour
            yield image


class Colours(torch.nn.Module):
    """Finds up to two red things, left and right of the middle ("person"), and a green one ("dog"): (3, 6) as an end-to-end detector."""

    def forward(self, picture: Tensor) -> Tensor:
        red = (picture[0, 0] > 0.6) & (picture[0, 1] < 0.3)
        green = (picture[0, 1] > 0.5) & (picture[0, 0] < 0.3)
        half = picture.shape[3] // 2
        left, right = red.clone(), red.clone()
        left[:, half:] = False
        right[:, :half] = False
        rows = [self.row(left, 0.0), self.row(right, 0.0), self.row(green, 16.0)]
        return torch.stack(rows)[None]

    def row(self, inside: Tensor, kind: float) -> Tensor:
        if int(inside.sum()) < 20:
            return torch.zeros(6)
        found = torch.nonzero(inside)
        low, high = found.amin(0), found.amax(0)
        return torch.tensor([float(low[1]), float(low[0]), float(high[1]) + 1, float(high[0]) + 1, 0.9, kind])


def save_detector(path: Path) -> Path:
    """Save the detector of colours and return the path."""
    torch.jit.save(torch.jit.script(Colours()), str(path))
    path.with_name(path.name + ".json").write_text('{"side": 160}')
    return path
