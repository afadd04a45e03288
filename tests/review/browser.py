"""A real server in a process of its own and a real Chromium, for the review page's tests and benchmark."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
# what waits, waits for a condition; a machine that does much else meets it late
PATIENCE_MS = 120_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing() -> str | None:
    """Return why no browser can be driven here, None where one can."""
    if not CHROMIUM.exists():
        return f"no {CHROMIUM} here (Debian: apt-get install chromium)"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright for Python is not installed (pip install playwright)"
    return None


needs_browser = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@contextmanager
def browser() -> "Iterator[Browser]":
    """Give a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`a2dsplus review` on a port of its own, which it keeps when it is started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", "a2dsplus", "review", "--dataset", str(folder), "--no-open"]
        self._command += ["--port", str(self.port), *options]
        self.process: subprocess.Popen[str] | None = None
        # the page's address, token included, as the server printed it
        self.url = ""

    def start(self) -> "Server":
        """Start it and wait until it listens."""
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("review page: "), f"the server did not start: {line!r}"
        self.url = line.removeprefix("review page: ").strip()
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def interrupt(self) -> int:
        """End it as Ctrl-C does; return its exit status."""
        return self._end(signal.SIGINT)

    def memory(self) -> int:
        """Return the bytes of memory it holds (RSS)."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """Give a running server; it is ended in the end."""
    server = Server(folder, *options).start()
    try:
        yield server
    finally:
        server.kill()


def running(page: "Page", *, other_than: str | None = None) -> str:
    """Wait until a pair is on screen, both clips playing, and no verdict is under way; return it as `query|contrast`."""
    from playwright.sync_api import expect

    if other_than is not None:
        page.wait_for_selector(f'body:not([data-running="{other_than}"])')
    page.wait_for_selector("body[data-running]:not([data-running='']):not(.busy)")
    shown = page.locator(".stage.shown")
    expect(shown).to_have_count(1)
    return str(shown.get_attribute("data-pair"))
