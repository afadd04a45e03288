"""What other code leaves on disk as predictions is read as it lies there, and what is not understood is called by what it looks like."""

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from a2dsplus.errors import InputError, PredictionError, UsageError
from a2dsplus.media.masks import Mask, encode
from a2dsplus.score import Report, evaluate
from a2dsplus.score.readers.png import FILLER
from tests.score.score_data import box, perturbed, random_masks, write_rows, write_truth

TRUTH = random_masks(2, 24)  # two queries a video, expressions 0 and 1
PREDICTED = perturbed(TRUTH, 3)
NUMBER = {"0": "1", "1": "0"}  # an expression's number in meta_expressions.json


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_truth(tmp_path / "data", "M", TRUTH)
    videos = {
        sample: {"frames": [], "expressions": {NUMBER[word]: {"exp": "a man", "obj_id": word} for word in ("0", "1")}}
        for sample in {key.split("/")[0] for key in TRUTH}
    }
    (tmp_path / "data" / "M" / "meta_expressions.json").write_text(json.dumps({"videos": videos}))
    return tmp_path / "data"


def numbered(folder: Path, masks: Mapping[str, Mask] = PREDICTED, *, shift: int = 0) -> Path:
    """Write `<folder>/<video>/<number>/<frame>.png`."""
    for key, mask in masks.items():
        sample, frame, word = key.split("/")
        file = folder / sample / NUMBER[word] / f"{int(frame) + shift:05d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(file)
    return folder


def score(predictions: Path, data: Path, **settings: Any) -> Report:
    return evaluate(predictions, data, **{"resamples": 0, **settings})


def assert_right(predictions: Path, data: Path, **settings: Any) -> None:
    found = score(predictions, data, **settings).subsets["M"].figures
    expected = evaluate({"M": PREDICTED}, data, resamples=0).subsets["M"].figures
    assert found["oIoU"] == expected["oIoU"] != evaluate({"M": TRUTH}, data, resamples=0).subsets["M"].figures["oIoU"]
    assert found["mIoU"] == expected["mIoU"]


