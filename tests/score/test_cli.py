"""`a2dsplus score` as it is called: exit status, one line on stderr, JSON, text and help."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from a2dsplus import cli
from a2dsplus.score.figures.metrics import NAMES
from tests.score.score_data import box, perturbed, random_masks, write_pngs, write_results, write_samples, write_truth

Run = Callable[..., tuple[object, str, str]]


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
    for subset, seed in (("M", 1), ("S", 2)):
        truth = random_masks(seed, 36)
        write_truth(tmp_path / "data", subset, truth)
        write_results(tmp_path / "masks", subset, perturbed(truth, seed))
        write_pngs(tmp_path / "png", subset, perturbed(truth, seed + 5))
    return tmp_path


def test_json_has_the_documented_form(run: Run, folders: Path) -> None:
    code, out, _ = run(folders / "masks", "--dataset", folders / "data", "--json", "-", "--resamples", 20)
    assert code == 0
    document = json.loads(out)
    assert document["protocol"] == "paper"
    assert set(document["subsets"]) == {"M", "S"}
    own = document["subsets"]["S"]
    assert (own["units"], own["queries"]) == (36, 12)
    for name in set(NAMES) - {"mAP_cocoeval", "leak"}:
        assert own[name] is None or (-1 if name in ("MCC", "cgF1") else 0) <= own[name] <= 1, name
    assert own["pair"] is own["group"] is None
    low, high = document["intervals"]["S"]["oIoU"]
    assert low <= own["oIoU"] <= high
    assert document["signature"].startswith("protocol:paper|P@K:>|mAP:10|")


def test_a_table_of_command_lines_and_exact_outputs(run: Run, tmp_path: Path) -> None:
    # One query of two frames, 6 of 8 and 2 of 8 pixels right. Contours are the pixels themselves, the tolerance is 1:
    # precision 1 and 1, recall 7/8 and 3/8, so F is (14/15 + 6/11) / 2 = 73.9%.
    truth = {"v/00001/0": box(2, 8, 0, 0, 1, 8), "v/00002/0": box(2, 8, 0, 0, 1, 8)}
    write_truth(tmp_path / "data", "A", truth)
    write_results(tmp_path / "m", "A", {"v/00001/0": box(2, 8, 0, 0, 1, 6), "v/00002/0": box(2, 8, 0, 0, 1, 2)})
    code, out, err = run(tmp_path / "m", "--dataset", tmp_path / "data", "--resamples", 0, "--protocol", "released")
    assert (code, err) == (0, "")
    version = cli.__version__
    assert out == (
        "%             A\n"
        "units         2\n"
        "queries       1\n"
        "mAP        30.0\n"
        "mAP_5      30.0\n"
        "mAP_10     30.0\n"
        "mAP_coco   30.3\n"
        "P@0.5      50.0\n"
        "P@0.6      50.0\n"
        "P@0.7      50.0\n"
        "P@0.8       0.0\n"
        "P@0.9       0.0\n"
        "oIoU       50.0\n"
        "mIoU       50.0\n"
        "T-acc     100.0\n"
        "gIoU       50.0\n"
        "tIoU      100.0\n"
        "vIoU       50.0\n"
        "J          50.0\n"
        "F          73.9\n"
        "J&F        62.0\n"
        "A: read from COCO results\n"
        "\n"
        "A by number of described actors\n"
        "   queries  units  mAP_10  oIoU  mIoU\n"
        "1        1      2    30.0  50.0  50.0\n"
        "\n"
        "A by the referent's area\n"
        "               queries  units  mAP_10  oIoU  mIoU\n"
        "small (< 32²)        1      2    30.0  50.0  50.0\n"
        "\n"
        "note: A: the predictions have no scores, or all the same: mAP_coco ranks units by image id alone, compare it with no other model's\n"
        "\n"
        "mAP is the mean of P@K over five thresholds, 0.5:0.1:0.9.\n"
        "signature: protocol:released|P@K:>=|mAP:5|unit:query-frame|empty-empty:1|missing:error|resize:none|masks:best-scored"
        f"|bootstrap:none|a2dsplus:{version}\n"
    )


def test_published_rows_and_their_definitions_are_beside(run: Run, folders: Path) -> None:
    _, out, _ = run(folders / "masks", "--dataset", folders / "data", "--resamples", 0)
    assert "S beside Table 6 of the paper" in out
    assert re.search(r"LOCATER, TPAMI 2023 +19\.0 +31\.4 +29\.9 +mAP: five thresholds", out)
    assert "mAP: definition not stated" in out


def test_other_tables_of_the_paper_are_printed_on_request(run: Run, folders: Path) -> None:
    words = [
        folders / "masks",
        "--dataset",
        folders / "data",
        "--resamples",
        0,
        "--html",
        folders / "r.html",
        "--beside",
    ]
    _, out, _ = run(*words, 3)
    assert re.search(
        r"LOCATER, TPAMI 2023 +70\.9 +64\.0 +52\.5 +35\.1 +10\.1 +46\.5 +69\.0 +59\.7 +mAP: five thresholds", out
    )
    assert re.search(r"CSTM\), CVPR21 .* 39\.9 +66\.2 +56\.1 +mAP: ten thresholds", out)
    assert "Table 3 of the paper, A2D-S test" in (folders / "r.html").read_text()
    _, out, _ = run(*words, 7)
    assert re.search(r"leonnnop \(LOCATER\), TPAMI 2023 +60\.7 +59\.4 +62\.0", out)


def test_against(run: Run, folders: Path) -> None:
    code, out, _ = run(
        folders / "masks",
        "--dataset",
        folders / "data",
        "--against",
        folders / "png",
        "--subsets",
        "M",
        "--resamples",
        50,
    )
    assert code == 0
    assert "M: paired difference over videos" in out


def test_html_and_json_are_written_whole(run: Run, folders: Path) -> None:
    html, figures = folders / "report.html", folders / "score.json"
    code, out, err = run(
        folders / "png",
        "--dataset",
        folders / "data",
        "--html",
        html,
        "--json",
        figures,
        "--resamples",
        20,
        "--workers",
        2,
    )
    assert code == 0
    assert err == f"wrote {html}\nwrote {figures}\n"
    assert out.startswith("%")
    assert json.loads(figures.read_text())["subsets"]["M"]["units"] == 36
    assert html.read_text().startswith("<!doctype html>")
    assert sorted(file.name for file in folders.iterdir()) == ["data", "masks", "png", "report.html", "score.json"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere"], 1, "error: nowhere: no such file or folder"),
        (["masks", "--dataset", "nowhere"], 1, "error: nowhere: no <subset>/ground_truth.json in it"),
        (["masks", "--dataset", "data", "--subsets", "T"], 1, "error: the dataset has no subset T; it has M, S"),
        (["masks", "--dataset", "data", "--subsets", ","], 2, "error: --subsets: expected names such as M,S"),
        (["masks/M.json", "--dataset", "data", "--subsets", "S"], 1, "error: S: no prediction for 24 of 60 units"),
        (
            ["masks", "--dataset", "data", "--json", "masks/M.json/scores.json"],
            1,
            "error: masks/M.json/scores.json: cannot be written",
        ),
        (["masks", "--dataset", "data", "--protocol", "mine"], 2, "Invalid value for '--protocol'"),
        (["masks", "--dataset", "data", "--seed", "-1"], 2, "Invalid value for '--seed'"),
        ([], 2, "Missing argument 'PREDICTIONS"),
    ],
)
def test_faults_are_one_line_and_a_status(
    run: Run, folders: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(folders)
    if "S" in words:  # predictions of another subset: some ids are the same, the rest is missing
        write_truth(folders / "data", "S", random_masks(2, 60))
    found, out, err = run(*words)
    assert found == code
    assert message in err
    assert out == ""
    assert "Traceback" not in err
    if err.startswith("error:"):
        assert err.count("\n") == 1


def test_help_names_the_traps_and_every_option(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for word in (
        "> or >=",
        "five thresholds or ten",
        "empty units",
        "all queries or the best one",
        "without a prediction",
    ):
        assert word in out
    from a2dsplus.cli.score import command

    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help, parameter.name


def test_the_base_install_scores_and_writes_the_page(folders: Path) -> None:
    import subprocess

    # libraries that the base install leaves out: importing one fails, as it would there
    program = (
        "import sys\n"
        "for name in ('torch', 'pandas', 'pyarrow', 'cv2', 'matplotlib', 'transformers', 'spacy', 'av', 'h5py', 'scipy', 'nltk'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['a2dsplus', 'score', {str(folders / 'masks')!r}, {str(folders / 'png')!r}, '--dataset', {str(folders / 'data')!r},\n"
        f"  '--resamples', '5', '--html', {str(folders / 'r.html')!r}, '--csv', {str(folders / 't.csv')!r}, '--json', {str(folders / 's.json')!r}]\n"
        "from a2dsplus import cli\n"
        "cli.run()\n"
    )
    write_samples(folders / "data", "M", [
        {"sample_id": f"v{n}", "layout": "none", "queries": [f"v{n}/0", f"v{n}/1"], "height": 24, "width": 32, "frames": 30}
        for n in range(6)
    ])  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("wrote")) == (0, 3), done.stderr
    assert "decoding clips needs pip install" in (folders / "r.html").read_text()


def test_a_perfect_model_has_all_at_one(run: Run, tmp_path: Path) -> None:
    truth = {f"v{video}_0/{frame:05d}/0": box(9, 9, 0, 0, frame % 2 * 4, 5) for video in range(40) for frame in (1, 2)}
    write_truth(tmp_path / "data", "T", truth)
    # stock COCOeval gives a perfect model 0.5 at best where half the masks are empty: where it ranks them last
    write_results(tmp_path / "m", "T", truth, {key: 0.9 if mask.any() else 0.1 for key, mask in truth.items()})
    _, out, _ = run(
        tmp_path / "m", "--dataset", tmp_path / "data", "--json", "-", "--resamples", 0, "--protocol", "mttr"
    )
    own = json.loads(out)["subsets"]["T"]
    assert own["mAP"] == own["mAP_coco"] == own["oIoU"] == own["N-acc"] == own["J&F"] == 1
    assert own["leak"] == 0
    assert own["mAP_cocoeval"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [[], ["--json", "-"]])
def test_a_full_standard_output_is_one_line(folders: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "a2dsplus", "score", str(folders / "masks"), "--dataset", str(folders / "data")]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*command, "--resamples", "0", *words], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert ended.stderr == (
        "error: standard output: cannot be written (No space left on device); free space or choose another place\n"
    )


@pytest.mark.parametrize("option", ["--html", "--csv", "--latex", "--json"])
def test_a_report_that_cannot_be_written_is_one_line(run: Run, folders: Path, option: str) -> None:
    (folders / "file").write_text("")
    where = folders / "file" / "report"
    code, _, err = run(folders / "masks", "--dataset", folders / "data", "--resamples", 0, option, where)
    assert code == 1
    assert re.fullmatch(rf"error: {re.escape(str(where))}: cannot be written \([^\n]+\); choose another place\n", err)
    assert (folders / "file").read_text() == ""


def test_scoring_writes_nothing_into_dataset_or_predictions(run: Run, folders: Path, tmp_path: Path) -> None:
    given = [path for name in ("data", "masks", "png") for path in [folders / name, *(folders / name).rglob("*")]]
    for path in given:  # who is root may write all the same: so what is there is compared as well
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = [(path, path.stat().st_mtime_ns) for path in given]
    try:
        code, _, err = run(folders / "masks", folders / "png", "--dataset", folders / "data", "--resamples", 0)
    finally:
        for path in given:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert (code, err) == (0, "")
    after = [path for name in ("data", "masks", "png") for path in [folders / name, *(folders / name).rglob("*")]]
    assert [(path, path.stat().st_mtime_ns) for path in after] == before
