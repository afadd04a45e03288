"""A2D's labels as a witness: which actors a video shows, described or not (Xu et al., CVPR 2015).

    ROOT/Release/Annotations/mat/<video>/<frame>.mat                                   every pixel's class: HDF5, key `reS_id`
    ROOT/text_annotations/a2d_annotation_with_instances/<video>/<frame:05d>.h5         the classes of a frame's instances: key `id`
    ROOT/Release/videoset.csv, column 2                                                the clip's main class

A class is a number, actor x 10 + action; 0 is the background. The three are looked at one by one, and one with a value that is no class, or
with a file that cannot be read, is no witness at all: its numbers may mean something else. So is a column that says the same of every video.
`Annotations/col` has the same classes as colours, and is not read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import AnnotationError
from a2dsplus.media.hdf5 import plain_array

ACTORS = {1: "adult", 2: "baby", 3: "ball", 4: "bird", 5: "car", 6: "cat", 7: "dog"}
_ACTIONS = range(1, 10)
_MOST_CELLS = 1 << 26
_ADVICE = "restore the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Which actors videos show, as far as labels tell.

    `actors`: {video: {actor: how many at once, at least}}. `whole`: the videos of which every annotated frame is labelled pixel by pixel, so
    that an actor who is not there is not in them. `notes`: what was read, and what was not and why.
    """

    actors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def label_files(release: Path, video: str) -> list[Path]:
    """Return a video's files of pixel classes."""
    return sorted(path for path in (release / "Annotations" / "mat" / video).glob("*.mat") if path.name[0] != ".")


def read_labels(
    release: Path,
    instances: Mapping[str, Sequence[Path]],
    main_classes: Mapping[str, str],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Labels:
    """Return what the labels of videos tell.

    `instances`: the videos, each with its annotated frames' files; `main_classes`: column 2 of videoset.csv, by video. Never raises for what
    the labels say: a note tells what is no witness, and why.
    """
    read: dict[str, dict[str, Counter[str]]] = {"pixels": {}, "instances": {}, "clips": {}}
    faults: dict[str, str] = {}
    whole: set[str] = set()
    for video, files in instances.items():
        pixels = label_files(release, video)
        if pixels and {_frame(path) for path in pixels} >= {_frame(path) for path in files}:
            whole.add(video)
        _take(read["pixels"], faults, "pixels", video, pixels, key="reS_id")
        _take(read["instances"], faults, "instances", video, files, key="id")
        progress(1)
    if len({main_classes[video] for video in instances if video in main_classes}) > 1:
        for video in instances:
            try:
                read["clips"][video] = _actors("videoset.csv", [main_classes[video]])
            except (AnnotationError, KeyError) as error:
                faults["clips"] = f"{error}, video {video}"
                break
    actors: dict[str, Counter[str]] = {}
    for name, found in read.items():
        for video, counts in found.items() if name not in faults else ():
            actors[video] = actors.get(video, Counter()) | counts
    names = {
        "pixels": "Annotations/mat",
        "instances": "the key id of the h5 files",
        "clips": "column 2 of videoset.csv",
    }
    told = [names[name] for name, found in read.items() if name not in faults and any(found.values())]
    notes = [f"A2D's labels are a witness of who is to be seen: {' and '.join(told)}"] if told else []
    notes += [f"no witness: {names[name]} ({fault})" for name, fault in faults.items()]
    return Labels(
        actors={video: dict(sorted(counts.items())) for video, counts in sorted(actors.items()) if counts},
        whole=frozenset() if "pixels" in faults else frozenset(whole),
        notes=tuple(notes),
    )


def _take(
    found: dict[str, Counter[str]], faults: dict[str, str], name: str, video: str, files: Iterable[Path], *, key: str
) -> None:
    """Add the actors of a video's files to what is found, the most of each at once; or the first fault to the faults."""
    if name in faults:
        return
    most: Counter[str] = Counter()
    for path in files:
        try:
            values = _values(path, key)
            # pixels tell which classes there are, not how many of each
            most |= _actors(str(path), np.unique(values) if name == "pixels" else values.reshape(-1))
        except AnnotationError as error:
            faults[name] = str(error)
            return
    found[video] = most


def _values(path: Path, key: str) -> npt.NDArray[Any]:
    """Return an array of classes; an h5 file may lack it. Raises AnnotationError."""
    try:
        with h5py.File(path, "r") as file:
            if key not in file and key == "id":
                return np.zeros(0)
            return np.asarray(plain_array(path, file, key, kinds="iuf", most=_MOST_CELLS, advice=_ADVICE)[()])
    except AnnotationError:
        raise
    except Exception as error:  # a damaged file makes h5py raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise AnnotationError(f"{path}: not a readable HDF5 file ({reason:.160})") from error


def _actors(where: str, values: Iterable[Any]) -> Counter[str]:
    """Return the actors of classes, how many of each; raises AnnotationError for a value that is no class."""
    found: Counter[str] = Counter()
    for value in values:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if number == 0:
            continue
        if number % 10 not in _ACTIONS or number // 10 not in ACTORS:
            raise AnnotationError(f"{where}: {value!s:.20} is none of the classes 11 to 79")
        found[ACTORS[int(number) // 10]] += 1
    return found


def _frame(path: Path) -> str:
    return path.stem.lstrip("0")
