"""A manifest is not trusted: what it lists is read below the dataset's folder alone."""

import json
from pathlib import Path

import pytest

from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import SCHEMA, Workspace
from a2dsplus.errors import InputError
from a2dsplus.files import sha256


def _dataset(folder: Path, name: str, sha: str) -> Workspace:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"schema": SCHEMA, "files": {name: sha}}))
    return Workspace(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link/secret"])
def test_a_file_outside_the_dataset_is_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("mine")
    workspace = _dataset(tmp_path / "data", name, sha256(tmp_path / "secret"))
    (tmp_path / "data" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="refuses the name"):
        verify(workspace)


def test_missing_changed_and_extra_files_are_listed(tmp_path: Path) -> None:
    workspace = _dataset(tmp_path / "data", "M/a", "0" * 64)
    assert verify(workspace).missing == ("M/a",)
    (tmp_path / "data" / "M").mkdir()
    (tmp_path / "data" / "M" / "a").write_text("a")
    (tmp_path / "data" / "M" / "b").write_text("b")
    found = verify(workspace)
    assert (found.changed, found.extra, found.is_sound) == (("M/a",), ("M/b",), False)
