"""A subset as Refer-YouTube-VOS has it: frames as JPEG, meta_expressions.json, masks as palette PNG."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from a2dsplus.compose.render import Rendering, write_images
from a2dsplus.compose.subset import Subset
from a2dsplus.export.layout import Layout, Task, numbers
from a2dsplus.files import inside
from a2dsplus.media.masks import decode
from a2dsplus.records import Sample
from a2dsplus.score.readers.png import FILLER

# black, then colours as far apart as VOC's
_PALETTE = [
    0,
    0,
    0,
    236,
    95,
    103,
    98,
    166,
    236,
    249,
    200,
    99,
    153,
    199,
    148,
    197,
    148,
    197,
    95,
    179,
    179,
    249,
    145,
    87,
    171,
    121,
    103,
]
_CATEGORY = "person"  # a name of the closed list that training loaders know; ours has no category


def write(task: Task) -> list[str]:
    """Write `valid/` and `meta_expressions/`, or several such roots, or a train split; see the options."""
    subset = task.only()
    first = 0 if task.options["from_zero"] else 1
    if task.options["train"]:
        _write_root(task, subset, task.out, subset.samples, split="train", first=first)
        return [f"ReferFormer, in its folder: python main.py --dataset_file ytvos --ytvos_path {task.target.resolve()}"]
    most = int(task.options["videos_per_split"])
    if not most:
        _write_root(task, subset, task.out, subset.samples, split="valid", first=first)
        return [
            "MTTR, ReferFormer, SgMg, SOC, OnlineRefer, SAMWISE and ReferDINO assert exactly 202 videos: for them, --videos-per-split 202",
            _score_line(task, [task.target]),
        ]
    parts = [subset.samples[start : start + most] for start in range(0, len(subset.samples), most)]
    for place, part in enumerate(parts, 1):
        root = task.out / f"part{place}"
        _write_root(task, subset, root, part, split="valid", first=first)
        _fill(root, most - len(part), first=first)
    names = [task.target / f"part{place}" for place in range(1, len(parts) + 1)]
    return [
        f"{len(parts)} roots of {most} videos: run the model on each, its predictions into a folder each; the last has "
        f"{most - len(parts[-1])} fillers of one frame, which `score` leaves out",
        _score_line(task, names),
    ]


def _score_line(task: Task, roots: Sequence[Path]) -> str:
    outputs = " ".join(f"OUTPUT-OF-{root.name}" for root in roots)
    join = " --join" if len(roots) > 1 else ""
    return f"then: a2dsplus score {outputs}{join} --dataset {task.dataset} --subsets {task.only().name}"


def _write_root(task: Task, subset: Subset, root: Path, samples: Sequence[Sample], *, split: str, first: int) -> None:
    videos: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for sample in samples:
        _write_frames(inside(root, f"{split}/JPEGImages/{sample.sample_id}"), subset, sample, first=first)
        objects_of = _objects(subset, sample)
        videos[sample.sample_id] = {
            "frames": [f"{frame:05d}" for frame in range(first, first + sample.frames)],
            "expressions": {
                number: {"exp": query.text, "obj_id": objects_of[number]}
                for number, query in numbers(subset, sample).items()
            },
        }
        masks = inside(root, f"{split}/Annotations/{sample.sample_id}")
        if split == "train":
            objects[sample.sample_id] = _write_object_masks(masks, subset, sample, first=first)
        else:
            _write_expression_masks(masks, subset, sample, first=first)
        task.progress(1)
    _write_json(root / "meta_expressions" / split / "meta_expressions.json", {"videos": videos})
    if split == "train":
        _write_json(root / "train" / "meta.json", {"videos": objects})
    else:
        # seven code bases open it to leave the test videos out
        _write_json(root / "meta_expressions" / "test" / "meta_expressions.json", {"videos": {}})


def _objects(subset: Subset, sample: Sample) -> dict[str, str]:
    """Return the object number, from 1, of each expression number: expressions of the same objects of one video share it."""
    found: dict[object, str] = {}
    named = {
        number: (query.video_id, query.objects if query.objects is not None else query.query_id)
        for number, query in numbers(subset, sample).items()
    }
    return {number: found.setdefault(what, str(len(found) + 1)) for number, what in named.items()}


def _write_frames(folder: Path, subset: Subset, sample: Sample, *, first: int) -> None:
    write_images(folder, sample, subset.clips, Rendering(form="frames"))
    if first == 0:
        for frame in range(1, sample.frames + 1):
            (folder / f"{frame:05d}.jpg").rename(folder / f"{frame - 1:05d}.jpg")


def _numbered(
    subset: Subset, sample: Sample, *, first: int
) -> Iterator[tuple[str, str, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Yield each unit's (number of the expression, frame name, mask)."""
    number_of = {query.query_id: number for number, query in numbers(subset, sample).items()}
    for unit in subset.units(sample):
        yield number_of[unit.query_id], f"{unit.frame - 1 + first:05d}", decode(unit.mask)


def _write_expression_masks(folder: Path, subset: Subset, sample: Sample, *, first: int) -> None:
    for number, name, mask in _numbered(subset, sample, first=first):
        path = folder / number / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_palette(path, mask.astype(np.uint8))


def _write_object_masks(folder: Path, subset: Subset, sample: Sample, *, first: int) -> dict[str, Any]:
    """Write one palette image an annotated frame; return the video's entry of meta.json.

    Where referents of different objects overlap, the later one's has the pixel: the layout holds one object a pixel.
    """
    objects_of = _objects(subset, sample)
    pictures: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}
    seen: dict[str, set[str]] = {}
    for number, name, mask in _numbered(subset, sample, first=first):
        picture = pictures.setdefault(name, np.zeros(mask.shape, np.uint8))
        picture[mask] = int(objects_of[number])
        if mask.any():
            seen.setdefault(objects_of[number], set()).add(name)
    folder.mkdir(parents=True)
    for name, picture in pictures.items():
        _write_palette(folder / f"{name}.png", picture)
    return {"objects": {number: {"category": _CATEGORY, "frames": sorted(frames)} for number, frames in seen.items()}}


def _write_palette(path: Path, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    image = Image.fromarray(picture, mode="P")
    image.putpalette(_PALETTE + [128] * (768 - len(_PALETTE)))
    image.save(path)


def _fill(root: Path, missing: int, *, first: int) -> None:
    """Add videos of one black frame, and an expression each, so that the root has the number that other code asserts."""
    path = root / "meta_expressions" / "valid" / "meta_expressions.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    name = f"{first:05d}"
    for place in range(1, missing + 1):
        video = f"{FILLER}{place:05d}"
        folder = root / "valid" / "JPEGImages" / video
        folder.mkdir(parents=True)
        Image.new("RGB", (64, 64)).save(folder / f"{name}.jpg")
        meta["videos"][video] = {"frames": [name], "expressions": {"0": {"exp": "nothing", "obj_id": "1"}}}
    _write_json(path, meta)


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


LAYOUT = Layout(
    write=write,
    reads="Refer-YouTube-VOS, for MTTR, ReferFormer, SgMg, SOC, OnlineRefer, SAMWISE, ReferDINO and Sa2VA",
    options={"videos_per_split": 0, "from_zero": False, "train": False},
)
