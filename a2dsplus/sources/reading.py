"""Reading a whole split of a source: every clip and mask, what has to be left out, and what identifies the content."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from a2dsplus.dataset.workspace import digest
from a2dsplus.errors import AnnotationError, InputError, listed
from a2dsplus.records import Clip, Query
from a2dsplus.sources import Annotations, LeftOut, Listing, Source, referent_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A split as read: its queries, the clips and annotated frames of their videos by video id, and what was left out."""

    queries: tuple[Query, ...]
    clips: Mapping[str, Clip]
    annotations: Mapping[str, Annotations]
    left_out: tuple[LeftOut, ...]

    def fingerprint(self, name: str) -> str:
        """Return what identifies the content on any machine: captions, masks, and each clip's length, sizes and rate."""
        shapes = [
            (video, clip.frames, clip.height, clip.width, str(clip.rate), clip.path.stat().st_size)
            for video, clip in sorted(self.clips.items())
        ]
        masks = [
            (video, frame, sorted(found.items()))
            for video, frames in sorted(self.annotations.items())
            for frame, found in frames.items()
        ]
        return digest(name, [(query.query_id, query.text) for query in self.queries], shapes, masks)


def read_split(
    source: Source, listing: Listing, *, skip_bad: bool, progress: Callable[[int], None] = lambda _: None
) -> Reading:
    """Return everything of a source's listed split; `progress` is called with 1 for each video.

    Raises AnnotationError with the first fault and how many there are, or, with `skip_bad`, leaves the faulty videos and queries out;
    raises it in any case where no query is left.
    """
    clips: dict[str, Clip] = {}
    annotations: dict[str, Annotations] = {}
    bad: list[LeftOut] = []
    for video in listing.videos:
        try:
            footage = source.footage(video)
            clips[video], annotations[video] = footage.clip, footage.annotations
        except InputError as error:
            bad.append(LeftOut(item=video, reason=str(error)))
        progress(1)
    queries, invisible = _visible([query for query in listing.queries if query.video_id in clips], annotations)
    bad += invisible
    if bad and not skip_bad:
        more = f" (and {len(bad) - 1} more; --skip-bad leaves them out and lists them)" if len(bad) > 1 else ""
        raise AnnotationError(f"{bad[0].reason}{more}")
    if not queries:
        raise AnnotationError(f"{source.root}: no query of the split is left; the first fault: {bad[0].reason}")
    used = {query.video_id for query in queries}
    return Reading(
        queries=tuple(queries),
        clips={video: clips[video] for video in listing.videos if video in used},
        annotations={video: annotations[video] for video in listing.videos if video in used},
        left_out=(*listing.left_out, *bad),
    )


def _visible(queries: Sequence[Query], annotations: Mapping[str, Annotations]) -> tuple[list[Query], list[LeftOut]]:
    """Return the queries whose instance is in some annotated frame, and the others with the reason."""
    found: list[Query] = []
    invisible: list[LeftOut] = []
    for query in queries:
        if referent_frames(annotations[query.video_id], query.instance_id):
            found.append(query)
            continue
        frames = listed(sorted(annotations[query.video_id])) or "none"
        reason = (
            f"{query.query_id}: the caption's instance {query.instance_id} is in no annotated frame of the video ({frames});"
            " correct its id in the caption table, or leave it out with --skip-bad"
        )
        invisible.append(LeftOut(item=query.query_id, reason=reason))
    return found, invisible
