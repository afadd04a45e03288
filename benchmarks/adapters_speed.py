"""What the adapters of `--model transformers` cost beside the library's own calls, on tiny randomly initialised folders.

    python benchmarks/adapters_speed.py [--frames N] [--repeats N]

Each adapter goes through a video as `baseline` has it; beside it a plain loop makes the same library calls on the same frames: processor,
network, and the library's own turning of the output into masks where there is one that needs no torchvision. Processor time, one thread,
the least of the repeats, in turns. Tiny networks make the share of what is ours as large as it can be: published ones cost hundreds of
times more a frame.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from a2dsplus.models.transformers import Transformers
from a2dsplus.models.transformers.adapter import pixels
from tests.models.transformers.tiny_folders import save

TEXT, BATCH = "a man in red is running on the left", 8


class Video:
    """Noise of the size of an A2D clip."""

    sample_id, height, width = "noise", 320, 400

    def __init__(self, frames: int) -> None:
        self.frames = frames
        rng = np.random.default_rng(0)
        self._frames = [rng.integers(0, 255, (20, 25, 3), np.uint8).repeat(16, 0).repeat(16, 1) for _ in range(frames)]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._frames)


def batches(video: Video) -> Iterator[list[np.ndarray]]:
    """Yield the frames, BATCH together."""
    frames = list(video)
    for start in range(0, len(frames), BATCH):
        yield frames[start : start + BATCH]


def plain_clipseg(adapter: Any, video: Video) -> Iterator[np.ndarray]:
    """Two prompts a frame by `model(...)`, as the library's examples have it; the better prompt of each pixel."""
    tokens = adapter.tokenizer([TEXT, "background"], padding=True, return_tensors="pt")
    for frames in batches(video):
        inputs = adapter.processor(images=frames, return_tensors="pt")["pixel_values"]
        rows = [
            adapter.model(
                input_ids=tokens["input_ids"][row].repeat(len(frames), 1),
                attention_mask=tokens["attention_mask"][row].repeat(len(frames), 1),
                pixel_values=inputs,
            ).logits
            for row in range(2)
        ]
        logits = F.interpolate(torch.stack(rows, 1), (video.height, video.width), mode="bilinear")
        yield from (logits[:, 0] > logits[:, 1]).numpy()


def plain_boxes(adapter: Any, video: Video) -> Iterator[np.ndarray]:
    """The detector's inputs, its call, and the library's post-processing; the best box drawn."""
    from transformers import GroundingDinoProcessor, Owlv2Processor

    detector = adapter.detector
    for frames in batches(video):
        sizes = [(video.height, video.width)] * len(frames)
        name = type(detector).__name__
        if name == "Owlv2":
            outputs = detector.model(**detector.inputs(frames, [TEXT]))
            processor = Owlv2Processor(image_processor=detector.processor, tokenizer=detector.tokenizer)
            found = processor.post_process_grounded_object_detection(outputs, threshold=0.0, target_sizes=sizes)
        elif name == "GroundingDino":
            tokens = detector.tokens(TEXT, len(frames))
            outputs = detector.model(**detector.processor(images=frames, return_tensors="pt"), **tokens)
            processor = GroundingDinoProcessor(image_processor=detector.processor, tokenizer=detector.tokenizer)
            found = processor.post_process_grounded_object_detection(
                outputs, tokens["input_ids"], threshold=0.0, target_sizes=sizes
            )
        else:  # OmDet-Turbo's post-processing needs torchvision: the scores and boxes as they are
            inputs = detector.processor(images=frames, return_tensors="pt")["pixel_values"]
            outputs = detector.model(pixel_values=inputs, **detector.tokens(TEXT, len(frames)))
            scale = torch.tensor([video.width, video.height] * 2)
            x, y, w, h = (outputs.decoder_coord_logits * scale).unbind(-1)
            corners = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1)
            scores = outputs.decoder_class_logits[..., 0].sigmoid()
            found = [{"scores": s, "boxes": b} for s, b in zip(scores, corners, strict=True)]
        for result in found:
            left, top, right, bottom = result["boxes"][result["scores"].argmax()].round().int().tolist()
            mask = np.zeros((video.height, video.width), bool)
            mask[max(0, top) : bottom, max(0, left) : right] = True
            yield mask


