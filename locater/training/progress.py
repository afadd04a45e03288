"""What a training says of itself after a step."""

from typing import NamedTuple

from locater.training.validation import Marks

DEAD = 0.01
"""The spread of a memory's slots under which it says one thing, whoever asks."""


class Progress(NamedTuple):
    """A training after a step; loss and IoU are averaged over the steps since the last report."""

    step: int
    steps: int
    loss: float
    iou: float
    """Mean intersection over union of the labelled frames, at S x S, at threshold 0.5."""
    seconds: float
    """A step's, averaged likewise."""
    memory: float
    """The most gigabytes so far: of the accelerator or, on a CPU, of the process."""
    vitals: dict[str, tuple[float, float]]
    """Of each memory, by name: the relative spread of its slots after the last write, and its mean gate."""
    marks: Marks | None
    """Of the validation after this step, where there was one."""

    @property
    def dead(self) -> list[str]:
        """The memories whose slots are one vector, near enough."""
        return [name for name, (spread, _) in self.vitals.items() if spread < DEAD]

    def __str__(self) -> str:
        left = round(self.seconds * (self.steps - self.step))
        parts = [f"step {self.step}/{self.steps}", f"loss {self.loss:.4f}", f"IoU {self.iou:.4f}"]
        parts += [
            f"{name} memory: spread {spread:.2g}, gate {gate:.2g}" for name, (spread, gate) in self.vitals.items()
        ]
        parts += [
            f"{self.seconds:.2f} s a step",
            f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left",
            f"{self.memory:.1f} GB",
        ]
        if self.marks is not None:
            parts.append(
                f"validation: mIoU {self.marks.miou:.4f}, oIoU {self.marks.oiou:.4f}, silent in T {self.marks.silence:.4f}"
            )
        return "  ".join(parts)
