"""Refer-YouTube-VOS as it lies on disk (Seo et al., ECCV 2020).

    ROOT/meta_expressions/<split>/meta_expressions.json   videos/<id>/{frames, expressions/<n>/{exp, obj_id}}; obj_id in train alone
    ROOT/<split>/JPEGImages/<video>/<name>.jpg            names are opaque; those of test may lie in valid
    ROOT/train/Annotations/<video>/<name>.png             one palette picture a frame, value = obj_id
    ROOT/train/meta.json                                  optional: videos/<id>/objects/<obj>/category

The release's valid holds the videos of test as well: they are subtracted where meta_expressions/test is there. valid and test withhold objects and
masks; where a folder has them, obj_id with every expression and <split>/Annotations, they are read as train's are (a Ref-DAVIS17 converted to this
layout has them, with 255 for void). Frames are every fifth of 30 a second: the rate is taken to be 6.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from a2dsplus.errors import AnnotationError
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import Rle, encode
from a2dsplus.records import VOID, Query, to_id
from a2dsplus.sources import LeftOut, Listing, Video, checked_ids
from a2dsplus.sources.expressions import read_entry, read_videos
from a2dsplus.sources.files import assumed_rate, folder_of, read_indices, seen

_RATE = Fraction(6)
_VOID_VALUE = 255


class ReferYtvosSource:
    """A Refer-YouTube-VOS folder."""

    name: ClassVar[str] = "refer-youtube-vos"
    splits: ClassVar[tuple[str, ...]] = ("train", "valid", "test")

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None for a folder with the expressions of some split, else what is missing."""
        found = [
            split for split in cls.splits if (root / "meta_expressions" / split / "meta_expressions.json").is_file()
        ]
        return None if found else "meta_expressions/<split>/meta_expressions.json"

    def __init__(self, root: Path) -> None:
        self.root = root
        what = self.missing(root)
        if what is not None:
            raise AnnotationError(f"{root}: has no {what}; give the Refer-YouTube-VOS folder with --root")
        # {video id: (split, frame names, the objects of its expressions or None where masks are withheld)}
        self._of_video: dict[str, tuple[str, list[str], set[str] | None]] = {}
        self._read: dict[Path, dict[str, Any]] = {}

    def listing(self, split: str) -> Listing:
        """Return the split's expressions by video and number; raises AnnotationError with the video for a damaged entry."""
        path, videos = self._videos(split)
        taken_out = self._test_videos() if split == "valid" else set()
        queries: list[Query] = []
        left_out = []
        masked = split == "train" or (self.root / split / "Annotations").is_dir()
        for video in sorted(set(videos) - taken_out):
            where = f"{path}, video {video:.80}"
            frames, expressions = read_entry(videos[video], where)
            objects: set[str] = set()
            for number, expression in expressions:
                query = _query(video, number, expression, split, where)
                if masked and query.objects is None:
                    raise AnnotationError(
                        f"{where}: expression {number} has no obj_id, and {split} has masks; restore the file"
                    )
                objects |= set(query.objects or ())
                queries.append(query)
            self._of_video[to_id(video)] = (split, frames, objects if masked else None)
        if taken_out & set(videos):
            left_out.append(
                LeftOut(
                    item="meta_expressions/test",
                    reason=f"its {len(taken_out & set(videos))} videos are no part of valid",
                )
            )
        if not queries:
            raise AnnotationError(f"{path}: has no expression; restore the file")
        notes = [] if masked else [f"{split} withholds object ids and masks"]
        return Listing(queries=checked_ids(queries), left_out=left_out, notes=notes)

    def video(self, video_id: str) -> Video:
        """Return a video's listed frames and, where they are not withheld, its masks: every object of its expressions at every listed frame."""
        split, frames, objects = self._of_video[video_id]
        clip = assumed_rate(probe(self._images(video_id, split), video_id=video_id, rate=_RATE, frame_names=frames))
        if objects is None:
            return Video(clip=clip, masks=None)
        folder = folder_of(self.root / split / "Annotations", video_id)
        masks: dict[int, dict[str, Rle]] = {}
        for number, name in enumerate(frames, 1):
            indices = read_indices(folder / f"{name}.png", height=clip.height, width=clip.width)
            masks[number] = {name: encode(indices == int(name)) for name in sorted(objects, key=int)}
            masks[number][VOID] = encode(indices == _VOID_VALUE)
        return Video(clip=clip, masks=seen(masks))

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from."""
        yield self._videos(split)[0]
        for listed in self.splits:
            path = self.root / "meta_expressions" / listed / "meta_expressions.json"
            if listed != split and path.is_file():
                yield path
        for video_id in self.listing(split).videos:
            for name in self._of_video[video_id][1]:
                yield self._images(video_id, split) / f"{name}.jpg"
                if self._of_video[video_id][2] is not None:
                    yield folder_of(self.root / split / "Annotations", video_id) / f"{name}.png"

    def _images(self, video_id: str, split: str) -> Path:
        own = folder_of(self.root / split / "JPEGImages", video_id)
        beside = folder_of(self.root / "valid" / "JPEGImages", video_id)
        return beside if split == "test" and not own.is_dir() and beside.is_dir() else own

    def _videos(self, split: str) -> tuple[Path, dict[str, Any]]:
        path = self.root / "meta_expressions" / split / "meta_expressions.json"
        if path not in self._read:
            self._read[path] = read_videos(path)
        return path, self._read[path]

    def _test_videos(self) -> set[str]:
        path = self.root / "meta_expressions" / "test" / "meta_expressions.json"
        return set(self._videos("test")[1]) if path.is_file() else set()


def _query(video: str, number: str, expression: Mapping[str, Any], split: str, where: str) -> Query:
    named = expression.get("obj_id")
    if named is not None and not str(named).isdigit():
        raise AnnotationError(f"{where}: expression {number} names object {named!r:.40}, expected a number; correct it")
    return Query(
        video_id=to_id(video),
        expression_id=to_id(number),
        objects=None if named is None else (str(int(named)),),
        text=expression["exp"],
        split=split,
    )
