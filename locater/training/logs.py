"""What a training tells: TensorBoard curves and example masks."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from locater.training.progress import Progress


class Log:
    """Curves and pictures of a run under RUN/logs; silent where TensorBoard is not installed."""

    def __init__(self, run: Path, *, start: int) -> None:
        self._file: Any = None
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            return
        logs = run / "logs"
        logs.mkdir(exist_ok=True)
        # written as it comes, by no thread of its own: a full disk is told to who trains
        self._file = (logs / f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}").open("ab")
        self._events, self._event = RecordWriter(self._file), Event
        self._write(0, file_version="brain.Event:2")
        # what a killed run logged after its last checkpoint is hidden by the same steps' new values
        self._write(start, session_log=SessionLog(status=SessionLog.START))

    def _write(self, step: int, **content: Any) -> None:
        self._events.write(self._event(wall_time=time.time(), step=step, **content).SerializeToString())

    def progress(self, now: Progress, *, lr: float) -> None:
        """Add one point to each curve."""
        if self._file is None:
            return
        from torch.utils.tensorboard.summary import scalar

        values = {"loss": now.loss, "iou": now.iou, "lr": lr, "seconds_a_step": now.seconds, "memory_gb": now.memory}
        for name, (spread, gate) in now.vitals.items():
            values |= {f"{name}_memory/spread": spread, f"{name}_memory/gate": gate}
        if now.marks is not None:
            values |= {f"validation/{name}": value for name, value in now.marks._asdict().items()}
        for name, value in values.items():
            if value == value:  # no loss between two log lines
                self._write(now.step, summary=scalar(name, value))
        self._file.flush()

    def masks(self, step: int, *, frames: Tensor, truth: Tensor, logits: Tensor, texts: list[str]) -> None:
        """Add pictures of up to four samples: frame, true mask (green), the model's (red).

        frames (B, T, 3, S, S) in [-1, 1]; truth, logits (B, T, 1, S, S).
        """
        if self._file is None:
            return
        from torch.utils.tensorboard.summary import image as picture_of
        from torch.utils.tensorboard.summary import text as text_of

        for index, text in enumerate(texts[:4]):
            image = frames[index].float().cpu() * 0.5 + 0.5  # (T, 3, S, S)
            colours = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]).view(2, 1, 3, 1, 1)
            shown = [image]
            for mask, colour in zip((truth[index] > 0.5, logits[index] > 0), colours, strict=True):
                alpha = 0.6 * mask.float().cpu()
                shown.append(image * (1 - alpha) + colour * alpha)
            picture = torch.cat([torch.cat(list(row), dim=2) for row in shown], dim=1)  # (3, 3S, TS)
            self._write(step, summary=picture_of(f"masks/{index}", picture.clamp(0, 1).numpy(), dataformats="CHW"))
            self._write(step, summary=text_of(f"masks/{index}", text))
        self._file.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._file is not None:
            self._file.close()
