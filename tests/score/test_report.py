"""The HTML report: self-contained, complete, and rendered by a real browser."""

import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from a2dsplus.score import Report, evaluate
from a2dsplus.score.report.headline import headline
from a2dsplus.score.report.html import render_html
from a2dsplus.score.report.overlays import MISSED, RIGHT, WRONG, overlaid
from a2dsplus.score.results import SubsetScore
from tests.score.score_data import box, part, perturbed, random_masks, write_blind, write_samples, write_truth

VOID = {"meta", "img", "line", "rect", "circle", "polyline", "path", "br"}


class Structure(html.parser.HTMLParser):
    """What a page is made of; fails where elements are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.many: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.many[tag] = self.many.get(tag, 0) + 1
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("report")
    masks = {}
    for subset, seed in (("M", 1), ("S", 2), ("extra <&>", 3)):
        truth = random_masks(seed, 48)
        write_truth(folder, subset, truth)
        masks[subset] = perturbed(truth, seed)
    text = "a man <script>alert(1)</script> & “his” dog"
    queries = {
        str(video): {"expressions": {"0": {"exp": text, "obj_id": "0"}}} for video in (f"v{n}" for n in range(8))
    }
    (folder / "M" / "meta_expressions.json").write_text(json.dumps({"videos": queries}))
    return evaluate(masks, folder, against=masks, resamples=20)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render_html(report)


def test_the_page_is_well_formed_and_needs_nothing_else(page: str) -> None:
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    assert structure.links
    assert all(link.startswith("data:image/jpeg;base64,") for link in structure.links)
    assert not re.search(r"url\(|@import|https?://", page)
    assert structure.many.get("script") is None


def test_it_has_the_plots_the_pictures_and_the_rows(page: str, report: Report) -> None:
    structure = Structure()
    structure.feed(page)
    bars = sum(len(own.tables) for own in report.subsets.values())
    picture = 2  # of the model among the blind rows, for wide and for narrow screens
    assert structure.many["svg"] == picture + 1 + len(report.subsets) + bars
    assert structure.many["img"] > 3 * len(report.subsets)
    assert "LOCATER, TPAMI 2023" in page
    assert report.settings.signature().replace(">", "&gt;") in page
    assert "stock cocoeval" in page.lower()


def test_captions_and_names_are_escaped(page: str) -> None:
    assert "<script>" not in page
    assert "extra &lt;&amp;&gt;" in page
    assert "a man &lt;script&gt;alert(1)&lt;/script&gt; &amp; “his” dog" in page


def test_a_page_without_intervals_or_captions(tmp_path: Path) -> None:
    write_truth(tmp_path, "A", {"v/00001/0": box(4, 5, 0, 0, 2, 2)})
    report = evaluate({"A": {"v/00001/0": box(4, 5, 0, 0, 4, 5)}}, tmp_path, resamples=0)
    structure = Structure()
    structure.feed(render_html(report))
    assert structure.open == []
    assert structure.many["img"] == 1


def test_an_overlay_tints_right_wrong_and_missed() -> None:
    found, expected = box(40, 60, 0, 0, 40, 40), box(40, 60, 0, 20, 40, 40)
    picture = overlaid(np.full((40, 60, 3), 200, np.uint8), found, expected).astype(int)
    for column, colour in ((30, RIGHT), (10, WRONG), (50, MISSED)):
        pixel = picture[20, column]
        nearest = min((RIGHT, WRONG, MISSED), key=lambda own: np.abs(pixel - np.array(own)).sum())
        assert nearest == colour


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a chromium browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_real_browser_renders_it(page: str, tmp_path: Path, scheme: str) -> None:
    from PIL import Image

    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    shot = tmp_path / "shot.png"
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,4200",
               f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}"]  # fmt: skip
    if scheme == "dark":
        command += ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]
    subprocess.run([*command, (tmp_path / "report.html").as_uri()], check=True, capture_output=True, timeout=120)
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    corner = pixels[5, 5].mean()
    assert (corner > 200) if scheme == "light" else (corner < 60)
    # the plots are painted in the subsets' colours: saturated pixels, which text and rules are not
    assert ((pixels.max(axis=2) - pixels.min(axis=2)) > 80).mean() > 0.005


# ---- the first screen -------------------------------------------------------------------------------------------------

HERE, THERE, WHOLE = box(4, 8, 0, 0, 4, 4), box(4, 8, 0, 4, 4, 4), box(4, 8, 0, 0, 4, 8)


def composites(folder: Path, masks: dict[str, np.ndarray], *, both: bool) -> SubsetScore:
    """Score two S composites: a clip on the left and one on the right, both captions asked or the left one's alone."""
    words = ("query", "contrast") if both else ("0",)
    truth = {f"{video}_0/00001/{word}": THERE if word == "contrast" else HERE for video in "ab" for word in words}
    write_truth(folder, "S", truth)
    clips = {video: part(video, "0", "a man", frames=1, height=4, width=4) for video in "abc"}
    asked = {"evaluated": {"query": [1], "contrast": [1]}} if both else {}
    write_samples(
        folder,
        "S",
        [
            {"sample_id": f"{video}_0", "layout": "spatial", "height": 4, "width": 8, "frames": 1, "query": clips[video],
             "contrasts": [clips["c"]], "evaluated_frames": [1], **asked}
            for video in "ab"
        ],
    )  # fmt: skip
    write_blind(folder, "S", truth, {"nothing": WHOLE & ~WHOLE, "all actors": WHOLE, "all actors, left": HERE})
    return evaluate({"S": {key: masks[key.split("/")[2]] for key in truth}}, folder, resamples=50).subsets["S"]


