"""A source's split as LOCATER's trainer takes it: examples and a frame store. Imports torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np

from a2dsplus.compose.contrast_clips import ContrastClips
from a2dsplus.errors import InputError, UsageError
from a2dsplus.media.clips import Rgb, to_rgb
from a2dsplus.media.clips import decode as decode_clip
from a2dsplus.media.masks import Mask, Rle, decode
from a2dsplus.media.picture import from_rgb
from a2dsplus.progress import Advance, unwatched
from a2dsplus.records import Clip, Layout, Sample
from a2dsplus.sources import Masks, find_source, referent_rle
from locater.training import Compose, Example, FrameStore, Shown
from locater.training.data import squared


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
        masked = any(annotations.values())
        why = (
            "captions and masks are of different releases"
            if masked
            else "the source publishes none; take a split that has masks"
        )
        raise InputError(f"{root}: no caption of split {split} has a mask: {why}")
    labels = {video: [number - 1 for number in annotations[video]] for video in videos}
    counts = {video: clips[video].frames for video in videos}
    return examples, FrameStore(_Clips(clips), counts, size=size, every=every, labelled=labels)


@dataclass(frozen=True, slots=True)
class _Contrasts:
    """Composes examples with contrasts as `ContrastClips` draws them, of the frames that a store keeps. `places`: the examples' indices there."""

    clips: ContrastClips
    store: FrameStore
    places: Sequence[int]

    def __call__(self, epoch: int, index: int) -> Shown | None:
        sample = self.clips.sample(self.places[index], epoch=epoch)
        if sample.layout is Layout.NONE:
            return None
        return Shown(
            count=sample.frames,
            labelled=tuple(frame - 1 for frame in sample.evaluated_frames),
            mask=partial(self._mask, sample),
            frames=partial(self._frames, sample),
        )

    def _mask(self, sample: Sample, frame: int) -> Mask:
        return next(decode(unit.mask) for unit in self.clips.units(sample) if unit.frame == frame + 1)

    def _frames(self, sample: Sample, numbers: Sequence[int]) -> Rgb:
        once, back = np.unique(numbers, return_inverse=True)
        frames = self.clips.frames(sample, (once + 1).tolist(), decode=self._kept)
        return np.stack([squared(frame, self.store.size) for frame in frames])[back]

    def _kept(self, clip: Clip, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
        """Yield the kept frames nearest to 0-based indices, S x S: the composition scales them to the clip's place."""
        kept, frame, last = self.store.kept(clip.video_id), None, -1
        for place in self.store.places(clip.video_id, wanted):
            if frame is None or place != last:
                frame, last = from_rgb(kept[place]), place
            yield frame


def contrasts(
    dataset: Path, examples: Sequence[Example], store: FrameStore, *, split: str, share: float, count: int, seed: int
) -> Compose:
    """Return what composes a share of the examples with contrasts of a dataset of the same split, up to `count` at once.

    Raises UsageError for a dataset of another split, or one in which no query has a true negative; WorkspaceError for a folder that is no dataset.
    """
    clips = ContrastClips(dataset, share=share, contrasts=count, seed=seed, split=split)
    if not clips.composable:
        raise UsageError(
            f"{dataset}: no query has a true negative to be composed with; review its pairs, or train on more videos"
        )
    places = {query.query_id: place for place, query in enumerate(clips.queries)}
    found = [places.get(f"{example.video}/{example.instance}") for example in examples]
    for example, place in zip(examples, found, strict=True):
        if place is None:
            raise InputError(
                f"{dataset}: has no query {example.video}/{example.instance} of its source; run `a2dsplus build` again"
            )
    return _Contrasts(clips, store, [place for place in found if place is not None])
