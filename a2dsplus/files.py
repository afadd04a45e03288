"""Files and folders written whole or not at all, one hash, and the one guard of every path that comes from data.

What is written gets a temporary name beside its target (`.<name>.<process>.partial`), is brought to the disk, and is then renamed: a kill
or a power cut leaves the old file or the new one, never a part. Names that come from a table, an archive or a prediction become paths
through `inside` alone.
"""

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from a2dsplus.errors import InputError, WorkspaceError

PARTIAL = ".partial"
"""How the temporary names end."""
MOST_BYTES = 2 * 2**30
"""What a file that is read at once may have."""
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[
    :6
]  # a process number means nothing on another machine
_RESERVED = {"con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10))}


# ---- one hash ----------------------------------------------------------------------------------------------------


def sha256(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts: object) -> str:
    """Return the sha256 of values, in hexadecimal: what a stage or a file is made from, as one key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


# ---- reading -------------------------------------------------------------------------------------------------------


def read_bytes(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Return a regular file's content. Raises OSError: as `require_regular`, and where it is larger than `most` bytes."""
    # a pipe without a writer would keep whoever opens it
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        about = os.fstat(handle)
        _require_regular(path, about)
        if about.st_size > most:
            raise OSError(errno.EFBIG, f"{about.st_size} bytes, more than the {most} that are read", str(path))
        data = os.read(handle, about.st_size + 1)
        while rest := os.read(handle, 1 << 20):  # a system call may give less than it was asked for
            data += rest
        return data
    finally:
        os.close(handle)


def require_regular(path: Path) -> None:
    """Raise OSError where a path that a library is to open is missing, or a folder, a pipe or a device, which might never end."""
    _require_regular(path, path.stat())


def _require_regular(path: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "is no regular file", str(path))


# ---- whole or not at all -----------------------------------------------------------------------------------------


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all. Raises WorkspaceError."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object, *, indent: int | None = None) -> None:
    """Write a value as JSON with sorted keys, whole or not at all. Raises WorkspaceError."""
    write_text(path, json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent) + "\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises WorkspaceError."""
    with replacing(path) as draft:
        draft.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write a file at; it takes the name `path` on success and is gone on failure.

    Raises WorkspaceError where the file cannot be written; parent folders are made.
    """
    draft = _draft(path)
    if path.exists() and not path.is_file() and not path.is_dir():  # a rename would put a file in the place of a device
        raise WorkspaceError(f"{path}: is a device or a pipe, expected a file or a new name; choose another place")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a new folder beside `path` to fill; it takes the place of `path` on success and is gone on failure.

    What killed processes left of earlier attempts is removed first. Raises WorkspaceError where something cannot be written.
    """
    draft = _draft(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path)
        draft.mkdir()
        yield draft
        _sync_tree(draft)
        if path.is_symlink() or path.exists():
            _remove(path)
        draft.replace(path)
        with suppress(OSError):  # the folder stands: who is told that it failed could not run the command again
            _sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_abandoned(path: Path) -> None:
    """Remove what processes of this machine that no longer run left under temporary names of `path`."""
    _remove_left(path.parent, glob.escape(f".{_stem(path)}.{_HOST}-"))


def remove_abandoned_in(folder: Path) -> None:
    """Remove what processes of this machine that no longer run left under temporary names of anything right in a folder."""
    _remove_left(folder, f".*.{_HOST}-")


def _remove_left(folder: Path, begin: str) -> None:
    for left in folder.glob(f"{begin}*{PARTIAL}"):
        process = left.name.removesuffix(PARTIAL).rpartition(".")[2].split("-")[1]
        if process.isdigit() and not _runs(int(process)):
            with suppress(OSError):
                _remove(left)


def unwritable(path: Path, error: OSError) -> WorkspaceError:
    """Return the one error of a file or folder that cannot be written, with what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        advice = "free space or choose another place"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "choose a place that you may write to"
    else:
        advice = "choose another place"
    reason = error.strerror or str(error) or type(error).__name__
    if isinstance(error.filename, str) and not Path(error.filename).is_relative_to(path.parent):
        reason = f"{error.filename}: {reason}"
    return WorkspaceError(f"{path}: cannot be written ({reason}); {advice}")


def _stem(path: Path) -> str:
    """Return as much of a name as leaves room for the rest of a temporary one (255 bytes in all)."""
    return path.name.encode()[:180].decode(errors="ignore")


def _draft(path: Path) -> Path:
    return path.with_name(f".{_stem(path)}.{_HOST}-{os.getpid()}-{secrets.token_hex(3)}{PARTIAL}")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows has no handle of a folder to sync
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    files = [Path(where, name) for where, _, names in os.walk(folder) for name in names]
    with ThreadPoolExecutor(4) as pool:  # a disk takes several at once
        list(pool.map(_sync, (path for path in files if path.is_file() and not path.is_symlink())))
    for where, _, _ in os.walk(folder):
        _sync(Path(where))


# ---- the guard ---------------------------------------------------------------------------------------------------


def inside(root: Path, name: str) -> Path:
    """Return the path of `name`, relative and with `/` between its parts, below the folder `root`.

    Every name that comes from data becomes a path to write, remove or read here. Raises InputError for an absolute name, an empty part,
    `.` or `..`, a backslash, a control character, a name that some system reserves (`nul`), and a way that leads out of `root` through a link.
    """
    fault = _fault(name)
    if fault:
        raise InputError(f"{root}: refuses the name {_shown(name)}: {fault}")
    path = root / name
    # a path without links is the common case, and resolving is the dear part
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise InputError(
            f"{root}: refuses the name {_shown(name)}: a link on the way leads out of the folder; remove the link"
        )
    return path


def remove_inside(root: Path, name: str) -> None:
    """Remove a file, or a folder with its content, below `root`; nothing where there is none. Links are removed, never followed.

    Raises InputError for a name that `inside` refuses, WorkspaceError where it cannot be removed.
    """
    fault = _fault(name)
    if fault:
        raise InputError(f"{root}: refuses to remove {_shown(name)}: {fault}")
    parent, _, _ = name.rpartition("/")
    path = (inside(root, parent) if parent else root) / name.rpartition("/")[2]
    try:
        if path.is_symlink() or path.exists():
            _remove(path)
    except OSError as error:
        raise WorkspaceError(
            f"{path}: cannot be removed ({error.strerror}); remove it and run the command again"
        ) from error


def _fault(name: str) -> str | None:
    """Return why a relative name is refused, or None."""
    if name.startswith("/") or Path(name).is_absolute() or name[1:2] == ":":
        return "it is absolute, expected one relative to the folder"
    if any(ord(letter) < 32 or ord(letter) == 127 or letter == "\\" for letter in name):
        return "it has a control character or a backslash"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "it has an empty part, `.` or `..`"
        if part.split(".")[0].rstrip().lower() in _RESERVED:
            return f"{part} is the name of a device on some systems"
    return None


def _shown(name: str) -> str:
    text = repr(name)
    return text if len(text) <= 80 else f"{text[:76]}...'"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
