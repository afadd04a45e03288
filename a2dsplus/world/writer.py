"""The world on disk, in the layout of A2D-Sentences.

ROOT/Release/videoset.csv, ROOT/Release/clips320H/<vid>.mp4, ROOT/text_annotations/a2d_annotation.txt, a2d_missed_videos.txt and
a2d_annotation_with_instances/<vid>/<frame:05d>.h5, and ROOT/procedural.json, which says how the world was painted and which of its
queries only the whole video answers.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from a2dsplus.engine import LocalEngine, nothing, processors
from a2dsplus.errors import InputError
from a2dsplus.files import replacing_folder
from a2dsplus.media.clips import encode
from a2dsplus.media.hdf5 import new_file
from a2dsplus.media.masks import Mask
from a2dsplus.progress import Advance, unwatched
from a2dsplus.world import captions
from a2dsplus.world.draw import Painted, paint
from a2dsplus.world.motion import action_code
from a2dsplus.world.plan import Plan, plan_video
from a2dsplus.world.shapes import Image

SCHEMA = 1
PAINTER = 1
"""Grows whenever the same seed would give other bytes."""
RATE = 25
_LEAST_AREA_SHARE = 0.002
_LEAST_VISIBLE_SHARE = 0.5
_RECOGNISABLE_SHARE = 0.7
_ATTEMPTS = 50
_SPLITS = {"train": 0, "test": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    root: Path
    seed: int
    split: str
    index: int
    size: tuple[int, int] | None
    swap_sides: bool


def paint_world(
    root: Path,
    *,
    seed: int = 0,
    workers: int | None = None,
    splits: Sequence[str] = ("test", "train"),
    progress: Advance = unwatched,
    test_videos: int = 32,
    train_videos: int = 128,
    size: tuple[int, int] | None = None,
    swap_sides: bool = False,
) -> None:
    """Paint the procedural world into `root`, laid out as A2D-Sentences; a complete one that is already there is left as it is.

    The bytes depend on `seed`, `splits`, the numbers of videos, `size` and `swap_sides` alone, not on `workers` (processes; by default one a
    processor). `size`: (height, width), even; by default each video has its own. `swap_sides`: look-alikes go where the other stood once
    they differ, or past it out of the frame. `progress` is called with 1 for each video.
    Test videos are annotated at three frames, or five where look-alikes call for early ones; training videos at every fourth.

    Nothing appears under `root` before it is complete. Raises InputError where `root` holds anything else, or cannot be written.
    """
    root = Path(root)
    counts = {"test": test_videos, "train": train_videos}
    wrong = [split for split in splits if split not in counts]
    if wrong or not splits:
        raise InputError(f"procedural world: no split {', '.join(wrong) or 'given'}; the splits are test and train")
    if size is not None and (size[0] % 2 or size[1] % 2 or min(size) < 64):
        raise InputError(f"procedural world: size {size[0]}x{size[1]}; both sides must be even and at least 64")
    if seed < 0 or min(counts.values()) < 1:
        raise InputError(f"procedural world: seed {seed}, videos {counts}; seeds start at 0, numbers of videos at 1")
    if workers is not None and workers < 1:
        raise InputError(f"procedural world: {workers} workers; at least one is needed")
    identity: dict[str, Any] = {
        "schema": SCHEMA,
        "painter": PAINTER,
        "seed": seed,
        "counts": {split: counts[split] for split in sorted(set(splits))},
        "size": list(size) if size else None,
        **({"swap_sides": True} if swap_sides else {}),
    }
    if _is_complete(root, identity):
        return
    with replacing_folder(root) as draft:
        _paint_into(draft, identity, size=size, workers=workers, progress=progress)


def _is_complete(root: Path, identity: dict[str, Any]) -> bool:
    """Say whether `root` already holds the world asked for; raises InputError where it holds something else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    note = root / "procedural.json"
    try:
        found = json.loads(note.read_text("utf-8"))
        known = {key: found[key] for key in identity if key != "swap_sides"}
        known |= {"swap_sides": True} if found.get("swap_sides") else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{root}: is there, but is no procedural world; choose another folder") from None
    if known != identity:
        differing = ", ".join(key for key in known | identity if known.get(key) != identity.get(key))
        raise InputError(f"{root}: holds a procedural world of another {differing}; choose another folder")
    return True


def _paint_into(
    root: Path,
    identity: dict[str, Any],
    *,
    size: tuple[int, int] | None,
    workers: int | None,
    progress: Advance,
) -> None:
    clips, text = root / "Release" / "clips320H", root / "text_annotations"
    clips.mkdir(parents=True)
    text.mkdir()
    tasks = [
        _Task(
            root=root, seed=identity["seed"], split=split, index=index, size=size, swap_sides="swap_sides" in identity
        )
        for split, count in sorted(identity["counts"].items())
        for index in range(count)
    ]
    plans = []
    for plan in LocalEngine(workers=workers or processors()).run(_paint_video, tasks, start=nothing):
        plans.append(plan)
        progress(1)
    with (root / "Release" / "videoset.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        for plan in plans:
            label = action_code(plan.actors[0], 0)
            height, width = plan.size
            rows.writerow(
                [plan.video_id, label, "0:00", f"0:0{-(-plan.frames // RATE)}", height, width, plan.frames, len(plan.annotated), _SPLITS[plan.split]]
            )  # fmt: skip
    with (text / "a2d_annotation.txt").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["video_id", "instance_id", "query"])
        rows.writerows([plan.video_id, k, caption] for plan in plans for k, caption in enumerate(plan.captions))
    (text / "a2d_missed_videos.txt").write_text("", "utf-8")
    note = {**identity, "temporal_queries": _temporal(plans), "videos": {p.video_id: _about(p) for p in plans}}
    (root / "procedural.json").write_text(json.dumps(note, indent=1, sort_keys=True) + "\n", "utf-8")


