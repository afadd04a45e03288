"""Every frame that leaves the toolkit is what a player shows, whatever the clip's coding; damage is named, never shown."""

import dataclasses
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from a2dsplus.errors import ClipError
from a2dsplus.media.clips import decode, probe, to_rgb
from tests.media import marked
from tests.shared_data import SHARED, needs_shared

CASES = SHARED / "cases"


@pytest.mark.parametrize("name", sorted(marked.CODINGS))
def test_frames_are_what_a_player_shows(tmp_path: Path, name: str) -> None:
    coding = marked.CODINGS[name]
    clip = probe(marked.write(tmp_path / name), video_id="v")
    frames = [to_rgb(frame) for frame in decode(clip)]
    assert (len(frames), clip.frames, clip.height, clip.width) == (30, 30, marked.HEIGHT, marked.WIDTH)
    for number, frame in enumerate(frames):
        marked.check(frame, number)
    assert (clip.coding.color_range == "full") == bool(coding.get("full"))
    if "matrix" in coding:
        assert clip.coding.matrix == {1: "bt709", 5: "bt601"}[coding["matrix"]]
    assert clip.coding.variable_rate == bool(coding.get("slower"))
    assert clip.coding.stream == (1 if name.startswith("cover") and name != "cover.mp4" else 0)
    if name.startswith("late"):
        assert clip.coding.start == Fraction(12, 5)
    if not coding.get("slower"):
        assert clip.rate == 25


@needs_shared
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("plain.mp4", range(30)),
        # the last frame's neighbour was cut off with the file: a player skips a number
        ("editlist.mp4", [*range(15, 46), 47]),
        ("full.mp4", range(30)),
        ("rot90.mp4", range(30)),
        ("vfr.mp4", range(30)),
    ],
)
def test_the_cases_are_shown_as_a_player_shows_them(name: str, numbers: list[int]) -> None:
    clip = probe(CASES / "clips" / name, video_id="v")
    frames = [to_rgb(frame) for frame in decode(clip)]
    assert clip.frames == len(frames) == len(numbers)
    if name == "rot90.mp4":
        assert (clip.height, clip.width) == (160, 120)
        frames = [np.rot90(frame, -1) for frame in frames]
    for number, frame in zip(numbers, frames, strict=True):
        marked.check(np.ascontiguousarray(frame), number)


def test_only_what_is_wanted_is_given_and_repeated_frames_are_the_same(tmp_path: Path) -> None:
    for path in (
        marked.write(tmp_path / "a.mp4"),
        marked.write_folder(tmp_path / "images", [f"{k:05d}" for k in range(30)]),
    ):
        clip = probe(path, video_id="v")
        frames = list(decode(clip, [3, 3, 8, 29]))
        assert [marked.see(to_rgb(frame)).number for frame in frames] == [3, 3, 8, 29]
        assert frames[0] is frames[1]
        assert list(decode(clip, [])) == []
        seen: dict[int, object] = {}
        assert len(list(decode(clip, [2], seen=seen.__setitem__))) == 1
        assert list(seen) == list(range(30))


# ---- folders of images -----------------------------------------------------------------------------------------------


def test_a_folder_of_images_is_a_clip(tmp_path: Path) -> None:
    names = ["00000", "00005", "00010", "00013"]
    folder = marked.write_folder(tmp_path / "v", names, suffix=".jpg")
    (folder / "._00005.jpg").write_bytes(b"no image")
    (folder / "Thumbs.db").write_bytes(b"no image")
    clip = probe(folder, video_id="v")
    assert (clip.frames, clip.height, clip.width, clip.frame_names) == (4, marked.HEIGHT, marked.WIDTH, tuple(names))
    assert clip.is_folder and clip.coding.rate_assumed and clip.rate == 25
    for number, frame in enumerate(decode(clip)):
        marked.check(to_rgb(frame), number)


def test_frames_are_those_that_the_source_lists_in_its_order(tmp_path: Path) -> None:
    folder = marked.write_folder(tmp_path / "v", ["10", "2", "x"])
    assert probe(folder, video_id="v").frame_names == ("2", "10", "x")
    clip = probe(folder, video_id="v", rate=Fraction(6), frame_names=["x", "2"])
    assert [marked.see(to_rgb(frame)).number for frame in decode(clip)] == [2, 1]
    assert clip.rate == 6 and not clip.coding.rate_assumed


def test_an_image_is_shown_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: a viewer turns the picture by 90 degrees clockwise
    folder = tmp_path / "v"
    folder.mkdir()
    Image.fromarray(np.ascontiguousarray(np.rot90(marked.paint(0)))).save(folder / "0.jpg", quality=97, exif=exif)
    clip = probe(folder, video_id="v")
    assert (clip.height, clip.width) == (marked.HEIGHT, marked.WIDTH)
    marked.check(to_rgb(next(decode(clip))), 0)


@pytest.mark.parametrize("mode", ["P", "RGBA", "L"])
def test_images_of_other_modes_are_read_for_what_they_show(tmp_path: Path, mode: str) -> None:
    (tmp_path / "v").mkdir()
    image = Image.fromarray(marked.paint(5))
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "v" / "0.png")
    frame = to_rgb(next(decode(probe(tmp_path / "v", video_id="v"))))
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(frame[90:] - expected[90:]).max() <= 4


