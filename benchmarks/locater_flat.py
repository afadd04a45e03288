"""Time a frame and peak memory of a session over 1,000 frames: both flat.

    python benchmarks/locater_flat.py [--frames N] [--json]

The `tiny` preset and a small released configuration (64 x 64), one thread. The streaming call
`inference.stream` runs on a generator of frames, whose masks are thrown away. Printed for each
hundred frames: milliseconds a frame (median) and resident memory. Claims: the last hundred frames cost at most 10%
more time each than the second hundred, and at most 2% more memory. Under two minutes.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

import locater
from locater.inference import stream


def resident() -> float:
    """Return resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def video(frames: int) -> Iterator[np.ndarray]:
    """Yield noise, 90 x 120."""
    rng = np.random.default_rng(0)
    for _ in range(frames):
        yield rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)


def measure(model: locater.Locater, query: str | torch.Tensor, frames: int) -> list[tuple[float, float]]:
    """Return (median milliseconds a frame, resident MB) of each hundred frames."""
    rows, times, start = [], [], time.process_time()
    for index, _ in enumerate(stream(model, video(frames), query, batch=1), start=1):
        now = time.process_time()
        times.append(1000 * (now - start))
        start = now
        if index % 100 == 0:
            rows.append((statistics.median(times), resident()))
            times = []
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.frames < 300:
        sys.exit("--frames: at least 300")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tiny = locater.Locater(locater.LocaterConfig.preset("tiny"))
    small = locater.Locater(locater.LocaterConfig.preset("released", image_size=64, modules=1, vision_depth=1))
    figures = {
        "tiny": measure(tiny, "the red ball", arguments.frames),
        "released, 64 x 64": measure(small, torch.ones(1, 22, dtype=torch.long), arguments.frames),
    }
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for name, rows in figures.items():
        print(name)
        for index, (ms, mb) in enumerate(rows, start=1):
            print(f"  frames {100 * index - 99:>4} to {100 * index:>4}: {ms:7.2f} ms a frame   {mb:7.1f} MB")
        slower, larger = rows[-1][0] / rows[1][0], rows[-1][1] / rows[1][1]
        for claim, holds in (("time flat", slower <= 1.1), ("memory flat", larger <= 1.02)):
            print(f"  {'holds' if holds else 'DOES NOT HOLD'}: {claim} ({slower:.3f} x time, {larger:.3f} x memory)")


if __name__ == "__main__":
    main()
