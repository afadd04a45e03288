"""Whole or not at all, whatever stops the writer; and the guard of paths."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2dsplus import files
from a2dsplus.errors import InputError, WorkspaceError
from a2dsplus.files import inside, remove_inside, replacing, replacing_folder, sha256, write_json, write_text


def test_each_form_writes_what_it_is_given(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "grün\n")
    write_json(tmp_path / "b.json", {"b": 1, "a": ["ü"]})
    with replacing(tmp_path / "c.bin") as draft:
        draft.write_bytes(b"\0\1")
    with replacing_folder(tmp_path / "d") as folder:
        (folder / "e").mkdir()
        (folder / "e" / "f.txt").write_text("inner")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "grün\n".encode()
    assert (tmp_path / "b.json").read_text("utf-8") == '{"a": ["ü"], "b": 1}\n'
    assert (tmp_path / "c.bin").read_bytes() == b"\0\1"
    assert (tmp_path / "d" / "e" / "f.txt").read_text() == "inner"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json", "c.bin", "d", "new"]
    # printf 'grün\n' | sha256sum
    assert sha256(tmp_path / "new" / "a.txt") == "d2d8a3547ed87a59bd66ca28402de461108a17edfc3c91d0fe1ecd44f25986b9"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_what_was_there_stays_where_the_writer_fails(tmp_path: Path, failure: type[BaseException]) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "kept.txt").write_text("old")
    with pytest.raises(failure), replacing(tmp_path / "a.txt") as draft:
        draft.write_text("half")
        raise failure
    with pytest.raises(failure), replacing_folder(tmp_path / "d") as folder:
        (folder / "half.txt").write_text("half")
        raise failure
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["kept.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "d"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with replacing_folder(tmp_path / "d") as folder:
            (folder / name).write_text(name)
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["two"]


def test_what_a_killed_writer_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from a2dsplus.files import replacing_folder\n"
        "with replacing_folder(Path(sys.argv[1])) as draft:\n"
        "    (draft / 'half').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "d[1]")], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with replacing_folder(tmp_path / "d[1]") as ours, replacing_folder(tmp_path / "d[1]") as theirs:
        assert ours.is_dir() and theirs.is_dir()
        assert len(list(tmp_path.iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["d[1]"]


def test_a_long_name_leaves_room_for_a_temporary_one(tmp_path: Path) -> None:
    name = "é" * 120 + "x" * 15  # 255 bytes
    write_text(tmp_path / name, "whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free space"), (errno.EROFS, "a place that you may write to"), (errno.EIO, "choose another place")],
)
def test_what_cannot_be_written_is_one_line_with_advice(tmp_path: Path, number: int, advice: str) -> None:
    words = rf"a\.txt: cannot be written \({os.strerror(number)}\); .*{advice}"
    with pytest.raises(WorkspaceError, match=words), replacing(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert not list(tmp_path.iterdir())


def test_every_step_that_may_fail_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th call of the system fails, for each n until nothing fails any more."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    calls = 0
    fail_at = 0

    def counted(real):  # type: ignore[no-untyped-def]
        def call(*arguments, **named):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls == fail_at:
                raise OSError(errno.EIO, "injected")
            return real(*arguments, **named)

        return call

    monkeypatch.setattr(files.os, "fsync", counted(os.fsync))
    monkeypatch.setattr(files.Path, "replace", counted(Path.replace))
    monkeypatch.setattr(files.Path, "mkdir", counted(Path.mkdir))
    renamed = None
    for fail_at in range(1, 10):  # noqa: B007
        calls = 0
        try:
            write_text(target, "new")
        except WorkspaceError:
            assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
            # only the sync of the folder comes after the rename
            renamed = target.read_text()
            assert renamed in ("old", "new")
        else:
            break
        target.write_text("old")
    assert fail_at == 5  # the folder, the file's sync, the rename, the folder's sync: each was made to fail once
    assert renamed == "new"


# ---- the guard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/../b",
        "/etc/passwd",
        "a//b",
        "a/",
        "c:/x",
        "a\\b",
        "a\0b",
        "a\nb",
        "nul",
        "a/CON.txt",
        "../../x",
    ],
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="refuses the name"):
        inside(tmp_path, name)
    with pytest.raises(InputError, match="refuses to remove"):
        remove_inside(tmp_path, name)


@pytest.mark.parametrize("name", ["a", "-a", "a@()+!.b", "~2e", "S/videos/x_1.mp4", "...", "null", "ab:c", " "])
def test_names_that_stay_are_paths_below_the_folder(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, name) == tmp_path / name


def test_a_link_that_leads_out_is_refused_and_one_that_stays_is_not(tmp_path: Path) -> None:
    (tmp_path / "root" / "real").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("mine")
    (tmp_path / "root" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "in").symlink_to("real")
    (tmp_path / "way").symlink_to("root")
    assert inside(tmp_path / "root", "in/x") == tmp_path / "root" / "in" / "x"
    assert inside(tmp_path / "way", "x") == tmp_path / "way" / "x"
    with pytest.raises(InputError, match="a link on the way leads out"):
        inside(tmp_path / "root", "out/x")
    with pytest.raises(InputError, match="a link on the way leads out"):
        remove_inside(tmp_path / "root", "out/precious")
    remove_inside(tmp_path / "root", "out")  # the link, not what it leads to
    remove_inside(tmp_path / "root", "real")
    remove_inside(tmp_path / "root", "never there")
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["in"]
    assert (tmp_path / "elsewhere" / "precious").read_text() == "mine"


@given(name=st.text(st.sampled_from("ab./\\:~\0 -"), max_size=12))
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        path = inside(root, name)
    except InputError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(root)
    assert Path(os.path.normpath(path)) != root


def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WorkspaceError, match=r"pipe: is a device or a pipe, expected a file or a new name"):
        write_text(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
