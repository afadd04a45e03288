"""The append-only list of what rendering has finished: files and what they were made from, clips and what their frames are."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from a2dsplus.errors import WorkspaceError
from a2dsplus.files import digest, read_bytes, unwritable
from a2dsplus.media.clips import stamp
from a2dsplus.media.fingerprint import Fingerprint
from a2dsplus.records import Clip

# {file: (sha256, size in bytes, time of change in ns)}
Made = dict[str, tuple[str, int, int]]


def clip_key(clip: Clip) -> str:
    """Return a key that changes with what a clip shows: its shape, and its file's size and time of change."""
    return digest(clip.frames, clip.height, clip.width, str(clip.rate), stamp(clip))


@dataclass(slots=True, kw_only=True)
class Journal:
    """What was rendered, {(target, key): files of its last entry}, and read, {(video, stamp of its clip): fingerprint of its frames}."""

    files: dict[tuple[str, str], Made] = field(default_factory=dict)
    frames: dict[tuple[str, str], Fingerprint] = field(default_factory=dict)

    def frames_of(self, video: str, stamp: str) -> Fingerprint | None:
        """Return the fingerprint of a video's clip, None where it was not read or has changed since."""
        return self.frames.get((video, stamp))


def read_journal(*paths: Path) -> Journal:
    """Return the journal, of one file or of several; a line torn by a kill is as if it had not been written."""
    found = Journal()
    for path, line in _lines(paths):
        try:
            row = json.loads(line)
            if "clip" in row:
                found.frames[row["clip"], row["stamp"]] = Fingerprint.read(row["frames"], where=str(path))
            else:
                made = {name: (sha, size, at) for name, (sha, size, at) in row["files"].items()}
                found.files[row["target"], row["key"]] = made
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, WorkspaceError):
            continue
    return found


def _lines(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    for path in paths:
        with suppress(OSError):
            for line in read_bytes(path).splitlines():
                yield path, line


@contextmanager
def appending(path: Path) -> Iterator[Callable[[dict[str, object]], None]]:
    """Give a function that appends one object to a JSON-lines file and flushes it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as file:

            def append(row: dict[str, object]) -> None:
                file.write(json.dumps(row) + "\n")
                file.flush()

            if torn:
                file.write("\n")
            yield append
    except OSError as error:
        raise unwritable(path, error) from error
