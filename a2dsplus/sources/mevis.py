"""MeViS as it lies on disk (Ding et al., ICCV 2023).

    ROOT/<split>/meta_expressions.json   videos/<id>/{frames, expressions/<n>/{exp, obj_id, anno_id}}; ids are lists, absent in valid
    ROOT/<split>/mask_dict.json          {anno_id: [COCO run lengths or null, one a frame, by position in `frames`]}; absent in valid
    ROOT/<split>/JPEGImages/<video>/<name>.jpg

An expression names several objects, or none; its mask is their union. Objects are named by their anno_id. Every listed frame is annotated.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from a2dsplus.errors import AnnotationError, MaskError
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import Rle, empty
from a2dsplus.records import Query, from_id, to_id
from a2dsplus.score.counting.segments import compressed_counts
from a2dsplus.sources import Listing, Video, checked_ids
from a2dsplus.sources.files import assumed_rate, read_object, seen

_RATE = Fraction(25)


class MevisSource:
    """A MeViS folder."""

    name: ClassVar[str] = "mevis"
    splits: ClassVar[tuple[str, ...]] = ("train", "valid_u", "valid")

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
        self._masks: dict[str, Any] = {}
        # {video id: (split, frame names as listed, the objects of its expressions or None where they are withheld)}
        self._of_video: dict[str, tuple[str, list[str], set[str] | None]] = {}

    def listing(self, split: str) -> Listing:
        """Return the split's expressions by video and number; raises AnnotationError with the video for a damaged entry."""
        path = self.root / split / "meta_expressions.json"
        videos = read_object(path, what="the split's expressions").get("videos")
        if not isinstance(videos, dict) or not videos:
            raise AnnotationError(f'{path}: has no object "videos"; restore the file')
        withheld = not (self.root / split / "mask_dict.json").is_file()
        queries: list[Query] = []
        for video, entry in sorted(videos.items()):
            where = f"{path}, video {video:.80}"
            frames, expressions = _entry(entry, where)
            own = [
                _query(video, number, expression, split, where)
                for number, expression in sorted(expressions.items(), key=lambda item: (len(item[0]), item[0]))
            ]
            unknown = any(query.objects is None for query in own)
            if unknown and not withheld:
                raise AnnotationError(
                    f"{where}: an expression has no anno_id, and mask_dict.json is there; restore the file"
                )
            objects = None if unknown else {name for query in own for name in query.objects or ()}
            self._of_video[to_id(video)] = (split, frames, objects)
            queries += own
        if not withheld:
            self._masks = read_object(self.root / split / "mask_dict.json", what="the masks by anno_id")
        notes = [f"{split} withholds object ids and masks"] if withheld else []
        return Listing(queries=checked_ids(queries), notes=notes)

    def video(self, video_id: str) -> Video:
        """Return a video's frames, in the order of their names, and the masks of its expressions' objects at every frame."""
        split, listed, objects = self._of_video[video_id]
        folder = self.root / split / "JPEGImages" / from_id(video_id)
        order = sorted(range(len(listed)), key=lambda place: listed[place])
        clip = assumed_rate(
            probe(folder, video_id=video_id, rate=_RATE, frame_names=[listed[place] for place in order])
        )
        if objects is None or not self._masks:
            return Video(clip=clip, masks=None)
        masks: dict[int, dict[str, Rle]] = {frame: {} for frame in range(1, clip.frames + 1)}
        path = self.root / split / "mask_dict.json"
        for name in sorted(objects):
            rows = self._masks.get(name)
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
        if (self.root / split / "mask_dict.json").is_file():
            yield self.root / split / "mask_dict.json"
        if not self._of_video:
            self.listing(split)
        for video_id, (own, listed, _) in sorted(self._of_video.items()):
            for name in sorted(listed):
                yield self.root / own / "JPEGImages" / from_id(video_id) / f"{name}.jpg"


def read_rle(row: Any, *, height: int, width: int, where: str) -> Rle:
    """Return an entry of a list of masks, null for the all-zero one; raises AnnotationError where it is none or of another size."""
    if row is None:
        return empty(height, width)
    try:
        return Rle(size=[height, width], counts=compressed_counts(row, height=height, width=width))
    except MaskError as error:
        raise AnnotationError(f"{where}: {error}; restore the file") from error


def _entry(entry: Any, where: str) -> tuple[list[str], dict[str, Any]]:
    frames, expressions = (entry.get("frames"), entry.get("expressions")) if isinstance(entry, dict) else (None, None)
    if not isinstance(frames, list) or not frames or not all(isinstance(name, str) for name in frames):
        raise AnnotationError(f"{where}: has no list of frame names; restore the file")
    if len(set(frames)) != len(frames):
        raise AnnotationError(f"{where}: lists a frame twice; restore the file")
    if not isinstance(expressions, dict):
        raise AnnotationError(f"{where}: has no expressions; restore the file")
    return frames, expressions


def _query(video: str, number: str, expression: Any, split: str, where: str) -> Query:
    text = expression.get("exp") if isinstance(expression, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise AnnotationError(f"{where}: expression {number} has no text; restore the file")
    named = expression.get("anno_id")
    if named is not None:
        named = named if isinstance(named, list) else [named]
        if not all(str(name).isdigit() for name in named):
            raise AnnotationError(
                f"{where}: expression {number} has anno_id {named!r:.60}, expected a list of numbers; correct it"
            )
    objects = None if named is None else tuple(dict.fromkeys(str(int(name)) for name in named))
    return Query(video_id=to_id(video), expression_id=to_id(number), objects=objects, text=text, split=split)
