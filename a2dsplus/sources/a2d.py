"""A2D-Sentences as it lies on disk (Gavrilyuk et al., CVPR 2018; Xu et al., CVPR 2015).

    ROOT/Release/videoset.csv                       no header, nine columns, the last is the split (0 train, 1 test)
    ROOT/Release/clips320H/<video>.mp4              some releases say CLIPS320; also .webm, .mkv, .avi, .mov
    ROOT/text_annotations/a2d_annotation.txt        video_id,instance_id,query; the text_annotations level may be missing
    ROOT/text_annotations/a2d_missed_videos.txt
    ROOT/text_annotations/a2d_annotation_with_instances/<video>/<frame:05d>.h5

A2D's own labels, where a folder has them, are read by `a2d_labels`.

Oddities of the data that are read for what they are: the instance id `1 (copy)` is a slip and its row is left out; a frame
may list an instance twice (its first mask counts, as in other readers of the field); `id` may be longer than `instance`;
`reMask` is (N, W, H), or (W, H) where a frame has one instance; captions have leading, trailing and double blanks, kept.
Names with a leading dot (macOS writes `._00005.h5`) are no part of it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from a2dsplus.errors import AnnotationError, ClipError, InputError
from a2dsplus.files import read_bytes
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import Rle
from a2dsplus.records import Query, check_id
from a2dsplus.sources import LeftOut, Listing, Video, checked_ids
from a2dsplus.sources.a2d_labels import Labels, label_files, read_labels
from a2dsplus.sources.instance_masks import read_instance_masks

SPLITS = {"0": "train", "1": "test"}
_CLIP_FOLDERS = ("clips320H", "CLIPS320", "clips320", "Clips320H")
_CLIP_SUFFIXES = (".mp4", ".webm", ".mkv", ".avi", ".mov")
_SLIP = "1 (copy)"


class A2dSource:
    """An A2D-Sentences folder. Raises InputError from the constructor where a needed file or folder is missing."""

    name: ClassVar[str] = "a2d-sentences"
    splits: ClassVar[tuple[str, ...]] = ("train", "test")

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None for a folder with a table of videos and instance masks, else what is missing."""
        release, text = _release(root), _text(root)
        wanted = (release / "videoset.csv", text / "a2d_annotation.txt", text / "a2d_annotation_with_instances")
        absent = [str(path.relative_to(root)) for path in wanted if not path.exists()]
        return None if len(absent) < len(wanted) else " and ".join(absent)

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.is_dir():
            raise InputError(f"{root}: no such folder; give the A2D-Sentences folder with --root")
        release, text = _release(root), _text(root)
        self.videoset = _existing(release / "videoset.csv", "the table of videos and splits")
        self.captions = _existing(text / "a2d_annotation.txt", "the table of captions")
        self.missed = text / "a2d_missed_videos.txt"
        self.instances = _existing(text / "a2d_annotation_with_instances", "the folder of instance masks")
        found = [release / name for name in _CLIP_FOLDERS if (release / name).is_dir()]
        if not found:
            raise InputError(
                f"{release}: none of the clip folders {', '.join(_CLIP_FOLDERS[:2])} is here; unpack A2D's clips there"
            )
        self.clips = found[0]

    # ---- queries -------------------------------------------------------------------------------------------------

    def listing(self, split: str) -> Listing:
        """Return the split's queries, by query id; videos without any caption or annotation folder, and what no table knows, are left out and listed.

        Raises AnnotationError for a broken row (file and line), an unknown split, or a split without a query.
        """
        if split not in SPLITS.values():
            raise AnnotationError(f"split {split!r}: A2D-Sentences has {' and '.join(SPLITS.values())}")
        relevant = {video for video, (_, its_split) in self._videos.items() if its_split == split}
        queries: list[Query] = []
        left_out = [
            LeftOut(item=f"{video}/{_SLIP}", reason="a slip of the dataset: a copy of instance 1's row")
            for video in self._slips
            if video in relevant
        ]
        for video in sorted(relevant):
            texts = self._texts.get(video)
            if video in self._missed_videos:
                if texts is not None:
                    left_out.append(LeftOut(item=video, reason=f"has captions, but {self.missed.name} lists it"))
            elif texts is None:
                left_out.append(LeftOut(item=video, reason="has no caption"))
            elif not (self.instances / video).is_dir():
                left_out.append(LeftOut(item=video, reason="has no folder of instance masks"))
            else:
                queries.extend(
                    Query(
                        video_id=video, expression_id=instance, objects=(instance,), text=texts[instance], split=split
                    )
                    for instance in sorted(texts, key=int)
                )
        if not queries:
            raise AnnotationError(
                f"{self.videoset}: no video of split {split} has captions in {self.captions.name} and masks in {self.instances.name};"
                " check that the three are of one release"
            )
        return Listing(queries=checked_ids(queries), left_out=[*left_out, *self._unknown()])

    def _unknown(self) -> list[LeftOut]:
        """Return the captions and the missed videos that are of no split, since the table of videos does not have them."""
        captions = sorted({video for video in (*self._texts, *self._slips) if video not in self._videos})
        missed = sorted(self._missed_videos - self._videos.keys() - set(captions))
        return [
            *(
                LeftOut(item=video, reason=f"has captions, but {self.videoset.name} does not list it")
                for video in captions
            ),
            *(
                LeftOut(item=video, reason=f"is in {self.missed.name}, but {self.videoset.name} does not list it")
                for video in missed
            ),
        ]

    @cached_property
    def _videos(self) -> dict[str, tuple[str, str]]:
        """{video: (its main class as written, its split)}."""
        videos: dict[str, tuple[str, str]] = {}
        for number, row in _rows(self.videoset):
            if len(row) != 9 or row[8].strip() not in SPLITS:
                raise AnnotationError(
                    f"{self.videoset}, line {number}: expected nine columns ending in the split 0 or 1, got {len(row)} ending in"
                    f" {row[-1]!r}; restore the file from A2D's release"
                )
            video = check_id(row[0], what="video", where=f"{self.videoset}, line {number}")
            videos[video] = (row[1].strip(), SPLITS[row[8].strip()])
        return videos

    @cached_property
    def _missed_videos(self) -> set[str]:
        if not self.missed.is_file():
            return set()
        return {row[0].strip()[:128] for number, row in _rows(self.missed) if number > 1 or row[:1] != ["video_id"]}

    @cached_property
    def _captions(self) -> tuple[dict[str, dict[str, str]], list[str]]:
        texts: dict[str, dict[str, str]] = {}
        slips: list[str] = []
        for number, row in _rows(self.captions):
            where = f"{self.captions}, line {number}"
            if number == 1 and row[:2] == ["video_id", "instance_id"]:
                continue
            if len(row) != 3:
                raise AnnotationError(
                    f"{where}: expected video_id,instance_id,query, got {len(row)} columns; quote a caption that holds a comma"
                )
            video, instance, text = check_id(row[0], what="video", where=where), row[1].strip(), row[2]
            if instance == _SLIP:
                slips.append(video)
                continue
            if not (instance.isascii() and instance.isdigit() and len(instance) <= 9):
                raise AnnotationError(f"{where}: instance id {row[1]!r:.60} is not a number; correct the row")
            if not text.strip():
                raise AnnotationError(f"{where}: the caption of {video}/{instance} is empty; correct the row")
            instance = str(int(instance))
            if instance in texts.setdefault(video, {}):
                raise AnnotationError(f"{where}: {video}/{instance} has a caption already; remove one of the two rows")
            texts[video][instance] = text
        return texts, slips

    @property
    def _texts(self) -> dict[str, dict[str, str]]:
        return self._captions[0]

    @property
    def _slips(self) -> list[str]:
        return self._captions[1]

    # ---- clips and masks -----------------------------------------------------------------------------------------

    def video(self, video_id: str) -> Video:
        """Return a video's clip and the masks of its annotated frames, all of the clip's size.

        Raises ClipError or AnnotationError: a missing or truncated clip, a mask file without its keys or of a wrong shape, a mask of
        another size than the clip, an annotated frame beyond the clip's end.
        """
        check_id(video_id, what="video", where=str(self.root))
        clip = probe(self._clip_file(video_id), video_id=video_id)
        masks: dict[int, dict[str, Rle]] = {}
        for frame, path in self._mask_files(video_id).items():
            if not 1 <= frame <= clip.frames:
                raise AnnotationError(
                    f"{path}: annotates frame {frame}, but {clip.path.name} has frames 1 to {clip.frames}; clip and masks are of different releases"
                )
            masks[frame] = read_instance_masks(path)
            for instance, rle in masks[frame].items():
                if rle["size"] != [clip.height, clip.width]:
                    raise AnnotationError(
                        f"{path}: mask of instance {instance} is {rle['size'][0]}x{rle['size'][1]}, the clip {clip.path.name} is"
                        f" {clip.height}x{clip.width}; use clips and masks of one release"
                    )
        return Video(clip=clip, masks=masks)

    def _clip_file(self, video_id: str) -> Path:
        """Return a video's clip; its mp4, which may be missing, where there is none. Raises ClipError where there are two."""
        names = [f"{video_id}{suffix}" for plain in _CLIP_SUFFIXES for suffix in (plain, plain.upper())]
        found = [self.clips / name for name in names if (self.clips / name).is_file()]
        if len(found) > 1 and not found[0].samefile(found[1]):
            raise ClipError(f"{found[0]}: video {video_id} has another clip, {found[1].name}; remove one of them")
        return found[0] if found else self.clips / f"{video_id}.mp4"

    def _mask_files(self, video_id: str) -> dict[int, Path]:
        """Return a video's mask files by frame number; raises AnnotationError for a name that is none, and for a frame with two files."""
        found: dict[int, Path] = {}
        for path in _visible(self.instances / video_id, "*.h5"):
            if not (path.stem.isascii() and path.stem.isdigit() and len(path.stem) <= 9):
                raise AnnotationError(f"{path}: expected a frame number such as 00025.h5; rename or remove the file")
            other = found.setdefault(int(path.stem), path)
            if other != path:
                raise AnnotationError(
                    f"{path}: {other.name} is of the same frame; remove one of the two or leave the video out with --skip-bad"
                )
        return found

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from."""
        yield from (path for path in (self.videoset, self.captions, self.missed) if path.is_file())
        for video in sorted(video for video, (_, its_split) in self._videos.items() if its_split == split):
            yield from _visible(self.clips, f"{video}.*")
            yield from _visible(self.instances / video, "*.h5")
            yield from label_files(_release(self.root), video)

    def labels(self, videos: Iterable[str], *, progress: Callable[[int], None] = lambda _: None) -> Labels:
        """Return which actors A2D's labels show in videos; `progress` is called with the number of videos just read."""
        instances = {video: list(self._mask_files(video).values()) for video in videos}
        main = {video: label for video, (label, _) in self._videos.items()}
        return read_labels(_release(self.root), instances, main, progress=progress)


def _release(root: Path) -> Path:
    return root / "Release" if (root / "Release").is_dir() else root


def _text(root: Path) -> Path:
    return root / "text_annotations" if (root / "text_annotations").is_dir() else root


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise InputError(
            f"{path}: missing, {what}; give the folder that holds Release/ and text_annotations/ with --root"
        )
    return path


def _visible(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, columns) of a CSV file's rows that are not empty. Raises AnnotationError, also for a quote that is open at a line's end."""
    line = 1
    try:
        reader = csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True)
        for row in reader:
            if reader.line_num > line:
                raise AnnotationError(
                    f"{path}, line {line}: a quote opens here and closes on line {reader.line_num}; close it on its own line"
                )
            if row:
                yield line, row
            line = reader.line_num + 1
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        raise AnnotationError(
            f"{path}, line {at}: not UTF-8 (byte {error.object[error.start]:#04x}); convert the file to UTF-8"
        ) from error
    except csv.Error as error:
        opened = f" (a quote that opens here is open until line {reader.line_num})" if reader.line_num > line else ""
        raise AnnotationError(f"{path}, line {line}: {error}{opened}; correct the row") from error
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}); restore the file") from error
