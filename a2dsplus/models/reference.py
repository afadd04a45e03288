"""LOCATER behind the models' interface: with and without its memories, as its authors released it, and its grounding module."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage
from a2dsplus.models.candidates import Candidates

if TYPE_CHECKING:
    from locater import Locater


class LocaterModel:
    """LOCATER from a checkpoint (safetensors, its configuration beside it); by default the small one that ships with the package.

    scales, flip: every scale, as it is and mirrored, is followed and their probabilities are averaged (section 5.6).
    """

    shipped = "tiny.safetensors"

    def __init__(
        self,
        *,
        checkpoint: Path | None,
        device: str,
        threshold: float | None = None,
        batch: int | None = None,
        scales: Sequence[float] | None = None,
        flip: bool | None = None,
    ) -> None:
        import torch

        self._threshold = 0.5 if threshold is None else threshold
        self._ways: dict[str, Any] = {"batch": batch or 4, "scales": tuple(scales or (1.0,)), "flip": bool(flip)}
        with _placed(device):
            self.model = self._load(checkpoint).to(device)
        self._kind = torch.device(device).type

    def _load(self, checkpoint: Path | None) -> "Locater":
        import locater

        return locater.checkpoint.load(checkpoint or Path(locater.__file__).parent / "weights" / self.shipped)

    def segment(
        self, video: Footage, text: str, *, wanted: Sequence[int] | None = None
    ) -> Iterator[tuple[Mask, float]]:
        """Yield the referent's mask in each wanted frame (1-based; all, if left out), and how sure of it the network is."""
        for answers in self.segment_all(video, [text], wanted=wanted):
            yield from answers

    def segment_all(
        self, video: Footage, texts: Sequence[str], *, wanted: Sequence[int] | None = None
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield for each wanted frame the referents of all texts; the visual encoder sees the video once."""
        import torch

        import locater
        from locater.inference import confidence, follow

        frames = None if wanted is None else {number - 1 for number in wanted}
        left = video.frames if frames is None else len(frames)
        try:
            with torch.autocast(self._kind, torch.bfloat16, enabled=self._kind != "cpu"):
                every = follow(self.model, video, list(texts), wanted=frames, **self._ways)
                for maps in every if left else ():
                    if maps:
                        masks = [(probability > self._threshold).cpu().numpy() for probability in maps]
                        yield [(mask, confidence(p, mask)) for mask, p in zip(masks, maps, strict=True)]
                        left -= 1
                    if not left:
                        return
        except locater.LocaterError as error:
            raise ModelError(f"sample {video.sample_id}: {error}") from error
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"sample {video.sample_id}: {self._kind} ran out of memory; lower --batch (frames encoded together), or run fewer --workers on it"
            ) from error


class LocaterImgModel(LocaterModel):
    """LOCATER-IMG, the paper's baseline without memory: each frame by itself."""

    shipped = "tiny-img.safetensors"


class LocaterReleasedModel(LocaterModel):
    """The authors' inference code with the authors' weights, a torch file of tensors as they publish it, or safetensors."""

    def _load(self, checkpoint: Path | None) -> "Locater":
        import locater
        from a2dsplus.roles.srl.bert_names import find_vocabulary

        if checkpoint is None:
            raise UsageError(
                "locater-released: give the authors' weights with --checkpoint FILE; they do not ship with the toolkit"
            )
        return locater.released.load(checkpoint, vocab=find_vocabulary("bert-base-uncased", beside=checkpoint))


class GroundingModel:
    """For each query the best of other models' predictions, as the grounding module of section 5.6 judges them; needs --candidates."""

    def __init__(self, *, checkpoint: Path | None, device: str, candidates: Candidates | None = None) -> None:
        import locater

        if checkpoint is None or candidates is None:
            raise UsageError(
                "grounding: give the folder that `train --model grounding` wrote with --checkpoint, and prediction folders with --candidates"
            )
        self._candidates = candidates
        with _placed(device):
            model, grounding = locater.grounding.load(checkpoint)
            self._model, self._grounding = model.to(device), grounding.to(device)

    def segment(
        self, video: Footage, text: str, *, wanted: Sequence[int], subset: str, expression: str
    ) -> Iterator[tuple[Mask, float]]:
        """Yield the chosen model's masks at the wanted frames, as sure as that model was times as sure as the choice is."""
        import locater

        asked = self._candidates.of(subset, video.sample_id, expression)
        frames = np.stack([frame for number, frame in enumerate(video, 1) if number in wanted])
        try:
            index, probabilities = locater.grounding.choose(self._model, self._grounding, frames, text, asked.masks)
        except locater.LocaterError as error:
            raise ModelError(f"sample {video.sample_id}: {error}") from error
        for mask, score in zip(asked.masks[index], asked.scores[index], strict=True):
            yield mask, float(score * probabilities[index])


@contextlib.contextmanager
def _placed(device: str) -> Iterator[None]:
    """Turn what fails while a network is loaded onto a device into our errors."""
    import locater

    try:
        yield
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: cannot be used ({str(error).splitlines()[0]})") from error
