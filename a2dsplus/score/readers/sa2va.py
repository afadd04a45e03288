"""Sa2VA's results.json: {video: {number of the expression: {"frames": [...], "prediction_masks": [run lengths or null, one a frame]}}}."""

from collections.abc import Mapping, Sequence
from typing import Any

from a2dsplus.errors import PredictionError, cut, listed
from a2dsplus.media.segments import Resize
from a2dsplus.score.readers.coco import CocoPredictions
from a2dsplus.score.readers.listing import File
from a2dsplus.score.readers.numbering import Asked, Numbering
from a2dsplus.score.readers.png import FILLER, require_expressions
from a2dsplus.score.truth import Truth

_FORM = 'expected {video: {expression: {"frames": [...], "prediction_masks": [...]}}}'


def looks_like_sa2va(document: object) -> bool:
    """Return whether a JSON document is of this form, by its first entry."""
    if not isinstance(document, dict) or not document:
        return False
    first = next(iter(document.values()))
    return isinstance(first, dict) and all(
        isinstance(own, dict) and "prediction_masks" in own for own in first.values()
    )


def read_sa2va_results(
    document: Mapping[str, Any],
    file: File,
    truth: Truth,
    *,
    expressions: Mapping[Asked, str],
    names: Mapping[str, Sequence[str]] | None = None,
    resize: Resize = "none",
) -> CocoPredictions:
    """Return the predictions of such a document; see `open_predictions`.

    Raises PredictionError where an entry has another form, or a video or expression is not of the dataset.
    """
    require_expressions(expressions, file, truth)
    masks: list[Any] = []
    frames: dict[Asked, dict[str, int]] = {}
    strangers: list[str] = []
    for video, own in document.items():
        if video.startswith(FILLER):
            continue
        if not isinstance(own, dict):
            raise PredictionError(f"{file}: {cut(video)} is no object; {_FORM}")
        for number, entry in own.items():
            where = f"{cut(video)}/{cut(number)}"
            expression = expressions.get((video, number))
            if expression is None:
                strangers.append(where)
                continue
            frames[video, expression] = _entry(entry, masks, f"{file}: {where}")
    if strangers:
        raise PredictionError(
            f"{file}: {len(strangers)} expressions are not in {truth.file}: {listed(strangers)}; were they made for another subset, split or recipe?{truth.recipe}"
        )
    numbering = Numbering(frames, truth, where=file, names=names)
    rows: dict[int, list[tuple[float, int]]] = {}
    others = 0
    for query, of_query in frames.items():
        units = truth.by_name.get(query, {})
        for name, row in of_query.items():
            unit = units.get(numbering.frame(query[0], name))
            if unit is None:
                others += 1
            elif unit in rows:
                raise PredictionError(
                    f"{file}: {query[0]}/{query[1]} has frame {cut(name)} twice, under two names; keep one of them"
                )
            else:
                rows[unit] = [(1.0, row)]
    found = CocoPredictions(str(file), truth, rows=rows, masks=masks, resize=resize)
    found.layout = "Sa2VA results"
    found.scored = False
    if numbering.note:
        found.notes.append(numbering.note)
    if others:
        found.notes.append(f"{file}: {others} masks of frames that {truth.subset} does not evaluate were not read")
    return found


def _entry(entry: object, masks: list[Any], where: str) -> dict[str, int]:
    """Append an expression's masks; return {frame name: place in `masks`}."""
    names, own = (entry.get("frames"), entry.get("prediction_masks")) if isinstance(entry, dict) else (None, None)
    if (
        not isinstance(names, list)
        or not isinstance(own, list)
        or not all(isinstance(name, str | int) for name in names)
    ):
        raise PredictionError(f"{where}: {_FORM}")
    if len(names) != len(own) or len(set(map(str, names))) != len(names):
        raise PredictionError(
            f"{where}: {len(own)} masks for {len(set(map(str, names)))} frames; expected one mask a frame"
        )
    first = len(masks)
    masks.extend(own)
    return {str(name).removesuffix(".jpg").removesuffix(".png"): first + place for place, name in enumerate(names)}
