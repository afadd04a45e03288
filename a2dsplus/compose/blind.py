"""What whoever reads no query would score: counts of a few predictions made from a subset's masks alone (DESIGN section 8).

`nothing` predicts no mask. `all actors` has the true masks of every described actor of every clip in the composite, and `all actors, left`
and `right` (in T `first` and `second`) those of the first or the last clip alone: under the paper's order the first is the query's. A clip
shows its actors' masks of the annotated frame that is nearest to the frame shown.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pycocotools import mask as coco

from a2dsplus.compose.geometry import MasksOf, Panel, Unit, panels, set_in, shown_annotated, units
from a2dsplus.media.masks import Rle, area, empty, union
from a2dsplus.records import VOID, Layout, Query, Sample
from a2dsplus.sources import Masks

NOTHING, EVERYWHERE = "nothing", "all actors"
_PLACES = {Layout.SPATIAL: ("left", "right"), Layout.TEMPORAL: ("first", "second")}


def blind_rows(
    samples: Iterable[Sample],
    queries: Mapping[str, Query],
    masks_of: MasksOf,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the content of a subset's blind.json, {"rows": {name: {"I": [...], "U": [...]}}}, in the order of `geometry.units`.

    `queries`: all of the dataset, by id: an actor is described where any of them names it. `progress` is called with 1 for each sample. I and
    U are pixels, without those that a unit ignores.
    """
    described = _described(queries.values())
    rows: dict[str, dict[str, list[int]]] = {}
    for sample in samples:
        own = _Predictions(sample, described, masks_of)
        for unit in units(sample, queries, masks_of):
            for name, mask in own.at(unit.frame).items():
                shared, whole = _counts(mask, unit)
                row = rows.setdefault(name, {"I": [], "U": []})
                row["I"].append(shared)
                row["U"].append(whole)
        progress(1)
    return {"rows": rows}


def _described(queries: Iterable[Query]) -> dict[str, set[str] | None]:
    """Return each video's described objects; None where a split withholds them, so that all count."""
    found: dict[str, set[str] | None] = {}
    for query in queries:
        known = found.setdefault(query.video_id, set())
        if query.objects is None or known is None:
            found[query.video_id] = None
        else:
            known.update(query.objects)
    return found


class _Predictions:
    """A sample's blind predictions; each frame's are made once, whatever is asked of it."""

    def __init__(self, sample: Sample, described: Mapping[str, set[str] | None], masks_of: MasksOf) -> None:
        self._sample = sample
        self._described = described
        self._masks_of = masks_of
        self._panels = sorted(panels(sample), key=lambda panel: (panel.left, panel.first_index))
        self._shown = {
            panel: shown_annotated(sample, panel, sorted(masks_of(panel.video_id))) for panel in self._panels
        }
        self._made: dict[int, dict[str, Rle]] = {}

    def at(self, frame: int) -> dict[str, Rle]:
        """Return each row's mask at a frame of the composite."""
        if frame not in self._made:
            size = {"height": self._sample.height, "width": self._sample.width}
            actors = [self._actors(panel, frame) for panel in self._panels]
            found = {NOTHING: empty(**size), EVERYWHERE: union(actors, **size)}
            places = _PLACES.get(self._sample.layout)
            if places is not None:
                found |= {
                    f"{EVERYWHERE}, {place}": mask for place, mask in zip(places, (actors[0], actors[-1]), strict=True)
                }
            self._made[frame] = found
        return self._made[frame]

    def _actors(self, panel: Panel, frame: int) -> Rle:
        masks = self._masks_of(panel.video_id)
        annotated = self._nearest(panel, frame, masks)
        if annotated is None:
            return empty(self._sample.height, self._sample.width)
        known = self._described.get(panel.video_id)
        own = [
            set_in(self._sample, panel, rle)
            for name, rle in masks[annotated].items()
            if name != VOID and (known is None or name in known)
        ]
        return union(own, height=self._sample.height, width=self._sample.width)

    def _nearest(self, panel: Panel, frame: int, masks: Masks) -> int | None:
        """Return the annotated frame whose masks stand for what a panel shows, of two as near the earlier; None where it is not shown."""
        if not panel.shows(frame) or not masks:
            return None
        if (
            self._sample.kind != "frozen" or panel.is_query
        ):  # a frozen clip shows none of the frames that its query is judged at
            own = self._shown[panel].get(frame)
            if own is not None:
                return own
        index = panel.indices[frame - panel.first_index - 1]
        return min(masks, key=lambda annotated: (abs(annotated - 1 - index), annotated))


def _counts(mask: Rle, unit: Unit) -> tuple[int, int]:
    """Return the pixels of the intersection and of the union of a mask and a unit's, less those that the unit ignores."""
    either = union([mask, unit.mask], height=mask["size"][0], width=mask["size"][1])
    both = area(mask) + area(unit.mask) - area(either)
    if unit.ignore is None:
        return both, area(either)
    return both - _shared([mask, unit.mask, unit.ignore]), area(either) - _shared([either, unit.ignore])


def _shared(masks: Sequence[Rle]) -> int:
    raw = [{"size": rle["size"], "counts": rle["counts"].encode("ascii")} for rle in masks]
    return int(coco.area(coco.merge(raw, intersect=True)))
