"""What a model's answer says: a mask has two values, and what has more is read for what it plainly means or refused by name.

H, W: the height and width of the frame that was asked for.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.errors import ModelError
from a2dsplus.media.masks import Mask

_HALF = 0.5  # a probability above it is the referent


def read_answer(answer: object, *, height: int, width: int) -> tuple[Mask, float]:
    """Return the mask, bool (H, W), and the confidence, finite, of what a model yields for a frame: a mask, or (mask, confidence).

    A mask is (H, W): bool; or whole numbers, 0 and one other; or real numbers in [0, 1], the referent where they are above 0.5, or 0
    and 255 alone. An array of another library (a torch tensor on any device) is taken as an array. Raises ModelError, its message
    without a place.
    """
    mask, score = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, 1.0)
    try:
        score = float(score)
    except (TypeError, ValueError):
        raise ModelError(f"confidence {score!r}, expected a finite number") from None
    if not np.isfinite(score):
        raise ModelError(f"confidence {score}, expected a finite number")
    return _two_values(_array(mask), (height, width)), score


def _array(mask: Any) -> npt.NDArray[Any]:
    if hasattr(
        mask, "detach"
    ):  # a torch tensor, which numpy takes neither from a device nor with a gradient or in bfloat16
        mask = mask.detach().cpu()
        mask = mask.float() if mask.is_floating_point() else mask
    return np.asarray(mask)


def _two_values(mask: npt.NDArray[Any], size: tuple[int, int]) -> Mask:
    kind = f"mask of shape {mask.shape} and type {mask.dtype}"
    if mask.shape != size:
        raise ModelError(f"{kind}, expected shape {size}")
    if mask.dtype == np.bool_:
        return mask
    if mask.dtype.kind in "iu":
        values = np.unique(mask)
        if len(values) > 2 or (len(values) == 2 and values[0] != 0 and values[1] != 0):
            raise ModelError(
                f"{kind} has {len(values)} values, {values[0]} to {values[-1]}; expected 0 and one other: compare it with a threshold"
            )
        return np.asarray(mask != 0)
    if mask.dtype.kind != "f":
        raise ModelError(f"{kind}, expected bool, whole numbers (0 and one other), or probabilities in [0, 1]")
    least, most = float(mask.min()), float(mask.max())  # NaN, if there is one
    if np.isnan(least) or np.isnan(most):
        raise ModelError(
            f"{kind} has {int(np.isnan(mask).sum())} values that are no number (NaN); the network has diverged"
        )
    if least >= 0 and most <= 1:
        return np.asarray(mask > _HALF)
    if np.isin(mask, (0, 255)).all():
        return np.asarray(mask > 0)
    raise ModelError(
        f"{kind} has values from {least:.3g} to {most:.3g}, expected probabilities in [0, 1]; compare logits with 0"
    )


def wished(function: Callable[..., Any], offers: Mapping[str, object]) -> dict[str, object]:
    """Return those of the offered keyword arguments that a function's signature names: who does not ask is not given."""
    try:
        named = signature(function).parameters
    except (TypeError, ValueError):  # no signature to be had, as of some compiled functions
        return {}
    given = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return {name: value for name, value in offers.items() if name in named and named[name].kind in given}
