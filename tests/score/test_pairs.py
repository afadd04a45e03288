"""Figures of silence and of pairs: hand-worked, equal to a count from scratch, and zero for whoever does not read."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2dsplus.media.masks import Mask
from a2dsplus.score import Accumulator, evaluate
from a2dsplus.score.figures.pairs import asked_both_ways
from tests.score.score_data import box, perturbed, random_masks, write_truth

Masks = dict[str, Mask]


def row(pixels: int) -> Mask:
    """A mask of 1 x 20 whose first `pixels` are set."""
    return box(1, 20, 0, 0, 1, pixels)


def figures(folder: Path, truth: Masks, predicted: Masks) -> dict[str, Any]:
    write_truth(folder, "T", truth)
    return evaluate({"T": predicted}, folder, resamples=0).subsets["T"].figures


# should fire on six frames: IoU 20/20, 16/20, 12/20, 8/20, silent, silent; should be silent on four: fires on one
SHOULD = [20, 20, 20, 20, 20, 20, 0, 0, 0, 0]
FIRES = [20, 16, 12, 8, 0, 0, 3, 0, 0, 0]
TRUTH = {f"v/{frame:05d}/0": row(pixels) for frame, pixels in enumerate(SHOULD, 1)}
PREDICTED = {f"v/{frame:05d}/0": row(pixels) for frame, pixels in enumerate(FIRES, 1)}


def test_correlation_and_cgf1_by_hand(tmp_path: Path) -> None:
    found = figures(tmp_path, TRUTH, PREDICTED)
    # hits 4, misses 2, shouts 1, rests 3
    correlation = (4 * 3 - 1 * 2) / math.sqrt((4 + 1) * (4 + 2) * (3 + 1) * (3 + 2))
    assert found["MCC"] == pytest.approx(correlation, abs=1e-12)
    # of four masks given where a referent is, IoU reaches .50 .55 .60 with three, .65 to .80 with two, .85 .90 .95 with one;
    # F1 is twice that over four given and six wanted
    f1 = sum([3 / 5, 3 / 5, 3 / 5, 2 / 5, 2 / 5, 2 / 5, 2 / 5, 1 / 5, 1 / 5, 1 / 5]) / 10
    assert found["cgF1"] == pytest.approx(f1 * correlation, abs=1e-12)


@pytest.mark.parametrize("pixels", [0, 20])
def test_silence_and_shouting_score_zero(tmp_path: Path, pixels: int) -> None:
    found = figures(tmp_path, TRUTH, dict.fromkeys(TRUTH, row(pixels)))
    assert found["MCC"] == found["cgF1"] == 0


def test_the_truth_scores_one_and_its_opposite_minus_one(tmp_path: Path) -> None:
    assert figures(tmp_path / "a", TRUTH, TRUTH)["MCC"] == figures(tmp_path / "a", TRUTH, TRUTH)["cgF1"] == 1
    assert figures(tmp_path / "b", TRUTH, {key: ~mask for key, mask in TRUTH.items()})["MCC"] == -1


def test_where_silence_is_never_asked_there_is_no_correlation(tmp_path: Path) -> None:
    found = figures(tmp_path, {"v/00001/0": row(3)}, {"v/00001/0": row(3)})
    assert found["MCC"] is None and found["cgF1"] is None


def from_scratch(truth: Masks, predicted: Masks) -> dict[str, float]:
    """MCC by numpy's correlation, and SA-Co's F1 threshold by threshold from its three counts."""
    should, fires, ious = [], [], []
    for key, expected in truth.items():
        found = predicted[key]
        should.append(bool(expected.any()))
        fires.append(bool(found.any()))
        ious.append((expected & found).sum() / max(1, (expected | found).sum()))
    correlation = float(np.corrcoef(should, fires)[0, 1])
    f1 = []
    for threshold in range(50, 100, 5):
        right = wrong = missed = 0
        for there, given, iou in zip(should, fires, ious, strict=True):
            if there:
                hit = given and iou >= threshold / 100
                right, wrong, missed = right + hit, wrong + (given and not hit), missed + (not hit)
        precision, recall = right / (right + wrong), right / (right + missed)
        f1.append(2 * precision * recall / (precision + recall) if right else 0.0)
    return {"MCC": correlation, "cgF1": correlation * sum(f1) / 10}


@pytest.mark.parametrize("seed", range(4))
def test_against_a_count_from_scratch(tmp_path: Path, seed: int) -> None:
    truth = random_masks(seed, 120, empty=0.4)
    predicted = perturbed(truth, seed + 50, drop=0.3)
    found = figures(tmp_path, truth, predicted)
    for name, value in from_scratch(truth, predicted).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


# ---- pairs ----------------------------------------------------------------------------------------------------------


def accumulated(truth: Masks, predicted: Masks, samples: list[str]) -> dict[str, float | None]:
    """Both captions of each sample, counted by an accumulator."""
    torch = pytest.importorskip("torch")
    accumulator = Accumulator()
    keys = list(truth)
    accumulator.update(
        *(torch.from_numpy(np.stack([own[key] for key in keys])) for own in (predicted, truth)),
        units=keys,
        queries=[(key.split("/")[0], key.split("/")[2]) for key in keys],
    )
    return accumulator.compute(pairs={sample: ((sample, "query"), (sample, "contrast")) for sample in samples})


LEFT, RIGHT = box(4, 8, 0, 0, 4, 4), box(4, 8, 0, 4, 4, 4)
NONE = np.zeros((4, 8), bool)


def test_a_pair_is_right_where_both_captions_are() -> None:
    truth = {"a/00001/query": LEFT, "a/00001/contrast": RIGHT, "b/00001/query": LEFT, "b/00001/contrast": RIGHT}
    assert accumulated(truth, truth, ["a", "b"])["pair"] == 1
    assert accumulated(truth, {**truth, "a/00001/contrast": LEFT}, ["a", "b"])["pair"] == 0.5
    # 16 of 32 pixels: not more than a half
    assert accumulated(truth, {**truth, "b/00001/query": ~NONE}, ["a", "b"])["pair"] == 0.5
    assert accumulated(truth, dict.fromkeys(truth, ~NONE), ["a", "b"])["pair"] == 0


def test_the_mean_over_frames_decides_and_silence_is_asked_for() -> None:
    truth = {
        "a/00001/query": LEFT, "a/00002/query": LEFT, "a/00003/query": NONE,
        "a/00001/contrast": NONE, "a/00002/contrast": NONE, "a/00003/contrast": RIGHT,
    }  # fmt: skip
    assert accumulated(truth, truth, ["a"])["pair"] == 1
    half = {**truth, "a/00002/query": ~NONE}  # IoU 1 and 1/2
    assert accumulated(truth, half, ["a"])["pair"] == 1
    assert (
        accumulated(truth, {**half, "a/00001/query": NONE}, ["a"])["pair"] == 0
    )  # 0 and 1/2; the silent third does not help
    one = np.zeros((4, 8), bool)
    one[0, 0] = True
    assert accumulated(truth, {**truth, "a/00003/query": one}, ["a"])["pair"] == 0  # one pixel on the other's frame
    assert accumulated(truth, dict.fromkeys(truth, NONE), ["a"])["pair"] == 0


def test_a_group_is_right_in_both_orders_and_counts_once() -> None:
    samples = ["a", "a_r", "b", "b_r", "alone"]
    truth = {
        f"{sample}/00001/{word}": mask for sample in samples for word, mask in (("query", LEFT), ("contrast", RIGHT))
    }
    found = accumulated(truth, truth, samples)
    assert (found["pair"], found["group"]) == (1, 1)
    found = accumulated(truth, {**truth, "b_r/00001/query": NONE}, samples)
    assert (found["pair"], found["group"]) == (4 / 5, 1 / 2)
    found = accumulated(truth, truth, ["alone"])
    assert (found["pair"], found["group"]) == (1, None)
    assert accumulated(truth, truth, [])["pair"] is None


def test_pairs_among_some_queries() -> None:
    names = ["a", "b", "b_r"]
    numbers = {(name, word): place for place, (name, word) in enumerate((n, w) for n in names for w in "qc")}
    pairs = asked_both_ways({name: ((name, "q"), (name, "c")) for name in names}, numbers)
    assert pairs.other.tolist() == [-1, 2, 1]
    some = pairs.among(np.array([1, 2, 3, 4, 5]))  # all but the first caption of the first pair
    assert (some.query.tolist(), some.contrast.tolist(), some.other.tolist()) == ([1, 3], [2, 4], [1, 0])
    assert pairs.among(np.array([0, 1, 2, 3])).other.tolist() == [-1, -1]
