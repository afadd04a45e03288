"""Fingerprints of decoded frames: made while rendering, the same whatever the workers; they name the clip that shifted, and by how much."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli.verify import command
from a2dsplus.compose.render import Rendering
from a2dsplus.compose.verify_frames import ClipState, verify_frames
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine
from a2dsplus.errors import ClipError, WorkspaceError
from a2dsplus.media.clips import decode, probe
from a2dsplus.media.fingerprint import Fingerprint, FrameHasher, fingerprint
from a2dsplus.records import SubsetName
from a2dsplus.sources.a2d import A2dSource
from tests.media import marked

_ONE, _TWO = "videoone111", "videotwo222"


def _root(folder: Path) -> Path:
    """Write an A2D-Sentences folder of two marked clips."""
    text = folder / "text_annotations"
    text.mkdir(parents=True)
    (folder / "Release").mkdir()
    (folder / "Release/videoset.csv").write_text("".join(f"{v},11,0:00,0:01,120,160,30,3,1\n" for v in (_ONE, _TWO)))
    (text / "a2d_annotation.txt").write_text(
        f"video_id,instance_id,query\n{_ONE},0,a red box is rolling to the right\n{_TWO},0,a red box is sliding to the right\n"
    )
    for video in (_ONE, _TWO):
        marked.write(folder / f"Release/clips320H/{video}.mp4")
        masks = text / "a2d_annotation_with_instances" / video
        masks.mkdir(parents=True)
        with h5py.File(masks / "00005.h5", "w") as file:
            file["instance"], file["reMask"] = np.array([0.0]), marked.mask(4).T
    return folder


def _build(root: Path, out: Path, **options: object) -> Path:
    build(A2dSource(root), out, options=BuildOptions(**{"subsets": (SubsetName.S, SubsetName.T), **options}))  # type: ignore[arg-type]
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A root and the dataset that was rendered from it."""
    folder = tmp_path_factory.mktemp("frames")
    return _root(folder / "root"), _build(folder / "root", folder / "out")


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A root of one's own and its dataset, not rendered."""
    root = _root(tmp_path / "root")
    return root, _build(root, tmp_path / "out", rendering=Rendering(form="none"))


def _clip(root: Path, video: str = _ONE) -> Path:
    return root / f"Release/clips320H/{video}.mp4"


def _replaced(root: Path, out: Path, frames: Sequence[int]) -> ClipState:
    """Return the state of the first clip after its frames were encoded anew, as `frames` of the old ones."""
    verify_frames(Workspace.open(out))  # what it is now is noted
    marked.write(_clip(root), frames=frames)
    one, two = verify_frames(Workspace.open(out))
    assert (one.video_id, two.state) == (_ONE, "same")
    return one


def test_rendering_notes_the_frames_of_every_clip_shown(made: tuple[Path, Path]) -> None:
    root, out = made
    frames = json.loads((out / "manifest.json").read_text())["frames"]
    assert frames.keys() == {_ONE, _TWO}
    for video, row in frames.items():
        assert Fingerprint.read(row, where="manifest") == fingerprint(probe(_clip(root, video), video_id=video))
    assert [state.state for state in verify_frames(Workspace.open(out), workers=2)] == ["same", "same"]


@pytest.mark.parametrize("subsets", [(SubsetName.S,), (SubsetName.T,)])
def test_the_manifest_is_the_same_whatever_the_workers_and_after_a_stop(
    made: tuple[Path, Path], tmp_path: Path, subsets: tuple[SubsetName, ...]
) -> None:
    root, _ = made
    marked.write(_clip(root, _TWO), frames=range(50, 90))  # of another length: S alone does not show it to its end
    try:
        one = _build(root, tmp_path / "one", subsets=subsets)
        two = _build(root, tmp_path / "two", subsets=subsets, engine=LocalEngine(workers=2))
    finally:
        marked.write(_clip(root, _TWO))
    manifest = (one / "manifest.json").read_bytes()
    assert manifest == (two / "manifest.json").read_bytes()
    assert json.loads(manifest)["frames"].keys() == {_ONE, _TWO}


def test_a_journal_cut_anywhere_gives_the_same_manifest(made: tuple[Path, Path], tmp_path: Path) -> None:
    root, out = made
    before = (out / "manifest.json").read_bytes()
    copy = tmp_path / "copy"
    for kept in range(5):
        shutil.copytree(out, copy)
        journal = Workspace.open(copy).journal
        lines = journal.read_text().splitlines(keepends=True)
        assert len(lines) > 4
        journal.write_text("".join(lines[:kept]) + lines[kept][:20])
        _build(root, copy)
        assert (copy / "manifest.json").read_bytes() == before
        shutil.rmtree(copy)


def test_verify_notes_what_is_not_known_and_a_build_keeps_it(own: tuple[Path, Path]) -> None:
    root, out = own
    assert json.loads((out / "manifest.json").read_text())["frames"] == {}
    assert [state.state for state in verify_frames(Workspace.open(out))] == ["new", "new"]
    assert [state.state for state in verify_frames(Workspace.open(out))] == ["same", "same"]
    noted = (out / "manifest.json").read_bytes()
    _build(root, out, rendering=Rendering(form="none"))
    assert (out / "manifest.json").read_bytes() == noted


