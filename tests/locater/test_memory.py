"""What the shipped checkpoints are for: memory answers what one frame cannot (sections 1 and 5.5 of the paper, on the painted world)."""

import json
from pathlib import Path

import numpy as np

import locater
from a2dsplus.media.clips import decode, to_rgb
from a2dsplus.models.training_data import open_training
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.world import paint_world

WEIGHTS = Path(locater.__file__).parent / "weights"


def test_memory_tells_look_alikes_apart_before_they_part(tmp_path: Path) -> None:
    root = tmp_path / "world"
    paint_world(root, seed=5, splits=["test"], test_videos=30)  # videos that no training saw
    about = json.loads((root / "procedural.json").read_text())
    examples, _ = open_training(root, split="test", size=80, every=1)
    source = A2dSource(root)
    scores: dict[str, list[float]] = {"tiny": [], "tiny-img": []}
    for name, found in scores.items():
        model = locater.checkpoint.load(WEIGHTS / f"{name}.safetensors")
        for example in examples:
            if f"{example.video}/{example.instance}" not in about["temporal_queries"]:
                continue
            parting = about["videos"][example.video]["look_alikes"]["divergence_frame"] - 1
            video = np.stack([to_rgb(frame) for frame in decode(source.footage(example.video).clip)])
            masks = model.segment(video, example.text)
            for frame in example.labelled:
                truth = example.mask(frame)
                if frame < parting and truth.any():
                    found.append(float((masks[frame] & truth).sum() / (masks[frame] | truth).sum()))
    assert len(scores["tiny"]) > 40
    assert np.mean(scores["tiny"]) > np.mean(scores["tiny-img"]) + 0.08
