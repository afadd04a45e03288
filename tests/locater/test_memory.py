"""Memory that lives: in a fresh model of every preset, and in the shipped checkpoints, where it answers what one frame cannot."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import locater
from a2dsplus.media.clips import decode, to_rgb
from a2dsplus.models.training_data import open_training
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.world import paint_world
from locater import Locater, LocaterConfig
from locater.memory import spread
from locater.released_memory import fill_global

WEIGHTS = Path(locater.__file__).parent / "weights"
SMALL = {"dim": 48, "heads": 2, "vision_depth": 1, "modules": 1}


def fresh(preset: str) -> tuple[Locater, torch.Tensor, torch.Tensor]:
    """Return a narrow model of a preset with as many patches and slots, some videos' three global frames and the ids of a query each."""
    changes = {
        "released": {"vision_depth": 1, "modules": 1, "fuse_depth": 1, "post_depth": 1, "image_size": 160},
        "rvos": {**SMALL, "language": "lstm", "image_size": 160},  # 400 patches of 2,304
    }
    torch.manual_seed(0)
    model = Locater(LocaterConfig.preset(preset, **changes.get(preset, SMALL)))
    size, count = model.config.image_size, 2 if preset == "released" else 6
    return (
        model.eval(),
        torch.rand(count, 3, 3, size, size) * 2 - 1,
        torch.randint(1, 2000, (count, model.config.words)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["paper", "tiny", "rvos", "released", "paper-literal"])
def test_a_fresh_memory_lives_unless_eq_5_is_taken_literally(preset: str) -> None:
    model, ahead, ids = fresh(preset)
    network, literal = model.network, preset == "paper-literal"
    assert model.config.patches >= 100
    if preset == "released":  # which has no learned slots
        written = fill_global(
            network.globalmem_writer, model.start(ids, ahead)._globe[0].detach(), network.config.global_size
        )
        assert spread(written) > 0.1
    else:
        session = model.train().start(ids)
        session.remember(session.fuse(model.glance(ahead[:, :1])))
        distance = spread(session._globe).item()
        assert distance < 1e-4 if literal else distance > 0.1
        logits = session.advance(session.fuse(model.glance(ahead[:, 1:2]))[:, 0])
        logits.square().mean().backward()
        reached, used = (network.globe.states.grad.norm(), network.globe.candidate.grad.norm())
        assert reached < 1e-12 * used if literal else reached > 1e-6 * used

    model.eval()
    frame = torch.rand_like(ahead[:, 0]) * 2 - 1
    changed = []
    for index in (0, 2):
        other = ahead.clone()
        other[:, index] = -other[:, index]
        one, two = (model.start(ids, frames).step(frame) for frames in (ahead, other))
        changed.append((one - two).abs().mean().item())
    first, last = changed
    assert first < 1e-4 * last if literal else first > 0.1 * last


@pytest.mark.slow
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
            video = np.stack([to_rgb(frame) for frame in decode(source.video(example.video).clip)])
            masks = model.segment(video, example.text)
            for frame in example.labelled:
                truth = example.mask(frame)
                if frame < parting and truth.any():
                    found.append(float((masks[frame] & truth).sum() / (masks[frame] | truth).sum()))
    assert len(scores["tiny"]) > 40
    assert np.mean(scores["tiny"]) > np.mean(scores["tiny-img"]) + 0.08
