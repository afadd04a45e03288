"""A subset as MeViS has it: frames as JPEG from 00000, expressions with lists of objects, masks by object and position in mask_dict.json."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from a2dsplus.compose.geometry import units
from a2dsplus.compose.render import Rendering, write_images
from a2dsplus.compose.subset import Subset
from a2dsplus.errors import InputError
from a2dsplus.export.layout import Layout, Task, numbers
from a2dsplus.files import inside
from a2dsplus.media.masks import Rle
from a2dsplus.records import Sample

Object = tuple[str, str]
"""A video id of the source and an object of that video."""


def write(task: Task) -> list[str]:
    """Write `valid_u/`, with masks, and the link `valid` to it; `train/` where asked; `valid/` alone, as MeViS has it, where masks are withheld."""
    subset = task.only()
    judged = task.judged(subset.name)
    if task.options["train"] and not judged:
        raise InputError(f"{task.dataset}: {subset.name} has no masks to train on; leave --train out")
    split = "train" if task.options["train"] else "valid_u" if judged else "valid"
    folder = task.out / split
    videos: dict[str, Any] = {}
    objects = 0
    for sample in subset.samples:
        names = [f"{frame:05d}" for frame in range(sample.frames)]
        pictures = inside(folder, f"JPEGImages/{sample.sample_id}")
        write_images(pictures, sample, subset.clips, Rendering(form="frames"), names=names)
        places = {own: place for place, own in enumerate(_objects(subset, sample))}
        expressions = {}
        for number, query in numbers(subset, sample).items():
            entry: dict[str, Any] = {"exp": query.text}
            if judged:
                entry["obj_id"] = [places[query.video_id, name] for name in query.objects or ()]
                entry["anno_id"] = [objects + place for place in entry["obj_id"]]
            expressions[number] = entry
        videos[sample.sample_id] = {"expressions": expressions, "frames": names}
        objects += len(places)
        task.progress(1)
    folder.mkdir(exist_ok=True)
    document = json.dumps({"videos": videos}, ensure_ascii=False)
    (folder / "meta_expressions.json").write_text(document + "\n", encoding="utf-8")
    if judged:
        _write_masks(folder / "mask_dict.json", subset)
    if split == "valid_u":
        (task.out / "valid").symlink_to("valid_u", target_is_directory=True)
    return _told(task, split)


def _objects(subset: Subset, sample: Sample) -> list[Object]:
    """Return the objects that a sample's expressions name, each once, in their order."""
    queries = subset.asked(sample)
    return list(dict.fromkeys((query.video_id, name) for query in queries for name in query.objects or ()))


def _write_masks(path: Path, subset: Subset) -> None:
    """Write {anno_id: [mask or null, one a frame]}, an object at a time: those of a whole dataset do not fit the memory."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for sample in subset.samples:
            for own in _objects(subset, sample):
                file.write(("{" if not written else ",\n") + f'"{written}": {json.dumps(_rows(subset, sample, own))}')
                written += 1
        file.write("}\n" if written else "{}\n")


def _rows(subset: Subset, sample: Sample, own: Object) -> list[Rle | None]:
    """Return an object's masks by position: null where nothing is known of it, all background where nothing is the right answer."""
    video, name = own
    queries = {query.query_id: query for query in subset.asked(sample)}
    alone = {
        query_id: replace(query, objects=(name,))
        for query_id, query in queries.items()
        if query.video_id == video and name in (query.objects or ())
    }
    rows: list[Rle | None] = [None] * sample.frames
    for unit in units(sample, queries | alone, subset.masks_of):
        if unit.query_id in alone:
            rows[unit.frame - 1] = unit.mask
    return rows


def _told(task: Task, split: str) -> list[str]:
    subset, place = task.only(), shlex.quote(str(task.target.resolve()))
    lines = [f"LMPM, in its folder: mkdir -p datasets; ln -s {place} datasets/mevis (it then reads {split})"]
    if split == "train":
        return lines
    known = sum(len(sample.evaluated_frames) for sample in subset.samples)
    whole = sum(sample.frames for sample in subset.samples)
    if split == "valid_u" and known < whole:
        lines.append(
            f"masks are known at {known} of {whole} frames and null at the others, which MeViS' own evaluator counts as background: "
            "its figures would be wrong, those of `a2dsplus score` are not"
        )
    return [*lines, f"then: a2dsplus score OUTPUT --dataset {task.dataset} --subsets {subset.name}"]


LAYOUT = Layout(write=write, reads="a MeViS folder, for LMPM and this toolkit", options={"train": False})
