"""The lists of pairs that the toolkit ships: ids alone, how they were judged, and what their script makes of the captions where these are at hand."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from a2dsplus.cli import main
from a2dsplus.contrast.pairs_file import list_name, locate, read_pairs_file, shipped
from a2dsplus.records import check_id
from tests.shared_data import SHARED, needs_shared

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SPLITS = {"a2d-s-test-1": "test", "jhmdb-s-test-1": "test", "refer-ytvos-valid-1": "valid"}
# the source's file of captions, and what becomes of a query that the split holds
CAPTIONS = {"jhmdb-s-test-1": "jhmdb_annotation.txt", "refer-ytvos-valid-1": "refytvos_meta_expressions.json.gz"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """benchmarks/pairs_list.py."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("pairs_list", BENCHMARKS / "pairs_list.py")
        assert spec is not None and spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return found


@pytest.mark.parametrize("name", shipped())
def test_a_list_has_ids_grades_and_kinds_of_reason_and_says_how_it_was_judged(name: str) -> None:
    path = locate(name)
    document = json.loads(path.read_text())
    assert document["name"] == name == list_name(path) and document["split"] == SPLITS[name]
    assert "captions" in document["judged"] and document["seed"] == 0
    rows = document["pairs"]
    assert {column for row in rows for column in row} == {"query", "contrast", "status", "grade", "reason"}
    assert len({row["query"] for row in rows}) == len(rows) == len(read_pairs_file(path, split=SPLITS[name]))
    for row in rows:
        for query_id in (row["query"], row["contrast"]):
            video, _, expression = query_id.rpartition("/")
            check_id(video, what="video", where=name)
            assert expression.isdigit()
        assert row["query"].rpartition("/")[0] != row["contrast"].rpartition("/")[0]
        # the kind of reason alone: what stands behind it quotes captions
        assert (row["reason"] is None) == (row["grade"] == "undecided")
        assert row["reason"] is None or row["reason"].isalpha()


def test_every_list_is_known_here() -> None:
    assert set(SPLITS) == set(shipped())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CAPTIONS))
@needs_shared
def test_a_list_is_what_its_script_draws_and_a_build_from_it_is_named_in_the_signature(
    name: str, script: ModuleType, tmp_path: Path
) -> None:
    document = json.loads(locate(name).read_text())
    root, out = tmp_path / "root", tmp_path / "out"
    if name.startswith("jhmdb"):
        split = script.jhmdb(root, SHARED / "data" / CAPTIONS[name])
    else:
        videos = {row[column].rpartition("/")[0] for row in document["pairs"] for column in ("query", "contrast")}
        (tmp_path / "scored").write_text("\n".join(videos))
        split = script.refer_ytvos(root, SHARED / "data" / CAPTIONS[name], tmp_path / "scored")

    def run(*words: object) -> str:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    given = ["--root", root, "--split", split, "--subsets", "S", "--render", "none", "--out", out]
    run("build", *given)
    run("review", "--dataset", out, "--export", tmp_path / "drawn.json")
    assert json.loads((tmp_path / "drawn.json").read_text())["pairs"] == document["pairs"]
    printed = run("build", *given, "--pairs", name)
    excluded = sum(row["grade"] == "excluded" for row in document["pairs"])
    assert f"{excluded:,} of {len(document['pairs']):,} excluded" in printed
    assert json.loads((out / "manifest.json").read_text())["options"]["pairs_list"] == name
    if split == "test":
        run("baseline", "--model", "oracle", "--dataset", out, "--out", tmp_path / "oracle", "--no-score")
        scored = run("score", tmp_path / "oracle", "--dataset", out, "--resamples", "0")
        assert f"|pairs:{name}|" in scored and "100.0" in scored
