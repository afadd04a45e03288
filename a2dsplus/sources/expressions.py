"""meta_expressions.json, as Refer-YouTube-VOS and MeViS have it: {"videos": {id: {"frames": [name, ...], "expressions": {number: {"exp": text, ...}}}}}."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from a2dsplus.errors import AnnotationError
from a2dsplus.sources.files import leads_out, read_object


def read_videos(path: Path) -> dict[str, Any]:
    """Return the videos of a meta_expressions.json by their own names; raises AnnotationError."""
    videos = read_object(path, what="the split's expressions").get("videos")
    if not isinstance(videos, dict):
        raise AnnotationError(f'{path}: has no object "videos"; restore the file')
    return videos


def read_entry(entry: Any, where: str) -> tuple[list[str], list[tuple[str, Mapping[str, Any]]]]:
    """Return a video's frame names, as listed, and its expressions with their numbers, ascending; `where`: file and video, for the message.

    Every expression has a text, `exp`. Raises AnnotationError.
    """
    frames, expressions = (entry.get("frames"), entry.get("expressions")) if isinstance(entry, dict) else (None, None)
    if not isinstance(frames, list) or not frames or not all(isinstance(name, str) for name in frames):
        raise AnnotationError(f"{where}: has no list of frame names; restore the file")
    outside = [name for name in frames if leads_out(name)]
    if outside:
        raise AnnotationError(f"{where}: {outside[0]!r:.60} is no name of a frame; correct it")
    if not isinstance(expressions, dict):
        raise AnnotationError(f"{where}: has no expressions; restore the file")
    for number, expression in expressions.items():
        text = expression.get("exp") if isinstance(expression, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise AnnotationError(f"{where}: expression {number} has no text; restore the file")
    return frames, sorted(expressions.items(), key=lambda item: (len(item[0]), item[0]))
