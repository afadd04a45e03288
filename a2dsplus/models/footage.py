"""A sample's video for a model: composed from the source clips, decoded ahead, kept where it is small."""

from collections.abc import Iterator
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.compose.frames import composed_frames
from a2dsplus.compose.subset import Subset
from a2dsplus.media.clips import to_rgb
from a2dsplus.media.masks import Mask
from a2dsplus.records import Query, Sample

_KEPT_BYTES = 256 * 2**20  # videos up to this size are decoded once for all passes and queries
_AHEAD = 8  # frames decoded while a model works


class SampleVideo:
    """A sample's frames for a model: decoded ahead in a thread, and kept where the video is small."""

    def __init__(self, subset: Subset, sample: Sample) -> None:
        self.sample_id = sample.sample_id
        self.frames, self.height, self.width = sample.frames, sample.height, sample.width
        self._subset, self._sample = subset, sample
        self._kept: list[npt.NDArray[np.uint8]] = []
        self._small = sample.frames * sample.height * sample.width * 3 <= _KEPT_BYTES
        self._truth: dict[int, Mask] = {}

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        if len(self._kept) == self.frames:
            yield from self._kept
            return
        fresh: list[npt.NDArray[np.uint8]] = []
        for frame in _ahead(to_rgb(frame) for frame in composed_frames(self._sample, self._subset.clips)):
            if self._small:
                fresh.append(frame)
            yield frame
        self._kept = fresh

    def truth(self, frame: int) -> Mask:
        """Return the referent's mask at a 1-based frame; all zero where it is not evaluated."""
        known = self._truth.get(frame)
        return np.zeros((self.height, self.width), bool) if known is None else known

    def asked(self, query: Query) -> list[int]:
        """Return a query's evaluated frames, 1-based, ascending; `truth` answers for this query from now on."""
        numbers, masks = self._subset.masks(self._sample, query)
        self._truth = dict(zip(numbers, masks, strict=True))
        return numbers


class Unlabelled:
    """A sample's video without its answers, as models are given it."""

    def __init__(self, video: SampleVideo) -> None:
        self.sample_id, self.frames, self.height, self.width = video.sample_id, video.frames, video.height, video.width
        self._frames = video

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        return iter(self._frames)


def _ahead(frames: Iterator[npt.NDArray[np.uint8]]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield what an iterator yields, a few items fetched ahead by a thread."""
    queue: Queue[Any] = Queue(_AHEAD)
    stopped = False

    def fetch() -> None:
        try:
            for frame in frames:
                queue.put((frame, None))
                if stopped:
                    return
            queue.put((None, None))
        except BaseException as error:  # handed to the reader, who raises it
            queue.put((None, error))

    thread = Thread(target=fetch, daemon=True)
    thread.start()
    try:
        while True:
            frame, error = queue.get()
            if error is not None:
                raise error
            if frame is None:
                return
            yield frame
    finally:
        stopped = True
        while thread.is_alive():
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)
