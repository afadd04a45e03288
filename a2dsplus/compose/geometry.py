"""M, S and T as geometry and frame maps (paper, section 4.1): pure functions, no input or output.

N: frames of the query clip. Nc: frames of the contrast clip. H, W: a canvas' height and width, even, as yuv420p needs. `_index` is
0-based, `frame` is 1-based.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from a2dsplus.media.masks import Rle, empty, paste
from a2dsplus.records import Clip, Layout, Order, Pair, Part, Query, Sample, Subset
from a2dsplus.sources import Annotations, referent_frames


def even(side: int) -> int:
    """Return the smallest even number that is not below `side`: clips of odd size gain a black line, masks a zero one."""
    return side + side % 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Where a clip stands in a canvas: the size it is scaled to, the even size it fills, and its first column."""

    height: int
    width: int
    left: int

    @property
    def filled_height(self) -> int:
        """The panel's height with the black line that makes it even."""
        return even(self.height)

    @property
    def filled_width(self) -> int:
        """The panel's width with the black line that makes it even."""
        return even(self.width)


def part(query: Query, clip: Clip) -> Part:
    """Return what a sample takes from a query's clip."""
    return Part(
        query_id=query.query_id,
        video_id=query.video_id,
        instance_id=query.instance_id,
        text=query.text,
        frames=clip.frames,
        height=clip.height,
        width=clip.width,
    )


def panels(sample: Sample) -> tuple[Panel, Panel | None]:
    """Return where the query and the contrast stand in a sample's canvas.

    S: the contrast is scaled to the query's height, beside it; T: to the query's size, in its place; M: the query alone.
    """
    if sample.query is None or sample.contrast is None:
        return Panel(height=sample.height, width=sample.width, left=0), None
    query = Panel(height=sample.query.height, width=sample.query.width, left=0)
    if sample.layout is Layout.TEMPORAL:
        return query, query
    contrast = Panel(height=query.height, width=_scaled_width(sample.contrast, query.height), left=0)
    if sample.order is Order.QUERY_FIRST:
        return query, Panel(height=contrast.height, width=contrast.width, left=query.filled_width)
    return Panel(height=query.height, width=query.width, left=contrast.filled_width), contrast


def _scaled_width(contrast: Part, height: int) -> int:
    return max(1, round(Fraction(contrast.width * height, contrast.height)))


def held_index(index: int, contrast_frames: int) -> int:
    """Return which contrast frame S shows beside the query's frame `index`: the clip is cut, or its last frame held."""
    return min(index, contrast_frames - 1)


def resampled_indices(frames: int, contrast_frames: int) -> list[int]:
    """Return which contrast frames T shows: `frames` of them, evenly spread from the first to the last."""
    if frames == 1:
        return [0]
    last, steps = contrast_frames - 1, frames - 1
    # round half up in whole numbers: the same on every machine
    return [(2 * index * last + steps) // (2 * steps) for index in range(frames)]


def mapped_indices(annotated: Sequence[int], frames: int, contrast_frames: int) -> list[int]:
    """Return where in T's contrast part the contrast's own annotated frames are shown: the nearest shown frame's index, ascending.

    `annotated`: 1-based frames of the contrast clip. Where the clip was thinned, two annotated frames may meet in one.
    """
    shown = resampled_indices(frames, contrast_frames)
    return sorted(
        {min(range(frames), key=lambda index: (abs(shown[index] - (frame - 1)), index)) for frame in annotated}
    )


def multiple(video_id: str, queries: Sequence[Query], clip: Clip, annotations: Annotations) -> Sample:
    """Return the M sample of a video with two or more described instances: the clip as it is, all its queries."""
    asked = {query.instance_id for query in queries}
    frames = tuple(frame for frame, instances in sorted(annotations.items()) if asked & instances.keys())
    return Sample(
        sample_id=video_id,
        subset=Subset.M,
        layout=Layout.NONE,
        order=Order.QUERY_FIRST,
        height=even(clip.height),
        width=even(clip.width),
        frames=clip.frames,
        video_id=video_id,
        queries=tuple(query.query_id for query in queries),
        query=None,
        contrast=None,
        evaluated_frames=frames,
    )


def composite(
    layout: Layout,
    query: Query,
    contrast: Query,
    *,
    clips: Mapping[str, Clip],
    annotations: Mapping[str, Annotations],
    order: Order,
    pair: Pair | None = None,
) -> Sample:
    """Return the S sample (layout spatial) or T sample (temporal) of a query and its contrast.

    S: the contrast beside the query, cut or held to the query's N frames; evaluated are the query's annotated frames. T: N query
    frames and N of the contrast's; evaluated are, besides, the contrast's own annotated frames, mapped, where the right answer is no
    mask. `pair`: whose tier and roles the sample carries.
    """
    asked, other = part(query, clips[query.video_id]), part(contrast, clips[contrast.video_id])
    evaluated = list(referent_frames(annotations[query.video_id], query.instance_id))
    width, frames = even(asked.width), asked.frames
    if layout is Layout.SPATIAL:
        width += even(_scaled_width(other, asked.height))
    else:
        first, second = (0, frames) if order is Order.QUERY_FIRST else (frames, 0)
        mapped = mapped_indices(sorted(annotations[contrast.video_id]), frames, other.frames)
        evaluated = sorted([first + frame for frame in evaluated] + [second + index + 1 for index in mapped])
        frames *= 2
    return Sample(
        sample_id=query.sample_id,
        subset=Subset.S if layout is Layout.SPATIAL else Subset.T,
        layout=layout,
        order=order,
        height=even(asked.height),
        width=width,
        frames=frames,
        video_id=query.video_id,
        queries=(query.query_id,),
        query=asked,
        contrast=other,
        evaluated_frames=tuple(evaluated),
        shared=pair.shared if pair else (),
        differing=pair.differing if pair else (),
        tier=pair.tier if pair else None,
    )


def is_contrast_frame(sample: Sample, frame: int) -> bool:
    """Return whether a frame of a T sample comes from the contrast clip (False in M and S)."""
    if sample.layout is not Layout.TEMPORAL or sample.query is None:
        return False
    return (frame > sample.query.frames) == (sample.order is Order.QUERY_FIRST)


def referent_mask(sample: Sample, frame: int, *, instance_id: str, annotations: Annotations) -> Rle | None:
    """Return the referent's mask on the canvas at an evaluated frame; None where that frame does not ask for the instance.

    `annotations`: of the query's video. In M an evaluated frame may hold some of the video's referents only. In S the contrast's part is zero; in T the contrast's
    frames are all zero.
    """
    if is_contrast_frame(sample, frame):
        return empty(sample.height, sample.width)
    offset = 0
    if sample.layout is Layout.TEMPORAL and sample.order is Order.CONTRAST_FIRST and sample.query is not None:
        offset = sample.query.frames
    rle = annotations.get(frame - offset, {}).get(instance_id)
    if rle is None:
        return None
    return paste(rle, height=sample.height, width=sample.width, left=panels(sample)[0].left)
