"""The conventions in which the field's numbers are computed, and the signature that says which one a score used."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints
from a2dsplus.media.segments import Resize
from a2dsplus.version import __version__

# Thresholds in hundredths, so that "more than 0.7" is a question about whole numbers of pixels.
FIVE = (50, 60, 70, 80, 90)
TEN = (50, 55, 60, 65, 70, 75, 80, 85, 90, 95)

Missing = Literal["error", "empty"]


class Protocol(StrEnum):
    """Whose definitions P@K, mAP and an empty union follow."""

    PAPER = "paper"
    RELEASED = "released"
    MTTR = "mttr"
    JHMDB = "jhmdb"
    YTVOS = "ytvos"
    MEVIS = "mevis"
    DAVIS = "davis"


# What each protocol's main figure is, in words for the signature and the reports.
MEANS = {
    Protocol.PAPER: "mAP is the mean of P@K over ten thresholds, 0.50:0.05:0.95",
    Protocol.RELEASED: "mAP is the mean of P@K over five thresholds, 0.5:0.1:0.9",
    Protocol.MTTR: "mAP is COCO average precision over every scored mask, 0.50:0.05:0.95",
    Protocol.JHMDB: "P@K, oIoU and mIoU are over the sampled frames; mAP is the mean of P@K over ten thresholds, 0.50:0.05:0.95",
    Protocol.YTVOS: "J and F are means over all listed frames of an expression, then over expressions; 1 where both masks are empty",
    Protocol.MEVIS: "J and F are means over all listed frames of an expression, then over expressions; 1 where both masks are empty",
    Protocol.DAVIS: "J and F of Ref-DAVIS17: in each of four runs the objects of a video are matched to the true ones, all frames, void left out; the mean of the runs",
}
_SEQUENCES = ("J", "F", "J&F")
_DIAGNOSED = ("mAP_10", "oIoU", "mIoU", "cgF1", "leak", "pair")
# The figures of a protocol that gives some alone.
_SHOWN = {
    Protocol.JHMDB: ("mAP", "mAP_5", "mAP_10", "P@0.5", "P@0.6", "P@0.7", "P@0.8", "P@0.9", "oIoU", "mIoU"),
    Protocol.YTVOS: _SEQUENCES,
    Protocol.MEVIS: _SEQUENCES,
    Protocol.DAVIS: _SEQUENCES,
}

TRAPS = (
    "> or >=: paper and mttr count IoU > K, released counts IoU >= K",
    "five thresholds or ten: LOCATER's published mAP is the mean of five P@K (here mAP_5), the rows beside it in Tables 3 "
    "and 4 use ten (mAP_10)",
    "COCO average precision ranks units by the model's scores (mAP_coco); it is no mean of P@K. Without scores (PNG) its "
    "value depends on the order of the image ids",
    "empty units: IoU is 1 where both masks are empty. Stock COCOeval counts 0 there, so that a perfect model gets 0.5 at best "
    "on T, where half the masks are empty (mAP_cocoeval)",
    "all queries or the best one: a model that gives several scored masks a unit is judged by its best-scored one; the mAP of "
    "mttr and mAP_cocoeval rank all of them",
    "who reads nothing scores too: silence and the actors of one side are printed beside S and T as blind rows; what they reach "
    "says nothing about grounding",
    "MCC and cgF1 ask whether a mask is there when it should be; silence and masks everywhere both score 0",
    "units without a prediction are an error, or empty masks with --missing empty; they are never left out of the mean",
)


def unit_ious(intersection: Ints, union: Ints, *, protocol: Protocol) -> npt.NDArray[np.float64]:
    """Return each unit's IoU, (N,): I / U, 1 where both masks are empty.

    MTTR and ReferFormer add 1e-6 to both and divide in single precision; `mttr` does the same.
    """
    if protocol is Protocol.MTTR:
        single = (intersection.astype(np.float32) + np.float32(1e-6)) / (union.astype(np.float32) + np.float32(1e-6))
        return single.astype(np.float64)
    return np.where(union == 0, 1.0, intersection / np.maximum(union, 1))


def passes(
    intersection: Ints, union: Ints, *, protocol: Protocol, thresholds: tuple[int, ...] = TEN
) -> npt.NDArray[np.bool_]:
    """Return whether each unit's IoU passes each threshold (in hundredths), (N, thresholds)."""
    if protocol is Protocol.MTTR:
        ious = unit_ious(intersection, union, protocol=protocol)
        return ious[:, None] > np.array([threshold / 100 for threshold in thresholds])
    # An empty union is an IoU of 1: one pixel of one.
    scaled = np.where(union == 0, 1, intersection)[:, None] * 100
    bars = np.maximum(union, 1)[:, None] * np.array(thresholds, np.int64)
    return scaled >= bars if protocol is Protocol.RELEASED else scaled > bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a score depends on besides predictions and ground truth."""

    protocol: Protocol = Protocol.PAPER
    missing: Missing = "error"
    resize: Resize = "none"
    seed: int = 0
    resamples: int = 1000

    def shows(self, figure: str) -> bool:
        """Return whether the protocol gives a figure."""
        return self.protocol not in _SHOWN or figure in _SHOWN[self.protocol]

    @property
    def diagnosed(self) -> tuple[str, ...]:
        """The figures by which groups of units are told apart."""
        return _SEQUENCES if self.protocol in _SHOWN and not self.shows("mIoU") else _DIAGNOSED

    def shown(self, figures: dict[str, float | None]) -> dict[str, float | None]:
        """Return those of the figures that the protocol gives."""
        return {name: value for name, value in figures.items() if self.shows(name)}

    def signature(self, *, recipe: str | None = None, pairs: str | None = None) -> str:
        """Return one line that tells a reader how the numbers were made; `recipe`, `pairs`: what the dataset says of itself."""
        if self.shows("mAP"):
            means = {Protocol.RELEASED: "5", Protocol.MTTR: "coco-all-masks"}.get(self.protocol, "10")
            compares = ">=" if self.protocol is Protocol.RELEASED else ">"
            rules = [f"P@K:{compares}", f"mAP:{means}", "unit:query-frame"]
        elif self.protocol is Protocol.DAVIS:
            rules = ["J&F:davis", "objects:matched", "runs:mean-of-4", "unit:video-object-run"]
        else:
            rules = ["J&F:davis", "unit:video-expression"]
        intervals = f"bootstrap:{self.resamples},by:video,seed:{self.seed}" if self.resamples else "bootstrap:none"
        return "|".join(
            (
                f"protocol:{self.protocol}",
                *rules,
                "empty-empty:1",
                f"missing:{self.missing}",
                f"resize:{self.resize}",
                "masks:best-scored",
                *([f"recipe:{recipe}"] if recipe else []),
                *([f"pairs:{pairs}"] if pairs else []),
                intervals,
                f"a2dsplus:{__version__}",
            )
        )
