"""J&F against the way of `vos-benchmark`: whole frames, seg2bmap, OpenCV dilation by a disk.

    python benchmarks/boundary_speed.py MASKS.jsonl.gz [--units N]

Both start from the same decoded masks' run lengths and end with J and F a unit; one core. The results are compared.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco
from score_speed import Rows, perturb, read_masks

from a2dsplus.media.runs import from_counts, intersections
from a2dsplus.score.counting.boundary import contour_accuracies
from a2dsplus.score.counting.measure import chunks

Array = npt.NDArray[np.generic]


def ours(rows: Rows, predicted: list[str]) -> Array:
    """Return J and F of each unit, (N, 2)."""
    pixels = np.array([row["rle"]["size"][0] * row["rle"]["size"][1] for row in rows])
    result = np.zeros((len(rows), 2))
    for units in chunks(pixels):
        truth = from_counts([rows[unit]["rle"]["counts"] for unit in units], pixels[units])
        found = from_counts([predicted[unit] for unit in units], pixels[units])
        shared = intersections(found, truth)
        union = found.areas() + truth.areas() - shared
        result[units, 0] = np.where(union == 0, 1, shared / np.maximum(union, 1))
        heights, widths = np.array([rows[unit]["rle"]["size"] for unit in units]).T
        result[units, 1] = contour_accuracies(found, truth, heights=heights, widths=widths)
    return result


def contour(mask: Array) -> Array:
    """Return seg2bmap of a mask at its own size."""
    right, lower, diagonal = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1] = mask[:, 1:]
    lower[:-1] = mask[1:]
    diagonal[:-1, :-1] = mask[1:, 1:]
    found = mask ^ right | mask ^ lower | mask ^ diagonal
    found[-1] = mask[-1] ^ right[-1]
    found[:, -1] = mask[:, -1] ^ lower[:, -1]
    found[-1, -1] = 0
    return found


def whole_frames(rows: Rows, predicted: list[str]) -> Array:
    """Return the same, counted on whole frames."""
    result = np.zeros((len(rows), 2))
    for unit, (row, counts) in enumerate(zip(rows, predicted, strict=True)):
        truth = coco.decode(row["rle"]).astype(bool)
        found = coco.decode({"size": row["rle"]["size"], "counts": counts}).astype(bool)
        union = (found | truth).sum()
        result[unit, 0] = 1 if union == 0 else (found & truth).sum() / union
        reach = math.ceil(0.008 * np.linalg.norm(truth.shape))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        disk = (x * x + y * y <= reach * reach).astype(np.uint8)
        one, other = contour(found), contour(truth)
        near_one = cv2.dilate(one.astype(np.uint8), disk).astype(bool)
        near_other = cv2.dilate(other.astype(np.uint8), disk).astype(bool)
        precision, recall = (one & near_other).sum() / max(one.sum(), 1), (other & near_one).sum() / max(other.sum(), 1)
        if one.sum() == 0 or other.sum() == 0:
            result[unit, 1] = float(one.sum() == other.sum())
        elif precision + recall:
            result[unit, 1] = 2 * precision * recall / (precision + recall)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("masks", nargs="?", type=Path)
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    every = read_masks(options.masks)
    rows = every[:: max(1, len(every) // options.units)][: options.units]
    predicted = perturb(rows)
    times = {}
    results = {}
    for name, count in (("ours", ours), ("whole frames", whole_frames)):
        found = []
        for _ in range(3):
            start = time.perf_counter()
            results[name] = count(rows, predicted)
            found.append(time.perf_counter() - start)
        times[name] = min(found)
    print(
        f"{len(rows)} units, one core; largest difference {np.abs(results['ours'] - results['whole frames']).max():.1e}"
    )
    for name, seconds in times.items():
        print(f"{name:14} {1000 * seconds / len(rows):7.3f} ms a unit   {seconds / times['ours']:.1f}x ours")
    if options.json:
        options.json.write_text(json.dumps(times, indent=1) + "\n")


if __name__ == "__main__":
    main()
