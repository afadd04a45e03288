"""SAM 3: the caption's *who* is the concept, and of what it finds, the one that fits the whole caption best.

h, w: the network's masks; H, W: a frame's size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage
from a2dsplus.models.cues import Candidate, named_colours, rank, read_cues
from a2dsplus.models.transformers.adapter import (
    Adapter,
    Rgb,
    Roles,
    batches,
    checked_threshold,
    enlarged,
    pixels,
    silent,
)
from a2dsplus.models.transformers.folder import load_model, load_tokenizer, quiet, read_picture
from a2dsplus.models.transformers.tracked import Prepared, side_of
from a2dsplus.records import Slot

_LENGTH = 32  # tokens that the text encoder knows
_HALF = (0.5, 0.5, 0.5)  # the mean and deviation it was trained with


def concept(text: str, roles: Roles) -> str:
    """Return the caption's first *who* phrase, which `roles/` has cut out, or the caption where there is none."""
    return next((role.phrase for role in roles or () if role.slot == Slot.WHO and role.phrase), text)


@dataclass(slots=True)
class _Track:
    """What one object is through the video: what the cues need, and its logits (h, w) at the wanted frames, 1-based, with its score there."""

    candidate: Candidate = field(default_factory=Candidate)
    logits: dict[int, tuple[npt.NDArray[np.float16], float]] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    support: float = 0.0  # sum over frames of its overlap with what the whole caption finds, times that's score
    shades: list[dict[str, float]] = field(default_factory=list)


class Concept(Adapter):
    """SAM 3 on video: it finds and follows every instance of the concept; silent where none is found.

    The whole caption is a second concept of the same session: what it finds too speaks for a track, beside place, colour and motion.
    `threshold`: the score at which the model begins a track.
    """

    def __init__(self, folder: Path, *, device: str, threshold: float | None, batch: int) -> None:
        self.model = load_model("Sam3VideoModel", folder, device=device)
        self.tokenizer = load_tokenizer(folder)
        self.picture = read_picture(folder, side=side_of(self.model.config.image_size))
        self.device, self.batch = device, batch
        self.threshold = checked_threshold(threshold, float(self.model.new_det_thresh))
        self.model.new_det_thresh = self.threshold
        self.model.score_threshold_detection = min(self.model.score_threshold_detection, self.threshold)

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield (mask, score) of each text in each wanted frame; the texts are followed side by side, each frame is encoded once."""
        asked = list(range(1, video.frames + 1)) if wanted is None else list(wanted)
        if not asked:
            return
        frames = list(video)
        sessions = self._sessions(video, frames, texts, roles)
        tracks: list[dict[int, _Track]] = [{} for _ in texts]
        gone: list[set[int]] = [set() for _ in texts]
        with quiet(), self.computing():
            for index in range(
                video.frames
            ):  # all: which track is the referent's must not depend on which frames are asked for
                for row, session in enumerate(sessions):
                    seen = self.model(session, frame_idx=index)
                    gone[row].update(seen.removed_obj_ids or ())
                    self._note(session, seen, frames[index], index, tracks[row], keep=index + 1 in asked)
        chosen = [
            _chosen(found, removed, text, video) for found, removed, text in zip(tracks, gone, texts, strict=True)
        ]
        for number in asked:
            yield [_answer(video, track, number) for track in chosen]

    def _sessions(
        self, video: Footage, frames: list[Rgb], texts: Sequence[str], roles: Sequence[Roles] | None
    ) -> list[Any]:
        import torch
        from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

        prepared = Prepared(frames, self.picture, device=self.device)
        sessions: list[Any] = []
        for text, said in zip(texts, roles or [None] * len(texts), strict=True):
            session: Any = Sam3VideoInferenceSession(
                video_height=video.height,
                video_width=video.width,
                inference_device=self.device,
                inference_state_device=self.device,
                video_storage_device=self.device,
                dtype=torch.float32,
            )
            session.processed_frames = prepared
            if sessions:
                session.cache = sessions[0].cache
            for prompt in (concept(text, said), text):
                number = session.add_prompt(prompt)
                tokens = _tokens(self.tokenizer, prompt, self.device)
                session.prompt_input_ids[number] = tokens["input_ids"]
                session.prompt_attention_masks[number] = tokens["attention_mask"]
            sessions.append(session)
        return sessions

    def _note(self, session: Any, seen: Any, frame: Rgb, index: int, tracks: dict[int, _Track], *, keep: bool) -> None:
        """Add a frame's objects to the tracks of the concept, and what the whole caption finds as their support."""
        hidden = set(seen.suppressed_obj_ids or ())
        shown = {number: mask for number, mask in (seen.obj_id_to_mask or {}).items() if number not in hidden}
        inside = {number: (mask[0] > 0).cpu().numpy() for number, mask in shown.items()}
        whole = len(session.prompts) - 1  # the caption's; the concept's too, where the caption is nothing but its *who*
        for number, mask in inside.items():
            if session.obj_id_to_prompt_id.get(number) != 0 or not mask.any():
                continue
            track = tracks.setdefault(number, _Track())
            score = float(seen.obj_id_to_score.get(number, 0.0))
            _look(track, mask, frame, index, score)
            track.support += max(
                (
                    _overlap(mask, other) * float(seen.obj_id_to_score.get(rival, 0.0))
                    for rival, other in inside.items()
                    if session.obj_id_to_prompt_id.get(rival) == whole
                ),
                default=0.0,
            )
            if keep:
                there = (seen.obj_id_to_tracker_score or {}).get(number, 1.0)
                track.logits[index + 1] = (shown[number][0].half().cpu().numpy(), score * float(there))


