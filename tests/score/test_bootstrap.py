"""Intervals: seeded, over videos, and paired where two models are compared."""

from pathlib import Path

import numpy as np
import pytest

from a2dsplus.score import evaluate
from a2dsplus.score.figures.bootstrap import interval, video_weights
from tests.score.score_data import perturbed, random_masks, write_results, write_truth


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_truth(tmp_path / "data", "M", random_masks(1, 90))
    return tmp_path / "data"


MASKS = perturbed(random_masks(1, 90), 2)
OTHERS = perturbed(random_masks(1, 90), 3, drop=0.4)


def test_every_resample_draws_as_many_videos_as_there_are() -> None:
    weights = video_weights(17, resamples=50, seed=3, subset="S")
    assert weights.shape == (50, 17)
    assert (weights.sum(axis=1) == 17).all()


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others(data: Path) -> None:
    one, same, other = (evaluate({"M": MASKS}, data, seed=seed, resamples=100).subsets["M"] for seed in (0, 0, 1))
    assert one.intervals == same.intervals
    assert one.intervals != other.intervals


def test_intervals_do_not_depend_on_the_order_of_the_ground_truth(tmp_path: Path, data: Path) -> None:
    write_truth(tmp_path / "turned", "M", dict(reversed(random_masks(1, 90).items())))
    one, other = (evaluate({"M": MASKS}, where, resamples=60).subsets["M"] for where in (data, tmp_path / "turned"))
    for name, bounds in one.intervals.items():
        assert other.intervals[name] == pytest.approx(bounds, abs=1e-9)


def test_every_figure_has_an_interval_within_the_possible(data: Path) -> None:
    own = evaluate({"M": MASKS}, data, protocol="mttr", resamples=200).subsets["M"]
    assert own.intervals.keys() == {name for name, value in own.figures.items() if value is not None}
    for name, (low, high) in own.intervals.items():
        assert 0 <= low <= own.figures[name] <= high <= 1, name


def test_videos_are_drawn_not_frames(tmp_path: Path) -> None:
    # one video of 99 wrong frames, one of a single right one: by frame the interval is narrow, by video it spans everything
    mask = np.ones((4, 4), bool)
    truth = {f"a/{frame:05d}/0": mask for frame in range(1, 100)} | {"b/00001/0": mask}
    predicted = {key: mask & key.startswith("b") for key in truth}
    write_truth(tmp_path, "M", truth)
    own = evaluate({"M": predicted}, tmp_path, resamples=200).subsets["M"]
    assert own.figures["mIoU"] == 1 / 100
    assert own.intervals["mIoU"] == (0, 1)


def test_no_resamples_no_intervals(data: Path) -> None:
    report = evaluate({"M": MASKS}, data, resamples=0)
    assert report.subsets["M"].intervals == {}
    assert "bootstrap:none" in report.settings.signature()


def test_interval_leaves_out_two_and_a_half_percent_at_each_end() -> None:
    assert interval(np.arange(1001) / 1000) == pytest.approx((0.025, 0.975))
    assert interval(np.array([np.nan, 1.0, np.nan])) == (1, 1)
    assert interval(np.array([np.nan])) is None


def test_a_model_does_not_differ_from_itself(data: Path) -> None:
    own = evaluate({"M": MASKS}, data, against={"M": MASKS}, resamples=50).subsets["M"]
    assert own.differences
    for found in own.differences.values():
        assert found.difference == 0
        assert found.interval == (0, 0)


def test_the_paired_difference_is_narrower_than_the_figures_intervals(tmp_path: Path, data: Path) -> None:
    # the other model is this one with one more pixel right on every frame: how hard a video is cancels out
    truth = random_masks(1, 90, empty=0)
    write_truth(tmp_path / "full", "M", truth)
    better = {key: mask.copy() for key, mask in MASKS.items()}
    for key, mask in better.items():
        wrong = np.argwhere(mask != truth[key])
        if len(wrong):
            mask[tuple(wrong[0])] ^= True
    own = evaluate({"M": better}, tmp_path / "full", against={"M": MASKS}, resamples=300).subsets["M"]
    found = own.differences["mIoU"]
    assert found.difference == pytest.approx(own.figures["mIoU"] - found.other, abs=1e-12)
    low, high = found.interval
    assert 0 < low <= found.difference <= high
    assert high - low < 0.2 * (own.intervals["mIoU"][1] - own.intervals["mIoU"][0])


def test_against_a_folder(tmp_path: Path, data: Path) -> None:
    write_results(tmp_path / "these", "M", MASKS)
    write_results(tmp_path / "others", "M", OTHERS)
    report = evaluate(tmp_path / "these", data, against=tmp_path / "others", resamples=50)
    found = report.as_json()["against"]["M"]["oIoU"]
    alone = evaluate(tmp_path / "others", data, resamples=0).subsets["M"].figures["oIoU"]
    assert found["other"] == alone
    assert found["interval"][0] <= found["difference"] <= found["interval"][1]
