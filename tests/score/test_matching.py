"""The protocol davis on a Ref-DAVIS17 root as it lies on disk: four runs of palettes, objects matched, void left out; against a count from scratch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.optimize import linear_sum_assignment

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli import main
from a2dsplus.compose.render import Rendering
from a2dsplus.errors import PredictionError, UsageError
from a2dsplus.media.runs import from_mask
from a2dsplus.records import SubsetName
from a2dsplus.score import evaluate
from a2dsplus.score.counting.boundary import contour_accuracy
from a2dsplus.score.matching import assignment
from a2dsplus.sources import find_source
from tests.score.score_data import random_masks, write_truth
from tests.sources import roots

OBJECTS = {"bear": 1, "classic-car": 2, "dogs-scale": 3}
FRAMES = 3
VOID = np.zeros((roots.HEIGHT, roots.WIDTH), bool)
VOID[-2:] = True


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N of a small Ref-DAVIS17, every object with its four expressions."""
    folder = tmp_path_factory.mktemp("davis")
    root = roots.ref_davis(folder / "root")
    with (root / "davis_text_annotations" / "Davis17_annot2.txt").open("a", encoding="latin-1") as file:
        file.write('clasic-car 2 "somebody in a car"\n')
    options = BuildOptions(split="valid", subsets=(SubsetName.N,), rendering=Rendering(form="none"))
    build(find_source(root), folder / "data", options=options)
    return folder / "data"


def _palettes(folder: Path, numbers: Callable[[str, int, int], np.ndarray]) -> Path:
    for run in range(4):
        for video in OBJECTS:
            for frame in range(FRAMES):
                roots.palette(folder / f"anno_{run}" / video / f"{frame:05d}.png", numbers(video, run, frame))
    return folder


def _true(video: str, run: int, frame: int) -> np.ndarray:
    return roots.numbered(list(range(1, OBJECTS[video] + 1)), frame)


def _noisy(video: str, run: int, frame: int) -> np.ndarray:
    """Numbers that are turned round from run to run, moved a little, with noise in the void."""
    many, rng = OBJECTS[video], np.random.default_rng([run, frame, len(video)])
    turned = np.array([0, *((np.arange(many) + run) % many + 1)])[_true(video, run, frame)]
    moved = np.roll(turned, rng.integers(-3, 4, 2), axis=(0, 1))
    moved[VOID] = rng.integers(0, many + 1, moved.shape)[VOID]
    return moved


def _from_scratch(numbers: Callable[[str, int, int], np.ndarray]) -> list[tuple[float, float]]:
    """Return (J, F) of the four runs, as DAVIS's unsupervised evaluation defines them."""
    found = []
    for run in range(4):
        own = []
        for video, many in OBJECTS.items():
            region, contour = np.zeros((2, many, many, FRAMES))
            for frame in range(FRAMES):
                for p in range(many):
                    for g in range(many):
                        predicted = (numbers(video, run, frame) == p + 1) & ~VOID
                        true = roots.square(g + 1, frame) & ~VOID
                        union = (predicted | true).sum()
                        region[p, g, frame] = (predicted & true).sum() / union if union else 1
                        size = {"height": roots.HEIGHT, "width": roots.WIDTH}
                        contour[p, g, frame] = contour_accuracy(from_mask(predicted), from_mask(true), **size)
            quality = (region.mean(2) + contour.mean(2)) / 2
            rows, columns = linear_sum_assignment(-quality)
            own += [(region[p, g].mean(), contour[p, g].mean()) for p, g in zip(rows, columns, strict=True)]
        found.append((float(np.mean([j for j, _ in own])), float(np.mean([f for _, f in own]))))
    return found