def _temporal(plans: Iterable[Plan]) -> list[str]:
    return sorted(
        f"{plan.video_id}/{number}"
        for plan in plans
        if plan.look_alikes
        for number in (plan.look_alikes.target, plan.look_alikes.other)
    )


def _about(plan: Plan) -> dict[str, Any]:
    about: dict[str, Any] = {
        "split": plan.split,
        "scene": plan.scene,
        "frames": plan.frames,
        "actors": [actor.kind for actor in plan.actors],
    }
    pair = plan.look_alikes
    if pair:
        about["look_alikes"] = {
            "target": str(pair.target),
            "other": str(pair.other),
            "event": pair.event,
            "before": pair.idle,
            "divergence_frame": pair.frame,
            "side": pair.side,
        }
    return about


def _paint_video(_shared: None, task: _Task) -> Plan:
    """Paint one video, its clip and its masks, and return its plan."""
    cv2.setNumThreads(1)
    for attempt in range(_ATTEMPTS):
        plan = plan_video(
            seed=task.seed,
            split=task.split,
            index=task.index,
            attempt=attempt,
            size=task.size,
            swap_sides=task.swap_sides,
        )
        frames = list(paint(plan, colours=captions.colours()))
        if _everybody_seen(plan, frames):
            break
    else:
        raise InputError(
            f"procedural world: video {task.split} {task.index} cannot show every actor; choose another size or seed"
        )
    write_clip(task.root / "Release" / "clips320H" / f"{plan.video_id}.mp4", [frame.image for frame in frames])
    folder = task.root / "text_annotations" / "a2d_annotation_with_instances" / plan.video_id
    folder.mkdir(parents=True)
    for number in plan.annotated:
        present = {k: m for k, m in enumerate(frames[number - 1].masks) if m.any()}
        codes = [action_code(plan.actors[k], number - 1) for k in present]
        write_masks(folder / f"{number:05d}.h5", present, codes=codes)
    return plan


def _everybody_seen(plan: Plan, frames: list[Painted]) -> bool:
    """Say whether annotated frames show enough of every actor, and something is seen at each of them."""
    annotated = [frames[number - 1] for number in plan.annotated]
    if not all(any(mask.any() for mask in frame.masks) for frame in annotated):
        return False
    for k in range(len(plan.actors)):
        visible = [int(frame.masks[k].sum()) for frame in annotated]
        whole = [frame.areas[k] for frame in annotated]
        best = max(visible)
        if (
            best < _LEAST_AREA_SHARE * plan.size[0] * plan.size[1]
            or best < _RECOGNISABLE_SHARE * whole[visible.index(best)]
        ):
            return False
        if sum(visible) < _LEAST_VISIBLE_SHARE * sum(whole):
            return False
    pair = plan.look_alikes
    if pair:
        early = [frame for number, frame in zip(plan.annotated, annotated, strict=True) if number < pair.frame]
        return len(early) > 0 and all(
            frame.masks[k].sum() > 0.97 * frame.areas[k] for frame in early for k in (pair.target, pair.other)
        )
    return True


def write_clip(path: Path, images: Sequence[Image]) -> None:
    """Write frames, (H, W, 3) uint8 RGB, as an H.264 clip of 25 frames a second."""
    planes = (np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8) for image in images)
    height, width = images[0].shape[:2]
    encode(
        path,
        (av.VideoFrame.from_ndarray(plane, format="yuv420p") for plane in planes),
        height=height,
        width=width,
        rate=Fraction(RATE),
        preset="veryfast",
        crf=20,
    )


def write_masks(path: Path, present: dict[int, Mask], *, codes: Sequence[int]) -> None:
    """Write one annotated frame as A2D-Sentences has it: `reMask` is (N, W, H), or (W, H) for a single instance."""
    masks, boxes = [], []
    for mask in present.values():
        rows, columns = np.nonzero(mask)
        boxes.append([columns.min(), rows.min(), columns.max(), rows.max()])
        masks.append(mask.T.astype(np.uint8))
    single = len(masks) == 1
    content: dict[str, np.ndarray] = {
        "instance": np.array(list(present), np.int64),
        "reMask": masks[0] if single else np.stack(masks),
        "reBBox": np.array(boxes[0]) if single else np.array(boxes).T,
        "id": np.array(codes, np.int64),
    }
    with new_file(path, libver=("v110", "v110")) as file:
        for name, values in content.items():
            packed = {"compression": "gzip", "compression_opts": 6, "chunks": values.shape} if name == "reMask" else {}
            file.create_dataset(name, data=values, track_times=False, **packed)
