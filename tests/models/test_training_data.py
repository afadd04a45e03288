"""LOCATER's samples composed with contrasts: what they show, who prepares them, and what the command says."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import a2dsplus
from a2dsplus.cli.train import command
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError, UsageError
from a2dsplus.models.training_data import contrasts, open_training
from a2dsplus.records import Layout, Order
from locater import LocaterConfig, LocaterError
from locater.training import Clips, TrainOptions
from locater.training.data import collate, squared

SIZE = 32
CONFIG = LocaterConfig.preset(
    "tiny", image_size=SIZE, dim=32, heads=2, vision_depth=1, modules=1, vocabulary=64, word_dim=16
)
OPTIONS = TrainOptions.preset("tiny", contrast_share=0.5, clip_frames=2, global_frames=4, flip=0.0, seed=3)


@pytest.fixture(scope="module")
def clips(trained_on: Path) -> Clips:
    return _clips(trained_on, OPTIONS)


def _clips(dataset: Path, options: TrainOptions) -> Clips:
    examples, store = open_training(dataset.parent / "world", split="train", size=SIZE, every=options.stride)
    store.preload()
    share, count, seed = options.contrast_share, options.contrasts, options.seed
    compose = contrasts(dataset, examples, store, split="train", share=share, count=count, seed=seed)
    return Clips(examples, store, options, CONFIG, compose)


def test_samples_are_those_of_contrast_clips_at_the_network_s_size(trained_on: Path, clips: Clips) -> None:
    whole = a2dsplus.ContrastClips(trained_on, share=0.5, seed=3)
    seen = Counter[str]()
    for index in range(len(clips)):
        draw, item = clips.draw(0, index), whole[index]
        seen[item.layout] += 1
        assert draw.shown.count == len(item.frames)
        if item.layout == "none":
            assert draw.shown.labelled == clips.examples[index].labelled
            continue
        assert [frame + 1 for frame in draw.shown.labelled] == item.evaluated_frames.tolist()
        for frame, mask in zip(draw.shown.labelled, item.masks, strict=True):
            assert (draw.shown.mask(frame) == mask).all()
        # labelled frames are kept as they are, but for being scaled down and up again
        numbers = [*draw.shown.labelled, draw.shown.labelled[0]]
        found = draw.shown.frames(numbers).astype(int)
        assert found.shape == (len(numbers), SIZE, SIZE, 3) and (found[0] == found[-1]).all()
        for image, number in zip(found, numbers, strict=True):
            assert abs(image - squared(item.frames[number], SIZE)).mean() < 8
            other = squared(item.frames[number][::-1, ::-1], SIZE)
            assert abs(image - squared(item.frames[number], SIZE)).mean() < 0.5 * abs(image - other).mean()
    assert seen.keys() == {"none", "spatial", "temporal"}


def test_a_contrast_s_side_is_known_and_holds_nothing(clips: Clips) -> None:
    silent = 0
    for epoch in range(6):
        for index in range(len(clips)):
            draw = clips.draw(epoch, index)
            masks, known = clips.masks(draw)
            assert known.any() and masks.shape == (2, 1, SIZE, SIZE)
            silent += int((known & ~masks.flatten(1).any(1)).sum())
            assert clips.labelled([(epoch, index)]) == int(known.sum())
            assert max(draw.globe + draw.clip) < draw.shown.count
    assert silent > 10


def test_what_is_drawn_of_a_clip_does_not_go_with_what_is_composed(clips: Clips) -> None:
    whole: Any = clips.compose
    halves: dict[tuple[bool, bool], int] = Counter()
    for epoch in range(100):
        for index in range(len(clips)):
            sample = whole.clips.sample(index, epoch=epoch)
            if sample.layout is Layout.TEMPORAL:
                late = clips.draw(epoch, index).clip[0] >= sample.frames // 2
                halves[sample.order is Order.QUERY_FIRST, late] += 1
    total = sum(halves.values())
    assert total > 400 and len(halves) == 4 and min(halves.values()) > 0.12 * total


def test_nothing_changes_with_workers_and_plain_samples_are_as_without(trained_on: Path, clips: Clips) -> None:
    keys = [[(epoch, index) for index in range(4)] for epoch in range(3)]
    alone = [collate([clips[key] for key in batch]) for batch in keys]
    loader: Any = DataLoader(clips, batch_sampler=keys, collate_fn=collate, num_workers=2)  # type: ignore[arg-type]
    for one, other in zip(alone, loader, strict=True):
        assert one["text"] == other["text"] and all(
            torch.equal(one[name], other[name]) for name in ("globe", "frames", "masks")
        )
    plain = Clips(clips.examples, clips.store, replace(OPTIONS, contrast_share=0.0), CONFIG)
    whole: Any = clips.compose
    for index in range(len(clips)):
        if whole(0, index) is None:
            assert torch.equal(plain[0, index]["frames"], clips[0, index]["frames"])
    several = _clips(trained_on, replace(OPTIONS, contrast_share=1.0, contrasts=2))
    counts = {len(several.compose.clips.sample(index, epoch=0).contrasts) for index in range(len(several))}  # type: ignore[union-attr]
    assert 2 in counts
    with pytest.raises(LocaterError, match="contrast_share needs contrasts"):
        Clips(clips.examples, clips.store, OPTIONS, CONFIG)


def test_the_command_trains_on_contrast(trained_on: Path, tmp_path: Path) -> None:
    small = [
        f"{name}={value}"
        for name, value in (("image_size", 32), ("dim", 32), ("heads", 2), ("vision_depth", 1), ("modules", 1))
    ]
    arguments = [
        "--preset",
        "tiny",
        "--dataset",
        str(trained_on),
        "--epochs",
        "1",
        "--batch",
        "12",
        "--precision",
        "fp32",
    ]
    for field in small:
        arguments += ["--set", field]
    for name, share in (("plain", "0"), ("contrast", "0.9"), ("again", "0.9")):
        command.main([*arguments, "--contrast-share", share, "--out", str(tmp_path / name)], standalone_mode=False)
    plain, contrast, again = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "contrast", "again")
    )
    assert contrast == again != plain


def test_bad_input_is_one_clear_line(trained_on: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> None:
        command.main(
            ["--preset", "tiny", "--contrast-share", "0.5", "--out", str(tmp_path / "run"), *arguments],
            standalone_mode=False,
        )

    world = str(trained_on.parent / "world")
    with pytest.raises(
        UsageError,
        match=r"--contrast-share needs the pairs .* a2dsplus build --split train --subsets M --render none --root",
    ):
        run("--root", world)
    copytree(trained_on, tmp_path / "lonely")
    workspace = Workspace(tmp_path / "lonely")
    tables.write_pairs(workspace, [replace(pair, grade="undecided") for pair in tables.read_pairs(workspace)])
    workspace.path("manifest.json").unlink()
    examples, store = open_training(Path(world), split="train", size=SIZE, every=4)
    with pytest.raises(UsageError, match="no query has a true negative"):
        contrasts(workspace.root, examples, store, split="train", share=0.5, count=1, seed=0)
    stranger = replace(examples[0], video="elsewhere")
    with pytest.raises(InputError, match="has no query elsewhere/"):
        contrasts(trained_on, [stranger], store, split="train", share=0.5, count=1, seed=0)
    with pytest.raises(UsageError, match="is of split 'train', expected 'test'"):
        contrasts(trained_on, examples, store, split="test", share=0.5, count=1, seed=0)


def test_frames_that_are_not_preloaded_are_decoded(trained_on: Path, clips: Clips) -> None:
    fresh = _clips(trained_on, OPTIONS)
    fresh.store._kept.clear()
    index = next(index for index in range(len(clips)) if clips.compose and clips.compose(0, index))
    assert np.array_equal(fresh[0, index]["frames"], clips[0, index]["frames"])
