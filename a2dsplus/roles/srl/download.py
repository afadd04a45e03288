"""The paper's SRL archive: finding it on this machine, or fetching it from AllenNLP's public bucket."""

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from a2dsplus.errors import ModelError

ARCHIVE_NAME = "structured-prediction-srl-bert.2020.12.15.tar.gz"
ARCHIVE_URL = f"https://storage.googleapis.com/allennlp-public-models/{ARCHIVE_NAME}"
ARCHIVE_VARIABLE = "A2DSPLUS_SRL_BERT"
_BLOCK = 1 << 20


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
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stated = _download(url, partial, timeout=timeout)
    except urllib.error.HTTPError as error:
        raise ModelError(f"{url}: the server answers {error.code} {error.reason}; {_by_hand(target)}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelError(f"{url}: cannot be fetched ({reason}); {_by_hand(target)}") from error
    md5, sha256 = _digests(partial)
    if stated is not None and md5 != stated:
        partial.unlink()
        raise ModelError(
            f"{url}: the download is damaged (MD5 {md5}, the server states {stated}); run the command again"
        )
    pin = target.with_name(target.name + ".sha256")
    known = pin.read_text(encoding="ascii").split()[0] if pin.is_file() else sha256
    if sha256 != known:
        raise ModelError(
            f"{url}: SHA-256 {sha256}, but {pin} recorded {known} at the first download; not used. Remove {pin} to accept it"
        )
    pin.write_text(f"{sha256}  {target.name}\n", encoding="ascii")
    partial.replace(target)


def _by_hand(target: Path) -> str:
    return (
        f"without a network, bring {ARCHIVE_NAME} here by other means and give --srl its path"
        f" (or put it at {target}), or use --srl compact, which needs no download"
    )


def _download(url: str, partial: Path, *, timeout: float) -> str | None:
    """Complete `partial` and return the MD5, in hex, that the server states, or None."""
    have = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if not (have and error.code == 416):
            raise
        # Nothing lies beyond what is here: the earlier try stopped after the last byte.
        return _stated_md5(error.headers.get_all("x-goog-hash") or [])
    with answer:
        length = answer.headers.get("Content-Length")
        resumed = answer.status == 206
        with partial.open("ab" if resumed else "wb") as file:
            before = file.tell()
            shutil.copyfileobj(answer, file, _BLOCK)
            got = file.tell() - before
        if length is not None and got != int(length):
            raise OSError(f"the connection ended after {got} of {length} bytes; run the command again to go on")
        return _stated_md5(answer.headers.get_all("x-goog-hash") or [])


def _stated_md5(headers: list[str]) -> str | None:
    import base64
    import binascii

    for header in headers:
        for part in header.split(","):
            kind, _, value = part.strip().partition("=")
            if kind == "md5":
                try:
                    return base64.b64decode(value, validate=True).hex()
                except binascii.Error:
                    return None
    return None


def _digests(path: Path) -> tuple[str, str]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            md5.update(block)
            sha256.update(block)
    return md5.hexdigest(), sha256.hexdigest()
