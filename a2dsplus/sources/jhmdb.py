"""J-HMDB-Sentences as it lies on disk (Gavrilyuk et al., CVPR 2018; Jhuang et al., ICCV 2013).

    ROOT/jhmdb_annotation.txt                              video_id,query; 928 captions, one a video, test only
    ROOT/Rename_Images/<action>/<video>/<frame:05d>.png    1-based
    ROOT/puppet_mask/<action>/<video>/puppet_mask.mat      `part_mask` (H, W, T), MATLAB v5 or v7.3; mask k is of frame k + 1
    ROOT/jhmdb_sentences_samples_metadata.json             optional: the published list of evaluated frames, three a video

A video has one actor, object "0", and one caption, expression "0". Frames beyond the T masks are cut. Without the list three frames a video are
drawn, the same on every machine; other frames give other numbers.
"""

import csv
import io
import json
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import AnnotationError
from a2dsplus.files import read_bytes
from a2dsplus.media.clips import probe
from a2dsplus.media.hdf5 import plain_array
from a2dsplus.media.masks import Rle, encode
from a2dsplus.records import Query, from_id, to_id
from a2dsplus.sources import LeftOut, Listing, Video, checked_ids

FRAMES_LIST = "jhmdb_sentences_samples_metadata.json"
_DRAWN = 3
_MOST_CELLS = 2**30


