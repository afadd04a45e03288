"""The pages in docs/ say what is true: commands as they are, examples that run, links that lead somewhere."""

import importlib.util
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from a2dsplus.errors import InputError
from a2dsplus.sources import find_source
from tests.conftest import write_clip

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def loaded(path: Path, name: str) -> ModuleType:
    """Return a Python file as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def example(page: str) -> str:
    """Return the first Python block of a page."""
    return (ROOT / "docs" / page).read_text("utf-8").split("```python\n")[1].split("```")[0]


def test_the_page_of_commands_is_what_the_commands_say(tmp_path: Path) -> None:
    # in a process of its own: a command that a test has called keeps the help option of that call
    made = tmp_path / "cli.md"
    subprocess.run([sys.executable, str(ROOT / "docs" / "make_cli_page.py"), str(made)], check=True, cwd=ROOT)
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == made.read_text("utf-8"), "stale: run `make cli-page`"


def test_the_source_of_the_page_reads_a_folder(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text(example("add-a-source.md"))
    kind = loaded(tmp_path / "source.py", "birds").BirdSource
    data = tmp_path / "birds"
    (data / "clips").mkdir(parents=True)
    (data / "captions.tsv").write_text("heron\t1\ta heron that waits\nheron\t2\tthe other heron\n")
    write_clip(data / "clips" / "heron.mp4", 5, 48, 64, Fraction(25))
    assert kind.missing(tmp_path) == "captions.tsv"
    assert kind.missing(data) is None
    source = kind(data)
    assert [query.query_id for query in source.listing("test").queries] == ["heron/1", "heron/2"]
    assert source.video("heron").clip.frames == 5
    assert [path.name for path in source.files("test")] == ["captions.tsv", "heron.mp4"]
    with pytest.raises(InputError, match="no known dataset"):
        find_source(data)  # it is not registered


def test_the_engine_of_the_page_runs(tmp_path: Path) -> None:
    script = tmp_path / "words.py"
    script.write_text(example("add-an-engine.md"))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "[2, 1, 0]\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "api" / "index.html").read_text("utf-8")
    assert "a2dsplus.compose.subset.Subset" in page
