"""`a2dsplus baseline`: models found, run, resumed and scored; what a third party's model may do wrong."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from a2dsplus.engine import LocalEngine
from a2dsplus.errors import A2dsplusError, InputError, ModelError, PredictionError, UsageError
from a2dsplus.models import MODELS, find, footage
from a2dsplus.models.moving import Moving
from a2dsplus.models.run import Run, predict
from a2dsplus.score.evaluation import evaluate


class Whole:
    """A third party's model: everything bright."""

    def __init__(self, *, checkpoint: Path | None, device: str) -> None:
        pass

    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        for frame in video:  # type: ignore[attr-defined]
            yield frame.mean(-1) > 100


class Short(Whole):
    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        yield from list(super().segment(video, text))[:2]


class Narrow(Whole):
    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        for mask in super().segment(video, text):
            yield mask[:, :-1]


class Broken(Whole):
    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        yield next(super().segment(video, text))
        raise KeyError("no such word")


class Peeking(Whole):
    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        yield video.truth(1)  # type: ignore[attr-defined]


class Unsure(Whole):
    """Answers right and wrong in turn; how sure it is of which is told by `sure`: (of the right, of the wrong), or nothing."""

    sees_truth = True
    sure: tuple[float, float] | None = None

    def segment(self, video: object, text: str) -> Iterator[object]:
        for frame in range(1, len(video) + 1):  # type: ignore[arg-type]
            true = video.truth(frame)  # type: ignore[attr-defined]
            wrong = bool(frame % 2)
            mask = ~true if wrong else true
            yield mask if self.sure is None else (mask, self.sure[wrong])


class Honest(Unsure):
    sure = (0.9, 0.1)


class Boasting(Unsure):
    sure = (0.1, 0.9)


class Lost(Unsure):
    sure = (0.5, float("nan"))


class Dying(Whole):
    """Kills its process at the third query it is asked."""

    asked = 0

    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        Dying.asked += 1
        if Dying.asked == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().segment(video, text)


class Counting(Whole):
    asked = 0

    def segment(self, video: object, text: str) -> Iterator[np.ndarray]:
        Counting.asked += 1
        yield from super().segment(video, text)


def named(kind: type) -> str:
    return f"{__name__}:{kind.__name__}"


def run(dataset: Path, model: str, **options: object) -> Run:
    return Run(model=model, checkpoint=None, dataset=dataset, **options)  # type: ignore[arg-type]


# ---- built-in models ---------------------------------------------------------------------------------------------


def test_the_oracle_scores_one_and_only_one(dataset: Path, tmp_path: Path) -> None:
    predict(run(dataset, "oracle"), tmp_path / "o")
    report = evaluate(tmp_path / "o", dataset, resamples=0)
    assert set(report.subsets) == {"M", "S", "T"}
    for score in report.subsets.values():
        for name in ("mAP", "oIoU", "mIoU", "P@0.9", "mAP_coco", "J", "F"):
            assert score.figures[name] == 1.0


def test_empty_and_everything_are_the_floor(dataset: Path, tmp_path: Path) -> None:
    for name in ("empty", "everything"):
        predict(run(dataset, name), tmp_path / name)
    empty, everything = (evaluate(tmp_path / name, dataset, resamples=0).subsets for name in ("empty", "everything"))
    assert empty["S"].figures["mIoU"] == 0
    contrast = sum(
        name.frame is not None and not mask
        for name, mask in zip(empty["T"].truth.names, areas(empty["T"].truth), strict=True)
    )
    assert empty["T"].figures["mIoU"] == pytest.approx(contrast / empty["T"].units)
    share = [
        area / (h * w)
        for area, h, w in zip(
            areas(everything["S"].truth), everything["S"].truth.heights, everything["S"].truth.widths, strict=True
        )
    ]
    assert everything["S"].figures["mIoU"] == pytest.approx(np.mean(share))


def areas(truth: object) -> list[int]:
    return truth.runs(np.arange(len(truth))).areas().tolist()  # type: ignore[attr-defined, arg-type]


class Scene:
    """A textured scene in which one disc moves, and where the camera may move too."""

    sample_id, frames, height, width = "scene", 20, 120, 160

    def __init__(self, pan: float) -> None:
        rng = np.random.default_rng(0)
        import cv2

        self._ground = cv2.GaussianBlur(rng.integers(0, 255, (160, 260, 3), np.uint8), (5, 5), 1.5)
        self._pan = pan

    def centre(self, index: int) -> tuple[float, float]:
        return 30 + 4.5 * index, 60.0

    def mask(self, index: int) -> np.ndarray:
        rows, columns = np.mgrid[: self.height, : self.width]
        x, y = self.centre(index)
        return (columns - x) ** 2 + (rows - y) ** 2 < 15**2

    def __iter__(self) -> Iterator[np.ndarray]:
        for index in range(self.frames):
            left = round(self._pan * index)
            image = self._ground[20 : 20 + self.height, left : left + self.width].copy()
            rows, columns = np.nonzero(self.mask(index))
            x, y = self.centre(index)
            image[rows, columns] = (
                self._ground[(rows - round(y) + 40) % 160, (columns - round(x) + 220) % 260] // 2 + 100
            )
            yield image


