"""The output folder: names, atomic writes, what each stage was made from, content hashes.

Every file is written under a temporary name (`*.partial`) and renamed, so that a killed run leaves only whole files.
What a stage was made from is remembered in `.a2dsplus/`, which is no part of the dataset: deleting it costs time only.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from a2dsplus.dataset import manifest_file
from a2dsplus.dataset.shard import Shard
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import PARTIAL, digest, read_bytes, sha256, write_bytes
from a2dsplus.version import __version__

SCHEMA = 2
"""Of the manifest and the tables; a dataset of schema 1 is scored, and built again from its source."""
DEFAULT = Path("a2dsplus-data")
_STATE = ".a2dsplus"
_SEAL = "seal"
_RENDERED = (("videos",), ("JPEGImages",), ("PNGImages",))
_NOT_HASHED = {"manifest.json", "reviews.sqlite", "reviews.sqlite-wal", "reviews.sqlite-shm", "world", _STATE}


class Workspace:
    """An output folder of `a2dsplus build`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hashes: dict[str, str] = {}

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Return a finished or unfinished dataset's workspace.

        Raises WorkspaceError where the folder is none, or one of a newer schema.
        """
        workspace = cls(root)
        if not root.is_dir():
            raise WorkspaceError(f"{root}: no such folder; make a dataset with `a2dsplus build --out {root}`")
        manifest = workspace.manifest()
        if manifest is None and not (root / "queries.parquet").exists():
            raise WorkspaceError(
                f"{root}: neither manifest.json nor queries.parquet is here; point --dataset at a folder made by `a2dsplus build`"
            )
        workspace._hashes = (manifest or {}).get("files", {})
        return workspace

    def check_unchanged(self, name: str) -> None:
        """Raise WorkspaceError where an opened dataset's file is not the one that its manifest tells of; a build's own files are not asked."""
        expected = self._hashes.get(name)
        path = self.path(name)
        if expected is not None and path.is_file() and sha256(path) != expected:
            raise WorkspaceError(
                f"{path}: not the file that manifest.json tells of (changed, damaged, or the build was stopped); run `a2dsplus build` again"
            )

    def path(self, *names: str) -> Path:
        """Return the path of a file of the workspace."""
        return self.root.joinpath(*names)

    # ---- writing -------------------------------------------------------------------------------------------------

    def sha256(self, name: str) -> str:
        """Return the hash of what an earlier stage wrote; raise WorkspaceError where it is missing."""
        path = self.path(name)
        if not path.is_file():
            raise WorkspaceError(f"{path}: missing; run the stage before this one, or `a2dsplus build` without --only")
        return sha256(path)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all; leave it alone where it already says so."""
        path = self.path(name)
        data = text.encode()
        if path.is_file() and path.read_bytes() == data:
            return
        write_bytes(path, data)

    def write_json(self, name: str, value: object, *, indent: int | None = None) -> None:
        """Write a JSON file with sorted keys, whole or not at all."""
        self.write_text(name, json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent) + "\n")

    # ---- reading -------------------------------------------------------------------------------------------------

    def read_json(self, name: str) -> Any:
        """Return a JSON file's value; raises WorkspaceError where it is missing or damaged."""
        path = self.path(name)
        try:
            return json.loads(read_bytes(path))
        except FileNotFoundError:
            raise WorkspaceError(f"{path}: missing; run `a2dsplus build --out {self.root}` to the end") from None
        except (OSError, ValueError, RecursionError) as error:
            raise WorkspaceError(f"{path}: damaged ({error}); delete it and run `a2dsplus build` again") from error

    # ---- the manifest --------------------------------------------------------------------------------------------

    def manifest(self, *, needs: Sequence[str] = ()) -> dict[str, Any] | None:
        """Return manifest.json, or None before the first finished build.

        `needs`: its sections that must be there. Raises WorkspaceError for a newer schema, and where a section breaks its contract.
        """
        if not os.path.lexists(self.path("manifest.json")):
            return None
        manifest = self.read_json("manifest.json")
        if not isinstance(manifest, dict) or manifest.get("schema") not in (1, SCHEMA):
            found = manifest.get("schema") if isinstance(manifest, dict) else None
            raise WorkspaceError(
                f"{self.path('manifest.json')}: schema {found}, but version {__version__} of the toolkit writes schema {SCHEMA};"
                " build into another --out or use the version that made it"
            )
        wrong = manifest_file.fault(manifest, needs=needs)
        if wrong:
            raise WorkspaceError(f"{self.path('manifest.json')}: {wrong}; run `a2dsplus build` again")
        return manifest

    def files(self) -> Iterator[str]:
        """Yield the dataset's files as relative POSIX paths, sorted, without manifest, reviews and the painted source."""
        for folder, folders, names in os.walk(self.root):
            relative = Path(folder).relative_to(self.root)
            if relative == Path():
                folders[:] = [name for name in folders if name not in _NOT_HASHED]
                names = [name for name in names if name not in _NOT_HASHED]
            folders.sort()
            for name in sorted(names):
                if not name.endswith(PARTIAL):
                    yield (relative / name).as_posix()

    def sweep(self, keep: Iterable[str], *, subsets: Sequence[str]) -> None:
        """Remove left-over partial files, and every rendered file of `subsets` that is not among `keep` (relative POSIX paths)."""
        wanted = set(keep)
        for folder, _, names in os.walk(self.root):
            relative = Path(folder).relative_to(self.root)
            if relative.parts[:1] in (("world",), (_STATE,)):
                continue
            rendered = relative.parts[:1] in {(subset,) for subset in subsets} and relative.parts[1:2] in _RENDERED
            for name in names:
                if name.endswith(PARTIAL) or (rendered and (relative / name).as_posix() not in wanted):
                    (Path(folder) / name).unlink(missing_ok=True)
        for subset in subsets:
            for (kind,) in _RENDERED:
                _remove_empty(self.path(subset, kind))

    # ---- what was made from what ---------------------------------------------------------------------------------

    def made_from(self, stage: str) -> dict[str, Any]:
        """Return what is remembered of a stage's last finished run: `key`, `outputs` ({name: sha256}) and its notes; {} if none."""
        try:
            found = json.loads(read_bytes(self.path(_STATE, f"made-{stage}.json")))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(found, dict):
            return {}
        # what somebody changed there is as good as lost: the stage is run again
        return found if found.pop(_SEAL, None) == digest(found) else {}

    def left_by(self, stage: str) -> dict[str, Any]:
        """Return what is remembered of a stage that has been run; raises WorkspaceError where that is lost."""
        found = self.made_from(stage)
        if not found:
            raise WorkspaceError(
                f"{self.path(_STATE, f'made-{stage}.json')}: missing or damaged; run `a2dsplus build` without --only, which makes it again"
            )
        return found

    def is_current(self, stage: str, key: str) -> bool:
        """Return whether a stage's outputs are there, unchanged, and made from `key`."""
        state = self.made_from(stage)
        return state.get("key") == key and all(
            self.path(name).is_file() and sha256(self.path(name)) == sha
            for name, sha in state.get("outputs", {}).items()
        )

    def remember(self, stage: str, key: str, *, outputs: Iterable[str] = (), **notes: object) -> None:
        """Remember that a stage's outputs have been made from `key`."""
        state = {"key": key, "outputs": {name: sha256(self.path(name)) for name in outputs}, **notes}
        self.write_json(f"{_STATE}/made-{stage}.json", {**state, _SEAL: digest(json.loads(json.dumps(state)))})

    @property
    def journal(self) -> Path:
        """The append-only list of rendered files and what they were made from."""
        return self.path(_STATE, "rendered.jsonl")

    def journal_of(self, shard: Shard) -> Path:
        """Return a shard's own list: several machines do not append to one file."""
        return self.path(_STATE, f"rendered-{shard.name}.jsonl")

    @property
    def journals(self) -> list[Path]:
        """All such lists, the shards' and the whole builds'."""
        return sorted(self.path(_STATE).glob("rendered*.jsonl"))


def _remove_empty(folder: Path) -> None:
    if not folder.is_dir():
        return
    for inner in sorted(folder.rglob("*"), reverse=True):
        if inner.is_dir() and not any(inner.iterdir()):
            inner.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
