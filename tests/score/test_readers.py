"""Every layout that is read gives the same figures, and every fault is one clear line."""

import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from a2dsplus.errors import A2dsplusError, InputError, PredictionError
from a2dsplus.media.masks import Mask, encode
from a2dsplus.media.runs import from_mask, to_mask
from a2dsplus.score import Report, evaluate, stamp_predictions
from a2dsplus.score.readers.listing import DiskFile
from a2dsplus.score.readers.picture import read_png
from tests.score.score_data import box, perturbed, random_masks, write_pngs, write_results, write_rows, write_truth

TRUTH = random_masks(2, 24)
PREDICTED = perturbed(TRUTH, 3)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_truth(tmp_path / "data", "M", TRUTH)
    return tmp_path / "data"


def score(predictions: Any, data: Path, **settings: Any) -> Report:
    return evaluate(predictions, data, **{"resamples": 0, **settings})


def wanted(data: Path) -> dict[str, Any]:
    found = dict(score({"M": PREDICTED}, data).subsets["M"].figures)
    return {name: value for name, value in found.items() if not name.startswith("mAP_coco")}


def assert_same(report: Report, data: Path) -> None:
    figures = report.subsets["M"].figures
    assert {name: figures[name] for name in wanted(data)} == wanted(data)


# ---- layouts -----------------------------------------------------------------------------------------------------------


def test_png_folders(tmp_path: Path, data: Path) -> None:
    report = score(write_pngs(tmp_path / "masks", "M", PREDICTED), data, workers=2)
    assert_same(report, data)
    assert report.subsets["M"].predictions.layout.startswith("PNG folders")


def test_png_folders_without_the_instance_level(tmp_path: Path) -> None:
    truth = {
        f"v{video}_{video}/{frame:05d}/{video}": box(8, 9, video, 2, 3, 3) for video in range(4) for frame in (3, 7)
    }
    data = tmp_path / "data"
    write_truth(data, "S", truth)
    for image_id, mask in truth.items():
        sample, frame, _ = image_id.split("/")
        (tmp_path / "masks" / "S" / sample).mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "masks" / "S" / sample / f"{frame}.png")
    assert score(tmp_path / "masks", data).subsets["S"].figures["mIoU"] == 1


def test_instance_level_is_needed_where_a_sample_has_several_queries(tmp_path: Path, data: Path) -> None:
    folder = tmp_path / "masks" / "M" / "v0"
    folder.mkdir(parents=True)
    Image.fromarray(TRUTH["v0/00005/0"]).save(folder / "00005.png")
    with pytest.raises(PredictionError, match="2 queries"):
        score(tmp_path / "masks", data)


def test_coco_results(tmp_path: Path, data: Path) -> None:
    report = score(write_results(tmp_path / "masks", "M", PREDICTED).parent, data)
    assert_same(report, data)
    assert report.subsets["M"].predictions.layout == "COCO results"


def test_one_results_file(tmp_path: Path, data: Path) -> None:
    assert_same(score(write_results(tmp_path, "M", PREDICTED), data), data)
    assert_same(score(write_results(tmp_path, "mine", PREDICTED), data), data)


def test_uncompressed_run_lengths(tmp_path: Path, data: Path) -> None:
    rows = []
    for image_id, mask in PREDICTED.items():
        flat = np.concatenate([[0], mask.T.ravel().astype(np.int8), [0]])
        edges = np.flatnonzero(np.diff(flat))
        lengths = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
        rows.append({"image_id": image_id, "segmentation": {"size": list(mask.shape), "counts": lengths}, "score": 1})
    assert_same(score(write_rows(tmp_path, "M", rows), data), data)


def test_polygons(tmp_path: Path, data: Path) -> None:
    polygon = [[2.0, 2.0, 20.0, 2.0, 20.0, 18.0, 2.0, 18.0], [22, 3, 30, 3, 30, 9]]
    rows = [{"image_id": image_id, "segmentation": polygon, "score": 1.0} for image_id in TRUTH]
    own = score(write_rows(tmp_path, "M", rows), data).subsets["M"].figures
    mask = coco.decode(coco.merge(coco.frPyObjects(polygon, 24, 32))).astype(bool)
    assert own["oIoU"] == score({"M": dict.fromkeys(TRUTH, mask)}, data).subsets["M"].figures["oIoU"] > 0


