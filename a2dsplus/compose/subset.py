"""A subset as a map-style sequence that a torch DataLoader takes as it is, composed from the source clips on the fly."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from a2dsplus import records
from a2dsplus.compose.frames import composed_frames
from a2dsplus.compose.geometry import referent_mask
from a2dsplus.dataset.tables import read_annotations, read_clips, read_queries, read_samples
from a2dsplus.dataset.workspace import DEFAULT, Workspace
from a2dsplus.errors import UsageError
from a2dsplus.media.clips import to_rgb
from a2dsplus.media.masks import Mask, decode
from a2dsplus.records import Query, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One query of a sample, with its video.

    `frames`: RGB, (T, H, W, 3) uint8. `frame_numbers`: (T,) int64, 1-based, which frames of the sample they are. `masks`: (K, H, W)
    bool, the referent at the evaluated frames; `evaluated_frames`: (K,) int64, 1-based, ascending.
    """

    sample_id: str
    subset: str
    query_id: str
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
        if subset not in list(records.Subset):
            raise UsageError(f"subset {subset!r}: expected one of {', '.join(records.Subset)}")
        if frames not in ("all", "evaluated"):
            raise UsageError(f"frames {frames!r}: expected all or evaluated")
        workspace = Workspace.open(Path(dataset))
        self.name = records.Subset(subset)
        self.samples = read_samples(workspace, self.name)
        self.clips = read_clips(workspace, root=Path(root) if root is not None else None)
        self._annotations = read_annotations(workspace)
        self._queries = {query.query_id: query for query in read_queries(workspace)}
        self._rows = [(sample, self._queries[query_id]) for sample in self.samples for query_id in sample.queries]
        self._frames = frames

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Item:  # type: ignore[override]  # a slice would decode many clips at once
        sample, query = self._rows[index]
        evaluated, masks = self.masks(sample, query)
        if self._frames == "evaluated":
            numbers = evaluated
        else:
            numbers = list(range(1, sample.frames + 1))
        return Item(
            sample_id=sample.sample_id,
            subset=self.name.value,
            query_id=query.query_id,
            instance_id=query.instance_id,
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
        return [self._queries[query_id] for query_id in sample.queries]

    def frames(self, sample: Sample, numbers: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Return chosen frames of a sample as RGB, (T, H, W, 3) uint8; `numbers`: 1-based, strictly ascending."""
        if any(earlier >= later for earlier, later in pairwise(numbers)):
            raise UsageError(f"{sample.sample_id}: frame numbers must ascend, got {list(numbers)}")
        result = np.empty((len(numbers), sample.height, sample.width, 3), np.uint8)
        wanted = {number: position for position, number in enumerate(numbers)}
        last = numbers[-1] if numbers else 0
        for number, frame in enumerate(composed_frames(sample, self.clips), 1):
            if number in wanted:
                result[wanted[number]] = to_rgb(frame)
            if number >= last:
                break
        return result

    def masks(self, sample: Sample, query: Query) -> tuple[list[int], Mask]:
        """Return a query's evaluated frames, 1-based, ascending, and its masks there, (K, H, W) bool."""
        numbers, masks = [], []
        for frame in sample.evaluated_frames:
            rle = referent_mask(
                sample,
                frame,
                instance_id=query.instance_id,
                annotations=self._annotations[query.video_id],
            )
            if rle is not None:
                numbers.append(frame)
                masks.append(decode(rle))
        return numbers, np.stack(masks) if masks else np.zeros((0, sample.height, sample.width), bool)