class ConceptFrames(Adapter):
    """SAM 3 on pictures: each wanted frame by itself."""

    def __init__(self, folder: Path, *, device: str, threshold: float | None, batch: int) -> None:
        self.model = load_model("Sam3Model", folder, device=device)
        self.tokenizer = load_tokenizer(folder)
        self.picture = read_picture(folder, side=side_of(self.model.config.image_size))
        self.device, self.batch = device, batch
        self.threshold = checked_threshold(threshold, 0.5)

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield (mask, score) of each text in each wanted frame; each frame is encoded once."""
        said = roles or [None] * len(texts)
        for frames in batches(video, wanted, self.batch):
            with self.computing():
                looked = self.model.get_vision_features(pixel_values=pixels(frames, self.picture, device=self.device))
                found = [
                    (
                        self._instances(looked, concept(text, role), len(frames)),
                        self._instances(looked, text, len(frames)),
                    )
                    for text, role in zip(texts, said, strict=True)
                ]
            for index, frame in enumerate(frames):
                yield [
                    self._best(video, frame, whos[index], wholes[index], text)
                    for text, (whos, wholes) in zip(texts, found, strict=True)
                ]

    def _instances(self, looked: Any, prompt: str, count: int) -> list[tuple[Any, npt.NDArray[np.float32]]]:
        """Return, a frame, the logits (n, h, w) and scores (n,) of what a prompt finds above the threshold."""
        tokens = _tokens(self.tokenizer, prompt, self.device)
        repeated = {name: tokens[name].expand(count, -1) for name in ("input_ids", "attention_mask")}
        seen = self.model(vision_embeds=looked, **repeated)
        # a proposal's score counts as far as the concept is in the frame at all
        scores = seen.pred_logits.float().sigmoid() * seen.presence_logits.float().sigmoid()  # (B, n)
        kept = scores >= self.threshold
        return [(seen.pred_masks[i][kept[i]].float(), scores[i][kept[i]].cpu().numpy()) for i in range(count)]

    def _best(
        self,
        video: Footage,
        frame: Rgb,
        who: tuple[Any, npt.NDArray[np.float32]],
        whole: tuple[Any, npt.NDArray[np.float32]],
        text: str,
    ) -> tuple[Mask, float]:
        tracks: dict[int, _Track] = {}
        others = (whole[0] > 0).cpu().numpy()
        for number, (logits, score) in enumerate(zip(*who, strict=True)):
            mask = (logits > 0).cpu().numpy()
            if mask.any():
                track = tracks[number] = _Track(logits={1: (logits.half().cpu().numpy(), float(score))})
                _look(track, mask, frame, 0, float(score))
                track.support = max(
                    (_overlap(mask, other) * float(rival) for other, rival in zip(others, whole[1], strict=True)),
                    default=0.0,
                )
        return _answer(video, _chosen(tracks, set(), text, video), 1)


def _tokens(tokenizer: Any, prompt: str, device: str) -> Any:
    return tokenizer(prompt, padding="max_length", truncation=True, max_length=_LENGTH, return_tensors="pt").to(device)


def _look(track: _Track, mask: Mask, frame: Rgb, index: int, score: float) -> None:
    """Add what the cues need of a frame: box and colours. mask: (h, w), over the whole of frame (H, W, 3)."""
    down, across = frame.shape[0] / mask.shape[0], frame.shape[1] / mask.shape[1]
    rows, columns = np.nonzero(mask)
    box = (columns.min() * across, rows.min() * down, (columns.max() + 1) * across, (rows.max() + 1) * down)
    before = track.candidate.boxes
    if before:
        last = max(before)
        track.candidate.moves[index] = (
            (box[0] + box[2] - before[last][0] - before[last][2]) / 2 / (index - last),
            (box[1] + box[3] - before[last][1] - before[last][3]) / 2 / (index - last),
        )
    before[index] = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    track.scores.append(score)
    track.shades.append(named_colours(frame[(rows * down).astype(int), (columns * across).astype(int)]))


def _chosen(tracks: dict[int, _Track], gone: set[int], text: str, video: Footage) -> _Track | None:
    """Return the track that fits the caption best, None where there is none."""
    kept = [track for number, track in sorted(tracks.items()) if number not in gone]
    if not kept:
        return None
    for track in kept:
        seen = len(track.scores)
        # the concept's own score, and what the whole caption's adds
        track.candidate.score = 0.5 * float(np.mean(track.scores)) + 0.5 * track.support / seen
        names = {name for shade in track.shades for name in shade}
        track.candidate.colours = {
            name: float(np.mean([shade.get(name, 0) for shade in track.shades])) for name in names
        }
    candidates = [track.candidate for track in kept]
    ranks = rank(candidates, read_cues(text), height=video.height, width=video.width, frames=video.frames)
    return kept[int(np.argmax(ranks))]


def _answer(video: Footage, track: _Track | None, number: int) -> tuple[Mask, float]:
    import torch

    if track is None or number not in track.logits:
        return silent(video, 0.0)
    logits, score = track.logits[number]
    mask = (enlarged(torch.from_numpy(logits)[None], video)[0] > 0).numpy()
    return mask, score if mask.any() else 1 - score


def _overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))