@pytest.mark.parametrize(
    ("masks", "answer", "reason"),
    [
        (
            {"query": HERE, "contrast": THERE},
            "In 100.0% of the pairs",
            "mIoU 100.0 is 50.0 points above the best blind row (all actors",
        ),
        (
            {"query": HERE, "contrast": HERE},
            "In none of the pairs",
            "50.0% of the predicted pixels lie on the other clip",
        ),
    ],
)
def test_the_answer_where_both_captions_are_asked(
    tmp_path: Path, masks: dict[str, np.ndarray], answer: str, reason: str
) -> None:
    found = headline(composites(tmp_path, masks, both=True))
    assert found is not None
    assert found.answer == answer
    assert any(reason in own for own in found.reasons)


@pytest.mark.parametrize(("mask", "answer"), [(HERE, "Not shown"), (THERE, "Not shown")])
def test_what_position_reaches_shows_nothing(tmp_path: Path, mask: np.ndarray, answer: str) -> None:
    own = composites(tmp_path, {"0": mask}, both=False)
    found = headline(own)
    assert found is not None
    assert found.answer == answer
    page = render_html(evaluate({"S": dict.fromkeys(own.truth.ids, mask)}, tmp_path, resamples=20))
    assert "Does this model ground?" in page
    assert "all actors, left 100.0" in page


def test_without_blind_counts_it_cannot_be_told(report: Report) -> None:
    found = headline(report.subsets["S"])
    assert found is not None
    assert found.answer == "Cannot be told"
    assert headline(report.subsets["M"]) is None


def test_several_numbers_of_contrasts_are_a_curve(tmp_path: Path) -> None:
    truth = {f"{video}_0/00001/0": HERE for video in "abc"}
    write_truth(tmp_path, "S", truth)
    clips = {video: part(video, "0", "a man", frames=1, height=4, width=4) for video in "abcdef"}
    rows = [
        {"sample_id": f"{video}_0", "layout": "spatial", "height": 4, "width": 8, "frames": 1, "query": clips[video],
         "contrasts": [clips[other] for other in "def"[:contrasts]], "evaluated_frames": [1]}
        for video, contrasts in (("a", 1), ("b", 3), ("c", 3))
    ]  # fmt: skip
    write_samples(tmp_path, "S", [{**row, "width": 4 + 4 * len(row["contrasts"])} for row in rows])
    wide = {key: np.pad(mask, ((0, 0), (0, 8 * (key[0] != "a")))) for key, mask in truth.items()}
    write_truth(tmp_path, "S", wide)
    found = {**wide, "b_0/00001/0": ~wide["b_0/00001/0"]}
    page = render_html(evaluate({"S": found}, tmp_path, resamples=0))
    curve = page.split("Curve of difficulty")[1].split("</svg>")[0]
    # one of one right with one contrast; of two with three, one right and one all over the others
    assert "mIoU, 1 contrasts: 100.0%" in curve and "mIoU, 3 contrasts: 50.0%" in curve
    assert "leak, 1 contrasts: 0.0%" in curve and "leak, 3 contrasts: 75.0%" in curve
    assert ">mIoU 50<" in curve and ">leak 75<" in curve
    assert curve.count("<circle") == 4
