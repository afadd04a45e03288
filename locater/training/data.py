"""Training samples: a short clip about a labelled frame, frames of the whole video, masks, and the text.

Legend: T clip frames, G global frames, S image side.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from locater.config import AnyConfig
from locater.errors import LocaterError, VideoError
from locater.inference import swap_sides
from locater.training.options import TrainOptions

Frame = np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A query and where its referent is labelled.

    `video`: the clip's key in a `FrameStore`. `instance`: the referent's name in it. `labelled`: 0-based frames with a known mask, ascending. `mask(frame)`: that mask,
    bool (H, W), all zero where the referent is not seen.
    """

    video: str
    instance: str
    text: str
    labelled: tuple[int, ...]
    mask: Callable[[int], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The video that an example is asked of: its own, or one composed of it and others.

    `count`: its frames. `labelled`: 0-based frames with a known mask, ascending. `mask(frame)`: that mask, bool (H, W). `frames(numbers)`: frames at
    those 0-based numbers, uint8 (len, S, S, 3).
    """

    count: int
    labelled: tuple[int, ...]
    mask: Callable[[int], np.ndarray]
    frames: Callable[[Sequence[int]], np.ndarray]


Compose = Callable[[int, int], Shown | None]
"""What sample (epoch, index) is asked of instead of its own video; None: of its own. Depends on its arguments alone."""


def squared(image: np.ndarray, size: int) -> np.ndarray:
    """Return an image (H, W[, 3]) at size x size, each pixel the mean of the area it covers (or between pixels, if larger)."""
    import cv2

    height, width = image.shape[:2]
    method = cv2.INTER_AREA if height * width > size * size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=method))


class FrameStore:
    """Videos at S x S: every `every`-th frame and the labelled ones, kept in memory once `preload` has read them.

    `open_video(key, numbers)` gives those frames (0-based, ascending) of a video in order, RGB uint8 (H, W, 3), as many as there are.
    What was not preloaded is decoded at each use.
    """

    def __init__(
        self,
        open_video: Callable[[str, Sequence[int]], Iterable[Frame]],
        counts: Mapping[str, int],
        *,
        size: int,
        every: int,
        labelled: Mapping[str, Iterable[int]],
    ) -> None:
        self._open = open_video
        self.counts = dict(counts)
        self.size = size
        self._wanted = {
            key: np.union1d(np.arange(0, count, every), np.fromiter(labelled.get(key, ()), np.int64)).astype(np.int64)
            for key, count in counts.items()
        }
        self._kept: dict[str, np.ndarray] = {}

    @property
    def bytes(self) -> int:
        """What all videos together take in memory."""
        return sum(len(frames) for frames in self._wanted.values()) * self.size**2 * 3

    def preload(self, *, file: Path | None = None) -> None:
        """Read every video into memory: this process' own or, given a file, one that processes of a machine share through it."""
        if self._kept:
            return
        if file is None:
            self._kept = {key: self._read(key) for key in self._wanted}
            return
        shapes = {key: (len(numbers), self.size, self.size, 3) for key, numbers in self._wanted.items()}
        if not file.is_file() or file.stat().st_size != self.bytes:
            draft = file.with_name(f".{file.name}.{os.getpid()}")
            file.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as out:
                for key in self._wanted:
                    out.write(self._read(key).tobytes())
            draft.replace(file)
        whole = np.memmap(file, np.uint8, mode="r")
        start = 0
        for key, shape in shapes.items():
            self._kept[key] = whole[start : start + math.prod(shape)].reshape(shape)
            start += math.prod(shape)

    def numbers(self, key: str) -> list[int]:
        """Return which frames of a video are kept, 0-based."""
        return [int(number) for number in self._wanted[key]]

    def kept(self, key: str) -> np.ndarray:
        """Return all kept frames of a video: uint8 (n, S, S, 3)."""
        found = self._kept.get(key)
        return self._read(key) if found is None else found

    def frames(self, key: str, numbers: Sequence[int]) -> np.ndarray:
        """Return the kept frames nearest to 0-based `numbers`: uint8 (len, S, S, 3)."""
        out: np.ndarray = self.kept(key)[self.places(key, numbers)]
        return out

    def places(self, key: str, numbers: Sequence[int]) -> np.ndarray:
        """Return which of the kept frames are nearest to 0-based `numbers`: (len,)."""
        wanted = self._wanted[key]
        right = np.searchsorted(wanted, numbers).clip(1, max(len(wanted) - 1, 1))
        left = right - 1
        right = right.clip(max=len(wanted) - 1)
        at = np.asarray(numbers)
        return np.where(np.abs(wanted[left] - at) <= np.abs(wanted[right] - at), left, right)

    def _read(self, key: str) -> np.ndarray:
        wanted = self.numbers(key)
        images = np.empty((len(wanted), self.size, self.size, 3), np.uint8)
        seen = 0
        for seen, frame in enumerate(self._open(key, wanted), start=1):
            images[seen - 1] = squared(frame, self.size)
        if seen < len(wanted):
            raise VideoError(f"video {key}: frame {wanted[seen] + 1} is wanted, the clip ends before it")
        return images


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a sample is made of. `globe`, `clip`: 0-based frames of `shown`; `flip`: mirrored; `teacher`: the local memory is given true masks."""

    example: int
    shown: Shown
    globe: list[int]
    clip: list[int]
    flip: bool
    teacher: bool


class Clips(Dataset[dict[str, Any]]):
    """Samples by (epoch, index): each depends on them, the examples, `compose` and `options.seed` alone, whoever prepares it.

    A sample: text; globe (G, 3, S, S), frames that the global memory of `config` takes, no two samples need as many, and frames
    (T, 3, S, S) uint8; masks (T, 1, S, S) in [0, 1]; known (T,) bool; teacher bool.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        store: FrameStore,
        options: TrainOptions,
        config: AnyConfig,
        compose: Compose | None = None,
    ) -> None:
        if not examples:
            raise LocaterError("training: no example has a labelled frame")
        if options.contrast_share and compose is None:
            raise LocaterError("training: contrast_share needs contrasts to compose with")
        self.compose = compose
        self.examples = examples
        self.store = store
        self.options = options
        self.config = config

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        draw = self.draw(*key)
        example = self.examples[draw.example]
        images = draw.shown.frames(draw.globe + draw.clip)
        if draw.flip:
            images = images[:, :, ::-1]
        tensors = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        masks, known = self.masks(draw)
        return {
            "text": swap_sides(example.text) if draw.flip else example.text,
            "globe": tensors[: len(draw.globe)],
            "frames": tensors[len(draw.globe) :],
            "masks": masks,
            "known": known,
            "teacher": draw.teacher,
        }

    def draw(self, epoch: int, index: int) -> Draw:
        """Return what sample `index` of an epoch is made of."""
        options, shown = self.options, self._shown(epoch, index)
        rng = np.random.default_rng([options.seed, epoch, index])
        clip = self._clip(shown, rng)
        return Draw(
            example=index,
            shown=shown,
            globe=self._globe(shown.count, rng),
            clip=clip,
            flip=bool(rng.random() < options.flip),
            teacher=bool(rng.random() < options.teacher),
        )

    def labelled(self, keys: Iterable[tuple[int, int]]) -> int:
        """Return how many frames of the samples' clips are labelled, without reading them."""
        draws = [self.draw(*key) for key in keys]
        return sum(number in draw.shown.labelled for draw in draws for number in draw.clip)

    def masks(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return a draw's masks (T, 1, S, S), the share of each pixel that the referent covers, and which are known (T,)."""
        shown, size = draw.shown, self.store.size
        known = np.array([number in shown.labelled for number in draw.clip])
        masks = np.zeros((len(draw.clip), 1, size, size), np.float32)
        for place in np.flatnonzero(known):
            masks[place, 0] = squared(shown.mask(draw.clip[place]).astype(np.float32), size)
        if draw.flip:
            masks = np.ascontiguousarray(masks[..., ::-1])
        return torch.from_numpy(masks), torch.from_numpy(known)

    def _shown(self, epoch: int, index: int) -> Shown:
        composed = self.compose(epoch, index) if self.compose is not None else None
        if composed is not None:
            return composed
        example, store = self.examples[index], self.store
        return Shown(
            count=store.counts[example.video],
            labelled=example.labelled,
            mask=example.mask,
            frames=partial(store.frames, example.video),
        )

    def _globe(self, count: int, rng: np.random.Generator) -> list[int]:
        """Return the frames that inference would write into the global memory, moved together by less than their distance."""
        if not self.config.global_size:
            return []
        numbers = np.array(self.config.sampled(count))
        distance = int(numbers[1] - numbers[0]) if len(numbers) > 1 else count
        numbers = numbers + int(rng.integers(max(distance, 1)))
        most = self.options.global_frames or len(numbers)
        if len(numbers) > most:
            numbers = numbers[np.arange(most) * len(numbers) // most]
        return [int(number) for number in numbers.clip(max=count - 1)]

    def _clip(self, shown: Shown, rng: np.random.Generator) -> list[int]:
        """Return T frames, `stride` apart, about a labelled one; a video that is too short repeats its ends."""
        length, stride, count = self.options.clip_frames, self.options.stride, shown.count
        anchor = int(rng.choice(shown.labelled))
        place = int(rng.integers(length))
        place = min(place, anchor // stride)
        place = max(place, length - 1 - (count - 1 - anchor) // stride)
        place = min(place, length - 1)
        return [min(max(anchor + (i - place) * stride, 0), count - 1) for i in range(length)]


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return samples as a batch: texts a list, the rest stacked.

    globe (B, G, 3, S, S) has as many frames as the longest sample; `ahead` (B, G) bool says which are a sample's own.
    """
    batch: dict[str, Any] = {"text": [sample["text"] for sample in samples]}
    counts = torch.tensor([len(sample["globe"]) for sample in samples])
    batch["ahead"] = torch.arange(int(counts.max())) < counts.unsqueeze(1)
    batch["globe"] = torch.nn.utils.rnn.pad_sequence([sample["globe"] for sample in samples], batch_first=True)
    for name in ("frames", "masks", "known"):
        batch[name] = torch.stack([sample[name] for sample in samples])
    batch["teacher"] = torch.tensor([sample["teacher"] for sample in samples])
    return batch


def scaled(images: Tensor) -> Tensor:
    """Return uint8 images as float32 in [-1, 1]."""
    return images.float() / 127.5 - 1


class Batches(Sampler[list[tuple[int, int]]]):
    """The batches from step `start` up to `steps`, as lists of (epoch, index); shuffled by (seed, epoch) alone.

    Each of an epoch's `length` examples comes once, the rest of the division by the batch left out; fewer examples than a batch
    come several times. A step's batch is cut into `passes`, each into `ranks` shares; iterating gives the shares of process `rank`.
    """

    def __init__(
        self, *, length: int, batch: int, seed: int, steps: int, start: int = 0, passes: int = 1, rank: int = 0, ranks: int = 1
    ) -> None:  # fmt: skip
        self._length, self._batch, self._seed = length, batch, seed
        self._steps = range(start, steps)
        self._share = batch // (passes * ranks)
        self._firsts = [(turn * ranks + rank) * self._share for turn in range(passes)]

    def keys(self, step: int) -> list[tuple[int, int]]:
        """Return a step's batch, of all passes and processes."""
        epoch, within = divmod(step, max(self._length // self._batch, 1))
        order = np.random.default_rng([self._seed, epoch, 1 << 20]).permutation(self._length)
        places = np.arange(within * self._batch, (within + 1) * self._batch) % self._length
        return [(epoch, int(index)) for index in order[places]]

    def __len__(self) -> int:
        return len(self._steps) * len(self._firsts)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self._steps:
            keys = self.keys(step)
            for first in self._firsts:
                yield keys[first : first + self._share]
