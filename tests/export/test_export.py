"""Exports in general: what is chosen, what is refused, nothing outside the new folder, the command line."""

import json
import multiprocessing
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from a2dsplus.cli import main
from a2dsplus.cli.export import LAYOUTS
from a2dsplus.errors import A2dsplusError, InputError, UsageError
from a2dsplus.export import EXPORTS, export
from a2dsplus.export.layout import Layout, Task


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_help_names_every_layout() -> None:
    assert set(LAYOUTS) == set(EXPORTS.built_in)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_one(layout: str) -> None:
    found = EXPORTS.load(layout)
    assert isinstance(found, Layout) and found.reads


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_is_the_same_twice_and_leaves_its_dataset_alone(paper: Path, tmp_path: Path, layout: str) -> None:
    before = everything_below(paper)
    trees = []
    for name in ("one", "two"):
        export(paper, tmp_path / name / "out", layout=layout, subsets=["T"])
        found = everything_below(tmp_path / name)
        trees.append({path.removeprefix(str(tmp_path / name)): content for path, content in found.items()})
    assert trees[0] == trees[1]
    assert all(path.startswith("/out/") for path in trees[0])
    assert everything_below(paper) == before


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample_id", ["/tmp/a2dsplus-outside", "../../../outside", "a/b", ".hidden", "a\\b", ""])
def test_a_foreign_dataset_writes_nothing_outside(paper: Path, tmp_path: Path, layout: str, sample_id: str) -> None:
    dataset = tmp_path / "foreign" / "dataset"
    shutil.copytree(paper, dataset)
    (dataset / "manifest.json").unlink()
    path = dataset / "T" / "samples.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), "sample_id": sample_id}), *rest]) + "\n")
    with pytest.raises(InputError, match="sample id"):
        export(dataset, tmp_path / "foreign" / "out", layout=layout, subsets=["T"])
    assert [own.name for own in (tmp_path / "foreign").iterdir()] == ["dataset"]
    assert [own.name for own in tmp_path.iterdir()] == ["foreign"]
    assert not Path("/tmp/a2dsplus-outside").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_split_without_masks_is_exported_or_refused_in_one_line(withheld: Path, tmp_path: Path, layout: str) -> None:
    try:
        export(withheld, tmp_path / "out", layout=layout, subsets=["T"])
    except InputError as error:
        assert layout in ("a2d", "locater", "codabench")
        assert "T has no ground truth" in str(error) and "\n" not in str(error)
        assert not any(tmp_path.iterdir())
    else:
        assert layout in ("refer-ytvos", "mevis", "hf")


def dies(task: Task) -> list[str]:
    """A machine that goes down in the middle of an export."""
    (task.out / "half.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
    return []


DIES = Layout(write=dies, reads="nobody", several=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_killed_export_is_run_again(paper: Path, tmp_path: Path, layout: str) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=export, args=(paper, tmp_path / "out"), kwargs={"layout": "tests.export.test_export:DIES"}
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [path.name.startswith(".out.") for path in tmp_path.iterdir()] == [True]
    export(paper, tmp_path / "out", layout=layout, subsets=["M"])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name == "half.txt" or "partial" in path.name]


def test_what_is_refused(paper: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes one subset: pass --subset, one of M, S, T"):
        export(paper, tmp_path / "out", layout="a2d")
    with pytest.raises(InputError, match="has no subset N; it has M, S, T"):
        export(paper, tmp_path / "out", layout="a2d", subsets=["N"])
    with pytest.raises(UsageError, match="layout 'cube': known are a2d"):
        export(paper, tmp_path / "out", layout="cube")
    with pytest.raises(UsageError, match="--layout a2d does not know --from-zero"):
        export(paper, tmp_path / "out", layout="a2d", subsets=["M"], options={"from_zero": True})
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="exists already"):
        export(paper, tmp_path / "there", layout="a2d", subsets=["M"])
    with pytest.raises(InputError, match=r"is no a2dsplus\.export\.layout\.Layout"):
        export(paper, tmp_path / "out", layout="a2dsplus.export.layout:Task", subsets=["M"])
    assert not (tmp_path / "out").exists()


def write_names(task: Task) -> list[str]:
    """A layout of somebody else's: the samples' ids, one a line."""
    (task.out / "names.txt").write_text("".join(f"{sample.sample_id}\n" for sample in task.only().samples))
    return ["done"]


NAMES = Layout(write=write_names, reads="anybody")


def fails(task: Task) -> list[str]:
    (task.out / "half.txt").write_text("half")
    raise InputError("no more")


FAILS = Layout(write=fails, reads="nobody")


def test_somebody_elses_layout(paper: Path, tmp_path: Path) -> None:
    assert export(paper, tmp_path / "out", layout="tests.export.test_export:NAMES", subsets=["T"])[1:] == ["done"]
    assert len((tmp_path / "out" / "names.txt").read_text().splitlines()) == 4
    with pytest.raises(InputError, match="no more"):
        export(paper, tmp_path / "failed", layout="tests.export.test_export:FAILS", subsets=["T"])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_command(paper: Path, tmp_path: Path) -> None:
    words = [
        "export",
        "--dataset",
        paper,
        "--layout",
        "refer-ytvos",
        "--subset",
        "T",
        "--from-zero",
        "--out",
        tmp_path / "out",
    ]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"4 samples of T in {tmp_path / 'out'}: Refer-YouTube-VOS")
    assert (tmp_path / "out" / "valid" / "JPEGImages" / "ddddddddddd_0" / "00000.jpg").is_file()
    again = CliRunner().invoke(main, [str(word) for word in words])
    assert isinstance(again.exception, A2dsplusError) and "exists already" in str(again.exception)


def test_the_example_of_the_page_runs(strict: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text("utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    (tmp_path / "my_layout_of_the_page.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    lines = export(strict, tmp_path / "listed", layout="my_layout_of_the_page:LAYOUT")
    assert "my loader" in lines[0]
    rows = [json.loads(line) for line in (tmp_path / "listed" / "list.jsonl").read_text("utf-8").splitlines()]
    assert {row[0] for row in rows} == {"M", "S", "T"}


def test_the_page_names_every_layout() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in EXPORTS.places())
