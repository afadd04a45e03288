"""The protocols of other datasets: their figures, equal to a count from scratch, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from a2dsplus.errors import UsageError
from a2dsplus.score import evaluate
from tests.score.score_data import perturbed, random_masks, write_truth

TRUTH = random_masks(9, 48, empty=0.3)
PREDICTED = perturbed(TRUTH, 10, drop=0.3)


def ious() -> dict[str, float]:
    found = {}
    for key, mask in TRUTH.items():
        union = int((mask | PREDICTED[key]).sum())
        found[key] = int((mask & PREDICTED[key]).sum()) / union if union else 1.0
    return found


@pytest.mark.parametrize("protocol", ["ytvos", "mevis"])
def test_sequences_are_means_over_frames_then_over_expressions(tmp_path: Path, protocol: str) -> None:
    write_truth(tmp_path, "N", TRUTH)
    report = evaluate({"N": PREDICTED}, tmp_path, protocol=protocol, resamples=20)  # type: ignore[arg-type]
    own = report.subsets["N"]
    assert list(own.figures) == ["J", "F", "J&F"]
    by_expression: dict[tuple[str, str], list[float]] = {}
    for key, iou in ious().items():
        video, _, expression = key.split("/")
        by_expression.setdefault((video, expression), []).append(iou)
    assert own.figures["J"] == pytest.approx(np.mean([np.mean(frames) for frames in by_expression.values()]), abs=1e-12)
    assert set(own.intervals) == {"J", "F", "J&F"}
    assert "mAP" not in report.signature


def test_jhmdb_counts_the_sampled_frames(tmp_path: Path) -> None:
    write_truth(tmp_path, "N", TRUTH)
    found = evaluate({"N": PREDICTED}, tmp_path, protocol="jhmdb", resamples=0).subsets["N"].figures
    assert set(found) == {"mAP", "mAP_5", "mAP_10", "P@0.5", "P@0.6", "P@0.7", "P@0.8", "P@0.9", "oIoU", "mIoU"}
    own = list(ious().values())
    assert found["mIoU"] == pytest.approx(np.mean(own), abs=1e-12)
    assert found["P@0.7"] == pytest.approx(np.mean([iou > 0.7 for iou in own]), abs=1e-12)


def test_an_unknown_protocol_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one of paper, released, mttr, jhmdb, ytvos, mevis, davis"):
        evaluate({"N": PREDICTED}, tmp_path, protocol="coco")  # type: ignore[arg-type]
