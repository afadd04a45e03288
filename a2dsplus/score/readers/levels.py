"""A mask has two values: which pixels of a picture or an array are the referent, or why that cannot be told.

What has more than two values is read for what it plainly means (a probability above one half, a mask in the alpha channel) or refused
by name; nothing is counted as "all referent" for want of a better reading. Some files do not tell alone: levels 0 and 1 are a mask
among masks of 0 and 1, and nothing at all among probabilities of 0 to 255. `Convention` keeps what the files of a folder tell together.

H, W: a picture's height and width in pixels. A level is one pixel's value; `full` is the greatest that its type holds.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import MaskError, PredictionError

Values = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

_ADVICE = "a mask has two values: write 255 on the referent and 0 elsewhere"
_MOST_OBJECTS = 20  # in one frame of a video, as object numbers count them
_MOST_BETWEEN = 0.25  # of a probability map's pixels, between a tenth and nine tenths; photographs have more


class Kind(StrEnum):
    """What the levels of one picture say."""

    PLAIN = "plain"  # two values that mean one thing, or nothing at all
    CODED = "coded"  # 0 and one other level, not the greatest
    CONSTANT = "constant"  # one level all over, neither 0 nor the greatest
    SOFT = "soft"  # several levels, on both sides of one half
    DIM = "dim"  # several levels, none above one half
    BLACK = "black"  # black all over, with an alpha channel that hides nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureKind:
    """What kind of picture a mask was read from.

    `level`: its greatest level, out of `full`. `by_alpha`: whether the mask is that of its alpha channel. `numbered`: whether its levels are
    the greatest and a few of the least alone, as object numbers beside void pixels are.
    """

    kind: Kind = Kind.PLAIN
    level: int = 0
    full: int = 255
    by_alpha: bool = False
    numbered: bool = False


PLAIN = PictureKind()


def of_levels(values: Values, *, full: int) -> tuple[Bools, PictureKind]:
    """Return the mask, bool (H, W), of one channel of whole numbers, (H, W), levels 0 to `full`. Raises MaskError where it has none."""
    level = int(values.max(initial=0))
    mask = np.asarray(values != 0)
    two_valued = not level or bool((mask == (values == level)).all())
    if two_valued and level in (0, full):
        return mask, PLAIN
    least = int(values.min())
    if two_valued:
        return mask, PictureKind(kind=Kind.CONSTANT if least else Kind.CODED, level=level, full=full)
    if level * 2 <= full:
        return np.zeros_like(mask), PictureKind(kind=Kind.DIM, level=level, full=full)
    if least * 2 > full:
        raise MaskError(f"its levels are {least} to {level} of {full}, none of them background; {_ADVICE}")
    between = (values > full // 10) & (values < full - full // 10)
    if between.mean() > _MOST_BETWEEN:
        raise MaskError(f"{between.mean():.0%} of its levels are neither dark nor bright, as of a picture; {_ADVICE}")
    numbered = not least and level == full and not ((values > _MOST_OBJECTS) & (values < full)).any()
    return np.asarray(values > full // 2), PictureKind(kind=Kind.SOFT, level=level, full=full, numbered=numbered)


def of_colours(colours: Values) -> tuple[Bools, PictureKind]:
    """Return the mask, bool (H, W), of a colour picture, uint8 (H, W, 3): one colour on black. Raises MaskError where it is another."""
    level = colours.max(axis=2)
    lit = colours.reshape(-1, 3).any(axis=0)
    if (np.where(lit, level[:, :, None], 0) == colours).all():  # grey, or shades of one colour that screens have
        return of_levels(level, full=255)
    packed = (colours.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(axis=2, dtype=np.uint32)
    found = np.unique(packed)
    if len(found) == 2 and found[0] == 0:
        return np.asarray(packed != 0), PLAIN
    raise MaskError(f"it has {len(found)} colours, as an overlay, a frame or several objects have; {_ADVICE}")


def of_colours_and_alpha(colours: Values, alpha: Values) -> tuple[Bools, PictureKind]:
    """Return the mask, bool (H, W), of a picture with an alpha channel, uint8 (H, W, 3) and (H, W), wherever its mask is.

    Raises MaskError where colours and alpha are two different masks.
    """
    one_colour = bool((colours == colours[:1, :1]).all())
    if alpha.min() == alpha.max():
        if alpha.flat[0]:
            mask, reading = of_colours(colours)
            return mask, reading if colours.any() else PictureKind(kind=Kind.BLACK)
        if one_colour or not _is_mask(colours):
            return np.zeros(alpha.shape, bool), PictureKind(by_alpha=True)
        raise MaskError(f"its colours hold a mask that its alpha channel hides; {_ADVICE}")
    mask, reading = of_levels(alpha, full=255)
    # Colours that are no mask are the frame itself, cut out.
    if not one_colour and _is_mask(colours) and (of_colours(colours)[0] != mask).any():
        raise MaskError(f"its colours and its alpha channel are two different masks; {_ADVICE}")
    return mask, replace(reading, by_alpha=True)


def _is_mask(colours: Values) -> bool:
    try:
        of_colours(colours)
    except MaskError:
        return False
    return True


def of_palette(indices: Values, colours: Values, alpha: Values) -> tuple[Bools, PictureKind]:
    """Return the mask, bool (H, W), of a palette picture: the objects' numbers, 0 the background.

    `indices`: (H, W). `colours`: (256, 3) uint8, `alpha`: (256,) uint8, of each index. Raises MaskError where numbers and colours
    disagree about the background, or several objects are there.
    """
    used = np.flatnonzero(np.bincount(indices.ravel(), minlength=256))
    if (colours[used] == used[:, None]).all() and (alpha[used] == 255).all():
        return of_levels(indices, full=255)  # the palette is a scale of greys
    objects = used[used != 0]
    if (alpha[used] != alpha[used][:1]).any():
        if alpha[0] or not alpha[objects].all() or used[0]:
            raise MaskError(f"its palette hides other numbers than 0; {_ADVICE}")
    elif colours[0].any() and alpha[0]:
        raise MaskError(
            f"its palette shows number 0 as {_colour(colours[0])}, so that the background by number is none by colour; {_ADVICE}"
        )
    if len(objects) > 1:
        raise MaskError(f"its palette image has {len(objects)} objects; {_ADVICE}")
    return np.asarray(indices != 0), PLAIN


def of_array(values: Values) -> Bools:
    """Return the mask of an array in memory, bool (H, W).

    `values`: bool; or whole numbers, 0 and one other; or real numbers, a probability in [0, 1], the referent above 0.5. Raises
    MaskError for any other.
    """
    kind = f"an array of shape {values.shape} and type {values.dtype}"
    if values.ndim != 2:
        raise MaskError(f"expected a mask of two dimensions (H, W), got {kind}")
    if values.dtype == np.bool_:
        return np.asarray(values, bool)
    if values.dtype.kind not in "iuf":
        raise MaskError(f"{kind} is no mask; expected bool, whole numbers (0 and one other) or probabilities")
    least, most = (values.min(), values.max()) if values.size else (0, 0)
    if not (np.isfinite(least) and np.isfinite(most)):
        raise MaskError(f"{kind} has values that are no finite number")
    present = np.asarray(values != 0)
    if (values[present] == most).all() and least >= 0:
        if values.dtype.kind == "f" and most <= 1:
            return np.asarray(values > 0.5)
        if least == 0 or most in (1, 255):
            return present
    if values.dtype.kind == "f" and least >= 0 and most <= 1:
        return np.asarray(values > 0.5)
    raise MaskError(f"{kind} has values from {least:g} to {most:g}; a mask has two values: compare it with a threshold")


class Convention:
    """What the files of one folder tell together of what their levels mean; they are told in their order.

    `probabilities`: whether levels are known to be probabilities.
    """

    def __init__(self, *, probabilities: bool = False) -> None:
        self.probabilities = probabilities
        self.files: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.alpha = 0
        self._numbered = 0
        self._first: dict[Kind, str] = {}
        self._codes: set[int] = set()
        self._constants: dict[int, str] = {}
        self._closed = False
        self._withdrawn = False

    def takes(self, reading: PictureKind, file: str) -> bool:
        """Learn from a file; return whether its own mask stands, False where it says that nothing is there."""
        if reading.kind is Kind.PLAIN and not reading.by_alpha:
            return True
        low = reading.level * 2 <= reading.full
        if not self._closed:
            self.files[reading.kind] += 1
            self.alpha += reading.by_alpha
            self._numbered += reading.numbered
            self._first.setdefault(reading.kind, file)
            if reading.kind is Kind.CODED:
                self._codes.add(reading.level)
            if reading.kind is Kind.CONSTANT and not (low and self.probabilities):
                self._constants.setdefault(reading.level, file)
        if reading.kind in (Kind.CODED, Kind.CONSTANT) and low:
            if not self.probabilities:
                self._withdrawn = True
            return not self.probabilities
        return reading.kind is not Kind.DIM

    def stands(self) -> bool:
        """Return whether every answer given stands, asked once all files were told; False: tell them again to `again()`.

        Raises PredictionError where a file has no meaning among the others.
        """
        self._closed = True
        soft = self.files[Kind.SOFT] > 0
        if soft and self._numbered == self.files[Kind.SOFT]:
            raise PredictionError(
                f"{self._first[Kind.SOFT]}: has the greatest level and a few of the least, as object numbers beside void pixels are; {_ADVICE}"
            )
        if soft and not self.probabilities and (self._withdrawn or self._constants):
            return False
        for level, file in self._constants.items():
            if soft or level not in self._codes:
                raise PredictionError(
                    f"{file}: has the level {level} all over, which says neither referent nor background; {_ADVICE}"
                )
        if self.files[Kind.DIM] and not soft:
            raise PredictionError(
                f"{self._first[Kind.DIM]}: has several levels, none above one half (numbers of objects, or a mask in another scale?); "
                f"{_ADVICE}"
            )
        if self.alpha and self.files[Kind.BLACK]:
            raise PredictionError(
                f"{self._first[Kind.BLACK]}: is black all over and hides nothing, while other files have their masks in the alpha "
                f"channel; {_ADVICE}"
            )
        return True

    def again(self) -> "Convention":
        """Return what is to be told all files again, knowing that levels are probabilities."""
        return Convention(probabilities=True)

    def notes(self) -> list[str]:
        """Return what a user should know of how the files were read."""
        found = []
        if self.files[Kind.SOFT]:
            many = self.files[Kind.SOFT] + self.files[Kind.DIM]
            found.append(f"{many} masks have more than two levels: the referent is where they are above one half")
        if self.alpha:
            found.append(f"{self.alpha} masks were read from the alpha channel")
        return found


def _colour(colour: Values) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour)