def test_mttr_image_ids(tmp_path: Path, data: Path) -> None:
    rows = []
    for image_id, mask in PREDICTED.items():
        sample, frame, instance = image_id.split("/")
        rows.append({"image_id": f"v_{sample}_f_{int(frame)}_i_{instance}", "segmentation": encode(mask), "score": 0.5})
    assert_same(score(write_rows(tmp_path, "M", rows), data), data)


def test_mttr_results_for_the_whole_split_are_scored_on_m(tmp_path: Path, data: Path) -> None:
    from a2dsplus.dataset.tables import write_queries
    from a2dsplus.dataset.workspace import Workspace
    from a2dsplus.records import Query

    known = [("v0", "0"), ("alone", "3")]
    queries = [Query(video_id=v, expression_id=e, objects=(e,), text="a man", split="test") for v, e in known]
    write_queries(Workspace(data), queries)
    rows = [{"image_id": image_id, "segmentation": encode(mask), "score": 0.5} for image_id, mask in PREDICTED.items()]
    rows.append({"image_id": "v_alone_f_7_i_3", "segmentation": encode(PREDICTED["v0/00005/0"]), "score": 1.0})
    report = score(write_rows(tmp_path, "M", rows), data)
    assert_same(report, data)
    assert "1 masks of frames or queries that M does not evaluate" in report.subsets["M"].notes[0]


def test_refer_ytvos_folders(tmp_path: Path, data: Path) -> None:
    videos: dict[str, Any] = {}
    for image_id, mask in PREDICTED.items():
        sample, frame, instance = image_id.split("/")
        expression = {"0": "1", "1": "0"}[instance]  # expressions are not instances
        videos.setdefault(sample, {"expressions": {}})["expressions"][expression] = {"exp": "a man", "obj_id": instance}
        file = tmp_path / "masks" / "M" / "Annotations" / sample / expression / f"{frame}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(file)
    (data / "M" / "meta_expressions.json").write_text(json.dumps({"videos": videos}))
    report = score(tmp_path / "masks", data)
    assert_same(report, data)
    assert report.subsets["M"].predictions.layout.startswith("Refer-YTVOS")
    (tmp_path / "masks" / "M" / "Annotations").rename(tmp_path / "masks" / "Annotations")
    (tmp_path / "masks" / "M").rmdir()
    assert_same(score(tmp_path / "masks", data), data)


def test_refer_ytvos_folders_need_the_expressions(tmp_path: Path, data: Path) -> None:
    (tmp_path / "masks" / "M" / "Annotations" / "v0" / "0").mkdir(parents=True)
    with pytest.raises(PredictionError, match="meta_expressions"):
        score(tmp_path / "masks", data)


def test_the_best_scored_of_several_masks(tmp_path: Path, data: Path) -> None:
    rows = [
        {"image_id": image_id, "segmentation": encode(mask), "score": score_}
        for masks, score_ in ((TRUTH, 0.2), (PREDICTED, 0.9), (perturbed(TRUTH, 77), 0.5))
        for image_id, mask in masks.items()
    ]
    report = score(write_rows(tmp_path, "M", rows), data)
    assert_same(report, data)
    assert "up to 3 scored masks" in report.subsets["M"].predictions.layout


def test_frames_that_are_not_evaluated_are_left_alone_and_said(tmp_path: Path, data: Path) -> None:
    write_pngs(tmp_path / "masks", "M", {**PREDICTED, "v0/00006/0": TRUTH["v0/00005/0"]})
    (tmp_path / "masks" / "M" / "v0" / "0" / "00007.png").write_bytes(b"not read")
    report = score(tmp_path / "masks", data)
    assert_same(report, data)
    assert any("2 PNG files of frames that M does not evaluate" in note for note in report.subsets["M"].notes)


