"""One PNG file as a mask's runs: checked, bounded, decoded, and asked what its pixels say (levels)."""

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from a2dsplus.errors import MaskError, PredictionError
from a2dsplus.media import segments
from a2dsplus.media.runs import Ints, from_crop, from_mask
from a2dsplus.media.segments import Resize
from a2dsplus.score.readers import levels
from a2dsplus.score.readers.levels import PLAIN, Bools, PictureKind
from a2dsplus.score.readers.listing import File

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 1 << 26  # 64 megapixels: above, Pillow warns of a decompression bomb
_ORIENTATION = 0x0112  # of EXIF: 1 is upright
NO_RUNS = np.zeros((0, 2), np.int64)


def read_png(file: File, *, size: tuple[int, int], resize: Resize = "none") -> tuple[Ints, PictureKind]:
    """Return a PNG's runs (n, 2) at `size` (height, width), and what kind of picture they were read from.

    Raises PredictionError where the file is missing, damaged, no PNG, no mask, of another size while `resize` is "none", or turned.
    """
    from PIL import Image

    data, own = checked_png(file)
    if own != size:
        try:
            segments.check_size(own, size, resize=resize)
        except MaskError as error:
            raise PredictionError(f"{file}: {error}") from None
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            if "exif" in image.info and image.getexif().get(_ORIENTATION, 1) != 1:
                raise MaskError("says (EXIF) that it is to be turned when shown; write it upright, without")
            runs, reading = _decoded(image, height=own[0])
    except MaskError as error:
        raise PredictionError(f"{file}: {error}") from None
    except Exception as error:  # a decoder fed with damaged data may raise anything
        raise PredictionError(f"{file}: damaged PNG ({' '.join(str(error).split())}); write it again") from None
    return runs if own == size else segments.resized(runs, own, size), reading


def _decoded(image: "Image", *, height: int) -> tuple[Ints, PictureKind]:
    if image.mode in ("1", "L") and "transparency" not in image.info:
        box = image.getbbox()
        if box is None:
            return NO_RUNS, PLAIN
        left, top, right, bottom = box
        crop = np.asarray(image)[top:bottom, left:right]
        if image.mode == "1" or (crop - np.uint8(1) >= 254).all():  # 0, which wraps to 255, and 255 alone
            return from_crop(crop, top=top, left=left, height=height), PLAIN
    mask, reading = _mask(image)
    return from_mask(mask), reading


def _mask(image: "Image") -> tuple[Bools, PictureKind]:
    if image.mode == "P":
        colours, alpha = np.zeros((256, 3), np.uint8), np.full(256, 255, np.uint8)
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        colours[: len(palette)] = palette
        transparency = image.info.get("transparency")
        if isinstance(transparency, bytes):
            alpha[: len(transparency)] = np.frombuffer(transparency, np.uint8)
        elif isinstance(transparency, int):
            alpha[transparency] = 0
        return levels.of_palette(np.asarray(image), colours, alpha)
    if image.mode.startswith("I"):
        return levels.of_levels(np.asarray(image), full=65535)
    if image.mode in ("LA", "RGBA") or "transparency" in image.info:
        values = np.asarray(image.convert("RGBA"))
        return levels.of_colours_and_alpha(values[:, :, :3], values[:, :, 3])
    if image.mode == "RGB":
        return levels.of_colours(np.asarray(image))
    return levels.of_levels(np.asarray(image.convert("L")), full=255)


def checked_png(file: File) -> tuple[bytes, tuple[int, int]]:
    """Return a PNG file's content and the (height, width) that it declares, after checking that its chunks are whole.

    Raises PredictionError where it cannot be read, is no PNG, is damaged, an animation, or of a size that no mask has.
    """
    data = file.read()
    if data[:8] != _SIGNATURE:
        raise PredictionError(f"{file}: not a PNG image; masks are read from PNG files alone")
    height = width = 0
    at, kind = 8, b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise PredictionError(f"{file}: truncated PNG; write it again")
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise PredictionError(f"{file}: truncated PNG; write it again")
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise PredictionError(f"{file}: corrupt PNG (a checksum does not match); write it again")
        if at == 8:
            if kind != b"IHDR" or length != 13:
                raise PredictionError(f"{file}: corrupt PNG (it does not begin with a header); write it again")
            width, height = struct.unpack_from(">II", data, 16)
        if kind == b"acTL":
            raise PredictionError(f"{file}: is an animation; write each frame's mask to a file of its own")
        at = end
    if not 0 < height * width <= _MOST_PIXELS:
        raise PredictionError(f"{file}: a PNG of {height}x{width} pixels is no mask")
    return data, (height, width)
