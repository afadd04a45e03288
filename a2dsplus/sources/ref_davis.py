"""Ref-DAVIS17 as it lies on disk (Khoreva et al., ACCV 2018; DAVIS 2017).

    ROOT/ImageSets/2017/{train,val}.txt                            video names; val is our split valid
    ROOT/JPEGImages/480p/<video>/<frame:05d>.jpg
    ROOT/Annotations_unsupervised/480p/<video>/<frame:05d>.png     palette, value = object, 255 = void
    ROOT/davis_text_annotations/Davis17_annot{1,2}{,_full_video}.txt   lines `<video> <object> "<text>"`

Expressions of object k, objects in the order of their names: 4k by annotator 1 who saw the first frame, 4k+1 by annotator 1 who saw the video,
4k+2 and 4k+3 by annotator 2. Three video names are misspelt in the texts. Annotator 2's files are in Latin-1.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

from a2dsplus.errors import AnnotationError
from a2dsplus.files import read_bytes
from a2dsplus.media.clips import probe
from a2dsplus.media.masks import Rle, encode
from a2dsplus.records import VOID, Query, to_id
from a2dsplus.sources import LeftOut, Listing, Video, checked_ids
from a2dsplus.sources.files import assumed_rate, folder_of, read_indices, seen

_TEXTS = (
    ("Davis17_annot1.txt", "utf-8"),
    ("Davis17_annot1_full_video.txt", "utf-8"),
    ("Davis17_annot2.txt", "latin-1"),
    ("Davis17_annot2_full_video.txt", "latin-1"),
)
_FILES = {"train": "train.txt", "valid": "val.txt"}
_MISSPELT = {"clasic-car": "classic-car", "dog-scale": "dogs-scale", "motor-bike": "motorbike"}
_LINE = re.compile(r'(?P<video>\S+)\s+(?P<object>\d+)\s+"(?P<text>.*)"\s*')
_VOID_VALUE = 255
_RATE = Fraction(24)


class RefDavisSource:
    """A Ref-DAVIS17 folder."""

    name: ClassVar[str] = "ref-davis17"
    splits: ClassVar[tuple[str, ...]] = ("train", "valid")

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None for a folder with image sets, masks and texts, else what is missing."""
        wanted = ("ImageSets/2017", "Annotations_unsupervised/480p", "davis_text_annotations")
        return " and ".join(name for name in wanted if not (root / name).is_dir()) or None

    def __init__(self, root: Path) -> None:
        self.root = root
        what = self.missing(root)
        if what is not None:
            raise AnnotationError(f"{root}: has no {what}; give the DAVIS 2017 folder, with its texts, with --root")

    def listing(self, split: str) -> Listing:
        """Return the split's expressions, four an object where all four annotations are there; raises AnnotationError with file and line."""
        videos = self._split(split)
        texts = [self._texts(name, encoding) for name, encoding in _TEXTS]
        queries: list[Query] = []
        left_out: list[LeftOut] = []
        for video in sorted(videos):
            objects = sorted({name for found in texts for name in found.get(video, {})})
            if not objects:
                left_out.append(LeftOut(item=to_id(video), reason="has no expression"))
            for k, name in enumerate(objects):
                for a, found in enumerate(texts):
                    text = found.get(video, {}).get(name)
                    if text is not None:
                        queries.append(
                            Query(
                                video_id=to_id(video),
                                expression_id=str(4 * k + a),
                                objects=(name,),
                                text=text,
                                split=split,
                            )
                        )
        if not queries:
            raise AnnotationError(
                f"{self.root / 'davis_text_annotations'}: no text of a video of split {split}; use one release"
            )
        listed = {video for own in self.splits if (self._sets / _FILES[own]).is_file() for video in self._split(own)}
        left_out += [
            LeftOut(item=to_id(video), reason="has expressions, but no list in ImageSets/2017 has the video")
            for video in sorted({video for found in texts for video in found} - listed)
        ]
        return Listing(queries=checked_ids(queries), left_out=left_out)

    def video(self, video_id: str) -> Video:
        """Return a video's frames and the masks of all its objects at every frame, void pixels among them."""
        images = folder_of(self.root / "JPEGImages" / "480p", video_id)
        clip = assumed_rate(probe(images, video_id=video_id, rate=_RATE))
        folder = folder_of(self.root / "Annotations_unsupervised" / "480p", video_id)
        masks: dict[int, dict[str, Rle]] = {}
        pictures = [
            read_indices(folder / f"{name}.png", height=clip.height, width=clip.width)
            for name in clip.frame_names or ()
        ]
        values = sorted(
            {int(value) for picture in pictures for value in set(picture.ravel().tolist())} - {0, _VOID_VALUE}
        )
        for frame, picture in enumerate(pictures, 1):
            masks[frame] = {str(value): encode(picture == value) for value in values}
            masks[frame][VOID] = encode(picture == _VOID_VALUE)
        return Video(clip=clip, masks=seen(masks))

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from."""
        yield self._sets / _FILES[split]
        for name, _ in _TEXTS:
            if (self.root / "davis_text_annotations" / name).is_file():
                yield self.root / "davis_text_annotations" / name
        for video in sorted(self._split(split)):
            for folder in ("JPEGImages", "Annotations_unsupervised"):
                yield from sorted(folder_of(self.root / folder / "480p", to_id(video)).glob("[!.]*"))

    @property
    def _sets(self) -> Path:
        return self.root / "ImageSets" / "2017"

    def _split(self, split: str) -> list[str]:
        path = self._sets / _FILES[split]
        try:
            return [line.strip() for line in read_bytes(path).decode("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise AnnotationError(f"{path}: not a readable list of videos ({error}); restore the file") from error

    def _texts(self, name: str, encoding: str) -> dict[str, dict[str, str]]:
        path = self.root / "davis_text_annotations" / name
        found: dict[str, dict[str, str]] = {}
        try:
            lines = read_bytes(path).decode(encoding).splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise AnnotationError(f"{path}: not readable as {encoding} ({error}); restore the file") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = _LINE.fullmatch(line)
            if row is None or not row["text"].strip():
                raise AnnotationError(
                    f'{path}, line {number}: expected <video> <object> "<text>", got {line!r:.80}; correct the line'
                )
            video = _MISSPELT.get(row["video"], row["video"])
            if row["object"] in found.setdefault(video, {}):
                raise AnnotationError(
                    f"{path}, line {number}: {video} object {row['object']} has a text already; remove one of the two lines"
                )
            found[video][str(int(row["object"]))] = row["text"]
        return found
