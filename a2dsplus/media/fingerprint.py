"""What a clip's decoded frames are, as one hash, and which and where they are, should another decoder or another download give others.

Beside the hash a fingerprint has a mark of each frame, which tells frames that are not the same, and the brightness of its four quarters:
enough to find by how many frames one clip is shifted against another, though every pixel was coded anew.
"""

import hashlib
import re
from dataclasses import asdict, dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import WorkspaceError
from a2dsplus.media.clips import decode
from a2dsplus.media.picture import planes
from a2dsplus.records import Clip

_SHA = re.compile("[0-9a-f]{64}")
_MARK, _QUARTERS = 4, 16  # hexadecimal digits a frame
# a shift is believed where it explains more than half of the difference
_BELIEVED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """`sha256`: of the sha256 of every frame's planes (Y, U, V; limited BT.601, upright). `marks`: the first 4 hexadecimal digits of each of those.

    `quarters`: of each frame the mean brightness of its upper left, upper right, lower left and lower right quarter, 0..255 in steps of
    1/256, 4 hexadecimal digits each.
    """

    sha256: str
    marks: str
    quarters: str

    @classmethod
    def read(cls, row: object, *, where: str) -> "Fingerprint":
        """Return the fingerprint of a JSON object; raises WorkspaceError, naming `where`, for what is none."""
        try:
            found = cls(**row)  # type: ignore[arg-type]
            frames, rest = divmod(len(found.marks), _MARK)
            if _SHA.fullmatch(found.sha256) and frames and not rest and len(found.quarters) == _QUARTERS * frames:
                bytes.fromhex(found.marks + found.quarters)
                return found
        except (TypeError, ValueError):
            pass
        raise WorkspaceError(f"{where}: not a fingerprint of frames; run `a2dsplus build` again")

    def as_dict(self) -> dict[str, str]:
        """Return the JSON object that `read` reads."""
        return asdict(self)

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return len(self.marks) // _MARK

    @property
    def brightness(self) -> npt.NDArray[np.float64]:
        """The brightness of each frame's quarters, (frames, 4), 0..255."""
        return np.frombuffer(bytes.fromhex(self.quarters), ">u2").reshape(self.frames, 4) / 256

    def shift_to(self, other: "Fingerprint") -> int | None:
        """Return by how many frames the other clip shows the same later (earlier, where negative); None where no shift explains it."""
        one, two = self.brightness, other.brightness
        least = max(1, min(len(one), len(two)) // 2)
        found: dict[int, float] = {}
        for shift in range(least - len(one), len(two) - least + 1):
            first, second = one[max(0, -shift) :], two[max(0, shift) :]
            both = min(len(first), len(second))
            if both >= least:
                found[shift] = float(np.abs(first[:both] - second[:both]).mean())
        best = min(found, key=lambda shift: (found[shift], abs(shift)), default=0)
        return best if best and found[best] < _BELIEVED * found.get(0, np.inf) else None

    def differing(self, other: "Fingerprint") -> list[int]:
        """Return those of the frames that both clips have which are not the same, 1-based."""
        both = range(min(self.frames, other.frames))
        return [index + 1 for index in both if self._mark(index) != other._mark(index)]

    def _mark(self, index: int) -> str:
        return self.marks[_MARK * index : _MARK * (index + 1)]


class FrameHasher:
    """Takes a clip's frames one by one, as `media.clips.decode` shows them to `seen`; `fingerprint` once all are there."""

    def __init__(self) -> None:
        self._digests: list[bytes] = []
        self._quarters: list[str] = []

    def __call__(self, index: int, frame: av.VideoFrame) -> None:
        """Take the next frame; `index`: 0-based, ascending by one, or it raises ValueError."""
        if index != self.frames:
            raise ValueError(f"frame {index} after {self.frames} frames")
        views = planes(frame)
        digest = hashlib.sha256()
        for plane in views:
            digest.update(np.ascontiguousarray(plane).data)
        self._digests.append(digest.digest())
        luma, row, column = views[0], (frame.height + 1) // 2, (frame.width + 1) // 2
        parts = (luma[:row, :column], luma[:row, column:], luma[row:, :column], luma[row:, column:])
        # a picture of one row or one column has empty quarters
        means = (int(cv2.sumElems(part)[0]) * 256 // part.size if part.size else 0 for part in parts)
        self._quarters.append("".join(f"{mean:04x}" for mean in means))

    @property
    def frames(self) -> int:
        """How many frames were taken."""
        return len(self._digests)

    def fingerprint(self) -> Fingerprint:
        """Return the clip's fingerprint."""
        return Fingerprint(
            sha256=hashlib.sha256(b"".join(self._digests)).hexdigest(),
            marks="".join(digest.hex()[:_MARK] for digest in self._digests),
            quarters="".join(self._quarters),
        )


def fingerprint(clip: Clip) -> Fingerprint:
    """Return the fingerprint of a clip, of which every frame is decoded. Raises ClipError."""
    hasher = FrameHasher()
    for index, frame in enumerate(decode(clip)):
        hasher(index, frame)
    return hasher.fingerprint()