def test_other_ground_truth_in_coco_form(tmp_path: Path) -> None:
    # whole-number ids, a polygon, two annotations of one image, an image without any
    document = {
        "images": [{"id": number, "height": 10, "width": 12} for number in (7, 8, 9)],
        "annotations": [
            {"image_id": 7, "segmentation": [[1, 1, 6, 1, 6, 5, 1, 5]]},
            {"image_id": 8, "segmentation": encode(box(10, 12, 0, 0, 3, 3))},
            {"image_id": 8, "segmentation": encode(box(10, 12, 5, 5, 3, 3))},
        ],
    }
    file = tmp_path / "other.json"
    file.write_text(json.dumps(document))
    rows = [
        {"image_id": 7, "segmentation": [[1, 1, 6, 1, 6, 5, 1, 5]], "score": 1.0},
        {"image_id": 8, "segmentation": encode(box(10, 12, 0, 0, 3, 3) | box(10, 12, 5, 5, 3, 3)), "score": 1.0},
        {"image_id": 9, "segmentation": encode(np.zeros((10, 12))), "score": 1.0},
    ]
    report = score(write_rows(tmp_path / "masks", "other", rows), file)
    assert report.subsets["other"].figures["mIoU"] == 1
    assert report.subsets["other"].queries == 3


# ---- PNG ---------------------------------------------------------------------------------------------------------------


def palette_image(mask: Mask, index: int) -> Image.Image:
    image = Image.fromarray(mask.astype(np.uint8) * index, "L").convert("P")
    image = Image.new("P", mask.shape[::-1])
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759)
    image.putdata((mask.astype(np.uint8) * index).ravel().tolist())
    return image


def colour_image(mask: Mask, mode: str) -> Image.Image:
    channels = np.zeros((*mask.shape, 4), np.uint8)
    channels[..., 2] = mask * 3
    channels[..., 3] = 255  # opaque everywhere: alpha is no mask
    return Image.fromarray(channels, "RGBA").convert(mode)


