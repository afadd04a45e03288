"""The review page in a real browser: keys, undo, a server that dies, two reviewers, markup in captions."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from a2dsplus.review.store import settled, summary
from tests.review.browser import PATIENCE_MS, Server, browser, needs_browser, running, serving
from tests.review.review_workspace import SCRIPT, dataset

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
SAVED = "#saved.done"


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose painted clips the tests' own datasets share."""
    return dataset(tmp_path_factory.mktemp("clips"), videos=1).parent / "source" / "-video00000.mp4"


@pytest.fixture
def folder(tmp_path: Path, clips: Path) -> Path:
    return dataset(tmp_path, clip=clips, script=True)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with serving(folder, "--reviewer", "ada") as running_server:
        yield running_server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Iterator[tuple[Server, Path]]:
    """One server for all tests that neither kill it nor look at the whole log."""
    folder = dataset(tmp_path_factory.mktemp("shared"), clip=clips, script=True, videos=12)
    with serving(folder, "--reviewer", "ada") as running_server:
        yield running_server, folder


@pytest.fixture
def shared_page(chromium: "Browser", shared: tuple[Server, Path]) -> "Iterator[Page]":
    yield from _opened(chromium, shared[0])


@pytest.fixture
def logged(shared: tuple[Server, Path]) -> Callable[[], int]:
    """How many decisions the shared server has logged since the test began."""
    before = int(summary(shared[1])["decisions"])
    return lambda: int(summary(shared[1])["decisions"]) - before


@pytest.fixture
def page(chromium: "Browser", server: Server) -> "Iterator[Page]":
    yield from _opened(chromium, server)


def _opened(chromium: "Browser", server: Server) -> "Iterator[Page]":
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(server.url)
    running(opened)
    yield opened
    context.close()
    assert faults == []


def press(page: "Page", key: str, *, words: str) -> str:
    """Press a verdict's key; wait for what is said and for the next pair; return that."""
    before = running(page)
    page.keyboard.press(key)
    page.wait_for_selector(f"#saved:has-text('{words}')")
    return running(page, other_than=before)


def test_a_whole_review_by_keyboard(page: "Page", folder: Path) -> None:
    first = running(page)
    second = press(page, "a", words="Accepted")
    third = press(page, "2", words="Rejected")
    before = running(page)
    page.keyboard.press("5")
    page.keyboard.type("a ruse")  # a, r, u, s, e are keys, and text here
    page.keyboard.press("Enter")
    page.wait_for_selector("#saved:has-text('Rejected')")
    fourth = running(page, other_than=before)
    replacement = press(page, "e", words="Replaced")
    assert replacement.split("|")[0] == fourth.split("|")[0]
    press(page, "a", words="Accepted")
    # what was rejected comes back as its next candidate
    while page.locator("#nothing:visible").count() == 0:
        page.wait_for_selector("body:not(.busy)")
        done = page.locator("#progress-words").inner_text()
        page.keyboard.press("a")
        page.wait_for_function("was => document.querySelector('#progress-words').textContent !== was", arg=done)
        page.wait_for_selector("body:not(.busy)")
    assert "All pairs are reviewed" in page.locator("#nothing").inner_text()
    found = settled(folder)
    assert found[tuple(first.split("|"))] == "accepted"  # type: ignore[index]
    rejected = {"|".join(pair) for pair, outcome in found.items() if outcome == "rejected"}
    assert rejected == {second, third, fourth}
    assert sum(outcome == "accepted" for outcome in found.values()) == 6
    reasons = summary(folder)["reasons"]
    assert [reasons[r]["rejected"] for r in ("visual", "other", "replaced")] == [1, 1, 1]


def test_undo_over_three_items_goes_back_to_each(page: "Page", folder: Path) -> None:
    seen = [running(page)]
    for key, words in (("a", "Accepted"), ("1", "Rejected"), ("s", "Skipped")):
        seen.append(press(page, key, words=words))
    for expected in reversed(seen[:3]):
        assert press(page, "u", words="Taken back") == expected
    assert settled(folder) == {}
    assert summary(folder)["decisions"] == 6, "the log forgets nothing"
    # after the undo the page goes on where it was
    assert press(page, "a", words="Accepted") == seen[1]


def test_undo_after_a_reload(page: "Page", folder: Path) -> None:
    first = running(page)
    press(page, "a", words="Accepted")
    page.reload()
    running(page)
    assert press(page, "u", words="Taken back") == first
    assert settled(folder) == {}


