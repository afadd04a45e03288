"""A folder of images as a clip: one image a frame, by name, decoded as a viewer shows it (on Pillow)."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from a2dsplus.errors import ClipError, listed
from a2dsplus.files import require_regular
from a2dsplus.media.picture import Rgb, from_rgb
from a2dsplus.records import Clip, Coding

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}
_MOST_PIXELS = 2**26
# EXIF orientations that lie on their side
_LYING = {5, 6, 7, 8}
_ORIENTATION = 0x0112


def probe(
    folder: Path, *, video_id: str, rate: Fraction | None, names: Sequence[str] | None, assumed_rate: Fraction
) -> Clip:
    """Return a folder's clip. `names`: its frames in order, without suffix; by default all images, in natural order of their names.

    Raises ClipError where a named image is missing, the folder holds none, one cannot be read, or two are not of one size.
    """
    files = _files(folder)
    if names is None:
        names = sorted(files, key=_natural)
    absent = [name for name in names if name not in files]
    if absent:
        raise ClipError(
            f"{folder}: a gap, {len(absent)} of the {len(names)} frames of video {video_id} have no image ({listed(absent, most=3)});"
            " restore them or leave the video out with --skip-bad"
        )
    if not names:
        raise ClipError(
            f"{folder}: holds no image ({', '.join(sorted(SUFFIXES))}); replace the clip or leave it out with --skip-bad"
        )
    sizes: dict[tuple[int, int], str] = {}
    for name in names:
        with _opened(files[name]) as image:
            sizes.setdefault(_shown_size(image), name)
            mode = image.mode
        if len(sizes) > 1:
            (size, one), (other_size, other) = sizes.items()
            raise ClipError(
                f"{folder}: images of two sizes, {files[one].name} is {size[0]}x{size[1]} and {files[other].name} is"
                f" {other_size[0]}x{other_size[1]}; a clip's frames are of one size"
            )
    (height, width) = next(iter(sizes))
    coding = Coding(codec="images", pixel_format=mode, color_range="full", matrix="rgb", rate_assumed=rate is None)
    return Clip(
        video_id=video_id,
        path=folder,
        frames=len(names),
        height=height,
        width=width,
        rate=assumed_rate if rate is None else rate,
        frame_names=tuple(names),
        coding=coding,
    )


def decode(clip: Clip, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
    """Yield a folder's frames at 0-based indices, in the common form; only the wanted images are opened."""
    files = frame_files(clip)
    for index in wanted:
        yield from_rgb(read(files[index], height=clip.height, width=clip.width))


def frame_files(clip: Clip) -> list[Path]:
    """Return the images of a folder's clip, in order. Raises ClipError where one is not there any more."""
    files, names = _files(clip.path), clip.frame_names or ()
    absent = [name for name in names if name not in files]
    if absent:
        raise ClipError(f"{clip.path}: {listed(absent, most=3)} not there any more; put the images back")
    return [files[name] for name in names]


def read(path: Path, *, height: int, width: int) -> Rgb:
    """Return an image of a known size as a viewer shows it, RGB (H, W, 3) uint8: its EXIF orientation applied, its alpha dropped."""
    with _opened(path) as image:
        if _shown_size(image) != (height, width):
            rows, columns = _shown_size(image)
            raise ClipError(f"{path}: is {rows}x{columns}, the clip's frames are {height}x{width}; put the image back")
        try:
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("RGB"), np.uint8)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise ClipError(f"{path}: damaged ({_words(error)}); download it again or leave the video out") from error


def _opened(path: Path) -> Image.Image:
    """Return an image of which only the header has been read."""
    try:
        require_regular(path)
        image = Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise ClipError(f"{path}: not a readable image, expected {', '.join(_FORMATS)}; download it again") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ClipError(f"{path}: not a readable image ({_words(error)}); download it again") from error
    if image.width * image.height > _MOST_PIXELS:
        image.close()
        raise ClipError(f"{path}: said to be {image.height}x{image.width}, no frame of a clip; download it again")
    if image.mode not in _MODES:
        image.close()
        raise ClipError(f"{path}: an image of mode {image.mode}, expected 8 bits a channel; convert it")
    return image


def _shown_size(image: Image.Image) -> tuple[int, int]:
    if image.format == "PNG" and "exif" not in image.info:
        # Pillow would decode the whole picture to look for it
        return image.height, image.width
    try:
        lying = image.getexif().get(_ORIENTATION) in _LYING
    except (OSError, ValueError, SyntaxError):
        lying = False
    return (image.width, image.height) if lying else (image.height, image.width)


def _files(folder: Path) -> dict[str, Path]:
    """Return {name without suffix: image} of a folder; what is hidden or no image is not looked at."""
    files: dict[str, Path] = {}
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ClipError(f"{folder}: cannot be read ({error.strerror or error}); restore the folder") from error
    for path in entries:
        if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        if path.stem in files:
            raise ClipError(
                f"{folder}: {files[path.stem].name} and {path.name} are one frame's name; remove one of them"
            )
        files[path.stem] = path
    return files


def _natural(name: str) -> tuple[list[tuple[int, int | str]], str]:
    """Return a key that sorts 2 before 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts], name


def _words(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].lower()[:200]
