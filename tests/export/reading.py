"""What the exports' tests expect of a dataset: read from its own files, by the standard library and pycocotools alone."""

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pandas as pd
from pycocotools import mask as coco

import a2dsplus

Pixels = npt.NDArray[np.uint8]


def samples(dataset: Path, subset: str) -> dict[str, dict[str, Any]]:
    """Return the lines of samples.jsonl by sample id."""
    lines = (dataset / subset / "samples.jsonl").read_text().splitlines()
    return {row["sample_id"]: row for row in map(json.loads, lines)}


def split(dataset: Path) -> str:
    """Return the split that a dataset was built from, as A2D-S has them: train or test."""
    return "train" if json.loads((dataset / "manifest.json").read_text())["split"] == "train" else "test"


def names(dataset: Path, subset: str, sample: str) -> list[str]:
    """Return what a sample's frames are called: in N and M as the source calls them, else by their numbers from 1."""
    row = samples(dataset, subset)[sample]
    table = pd.read_parquet(dataset / "clips.parquet").set_index("video_id")
    own = table.loc[row["video_id"], "frame_names"] if subset in "NM" else None
    return [f"{frame:05d}" for frame in range(1, row["frames"] + 1)] if own is None else list(own)


def texts(dataset: Path, subset: str) -> dict[str, list[tuple[str, str]]]:
    """Return each sample's (word, text), in the order of meta_expressions.json."""
    videos = json.loads((dataset / subset / "meta_expressions.json").read_text())["videos"]
    return {
        sample: [
            (own["expression"], own["exp"])
            for _, own in sorted(video["expressions"].items(), key=lambda item: int(item[0]))
        ]
        for sample, video in videos.items()
    }


def masks(dataset: Path, subset: str) -> dict[tuple[str, str, int], npt.NDArray[np.bool_]]:
    """Return the masks of ground_truth.json by (sample, word, frame)."""
    truth = json.loads((dataset / subset / "ground_truth.json").read_text())
    keys = {image["id"]: image["key"].split("/") for image in truth["images"]}
    found = {}
    for annotation in truth["annotations"]:
        sample, frame, word = keys[annotation["image_id"]]
        found[sample, word, int(frame)] = coco.decode(annotation["segmentation"]).astype(bool)
    return found


def frames_of(path: Path) -> Pixels:
    """Return the frames of an mp4 as ffmpeg shows them, (T, H, W, 3) RGB."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def shown(dataset: Path, subset: str, sample: str) -> Pixels:
    """Return a sample's frames as `Subset` composes them."""
    items = a2dsplus.Subset(dataset, subset)
    for place, (own, _) in enumerate(items.queries):
        if own.sample_id == sample:
            return items[place].frames
    raise KeyError(sample)


def error(one: Pixels, other: Pixels) -> float:
    """Return the mean absolute difference of two clips of one shape."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())
