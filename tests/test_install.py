"""The wheel in fresh environments: the base alone scores, and the whole works from any folder.

The packages are those of this environment, so that nothing is fetched: a fresh environment sees the base's alone, or all of them.
"""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from importlib.metadata import Distribution, distribution, requires
from pathlib import Path

import pytest

from tests.score.score_data import random_masks, write_pngs, write_results, write_truth

_ROOT = Path(__file__).parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=_ROOT, check=True, capture_output=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what the base install brings."""
    root = tmp_path_factory.mktemp("base")
    packages = _environment(root, wheel)
    for name in base_packages():
        for entry in _entries(distribution(name)):
            (packages / entry.name).symlink_to(entry)
    return root / "bin" / "python"


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and every package of this one."""
    root = tmp_path_factory.mktemp("whole")
    packages = _environment(root, wheel)
    others = [folder for folder in map(Path, sys.path) if folder.name in ("site-packages", "dist-packages")]
    (packages / "others.pth").write_text("".join(f"{folder}\n" for folder in others))
    return root / "bin" / "python"


def base_packages() -> set[str]:
    """Return the names of all packages that the base install brings, those that they need included."""
    found: set[str] = set()
    waiting = _required("a2dsplus")
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _required(name)
    return found


def _required(name: str) -> list[str]:
    return [
        re.split(r"[\s<>=!~;(\[]", line)[0]
        for line in requires(name) or ()
        if "extra ==" not in line and "platform" not in line
    ]


def _entries(package: Distribution) -> set[Path]:
    """Return the files and folders of a package at the top of its site-packages."""
    names = {file.parts[0] for file in package.files or () if file.parts[0] != ".."}
    return {Path(str(package.locate_file(name))) for name in names}


def _environment(root: Path, wheel: Path) -> Path:
    venv.create(root, symlinks=True)
    (packages,) = root.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return packages


def _run(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # HOME: nothing that lies there may help; PATH: no program of the checkout
    environment = {"PATH": os.defpath, "HOME": str(folder), "COLUMNS": "120", "LANG": "C.UTF-8"}
    command = [str(python), "-m", "a2dsplus", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_base_is_twelve_packages_and_120_megabytes() -> None:
    packages = base_packages()
    assert {"numpy", "pycocotools", "click", "pillow", "jinja2", "rich", "tqdm"} <= packages
    assert len(packages) + 1 <= 12
    size = sum(file.stat().st_size for name in packages for file in _files(distribution(name)))
    assert size <= 120e6


def _files(package: Distribution) -> list[Path]:
    found = [Path(str(package.locate_file(file))) for file in package.files or ()]
    return [file for file in found if file.is_file()]


def test_the_wheel_has_the_licences_of_what_it_carries(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    assert "License-Expression: MIT AND CC-BY-SA-4.0 AND Apache-2.0" in metadata
    for licence in ("LICENSE-CC-BY-SA-4.0.txt", "LICENSE-Apache-2.0.txt"):
        assert f"a2dsplus/roles/srl/compact_model/{licence}" in names
        assert any(name.endswith(f".dist-info/licenses/a2dsplus/roles/srl/compact_model/{licence}") for name in names)
    assert "a2dsplus/py.typed" in names
    assert "locater/py.typed" in names
    assert sum(name.endswith("vocab.txt") for name in names) == 1


def test_the_base_scores_png_and_coco_predictions(base: Path, tmp_path: Path) -> None:
    truth = random_masks(8, 12)
    write_truth(tmp_path / "data", "M", truth)
    write_pngs(tmp_path / "png", "M", truth)
    write_results(tmp_path / "coco", "M", truth)
    for name in ("png", "coco"):
        done = _run(
            base, tmp_path, "score", name, "--dataset", "data", "--json", f"{name}.json", "--html", f"{name}.html"
        )
        assert (done.returncode, done.stderr) == (0, f"wrote {name}.html\nwrote {name}.json\n")
        assert json.loads((tmp_path / f"{name}.json").read_text())["subsets"]["M"]["mIoU"] == 1
        assert (tmp_path / f"{name}.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["build"], "build"),
        (["parse", "a dog runs"], "roles"),
        (["review"], "review"),
        (["baseline", "--model", "moving"], "locater"),
        (["stats"], "data"),
        (["export", "--layout", "a2d", "--subset", "S", "--out", "other"], "data"),
        (["world", "--out", "world"], "data"),
        (["train", "--out", "run"], "train"),
        (["bench"], "locater"),
    ],
)
def test_what_the_base_cannot_do_says_what_to_install(base: Path, tmp_path: Path, words: list[str], extra: str) -> None:
    (tmp_path / "a2dsplus-data").mkdir()
    (tmp_path / "a2dsplus-data" / "manifest.json").write_text('{"schema": 2, "files": {}}')
    done = _run(base, tmp_path, *words)
    assert done.returncode == 1, done.stderr
    line = rf'error: .* needs \w+, which is not installed: pip install "a2dsplus\[{extra}\]"'
    assert re.fullmatch(line, done.stderr.splitlines()[-1])


def test_the_wheel_alone_builds_verifies_scores_and_runs_the_baseline(whole: Path, base: Path, tmp_path: Path) -> None:
    place = subprocess.run(
        [str(whole), "-c", "import a2dsplus, locater; print(a2dsplus.__file__, locater.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(_ROOT) not in place.stdout
    for words in (
        ["world", "--out", "world", "--split", "test", "--test-videos", "4", "--workers", "1"],
        ["build", "--root", "world", "--render", "none", "--workers", "1"],
        ["review", "--export", "pairs.json"],
        ["baseline", "--model", "locater", "--subsets", "S", "--no-score"],
        ["score", "predictions-locater", "--html", "report.html"],
    ):
        done = _run(whole, tmp_path, *words)
        assert done.returncode == 0, (words, done.stderr)
    # what the whole install made, the base checks and scores, and says the same
    assert _run(base, tmp_path, "verify").returncode == 0
    ours = _run(base, tmp_path, "score", "predictions-locater")
    assert ours.returncode == 0, ours.stderr
    assert ours.stdout == done.stdout
