"""Ask a model about a sample: all its queries in one pass where it can, its answers at the evaluated frames as COCO results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from a2dsplus.compose.ground_truth import image_key
from a2dsplus.compose.subset import Subset
from a2dsplus.errors import A2dsplusError, ModelError
from a2dsplus.media.masks import encode
from a2dsplus.models import Model, RolePhrase
from a2dsplus.models.answers import read_answer, wished
from a2dsplus.models.footage import SampleVideo, Unlabelled
from a2dsplus.records import Query, Sample

Row = dict[str, Any]
"""A COCO result: {"image_id", "segmentation", "score"}."""
_END = object()
_DIGITS = 4  # of a score: processors differ in the sixth


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks one model. `roles`: by query id, None where the dataset has none.

    A model that gives a mask for every frame is stopped after the last evaluated one; its masks are counted to the end once for each
    length of video, so that one too many, which may shift them all, does not pass.
    """

    model: Model
    roles: Mapping[str, Sequence[tuple[int, str, str, str, str]]] | None = None
    _counted: set[int] = field(default_factory=set)

    def ask(self, subset: Subset, sample: Sample) -> list[Row]:
        """Return a model's results for all queries of a sample, at their evaluated frames, query by query.

        Raises ModelError where it gives too few or too many masks, one of another size or that says neither yes nor no, or a
        confidence that is no number, or fails.
        """
        video = SampleVideo(subset, sample)
        queries = subset.asked(sample)
        together = getattr(self.model, "segment_all", None) if len(queries) > 1 else None
        if together is None:
            return [row for query in queries for row in self._ask_one(video, subset, sample, query)]
        frames = [video.asked(query) for query in queries]
        offers = {"roles": [self._roles(query) for query in queries]}
        where = f"sample {sample.sample_id} of {subset.name}"
        rows: list[list[Row]] = [[] for _ in queries]
        for number, answers in self._answers(
            together,
            video,
            [query.text for query in queries],
            offers,
            sorted({n for own in frames for n in own}),
            where,
        ):
            if not isinstance(answers, Sequence) or len(answers) != len(queries):
                raise ModelError(
                    f"{where}, frame {number}: segment_all gave {_count(answers)}, expected a list of {len(queries)} answers, one a text"
                )
            for query, own, asked, answer in zip(queries, rows, frames, answers, strict=True):
                if number in asked:
                    own.append(_row(answer, sample, number, query, f"{where}, query {query.text!r}"))
        return [row for own in rows for row in own]

    def _ask_one(self, video: SampleVideo, subset: Subset, sample: Sample, query: Query) -> Iterator[Row]:
        where = f"sample {sample.sample_id} of {subset.name}, query {query.text!r}"
        frames = video.asked(query)
        expression = sample.expression_of(query.query_id)
        offers = {"roles": self._roles(query), "subset": subset.name.value, "expression": expression}
        for number, answer in self._answers(self.model.segment, video, query.text, offers, frames, where):
            yield _row(answer, sample, number, query, where)

    def _roles(self, query: Query) -> tuple[RolePhrase, ...] | None:
        return None if self.roles is None else tuple(RolePhrase(*row) for row in self.roles.get(query.query_id, ()))

    def _answers(
        self,
        method: Any,
        video: SampleVideo,
        said: Any,
        offers: Mapping[str, object],
        needed: Sequence[int],
        where: str,
    ) -> Iterator[tuple[int, Any]]:
        """Yield (frame, answer) of the frames needed, 1-based, ascending."""
        given: Any = video if getattr(self.model, "sees_truth", False) else Unlabelled(video)
        wishes = wished(method, {**offers, "wanted": tuple(needed)})
        sparing = "wanted" in wishes
        expected: Sequence[int] = needed if sparing else range(1, video.frames + 1)
        to_the_end = sparing or video.frames not in self._counted
        last = max(needed, default=0)
        answers: Any = None
        count = 0
        try:
            answers = iter(method(given, said, **wishes))
            for number in expected:
                if number > last and not to_the_end:
                    return
                answer = next(answers, _END)
                if answer is _END:
                    raise ModelError(f"{where}: the model gave {count} masks, {_due(sparing, video, expected)}")
                count += 1
                if number in needed:
                    yield number, answer
            if to_the_end and next(answers, _END) is not _END:
                raise ModelError(f"{where}: the model gave more than {count} masks, {_due(sparing, video, expected)}")
            self._counted.add(video.frames)
        except A2dsplusError:
            raise
        except Exception as error:  # a third party's code may raise anything
            if type(error).__name__ == "OutOfMemoryError":
                raise ModelError(
                    f"{where}: the device's memory is full; a smaller --batch, if the model takes one, needs less"
                ) from error
            raise ModelError(f"{where}: the model failed: {type(error).__name__}: {error}") from error
        finally:
            if hasattr(answers, "close"):
                answers.close()


def uses_roles(model: Model) -> bool:
    """Return whether a model asks for the roles of captions."""
    methods = (model.segment, getattr(model, "segment_all", None))
    return any(wished(method, {"roles": None}) for method in methods if method is not None)


def _row(answer: Any, sample: Sample, frame: int, query: Query, where: str) -> Row:
    try:
        mask, score = read_answer(answer, height=sample.height, width=sample.width)
    except ModelError as error:
        raise ModelError(f"{where}, frame {frame}: {error}") from None
    return {
        "image_id": image_key(sample.sample_id, frame, sample.expression_of(query.query_id)),
        "segmentation": encode(mask),
        "score": round(score, _DIGITS),
    }


def _due(sparing: bool, video: SampleVideo, expected: Sequence[int]) -> str:
    return f"{len(expected)} frames were wanted" if sparing else f"the video has {video.frames} frames"


def _count(answers: object) -> str:
    return f"{len(answers)} answers" if isinstance(answers, Sequence) else type(answers).__name__
