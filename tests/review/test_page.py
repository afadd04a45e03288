"""The review page in a real browser: keys, undo, a server that dies, two reviewers, markup in captions."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from a2dsplus.dataset.tables import read_pairs, write_pairs
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.review.decisions import Decision, Verdict
from a2dsplus.review.store import Store, default_url, settled
from a2dsplus.review.summary import summary
from tests.review.browser import PATIENCE_MS, Server, browser, needs_browser, running, serving
from tests.review.review_workspace import SCRIPT, dataset
from tests.shared_data import SHARED, needs_shared

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [needs_browser, pytest.mark.slow]


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
    folder = dataset(tmp_path_factory.mktemp("shared"), clip=clips, script=True, videos=24)
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


def press(page: "Page", *keys: str) -> str:
    """Press a verdict's keys; wait for the next pair, and until all is saved; return that pair."""
    before = running(page)
    page.wait_for_selector("body:not(.busy)")  # for a moment after a pair comes up, keys are not for it
    for key in keys:
        page.keyboard.press(key)
    found = running(page, other_than=before)
    all_saved(page)
    return found


def all_saved(page: "Page") -> None:
    page.wait_for_function("() => !Object.keys(localStorage).some(key => key.includes('unsent'))")
    page.wait_for_selector("#saved:has-text('All saved')")


def judge_all(page: "Page") -> None:
    """Accept whatever comes, to the end."""
    while page.locator("#nothing:visible").count() == 0:
        page.wait_for_selector("body:not(.busy)")
        before = page.locator("#progress-words").inner_text()
        page.keyboard.press("a")
        page.wait_for_function("was => document.querySelector('#progress-words').textContent !== was", arg=before)
        page.wait_for_selector("body:not(.busy)")


def test_a_whole_review_by_keyboard(page: "Page", folder: Path) -> None:
    first = running(page)
    second = press(page, "a")
    back = press(page, "2")
    assert back.split("|")[0] == second.split("|")[0], "the next candidate of a rejected one comes at once"
    third = press(page, "a")
    page.keyboard.press("5")
    page.keyboard.type("a ruse")  # a, r, u, s, e are keys, and text here
    page.keyboard.press("Enter")
    fourth = running(page, other_than=third)
    assert fourth.split("|")[0] == third.split("|")[0]
    fifth = press(page, "a")
    replacement = press(page, "e", "e")
    assert replacement.split("|")[0] == fifth.split("|")[0]
    judge_all(page)
    assert "All pairs are reviewed" in page.locator("#nothing").inner_text()
    found = settled(folder)
    assert found[tuple(first.split("|"))] == "accepted"  # type: ignore[index]
    rejected = {"|".join(pair) for pair, outcome in found.items() if outcome == "rejected"}
    assert rejected == {second, third, fifth}
    assert sum(outcome == "accepted" for outcome in found.values()) == 6
    reasons = summary(folder)["reasons"]
    assert [reasons[r]["rejected"] for r in ("visual", "other", "replaced")] == [1, 1, 1]


def test_a_replacement_takes_a_reason(page: "Page", folder: Path) -> None:
    shown = running(page)
    assert press(page, "e", "3").split("|")[0] == shown.split("|")[0]
    (decision,) = decisions(folder)
    assert (decision.verdict, decision.reason) == (Verdict.REPLACE, "referent")


def decisions(folder: Path) -> list[Decision]:
    store = Store(default_url(folder))
    found = list(store.since(0))
    store.close()
    return found


def test_undo_over_three_items_goes_back_to_each(page: "Page", folder: Path) -> None:
    seen = [running(page)]
    for key in ("a", "1", "s"):
        seen.append(press(page, key))
    for expected in reversed(seen[:3]):
        assert press(page, "u") == expected
    assert settled(folder) == {}
    assert summary(folder)["decisions"] == 6, "the log forgets nothing"
    # after the undo the page goes on where it was
    assert press(page, "a") == seen[1]


def test_undo_after_a_reload(page: "Page", folder: Path) -> None:
    first = running(page)
    press(page, "a")
    page.reload()
    running(page)
    assert press(page, "u") == first
    assert settled(folder) == {}


