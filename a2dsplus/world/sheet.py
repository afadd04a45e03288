"""A contact sheet of a painted world: a few videos, the first frame and three annotated ones of each, captions beneath."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import InputError
from a2dsplus.media import sheet
from a2dsplus.media.clips import decode, to_rgb
from a2dsplus.media.masks import decode as decode_mask
from a2dsplus.sources.a2d import A2dSource

_ANNOTATED = 3
_COLOURS: tuple[sheet.Colour, ...] = ((236, 62, 66), (46, 110, 230), (36, 158, 84), (226, 150, 20), (160, 70, 200))


def draw(root: Path, path: Path, video_ids: Sequence[str] | None = None) -> None:
    """Write a PNG, JPEG or PDF of a world's videos, one a row; referents are outlined in the colours of their captions.

    `video_ids`: which; by default, of each scene, the test video (or, without a test split, training video) with the most actors.
    Raises InputError where `root` is no procedural world or lacks a video.
    """
    try:
        about: dict[str, dict[str, Any]] = json.loads((root / "procedural.json").read_text("utf-8"))["videos"]
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"{root}: no procedural world to draw ({type(error).__name__})") from None
    source = A2dSource(root)
    captions: dict[str, dict[int, str]] = {}
    for split in sorted({video["split"] for video in about.values()}):
        for query in source.listing(split).queries:
            captions.setdefault(query.video_id, {})[int(query.expression_id)] = query.text
    missing = [video_id for video_id in video_ids or () if video_id not in captions]
    if missing:
        raise InputError(f"{root}: no video {missing[0]} to draw")
    rows = (_row(source, video_id, captions[video_id]) for video_id in video_ids or _fullest(about))
    sheet.write(path, rows, columns=1 + _ANNOTATED)


def _fullest(about: dict[str, dict[str, Any]]) -> list[str]:
    """Return the video with the most actors of each scene, of the test split where there is one."""
    preferred = min((video["split"] for video in about.values()), key=["test", "train"].index)
    chosen: dict[str, str] = {}
    for video_id, video in sorted(about.items()):
        best = chosen.get(video["scene"])
        if video["split"] == preferred and (best is None or len(video["actors"]) > len(about[best]["actors"])):
            chosen[video["scene"]] = video_id
    return [chosen[scene] for scene in sorted(chosen)]


def _row(source: A2dSource, video_id: str, captions: dict[int, str]) -> sheet.Row:
    video = source.video(video_id)
    masks = video.masks or {}
    annotated = sorted(masks)
    wanted = [1, *(annotated[round(k)] for k in np.linspace(0, len(annotated) - 1, _ANNOTATED))]
    pictures = {}
    for number, frame in enumerate(map(to_rgb, decode(video.clip)), 1):
        if number in wanted:
            drawn = masks.get(number, {}).items()
            pictures[number] = sheet.outlined(frame, [(decode_mask(rle), _colour(key)) for key, rle in drawn], tint=0)
    return sheet.Row(
        pictures=[pictures[number] for number in wanted],
        lines=[(text, _colour(key)) for key, text in sorted(captions.items())],
    )


def _colour(key: str | int) -> sheet.Colour:
    return _COLOURS[int(key) % len(_COLOURS)]