KINDS = {
    "bilevel": lambda mask: Image.fromarray(mask),
    "grey 255": lambda mask: Image.fromarray(mask.astype(np.uint8) * 255),
    "grey 1": lambda mask: Image.fromarray(mask.astype(np.uint8)),
    "16 bit": lambda mask: Image.fromarray(mask.astype(np.uint16) * 256),
    "palette": lambda mask: palette_image(mask, 1),
    "palette 2": lambda mask: palette_image(mask, 2),
    "RGB": lambda mask: colour_image(mask, "RGB"),
    "RGBA": lambda mask: colour_image(mask, "RGBA"),
    "grey and alpha": lambda mask: Image.merge("LA", [Image.fromarray(mask.astype(np.uint8)), Image.new("L", mask.shape[::-1], 255)]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("empty", [False, True])
def test_any_non_zero_is_the_referent(tmp_path: Path, kind: str, empty: bool) -> None:
    mask = random_masks(9, 4, empty=0)["v0/00005/0"] & (not empty)
    file = tmp_path / "m.png"
    KINDS[kind](mask).save(file)
    found = to_mask(read_png(DiskFile(file), size=mask.shape)[0], height=mask.shape[0], width=mask.shape[1])
    assert np.array_equal(found, mask)


def test_resizing_takes_the_nearest_pixel(tmp_path: Path) -> None:
    mask = random_masks(9, 4, empty=0)["v0/00005/0"]
    file = tmp_path / "m.png"
    Image.fromarray(mask.repeat(2, 0).repeat(3, 1)).save(file)
    with pytest.raises(PredictionError, match="--resize nearest"):
        read_png(DiskFile(file), size=mask.shape)
    assert np.array_equal(read_png(DiskFile(file), size=mask.shape, resize="nearest")[0], from_mask(mask))


def test_resize_is_said(tmp_path: Path, data: Path) -> None:
    small = {image_id: mask[::2, ::2] for image_id, mask in TRUTH.items()}
    large = {image_id: mask.repeat(2, 0).repeat(2, 1) for image_id, mask in small.items()}
    for source in (write_pngs(tmp_path / "png", "M", small), write_results(tmp_path / "coco", "M", small).parent):
        with pytest.raises(PredictionError, match=r"12x16.*24x32"):
            score(source, data)
        report = score(source, data, resize="nearest")
        expected = score({"M": large}, data).subsets["M"].figures
        assert report.subsets["M"].figures["oIoU"] == expected["oIoU"]
        assert any("--resize nearest" in note for note in report.subsets["M"].notes)
        assert "resize:nearest" in report.settings.signature()


# ---- faults ------------------------------------------------------------------------------------------------------------


def png(tmp_path: Path, change: Callable[[Path], object]) -> Path:
    """PNG folders of which one file is changed."""
    folder = write_pngs(tmp_path / "masks", "M", PREDICTED)
    change(folder / "M" / "v1" / "1" / "00015.png")
    return folder


def rewritten(data_of: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(data_of(file.read_bytes()))


def jpeg(_: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (32, 24)).save(stream, "JPEG")
    return stream.getvalue()


def flipped_bit(content: bytes) -> bytes:
    place = content.index(b"IDAT") + 10
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def broken_stream(content: bytes) -> bytes:
    """A PNG whose checksums agree and whose pixels do not inflate."""
    start = content.index(b"IDAT")
    chunk = b"IDAT" + b"not zlib at all"
    whole = len(chunk[4:]).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
    return content[: start - 4] + whole + content[content.index(b"IEND") - 4 :]


PNG_FAULTS = {
    "missing": (lambda file: file.unlink(), "no prediction for 1 of 24 units: v1/00015/1; write them, or pass --missing empty"),
    "truncated": (rewritten(lambda content: content[:-20]), "truncated PNG"),
    "corrupt": (rewritten(flipped_bit), "corrupt PNG"),
    "no pixels": (rewritten(broken_stream), "damaged PNG"),
    "empty file": (rewritten(lambda content: b""), "not a PNG image"),
    "text": (rewritten(lambda content: b"hello"), "not a PNG image"),
    "jpeg": (rewritten(jpeg), "not a PNG image"),
    "wrong size": (lambda file: Image.new("L", (31, 24)).save(file), "its size is 24x31, the ground truth's 24x32"),
    "a folder": (lambda file: (file.unlink(), file.mkdir()), "no prediction for 1 of 24 units"),
    "a name": (lambda file: file.rename(file.with_name("first.png")), "no frame number"),
    "twice": (lambda file: file.with_name("15.png").write_bytes(file.read_bytes()), "the same frame as"),
    "stranger": (lambda file: (file.parent.parent.parent / "who" / "0").mkdir(parents=True), "1 samples are not in .*: who"),
    "strange instance": (lambda file: (file.parent.parent / "9").mkdir(), "1 queries are not in .*: v1/9"),
}  # fmt: skip


@pytest.mark.parametrize("fault", PNG_FAULTS)
def test_faults_of_png_folders(tmp_path: Path, data: Path, fault: str) -> None:
    change, message = PNG_FAULTS[fault]
    with pytest.raises(InputError, match=message) as raised:
        score(png(tmp_path, change), data)
    assert "\n" not in str(raised.value)


ROW = {"image_id": "v0/00005/0", "category_id": 1, "segmentation": encode(PREDICTED["v0/00005/0"]), "score": 0.5}
ROWS = [{"image_id": key, "segmentation": encode(mask), "score": 0.5} for key, mask in PREDICTED.items()]


def with_mask(segmentation: object) -> list[dict[str, object]]:
    return [*ROWS[1:], {**ROW, "segmentation": segmentation}]


ROW_FAULTS = {
    "missing": (ROWS[12:], r"no prediction for 12 of 24 units: v0/00005/0, .* and 2 more"),
    "no rows": ([], "no prediction for 24 of 24"),
    "an object": ({"a": 1}, "expected a list of COCO results"),
    "a number": (3, "expected a list of COCO results"),
    "no image id": ([*ROWS, {"score": 1}], "entry 24 has no image_id"),
    "a list as image id": ([*ROWS, {**ROW, "image_id": ["v"]}], "entry 24 has no image_id"),
    "not an object": ([*ROWS, 5], "entry 24 has no image_id"),
    "unknown sample": ([*ROWS, {**ROW, "image_id": "who/00005/0"}], "1 entries are of images .*who/00005/0.*another subset"),
    "unknown instance": ([*ROWS, {**ROW, "image_id": "v0/00005/9"}], "1 entries are of images"),
    "no score, twice": ([{k: v for k, v in row.items() if k != "score"} for row in [*ROWS, {**ROW, "segmentation": []}]], "several masks without a score"),
    "NaN": ([*ROWS[1:], {**ROW, "score": float("nan")}], "entry 23: its score is nan"),
    "infinity": ([*ROWS[1:], {**ROW, "score": 10**400}], "entry 23: its score is inf"),
    "score as text": ([*ROWS[1:], {**ROW, "score": "1"}], "its score is '1', expected a number"),
    "score none": ([*ROWS[1:], {**ROW, "score": None}], "its score is None"),
    "no mask": ([*ROWS[1:], {k: v for k, v in ROW.items() if k != "segmentation"}], "neither"),
    "mask as text": (with_mask("abc"), "neither"),
    "short counts": (with_mask({"size": [24, 32], "counts": "5"}), r"entry 23 \(image 'v0/00005/0'\): its counts add up to 5 pixels"),
    "bad counts": (with_mask({"size": [24, 32], "counts": "~"}), "a character COCO does not use"),
    "counts missing": (with_mask({"size": [24, 32]}), "neither text nor whole numbers"),
    "negative counts": (with_mask({"size": [24, 32], "counts": [-1, 769]}), "neither text nor whole numbers"),
    "counts that do not add up": (with_mask({"size": [24, 32], "counts": [1, 2]}), "add up to 3 pixels, its size has 768"),
    "wrong size": (with_mask(encode(np.zeros((24, 31)))), "its size is 24x31, the ground truth's 24x32"),
    "size missing": (with_mask({"counts": "5"}), "expected two whole numbers"),
    "size huge": (with_mask({"size": [10**9, 10**9], "counts": [10**18]}), "which no image has"),
    "size negative": (with_mask({"size": [-24, -32], "counts": [768]}), "which no image has"),
    "polygon short": (with_mask([[1, 2, 3, 4]]), "no list of three or more"),
    "polygon odd": (with_mask([[1, 2, 3, 4, 5, 6, 7]]), "no list of three or more"),
    "polygon far": (with_mask([[1e9, 0, 5, 5, 9, 9]]), "far outside"),
    "polygon NaN": (with_mask([[float("nan"), 0, 5, 5, 9, 9]]), "far outside"),
    "polygon text": (with_mask([["a", 0, 5, 5, 9, 9]]), "no number"),
}  # fmt: skip


@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_faults_of_results_files(tmp_path: Path, data: Path, fault: str) -> None:
    rows, message = ROW_FAULTS[fault]
    with pytest.raises(InputError, match=message) as raised:
        score(write_rows(tmp_path, "M", rows), data)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"[", b"\xff\xfe", b"[" * 100_000])
def test_files_that_are_no_json(tmp_path: Path, data: Path, content: bytes) -> None:
    (tmp_path / "M.json").write_bytes(content)
    with pytest.raises(PredictionError, match="cannot be read as JSON"):
        score(tmp_path / "M.json", data)


def test_missing_empty_counts_what_is_missing_as_empty(tmp_path: Path, data: Path) -> None:
    report = score(write_rows(tmp_path, "M", ROWS[6:]), data, missing="empty")
    blank = {key: np.zeros((24, 32), bool) for key in list(PREDICTED)[:6]}
    assert (
        report.subsets["M"].figures["mIoU"] == score({"M": {**PREDICTED, **blank}}, data).subsets["M"].figures["mIoU"]
    )
    assert report.as_json()["subsets"]["M"]["missing"] == 6
    assert "missing:empty" in report.settings.signature()


@pytest.mark.parametrize("missing", ["error", "empty"])
def test_an_empty_folder(tmp_path: Path, data: Path, missing: str) -> None:
    (tmp_path / "masks").mkdir()
    with pytest.raises(PredictionError, match="holds nothing for M"):
        score(tmp_path / "masks", data, missing=missing)
    (tmp_path / "masks" / "M").mkdir()
    with pytest.raises(PredictionError, match=r"no prediction for 24 of 24|not one unit"):
        score(tmp_path / "masks", data, missing=missing)


def test_no_folder(tmp_path: Path, data: Path) -> None:
    with pytest.raises(PredictionError, match="no such file or folder"):
        score(tmp_path / "nowhere", data)
    with pytest.raises(PredictionError, match="no such file or folder"):
        score({"M": PREDICTED}, data, against=tmp_path / "nowhere")


def test_predictions_made_for_other_ground_truth(tmp_path: Path, data: Path) -> None:
    folder = write_pngs(tmp_path / "masks", "M", PREDICTED)
    stamp_predictions(folder, data, subsets=["M"], model="test")
    assert_same(score(folder, data), data)
    write_truth(data, "M", dict(reversed(TRUTH.items())))
    with pytest.raises(PredictionError, match=r"made for another M \(the sha256 of its ground truth differs\)"):
        score(folder, data)


def test_predictions_made_for_another_recipe_say_which(tmp_path: Path, data: Path) -> None:
    folder = write_pngs(tmp_path / "masks", "M", PREDICTED)
    (data / "manifest.json").write_text('{"recipe": "strict"}')
    stamp_predictions(folder, data, subsets=["M"], model="test")
    (data / "manifest.json").write_text('{"recipe": "paper"}')
    assert_same(score(folder, data), data)  # M is the same under both
    write_truth(data, "M", dict(reversed(TRUTH.items())))
    with pytest.raises(PredictionError, match=r"they are for recipe strict, .* is recipe paper"):
        score(folder, data)


def test_ground_truth_that_is_not_the_manifests(tmp_path: Path, data: Path) -> None:
    import hashlib

    digest = hashlib.sha256((data / "M" / "ground_truth.json").read_bytes()).hexdigest()
    (data / "manifest.json").write_text(json.dumps({"files": {"M/ground_truth.json": digest}}))
    assert_same(score({"M": PREDICTED}, data), data)
    (data / "manifest.json").write_text(json.dumps({"files": {"M/ground_truth.json": "0" * 64}}))
    with pytest.raises(InputError, match=r"is not the file that manifest\.json describes"):
        score({"M": PREDICTED}, data)


TRUTH_FAULTS = {
    "not JSON": ("{", "cannot be read as JSON"),
    "a list": ("[]", "expected an object"),
    "no lists": ("{}", 'lists "images" and "annotations"'),
    "no images": ('{"images": [], "annotations": []}', "lists no images"),
    "an image without size": ('{"images": [{"id": 1}], "annotations": []}', "no height and width"),
    "an image without id": ('{"images": [{}], "annotations": []}', "image 0 has no id"),
    "twice": ('{"images": [{"id": 1, "height": 2, "width": 2}, {"id": 1, "height": 2, "width": 2}], "annotations": []}', "1 image ids are listed twice: 1"),
    "no such image": ('{"images": [{"id": 1, "height": 2, "width": 2}], "annotations": [{"image_id": 2}]}', "does not list"),
    "bad counts": ('{"images": [{"id": 1, "height": 2, "width": 2}], "annotations": [{"image_id": 1, "segmentation": {"size": [2, 2], "counts": "3"}}]}', "add up to 3 pixels"),
}  # fmt: skip


@pytest.mark.parametrize("fault", TRUTH_FAULTS)
def test_faults_of_ground_truth(tmp_path: Path, fault: str) -> None:
    content, message = TRUTH_FAULTS[fault]
    (tmp_path / "M").mkdir()
    (tmp_path / "M" / "ground_truth.json").write_text(content)
    with pytest.raises(InputError, match=message):
        score({"M": {1: np.ones((2, 2))}}, tmp_path)


@pytest.mark.parametrize("name", ["samples.jsonl", "meta_expressions.json", "manifest.json"])
def test_damaged_companions_are_named(tmp_path: Path, data: Path, name: str) -> None:
    file = data / ("" if name == "manifest.json" else "M") / name
    file.write_text('{"videos": 3')
    with pytest.raises(A2dsplusError, match=name):
        score({"M": PREDICTED}, data)


def test_subsets_are_those_that_have_predictions(tmp_path: Path, data: Path) -> None:
    write_truth(data, "T", TRUTH)
    write_results(tmp_path / "masks", "M", PREDICTED)
    report = score(tmp_path / "masks", data)
    assert list(report.subsets) == ["M"]
    assert report.notes == ("T not scored: no predictions for it",)
    with pytest.raises(PredictionError, match="holds no predictions for T"):
        score(tmp_path / "masks", data, subsets=["M", "T"])
    with pytest.raises(InputError, match="no subset X; it has M, T"):
        score(tmp_path / "masks", data, subsets=["X"])
