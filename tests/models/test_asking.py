"""How a model is asked about a sample: keywords to who names them, several texts in one pass, masks counted."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from a2dsplus.errors import ModelError, PredictionError, UsageError
from a2dsplus.models import RolePhrase, make
from a2dsplus.models.run import Run, predict


def bright(frame: np.ndarray, text: str) -> np.ndarray:
    """Return a mask that depends on frame and text."""
    return np.asarray(frame.mean(-1) + 2 * np.arange(frame.shape[1]) > 60 + 3 * len(text))


class Plain:
    """Bright pixels; the masks of its kin are its own."""

    def __init__(self, *, checkpoint: Path | None, device: str) -> None:
        pass

    def segment(self, video: Any, text: str) -> Iterator[np.ndarray]:
        for frame in video:
            yield bright(frame, text)


class Sparing(Plain):
    """Looks at the wanted frames alone."""

    def segment(self, video: Any, text: str, *, wanted: Sequence[int]) -> Iterator[np.ndarray]:  # type: ignore[override]
        for number, mask in enumerate(super().segment(video, text), 1):
            if number in wanted:
                yield mask


class Together(Plain):
    """All texts in one pass over the video."""

    passes: ClassVar[list[int]] = []

    def segment_all(
        self, video: Any, texts: list[str], *, wanted: Sequence[int], roles: Any
    ) -> Iterator[list[np.ndarray]]:
        self.passes.append(len(texts))
        assert len(roles) == len(texts)
        for number, frame in enumerate(video, 1):
            if number in wanted:
                yield [bright(frame, text) for text in texts]


class Wordy(Plain):
    heard: ClassVar[dict[str, Any]] = {}

    def segment(self, video: Any, text: str, roles: Any = None) -> Iterator[np.ndarray]:
        self.heard[text] = roles
        yield from super().segment(video, text)


class Deaf(Together):
    def segment_all(self, video: Any, texts: list[str]) -> Iterator[Any]:  # type: ignore[override]
        for frame in video:
            yield [bright(frame, "")]


class Sure(Plain):
    """Its confidences are those of one processor or of another."""

    last_digits: ClassVar[float] = 0.0

    def segment(self, video: Any, text: str) -> Iterator[Any]:
        for number, mask in enumerate(super().segment(video, text)):
            yield mask, 0.1 + number * 2e-4 + self.last_digits


class OneTooMany(Plain):
    def segment(self, video: Any, text: str) -> Iterator[np.ndarray]:
        yield np.zeros((video.height, video.width), bool)
        yield from super().segment(video, text)


class OneWantedTooMany(Plain):
    def segment(self, video: Any, text: str, wanted: Sequence[int] = ()) -> list[np.ndarray]:  # type: ignore[override]
        return [np.zeros((video.height, video.width), bool)] * (len(wanted) + 1)


class OneWantedTooFew(Plain):
    def segment(self, video: Any, text: str, wanted: Sequence[int] = ()) -> list[np.ndarray]:  # type: ignore[override]
        return [np.zeros((video.height, video.width), bool)] * (len(wanted) - 1)


class Diverged(Plain):
    def segment(self, video: Any, text: str) -> Iterator[np.ndarray]:
        for _ in range(video.frames):
            yield np.full((video.height, video.width), np.nan)


class Tuned(Plain):
    def __init__(self, *, checkpoint: Path | None, device: str, threshold: float | None = None) -> None:
        self.threshold = threshold


def run(dataset: Path, kind: type, **options: Any) -> Run:
    return Run(model=f"{__name__}:{kind.__name__}", checkpoint=None, dataset=dataset, **options)


def results(dataset: Path, kind: type, out: Path) -> dict[str, bytes]:
    return {name: (out / f"{name}.json").read_bytes() for name in predict(run(dataset, kind), out)}


def test_the_last_digits_of_a_kernel_do_not_rank(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = results(dataset, Sure, tmp_path / "one")
    monkeypatch.setattr(Sure, "last_digits", 3e-6)
    assert results(dataset, Sure, tmp_path / "other") == one
    scores: dict[str, set[float]] = {}
    for row in json.loads(one["M"]):
        frame = row["image_id"].split("/")[1]
        scores.setdefault(frame, set()).add(row["score"])
    assert all(scores[frame] == {round(0.1 + (int(frame) - 1) * 2e-4, 4)} for frame in scores)
    assert len(set().union(*scores.values())) == len(scores) > 1  # what differs by more is still told apart


def test_how_a_model_is_asked_does_not_change_its_masks(dataset: Path, tmp_path: Path) -> None:
    plain = results(dataset, Plain, tmp_path / "plain")
    assert plain == results(dataset, Sparing, tmp_path / "sparing")
    Together.passes.clear()
    assert plain == results(dataset, Together, tmp_path / "together")
    assert Together.passes
    assert min(Together.passes) > 1  # a sample with one query is asked by `segment`
    masks = [row["segmentation"]["counts"] for row in json.loads(plain["M"])]
    assert len(set(masks)) > 4


def test_who_names_roles_is_given_what_the_caption_says(dataset: Path, tmp_path: Path) -> None:
    Wordy.heard.clear()
    predict(run(dataset, Wordy), tmp_path / "p", subsets=["S"])
    roles = Wordy.heard["a boy is running on the grass"]
    assert {(role.slot, role.lemma) for role in roles} == {("who", "boy"), ("verb", "run"), ("where", "on grass")}
    assert all(isinstance(role, RolePhrase) for role in roles)


@pytest.mark.parametrize(
    ("kind", "subset", "words"),
    [
        (OneTooMany, "S", r"query '.*': the model gave more than (\d+) masks, the video has \1 frames"),
        (OneWantedTooMany, "S", r"the model gave more than (\d+) masks, \1 frames were wanted"),
        (OneWantedTooFew, "S", r"the model gave \d+ masks, \d+ frames were wanted"),
        (Diverged, "S", r"frame \d+: mask of shape \(\d+, \d+\) and type float64 has \d+ values that are no number"),
        (Deaf, "M", r"sample aaaaaaaaaaa of M, frame 3: segment_all gave 1 answers, expected a list of 2 answers"),
    ],
)
def test_masks_are_counted_and_read(dataset: Path, tmp_path: Path, kind: type, subset: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        predict(run(dataset, kind), tmp_path / "out", subsets=[subset])


def test_options_go_to_the_model_that_names_them_and_make_the_predictions_its_own(
    dataset: Path, tmp_path: Path
) -> None:
    name = f"{__name__}:Tuned"
    assert make(name, checkpoint=None, device="cpu", options={"threshold": 0.4}).threshold == 0.4  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"--batch: model .*Tuned takes none"):
        make(name, checkpoint=None, device="cpu", options={"batch": 2})
    predict(run(dataset, Tuned, options={"threshold": 0.4, "batch": None}), tmp_path, subsets=["S"])
    with pytest.raises(PredictionError, match=r"with other options \(\{'threshold': 0.4\}\)"):
        predict(run(dataset, Tuned, options={"threshold": 0.5}), tmp_path, subsets=["S"])


def test_an_empty_subset_does_not_stop_the_others(dataset: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(dataset, copy)
    (copy / "M" / "samples.jsonl").write_text("")
    assert predict(run(copy, Plain), tmp_path / "p") == ["S", "T"]
    with pytest.raises(PredictionError, match="has no sample of M"):
        predict(run(copy, Plain), tmp_path / "q", subsets=["M"])
