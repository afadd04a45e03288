"""The files of a composed subset: samples.jsonl, expressions.jsonl, meta_expressions.json and the ground truth in COCO's form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from a2dsplus.compose.blind import blind_rows
from a2dsplus.compose.geometry import MasksOf, units
from a2dsplus.dataset import expressions_file, samples_file
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError
from a2dsplus.media.masks import Rle, area, bounding_box
from a2dsplus.records import Query, Sample, SubsetName

SCHEMA = 2
"""Of ground_truth.json; in schema 1 the image ids were the keys."""


def image_key(sample_id: str, frame: int, expression: str) -> str:
    """Return the key of a unit's image: `<sample_id>/<frame:05d>/<expression>`."""
    return f"{sample_id}/{frame:05d}/{expression}"


def write_subset(
    workspace: Workspace,
    subset: SubsetName,
    samples: Sequence[Sample],
    *,
    queries: Mapping[str, Query],
    masks_of: MasksOf,
    split: str,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a subset's files, in S and T with the counts of the blind rows; `progress` is called with 1 for each sample.

    `queries`: by query id. An image of the ground truth is one unit, a (query, evaluated frame), with exactly one annotation; all-zero
    masks are there as empty run lengths. Where the source's split withholds masks or objects there is no ground_truth.json.
    """
    images: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    videos: dict[str, Any] = {}
    keys: set[str] = set()
    rows: list[dict[str, Any]] = []
    for sample in samples:
        evaluated: dict[str, list[int]] = {word: [] for word in sample.asked}
        names = [f"{frame:05d}" for frame in range(1, sample.frames + 1)]
        words = {query_id: word for word, query_id in sample.asked.items()}
        expressions = {n: _expression(words[query_id], queries[query_id]) for n, query_id in sample.numbered.items()}
        videos[sample.sample_id] = {"frames": names, "expressions": expressions}
        for unit in units(sample, queries, masks_of):
            key = image_key(sample.sample_id, unit.frame, unit.expression)
            if key in keys:
                raise InputError(
                    f"{subset}: two units would be image {key}; give expressions ids that are unique in their video"
                )
            keys.add(key)
            evaluated[unit.expression].append(unit.frame)
            number = len(images) + 1
            image = {
                "id": number,
                "key": key,
                "file_name": f"{sample.sample_id}/{unit.frame:05d}.jpg",
                "height": sample.height,
                "width": sample.width,
            }
            images.append(image if unit.ignore is None else {**image, "ignore": unit.ignore})
            found.append(_annotation(number, unit.mask))
        rows += expressions_file.rows(sample, queries, evaluated)
        progress(1)
    workspace.write_text(f"{subset}/{samples_file.NAME}", samples_file.lines(samples))
    workspace.write_text(f"{subset}/{expressions_file.NAME}", expressions_file.lines(rows))
    workspace.write_json(f"{subset}/meta_expressions.json", {"videos": videos})
    truth = {
        "info": {"schema": SCHEMA, "subset": subset.value, "split": split},
        "images": images,
        "annotations": found,
        "categories": [{"id": 1, "name": "referent"}],
    }
    if images or _is_judged(queries.values()):
        workspace.write_json(f"{subset}/ground_truth.json", truth)
    else:
        workspace.path(subset, "ground_truth.json").unlink(missing_ok=True)
    if images and subset in (SubsetName.S, SubsetName.T):
        workspace.write_json(f"{subset}/blind.json", blind_rows(samples, queries, masks_of))
    else:
        workspace.path(subset, "blind.json").unlink(missing_ok=True)


def _is_judged(queries: Any) -> bool:
    return all(query.objects is not None for query in queries)


def _expression(word: str, query: Query) -> dict[str, Any]:
    """Return an expression as Refer-YouTube-VOS has it, its object as `obj_id` (MeViS: a list, where there are several or none), and its word in keys."""
    if query.objects is None:
        return {"exp": query.text, "expression": word}
    objects = query.objects[0] if len(query.objects) == 1 else list(query.objects)
    return {"exp": query.text, "expression": word, "obj_id": objects}


def _annotation(number: int, rle: Rle) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": number,
        "category_id": 1,
        "segmentation": rle,
        "area": area(rle),
        "bbox": bounding_box(rle),
        "iscrowd": 0,
    }
