"""What lies in a folder or a zip of predictions: regular files and folders of its own, nothing that hangs, nothing from elsewhere.

Nothing is unpacked: a name in a zip is compared with names that are expected, and never becomes a path.
"""

import os
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from a2dsplus import files
from a2dsplus.errors import PredictionError, cut

MOST_BYTES = 1 << 28  # of one mask's file: 64 megapixels of colour, not compressed
_JUNK = "__MACOSX"


class File(Protocol):
    """A file of predictions; as text it is its place, for messages."""

    @property
    def name(self) -> str:
        """Its name, without folders."""

    def read(self, *, most: int | None = MOST_BYTES) -> bytes:
        """Return its content. Raises PredictionError where it has more than `most` bytes or cannot be read."""


class Folder(Protocol):
    """A folder of predictions, on the disk or in a zip; as text it is its place, for messages. Names with a leading dot are not listed."""

    @property
    def name(self) -> str:
        """Its name."""

    def folders(self) -> dict[str, "Folder"]:
        """Return the folders in it by name, sorted. Raises PredictionError."""

    def files(self) -> dict[str, File]:
        """Return the files in it by name, sorted. Raises PredictionError for what is neither folder nor regular file."""


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file on the disk."""

    path: Path

    @property
    def name(self) -> str:
        """Its name, without folders."""
        return self.path.name

    def read(self, *, most: int | None = MOST_BYTES) -> bytes:
        """Return its content. Raises PredictionError."""
        return read_bytes(self.path, most=most)

    def __str__(self) -> str:
        return str(self.path)


def _is(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except OSError:  # of a link that leads to itself
        return False


@dataclass(frozen=True, slots=True)
class DiskFolder:
    """A folder on the disk. `root`: the folder that everything must lie in, links included."""

    path: Path
    root: Path

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.name

    def folders(self) -> dict[str, Folder]:
        """Return the folders in it."""
        return {entry.name: DiskFolder(Path(entry.path), self.root) for entry in self._scanned() if _is(entry.is_dir)}

    def files(self) -> dict[str, File]:
        """Return the files in it. Raises PredictionError for a pipe, a socket, a device and a link that leads out of the root."""
        found: dict[str, File] = {}
        for entry in self._scanned():
            if _is(entry.is_dir):
                continue
            if not _is(entry.is_file):
                raise PredictionError(f"{entry.path}: is no regular file; remove it, or write the mask as a PNG file")
            found[entry.name] = DiskFile(Path(entry.path))
        return found

    def _scanned(self) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(self.path) as entries:
                found = sorted(
                    (entry for entry in entries if not entry.name.startswith(".") and entry.name != _JUNK),
                    key=lambda entry: entry.name,
                )
        except OSError as error:
            raise PredictionError(f"{self.path}: cannot be read ({error.strerror})") from None
        for entry in found:
            if entry.is_symlink():
                check_inside(Path(entry.path), self.root)
        return found

    def __str__(self) -> str:
        return str(self.path)


@dataclass(slots=True)
class ZipFolder:
    """A folder in a zip."""

    name: str
    place: str
    _folders: dict[str, "ZipFolder"] = field(default_factory=dict)
    _files: dict[str, "ZipMember"] = field(default_factory=dict)

    def folders(self) -> dict[str, Folder]:
        """Return the folders in it."""
        return dict(sorted(self._folders.items()))

    def files(self) -> dict[str, File]:
        """Return the files in it."""
        return dict(sorted(self._files.items()))

    def __str__(self) -> str:
        return self.place

    def add(self, parts: list[str], archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Take in a member that lies at `parts` below this folder. Raises PredictionError where it is there already."""
        if len(parts) > 1:
            inner = self._folders.setdefault(parts[0], ZipFolder(parts[0], f"{self.place}/{cut(parts[0])}"))
            inner.add(parts[1:], archive, info)
        elif parts[0] in self._files:
            raise PredictionError(f"{self.place}/{cut(parts[0])}: is in the zip twice; write it again")
        else:
            self._files[parts[0]] = ZipMember(archive, info, f"{self.place}/{cut(parts[0])}")


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A file in a zip."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    place: str

    @property
    def name(self) -> str:
        """Its name, without folders."""
        return self.info.filename.rpartition("/")[2]

    def read(self, *, most: int | None = MOST_BYTES) -> bytes:
        """Return its content. Raises PredictionError."""
        if most is not None and self.info.file_size > most:
            raise PredictionError(f"{self.place}: has {self.info.file_size} bytes, too many for a mask")
        try:
            return self.archive.read(self.info)
        except (
            OSError,
            RuntimeError,
            NotImplementedError,
            ValueError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
        ) as error:
            raise PredictionError(
                f"{self.place}: cannot be read from the zip ({error!s:.80}); write it again"
            ) from None

    def __str__(self) -> str:
        return self.place


def open_zip(file: Path) -> ZipFolder:
    """Return what lies in a zip, as a folder. Raises PredictionError where it is damaged, or a name in it leads out."""
    try:
        files.require_regular(file)
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise PredictionError(f"{file}: cannot be read as a zip ({error!s:.80}); write it again") from None
    found = ZipFolder(file.stem, str(file))
    for info in members:
        parts = [part for part in info.filename.split("/") if part not in ("", ".")]
        if info.filename.startswith("/") or ".." in parts or len(parts) > 32:
            raise PredictionError(
                f"{file}: holds {cut(repr(info.filename))}, which leads out of it; write the zip again"
            )
        if parts and not info.is_dir() and not any(part.startswith(".") or part == _JUNK for part in parts):
            found.add(parts, archive, info)
    return found


def check_inside(path: Path, root: Path) -> None:
    """Raise PredictionError where a path leads out of a folder."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise PredictionError(f"{path}: is a link that leads out of {root}; put the files themselves there")


def read_bytes(file: Path, *, most: int | None = MOST_BYTES) -> bytes:
    """Return a regular file's content. Raises PredictionError where it is none, is larger than `most` bytes, or cannot be read."""
    try:
        return files.read_bytes(file, most=sys.maxsize if most is None else most)
    except OSError as error:
        raise PredictionError(f"{file}: cannot be read ({error.strerror})") from None
