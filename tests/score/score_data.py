"""Ground truth and predictions for the scorer's tests, written as a user's folders would be."""

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from a2dsplus.media.masks import Mask, Rle, area, encode
from tests.shared_data import SHARED


def write_truth(dataset: Path, subset: str, masks: Mapping[str, Mask | Rle]) -> Path:
    """Write `<dataset>/<subset>/ground_truth.json` from {image id: mask or run lengths}."""
    images, annotations = [], []
    for number, (image_id, mask) in enumerate(masks.items(), 1):
        rle = mask if isinstance(mask, dict) else encode(mask)
        height, width = rle["size"]
        images.append({"id": image_id, "height": height, "width": width})
        annotations.append(
            {
                "id": number,
                "image_id": image_id,
                "category_id": 1,
                "segmentation": rle,
                "area": area(rle),
                "iscrowd": 0,
            }
        )
    file = dataset / subset / "ground_truth.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "referent"}]})
    )
    return file


def write_results(
    folder: Path, subset: str, masks: Mapping[str, Mask], scores: Mapping[str, float] | None = None
) -> Path:
    """Write `<folder>/<subset>.json`, COCO results."""
    rows = [
        {
            "image_id": image_id,
            "category_id": 1,
            "segmentation": encode(mask),
            "score": (scores or {}).get(image_id, 0.5),
        }
        for image_id, mask in masks.items()
    ]
    return write_rows(folder, subset, rows)


def write_rows(folder: Path, subset: str, rows: object) -> Path:
    """Write `<folder>/<subset>.json` as it is given."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{subset}.json"
    file.write_text(json.dumps(rows))
    return file


def write_pngs(folder: Path, subset: str, masks: Mapping[str, Mask]) -> Path:
    """Write `<folder>/<subset>/<sample>/<instance>/<frame>.png`."""
    from PIL import Image

    for image_id, mask in masks.items():
        sample, frame, instance = image_id.split("/")
        file = folder / subset / sample / instance / f"{frame}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(file)
    return folder


def write_samples(dataset: Path, subset: str, rows: list[dict[str, Any]]) -> None:
    """Write `<dataset>/<subset>/samples.jsonl`; fields that a test does not care for are filled in."""
    usual = {
        "subset": subset,
        "order": "query-first",
        "queries": [],
        "query": None,
        "contrast": None,
        "evaluated_frames": [],
    }
    lines = []
    for row in rows:
        whole = {**usual, "video_id": (row.get("query") or {}).get("video_id", row["sample_id"]), **row}
        if whole["query"] and not whole["queries"]:
            whole["queries"] = [whole["query"]["query_id"]]
        lines.append(json.dumps(whole) + "\n")
    (dataset / subset / "samples.jsonl").write_text("".join(lines))


def write_blind(dataset: Path, subset: str, truth: Mapping[str, Mask], rows: Mapping[str, Mask]) -> Path:
    """Write `<dataset>/<subset>/blind.json` of predictions that are the same mask in every unit."""
    counts = {
        name: {
            "I": [int((own & mask).sum()) for own in truth.values()],
            "U": [int((own | mask).sum()) for own in truth.values()],
        }
        for name, mask in rows.items()
    }
    file = dataset / subset / "blind.json"
    file.write_text(json.dumps({"rows": counts}))
    return file


def part(video: str, expression: str, text: str, *, frames: int, height: int, width: int) -> dict[str, Any]:
    """Return what a line of samples.jsonl says of one clip."""
    return {"query_id": f"{video}/{expression}", "video_id": video, "expression_id": expression, "text": text,
            "frames": frames, "height": height, "width": width}  # fmt: skip


def box(height: int, width: int, top: int, left: int, rows: int, columns: int) -> Mask:
    """Return a mask that is one rectangle."""
    mask = np.zeros((height, width), bool)
    mask[top : top + rows, left : left + columns] = True
    return mask


def random_masks(seed: int, many: int, *, height: int = 24, width: int = 32, empty: float = 0.2) -> dict[str, Mask]:
    """Return masks of `many` units over several videos, queries and frames, some of them empty."""
    generator = np.random.default_rng(seed)
    masks = {}
    for unit in range(many):
        video, rest = divmod(unit, 6)
        instance, frame = divmod(rest, 3)
        mask = np.zeros((height, width), bool)
        if generator.random() >= empty:
            top, left = generator.integers(0, height - 4), generator.integers(0, width - 4)
            mask[top : top + generator.integers(2, height), left : left + generator.integers(2, width)] = True
            mask &= generator.random((height, width)) < 0.9
        masks[f"v{video}/{10 * frame + 5:05d}/{instance}"] = mask
    return masks


def perturbed(masks: Mapping[str, Mask], seed: int, *, drop: float = 0.1) -> dict[str, Mask]:
    """Return masks as a fair model might predict them: shifted, thinned, at times empty or all wrong."""
    generator = np.random.default_rng(seed)
    found = {}
    for image_id, mask in masks.items():
        shifted = np.roll(mask, tuple(generator.integers(-4, 5, 2)), (0, 1))
        if generator.random() < drop:
            shifted = np.zeros_like(mask) if generator.random() < 0.5 else ~mask
        found[image_id] = shifted
    return found


@cache
def real_masks() -> dict[str, Rle]:
    """Return the 3,800 referent masks of A2D-Sentences' test split by image id (needs the shared data)."""
    found = {}
    with gzip.open(SHARED / "data" / "a2d_test_referent_masks.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            found[f"{row['video_id']}/{row['frame']:05d}/{row['instance_id']}"] = row["rle"]
    return found


def decoded(rle: Rle) -> Mask:
    """Return a mask's pixels, by pycocotools."""
    return coco.decode({"size": rle["size"], "counts": rle["counts"].encode()}).astype(bool)
