"""`--model named`: the caption's noun, cues among candidates, silence where the class is not seen, the same masks however asked."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.models.named import Named
from tests.models.painted import BLUE, GREEN, RED, Disc, Painting, save_detector

LEFT = Disc(colour=RED, start=(30, 50))
RIGHT = Disc(colour=RED, start=(100, 50), step=(1.5, 0.0))
DOG = Disc(colour=GREEN, start=(70, 20))
SCENE = Painting([LEFT, RIGHT, DOG])


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TorchScript file that finds red and green things."""
    return save_detector(tmp_path_factory.mktemp("detector") / "colours.ts")


@pytest.fixture
def model(detector: Path) -> Named:
    return Named(checkpoint=None, device="cpu", detector=detector)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(
    ("text", "disc"),
    [
        ("a man standing on the left", LEFT),
        ("the woman on the right", RIGHT),
        ("a boy is walking", RIGHT),
        ("a girl walking to the right", RIGHT),
        ("somebody is standing still", LEFT),
        ("a green dog", DOG),
    ],
)
def test_the_candidate_that_fits_the_words_is_cut_out(model: Named, text: str, disc: Disc) -> None:
    answers = list(model.segment(SCENE, text))
    assert len(answers) == SCENE.frames
    overlaps = [iou(mask, disc.mask(index, SCENE.height, SCENE.width)) for index, (mask, _) in enumerate(answers)]
    assert np.mean(overlaps) > 0.8
    assert all(confidence == pytest.approx(0.9) for _, confidence in answers)


@pytest.mark.parametrize("text", ["a cat is sleeping", "the car rolling", "what is this thing doing", "", "!"])
def test_it_is_silent_where_the_class_is_not_seen_or_not_named(model: Named, text: str) -> None:
    answers = list(model.segment(SCENE, text, wanted=(1, 12, 24)))
    assert len(answers) == 3
    assert not any(mask.any() for mask, _ in answers)
    assert all(confidence == 1 for _, confidence in answers)


def test_it_is_silent_in_the_half_without_the_referent(model: Named) -> None:
    scene = Painting(
        [Disc(colour=GREEN, start=(70, 40), shown=range(12)), Disc(colour=BLUE, start=(70, 40), shown=range(12, 24))]
    )
    shown = [bool(mask.any()) for mask, _ in model.segment(scene, "a dog")]
    assert all(shown[:12])
    assert not any(shown[14:])


def test_a_thing_out_of_sight_for_a_moment_is_followed_and_a_flicker_is_not(model: Named) -> None:
    gap = [n for n in range(24) if not 9 <= n <= 13]
    scene = Painting(
        [
            Disc(colour=GREEN, start=(30, 40), step=(1.0, 0), shown=gap),
            Disc(colour=RED, start=(120, 60), shown=range(6, 8)),
        ]
    )  # type: ignore[arg-type]
    masks = [mask for mask, _ in model.segment(scene, "a dog")]
    assert all(mask.any() for mask in masks)
    there = Disc(colour=GREEN, start=(30, 40), step=(1.0, 0)).mask(11, scene.height, scene.width)
    assert (masks[11] & there).sum() > 0.4 * there.sum()
    assert not any(mask.any() for mask, _ in model.segment(scene, "a man"))


def test_how_it_is_asked_does_not_change_its_masks(model: Named) -> None:
    texts = ["a man on the left", "a dog", "a cat"]
    whole = [list(model.segment(SCENE, text)) for text in texts]
    wanted = (2, 5, 9, 24)
    together = list(model.segment_all(SCENE, texts, wanted=wanted))
    for place, number in enumerate(wanted):
        for row, answers in enumerate(whole):
            assert np.array_equal(together[place][row][0], answers[number - 1][0])
            assert together[place][row][1] == answers[number - 1][1]


def test_captions_without_a_known_noun_are_counted() -> None:
    assert Named.remark(["a dog", "the man"]) is None
    assert Named.remark(["a dog", "blob"]) == "1 of 2 captions name no class that a COCO detector knows: silent there"


def test_the_command_runs_it_and_says_how_many_captions_it_cannot_read(
    detector: Path, dataset: Path, tmp_path: Path
) -> None:
    from a2dsplus.cli.baseline import command

    arguments = [
        "--model",
        "named",
        "--detector",
        str(detector),
        "--dataset",
        str(dataset),
        "--subsets",
        "S",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "p")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "mIoU" in done.stdout
    assert "captions name no class" not in done.stderr


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, UsageError, "needs --detector FILE"),
        ({"detector": Path("none.onnx")}, ModelError, "--detector none.onnx: no such file"),
        ({"checkpoint": Path("w.safetensors")}, UsageError, "this model's weights are its --detector"),
    ],
)
def test_what_it_needs_is_one_clear_line(options: dict[str, Path], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Named(**{"checkpoint": None, "device": "cpu", **options})  # type: ignore[arg-type]


def test_a_detector_without_cocos_classes_is_refused(tmp_path: Path) -> None:
    class Faces(torch.nn.Module):
        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return torch.zeros(1, 7 + 3, 20)

    torch.jit.save(torch.jit.script(Faces()), str(tmp_path / "faces.ts"))
    model = Named(checkpoint=None, device="cpu", detector=tmp_path / "faces.ts")
    with pytest.raises(ModelError, match=r"faces.ts: puts out \(1, 10, 20\), which is no COCO detector's output"):
        list(model.segment(SCENE, "a dog"))
