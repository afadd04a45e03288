"""Videos in, masks out: any resolution and length, several queries at once, in memory that does not grow with the video.

Legend: N frames of a video, t frames at a time, Q queries, H, W the video's size, S the model's image side.
"""

import contextlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Sized
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from locater.config import AnyConfig, LocaterConfig
from locater.errors import QueryError, VideoError
from locater.session import Eye, Session

SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""The scales of the RVOS challenge (section 5.6)."""

Video = np.ndarray | Iterable[np.ndarray]
_Replay = Callable[[], Iterator[np.ndarray]]


class _Model(Protocol):
    """What is followed: `model.Locater`."""

    training: bool

    @property
    def config(self) -> AnyConfig: ...
    @property
    def device(self) -> torch.device: ...
    def train(self, mode: bool) -> Any: ...
    def start(self, query: str | Sequence[str] | Tensor, *, size: int | None = None) -> Session: ...
    def eye(self) -> Eye: ...
    def glance(self, frames: Tensor) -> Tensor: ...


def segment(model: _Model, video: Video, query: str | Tensor, **options: Any) -> np.ndarray:
    """Return the masks of the referent: bool (N, H, W). The arguments and errors are `stream`'s."""
    return np.stack(list(stream(model, video, query, **options)))


def stream(
    model: _Model, video: Video, query: str | Tensor, *, threshold: float = 0.5, **options: Any
) -> Iterator[np.ndarray]:
    """Yield the referent's mask in each frame, bool (H, W), one by one: where the probability is above `threshold`.

    The other arguments and the errors are `probabilities`'.
    """
    for probability in probabilities(model, video, query, **options):
        yield (probability > threshold).cpu().numpy()


def probabilities(model: _Model, video: Video, query: str | Tensor, **options: Any) -> Iterator[Tensor]:
    """Yield the referent's probability at each pixel of each frame, float32 (H, W) in [0, 1]. As `follow`, of one query."""
    for maps in follow(model, video, [query], **options):
        yield from maps


