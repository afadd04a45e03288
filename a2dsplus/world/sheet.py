"""A contact sheet of a painted world: a few videos, the first frame and three annotated ones of each, captions beneath."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from a2dsplus.errors import InputError
from a2dsplus.media.clips import decode, to_rgb
from a2dsplus.media.masks import decode as decode_mask
from a2dsplus.sources.a2d import A2dSource
from a2dsplus.world.shapes import Colour, Image

_ANNOTATED = 3
_COLOURS: tuple[Colour, ...] = ((236, 62, 66), (46, 110, 230), (36, 158, 84), (226, 150, 20), (160, 70, 200))
_HEIGHT, _WIDTH, _GAP, _LINE = 180, 320, 6, 19


def contact_sheet(root: Path, video_ids: Sequence[str] | None = None) -> Image:
    """Return a sheet of a world's videos, one a row, (H, W, 3) uint8 RGB; referents are outlined in the colours of their captions.

    `video_ids`: which; by default, of each scene, the test video (or, without a test split, training video) with the most actors.
    Raises InputError where `root` is no procedural world or lacks a video.
    """
    try:
        about: dict[str, dict[str, Any]] = json.loads((root / "procedural.json").read_text("utf-8"))["videos"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{root}: no procedural world to draw ({type(error).__name__})") from None
    source = A2dSource(root)
    captions: dict[str, dict[int, str]] = {}
    for split in sorted({video["split"] for video in about.values()}):
        for query in source.listing(split).queries:
            captions.setdefault(query.video_id, {})[int(query.expression_id)] = query.text
    missing = [video_id for video_id in video_ids or () if video_id not in captions]
    if missing:
        raise InputError(f"{root}: no video {missing[0]} to draw")
    return np.concatenate([_row(source, v, captions[v]) for v in video_ids or _fullest(about)])


def _fullest(about: dict[str, dict[str, Any]]) -> list[str]:
    """Return the video with the most actors of each scene, of the test split where there is one."""
    preferred = min((video["split"] for video in about.values()), key=["test", "train"].index)
    chosen: dict[str, str] = {}
    for video_id, video in sorted(about.items()):
        best = chosen.get(video["scene"])
        if video["split"] == preferred and (best is None or len(video["actors"]) > len(about[best]["actors"])):
            chosen[video["scene"]] = video_id
    return [chosen[scene] for scene in sorted(chosen)]


def _row(source: A2dSource, video_id: str, captions: dict[int, str]) -> Image:
    video = source.video(video_id)
    annotated = sorted(video.masks or ())
    shown_frames = [annotated[round(k)] for k in np.linspace(0, len(annotated) - 1, _ANNOTATED)]
    wanted = {number: place for place, number in enumerate(shown_frames, 1)}
    lines = -(-len(captions) // 2)
    row = np.full((_HEIGHT + _LINE * lines + 2 * _GAP, (1 + _ANNOTATED) * (_WIDTH + _GAP), 3), 255, np.uint8)
    for number, frame in enumerate(map(to_rgb, decode(video.clip)), 1):
        if number not in wanted and number > 1:
            continue
        picture = np.ascontiguousarray(frame)
        for instance, rle in (video.masks or {})[number].items() if number in wanted else ():
            edges, _ = cv2.findContours(decode_mask(rle).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, edges, -1, _COLOURS[int(instance) % len(_COLOURS)], 1, cv2.LINE_AA)
        height, width = picture.shape[:2]
        shown_width = min(_WIDTH, round(width * _HEIGHT / height))
        shown = cv2.resize(picture, (shown_width, _HEIGHT), interpolation=cv2.INTER_AREA)
        left = wanted.get(number, 0) * (_WIDTH + _GAP) + (_WIDTH - shown_width) // 2
        row[:_HEIGHT, left : left + shown_width] = shown
    for place, (instance_id, text) in enumerate(sorted(captions.items())):
        at = (8 + (place % 2) * row.shape[1] // 2, _HEIGHT + _LINE * (place // 2 + 1) - 4)
        cv2.putText(row, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _COLOURS[instance_id % len(_COLOURS)], 1, cv2.LINE_AA)
    return row
