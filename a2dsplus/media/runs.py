"""Many masks at once as sorted run boundaries: decoded from COCO run lengths, measured and intersected without pixels.

N masks, K boundaries. A mask's pixels are numbered down its columns (column * H + row), as COCO counts them. The masks of
a batch stand end to end on one line: mask n occupies [offsets[n], offsets[n + 1]). On that line the boundaries come in
pairs (first pixel of a run of foreground, first pixel after it), ascending. Everything is integer arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import MaskError

Ints = npt.NDArray[np.int64]
_LONGEST = 7  # characters a count can take: 35 bits


class RunError(MaskError):
    """Run lengths that describe no mask; `index` is the mask's place in the batch, `reason` what is wrong with it."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"mask {index}: {reason}")
        self.index = index
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """A batch of masks. `boundaries`: (K,) ascending, two a run; `index`: (N + 1,) where each mask's begin; `offsets`: (N + 1,)."""

    boundaries: Ints
    index: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def areas(self) -> Ints:
        """Return each mask's number of pixels, (N,)."""
        return _segment_sums(self.boundaries[1::2] - self.boundaries[::2], self.index // 2)

    def areas_within(self, first: Ints, stop: Ints) -> Ints:
        """Return each mask's pixels whose number, in its own frame, lies in [first, stop), both (N,). Shape (N,)."""
        runs = np.diff(self.index) // 2
        low = np.repeat(self.offsets[:-1] + first, runs)
        high = np.repeat(self.offsets[:-1] + stop, runs)
        inside = np.minimum(self.boundaries[1::2], high) - np.maximum(self.boundaries[::2], low)
        return _segment_sums(np.maximum(inside, 0), self.index // 2)

    def of(self, mask: int) -> Ints:
        """Return one mask's runs in its own pixel numbers, (runs, 2): first pixel, first pixel after."""
        own = self.boundaries[self.index[mask] : self.index[mask + 1]]
        out: Ints = (own - self.offsets[mask]).reshape(-1, 2)
        return out


def from_counts(counts: Sequence[str], pixels: Ints) -> Runs:
    """Return the masks of COCO's compressed count strings; `pixels`: (N,) the H * W that each must fill.

    Raises RunError for the first mask whose string is malformed, whose counts are negative or do not add up to its pixels.
    """
    _, offsets = _line(pixels)
    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    try:
        text = np.frombuffer("".join(counts).encode("ascii"), np.uint8) - np.uint8(48)
    except UnicodeEncodeError:
        wrong = next(i for i, string in enumerate(counts) if not string.isascii())
        raise RunError(wrong, "its counts hold a character that is not ASCII") from None
    last_character = np.cumsum(lengths) - 1
    if not lengths.all():
        raise RunError(int(np.argmin(lengths)), "its counts are empty")
    if not len(text):
        return Runs(boundaries=np.zeros(0, np.int64), index=np.zeros(1, np.int64), offsets=offsets)
    if text.max() > 63:
        raise RunError(_owner(last_character, np.argmax(text > 63)), "its counts hold a character COCO does not use")
    if (text[last_character] > 31).any():
        raise RunError(int(np.argmax(text[last_character] > 31)), "its counts are cut off inside a number")
    values, ends = _numbers(text, last_character)
    first = np.searchsorted(ends, last_character - lengths + 1)
    index = np.append(first, len(ends))
    return _from_lengths(_undo_differences(values, index), index, pixels, offsets)


def from_lengths(lengths: Sequence[Sequence[int]], pixels: Ints) -> Runs:
    """Return the masks of uncompressed COCO run lengths, background first. Raises RunError as `from_counts` does."""
    _, offsets = _line(pixels)
    index = np.concatenate([[0], np.cumsum([len(own) for own in lengths])]).astype(np.int64)
    if len(lengths) and (empty := np.diff(index) == 0).any():
        raise RunError(int(np.argmax(empty)), "its counts are empty")
    flat = np.fromiter(chain.from_iterable(lengths), np.int64, int(index[-1]))
    return _from_lengths(flat, index, pixels, offsets)


def from_runs(runs: Sequence[Ints], pixels: Ints) -> Runs:
    """Return the masks of (runs, 2) arrays as `Runs.of` gives them; `pixels`: (N,)."""
    _, offsets = _line(pixels)
    index = np.concatenate([[0], np.cumsum([own.size for own in runs])]).astype(np.int64)
    shifted = [own.ravel() + offset for own, offset in zip(runs, offsets[:-1], strict=True)]
    boundaries = np.concatenate(shifted) if shifted else np.zeros(0, np.int64)
    return Runs(boundaries=boundaries.astype(np.int64), index=index, offsets=offsets)


def from_mask(mask: npt.NDArray[np.generic]) -> Ints:
    """Return one mask's runs, (runs, 2), as `Runs.of` does. `mask`: (H, W), any dtype; non-zero is foreground.

    Only the columns and rows that hold foreground are searched, so that a small referent costs little.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return np.zeros((0, 2), np.int64)
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return from_crop(mask[top:bottom, left:right], top=top, left=left, height=mask.shape[0])


def from_crop(crop: npt.NDArray[np.generic], *, top: int, left: int, height: int) -> Ints:
    """Return the runs, (runs, 2), of a mask of `height` rows that is background but for `crop`, which lies at (top, left)."""
    rows, columns = crop.shape
    # A background row above and below, so that no run crosses from a column into the next.
    padded = np.zeros((rows + 2, columns), bool)
    padded[1:-1] = crop
    row, column = np.divmod(np.flatnonzero(padded[1:] != padded[:-1]), columns)
    boundaries = (column + left) * height + row + top
    boundaries.sort()
    return boundaries.reshape(-1, 2)


def to_mask(runs: Ints, *, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return one mask's pixels, bool (H, W), from its runs (runs, 2)."""
    steps = np.zeros(height * width + 1, np.int8)
    np.add.at(steps, runs[:, 0], 1)
    np.add.at(steps, runs[:, 1], -1)
    return np.cumsum(steps[:-1], dtype=np.int8).astype(bool).reshape(width, height).T


def intersections(one: Runs, other: Runs) -> Ints:
    """Return the pixels that each mask of `one` shares with its fellow of `other`, (N,). Both batches have the same offsets."""
    # One sorted line of both batches' boundaries. The number's lowest bit says whose boundary it is; as every mask has an
    # even number of them, a mask is "on" exactly where an odd number of its own boundaries has passed.
    keys = np.concatenate([one.boundaries * 2, other.boundaries * 2 + 1])
    keys.sort(kind="stable")
    if not len(keys):
        return np.zeros(len(one), np.int64)
    of_other = (keys & 1).astype(np.int32)
    other_on = np.cumsum(of_other, dtype=np.int32)
    one_on = np.arange(1, len(keys) + 1, dtype=np.int32) - other_on
    keys >>= 1
    both = (one_on & other_on & 1).astype(bool)
    both[-1] = False
    where = np.flatnonzero(both)
    shared = np.zeros(len(keys), np.int64)
    shared[where] = keys[where + 1] - keys[where]
    return _segment_sums(shared, one.index + other.index)


def without(masks: Runs, others: Runs) -> Runs:
    """Return each mask less the pixels of its fellow of `others`. Both batches have the same offsets."""
    pixels = np.diff(masks.offsets)
    kept = []
    for mask, length in enumerate(pixels.tolist()):
        own, taken = (to_mask(batch.of(mask), height=length, width=1) for batch in (masks, others))
        kept.append(from_mask(own & ~taken))
    return from_runs(kept, pixels)


def _line(pixels: Ints) -> tuple[Ints, Ints]:
    return pixels, np.concatenate([[0], np.cumsum(pixels)]).astype(np.int64)


def _owner(last_character: Ints, character: np.intp) -> int:
    return int(np.searchsorted(last_character, character))


def _numbers(text: npt.NDArray[np.uint8], last_character: Ints) -> tuple[Ints, Ints]:
    """Return the signed numbers of the text, (K,), and the place of each one's last character, (K,).

    A number is written five bits a character, the lowest first; bit 5 says that more follow, bit 4 of the last is the sign.
    """
    more = text > 31
    ends = np.flatnonzero(~more)
    digits = (text & 31).view(np.int8)
    values = ((digits ^ 16) - 16)[ends].astype(np.int64)  # the last character's five bits, signed
    longer, place = (
        np.flatnonzero(more[ends - 1]),
        1,
    )  # before the first character stands, by index -1, one without more
    while len(longer):
        if place == _LONGEST:
            raise RunError(_owner(last_character, ends[longer[0]]), "one of its counts has more than 35 bits")
        before = ends[longer] - place
        values[longer] = (values[longer] << 5) | digits[before]
        longer, place = longer[more[before - 1]], place + 1
    return values, ends


def _undo_differences(values: Ints, index: Ints) -> Ints:
    """Return run lengths from numbers stored as differences: the fourth onward stands for its change from two before it."""
    lengths = values.copy()
    first, stop = index[:-1], index[1:]
    for parity in (0, 1):
        sums = np.cumsum(values[parity::2])
        begin = (first - parity + 1) // 2
        many = (stop - parity + 1) // 2 - begin
        filled = many > 0
        begin, many = begin[filled], many[filled]
        # A mask's very first number belongs to no chain: the chain of its parity starts with the one two after it.
        alone = 2 * begin + parity == first[filled]
        base = sums[begin] - np.where(alone, 0, values[parity::2][begin])
        lengths[parity::2] = sums - np.repeat(base, many)
    lengths[first] = values[first]
    return lengths


def _from_lengths(lengths: Ints, index: Ints, pixels: Ints, offsets: Ints) -> Runs:
    if not len(lengths):
        return Runs(boundaries=np.zeros(0, np.int64), index=np.zeros(1, np.int64), offsets=offsets)
    if lengths.min() < 0:
        wrong = int(np.searchsorted(index, np.argmax(lengths < 0), side="right")) - 1
        raise RunError(wrong, "one of its counts is negative")
    if lengths.max() > 1 << 35:
        wrong = int(np.searchsorted(index, np.argmax(lengths), side="right")) - 1
        raise RunError(wrong, "one of its counts has more than 35 bits")
    ends = np.cumsum(lengths)
    if not np.array_equal(ends[index[1:] - 1], offsets[1:]):
        totals = np.diff(ends[index[1:] - 1], prepend=0)
        wrong = int(np.argmax(totals != pixels))
        raise RunError(wrong, f"its counts add up to {totals[wrong]} pixels, its size has {pixels[wrong]}")
    # An odd number of runs ends with background, whose end bounds no foreground.
    many = np.diff(index)
    odd = (many & 1).astype(bool)
    keep = np.ones(len(ends), bool)
    keep[index[1:][odd] - 1] = False
    return Runs(boundaries=ends[keep], index=np.concatenate([[0], np.cumsum(many - odd)]), offsets=offsets)


def _segment_sums(values: Ints, index: Ints) -> Ints:
    """Return the sum of each segment values[index[n]:index[n + 1]], (N,), also of empty ones."""
    running = np.concatenate([[0], np.cumsum(values)])
    out: Ints = running[index[1:]] - running[index[:-1]]
    return out
