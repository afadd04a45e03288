"""Folders whose names look like protocols, and locales that are not UTF-8: every command takes them for what they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from a2dsplus.cli import main
from a2dsplus.dataset.tables import read_queries
from a2dsplus.dataset.workspace import Workspace
from tests.conftest import paint_root

NAMES = ["out:1", "data:2023", "http:", "file:", "memory:", "s3:out", "concat:a|b", "pipe:1", "NAME:x", "é ü"]


def _commands(root: str, name: str) -> list[list[str]]:
    data, out = f"{name}/data", f"{name}/out"
    return [
        ["build", "--root", root, "--out", data, "--subsets", "S", "--workers", "1"],
        ["verify", "--dataset", data],
        ["stats", "--dataset", data, "--figure", f"{name}/sheet.png"],
        ["export", "--dataset", data, "--subset", "S", "--layout", "a2d", "--out", f"{out}-a2d"],
        ["export", "--dataset", data, "--subset", "S", "--layout", "refer-ytvos", "--out", f"{out}-ytvos"],
        ["export", "--dataset", data, "--subset", "S", "--layout", "hf", "--out", f"{out}-hf"],
        ["export", "--dataset", data, "--subset", "S", "--layout", "codabench", "--out", f"{out}-codabench"],
        ["baseline", "--model", "oracle", "--dataset", data, "--out", out, "--workers", "1"],
        ["score", out, "--dataset", data, "--resamples", "2", "--json", f"{name}/s.json", "--html", f"{name}/s.html"],
        ["review", "--dataset", data, "--export", f"{name}/pairs.json"],
        ["build", "--root", root, "--out", data, "--subsets", "S", "--workers", "1", "--pairs", f"{name}/pairs.json"],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_looks_like_a_protocol_is_a_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paint_root(tmp_path / name / "a2d")
    for words in _commands(f"{name}/a2d", name):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, (words, result.output, result.exception)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "POSIX"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_a_locale_that_is_not_utf_8(variables: dict[str, str], tmp_path: Path) -> None:
    paint_root(tmp_path / "a2d")
    captions = tmp_path / "a2d/text_annotations/a2d_annotation.txt"
    captions.write_text(captions.read_text("utf-8").replace("red car", "red café car 犬"), "utf-8")
    for words in _commands("a2d", "here"):
        found = subprocess.run(
            [sys.executable, "-m", "a2dsplus", *words],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            check=False,
        )
        assert found.returncode == 0, (words, found.stderr)
    texts = [query.text for query in read_queries(Workspace.open(tmp_path / "here/data"))]
    assert "red café car 犬 rolling on the street" in texts
