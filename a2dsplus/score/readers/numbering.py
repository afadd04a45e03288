"""Which frame a number names: ours count from 1; what plainly counts from 0 is shifted by one, what might is refused."""

from collections.abc import Collection, Mapping

from a2dsplus.errors import PredictionError, listed
from a2dsplus.score.truth import Truth

NOTE = "its frames are numbered from 0: each mask was taken for the frame after its number"


def first_frame(given: Mapping[tuple[str, str], Collection[int]], truth: Truth, *, where: object) -> int:
    """Return what predictions call a sample's first frame: 1, or 0 where some have a frame 0.

    `given`: the frame numbers of each query, (sample, expression). `where`: the file or folder, for messages. Raises PredictionError
    where the numbers fit neither, or some queries count from 1 and some from 0.
    """
    evaluated = {query: [frame for frame in units if frame is not None] for query, units in truth.by_name.items()}
    found = {query: set(numbers) for query, numbers in given.items() if query in evaluated}
    from_one = {query: sum(frame in numbers for frame in evaluated[query]) for query, numbers in found.items()}
    from_zero = {query: sum(frame - 1 in numbers for frame in evaluated[query]) for query, numbers in found.items()}
    if any(0 in numbers for numbers in found.values()):
        worse = [
            f"{sample}/{expression}"
            for (sample, expression) in found
            if from_zero[sample, expression] < from_one[sample, expression]
        ]
        if worse:
            raise PredictionError(
                f"{where}: some predictions have a frame 0 and others count from 1 ({listed(worse)}); number frames from 1, five digits wide"
            )
        return 0
    everything = len(truth)
    if sum(from_one.values()) < everything and sum(from_zero.values()) == everything:
        raise PredictionError(
            f"{where}: all {everything} evaluated frames are there under the number before, as if frames were counted from 0 and some "
            "left out; number frames from 1, five digits wide"
        )
    return 1
