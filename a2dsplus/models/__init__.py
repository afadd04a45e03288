"""Models that `a2dsplus baseline` runs, and how a third party's joins them: one small class.

    class Brightest:
        def __init__(self, *, checkpoint: Path | None, device: str) -> None: ...
        def segment(self, video: Footage, text: str) -> Iterator[np.ndarray]:
            for frame in video:                        # RGB uint8 (H, W, 3); may be gone through again
                yield frame.mean(-1) > 200             # bool (H, W), one a frame, in order

A model that knows how sure it is of a frame's mask yields (mask, confidence): average precision (`mAP_coco`) ranks by it. It is found by `module:Class`, or by a name in the entry-point group `a2dsplus.models`.
"""

import importlib
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.extras import missing_extra

GROUP = "a2dsplus.models"
BUILT_IN = {
    "locater": "a2dsplus.models.reference:LocaterModel",
    "locater-img": "a2dsplus.models.reference:LocaterImgModel",
    "empty": "a2dsplus.models.trivial:Empty",
    "everything": "a2dsplus.models.trivial:Everything",
    "oracle": "a2dsplus.models.trivial:Oracle",
    "moving": "a2dsplus.models.moving:Moving",
}
"""The models in this package; pyproject.toml registers the same, so that other programs find them too."""


class Footage(Protocol):
    """A sample's video as a model sees it. `frames`: how many it has. Iterating gives them in order, RGB uint8 (H, W, 3), any number of times."""

    sample_id: str
    frames: int
    height: int
    width: int

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]: ...


Answer = np.ndarray | tuple[np.ndarray, float]
"""What a model says of a frame: the mask (H, W), non-zero is the referent; or the mask and how sure it is, the more the greater."""


class Model(Protocol):
    """What runs a model. Made once a process, by `Class(checkpoint=Path | None, device="cpu" | "cuda:0" | ...)`."""

    def segment(self, video: Footage, text: str) -> Iterable[Answer]:
        """Yield the referent's mask in each frame, in order, alone or with a confidence (1, where none is given).

        The caller stops asking after the last evaluated frame. A class with a true attribute `sees_truth` is given
        `video.truth(text_frame)` as well, which is for the oracle alone.
        """
        ...


def names() -> dict[str, str]:
    """Return every known model's name and where its class is, `module:Class`.

    Raises ModelError where two packages register the same name.
    """
    found = dict(BUILT_IN)
    for entry in entry_points(group=GROUP):
        if found.get(entry.name, entry.value) != entry.value:
            raise ModelError(
                f"model {entry.name}: registered twice, as {found[entry.name]} and as {entry.value}; rename one entry point"
            )
        found[entry.name] = entry.value
    return found


def find(name: str) -> type[Model]:
    """Return the class of a model: a registered name, or `module:Class`.

    Raises UsageError for an unknown name, ModelError for a class that cannot be imported or has no `segment`.
    """
    known = names()
    place = known.get(name, name)
    module, colon, attribute = place.partition(":")
    if not colon or not module or not attribute:
        raise UsageError(
            f"model {name!r}: known are {', '.join(sorted(known))}; another one by the entry-point group {GROUP}, or as module:Class"
        )
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        missing = missing_extra(error) if isinstance(error, ModuleNotFoundError) else None
        if missing is not None:
            raise missing from error
        raise ModelError(
            f"model {name}: {place} cannot be imported ({error}); install its package or correct the name"
        ) from error
    if not callable(getattr(found, "segment", None)):
        raise ModelError(f"model {name}: {place} has no method segment(video, text); see `a2dsplus.models.Model`")
    return found  # type: ignore[return-value]  # what a class is beyond `segment` shows when it runs


def make(name: str, *, checkpoint: Path | None, device: str) -> Model:
    """Return a model, ready to run. Raises UsageError, ModelError, InputError."""
    return find(name)(checkpoint=checkpoint, device=device)  # type: ignore[call-arg]  # a Protocol tells no constructor