@pytest.mark.parametrize("pan", [0.0, 3.0])
def test_moving_finds_what_moves_by_itself(pan: float) -> None:
    scene = Scene(pan)
    masks = list(Moving(checkpoint=None, device="cpu").segment(scene, "a disc"))
    assert len(masks) == scene.frames
    ious = [(m & scene.mask(i)).sum() / (m | scene.mask(i)).sum() for i, m in enumerate(masks)]
    assert np.mean(ious[4:]) > 0.5


def test_moving_answers_also_where_nothing_moves_and_for_one_frame() -> None:
    class Still(Scene):
        def __iter__(self) -> Iterator[np.ndarray]:
            return iter([np.full((self.height, self.width, 3), 90, np.uint8)] * self.frames)

    for count in (1, 2, 5):
        still = Still(0)
        still.frames = count
        masks = list(Moving(checkpoint=None, device="cpu").segment(still, "nothing"))
        assert len(masks) == count
        assert not any(mask.any() for mask in masks)


def test_moving_takes_a_row_of_many_contrasts() -> None:
    class Row(Scene):
        def __iter__(self) -> Iterator[np.ndarray]:
            for image in super().__iter__():
                yield np.concatenate([image] * 14, axis=1)

    row = Row(0)
    row.width *= 14  # at 256 pixels across, 9 high: where OpenCV's flow crashes
    masks = list(Moving(checkpoint=None, device="cpu").segment(row, "a disc"))
    assert [mask.shape for mask in masks] == [(row.height, row.width)] * row.frames


@pytest.mark.slow
def test_locater_runs_with_the_weights_that_ship(dataset: Path, tmp_path: Path) -> None:
    for name in ("locater", "locater-img"):
        assert predict(run(dataset, name), tmp_path / name, subsets=["M"]) == ["M"]
        assert evaluate(tmp_path / name, dataset, resamples=0).subsets["M"].units > 0
        scores = [row["score"] for row in json.loads((tmp_path / name / "M.json").read_text())]
        assert all(0 <= score <= 1 for score in scores)
        assert len(set(scores)) > len(scores) / 2


@pytest.mark.slow
def test_locater_takes_scales_and_flips(dataset: Path, tmp_path: Path) -> None:
    plain = run(dataset, "locater-img")
    many = run(dataset, "locater-img", options={"scales": [0.75, 1.0], "flip": True})
    for name, each in (("plain", plain), ("many", many)):
        predict(each, tmp_path / name, subsets=["M"])
    scores = [json.loads((tmp_path / name / "M.json").read_text()) for name in ("plain", "many")]
    assert scores[0] != scores[1]
    assert json.loads((tmp_path / "many" / "manifest.json").read_text())["options"] == {
        "flip": True,
        "scales": [0.75, 1.0],
    }


def test_average_precision_ranks_by_the_models_confidence(dataset: Path, tmp_path: Path) -> None:
    figures, notes = {}, {}
    for kind in (Unsure, Honest, Boasting):
        predict(run(dataset, named(kind)), tmp_path / kind.__name__, subsets=["S"])
        report = evaluate(tmp_path / kind.__name__, dataset, resamples=0)
        figures[kind] = report.subsets["S"].figures
        notes[kind] = " ".join(report.subsets["S"].notes)
    right = figures[Honest]["P@0.5"]
    assert 0 < right < 1
    assert figures[Honest]["mIoU"] == figures[Boasting]["mIoU"] == figures[Unsure]["mIoU"]
    # the right ones first: precision 1 up to the recall that they reach, of 101 recalls
    assert figures[Honest]["mAP_coco"] == pytest.approx((np.floor(right * 100 + 1e-9) + 1) / 101)
    assert figures[Honest]["mAP_coco"] > figures[Unsure]["mAP_coco"] > figures[Boasting]["mAP_coco"]
    assert "ranks units by image id alone" in notes[Unsure]
    assert "image id alone" not in notes[Honest]


# ---- runs --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_result_does_not_depend_on_workers_or_on_when_it_was_killed(dataset: Path, tmp_path: Path) -> None:
    predict(run(dataset, named(Whole)), tmp_path / "one")
    predict(run(dataset, named(Whole), engine=LocalEngine(workers=2), devices=("cpu", "cpu")), tmp_path / "two")
    child = os.fork()
    if not child:
        predict(run(dataset, named(Dying)), tmp_path / "killed")
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    partial = next((tmp_path / "killed").glob(".*.partial"))
    assert partial.read_bytes().count(b"\n") >= 1
    with partial.open("ab") as file:
        file.write(b'["half a li')
    Dying.asked = 100
    predict(run(dataset, named(Dying)), tmp_path / "killed")
    for name in ("M", "S", "T"):
        whole = (tmp_path / "one" / f"{name}.json").read_bytes()
        assert (tmp_path / "two" / f"{name}.json").read_bytes() == whole
        assert (tmp_path / "killed" / f"{name}.json").read_bytes() == whole
    assert not list((tmp_path / "killed").glob(".*.partial"))