def zipped(folder: Path, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
        archive.writestr("__MACOSX/M/._x.png", b"")
    return file


# Where each code base leaves its masks, below the folder that is passed.
PLACES = ["M/Annotations", "Annotations", "valid", "M/valid", "M/valid/Annotations", "M/submission/Annotations", "valid_u/Annotations"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_folders_of_numbered_expressions(tmp_path: Path, data: Path, place: str) -> None:
    numbered(tmp_path / "out" / place)
    (tmp_path / "out" / "log").mkdir()
    assert_right(tmp_path / "out", data)


@pytest.mark.parametrize("place", PLACES)
def test_zips(tmp_path: Path, data: Path, place: str) -> None:
    numbered(tmp_path / "all" / place)
    zipped(tmp_path / "all", tmp_path / "out" / "any_name.zip")
    assert_right(tmp_path / "out", data)
    assert_right(tmp_path / "out" / "any_name.zip", data)
    (tmp_path / "out" / "any_name.zip").rename(tmp_path / "out" / "M.zip")
    assert_right(tmp_path / "out", data, workers=3)


def test_a_zip_of_our_own_layout(tmp_path: Path, data: Path) -> None:
    from tests.score.score_data import write_pngs

    folder = write_pngs(tmp_path / "all", "M", PREDICTED)
    assert_right(zipped(folder, tmp_path / "x.zip"), data)
    assert_right(zipped(folder / "M", tmp_path / "out" / "M.zip").parent, data)


def test_bare_predictions_need_the_subset_where_there_are_several(tmp_path: Path, data: Path) -> None:
    write_truth(data, "N", TRUTH)
    numbered(tmp_path / "out" / "valid")
    with pytest.raises(UsageError, match="pass --subsets to say which of M, N"):
        score(tmp_path / "out", data)
    assert_right(tmp_path / "out", data, subsets=["M"])


def test_fillers_are_left_alone(tmp_path: Path, data: Path) -> None:
    folder = numbered(tmp_path / "out" / "Annotations")
    filler = folder / f"{FILLER}00001" / "0"
    filler.mkdir(parents=True)
    (filler / "00000.png").write_bytes(b"what a model made of it")
    assert_right(tmp_path / "out", data)


def test_a_folder_named_by_numbers_where_words_are_expected(tmp_path: Path, data: Path) -> None:
    words = {"0": "a", "1": "b"}
    named = {"/".join([*key.split("/")[:2], words[key.split("/")[2]]]): mask for key, mask in TRUTH.items()}
    write_truth(data, "M", named)
    meta = json.loads((data / "M" / "meta_expressions.json").read_text())
    for video in meta["videos"].values():
        for expression in video["expressions"].values():
            expression["obj_id"] = words[expression["obj_id"]]
    (data / "M" / "meta_expressions.json").write_text(json.dumps(meta))
    folder = numbered(tmp_path / "out" / "M")
    with pytest.raises(
        PredictionError, match=r"look like expression numbers.* put the samples' folders under M/Annotations"
    ):
        score(tmp_path / "out", data)
    for path in list(folder.glob("*/*")):
        path.rename(path.with_name({"1": "a", "0": "b"}[path.name]))
    assert score(tmp_path / "out", data).subsets["M"].predictions.layout.startswith("PNG folders")
    shutil.move(folder, tmp_path / "out" / "Annotations")
    with pytest.raises(PredictionError, match=r"look like expressions; put the samples' folders under M, without"):
        score(tmp_path / "out", data)


def test_sa2va(tmp_path: Path, data: Path) -> None:
    found: dict[str, Any] = {f"{FILLER}1": {"0": {"frames": ["00000"], "prediction_masks": [None]}}}
    for key, mask in PREDICTED.items():
        sample, frame, word = key.split("/")
        entry = found.setdefault(sample, {}).setdefault(NUMBER[word], {"frames": [], "prediction_masks": []})
        entry["frames"].append(frame)
        entry["prediction_masks"].append(encode(mask) if mask.any() else None)
    for place in ("out/results.json", "out/M/results.json", "out/M.json"):
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found))
        assert_right(tmp_path / "out", data)
        assert_right(file, data, subsets=["M"])
        file.unlink()
    broken = {
        "2 masks for 3 frames": lambda: found["v1"]["0"]["prediction_masks"].pop(),
        "expected {video": lambda: found["v1"]["0"].update(frames=3),
        "1 expressions are not in .*v1/7": lambda: found["v1"].update({"7": found["v1"]["1"]}),
    }
    for message, change in broken.items():
        kept = json.dumps(found)
        change()
        (tmp_path / "M.json").write_text(json.dumps(found))
        found = json.loads(kept)
        with pytest.raises(PredictionError, match=message):
            score(tmp_path / "M.json", data)


def test_ids_of_jhmdb_sentences(tmp_path: Path) -> None:
    truth = {
        f"video_{video}_f_x/{frame:05d}/1": box(9, 12, video, frame % 8, 4, 3)
        for video in range(3)
        for frame in (3, 20, 31)
    }
    write_truth(tmp_path / "data", "N", truth)
    rows = [
        {"image_id": f"v_{key.split('/')[0]}_f_{int(key.split('/')[1])}", "segmentation": encode(mask), "score": 0.5}
        for key, mask in truth.items()
    ]
    own = score(write_rows(tmp_path, "N", rows), tmp_path / "data").subsets["N"]
    assert own.figures["mIoU"] == 1


def test_truth_with_ids_of_jhmdb_sentences_has_its_videos_as_units(tmp_path: Path) -> None:
    truth = {
        f"v_clip_{video}_f_{frame}": box(9, 12, video, frame % 8, 4, 3) for video in range(3) for frame in (3, 20, 31)
    }
    file = write_truth(tmp_path / "data", "jhmdb", truth)
    rows = [{"image_id": key, "segmentation": encode(mask), "score": 0.5} for key, mask in truth.items()]
    own = score(write_rows(tmp_path, "jhmdb", rows), file).subsets["jhmdb"]
    assert (own.units, own.queries, own.videos) == (9, 3, 3)
    assert own.figures["J&F"] == 1


