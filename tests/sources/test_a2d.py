"""A2D-Sentences as it lies on disk: its oddities read for what they are, its faults named in one line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from a2dsplus.errors import InputError
from a2dsplus.media.masks import area, decode
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.sources.reading import stamp
from tests.conftest import CLIPS, write_clip, write_masks
from tests.shared_data import SHARED, needs_shared

MASKS = "text_annotations/a2d_annotation_with_instances"
CLIP = "Release/clips320H/aaaaaaaaaaa.mp4"


def test_queries_of_a_split_keep_captions_verbatim_and_leave_out_the_copied_row(small_root: Path) -> None:
    listing = A2dSource(small_root).listing("test")
    assert [query.query_id for query in listing.queries] == [
        "-bbbbbbbbbb/0", "aaaaaaaaaaa/0", "aaaaaaaaaaa/1", "ccccccccccc/0", "ccccccccccc/2", "ddddddddddd/0",
    ]  # fmt: skip
    assert listing.queries[2].text == " a dog jumping  on the left"
    assert [row.item for row in listing.left_out] == ["ddddddddddd/1 (copy)"]


def test_footage_has_the_clips_own_length_size_and_rate(small_root: Path) -> None:
    source = A2dSource(small_root)
    for video, (frames, height, width, rate, annotated) in CLIPS.items():
        video = source.video(video)
        assert (video.clip.frames, video.clip.height, video.clip.width, video.clip.rate) == (
            frames,
            height,
            width,
            rate,
        )
        assert {frame: sorted(found) for frame, found in (video.masks or {}).items()} == {
            frame: sorted(set(instances)) for frame, instances in annotated.items()
        }


def test_single_and_several_instances_have_masks_of_the_right_orientation(small_root: Path) -> None:
    annotations = A2dSource(small_root).video("aaaaaaaaaaa").masks
    alone, second = decode(annotations[9]["0"]), decode(annotations[3]["1"])
    assert alone.shape == second.shape == (48, 64)
    assert np.argwhere(alone).min(0).tolist() == [4, 4] and np.argwhere(alone).max(0).tolist() == [13, 19]
    assert np.argwhere(second).min(0).tolist() == [8, 8] and np.argwhere(second).max(0).tolist() == [17, 23]


def test_the_first_mask_of_an_instance_listed_twice_counts(root: Path) -> None:
    path = root / MASKS / "ccccccccccc" / "00010.h5"
    with h5py.File(path, "a") as file:
        masks = file["reMask"][()]
        masks[2] = 0
        file["reMask"][...] = masks
    assert area(A2dSource(root).video("ccccccccccc").masks[10]["2"]) == 160


def test_other_folder_names_and_a_missing_level_are_read(root: Path) -> None:
    (root / "Release" / "clips320H").rename(root / "Release" / "CLIPS320")
    for path in (root / "text_annotations").iterdir():
        path.rename(root / path.name)
    (root / "text_annotations").rmdir()
    source = A2dSource(root)
    assert len(source.listing("test").queries) == 6
    assert source.video("aaaaaaaaaaa").clip.frames == 12


def test_the_stamp_changes_with_captions_masks_and_clips(root: Path) -> None:
    first = stamp(A2dSource(root), "test")
    assert stamp(A2dSource(root), "test") == first
    write_masks(root / MASKS / "ddddddddddd" / "00006.h5", ["0"], 50, 66)
    second = stamp(A2dSource(root), "test")
    write_clip(root / CLIP, 12, 48, 64, CLIPS["-bbbbbbbbbb"][3])
    assert len({first, second, stamp(A2dSource(root), "test")}) == 3


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _h5_without_key(root: Path) -> None:
    with h5py.File(root / MASKS / "aaaaaaaaaaa" / "00003.h5", "a") as file:
        del file["reMask"]


def _h5_of_wrong_shape(root: Path) -> None:
    with h5py.File(root / MASKS / "aaaaaaaaaaa" / "00003.h5", "a") as file:
        del file["reMask"]
        file["reMask"] = np.zeros((3, 64, 48), np.uint8)


def _h5(**arrays: object) -> Callable[[Path], None]:
    """Return what puts other arrays into a frame's file; None takes one out, a callable makes it in the file."""

    def spoil(root: Path) -> None:
        with h5py.File(root / MASKS / "aaaaaaaaaaa" / "00003.h5", "a") as file:
            for key, value in arrays.items():
                del file[key]
                if callable(value):
                    value(file)
                else:
                    file[key] = value

    return spoil


