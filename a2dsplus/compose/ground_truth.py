"""The files of a composed subset: samples.jsonl, meta_expressions.json and the ground truth in COCO's form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from a2dsplus.compose.geometry import referent_mask
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import SCHEMA, Workspace
from a2dsplus.media.masks import Rle, area, bounding_box
from a2dsplus.records import Query, Sample, Subset
from a2dsplus.sources import Annotations


def write_subset(
    workspace: Workspace,
    subset: Subset,
    samples: Sequence[Sample],
    *,
    queries: Mapping[str, Query],
    annotations: Mapping[str, Annotations],
    split: str,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a subset's three files; `progress` is called with 1 for each sample.

    `queries`: by query id. An image of the ground truth is one unit, a (query, evaluated frame), with exactly one annotation; all-zero
    masks are there as empty run lengths. In meta_expressions.json obj_id is A2D's instance id.
    """
    images: list[dict[str, Any]] = []
    units: list[dict[str, Any]] = []
    videos: dict[str, Any] = {}
    for sample in samples:
        asked = [queries[query_id] for query_id in sample.queries]
        videos[sample.sample_id] = {
            "frames": [f"{frame:05d}" for frame in range(1, sample.frames + 1)],
            "expressions": {str(n): {"exp": query.text, "obj_id": query.instance_id} for n, query in enumerate(asked)},
        }
        for query in asked:
            masks = annotations[query.video_id]
            for frame in sample.evaluated_frames:
                rle = referent_mask(sample, frame, instance_id=query.instance_id, annotations=masks)
                if rle is not None:
                    image = f"{sample.sample_id}/{frame:05d}/{query.instance_id}"
                    images.append({"id": image, "height": sample.height, "width": sample.width})
                    units.append(_annotation(len(units) + 1, image, rle))
        progress(1)
    truth = {
        "info": {"schema": SCHEMA, "subset": subset.value, "split": split},
        "images": images,
        "annotations": units,
        "categories": [{"id": 1, "name": "referent"}],
    }
    tables.write_samples(workspace, subset, samples)
    workspace.write_json(f"{subset}/meta_expressions.json", {"videos": videos})
    workspace.write_json(f"{subset}/ground_truth.json", truth)


def _annotation(number: int, image: str, rle: Rle) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "segmentation": rle,
        "area": area(rle),
        "bbox": bounding_box(rle),
        "iscrowd": 0,
    }
