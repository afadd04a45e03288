"""Folders and files behind a URL (`s3://`, `gs://`, `file://`, whatever fsspec has a package for), fetched once to a local cache and put back whole.

Only what has `scheme://` is a URL: `s3:out` and `http:` are paths. The stages work on local files; a URL that is read is a copy in the cache
(A2DSPLUS_CACHE, by default ~/.cache/a2dsplus), of which only what changed is fetched again; a URL that is written is such a copy that is put
back when the command has done its work.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from a2dsplus.errors import A2dsplusError, InputError, MissingExtraError, UsageError
from a2dsplus.extras import explained
from a2dsplus.files import PARTIAL, inside, remove_inside, replacing, sha256, write_json

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LOCKS = re.compile(r"\.a2dsplus/(lock|shard-[0-9]+-of-[0-9]+)(\.json)?")
_STATES = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


def is_url(place: Path | str) -> bool:
    """Return whether a place is a URL; a Path never is."""
    return isinstance(place, str) and _URL.match(place) is not None


def fetched(place: Path | str) -> Path:
    """Return a place as a local path: a path as it is, what is behind a URL as its copy in the cache.

    Raises InputError where nothing is there or it cannot be fetched, UsageError for a scheme that nobody knows, MissingExtraError for one
    whose package is not installed.
    """
    if not is_url(place):
        return Path(place)
    local = _local(str(place))
    if local is not None:
        return local
    copy = _Copy(str(place))
    if not copy.fetch():
        raise InputError(f"{place}: nothing is there; correct the URL")
    return copy.path


@contextmanager
def written(place: Path | str) -> Iterator[Path]:
    """Give the local path of a folder to write: itself, or the copy of a URL, put back where the block ends without an error.

    What the URL has already is fetched first. Raises as `fetched`.
    """
    local = _local(str(place)) if is_url(place) else Path(place)
    if local is not None:
        yield local
        return
    copy = _Copy(str(place))
    copy.fetch()
    copy.folder.mkdir(parents=True, exist_ok=True)
    yield copy.folder
    copy.put()


def _local(url: str) -> Path | None:
    """Return the path of a file:// URL, None for any other."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme.lower() == "file" and parts.netloc in ("", "localhost") else None


class _Copy:
    """The local copy of what is behind a URL, and what of it is known to be there: {name: [state there, size, sha256 here]}."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.system, self.base = _system(url)
        cache = Path(os.environ.get("A2DSPLUS_CACHE") or Path.home() / ".cache" / "a2dsplus") / "urls"
        place = cache / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:20]
        called = re.sub(r"[^A-Za-z0-9_+-]", "-", url.rstrip("/").rpartition("/")[2])[:80]  # as tables of scores show it
        self.folder, self._note = place / (called or "root"), place / "fetched.json"
        self.path = self.folder
        self._known = _read(self._note)

    def fetch(self) -> bool:
        """Fetch what is not here yet or has changed, remove what is gone there; return whether anything is there."""
        there = self._there()
        for name, state in there.items():
            target = inside(self.folder, name)
            known = self._known.get(name)
            if known is not None and known[0] == state[0] and target.is_file() and target.stat().st_size == state[1]:
                continue
            with _told(self.url, "fetched"), replacing(target) as draft:
                self.system.get_file(state[2], str(draft))
            self._known[name] = [state[0], state[1], sha256(target)]
            write_json(self._note, self._known)
        for name in sorted(self._known.keys() - there.keys()):
            remove_inside(self.folder, name)
            del self._known[name]
        return bool(there)

    def put(self) -> None:
        """Put what is new or has changed, manifest.json last, and remove what is gone here."""
        here = {
            path.relative_to(self.folder).as_posix(): path for path in sorted(self.folder.rglob("*")) if path.is_file()
        }
        names = [name for name in here if not (name.endswith(PARTIAL) or _LOCKS.fullmatch(name))]
        for name in sorted(names, key=lambda name: (name == "manifest.json", name)):
            size, sha = here[name].stat().st_size, sha256(here[name])
            if self._known.get(name, [None, None, None])[1:] != [size, sha]:
                with _told(self.url, "written"):
                    remote = f"{self.base.rstrip('/')}/{name}"
                    self.system.makedirs(remote.rpartition("/")[0], exist_ok=True)
                    self.system.put_file(str(here[name]), remote)
                self._known[name] = ["", size, sha]
        with _told(self.url, "written"):
            for name in sorted(self._known.keys() - set(names)):
                self.system.rm_file(f"{self.base.rstrip('/')}/{name}")
                del self._known[name]
        for name, state in self._there().items():
            if name in self._known:
                self._known[name][0] = state[0]
        write_json(self._note, self._known)

    def _there(self) -> dict[str, tuple[str, int, str]]:
        """Return {name: (state, size, path there)} of the files behind the URL; one file is itself by its last name."""
        with _told(self.url, "listed"):
            self.system.invalidate_cache()
            found: Mapping[str, Mapping[str, Any]] = self.system.find(self.base, detail=True)
        base = self.base.rstrip("/")
        result = {}
        for path, about in found.items():
            name = path[len(base) :].lstrip("/")
            if not name:  # the URL is of a file
                name = path.rpartition("/")[2]
                self.path = self.folder / name
            size = int(about.get("size") or 0)
            result[name] = (str([size, *(str(about[key]) for key in _STATES if key in about)]), size, path)
        return result


def _system(url: str) -> tuple[Any, str]:
    with explained():
        from fsspec.core import url_to_fs
    try:
        system, base = url_to_fs(url)
    except ImportError as error:
        raise MissingExtraError(f"{url}: its scheme needs a package that is not installed ({_line(error)})") from None
    except ValueError as error:
        raise UsageError(
            f"{url}: {_line(error)}; expected a scheme such as s3://, gs:// or file://, or a path"
        ) from None
    except Exception as error:  # of a package of anybody's: keys, regions, hosts
        raise InputError(f"{url}: cannot be reached ({_line(error)})") from None
    return system, str(base)


@contextmanager
def _told(url: str, done: str) -> Iterator[None]:
    try:
        yield
    except (A2dsplusError, KeyboardInterrupt):
        raise
    except FileNotFoundError:
        raise InputError(f"{url}: nothing is there; correct the URL") from None
    except Exception as error:  # of a package of anybody's, which have no class in common
        raise InputError(f"{url}: cannot be {done} ({_line(error)}); correct the URL or your access to it") from None


def _read(note: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
