"""A small dataset for the review's tests: painted clips, real masks of what is painted, hand-made pairs."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from a2dsplus.dataset.tables import (
    write_clips,
    write_masks,
    write_pairs,
    write_queries,
    write_roles,
    write_source_root,
)
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.media.clips import PIXEL_FORMAT, probe
from a2dsplus.media.clips import encode as encode_video
from a2dsplus.media.masks import Rle, encode
from a2dsplus.records import Pair, ParsedCaption, Query, Role, RoleFrame, Slot

ACTORS = ("red ball", "white dog", "small cat", "tall man", "green bird", "blue car")
SCRIPT = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>"
HEIGHT, WIDTH, FRAMES = 96, 128, 20


def paint(path: Path, *, number: int, frames: int = FRAMES, height: int = HEIGHT, width: int = WIDTH) -> None:
    """Write a clip of a bright square that slides to the right."""

    def images() -> "list[av.VideoFrame]":
        found = []
        for index in range(frames):
            image = np.full((height, width, 3), (40 + 20 * (number % 6), 70, 110), np.uint8)
            image[square(index, height=height, width=width)] = (230, 200 - 25 * (number % 6), 60)
            found.append(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=PIXEL_FORMAT))
        return found

    path.parent.mkdir(parents=True, exist_ok=True)
    encode_video(path, images(), height=height, width=width, rate=Fraction(25), preset="ultrafast", crf=30)


def square(index: int, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return where the square is in a frame, bool (H, W)."""
    mask = np.zeros((height, width), bool)
    left = 8 + index * 3
    mask[height // 3 : height // 3 + 32, left : left + 32] = True
    return mask


def dataset(root: Path, *, videos: int = 6, script: bool = False, clip: "Path | None" = None) -> Path:
    """Write a dataset of one query a video, each with two candidates; return its folder.

    `script`: the first caption holds markup. `clip`: a ready clip that every video shares.
    """
    source, out = root / "source", root / "dataset"
    out.mkdir(parents=True)
    queries, clips, parsed = [], [], {}
    annotations: dict[str, dict[int, dict[str, Rle]]] = {}
    for number in range(videos):
        video, actor = f"-video{number:05d}", ACTORS[number % len(ACTORS)]
        text = f"A {actor} is rolling on the table {number}"
        if script and number == 0:
            text = f"A {actor} is rolling {SCRIPT}"
        query = Query(video_id=video, expression_id="1", objects=("1",), text=text, split="test")
        queries.append(query)
        path = clip or source / f"{video}.mp4"
        if clip is None:
            paint(path, number=number, frames=FRAMES + 4 * (number % 3))
        clips.append(probe(path, video_id=video))
        annotations[video] = {frame: {"1": encode(square(frame - 1))} for frame in (5, 10, 15)}
        parsed[query.query_id] = roles(text, actor)
    workspace = Workspace(out)
    write_queries(workspace, queries)
    write_clips(workspace, clips, root=clip.parent if clip else source)
    write_masks(workspace, annotations)
    write_roles(workspace, parsed)
    write_pairs(
        workspace,
        [
            Pair(
                query_id=query.query_id,
                contrast_query_id=queries[(number + rank + 1) % videos].query_id,
                tier=1 + number % 4,
                shared=("verb", "where"),
                differing=("who",),
                rank=rank,
            )
            for number, query in enumerate(queries)
            for rank in range(2)
        ],
    )
    write_source_root(workspace, clip.parent if clip else source)
    return out


def roles(text: str, actor: str) -> ParsedCaption:
    """Return who, verb and where of the captions above."""

    def role(label: str, slot: Slot, words: str, phrase: str, lemma: str) -> Role:
        start = text.find(words)
        return Role(role=label, slot=slot, text=words, start=start, end=start + len(words), phrase=phrase, lemma=lemma)

    found = [
        role("ARG0", Slot.WHO, f"A {actor}", actor, actor),
        role("V", Slot.VERB, "rolling", "rolling", "roll"),
    ]
    if "on the table" in text:
        found.append(role("ARGM-LOC", Slot.WHERE, "on the table", "on table", "on table"))
    return ParsedCaption(text=text, frames=(RoleFrame(verb="rolling", roles=tuple(found)),))
