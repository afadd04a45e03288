"""Videos in, masks out: any resolution and length, in memory that does not grow with the video.

Legend: N frames of a video, t frames at a time, H, W its size, S the model's image side.
"""

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from locater.config import LocaterConfig
from locater.errors import QueryError, VideoError

SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""The scales of the RVOS challenge (section 5.6)."""

Video = np.ndarray | Iterable[np.ndarray]
_Replay = Callable[[], Iterator[np.ndarray]]


class Follower(Protocol):
    """What is asked of `model.Session`: one query followed through one video."""

    def encode(self, frames: Tensor) -> Tensor:
        """frames (B, T, 3, S, S) -> V (B, T, N, D)."""
        ...

    def advance(self, tokens: Tensor) -> Tensor:
        """tokens (B, N, D) -> logits (B, 1, S, S)."""
        ...


class Segmenter(Protocol):
    """What is asked of `model.Locater`, which imports this module and not the other way about."""

    config: LocaterConfig
    training: bool

    @property
    def device(self) -> torch.device:
        """Where frames go."""
        ...

    def start(self, query: str | Tensor, global_frames: Iterable[Tensor], *, size: int) -> Follower:
        """Return a follower of the query in frames of side `size`; global_frames: chunks (1, T, 3, S, S)."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Switch training mode on or off."""
        ...


def segment(model: Segmenter, video: Video, query: str | Tensor, **options: Any) -> np.ndarray:
    """Return the masks of the referent: bool (N, H, W). The arguments and errors are `stream`'s."""
    return np.stack(list(stream(model, video, query, **options)))


def stream(
    model: Segmenter, video: Video, query: str | Tensor, *, threshold: float = 0.5, **options: Any
) -> Iterator[np.ndarray]:
    """Yield the referent's mask in each frame, bool (H, W), one by one: where the probability is above `threshold`.

    The other arguments and the errors are `probabilities`'.
    """
    for probability in probabilities(model, video, query, **options):
        yield (probability > threshold).cpu().numpy()


def probabilities(
    model: Segmenter,
    video: Video,
    query: str | Tensor,
    *,
    batch: int = 4,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
) -> Iterator[Tensor]:
    """Yield the referent's probability at each pixel of each frame, float32 (H, W) in [0, 1], one by one.

    video: uint8 (N, H, W, 3), or an iterable of (H, W, 3); grey frames (H, W) or (H, W, 1) become three equal
    channels, an alpha channel is dropped. It is gone through twice, first for the global memory; an iterator that can be
    gone through only once is kept in a temporary file meanwhile. query: one text, or token ids (1, L).
    batch: frames encoded together. scales, flip: every scale, as it is and mirrored, is followed on its own
    and their probabilities are averaged; a mirrored video is asked for with left and right swapped. The
    released network knows one scale. Raises `VideoError`, `QueryError`.
    """
    if flip and not isinstance(query, str):
        raise QueryError("flip=True needs a text query, to swap left and right in it")
    if isinstance(query, Tensor) and query.dim() == 2 and len(query) != 1:
        raise QueryError(f"segment follows one query, got {len(query)}")
    ways = [_Way(model, scale, mirrored) for scale in scales for mirrored in ((False, True) if flip else (False,))]
    if not ways:
        raise VideoError("no scales given")
    training = model.training
    with _replayable(video) as replay, torch.inference_mode():
        model.train(False)
        try:
            sessions = [way.start(query, replay) for way in ways]
            for frames in _chunks(replay(), batch):
                encoded = [s.encode(way.prepare(frames)[None])[0] for way, s in zip(ways, sessions, strict=True)]
                for index in range(len(frames)):
                    size = frames.shape[1:3]
                    maps = [
                        way.probability(session.advance(tokens[index : index + 1]), size)
                        for way, session, tokens in zip(ways, sessions, encoded, strict=True)
                    ]
                    yield torch.stack(maps).mean(0)
        finally:
            model.train(training)


def confidence(probability: Tensor, mask: np.ndarray) -> float:
    """Return how sure the model is of a frame's mask, in [0, 1]: the IoU to be expected, which is what average precision ranks by.

    probability (H, W); mask, made of it, bool (H, W). Expected intersection by expected union, as if each pixel were the referent's as
    often as its probability says: sum of p inside / (pixels inside + sum of p outside). Of an empty mask, 1 - the greatest probability.
    """
    if not mask.any():
        return 1 - float(probability.max())
    inside = probability[torch.from_numpy(mask).to(probability.device)]
    intersection = inside.sum()
    return float(intersection / (len(inside) + probability.sum() - intersection))


