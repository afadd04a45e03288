"""The Codabench bundle, run as the platform runs it: program/, input/ref, input/res, output/, the command of metadata.yaml."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from PIL import Image

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.errors import InputError
from a2dsplus.export import export
from a2dsplus.models.run import Run, predict
from a2dsplus.score.evaluation import evaluate
from a2dsplus.sources import find_source
from tests.sources.test_every_source import ROOTS


@pytest.fixture(scope="module")
def bundle(strict: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("codabench") / "out"
    export(strict, out, layout="codabench")
    return out


def unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    return folder


def platform(bundle: Path, submission: Path, app: Path) -> "subprocess.CompletedProcess[str]":
    """Unpack what the bundle names and run its scoring program on a submission, as the platform's worker does."""
    whole = unpacked(bundle / "bundle.zip", app / "bundle")
    task = yaml.safe_load((whole / "competition.yaml").read_text())["tasks"][0]
    program = unpacked(whole / task["scoring_program"], app / "program")
    unpacked(whole / task["reference_data"], app / "input" / "ref")
    unpacked(submission, app / "input" / "res")
    (app / "output").mkdir()
    command = yaml.safe_load((program / "metadata.yaml").read_text())["command"].split(" ")
    assert command[0] == "python3"
    environment = {"PYTHONUNBUFFERED": "1", "PATH": "/usr/bin:/bin", "HOME": str(app)}
    return subprocess.run(
        [sys.executable, *command[1:]], cwd=program, env=environment, capture_output=True, text=True, check=False
    )


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*.json")):
            archive.write(path, path.relative_to(folder))
    return target


@pytest.fixture(scope="module")
def submission(strict: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("submission")
    predict(Run(model="moving", checkpoint=None, dataset=strict), folder / "p")
    (folder / "p" / "manifest.json").unlink()
    return zipped(folder / "p", folder / "submission.zip")


@pytest.mark.slow
def test_the_platform_gets_the_scorers_figures(bundle: Path, strict: Path, submission: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    done = platform(bundle, submission, app)
    assert done.returncode == 0, done.stderr
    scores = json.loads((app / "output" / "scores.json").read_text())
    columns = yaml.safe_load((app / "bundle" / "competition.yaml").read_text())["leaderboards"][0]["columns"]
    assert list(scores) == [column["key"] for column in columns]
    assert {"S_pair", "T_pair", "S_leak", "T_N-acc"} <= set(scores)
    own = evaluate(unpacked(submission, tmp_path / "own"), strict, resamples=0)
    for key, value in scores.items():
        subset, figure = key.split("_", 1)
        assert value == pytest.approx(own.subsets[subset].figures[figure]), key
    assert "<html" in (app / "output" / "detailed_results.html").read_text()


@pytest.mark.slow
def test_a_submission_that_lacks_a_mask_fails_with_one_line(bundle: Path, submission: Path, tmp_path: Path) -> None:
    rows = json.loads(zipfile.ZipFile(submission).read("S.json"))
    (tmp_path / "less").mkdir()
    (tmp_path / "less" / "S.json").write_text(json.dumps(rows[1:]))
    done = platform(bundle, zipped(tmp_path / "less", tmp_path / "less.zip"), tmp_path / "app")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "app" / "output" / "scores.json").exists()


def test_what_is_named_is_there_and_the_bytes_are_the_same_again(bundle: Path, strict: Path, tmp_path: Path) -> None:
    description = yaml.safe_load((bundle / "competition.yaml").read_text())
    named = [description["image"], description["terms"], *(page["file"] for page in description["pages"])]
    with zipfile.ZipFile(bundle / "bundle.zip") as archive:
        assert {*named, "competition.yaml", "scoring_program.zip", "reference_data.zip"} == set(archive.namelist())
    with Image.open(bundle / "logo.png") as logo:
        assert logo.size == (256, 256)
    export(strict, tmp_path / "again", layout="codabench")
    assert (tmp_path / "again" / "bundle.zip").read_bytes() == (bundle / "bundle.zip").read_bytes()
    with zipfile.ZipFile(bundle / "scoring_program.zip") as program:
        assert not [name for name in program.namelist() if name.endswith((".safetensors", ".pyc"))]


def test_a_split_without_masks_cannot_be_a_benchmark(tmp_path: Path) -> None:
    make, _ = ROOTS["refer-youtube-vos"]
    source = find_source(make(tmp_path / "root"), name="refer-youtube-vos")
    build(source, tmp_path / "out", options=BuildOptions(split="valid", rendering=Rendering(form="none")))
    with pytest.raises(InputError, match="no ground truth"):
        export(tmp_path / "out", tmp_path / "bundle", layout="codabench")
