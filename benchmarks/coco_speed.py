"""Our load and mAP_coco beside hotcoco, faster-coco-eval and pycocotools on one subset of a dataset: seconds, and the same AP.

    python benchmarks/coco_speed.py DATASET/T/ground_truth.json [--rounds 5]

Predictions are made here: each true mask moved by a few columns, one in ten all black, scores spread evenly. All tools get the same two
files; run it with OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 for one thread each. A round runs them one after another, in an order that turns with the round, and the median of the rounds is printed.
The figure is mAP_cocoeval: COCO's tools match no empty mask (docs/protocol.md).
Whole commands (`a2dsplus score`, and starting Python alone) are measured as processes, with processor time beside the clock's.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from a2dsplus.media.runs import intersections
from a2dsplus.score.counting.measure import chunks
from a2dsplus.score.evaluation import evaluate
from a2dsplus.score.figures.ap import average_precision
from a2dsplus.score.readers.coco import read_coco_results
from a2dsplus.score.truth import read_truth


def moved(annotation: dict[str, Any], place: int) -> dict[str, Any]:
    """Return a result made of a true mask: moved by 0 to 6 columns, one in ten all black."""
    mask = coco.decode(annotation["segmentation"])
    found = np.roll(mask, place % 7, axis=1) if place % 10 < 9 else np.zeros_like(mask)
    rle = coco.encode(np.asfortranarray(found))
    return {
        "image_id": annotation["image_id"],
        "category_id": 1,
        "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
        "score": round(0.05 + 0.9 * ((place * 7919) % 1000) / 1000, 4),
    }


def ours(truth: Path, found: Path) -> float:
    """Score as the command does, every figure but resampling."""
    report = evaluate(found, truth, subsets=[truth.stem], resamples=0, protocol="mttr")
    return float(report.subsets[truth.stem].figures["mAP_cocoeval"] or 0)


def alone(truth: Path, found: Path) -> float:
    """Load both files and compute the one figure."""
    known = read_truth(truth, subset="T")
    predictions = read_coco_results(json.loads(found.read_bytes()), found, known)
    ious = []
    for units in chunks(known.pixels):
        expected, own = known.runs(units), predictions.runs(units)
        shared = intersections(own, expected)
        ious.append(shared / np.maximum(own.areas() + expected.areas() - shared, 1))
    return average_precision(np.concatenate(ious), predictions.scores, np.arange(len(known)), rank=known.rank)


def with_pycocotools(truth: Path, found: Path) -> float:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    known = COCO(str(truth))
    evaluation = COCOeval(known, known.loadRes(str(found)), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def with_faster(truth: Path, found: Path) -> float:
    from faster_coco_eval import COCO, COCOeval_faster

    known = COCO(str(truth))
    evaluation = COCOeval_faster(known, known.loadRes(str(found)), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def with_hotcoco(truth: Path, found: Path) -> float:
    from hotcoco import COCO, COCOeval

    known = COCO(str(truth))
    evaluation = COCOeval(known, known.load_res(str(found)), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def process(command: list[str]) -> tuple[float, float]:
    """Return a command's seconds by the clock and of the processor."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    document = json.loads(options.truth.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        truth, found = Path(folder, "truth.json"), Path(folder, "found.json")
        results = [moved(annotation, place) for place, annotation in enumerate(document["annotations"])]
        truth.write_text(json.dumps(document))
        found.write_text(json.dumps(results))
        tools: dict[str, Callable[[Path, Path], float]] = {
            "a2dsplus, this figure": alone,
            "a2dsplus, every figure": ours,
            "hotcoco": with_hotcoco,
            "faster-coco-eval": with_faster,
            "pycocotools": with_pycocotools,
        }
        times: dict[str, list[float]] = {name: [] for name in tools}
        figures: dict[str, float] = {}
        for number in range(options.rounds + 1):
            order = list(tools)[number % len(tools) :] + list(tools)[: number % len(tools)]
            for name in order:
                begin = time.process_time()
                with redirect_stdout(StringIO()):
                    figures[name] = tools[name](truth, found)
                if number:  # the first imports
                    times[name].append(time.process_time() - begin)
        print(
            f"{len(document['images'])} units, {len(results)} results; processor seconds, load included, median of {options.rounds}"
        )
        begin = time.process_time()
        for _ in range(options.rounds):
            for file in (truth, found):
                json.loads(file.read_bytes())
        reading = (time.process_time() - begin) / options.rounds
        for name in tools:
            print(f"{name:24} {statistics.median(times[name]):7.3f} s   AP {figures[name]:.4f}")
        print(f"{'json.loads of both files':24} {reading:7.3f} s")
        score = [sys.executable, "-m", "a2dsplus", "score", str(found), "--dataset", str(truth), "--subsets", "truth"]
        score += ["--resamples", "0"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import numpy": [sys.executable, "-c", "import numpy"],
        }
        commands["a2dsplus score"] = score
        for name, command in commands.items():
            runs = [process(command) for _ in range(options.rounds)]
            clock, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{name:24} {clock:7.3f} s by the clock, {cpu:.3f} s of the processor")


if __name__ == "__main__":
    main()
