"""LOCATER behind the models' interface, with and without its memories."""

from collections.abc import Iterator
from pathlib import Path

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage


class LocaterModel:
    """LOCATER from a checkpoint (safetensors, its configuration beside it); by default the small one that ships with the package."""

    shipped = "tiny.safetensors"

    def __init__(self, *, checkpoint: Path | None, device: str) -> None:
        import torch

        import locater
        from locater import checkpoint as files

        path = checkpoint or Path(locater.__file__).parent / "weights" / self.shipped
        try:
            self.model = files.load(path).to(device)
        except locater.LocaterError as error:
            raise ModelError(str(error)) from error
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"--device {device}: cannot be used ({str(error).splitlines()[0]})") from error
        self._half = torch.device(device).type == "cuda"

    def segment(self, video: Footage, text: str) -> Iterator[tuple[Mask, float]]:
        """Yield the referent's mask in each frame, and how sure of it the network is."""
        import torch

        import locater
        from locater.inference import confidence, probabilities

        try:
            with torch.autocast("cuda", torch.bfloat16, enabled=self._half):
                for probability in probabilities(self.model, video, text):
                    mask = (probability > 0.5).cpu().numpy()
                    yield mask, confidence(probability, mask)
        except locater.LocaterError as error:
            raise ModelError(f"sample {video.sample_id}: {error}") from error


class LocaterImgModel(LocaterModel):
    """LOCATER-IMG, the paper's baseline without memory: each frame by itself."""

    shipped = "tiny-img.safetensors"
