"""Other people's trained models, from a folder on this machine, behind the models' interface (extra `transformers`).

    a2dsplus baseline --model transformers --checkpoint FOLDER [--segmenter FOLDER] [--threshold T] [--batch N]

`model_type` in the folder's config.json picks the class that runs it. docs/models.md says which published folders fit.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage
from a2dsplus.models.transformers.adapter import Adapter, Roles
from a2dsplus.models.transformers.folder import read_type

_PER_FRAME = ("clipseg",)
_DETECTORS = ("grounding-dino", "mm-grounding-dino", "omdet-turbo", "owlv2")
_CONCEPT = ("sam3", "sam3_video")
KNOWN = tuple(sorted((*_PER_FRAME, *_DETECTORS, *_CONCEPT)))
"""The `model_type`s that read a text."""


class Transformers:
    """A model of `transformers` that text prompts; its folder decides which."""

    def __init__(
        self,
        *,
        checkpoint: Path | None,
        device: str,
        segmenter: Path | None = None,
        threshold: float | None = None,
        batch: int | None = None,
    ) -> None:
        if checkpoint is None:
            raise UsageError("--model transformers: needs --checkpoint FOLDER, one that save_pretrained wrote")
        self._adapter = _adapter(checkpoint, segmenter, device=device, threshold=threshold, batch=batch or 8)

    def segment(
        self, video: Footage, text: str, *, wanted: Sequence[int] | None = None, roles: Roles = None
    ) -> Iterator[tuple[Mask, float]]:
        """Yield (mask, confidence) of each wanted frame; an empty mask where the score is below the threshold."""
        return self._adapter.segment(video, text, wanted=wanted, roles=roles)

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield the same of several texts, one list a frame."""
        return self._adapter.segment_all(video, texts, wanted=wanted, roles=roles)


def _adapter(folder: Path, segmenter: Path | None, **options: Any) -> Adapter:
    kind = read_type(folder)
    if segmenter is not None and kind not in _DETECTORS:
        raise UsageError(f"--segmenter {segmenter}: goes with a detector ({', '.join(_DETECTORS)}), not with {kind}")
    if kind == "clipseg":
        from a2dsplus.models.transformers.clipseg import ClipSeg

        return ClipSeg(folder, **options)
    if kind in _CONCEPT:
        from a2dsplus.models.transformers.concept import Concept, ConceptFrames

        return (Concept if kind == "sam3_video" else ConceptFrames)(folder, **options)
    if kind in _DETECTORS:
        detector = _detector(kind, folder, device=options["device"])
        if segmenter is not None:
            from a2dsplus.models.transformers.tracked import Tracked

            return Tracked(detector, segmenter, **options)
        from a2dsplus.models.transformers.box_masks import BoxMasks

        return BoxMasks(detector, **options)
    from a2dsplus.models.transformers.tracked import SEGMENTERS

    if kind in SEGMENTERS:
        raise ModelError(
            f"{folder}: model_type {kind!r} reads no text; give it with --segmenter, and a detector ({', '.join(_DETECTORS)}) with --checkpoint"
        )
    raise ModelError(f"{folder}: model_type {kind!r}; known are {', '.join(KNOWN)}")


def _detector(kind: str, folder: Path, *, device: str) -> Any:
    from a2dsplus.models.transformers import boxes

    if kind == "owlv2":
        return boxes.Owlv2(folder, device=device)
    if kind == "omdet-turbo":
        return boxes.OmDetTurbo(folder, device=device)
    name = {
        "grounding-dino": "GroundingDinoForObjectDetection",
        "mm-grounding-dino": "MMGroundingDinoForObjectDetection",
    }
    return boxes.GroundingDino(folder, device=device, name=name[kind])
