"""Scoring a folder of PNG masks against merely decoding the same files with the same number of workers.

    python benchmarks/png_speed.py MASKS.jsonl.gz [--units N] [--workers W] [--rounds R]

Decoding and reading take turns, so that both meet the same machine: the ratio is the median of the rounds' ratios. Reported are the reader and the metric loop (without J&F), the reader with J&F, and peak memory at N and at N / 4 units.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from PIL import Image
from pycocotools import mask as coco
from score_speed import Rows, perturb, read_masks, write_files

from a2dsplus.media.runs import intersections
from a2dsplus.score.counting.measure import chunks, measure
from a2dsplus.score.readers.listing import DiskFolder
from a2dsplus.score.readers.png import read_png_folder
from a2dsplus.score.truth import Truth, read_truth


def write_pngs(rows: Rows, predicted: list[str], folder: Path) -> list[Path]:
    """Write each prediction as an 8-bit PNG, in the scorer's layout."""
    files = []
    for row, counts in zip(rows, predicted, strict=True):
        sample, frame, instance = row["id"].split("/")
        file = folder / sample / instance / f"{frame}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        mask = coco.decode({"size": row["rle"]["size"], "counts": counts})
        Image.fromarray(mask * np.uint8(255)).save(file)
        files.append(file)
    return files


def decode(file: Path) -> None:
    """Decode a file and drop its pixels."""
    with Image.open(file) as image:
        image.load()


def count(truth: Truth, folder: Path, workers: int) -> int:
    """Read and count all units; return a sum of what was counted."""
    predictions = read_png_folder(DiskFolder(folder, folder), truth, workers=workers)
    total = 0
    for units in chunks(truth.pixels):
        found, expected = predictions.runs(units), truth.runs(units)
        total += int(intersections(found, expected).sum() + found.areas().sum() + expected.areas().sum())
    return total


def in_turn(rounds: int, *calls: Callable[[], object]) -> list[list[float]]:
    """Return each call's seconds, one a round; the calls take turns."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, own in zip(calls, found, strict=True):
            start = time.perf_counter()
            call()
            own.append(time.perf_counter() - start)
    return found


def peak_memory(truth: Path, folder: Path, workers: int) -> float:
    """Return the peak memory, in MiB, of a process that counts the units of a folder."""
    command = [sys.executable, __file__, "--count", str(truth), str(folder), "--workers", str(workers)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("masks", nargs="?", type=Path)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--count", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.count:
        count(read_truth(options.count[0], subset="M"), options.count[1], options.workers)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    rows = read_masks(options.masks)[: options.units]
    predicted = perturb(rows)
    workers = options.workers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_pngs(rows, predicted, folder / "all")
        write_files(rows, predicted, folder / "data" / "ground_truth.json", folder / "unused" / "M.json")
        truth = read_truth(folder / "data" / "ground_truth.json", subset="M")
        with ThreadPoolExecutor(workers) as pool:
            call = (
                (lambda: list(pool.map(decode, files))) if workers > 1 else (lambda: [decode(file) for file in files])
            )
            call()  # the files are in memory from here on
            decoded, read = in_turn(options.rounds, call, lambda: count(truth, folder / "all", workers))
        decoding, reading = median(decoded), median(read)
        ratio = median(own / alone for alone, own in zip(decoded, read, strict=True))
        ((contours,),) = in_turn(
            1, lambda: measure(truth, read_png_folder(DiskFolder(folder / "all", folder), truth, workers=workers))
        )
        quarter = len(rows) // 4
        write_pngs(rows[:quarter], predicted[:quarter], folder / "few")
        write_files(
            rows[:quarter], predicted[:quarter], folder / "small" / "ground_truth.json", folder / "unused2" / "M.json"
        )
        few = peak_memory(folder / "small" / "ground_truth.json", folder / "few", workers)
        many = peak_memory(folder / "data" / "ground_truth.json", folder / "all", workers)
    print(f"{len(rows)} PNG files, {workers} workers")
    print(f"decoding alone        {decoding:7.3f} s   1x")
    print(f"reading and counting  {reading:7.3f} s   {ratio:.2f}x, median of {options.rounds} rounds")
    print(f"... and J&F           {contours:7.3f} s   {contours / decoding:.2f}x")
    print(f"peak memory           {few:7.1f} MiB for {quarter} units, {many:.1f} MiB for {len(rows)}")
    if options.json:
        figures = {
            "decoding": decoding,
            "reading": reading,
            "ratio": ratio,
            "with_contours": contours,
            "memory_quarter": few,
            "memory": many,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