# ---- a source's frame names, and Ref-DAVIS17 ------------------------------------------------------------------------------

NAMES = ["00000", "00005", "00010", "00020", "00025"]


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """N of a source whose frames are called 00000, 00005, ...: positions 1 to 5."""
    import pandas as pd

    truth = {
        f"vid/{frame:05d}/{word}": box(9, 12, frame, int(word), 3, 4) for frame in range(1, 6) for word in ("0", "1")
    }
    write_truth(tmp_path / "named", "N", truth)
    expressions = {word: {"exp": "a dog", "obj_id": word} for word in ("0", "1")}
    (tmp_path / "named" / "N" / "meta_expressions.json").write_text(
        json.dumps({"videos": {"vid": {"expressions": expressions}}})
    )
    pd.DataFrame({"video_id": ["vid", "other"], "frame_names": [NAMES, None]}).to_parquet(
        tmp_path / "named" / "clips.parquet"
    )
    for frame, name in enumerate(NAMES, 1):
        for word in ("0", "1"):
            file = tmp_path / "out" / "Annotations" / "vid" / word / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(truth[f"vid/{frame:05d}/{word}"]).save(file)
    return tmp_path / "named"


def test_frames_called_as_their_source_calls_them(tmp_path: Path, named: Path) -> None:
    own = score(tmp_path / "out", named).subsets["N"]
    assert own.figures["oIoU"] == 1
    assert any("called as the source calls them" in note for note in own.notes)
    extra = tmp_path / "out" / "Annotations" / "vid" / "1" / "00013.png"
    shutil.copy(extra.with_name("00010.png"), extra)
    with pytest.raises(PredictionError, match=r"frame 0|no prediction"):
        score(tmp_path / "out", named)


def test_positions_of_a_source_with_names(tmp_path: Path, named: Path) -> None:
    for frame, name in reversed(list(enumerate(NAMES, 1))):
        for word in ("0", "1"):
            file = tmp_path / "out" / "Annotations" / "vid" / word / f"{name}.png"
            file.rename(file.with_name(f"new{frame:05d}.png"))
    for file in (tmp_path / "out").rglob("new*.png"):
        file.rename(file.with_name(file.name.removeprefix("new")))
    own = score(tmp_path / "out", named).subsets["N"]
    assert own.figures["oIoU"] == 1
    assert not any("frames are" in note for note in own.notes)


def davis(folder: Path, *, number_of: Mapping[int, int]) -> dict[str, Mask]:
    """Write four runs of palettes; return the masks by key. Two objects a video, three frames named from 0."""
    truth: dict[str, Mask] = {}
    for video in ("camel", "dogs-jump"):
        for run in range(4):
            for frame in range(3):
                picture = np.zeros((9, 12), np.uint8)
                for k in range(2):
                    mask = box(9, 12, 1 + run, 5 * k + frame, 3, 4)
                    truth[f"{video}/{frame + 1:05d}/{4 * k + run}"] = mask
                    picture[mask] = number_of[k]
                image = Image.fromarray(picture, "P")
                image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [0] * 756)
                file = folder / f"anno_{run}" / video / f"{frame:05d}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                image.save(file)
    return truth


