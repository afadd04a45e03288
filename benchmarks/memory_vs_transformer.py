"""Table 8g on this machine: the memory module against one Transformer block over all tokens of the video.

    OMP_NUM_THREADS=1 python benchmarks/memory_vs_transformer.py [--json] [--threads N]

Peers in the same run: the block with torch's fused attention (the stronger one) and with materialised scores.
All linear layers of all columns go through the same matrix products. Claims: the memory's cost a frame grows by
at most 5% from 15 to 100 frames (the paper's figures by 32%), and falls below the fused block's before 40 frames.
About three minutes.
"""

import argparse
import json
import sys

import torch

from a2dsplus.cli.bench import text
from locater import bench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    bench.table_8g(frames=(3, 4), peers=False)  # compile the kernels
    rows = bench.table_8g(progress=lambda line: print(line, file=sys.stderr))
    growth, at = bench.growth(rows), bench.crossing(rows)
    if arguments.json:
        print(json.dumps({"rows": [row._asdict() for row in rows], "growth": growth, "crossing": at}, indent=2))
        return
    print(text(rows))
    paper = ", ".join(f"{m} / {t}" for m, t in zip(bench.PAPER["memory"], bench.PAPER["transformer"], strict=True))
    print(f"the paper's memory / Transformer, on a GPU: {paper}")
    for claim, holds in (
        ("grows by at most 5%", growth <= 0.05),
        ("crosses below 40 frames", at is not None and at < 40),
    ):
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {claim}")


if __name__ == "__main__":
    main()
