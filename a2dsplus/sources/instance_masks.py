"""One annotated frame of A2D-Sentences: an HDF5 file of instance ids and masks, looked at before anything of it is read.

`instance` is (N,), `reMask` (N, W, H), or (W, H) where the frame has one instance.
"""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from a2dsplus.errors import AnnotationError
from a2dsplus.media.hdf5 import plain_array
from a2dsplus.media.masks import Rle, encode

_MOST_CELLS = 1 << 26  # two instances of 4096x8192 pixels
_MOST_INSTANCES = 1 << 12
_ADVICE = "restore the file or leave the video out with --skip-bad"


def read_instance_masks(path: Path) -> dict[str, Rle]:
    """Return an annotated frame's masks by instance id, (H, W) each; of an instance listed twice the first.

    `reMask` may be soft, 0 to 1: above 0.5 is the instance. Raises AnnotationError for a file that is none, is damaged, lacks a key, declares
    too much, keeps values elsewhere, or has ids that are no whole numbers or masks that have more than two values.
    """
    if not path.is_file():
        raise AnnotationError(f"{path}: not a file; {_ADVICE}")
    try:
        with h5py.File(path, "r") as file:
            absent = [key for key in ("instance", "reMask") if key not in file]
            if absent:
                raise AnnotationError(f"{path}: has no key {' and no key '.join(absent)}; {_ADVICE}")
            instance = plain_array(path, file, "instance", kinds="iuf", most=_MOST_INSTANCES, advice=_ADVICE)
            stored = plain_array(path, file, "reMask", kinds="biuf", most=_MOST_CELLS, advice=_ADVICE)
            count, shape = math.prod(instance.shape), stored.shape
            if not (len(shape) == 3 and shape[0] == count) and not (len(shape) == 2 and count == 1):
                raise AnnotationError(
                    f"{path}: reMask of shape {shape} does not fit {count} instances, expected (N, W, H); {_ADVICE}"
                )
            names, masks = np.asarray(instance[()]).reshape(-1), np.asarray(stored[()])
    except AnnotationError:
        raise
    except Exception as error:  # a damaged file makes h5py raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise AnnotationError(f"{path}: not a readable HDF5 file ({reason:.160}); {_ADVICE}") from error
    if masks.ndim == 2:
        masks = masks[None]
    found: dict[str, Rle] = {}
    for name, mask in zip(names, masks, strict=True):
        instance_id = _whole(path, name)
        if instance_id not in found:
            # (W, H) in C order is (H, W) in the column order that run lengths have: no copy
            found[instance_id] = encode(_two_values(path, instance_id, mask).T)
    return found


def _whole(path: Path, value: np.generic) -> str:
    """Return an instance id as text; raises AnnotationError for NaN, an infinity, a fraction, a negative number."""
    number = float(value)
    if not math.isfinite(number) or number != int(number) or not 0 <= number < 1 << 31:
        raise AnnotationError(f"{path}: instance id {value!s:.40} is no whole number from 0; {_ADVICE}")
    return str(int(number))


def _two_values(path: Path, instance: str, mask: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where a mask is the instance; raises AnnotationError where that is not plain."""
    if mask.dtype == np.bool_:
        return mask
    least, greatest = mask.min(), mask.max()
    if not (np.isfinite(least) and np.isfinite(greatest)):
        raise AnnotationError(f"{path}: reMask of instance {instance} has values that are not finite; {_ADVICE}")
    if least >= 0 and greatest <= 1:
        return mask > 0.5
    there: npt.NDArray[np.bool_] = mask != 0
    if least < 0 or not (mask[there] == greatest).all():
        raise AnnotationError(
            f"{path}: reMask of instance {instance} has values from {least} to {greatest}, expected two or 0 to 1; {_ADVICE}"
        )
    return there
