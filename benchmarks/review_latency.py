"""How long from a verdict's key to the next pair playing, beside a plain file server; on slow lines; and with 100,000 pairs.

    python benchmarks/review_latency.py --dataset a2dsplus-data

Times are taken in headless Chromium, by the page's own clock: from the key press to the moment when both next clips have put a frame on
screen and run. The peer is `python -m http.server` delivering the same clips to a page that does nothing else: on a key press it
gives two <video> elements their next addresses and plays them; nothing is saved and nothing prefetched. Verdicts go to a log of the
benchmark's own, on the disk of --scratch. A slow line is Chromium's own: every request takes so much longer. There a reviewer reads each
pair for some seconds; what is counted is what the page adds to that, and the keys.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from a2dsplus.dataset.parquet import write_columns
from a2dsplus.dataset.tables import read_clips, source_root
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import encode
from tests.review.browser import Server, browser, free_port, running, serving
from tests.review.review_workspace import HEIGHT, WIDTH, paint, square

if TYPE_CHECKING:
    from playwright.sync_api import Page

MEASURE = "a2dsplus:next-pair"
_TURNS = 3
PLAIN = """<!doctype html><title>plain</title><video id=a muted playsinline></video><video id=b muted playsinline></video>
<script>
let at = 0; window.times = [];
const shown = (video) => new Promise((done) => {
  const look = () => (!video.paused && video.currentTime > 0 ? done() : video.requestVideoFrameCallback(look));
  video.requestVideoFrameCallback(look);
});
addEventListener('keydown', async () => {
  const start = performance.now(), names = PAIRS[at++];
  const videos = [...document.querySelectorAll('video')];
  videos.forEach((video, i) => { video.src = encodeURIComponent(names[i]); video.play(); });
  await Promise.all(videos.map(shown));
  window.times.push(performance.now() - start);
});
</script>"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, default=Path("a2dsplus-data"))
    parser.add_argument("--presses", type=int, default=60, help="verdicts to measure")
    parser.add_argument(
        "--delays", type=int, nargs="*", default=[0, 100, 2000], help="milliseconds that a request takes longer"
    )
    parser.add_argument(
        "--reading", type=float, default=3.0, help="seconds that a reviewer looks at a pair, on a slow line"
    )
    parser.add_argument("--pairs", type=int, default=100_000, help="pairs of the large dataset; 0 leaves it out")
    parser.add_argument("--scratch", type=Path, help="folder for logs and the large dataset (default: a temporary one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="a2d-review-", dir=options.scratch))
    try:
        found = {"next_pair": next_pair(options.dataset, options.presses, scratch)}
        if options.delays:
            found["lines"] = lines(options.dataset, options.delays, options.reading, options.presses // 2, scratch)
        if options.pairs:
            found["large"] = large(options.pairs, scratch)
    finally:
        shutil.rmtree(scratch)
    print(json.dumps(found, indent=1) if options.json else table(found))


# ---- from key to the next pair -----------------------------------------------------------------------------------


def next_pair(dataset: Path, presses: int, scratch: Path) -> dict[str, Any]:
    """Return milliseconds of the review page, at a reader's pace and without any, and of the plain page, same clips."""
    paced: list[float] = []
    rushed: list[float] = []
    plain: list[float] = []
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        # in turns: what else the machine does in the meantime slows all three alike
        for turn in range(_TURNS):
            number, folder = -(-presses // _TURNS), scratch / f"turn{turn}"
            folder.mkdir()
            times, _ = _review(context.new_page(), dataset, number, folder / "paced.sqlite", wait=True)
            paced += times
            times, order = _review(context.new_page(), dataset, number, folder / "rushed.sqlite", wait=False)
            rushed += times
            plain += _plain(context.new_page(), dataset, order, folder / "plain")
    return {
        "review, at a reader's pace": _spread(paced),
        "review, keys without a pause": _spread(rushed),
        "plain file server": _spread(plain),
    }


def lines(dataset: Path, delays: list[int], reading: float, presses: int, scratch: Path) -> dict[str, Any]:
    """Return {delay: what the page adds to the time of a verdict, and keys a pair}: every tenth pair is rejected with a reason."""
    found: dict[str, Any] = {}
    for delay in delays:
        folder = scratch / f"delay{delay}"
        folder.mkdir()
        log = f"sqlite:///{folder / 'log.sqlite'}"
        with browser() as chromium, serving(dataset, "--database", log, "--reviewer", "bench") as server:
            page = chromium.new_page(viewport={"width": 1280, "height": 720})
            network = page.context.new_cdp_session(page)
            network.send("Network.enable")
            conditions = {"offline": False, "latency": delay, "downloadThroughput": -1, "uploadThroughput": -1}
            network.send("Network.emulateNetworkConditions", conditions)
            page.goto(server.url)
            shown = running(page)
            page.evaluate("performance.clearMeasures()")
            keys = 0
            for number in range(presses):
                page.wait_for_timeout(1000 * reading)
                page.keyboard.press("2" if number % 10 == 9 else "a")
                keys += 1
                shown = running(page, other_than=shown)
            times = page.evaluate(f"performance.getEntriesByName('{MEASURE}').map((entry) => entry.duration)")
            page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.includes('unsent'))")
            page.close()
        found[f"{delay} ms"] = {**_spread(times), "keys a pair": keys / presses}
    return found


def _review(
    page: "Page", dataset: Path, presses: int, log: Path, *, wait: bool
) -> tuple[list[float], list[tuple[str, ...]]]:
    order: list[tuple[str, ...]] = []
    with serving(dataset, "--database", f"sqlite:///{log}", "--reviewer", "bench") as server:
        page.goto(server.url)
        shown = running(page)
        page.evaluate("performance.clearMeasures()")
        for _ in range(presses):
            if wait:
                # a reader takes longer than the next two pairs need to get ready
                page.wait_for_function(
                    """() => { const videos = [...document.querySelectorAll('.stage:not(.shown) video')];
                        return videos.length >= 4 && videos.every((video) => video.readyState === 4); }"""
                )
            page.keyboard.press("a")
            shown = running(page, other_than=shown)
            order.append(tuple(part.split("/")[0] for part in shown.split("|")))
        times = page.evaluate(f"performance.getEntriesByName('{MEASURE}').map((entry) => entry.duration)")
    page.close()
    assert len(times) == presses, f"{len(times)} times of {presses}"
    return times, order


def _plain(page: "Page", dataset: Path, order: list[tuple[str, ...]], folder: Path) -> list[float]:
    workspace = Workspace.open(dataset)
    clips = read_clips(workspace, root=source_root(workspace))
    folder.mkdir()
    for video in {video for pair in order for video in pair}:
        (folder / f"{video}.mp4").symlink_to(clips[video].path.resolve())
    names = json.dumps([[f"{video}.mp4" for video in pair] for pair in order])
    (folder / "index.html").write_text(PLAIN.replace("PAIRS", names))
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _reached(page, f"http://127.0.0.1:{port}/")
        for number in range(len(order)):
            page.keyboard.press("a")
            page.wait_for_function("count => window.times.length > count", arg=number)
        times: list[float] = page.evaluate("window.times")
    finally:
        server.kill()
        server.wait()
    page.close()
    return times


def _reached(page: "Page", url: str) -> None:
    from playwright.sync_api import Error

    deadline = time.monotonic() + 20
    while True:
        try:
            page.goto(url)
            return
        except Error:
            if time.monotonic() > deadline:
                raise


# ---- many pairs --------------------------------------------------------------------------------------------------


def large(pairs: int, scratch: Path) -> dict[str, Any]:
    """Return the server's memory, and times of its list and page, with a dataset of so many pairs, six candidates each."""
    folder = _large_dataset(pairs, scratch / "large")
    started = time.perf_counter()
    with serving(folder, "--reviewer", "bench") as server:
        first_start = time.perf_counter() - started
        server.kill()
        started = time.perf_counter()
        server.start()
        start = time.perf_counter() - started
        with browser() as chromium:
            page = chromium.new_page(viewport={"width": 1280, "height": 720})
            page.goto(server.url)
            running(page)
            shown = _verdicts(page, 20)
            scrolls = _scrolls(page, pairs)
            searches = _searches(page)
        memory = _peak(server)
    return {
        "pairs": pairs,
        "server memory, peak (MB)": memory / 1e6,
        "first start, with its index (s)": first_start,
        "start (s)": start,
        "next pair (ms)": shown,
        "list: jump to anywhere (ms)": scrolls,
        "list: search (ms)": searches,
    }


def _verdicts(page: "Page", number: int) -> dict[str, float]:
    page.evaluate("performance.clearMeasures()")
    for _ in range(number):
        shown = running(page)
        page.keyboard.press("a")
        running(page, other_than=shown)
    return _spread(page.evaluate(f"performance.getEntriesByName('{MEASURE}').map((entry) => entry.duration)"))


def _scrolls(page: "Page", pairs: int) -> dict[str, float]:
    """Time from a jump of the scroll bar to the rows there, for random places."""
    page.keyboard.press("l")
    page.wait_for_selector(".row")
    rng = np.random.default_rng(0)
    times = []
    for place in rng.integers(100, pairs - 200, 20).tolist():
        times.append(
            page.evaluate(
                """async (index) => {
                    const box = document.querySelector('#rows'), start = performance.now();
                    box.scrollTop = index * 66;
                    while (![...document.querySelectorAll('.row')].some((row) => row.offsetTop === index * 66))
                        await new Promise(requestAnimationFrame);
                    return performance.now() - start;
                }""",
                place,
            )
        )
    return _spread(times)


def _searches(page: "Page") -> dict[str, float]:
    """Time from the last letter typed to the list, without the pause that the page waits for more letters."""
    times = []
    for word in ("caption 77", "red ball 123", "caption 9 ", "dog", "nothing of that"):
        page.locator("#filters [name=text]").fill("")
        times.append(
            page.evaluate(
                """async (text) => {
                    const start = performance.now();
                    const answer = await fetch('/api/queue?' + new URLSearchParams({ reviewer: 'bench', text, limit: 50 }));
                    await answer.json();
                    return performance.now() - start;
                }""",
                word,
            )
        )
    return _spread(times)


def _peak(server: Server) -> int:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _large_dataset(pairs: int, folder: Path) -> Path:
    """Write a dataset of so many queries, two a video, six candidates each, whose videos share one clip."""
    source, out = folder / "source", folder / "dataset"
    out.mkdir(parents=True)
    paint(source / "clip.mp4", number=1, frames=75)
    number = np.arange(pairs)
    videos = [f"video-{n // 2:07d}" for n in number]
    ids = np.array([f"{video}/{n % 2}" for video, n in zip(videos, number, strict=True)])
    actors = np.array(["red ball", "white dog", "small cat", "tall man"])[number % 4]
    workspace = Workspace(out)
    texts = [f"the {actor} of caption {n} is rolling over the table" for n, actor in zip(number, actors, strict=True)]
    columns: dict[str, dict[str, Any]] = {}
    columns["queries"] = {
        "query_id": ids,
        "video_id": videos,
        "expression_id": (number % 2).astype(str),
        "objects": [[str(n % 2)] for n in number],
        "text": texts,
        "split": ["test"] * pairs,
    }
    each = sorted(set(videos))
    clip = probe(source / "clip.mp4", video_id="clip")
    shown = {name: [getattr(clip, name)] * len(each) for name in ("frames", "height", "width")}
    coding = {name: [getattr(clip.coding, name)] * len(each) for name in clip.coding.__slots__}
    columns["clips"] = {"video_id": each, "path": ["clip.mp4"] * len(each), **shown, "rate": ["25/1"] * len(each)}
    columns["clips"] |= {"frame_names": [None] * len(each), **coding, "start": ["0/1"] * len(each)}
    rle = encode(square(10) | np.random.default_rng(0).random((HEIGHT, WIDTH)).__lt__(0.02))
    columns["masks"] = {
        "video_id": np.repeat(videos, 3),
        "object": np.repeat(number % 2, 3).astype(str),
        "frame": np.tile([20, 40, 60], pairs),
        "height": [HEIGHT] * (3 * pairs),
        "width": [WIDTH] * (3 * pairs),
        "counts": [rle["counts"]] * (3 * pairs),
    }
    labels = [("ARG0", "who", None), ("V", "verb", "rolling"), ("ARGM-LOC", "where", "over table")]
    phrases = [[actor, "rolling", "over table"] for actor in actors]
    columns["roles"] = {
        "query_id": np.repeat(ids, 3),
        "role_frame": [0] * (3 * pairs),
        "role": [label for label, _, _ in labels] * pairs,
        "slot": [slot for _, slot, _ in labels] * pairs,
        "phrase": [phrase for row in phrases for phrase in row],
        "lemma": [phrase for row in phrases for phrase in row],
    }
    ranks = np.tile(np.arange(6), pairs)
    query = np.repeat(number, 6)
    grades = np.where(query % 4 == 0, "undecided", "excluded")
    columns["pairs"] = {
        "query_id": ids[query],
        "contrast_query_id": ids[(query + 2 + 7 * ranks) % pairs],
        "tier": 1 + query % 4,
        "shared": [["verb", "where"]] * len(query),
        "differing": [["who"]] * len(query),
        "extra": [[]] * len(query),
        "kind": ["other"] * len(query),
        "grade": grades,
        "because": [f"actor: ball of {n % 5000} / dog" for n in query],
        "doubt": (query % 97) / 97,
        "relation": ["none"] * len(query),
        "rank": ranks,
        "status": ["unreviewed"] * len(query),
    }
    for name, table in columns.items():
        write_columns(workspace, f"{name}.parquet", table)
    workspace.write_json(".a2dsplus/source.json", {"root": str(source.resolve())})
    return out


# ---- words -------------------------------------------------------------------------------------------------------


def _spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))],
    }


def table(found: dict[str, Any]) -> str:
    """Return the figures as text, the file server's median as 1."""
    base = found["next_pair"]["plain file server"]["median"]
    said = [f"{'key press to next pair, both clips playing':44} {'n':>4} {'median':>9} {'95%':>9} {'ratio':>7}"]
    for name, row in found["next_pair"].items():
        said.append(f"{name:44} {row['n']:4} {row['median']:6.0f} ms {row['p95']:6.0f} ms {row['median'] / base:7.2f}")
    for name, row in found.get("lines", {}).items():
        keys = f"{row['keys a pair']:.2f} keys a pair"
        words = f"a request takes {name} longer, pairs are read"
        said.append(f"{words:44} {row['n']:4} {row['median']:6.0f} ms {row['p95']:6.0f} ms {keys:>17}")
    for name, value in found.get("large", {}).items():
        words = f"median {value['median']:.0f}, 95% {value['p95']:.0f}" if isinstance(value, dict) else f"{value:,.1f}"
        said.append(f"{name:44} {words}")
    return "\n".join(said)


if __name__ == "__main__":
    main()
