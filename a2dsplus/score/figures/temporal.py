"""When a mask fires against when it should: tIoU and vIoU of each query, as Long-RVOS defines them."""

import numpy as np

from a2dsplus.media.runs import Ints
from a2dsplus.score.readers.base import Floats


def temporal_ious(predicted: Ints, true: Ints, ious: Floats, *, query_of: Ints, queries: int) -> tuple[Floats, Floats]:
    """Return tIoU and vIoU of each query, both (queries,).

    `predicted`, `true`: pixels of each unit's masks, (N,); `ious`: of each unit, (N,); `query_of`: each unit's query, (N,). tIoU: frames
    where both fire over frames where either does. vIoU: mask IoU of the former, summed, over the number of the latter. Both are 1 for
    a query where neither fires on any frame.
    """
    fires, should = predicted > 0, true > 0
    either = np.bincount(query_of, weights=fires | should, minlength=queries)
    both = np.bincount(query_of, weights=fires & should, minlength=queries)
    overlap = np.bincount(query_of, weights=np.where(fires & should, ious, 0.0), minlength=queries)
    silent = either == 0
    frames = np.maximum(either, 1)
    return np.where(silent, 1.0, both / frames), np.where(silent, 1.0, overlap / frames)
