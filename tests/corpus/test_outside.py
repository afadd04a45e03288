"""Whatever ids and names a foreign dataset has, no command touches anything outside the folders that it is given."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli import main
from a2dsplus.compose.render import Rendering
from a2dsplus.errors import A2dsplusError
from a2dsplus.sources.a2d import A2dSource
from tests.conftest import paint_root

_PARTS = ["..", ".", "", "victim", "~", "a", "con", "\\", "C:", "aaaaaaaaaaa_0", "\x00", "\n", "é"]
NAMES = st.one_of(
    st.lists(st.sampled_from(_PARTS), min_size=1, max_size=7).map("/".join),
    st.sampled_from(["{victim}", "{victim}/kept", "../../victim", "../../../victim/kept", "/etc/hostname", "file:///etc/hostname"]),
    st.text(max_size=12),
)  # fmt: skip
WHERE = st.sampled_from(["sample_id", "video_id", "query.video_id", "query.expression_id", "query.query_id", "contrast.video_id", "queries", "manifest", "ground_truth", "root"])  # fmt: skip
COMMANDS = {
    "export a2d": ["export", "--dataset", "data", "--subset", "S", "--layout", "a2d", "--out", "out"],
    "export refer-ytvos": ["export", "--dataset", "data", "--subset", "S", "--layout", "refer-ytvos", "--out", "out"],
    "verify": ["verify", "--dataset", "data"],
    "baseline": ["baseline", "--model", "oracle", "--dataset", "data", "--subsets", "S", "--out", "out", "--workers", "1"],
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset three folders deep, and beside every folder on the way one that is nobody's business."""
    top = tmp_path_factory.mktemp("outside")
    paint_root(top / "root")
    build(A2dSource(top / "root"), top / "good", options=BuildOptions(rendering=Rendering(form="none")))
    for folder in (top, top / "one", top / "one/two"):
        (folder / "victim").mkdir(parents=True)
        (folder / "victim/kept").write_text("kept")
    return top


def _spoil(data: Path, where: str, name: str) -> None:
    if where == "manifest":
        manifest = json.loads((data / "manifest.json").read_text())
        manifest["files"][name] = "0" * 64
        (data / "manifest.json").write_text(json.dumps(manifest))
    elif where == "ground_truth":
        document = json.loads((data / "S/ground_truth.json").read_text())
        document["images"][0] |= {"key": f"{name}/00003/0", "file_name": name}
        (data / "S/ground_truth.json").write_text(json.dumps(document))
    elif where == "root":
        (data / ".a2dsplus/source.json").write_text(json.dumps({"root": name}))
    else:
        lines = (data / "S/samples.jsonl").read_text().splitlines()
        row = json.loads(lines[0])
        if where == "queries":
            row["queries"] = [name]
        elif "." in where:
            row[where.split(".")[0]][where.split(".")[1]] = name
            row["contrasts"] = [row["contrast"]]
        else:
            row[where] = name
        (data / "S/samples.jsonl").write_text("\n".join([json.dumps(row), *lines[1:]]) + "\n")


def _seen(top: Path, *, without: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(top.rglob("*"))
        if not path.is_relative_to(without)
    }


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=WHERE, name=NAMES, trusted=st.booleans())
def test_no_command_touches_anything_outside(
    place: Path, monkeypatch: pytest.MonkeyPatch, command: str, where: str, name: str, trusted: bool
) -> None:
    work = place / "one/two/work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    shutil.copytree(place / "good", work / "data")
    _spoil(work / "data", where, name.replace("{victim}", str(place / "victim")))
    if trusted and where not in ("manifest", "root"):
        # a stranger writes the hashes as well: nothing may rest on them
        manifest = json.loads((work / "data/manifest.json").read_text())
        for file in ("S/samples.jsonl", "S/ground_truth.json"):
            manifest["files"].pop(file, None)
        (work / "data/manifest.json").write_text(json.dumps(manifest))
    before = _seen(place, without=work)
    inputs = _seen(work / "data", without=work / "data/.a2dsplus") if command != "baseline" else {}
    monkeypatch.chdir(work)
    result = CliRunner().invoke(main, COMMANDS[command])
    assert _seen(place, without=work) == before
    if inputs:
        assert _seen(work / "data", without=work / "data/.a2dsplus") == inputs
    assert {path.name for path in work.iterdir()} <= {"data", "out"}
    assert isinstance(result.exception, SystemExit | A2dsplusError | None), result.exception
    assert "\n" not in str(result.exception)
