"""MeViS as it lies on disk (Ding et al., ICCV 2023).

    ROOT/<split>/meta_expressions.json   videos/<id>/{frames, expressions/<n>/{exp, obj_id, anno_id}}; ids are lists, absent in valid
    ROOT/<split>/mask_dict.json          {anno_id: [COCO run lengths or null, one a frame, by position in `frames`]}; absent in valid
    ROOT/<split>/JPEGImages/<video>/<name>.jpg

An expression names several objects, or none; its mask is their union. Objects are named by their anno_id. Every listed frame is annotated.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from a2dsplus.errors import AnnotationError, MaskError
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import Rle, empty
from a2dsplus.media.runs import RunError, from_counts
from a2dsplus.media.segments import compressed_counts
from a2dsplus.records import Query, to_id
from a2dsplus.sources import Listing, Video, checked_ids
from a2dsplus.sources.expressions import read_entry, read_videos
from a2dsplus.sources.files import assumed_rate, folder_of, read_object, seen

_RATE = Fraction(25)


class MevisSource:
    """A MeViS folder."""

    name: ClassVar[str] = "mevis"
    splits: ClassVar[tuple[str, ...]] = ("train", "valid_u", "valid")
    masks_in_one_file: ClassVar[bool] = True  # hundreds of megabytes: not for every worker anew

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None for a folder with the expressions of some split, else what is missing."""
        found = [split for split in cls.splits if (root / split / "meta_expressions.json").is_file()]
        return None if found else "<split>/meta_expressions.json"

    def __init__(self, root: Path) -> None:
        self.root = root
        what = self.missing(root)
        if what is not None:
            raise AnnotationError(f"{root}: has no {what}; give the MeViS folder with --root")
        self._read: dict[Path, dict[str, Any]] = {}
        # {video id: (split, frame names as listed, the objects of its expressions or None where they are withheld)}
        self._of_video: dict[str, tuple[str, list[str], set[str] | None]] = {}

    def listing(self, split: str) -> Listing:
        """Return the split's expressions by video and number; raises AnnotationError with the video for a damaged entry."""
        path = self.root / split / "meta_expressions.json"
        if path not in self._read:
            self._read[path] = read_videos(path)
        videos = self._read[path]
        if not videos:
            raise AnnotationError(f"{path}: has no video; restore the file")
        withheld = not self._mask_file(split).is_file()
        queries: list[Query] = []
        for video, entry in sorted(videos.items()):
            where = f"{path}, video {video:.80}"
            frames, expressions = read_entry(entry, where)
            if len(set(frames)) != len(frames):
                raise AnnotationError(f"{where}: lists a frame twice; restore the file")
            own = [_query(video, number, expression, split, where) for number, expression in expressions]
            unknown = any(query.objects is None for query in own)
            if unknown and not withheld:
                raise AnnotationError(
                    f"{where}: an expression has no anno_id, and mask_dict.json is there; restore the file"
                )
            objects = None if unknown else {name for query in own for name in query.objects or ()}
            self._of_video[to_id(video)] = (split, frames, objects)
            queries += own
        notes = [f"{split} withholds object ids and masks"] if withheld else []
        return Listing(queries=checked_ids(queries), notes=notes)

    def video(self, video_id: str) -> Video:
        """Return a video's frames, in the order of their names, and the masks of its expressions' objects at every frame."""
        split, listed, objects = self._of_video[video_id]
        folder = folder_of(self.root / split / "JPEGImages", video_id)
        order = sorted(range(len(listed)), key=lambda place: listed[place])
        clip = assumed_rate(
            probe(folder, video_id=video_id, rate=_RATE, frame_names=[listed[place] for place in order])
        )
        path = self._mask_file(split)
        if objects is None or not path.is_file():
            return Video(clip=clip, masks=None)
        if path not in self._read:  # hundreds of megabytes: not for the list of files
            self._read[path] = read_object(path, what="the masks by anno_id")
        masks: dict[int, dict[str, Rle]] = {frame: {} for frame in range(1, clip.frames + 1)}
        for name in sorted(objects):
            rows = self._read[path].get(name)
            if rows is None:
                continue  # said of the caption that names it
            if not isinstance(rows, list) or len(rows) != len(listed):
                count = len(rows) if isinstance(rows, list) else 0
                raise AnnotationError(
                    f"{path}: object {name} has {count} masks, its video {video_id} has {len(listed)} frames; restore the file"
                )
            for frame, place in enumerate(order, 1):
                where = f"{path}, object {name}, entry {place}"
                masks[frame][name] = read_rle(rows[place], height=clip.height, width=clip.width, where=where)
        return Video(clip=clip, masks=seen(masks))

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from."""
        yield self.root / split / "meta_expressions.json"
        if self._mask_file(split).is_file():
            yield self._mask_file(split)
        for video_id in self.listing(split).videos:
            for name in sorted(self._of_video[video_id][1]):
                yield folder_of(self.root / split / "JPEGImages", video_id) / f"{name}.jpg"

    def _mask_file(self, split: str) -> Path:
        return self.root / split / "mask_dict.json"


def read_rle(row: Any, *, height: int, width: int, where: str) -> Rle:
    """Return an entry of a list of masks, null for the all-zero one; raises AnnotationError where it is none or of another size."""
    if row is None:
        return empty(height, width)
    try:
        counts = compressed_counts(row, height=height, width=width)
        from_counts([counts], np.array([height * width]))
    except RunError as error:
        raise AnnotationError(f"{where}: {error.reason}; restore the file") from error
    except MaskError as error:
        raise AnnotationError(f"{where}: {error}; restore the file") from error
    return Rle(size=[height, width], counts=counts)


def _query(video: str, number: str, expression: Mapping[str, Any], split: str, where: str) -> Query:
    named = expression.get("anno_id")
    if named is not None:
        named = named if isinstance(named, list) else [named]
        if not all(str(name).isdigit() for name in named):
            raise AnnotationError(
                f"{where}: expression {number} has anno_id {named!r:.60}, expected a list of numbers; correct it"
            )
    objects = None if named is None else tuple(dict.fromkeys(str(int(name)) for name in named))
    return Query(
        video_id=to_id(video), expression_id=to_id(number), objects=objects, text=expression["exp"], split=split
    )
