"""A subset as Refer-YouTube-VOS has it: frames as JPEG, meta_expressions.json, masks as palette PNG."""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from a2dsplus.compose.render import Rendering, write_images
from a2dsplus.compose.subset import Subset
from a2dsplus.errors import InputError, UsageError
from a2dsplus.export.layout import Layout, Task, numbers
from a2dsplus.files import inside
from a2dsplus.media.masks import decode
from a2dsplus.records import Layout as Composition
from a2dsplus.records import Sample
from a2dsplus.score.readers.png import FILLER

# black, then eight colours that are told apart
_PALETTE = list(bytes.fromhex("000000 ec5f67 62a6ec f9c863 99c794 c594c5 5fb3b3 f99157 ab7967"))
_CATEGORY = "person"  # a name of the closed list that training loaders know; ours has no category


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What frames are called: as the source calls them in N and M, else their numbers; their numbers from 0 where asked."""

    subset: Subset
    from_zero: bool

    def of(self, sample: Sample) -> list[str]:
        """Return the names of a sample's frames, in order."""
        own = self.subset.clips[sample.video_id].frame_names
        if own is not None and len(own) == sample.frames and sample.layout is Composition.NONE and not self.from_zero:
            return list(own)
        return [f"{frame:05d}" for frame in range(0 if self.from_zero else 1, sample.frames + (not self.from_zero))]


def write(task: Task) -> list[str]:
    """Write `valid/` and `meta_expressions/`, or several such roots, or a train split; see the options."""
    subset = task.only()
    names = _Names(subset=subset, from_zero=bool(task.options["from_zero"]))
    most = int(task.options["videos_per_split"])
    if task.options["train"]:
        if most:
            raise UsageError("--train writes one root: leave --videos-per-split out")
        if not task.judged(subset.name):
            raise InputError(f"{task.dataset}: {subset.name} has no masks to train on; leave --train out")
        _write_root(task, subset, task.out, subset.samples, split="train", names=names)
        folder = shlex.quote(str(task.target.resolve()))
        return [f"ReferFormer, in its folder: python main.py --dataset_file ytvos --ytvos_path {folder}"]
    if not most:
        _write_root(task, subset, task.out, subset.samples, split="valid", names=names)
        return [
            "MTTR, ReferFormer, SgMg, SOC, OnlineRefer, SAMWISE and ReferDINO assert exactly 202 videos: for them, --videos-per-split 202",
            _score_line(task, [task.target]),
        ]
    parts = [subset.samples[start : start + most] for start in range(0, len(subset.samples), most)]
    for place, part in enumerate(parts, 1):
        root = task.out / f"part{place}"
        _write_root(task, subset, root, part, split="valid", names=names)
        _fill(root, most - len(part), name="00000" if names.from_zero else "00001")
    roots = [task.target / f"part{place}" for place in range(1, len(parts) + 1)]
    return [
        f"{len(parts)} roots of {most} videos: run the model on each, its predictions into a folder each; the last has "
        f"{most - len(parts[-1])} fillers of one frame, which `score` leaves out",
        _score_line(task, roots),
    ]


def _score_line(task: Task, roots: Sequence[Path]) -> str:
    if not task.judged(task.only().name):
        return f"{task.dataset} has no masks, so `a2dsplus score` cannot judge the predictions"
    outputs = " ".join(f"OUTPUT-OF-{root.name}" for root in roots)
    join = " --join" if len(roots) > 1 else ""
    return f"then: a2dsplus score {outputs}{join} --dataset {task.dataset} --subsets {task.only().name}"


def _write_root(
    task: Task, subset: Subset, root: Path, samples: Sequence[Sample], *, split: str, names: _Names
) -> None:
    videos: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for sample in samples:
        called = names.of(sample)
        pictures = inside(root, f"{split}/JPEGImages/{sample.sample_id}")
        write_images(pictures, sample, subset.clips, Rendering(form="frames"), names=called)
        objects_of = _objects(subset, sample)
        videos[sample.sample_id] = {
            "frames": called,
            "expressions": {
                number: {"exp": query.text}
                if query.objects is None
                else {"exp": query.text, "obj_id": objects_of[number]}
                for number, query in numbers(subset, sample).items()
            },
        }
        masks = inside(root, f"{split}/Annotations/{sample.sample_id}")
        if split == "train":
            objects[sample.sample_id] = _write_object_masks(masks, subset, sample, called)
        else:
            _write_expression_masks(masks, subset, sample, called)
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


def _numbered(
    subset: Subset, sample: Sample, names: Sequence[str]
) -> Iterator[tuple[str, str, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Yield each unit's (number of the expression, frame name, mask)."""
    number_of = {query.query_id: number for number, query in numbers(subset, sample).items()}
    for unit in subset.units(sample):
        yield number_of[unit.query_id], names[unit.frame - 1], decode(unit.mask)


def _write_expression_masks(folder: Path, subset: Subset, sample: Sample, names: Sequence[str]) -> None:
    for number, name, mask in _numbered(subset, sample, names):
        path = folder / number / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_palette(path, mask.astype(np.uint8))


def _write_object_masks(folder: Path, subset: Subset, sample: Sample, names: Sequence[str]) -> dict[str, Any]:
    """Write one palette image an annotated frame; return the video's entry of meta.json.

    Where referents of different objects overlap, the later one's has the pixel: the layout holds one object a pixel.
    """
    objects_of = _objects(subset, sample)
    pictures: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}
    seen: dict[str, set[str]] = {}
    for number, name, mask in _numbered(subset, sample, names):
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


def _fill(root: Path, missing: int, *, name: str) -> None:
    """Add videos of one black frame, and an expression each, so that the root has the number that other code asserts."""
    path = root / "meta_expressions" / "valid" / "meta_expressions.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
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
