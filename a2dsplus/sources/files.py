"""What sources read their annotations with: JSON documents and index pictures, bounded, each fault one line; and what they say of masks and rates."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from a2dsplus.errors import AnnotationError
from a2dsplus.files import read_bytes, require_regular
from a2dsplus.media.masks import Rle, area
from a2dsplus.records import VOID, Clip, from_id

_MOST_PIXELS = 2**28
_LONGEST_NAME = 200  # bytes: a suffix, or a temporary name, has room up to the 255 of a file system


def read_object(path: Path, *, what: str) -> dict[str, Any]:
    """Return the object of a JSON file. `what`: what the file is, for the message. Raises AnnotationError."""
    try:
        document = json.loads(read_bytes(path))
    except FileNotFoundError:
        raise AnnotationError(f"{path}: missing, {what}; restore the file from the dataset's release") from None
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError(f"{path}: not readable as JSON ({error!s:.100}); restore the file") from error
    if not isinstance(document, dict):
        raise AnnotationError(f"{path}: expected an object at the top, {what}; restore the file")
    return document


def read_indices(path: Path, *, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return a picture whose pixels are object numbers (palette or grey, 8 bits), (height, width) uint8.

    Raises AnnotationError where it is no such picture or of another size.
    """
    try:
        require_regular(path)
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise AnnotationError(f"{path}: {image.width}x{image.height} pixels; restore the file")
            if image.mode not in ("P", "L", "1"):
                raise AnnotationError(
                    f"{path}: a {image.mode} picture, expected object numbers (a palette or 8-bit grey); restore the file"
                )
            indices = np.asarray(image.convert("L") if image.mode == "1" else image, np.uint8)
    except FileNotFoundError:
        raise AnnotationError(f"{path}: missing, the masks of a frame; restore the file") from None
    except AnnotationError:
        raise
    except Exception as error:  # a damaged picture makes the decoder raise anything
        raise AnnotationError(f"{path}: not a readable PNG ({error!s:.100}); restore the file") from error
    if indices.shape != (height, width):
        raise AnnotationError(
            f"{path}: masks of {indices.shape[0]}x{indices.shape[1]}, the frames are {height}x{width}; use frames and masks of one release"
        )
    return indices


def folder_of(parent: Path, video_id: str) -> Path:
    """Return a video's folder in `parent`, by the source's own name for it; raises AnnotationError for a name that would leave `parent`."""
    name = from_id(video_id)
    if leads_out(name):
        raise AnnotationError(
            f"{parent}: refuses the video {name!r:.60}, which is no name of a folder in it; correct the id"
        )
    return parent / name


def leads_out(name: str) -> bool:
    """Whether a name, put behind a folder's, would not be the name of something in that folder."""
    return (
        name in ("", ".", "..")
        or any(sign in name for sign in "/\\\0")
        or len(name.encode(errors="replace")) > _LONGEST_NAME
    )


def seen(masks: Mapping[int, Mapping[str, Rle]]) -> dict[int, dict[str, Rle]]:
    """Return masks without the objects that no frame shows: a caption that names one of those is at fault."""
    visible = {name for objects in masks.values() for name, rle in objects.items() if area(rle)}
    return {
        frame: {name: rle for name, rle in objects.items() if name in visible and (name != VOID or area(rle))}
        for frame, objects in masks.items()
    }


def assumed_rate(clip: Clip) -> Clip:
    """Return a clip whose rate the source does not say, marked so."""
    return replace(clip, coding=replace(clip.coding, rate_assumed=True))
