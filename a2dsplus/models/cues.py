"""What a caption says of its referent besides its class, and how well candidates of a video fit that: colour, place, motion, size.

A caption's cue is an open guess, never a filter: candidates are ranked, none is struck out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""

_COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "grey", "gray", "black"]
_PLACES = {
    "left": r"(?:on|at|in) (?:the )?(?:far |very )?left\b|\bleft ?-?most|\bleft (?:side|hand|corner)|^left\b|\bthe left (?!to)",
    "right": r"(?:on|at|in) (?:the )?(?:far |very )?right\b|\bright ?-?most|\bright (?:side|hand|corner)|^right\b|\bthe right (?!to)",
    "middle": r"\b(?:middle|cent(?:er|re))\b",
    "front": r"\b(?:front|foreground)\b|\bclosest\b|\bnearest\b",
    "back": r"\b(?:back|background|behind|distance|far away)\b",
    "top": r"\b(?:top|upper|above)\b",
    "bottom": r"\b(?:bottom|lower|below)\b",
}
_TO = r"\b(?:to|towards?) (?:the )?"
_COURSES = {
    "left": _TO + r"left\b",
    "right": _TO + r"right\b",
    "up": r"\b(?:up|upwards?)\b",
    "down": r"\b(?:down|downwards?)\b",
}
_LASTING = 0.4  # in T half of the frames are another video's
_MOVING = re.compile(
    r"\b(?:run|walk|jump|fly|roll|crawl|climb|rid|driv|danc|rac|chas|swim|skat|jog|hop|mov|leap|bounc|flip|spin|turn|fall|tumbl|slid|cross)\w*"
)
_STILL = re.compile(r"\b(?:stand|sit|lie|lying|lay|sleep|rest|wait|watch|park|look|still|pos)(?:s|ing|ed|ting)?\b")
_SMALL = re.compile(r"\b(?:small|smaller|smallest|little|tiny|short|baby|young)\b")
_LARGE = re.compile(r"\b(?:big|bigger|biggest|large|larger|largest|tall|huge|adult|fat)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """What a caption says. `moving`: whether it moves, None where nothing is said; `large`: likewise."""

    colours: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    courses: frozenset[str] = frozenset()
    moving: bool | None = None
    large: bool | None = None


@dataclass(slots=True, kw_only=True)
class Candidate:
    """Something that may be the referent, through a video. `score` in [0, 1]: the detector's. By 0-based frame: its box, and how far its
    centre has moved by itself since the frame before in which it was seen, in pixels a frame; `colours`: share of its pixels a colour, in [0, 1]."""

    boxes: dict[int, Box] = field(default_factory=dict)
    moves: dict[int, tuple[float, float]] = field(default_factory=dict)
    colours: dict[str, float] = field(default_factory=dict)
    score: float = 0.0


def read_cues(text: str) -> Cues:
    """Return what a caption says of its referent."""
    said = " ".join(text.lower().split())
    words = set(re.findall(r"[a-z]+", said))
    still, moving = _STILL.search(said), _MOVING.search(said)
    # the verb nearest the beginning is the referent's: "a man standing by a running horse"
    first = (
        min((found.start(), kind) for found, kind in ((moving, True), (still, False)) if found)
        if moving or still
        else None
    )
    small, large = _SMALL.search(said), _LARGE.search(said)
    return Cues(
        colours=frozenset("grey" if colour == "gray" else colour for colour in _COLOURS if colour in words),
        places=frozenset(name for name, pattern in _PLACES.items() if re.search(pattern, said)),
        courses=frozenset(name for name, pattern in _COURSES.items() if re.search(pattern, said)),
        moving=None if first is None else first[1],
        large=None if bool(small) == bool(large) else bool(large),
    )


def rank(candidates: Sequence[Candidate], cues: Cues, *, height: int, width: int, frames: int) -> list[float]:
    """Return how well each candidate fits, the more the better: the mean of its detector's score and of each cue that the caption gives,
    all in [0, 1], times how lasting it is, 1 from two fifths of the frames looked at, `frames`, on: what flickers is mostly a mistake.
    Size and motion are measured against the other candidates'."""
    lasting = [min(1.0, len(candidate.boxes) / max(1.0, _LASTING * frames)) for candidate in candidates]
    largest = max((_area(candidate) for candidate in candidates), default=1.0) or 1.0
    fastest = max(
        (_speed(candidate) * share for candidate, share in zip(candidates, lasting, strict=True)), default=0.0
    )
    ranks = []
    for candidate, share in zip(candidates, lasting, strict=True):
        terms = [candidate.score]
        if cues.colours:
            terms.append(min(1.0, 4 * max(candidate.colours.get(colour, 0.0) for colour in cues.colours)))
        terms += [_place(candidate, place, height, width) for place in sorted(cues.places)]
        if cues.moving is not None:
            pace = min(1.0, _speed(candidate) / fastest) if fastest > 0 else 0.0
            terms.append(pace if cues.moving else 1 - pace)
        terms += [_course(candidate, course) for course in sorted(cues.courses)]
        if cues.large is not None:
            size = _area(candidate) / largest
            terms.append(size if cues.large else 1 - size)
        ranks.append(float(np.mean(terms)) * (0.2 + 0.8 * share))
    return ranks