class _Way:
    """One way to look at a video: at one scale, mirrored or not."""

    def __init__(self, model: Segmenter, scale: float, mirrored: bool) -> None:
        patch = model.config.patch
        self.model = model
        self.mirrored = mirrored
        self.size = max(1, round(model.config.image_size * scale / patch)) * patch

    def start(self, query: str | Tensor, replay: _Replay) -> Follower:
        """Return a session whose global memory has seen the video's sampled frames."""
        asked = swap_sides(query) if self.mirrored and isinstance(query, str) else query
        chosen = _sampled(replay, self.model.config) if self.model.config.global_size else iter(())
        chunks = (self.prepare(frames)[None] for frames in _chunks(chosen, 8))
        return self.model.start(asked, chunks, size=self.size)

    def prepare(self, frames: np.ndarray) -> Tensor:
        """uint8 (t, H, W, 3) -> (t, 3, S, S) on the model's device."""
        out = prepare(frames, self.model.config, size=self.size, device=self.model.device)
        return out.flip(-1) if self.mirrored else out

    def probability(self, logits: Tensor, size: tuple[int, ...]) -> Tensor:
        """logits (1, 1, S, S) -> (H, W) in [0, 1]."""
        logits = logits.flip(-1) if self.mirrored else logits
        corners = self.model.config.variant == "released"
        p = F.interpolate(torch.sigmoid(logits.float()), tuple(size), mode="bilinear", align_corners=corners)
        return p[0, 0]


def prepare(
    frames: np.ndarray, config: LocaterConfig, *, size: int | None = None, device: torch.device | str = "cpu"
) -> Tensor:
    """Return frames as the network takes them: uint8 (t, H, W, 3) -> float32 (t, 3, S, S) in [-1, 1].

    The aspect ratio is not kept. `released` resizes as its evaluation does, corners aligned and without a low-pass
    filter; `paper` with one.
    """
    x = torch.from_numpy(np.ascontiguousarray(frames)).to(device).permute(0, 3, 1, 2).float() / 255
    side = size or config.image_size
    if config.variant == "released":
        x = F.interpolate(x, (side, side), mode="bilinear", align_corners=True)
    elif x.shape[-2:] != (side, side):
        x = F.interpolate(x, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return x * 2 - 1


def sampled_indices(count: int, config: LocaterConfig) -> list[int]:
    """Return which of `count` frames (0-based) the global memory is made of.

    `paper`: every `interval`-th. `released`: `global_frames` of them, step = floor(count / n) apart, the first
    (1-based) floor((1 + step) / 2); in a shorter video the same frame may come twice.
    """
    if config.variant == "paper":
        return list(range(0, count, config.interval))
    step = count // config.global_frames
    numbers = [(1 + step) // 2 + index * step for index in range(config.global_frames)]
    return [min(max(number, 1), count) - 1 for number in numbers]


def swap_sides(text: str) -> str:
    """Return the text with left and right exchanged, in words such as "leftmost" too."""
    other = {"left": "right", "right": "left"}

    def swap(match: re.Match[str]) -> str:
        new = other[match[0].lower()]
        return new.upper() if match[0].isupper() else new.title() if match[0].istitle() else new

    return re.sub(r"\b(?:left|right)(?=\b|most|ward|-)", swap, text, flags=re.IGNORECASE)


def _sampled(replay: _Replay, config: LocaterConfig) -> Iterator[np.ndarray]:
    """Yield the frames for the global memory in time order."""
    if config.variant == "paper":
        yield from (frame for index, frame in enumerate(replay()) if index % config.interval == 0)
        return
    wanted = sampled_indices(sum(1 for _ in replay()), config)
    for index, frame in enumerate(replay()):
        for _ in range(wanted.count(index)):
            yield frame


def _chunks(frames: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Yield the frames stacked, at most `size` together."""
    held: list[np.ndarray] = []
    for frame in frames:
        held.append(frame)
        if len(held) == size:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)


@contextlib.contextmanager
def _replayable(video: Video) -> Iterator[_Replay]:
    """Give a function that starts the video's checked frames again and again."""
    if isinstance(video, np.ndarray) and video.ndim == 3 and video.shape[-1] in (3, 4):
        raise VideoError(f"video: shape {video.shape} looks like one frame; expected (N, H, W, 3)")
    if not isinstance(video, np.ndarray) and iter(video) is video:
        with tempfile.TemporaryFile() as kept:
            shape: tuple[int, ...] = ()
            for frame in _checked(video):
                shape = frame.shape
                kept.write(frame.tobytes())

            def again() -> Iterator[np.ndarray]:
                kept.seek(0)
                while block := kept.read(int(np.prod(shape))):
                    yield np.frombuffer(block, np.uint8).reshape(shape)

            yield again
        return
    yield lambda: _checked(video)


def _checked(video: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the frames as uint8 (H, W, 3). Raises `VideoError` for other types, sizes that change, or no frame."""
    first: tuple[int, ...] | None = None
    for index, raw in enumerate(video):
        frame = np.asarray(raw)
        if frame.dtype != np.uint8:
            raise VideoError(f"frame {index + 1}: {frame.dtype}, expected uint8 values 0 to 255")
        if frame.ndim == 2:
            frame = frame[..., None]
        if frame.ndim != 3 or frame.shape[-1] not in (1, 3, 4) or not frame.size:
            raise VideoError(f"frame {index + 1}: shape {np.shape(raw)}, expected (H, W, 3), grey or RGBA")
        frame = frame.repeat(3, axis=-1) if frame.shape[-1] == 1 else frame[..., :3]
        if first is not None and frame.shape != first:
            raise VideoError(
                f"frame {index + 1}: {frame.shape[1]} x {frame.shape[0]}, the first is {first[1]} x {first[0]}"
            )
        first = frame.shape
        yield frame
    if first is None:
        raise VideoError("the video has no frames")