@pytest.mark.parametrize(
    ("frames", "shift", "says"),
    [
        (range(3, 30), -3, "3 frames earlier than the dataset (27 frames instead of 30)"),
        (range(1, 31), -1, "1 frame earlier than the dataset;"),
        ([0, 0, *range(28)], 2, "2 frames later than the dataset;"),
        ([*[0] * 7, *range(30)], 7, "7 frames later than the dataset (37 frames instead of 30)"),
    ],
)
def test_a_shifted_clip_is_named_with_the_number_of_frames(
    own: tuple[Path, Path], frames: Sequence[int], shift: int, says: str
) -> None:
    state = _replaced(*own, frames)
    assert (state.state, state.shift) == ("shifted", shift)
    assert f"{_ONE}.mp4: shifted, it shows everything {says}" in state.says


def test_another_encoding_is_told_from_a_shift_and_from_damage(own: tuple[Path, Path]) -> None:
    root, out = own
    verify_frames(Workspace.open(out))
    marked.write(_clip(root), {"options": {"crf": "38"}})
    (state, _) = verify_frames(Workspace.open(out))
    assert state.state == "other" and "all 30 frames have other pixels" in state.says
    assert "another encoding" in state.says


def test_a_frame_that_was_exchanged_is_named(own: tuple[Path, Path]) -> None:
    codec = {"codec": "mjpeg", "pixels": "yuvj420p", "full": True, "matrix": 5}  # each frame is coded by itself
    root, out = own
    marked.write(_clip(root), codec)
    _build(root, out, rendering=Rendering(form="none"))
    verify_frames(Workspace.open(out))
    marked.write(_clip(root), codec, frames=[*range(11), 27, *range(12, 30)])
    (state, _) = verify_frames(Workspace.open(out))
    assert state.state == "other" and "frame 12 differs from the dataset's" in state.says


def test_damage_that_the_decoder_hides_is_named(own: tuple[Path, Path]) -> None:
    """A changed byte inside valid CABAC data decodes without any complaint: only the frames themselves tell."""
    root, out = own
    verify_frames(Workspace.open(out))
    sound = _clip(root).read_bytes()
    good = fingerprint(probe(_clip(root), video_id="v"))
    with av.open(str(_clip(root))) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for pos, size in reversed(packets):
        for offset in range(8, size, 2):
            damaged = bytearray(sound)
            damaged[(pos or 0) + offset] ^= 0x10
            _clip(root).write_bytes(damaged)
            try:
                found = fingerprint(probe(_clip(root), video_id="v"))
            except ClipError:
                continue  # seen by the decoder
            if found != good:
                (state, _) = verify_frames(Workspace.open(out))
                assert state.state == "other" and re.search(r"(frame|to) \d+,? differs? from the dataset's", state.says)
                assert str(good.differing(found)[0]) in state.says
                return
    pytest.fail("no byte of the clip changes a frame in silence")


def test_a_clip_that_is_gone_or_cannot_be_read_is_named(own: tuple[Path, Path]) -> None:
    root, out = own
    _clip(root).unlink()
    _clip(root, _TWO).write_bytes(b"no video")
    one, two = verify_frames(Workspace.open(out))
    assert (one.state, two.state) == ("unreadable", "unreadable")
    assert "is missing" in one.says and _clip(root, _TWO).name in two.says


def test_the_command_prints_which_clip_and_by_how_many_frames(own: tuple[Path, Path]) -> None:
    root, out = own
    run = CliRunner().invoke
    first = run(command, ["--dataset", str(out), "--frames", "--workers", "1"])
    assert (
        first.exit_code == 0 and "0 of 2 clips decode to the manifest's frames; 2 were not known before" in first.output
    )
    marked.write(_clip(root), frames=range(2, 30))
    result = run(command, ["--dataset", str(out), "--frames", "--workers", "1", "--json"])
    assert isinstance(result.exception, ClipError) and "2 frames earlier" in str(result.exception)
    found = json.loads(result.stdout)["frames"]
    assert (found[_ONE]["state"], found[_ONE]["shift"], found[_TWO]["state"]) == ("shifted", -2, "same")


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {},
        {"sha256": "0" * 64},
        {"sha256": "0" * 64, "marks": "00", "quarters": "00"},
        {"sha256": 1, "marks": 2, "quarters": 3},
    ],
)
def test_a_manifest_from_anybody_is_refused_by_name(own: tuple[Path, Path], row: object) -> None:
    _, out = own
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, "frames": {_ONE: row}}))
    with pytest.raises(WorkspaceError, match=f"frames of '{_ONE}': not a fingerprint"):
        verify_frames(Workspace.open(out))
    (out / "manifest.json").write_text(json.dumps({**manifest, "frames": [row]}))
    with pytest.raises(WorkspaceError, match="frames is no object"):
        verify_frames(Workspace.open(out))


def test_frames_are_taken_in_order(made: tuple[Path, Path]) -> None:
    frame = next(decode(probe(_clip(made[0]), video_id="v")))
    with pytest.raises(ValueError, match="frame 1 after 0 frames"):
        FrameHasher()(1, frame)


def test_a_still_clip_is_shifted_by_nothing() -> None:
    still = Fingerprint(sha256="0" * 64, marks="0000" * 20, quarters="4000" * 4 * 20)
    assert still.shift_to(Fingerprint(sha256="1" * 64, marks="0000" * 12, quarters="4000" * 4 * 12)) is None