def test_a_swap_of_objects_costs_nothing_and_void_is_judged_by_nobody(dataset: Path, tmp_path: Path) -> None:
    def swapped(video: str, run: int, frame: int) -> np.ndarray:
        own = _true(video, run, frame)
        many = OBJECTS[video]
        turned = np.array([0, *((np.arange(many) + run) % many + 1)])[own]
        turned[VOID] = 1  # whatever stands there
        return turned

    folder = _palettes(tmp_path / "out", swapped)
    found = evaluate(folder, dataset, protocol="davis", resamples=50)
    own = found.subsets["N"]
    assert own.figures == {"J": 1.0, "F": 1.0, "J&F": 1.0}
    assert own.queries == 24 and own.units == 72 and set(own.intervals) == {"J", "F", "J&F"}
    assert "objects:matched|runs:mean-of-4|unit:video-object-run" in found.signature
    assert "by:video" in found.signature
    # without matching, the same palettes are wrong
    plain = evaluate(folder, dataset, protocol="ytvos", resamples=0).subsets["N"].figures
    assert (plain["J"] or 0) < 0.7


def test_the_figures_are_the_mean_of_four_runs_counted_from_scratch(dataset: Path, tmp_path: Path) -> None:
    folder = _palettes(tmp_path / "out", _noisy)
    own = evaluate(folder, dataset, protocol="davis", resamples=0).subsets["N"]
    runs = _from_scratch(_noisy)
    assert own.figures["J"] == pytest.approx(np.mean([j for j, _ in runs]), abs=1e-12)
    assert own.figures["F"] == pytest.approx(np.mean([f for _, f in runs]), abs=1e-12)
    assert 0.2 < (own.figures["J&F"] or 0) < 0.99
    said = next(note for note in own.notes if note.startswith("J&F by run"))
    for (j, f), name in zip(runs, ("annotator 1, first frame", "annotator 1, full video", "annotator 2, first frame", "annotator 2, full video"), strict=True):  # fmt: skip
        assert f"{name} {50 * (j + f):.1f}" in said


def test_masks_of_single_expressions_are_matched_and_said_to_be_no_palettes(dataset: Path, tmp_path: Path) -> None:
    run = CliRunner()
    done = run.invoke(main, ["baseline", "--model", "oracle", "--dataset", str(dataset), "--out", str(tmp_path / "oracle"), "--no-score"])  # fmt: skip
    assert done.exit_code == 0, done.output
    shown = run.invoke(main, ["score", str(tmp_path / "oracle"), "--dataset", str(dataset), "--protocol", "davis"])
    assert shown.exit_code == 0, shown.output
    assert "no palettes" in shown.output and "100.0" in shown.output and "J&F by run" in shown.output


def test_an_object_without_all_four_expressions_is_said(tmp_path: Path) -> None:
    options = BuildOptions(split="valid", subsets=(SubsetName.N,), rendering=Rendering(form="none"))
    build(find_source(roots.ref_davis(tmp_path / "root")), tmp_path / "data", options=options)
    folder = _palettes(tmp_path / "out", _true)
    own = evaluate(folder, tmp_path / "data", protocol="davis", resamples=0).subsets["N"]
    assert own.figures["J&F"] == 1.0 and own.queries == 23
    assert any("not every object has four expressions" in note for note in own.notes)


def test_what_is_no_ref_davis_is_refused(dataset: Path, tmp_path: Path) -> None:
    masks = {key.rsplit("/", 1)[0] + "/query": mask for key, mask in random_masks(1, 4).items()}
    write_truth(tmp_path, "S", masks)
    with pytest.raises(UsageError, match="4 k \\+ run; S has query"):
        evaluate({"S": masks}, tmp_path, protocol="davis")
    folder = _palettes(tmp_path / "out", _true)
    with pytest.raises(PredictionError, match="4 k \\+ run; S has 'query'"):
        evaluate(folder, tmp_path, resamples=0)
    Image.new("RGB", (roots.WIDTH, roots.HEIGHT)).save(folder / "anno_0" / "bear" / "00000.png")
    with pytest.raises(PredictionError, match="one image of object numbers"):
        evaluate(folder, dataset, protocol="davis", resamples=0)


def test_the_assignment_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for many in (1, 2, 3, 6):
        quality = rng.random((many, many)).round(1)
        rows, columns = linear_sum_assignment(-quality)
        found = assignment(quality)
        assert sorted(found) == list(range(many))
        assert quality[found, range(many)].sum() == pytest.approx(quality[rows, columns].sum())
    assert assignment(np.ones((4, 4))) == [0, 1, 2, 3]
