"""The grounding module: what it sees of a mask, and that it learns which candidate is meant."""

import numpy as np
import pytest
import torch

from locater import Locater, LocaterConfig, VideoError
from locater.grounding import Grounding, choose, grounding_loss, look, placement

torch.set_num_threads(1)

SMALL = {"image_size": 32, "dim": 24, "heads": 2, "vision_depth": 1, "word_dim": 8, "vocabulary": 64, "interval": 2}


def test_placement_of_a_mask() -> None:
    mask = torch.zeros(4, 4)
    mask[1, 2:] = 1  # second row, third and fourth column
    expected = [2 / 16, 0.75, 0.375, 0.625, 0.375, 0.875, 0.375]  # area, centre, left, top, right, bottom
    torch.testing.assert_close(placement(mask), torch.tensor(expected))
    torch.testing.assert_close(placement(torch.zeros(4, 4)), torch.zeros(7), atol=1e-6, rtol=0)


def test_it_learns_which_side_a_word_means() -> None:
    torch.manual_seed(0)
    model = Locater(LocaterConfig.preset("tiny", **SMALL)).eval()
    grounding = Grounding(24, 2)
    video = np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3), dtype=np.uint8)
    left = np.zeros((5, 20, 30), bool)
    left[..., :15] = True
    right = left[..., ::-1].copy()
    texts = ["the left one", "the right one"]
    found = [look(model, video, text, [left, right]) for text in texts]
    seen, words, mask = (torch.stack(part) for part in zip(*found, strict=True))
    quality = torch.eye(2)
    optimiser = torch.optim.Adam(grounding.parameters(), lr=3e-3)
    for _ in range(60):
        loss = grounding_loss(grounding(seen, torch.ones(2, 5, dtype=torch.bool), words, mask), quality)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1
    probabilities = choose(model, grounding, video, "the right one", [left, right])[1]
    index, others = choose(model, grounding, video, "the right one", [right, np.zeros_like(left), left])
    assert index == int(others.argmax())
    assert others.sum().item() == pytest.approx(1)
    # a candidate's score depends neither on its place nor on the others
    assert (others[2] / others[0]).item() == pytest.approx((probabilities[0] / probabilities[1]).item(), rel=1e-3)


def test_candidates_at_fault_are_one_line() -> None:
    model, grounding = Locater(LocaterConfig.preset("tiny", **SMALL)).eval(), Grounding(24, 2)
    video = np.zeros((5, 20, 30, 3), np.uint8)
    with pytest.raises(VideoError, match="no candidates"):
        choose(model, grounding, video, "a dog", [])
    with pytest.raises(VideoError, match=r"candidate 1 is \(4, 20, 30\), the video \(5, 20, 30\)"):
        choose(model, grounding, video, "a dog", [np.zeros((4, 20, 30), bool)])


def test_the_challenge_configuration_builds_with_bert() -> None:
    config = LocaterConfig.preset("rvos", image_size=16, vision_depth=1, modules=1)
    with torch.device("meta"):
        model = Locater(config)
    names = set(model.network.state_dict())
    assert any(name.startswith("language.bert.encoder.layer.11.") for name in names)
    assert model.network.known_ids == 30522
