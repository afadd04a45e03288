"""Models that `a2dsplus baseline` runs, and how a third party's joins them: one small class (docs/models.md).

    class Brightest:
        def __init__(self, *, checkpoint: Path | None, device: str) -> None: ...
        def segment(self, video: Footage, text: str) -> Iterator[np.ndarray]:
            for frame in video:                        # RGB uint8 (H, W, 3); may be gone through again
                yield frame.mean(-1) > 200             # bool (H, W), one a frame, in order

It is found by `module:Class`, or by a name in the entry-point group `a2dsplus.models`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.registry import Registry

MODELS = Registry(
    what="model",
    group="a2dsplus.models",
    built_in={
        "locater": "a2dsplus.models.reference:LocaterModel",
        "locater-img": "a2dsplus.models.reference:LocaterImgModel",
        "locater-released": "a2dsplus.models.reference:LocaterReleasedModel",
        "grounding": "a2dsplus.models.reference:GroundingModel",
        "transformers": "a2dsplus.models.transformers:Transformers",
        "named": "a2dsplus.models.named:Named",
        "moving": "a2dsplus.models.moving:Moving",
        "empty": "a2dsplus.models.trivial:Empty",
        "everything": "a2dsplus.models.trivial:Everything",
        "oracle": "a2dsplus.models.trivial:Oracle",
    },
)
"""Every model by name; the only place where the toolkit's own are registered."""


class Footage(Protocol):
    """A sample's video as a model sees it. `frames`: how many it has. Iterating gives them in order, RGB uint8 (H, W, 3), any number of times."""

    sample_id: str
    frames: int
    height: int
    width: int

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]: ...


class RolePhrase(NamedTuple):
    """One role of a caption as roles.parquet has it.

    `frame`: 0-based number of the predicate it belongs to. `role`: PropBank's label (ARG0). `slot`: who, verb, what, where, when or
    other. `phrase`: cleaned; `lemma`: cleaned and lemmatised.
    """

    frame: int
    role: str
    slot: str
    phrase: str
    lemma: str


Answer = np.ndarray | tuple[np.ndarray, float]
"""What a model says of a frame: the mask (H, W), or the mask and how sure it is, the more the greater (average precision ranks by it).

A mask has two values: bool; whole numbers, 0 and one other; or probabilities in [0, 1], the referent above 0.5.
"""


class Model(Protocol):
    """What runs a model. Made once a process, by `Class(checkpoint=Path | None, device="cpu" | "cuda:0" | ...)`.

    A constructor that names `threshold` (float | None), `batch` (int | None), `segmenter` or `detector` (Path | None), or `candidates`
    (`candidates.Candidates` | None) is given what the command line's option of that name says.
    """

    def segment(self, video: Footage, text: str) -> Iterable[Answer]:
        """Yield the referent's mask in each frame, in order, alone or with a confidence (1, where none is given).

        The caller stops asking after the last evaluated frame. More is given to whoever names it, as keywords:

        `wanted`: tuple of int, the frames that are evaluated, 1-based, ascending: who takes it yields one answer for each of them and no
        others. `roles`: tuple of `RolePhrase`, what `roles/` read in the caption, or None where the dataset has none. `subset`,
        `expression`: M, S or T, and the query's word in prediction folders, for whoever looks up what others predicted.

        A class that also has `segment_all(video, texts)` is given all texts of a video at once and yields, for each frame, a list with
        one answer a text; its `roles` is a list with one entry a text, its `wanted` the frames at which any text is evaluated.

        A class with a true attribute `sees_truth` is given `video.truth(text_frame)` as well, which is for the oracle alone.
        """
        ...


def find(name: str) -> type[Model]:
    """Return the class of a model: a registered name, or `module:Class`.

    Raises UsageError for an unknown name, InputError for a class that cannot be imported, ModelError for one without `segment`.
    """
    found: type[Model] = MODELS.load(name)
    if not callable(getattr(found, "segment", None)):
        raise ModelError(f"model {name}: {found!r} has no method segment(video, text); see `a2dsplus.models.Model`")
    return found


def make(name: str, *, checkpoint: Path | None, device: str, options: Mapping[str, Any] | None = None) -> Model:
    """Return a model, ready to run. `options`: what else its constructor is given, by name. Raises UsageError, ModelError, InputError."""
    from a2dsplus.models.answers import wished

    kind = find(name)
    asked = dict(options or {})
    surplus = sorted(asked.keys() - wished(kind.__init__, asked).keys())
    if surplus:
        raise UsageError(f"--{surplus[0]}: model {name} takes none")
    return kind(checkpoint=checkpoint, device=device, **asked)  # type: ignore[call-arg]  # a Protocol tells no constructor
