"""A mask has two values: what has more is read for what it plainly means, with a note, or refused by name."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from a2dsplus.errors import InputError, MaskError, PredictionError
from a2dsplus.media.masks import Mask, encode
from a2dsplus.score import Report, evaluate
from a2dsplus.score.readers.levels import of_array
from tests.score.score_data import box, random_masks, write_rows, write_truth
from tests.shared_data import SHARED

SIZE = (24, 32)
# As T is: masks on one half of the frames, nothing on the other.
TRUTH = {
    f"v{video}_0/{frame:05d}/0": box(*SIZE, 3 * video, 2 * frame, 9, 8) for video in range(3) for frame in (2, 4, 6)
}
TRUTH |= {f"v{video}_0/{frame:05d}/0": np.zeros(SIZE, bool) for video in range(3) for frame in (7, 9)}
NOISE = np.random.default_rng(5)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_truth(tmp_path / "data", "T", TRUTH)
    return tmp_path / "data"


def written(folder: Path, picture: Callable[[Mask], Image.Image], masks: dict[str, Mask] = TRUTH) -> Path:
    for image_id, mask in masks.items():
        sample, frame, expression = image_id.split("/")
        file = folder / "T" / sample / expression / f"{frame}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(mask).save(file)
    return folder


def score(predictions: Any, data: Path, **settings: Any) -> Report:
    return evaluate(predictions, data, **{"resamples": 0, **settings})


def grey(inside: int, outside: int, kind: type = np.uint8) -> Callable[[Mask], Image.Image]:
    return lambda mask: Image.fromarray(np.where(mask, inside, outside).astype(kind))


def soft(mask: Mask) -> Image.Image:
    """As sigmoid * 255: unsure inside, and 0, 1 or 2 where nothing is there."""
    return Image.fromarray(
        np.where(mask, NOISE.integers(230, 256, mask.shape), NOISE.integers(0, 3, mask.shape)).astype(np.uint8)
    )


def almost_silent(mask: Mask) -> Image.Image:
    """Probabilities whose silent frames have the levels 0 and 1 alone: a mask, if they were seen alone."""
    return soft(mask) if mask.any() else Image.fromarray(NOISE.integers(0, 2, mask.shape).astype(np.uint8))


def colours(inside: tuple[int, ...], outside: tuple[int, ...]) -> Callable[[Mask], Image.Image]:
    return lambda mask: Image.fromarray(
        np.where(mask[:, :, None], np.uint8(inside), np.uint8(outside)).astype(np.uint8)
    )


def palette(first: tuple[int, int, int], second: tuple[int, int, int], **save: Any) -> Callable[[Mask], Image.Image]:
    def picture(mask: Mask) -> Image.Image:
        image = Image.fromarray(mask.astype(np.uint8), "P")
        image.putpalette([*first, *second, *(77,) * 762] if mask.max() > 1 else [*first, *second])
        image.info.update(save)
        return image

    return picture


def frame_picture() -> np.ndarray[Any, Any]:
    ramp = np.linspace(40, 215, SIZE[0] * SIZE[1]).reshape(SIZE)
    return np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=2).astype(np.uint8)


def overlay(mask: Mask) -> Image.Image:
    shown = frame_picture()
    shown[mask] = shown[mask] // 2 + np.array([127, 0, 0], np.uint8)
    return Image.fromarray(shown)


def cut_out(mask: Mask) -> Image.Image:
    return Image.fromarray(np.dstack([frame_picture(), mask.astype(np.uint8) * 255]))


def jpeg_noise(mask: Mask) -> Image.Image:
    level = np.where(mask, 255, 0) + NOISE.integers(-6, 7, mask.shape)
    return Image.fromarray(np.clip(level, 0, 255).astype(np.uint8)).convert("RGB")


class Turned:
    """A picture that lies upside down and says so."""

    def __init__(self, mask: Mask) -> None:
        self._image = Image.fromarray(np.ascontiguousarray(mask[::-1, ::-1]).astype(np.uint8) * 255)

    def save(self, file: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 3
        self._image.save(file, exif=exif)


READ = {
    "soft": (soft, "15 masks have more than two levels"),
    "soft, silent frames of two levels": (almost_silent, "more than two levels"),
    "soft, 16 bits": (grey(60000, 900, np.uint16), "more than two levels"),
    "smoothed edges": (lambda mask: grey(255, 0)(mask).resize((64, 48), Image.Resampling.BILINEAR).resize((32, 24), Image.Resampling.NEAREST) if mask.any() else grey(255, 0)(mask), "more than two levels"),
    "saved as JPEG once": (jpeg_noise, "more than two levels"),
    "white, mask in the alpha channel": (colours((255, 255, 255, 255), (255, 255, 255, 0)), "15 masks were read from the alpha channel"),
    "black, mask in the alpha channel": (colours((0, 0, 0, 255), (0, 0, 0, 0)), "from the alpha channel"),
    "red, half transparent": (colours((255, 0, 0, 128), (0, 0, 0, 0)), "from the alpha channel"),
    "the frame, cut out": (cut_out, "from the alpha channel"),
    "grey and alpha": (lambda mask: colours((255, 255, 255, 255), (255, 255, 255, 0))(mask).convert("LA"), "from the alpha channel"),
    "palette whose background is transparent": (palette((255, 255, 255), (255, 255, 255), transparency=b"\x00\xff"), None),
    "palette": (palette((0, 0, 0), (128, 0, 0)), None),
    "red on black": (colours((255, 0, 0), (0, 0, 0)), None),
    "odd colour on black": (colours((128, 64, 3), (0, 0, 0)), None),
    "1 and 255": (grey(255, 1), "more than two levels"),
    "0 and 1": (grey(1, 0), None),
    "0 and 7": (grey(7, 0), None),
    "16 bits, 0 and 1": (grey(1, 0, np.uint16), None),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_what_is_plain_is_read(tmp_path: Path, data: Path, kind: str) -> None:
    picture, note = READ[kind]
    own = score(written(tmp_path / "masks", picture), data, workers=2).subsets["T"]
    assert own.figures["oIoU"] == 1 or (kind == "smoothed edges" and (own.figures["oIoU"] or 0) > 0.75)
    assert own.figures["N-acc"] == 1
    said = [text for text in own.notes if "levels" in text or "alpha" in text]
    assert len(said) == (note is not None)
    if note:
        assert note in said[0]


def constant_seven(mask: Mask) -> Image.Image:
    return grey(255, 0)(mask) if mask.any() else grey(7, 7)(mask)


def sometimes_black(mask: Mask) -> Image.Image:
    return colours((0, 0, 0, 255), (0, 0, 0, 0))(mask if mask.any() else ~mask)


REFUSED = {
    "overlay": (overlay, r"T/v0_0/0/00002\.png: it has \d+ colours, as an overlay"),
    "overlay, grey": (lambda mask: overlay(mask).convert("L"), "neither dark nor bright, as of a picture"),
    "two colours, none black": (colours((255, 0, 0), (0, 255, 0)), "2 colours"),
    "several objects": (lambda mask: palette((0, 0, 0), (9, 0, 0))(mask + np.uint8(2) * np.roll(mask, 9, 0)), "palette image has [23] objects"),
    "palette that begins with white": (palette((255, 255, 255), (0, 0, 0)), "palette shows number 0 as #ffffff"),
    "palette that hides its object": (palette((0, 0, 0), (9, 0, 0), transparency=b"\xff\x00"), "hides other numbers"),
    "object numbers in grey": (lambda mask: Image.fromarray(mask + np.uint8(2) * np.roll(mask, 9, 0)), "several levels, none above one half"),
    "object numbers beside void": (lambda mask: Image.fromarray(np.where(mask, 1, np.roll(mask, 9, 0) * 255).astype(np.uint8)), r"00002\.png: has the greatest level and a few of the least, as object numbers"),
    "to be turned by EXIF": (Turned, "it is to be turned when shown"),
    "8 bits in 16": (grey(247, 7, np.uint16), "several levels, none above one half|7 all over"),
    "all bright": (grey(255, 200), "none of them background"),
    "7 all over": (constant_seven, "the level 7 all over"),
    "1 all over": (grey(1, 1), "the level 1 all over"),
    "two masks": (lambda mask: Image.merge("LA", [grey(255, 0)(mask), grey(255, 0)(np.roll(mask, 5, 0))]), "two different masks"),
    "a hidden mask": (colours((255, 255, 255, 0), (0, 0, 0, 0)), "its alpha channel hides"),
    "black, nothing hidden, among alpha masks": (sometimes_black, "black all over and hides nothing"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_plain_is_refused_with_the_file(tmp_path: Path, data: Path, kind: str) -> None:
    picture, message = REFUSED[kind]
    with pytest.raises(PredictionError, match=message) as raised:
        score(written(tmp_path / "masks", picture), data)
    assert ".png" in str(raised.value) and "\n" not in str(raised.value)


def test_an_animation_is_no_mask(tmp_path: Path, data: Path) -> None:
    folder = written(tmp_path / "masks", grey(255, 0))
    grey(255, 0)(TRUTH["v0_0/00002/0"]).save(
        folder / "T" / "v0_0" / "0" / "00002.png", save_all=True, append_images=[Image.new("L", (32, 24))]
    )
    with pytest.raises(PredictionError, match="is an animation"):
        score(folder, data)


def test_suffixes(tmp_path: Path, data: Path) -> None:
    folder = written(tmp_path / "masks", grey(255, 0))
    for file in list(folder.rglob("*.png")):
        file.rename(file.with_suffix(".PNG"))
    assert score(folder, data).subsets["T"].figures["oIoU"] == 1
    for file in list(folder.rglob("*.PNG")):
        Image.open(file).save(file.with_suffix(".jpg"))
        file.unlink()
    for missing in ("error", "empty"):
        with pytest.raises(PredictionError, match=r"00002\.jpg: masks are read from PNG files alone"):
            score(folder, data, missing=missing)


@pytest.mark.parametrize("factor", [1, 2, 0.5])
@pytest.mark.parametrize("kind", ["png", "coco", "memory"])
@pytest.mark.parametrize("resize", ["none", "nearest"])
def test_swapped_sides_are_refused(tmp_path: Path, data: Path, factor: float, kind: str, resize: str) -> None:
    turned = {
        key: np.asarray(Image.fromarray(mask).resize((int(32 * factor), int(24 * factor)))).T
        for key, mask in TRUTH.items()
    }
    sources: dict[str, Any] = {
        "png": lambda: written(tmp_path / "masks", Image.fromarray, turned),
        "coco": lambda: write_rows(
            tmp_path, "T", [{"image_id": key, "segmentation": encode(mask), "score": 1} for key, mask in turned.items()]
        ),
        "memory": lambda: {"T": turned},
    }
    with pytest.raises(PredictionError, match="the sides are swapped"):
        score(sources[kind](), data, resize=resize)


def numbered(tmp_path: Path, frames: dict[str, list[int]], shift: int) -> Path:
    """PNG folders that hold, of each sample, some frames, the true mask of frame k under the number k + shift."""
    for sample, numbers in frames.items():
        folder = tmp_path / "masks" / "T" / sample / "0"
        folder.mkdir(parents=True)
        for frame in numbers:
            mask = TRUTH.get(f"{sample}/{frame:05d}/0", np.zeros(SIZE, bool))
            Image.fromarray(mask).save(folder / f"{frame + shift:05d}.png")
    return tmp_path / "masks"


ALL = {f"v{video}_0": list(range(1, 11)) for video in range(3)}
EVALUATED = {f"v{video}_0": [2, 4, 6, 7, 9] for video in range(3)}


def test_frames_counted_from_0(tmp_path: Path, data: Path) -> None:
    own = score(numbered(tmp_path, ALL, -1), data).subsets["T"]
    assert own.figures["oIoU"] == 1
    assert any("numbered from 0" in note for note in own.notes)


def test_frames_counted_from_0_in_results(tmp_path: Path, data: Path) -> None:
    rows = [{"image_id": f"v_{key.split('/')[0]}_f_{int(key.split('/')[1]) - 1}_i_0", "segmentation": encode(mask), "score": 1}
            for key, mask in TRUTH.items()]  # fmt: skip
    with pytest.raises(PredictionError, match="under the number before"):
        score(write_rows(tmp_path, "T", rows), data)
    rows += [{**rows[0], "image_id": f"v_v{video}_0_f_0_i_0"} for video in range(3)]
    own = score(write_rows(tmp_path, "T", rows), data).subsets["T"]
    assert own.figures["oIoU"] == 1
    assert any("numbered from 0" in note for note in own.notes)


@pytest.mark.parametrize("missing", ["error", "empty"])
def test_frames_that_may_be_counted_from_0(tmp_path: Path, data: Path, missing: str) -> None:
    with pytest.raises(PredictionError, match="under the number before"):
        score(numbered(tmp_path, EVALUATED, -1), data, missing=missing)


@pytest.mark.parametrize("missing", ["error", "empty"])
def test_some_counted_from_0_and_some_from_1(tmp_path: Path, data: Path, missing: str) -> None:
    numbered(tmp_path, {"v0_0": ALL["v0_0"]}, -1)
    with pytest.raises(PredictionError, match=r"others count from 1 \(v1_0/0, v2_0/0\)"):
        score(numbered(tmp_path, {name: EVALUATED[name] for name in ("v1_0", "v2_0")}, 0), data, missing=missing)


# ---- COCO results ------------------------------------------------------------------------------------------------------

ROWS = [{"image_id": key, "category_id": 1, "segmentation": encode(mask), "score": 0.5} for key, mask in TRUTH.items()]
WRONG = encode(box(*SIZE, 0, 0, 24, 5))


def of_rows(tmp_path: Path, data: Path, rows: object) -> Any:
    return score(write_rows(tmp_path, "T", rows), data).subsets["T"]


def test_other_categories_are_left_out_as_cocoeval_does(tmp_path: Path, data: Path) -> None:
    own = of_rows(
        tmp_path, data, [*ROWS, *({**row, "category_id": 2, "segmentation": WRONG, "score": 0.9} for row in ROWS)]
    )
    assert own.figures["oIoU"] == 1
    assert any("15 masks of category 2 were not read" in note for note in own.notes)


def test_one_other_category_is_taken_for_the_truths(tmp_path: Path, data: Path) -> None:
    own = of_rows(tmp_path, data, [{**row, "category_id": 0} for row in ROWS])
    assert own.figures["oIoU"] == 1
    assert any("all masks are of category 0" in note for note in own.notes)
    with pytest.raises(PredictionError, match="categories 0, 2, the ground truth's is 1"):
        of_rows(tmp_path, data, [{**row, "category_id": 2 * (place % 2)} for place, row in enumerate(ROWS)])
    with pytest.raises(PredictionError, match="entry 0: its category_id is 'a'"):
        of_rows(tmp_path, data, [{**row, "category_id": "a"} for row in ROWS])


def test_null_is_an_empty_mask(tmp_path: Path, data: Path) -> None:
    own = of_rows(
        tmp_path,
        data,
        [{**row, "segmentation": row["segmentation"] if TRUTH[row["image_id"]].any() else None} for row in ROWS],
    )
    assert own.figures["mIoU"] == 1
    assert any("6 null segmentations are empty masks" in note for note in own.notes)


def test_a_row_twice_counts_once(tmp_path: Path, data: Path) -> None:
    own = of_rows(tmp_path, data, [*ROWS, ROWS[0], ROWS[3]])
    assert own.figures["oIoU"] == 1
    assert any("2 rows repeat another" in note for note in own.notes)
    assert own.predictions.every_mask() is None


def test_of_masks_with_one_score_the_last_is_taken(tmp_path: Path, data: Path) -> None:
    wrong = [{**row, "segmentation": WRONG} for row in ROWS]
    last_right, last_wrong = of_rows(tmp_path, data, [*wrong, *ROWS]), of_rows(tmp_path, data, [*ROWS, *wrong])
    assert last_right.figures["oIoU"] == 1 > last_wrong.figures["oIoU"]
    assert any("15 units have several masks of the same best score (v0_0/00002/0" in note for note in last_right.notes)


def test_whole_numbers_as_floats(tmp_path: Path) -> None:
    images = [{"id": number, "height": 24, "width": 32} for number in (1, 2)]
    mask = {"size": [24, 32], "counts": [24 * 5, 24 * 10, 24 * 17]}
    truth = {
        "images": images,
        "annotations": [{"image_id": number, "category_id": 1, "segmentation": mask} for number in (1, 2)],
    }
    (tmp_path / "data" / "T").mkdir(parents=True)
    (tmp_path / "data" / "T" / "ground_truth.json").write_text(json.dumps(truth))
    floats = {"size": [24.0, 32.0], "counts": [float(count) for count in mask["counts"]]}
    rows = [{"image_id": float(number), "category_id": 1.0, "segmentation": floats, "score": 1} for number in (1, 2)]
    assert of_rows(tmp_path, tmp_path / "data", rows).figures["oIoU"] == 1
    with pytest.raises(InputError, match="neither text nor whole numbers"):
        of_rows(
            tmp_path,
            tmp_path / "data",
            [{**row, "segmentation": {**floats, "counts": [120.5, 240.0, 407.5]}} for row in rows],
        )


def test_polygons_of_one_pixel(tmp_path: Path) -> None:
    truth = {f"v/{frame:05d}/0": box(*SIZE, 7, 5, 1, 1) for frame in (1, 2, 3)}
    write_truth(tmp_path / "data", "T", truth)
    forms = ([[5, 7]], [[5.0, 7.0, 5.0, 7.0, 5.0, 7.0]], [[5, 7, 6, 7, 6, 8, 5, 8]])
    rows = [{"image_id": key, "segmentation": form, "score": 1} for key, form in zip(truth, forms, strict=True)]
    assert of_rows(tmp_path, tmp_path / "data", rows).figures["mIoU"] == 1


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([[5, 7], [9, 7], [9, 12]], "3 polygons have one corner each, as one polygon's corners in pairs"),
        ([[0.2, 0.2, 0.5, 0.2, 0.5, 0.6]], "polygon 0 lies within one pixel, as shares of the frame do"),
        ([[[5, 7], [9, 7], [9, 12]]], "polygon 0"),
        ([5, 7, 9, 7, 9, 12], "polygon 0"),
    ],
)
def test_polygons_of_other_tools_are_refused(tmp_path: Path, data: Path, form: object, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        of_rows(tmp_path, data, [{**ROWS[0], "segmentation": form}, *ROWS[1:]])


def test_sizes_are_bounded_before_masks_are_decoded(tmp_path: Path, data: Path) -> None:
    huge = {"size": [32768, 40000], "counts": [0, 32768 * 40000]}
    for resize in ("none", "nearest"):
        with pytest.raises(PredictionError, match=r"entry 14 .*32768x40000"):
            score(write_rows(tmp_path, "T", [*ROWS[:-1], {**ROWS[-1], "segmentation": huge}]), data, resize=resize)


def test_messages_cut_long_values(tmp_path: Path, data: Path) -> None:
    long = "x" * 100_000
    for row in (
        {"image_id": long},
        {"score": long},
        {"category_id": long},
        {"segmentation": {"size": [long, 1], "counts": "1"}},
    ):
        with pytest.raises(PredictionError) as raised:
            of_rows(tmp_path, data, [*ROWS[1:], {**ROWS[0], **row}])
        assert len(str(raised.value)) < 1000


# ---- in memory, plausibility, what is no file --------------------------------------------------------------------------


def test_arrays(data: Path) -> None:
    mask = random_masks(3, 1, empty=0)["v0/00005/0"]
    for array in (
        mask,
        mask * np.uint8(255),
        mask * 3,
        mask * 1.0,
        mask * 255.0,
        np.where(mask, 0.9, 0.2),
        np.where(mask, 1, 0.5),
    ):
        assert np.array_equal(of_array(array), mask), array.dtype
    assert not of_array(np.full(SIZE, 0.3)).any()
    for array, message in (
        (np.where(mask, 4.0, -3.0), "values from -3 to 4"),
        (np.where(mask, 247, 7), "values from 7 to 247"),
        (np.where(mask, 1, np.nan), "no finite number"),
        (mask * 1j, "complex128 is no mask"),
        (np.where(mask, 2, 1), "values from 1 to 2"),
        (np.full(SIZE, 7), "values from 7 to 7"),
        (mask[None], "two dimensions"),
    ):
        with pytest.raises(MaskError, match=message):
            of_array(array)
    with pytest.raises(PredictionError, match=r"image 'v0_0/00002/0': .*values from -3 to 4"):
        score({"T": {key: np.where(own, 4.0, -3.0) for key, own in TRUTH.items()}}, data)


def test_a_note_where_all_masks_cover_all_or_nothing(tmp_path: Path, data: Path) -> None:
    assert not any("covers" in note or "empty" in note for note in score({"T": TRUTH}, data).subsets["T"].notes)
    nothing = score({"T": {key: mask & False for key, mask in TRUTH.items()}}, data).subsets["T"]
    assert any("every mask is empty" in note for note in nothing.notes)
    everything = score({"T": {key: mask | True for key, mask in TRUTH.items()}}, data).subsets["T"]
    assert any("15 of 15 masks cover all or nearly all" in note for note in everything.notes)
    swapped = score({"T": {key: ~mask for key, mask in TRUTH.items()}}, data).subsets["T"]
    assert any("right by an oIoU of 1.00: referent and background are swapped" in note for note in swapped.notes)
    some = score({"T": {key: np.full(SIZE, mask.any()) for key, mask in TRUTH.items()}}, data).subsets["T"]
    assert any(
        "9 of 15 masks cover all or nearly all of their frames and the others are empty" in note for note in some.notes
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_are_no_masks(tmp_path: Path, data: Path) -> None:
    folder = written(tmp_path / "masks", grey(255, 0))
    os.mkfifo(folder / "T" / "v1_0" / "0" / "00003.png")
    with pytest.raises(PredictionError, match=r"00003\.png: is no regular file"):
        score(folder, data)
    os.mkfifo(tmp_path / "T.json")
    with pytest.raises(PredictionError):
        score(tmp_path, data)


def test_links_stay_in_the_folder(tmp_path: Path, data: Path) -> None:
    folder = written(tmp_path / "masks", grey(255, 0))
    file = folder / "T" / "v1_0" / "0" / "00002.png"
    file.rename(folder / "kept.png")
    file.symlink_to("../../../kept.png")
    assert score(folder, data).subsets["T"].figures["oIoU"] == 1
    (folder / "kept.png").rename(tmp_path / "outside.png")
    file.unlink()
    file.symlink_to(tmp_path / "outside.png")
    with pytest.raises(PredictionError, match="a link that leads out of"):
        score(folder, data)
    file.unlink()
    file.symlink_to(tmp_path / "nowhere" / "00002.png")
    with pytest.raises(PredictionError, match="a link that leads out of"):
        score(folder, data)


CASES = SHARED / "cases" / "predictions"


@pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not at {CASES}")
@pytest.mark.parametrize(
    ("case", "right"),
    [("good", 1), ("soft_8bit", 1), ("rgba_white_mask_in_alpha", 1), ("named_from_zero", 1), ("coco_other_category", 1),
     ("coco_scores_saturated", 2 / 3), ("coco_null_where_nothing_found", 2 / 3), ("transposed", "sides are swapped")],
)  # fmt: skip
def test_cases(case: str, right: float | str) -> None:
    resize = "nearest" if case == "transposed" else "none"
    if isinstance(right, str):
        with pytest.raises(PredictionError, match=right):
            score(CASES / case, CASES / "data", resize=resize)
    else:
        assert score(CASES / case, CASES / "data").subsets["S"].figures["mAP"] == pytest.approx(right)
