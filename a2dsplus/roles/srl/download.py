"""The paper's SRL archive: finding it on this machine, or fetching it from AllenNLP's public bucket."""

import base64
import binascii
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from a2dsplus.errors import ModelError
from a2dsplus.files import PARTIAL, sha256, write_text

ARCHIVE_NAME = "structured-prediction-srl-bert.2020.12.15.tar.gz"
ARCHIVE_URL = f"https://storage.googleapis.com/allennlp-public-models/{ARCHIVE_NAME}"
ARCHIVE_VARIABLE = "A2DSPLUS_SRL_BERT"


def find_srl_bert() -> Path:
    """Return the path of the published SRL-BERT archive, fetching it (about 400 MB, resumable) where it is not here yet.

    Looked for in the file that A2DSPLUS_SRL_BERT names, the working folder, and the cache (`$XDG_CACHE_HOME/a2dsplus`). Raises
    ModelError that says what to do without a network, or where the file is not the one fetched before.
    """
    chosen = os.environ.get(ARCHIVE_VARIABLE)
    if chosen:
        if not Path(chosen).is_file():
            raise ModelError(f"{ARCHIVE_VARIABLE}={chosen}: no such file")
        return Path(chosen)
    here = Path(ARCHIVE_NAME)
    if here.is_file():
        return here.resolve()
    cached = cache_folder() / ARCHIVE_NAME
    if not cached.is_file():
        fetch(ARCHIVE_URL, cached)
    return cached


def cache_folder() -> Path:
    """Return the folder that fetched models are kept in."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "a2dsplus"


def fetch(url: str, target: Path, *, timeout: float = 30.0) -> None:
    """Download `url` to `target`, going on where an earlier try stopped, and check the content before it gets its name.

    AllenNLP publishes no SHA-256 of its archives. The content is held against the MD5 that the bucket states with the download
    (`x-goog-hash`), and its SHA-256 is written beside it (`<name>.sha256`) at the first download: one that differs from that
    later is refused. Raises ModelError; an incomplete download stays as `<name>.partial`.
    """
    import pooch
    import requests

    pin = target.with_name(f"{target.name}.sha256")
    known = pin.read_text(encoding="ascii").split()[0] if pin.is_file() else None
    try:
        found = pooch.retrieve(
            url, None, fname=target.name, path=target.parent, downloader=_Resuming(target, timeout=timeout)
        )
    except requests.HTTPError as error:
        raise ModelError(f"{url}: the server answers {_status(error)}; {_by_hand(target)}") from error
    except (OSError, requests.RequestException) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{url}: cannot be fetched ({reason}); run the command again to go on, or {_by_hand(target)}"
        ) from error
    own = sha256(Path(found))
    if known is not None and own != known:
        target.unlink()
        raise ModelError(
            f"{url}: SHA-256 {own}, but {pin} recorded {known} at the first download; not used. Remove {pin} to accept it"
        )
    write_text(pin, f"{own}  {target.name}\n")


def _by_hand(target: Path) -> str:
    return (
        f"without a network, bring {ARCHIVE_NAME} here by other means and give --srl its path"
        f" (or put it at {target}), or use --srl compact, which needs no download"
    )


def _status(error: Any) -> int | None:
    return None if error.response is None else int(error.response.status_code)


class _Resuming:
    """A downloader for pooch that keeps what came in `<name>.partial`, asks for the rest, and checks the MD5 that the server states."""

    def __init__(self, target: Path, *, timeout: float) -> None:
        self._partial = target.with_name(f"{target.name}{PARTIAL}")
        self._timeout = timeout
        self._stated: str | None = None

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        import requests
        from pooch import HTTPDownloader, file_hash

        have = self._partial.stat().st_size if self._partial.is_file() else 0
        ask = HTTPDownloader(
            progressbar=sys.stderr.isatty(),
            chunk_size=1 << 16,
            timeout=self._timeout,
            headers={"Range": f"bytes={have}-"} if have else {},
            hooks={"response": self._heed},
        )
        try:
            with self._partial.open("ab") as file:
                ask(url, file, pooch)
        except requests.HTTPError as error:
            # 416: nothing lies beyond what is here, the earlier try stopped after the last byte
            if not (have and _status(error) == 416):
                raise
        finally:
            if self._partial.is_file() and not self._partial.stat().st_size:
                self._partial.unlink()
        self._partial.replace(output_file)
        md5 = file_hash(output_file, "md5")
        if self._stated is not None and md5 != self._stated:
            raise ModelError(
                f"{url}: the download is damaged (MD5 {md5}, the server states {self._stated}); run the command again"
            )

    def _heed(self, answer: Any, *_: Any, **__: Any) -> None:
        """Remember the MD5 that an answer states, in hexadecimal."""
        for part in answer.headers.get("x-goog-hash", "").split(","):
            kind, _, value = part.strip().partition("=")
            if kind == "md5":
                with suppress(binascii.Error):
                    self._stated = base64.b64decode(value, validate=True).hex()
