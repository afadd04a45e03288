"""What lies in a folder of predictions: regular files and folders of its own, nothing that hangs, and nothing from elsewhere."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from a2dsplus.errors import PredictionError

_MOST_BYTES = 1 << 28  # of one mask's file: 64 megapixels of colour, not compressed


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder of predictions; what is listed and read must lie in it, links included."""

    root: Path

    def folders(self, folder: Path) -> dict[str, Path]:
        """Return the folders in a folder by name, sorted; names with a leading dot are left alone. Raises PredictionError."""
        return {entry.name: Path(entry.path) for entry in self._scanned(folder) if entry.is_dir()}

    def files(self, folder: Path) -> dict[str, Path]:
        """Return what is no folder by name, sorted; names with a leading dot are left alone. Raises PredictionError.

        A link that leads out of the tree, a pipe, a socket or a device is refused.
        """
        found = {}
        for entry in self._scanned(folder):
            if entry.is_dir():
                continue
            if not entry.is_file():
                raise PredictionError(f"{entry.path}: is no regular file; remove it, or write the mask as a PNG file")
            found[entry.name] = Path(entry.path)
        return found

    def _scanned(self, folder: Path) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(folder) as entries:
                found = sorted(
                    (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
                )
        except OSError as error:
            raise PredictionError(f"{folder}: cannot be read ({error.strerror})") from None
        for entry in found:
            if entry.is_symlink():
                self.check(Path(entry.path))
        return found

    def check(self, path: Path) -> None:
        """Raise PredictionError where a path leads out of the tree."""
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            raise PredictionError(f"{path}: is a link that leads out of {self.root}; put the files themselves there")


def read_bytes(file: Path, *, most: int | None = _MOST_BYTES) -> bytes:
    """Return a regular file's content. Raises PredictionError where it is none, is larger than `most` bytes, or cannot be read."""
    try:
        # A pipe without a writer would wait for ever.
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise PredictionError(f"{file}: is no regular file; write the predictions to a file")
            if most is not None and about.st_size > most:
                raise PredictionError(f"{file}: has {about.st_size} bytes, too many for a mask")
            data = os.read(handle, about.st_size + 1)
            while rest := os.read(handle, 1 << 20):  # a system call may give less than it was asked for
                data += rest
            return data
        finally:
            os.close(handle)
    except OSError as error:
        raise PredictionError(f"{file}: cannot be read ({error.strerror})") from None
