"""The queries of a train split as a map-style sequence for training: some composed with a contrast on the fly, the others as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from a2dsplus.compose.frames import Decode
from a2dsplus.compose.geometry import Unit, composite, units, whole
from a2dsplus.compose.subset import rgb, stacked
from a2dsplus.dataset.tables import read_clips, read_masks, read_pairs, read_queries
from a2dsplus.dataset.workspace import DEFAULT, Workspace
from a2dsplus.errors import UsageError, WorkspaceError
from a2dsplus.media.clips import decode
from a2dsplus.media.masks import Mask
from a2dsplus.records import Order, Pair, Query, Sample, SubsetName
from a2dsplus.sources import Masks

_STREAM = 0x5354


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastItem:
    """A query with its video, composed or plain.

    `layout`: "none" (the plain clip), "spatial" or "temporal". `contrasts`: the query ids of the contrasts, () for the plain clip. `frames`:
    RGB, (T, H, W, 3) uint8. `frame_numbers`: (T,) int64, 1-based, which frames of the video they are. `masks`: (K, H, W) bool, the referent at
    the evaluated frames, nothing at a contrast's; `evaluated_frames`: (K,) int64, 1-based, ascending.
    """

    query_id: str
    text: str
    layout: str
    contrasts: tuple[str, ...]
    frames: npt.NDArray[np.uint8]
    frame_numbers: npt.NDArray[np.int64]
    masks: Mask
    evaluated_frames: npt.NDArray[np.int64]

    def as_dict(self) -> dict[str, object]:
        """Return the fields by name, as a collate function wants them."""
        return {name: getattr(self, name) for name in self.__slots__}


class ContrastClips(Sequence[ContrastItem]):
    """The queries of a dataset's train split, in the order of queries.parquet; `clips[i]` is the i-th, composed with probability `share`.

    `dataset`: a folder made by `a2dsplus build --split train` (`--render none` is enough). `share`: 0 to 1. `contrasts`: how many clips a query
    is composed with; fewer where it has fewer. `subsets`: of S (beside it) and T (before or behind it), drawn evenly, as is the order. A
    contrast is drawn from the query's pairs that are true negatives (excluded, or accepted in review): at another clip "nothing" has to be
    right. A query without one stays plain; `composable` counts the others. What is drawn depends on (`seed`, epoch, index) alone. `frames`:
    "all", or "evaluated" for the annotated frames alone. `split`: what the source calls its train split. `root`: where the source clips are, if
    not where the dataset was built from.

    Raises UsageError for a bad argument or a dataset of another split, WorkspaceError for a folder that is no dataset or lacks a table,
    ClipError for a clip that cannot be decoded.
    """

    def __init__(
        self,
        dataset: Path | str = DEFAULT,
        *,
        share: float = 0.5,
        contrasts: int = 1,
        subsets: Sequence[str] = ("S", "T"),
        seed: int = 0,
        frames: Literal["all", "evaluated"] = "all",
        split: str = "train",
        root: Path | str | None = None,
    ) -> None:
        _check_arguments(share, contrasts, subsets, seed, frames)
        workspace = Workspace.open(Path(dataset))
        for name in ("queries.parquet", "clips.parquet", "masks.parquet", "pairs.parquet"):
            workspace.check_unchanged(name)
        self._queries = read_queries(workspace)
        for query in self._queries:
            if query.split != split:
                raise UsageError(
                    f"{workspace.root}: query {query.query_id} is of split {query.split!r:.40}, expected {split!r:.40}: nobody trains on what is"
                    f" scored; build it with `a2dsplus build --split {split}`, or say split= if the source calls it otherwise"
                )
        self._by_id = {query.query_id: query for query in self._queries}
        self._clips = read_clips(workspace, root=Path(root) if root is not None else None)
        self._masks = read_masks(workspace)
        self._pairs: dict[str, list[Pair]] = {}
        for pair in sorted(read_pairs(workspace), key=lambda pair: (pair.query_id, pair.rank)):
            self._check_known(workspace, pair)
            if pair.status != "rejected" and (pair.grade == "excluded" or pair.status == "accepted"):
                self._pairs.setdefault(pair.query_id, []).append(pair)
        for query in self._queries:
            if query.video_id not in self._clips:
                raise _at_odds(workspace, "queries.parquet", f"video {query.video_id}", "clips.parquet")
        self._share, self._contrasts, self._seed, self._epoch = share, contrasts, seed, 0
        self._subsets = [SubsetName(name) for name in subsets]
        self._frames = frames

    def _check_known(self, workspace: Workspace, pair: Pair) -> None:
        for query_id in (pair.query_id, pair.contrast_query_id):
            if query_id not in self._by_id:
                raise _at_odds(workspace, "pairs.parquet", f"query {query_id!r:.80}", "queries.parquet")

    def __len__(self) -> int:
        return len(self._queries)

    @property
    def composable(self) -> int:
        """How many of the queries have a true negative to be composed with."""
        return len(self._pairs)

    def set_epoch(self, epoch: int) -> None:
        """Draw anew, as in every epoch of that number; call it before the epoch's DataLoader is iterated (workers that persist do not see it)."""
        if epoch < 0:
            raise UsageError(f"epoch {epoch}: expected 0 or more")
        self._epoch = epoch

    @property
    def queries(self) -> list[Query]:
        """The query of each index."""
        return list(self._queries)

    def sample(self, index: int, *, epoch: int | None = None) -> Sample:
        """Return what is composed at an index, in this epoch or another, without decoding anything."""
        index = range(len(self))[index]
        query = self._queries[index]
        # a stream of its own: what a trainer draws from (seed, epoch, index) must not go with it
        generator = np.random.default_rng([self._seed, self._epoch if epoch is None else epoch, index, _STREAM])
        composed, subset, order = generator.random(3)
        drawn = generator.permutation(len(self._pairs.get(query.query_id, ())))[: self._contrasts]
        if composed >= self._share or not len(drawn):
            masks = self._masks_of(query.video_id)
            return whole(SubsetName.N, query.video_id, [query], self._clips[query.video_id], masks)
        pairs = [self._pairs[query.query_id][place] for place in drawn]
        return composite(
            self._subsets[int(subset * len(self._subsets))],
            query,
            [self._by_id[pair.contrast_query_id] for pair in pairs],
            clips=self._clips,
            masks_of=self._masks_of,
            order=list(Order)[int(order * len(Order))],
            pairs=pairs,
        )

    def __getitem__(self, index: int) -> ContrastItem:  # type: ignore[override]  # a slice would decode many clips at once
        sample, query = self.sample(index), self._queries[index]
        found = self.units(sample)
        evaluated = [unit.frame for unit in found]
        numbers = evaluated if self._frames == "evaluated" else list(range(1, sample.frames + 1))
        return ContrastItem(
            query_id=query.query_id,
            text=query.text,
            layout=sample.layout.value,
            contrasts=tuple(part.query_id for part in sample.contrasts),
            frames=self.frames(sample, numbers),
            frame_numbers=np.array(numbers, np.int64),
            masks=stacked(sample, found),
            evaluated_frames=np.array(evaluated, np.int64),
        )

    def units(self, sample: Sample) -> list[Unit]:
        """Return a sample's evaluated frames with their masks."""
        return list(units(sample, self._by_id, self._masks_of))

    def frames(self, sample: Sample, numbers: Sequence[int], *, decode: Decode = decode) -> npt.NDArray[np.uint8]:
        """Return chosen frames of a sample as RGB, (T, H, W, 3) uint8; `numbers`: 1-based, strictly ascending.

        `decode`: where the clips' frames come from, at any size: the files, or what a trainer keeps in memory.
        """
        return rgb(sample, self._clips, numbers, decode=decode)

    def _masks_of(self, video_id: str) -> Masks:
        return self._masks.get(video_id, {})


def _check_arguments(share: float, contrasts: int, subsets: Sequence[str], seed: int, frames: str) -> None:
    if not 0 <= share <= 1:
        raise UsageError(f"share {share}: expected 0 to 1")
    if contrasts < 1:
        raise UsageError(f"contrasts {contrasts}: expected 1 or more")
    if not subsets or any(name not in ("S", "T") for name in subsets):
        raise UsageError(f"subsets {subsets!r:.80}: expected S, T or both")
    if seed < 0:
        raise UsageError(f"seed {seed}: expected 0 or more")
    if frames not in ("all", "evaluated"):
        raise UsageError(f"frames {frames!r}: expected all or evaluated")


def _at_odds(workspace: Workspace, table: str, what: str, other: str) -> WorkspaceError:
    return WorkspaceError(
        f"{workspace.path(table)}: names {what}, which {other} does not have; run `a2dsplus build` again"
    )
