"""What a training tells: TensorBoard curves and example masks."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from locater.training.progress import Progress


class Log:
    """Curves and pictures of a run under RUN/logs; silent where TensorBoard is not installed."""

    def __init__(self, run: Path, *, start: int) -> None:
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        # what a killed run logged after its last checkpoint is hidden by the same steps' new values
        self._writer = SummaryWriter(str(run / "logs"), purge_step=start)

    def progress(self, now: Progress, *, lr: float) -> None:
        """Add one point to each curve."""
        if self._writer is None:
            return
        values = {"loss": now.loss, "iou": now.iou, "lr": lr, "seconds_a_step": now.seconds, "memory_gb": now.memory}
        for name, (spread, gate) in now.vitals.items():
            values |= {f"{name}_memory/spread": spread, f"{name}_memory/gate": gate}
        if now.marks is not None:
            values |= {f"validation/{name}": value for name, value in now.marks._asdict().items()}
        for name, value in values.items():
            if value == value:  # no loss between two log lines
                self._writer.add_scalar(name, value, now.step)

    def masks(self, step: int, *, frames: Tensor, truth: Tensor, logits: Tensor, texts: list[str]) -> None:
        """Add pictures of up to four samples: frame, true mask (green), the model's (red).

        frames (B, T, 3, S, S) in [-1, 1]; truth, logits (B, T, 1, S, S).
        """
        if self._writer is None:
            return
        for index, text in enumerate(texts[:4]):
            image = frames[index].float().cpu() * 0.5 + 0.5  # (T, 3, S, S)
            colours = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).view(2, 1, 3, 1, 1)
            shown = [image]
            for mask, colour in zip((truth[index] > 0.5, logits[index] > 0), colours, strict=True):
                alpha = 0.6 * mask.float().cpu()
                shown.append(image * (1 - alpha) + colour * alpha)
            picture = torch.cat([torch.cat(list(row), dim=2) for row in shown], dim=1)  # (3, 3S, TS)
            self._writer.add_image(f"masks/{index}", picture.clamp(0, 1), step)
            self._writer.add_text(f"masks/{index}", text, step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
