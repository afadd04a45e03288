"""A subset as a map-style sequence for a torch DataLoader, composed from the source clips on the fly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from a2dsplus.compose.frames import Decode, composed_frames
from a2dsplus.compose.geometry import Unit, units
from a2dsplus.dataset.samples_file import NAME, read
from a2dsplus.dataset.tables import read_clips, read_masks, read_queries
from a2dsplus.dataset.workspace import DEFAULT, Workspace
from a2dsplus.errors import UsageError, WorkspaceError
from a2dsplus.media.clips import decode as decode_clip
from a2dsplus.media.clips import to_rgb
from a2dsplus.media.masks import Mask, decode
from a2dsplus.records import Clip, Query, Sample, SubsetName
from a2dsplus.sources import Masks


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One expression asked of a sample, with its video.

    `expression`: its word in keys and prediction folders. `instance_id`: the query's expression id, in A2D-Sentences the instance's. `frames`: RGB, (T, H, W, 3) uint8. `frame_numbers`: (T,) int64, 1-based, which frames of the sample they are. `masks`: (K, H, W)
    bool, the referent at the evaluated frames; `evaluated_frames`: (K,) int64, 1-based, ascending.
    """

    sample_id: str
    subset: str
    query_id: str
    expression: str
    instance_id: str
    text: str
    frames: npt.NDArray[np.uint8]
    frame_numbers: npt.NDArray[np.int64]
    masks: Mask
    evaluated_frames: npt.NDArray[np.int64]

    def as_dict(self) -> dict[str, object]:
        """Return the fields by name, as a collate function wants them."""
        return {name: getattr(self, name) for name in self.__slots__}


class Subset(Sequence[Item]):
    """The queries of a dataset's M, S or T, in the order of samples.jsonl; `subset[i]` composes and returns the i-th.

    `dataset`: a folder made by `a2dsplus build`. `frames`: "all", or "evaluated" for the annotated frames alone. `root`: where the
    source clips are, if not where the dataset was built from. Raises WorkspaceError for a folder that is no dataset, ClipError for a
    clip that cannot be decoded.
    """

    def __init__(
        self,
        dataset: Path | str = DEFAULT,
        subset: str = "S",
        *,
        frames: Literal["all", "evaluated"] = "all",
        root: Path | str | None = None,
    ) -> None:
        if subset not in list(SubsetName):
            raise UsageError(f"subset {subset!r}: expected one of {', '.join(SubsetName)}")
        if frames not in ("all", "evaluated"):
            raise UsageError(f"frames {frames!r}: expected all or evaluated")
        workspace = Workspace.open(Path(dataset))
        self.name = SubsetName(subset)
        workspace.check_unchanged(f"{self.name}/{NAME}")
        self.samples = list(read(workspace.path(self.name, NAME)))
        self.clips = read_clips(workspace, root=Path(root) if root is not None else None)
        self._masks = read_masks(workspace)
        self._queries = {query.query_id: query for query in read_queries(workspace)}
        self._check(workspace)
        self._rows = [(sample, query) for sample in self.samples for query in self.asked(sample)]
        self._frames = frames

    def _check(self, workspace: Workspace) -> None:
        for sample in self.samples:
            parts = [part for part in (sample.query, *sample.contrasts) if part is not None]
            unknown = [query for query in sample.asked.values() if query not in self._queries]
            unknown += [
                video for video in (sample.video_id, *(part.video_id for part in parts)) if video not in self.clips
            ]
            if unknown:
                raise WorkspaceError(
                    f"{workspace.path(self.name, NAME)}: sample {sample.sample_id} names {unknown[0]!r:.80}, which the tables do not"
                    " have; run `a2dsplus build` again"
                )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Item:  # type: ignore[override]  # a slice would decode many clips at once
        sample, query = self._rows[index]
        evaluated, masks = self.masks(sample, query)
        numbers = evaluated if self._frames == "evaluated" else list(range(1, sample.frames + 1))
        return Item(
            sample_id=sample.sample_id,
            subset=self.name.value,
            query_id=query.query_id,
            expression=sample.expression_of(query.query_id),
            instance_id=query.expression_id,
            text=query.text,
            frames=self.frames(sample, numbers),
            frame_numbers=np.array(numbers, np.int64),
            masks=masks,
            evaluated_frames=np.array(evaluated, np.int64),
        )

    @property
    def queries(self) -> list[tuple[Sample, Query]]:
        """The (sample, query) of each index, without decoding anything."""
        return list(self._rows)

    def asked(self, sample: Sample) -> list[Query]:
        """Return the queries of a sample, in its order."""
        return [self._queries[query_id] for query_id in sample.asked.values()]

    def units(self, sample: Sample) -> Iterator[Unit]:
        """Yield a sample's scored units with their masks."""
        return units(sample, self._queries, self.masks_of)

    def masks_of(self, video_id: str) -> Masks:
        """Return a source video's annotated frames; empty where it has none."""
        return self._masks.get(video_id, {})

    def frames(self, sample: Sample, numbers: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Return chosen frames of a sample as RGB, (T, H, W, 3) uint8; `numbers`: 1-based, strictly ascending."""
        return rgb(sample, self.clips, numbers)

    def masks(self, sample: Sample, query: Query) -> tuple[list[int], Mask]:
        """Return a query's evaluated frames, 1-based, ascending, and its masks there, (K, H, W) bool."""
        found = [unit for unit in self.units(sample) if unit.query_id == query.query_id]
        return [unit.frame for unit in found], stacked(sample, found)


def collate(items: Sequence[Any]) -> dict[str, list[Any]]:
    """Return a batch of items of `Subset` or `ContrastClips`, {field: [of each item]}: `DataLoader(subset, batch_size=4, collate_fn=collate)`.

    Arrays become torch tensors of the same shape and type; nothing is padded, as sizes and lengths differ from item to item.
    """
    from torch.utils.data import default_convert

    return {name: [default_convert(getattr(item, name)) for item in items] for name in items[0].__slots__}


def rgb(
    sample: Sample, clips: Mapping[str, Clip], numbers: Sequence[int], *, decode: Decode = decode_clip
) -> npt.NDArray[np.uint8]:
    """Return chosen frames of a sample as RGB, (T, H, W, 3) uint8; `numbers`: 1-based, strictly ascending. Raises UsageError, ClipError.

    `decode`: where the clips' frames come from, at any size.
    """
    if any(earlier >= later for earlier, later in pairwise(numbers)):
        raise UsageError(f"{sample.sample_id}: frame numbers must ascend, got {list(numbers)}")
    result = np.empty((len(numbers), sample.height, sample.width, 3), np.uint8)
    wanted = [number - 1 for number in numbers]
    for position, frame in enumerate(composed_frames(sample, clips, wanted, decode=decode)):
        result[position] = to_rgb(frame)
    return result


def stacked(sample: Sample, found: Sequence[Unit]) -> Mask:
    """Return the masks of a sample's units, (K, H, W) bool."""
    empty = np.zeros((0, sample.height, sample.width), bool)
    return np.stack([decode(unit.mask) for unit in found]) if found else empty
