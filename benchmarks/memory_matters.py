"""Does memory matter? LOCATER, LOCATER-IMG and each memory alone on the painted world, where a third of the videos have two look-alikes
that only later frames tell apart (Table 8c of the paper in small).

    python benchmarks/memory_matters.py --root world --encoders run-place/model.safetensors

docs/training.md says how the world and the encoders are made. All variants start from the same memoryless network and keep its encoders frozen; memories are drawn anew for each seed, and they and
the query generator are trained for the same number of steps, LOCATER-IMG's query generator among them.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from a2dsplus.models.training_data import open_training
from locater import Locater, LocaterConfig, checkpoint
from locater.inference import sampled_indices
from locater.paper import PaperNetwork, Words
from locater.training import Clips, Example, TrainOptions
from locater.training.initial import settle, transfer
from locater.training.memories import Encodings, train_memories

VARIANTS = {
    "LOCATER": {"global_slots": 1.5, "local_slots": 2.0},
    "global only": {"global_slots": 1.5, "local_slots": 0},
    "local only": {"global_slots": 0, "local_slots": 2.0},
    "LOCATER-IMG": {"global_slots": 0, "local_slots": 0},
}
GROUPS = ("temporal", "before", "after", "other", "all")


class Exam:
    """The test split, its V computed once, and where the look-alikes part."""

    def __init__(self, encoders: Locater, root: Path) -> None:
        size = encoders.config.image_size
        self.examples, self.store = open_training(root, split="test", size=size, every=1)
        self.store.preload()
        self.encodings = Encodings(encoders, self.examples, self.store)
        self.encodings.encode(flips=False)
        videos = json.loads((root / "procedural.json").read_text("utf-8"))["videos"]
        self.parting = {video: about["look_alikes"] for video, about in videos.items() if about.get("look_alikes")}
        self.sets: dict[int, list[int]] = defaultdict(list)
        for index, example in enumerate(self.examples):
            self.sets[self.store.counts[example.video]].append(index)

    @torch.inference_mode()
    def sit(self, model: Locater) -> dict[str, list[float]]:
        """Return every (query, labelled frame)'s IoU, by group, each frame of the video followed in turn as `Locater.segment` does."""
        network = model.network
        assert isinstance(network, PaperNetwork)
        found: dict[str, list[float]] = {group: [] for group in GROUPS}
        for count, indices in self.sets.items():
            for start in range(0, len(indices), 32):
                part = indices[start : start + 32]
                tokens = torch.stack([self.encodings.tokens[i][0] for i in part])  # (B, count, N, D)
                words = Words(*(torch.stack([self.encodings.words[i][k][0] for i in part]) for k in (0, 1)))
                sampled = tokens[:, sampled_indices(count, model.config)].float()
                globe = network.global_memory([sampled], len(part))
                local = network.first_local(len(part))
                for frame in range(count):
                    now = tokens[:, frame].float()
                    logits, own, _ = network.predict(now, words, globe=globe, local=local, size=model.config.image_size)
                    local = network.write_local(local, now, own)
                    for row, index in enumerate(part):
                        self._mark(self.examples[index], frame, logits[row], found)
        return found

    def _mark(self, example: Example, frame: int, logits: torch.Tensor, found: dict[str, list[float]]) -> None:
        if frame not in example.labelled:
            return
        truth = example.mask(frame)
        if not truth.any():
            return  # the referent is not there: no unit, as in the M subset
        mask = F.interpolate(torch.sigmoid(logits[None]), truth.shape, mode="bilinear")[0, 0].numpy() > 0.5
        iou = float((mask & truth).sum() / (mask | truth).sum())
        pair = self.parting.get(example.video)
        temporal = pair is not None and example.instance in (pair["target"], pair["other"])
        found["all"].append(iou)
        found["temporal" if temporal else "other"].append(iou)
        if temporal and pair is not None:
            found["before" if frame + 1 < pair["divergence_frame"] else "after"].append(iou)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--encoders", type=Path, required=True)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("memory-matters"),
        help="Weights, and a result.json a run; runs that have one are not repeated.",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=5e-4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    base = checkpoint.load(args.encoders)
    options = TrainOptions.preset(
        "tiny", epochs=args.epochs, batch=args.batch, clip_frames=4, lr=args.lr, warmup=30, log_every=50
    )
    examples, store = open_training(args.root, split="train", size=base.config.image_size, every=options.stride)
    examples = half_temporal(examples, args.root)
    store.preload()
    encodings = Encodings(base, examples, store)
    encodings.encode()
    exam = Exam(base, args.root)
    print(f"{len(examples)} training queries, {len(exam.examples)} test queries encoded", flush=True)
    for seed in args.seeds:
        for name in args.variants:
            out = args.out / f"{name.replace(' ', '-')}-{seed}"
            if (out / "result.json").is_file():
                continue
            began = time.perf_counter()
            clips = Clips(examples, store, TrainOptions(**{**options.to_dict(), "seed": seed}))
            model = build(base, VARIANTS[name], clips)
            train_memories(model, encodings, clips, out=out, report=lambda now: print(now, flush=True))
            result = {group: float(np.mean(ious)) for group, ious in exam.sit(model).items()}
            (out / "result.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
            shown = "  ".join(f"{group} {100 * value:5.1f}" for group, value in result.items())
            print(f"{name}, seed {seed}: {shown}   ({time.perf_counter() - began:.0f} s)", flush=True)
    print(table(args.out))


def half_temporal(examples: list[Example], root: Path) -> list[Example]:
    """Return the temporal queries and, drawn once, as many others."""
    temporal = set(json.loads((root / "procedural.json").read_text("utf-8"))["temporal_queries"])
    asking = [example for example in examples if f"{example.video}/{example.instance}" in temporal]
    others = [example for example in examples if f"{example.video}/{example.instance}" not in temporal]
    drawn = np.random.default_rng(0).permutation(len(others))[: len(asking)]
    return asking + [others[index] for index in sorted(drawn)]


def build(base: Locater, memory: dict[str, float], clips: Clips) -> Locater:
    """Return a network of a variant with the weights of `base`, its memories drawn by the seed of `clips`."""
    torch.manual_seed(clips.options.seed)
    model = Locater(LocaterConfig.from_dict({**base.config.to_dict(), **memory}))
    settle(model, clips, transfer(base, model, source="encoders"))
    return model


def table(out: Path) -> str:
    """Return mean IoU in percent, mean and standard deviation over the seeds that are done, by variant and group of queries."""
    lines = [f"{'mIoU':14s}{'seeds':>6s}" + "".join(f"{group:>16s}" for group in GROUPS)]
    for name in VARIANTS:
        runs = [
            json.loads(path.read_text("utf-8")) for path in out.glob(f"{name.replace(' ', '-')}-[0-9]*/result.json")
        ]
        if not runs:
            continue
        cells = []
        for group in GROUPS:
            values = [100 * run[group] for run in runs]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):9.1f} ± {spread:4.1f}")
        lines.append(f"{name:14s}{len(runs):6d}" + "".join(f"{cell:>16s}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
