"""The nouns of the toolkit: queries, clips, roles, contrast pairs and samples.

Frozen dataclasses without behaviour beyond checks. Frame numbers are 1-based throughout, as in A2D.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

from a2dsplus.errors import ClipError, InputError

# a dot at the front would hide a file; `~` stands before the two hex digits of any other byte (`to_id`)
_ID = re.compile(r"(?!\.)[A-Za-z0-9_@()+!.~-]{1,128}")
_FOREIGN = re.compile(rb"^\.|[^A-Za-z0-9_@()+!.-]")


class Slot(StrEnum):
    """The question a role answers: captions are compared by it, since labels of one construction vary."""

    WHO = "who"
    VERB = "verb"
    WHAT = "what"
    WHERE = "where"
    WHEN = "when"
    OTHER = "other"


class SubsetName(StrEnum):
    """What is built of a split: as it is, and the three subsets of A2D-S+, Multiple, Spatial and Temporal (paper, section 4.1)."""

    N = "N"
    M = "M"
    S = "S"
    T = "T"


DEFAULT_SUBSETS = (SubsetName.M, SubsetName.S, SubsetName.T)
VOID = "void"
"""The object whose pixels leave both intersection and union (Ref-DAVIS17's 255)."""


class Layout(StrEnum):
    """How a sample is composed: not at all, along the width, or along time."""

    NONE = "none"
    SPATIAL = "spatial"
    TEMPORAL = "temporal"


class Order(StrEnum):
    """Which clip of a composite comes first: left in S, ahead in T."""

    QUERY_FIRST = "query-first"
    CONTRAST_FIRST = "contrast-first"


Status = Literal["unreviewed", "accepted", "rejected"]
# what stands beside the query's clip: another video's clip, or the same clip held at one frame or backwards
Kind = Literal["other", "frozen", "reversed"]
# whether the words prove that nothing in the contrast's video fits the query
Grade = Literal["excluded", "undecided"]
# what query and contrast have in common of "the same object or action category" (paper, section 4.1)
Relation = Literal["class+action", "class", "action", "none"]


def to_id(name: str) -> str:
    """Return a source's own name as an id: what an id may not hold is written as `~` and two hex digits of its UTF-8 bytes."""
    return _FOREIGN.sub(lambda found: f"~{found[0][0]:02x}".encode(), name.encode()).decode("ascii")


def from_id(identity: str) -> str:
    """Return the source's own name that `to_id` made an id of."""
    parts = re.sub(rb"~([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), identity.encode())
    return parts.decode("utf-8", errors="replace")


def check_id(identity: str, *, what: str, where: str) -> str:
    """Return an id if it can be one; raises InputError otherwise, since ids become parts of file names.

    `what`: of what it is the id ("video", "expression", "object", "sample"). `where`: the file and row that it was read from.
    """
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        shown = repr(identity)
        raise InputError(
            f"{where}: {what} id {shown if len(shown) <= 60 else shown[:57] + '...'} has characters other than A-Za-z0-9_@()+!.-, a"
            " dot in front, or not 1 to 128 of them; correct the id"
        )
    return identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One referring expression and what it names, the referent.

    `expression_id`: in A2D-Sentences the instance id. `objects`: the ids of the objects named, each once: one in A2D, several in MeViS, none for
    an expression without a target, None where a split withholds it.
    """

    video_id: str
    expression_id: str
    objects: tuple[str, ...] | None
    text: str
    split: str

    def __post_init__(self) -> None:
        check_id(self.video_id, what="video", where="query")
        check_id(self.expression_id, what="expression", where=f"query of {self.video_id}")
        for name in self.objects or ():
            check_id(name, what="object", where=f"query {self.query_id}")
        if VOID in (self.objects or ()):
            raise InputError(
                f"query {self.query_id}: names the object {VOID!r}, which is no referent; correct the objects"
            )
        if len(set(self.objects or ())) != len(self.objects or ()):
            raise InputError(
                f"query {self.query_id}: names an object twice ({', '.join(self.objects or ())}); correct it"
            )

    @property
    def query_id(self) -> str:
        """`<video_id>/<expression_id>`, unique in a dataset."""
        return f"{self.video_id}/{self.expression_id}"

    @property
    def sample_id(self) -> str:
        """`<video_id>_<expression_id>`, the id of this query's samples in S and T."""
        return f"{self.video_id}_{self.expression_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What a clip's container and its first frame say, before frames are brought to one form (upright, limited BT.601).

    `codec`, `pixel_format`: ffmpeg's names ("h264", "yuv420p10le"); codec "images" is a folder of images. `stream`: the video stream's
    index in the container. `color_range`: limited, full or unspecified. `matrix`: bt601, bt709, bt2020, rgb, ... or unspecified.
    A player mirrors the coded picture left to right where `mirrored`, then turns it by `rotation` degrees counter-clockwise (0, 90,
    180, 270). `start`: when the first frame is shown, in seconds. `discarded`: packets that no player shows. `variable_rate`: some
    frame is shown off the grid of a constant rate. `rate_assumed`: the source does not say a rate.
    """

    codec: str = "unknown"
    pixel_format: str = "unknown"
    stream: int = 0
    color_range: str = "unspecified"
    matrix: str = "unspecified"
    mirrored: bool = False
    rotation: int = 0
    start: Fraction = Fraction(0)
    discarded: int = 0
    variable_rate: bool = False
    rate_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Frames that can be asked for in order: a container file, or a folder of images.

    `path`: the file or the folder. `frames`, `height`, `width`: how many frames a player shows and their size in pixels, as shown
    (turned where the display matrix says so). `rate`: frames a second. `frame_names`: what the source calls its frames, in order
    ("00005"; in a folder, the images' names without suffix), None where it counts them. Raises ClipError for what cannot be a clip.
    """

    video_id: str
    path: Path
    frames: int
    height: int
    width: int
    rate: Fraction
    frame_names: tuple[str, ...] | None = None
    coding: Coding = Coding()

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width) < 1 or self.rate <= 0:
            raise ClipError(
                f"clip of {self.video_id}: {self.frames} frames of {self.height}x{self.width} at rate {self.rate}, expected at least one of each"
            )
        names = self.frame_names
        if names is None:
            return
        if len(names) != self.frames or len(set(names)) != self.frames:
            raise ClipError(
                f"clip of {self.video_id}: {len(names)} frame names, {len(set(names))} of them different, for {self.frames} frames"
            )
        for name in names:
            # a name becomes part of a file name
            if not name or name.startswith(".") or set(name) & set("/\\\0"):
                raise ClipError(f"clip of {self.video_id}: frame name {name[:80]!r} cannot be a file's name")

    @property
    def is_folder(self) -> bool:
        """Whether the frames are images in a folder."""
        return self.coding.codec == "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One semantic role of a frame.

    `role`: the PropBank label (ARG0, V, ARGM-LOC). `text`: verbatim, `caption[start:end]`. `phrase`: cleaned (no
    determiners, no auxiliaries). `lemma`: cleaned and lemmatised, lower case.
    """

    role: str
    slot: Slot
    text: str
    start: int
    end: int
    phrase: str
    lemma: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFrame:
    """A predicate and its roles, in the caption's order, the verb (role "V") among them.

    `verb` is the predicate as written, or None where a caption has no frame and its noun phrase alone is kept, as *who*.
    """

    verb: str | None
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCaption:
    """A caption, verbatim, and its frames."""

    text: str
    frames: tuple[RoleFrame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A query and a candidate contrast for it.

    `tier`: 1 one role differs, 2 several do, 3 another structure, 4 only a role's head word is shared; None where the contrast is
    the query's own clip (`kind` frozen or reversed). `shared`, `differing`, `extra`: every slot of either caption, in one of the
    three: both say the same, both say something else, only one of them says anything; the same in both directions. `because`: why the
    pair has its grade, in a few words ("colour: white shirt / black shirt"), "" where nothing speaks for it. `doubt`: 0..1, the
    greater the likelier a second right answer. `rank`: 0 is the pair in use, 1... the alternatives in the order in which they
    replace it.
    """

    query_id: str
    contrast_query_id: str
    tier: int | None
    shared: tuple[str, ...]
    differing: tuple[str, ...]
    extra: tuple[str, ...] = ()
    kind: Kind = "other"
    grade: Grade = "undecided"
    because: str = ""
    doubt: float = 0.5
    relation: Relation = "none"
    rank: int
    status: Status = "unreviewed"

    def __post_init__(self) -> None:
        if not 0 <= self.doubt <= 1:
            raise InputError(f"pair {self.query_id} / {self.contrast_query_id}: doubt is {self.doubt}; expected 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a sample takes from one clip: which query's, and that clip's own length and size."""

    query_id: str
    video_id: str
    expression_id: str
    text: str
    frames: int
    height: int
    width: int

    def __post_init__(self) -> None:
        check_id(self.video_id, what="video", where=f"part of {self.query_id}")
        check_id(self.expression_id, what="expression", where=f"part of {self.query_id}")
        _check_sizes(f"part of {self.query_id}", frames=self.frames, height=self.height, width=self.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One video of a subset and what is asked of it (a line of samples.jsonl).

    `height`, `width`, `frames`: of the composed video. `query`: the query's part; `contrasts`: the contrast parts, in the order in which they
    are shown (none in N and M, where `queries` lists the query ids asked). `evaluated_frames`: 1-based, ascending, all of them. `evaluated`:
    {"query": frames, "contrast": frames} where both captions of a pair are asked, else empty. `shared`, `differing`, `extra`, `tier`, `grade`,
    `relation`: of the pair.
    """

    sample_id: str
    subset: SubsetName
    layout: Layout
    order: Order
    height: int
    width: int
    frames: int
    video_id: str
    queries: tuple[str, ...]
    query: Part | None
    contrasts: tuple[Part, ...] = ()
    evaluated_frames: tuple[int, ...]
    evaluated: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    kind: Kind = "other"
    shared: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    tier: int | None = None
    grade: str | None = None
    relation: str | None = None

    def __post_init__(self) -> None:
        where = f"sample {self.sample_id!r}"
        check_id(self.sample_id, what="sample", where="samples.jsonl")
        check_id(self.video_id, what="video", where=where)
        _check_sizes(where, frames=self.frames, height=self.height, width=self.width)
        if (self.layout is Layout.NONE) != (self.query is None) or (self.query is None) != (not self.contrasts):
            raise InputError(
                f"{where}: layout {self.layout} with {len(self.contrasts)} contrasts; build the dataset again"
            )
        for name, frames in {"sample": self.evaluated_frames, **self.evaluated}.items():
            if any(a >= b for a, b in pairwise(frames)) or (frames and not 1 <= frames[0] <= frames[-1] <= self.frames):
                raise InputError(f"{where}: evaluated frames of {name} do not ascend within 1 to {self.frames}")

    @property
    def contrast(self) -> Part | None:
        """The first contrast part, or None in N and M."""
        return self.contrasts[0] if self.contrasts else None

    @property
    def asked(self) -> dict[str, str]:
        """{expression: query id}: what is asked of the sample, in order; the expression is `query` and `contrast` where both captions are asked."""
        if self.evaluated and self.query is not None:
            ids = {"query": self.query.query_id, "contrast": self.contrasts[0].query_id}
            return {expression: ids[expression] for expression in self.evaluated}
        return {query_id.rpartition("/")[2]: query_id for query_id in self.queries}

    @property
    def numbered(self) -> dict[str, str]:
        """{number: query id}: the expressions by their numbers in meta_expressions.json, the source's own in N where all are numbers, else counted from 0."""
        if self.subset is SubsetName.N and all(word.isascii() and word.isdecimal() for word in self.asked):
            return self.asked
        return {str(number): query_id for number, query_id in enumerate(self.asked.values())}

    def expression_of(self, query_id: str) -> str:
        """Return the word under which a query of the sample is asked."""
        return next(word for word, asked in self.asked.items() if asked == query_id)


def _check_sizes(where: str, **sizes: int) -> None:
    for name, value in sizes.items():
        if type(value) is not int or not 1 <= value < 1 << 24:
            raise InputError(f"{where}: {name} {value!r:.40} is no number of pixels or frames; build the dataset again")
