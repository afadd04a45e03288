"""A subset as an A2D-Sentences folder: every loader of A2D-S reads it, each sample a test video, each query an instance of it."""

import csv
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from a2dsplus.compose.render import write_video
from a2dsplus.compose.subset import Subset
from a2dsplus.media.masks import Mask
from a2dsplus.records import Query, Sample


def write(found: Subset, out: Path, progress: Callable[[int], None]) -> None:
    """Write Release/ and text_annotations/; frames where nothing of the query is to be seen carry its instance with an all-zero mask."""
    text = out / "text_annotations"
    (out / "Release" / "clips320H").mkdir(parents=True)
    text.mkdir(parents=True)
    (text / "a2d_missed_videos.txt").write_text("")
    with (
        (text / "a2d_annotation.txt").open("w", encoding="utf-8", newline="") as captions,
        (out / "Release" / "videoset.csv").open("w", encoding="utf-8", newline="") as videos,
    ):
        caption_rows, video_rows = csv.writer(captions, lineterminator="\n"), csv.writer(videos, lineterminator="\n")
        caption_rows.writerow(["video_id", "instance_id", "query"])
        for sample in found.samples:
            queries = found.asked(sample)
            caption_rows.writerows([sample.sample_id, query.expression_id, query.text] for query in queries)
            row = [
                sample.sample_id,
                0,
                "0:00",
                "0:00",
                sample.height,
                sample.width,
                sample.frames,
                len(sample.evaluated_frames),
                1,
            ]
            video_rows.writerow(row)
            write_video(out / "Release" / "clips320H" / f"{sample.sample_id}.mp4", sample, found.clips)
            _write_masks(text / "a2d_annotation_with_instances" / sample.sample_id, found, sample, queries)
            progress(1)


def _write_masks(folder: Path, found: Subset, sample: Sample, queries: list[Query]) -> None:
    folder.mkdir(parents=True)
    by_frame: dict[int, list[tuple[int, Mask]]] = {}
    for query in queries:
        for frame, mask in zip(*found.masks(sample, query), strict=True):
            by_frame.setdefault(frame, []).append((int(query.expression_id), mask))
    for frame, instances in by_frame.items():
        masks = np.stack([mask.T for _, mask in instances]).astype(np.uint8)
        boxes = np.array([_box(mask) for _, mask in instances]).T
        single = len(instances) == 1
        with h5py.File(folder / f"{frame:05d}.h5", "w") as file:
            file["instance"] = np.array([instance for instance, _ in instances])
            file.create_dataset("reMask", data=masks[0] if single else masks, compression="gzip")
            file["reBBox"] = boxes[:, 0] if single else boxes
            file["id"] = np.zeros(len(instances))


def _box(mask: Mask) -> list[int]:
    rows, columns = np.nonzero(mask)
    return [int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())] if len(rows) else [0, 0, 0, 0]
