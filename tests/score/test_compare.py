"""Several models in one table, and several parts of one model as one."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from a2dsplus import cli
from a2dsplus.errors import PredictionError
from a2dsplus.media.masks import encode
from a2dsplus.score import compare, evaluate
from tests.score.score_data import (
    perturbed,
    random_masks,
    write_blind,
    write_pngs,
    write_results,
    write_rows,
    write_truth,
)

Run = Callable[..., tuple[object, str, str]]
TRUTH = random_masks(2, 48, empty=0.3)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["a2dsplus", "score", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.run()
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return call


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for subset in ("M", "T"):
        write_truth(tmp_path / "data", subset, TRUTH)
        for model, seed in (("fair", 1), ("poor", 2)):
            write_results(tmp_path / model, subset, perturbed(TRUTH, seed, drop=0.1 * seed))
    silent = {key: mask & False for key, mask in TRUTH.items()}
    write_results(tmp_path / "silent", "T", silent)
    (tmp_path / "silent" / "manifest.json").write_text(json.dumps({"model": "empty"}))
    write_blind(tmp_path / "data", "T", TRUTH, {"nothing": next(iter(silent.values()))})
    return tmp_path


def test_one_table_with_blind_rows_and_simple_models_first(run: Run, folders: Path) -> None:
    code, out, _ = run(
        folders / "fair", folders / "poor", folders / "silent", "--dataset", folders / "data", "--resamples", 50
    )
    assert code == 0
    table = out[out.index("T, in percent") :].split("\n\n")[0]
    assert re.findall(r"^(\S+)", table, re.MULTILINE) == ["T,", "model", "nothing", "silent", "fair", "poor"]
    assert "T: paired difference to fair over videos" in out
    assert "M: paired difference to fair" in out


def test_differences_are_those_of_against(folders: Path) -> None:
    both = compare({"fair": folders / "fair", "poor": folders / "poor"}, folders / "data", resamples=50)
    alone = evaluate(folders / "poor", folders / "data", against=folders / "fair", resamples=50)
    assert both.reports["fair"].subsets["T"].differences is None
    assert both.reports["poor"].subsets["T"].differences == alone.subsets["T"].differences
    to_another = compare(
        {"fair": folders / "fair", "poor": folders / "poor"},
        folders / "data",
        against=folders / "silent",
        subsets=["T"],
        resamples=50,
    )
    expected = evaluate(folders / "fair", folders / "data", subsets=["T"], against=folders / "silent", resamples=50)
    assert to_another.reports["fair"].subsets["T"].differences == expected.subsets["T"].differences


def test_json_csv_latex_and_page(run: Run, folders: Path) -> None:
    files = [folders / name for name in ("t.json", "t.csv", "t.tex", "t.html")]
    words = [
        word
        for option, file in zip(("--json", "--csv", "--latex", "--html"), files, strict=True)
        for word in (option, file)
    ]
    code, _, err = run(folders / "fair", folders / "silent", "--dataset", folders / "data", "--resamples", 20, *words)
    assert (code, err.count("wrote")) == (0, 4)
    document = json.loads(files[0].read_text())
    assert set(document["models"]) == {"fair", "silent"}
    assert document["compared_with"] == "fair"
    assert set(document["models"]["silent"]["subsets"]) == {"T"}
    assert "against" in document["models"]["silent"]
    assert set(document["blind"]["T"]) == {"nothing"}
    rows = list(csv.DictReader(io.StringIO(files[1].read_text())))
    assert [(row["subset"], row["kind"], row["model"]) for row in rows] == [
        ("M", "model", "fair"), ("T", "blind", "nothing"), ("T", "model", "silent"), ("T", "model", "fair"),
    ]  # fmt: skip
    assert float(rows[3]["mIoU"]) == document["models"]["fair"]["subsets"]["T"]["mIoU"]
    latex = files[2].read_text()
    columns = len(re.search(r"\\begin{tabular}{l(r+)}", latex).group(1))  # type: ignore[union-attr]
    body = [line for line in latex.splitlines() if line.startswith(("model &", "fair &", "silent &", "nothing &"))]
    assert len(body) == 4
    assert {line.count("&") for line in body} == {columns}
    assert "The models side by side" in files[3].read_text()


def test_latex_and_csv_of_one_model(run: Run, folders: Path) -> None:
    (folders / "fair").rename(folders / "a_b & c")
    code, *_ = run(folders / "a_b & c", "--dataset", folders / "data", "--resamples", 0, "--latex", folders / "t.tex")
    assert code == 0
    assert r"a\_b \& c & " in (folders / "t.tex").read_text()


def test_a_folder_given_twice(run: Run, folders: Path) -> None:
    code, _, err = run(folders / "fair", folders / "fair", "--dataset", folders / "data")
    assert (code, "given twice" in err) == (2, True)


# ---- parts ------------------------------------------------------------------------------------------------------------


def test_parts_of_one_subset_are_one_model(run: Run, folders: Path) -> None:
    masks = perturbed(TRUTH, 1, drop=0.1)
    first = {key: mask for key, mask in masks.items() if key < "v4"}
    write_pngs(folders / "one", "T", first)
    write_results(folders / "two", "T", {key: mask for key, mask in masks.items() if key not in first})
    write_results(folders / "two", "M", masks)
    parts = [folders / "one", folders / "two"]
    whole = evaluate(folders / "fair", folders / "data", resamples=0)
    joined = evaluate(parts, folders / "data", resamples=0)
    for name in ("M", "T"):
        own = dict(joined.subsets[name].figures)
        assert {key: value for key, value in own.items() if key != "mAP_coco"} == {
            key: value for key, value in whole.subsets[name].figures.items() if key != "mAP_coco"
        }
    code, out, _ = run(*parts, "--join", "--dataset", folders / "data", "--resamples", 0)
    assert code == 0
    assert "T: read from 2 parts: PNG folders" in out


def test_parts_with_several_scored_masks_a_unit(tmp_path: Path) -> None:
    write_truth(tmp_path / "data", "M", TRUTH)
    rows = [
        {"image_id": key, "segmentation": encode(mask), "score": 0.1 + guess / 3 + place / 1000}
        for guess in range(3)
        for place, (key, mask) in enumerate(perturbed(TRUTH, guess).items())
    ]
    one = [row for row in rows if str(row["image_id"]) < "v3"]
    write_rows(tmp_path / "one", "M", one)
    write_rows(tmp_path / "two", "M", [row for row in rows if row not in one])
    write_rows(tmp_path / "all", "M", rows)
    found = (
        evaluate([tmp_path / "one", tmp_path / "two"], tmp_path / "data", protocol="mttr", resamples=0)
        .subsets["M"]
        .figures
    )
    assert found == evaluate(tmp_path / "all", tmp_path / "data", protocol="mttr", resamples=0).subsets["M"].figures


def test_parts_that_overlap_or_leave_gaps_are_refused(folders: Path) -> None:
    with pytest.raises(PredictionError, match=r"fair and .*poor both have 48 units, v0/00005/0"):
        evaluate([folders / "fair", folders / "poor"], folders / "data", resamples=0)
    write_results(folders / "some", "T", {key: mask for key, mask in TRUTH.items() if key < "v1"})
    write_results(folders / "more", "T", {key: mask for key, mask in TRUTH.items() if "v1" < key < "v2"})
    with pytest.raises(PredictionError, match="no prediction for 36 of 48 units"):
        evaluate([folders / "some", folders / "more"], folders / "data", resamples=0)
