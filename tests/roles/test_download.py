"""Fetching the paper's archive, from a server on this machine: resumed, checked, pinned, and explained where it fails."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from a2dsplus.errors import ModelError
from a2dsplus.roles.srl import download
from a2dsplus.roles.srl.download import ARCHIVE_NAME, ARCHIVE_VARIABLE, fetch, find_srl_bert

CONTENT = bytes(range(256)) * 500


class _Server(ThreadingHTTPServer):
    """Serves CONTENT as a bucket does; `asked` collects the Range headers, `cut` ends an answer early."""

    content = CONTENT
    md5 = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    cut: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{ARCHIVE_NAME}"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if self.path != f"/{ARCHIVE_NAME}":
            self.send_error(404)
            return
        body = self.server.content[start:]
        self.send_response((206 if wanted else 200) if body else 416)
        self.send_header("x-goog-hash", "crc32c=AAAAAA==")
        self.send_header("x-goog-hash", f"md5={self.server.md5}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.server.cut is None else body[: self.server.cut])

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[_Server]:
    """A bucket on this machine."""
    running = _Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_the_archive_is_fetched_and_its_sum_recorded(server: _Server, tmp_path: Path) -> None:
    target = tmp_path / "cache" / ARCHIVE_NAME
    fetch(server.url, target)
    assert target.read_bytes() == CONTENT
    assert (tmp_path / "cache" / f"{ARCHIVE_NAME}.sha256").read_text().split() == [
        hashlib.sha256(CONTENT).hexdigest(),
        ARCHIVE_NAME,
    ]
    assert sorted(file.suffix for file in target.parent.iterdir()) == [".gz", ".sha256"]


@pytest.mark.parametrize("have", [1, 1000, len(CONTENT)])
def test_a_download_goes_on_where_it_stopped(server: _Server, tmp_path: Path, have: int) -> None:
    target = tmp_path / ARCHIVE_NAME
    (tmp_path / f"{ARCHIVE_NAME}.partial").write_bytes(CONTENT[:have])
    fetch(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={have}-"]


def test_a_broken_connection_keeps_what_came(server: _Server, tmp_path: Path) -> None:
    target = tmp_path / ARCHIVE_NAME
    server.cut = 100_000
    with pytest.raises(ModelError, match="run the command again to go on"):
        fetch(server.url, target)
    assert not target.exists()
    came = (tmp_path / f"{ARCHIVE_NAME}.partial").read_bytes()
    assert came and CONTENT.startswith(came)
    server.cut = None
    fetch(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(came)}-"]


def test_a_damaged_download_is_not_kept(server: _Server, tmp_path: Path) -> None:
    server.content = b"x" + CONTENT[1:]
    with pytest.raises(ModelError, match="damaged"):
        fetch(server.url, tmp_path / ARCHIVE_NAME)
    assert list(tmp_path.iterdir()) == []


def test_another_archive_under_the_same_name_is_refused(server: _Server, tmp_path: Path) -> None:
    target = tmp_path / ARCHIVE_NAME
    (tmp_path / f"{ARCHIVE_NAME}.sha256").write_text("0" * 64 + f"  {ARCHIVE_NAME}\n")
    with pytest.raises(ModelError, match="at the first download; not used"):
        fetch(server.url, target)
    assert not target.exists()


def test_a_missing_file_and_a_missing_network_say_what_to_do(server: _Server, tmp_path: Path) -> None:
    for url, words in ((server.url + "x", "answers 404"), ("http://127.0.0.1:9/x", "cannot be fetched")):
        with pytest.raises(ModelError) as error:
            fetch(url, tmp_path / ARCHIVE_NAME)
        assert words in str(error.value)
        assert "--srl compact" in str(error.value)


def test_the_archive_is_found_before_it_is_fetched(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ARCHIVE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "ARCHIVE_URL", server.url)
    monkeypatch.chdir(tmp_path)
    cached = tmp_path / "cache" / "a2dsplus" / ARCHIVE_NAME
    assert find_srl_bert() == cached
    assert find_srl_bert() == cached
    assert len(server.asked) == 1
    here = tmp_path / ARCHIVE_NAME
    here.write_bytes(b"")
    assert find_srl_bert() == here
    other = tmp_path / "other.tar.gz"
    other.write_bytes(b"")
    monkeypatch.setenv(ARCHIVE_VARIABLE, str(other))
    assert find_srl_bert() == other
    monkeypatch.setenv(ARCHIVE_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ModelError, match="none: no such file"):
        find_srl_bert()