def test_a_server_killed_between_two_verdicts_loses_none(page: "Page", server: Server, folder: Path) -> None:
    first = running(page)
    second = press(page, "a", words="Accepted")
    server.kill()
    page.keyboard.press("a")
    page.wait_for_selector("#banner:has-text('1 verdict is kept')")
    third = running(page, other_than=second)
    page.keyboard.press("3")
    page.wait_for_selector("#banner:has-text('2 verdicts are kept')")
    assert len(settled(folder)) == 1
    server.start()
    page.wait_for_selector("#saved:has-text('All verdicts saved')")
    page.wait_for_selector("#banner", state="hidden")
    expected = {first: "accepted", second: "accepted", third: "rejected"}
    assert {"|".join(pair): outcome for pair, outcome in settled(folder).items()} == expected
    # and a reload goes on at the first undecided pair
    page.reload()
    assert running(page) not in expected


def test_verdicts_wait_through_a_reload_and_leave_in_order(page: "Page", server: Server, folder: Path) -> None:
    shown = running(page)
    server.kill()
    page.keyboard.press("a")
    page.wait_for_selector("#banner:has-text('1 verdict is kept')")
    page.keyboard.press("u")
    page.wait_for_selector("#banner:has-text('2 verdicts are kept')")
    assert page.locator(".stage.shown").get_attribute("data-pair") == shown
    kept = page.evaluate("Object.keys(localStorage).filter(key => key.includes('unsent')).length")
    assert kept == 2
    server.start()
    page.reload()
    running(page)
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('unsent')).length") == 0
    assert (settled(folder), summary(folder)["decisions"]) == ({}, 2)


def test_two_browsers_are_two_reviewers(chromium: "Browser", tmp_path: Path, clips: Path) -> None:
    folder = dataset(tmp_path, clip=clips, videos=4)
    with serving(folder, "--double", "1") as server:
        pages = {}
        for name, key, words in (("ada", "a", "Accepted"), ("bob", "1", "Rejected")):
            context = chromium.new_context(viewport={"width": 1280, "height": 720})
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(f"localStorage.setItem('a2dsplus:reviewer', {json.dumps(name)})")
            pages[name] = page = context.new_page()
            page.goto(server.url)
            page.wait_for_selector(f"#who:has-text('{name}')")
            running(page)
            for _ in range(3):
                assert "ada:" not in page.locator("#about").inner_text()
                press(page, key, words=words)
            page.keyboard.press(key)
            # ada has judged all four; bob is shown the candidates behind those he rejected
            page.wait_for_selector("#nothing" if name == "ada" else "#about:has-text('last candidate')")
            page.wait_for_selector("body:not(.busy)")
        assert settled(folder) == {}, "they disagree about every pair"
        page = pages["ada"]
        page.keyboard.press("g")
        page.wait_for_selector("#agreement .dispute")
        assert page.locator("#agreement .dispute").count() == 4
        table = page.locator("#agreement table").nth(1).inner_text()
        assert "ada and bob" in table and "0.0 %" in table
        first = page.locator(".dispute").first
        key_of = str(first.get_attribute("data-pair"))
        first.get_by_role("button", name="Settle: accept").click()
        page.wait_for_selector(f".dispute[data-pair='{key_of}']", state="detached")
        assert {"|".join(pair): outcome for pair, outcome in settled(folder).items()} == {key_of: "accepted"}
        for page in pages.values():
            page.context.close()


def test_markup_in_a_caption_is_shown_as_it_is(shared_page: "Page") -> None:
    page = shared_page
    page.keyboard.press("l")
    page.locator("#filters [name=text]").fill("<script>")
    page.wait_for_selector("#list-count:has-text('2 pairs')")
    page.keyboard.press("Tab")
    page.wait_for_selector(".stage.shown .caption:has-text('<script>')")
    assert SCRIPT in page.locator(".stage.shown").inner_text()
    assert page.locator(".stage script, .stage img, .row img").count() == 0
    assert page.title() == "Review dataset"


