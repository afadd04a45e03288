"""The metric loop and the whole command against MTTR's way of counting.

    python benchmarks/score_speed.py MASKS.jsonl.gz [--json FILE]

MASKS: real masks, a line each: {"video_id", "frame", "instance_id", "rle"}; without it, as many made-up masks. Predictions are
the masks perturbed. The peer decodes both masks of a unit and counts with torch, one unit after the other, as MTTR's and
ReferFormer's metrics do, and as a whole process also builds pycocotools' indexes and runs COCOeval. One thread each; every figure
is the best of several runs, each loop in a process of its own.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is loaded

import numpy as np
from pycocotools import mask as coco

from a2dsplus.media.runs import from_counts, intersections
from a2dsplus.score.counting.measure import chunks, keep_memory
from a2dsplus.score.protocols import Protocol, passes, unit_ious

Rows = list[dict[str, Any]]


def read_masks(file: Path | None) -> Rows:
    """Return rows {"id", "rle"} of real masks, or of 3,800 made-up blobs of A2D's size."""
    if file is not None:
        with gzip.open(file, "rt") as lines:
            rows = [json.loads(line) for line in lines]
        return [{"id": f"{r['video_id']}/{r['frame']:05d}/{r['instance_id']}", "rle": r["rle"]} for r in rows]
    generator, rows = np.random.default_rng(0), []
    y, x = np.mgrid[:320, :568]
    for number in range(3800):
        middle, wobble = generator.uniform((60, 60), (260, 508)), generator.uniform(0.5, 2, 3)
        angle = np.arctan2(y - middle[0], x - middle[1])
        reach = generator.uniform(20, 90) * (
            1 + 0.3 * np.sin(angle * 5 * wobble[0]) + 0.1 * np.sin(angle * 17 * wobble[1])
        )
        mask = np.hypot(y - middle[0], x - middle[1]) < reach
        rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        rows.append(
            {
                "id": f"v{number // 3}/{number % 3 + 1:05d}/0",
                "rle": {"size": rle["size"], "counts": rle["counts"].decode()},
            }
        )
    return rows


def perturb(rows: Rows) -> list[str]:
    """Return each mask's prediction: shifted by up to 12 pixels, its contour roughened."""
    generator, found = np.random.default_rng(1), []
    for row in rows:
        mask = np.roll(coco.decode(row["rle"]), tuple(generator.integers(-12, 13, 2)), (0, 1))
        for column in generator.integers(0, mask.shape[1], 20):
            mask[:, column] = np.roll(mask[:, column], int(generator.integers(-3, 4)))
        found.append(coco.encode(np.asfortranarray(mask))["counts"].decode("ascii"))
    return found


def ours(rows: Rows, predicted: list[str]) -> dict[str, float]:
    """Return the metric loop's figures, from compressed counts."""
    pixels = np.array([row["rle"]["size"][0] * row["rle"]["size"][1] for row in rows])
    counts = [row["rle"]["counts"] for row in rows]
    parts = []
    keep_memory()
    for units in chunks(pixels):
        chosen = slice(units[0], units[-1] + 1)
        truth, found = from_counts(counts[chosen], pixels[chosen]), from_counts(predicted[chosen], pixels[chosen])
        parts.append((intersections(found, truth), found.areas() + truth.areas()))
    shared, sums = (np.concatenate(column) for column in zip(*parts, strict=True))
    union = sums - shared
    passed = passes(shared, union, protocol=Protocol.PAPER).mean(axis=0)
    ious = unit_ious(shared, union, protocol=Protocol.PAPER)
    return {
        "oIoU": float(shared.sum() / union.sum()),
        "mIoU": float(ious.mean()),
        **{f"P@{k}": float(passed[k * 2 - 10]) for k in range(5, 10)},
    }


def mttr_way(rows: Rows, predicted: list[str]) -> dict[str, float]:
    """Return the same by decoding both masks of each unit and counting with torch."""
    import torch

    torch.set_num_threads(1)
    passed = dict.fromkeys((0.5, 0.6, 0.7, 0.8, 0.9), 0)
    shared_all, union_all, ious = 0.0, 0.0, []
    for row, counts in zip(rows, predicted, strict=True):
        expected = torch.tensor(coco.decode(row["rle"])).unsqueeze(0)
        found = torch.tensor(coco.decode({"size": row["rle"]["size"], "counts": counts})).unsqueeze(0).int()
        shared = (found & expected).float().sum((1, 2))
        union = (found | expected).float().sum((1, 2))
        iou = ((shared + 1e-6) / (union + 1e-6)).item()
        for threshold in passed:
            passed[threshold] += iou > threshold
        shared_all, union_all = shared_all + shared.item(), union_all + union.item()
        ious.append(iou)
    return {
        "oIoU": shared_all / union_all,
        "mIoU": float(np.mean(ious)),
        **{f"P@{round(10 * k)}": many / len(ious) for k, many in passed.items()},
    }