def _external(file: h5py.File) -> None:
    file.create_dataset("reMask", (2, 64, 48), np.uint8, external=[("other.bin", 0, h5py.h5f.UNLIMITED)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2, 64, 48), np.uint8)
    layout[:] = h5py.VirtualSource("00006.h5", "reMask", (2, 64, 48), np.uint8)
    file.create_virtual_dataset("reMask", layout)


def _linked(file: h5py.File) -> None:
    file["reMask"] = h5py.ExternalLink("00006.h5", "reMask")


def _huge(file: h5py.File) -> None:
    file.create_dataset("reMask", (2, 60_000, 60_000), np.uint8, chunks=(1, 1000, 1000), compression="gzip")


def _huge_chunk(file: h5py.File) -> None:
    file.create_dataset("reMask", (2, 64, 48), np.uint8, chunks=(1, 20_000, 20_000), maxshape=(None, None, None))


SHAPE = (2, 64, 48)
CAPTION_FILE = "text_annotations/a2d_annotation.txt"
FAULTS: list[tuple[str, Callable[[Path], object], list[str]]] = [
    ("no root", lambda root: shutil.rmtree(root), ["no such folder", "--root"]),
    ("no captions", lambda root: (root / CAPTION_FILE).unlink(), [CAPTION_FILE, "missing"]),
    ("no masks", lambda root: shutil.rmtree(root / MASKS), [MASKS, "missing"]),
    ("no clips", lambda root: shutil.rmtree(root / "Release/clips320H"), ["clips320H", "CLIPS320"]),
    ("a broken row", lambda root: _replace(root / CAPTION_FILE, "dog jumping  on", "dog, jumping on"), ["a2d_annotation.txt, line 3", "4 columns"]),
    ("an odd instance", lambda root: _replace(root / CAPTION_FILE, "ccccccccccc,2", "ccccccccccc,two"), ["line 6", "'two'"]),
    ("an instance twice", lambda root: _replace(root / CAPTION_FILE, "ccccccccccc,2", "ccccccccccc,0"), ["line 6", "ccccccccccc/0"]),
    ("an empty caption", lambda root: _replace(root / CAPTION_FILE, "a boy is running on the snow", " "), ["line 4", "empty"]),
    ("wrong encoding", lambda root: (root / CAPTION_FILE).write_bytes((root / CAPTION_FILE).read_bytes().replace(b"snow", b"sn\xf6w")), ["line 4", "UTF-8"]),
    ("an unclosed quote", lambda root: _replace(root / CAPTION_FILE, "red car", '"red" car'), ["a2d_annotation.txt, line 5"]),
    ("a short table", lambda root: _replace(root / "Release/videoset.csv", "7,2,1", "7,2"), ["videoset.csv, line 2", "nine columns"]),
    ("an escaping id", lambda root: _replace(root / "Release/videoset.csv", "-bbbbbbbbbb", "../../x"), ["videoset.csv, line 2", "'../../x'"]),
    ("no clip", lambda root: (root / CLIP).unlink(), [CLIP, "missing", "--skip-bad"]),
    ("no video", lambda root: (root / CLIP).write_text("hello"), [CLIP, "not a readable video"]),
    ("a truncated clip", lambda root: _truncate(root / CLIP), [CLIP]),
    ("no h5", lambda root: _truncate(root / MASKS / "aaaaaaaaaaa/00003.h5"), ["aaaaaaaaaaa/00003.h5", "HDF5"]),
    ("no key", _h5_without_key, ["aaaaaaaaaaa/00003.h5", "no key reMask"]),
    ("a wrong shape", _h5_of_wrong_shape, ["aaaaaaaaaaa/00003.h5", "(3, 64, 48)"]),
    ("another size", lambda root: write_masks(root / MASKS / "aaaaaaaaaaa/00003.h5", ["0", "1"], 48, 66), ["00003.h5", "48x66", "48x64"]),
    ("beyond the end", lambda root: write_masks(root / MASKS / "aaaaaaaaaaa/00013.h5", ["0"], 48, 64), ["00013.h5", "frames 1 to 12"]),
    ("a group", _h5(reMask=lambda file: file.create_group("reMask")), ["00003.h5", "reMask is a group"]),
    ("objects", _h5(reMask=lambda file: file.create_dataset("reMask", SHAPE, h5py.string_dtype())), ["00003.h5", "dtype object"]),
    ("references", _h5(reMask=lambda file: file.create_dataset("reMask", SHAPE, h5py.ref_dtype)), ["00003.h5", "dtype object"]),
    ("complex numbers", _h5(reMask=np.zeros(SHAPE, complex)), ["00003.h5", "dtype complex128"]),
    ("strings", _h5(instance=np.array([b"0", b"1"])), ["00003.h5", "instance has dtype |S1"]),
    ("a huge shape", _h5(reMask=_huge), ["00003.h5", "(2, 60000, 60000)", "more than"]),
    ("a huge chunk", _h5(reMask=_huge_chunk), ["00003.h5", "more than"]),
    ("external storage", _h5(reMask=_external), ["00003.h5", "another file"]),
    ("virtual storage", _h5(reMask=_virtual), ["00003.h5", "another file"]),
    ("an external link", _h5(reMask=_linked), ["00003.h5", "link"]),
    ("no value", _h5(instance=h5py.Empty("f8")), ["00003.h5", "instance of shape None"]),
    ("a NaN instance", _h5(instance=np.array([0.0, np.nan])), ["00003.h5", "instance id nan"]),
    ("an infinite instance", _h5(instance=np.array([0.0, np.inf])), ["00003.h5", "instance id inf"]),
    ("half an instance", _h5(instance=np.array([0.0, 1.5])), ["00003.h5", "instance id 1.5"]),
    ("NaN masks", _h5(reMask=np.full(SHAPE, np.nan)), ["00003.h5", "not finite"]),
    ("grey masks", _h5(reMask=np.arange(2 * 64 * 48).reshape(SHAPE) % 200), ["00003.h5", "from 0 to 199"]),
    ("a frame twice", lambda root: write_masks(root / MASKS / "aaaaaaaaaaa/3.h5", ["0"], 48, 64), ["aaaaaaaaaaa/3.h5", "00003.h5", "same frame"]),
    ("a folder for a file", lambda root: (root / MASKS / "aaaaaaaaaaa/00004.h5").mkdir(), ["00004.h5", "not a file"]),
    ("a superscript instance", lambda root: _replace(root / CAPTION_FILE, "ccccccccccc,2", "ccccccccccc,²"), ["line 6", "'²'"]),
    ("endless digits", lambda root: _replace(root / CAPTION_FILE, "ccccccccccc,2", "ccccccccccc," + "9" * 5000), ["line 6", "not a number"]),
    ("a quote never closed", lambda root: _replace(root / CAPTION_FILE, ",red car", ',"red car'), ["a2d_annotation.txt, line 5", "opens here"]),
    ("a quote closed later", lambda root: (_replace(root / CAPTION_FILE, ",red car", ',"red car'), _replace(root / CAPTION_FILE, "on the right", 'on the right"')), ["line 5", "opens here", "line 6"]),
    ("a table that is a folder", lambda root: ((root / CAPTION_FILE).unlink(), (root / CAPTION_FILE).mkdir()), [CAPTION_FILE, "cannot be read"]),
    ("no number", lambda root: write_masks(root / MASKS / "aaaaaaaaaaa/last.h5", ["0"], 48, 64), ["last.h5", "frame number"]),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_is_one_line_that_names_file_and_row(
    root: Path, spoil: Callable[[Path], object], words: list[str]
) -> None:
    spoil(root)
    with pytest.raises(InputError) as caught:
        source = A2dSource(root)
        source.listing("test")
        for video in CLIPS:
            source.video(video)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_soft_mask_is_read_above_a_half_and_a_scaled_one_where_it_is_not_0(root: Path) -> None:
    wanted = A2dSource(root).video("aaaaaaaaaaa").masks
    path = root / MASKS / "aaaaaaaaaaa" / "00003.h5"
    with h5py.File(path, "r") as file:
        masks = file["reMask"][()]
    for other in (0.03 + 0.94 * masks, (0.03 + 0.94 * masks).astype(np.float16), 255 * masks, masks.astype(bool)):
        with h5py.File(path, "a") as file:
            del file["reMask"]
            file["reMask"] = other
        assert A2dSource(root).video("aaaaaaaaaaa").masks == wanted


def test_names_with_a_leading_dot_are_no_part_of_it(root: Path) -> None:
    source = A2dSource(root)
    files, wanted = list(source.files("test")), source.video("aaaaaaaaaaa")
    (root / MASKS / "aaaaaaaaaaa" / "._00003.h5").write_bytes(b"Mac OS X")
    assert source.video("aaaaaaaaaaa") == wanted
    assert list(source.files("test")) == files


def test_what_no_table_knows_is_listed_as_left_out(root: Path) -> None:
    with (root / CAPTION_FILE).open("a") as file:
        file.write("zzzzzzzzzzz,0,a dog of nowhere\nyyyyyyyyyyy,1 (copy),a dog\n")
    (root / "text_annotations/a2d_missed_videos.txt").write_text("video_id\neeeeeeeeeee\nxxxxxxxxxxx\nccccccccccc\n")
    listing = A2dSource(root).listing("test")
    assert {row.item: row.reason for row in listing.left_out} == {
        "ddddddddddd/1 (copy)": "a slip of the dataset: a copy of instance 1's row",
        "ccccccccccc": "has captions, but a2d_missed_videos.txt lists it",
        "yyyyyyyyyyy": "has captions, but videoset.csv does not list it",
        "zzzzzzzzzzz": "has captions, but videoset.csv does not list it",
        "xxxxxxxxxxx": "is in a2d_missed_videos.txt, but videoset.csv does not list it",
    }


def test_a_video_id_never_leaves_the_root(small_root: Path) -> None:
    with pytest.raises(InputError, match="characters other than"):
        A2dSource(small_root).video("../../etc/passwd")


@needs_shared
def test_the_real_captions_have_the_expected_numbers(tmp_path: Path) -> None:
    from collections import Counter

    root = tmp_path / "real"
    (root / "Release" / "clips320H").mkdir(parents=True)
    shutil.copytree(SHARED / "data", root / "text_annotations", ignore=shutil.ignore_patterns("propbank", "*.gz"))
    captions = (root / CAPTION_FILE).read_text().splitlines()[1:]
    videos = sorted({line.split(",")[0] for line in captions})
    (root / MASKS).mkdir()
    for video in videos:
        (root / MASKS / video).mkdir()
    (root / "Release" / "videoset.csv").write_text("".join(f"{video},11,0:00,0:04,1,1,1,3,1\n" for video in videos))
    listing = A2dSource(root).listing("test")
    # the file has 6,655 captions, one of them the copied row
    assert len(listing.queries) + 1 == len(captions) == 6655
    # the table made here has the captioned videos alone, not the 28 that are missed
    assert Counter(row.reason for row in listing.left_out) == {
        "a slip of the dataset: a copy of instance 1's row": 1,
        "is in a2d_missed_videos.txt, but videoset.csv does not list it": 28,
    }
