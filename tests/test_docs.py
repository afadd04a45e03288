"""Words that nothing tests drift: every command, option and public name is documented, and the README names what there is."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from a2dsplus.cli import COMMANDS, main

REPOSITORY = Path(__file__).resolve().parents[1]
MODULES = sorted(path for package in ("a2dsplus", "locater") for path in (REPOSITORY / package).rglob("*.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help_and_the_readme_names_it(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None and command.help and len(command.help.split()) > 8
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"a2dsplus {name} {parameter.opts[0]} has no help"
    assert f"a2dsplus {name}" in (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_public_name_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    missing = [] if ast.get_docstring(tree) else ["the module"]
    nodes: list[tuple[ast.AST, str]] = [(node, "") for node in tree.body]
    for node, owner in nodes:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and node.name not in ("forward",):
            missing.append(f"{owner}{node.name}")
        if isinstance(node, ast.ClassDef):
            nodes += [(inner, f"{node.name}.") for inner in node.body]
    assert not missing


def test_a_bare_import_and_help_load_nothing_heavy() -> None:
    code = (
        "import sys, a2dsplus, a2dsplus.cli; from click.testing import CliRunner;"
        "assert CliRunner().invoke(a2dsplus.cli.main, ['--help']).exit_code == 0;"
        "print(sorted({'torch', 'spacy', 'transformers', 'starlette', 'matplotlib', 'pandas', 'cv2', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_errors_are_one_line_and_exit_statuses_hold(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "a2dsplus", *arguments], capture_output=True, text=True)

    at_fault = run("stats", "--dataset", str(tmp_path / "none"))
    assert at_fault.returncode == 1 and at_fault.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", at_fault.stderr)
    assert run("build", "--subsets", "X", "--out", str(tmp_path)).returncode == 2
    assert run("build", "--no-such-option").returncode == 2
    assert run("--version").returncode == 0


def test_locater_knows_nothing_of_the_toolkit() -> None:
    for path in (REPOSITORY / "locater").rglob("*.py"):
        assert not re.search(r"^\s*(?:from|import) a2dsplus", path.read_text(), re.MULTILINE), path


def test_readme_links_and_files_exist() -> None:
    text = (REPOSITORY / "README.md").read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (REPOSITORY / target).exists(), target
    assert "make demo" in text and "make test" in text
