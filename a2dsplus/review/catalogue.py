"""The candidate pairs of a dataset as compact columns: 100,000 queries with their alternatives fit in some ten megabytes.

A query is its position in queries.parquet, a candidate its position here: a query's candidates stand together, by rank.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from a2dsplus.contrast.actors import Reading
from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.exclusion import Exclusion
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.positions import position_words
from a2dsplus.contrast.referent import read
from a2dsplus.contrast.reviewed import order_after_review
from a2dsplus.dataset import parquet, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import sha256
from a2dsplus.records import Grade, Kind, Pair, Relation, Slot, Status
from a2dsplus.review.decisions import PairKey
from a2dsplus.review.index import Caption, Index
from a2dsplus.review.ledger import Ledger, Outcome

STATUSES: tuple[Status, ...] = get_args(Status)
GRADES: tuple[Grade, ...] = get_args(Grade)
KINDS: tuple[Kind, ...] = get_args(Kind)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
SLOTS = tuple(slot.value for slot in Slot)
# how `because` of an undecided pair ends where it is not the contrast's own caption that leaves the doubt
_ANOTHER_CAPTION = " of another caption"


def fingerprint(workspace: Workspace) -> str:
    """Return what tells a dataset's source and split from any other: the manifest's fingerprint, or what a finished build will give it."""
    manifest = workspace.manifest(needs=("source",))
    if manifest is not None:
        return str(manifest["source"]["fingerprint"])
    found = workspace.made_from("read").get("source")
    return str(found["fingerprint"]) if found else sha256(workspace.path("queries.parquet"))


class Catalogue:
    """The pairs of a dataset. Q: queries, C: candidates.

    `first`: (Q + 1,) int32, query q's candidates are first[q] up to first[q + 1]. `contrast`: (C,) int32, the contrast's query.
    `query`: (C,) int32. `tier` (0: none), `rank`, `status`, `grade`, `kind`, `relation` (numbers of STATUSES, GRADES, KINDS, RELATIONS):
    (C,). `shared`, `differing`, `extra`: (C,) uint8, bit i stands for slot i. `doubt`: (C,) float32, 0..1. `contrasts`: how many of a
    query's candidates are in use. Raises WorkspaceError where a pair names a query that the dataset has not.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.index = Index(workspace)
        self.query_ids = self.index.query_ids
        manifest = workspace.manifest() or {}
        self.contrasts = int(manifest.get("contrasts", 1))
        self.guard = Guard(Lexicon())
        self._exclusion = Exclusion(Lists.shipped())
        self._read(workspace)
        self.first = np.searchsorted(self.query, np.arange(len(self.query_ids) + 1)).astype(np.int32)

    def _read(self, workspace: Workspace) -> None:
        ids = pa.array(self.query_ids)
        because = pa.array([""])

        def column(name: str, values: Callable[[pa.ChunkedArray], Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
            """Return a column as numbers, made of it some ten thousand rows at a time."""
            groups = parquet.column_groups(workspace, "pairs.parquet", [name])
            made = [np.asarray(values(group[name]), dtype) for group in groups]
            return np.concatenate([np.empty(0, dtype), *made])

        def words(known: Sequence[str]) -> Callable[[pa.ChunkedArray], Any]:
            return lambda values: pc.index_in(values, pa.array(known)).to_numpy()

        def located(values: pa.ChunkedArray) -> Any:
            return _located(workspace, values, ids)

        def reasons(values: pa.ChunkedArray) -> Any:
            nonlocal because
            because = pa.concat_arrays([because, values.combine_chunks()]).unique()
            return pc.index_in(values, because).to_numpy()

        rank = column("rank", lambda values: values.to_numpy(), np.int16)
        query, contrast = (column(name, located, np.int32) for name in ("query_id", "contrast_query_id"))
        # verdicts that an earlier build ranked by may hold no more: candidates come in the order of the draw, as in the next build
        drawn = _drawn(workspace, query, contrast, ids)
        order = np.lexsort((rank if drawn is None else drawn, query)).astype(np.int32)
        self.query, self.contrast, self.rank = query[order], contrast[order], rank[order]
        self.tier = column("tier", lambda values: pc.fill_null(values, 0).to_numpy(), np.int8)[order]
        self.doubt = column("doubt", lambda values: values.to_numpy(), np.float32)[order]
        self.status, self.grade, self.kind, self.relation = (
            column(name, words(known), np.int8)[order]
            for name, known in (("status", STATUSES), ("grade", GRADES), ("kind", KINDS), ("relation", RELATIONS))
        )
        self.shared, self.differing, self.extra = (
            column(name, _bits, np.uint8)[order] for name in ("shared", "differing", "extra")
        )
        self._because_of, self._because = column("because", reasons, np.int32)[order], because
        self._fits_elsewhere = pc.match_substring(because, _ANOTHER_CAPTION).to_numpy(zero_copy_only=False)

    def __len__(self) -> int:
        return len(self.query)

    @property
    def is_excluded(self) -> npt.NDArray[np.bool_]:
        """Which candidates' videos the captions exclude, (C,) bool."""
        excluded: npt.NDArray[np.bool_] = self.grade == GRADES.index("excluded")
        return excluded

    @property
    def has_doubt(self) -> bool:
        """Whether doubt tells the pairs apart; it does not where no exclusion test was made."""
        return len(self.doubt) > 0 and bool(np.ptp(self.doubt) > 0 or np.ptp(self.grade) > 0)

    def position(self, query_id: str) -> int | None:
        """Return a query's position, or None where the dataset has no such query."""
        return self.index.position(query_id)

    def candidate(self, pair: PairKey) -> int | None:
        """Return a pair's position among the candidates, or None where it is none."""
        query, contrast = self.position(pair[0]), self.position(pair[1])
        if query is None or contrast is None:
            return None
        return next((i for i in self.candidates(query) if self.contrast[i] == contrast), None)

    def key(self, candidate: int) -> PairKey:
        """Return a candidate's query id and contrast query id."""
        return self.query_ids[self.query[candidate]], self.query_ids[self.contrast[candidate]]

    def candidates(self, query: int) -> range:
        """Return a query's candidates, in the order in which they replace each other."""
        return range(self.first[query], self.first[query + 1])

    def pair(self, candidate: int, *, rank: int, status: Status) -> Pair:
        """Return a candidate as a record, at a rank and with a status that the review gave it."""
        query_id, contrast_query_id = self.key(candidate)
        return Pair(
            query_id=query_id,
            contrast_query_id=contrast_query_id,
            tier=int(self.tier[candidate]) or None,
            shared=slots(int(self.shared[candidate])),
            differing=slots(int(self.differing[candidate])),
            extra=slots(int(self.extra[candidate])),
            kind=KINDS[self.kind[candidate]],
            grade=GRADES[self.grade[candidate]],
            because=self._because[int(self._because_of[candidate])].as_py(),
            doubt=float(self.doubt[candidate]),
            relation=RELATIONS[self.relation[candidate]],
            rank=rank,
            status=status,
        )

    def built_status(self, candidate: int) -> Status:
        """Return the status that the dataset was built with."""
        out: Status = STATUSES[self.status[candidate]]
        return out

    def status_after(self, candidate: int, ledger: Ledger) -> Status:
        """Return a candidate's status by the log, or as built where the log does not mention it; disputed is unreviewed."""
        pair = self.key(candidate)
        if not ledger.mentions(pair):
            return self.built_status(candidate)
        outcome = ledger.outcome(pair)
        return "unreviewed" if outcome is Outcome.DISPUTED else cast(Status, outcome.value)

    def in_use(self, query: int, ledger: Ledger) -> list[int]:
        """Return a query's candidates in use, by the rule of the build (`contrast.reviewed`)."""
        candidates = self.candidates(query)
        statuses = [self.status_after(candidate, ledger) for candidate in candidates]
        kept = [candidates[place] for place in order_after_review(statuses) if statuses[place] != "rejected"]
        return kept[: self.contrasts]

    # ---- what is marked ------------------------------------------------------------------------------------------

    @cached_property
    def _speaks_of_position(self) -> npt.NDArray[np.bool_]:
        return np.array([bool(position_words(text)) for text in self.index.texts()], bool)

    def marked(self, mark: str, candidates: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Return which candidates have a mark (see `filters.MARKS`), (len(candidates),) bool."""
        if mark == "position":
            speaks = self._speaks_of_position
            return np.asarray(speaks[self.query[candidates]] | speaks[self.contrast[candidates]], bool)
        return np.asarray(self._fits_elsewhere[self._because_of[candidates]], bool)

    def fits(self, query: Caption, contrast: Caption) -> tuple[str, ...]:
        """Return the query ids of the other captions in the contrast's video of which somebody is not ruled out as the query's."""
        captions = self.index.captions_of(contrast.video_id)
        reasons = self._exclusion.of_video(self._reading(query), [self._reading(caption) for caption in captions])
        return tuple(
            caption.query_id
            for caption, found in zip(captions, reasons, strict=True)
            if caption.query_id != contrast.query_id and None in found
        )

    def _reading(self, caption: Caption) -> Reading:
        rows = [(r.frame, r.role, r.slot, r.phrase, r.lemma) for r in self.index.roles(caption.query_id)]
        return read(rows, self._exclusion.lists)


def slots(mask: int) -> tuple[str, ...]:
    """Return bits as slots."""
    return tuple(slot for i, slot in enumerate(SLOTS) if mask >> i & 1)


def _drawn(
    workspace: Workspace, query: npt.NDArray[Any], contrast: npt.NDArray[Any], ids: pa.Array
) -> npt.NDArray[Any] | None:
    """Return each pair's place in the draw, (C,); None where the pairs are not those drawn here, as with a pairs file."""
    if not workspace.path(tables.SAMPLED).is_file():
        return None
    names = ["query_id", "contrast_query_id", "rank"]
    keys, ranks = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for group in parquet.column_groups(workspace, tables.SAMPLED, names, contract="pairs.parquet"):
        found = [pc.fill_null(pc.index_in(group[name], ids), -1).to_numpy().astype(np.int64) for name in names[:2]]
        keys.append(found[0] * len(ids) + found[1])
        ranks.append(group["rank"].to_numpy())
    known = np.concatenate(keys)
    order = np.argsort(known)
    wanted = query.astype(np.int64) * len(ids) + contrast
    place = np.searchsorted(known, wanted, sorter=order)
    if (place == len(known)).any() or (known[order[place]] != wanted).any():
        return None
    return np.asarray(np.concatenate(ranks)[order[place]])


def _located(workspace: Workspace, column: pa.ChunkedArray, ids: pa.Array) -> Any:
    """Return query ids as positions."""
    found = pc.index_in(column, ids)
    if found.null_count:
        unknown = column.filter(pc.is_null(found))[0].as_py()
        raise WorkspaceError(
            f"{workspace.path('pairs.parquet')}: query {unknown!r} is not in queries.parquet; run `a2dsplus build` again"
        )
    return found.to_numpy()


def _bits(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """Return lists of slots as bits, (C,) uint8; an unknown name is `other`."""
    lists = column.combine_chunks()
    names = pc.fill_null(pc.index_in(lists.flatten(), pa.array(SLOTS)), SLOTS.index(Slot.OTHER))
    row = np.repeat(np.arange(len(lists)), np.diff(lists.offsets.to_numpy()))
    found = np.zeros(len(lists), np.uint8)
    np.bitwise_or.at(found, row, (1 << names.to_numpy(zero_copy_only=False)).astype(np.uint8))
    return found