def test_a_server_killed_between_two_verdicts_loses_none(page: "Page", server: Server, folder: Path) -> None:
    first = running(page)
    second = press(page, "a")
    server.kill()
    page.keyboard.press("a")
    page.wait_for_selector("#banner:has-text('The server does not answer. 1 verdict is kept')")
    third = running(page, other_than=second)
    page.keyboard.press("s")
    page.wait_for_selector("#banner:has-text('2 verdicts are kept')")
    assert len(settled(folder)) == 1
    server.start()
    page.wait_for_selector("#banner", state="hidden")
    all_saved(page)
    assert {"|".join(pair): outcome for pair, outcome in settled(folder).items()} == dict.fromkeys(
        (first, second), "accepted"
    )
    # and a reload goes on where one was
    shown = running(page)
    page.reload()
    assert running(page) == shown
    assert shown not in (first, second, third)


def test_six_pairs_can_be_judged_while_the_server_is_away(page: "Page", server: Server, folder: Path) -> None:
    page.wait_for_function("() => performance.getEntriesByType('resource').some((e) => e.name.includes('/api/ahead'))")
    running(page)
    page.wait_for_function("() => document.querySelectorAll('.stage').length >= 3")
    server.kill()
    shown = [running(page)]
    for number in range(1, 6):
        page.keyboard.press("a")
        page.wait_for_selector(f"#banner:has-text('{number} verdict')")
        if number < 5:
            shown.append(running(page, other_than=shown[-1]))
    page.wait_for_selector("body:not(.busy)")
    server.start()
    page.wait_for_selector("#banner", state="hidden")
    all_saved(page)
    assert {"|".join(pair) for pair in settled(folder)} == set(shown)
    times = [decision.decided_at for decision in decisions(folder)]
    assert times == sorted(times) and len(set(times)) == 5, "each has the reviewer's own time"


def test_verdicts_wait_through_a_reload_and_leave_in_order(page: "Page", server: Server, folder: Path) -> None:
    shown = running(page)
    server.kill()
    page.keyboard.press("a")
    page.wait_for_selector("#banner:has-text('1 verdict is kept')")
    running(page, other_than=shown)
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


def test_kept_verdicts_do_not_go_to_another_dataset(
    chromium: "Browser", folder: Path, tmp_path: Path, clips: Path
) -> None:
    with serving(folder, "--token", "the-token-of-both-servers") as server:
        page = named(chromium, server, "ada")
        running(page)
        server.kill()
        page.keyboard.press("a")
        page.wait_for_selector("#banner:has-text('1 verdict is kept')")
        # another dataset of the same folder's name at the same address
        folder.rename(tmp_path / "first")
        dataset(tmp_path / "again", clip=clips, videos=4).rename(folder)
        server.start()
        page.wait_for_function("() => document.querySelector('#progress-words').textContent.includes('0 of 4')")
        running(page)
        assert decisions(folder) == []
        kept = page.evaluate("Object.keys(localStorage).filter(key => key.includes('unsent')).length")
        assert kept == 1, "it waits for its own dataset"
        page.context.close()


