"""The card of a built folder: right for `datasets` and `mlcroissant`, the same bytes wherever it is built, known to verify."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.records import SubsetName
from a2dsplus.score.evaluation import evaluate
from a2dsplus.sources.a2d import A2dSource
from tests.sources import roots

EVERY = (SubsetName.N, SubsetName.M, SubsetName.S, SubsetName.T)


def _build(root: Path, out: Path, **options: Any) -> Path:
    build(A2dSource(root), out, options=BuildOptions(subsets=EVERY, rendering=Rendering(form="none"), **options))
    return out


@pytest.fixture(scope="module", params=["paper", "strict"])
def dataset(request: pytest.FixtureRequest, small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(small_root, tmp_path_factory.mktemp("card") / "out", recipe=request.param)


def _asked(dataset: Path, subset: str) -> dict[tuple[str, str], tuple[str, list[int]]]:
    """Return {(sample, expression): (text, evaluated frames)} from meta_expressions.json and ground_truth.json."""
    videos = json.loads((dataset / subset / "meta_expressions.json").read_text())["videos"]
    found: dict[tuple[str, str], tuple[str, list[int]]] = {
        (sample, own["expression"]): (own["exp"], [])
        for sample, video in videos.items()
        for own in video["expressions"].values()
    }
    for image in json.loads((dataset / subset / "ground_truth.json").read_text())["images"]:
        sample, frame, expression = image["key"].split("/")
        found[sample, expression][1].append(int(frame))
    return found


def test_load_dataset_gives_one_row_an_expression(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    assert datasets.get_dataset_config_names(str(dataset)) == ["N", "M", "S", "T"]
    for subset in EVERY:
        for streaming in (False, True):
            found = datasets.load_dataset(str(dataset), subset, streaming=streaming, cache_dir=str(tmp_path))
            assert list(found) == ["test"]
            rows = {(row["sample_id"], row["expression"]): (row["text"], row["evaluated_frames"]) for row in found["test"]}  # fmt: skip
            assert rows == _asked(dataset, subset)


def test_croissant_is_valid_and_its_records_are_the_rows(dataset: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    found = mlcroissant.Dataset(jsonld=str(dataset / "croissant.json"))
    assert not found.metadata.ctx.issues.errors
    for subset in EVERY:
        rows = list(found.records(subset))
        asked = _asked(dataset, subset)
        assert len(rows) == len(asked)
        for row in rows:
            values = {key.partition("/")[2]: value for key, value in row.items()}
            text, frames = asked[values["sample_id"].decode(), values["expression"].decode()]
            assert values["text"].decode() == text and list(values["evaluated_frames"]) == frames


def test_the_card_is_the_same_wherever_it_is_built_and_verified(
    dataset: Path, small_root: Path, tmp_path: Path
) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    assert {"README.md", "croissant.json", "S/expressions.jsonl"} <= set(manifest["files"])
    again = _build(small_root, tmp_path / "elsewhere", recipe=manifest["recipe"])
    for name in ("README.md", "croissant.json"):
        assert (again / name).read_bytes() == (dataset / name).read_bytes()
        assert str(dataset).encode() not in (dataset / name).read_bytes()
    (again / "README.md").write_text("changed")
    assert verify(Workspace(again)).changed == ("README.md",)
    assert verify(Workspace(dataset)).is_sound


def test_a_dataset_from_before_the_card_still_verifies_and_is_scored(small_root: Path, tmp_path: Path) -> None:
    old = _build(small_root, tmp_path / "old")
    cards = ["README.md", "croissant.json", *(f"{subset}/expressions.jsonl" for subset in EVERY)]
    manifest = json.loads((old / "manifest.json").read_text())
    for name in cards:
        (old / name).unlink()
        del manifest["files"][name]
    (old / "manifest.json").write_text(json.dumps(manifest))
    assert verify(Workspace.open(old)).is_sound
    truth = json.loads((old / "S" / "ground_truth.json").read_text())
    (tmp_path / "S.json").write_text(json.dumps([{**row, "score": 1.0} for row in truth["annotations"]]))
    assert evaluate(tmp_path / "S.json", old, resamples=0).subsets["S"].figures["mIoU"] == 1.0
    # and a build completes it
    _build(small_root, old)
    assert all((old / name).is_file() for name in cards) and verify(Workspace(old)).is_sound


def test_a_split_without_masks_and_an_empty_subset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from a2dsplus.sources import find_source

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    mlcroissant = pytest.importorskip("mlcroissant")
    none = Rendering(form="none")
    withheld, single = tmp_path / "ytvos", tmp_path / "jhmdb"
    build(find_source(roots.refer_ytvos(tmp_path / "a")), withheld, options=BuildOptions(split="valid", rendering=none))
    build(find_source(roots.jhmdb(tmp_path / "b")), single, options=BuildOptions(subsets=EVERY, rendering=none))
    assert datasets.get_dataset_config_names(str(withheld)) == ["S", "T"]
    assert "withholds" in (withheld / "README.md").read_text()
    rows = datasets.load_dataset(str(withheld), "S", split="test", cache_dir=str(tmp_path / "cache"))
    assert [list(frames) for frames in rows["evaluated_frames"]] == [[]] * len(rows) and len(rows) == 2
    # one actor a video: M has no sample
    assert "M" not in datasets.get_dataset_config_names(str(single))
    for folder in (withheld, single):
        assert not mlcroissant.Dataset(jsonld=str(folder / "croissant.json")).metadata.ctx.issues.errors
    shutil.rmtree(tmp_path / "cache")
