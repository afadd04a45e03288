"""Which frame a name means: positions from 1, as all our files have them; what plainly counts from 0 is shifted; a source's own names."""

from collections.abc import Collection, Mapping, Sequence

from a2dsplus.errors import PredictionError, listed
from a2dsplus.score.truth import Truth

Asked = tuple[str, str]  # a query as the scorer has it: (sample, expression)
_NOTE = "its frames are numbered from 0: each mask was taken for the frame after its number"
_BY_NAME = "its frames are called as the source calls them: each mask was taken for the frame of its name"


class Numbering:
    """How the predictions of one folder or file call their frames.

    `given`: the names, or the numbers, of each query's frames. `where`: the folder or file, for messages. `names`: {sample: what its
    source calls its frames, in order}, of samples that have such names. `note`: what to tell a user, or "". Raises PredictionError
    where names are neither, where some queries count from 1 and some from 0, or where it cannot be told.
    """

    def __init__(
        self,
        given: Mapping[Asked, Collection[str | int]],
        truth: Truth,
        *,
        where: object,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.note = ""
        self._shift = 0
        self._places: dict[str, dict[str, int]] = {}
        own = {query: frames for query, frames in given.items() if query in truth.by_name}
        evaluated = {query: [frame for frame in truth.by_name[query] if frame is not None] for query in own}
        numbers = {
            query: {number for name in frames if (number := _number(name)) is not None} for query, frames in own.items()
        }
        covered = {
            shift: {query: sum(frame - shift in numbers[query] for frame in evaluated[query]) for query in own}
            for shift in (0, 1)
        }
        places = {
            sample: {name: place for place, name in enumerate(of_sample, 1)}
            for sample, of_sample in (names or {}).items()
        }
        if self._named(own, evaluated, places, sum(covered[0].values())):
            self._places, self.note = places, f"{where}: {_BY_NAME}"
            return
        odd = [
            f"{sample}/{expression}/{name}"
            for (sample, expression), frames in own.items()
            for name in frames
            if _number(name) is None
        ]
        if odd:
            raise PredictionError(
                f"{where}: {len(odd)} names are no frame number, expected one such as 00001: {listed(odd)}"
            )
        if any(0 in of_query for of_query in numbers.values()):
            worse = [
                f"{sample}/{expression}"
                for sample, expression in own
                if covered[1][sample, expression] < covered[0][sample, expression]
            ]
            if worse:
                raise PredictionError(
                    f"{where}: some predictions have a frame 0 and others count from 1 ({listed(worse)}); number frames from 1, five digits wide"
                )
            self._shift, self.note = 1, f"{where}: {_NOTE}"
        elif sum(covered[0].values()) < len(truth) == sum(covered[1].values()):
            raise PredictionError(
                f"{where}: all {len(truth)} evaluated frames are there under the number before, as if frames were counted from 0 and some "
                "left out; number frames from 1, five digits wide"
            )

    def frame(self, sample: str, name: str | int) -> int | None:
        """Return the 1-based frame that a name means, None where it means none of the sample."""
        if sample in self._places:
            return self._places[sample].get(str(name))
        number = _number(name)
        return None if number is None else number + self._shift

    @staticmethod
    def _named(
        own: Mapping[Asked, Collection[str | int]],
        evaluated: Mapping[Asked, list[int]],
        places: Mapping[str, Mapping[str, int]],
        by_number: int,
    ) -> bool:
        """Whether all names are the source's own and give more of what is evaluated than numbers do."""
        covered = 0
        for query, frames in own.items():
            places_of = places.get(query[0])
            if places_of is None or not all(name in places_of for name in frames):
                return False
            covered += len(set(evaluated[query]) & {places_of[str(name)] for name in frames})
        return covered > by_number


def _number(name: str | int) -> int | None:
    if isinstance(name, int):
        return name
    return int(name) if name.isascii() and name.isdigit() and len(name) < 10 else None
