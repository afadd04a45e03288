"""Who works in a folder: one build or baseline at a time, or shards of one beside each other; who comes too much is told who is there.

The locks are the operating system's: a killed process leaves none behind. On a shared file system they hold between machines.
"""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from a2dsplus.dataset.shard import Shard
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import unwritable

FOLDER = ".a2dsplus"
_WHOLE = "lock"
_SHARDS = "shard-*-of-*"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def working_in(folder: Path, *, shard: Shard | None = None) -> Iterator[None]:
    """Hold a folder for as long as the block runs; it is made, and removed again where nothing else was put into it.

    Without a `shard` it is held alone. Shards of different numbers hold it together; what they have to do one after another they do in
    `turn`. Raises WorkspaceError where another process holds it, or its file system has no locks.
    """
    place = folder / FOLDER
    made = [path for path in (place, folder, *folder.parents) if not path.exists()]
    name = _WHOLE if shard is None else shard.name
    try:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(place / name, error) from error
        with ExitStack() as held:
            held.enter_context(_locked(folder, name))
            if shard is None:
                for other in sorted(place.glob(_SHARDS)):
                    if other.suffix != ".json":
                        held.enter_context(_locked(folder, other.name))
            yield
    finally:
        with suppress(OSError):
            if made and shard is None:  # nobody waits for a folder that was not there
                (place / name).unlink(missing_ok=True)
            for path in made:
                path.rmdir()


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Hold, in a shard, what a whole build holds: wait until no other shard or build has it."""
    with _locked(folder, _WHOLE, wait=True):
        yield


@contextmanager
def _locked(folder: Path, name: str, *, wait: bool = False) -> Iterator[None]:
    from filelock import FileLock, Timeout

    file = folder / FOLDER / name
    holder = file.with_name(f"{name}.json")
    lock = FileLock(file, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise WorkspaceError(
            f"{folder}: {_holder(holder)} works there; wait for it to end, or choose another folder"
        ) from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise unwritable(file, error) from error
        raise WorkspaceError(
            f"{folder}: its file system has no locks ({error}), so nothing keeps two runs apart; choose a folder on one that has"
            " (NFS with its lock service, Lustre mounted with -o flock, a local disk)"
        ) from None
    try:
        note = {"command": " ".join(sys.argv[:6])[:200], "host": socket.gethostname(), "process": os.getpid()}
        try:
            holder.write_text(json.dumps(note) + "\n", "utf-8")
        except OSError as error:
            raise unwritable(file, error) from error
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text("utf-8"))
        return f"process {int(note['process'])} on {note['host']!s:.60} ({note['command']!s:.120})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
