"""What the field's code leaves on disk for whole datasets, the original releases included, scored from the command line.

Each peer runs on the release as it lies there: its numbers of expressions, its names of frames, its ids. Masks are the true ones of the roots.
"""

import contextlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pycocotools.coco
import pycocotools.cocoeval
import pytest
from click.testing import CliRunner
from PIL import Image

from a2dsplus.cli import main
from a2dsplus.media.masks import Mask, decode, encode
from a2dsplus.score.evaluation import evaluate
from tests.sources import roots


def _run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


@pytest.fixture(scope="module")
def ytvos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(root, N of its train): an expression of a video was taken out of the release, so that its numbers have a gap."""
    folder = tmp_path_factory.mktemp("ytvos")
    root = roots.refer_ytvos(folder / "root")
    file = root / "meta_expressions" / "train" / "meta_expressions.json"
    document = json.loads(file.read_text())
    del document["videos"]["aaaa111122"]["expressions"]["1"]
    file.write_text(json.dumps(document))
    _run("build", "--root", root, "--split", "train", "--subsets", "N", "--render", "none", "--out", folder / "data")
    return root, folder / "data"


@pytest.fixture(scope="module")
def mevis(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("mevis")
    root = roots.mevis(folder / "root")
    _run("build", "--root", root, "--split", "train", "--subsets", "N", "--render", "none", "--out", folder / "data")
    return root, folder / "data"


def _ytvos_masks(root: Path) -> Iterator[tuple[str, str, str, Mask]]:
    """Yield (video, number, frame name, mask) as the release has them."""
    videos = json.loads((root / "meta_expressions" / "train" / "meta_expressions.json").read_text())["videos"]
    for video, own in videos.items():
        for number, expression in own["expressions"].items():
            for name in own["frames"]:
                with Image.open(root / "train" / "Annotations" / video / f"{name}.png") as image:
                    yield video, number, name, np.asarray(image) == int(expression["obj_id"])


def _written(folder: Path, root: Path) -> Path:
    for video, number, name, mask in _ytvos_masks(root):
        file = folder / video / number / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255, "L").save(file)
    return folder


@pytest.mark.parametrize("place", ["Annotations", "valid", "zip"])
def test_refer_ytvos_by_the_releases_numbers_and_names(ytvos: tuple[Path, Path], tmp_path: Path, place: str) -> None:
    root, data = ytvos
    _written(tmp_path / "out" / ("Annotations" if place == "zip" else place), root)
    if place == "zip":
        shutil.make_archive(str(tmp_path / "out" / "submission"), "zip", tmp_path / "out", "Annotations")
        shutil.rmtree(tmp_path / "out" / "Annotations")
    shown = _run("score", tmp_path / "out", "--dataset", data, "--protocol", "ytvos", "--resamples", "0")
    assert shown.count("100.0") >= 3 and "called as the source calls them" in shown


def test_parts_of_one_model_are_joined(ytvos: tuple[Path, Path], tmp_path: Path) -> None:
    root, data = ytvos
    _written(tmp_path / "one", root)
    (tmp_path / "two").mkdir()
    shutil.move(tmp_path / "one" / "cccc111122", tmp_path / "two" / "cccc111122")
    for part in ("one", "two"):
        (tmp_path / part).rename(tmp_path / f"{part}-all")
        (tmp_path / part).mkdir()
        (tmp_path / f"{part}-all").rename(tmp_path / part / "valid")
    parts = [tmp_path / "one", tmp_path / "two"]
    shown = _run("score", *parts, "--join", "--dataset", data, "--protocol", "ytvos", "--resamples", "0")
    assert shown.count("100.0") >= 3


def test_sa2va_on_mevis(mevis: tuple[Path, Path], tmp_path: Path) -> None:
    root, data = mevis
    videos = json.loads((root / "train" / "meta_expressions.json").read_text())["videos"]
    rows = json.loads((root / "train" / "mask_dict.json").read_text())
    found: dict[str, dict[str, object]] = {}
    for video, own in videos.items():
        for number, expression in own["expressions"].items():
            # loaders sort the frames, mask_dict.json does not
            masks = {name: np.zeros((roots.HEIGHT, roots.WIDTH), bool) for name in sorted(own["frames"])}
            for anno in expression["anno_id"]:
                for place, name in enumerate(own["frames"]):
                    if rows[str(anno)][place] is not None:
                        masks[name] |= decode(rows[str(anno)][place])
            rle = [encode(mask) if mask.any() else None for mask in masks.values()]
            found.setdefault(video, {})[number] = {"frames": list(masks), "prediction_masks": rle}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text(json.dumps(found))
    shown = _run("score", tmp_path / "out", "--dataset", data, "--protocol", "mevis", "--resamples", "0")
    assert shown.count("100.0") >= 3 and "Sa2VA" in shown


def test_jhmdb_ids_have_videos_as_units_of_resampling_and_of_sequences(tmp_path: Path) -> None:
    root = roots.jhmdb(tmp_path / "root")
    data = tmp_path / "data"
    _run("build", "--root", root, "--split", "test", "--subsets", "N", "--render", "none", "--out", data)
    rows = []
    # MTTR's ids; the best score is tied, and a padded sampler repeats the last row
    for video, _, _, masks, _ in json.loads((root / "jhmdb_sentences_samples_metadata.json").read_text()):
        for frame in {1, 3, masks}:
            wrong, right = np.ones((roots.HEIGHT, roots.WIDTH), bool), roots.square(1, frame - 1)
            rows += [
                {"image_id": f"v_{video}_f_{frame}", "category_id": 1, "segmentation": encode(mask), "score": 1.0}
                for mask in (wrong, right)
            ]
    (tmp_path / "N.json").write_text(json.dumps([*rows, rows[-1]]))
    report = evaluate(tmp_path / "N.json", data, protocol="jhmdb", resamples=30)
    own = report.subsets["N"]
    assert (own.units, own.queries, own.videos) == (9, 3, 3)
    assert own.figures["mIoU"] == own.figures["oIoU"] == own.figures["P@0.9"] == 1.0
    assert "by:video" in report.signature
    assert any("the last is taken, as MTTR and ReferFormer do" in note for note in own.notes)
    assert any("rows repeat another" in note for note in own.notes)
    sequences = evaluate(tmp_path / "N.json", data, protocol="ytvos", resamples=0).subsets["N"].figures
    assert sequences == {"J": 1.0, "F": 1.0, "J&F": 1.0}


def test_mttr_prints_for_t_what_its_own_evaluator_prints(small_root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    _run("build", "--root", small_root, "--split", "test", "--subsets", "T", "--render", "none", "--out", data)
    file = data / "T" / "ground_truth.json"
    truth = json.loads(file.read_text())
    rng = np.random.default_rng(0)
    rows, keys = [], {image["id"]: image["key"] for image in truth["images"]}
    for annotation in truth["annotations"]:
        mask = np.roll(decode(annotation["segmentation"]), rng.integers(0, 4, 2), (0, 1))
        sample, frame, expression = keys[annotation["image_id"]].split("/")
        own = {"category_id": 1, "segmentation": encode(mask), "score": round(float(rng.random()), 2)}
        rows.append({"image_id": f"v_{sample}_f_{int(frame)}_i_{expression}", **own})
        rows[-1]["number"] = annotation["image_id"]
    (tmp_path / "T.json").write_text(json.dumps(rows))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = pycocotools.coco.COCO(str(file))
        found = coco.loadRes([{**row, "image_id": row["number"]} for row in rows])
        stock = pycocotools.cocoeval.COCOeval(coco, found, "segm")
        stock.evaluate()
        stock.accumulate()
        stock.summarize()
    shown = _run("score", tmp_path / "T.json", "--dataset", data, "--protocol", "mttr", "--resamples", "0")
    assert f"MTTR's own evaluator prints {100 * stock.stats[0]:.1f} for mAP here" in shown
    assert re.search(rf"^mAP_cocoeval +{100 * stock.stats[0]:.1f}$", shown, re.MULTILINE)


def test_what_it_looks_like_is_said(ytvos: tuple[Path, Path], tmp_path: Path) -> None:
    root, data = ytvos
    _written(tmp_path / "out" / "N", root)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for place in ("first", "second"):
            for path in sorted((tmp_path / "out" / "N").rglob("*.png")):
                archive.write(path, f"{place}/{path.relative_to(tmp_path / 'out' / 'N')}")
    result = CliRunner().invoke(main, ["score", str(tmp_path / "two.zip"), "--dataset", str(data), "--subsets", "N"])
    assert "several of its folders, first, second; pass one of them" in str(result.exception)
    (tmp_path / "out" / "N" / "dddd111122" / "0").mkdir(parents=True)
    result = CliRunner().invoke(main, ["score", str(tmp_path / "out"), "--dataset", str(data)])
    assert "1 samples are not in" in str(result.exception) and "dddd111122" in str(result.exception)
