"""Reading a whole split of a source: every clip and mask, what has to be left out, and what identifies the content."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from a2dsplus.engine import Engine, LocalEngine
from a2dsplus.errors import AnnotationError, InputError, listed
from a2dsplus.files import digest, sha256
from a2dsplus.media.clips import size_on_disk
from a2dsplus.records import Clip, Query
from a2dsplus.sources import LeftOut, Listing, Masks, Source, Video, checked_ids, referent_frames

_CHUNK = 64  # videos that one worker reads at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSplit:
    """A split as read: its queries, the clips and masks of their videos by video id (masks: of those videos that have any), and what was left out."""

    queries: tuple[Query, ...]
    clips: Mapping[str, Clip]
    masks: Mapping[str, Masks]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()
    columns: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    def fingerprint(self, name: str) -> str:
        """Return what identifies the content on any machine: captions, masks, and each clip's length, sizes and rate."""
        shapes = [
            (video, clip.frames, clip.height, clip.width, str(clip.rate), size_on_disk(clip))
            for video, clip in sorted(self.clips.items())
        ]
        masks = [
            (video, frame, sorted(found.items()))
            for video, frames in sorted(self.masks.items())
            for frame, found in frames.items()
        ]
        return digest(name, [(query.query_id, query.text) for query in self.queries], shapes, masks)


def stamp(source: Source, split: str, *, content: bool = False) -> str:
    """Return a key that changes with any file of a source's split: by name, size and time of change, or, with `content`, by hash."""
    states: list[tuple[str, object, object]] = []
    for path in source.files(split):
        if path.is_file():
            state = path.stat()
            states.append((str(path), state.st_size, sha256(path) if content else state.st_mtime_ns))
    return digest(source.name, str(source.root.resolve()), split, content, states)


def read_split(
    source: Source,
    listing: Listing,
    *,
    skip_bad: bool,
    engine: Engine | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ReadSplit:
    """Return everything of a source's listed split; `progress` is called with the number of videos just read.

    Raises AnnotationError with the first fault and how many there are, or, with `skip_bad`, leaves the faulty videos and queries out;
    raises it in any case where no query is left.
    """
    clips: dict[str, Clip] = {}
    masks: dict[str, Masks] = {}
    bad: list[LeftOut] = []
    parts = [listing.videos[first : first + _CHUNK] for first in range(0, len(listing.videos), _CHUNK)]
    if engine is None or getattr(source, "masks_in_one_file", False):
        engine = LocalEngine()
    for found in engine.run(_read_videos, parts, start=partial(_opened, source)):
        for video, read in found:
            if isinstance(read, LeftOut):
                bad.append(read)
                continue
            clips[video] = read.clip
            if read.masks is not None:
                masks[video] = read.masks
        progress(len(found))
    queries, invisible = _visible([query for query in checked_ids(listing.queries) if query.video_id in clips], masks)
    bad += invisible
    if bad and not skip_bad:
        more = f" (and {len(bad) - 1} more; --skip-bad leaves them out and lists them)" if len(bad) > 1 else ""
        raise AnnotationError(f"{bad[0].reason}{more}")
    if not queries:
        raise AnnotationError(f"{source.root}: no query of the split is left; the first fault: {bad[0].reason}")
    used = {query.video_id for query in queries}
    return ReadSplit(
        queries=tuple(queries),
        clips={video: clips[video] for video in listing.videos if video in used},
        masks={video: masks[video] for video in listing.videos if video in used and video in masks},
        left_out=(*listing.left_out, *bad),
        notes=tuple(listing.notes),
        columns=listing.columns,
    )


def _opened(source: Source, _number: int) -> Source:
    return source


def _read_videos(source: Source, videos: Sequence[str]) -> list[tuple[str, Video | LeftOut]]:
    """Return what a source holds of some videos, or why it cannot be read."""
    read: list[tuple[str, Video | LeftOut]] = []
    for video in videos:
        try:
            read.append((video, source.video(video)))
        except InputError as error:
            read.append((video, LeftOut(item=video, reason=str(error))))
    return read


def _visible(queries: Sequence[Query], masks: Mapping[str, Masks]) -> tuple[list[Query], list[LeftOut]]:
    """Return the queries whose objects are in some annotated frame, or of which that is not known, and the others with the reason."""
    found: list[Query] = []
    invisible: list[LeftOut] = []
    for query in queries:
        there = masks.get(query.video_id)
        annotated = {name for objects in (there or {}).values() for name in objects}
        absent = [name for name in query.objects or () if name not in annotated]
        if there is None or query.objects is None or (not absent and referent_frames(there, query)):
            found.append(query)
            continue
        frames = listed(sorted(there)) or "none"
        what = f"object {listed(absent)} is" if absent else "referent is"
        reason = (
            f"{query.query_id}: the caption's {what} in no annotated frame of the video ({frames});"
            " correct its id in the caption table, or leave it out with --skip-bad"
        )
        invisible.append(LeftOut(item=query.query_id, reason=reason))
    return found, invisible
