"""COCO average precision against pycocotools' own COCOeval."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from a2dsplus.media.masks import encode
from a2dsplus.score import evaluate
from a2dsplus.score.figures.ap import average_precision, resampled_average_precision
from tests.score.score_data import perturbed, random_masks, write_results, write_rows, write_truth


def cocoeval(truth_file: Path, results_file: Path) -> float:
    """The first of COCOeval's summary, as MTTR reports it."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(truth_file))
        for annotation in truth.dataset["annotations"]:
            annotation.setdefault("bbox", [0, 0, 1, 1])
        evaluation = COCOeval(truth, truth.loadRes(str(results_file)), iouType="segm")
        evaluation.params.useCats = 0
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


@pytest.mark.parametrize("seed", range(4))
def test_one_scored_mask_a_unit(tmp_path: Path, seed: int) -> None:
    truth = random_masks(seed, 80, empty=0)
    generator = np.random.default_rng(seed)
    scores = {image_id: round(float(generator.random()), 1) for image_id in truth}  # many ties
    results = write_results(tmp_path / "masks", "M", perturbed(truth, seed), scores)
    expected = cocoeval(write_truth(tmp_path / "data", "M", truth), results)
    figures = evaluate(results, tmp_path / "data", protocol="mttr", resamples=0).subsets["M"].figures
    assert 0 < expected < 1
    for name in ("mAP", "mAP_coco", "mAP_cocoeval"):
        assert figures[name] == pytest.approx(expected, abs=1e-12), name


@pytest.mark.parametrize("seed", range(4))
def test_several_scored_masks_a_unit(tmp_path: Path, seed: int) -> None:
    truth = random_masks(seed, 60, empty=0.2)
    generator = np.random.default_rng(seed)
    rows = [
        {"image_id": image_id, "category_id": 1, "segmentation": encode(mask), "score": float(generator.random())}
        for guess in range(4)
        for image_id, mask in perturbed(truth, 10 * seed + guess).items()
    ]
    results = write_rows(tmp_path / "masks", "M", rows)
    expected = cocoeval(write_truth(tmp_path / "data", "M", truth), results)
    figures = evaluate(results, tmp_path / "data", protocol="mttr", resamples=0).subsets["M"].figures
    assert figures["mAP_cocoeval"] == pytest.approx(expected, abs=1e-12)
    assert figures["mAP"] > figures["mAP_cocoeval"]  # empty pairs count
    best = {}
    for row in rows:
        if row["score"] > best.get(row["image_id"], {"score": -1})["score"]:
            best[row["image_id"]] = row
    alone = evaluate(
        write_rows(tmp_path / "best", "M", list(best.values())), tmp_path / "data", protocol="mttr", resamples=0
    )
    assert figures["mAP_coco"] == alone.subsets["M"].figures["mAP_coco"]
    assert figures["mIoU"] == alone.subsets["M"].figures["mIoU"]


def test_a_resample_that_draws_every_video_once_is_the_figure_itself() -> None:
    generator = np.random.default_rng(0)
    ious, scores, rank = generator.random(200), generator.random(200), np.arange(200)
    video = generator.integers(0, 30, 200)
    weights = np.ones((2, 30), np.int64)
    found = resampled_average_precision(ious, scores, np.arange(200), rank=rank, weights=weights, unit_video=video)
    assert found == pytest.approx([average_precision(ious, scores, np.arange(200), rank=rank)] * 2, abs=1e-6)


def test_a_resample_counts_a_video_as_often_as_it_was_drawn() -> None:
    generator = np.random.default_rng(1)
    ious, scores, video = generator.random(60), generator.random(60), np.repeat(np.arange(12), 5)
    weights = generator.integers(0, 3, (5, 12))
    found = resampled_average_precision(
        ious, scores, np.arange(60), rank=np.arange(60), weights=weights, unit_video=video
    )
    for row, value in zip(weights, found, strict=True):
        units = np.repeat(np.arange(60), row[video])  # the resample written out, copies as units of their own
        own = average_precision(ious[units], scores[units], np.arange(len(units)), rank=np.arange(len(units)))
        assert value == pytest.approx(own, abs=1e-6)


def test_nothing_right_is_zero() -> None:
    zeros = np.zeros(10)
    assert average_precision(zeros, zeros, np.arange(10), rank=np.arange(10)) == 0
    found = resampled_average_precision(
        zeros, zeros, np.arange(10), rank=np.arange(10), weights=np.ones((3, 10), np.int64), unit_video=np.arange(10)
    )
    assert found.tolist() == [0, 0, 0]