def davis_data(dataset: Path, truth: Mapping[str, Mask]) -> Path:
    write_truth(dataset, "N", truth)
    expressions = {
        str(number): {"exp": "a camel", "expression": str(number), "obj_id": str(number // 4 + 1)}
        for number in range(8)
    }
    videos = {video: {"expressions": expressions} for video in ("camel", "dogs-jump")}
    (dataset / "N" / "meta_expressions.json").write_text(json.dumps({"videos": videos}))
    return dataset


def test_palettes_of_ref_davis17(tmp_path: Path) -> None:
    truth = davis(tmp_path / "out", number_of={0: 1, 1: 2})
    overlapping = {key: mask.copy() for key, mask in truth.items()}
    for key in truth:  # an image has one object a pixel, the later one here
        video, frame, number = key.split("/")
        if int(number) < 4:
            overlapping[key] &= ~truth[f"{video}/{frame}/{int(number) + 4}"]
    data = davis_data(tmp_path / "data", overlapping)
    own = score(tmp_path / "out", data).subsets["N"]
    assert own.figures["oIoU"] == 1
    assert own.units == 48
    assert "Ref-DAVIS17" in own.predictions.layout
    davis(tmp_path / "swapped", number_of={0: 2, 1: 1})
    assert (score(tmp_path / "swapped", data).subsets["N"].figures["oIoU"] or 0) < 0.2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0.png", r"00000\.png: the same frame as 0\.png|0\.png: the same frame as 00000\.png"),
        ("00000.PNG", "the same frame as 00000"),
        ("00000.jpg", r"00000\.jpg: masks are read from PNG files alone"),
    ],
)
def test_a_frame_of_ref_davis17_has_one_picture(tmp_path: Path, name: str, message: str) -> None:
    data = davis_data(tmp_path / "data", davis(tmp_path / "out", number_of={0: 1, 1: 2}))
    folder = tmp_path / "out" / "anno_1" / "camel"
    (folder / name).write_bytes((folder / "00000.png").read_bytes())
    with pytest.raises(PredictionError, match=message):
        score(tmp_path / "out", data)


def test_faults_of_ref_davis17(tmp_path: Path) -> None:
    data = davis_data(tmp_path / "data", davis(tmp_path / "out", number_of={0: 1, 1: 3}))
    with pytest.raises(PredictionError, match=r"camel/00000\.png: has the object number 3, its video has 2 objects"):
        score(tmp_path / "out", data)
    (tmp_path / "out" / "anno_2" / "camel").rename(tmp_path / "out" / "anno_2" / "who")
    with pytest.raises(PredictionError, match=r"1 videos are not in .*anno_2/who"):
        score(tmp_path / "out", data)


# ---- faults ---------------------------------------------------------------------------------------------------------------


def test_faults_of_zips(tmp_path: Path, data: Path) -> None:
    file = tmp_path / "M.zip"
    file.write_bytes(b"PK not a zip")
    with pytest.raises(PredictionError, match="cannot be read as a zip"):
        score(file, data)
    for name in ("../../M/v0/0/00005.png", "/M/v0/0/00005.png"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, b"")
        with pytest.raises(PredictionError, match="leads out of it"):
            score(file, data)
    zipped(numbered(tmp_path / "all" / "Annotations").parent, file)
    content = bytearray(file.read_bytes())
    content[60:400] = bytes(340)
    file.write_bytes(content)
    with pytest.raises(PredictionError, match=r"M\.zip/.*(cannot be read from the zip|not a PNG)|no prediction"):
        score(file, data)


def test_a_zip_with_one_name_twice(tmp_path: Path, data: Path) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "M.zip", "w") as archive:
        for _ in range(2):
            archive.writestr("v0/0/00005.png", b"")
    with pytest.raises(PredictionError, match="is in the zip twice"):
        score(tmp_path / "M.zip", data)


def test_layouts_that_are_not_understood(tmp_path: Path, data: Path) -> None:
    masks = tmp_path / "out" / "M"
    masks.mkdir(parents=True)
    Image.fromarray(TRUTH["v0/00005/0"]).save(masks / "00005.png")
    with pytest.raises(PredictionError, match="holds masks and no folders"):
        score(tmp_path / "out", data)
    numbered(masks / "first")
    numbered(masks / "second")
    with pytest.raises(PredictionError, match="lie in several of its folders, first, second; pass one of them"):
        score(tmp_path / "out", data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_beside_masks_does_not_hang(tmp_path: Path, data: Path) -> None:
    numbered(tmp_path / "out" / "Annotations")
    os.mkfifo(tmp_path / "out" / "manifest.json")
    with pytest.raises(InputError, match="no regular file"):
        score(tmp_path / "out", data)


def test_parts_in_several_folders(tmp_path: Path, data: Path) -> None:
    for place in range(2):
        own = {key: mask for key, mask in PREDICTED.items() if (key < "v2") == (place == 0)}
        numbered(tmp_path / f"part{place}" / "valid", own)
    assert_right([tmp_path / "part0", tmp_path / "part1"], data)  # type: ignore[arg-type]