def named(chromium: "Browser", server: Server, name: str) -> "Page":
    """Return a reviewer's page in a browser of his own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(f"localStorage.setItem('a2dsplus:reviewer', {json.dumps(name)})")
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector(f"#who:has-text('{name}')")
    return page


def test_two_reviewers_disagree_and_a_third_settles(chromium: "Browser", tmp_path: Path, clips: Path) -> None:
    folder = dataset(tmp_path, clip=clips, videos=4)
    with serving(folder, "--double", "1") as server:
        pages = {name: named(chromium, server, name) for name in ("ada", "bob")}
        for name, keys in (("ada", ("a",)), ("bob", ("1", "a"))):
            page = pages[name]
            running(page)
            while page.locator("#nothing:visible").count() == 0:
                assert "ada:" not in page.locator("#about").inner_text()
                for key in keys:
                    shown = running(page)
                    page.keyboard.press(key)
                    page.wait_for_function(
                        "was => (document.querySelector('.stage.shown')?.dataset.pair ?? '') !== was"
                        " || !document.querySelector('#nothing').hidden",
                        arg=shown,
                    )
                    page.wait_for_selector("body:not(.busy)")
            all_saved(page)
        disputed = set(Store(default_url(folder)).ledger().disputed)
        assert len(disputed) == 4, "they disagree about every first candidate"
        page = pages["bob"]
        page.keyboard.press("g")
        page.wait_for_selector("#agreement .dispute")
        assert page.locator("#agreement button:has-text('Settle')").count() == 0, "a party does not settle"
        assert "ada and bob" in page.locator("#agreement table").nth(1).inner_text()
        cy = named(chromium, server, "cy")
        cy.wait_for_selector("#nothing:has-text('4 of them for you')")
        # with clips and keys
        cy.get_by_role("button", name="Settle disputes").click()
        first = running(cy)
        assert "ada: accepted" in cy.locator("#about").inner_text()
        assert cy.locator("[data-do=accept]").inner_text().startswith("Settle: accept")
        second = press(cy, "a")
        third = press(cy, "1")
        found = {"|".join(pair): outcome for pair, outcome in settled(folder).items() if pair in disputed}
        assert found == {first: "accepted", second: "rejected"}
        # and from the table
        cy.keyboard.press("g")
        cy.wait_for_selector("#agreement .dispute")
        cy.locator(f".dispute[data-pair='{third}']").get_by_role("button", name="Settle: accept").click()
        cy.wait_for_selector(f".dispute[data-pair='{third}']", state="detached")
        assert settled(folder)[tuple(third.split("|"))] == "accepted"  # type: ignore[index]
        for opened in (*pages.values(), cy):
            opened.context.close()


# ---- what goes with a verdict ------------------------------------------------------------------------------------


def test_a_note_goes_with_any_verdict_and_with_one_that_is_given_already(page: "Page", folder: Path) -> None:
    first = running(page)
    page.keyboard.press("n")
    page.keyboard.type("a cap, not a hat")
    page.keyboard.press("Enter")
    page.wait_for_selector("#about:has-text('Note: a cap, not a hat')")
    second = press(page, "a")
    page.keyboard.press("k")
    running(page, other_than=second)
    page.keyboard.press("n")
    assert page.locator("#any-note").input_value() == "a cap, not a hat"
    page.locator("#any-note").fill("a cap")
    page.keyboard.press("Enter")
    page.wait_for_selector("#about:has-text('You: accepted, a cap')")
    all_saved(page)
    found = [("|".join(d.pair), d.verdict, d.note) for d in decisions(folder)]
    assert found == [(first, Verdict.ACCEPT, "a cap, not a hat"), (first, Verdict.ACCEPT, "a cap")]


def test_the_last_verdicts_are_in_view_and_each_can_be_changed(page: "Page", folder: Path) -> None:
    first = running(page)
    second = press(page, "a")
    press(page, "s")
    chips = page.locator("#recent button")
    assert [chips.nth(i).get_attribute("class").split()[0] for i in range(2)] == ["said-skip", "said-accept"]  # type: ignore[union-attr]
    chips.nth(1).click()
    page.wait_for_selector(f".stage.shown[data-pair='{first}']")
    page.wait_for_selector("#about:has-text('You: accepted')")
    page.wait_for_selector("body:not(.busy)")
    page.keyboard.press("3")
    running(page, other_than=first)
    all_saved(page)
    assert {"|".join(pair): outcome for pair, outcome in settled(folder).items()} == {first: "rejected"}
    assert second not in settled(folder)


def test_another_windows_verdict_is_told_before_it_is_overridden(page: "Page", folder: Path) -> None:
    shown = running(page)
    other = page.context.new_page()
    other.goto(page.url)
    assert running(other) == shown, "the address has the pair"
    other.keyboard.press("a")
    running(other, other_than=shown)
    all_saved(other)
    page.keyboard.press("1")
    page.wait_for_selector("#banner:has-text('decided in another window')")
    page.wait_for_selector(f".stage.shown[data-pair='{shown}']")
    assert [d.verdict for d in decisions(folder)] == [Verdict.ACCEPT]
    page.wait_for_selector("#about:has-text('You: accepted')")
    page.wait_for_selector("body:not(.busy)")
    page.keyboard.press("1")
    running(page, other_than=shown)
    all_saved(page)
    assert [d.verdict for d in decisions(folder)] == [Verdict.ACCEPT, Verdict.REJECT]


def test_a_verdict_that_fails_for_ever_is_set_aside_and_the_others_go_on(page: "Page", folder: Path) -> None:
    first = running(page)
    # the server fails at whatever holds this pair, and at nothing else
    query = first.split("|")[0]

    def answer(route: "Route") -> None:
        if query in (route.request.post_data or ""):
            route.fulfill(
                status=500, json={"error": {"status": 500, "code": "x", "message": "the server failed at this"}}
            )
        else:
            route.continue_()

    page.route("**/api/decisions*", answer)
    page.keyboard.press("a")
    second = running(page, other_than=first)
    page.keyboard.press("a")
    running(page, other_than=second)
    page.wait_for_selector("#banner:has-text('the server failed at this')")
    all_saved(page)
    assert ["|".join(d.pair) for d in decisions(folder)] == [second]
    # it is not lost: it can be sent again
    page.unroute("**/api/decisions*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#banner", state="hidden")
    all_saved(page)
    assert ["|".join(d.pair) for d in decisions(folder)] == [second, first]


def test_the_servers_own_sentence_is_in_the_banner(page: "Page") -> None:
    message = "sqlite:///reviews.sqlite: database or disk is full; check the database"
    page.route(
        "**/api/decisions*",
        lambda route: route.fulfill(status=503, json={"error": {"status": 503, "code": "x", "message": message}}),
    )
    page.reload()  # a page that is loaded already may let its next request pass by the route
    first = running(page)
    page.keyboard.press("a")
    running(page, other_than=first)
    page.wait_for_selector("#banner:has-text('The server says: sqlite:///reviews.sqlite: database or disk is full')")
    page.unroute("**/api/decisions*")
    page.wait_for_selector("#banner", state="hidden")
    all_saved(page)


def test_a_name_is_kept_only_where_the_server_takes_it(chromium: "Browser", shared: tuple[Server, Path]) -> None:
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(shared[0].url)
    running(page)
    page.locator("#who").click()
    page.locator("#name").fill("a\u200bb")  # a zero-width space, as from a web page
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("#name-fault:has-text('printable')")
    assert page.evaluate("localStorage.getItem('a2dsplus:reviewer')") is None
    page.locator("#name").fill("grace\u00a0hopper")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("#who:has-text('grace hopper')")
    # one that an earlier version kept does not shut the page
    page.evaluate("localStorage.setItem('a2dsplus:reviewer', 'x\u0007')")
    page.reload()
    page.wait_for_selector("#who:has-text('ada')")
    running(page)
    page.context.close()


def test_a_wrong_token_gets_a_page(chromium: "Browser", shared: tuple[Server, Path]) -> None:
    page = chromium.new_context().new_page()
    page.goto(shared[0].url.partition("?")[0] + "?token=wrong")
    assert "not this server’s" in page.locator("body").inner_text()
    page.context.close()


# ---- many by their captions --------------------------------------------------------------------------------------


def test_many_are_accepted_by_their_captions_but_for_those_picked_out(chromium: "Browser", folder: Path) -> None:
    workspace = Workspace.open(folder)
    pairs = read_pairs(workspace)
    sure = [replace(p, grade="excluded", because="actor: ball / dog", doubt=0.01) for p in pairs[:8]]
    write_pairs(workspace, [*sure, *pairs[8:]])
    with serving(folder, "--reviewer", "ada") as server:
        page = named(chromium, server, "ada")
        running(page)
        page.keyboard.press("b")
        page.wait_for_selector("#bulk-rows > li >> nth=3")
        assert page.locator("#bulk-rows > li").count() == 4
        page.locator("#bulk-rows input").nth(1).check()
        assert page.locator("#bulk-accept").inner_text().startswith("Accept the other 3")
        page.keyboard.press("a")
        page.wait_for_selector("#bulk-words:has-text('No open pair')")
        found = decisions(folder)
        assert sorted((d.verdict, d.mode) for d in found) == [("accept", "bulk")] * 3 + [("skip", "bulk")]
        page.keyboard.press("Escape")
        page.wait_for_selector("#progress-words:has-text('3 of 6 · 1 to look at again')")
        page.context.close()


# ---- where one is ------------------------------------------------------------------------------------------------


def test_filters_and_pair_are_in_the_address(page: "Page") -> None:
    page.keyboard.press("l")
    page.locator("#filters [name=tier]").select_option("2")
    page.wait_for_selector("#active button:has-text('tier: 2')")
    page.locator("#drawer-close").click()
    shown = running(page)
    assert "tier=2" in page.url
    page.reload()
    assert running(page) == shown
    page.wait_for_selector("#active button:has-text('tier: 2')")
    page.locator("#active button").click()
    page.wait_for_selector("#active", state="hidden")
    running(page)
    assert "tier" not in page.url


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (640, 360), (390, 844)])
def test_everything_fits_and_nothing_lies_over_a_clip(
    chromium: "Browser", shared: tuple[Server, Path], width: int, height: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(shared[0].url)
    running(page)
    for action in ("accept", "reject", "replace", "skip", "note", "undo", "play", "list"):
        box = page.locator(f"[data-do={action}]").bounding_box()
        assert box is not None, action
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, action
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, action
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widest = "() => Math.max(...[...document.querySelectorAll('.stage.shown .side > *')].map((part) => part.getBoundingClientRect().right))"
    assert page.evaluate(widest) <= width
    covered = """() => [...document.querySelectorAll('.stage.shown video')].map((video) => {
        video.scrollIntoView({ block: 'center' });
        const box = video.getBoundingClientRect();
        return video.parentElement.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
    })"""
    assert page.evaluate(covered) == [True, True]
    context.close()


def test_what_changes_is_said_and_clips_have_names(shared_page: "Page") -> None:
    page = shared_page
    running(page)
    assert "Query: " in page.locator("#announcer").inner_text()
    assert page.locator("#frame").evaluate("frame => frame.tagName") == "SPAN", "no live region"
    assert page.locator(".stage.shown video").first.get_attribute("aria-label").startswith("Clip of the query: A ")  # type: ignore[union-attr]
    before = page.locator("#announcer").inner_text()
    press(page, "s")
    assert page.locator("#announcer").inner_text() != before


def test_markup_in_a_caption_is_shown_as_it_is(shared_page: "Page") -> None:
    page = shared_page
    page.keyboard.press("l")
    page.locator("#filters [name=text]").fill("<script>")
    page.wait_for_selector("#list-count:has-text('2 pairs')")
    page.wait_for_selector(".stage.shown .caption:has-text('<script>')")
    assert SCRIPT in page.locator(".stage.shown").inner_text()
    assert page.locator(".stage script, .stage img, .row img").count() == 0
    assert page.title() == "Review dataset"


def test_keys_belong_to_what_has_the_focus(shared_page: "Page", logged: Callable[[], int]) -> None:
    page = shared_page
    page.locator("#scrubber").focus()
    press(page, "a")
    # after a click the keys are the page's again: Space plays and does not skip once more
    before = running(page)
    page.locator("[data-do=skip]").click()
    shown = running(page, other_than=before)
    all_saved(page)
    page.keyboard.press(" ")
    page.wait_for_selector("[data-do=play][aria-label=Play]")
    assert (running(page), logged()) == (shown, 2)
    # reached by Tab, the button is pressed by Space
    page.locator("[data-do=outline]").focus()
    page.keyboard.press(" ")
    page.wait_for_selector("[data-do=outline][aria-pressed=false]")
    page.keyboard.press(" ")
    page.keyboard.press("l")
    for menu in ("status", "tier", "grade"):
        page.locator(f"#filters [name={menu}]").focus()
        page.keyboard.press("a")
        page.keyboard.press("1")
    page.locator("#rows").focus()
    page.keyboard.press("a")
    assert logged() == 2, "menus and the list keep their keys"
    page.locator("#filters [name=status]").select_option("undecided")
    page.locator("#filters [name=tier]").select_option("")
    page.locator("#filters [name=grade]").select_option("")
    page.locator("#filters [name=text]").click()
    page.keyboard.type("aurse1")
    page.wait_for_selector("#list-count:has-text('0 pairs')")
    page.wait_for_selector("#nothing:has-text('No pair here')")
    assert logged() == 2
    page.locator("#filters [name=text]").fill("")
    page.wait_for_selector("#list-count:not(:has-text('0 pairs'))")
    page.locator("#drawer-close").click()
    page.locator("#main").focus()
    running(page)
    press(page, "a")
    assert logged() == 3


@pytest.mark.parametrize(("key", "code"), [("ф", "KeyA"), ("α", "KeyA"), ("&", "Digit1")])
def test_keys_work_on_other_layouts(shared_page: "Page", logged: Callable[[], int], key: str, code: str) -> None:
    page = shared_page
    before = running(page)
    page.evaluate(
        "([key, code]) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, code, bubbles: true }))",
        [key, code],
    )
    running(page, other_than=before)
    all_saved(page)
    assert logged() == 1


def test_a_key_held_down_judges_one_pair(shared_page: "Page", logged: Callable[[], int]) -> None:
    page = shared_page
    before = running(page)
    for _ in range(5):
        page.keyboard.down("a")  # the second and later ones are repeats
    running(page, other_than=before)
    page.keyboard.up("a")
    all_saved(page)
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
    press(page, "y")
    assert logged() == 1


def test_frames_are_stepped_one_by_one_and_the_outline_follows(shared_page: "Page") -> None:
    page = shared_page
    page.keyboard.press(" ")
    page.wait_for_selector("[data-do=play][aria-label=Play]")
    page.locator("#scrubber").fill("1")
    page.wait_for_selector("#frame:has-text('1 /')")
    page.locator("#main").focus()
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


# the number that a frame of ../shared/cases/clips tells: eight blocks of 16 pixels at the top, white is 1, least significant first
NUMBER = """(video) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  return [...Array(8).keys()].reduce((sum, bit) => sum + (context.getImageData(16 * bit + 8, 8, 1, 1).data[0] > 127 ? 1 << bit : 0), 0);
}"""


@needs_shared
def test_the_outline_belongs_to_the_picture_also_where_the_rate_varies(chromium: "Browser", tmp_path: Path) -> None:
    clip = tmp_path / "clips" / "vfr.mp4"
    clip.parent.mkdir()
    shutil.copy(SHARED / "cases" / "clips" / "vfr.mp4", clip)
    folder = dataset(tmp_path / "vfr", clip=clip, videos=2)
    with serving(folder, "--reviewer", "ada") as server:
        page = named(chromium, server, "ada")
        running(page)
        page.keyboard.press(" ")
        page.wait_for_selector("[data-do=play][aria-label=Play]")
        video = page.locator(".stage.shown .query video")
        frames = int(page.locator("#frame").inner_text().split("/")[1])
        # sought: picture k - 1 at frame k, over the change of rate (of this file's last frame players show nothing: it ends with it)
        for frame in (1, 2, 9, frames // 2, frames // 2 + 3, frames - 1):
            page.locator("#scrubber").fill(str(frame))
            page.wait_for_function(
                f"([video, frame]) => !video.seeking && ({NUMBER})(video) === frame - 1",
                arg=[video.element_handle(), frame],
            )
        # played: the counter names the frame whose time the browser says it shows (not the picture: a busy machine may be one further by then)
        seen = video.evaluate(
            """(video) => new Promise((done) => {
                const found = [];
                const look = (_now, shown) => {
                    found.push([shown.mediaTime, Number(document.querySelector('#frame').textContent.split('/')[0]) - 1]);
                    if (found.length < 12) video.requestVideoFrameCallback(look);
                    else done(found);
                };
                document.querySelector('[data-do=play]').click();
                video.requestVideoFrameCallback(look);
            })"""
        )
        with av.open(str(clip)) as container:
            times = sorted(float(frame.time) for frame in container.decode(video=0) if frame.time is not None)
        assert len(times) >= frames - 1
        shown = [min(range(len(times)), key=lambda index: abs(times[index] - time)) for time, _ in seen]
        assert shown == [counter for _, counter in seen]
        page.context.close()


def test_the_composed_sample_plays(shared_page: "Page") -> None:
    page = shared_page
    for subset, frames in (("S", 20), ("T", 40)):
        page.keyboard.press("c")
        page.wait_for_selector(f"[data-view={subset}][aria-pressed=true]")
        page.wait_for_selector(f"#frame:has-text('/ {frames}')")
        page.wait_for_function("() => document.querySelector('.stage.shown .whole video').currentTime > 0.1")
    page.keyboard.press("c")
    page.wait_for_selector(".stage.shown:not(.composed)")


def test_both_composed_samples_of_a_pair_in_view_are_encoded_ahead(chromium: "Browser", folder: Path) -> None:
    with serving(folder, "--reviewer", "ada") as server:
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE_MS)
        with page.expect_response(lambda found: found.request.method == "HEAD" and "/preview/T" in found.url) as last:
            page.goto(server.url)
        assert last.value.status == 200
        page.close()
    assert len(list((folder / ".a2dsplus" / "preview").glob("*.mp4"))) == 2


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
