"""N, M, S and T as geometry and frame maps (paper, section 4.1): pure functions, no input or output.

A composed video is made of panels: the query's clip, and in S and T the contrasts'. Everything else asks the panels: rendering, masks, review,
score and exports. N: frames of the query clip. H, W: a canvas' height and width, even, as yuv420p needs. `_index` is 0-based, `frame` is 1-based.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from a2dsplus.media.masks import Rle, empty, paste, resized, union
from a2dsplus.records import Clip, Kind, Layout, Order, Pair, Part, Query, Sample, SubsetName
from a2dsplus.sources import Masks, referent_frames, referent_rle, void_rle

MasksOf = Callable[[str], Masks]
"""A video's annotated frames by its id; an empty mapping where it has none."""


def even(side: int) -> int:
    """Return the smallest even number that is not below `side`: clips of odd size gain a black line, masks a zero one."""
    return side + side % 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Where a clip stands in a composed video.

    `height`, `width`: the size that it is scaled to. `left`: its first column. `first_index`: the first frame of the composed video that shows
    it. `indices`: which of the clip's frames is shown at each of the panel's frames. `is_query`: whether it is the query's clip.
    """

    video_id: str
    height: int
    width: int
    left: int
    first_index: int
    indices: tuple[int, ...]
    is_query: bool

    @property
    def filled_height(self) -> int:
        """The panel's height with the black line that makes it even."""
        return even(self.height)

    @property
    def filled_width(self) -> int:
        """The panel's width with the black line that makes it even."""
        return even(self.width)

    def shows(self, frame: int) -> bool:
        """Return whether a frame of the composed video shows the panel."""
        return self.first_index < frame <= self.first_index + len(self.indices)


def part(query: Query, clip: Clip) -> Part:
    """Return what a sample takes from a query's clip."""
    return Part(
        query_id=query.query_id,
        video_id=query.video_id,
        expression_id=query.expression_id,
        text=query.text,
        frames=clip.frames,
        height=clip.height,
        width=clip.width,
    )


def panels(sample: Sample) -> tuple[Panel, ...]:
    """Return a sample's panels, the query's first, then the contrasts' in their order.

    S: contrasts are scaled to the query's height and stand in a row with it, cut or held to its N frames; T: they are scaled to its size and come
    before or behind it, N frames of each; N and M: the clip alone.
    """
    if sample.query is None:
        indices = tuple(range(sample.frames))
        return (_panel(sample.video_id, sample.height, sample.width, indices, is_query=True),)
    asked = sample.query
    own = tuple(range(asked.frames))
    spatial = sample.layout is Layout.SPATIAL
    query = _panel(asked.video_id, asked.height, asked.width, own, is_query=True)
    others = [
        _panel(
            other.video_id,
            asked.height,
            _scaled_width(other, asked.height) if spatial else asked.width,
            _shown(sample.kind, sample.layout, asked.frames, other.frames),
            is_query=False,
        )
        for other in sample.contrasts
    ]
    ordered = [query, *others] if sample.order is Order.QUERY_FIRST else [*others, query]
    placed, left, first_index = [], 0, 0
    for panel in ordered:
        placed.append(replace(panel, left=left, first_index=first_index))
        left += panel.filled_width if spatial else 0
        first_index += 0 if spatial else len(panel.indices)
    return tuple(sorted(placed, key=lambda panel: not panel.is_query))


def _panel(video: str, height: int, width: int, indices: tuple[int, ...], *, is_query: bool) -> Panel:
    return Panel(video_id=video, height=height, width=width, left=0, first_index=0, indices=indices, is_query=is_query)


def _scaled_width(contrast: Part, height: int) -> int:
    return max(1, round(Fraction(contrast.width * height, contrast.height)))