def pair_by_pair(rows: Rows, predicted: list[str]) -> None:
    """One pycocotools IoU call a pair."""
    for row, counts in zip(rows, predicted, strict=True):
        coco.iou([{"size": row["rle"]["size"], "counts": counts.encode()}], [row["rle"]], [0])


def mttr_process(truth_file: str, results_file: str) -> None:
    """All that MTTR's evaluation does, from the files to the figures."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(truth_file)
    results = truth.loadRes(results_file)
    evaluation = COCOeval(truth, results, iouType="segm")
    evaluation.params.useCats = 0
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    rows = [{"id": image_id, "rle": truth.imgToAnns[image_id][0]["segmentation"]} for image_id in truth.imgs]
    best = [sorted(results.imgToAnns[image_id], key=lambda own: own["score"])[-1] for image_id in truth.imgs]
    print(mttr_way(rows, [own["segmentation"]["counts"] for own in best]))


def best_of(times: int, call: Callable[[], object]) -> float:
    """Return the shortest of several runs in seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def alone(loop: str, masks: Path | None) -> float:
    """Return a loop's time in a process of its own: what one does to the memory allocator is no help to another."""
    command = [sys.executable, __file__, *([str(masks)] if masks else []), "--loop", loop]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def whole_process(command: list[str]) -> float:
    """Return a process's time from start to end in seconds."""
    return best_of(3, lambda: subprocess.run(command, check=True, capture_output=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("masks", nargs="?", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--loop", choices=["ours", "mttr", "pairs"], help=argparse.SUPPRESS)
    parser.add_argument("--as-mttr", nargs=2, metavar=("TRUTH", "RESULTS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_mttr:
        mttr_process(*options.as_mttr)
        return
    rows = read_masks(options.masks)
    predicted = perturb(rows)
    if options.loop:
        times, call = {"ours": (7, ours), "mttr": (2, mttr_way), "pairs": (3, pair_by_pair)}[options.loop]
        call(rows, predicted)
        print(best_of(times, lambda: call(rows, predicted)))
        return
    one, other = ours(rows, predicted), mttr_way(rows, predicted)
    largest = max(abs(one[name] - other[name]) for name in ("oIoU", "mIoU"))
    loop, pairs, peer = (alone(name, options.masks) for name in ("ours", "pairs", "mttr"))
    with tempfile.TemporaryDirectory() as folder:
        truth, results = Path(folder, "data", "M", "ground_truth.json"), Path(folder, "masks", "M.json")
        write_files(rows, predicted, truth, results)
        program = str(Path(sys.executable).with_name("a2dsplus"))
        dataset = ["--dataset", str(Path(folder, "data"))]
        whole = whole_process([program, "score", str(results.parent), *dataset])
        plain = whole_process([program, "score", str(results.parent), *dataset, "--resamples", "0"])
        mttr = whole_process([sys.executable, __file__, "--as-mttr", str(truth), str(results)])
    print(
        f"{len(rows)} units, one thread; largest difference of oIoU and mIoU to the peer {largest:.1e} (it counts in single precision)"
    )
    print(f"metric loop            {loop:8.3f} s   1x")
    print(f"pycocotools IoU a pair {pairs:8.3f} s   {pairs / loop:.1f}x ours")
    print(f"MTTR's way             {peer:8.3f} s   {peer / loop:.0f}x ours")
    print(f"a2dsplus score         {whole:8.3f} s   1x (all figures, J&F, 1,000 resamples)")
    print(f"... --resamples 0      {plain:8.3f} s")
    print(f"MTTR's way, process    {mttr:8.3f} s   {mttr / whole:.1f}x ours")
    if options.json:
        figures = {
            "loop": loop,
            "pairs": pairs,
            "mttr_loop": peer,
            "command": whole,
            "command_plain": plain,
            "mttr_process": mttr,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def write_files(rows: Rows, predicted: list[str], truth: Path, results: Path) -> None:
    """Write the masks as a dataset and a results file."""
    images, annotations, found = [], [], []
    for number, (row, counts) in enumerate(zip(rows, predicted, strict=True), 1):
        height, width = row["rle"]["size"]
        images.append({"id": row["id"], "height": height, "width": width})
        annotations.append(
            {"id": number, "image_id": row["id"], "category_id": 1, "segmentation": row["rle"], "iscrowd": 0,
             "area": float(coco.area(row["rle"])), "bbox": coco.toBbox(row["rle"]).tolist()}
        )  # fmt: skip
        found.append(
            {
                "image_id": row["id"],
                "category_id": 1,
                "segmentation": {"size": [height, width], "counts": counts},
                "score": 0.5 + number % 97 / 200,
            }
        )
    truth.parent.mkdir(parents=True)
    results.parent.mkdir(parents=True)
    truth.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "referent"}]})
    )
    results.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