def test_keys_work_wherever_the_focus_is_and_never_in_a_text_field(
    shared_page: "Page", logged: Callable[[], int]
) -> None:
    page = shared_page
    page.locator("#scrubber").focus()
    press(page, "a", words="Accepted")
    page.locator("[data-do=skip]").focus()
    page.keyboard.press(" ")  # plays or pauses; the button that has the focus is left alone
    page.wait_for_selector("[data-do=play][aria-label=Play]")
    assert logged() == 1
    page.keyboard.press("l")
    page.locator("#filters [name=text]").click()
    page.keyboard.type("aurse1")
    page.wait_for_selector("#list-count:has-text('0 pairs')")
    page.wait_for_selector("#nothing:has-text('No pair here')")
    assert logged() == 1
    page.locator("#filters [name=text]").fill("")
    page.locator("#filters [name=tier]").click()
    page.keyboard.press("Escape")
    page.wait_for_selector("#list-count:not(:has-text('0 pairs'))")
    running(page)
    press(page, "a", words="Accepted")
    assert logged() == 2


def test_a_key_held_down_judges_one_pair(shared_page: "Page", logged: Callable[[], int]) -> None:
    page = shared_page
    before = running(page)
    for _ in range(5):
        page.keyboard.down("a")  # the second and later ones are repeats
    running(page, other_than=before)
    page.keyboard.up("a")
    assert logged() == 1


def test_keys_are_remapped_and_remembered(shared_page: "Page", logged: Callable[[], int]) -> None:
    page = shared_page
    page.keyboard.press("?")
    page.locator("#keys [data-action=accept]").click()
    page.keyboard.press("s")
    page.wait_for_selector("#keys-message:has-text('is taken by')")
    page.locator("#keys [data-action=accept]").click()
    page.keyboard.press("y")
    page.wait_for_selector("#keys [data-action=accept] kbd:has-text('Y')")
    page.keyboard.press("Escape")
    page.reload()
    running(page)
    assert page.locator(".accept[data-do=accept] kbd").inner_text() == "Y"
    page.keyboard.press("a")
    press(page, "y", words="Accepted")
    assert logged() == 1


def test_frames_are_stepped_one_by_one_and_the_outline_follows(shared_page: "Page") -> None:
    page = shared_page
    page.keyboard.press(" ")
    page.wait_for_selector("[data-do=play][aria-label=Play]")
    page.locator("#scrubber").fill("1")
    page.wait_for_selector("#frame:has-text('1 /')")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#frame").inner_text().startswith("3 /")
    page.keyboard.press("ArrowDown")  # the next annotated frame
    assert page.locator("#frame").inner_text().startswith("5 /")
    assert page.locator("#marks-query i").count() == 3
    painted = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v > 0)"
    canvas = page.locator(".stage.shown .query canvas")
    assert canvas.evaluate(painted)
    page.keyboard.press("o")
    assert not canvas.evaluate(painted)


def test_the_composed_sample_plays(shared_page: "Page") -> None:
    page = shared_page
    for subset, frames in (("S", 20), ("T", 40)):
        page.keyboard.press("c")
        page.wait_for_selector(f"#view-{subset}[aria-pressed=true]")
        page.wait_for_selector(f"#frame:has-text('/ {frames}')")
        page.wait_for_function("() => document.querySelector('.stage.shown .whole video').currentTime > 0.1")
    page.keyboard.press("c")
    page.wait_for_selector(".stage.shown:not(.composed)")


def test_reduced_motion_waits_for_the_reviewer(chromium: "Browser", shared: tuple[Server, Path]) -> None:
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(shared[0].url)
    running(page)
    assert page.locator("[data-do=play]").get_attribute("aria-label") == "Play"
    assert page.locator(".stage.shown video").first.evaluate("video => video.paused")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_and_controls_have_names(chromium: "Browser", shared: tuple[Server, Path], scheme: str) -> None:
    context = chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(shared[0].url)
    running(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select')].filter(e =>
            !(e.innerText.trim() || e.getAttribute('aria-label') || e.labels?.length)).map(e => e.outerHTML)"""
    )
    assert nameless == []
    low = page.evaluate(CONTRAST)
    assert low == []
    # every control is reached by Tab, with a focus that shows
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    context.close()


# WCAG 2.1: the contrast of every visible text with the colours behind it, below 4.5; a canvas resolves any CSS colour to RGBA
CONTRAST = """() => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].map((v, i) => (i === 3 ? v / 255 : v));
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  return [...document.querySelectorAll('header *, main *, footer *')].filter((e) => e.checkVisibility({ visibilityProperty: true }))
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((e) => {
      const ground = behind(e);
      const [a, b] = [light(over(rgba(getComputedStyle(e).color), ground)), light(ground)].sort((x, y) => y - x);
      return [e.textContent.trim(), (a + 0.05) / (b + 0.05)];
    }).filter(([, ratio]) => ratio < 4.5);
}"""
