"""Figures: hand-worked cases with the arithmetic left visible, and a from-scratch count on pixels."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2dsplus.media.masks import Mask, encode
from a2dsplus.score import evaluate
from tests.score.score_data import (
    box,
    decoded,
    perturbed,
    random_masks,
    real_masks,
    write_results,
    write_samples,
    write_truth,
)
from tests.shared_data import needs_shared


def figures(
    tmp_path: Path, truth: dict[str, Mask], predicted: dict[str, Mask], *, subset: str = "S", **settings: Any
) -> dict[str, Any]:
    write_truth(tmp_path / "data", subset, truth)
    write_results(tmp_path / "masks", subset, predicted)
    return evaluate(tmp_path / "masks", tmp_path / "data", resamples=0, **settings).subsets[subset].figures


def row(pixels: int) -> Mask:
    """A mask of 1 x 20 whose first `pixels` are set."""
    return box(1, 20, 0, 0, 1, pixels)


# IoU: 10/20 exactly half, 14/20, 19/20, and two empty masks.
TRUTH = {"v_0/00001/0": row(20), "v_0/00002/0": row(20), "w_1/00001/1": row(20), "w_1/00002/1": row(0)}
PREDICTED = {"v_0/00001/0": row(10), "v_0/00002/0": row(14), "w_1/00001/1": row(19), "w_1/00002/1": row(0)}


def test_paper_counts_more_than_the_threshold_over_ten(tmp_path: Path) -> None:
    found = figures(tmp_path, TRUTH, PREDICTED)
    assert found["oIoU"] == (10 + 14 + 19 + 0) / (20 + 20 + 20 + 0)
    assert found["mIoU"] == pytest.approx((10 / 20 + 14 / 20 + 19 / 20 + 1) / 4, abs=1e-12)
    # 0.5 is not more than 0.5, 0.7 is not more than 0.7; the pair of empty masks passes them all
    precision = {0.5: 3 / 4, 0.6: 3 / 4, 0.7: 2 / 4, 0.8: 2 / 4, 0.9: 2 / 4}
    assert {k: found[f"P@{k}"] for k in precision} == precision
    assert found["mAP_5"] == pytest.approx(sum(precision.values()) / 5, abs=1e-12)
    # above .50 .55 .60 .65 lie three, above .70 .75 .80 .85 .90 two, above .95 one
    assert found["mAP"] == found["mAP_10"] == pytest.approx((4 * 3 / 4 + 5 * 2 / 4 + 1 / 4) / 10, abs=1e-12)


def test_released_counts_the_threshold_itself_over_five(tmp_path: Path) -> None:
    found = figures(tmp_path, TRUTH, PREDICTED, protocol="released")
    precision = {0.5: 4 / 4, 0.6: 3 / 4, 0.7: 3 / 4, 0.8: 2 / 4, 0.9: 2 / 4}
    assert {k: found[f"P@{k}"] for k in precision} == precision
    assert found["mAP"] == found["mAP_5"] == pytest.approx(sum(precision.values()) / 5, abs=1e-12)


@pytest.mark.parametrize("hundredths", [50, 60, 70, 80, 90, 55, 65, 75, 85, 95])
def test_an_iou_that_is_a_threshold_exactly(tmp_path: Path, hundredths: int) -> None:
    # hundredths of 100 pixels: no rounding of 0.7 may decide
    truth, predicted = {"v/00001/0": box(1, 100, 0, 0, 1, 100)}, {"v/00001/0": box(1, 100, 0, 0, 1, hundredths)}
    passed = sum(hundredths > threshold for threshold in range(50, 100, 5))
    assert figures(tmp_path, truth, predicted)["mAP_10"] == pytest.approx(passed / 10, abs=1e-12)
    reached = sum(hundredths >= threshold for threshold in range(50, 100, 5))
    assert figures(tmp_path, truth, predicted, protocol="released")["mAP_10"] == pytest.approx(reached / 10, abs=1e-12)


def test_mttr_divides_in_single_precision_as_torch_does(tmp_path: Path) -> None:
    import torch

    truth, predicted = random_masks(1, 60), perturbed(random_masks(1, 60), 2)
    ious, passed = [], dict.fromkeys((0.5, 0.6, 0.7, 0.8, 0.9), 0)
    for image_id, expected in truth.items():
        one, other = torch.tensor(predicted[image_id]).int(), torch.tensor(expected).int()
        shared, union = (one & other).float().sum(), (one | other).float().sum()
        ious.append(((shared + 1e-6) / (union + 1e-6)).item())
        for k in passed:
            passed[k] += ious[-1] > k
    found = figures(tmp_path, truth, predicted, protocol="mttr")
    assert found["mIoU"] == pytest.approx(np.mean(ious), abs=1e-12)
    assert {k: found[f"P@{k}"] for k in passed} == {k: many / len(ious) for k, many in passed.items()}


def test_mttr_counts_three_fifths_as_more_than_six_tenths(tmp_path: Path) -> None:
    # 3/5 in single precision is 0.60000002: MTTR's own evaluator counts it, exact arithmetic does not
    truth, predicted = {"v/00001/0": row(5)}, {"v/00001/0": row(3)}
    assert figures(tmp_path, truth, predicted, protocol="mttr")["P@0.6"] == 1.0
    assert figures(tmp_path, truth, predicted)["P@0.6"] == 0.0


def test_no_target_and_target_accuracy(tmp_path: Path) -> None:
    truth = {f"v/{frame:05d}/0": row(pixels) for frame, pixels in enumerate((0, 0, 0, 10, 10), 1)}
    predicted = {f"v/{frame:05d}/0": row(pixels) for frame, pixels in enumerate((0, 4, 0, 5, 0), 1)}
    found = figures(tmp_path, truth, predicted)
    assert found["N-acc"] == 2 / 3
    assert found["T-acc"] == 1 / 2
    assert found["gIoU"] == pytest.approx((1 + 0 + 1 + 5 / 10 + 0) / 5, abs=1e-12)


def test_what_has_no_unit_to_bear_on_is_none(tmp_path: Path) -> None:
    found = figures(tmp_path, {"v/00001/0": row(3)}, {"v/00001/0": row(3)})
    assert found["N-acc"] is None
    assert "leak" not in found


def test_temporal_iou_of_two_queries(tmp_path: Path) -> None:
    # query 0 fires on frames 2, 3 and should on 1, 2: one frame of three, at IoU 5/10; query 1 is silent and should be
    truth = {"v/00001/0": row(10), "v/00002/0": row(10), "v/00003/0": row(0), "v/00001/1": row(0)}
    predicted = {"v/00001/0": row(0), "v/00002/0": row(5), "v/00003/0": row(4), "v/00001/1": row(0)}
    found = figures(tmp_path, truth, predicted)
    assert found["tIoU"] == pytest.approx((1 / 3 + 1) / 2, abs=1e-12)
    assert found["vIoU"] == pytest.approx((0.5 / 3 + 1) / 2, abs=1e-12)


def test_region_similarity_is_averaged_over_queries_not_frames(tmp_path: Path) -> None:
    truth = {"v/00001/0": row(10), "v/00002/0": row(10), "v/00003/0": row(10), "v/00001/1": row(10)}
    predicted = {"v/00001/0": row(10), "v/00002/0": row(10), "v/00003/0": row(10), "v/00001/1": row(5)}
    found = figures(tmp_path, truth, predicted)
    assert found["J"] == (1.0 + 0.5) / 2
    assert found["mIoU"] == (1 + 1 + 1 + 0.5) / 4
    assert found["J&F"] == (found["J"] + found["F"]) / 2


def part(video: str, instance: str, width: int, frames: int = 2) -> dict[str, object]:
    return {"query_id": f"{video}/{instance}", "video_id": video, "instance_id": instance, "text": "a dog", "frames": frames,
            "height": 4, "width": width}  # fmt: skip


# a canvas of 4 x 10, of which the query's 5 columns fill 6; columns 3 to 7 are predicted: columns 6 and 7 leak where the query
# stands left, column 3 where it stands right
@pytest.mark.parametrize(("order", "leak"), [("query-first", 2 / 5), ("contrast-first", 1 / 5)])
def test_leak_in_s_is_the_share_of_predicted_pixels_beside_the_query(tmp_path: Path, order: str, leak: float) -> None:
    sample = {"sample_id": "v_0", "layout": "spatial", "order": order, "height": 4, "width": 10, "frames": 2,
              "query": part("v", "0", 5), "contrast": part("w", "1", 4)}  # fmt: skip
    truth, predicted = {"v_0/00001/0": box(4, 10, 0, 0, 4, 3)}, {"v_0/00001/0": box(4, 10, 0, 3, 4, 5)}
    write_truth(tmp_path / "data", "S", truth)
    write_samples(tmp_path / "data", "S", [sample])
    assert figures(tmp_path, truth, predicted)["leak"] == leak


@pytest.mark.parametrize(("order", "leak"), [("query-first", 1 / 2), ("contrast-first", 2 / 2)])
def test_leak_in_t_is_the_share_of_contrast_frames_with_a_mask(tmp_path: Path, order: str, leak: float) -> None:
    sample = {"sample_id": "v_0", "layout": "temporal", "order": order, "height": 1, "width": 20, "frames": 4,
              "query": part("v", "0", 20), "contrast": part("w", "1", 20)}  # fmt: skip
    truth = {f"v_0/{frame:05d}/0": row(0) for frame in (1, 2, 3, 4)}
    predicted = {"v_0/00001/0": row(2), "v_0/00002/0": row(1), "v_0/00003/0": row(0), "v_0/00004/0": row(9)}
    write_truth(tmp_path / "data", "T", truth)
    write_samples(tmp_path / "data", "T", [sample])
    assert figures(tmp_path, truth, predicted, subset="T")["leak"] == leak


def test_truth_against_itself_is_one_in_every_protocol(tmp_path: Path) -> None:
    truth = random_masks(5, 40)
    for protocol in ("paper", "released", "mttr"):
        found = figures(tmp_path, truth, truth, protocol=protocol)
        off = {
            name: value for name, value in found.items() if value != 1 and name not in ("mAP_cocoeval", "pair", "group")
        }
        assert not off
    assert found["mAP_cocoeval"] < 1  # stock COCOeval counts an empty pair as 0


def from_scratch(truth: Mapping[str, Any], predicted: Mapping[str, Any]) -> dict[str, float]:
    """All that can be counted pixel by pixel."""
    ious, shared, unions = [], 0, 0
    for image_id in truth:
        expected, found = (own[image_id] for own in (truth, predicted))
        if isinstance(expected, dict):
            expected, found = decoded(expected), decoded(found)
        both, either = int((found & expected).sum()), int((found | expected).sum())
        ious.append(both / either if either else 1.0)
        shared, unions = shared + both, unions + either
    share = {k / 100: sum(iou > k / 100 for iou in ious) / len(ious) for k in range(50, 100, 5)}
    return {
        "oIoU": shared / unions,
        "mIoU": math.fsum(ious) / len(ious),
        "mAP": math.fsum(share.values()) / 10,
        "mAP_5": math.fsum(share[k] for k in (0.5, 0.6, 0.7, 0.8, 0.9)) / 5,
        **{f"P@{k}": share[k] for k in (0.5, 0.6, 0.7, 0.8, 0.9)},
    }


@pytest.mark.parametrize("seed", range(5))
def test_random_masks_against_a_count_from_scratch(tmp_path: Path, seed: int) -> None:
    truth = random_masks(seed, 150)
    predicted = perturbed(truth, seed + 100)
    found = figures(tmp_path, truth, predicted)
    for name, value in from_scratch(truth, predicted).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_the_order_of_units_and_predictions_does_not_matter(tmp_path: Path) -> None:
    truth, generator = random_masks(3, 60), np.random.default_rng(0)
    predicted = perturbed(truth, 4)
    shuffled = dict(generator.permutation(np.array(list(truth), object)[:, None])[:, [0, 0]])
    one = figures(tmp_path / "a", truth, predicted)
    other = figures(
        tmp_path / "b", {key: truth[key] for key in shuffled}, {key: predicted[key] for key in reversed(shuffled)}
    )
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert other[name] == pytest.approx(value, abs=1e-12), name


@pytest.mark.slow
@needs_shared
def test_the_real_masks_against_a_count_from_scratch(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    truth = real_masks()
    assert len(truth) == 3800
    predicted = {}
    for image_id, rle in truth.items():
        predicted[image_id] = encode(np.roll(decoded(rle), tuple(generator.integers(-9, 10, 2)), (0, 1)))
    report = evaluate({"M": predicted}, write_truth(tmp_path, "M", truth), resamples=0)
    found = report.subsets["M"]
    assert (found.units, found.queries, found.videos) == (3800, 1295, 737)
    for name, value in from_scratch(truth, predicted).items():
        assert found.figures[name] == pytest.approx(value, abs=1e-9), name
