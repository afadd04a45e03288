"""A subset's ground truth as scored units: one (query, evaluated frame) each, masks as compressed counts."""

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import InputError, MaskError, listed
from a2dsplus.score.counting import segments
from a2dsplus.score.counting.runs import Ints, RunError, Runs, from_counts
from a2dsplus.score.counting.segments import MOST_PIXELS

_MTTR_ID = re.compile(r"v_(?P<sample>.+)_f_(?P<frame>[0-9]{1,9})_i_(?P<instance>[^/]+)", re.DOTALL)
_OUR_ID = re.compile(r"(?P<sample>[^/]+)/(?P<frame>[0-9]{1,9})/(?P<instance>[^/]+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitName:
    """Which frame of which query a unit is; `frame` is 1-based, or None where an image id does not tell."""

    sample: str
    frame: int | None
    instance: str


def parse_image_id(image_id: Hashable) -> UnitName:
    """Return what an image id names.

    Ours is `<sample_id>/<frame:05d>/<instance_id>`, MTTR's and ReferFormer's `v_<video>_f_<frame>_i_<instance>`; any other id is
    a sequence of its own.
    """
    text = str(image_id)
    found = _OUR_ID.fullmatch(text) or _MTTR_ID.fullmatch(text)
    if found is None:
        return UnitName(sample=text, frame=None, instance="0")
    return UnitName(sample=found["sample"], frame=int(found["frame"]), instance=found["instance"])


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A subset's N units, in the file's order.

    `ids`: image ids. `heights`, `widths`: (N,). `counts`: compressed counts. `names`: what each unit is. `file`: whence.
    """

    subset: str
    file: Path
    ids: tuple[Hashable, ...]
    names: tuple[UnitName, ...]
    heights: Ints
    widths: Ints
    counts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def pixels(self) -> Ints:
        """H * W of each unit, (N,)."""
        return self.heights * self.widths

    @cached_property
    def place(self) -> dict[Hashable, int]:
        """The unit of each image id."""
        return {image_id: unit for unit, image_id in enumerate(self.ids)}

    @cached_property
    def by_name(self) -> dict[tuple[str, str], dict[int | None, int]]:
        """The units of each query: {(sample, instance): {frame: unit}}, frames ascending."""
        found: dict[tuple[str, str], dict[int | None, int]] = {}
        for unit, name in enumerate(self.names):
            found.setdefault((name.sample, name.instance), {})[name.frame] = unit
        return {key: dict(sorted(own.items(), key=lambda item: item[0] or 0)) for key, own in found.items()}

    @cached_property
    def queries(self) -> tuple[tuple[str, str], ...]:
        """Each query's (sample, instance), in the order of its first unit."""
        return tuple(self.by_name)

    @cached_property
    def query_of(self) -> Ints:
        """The place in `queries` of each unit, (N,)."""
        numbers = {query: number for number, query in enumerate(self.queries)}
        return np.fromiter((numbers[name.sample, name.instance] for name in self.names), np.int64, len(self.names))

    @cached_property
    def rank(self) -> Ints:
        """Each unit's place among the sorted image ids, (N,): the order in which COCOeval breaks ties of score."""
        if all(isinstance(image_id, int) for image_id in self.ids):
            order = np.argsort(np.array(self.ids))
        else:
            order = np.array(sorted(range(len(self.ids)), key=lambda unit: str(self.ids[unit])))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank

    def runs(self, units: Ints) -> Runs:
        """Return the masks of some units; raises InputError for a mask whose counts are malformed."""
        try:
            return from_counts([self.counts[unit] for unit in units], self.pixels[units])
        except RunError as error:
            raise InputError(
                f"{self.file}: image {self.ids[units[error.index]]!r}: {error.reason}; build the dataset again"
            ) from None


def read_truth(file: Path, *, subset: str) -> Truth:
    """Return a subset's units from a COCO file: one image a unit, any number of annotations an image (none is an empty mask).

    Raises InputError where the file is missing, damaged, or lists an image twice.
    """
    document = _load(file)
    images, annotations = document.get("images"), document.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise InputError(f'{file}: not a COCO file, expected an object with the lists "images" and "annotations"')
    if not images:
        raise InputError(f"{file}: lists no images, so there is nothing to score")
    sizes = _sizes(images, file)
    found: dict[Hashable, list[str]] = {}
    for row, annotation in enumerate(annotations):
        if not isinstance(annotation, dict) or not isinstance(annotation.get("image_id"), str | int):
            raise InputError(f"{file}: annotation {row} has no image_id")
        image_id = annotation["image_id"]
        if image_id not in sizes:
            raise InputError(f"{file}: annotation {row} is of image {image_id!r}, which the file does not list")
        height, width = sizes[image_id]
        try:
            counts = segments.compressed_counts(annotation.get("segmentation"), height=height, width=width)
        except MaskError as error:
            raise InputError(f"{file}: annotation {row} (image {image_id!r}): {error}") from None
        found.setdefault(image_id, []).append(counts)
    masks = tuple(_one_mask(found.get(image_id, []), size, image_id, file) for image_id, size in sizes.items())
    return Truth(
        subset=subset,
        file=file,
        ids=tuple(sizes),
        names=_names(list(sizes), file),
        heights=np.array([height for height, _ in sizes.values()], np.int64),
        widths=np.array([width for _, width in sizes.values()], np.int64),
        counts=masks,
    )


def _load(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{file}: missing; make the dataset with `a2dsplus build`, or pass --dataset") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read as JSON ({error}); build the dataset again") from None
    if not isinstance(document, dict):
        raise InputError(f"{file}: not a COCO file, expected an object at the top")
    return document


def _sizes(images: list[Any], file: Path) -> dict[Hashable, tuple[int, int]]:
    sizes: dict[Hashable, tuple[int, int]] = {}
    twice = []
    for row, image in enumerate(images):
        if not isinstance(image, dict) or not isinstance(image.get("id"), str | int):
            raise InputError(f"{file}: image {row} has no id")
        height, width = image.get("height"), image.get("width")
        if type(height) is not int or type(width) is not int or min(height, width) < 1 or height * width > MOST_PIXELS:
            raise InputError(f"{file}: image {image['id']!r} has no height and width in whole pixels")
        if image["id"] in sizes:
            twice.append(image["id"])
        sizes[image["id"]] = (height, width)
    if twice:
        raise InputError(f"{file}: {len(twice)} image ids are listed twice: {listed(twice)}")
    return sizes


def _names(ids: list[Hashable], file: Path) -> tuple[UnitName, ...]:
    names = [parse_image_id(image_id) for image_id in ids]
    if len({(name.sample, name.frame, name.instance) for name in names}) != len(names):
        # Two ids can only name one frame where spellings are mixed, such as "v/1/0" and "v/00001/0".
        raise InputError(f"{file}: two image ids name the same frame of the same query; give each frame one id")
    return tuple(names)


def _one_mask(counts: list[str], size: tuple[int, int], image_id: Hashable, file: Path) -> str:
    if len(counts) == 1:
        return counts[0]
    height, width = size
    if not counts:
        return segments.to_counts(np.zeros((0, 2), np.int64), height=height, width=width)
    from pycocotools import mask as coco

    try:
        from_counts(counts, np.full(len(counts), height * width, np.int64))
    except RunError as error:
        raise InputError(f"{file}: image {image_id!r}: {error.reason}; build the dataset again") from None
    merged = coco.merge([{"size": [height, width], "counts": text.encode("ascii")} for text in counts])
    return str(merged["counts"].decode("ascii"))
