"""Who works in a folder: one build or baseline at a time, and the one that comes second is told who is there.

The lock is the operating system's: a killed process leaves none behind.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from a2dsplus.errors import WorkspaceError
from a2dsplus.files import unwritable

_FOLDER = ".a2dsplus"


@contextmanager
def working_in(folder: Path, *, name: str = "lock") -> Iterator[None]:
    """Hold a folder for as long as the block runs; it is made, and removed again where nothing else was put into it.

    `name`: of the lock; locks of different names do not exclude each other (shards). Raises WorkspaceError where another process holds it.
    """
    from filelock import FileLock, Timeout

    place = folder / _FOLDER
    made = [path for path in (place, folder, *folder.parents) if not path.exists()]
    holder = place / f"{name}.json"
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / name, timeout=0)
        with lock:
            note = {"command": " ".join(sys.argv[:6])[:200], "host": socket.gethostname(), "process": os.getpid()}
            holder.write_text(json.dumps(note) + "\n", "utf-8")
            try:
                yield
            finally:
                with suppress(OSError):
                    holder.unlink(missing_ok=True)
    except Timeout:
        raise WorkspaceError(
            f"{folder}: {_holder(holder)} works there; wait for it to end, or choose another folder"
        ) from None
    except OSError as error:
        raise unwritable(place / name, error) from error
    finally:
        with suppress(OSError):
            if made:
                (place / name).unlink(missing_ok=True)
            for path in made:
                path.rmdir()


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text("utf-8"))
        return f"process {int(note['process'])} on {note['host']!s:.60} ({note['command']!s:.120})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
