"""The nouns of the toolkit: queries, clips, roles, contrast pairs and samples.

Frozen dataclasses without behaviour beyond checks. Frame numbers are 1-based throughout, as in A2D.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Literal

from a2dsplus.errors import ClipError, InputError

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_INSTANCE_ID = re.compile(r"[0-9]{1,9}")


class Slot(StrEnum):
    """The question a role answers: captions are compared by it, since labels of one construction vary."""

    WHO = "who"
    VERB = "verb"
    WHAT = "what"
    WHERE = "where"
    WHEN = "when"
    OTHER = "other"


class Subset(StrEnum):
    """The three subsets of A2D-S+: Multiple, Spatial and Temporal (paper, section 4.1)."""

    M = "M"
    S = "S"
    T = "T"


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


def check_video_id(video_id: str, *, where: str) -> str:
    """Return the id if it can be a video's; raises InputError otherwise (it becomes part of file names)."""
    if not _VIDEO_ID.fullmatch(video_id):
        raise InputError(f"{where}: video id {video_id!r} has characters other than A-Za-z0-9_-; correct the id")
    return video_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One caption and the actor it refers to, the referent."""

    video_id: str
    instance_id: str
    text: str
    split: str

    def __post_init__(self) -> None:
        check_video_id(self.video_id, where="query")
        if not _INSTANCE_ID.fullmatch(self.instance_id):
            raise InputError(f"query of {self.video_id}: instance id {self.instance_id!r} is not a number")

    @property
    def query_id(self) -> str:
        """`<video_id>/<instance_id>`, unique in a dataset."""
        return f"{self.video_id}/{self.instance_id}"

    @property
    def sample_id(self) -> str:
        """`<video_id>_<instance_id>`, the id of this query's samples in S and T."""
        return f"{self.video_id}_{self.instance_id}"


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
    instance_id: str
    text: str
    frames: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One video of a subset and what is asked of it (a line of samples.jsonl).

    `height`, `width`, `frames`: of the composed video. `queries`: the query ids asked (one in S and T).
    `evaluated_frames`: 1-based, ascending.
    """

    sample_id: str
    subset: Subset
    layout: Layout
    order: Order
    height: int
    width: int
    frames: int
    video_id: str
    queries: tuple[str, ...]
    query: Part | None
    contrast: Part | None
    evaluated_frames: tuple[int, ...]
    shared: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    tier: int | None = None
