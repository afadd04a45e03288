"""The ground truth of a built dataset in the COCO tools of the field: it loads as it is, and they count what we count."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faster_coco_eval
import hotcoco
import numpy as np
import pycocotools.coco
import pycocotools.cocoeval
import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.media.masks import encode
from a2dsplus.score import evaluate
from a2dsplus.sources.a2d import A2dSource
from tests.score.score_data import decoded

TOOLS: dict[str, tuple[Callable[[str], Any], Callable[..., Any]]] = {
    "pycocotools": (pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval),
    "faster-coco-eval": (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
    "hotcoco": (hotcoco.COCO, hotcoco.COCOeval),
}


@pytest.fixture(scope="module")
def dataset(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("coco") / "out"
    build(A2dSource(small_root), out, options=BuildOptions(rendering=Rendering(form="none")))
    return out


@pytest.fixture
def results(dataset: Path, tmp_path: Path) -> Path:
    """Scored masks of M, S and T: the true ones, moved by zero to four pixels, where there is one; a stray block where there is none."""
    generator = np.random.default_rng(0)
    for subset in "MST":
        truth = json.loads((dataset / subset / "ground_truth.json").read_text())
        rows = []
        for annotation in truth["annotations"]:
            mask = np.roll(decoded(annotation["segmentation"]), generator.integers(0, 5, 2), (0, 1))
            if not mask.any():
                mask[:3, :3] = True
            score = round(float(generator.random()), 2)
            rows.append({"image_id": annotation["image_id"], "category_id": annotation["category_id"],
                         "segmentation": encode(mask), "score": score})  # fmt: skip
        (tmp_path / f"{subset}.json").write_text(json.dumps(rows))
    return tmp_path


def counted(tool: str, truth_file: Path, results_file: Path) -> float:
    """The first of a tool's summary."""
    load, evaluation_of = TOOLS[tool]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = load(str(truth_file))
        evaluation = evaluation_of(truth, truth.loadRes(str(results_file)), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("subset", ["M", "S", "T"])
def test_a_built_ground_truth_scores_as_ours_does(dataset: Path, results: Path, tool: str, subset: str) -> None:
    found = counted(tool, dataset / subset / "ground_truth.json", results / f"{subset}.json")
    ours = evaluate(results, dataset, subsets=[subset], protocol="mttr", resamples=0).subsets[subset].figures
    assert 0 < found < 1
    assert ours["mAP_cocoeval"] == pytest.approx(found, abs=1e-9)
    if subset != "T":  # where no true mask is empty there is one AP; the tools have no match for an empty one
        assert ours["mAP_coco"] == pytest.approx(found, abs=1e-9)
