"""The claim that memory answers what one frame cannot, on the painted world, as a table with intervals over videos. Resumable.

    make claim        python benchmarks/memory_claim.py --out claim
    make claim-all    python benchmarks/memory_claim.py --out claim --all
    python benchmarks/memory_claim.py --out claim --controls claim/LOCATER-0/model.safetensors    the matched controls of one model
    python benchmarks/memory_claim.py --out claim --world swap --encoders locater/weights/tiny-img.safetensors    frozen encoders alone

All networks of the first table are trained from scratch, encoders and memories together, on the same queries (the temporal ones and as
many others), for the same steps: LOCATER, LOCATER-IMG, LOCATER-IMG with as many trainable parameters, three seeds each; and LOCATER with
other writes, one seed each. --all adds the same without the place loss, and memories on frozen encoders, three of them. A third of the
world's videos have two look-alikes that differ only from the middle on; `before` and `after` are their labelled frames before and after.
A run that is done has a result.json and is not repeated; one that was killed goes on from its last checkpoint. table.md is of what is done. --world swap paints
the look-alikes so that they swap sides.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from a2dsplus.models.training_data import open_training
from a2dsplus.world import paint_world
from locater import Locater, LocaterConfig, Session, checkpoint
from locater.inference import prepare
from locater.training import Clips, Example, FrameStore, TrainOptions, train
from locater.training.initial import settle, transfer

NO_MEMORY: dict[str, Any] = {"global_slots": 0, "local_slots": 0}
MAIN: dict[str, dict[str, Any]] = {
    "LOCATER": {},
    "LOCATER-IMG": NO_MEMORY,
    # one more block in Ev and wider words: as many parameters as the memories have, to 0.1%
    "LOCATER-IMG as large": {**NO_MEMORY, "vision_depth": 4, "word_dim": 70},
}
WRITES: dict[str, dict[str, Any]] = {
    "Eq. 5, literally": {"write": "sequential", "gate_bias": 0.0},
    "Eq. 5 with the bias": {"write": "sequential"},
    "all at once, no bias": {"gate_bias": 0.0},
}
FROZEN: dict[str, Any] = {"memories_only": True, "batch": 32, "lr": 5e-4}
GROUPS = ("temporal", "before", "after", "other", "all")
CONTROLS = ("as it is", "frames before the parting", "another video", "the rival's caption", "no frame at all")
_RESAMPLES = 2000


class Exam:
    """The test split and where its look-alikes part."""

    def __init__(self, root: Path, *, size: int) -> None:
        self.examples, self.store = open_training(root, split="test", size=size, every=1)
        self.store.preload()
        videos = json.loads((root / "procedural.json").read_text("utf-8"))["videos"]
        self.parting = {video: about["look_alikes"] for video, about in videos.items() if about.get("look_alikes")}
        self.of: dict[str, list[Example]] = defaultdict(list)
        for example in self.examples:
            self.of[example.video].append(example)

    @torch.inference_mode()
    def sit(self, model: Locater, *, control: str = CONTROLS[0]) -> list[dict[str, Any]]:
        """Return a row a labelled frame of each query: video, groups, IoU at the clip's size. Controls are of temporal queries alone."""
        model.eval()
        rows = []
        for video, examples in self.of.items():
            pair = self.parting.get(video)
            if pair is None and control != CONTROLS[0]:
                continue
            frames = prepare(self.store.kept(video), model.config)[None]  # (1, N, 3, S, S)
            eye, seen = model.eye(), []
            for part in frames.split(8, dim=1):
                seen.append(eye.look(part))
            looked = torch.cat(seen, dim=1)
            for example in examples:
                temporal = pair is not None and example.instance in (pair["target"], pair["other"])
                if not temporal and control != CONTROLS[0]:
                    continue
                session = model.start(example.text)
                self._remember(model, session, example, frames, control)
                tokens = session.fuse(looked)
                for frame in range(max(example.labelled) + 1):
                    logits = session.advance(tokens[:, frame])
                    if frame in example.labelled and (truth := example.mask(frame)).any():
                        late = pair is not None and frame + 1 >= pair["divergence_frame"]
                        groups = ["temporal", "after" if late else "before"] if temporal else ["other"]
                        rows.append({"video": video, "groups": [*groups, "all"], "iou": _iou(logits, truth)})
        return rows

    def _remember(self, model: Locater, session: Session, example: Example, frames: torch.Tensor, control: str) -> None:
        """Write the global memory of a session, if the model has one, from what `control` says."""
        if not model.config.global_size:
            return
        taken, source, reader = model.config.sampled(frames.shape[1]), frames, session
        if control == "frames before the parting":
            early = self.parting[example.video]["divergence_frame"] - 1
            taken = [index * early // len(taken) for index in range(len(taken))]  # as many
        elif control == "another video":
            videos = sorted(self.parting)
            other = videos[(videos.index(example.video) + 1) % len(videos)]
            source = prepare(self.store.kept(other), model.config)[None]
            taken = model.config.sampled(source.shape[1])
        elif control == "the rival's caption":
            pair = self.parting[example.video]
            rival = pair["other"] if example.instance == pair["target"] else pair["target"]
            reader = model.start(next(e.text for e in self.of[example.video] if e.instance == rival))
        elif control == "no frame at all":
            taken = []
        session.remember(
            reader.fuse(model.glance(source[:, taken])) if taken else torch.empty(1, 0, 1, model.config.dim)
        )


def _iou(logits: torch.Tensor, truth: np.ndarray) -> float:
    mask = F.interpolate(torch.sigmoid(logits), truth.shape, mode="bilinear")[0, 0].numpy() > 0.5
    return float((mask & truth).sum() / (mask | truth).sum())


def half_temporal(examples: Sequence[Example], root: Path) -> list[Example]:
    """Return the temporal queries and, drawn once, as many others."""
    temporal = set(json.loads((root / "procedural.json").read_text("utf-8"))["temporal_queries"])
    asking = [example for example in examples if f"{example.video}/{example.instance}" in temporal]
    others = [example for example in examples if f"{example.video}/{example.instance}" not in temporal]
    drawn = np.random.default_rng(0).permutation(len(others))[: len(asking)]
    return asking + [others[index] for index in sorted(drawn)]


def runs(everything: bool, encoders: Path | None) -> Iterator[tuple[str, int, dict[str, Any], dict[str, Any]]]:
    """Yield name, seed, changes of the network and of the training; what matters most first. `encoders`: on frozen ones alone."""
    if encoders is not None:
        for seed in (0, 1, 2):
            for name in ("LOCATER", "LOCATER-IMG"):
                yield f"{name}, frozen encoders", seed, MAIN[name], FROZEN
        return
    for seed in (0, 1, 2):
        for name, network in MAIN.items():
            yield name, seed, network, {}
    for name, network in WRITES.items():
        yield name, 0, network, {}
    if everything:
        for seed in (0, 1, 2):
            for name, network in MAIN.items():
                yield f"{name}, no place loss", seed, network, {"place": 0.0}
        for seed in (0, 1, 2):  # on the encoders of LOCATER-IMG's run of that seed
            for name in ("LOCATER", "LOCATER-IMG"):
                yield f"{name}, frozen encoders", seed, MAIN[name], {**FROZEN, "epochs": 8}


def run(
    name: str, seed: int, network: dict[str, Any], training: dict[str, Any], *, args: argparse.Namespace, data: Any
) -> None:
    """Train one network, unless that is done, and write result.json."""
    out = args.out / f"{name.replace(' ', '-').replace(',', '').replace('.', '')}-{seed}"
    if (out / "result.json").is_file():
        return
    examples, store, exam = data
    options = TrainOptions.preset(
        "tiny", **{"epochs": args.epochs, "batch": 16, "clip_frames": 4, "place": 0.03, "seed": seed, "log_every": 50, **training}
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Locater(LocaterConfig.preset("tiny", **network))
    if options.memories_only:
        source = args.encoders or args.out / f"LOCATER-IMG-{seed}" / "model.safetensors"
        clips = Clips(examples, store, options, model.config)
        settle(model, clips, transfer(checkpoint.load(source), model, source=str(source)))
    count = sum(parameter.numel() for parameter in model.parameters())
    train(model, examples, store, options, out=out, report=lambda now: print(f"{name}, seed {seed}: {now}", flush=True))
    rows = exam.sit(model)
    result = {"name": name, "seed": seed, "parameters": count, "rows": rows}
    (out / "result.json").write_text(json.dumps(result) + "\n", "utf-8")


def interval(rows: Sequence[dict[str, Any]], group: str) -> tuple[float, float, float]:
    """Return mean IoU in percent and its 95% interval, videos resampled (rows of several seeds of a video stay together)."""
    by_video: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if group in row["groups"]:
            by_video[row["video"]].append(row["iou"])
    sums = np.array([(sum(ious), len(ious)) for _, ious in sorted(by_video.items())])
    drawn = np.random.default_rng(0).integers(len(sums), size=(_RESAMPLES, len(sums)))
    means = 100 * sums[drawn, 0].sum(1) / sums[drawn, 1].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return 100 * sums[:, 0].sum() / sums[:, 1].sum(), low, high


def table(found: dict[str, list[list[dict[str, Any]]]]) -> str:
    """Return a markdown table of mean IoU and intervals: by name, a list of rows a seed."""
    lines = ["| | seeds | " + " | ".join(GROUPS) + " |", "| --- " * (2 + len(GROUPS)) + "|"]
    for name, seeds in found.items():
        rows = [row for seed in seeds for row in seed]
        there = [group for group in GROUPS if any(group in row["groups"] for row in rows)]
        cells = {group: "{:.1f} [{:.1f}, {:.1f}]".format(*interval(rows, group)) for group in there}
        lines.append(f"| {name} | {len(seeds)} | " + " | ".join(cells.get(group, "-") for group in GROUPS) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("claim"), help="The worlds, a folder a run, and table.md.")
    parser.add_argument("--world", choices=("plain", "swap"), default="plain")
    parser.add_argument("--all", action="store_true")
    parser.add_argument(
        "--controls", type=Path, help="A model: print the matched controls of its global memory, train nothing."
    )
    parser.add_argument(
        "--encoders", type=Path, help="A LOCATER-IMG: memories on its encoders, frozen, and no other run."
    )
    parser.add_argument("--epochs", type=int, default=20, help="Passes over 3,200 queries, 200 steps of 16 each.")
    parser.add_argument("--train-videos", type=int, default=2400)
    parser.add_argument("--test-videos", type=int, default=240)
    args = parser.parse_args()
    torch.set_num_threads(1)
    root = args.out / f"world-{args.world}"
    splits = ("test",) if args.controls else ("test", "train")
    if not (root / "procedural.json").is_file():
        root = root if not args.controls else args.out / f"world-{args.world}-test"
        paint_world(
            root, splits=splits, train_videos=args.train_videos, test_videos=args.test_videos, swap_sides=args.world == "swap"
        )  # fmt: skip
    if args.controls:
        model = checkpoint.load(args.controls)
        exam = Exam(root, size=model.config.image_size)
        print(table({control: [exam.sit(model, control=control)] for control in CONTROLS}))
        return
    size = LocaterConfig.preset("tiny").image_size
    examples, store = open_training(root, split="train", size=size, every=4)
    examples = half_temporal(examples, root)
    data: tuple[list[Example], FrameStore, Exam] = examples, store, Exam(root, size=size)
    args.out = args.out / args.world
    for name, seed, network, training in runs(args.all, args.encoders):
        run(name, seed, network, training, args=args, data=data)
        found: dict[str, list[list[dict[str, Any]]]] = defaultdict(list)
        for path in sorted(args.out.glob("*/result.json")):
            result = json.loads(path.read_text("utf-8"))
            found[result["name"]].append(result["rows"])
        (args.out / "table.md").write_text(table(found) + "\n", "utf-8")  # of what is done so far
    print(table(found))


if __name__ == "__main__":
    main()
