"""A subset as an A2D-Sentences folder: the loaders of A2D-S read it, each sample a video, each query an instance of it."""

import csv
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.compose.render import write_video
from a2dsplus.compose.subset import Subset
from a2dsplus.export.layout import Layout, Task
from a2dsplus.files import inside
from a2dsplus.media.hdf5 import new_file
from a2dsplus.media.masks import Mask, Rle, area, bounding_box, decode
from a2dsplus.records import Layout as Composition
from a2dsplus.records import Query, Sample

_SPLITS = {"train": 0, "test": 1}
_LIST = "a2d_sentences_single_frame_{}_annotations.json"
_COCO = "a2d_sentences_test_annotations_in_coco_format.json"


def write(task: Task) -> list[str]:
    """Write Release/, text_annotations/, the sample lists of both splits, and the ground truth of the test split in COCO's form.

    Frames where nothing of a query is to be seen carry its instance with an all-zero mask. A clip that is shown as it is (N, M) is copied.
    """
    found, out = task.only(), task.out
    split = "train" if task.split == "train" else "test"
    text, clips = out / "text_annotations", out / "Release" / "clips320H"
    clips.mkdir(parents=True)
    text.mkdir()
    (text / "a2d_missed_videos.txt").write_text("")
    rows: list[list[object]] = []
    coco: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "referent"}]}
    with (
        (text / "a2d_annotation.txt").open("w", encoding="utf-8", newline="") as captions,
        (out / "Release" / "videoset.csv").open("w", encoding="utf-8", newline="") as videos,
    ):
        caption_rows, video_rows = csv.writer(captions, lineterminator="\n"), csv.writer(videos, lineterminator="\n")
        caption_rows.writerow(["video_id", "instance_id", "query"])
        for sample in found.samples:
            instances = _instances(found, sample)
            caption_rows.writerows([sample.sample_id, number, query.text] for number, query in instances.items())
            size = [sample.height, sample.width, sample.frames, len(sample.evaluated_frames)]
            video_rows.writerow([sample.sample_id, 0, "0:00", "0:00", *size, _SPLITS[split]])
            _write_clip(inside(clips, f"{sample.sample_id}.mp4"), found, sample)
            masks = _masks(found, sample, instances)
            _write_masks(inside(text, f"a2d_annotation_with_instances/{sample.sample_id}"), masks)
            for number, query in instances.items():
                for frame in sorted(masks):
                    if number in masks[frame]:
                        rows.append([query.text.lower(), sample.sample_id, frame, number])
                        _add_unit(coco, sample, frame, number, masks[frame][number])
            task.progress(1)
    for name in _SPLITS:
        _write_json(out / _LIST.format(name), rows if name == split else [])
    _write_json(out / _COCO, coco if split == "test" else {**coco, "images": [], "annotations": []})
    _link(out)
    return _how_to_start(task)


def _instances(found: Subset, sample: Sample) -> dict[int, Query]:
    """Return a sample's queries by instance number: the expression's own where all are whole numbers, else their order from 0."""
    queries = dict(zip(sample.asked, found.asked(sample), strict=True))
    if all(word.isascii() and word.isdigit() and str(int(word)) == word and len(word) < 10 for word in queries):
        return {int(word): query for word, query in queries.items()}
    return dict(enumerate(queries.values()))


def _write_clip(path: Path, found: Subset, sample: Sample) -> None:
    clip = found.clips[sample.video_id]
    coding = clip.coding
    plain = not (coding.discarded or coding.rotation or coding.mirrored or coding.stream or coding.start)
    if sample.layout is Composition.NONE and plain and clip.path.suffix.lower() == ".mp4" and clip.path.is_file():
        shutil.copyfile(clip.path, path)
    else:
        write_video(path, sample, found.clips)


def _masks(found: Subset, sample: Sample, instances: dict[int, Query]) -> dict[int, dict[int, Rle]]:
    """Return {frame: {instance: mask}} of a sample's units."""
    numbers = {query.query_id: number for number, query in instances.items()}
    masks: dict[int, dict[int, Rle]] = {}
    for unit in found.units(sample):
        masks.setdefault(unit.frame, {})[numbers[unit.query_id]] = unit.mask
    return masks


def _write_masks(folder: Path, masks: dict[int, dict[int, Rle]]) -> None:
    folder.mkdir(parents=True)
    for frame, instances in masks.items():
        decoded = [decode(rle) for rle in instances.values()]
        stacked = np.stack([mask.T for mask in decoded]).astype(np.uint8)  # (instances, W, H), as MATLAB left them
        boxes = np.array(
            [_corners(mask) for mask in decoded], np.float64
        ).T  # MTTR dumps them as JSON, so no integers of numpy's
        single = len(instances) == 1
        with new_file(folder / f"{frame:05d}.h5") as file:
            file["instance"] = np.array(list(instances))
            file.create_dataset("reMask", data=stacked[0] if single else stacked, compression="gzip")
            file["reBBox"] = boxes[:, 0] if single else boxes
            file["id"] = np.zeros(len(instances))


def _corners(mask: Mask) -> list[int]:
    rows, columns = np.nonzero(mask)
    return [int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())] if len(rows) else [0, 0, 0, 0]


def _add_unit(coco: dict[str, list[Any]], sample: Sample, frame: int, instance: int, mask: Rle) -> None:
    image_id = f"v_{sample.sample_id}_f_{frame}_i_{instance}"
    coco["images"].append({"id": image_id, "height": sample.height, "width": sample.width})
    coco["annotations"].append(
        {
            "id": len(coco["annotations"]) + 1,
            "image_id": image_id,
            "category_id": 1,
            "segmentation": mask,
            "area": float(area(mask)),
            "bbox": bounding_box(mask),
            "iscrowd": 0,
        }
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


def _link(out: Path) -> None:
    """Make the links that SgMg (Release/CLIPS320) and OnlineRefer (masks at the root) look for."""
    (out / "Release" / "CLIPS320").symlink_to("clips320H", target_is_directory=True)
    (out / "a2d_annotation_with_instances").symlink_to(
        "text_annotations/a2d_annotation_with_instances", target_is_directory=True
    )


def _how_to_start(task: Task) -> list[str]:
    place = shlex.quote(str(task.target.resolve()))
    lines = [
        f"MTTR, in its folder: mkdir -p datasets; ln -s {place} datasets/a2d_sentences; ln -s {place} a2d_sentences; "
        "python -O main.py -rm eval -c configs/a2d_sentences.yaml -ckpt CHECKPOINT (-O: it asserts the sizes of the full release)",
        f"ReferFormer, in its folder: python main.py --dataset_file a2d --a2d_path {place} --eval --resume CHECKPOINT",
    ]
    if any(sample.layout is Composition.TEMPORAL for sample in task.only().samples):
        lines.append(
            "T: ReferFormer, SgMg, OnlineRefer and ReferDINO replace each sample whose mask is empty by a random one when they read this layout, "
            "so their figures on T would be of other samples: give them `--layout refer-ytvos`; MTTR reads T right"
        )
    return lines


LAYOUT = Layout(
    write=write,
    reads="an A2D-Sentences folder, for MTTR, ReferFormer, SgMg, OnlineRefer, ReferDINO and this toolkit",
    needs_masks=True,
)