def follow(
    model: _Model,
    video: Video,
    queries: Sequence[str | Tensor],
    *,
    batch: int = 4,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    wanted: Collection[int] | None = None,
) -> Iterator[list[Tensor]]:
    """Yield for each frame the Q queries' referents: a float32 map (H, W) of probabilities in [0, 1] each.

    video: uint8 (N, H, W, 3), or an iterable of (H, W, 3); grey frames (H, W) or (H, W, 1) become three equal
    channels, an alpha channel is dropped. It is gone through twice, first for the global memory; an iterator that can be
    gone through only once is kept in a temporary file meanwhile. queries: texts, or token ids (1, L) each. The visual
    encoder runs once a video; on a CPU the rest runs query by query and gives the bits of each query alone, elsewhere texts go
    through together. batch: frames encoded together. scales, flip: every scale, as it is and mirrored, is followed on its own
    and their probabilities are averaged; a mirrored video is asked for with left and right swapped. The
    released network knows one scale. wanted: 0-based frames whose maps are asked for; the others yield an empty list.
    Raises `VideoError`, `QueryError`.
    """
    if flip and not all(isinstance(query, str) for query in queries):
        raise QueryError("flip=True needs a text query, to swap left and right in it")
    if any(isinstance(query, Tensor) and query.dim() == 2 and len(query) != 1 for query in queries):
        raise QueryError("token ids are those of one query, (1, L)")
    if not scales or not queries:
        raise VideoError("no scales given" if queries else "no query given")
    training = model.training
    with _replayable(video) as replay, torch.inference_mode():
        model.train(False)
        try:
            ways = [_Way(model, queries, scale, mirrored) for scale in scales for mirrored in (False, True)[: 1 + flip]]
            if model.config.global_size:
                count = len(video) if isinstance(video, Sized) else None
                for frames in _chunks(_sampled(replay, model.config, count), 8):
                    for way in ways:
                        way.remember(frames)
            number = 0
            for frames in _chunks(replay(), batch):
                encoded = [way.encode(frames) for way in ways]
                for index in range(len(frames)):
                    logits = [way.advance(tokens, index) for way, tokens in zip(ways, encoded, strict=True)]
                    maps: list[Tensor] = []
                    if wanted is None or number in wanted:
                        sides = [way.enlarged(own, frames.shape[1:3]) for way, own in zip(ways, logits, strict=True)]
                        maps = [torch.stack(maps).mean(0) for maps in zip(*sides, strict=True)]
                    yield maps
                    number += 1
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
    """One way to look at a video, at one scale, mirrored or not, with every query's session."""

    def __init__(self, model: _Model, queries: Sequence[str | Tensor], scale: float, mirrored: bool) -> None:
        patch = model.config.patch
        self.model, self.mirrored = model, mirrored
        self.size = max(1, round(model.config.image_size * scale / patch)) * patch
        asked = [swap_sides(query) if mirrored and isinstance(query, str) else query for query in queries]
        texts = [query for query in asked if isinstance(query, str)]
        together = model.device.type != "cpu" and len(texts) == len(asked)
        self.sessions = [model.start(group, size=self.size) for group in ([texts] if together else asked)]
        self.eye = model.eye()

    def remember(self, frames: np.ndarray) -> None:
        """Write sampled frames, uint8 (t, H, W, 3), into every session's global memory."""
        for session, tokens in zip(self.sessions, self._fused(self.model.glance(self._prepared(frames))), strict=True):
            session.remember(tokens)

    def encode(self, frames: np.ndarray) -> list[Tensor]:
        """Return every session's V (B, t, N, D) of the next frames, uint8 (t, H, W, 3)."""
        return self._fused(self.eye.look(self._prepared(frames)))

    def advance(self, tokens: list[Tensor], index: int) -> list[Tensor]:
        """Return every query's logits (1, S, S) of frame `index` of `tokens`."""
        steps = [s.advance(own[:, index]) for s, own in zip(self.sessions, tokens, strict=True)]  # (B, 1, S, S) each
        return [logits for step in steps for logits in step.unbind(0)]

    def enlarged(self, logits: list[Tensor], size: tuple[int, ...]) -> list[Tensor]:
        """Return logits (1, S, S) as probabilities (H, W), the mirror undone."""
        corners = self.model.config.variant == "released"
        maps = [torch.sigmoid((own.flip(-1) if self.mirrored else own).float())[None] for own in logits]
        return [F.interpolate(p, tuple(size), mode="bilinear", align_corners=corners)[0, 0] for p in maps]

    def _prepared(self, frames: np.ndarray) -> Tensor:
        out = prepare(frames, self.model.config, size=self.size, device=self.model.device)[None]
        return out.flip(-1) if self.mirrored else out  # (1, t, 3, S, S)

    def _fused(self, seen: Tensor) -> list[Tensor]:
        return [s.fuse(seen.expand(s.batch, -1, -1, -1)) for s in self.sessions]


def prepare(
    frames: np.ndarray, config: AnyConfig, *, size: int | None = None, device: torch.device | str = "cpu"
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


def swap_sides(text: str) -> str:
    """Return the text with left and right exchanged, in words such as "leftmost" too."""
    other = {"left": "right", "right": "left"}

    def swap(match: re.Match[str]) -> str:
        new = other[match[0].lower()]
        return new.upper() if match[0].isupper() else new.title() if match[0].istitle() else new

    return re.sub(r"\b(?:left|right)(?=\b|most|ward|-)", swap, text, flags=re.IGNORECASE)


def _sampled(replay: _Replay, config: AnyConfig, count: int | None) -> Iterator[np.ndarray]:
    """Yield the frames for the global memory in time order, of a video of `count` frames (None: not known yet)."""
    if isinstance(config, LocaterConfig):
        yield from (frame for index, frame in enumerate(replay()) if index % config.interval == 0)
        return
    wanted = config.sampled(sum(1 for _ in replay()) if count is None else count)
    for index, frame in enumerate(replay()):
        for _ in range(wanted.count(index)):
            yield frame
        if index >= wanted[-1]:
            return


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
