"""Detectors that a text prompts: of each frame the box that fits the caption best.

B frames, T texts, Q the detector's proposals, H, W a frame's size.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from a2dsplus.models.transformers.adapter import Rgb
from a2dsplus.models.transformers.folder import load_model, load_processor, load_tokenizer


class Detector(Protocol):
    """What finds a caption's box. `threshold`: the score below which its library calls a box none."""

    threshold: float

    def best(
        self, frames: Sequence[Rgb], texts: Sequence[str]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the best box of each text in each frame, (T, B, 4) as (left, top, right, bottom) in pixels, and its score in [0, 1], (T, B)."""
        ...


class Owlv2:
    """OWLv2: all texts at once. It knows 16 tokens: what a caption has beyond them is cut off."""

    threshold = 0.1

    def __init__(self, folder: Path, *, device: str) -> None:
        self.model = load_model("Owlv2ForObjectDetection", folder, device=device)
        self.tokenizer = load_tokenizer(folder)
        self.processor = load_processor("Owlv2ImageProcessorPil", folder)
        self.device = device
        self._length = self.model.config.text_config.max_position_embeddings

    def best(
        self, frames: Sequence[Rgb], texts: Sequence[str]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the best box of each text in each frame and its score; see `Detector`."""
        outputs = self.model(**self.inputs(frames, texts))
        height, width = frames[0].shape[:2]
        side = max(height, width)  # the processor pads to a square
        scores = outputs.logits.sigmoid().permute(2, 0, 1)  # (B, Q, T) -> (T, B, Q)
        return _best(scores, outputs.pred_boxes.expand(len(texts), -1, -1, -1), height, width, scale=(side, side))

    def inputs(self, frames: Sequence[Rgb], texts: Sequence[str]) -> dict[str, Any]:
        """Return what the model's call takes."""
        tokens = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self._length, return_tensors="pt"
        ).to(self.device)
        pictures = self.processor(images=list(frames), return_tensors="pt")["pixel_values"].to(self.device)
        repeated = {name: tokens[name].repeat(len(frames), 1) for name in ("input_ids", "attention_mask")}
        return {**repeated, "pixel_values": pictures}


class GroundingDino:
    """Grounding DINO and MM Grounding DINO: one text at a time, which the network fuses with the frame."""

    threshold = 0.25

    def __init__(self, folder: Path, *, device: str, name: str = "GroundingDinoForObjectDetection") -> None:
        self.model = load_model(name, folder, device=device)
        self.tokenizer = load_tokenizer(folder)
        self.processor = load_processor("GroundingDinoImageProcessorPil", folder)
        self.device = device

    def best(
        self, frames: Sequence[Rgb], texts: Sequence[str]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the best box of each text in each frame and its score (its best word's, as the library has it); see `Detector`."""
        height, width = frames[0].shape[:2]
        pictures = self.processor(images=list(frames), return_tensors="pt").to(self.device)
        found = []
        for text in texts:
            outputs = self.model(**pictures, **self.tokens(text, len(frames)))
            scores = outputs.logits.float().sigmoid().amax(-1)[None]  # (B, Q, words) -> (1, B, Q)
            found.append(_best(scores, outputs.pred_boxes[None], height, width, scale=(height, width)))
        return np.concatenate([boxes for boxes, _ in found]), np.concatenate([scores for _, scores in found])

    def tokens(self, text: str, count: int) -> dict[str, Any]:
        """Return a text's tokens, once a frame; the model was trained on phrases in lower case that end in a dot."""
        phrase = text.lower().replace(".", " ").strip() + "."
        tokens = self.tokenizer(
            [phrase] * count,
            return_token_type_ids=True,
            truncation=True,
            max_length=self.model.config.max_text_len,
            return_tensors="pt",
        )
        return dict(tokens.to(self.device))


class OmDetTurbo:
    """OmDet-Turbo: one text at a time, as its class and its task."""

    threshold = 0.3

    def __init__(self, folder: Path, *, device: str) -> None:
        self.model = load_model("OmDetTurboForObjectDetection", folder, device=device)
        self.tokenizer = load_tokenizer(folder)
        self.processor = load_processor("DetrImageProcessorPil", folder)
        self.device = device

    def best(
        self, frames: Sequence[Rgb], texts: Sequence[str]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the best box of each text in each frame and its score; see `Detector`."""
        height, width = frames[0].shape[:2]
        pictures = self.processor(images=list(frames), return_tensors="pt")["pixel_values"].to(self.device)
        found = []
        for text in texts:
            outputs = self.model(pixel_values=pictures, **self.tokens(text, len(frames)))
            scores = outputs.decoder_class_logits[..., 0].sigmoid()[None]  # (B, Q, classes) -> (1, B, Q)
            found.append(_best(scores, outputs.decoder_coord_logits[None], height, width, scale=(height, width)))
        return np.concatenate([boxes for boxes, _ in found]), np.concatenate([scores for _, scores in found])

    def tokens(self, text: str, count: int) -> dict[str, Any]:
        """Return a text's tokens as the one class of each frame, and its task's."""
        import torch

        limits = {"padding": "max_length", "truncation": True, "max_length": 77, "return_token_type_ids": False}
        classes = self.tokenizer([text] * count, return_tensors="pt", **limits).to(self.device)
        tasks = self.tokenizer([f"Detect {text}."] * count, return_tensors="pt", **limits).to(self.device)
        return {
            "classes_input_ids": classes["input_ids"],
            "classes_attention_mask": classes["attention_mask"],
            "tasks_input_ids": tasks["input_ids"],
            "tasks_attention_mask": tasks["attention_mask"],
            "classes_structure": torch.ones(count, dtype=torch.long, device=self.device),
        }


def _best(
    scores: Any, boxes: Any, height: int, width: int, *, scale: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """scores (T, B, Q), boxes (T, B, Q, 4) as (centre x, centre y, width, height) in 0..1 -> the best of each, in pixels, within the frame."""
    scores, boxes = scores.float().cpu().numpy(), boxes.float().cpu().numpy()
    place = scores.argmax(-1)  # (T, B)
    score = np.take_along_axis(scores, place[..., None], -1)[..., 0]
    x, y, w, h = np.moveaxis(np.take_along_axis(boxes, place[..., None, None], -2)[..., 0, :], -1, 0)
    corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1) * np.array(
        [scale[1], scale[0]] * 2, np.float32
    )
    return np.clip(corners, 0, np.array([width, height] * 2, np.float32)), score
