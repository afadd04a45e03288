"""Fixtures: a small A2D-Sentences folder painted here, and a larger one from the real captions and masks where they are at hand."""

import csv
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import h5py
import numpy as np
import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.world import paint_world
from tests.shared_data import SHARED

CAPTIONS = [
    ("aaaaaaaaaaa", "0", "a boy is running on the grass"),
    ("aaaaaaaaaaa", "1", " a dog jumping  on the left"),
    ("-bbbbbbbbbb", "0", "a boy is running on the snow"),
    ("ccccccccccc", "0", "red car rolling on the street"),
    ("ccccccccccc", "2", "a man is standing on the right"),
    ("ddddddddddd", "0", "a dog running on the grass"),
    ("ddddddddddd", "1 (copy)", "a dog running on the grass"),
]
# video: (frames, height, width, rate, {annotated frame: instances})
CLIPS = {
    "aaaaaaaaaaa": (12, 48, 64, Fraction(25), {3: ["0", "1"], 6: ["0", "1"], 9: ["0"]}),
    "-bbbbbbbbbb": (7, 48, 80, Fraction(30), {2: ["0"], 5: ["0"]}),
    "ccccccccccc": (20, 64, 48, Fraction(25), {5: ["0", "2"], 10: ["0", "2", "2"], 15: ["2"]}),
    "ddddddddddd": (9, 50, 66, Fraction(24), {4: ["0"]}),
}


def write_clip(path: Path, frames: int, height: int, width: int, rate: Fraction) -> None:
    """Write a clip whose frame number can be read off its brightness."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for index in range(frames):
            image = np.full((height, width, 3), 20 + 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def write_masks(path: Path, instances: list[str], height: int, width: int) -> None:
    """Write an annotated frame as A2D has it; instance i is a block at row and column 4 i + 4."""
    masks = []
    for instance in instances:
        mask = np.zeros((height, width), np.uint8)
        corner = 4 * int(instance) + 4
        mask[corner : corner + 10, corner : corner + 16] = 1
        masks.append(mask.T)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["instance"] = np.array([int(instance) for instance in instances])
        file["reMask"] = masks[0] if len(masks) == 1 else np.stack(masks)
        file["id"] = np.zeros(len(instances) + 1)


def paint_root(root: Path) -> Path:
    """Lay out the small A2D-Sentences folder, with the real one's oddities."""
    clips, text = root / "Release" / "clips320H", root / "text_annotations"
    clips.mkdir(parents=True)
    text.mkdir()
    with (root / "Release" / "videoset.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        for video, (frames, height, width, rate, annotated) in CLIPS.items():
            rows.writerow([video, 11, "0:00", "0:04", 2 * height, 2 * width, frames, len(annotated), 1])
            write_clip(clips / f"{video}.mp4", frames, height, width, rate)
            for frame, instances in annotated.items():
                write_masks(
                    text / "a2d_annotation_with_instances" / video / f"{frame:05d}.h5", instances, height, width
                )
        rows.writerow(["eeeeeeeeeee", 11, "0:00", "0:04", 96, 128, 10, 3, 1])
        rows.writerow(["ttttttttttt", 11, "0:00", "0:04", 96, 128, 10, 3, 0])
    with (text / "a2d_annotation.txt").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video_id", "instance_id", "query"])
        rows.writerows([*CAPTIONS, ("ttttttttttt", "0", "a cat of the train split")])
    (text / "a2d_missed_videos.txt").write_text("eeeeeeeeeee\n")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small A2D-Sentences folder that the test may change."""
    return paint_root(tmp_path / "root")


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small A2D-Sentences folder, read only."""
    return paint_root(tmp_path_factory.mktemp("small") / "root")


@pytest.fixture(scope="session")
def real_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 videos of A2D-S test with real captions and masks at half scale, read only; the test must be marked `needs_shared`."""
    folder = tmp_path_factory.mktemp("real") / "root"
    tool = SHARED / "tools" / "make_a2d_root.py"
    subprocess.run(
        [sys.executable, str(tool), str(folder), "--videos", "40", "--scale", "0.5"], check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="session")
def trained_on(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A painted train split as a dataset without rendered videos, read only; its source stands in `world` beside."""
    folder = tmp_path_factory.mktemp("train")
    paint_world(folder / "world", seed=0, workers=1, splits=("train",), train_videos=8)
    options = BuildOptions(split="train", rendering=Rendering(form="none"))
    build(A2dSource(folder / "world"), folder / "out", options=options)
    return folder / "out"