class JhmdbSource:
    """A J-HMDB-Sentences folder. Raises InputError from the constructor where a needed file or folder is missing."""

    name: ClassVar[str] = "jhmdb-sentences"
    splits: ClassVar[tuple[str, ...]] = ("test",)

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None for a folder with captions, images and puppet masks, else what is missing."""
        wanted = [
            name for name in ("jhmdb_annotation.txt", "Rename_Images", "puppet_mask") if not (root / name).exists()
        ]
        return " and ".join(wanted) or None

    def __init__(self, root: Path) -> None:
        self.root = root
        what = self.missing(root)
        if what is not None:
            raise AnnotationError(f"{root}: has no {what}; give the J-HMDB-Sentences folder with --root")

    def listing(self, split: str) -> Listing:
        """Return the captions, by query id; the note says whence the evaluated frames are."""
        queries: list[Query] = []
        left_out: list[LeftOut] = []
        for video, text in self._captions.items():
            if video in self._folders:
                queries.append(Query(video_id=to_id(video), expression_id="0", objects=("0",), text=text, split=split))
            else:
                left_out.append(LeftOut(item=to_id(video), reason="has a caption and no folder in Rename_Images"))
        if not queries:
            raise AnnotationError(
                f"{self.root / 'jhmdb_annotation.txt'}: none of its videos is in Rename_Images; use one release"
            )
        queries.sort(key=lambda query: query.query_id)
        note = (
            f"evaluated frames: the list {FRAMES_LIST}"
            if self._listed
            else f"evaluated frames: {_DRAWN} a video, drawn by this toolkit, since {FRAMES_LIST} is not there; published figures are of that list"
        )
        return Listing(queries=checked_ids(queries), left_out=left_out, notes=[note])

    def video(self, video_id: str) -> Video:
        """Return a video's frames, cut to those that have a mask, and the masks of its evaluated frames."""
        video = from_id(video_id)
        folder = self._folders[video]
        path = self.root / "puppet_mask" / folder.parent.name / video / "puppet_mask.mat"
        masks = _part_masks(path)
        names = sorted(image.stem for image in folder.glob("*.png") if not image.name.startswith("."))
        usable = min(len(names), masks.shape[2])
        clip = probe(folder, video_id=video_id, frame_names=names[:usable])
        if masks.shape[:2] != (clip.height, clip.width):
            raise AnnotationError(
                f"{path}: masks of {masks.shape[0]}x{masks.shape[1]}, the frames are {clip.height}x{clip.width}; use one release"
            )
        frames = self._evaluated(video, usable)
        beyond = [frame for frame in frames if not 1 <= frame <= usable]
        if beyond:
            raise AnnotationError(
                f"{self.root / FRAMES_LIST}: frame {beyond[0]} of {video} is beyond its {usable} frames with masks; use one release"
            )
        found: dict[int, dict[str, Rle]] = {frame: {"0": encode(masks[:, :, frame - 1])} for frame in frames}
        return Video(clip=clip, masks=found)

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from."""
        yield self.root / "jhmdb_annotation.txt"
        if (self.root / FRAMES_LIST).is_file():
            yield self.root / FRAMES_LIST
        for video in sorted(self._captions):
            folder = self._folders.get(video)
            if folder is not None:
                yield self.root / "puppet_mask" / folder.parent.name / video / "puppet_mask.mat"
                yield from sorted(folder.glob("*.png"))

    # ---- tables ----------------------------------------------------------------------------------------------------

    @cached_property
    def _folders(self) -> dict[str, Path]:
        return {folder.name: folder for folder in sorted((self.root / "Rename_Images").glob("*/*")) if folder.is_dir()}

    @cached_property
    def _captions(self) -> dict[str, str]:
        path = self.root / "jhmdb_annotation.txt"
        found: dict[str, str] = {}
        try:
            reader = csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True)
            for row in reader:
                if not row or (reader.line_num == 1 and row[0] == "video_id"):
                    continue
                where = f"{path}, line {reader.line_num}"
                if len(row) != 2 or not row[1].strip():
                    raise AnnotationError(f"{where}: expected video_id,query, got {len(row)} columns; correct the row")
                if row[0] in found:
                    raise AnnotationError(f"{where}: {row[0]} has a caption already; remove one of the two rows")
                found[row[0]] = row[1]
        except (UnicodeDecodeError, csv.Error, OSError) as error:
            raise AnnotationError(f"{path}: not readable as a UTF-8 table ({error}); restore the file") from error
        return found

    @cached_property
    def _listed(self) -> dict[str, list[int]]:
        path = self.root / FRAMES_LIST
        if not path.is_file():
            return {}
        found: dict[str, list[int]] = {}
        try:
            for row in json.loads(read_bytes(path)):
                video, picture = str(row[0]), Path(str(row[1]))
                found.setdefault(video, []).append(int(picture.stem))
        except (OSError, ValueError, TypeError, IndexError, KeyError, RecursionError) as error:
            raise AnnotationError(
                f"{path}: not the published list of frames ({error!r:.100}); restore or remove it"
            ) from error
        return {video: sorted(set(frames)) for video, frames in found.items()}

    def _evaluated(self, video: str, usable: int) -> list[int]:
        if self._listed:
            if video not in self._listed:
                raise AnnotationError(
                    f"{self.root / FRAMES_LIST}: lists no frame of {video}; use the list of this release"
                )
            return self._listed[video]
        rng = np.random.default_rng([0, zlib.crc32(video.encode())])
        return sorted(int(index) + 1 for index in rng.choice(usable, min(_DRAWN, usable), replace=False))


def _part_masks(path: Path) -> npt.NDArray[Any]:
    """Return `part_mask` of a MATLAB file, (H, W, T); raises AnnotationError."""
    try:
        if not path.is_file():
            raise FileNotFoundError
        masks = _from_hdf5(path) if h5py.is_hdf5(path) else _from_v5(path)
    except AnnotationError:
        raise
    except FileNotFoundError:
        raise AnnotationError(
            f"{path}: missing, the video's masks; restore it or leave the video out with --skip-bad"
        ) from None
    except Exception as error:  # a damaged file makes both readers raise anything
        raise AnnotationError(
            f"{path}: not a readable MATLAB file ({error!s:.100}); restore it or leave the video out with --skip-bad"
        ) from error
    if masks.ndim == 2:
        masks = masks[:, :, None]
    if masks.ndim != 3 or masks.dtype.kind not in "buif" or not np.isin(masks, (0, 1)).all():
        raise AnnotationError(
            f"{path}: part_mask of shape {masks.shape}, {masks.dtype}; expected (H, W, T) of 0 and 1; restore the file"
        )
    return masks


def _from_v5(path: Path) -> npt.NDArray[Any]:
    from scipy.io import loadmat, whosmat

    shapes = {name: shape for name, shape, _ in whosmat(str(path))}
    _check_shape(path, shapes.get("part_mask"))
    return np.asarray(loadmat(str(path), variable_names=["part_mask"])["part_mask"])


def _from_hdf5(path: Path) -> npt.NDArray[Any]:
    with h5py.File(path, "r") as file:
        if "part_mask" not in file:
            _check_shape(path, None)
        found = plain_array(path, file, "part_mask", kinds="buif", most=_MOST_CELLS, advice="restore the file")
        _check_shape(path, found.shape)
        # stored transposed: (T, W, H)
        return np.asarray(found[()]).T


def _check_shape(path: Path, shape: tuple[int, ...] | None) -> None:
    if shape is None:
        raise AnnotationError(f"{path}: has no array part_mask; restore the file")
    if not 2 <= len(shape) <= 3 or int(np.prod(shape, dtype=object)) > _MOST_CELLS:
        raise AnnotationError(f"{path}: part_mask of shape {shape}, expected (H, W, T); restore the file")
