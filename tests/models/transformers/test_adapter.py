"""Frames as video networks take them, and the frames that are asked for."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from a2dsplus.models.transformers.adapter import enlarged, numbered_batches, pixels
from a2dsplus.models.transformers.folder import Picture


class Counted:
    """A video whose frames tell their number, and which notes how many were asked for."""

    sample_id, frames, height, width = "counted", 10, 4, 6
    given = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(1, self.frames + 1):
            self.given = number
            yield np.full((4, 6, 3), number, np.uint8)


def test_only_wanted_frames_come_and_none_after_the_last_is_decoded() -> None:
    video = Counted()
    batches = list(numbered_batches(video, (2, 3, 7), 2))
    assert [[number for number, _ in batch] for batch in batches] == [[2, 3], [7]]
    assert all(frame[0, 0, 0] == number for batch in batches for number, frame in batch)
    assert video.given == 7
    assert [len(batch) for batch in numbered_batches(video, None, 4)] == [4, 4, 2]
    assert list(numbered_batches(video, (), 4)) == []


def test_pixels_of_the_networks_own_size_are_normalised_and_nothing_else() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    picture = Picture(side=8, mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0))
    expected = (frame / 255 - [0.5, 0.25, 0.0]) / [0.5, 1.0, 2.0]
    assert np.allclose(pixels([frame], picture, device="cpu")[0].permute(1, 2, 0), expected, atol=1e-6)


def test_pixels_are_resized_with_a_low_pass_filter() -> None:
    fine = np.zeros((64, 64, 3), np.uint8)
    fine[:, ::2] = 254  # stripes that are gone at half the size
    small = pixels([fine], Picture(side=16, mean=(0, 0, 0), std=(1, 1, 1)), device="cpu")
    assert small.shape == (1, 3, 16, 16)
    assert float(small.min()) > 0.45
    assert float(small.max()) < 0.55


@pytest.mark.parametrize("name", ["Sam2VideoVideoProcessor", "Sam3ImageProcessor"])
def test_pixels_are_those_of_the_librarys_processor(name: str) -> None:
    import transformers

    try:
        processor = getattr(transformers, name)(size={"height": 40, "width": 40})
    except ImportError as error:
        pytest.skip(f"the library's processor does not load here: {str(error).splitlines()[0]}")
    frames = np.random.default_rng(1).integers(0, 255, (2, 60, 100, 3), np.uint8)
    key = "videos" if "Video" in name else "images"
    given = torch.from_numpy(frames).permute(0, 3, 1, 2)
    found = processor(**{key: [given] if key == "videos" else list(given)}, return_tensors="pt")
    theirs = found["pixel_values_videos"][0] if key == "videos" else found["pixel_values"]
    picture = Picture(side=40, mean=tuple(processor.image_mean), std=tuple(processor.image_std))
    assert torch.allclose(pixels(list(frames), picture, device="cpu"), theirs, atol=1e-5)


def test_logits_are_enlarged_to_the_video() -> None:
    assert enlarged(torch.zeros(3, 2, 2), Counted()).shape == (3, 4, 6)