def plain_tracked(adapter: Any, video: Video) -> Iterator[np.ndarray]:
    """The detector over every 8th frame, the library's `propagate_in_video_iterator` forwards and back over all frames prepared at once."""
    frames = list(video)
    best = (-1.0, 0, np.zeros(4, np.float32))
    looked = list(range(0, len(frames), 8))
    for start in range(0, len(looked), BATCH):
        part = looked[start : start + BATCH]
        boxes, scores = adapter.detector.best([frames[index] for index in part], [TEXT])
        for place, index in enumerate(part):
            if scores[0, place] > best[0]:
                best = (float(scores[0, place]), index, boxes[0, place])
    prepared = torch.cat([pixels([frame], adapter.picture, device="cpu") for frame in frames])
    session = adapter._session(video=prepared, video_height=video.height, video_width=video.width, dtype=torch.float32)
    side = adapter.picture.side
    corners = torch.from_numpy(best[2] * np.array([side / video.width, side / video.height] * 2, np.float32))
    points = {"point_coords": corners.view(1, 1, 2, 2), "point_labels": torch.tensor([[[2, 3]]], dtype=torch.int32)}
    session.add_point_inputs(session.obj_id_to_idx(1), best[1], points)
    session.obj_with_new_inputs = [1]
    masks = {}
    for reverse in (False, True):
        for seen in adapter.model.propagate_in_video_iterator(session, start_frame_idx=best[1], reverse=reverse):
            logits = F.interpolate(seen.pred_masks.float(), (video.height, video.width), mode="bilinear")
            masks.setdefault(seen.frame_idx, (logits[0, 0] > 0).numpy())
    yield from (masks[index] for index in sorted(masks))


def plain_concept(adapter: Any, video: Video) -> Iterator[np.ndarray]:
    """The library's forward frame by frame with the same two prompts; every object enlarged."""
    session = adapter._sessions(video, list(video), [TEXT], [None])[0]
    for index in range(video.frames):
        seen = adapter.model(session, frame_idx=index)
        found = list((seen.obj_id_to_mask or {}).values())
        mask = np.zeros((video.height, video.width), bool)
        if found:
            logits = F.interpolate(torch.cat(found)[:, None].float(), (video.height, video.width), mode="bilinear")
            mask = (logits[:, 0] > 0).numpy()[0]
        yield mask


def plain_concept_frames(adapter: Any, video: Video) -> Iterator[np.ndarray]:
    """The library's call a batch; every instance above the threshold enlarged, as its post-processing does."""
    tokens = adapter.tokenizer(TEXT, padding="max_length", truncation=True, max_length=32, return_tensors="pt")
    for frames in batches(video):
        looked = adapter.model.get_vision_features(pixel_values=pixels(frames, adapter.picture, device="cpu"))
        for _ in range(2):  # the concept and the whole caption, as the adapter asks
            seen = adapter.model(
                vision_embeds=looked,
                **{name: tokens[name].expand(len(frames), -1) for name in ("input_ids", "attention_mask")},
            )
        scores = seen.pred_logits.sigmoid() * seen.presence_logits.sigmoid()
        for index in range(len(frames)):
            kept = seen.pred_masks[index][scores[index] >= adapter.threshold]
            mask = np.zeros((video.height, video.width), bool)
            if len(kept):
                mask = (F.interpolate(kept[:, None].float(), (video.height, video.width), mode="bilinear") > 0).numpy()[
                    0, 0
                ]
            yield mask


PLAIN: dict[str, Callable[[Any, Video], Iterator[np.ndarray]]] = {
    "clipseg": plain_clipseg,
    "owlv2": plain_boxes,
    "grounding-dino": plain_boxes,
    "omdet-turbo": plain_boxes,
    "sam2_video": plain_tracked,
    "edgetam_video": plain_tracked,
    "sam3": plain_concept_frames,
    "sam3_video": plain_concept,
}


def seconds(masks: Callable[[], Iterator[Any]]) -> float:
    """Return the processor time that going through an iterator takes."""
    start = time.process_time()
    for _ in masks():
        pass
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--kinds", default=",".join(PLAIN))
    options = parser.parse_args()
    torch.set_num_threads(1)
    video = Video(options.frames)
    print(f"{'model':16}{'frames/s':>10}{'plain':>10}{'overhead':>10}")
    with tempfile.TemporaryDirectory() as root:
        save("owlv2", Path(root) / "detector")
        for kind in options.kinds.split(","):
            folder = save(kind, Path(root) / kind)
            behind = kind in ("sam2_video", "edgetam_video")
            model = Transformers(
                checkpoint=Path(root) / "detector" if behind else folder,
                segmenter=folder if behind else None,
                device="cpu",
                threshold=0.15,
                batch=BATCH,
            )
            ours, plain = [], []
            with torch.inference_mode():
                for _ in range(options.repeats):
                    ours.append(seconds(lambda model=model: model.segment(video, TEXT)))
                    plain.append(seconds(lambda model=model, kind=kind: PLAIN[kind](model._adapter, video)))
            best, other = min(ours), min(plain)
            print(
                f"{kind:16}{video.frames / best:10.1f}{video.frames / other:10.1f}{best / other - 1:+10.1%}", flush=True
            )


if __name__ == "__main__":
    main()