def test_what_is_done_is_not_run_again(dataset: Path, tmp_path: Path) -> None:
    predict(run(dataset, named(Counting)), tmp_path, subsets=["S"])
    first = Counting.asked
    predict(run(dataset, named(Counting)), tmp_path, subsets=["S"])
    assert Counting.asked == first > 0
    predict(run(dataset, named(Counting)), tmp_path, subsets=["S", "T"])
    assert Counting.asked > first
    assert set(evaluate(tmp_path, dataset, resamples=0).subsets) == {"S", "T"}


def test_predictions_of_another_model_or_dataset_are_left_alone(dataset: Path, tmp_path: Path) -> None:
    predict(run(dataset, "empty"), tmp_path / "out", subsets=["S"])
    before = (tmp_path / "out" / "S.json").read_bytes()
    with pytest.raises(PredictionError, match="holds predictions of empty; choose another --out"):
        predict(run(dataset, "everything"), tmp_path / "out")
    note = tmp_path / "out" / "manifest.json"
    stamp = json.loads(note.read_text())
    stamp["ground_truth"]["S"] = "0"
    note.write_text(json.dumps(stamp))
    with pytest.raises(PredictionError, match="predictions for another S"):
        predict(run(dataset, "empty"), tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with pytest.raises(PredictionError, match="is not empty and not of this command"):
        predict(run(dataset, "empty"), tmp_path / "mine")
    assert (tmp_path / "out" / "S.json").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Short, "the model gave 2 masks, the video has"),
        (Narrow, r"frame \d+: mask of shape \(\d+, \d+\) and type bool, expected shape \(\d+, \d+\)"),
        (Broken, "the model failed: KeyError: 'no such word'"),
        (Peeking, "the model failed: AttributeError.*truth"),
        (Lost, r"frame \d+: confidence nan, expected a finite number"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_fails_is_one_clear_line(
    dataset: Path, tmp_path: Path, kind: type, words: str, workers: int
) -> None:
    if workers == 2 and kind is not Broken:
        pytest.skip("one kind shows the way through processes")
    with pytest.raises(ModelError, match=rf"sample .* of S, query '.*'.*{words}"):
        predict(run(dataset, named(kind), engine=LocalEngine(workers=workers)), tmp_path / "out", subsets=["S"])
    assert not (tmp_path / "out" / "S.json").exists()


# ---- finding models ----------------------------------------------------------------------------------------------


def test_every_built_in_model_is_found() -> None:
    for name, place in MODELS.built_in.items():
        assert find(name).__name__ == place.partition(":")[2]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        (
            "nonesuch",
            UsageError,
            "known are empty, everything, grounding, locater, locater-img, locater-released, moving, named, oracle, transformers",
        ),
        ("no_module:Thing", InputError, "cannot be imported"),
        ("json:Nothing", InputError, "cannot be imported"),
        ("pathlib:Path", ModelError, r"has no method segment\(video, text\)"),
    ],
)
def test_a_model_that_is_none(name: str, error: type[A2dsplusError], words: str) -> None:
    with pytest.raises(error, match=words):
        find(name)


# ---- the command -------------------------------------------------------------------------------------------------


def test_the_command_writes_predictions_and_prints_the_table(dataset: Path, tmp_path: Path) -> None:
    from a2dsplus.cli.baseline import command

    arguments = [
        "--model",
        "oracle",
        "--dataset",
        str(dataset),
        "--out",
        str(tmp_path / "p"),
        "--subsets",
        "S",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert re.search(r"mIoU +100\.0", done.stdout)
    assert json.loads((tmp_path / "p" / "manifest.json").read_text())["model"] == "oracle"
    assert not (tmp_path / "p" / "T.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "oracle", "--dataset", "nowhere"], "nowhere: no such folder"),
        (["--model", "oracle", "--subsets", ","], "expected names such as M,S"),
        (["--model", "oracle", "--device", "abacus"], "expected cpu, cuda"),
        (["--model", "oracle", "--checkpoint", "w.pt"], "this model has no weights"),
        (["--model", "oracle", "--flip"], "--flip: model oracle takes none"),
        (["--model", "locater", "--checkpoint", "none.safetensors"], "none.safetensors: no such file"),
    ],
)
def test_bad_input_is_one_clear_line(dataset: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    from a2dsplus.cli.baseline import command

    with pytest.raises(A2dsplusError, match=words):
        command.main(["--dataset", str(dataset), "--out", str(tmp_path / "o"), *arguments], standalone_mode=False)


def test_frames_are_decoded_once_for_all_queries_and_passes(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from a2dsplus.compose.subset import Subset

    decoded = []
    original = footage.composed_frames
    monkeypatch.setattr(footage, "composed_frames", lambda *args: decoded.append(1) or original(*args))
    subset = Subset(dataset, "M")
    video = footage.SampleVideo(subset, subset.samples[0])
    first = [frame.copy() for frame in video]
    next(iter(video))
    assert all(np.array_equal(one, other) for one, other in zip(first, video, strict=True))
    assert len(decoded) == 1
    assert len(first) == len(video) == subset.samples[0].frames
