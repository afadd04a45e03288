"""Datasets as the toolkit reads them: queries, clips and object masks, one file a dataset, found from the folder.

The toolkit's own sources are listed in `SOURCES`; another package's are found by the entry-point group `a2dsplus.sources`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from a2dsplus.errors import InputError
from a2dsplus.media.masks import Rle, union
from a2dsplus.records import VOID, Clip, Query, check_id
from a2dsplus.registry import Registry

SOURCES = Registry(
    what="source",
    group="a2dsplus.sources",
    built_in={
        "a2d-sentences": "a2dsplus.sources.a2d:A2dSource",
        "jhmdb-sentences": "a2dsplus.sources.jhmdb:JhmdbSource",
        "mevis": "a2dsplus.sources.mevis:MevisSource",
        "ref-davis17": "a2dsplus.sources.ref_davis:RefDavisSource",
        "refer-youtube-vos": "a2dsplus.sources.refer_ytvos:ReferYtvosSource",
        "table": "a2dsplus.sources.table:TableSource",
    },
)
Masks = Mapping[int, Mapping[str, Rle]]
"""A video's annotated frames: {frame (1-based): {object: mask}}. An object that is annotated and not to be seen has an all-zero mask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A video or a query that is not in the result, and why, in one line."""

    item: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """What a source holds of one video: its clip and the masks of its objects, None where the split withholds them."""

    clip: Clip
    masks: Masks | None


@dataclass(slots=True, kw_only=True)
class Listing:
    """A split's queries, in the order of their ids, what the split leaves out, notes to print and to keep in the manifest, and columns of the
    source's own to keep beside the queries, {column: {query id: text}}."""

    queries: list[Query]
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @property
    def videos(self) -> list[str]:
        """The queries' video ids, each once, sorted."""
        return sorted({query.video_id for query in self.queries})


class Source(Protocol):
    """What every dataset offers. All methods raise InputError for what is at fault in it."""

    name: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    """The splits that it can have; empty where the data itself says."""
    root: Path

    def __init__(self, root: Path) -> None: ...

    @classmethod
    def missing(cls, root: Path) -> str | None:
        """Return None where `root` is such a folder (cheap), else what was looked for and not found, in a few words."""
        ...

    def listing(self, split: str) -> Listing:
        """Return the split's queries."""
        ...

    def video(self, video_id: str) -> Video:
        """Return a video's clip and masks, of one size."""
        ...

    def files(self, split: str) -> Iterator[Path]:
        """Yield the files that the split is read from, in an order of their own; some may be missing."""
        ...


def referent_frames(masks: Masks | None, query: Query) -> tuple[int, ...]:
    """Return the annotated frames of a query's video at which its answer is known, 1-based, ascending.

    A frame counts where any of the query's objects is annotated; for an expression without a target every annotated frame does; () where
    the split withholds masks or objects.
    """
    if masks is None or query.objects is None:
        return ()
    if not query.objects:
        return tuple(sorted(masks))
    return tuple(frame for frame in sorted(masks) if any(name in masks[frame] for name in query.objects))


def referent_rle(masks: Masks, query: Query, frame: int, *, height: int, width: int) -> Rle | None:
    """Return a query's mask at an annotated frame, the union over its objects, (height, width); None where the frame does not tell."""
    there = masks.get(frame)
    if there is None or query.objects is None:
        return None
    found = [there[name] for name in query.objects if name in there]
    if not found and query.objects:
        return None
    return union(found, height=height, width=width)


def void_rle(masks: Masks, frame: int) -> Rle | None:
    """Return the pixels of a frame that nobody is to be judged by, or None."""
    return masks.get(frame, {}).get(VOID)


def checked_ids(queries: Iterable[Query]) -> list[Query]:
    """Return the queries; raises InputError where two have one id, or two sample ids would be one."""
    found: dict[str, Query] = {}
    samples: dict[str, str] = {}
    for query in queries:
        if query.query_id in found:
            raise InputError(
                f"query {query.query_id} is there twice ({found[query.query_id].text!r:.60}, {query.text!r:.60}); expression ids must be"
                " unique in a video"
            )
        other = samples.setdefault(query.sample_id, query.query_id)
        if other != query.query_id:
            raise InputError(
                f"queries {other} and {query.query_id} would both be sample {query.sample_id}; rename one expression or video"
            )
        check_id(query.sample_id, what="sample", where=f"query {query.query_id}")
        found[query.query_id] = query
    return list(found.values())


def find_source(root: Path, *, name: str | None = None) -> Source:
    """Return the source that a folder is of, or, by `name`, the one that it is said to be.

    Raises UsageError for an unknown name, InputError where no source, or more than one, knows the folder: it says what each looked for.
    """
    if not root.exists():
        raise InputError(f"{root}: no such folder; give the dataset's folder with --root")
    there = sorted(path.name for path in root.iterdir())[:8] if root.is_dir() else [root.name]
    found = f"there are {', '.join(there) or 'no files'}"
    if name is not None:
        kind: type[Source] = SOURCES.load(name)
        what = kind.missing(root)
        if what is not None:
            raise InputError(f"{root}: not {name}, missing are {what}; {found}")
        return kind(root)
    known: dict[str, type[Source]] = {source: SOURCES.load(source) for source in SOURCES.places()}
    missing = {source: kind.missing(root) for source, kind in known.items()}
    fitting = [source for source, what in missing.items() if what is None]
    if len(fitting) == 1:
        return known[fitting[0]](root)
    if fitting:
        raise InputError(f"{root}: may be {' or '.join(fitting)}; say which with --source")
    looked = "; ".join(f"{source}: {what}" for source, what in missing.items())
    raise InputError(f"{root}: no known dataset; missing are, for {looked}; {found}")
