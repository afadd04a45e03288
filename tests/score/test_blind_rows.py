"""The rows of blind.json beside every S and T result: the same figures as masks that were predicted, or one clear line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.contrast import pairs_file
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError
from a2dsplus.score import SubsetScore, evaluate
from a2dsplus.score.report.text import render_text
from a2dsplus.sources.a2d import A2dSource
from tests.score.score_data import (
    box,
    part,
    perturbed,
    random_masks,
    write_blind,
    write_rows,
    write_samples,
    write_truth,
)

TRUTH = random_masks(3, 36, empty=0.4)
LEFT = box(24, 32, 0, 0, 24, 16)
NOTHING = LEFT & ~LEFT
PREDICTED = perturbed(TRUTH, 4)


def scored(folder: Path, subset: str = "T", masks: Any = PREDICTED, **settings: Any) -> SubsetScore:
    return evaluate({subset: masks}, folder, **{"resamples": 0, **settings}).subsets[subset]


@pytest.mark.parametrize("protocol", ["paper", "released", "mttr"])
def test_a_row_has_the_figures_of_its_masks(tmp_path: Path, protocol: str) -> None:
    write_truth(tmp_path, "T", TRUTH)
    write_blind(tmp_path, "T", TRUTH, {"all actors, first": LEFT, "nothing": NOTHING})
    found = scored(tmp_path, protocol=protocol).blind
    assert list(found) == ["nothing", "all actors, first"]
    for name, mask in (("nothing", NOTHING), ("all actors, first", LEFT)):
        expected = scored(tmp_path, masks=dict.fromkeys(TRUTH, mask), protocol=protocol).figures
        assert found[name].keys() <= expected.keys()
        assert set(expected) - set(found[name]) <= {"mAP_coco", "mAP_cocoeval", "mAP", "F", "J&F"}
        assert {figure: expected[figure] for figure in found[name]} == found[name]


def test_the_rows_are_in_json_and_in_text(tmp_path: Path) -> None:
    write_truth(tmp_path, "S", TRUTH)
    write_truth(tmp_path, "M", TRUTH)
    write_blind(tmp_path, "S", TRUTH, {"nothing": NOTHING, "all actors, left": LEFT})
    report = evaluate({"S": PREDICTED, "M": PREDICTED}, tmp_path, resamples=0)
    document: Any = json.loads(json.dumps(report.as_json()))
    assert list(document["blind"]) == ["S"]
    assert set(document["blind"]["S"]) == {"nothing", "all actors, left"}
    assert document["blind"]["S"]["nothing"]["T-acc"] == 0
    text = render_text(report)
    assert "S beside who reads no query" in text
    assert "blind: all actors, left" in text
    assert "M beside who reads no query" not in text


def test_an_old_dataset_is_scored_and_it_is_said(tmp_path: Path) -> None:
    write_truth(tmp_path, "T", TRUTH)
    own = scored(tmp_path)
    assert list(own.blind) == ["nothing"]
    assert own.blind["nothing"]["N-acc"] == 1
    assert "no blind.json: what position alone scores is not known; build the dataset again" in own.notes


def test_pairs_asked_both_ways_are_never_right_blind(tmp_path: Path) -> None:
    here, there = box(4, 8, 0, 0, 4, 4), box(4, 8, 0, 4, 4, 4)
    truth = {"a_0/00001/query": here, "a_0/00001/contrast": there}
    write_truth(tmp_path, "S", truth)
    clip = part("a", "0", "a man", frames=1, height=4, width=4)
    write_samples(tmp_path, "S", [{"sample_id": "a_0", "layout": "spatial", "height": 4, "width": 8, "frames": 1, "query": clip,
                                   "contrasts": [clip | {"video_id": "b", "query_id": "b/0"}], "evaluated_frames": [1],
                                   "evaluated": {"query": [1], "contrast": [1]}}])  # fmt: skip
    write_blind(tmp_path, "S", truth, {"nothing": here & there, "all actors": here | there, "all actors, left": here})
    own = scored(tmp_path, "S", masks=truth)
    assert own.figures["pair"] == 1
    assert {name: row["pair"] for name, row in own.blind.items()} == dict.fromkeys(own.blind, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["rows"]["nothing"]["I"].pop(), "nothing, I: expected a list of 36 numbers"),
        (lambda d: d["rows"]["nothing"].pop("U"), "KeyError|'U'"),
        (lambda d: d["rows"]["nothing"]["I"].__setitem__(0, 10**9), "an I above"),
        (lambda d: d["rows"]["nothing"]["U"].__setitem__(0, -1), "no number of pixels"),
        (lambda d: d.update(rows=[]), "rows are no object"),
        (lambda d: d.clear(), "'rows'"),
    ],
)
def test_damaged_counts_are_one_line(tmp_path: Path, change: Callable[[Any], object], message: str) -> None:
    write_truth(tmp_path, "T", TRUTH)
    file = write_blind(tmp_path, "T", TRUTH, {"nothing": NOTHING})
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match=message) as raised:
        scored(tmp_path)
    assert "\n" not in str(raised.value)
    assert "blind.json" in str(raised.value)


def test_counts_that_the_manifest_does_not_know_are_refused(tmp_path: Path) -> None:
    write_truth(tmp_path, "T", TRUTH)
    write_blind(tmp_path, "T", TRUTH, {"nothing": NOTHING})
    (tmp_path / "manifest.json").write_text(json.dumps({"files": {"T/blind.json": "0" * 64}, "recipe": "strict"}))
    with pytest.raises(InputError, match=r"T/blind.json: is not the file that manifest.json describes"):
        scored(tmp_path)


def test_recipe_and_published_list_are_in_the_signature(tmp_path: Path) -> None:
    write_truth(tmp_path, "T", TRUTH)
    assert "recipe" not in evaluate({"T": PREDICTED}, tmp_path, resamples=0).signature
    (tmp_path / "manifest.json").write_text(json.dumps({"recipe": "strict", "options": {"pairs_list": "a2d-s-test-1"}}))
    assert "|recipe:strict|pairs:a2d-s-test-1|" in evaluate({"T": PREDICTED}, tmp_path, resamples=0).signature


def test_a_list_that_a_dataset_was_built_of_is_in_the_signature(
    small_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, lists = tmp_path / "first", tmp_path / "lists"
    nothing = Rendering(form="none")
    build(A2dSource(small_root), first, options=BuildOptions(rendering=nothing))
    lists.mkdir()
    pairs_file.write_pairs(lists / "our-list-1.json", tables.read_pairs(Workspace(first)), split="test")
    shutil.copy(lists / "our-list-1.json", tmp_path / "own.json")
    monkeypatch.setattr(pairs_file, "_FOLDER", str(lists))  # where the lists lie that the toolkit ships
    for name, named in (("our-list-1", True), (str(tmp_path / "own.json"), False)):
        out = tmp_path / f"out-{named}"
        options = BuildOptions(rendering=nothing, pairs=pairs_file.locate(name))
        build(A2dSource(small_root), out, options=options)
        truth = json.loads((out / "T" / "ground_truth.json").read_text())
        oracle = write_rows(tmp_path / "oracle", "T", [{**row, "score": 1.0} for row in truth["annotations"]])
        signature = evaluate(oracle.parent, out, resamples=0).signature
        assert ("|recipe:paper|pairs:our-list-1|" in signature) is named
        assert ("|pairs:" in signature) is named