def _shown(kind: Kind, layout: Layout, frames: int, contrast_frames: int) -> tuple[int, ...]:
    if kind == "frozen":
        return ((frames - 1) // 2,) * frames
    if kind == "reversed":
        return tuple(range(frames - 1, -1, -1))
    if layout is Layout.SPATIAL:
        return tuple(held_index(index, contrast_frames) for index in range(frames))
    return tuple(resampled_indices(frames, contrast_frames))


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


def shown_annotated(sample: Sample, panel: Panel, annotated: Sequence[int]) -> dict[int, int]:
    """Return where a panel shows annotated frames: {frame of the composed video: annotated frame of the clip}, ascending.

    `annotated`: 1-based frames of the panel's clip. The query's panel shows each as it is. A contrast's in S shows those that lie within the
    query's N frames; in T each is taken to be at the nearest shown frame, where two meet the nearer one, then the earlier. Beside or behind
    its own frozen clip, which shows none of them, a query is judged at its own annotated frames' places.
    """
    if sample.kind == "frozen" and not panel.is_query:
        return {panel.first_index + frame: frame for frame in annotated if frame <= len(panel.indices)}
    if panel.is_query or sample.layout is not Layout.TEMPORAL or sample.kind == "reversed":
        # held frames repeat the last index: an annotated frame is where its index is shown first
        places: dict[int, int] = {}
        for position, index in enumerate(panel.indices):
            places.setdefault(index, position)
        found = {panel.first_index + places[f - 1] + 1: f for f in annotated if f - 1 in places}
        return dict(sorted(found.items()))
    nearest: dict[int, int] = {}
    for frame in annotated:
        place = min(range(len(panel.indices)), key=lambda index: (abs(panel.indices[index] - (frame - 1)), index))
        at = panel.first_index + place + 1
        kept = nearest.get(at)
        if kept is None or _distance(panel, place, frame) < _distance(panel, place, kept):
            nearest[at] = frame
    return dict(sorted(nearest.items()))


def _distance(panel: Panel, place: int, frame: int) -> int:
    return abs(panel.indices[place] - (frame - 1))


# ---- samples ---------------------------------------------------------------------------------------------------------


def whole(subset: SubsetName, video_id: str, queries: Sequence[Query], clip: Clip, masks: Masks | None) -> Sample:
    """Return the N or M sample of a video: the clip as it is, all its queries; evaluated are the frames at which an answer is known."""
    frames = sorted({frame for query in queries for frame in referent_frames(masks, query)})
    return Sample(
        sample_id=video_id,
        subset=subset,
        layout=Layout.NONE,
        order=Order.QUERY_FIRST,
        height=even(clip.height),
        width=even(clip.width),
        frames=clip.frames,
        video_id=video_id,
        queries=tuple(query.query_id for query in queries),
        query=None,
        evaluated_frames=tuple(frames),
    )


def described(queries: Sequence[Query]) -> set[str] | None:
    """Return the objects that a video's queries name; None where the split withholds them."""
    if any(query.objects is None for query in queries):
        return None
    return {name for query in queries for name in query.objects or ()}


def composite(
    subset: SubsetName,
    query: Query,
    contrasts: Sequence[Query],
    *,
    clips: Mapping[str, Clip],
    masks_of: MasksOf,
    order: Order,
    pairs: Sequence[Pair] = (),
    both_asked: bool = False,
    suffix: str = "",
) -> Sample:
    """Return the S or T sample of a query and its contrasts.

    S: evaluated are the query's annotated frames. T: besides, the contrasts' own annotated frames, mapped, where the right answer is no mask.
    `pairs`: of query and contrasts; the sample carries the first one's tier, roles, grade and kind. `both_asked`: the first contrast's caption is
    asked as well, in S at those of its annotated frames that lie within the N shown (not at all, if there is none), in T at all evaluated frames.
    """
    pair = pairs[0] if pairs else None
    layout = Layout.SPATIAL if subset is SubsetName.S else Layout.TEMPORAL
    asked = part(query, clips[query.video_id])
    others = tuple(part(other, clips[other.video_id]) for other in contrasts)
    height, width, frames = even(asked.height), even(asked.width), asked.frames
    if layout is Layout.SPATIAL:
        width += sum(even(_scaled_width(other, asked.height)) for other in others)
    else:
        frames *= 1 + len(others)
    draft = Sample(
        sample_id=query.sample_id + suffix,
        subset=subset,
        layout=layout,
        order=order,
        kind=pair.kind if pair else "other",
        height=height,
        width=width,
        frames=frames,
        video_id=query.video_id,
        queries=(query.query_id,),
        query=asked,
        contrasts=others,
        evaluated_frames=(),
        shared=pair.shared if pair else (),
        differing=pair.differing if pair else (),
        extra=pair.extra if pair else (),
        tier=pair.tier if pair else None,
        grade=pair.grade if pair else None,
        relation=pair.relation if pair else None,
    )
    own, *behind = panels(draft)
    of_query = set(_known(draft, own, query, masks_of))
    if layout is Layout.TEMPORAL:
        for panel in behind:
            of_query |= set(shown_annotated(draft, panel, sorted(masks_of(panel.video_id))))
    evaluated: dict[str, tuple[int, ...]] = {}
    if both_asked and behind:
        first = contrasts[0]
        of_contrast = set(_known(draft, behind[0], first, masks_of))
        if of_contrast and layout is Layout.TEMPORAL:
            unknown = {frame for frame in of_query if behind[0].shows(frame)} - of_contrast
            of_contrast |= of_query - unknown
        if of_contrast:
            evaluated = {"query": tuple(sorted(of_query)), "contrast": tuple(sorted(of_contrast))}
    everything = tuple(sorted(of_query.union(*evaluated.values())))
    queries = draft.queries + ((contrasts[0].query_id,) if evaluated else ())
    return replace(draft, evaluated_frames=everything, evaluated=evaluated, queries=queries)


def _known(sample: Sample, own: Panel, query: Query, masks_of: MasksOf) -> dict[int, int]:
    """Return where a query's own panel shows frames at which its answer is known, as `shown_annotated`.

    What is evaluated and what is scored ask here: the other objects' annotated frames are not its own, and push none of them out.
    """
    return shown_annotated(sample, own, referent_frames(masks_of(own.video_id), query))


# ---- masks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What is scored: a query at an evaluated frame. `expression`: its word in keys and folders. `ignore`: pixels that are not judged."""

    expression: str
    query_id: str
    frame: int
    mask: Rle
    ignore: Rle | None


def units(sample: Sample, queries: Mapping[str, Query], masks_of: MasksOf) -> Iterator[Unit]:
    """Yield a sample's units, expression by expression in its order, frames ascending.

    `queries`: by id. A frame at which a query's answer is not known (in M, another instance's) is none of its units.
    """
    placed = panels(sample)
    shown = {panel: shown_annotated(sample, panel, sorted(masks_of(panel.video_id))) for panel in placed}
    for expression, query_id in sample.asked.items():
        own = placed[1] if expression == "contrast" and sample.evaluated else placed[0]
        known = _known(sample, own, queries[query_id], masks_of)
        for frame in sample.evaluated.get(expression, sample.evaluated_frames):
            mask = _answer(sample, queries[query_id], own, frame, known, masks_of)
            if mask is not None:
                ignore = _ignored(sample, placed, frame, {**shown, own: known}, masks_of)
                yield Unit(expression=expression, query_id=query_id, frame=frame, mask=mask, ignore=ignore)


def _answer(
    sample: Sample, query: Query, own: Panel, frame: int, known: Mapping[int, int], masks_of: MasksOf
) -> Rle | None:
    if not own.shows(frame):
        return empty(sample.height, sample.width)
    annotated = known.get(frame)
    there = masks_of(own.video_id)
    if annotated is None:
        return None
    height, width = _clip_size(there, annotated, own)
    rle = referent_rle(there, query, annotated, height=height, width=width)
    return None if rle is None else set_in(sample, own, rle)


def _clip_size(masks: Masks, frame: int, panel: Panel) -> tuple[int, int]:
    """Return the size of a frame's masks: of the clip, before scaling to the panel."""
    for rle in masks[frame].values():
        return rle["size"][0], rle["size"][1]
    return panel.height, panel.width


def set_in(sample: Sample, panel: Panel, rle: Rle) -> Rle:
    """Return a mask of a panel's clip, at the clip's size, on the canvas."""
    # N and M have the canvas' even sides for the panel's: there the mask is not scaled, it gains a zero line
    if sample.query is not None:
        rle = resized(rle, height=panel.height, width=panel.width)
    return paste(rle, height=sample.height, width=sample.width, left=panel.left)


def _ignored(
    sample: Sample,
    placed: Sequence[Panel],
    frame: int,
    shown: Mapping[Panel, Mapping[int, int]],
    masks_of: MasksOf,
) -> Rle | None:
    found = []
    for panel in placed:
        annotated = shown[panel].get(frame)
        rle = None if annotated is None else void_rle(masks_of(panel.video_id), annotated)
        if rle is not None and panel.shows(frame):
            found.append(set_in(sample, panel, rle))
    return union(found, height=sample.height, width=sample.width) if found else None
