"""A source's split as LOCATER's trainer takes it: examples and a frame store. Imports torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a2dsplus.errors import InputError
from a2dsplus.media.clips import Rgb, to_rgb
from a2dsplus.media.clips import decode as decode_clip
from a2dsplus.media.masks import Mask, Rle, decode
from a2dsplus.progress import Advance, unwatched
from a2dsplus.records import Clip
from a2dsplus.sources import Masks, find_source, referent_rle
from locater.training import Example, FrameStore


@dataclass(frozen=True, slots=True)
class _Masks:
    """A referent's masks by 0-based frame; nothing where an annotated frame does not show it."""

    found: Mapping[int, Rle]
    size: tuple[int, int]

    def __call__(self, frame: int) -> Mask:
        rle = self.found.get(frame)
        return np.zeros(self.size, bool) if rle is None else decode(rle)


@dataclass(frozen=True, slots=True)
class _Clips:
    """Gives a video's wanted frames, 0-based and ascending, by its id; the others are decoded, as they must be, and no more."""

    clips: Mapping[str, Clip]

    def __call__(self, video: str, numbers: Sequence[int]) -> Iterator[Rgb]:
        wanted = set(numbers)
        for number, frame in enumerate(decode_clip(self.clips[video])):
            if number in wanted:
                yield to_rgb(frame)
            if number >= numbers[-1]:
                return


def open_training(
    root: Path, *, split: str, size: int, every: int, progress: Advance = unwatched
) -> tuple[list[Example], FrameStore]:
    """Return the queries of a split of an A2D-Sentences folder and its frames at size x size.

    `every`: besides labelled frames, every how many one is kept. `progress` is called with 1 for each video. Raises InputError.
    """
    source = find_source(root)
    queries = source.listing(split).queries
    videos = sorted({query.video_id for query in queries})
    clips: dict[str, Clip] = {}
    annotations: dict[str, Masks] = {}
    for video in videos:
        there = source.video(video)
        clips[video], annotations[video] = there.clip, there.masks or {}
        progress(1)
    examples = []
    for query in queries:
        frames = annotations[query.video_id]
        clip = clips[query.video_id]
        answers = {
            number - 1: referent_rle(frames, query, number, height=clip.height, width=clip.width) for number in frames
        }
        found = {number: rle for number, rle in answers.items() if rle is not None}
        if found:
            labelled = tuple(number - 1 for number in sorted(frames))
            masks = _Masks(found, (clip.height, clip.width))
            examples.append(
                Example(
                    video=query.video_id, instance=query.expression_id, text=query.text, labelled=labelled, mask=masks
                )
            )
    if not examples:
        raise InputError(
            f"{root}: no caption of split {split} has a mask; captions and masks are of different releases"
        )
    labels = {video: [number - 1 for number in annotations[video]] for video in videos}
    counts = {video: clips[video].frames for video in videos}
    return examples, FrameStore(_Clips(clips), counts, size=size, every=every, labelled=labels)
