"""A subset's ground truth as scored units: one (query, evaluated frame) each, masks as compressed counts.

Schema 2 has integer image ids, and in `key` what schema 1 has as id; both name a unit. A COCO file of anybody's is read as well.
"""

import json
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import InputError, MaskError, listed
from a2dsplus.files import read_bytes
from a2dsplus.media import segments
from a2dsplus.media.runs import Ints, RunError, Runs, from_counts, without
from a2dsplus.media.segments import MOST_PIXELS

SCHEMA = 2  # of ground_truth.json, the newest that is read
_MTTR_ID = re.compile(r"v_(?P<sample>.+)_f_(?P<frame>[0-9]{1,9})(_i_(?P<expression>[^/]+))?", re.DOTALL)
_OUR_ID = re.compile(r"(?P<sample>[^/]+)/(?P<frame>[0-9]{1,9})/(?P<expression>[^/]+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitName:
    """Which frame of which query a unit is; `frame` is 1-based, or None where an image id does not tell."""

    sample: str
    frame: int | None
    expression: str


def parse_image_id(image_id: Hashable) -> UnitName:
    """Return what an image id names.

    Ours is `<sample_id>/<frame:05d>/<expression>`, MTTR's and ReferFormer's `v_<video>_f_<frame>_i_<instance>`, and on
    J-HMDB-Sentences, with one caption a video, `v_<video>_f_<frame>` (expression ""); any other id is a sequence of its own.
    """
    text = str(image_id)
    found = _OUR_ID.fullmatch(text) or _MTTR_ID.fullmatch(text)
    if found is None:
        return UnitName(sample=text, frame=None, expression="0")
    return UnitName(sample=found["sample"], frame=int(found["frame"]), expression=found["expression"] or "")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A subset's N units, in the file's order.

    `ids`: what each unit is called, its key, or its image id where the file has no keys. `numbers`: the image ids where keys name the
    units, else empty. `heights`, `widths`: (N,). `counts`: compressed counts. `names`: what each unit is. `ignored`: {unit: compressed
    counts of the pixels that leave both masks}; the true masks are without them already. `categories`: the file's category ids, none
    where it does not tell. `file`: whence.
    """

    subset: str
    file: Path
    ids: tuple[Hashable, ...]
    numbers: tuple[Hashable, ...] = ()
    names: tuple[UnitName, ...]
    heights: Ints
    widths: Ints
    counts: tuple[str, ...]
    ignored: Mapping[int, str] = field(default_factory=dict)
    categories: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def pixels(self) -> Ints:
        """H * W of each unit, (N,)."""
        return self.heights * self.widths

    @cached_property
    def place(self) -> dict[Hashable, int]:
        """The unit of each key and each image id."""
        return {image_id: unit for named in (self.numbers, self.ids) for unit, image_id in enumerate(named)}

    @cached_property
    def by_name(self) -> dict[tuple[str, str], dict[int | None, int]]:
        """The units of each query: {(sample, expression): {frame: unit}}, frames ascending."""
        found: dict[tuple[str, str], dict[int | None, int]] = {}
        for unit, name in enumerate(self.names):
            found.setdefault((name.sample, name.expression), {})[name.frame] = unit
        return {key: dict(sorted(own.items(), key=lambda item: item[0] or 0)) for key, own in found.items()}

    @cached_property
    def queries(self) -> tuple[tuple[str, str], ...]:
        """Each query's (sample, expression), in the order of its first unit."""
        return tuple(self.by_name)

    @cached_property
    def query_of(self) -> Ints:
        """The place in `queries` of each unit, (N,)."""
        numbers = {query: number for number, query in enumerate(self.queries)}
        return np.fromiter((numbers[name.sample, name.expression] for name in self.names), np.int64, len(self.names))

    @cached_property
    def recipe(self) -> str:
        """What to add to the message about predictions that do not fit: which captions are asked of a composite, "" where it is one."""
        if not any(name.expression == "contrast" for name in self.names):
            return ""
        return " (it asks `query` and `contrast` of a composite, as --recipe strict does; predictions for --recipe paper lack the contrast's)"

    @cached_property
    def rank(self) -> Ints:
        """Each unit's place among the sorted keys, (N,): the order in which COCOeval breaks ties of score on a file of schema 1."""
        if all(isinstance(image_id, int) for image_id in self.ids):
            order = np.argsort(np.array(self.ids))
        else:
            order = np.array(sorted(range(len(self.ids)), key=lambda unit: str(self.ids[unit])))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank

    def runs(self, units: Ints) -> Runs:
        """Return the masks of some units; raises InputError for a mask whose counts are malformed."""
        return self._decoded([self.counts[unit] for unit in units], units)

    def ignored_runs(self, units: Ints) -> Runs:
        """Return the pixels that leave both masks of some units, all of which must be among `ignored`."""
        return self._decoded([self.ignored[unit] for unit in units.tolist()], units)

    def _decoded(self, counts: list[str], units: Ints) -> Runs:
        try:
            return from_counts(counts, self.pixels[units])
        except RunError as error:
            raise InputError(
                f"{self.file}: image {self.ids[units[error.index]]!r}: {error.reason}; build the dataset again"
            ) from None


def read_truth(file: Path, *, subset: str) -> Truth:
    """Return a subset's units from a COCO file: one image a unit, any number of annotations an image (none is an empty mask).

    Raises InputError where the file is missing, damaged, of a newer schema, or names an image twice.
    """
    document = _load(file)
    images, annotations = document.get("images"), document.get("annotations")
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise InputError(f'{file}: not a COCO file, expected an object with the lists "images" and "annotations"')
    if not images:
        raise InputError(f"{file}: lists no images, so there is nothing to score")
    sizes = _sizes(images, file)
    keys = _keys(images, file)
    ids: tuple[Hashable, ...] = keys or tuple(sizes)
    found: dict[Hashable, list[str]] = {}
    for row, annotation in enumerate(annotations):
        if not isinstance(annotation, dict) or not isinstance(annotation.get("image_id"), str | int):
            raise InputError(f"{file}: annotation {row} has no image_id")
        image_id = annotation["image_id"]
        if image_id not in sizes:
            raise InputError(f"{file}: annotation {row} is of image {image_id!r}, which the file does not list")
        counts = _compressed(
            annotation.get("segmentation"), sizes[image_id], f"annotation {row} (image {image_id!r})", file
        )
        found.setdefault(image_id, []).append(counts)
    ignored = {
        unit: _one_mask(
            [_compressed(image["ignore"], size, f"ignore of image {ids[unit]!r}", file)], size, ids[unit], file
        )
        for unit, (image, size) in enumerate(zip(images, sizes.values(), strict=True))
        if image.get("ignore") is not None
    }
    masks = [_one_mask(found.get(image_id, []), size, image_id, file) for image_id, size in sizes.items()]
    truth = Truth(
        subset=subset,
        file=file,
        ids=ids,
        numbers=tuple(sizes) if keys else (),
        names=_names(ids, file),
        heights=np.array([height for height, _ in sizes.values()], np.int64),
        widths=np.array([width for _, width in sizes.values()], np.int64),
        counts=tuple(masks),
        ignored=ignored,
        categories=_categories(document, annotations),
    )
    if not ignored:
        return truth
    units = np.array(list(ignored))
    kept = without(truth.runs(units), truth.ignored_runs(units))
    for place, unit in enumerate(units.tolist()):
        masks[unit] = segments.to_counts(kept.of(place), height=int(truth.heights[unit]), width=int(truth.widths[unit]))
    return replace(truth, counts=tuple(masks))


def _compressed(segmentation: object, size: tuple[int, int], what: str, file: Path) -> str:
    try:
        return segments.compressed_counts(segmentation, height=size[0], width=size[1])
    except MaskError as error:
        raise InputError(f"{file}: {what}: {error}") from None


def _load(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_bytes(file))
    except FileNotFoundError:
        raise InputError(f"{file}: missing; make the dataset with `a2dsplus build`, or pass --dataset") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read as JSON ({error}); build the dataset again") from None
    if not isinstance(document, dict):
        raise InputError(f"{file}: not a COCO file, expected an object at the top")
    info = document.get("info")
    schema = info.get("schema") if isinstance(info, dict) else None
    if type(schema) is int and schema > SCHEMA:
        raise InputError(f"{file}: has schema {schema}, this version reads up to {SCHEMA}; install a newer a2dsplus")
    return document


def _sizes(images: list[Any], file: Path) -> dict[Hashable, tuple[int, int]]:
    """Return each image id's (height, width), in the file's order."""
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


def _keys(images: list[Any], file: Path) -> tuple[str, ...]:
    """Return the images' keys, or () where the file has none."""
    keys = [image["key"] for image in images if "key" in image]
    if not keys:
        return ()
    wrong = [image["id"] for image in images if not isinstance(image.get("key"), str)]
    if wrong:
        raise InputError(
            f"{file}: {len(wrong)} images have no key while others do: {listed(wrong)}; build the dataset again"
        )
    if len(set(keys)) < len(keys):
        twice = [key for key, many in Counter(keys).items() if many > 1]
        raise InputError(f"{file}: {len(twice)} image keys are listed twice: {listed(twice)}")
    return tuple(keys)


def _categories(document: dict[str, Any], annotations: list[Any]) -> frozenset[int]:
    given = document.get("categories")
    named = [category.get("id") for category in given if isinstance(category, dict)] if isinstance(given, list) else []
    found = named or [annotation.get("category_id") for annotation in annotations]
    return frozenset(category for category in map(segments.whole, found) if category is not None)


def _names(ids: Sequence[Hashable], file: Path) -> tuple[UnitName, ...]:
    names = [parse_image_id(image_id) for image_id in ids]
    if len({(name.sample, name.frame, name.expression) for name in names}) != len(names):
        # Two ids can only name one frame where spellings are mixed, such as "v/1/0" and "v/00001/0".
        raise InputError(f"{file}: two image ids name the same frame of the same query; give each frame one id")
    return tuple(names)


def _one_mask(counts: list[str], size: tuple[int, int], image_id: Hashable, file: Path) -> str:
    if len(counts) == 1:
        return counts[0]
    height, width = size
    if not counts:
        return segments.empty_counts(height, width)
    from pycocotools import mask as coco

    try:
        from_counts(counts, np.full(len(counts), height * width, np.int64))
    except RunError as error:
        raise InputError(f"{file}: image {image_id!r}: {error.reason}; build the dataset again") from None
    merged = coco.merge([{"size": [height, width], "counts": text.encode("ascii")} for text in counts])
    return str(merged["counts"].decode("ascii"))
