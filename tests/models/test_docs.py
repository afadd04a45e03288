"""docs/models.md is true: every registered model, option and model type is on it, and its example runs."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from a2dsplus.cli.baseline import command
from a2dsplus.models import MODELS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text("utf-8")


def test_every_model_and_model_type_is_on_the_page() -> None:
    from a2dsplus.models.transformers import KNOWN
    from a2dsplus.models.transformers.tracked import SEGMENTERS

    for name in (*MODELS.built_in, *KNOWN, *SEGMENTERS):
        assert f"`{name}`" in PAGE, name


def test_every_option_that_reaches_a_model_is_on_the_page() -> None:
    for name in ("checkpoint", "device", "detector", "segmenter", "threshold", "batch", "scales", "flip"):
        assert any(name == option.name for option in command.params)
        assert f"`{name}`" in PAGE


def test_the_defaults_on_the_page_are_the_codes() -> None:
    from a2dsplus.models.named import _THRESHOLD
    from a2dsplus.models.transformers import boxes, tracked

    scores = (boxes.Owlv2, boxes.GroundingDino, boxes.GroundingDino, boxes.OmDetTurbo)
    assert f"its score is below {', '.join(str(kind.threshold) for kind in scores)}" in PAGE
    assert f"every {tracked._EVERY}th frame" in PAGE
    assert f"averages `--threshold` ({_THRESHOLD}," in PAGE


def test_the_example_runs(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(# my_model.py.*?)```", PAGE, re.DOTALL)
    assert code
    (tmp_path / "warm_model.py").write_text(code[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ["--model", "warm_model:Warm", "--threshold", "0.3", "--dataset", str(dataset), "--device", "cpu"]
    done = CliRunner().invoke(command, [*arguments, "--out", str(tmp_path / "out")], catch_exceptions=False)
    sys.modules.pop("warm_model", None)
    assert done.exit_code == 0
    assert "mIoU" in done.stdout
