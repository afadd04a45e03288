"""A picture of what memory is worth: LOCATER-IMG and LOCATER on the first look-alike videos of a world that neither was trained on.

    python benchmarks/memory_figure.py docs/memory.png

The videos are the first of the world, not chosen by result. Green: the predicted mask; white outline: the referent.
"""

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import matplotlib
import numpy as np

import locater
from a2dsplus.media.clips import decode, to_rgb
from a2dsplus.models.training_data import open_training
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.world import paint_world
from locater.training import Example

WEIGHTS = Path(locater.__file__).parent / "weights"
MODELS = {"LOCATER-IMG": "tiny-img.safetensors", "LOCATER": "tiny.safetensors"}


def strip(model: locater.Locater, video: np.ndarray, example: Example) -> np.ndarray:
    """Return the labelled frames side by side, (H, frames * W, 3), with mask and outline."""
    masks = model.segment(video, example.text)
    shown = []
    for frame in example.labelled:
        image = video[frame].copy()
        image[masks[frame]] = 0.45 * image[masks[frame]] + 0.55 * np.array([30, 200, 90])
        outlines, _ = cv2.findContours(example.mask(frame).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        shown.append(cv2.drawContours(np.ascontiguousarray(image), outlines, -1, (255, 255, 255), 1))
    return np.concatenate(shown, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--seed", type=int, default=5, help="Of the world; the weights were trained on seed 0.")
    parser.add_argument("--queries", type=int, default=3)
    args = parser.parse_args()
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "world"
        paint_world(root, seed=args.seed, splits=["test"], test_videos=3 * args.queries)
        about = json.loads((root / "procedural.json").read_text("utf-8"))
        examples, _ = open_training(root, split="test", size=80, every=1)
        chosen = [e for e in examples if f"{e.video}/{e.instance}" in about["temporal_queries"]][: args.queries]
        models = {name: locater.checkpoint.load(WEIGHTS / file) for name, file in MODELS.items()}
        source = A2dSource(root)
        figure, rows = pyplot.subplots(
            len(chosen) * len(models), 1, figsize=(10, 1.45 * len(chosen) * len(models)), dpi=100
        )
        places = iter(rows)
        for example in chosen:
            video = np.stack([to_rgb(frame) for frame in decode(source.video(example.video).clip)])
            parting = about["videos"][example.video]["look_alikes"]["divergence_frame"]
            early = sum(frame + 1 < parting for frame in example.labelled)
            for name, model in models.items():
                axes = next(places)
                axes.imshow(strip(model, video, example))
                axes.axvline(early * video.shape[2], color="white", linestyle=":", linewidth=1)
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_ylabel(name, fontsize=8)
                if name == next(iter(models)):
                    axes.set_title(f"“{example.text}”", fontsize=9, loc="left")
        figure.tight_layout(pad=0.4)
        figure.savefig(args.picture, facecolor="white")


if __name__ == "__main__":
    main()
