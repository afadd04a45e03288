"""Datasets as the toolkit reads them: queries, clips and referent masks, one module a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from a2dsplus.media.masks import Rle
from a2dsplus.records import Clip, Query

# {frame (1-based): {instance id: mask}}: the annotated frames of a video
Annotations = Mapping[int, Mapping[str, Rle]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A video or a query that is not in the result, and why, in one line."""

    item: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Footage:
    """What a source holds of one video: its clip and its annotated frames."""

    clip: Clip
    annotations: Annotations


@dataclass(slots=True, kw_only=True)
class Listing:
    """A split's queries, in the order of their ids, and what the split leaves out."""

    queries: list[Query]
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def videos(self) -> list[str]:
        """The queries' video ids, each once, sorted."""
        return sorted({query.video_id for query in self.queries})


def referent_frames(annotations: Annotations, instance_id: str) -> tuple[int, ...]:
    """Return the annotated frames of a video that hold an instance, 1-based, ascending."""
    return tuple(frame for frame, instances in sorted(annotations.items()) if instance_id in instances)


class Source(Protocol):
    """What every dataset offers. All methods raise InputError for what is at fault in it."""

    name: str
    root: Path

    def listing(self, split: str) -> Listing:
        """Return the split's queries."""
        ...

    def footage(self, video_id: str) -> Footage:
        """Return a video's clip and masks, of one size."""
        ...

    def stamp(self, split: str) -> str:
        """Return a key that changes whenever a file of the split does (names, sizes, times of change): cheap."""
        ...


def open_source(root: Path | None, *, out: Path, split: str = "test", workers: int = 1) -> Source:
    """Return the A2D-Sentences folder `root`, or, without one, the procedural sample, painted into `out`/world if it is not there.

    Raises InputError where the folder is none.
    """
    from a2dsplus.sources.a2d import A2dSource

    if root is not None:
        return A2dSource(root)
    from a2dsplus.world import paint_world

    world = out / "world"
    paint_world(world, splits=(split,), workers=workers)
    return A2dSource(world)
