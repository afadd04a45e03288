"""CLIPSeg: each frame by itself, the caption against a background prompt.

P prompts, B frames, H, W a frame's size.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from a2dsplus.media.masks import Mask
from a2dsplus.models import Footage
from a2dsplus.models.transformers.adapter import Adapter, Rgb, Roles, batches, checked_threshold, enlarged, silent
from a2dsplus.models.transformers.folder import load_model, load_processor, load_tokenizer

_BACKGROUND = "background"
_LEAST_AREA = 0.002  # of the frame: smaller components are specks


class ClipSeg(Adapter):
    """Where the caption's logit is above the background prompt's, the connected component with the greatest mean probability."""

    def __init__(self, folder: Path, *, device: str, threshold: float | None, batch: int) -> None:
        self.model = load_model("CLIPSegForImageSegmentation", folder, device=device)
        self.tokenizer = load_tokenizer(folder)
        self.processor = load_processor("ViTImageProcessorPil", folder)
        self.device, self.batch = device, batch
        self.threshold = checked_threshold(threshold, 0.3)

    def segment_all(
        self,
        video: Footage,
        texts: Sequence[str],
        *,
        wanted: Sequence[int] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[list[tuple[Mask, float]]]:
        """Yield (mask, confidence) of each text in each wanted frame; confidence: the component's mean probability."""
        with self.computing():
            prompts = self.embed([*texts, _BACKGROUND])
        for frames in batches(video, wanted, self.batch):
            with self.computing():
                logits = self.logits(frames, prompts)  # (P, B, h, w)
                captions, background = logits[:-1].flatten(0, 1), logits[-1]
                caption = enlarged(captions, video).unflatten(0, (len(texts), len(frames)))  # (P - 1, B, H, W)
                inside = (caption > enlarged(background, video)).cpu().numpy()
                probabilities = caption[..., ::2, ::2].sigmoid().cpu().numpy()  # where components are looked for
            for index in range(len(frames)):
                yield [self._answer(video, inside[row, index], probabilities[row, index]) for row in range(len(texts))]

    def embed(self, prompts: Sequence[str]) -> Any:
        """Return the prompts' embeddings (P, D)."""
        tokens = self.tokenizer(list(prompts), padding=True, truncation=True, return_tensors="pt").to(self.device)
        return self.model.get_conditional_embeddings(
            batch_size=len(prompts), input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        )

    def logits(self, frames: Sequence[Rgb], prompts: Any) -> Any:
        """Return the logits of each prompt in each frame, (P, B, h, w); what `model(...)` gives, with the frames encoded once for all prompts."""
        inputs = self.processor(images=list(frames), return_tensors="pt")["pixel_values"].to(
            self.device
        )  # (B, 3, s, s)
        seen = self.model.clip.vision_model(inputs, output_hidden_states=True, interpolate_pos_encoding=True)
        # the hidden states begin with the embeddings, hence + 1
        activations = [seen.hidden_states[layer + 1] for layer in self.model.extract_layers]
        rows = [self.model.decoder(activations, prompt.expand(len(frames), -1)).logits for prompt in prompts]
        return _stacked([row.reshape(len(frames), *row.shape[-2:]) for row in rows])

    def _answer(self, video: Footage, inside: Mask, values: np.ndarray) -> tuple[Mask, float]:
        """Return the component of a map (H, W) with the greatest mean probability.

        `values`: the probabilities of every other row and column, on which components are found.
        """
        coarse = np.ascontiguousarray(inside[::2, ::2])
        count, labels, stats, _ = cv2.connectedComponentsWithStats(coarse.view(np.uint8), ltype=cv2.CV_16U)
        best, score = 0, float(values.max()) if count < 2 else 0.0
        for component in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= _LEAST_AREA * coarse.size):
            if component:  # 0 is what lies outside
                left, top, width, height, area = stats[component]
                box = slice(top, top + height), slice(left, left + width)
                mean = float(values[box].sum(where=labels[box] == component)) / int(area)
                if mean > score:
                    best, score = int(component), mean
        if not best or score < self.threshold:
            return silent(video, score)
        if count == 2:
            return inside, score
        around = cv2.dilate((labels == best).view(np.uint8), np.ones((3, 3), np.uint8))
        return inside & around.repeat(2, 0).repeat(2, 1)[: inside.shape[0], : inside.shape[1]].view(bool), score


def _stacked(rows: list[Any]) -> Any:
    """Return tensors stacked along a new first axis."""
    import torch

    return torch.stack(rows)
