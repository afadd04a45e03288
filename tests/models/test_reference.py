"""LOCATER behind `baseline`: several queries at once, several scales, and the authors' file as it is."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import locater
from a2dsplus.cli import baseline, train
from a2dsplus.errors import ModelError, PredictionError, UsageError
from a2dsplus.models.reference import LocaterModel, LocaterReleasedModel
from tests.locater.naive_released import random_state

SMALL = {"image_size": 32, "dim": 24, "heads": 2, "vision_depth": 1, "word_dim": 8, "vocabulary": 64, "interval": 3}
RELEASED = {
    "img_dim": 32, "K": 2, "fuse_depth": 1, "post_depth": 1, "vision_depth": 1, "global_mem_size": 1.5, "local_mem_size": 2,
}  # fmt: skip
TEXTS = ["a dog on the left", "the red ball", "somebody who runs"]


class Video:
    """Noise."""

    sample_id, frames, height, width = "noise", 7, 20, 30

    def __len__(self) -> int:
        return self.frames

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(np.random.default_rng(0).integers(0, 256, (7, 20, 30, 3), dtype=np.uint8))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    locater.checkpoint.save(locater.Locater(locater.LocaterConfig.preset("tiny", **SMALL)), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def test_all_queries_at_once_are_answered_as_one_by_one_at_the_wanted_frames(weights: Path) -> None:
    for ways in ({}, {"scales": [0.5, 1.0], "flip": True}, {"threshold": 0.4, "batch": 2}):
        model = LocaterModel(checkpoint=weights, device="cpu", **ways)
        together = list(model.segment_all(Video(), TEXTS, wanted=(2, 5)))
        assert [len(answers) for answers in together] == [3, 3]
        for index, text in enumerate(TEXTS):
            alone = list(model.segment(Video(), text))
            assert len(alone) == 7
            for answers, frame in zip(together, (2, 5), strict=True):
                assert np.array_equal(answers[index][0], alone[frame - 1][0])
                assert answers[index][1] == alone[frame - 1][1]


@pytest.mark.slow
def test_the_authors_file_is_taken_as_it_is(small_root: Path, tmp_path: Path) -> None:
    state = random_state(3, **RELEASED)
    content = {"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 4}
    torch.save(content, tmp_path / "locater.pth")
    model = LocaterReleasedModel(checkpoint=tmp_path / "locater.pth", device="cpu").model
    assert model.config == locater.released.config(**RELEASED)
    assert model.tokens("a dog")[0, :4].tolist() == [101, 1037, 3899, 102]  # the vocabulary that we ship is BERT's
    ours = list(LocaterReleasedModel(checkpoint=tmp_path / "locater.pth", device="cpu").segment(Video(), TEXTS[0]))
    theirs = locater.released.load(state, **RELEASED).segment(np.stack(list(Video())), model.tokens(TEXTS[0]))
    assert np.array_equal(np.stack([mask for mask, _ in ours]), theirs)

    del state["mem_reader.0.q.weight"]
    torch.save(state, tmp_path / "half.pth")
    with pytest.raises(
        ModelError, match=r"half\.pth: does not fit the configuration; missing: mem_reader\.0\.q\.weight"
    ):
        LocaterReleasedModel(checkpoint=tmp_path / "half.pth", device="cpu")
    with pytest.raises(UsageError, match="give the authors' weights with --checkpoint FILE"):
        LocaterReleasedModel(checkpoint=None, device="cpu")


def test_the_command_takes_scales_and_flip(dataset: Path, weights: Path, tmp_path: Path) -> None:
    line = [
        "--model",
        "locater",
        "--checkpoint",
        str(weights),
        "--dataset",
        str(dataset),
        "--subsets",
        "M",
        "--device",
        "cpu",
        "--no-score",
    ]
    runs = {}
    for name, more in {"plain": [], "scaled": ["--scales", "0.5,1", "--flip"]}.items():
        out = tmp_path / name
        done = CliRunner().invoke(baseline.command, [*line, "--out", str(out), *more], catch_exceptions=False)
        assert done.exit_code == 0
        runs[name] = json.loads((out / "M.json").read_text())
    assert [row["image_id"] for row in runs["plain"]] == [row["image_id"] for row in runs["scaled"]]
    assert runs["plain"] != runs["scaled"]
    for wrong in (["--scales", "0"], ["--scales", "big"]):
        with pytest.raises(UsageError, match="expected rvos, or numbers above 0"):
            baseline.command.main([*line, "--out", str(tmp_path / "x"), *wrong], standalone_mode=False)
    with pytest.raises(UsageError, match="--flip: model moving takes none"):
        moving = ["--model", "moving", *line[4:], "--out", str(tmp_path / "y"), "--flip"]
        baseline.command.main(moving, standalone_mode=False)


def test_the_grounding_module_is_trained_on_predictions_and_chooses_among_them(dataset: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    common = ["--dataset", str(dataset), "--device", "cpu", "--no-score"]
    folders = []
    for name in ("everything", "oracle", "empty"):
        folders += ["--candidates", str(tmp_path / name)]
        done = run(baseline.command, ["--model", name, *common, "--out", str(tmp_path / name)], catch_exceptions=False)
        assert done.exit_code == 0
    weights, module = Path(locater.__file__).parent / "weights" / "tiny.safetensors", tmp_path / "module"
    learning = ["--model", "grounding", "--preset", "tiny", "--dataset", str(dataset), *folders, "--out", str(module)]
    learning += ["--split", "test", "--epochs", "25", "--batch", "8", "--warmup", "0", "--lr", "1e-3"]
    done = run(train.command, [*learning, "--init", str(weights)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "% of the best candidates' IoU" in done.stderr
    asking = ["--model", "grounding", "--checkpoint", str(module), *common, *folders]
    done = run(baseline.command, [*asking, "--out", str(tmp_path / "chosen")], catch_exceptions=False)
    assert done.exit_code == 0

    def masks(folder: str, subset: str) -> list[object]:
        return [row["segmentation"]["counts"] for row in json.loads((tmp_path / folder / f"{subset}.json").read_text())]

    chosen, best = ([mask for subset in "MST" for mask in masks(folder, subset)] for folder in ("chosen", "oracle"))
    assert np.mean([ours == theirs for ours, theirs in zip(chosen, best, strict=True)]) > 0.8

    with pytest.raises(UsageError, match="two models or more"):
        baseline.command.main([*asking[:-4], "--out", str(tmp_path / "one")], standalone_mode=False)
    with pytest.raises(UsageError, match="is of split test, --split says train"):
        train.command.main([*learning, "--split", "train", "--init", str(weights)], standalone_mode=False)
    with pytest.raises(UsageError, match="give a dataset of the training split"):
        train.command.main(learning, standalone_mode=False)
    with pytest.raises(UsageError, match="takes no --clip-frames; its training has epochs, batch"):
        train.command.main([*learning, "--init", str(weights), "--clip-frames", "2"], standalone_mode=False)
    with pytest.raises(UsageError, match="are for --model grounding"):
        train.command.main(["--root", "x", "--candidates", "a"], standalone_mode=False)
    (tmp_path / "everything" / "S.json").unlink()
    with pytest.raises(PredictionError, match="holds no predictions for S"):
        baseline.command.main([*asking, "--out", str(tmp_path / "part")], standalone_mode=False)
    for subset in "MT":
        (tmp_path / "everything" / f"{subset}.json").unlink()
    with pytest.raises(UsageError, match=r"no subset of .* is predicted in all of"):
        train.command.main([*learning, "--init", str(weights)], standalone_mode=False)
    (module / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: no such file"):
        baseline.command.main([*asking, "--out", str(tmp_path / "lost")], standalone_mode=False)