def test_what_is_wrong_with_a_folder_is_one_line(tmp_path: Path) -> None:
    folder = marked.write_folder(tmp_path / "v", ["0", "1", "2"])
    with pytest.raises(ClipError, match=r"a gap, 1 of the 4 frames of video v have no image \(3\)"):
        probe(folder, video_id="v", frame_names=["0", "1", "2", "3"])
    Image.new("RGB", (40, 30)).save(folder / "3.png")
    with pytest.raises(ClipError, match=r"two sizes, 0.png is 120x160 and 3.png is 30x40"):
        probe(folder, video_id="v")
    (folder / "3.png").write_bytes(b"no image at all")
    with pytest.raises(ClipError, match=r"3.png: not a readable image"):
        probe(folder, video_id="v")
    (folder / "3.png").rename(folder / "2.jpg")
    with pytest.raises(ClipError, match=r"2.jpg and 2.png are one frame's name"):
        probe(folder, video_id="v")
    (tmp_path / "none").mkdir()
    with pytest.raises(ClipError, match="holds no image"):
        probe(tmp_path / "none", video_id="v")


def test_an_image_that_goes_or_breaks_after_the_probe_is_named(tmp_path: Path) -> None:
    folder = marked.write_folder(tmp_path / "v", ["0", "1"])
    clip = probe(folder, video_id="v")
    whole = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ClipError, match=r"1.png: damaged"):
        list(decode(clip))
    (folder / "1.png").unlink()
    with pytest.raises(ClipError, match="1 not there any more"):
        list(decode(clip))


def test_sixteen_bits_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save(tmp_path / "v" / "0.png")
    with pytest.raises(ClipError, match="mode I;16, expected 8 bits a channel"):
        probe(tmp_path / "v", video_id="v")


# ---- damage and strange names ----------------------------------------------------------------------------------------


def test_a_damaged_frame_is_named_and_nothing_is_made_up(tmp_path: Path) -> None:
    path = marked.write(tmp_path / "a.mp4")
    clip, data = probe(path, video_id="v"), bytearray(path.read_bytes())
    good = [to_rgb(frame) for frame in decode(clip)]
    at = data.index(b"mdat") + 4
    # the first two thirds of the coded pictures stay whole
    place = at + (data.index(b"moov") - at) * 2 // 3
    for offset in range(0, 60, 3):
        data[place + offset] ^= 0xFF
    path.write_bytes(bytes(data))
    shown: list[np.ndarray] = []
    with pytest.raises(ClipError, match=r"a.mp4, frame \d+: (damaged|cannot be decoded)") as caught:
        shown.extend(to_rgb(frame) for frame in decode(clip))
    assert "frame 0" not in str(caught.value)
    assert all((one == other).all() for one, other in zip(shown, good, strict=False)) and len(shown) >= 10


@pytest.mark.parametrize("name", ["a.mp4", "mpeg4.avi", "vp9.webm", "ten_bits.mkv"])
def test_a_file_that_ends_early_is_refused(tmp_path: Path, name: str) -> None:
    path = marked.write(tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ClipError, match=str(path)):
        list(decode(probe(path, video_id="v")))


def test_a_script_that_names_other_files_is_no_clip(tmp_path: Path) -> None:
    marked.write(tmp_path / "neighbour.mp4")
    script = tmp_path / "a.mp4"
    for text in ("ffconcat version 1.0\nfile neighbour.mp4\n", "#EXTM3U\n#EXTINF:1,\nneighbour.mp4\n"):
        script.write_text(text)
        with pytest.raises(ClipError, match=f"{script}: not a (readable video|video of a known container)"):
            probe(script, video_id="v")


@pytest.mark.parametrize(
    "name", ["concat:a|b.mp4", "file:x.mp4", "pipe:0.mp4", "http:x.mp4", "data:2023/v.mp4", "50%.mp4", "caf\xe9 .mp4"]
)
def test_a_name_that_looks_like_a_protocol_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plain = marked.write(tmp_path / "plain.mp4", frames=range(4))
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    plain.rename(name)
    assert [marked.see(to_rgb(frame)).number for frame in decode(probe(Path(name), video_id="v"))] == [0, 1, 2, 3]


def test_a_name_that_is_no_utf_8_is_a_file(tmp_path: Path) -> None:
    plain = marked.write(tmp_path / "plain.mp4", frames=range(4))
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    plain.rename(path)
    assert probe(path, video_id="v").frames == 4


@needs_shared
def test_tags_that_are_no_utf_8_and_unknown_codecs() -> None:
    clip = probe(CASES / "faults/mp4-latin1-title.mp4", video_id="v")
    assert clip.frames == len(list(decode(clip)))
    (unknown,) = (CASES / "faults").glob("mp4_libx264--traceback_AttributeError*.mp4")
    with pytest.raises(ClipError, match="no decoder for"):
        probe(unknown, video_id="v")


def test_a_clip_that_changed_after_the_probe_is_refused(tmp_path: Path) -> None:
    clip = probe(marked.write(tmp_path / "a.mp4"), video_id="v")
    with pytest.raises(ClipError, match="30 of 31 frames can be decoded"):
        list(decode(dataclasses.replace(clip, frames=31)))
    with pytest.raises(ClipError, match="more than the 29 frames"):
        list(decode(dataclasses.replace(clip, frames=29)))
    with pytest.raises(ClipError, match="frame 1: size 120x160, the clip's is 100x160"):
        list(decode(dataclasses.replace(clip, height=100)))


def test_a_turn_by_an_odd_angle_is_refused(tmp_path: Path) -> None:
    path = marked.write(tmp_path / "a.mp4", {"shown": (1, 0, 0, 1)})
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    for position, value in zip((0, 4, 12, 16), (46341, 46341, -46341, 46341), strict=True):
        data[at + position : at + position + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(bytes(data))
    with pytest.raises(ClipError, match="odd angle"):
        probe(path, video_id="v")
