"""Accumulators give what `evaluate` gives, however the units are batched, split over processes or repeated."""

from pathlib import Path

import numpy as np
import pytest

from a2dsplus.errors import PredictionError, UsageError
from a2dsplus.score import Accumulator, evaluate
from tests.score.score_data import perturbed, random_masks, write_truth

torch = pytest.importorskip("torch")

TRUTH = random_masks(4, 30)
PREDICTED = perturbed(TRUTH, 5)
IDS = list(TRUTH)


def feed(accumulator: Accumulator, ids: list[str], size: int = 7) -> Accumulator:
    for start in range(0, len(ids), size):
        batch = ids[start : start + size]
        accumulator.update(
            torch.from_numpy(np.stack([PREDICTED[key] for key in batch])),
            torch.from_numpy(np.stack([TRUTH[key] for key in batch])).float(),
            units=batch,
            queries=[tuple(key.split("/")[::2]) for key in batch],
        )
    return accumulator


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_the_figures_of_evaluate(tmp_path: Path, protocol: str) -> None:
    write_truth(tmp_path, "M", TRUTH)
    expected = evaluate({"M": PREDICTED}, tmp_path, protocol=protocol, resamples=0).subsets["M"].figures
    found = feed(Accumulator(protocol), IDS).compute()
    assert set(found) == set(expected) - {"mAP_coco", "F", "J&F", "pair", "group"}
    for name, value in found.items():
        assert value == pytest.approx(expected[name], abs=1e-12), name


def test_units_that_two_processes_saw_count_once() -> None:
    one, other = feed(Accumulator(), IDS[:18]), feed(Accumulator(), [*IDS[18:], *IDS[:4]])
    assert Accumulator().merge([one.state(), other.state()]).compute() == feed(Accumulator(), IDS).compute()


def test_without_ids_there_are_no_figures_by_query() -> None:
    accumulator = Accumulator()
    accumulator.update(torch.ones(2, 3, 4, dtype=torch.bool), torch.ones(2, 3, 4))
    found = accumulator.compute()
    assert found["mIoU"] == 1
    assert "tIoU" not in found


def test_counts_stay_where_the_masks_are() -> None:
    accumulator = Accumulator()
    accumulator.update(torch.ones(2, 3, 4, device="meta"), torch.ones(2, 3, 4, device="meta"))
    assert accumulator._batches[0].device.type == "meta"  # a device without data: any copy would have raised


def test_misuse_is_named() -> None:
    accumulator = Accumulator()
    with pytest.raises(UsageError, match="no batch"):
        accumulator.compute()
    with pytest.raises(PredictionError, match="one shape"):
        accumulator.update(torch.ones(2, 3, 4), torch.ones(2, 3, 5))
    with pytest.raises(UsageError, match="1 units for a batch of 2"):
        accumulator.update(torch.ones(2, 3, 4), torch.ones(2, 3, 4), units=["a"])
    accumulator.update(torch.ones(1, 3, 4), torch.ones(1, 3, 4), units=["a"])
    with pytest.raises(UsageError, match="every batch or with none"):
        accumulator.update(torch.ones(1, 3, 4), torch.ones(1, 3, 4))
    with pytest.raises(UsageError, match="paper and released"):
        Accumulator("mttr")
