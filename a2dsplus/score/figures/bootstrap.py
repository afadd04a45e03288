"""Bootstrap over videos: queries and frames of one video stand or fall together, so videos are what is drawn."""

import numpy as np
import numpy.typing as npt

from a2dsplus.score.readers.base import Floats

LEVEL = 0.95


def video_weights(videos: int, *, resamples: int, seed: int, subset: str) -> npt.NDArray[np.int64]:
    """Return how often each resample draws each video, (resamples, videos); the same for the same seed, subset and number of videos."""
    generator = np.random.default_rng([seed, *subset.encode()])
    drawn = generator.integers(0, videos, size=(resamples, videos))
    flat = (drawn + np.arange(resamples)[:, None] * videos).ravel()
    return np.bincount(flat, minlength=resamples * videos).reshape(resamples, videos)


def interval(values: Floats) -> tuple[float, float] | None:
    """Return the percentile interval that holds 95% of the resamples, or None where no resample has the figure."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
