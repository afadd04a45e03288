"""docs/getting-data.md, "Your own data in ten minutes": the files that it names, its table and its commands, as they stand there."""

import re
import shlex
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from a2dsplus.cli import main
from tests.conftest import write_clip
from tests.sources import roots

_PAGE = (Path(__file__).parents[2] / "docs" / "getting-data.md").read_text("utf-8")
_SECTION = _PAGE.partition("## Your own data in ten minutes")[2].partition("\n## ")[0]


@pytest.mark.slow
def test_the_page_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, table, commands = re.findall(r"```\n(.*?)```", _SECTION, re.DOTALL)
    root, files = tmp_path / "mine", [line.split() for line in tree.splitlines()[1:]]
    for first, *others in files:
        place = root / first
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix == ".mp4":
            write_clip(place, 8, roots.HEIGHT, roots.WIDTH, Fraction(25))
        for name in [place.name, *others]:
            if name.endswith(".png"):
                objects = [1, 2] if place.parent.name == "park" else [1]
                roots.palette(place.parent / name, roots.numbered(objects, int(name[:-4]) - 1))
    (root / "table.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    printed = ""
    for line in commands.splitlines():
        program, *words = shlex.split(line)
        assert program == "a2dsplus"
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, (line, result.output, result.exception)
        printed += result.output
    assert "3 queries of 2 videos" in printed
    assert {"N", "M", "S", "T"} <= {path.name for path in (tmp_path / "mine-plus").iterdir()}
    assert (tmp_path / "mine-plus" / "S" / "samples.jsonl").read_text().count("\n") >= 1
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(r"mIoU +\d", printed)
