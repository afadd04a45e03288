"""What training on contrast is worth: LOCATER trained on with and without `--contrast-share`, three seeds, on the painted world. Resumable.

    python benchmarks/contrast_share.py --out contrast-share

Each run goes on from the checkpoint in the wheel with all weights, for as many steps on the same queries; what is composed is all that differs.
Scored are M, S and T of painted test videos under `--recipe strict`, so that pair scores are there. The start itself is scored as well.
Scores that are there are not made again; one that was killed goes on from its last checkpoint.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from a2dsplus.models.training_data import contrasts, open_training
from a2dsplus.world import paint_world
from locater import checkpoint
from locater.training import FrameStore, TrainOptions, train

START = Path(checkpoint.__file__).parent / "weights" / "tiny.safetensors"
FIGURES = (("M", "mIoU"), ("S", "mIoU"), ("S", "pair"), ("S", "leak"), ("T", "mIoU"), ("T", "pair"), ("T", "N-acc"))


def command(*arguments: str | Path) -> None:
    """Run a command of the toolkit."""
    subprocess.run([sys.executable, "-m", "a2dsplus", *map(str, arguments)], check=True, stdout=sys.stderr)


def datasets(out: Path, *, train_videos: int, test_videos: int) -> None:
    """Paint the train and the test videos and build a dataset of each, where they are not there yet."""
    for split, subsets, recipe in (("train", "M", "paper"), ("test", "M,S,T", "strict")):
        world, made = out / f"world-{split}", out / split
        if not world.exists():
            paint_world(world, splits=(split,), train_videos=train_videos, test_videos=test_videos)
        if not (made / "manifest.json").exists():
            command(
                "build",
                "--split",
                split,
                "--root",
                world,
                "--out",
                made,
                "--subsets",
                subsets,
                "--recipe",
                recipe,
                "--render",
                "none",
            )


def trained(out: Path, *, share: float, seed: int, epochs: int, examples: Any, store: FrameStore) -> Path:
    """Return the weights of a run, trained where they are not there yet."""
    run = out / f"share-{share:g}-{seed}"
    if not (run / "model.safetensors").exists():
        model = checkpoint.load(START)
        options = TrainOptions.preset(
            "tiny", epochs=epochs, batch=16, lr=5e-4, warmup=10, clip_frames=2, global_frames=4, contrast_share=share, seed=seed,
            save_every=20, log_every=10,
        )  # fmt: skip
        compose = None
        if share:
            compose = contrasts(out / "train", examples, store, split="train", share=share, count=1, seed=seed)
        train(
            model,
            examples,
            store,
            options,
            out=run,
            compose=compose,
            report=lambda now: print(run.name, now, file=sys.stderr),
        )
    return run / "model.safetensors"


def scored(out: Path, name: str, weights: Path) -> dict[str, Any]:
    """Return a checkpoint's metrics by subset, predicted and scored where they are not yet."""
    found = out / f"{name}.json"
    if not found.exists():
        made = out / f"predictions-{name}"
        command(
            "baseline",
            "--model",
            "locater",
            "--checkpoint",
            weights,
            "--dataset",
            out / "test",
            "--out",
            made,
            "--no-score",
        )
        command("score", made, "--dataset", out / "test", "--resamples", "0", "--json", found)
    subsets: dict[str, Any] = json.loads(found.read_text("utf-8"))["subsets"]
    return subsets


def main() -> None:
    """Train, predict, score, print a row a training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("contrast-share"))
    parser.add_argument("--train-videos", type=int, default=600)
    parser.add_argument("--test-videos", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    datasets(given.out, train_videos=given.train_videos, test_videos=given.test_videos)
    options = TrainOptions.preset("tiny")
    examples, store = open_training(given.out / "world-train", split="train", size=80, every=options.stride)
    store.preload(file=given.out / "frames.bin")
    runs: dict[str, list[dict[str, Any]]] = {"at the start": [], "plain": [], f"--contrast-share {given.share:g}": []}
    for seed in range(given.seeds):
        for share, name in ((given.share, f"--contrast-share {given.share:g}"), (0.0, "plain")):
            weights = trained(given.out, share=share, seed=seed, epochs=given.epochs, examples=examples, store=store)
            runs[name].append(scored(given.out, f"share-{share:g}-{seed}", weights))
    runs["at the start"].append(scored(given.out, "start", START))
    print("| trained | seeds | " + " | ".join(f"{subset} {metric}" for subset, metric in FIGURES) + " |")
    print("| --- " * (len(FIGURES) + 2) + "|")
    for name, rows in runs.items():
        cells = [[100 * row[subset][metric] for row in rows] for subset, metric in FIGURES]
        print(f"| {name} | {len(rows)} | " + " | ".join(_cell(cell) for cell in cells) + " |")


def _cell(values: list[float]) -> str:
    mean = statistics.fmean(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ± {statistics.stdev(values):.1f}"


if __name__ == "__main__":
    main()