def named_colours(pixels: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Return the share of each colour that captions name among RGB pixels, uint8 (n, 3)."""
    if not len(pixels):
        return {}
    hue, saturation, value = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2HSV)[0].astype(int).T  # hue in 0..179
    vivid = (saturation > 70) & (value > 50)
    bounds: Mapping[str, tuple[int, int]] = {
        "yellow": (20, 34),
        "green": (34, 85),
        "blue": (85, 130),
        "purple": (130, 150),
        "pink": (150, 172),
    }
    shares = {name: float((vivid & (hue >= low) & (hue < high)).mean()) for name, (low, high) in bounds.items()}
    shares["orange"] = float((vivid & (value > 160) & (hue >= 8) & (hue < 20)).mean())
    shares["red"] = float((vivid & ((hue < 8) | (hue >= 172))).mean())
    shares["brown"] = float(((saturation > 60) & (hue >= 4) & (hue < 22) & (value > 30) & (value < 160)).mean())
    shares["white"] = float(((saturation < 45) & (value > 175)).mean())
    shares["black"] = float((value < 55).mean())
    shares["grey"] = float(((saturation < 40) & (value >= 55) & (value <= 175)).mean())
    return shares


def _place(candidate: Candidate, place: str, height: int, width: int) -> float:
    boxes = np.array(list(candidate.boxes.values()), float)
    x = float((boxes[:, 0] + boxes[:, 2]).mean()) / (2 * width)
    y = float((boxes[:, 1] + boxes[:, 3]).mean()) / (2 * height)
    foot = float(boxes[:, 3].mean()) / height
    fit = {
        "left": 1 - x,
        "right": x,
        "middle": 1 - abs(2 * x - 1),
        "front": foot,
        "back": 1 - foot,
        "top": 1 - y,
        "bottom": y,
    }
    return min(1.0, max(0.0, fit[place]))


def _course(candidate: Candidate, course: str) -> float:
    if not candidate.moves:
        return 0.5
    x, y = np.array(list(candidate.moves.values()), float).sum(0)
    along = {"left": -x, "right": x, "up": -y, "down": y}[course]
    return float(0.5 + 0.5 * along / (np.hypot(x, y) + 1e-6))


def _speed(candidate: Candidate) -> float:
    """Return the mean path a frame, in units of the candidate's own size."""
    if not candidate.moves:
        return 0.0
    return float(
        np.hypot(*np.array(list(candidate.moves.values()), float).T).mean() / (np.sqrt(_area(candidate)) + 1e-6)
    )


def _area(candidate: Candidate) -> float:
    boxes = np.array(list(candidate.boxes.values()), float)
    return float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).mean()) if len(boxes) else 0.0
