"""Every kind of file that is read, spoiled in every way that was met: one clear line that names the file, or the undamaged file's result."""

import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.contrast.pairs_file import read_pairs_file, write_pairs
from a2dsplus.dataset import samples_file, tables
from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import A2dsplusError
from a2dsplus.media.clips import decode
from a2dsplus.media.masks import decode as decode_mask
from a2dsplus.score.readers import open_predictions
from a2dsplus.score.truth import read_truth
from a2dsplus.sources.a2d import A2dSource
from tests.conftest import paint_root

MASK = "root/text_annotations/a2d_annotation_with_instances/aaaaaaaaaaa/00003.h5"
CAPTIONS = "root/text_annotations/a2d_annotation.txt"
VIDEOSET = "root/Release/videoset.csv"
CLIP = "root/Release/clips320H/aaaaaaaaaaa.mp4"
SAMPLES = "data/S/samples.jsonl"
QUERIES, MASKS, PAIRS = "data/queries.parquet", "data/masks.parquet", "data/pairs.parquet"
MANIFEST = "data/manifest.json"
PAIRS_FILE = "pairs.json"
COCO = "coco/S.json"
PNG = "png/S"


# ---- what is read of each kind -----------------------------------------------------------------------------------


def _of_root(place: Path) -> object:
    source = A2dSource(place / "root")
    listing = source.listing("test")
    videos = {name: source.video(name) for name in listing.videos}
    clip = videos["aaaaaaaaaaa"].clip
    pictures = [frame.to_ndarray().tobytes() for frame in decode(clip)]
    return listing.queries, {name: video.masks for name, video in videos.items()}, pictures


def _of_tables(place: Path) -> object:
    workspace = Workspace(place / "data")
    masks = {video: dict(frames) for video, frames in tables.read_masks(workspace).items()}
    return tables.read_queries(workspace), masks, tables.read_pairs(workspace)


def _of_predictions(name: str) -> Callable[[Path], object]:
    def read(place: Path) -> object:
        truth = read_truth(place / "data/S/ground_truth.json", subset="S")
        found = open_predictions(place / name, truth)
        found.require_all()
        runs = found.runs(np.arange(len(truth)))
        if not found.settled():
            runs = found.runs(np.arange(len(truth)))
        return repr(runs)

    return read


READ: dict[str, Callable[[Path], object]] = {
    "root": _of_root,
    "data/S": lambda place: list(samples_file.read(place / SAMPLES)),
    "data/manifest": lambda place: verify(Workspace(place / "data")),
    "data": _of_tables,
    "pairs": lambda place: read_pairs_file(place / PAIRS_FILE, split="test"),
    "coco": _of_predictions("coco"),
    "png": _of_predictions("png"),
}


# ---- the undamaged inputs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an undamaged input of every kind, read only."""
    place = tmp_path_factory.mktemp("corpus") / "good"
    paint_root(place / "root")
    data = place / "data"
    build(A2dSource(place / "root"), data, options=BuildOptions(rendering=Rendering(form="none")))
    write_pairs(place / PAIRS_FILE, tables.read_pairs(Workspace(data)), split="test")
    document = json.loads((data / "S/ground_truth.json").read_text())
    masks = {row["image_id"]: row["segmentation"] for row in document["annotations"]}
    (place / "coco").mkdir()
    (place / COCO).write_text(
        json.dumps(
            [
                {"image_id": number, "segmentation": mask, "score": 0.5, "category_id": 1}
                for number, mask in masks.items()
            ]
        )
    )
    for image in document["images"]:
        sample, frame, expression = image["key"].split("/")
        path = place / PNG / sample / expression / f"{frame}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(decode_mask(masks[image["id"]]).astype(np.uint8) * 255).save(path)
    return place


@pytest.fixture(scope="module")
def right(good: Path) -> dict[str, object]:
    """What each undamaged input says."""
    return {name: read(good) for name, read in READ.items()}


# ---- how they are spoiled ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`spoil` changes a copy of the good folder; `file` (a part of its name) must be in the line, or, if empty, all must be read as before."""

    name: str
    kind: str
    spoil: Callable[[Path], object]
    file: str


def _cut(file: str) -> Callable[[Path], object]:
    return lambda place: (place / file).write_bytes((place / file).read_bytes()[: (place / file).stat().st_size // 2])


def _bytes(file: str, data: bytes) -> Callable[[Path], object]:
    return lambda place: (place / file).write_bytes(data)


def _folder(file: str) -> Callable[[Path], object]:
    return lambda place: ((place / file).unlink(), (place / file).mkdir())


def _arrays(**changed: Any) -> Callable[[Path], object]:
    def spoil(place: Path) -> None:
        with h5py.File(place / MASK, "a") as file:
            for key, value in changed.items():
                del file[key]
                if callable(value):
                    value(file, key)
                else:
                    file[key] = value

    return spoil


def _declared(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (2, 60_000, 60_000), np.uint8, chunks=(1, 1000, 1000), compression="gzip")


def _elsewhere(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (2, 64, 48), np.uint8, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])


def _line(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def spoil(place: Path) -> None:
        first, *rest = (place / SAMPLES).read_text().splitlines()
        row = json.loads(first)
        change(row)
        (place / SAMPLES).write_text("\n".join([json.dumps(row), *rest]) + "\n")

    return spoil


def _json(file: str, change: Callable[[Any], object]) -> Callable[[Path], object]:
    def spoil(place: Path) -> None:
        value = json.loads((place / file).read_text())
        change(value)
        (place / file).write_text(json.dumps(value))

    return spoil


def _table(file: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], object]:
    return lambda place: pq.write_table(change(pq.read_table(place / file)), place / file)


def _column(name: str, values: Callable[[int], list[Any]]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index(name), name, pa.array(values(len(table))))

    return change


def _png(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda place: change(sorted((place / PNG).rglob("*.png"))[0])


def _pixels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        changed = change(np.asarray(Image.open(path)))
        Image.fromarray(changed).save(path)

    return _png(spoil)


def _bomb(path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def _replaced(file: str, old: str, new: str) -> Callable[[Path], object]:
    def spoil(place: Path) -> None:
        text = (place / file).read_text()
        assert old in text
        (place / file).write_text(text.replace(old, new))

    return spoil


def _case(kind: str, name: str, spoil: Callable[[Path], object], file: str) -> Case:
    return Case(name=name, kind=kind, spoil=spoil, file=file)


CASES = [
    # HDF5
    _case("root", "h5 cut", _cut(MASK), "00003.h5"),
    _case("root", "h5 of nothing", _bytes(MASK, b""), "00003.h5"),
    _case("root", "h5 is a folder", _folder(MASK), "00003.h5"),
    _case("root", "h5 a pipe", lambda place: ((place / MASK).unlink(), os.mkfifo(place / MASK)), "00003.h5"),
    _case("root", "h5 group", _arrays(reMask=lambda file, key: file.create_group(key)), "00003.h5"),
    _case("root", "h5 gigabytes", _arrays(reMask=_declared), "00003.h5"),
    _case("root", "h5 external storage", _arrays(reMask=_elsewhere), "00003.h5"),
    _case("root", "h5 complex", _arrays(reMask=np.ones((2, 64, 48), complex)), "00003.h5"),
    _case("root", "h5 NaN instance", _arrays(instance=np.array([0, np.nan])), "00003.h5"),
    _case("root", "h5 NaN mask", _arrays(reMask=np.full((2, 64, 48), np.nan)), "00003.h5"),
    _case("root", "h5 beside a ._ file", lambda place: (place / MASK).with_name("._00003.h5").write_bytes(b"Mac"), ""),
    _case("root", "h5 of a frame twice", lambda place: shutil.copy(place / MASK, (place / MASK).with_name("3.h5")), "3.h5"),
    # CSV
    _case("root", "csv superscript", _replaced(CAPTIONS, "ccccccccccc,2", "ccccccccccc,²"), "a2d_annotation.txt, line 6"),
    _case("root", "csv open quote", _replaced(CAPTIONS, ",red car", ',"red car'), "a2d_annotation.txt, line 5"),
    _case("root", "csv Latin-1", lambda place: (place / CAPTIONS).write_bytes((place / CAPTIONS).read_bytes().replace(b"snow", b"sn\xf6w")), "a2d_annotation.txt, line 4"),
    _case("root", "csv byte order mark", lambda place: (place / CAPTIONS).write_bytes(b"\xef\xbb\xbf" + (place / CAPTIONS).read_bytes()), ""),
    _case("root", "csv carriage returns", lambda place: (place / CAPTIONS).write_bytes((place / CAPTIONS).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")), ""),
    _case("root", "csv escaping id", _replaced(VIDEOSET, "aaaaaaaaaaa", "../../aaaaa"), "videoset.csv, line 1"),
    _case("root", "csv endless field", _replaced(CAPTIONS, "a boy is running on the snow", "x" * 200_000), "a2d_annotation.txt, line 4"),
    _case("root", "csv of a caption that no table knows", lambda place: (place / CAPTIONS).write_text((place / CAPTIONS).read_text() + "zzzzzzzzzzz,0,a dog\n"), ""),
    # clips
    _case("root", "mp4 cut", _cut(CLIP), "aaaaaaaaaaa.mp4"),
    _case("root", "mp4 of nothing", _bytes(CLIP, b""), "aaaaaaaaaaa.mp4"),
    _case("root", "mp4 is a script", _bytes(CLIP, b"ffconcat version 1.0\nfile ccccccccccc.mp4\n"), "aaaaaaaaaaa.mp4"),
    _case("root", "mp4 is a playlist", _bytes(CLIP, b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nccccccccccc.mp4\n"), "aaaaaaaaaaa.mp4"),
    # samples.jsonl
    _case("data/S", "samples cut", _cut(SAMPLES), "samples.jsonl"),
    _case("data/S", "samples escaping id", _line(lambda row: row.update(sample_id="../../victim")), "samples.jsonl, line 1"),
    _case("data/S", "samples absolute id", _line(lambda row: row.update(sample_id="/tmp/victim")), "samples.jsonl, line 1"),
    _case("data/S", "samples without a query", _line(lambda row: row.pop("query")), "samples.jsonl, line 1"),
    _case("data/S", "samples of half a frame", _line(lambda row: row.update(frames=1.5)), "samples.jsonl, line 1"),
    _case("data/S", "samples of endless frames", _line(lambda row: row.update(frames=10**12)), "samples.jsonl, line 1"),
    _case("data/S", "samples of a subset that is none", _line(lambda row: row.update(subset="Q")), "samples.jsonl, line 1"),
    _case("data/S", "samples nested", _bytes(SAMPLES, b"[" * 100_000), "samples.jsonl, line 1"),
    _case("data/S", "samples twice", lambda place: (place / SAMPLES).write_text(2 * (place / SAMPLES).read_text()), "samples.jsonl"),
    # parquet
    _case("data", "parquet cut", _cut(MASKS), "masks.parquet"),
    _case("data", "parquet of nothing", _bytes(QUERIES, b""), "queries.parquet"),
    _case("data", "parquet without a column", _table(QUERIES, lambda table: table.drop_columns(["text"])), "queries.parquet"),
    _case("data", "parquet with numbers for texts", _table(QUERIES, _column("text", lambda rows: [7] * rows)), "queries.parquet"),
    _case("data", "parquet with empty cells", _table(QUERIES, _column("text", lambda rows: ["a", *[None] * (rows - 1)])), "queries.parquet"),
    _case("data", "parquet with an escaping id", _table(QUERIES, _column("video_id", lambda rows: ["../../x"] * rows)), "queries.parquet"),
    _case("data", "parquet pairs cut", _cut(PAIRS), "pairs.parquet"),
    # manifest
    _case("data/manifest", "manifest cut", _cut(MANIFEST), "manifest.json"),
    _case("data/manifest", "manifest is a list", _bytes(MANIFEST, b"[]"), "manifest.json"),
    _case("data/manifest", "manifest escaping name", _json(MANIFEST, lambda value: value["files"].update({"../secret": "0" * 64})), "../secret"),
    _case("data/manifest", "manifest files no object", _json(MANIFEST, lambda value: value.update(files=[1])), "manifest.json"),
    _case("data/manifest", "manifest without files", _json(MANIFEST, lambda value: value.pop("files")), "manifest.json"),
    # pairs files
    _case("pairs", "pairs file cut", _cut(PAIRS_FILE), "pairs.json"),
    _case("pairs", "pairs file of a number", _json(PAIRS_FILE, lambda value: value.update(pairs=-1)), "pairs.json"),
    _case("pairs", "pairs file of another split", _json(PAIRS_FILE, lambda value: value.update(split="train")), "pairs.json"),
    _case("pairs", "pairs file twice", _json(PAIRS_FILE, lambda value: value["pairs"].append(value["pairs"][0])), "pairs.json"),
    _case("pairs", "pairs file of lists for ids", _json(PAIRS_FILE, lambda value: value["pairs"][0].update(query=["a"])), "pairs.json"),
    _case("pairs", "pairs file a list", _bytes(PAIRS_FILE, b"[]"), "pairs.json"),
    _case("pairs", "pairs file of a list for a status", _json(PAIRS_FILE, lambda value: value["pairs"][0].update(status=[])), "pairs.json"),
    _case("pairs", "pairs file nested", _bytes(PAIRS_FILE, b"[" * 100_000), "pairs.json"),
    # COCO results
    _case("coco", "coco cut", _cut(COCO), "S.json"),
    _case("coco", "coco NaN score", _json(COCO, lambda value: value[0].update(score=float("nan"))), "S.json"),
    _case("coco", "coco huge mask", _json(COCO, lambda value: value[0].update(segmentation={"size": [10**6, 10**6], "counts": "0"})), "S.json"),
    _case("coco", "coco damaged runs", _json(COCO, lambda value: value[0]["segmentation"].update(counts="\x01\xff")), "S.json"),
    _case("coco", "coco no unit", _json(COCO, lambda value: value[0].update(image_id={"a": 1})), "S.json"),
    _case("coco", "coco nested", _bytes(COCO, b"[" * 100_000), "S.json"),
    _case("coco", "coco whole numbers as floats", _json(COCO, lambda value: value[0].update(image_id=float(value[0]["image_id"]))), ""),
    # PNG
    _case("png", "png cut", _png(lambda path: path.write_bytes(path.read_bytes()[:60])), ".png"),
    _case("png", "png bomb", _png(_bomb), ".png"),
    _case("png", "png JPEG", _png(lambda path: Image.open(path).convert("RGB").save(path, format="JPEG")), ".png"),
    _case("png", "png a pipe", _png(lambda path: (path.unlink(), os.mkfifo(path))), ".png"),
    _case("png", "png a link out", _png(lambda path: (path.unlink(), path.symlink_to("/etc/hostname"))), ".png"),
    _case("png", "png soft", _pixels(lambda mask: np.where(mask > 0, 250, 4).astype(np.uint8)), ""),
    _case("png", "png of another size", _pixels(lambda mask: mask[:-1]), ".png"),
    _case("png", "png of 0 and 1", _pixels(lambda mask: mask // 255), ""),
]  # fmt: skip


def test_the_undamaged_inputs_are_read(right: dict[str, Any]) -> None:
    assert right["data/manifest"].is_sound and right["pairs"] and right["data/S"]
    assert right["coco"] == right["png"]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_one_clear_line_or_a_right_result(case: Case, good: Path, right: dict[str, object], tmp_path: Path) -> None:
    place = tmp_path / "place"
    shutil.copytree(good, place)
    case.spoil(place)
    try:
        found = READ[case.kind](place)
    except A2dsplusError as error:
        line = str(error)
        assert case.file and case.file in line, line
        assert "\n" not in line and len(line) < 1000 and line.isprintable(), line
        return
    assert not case.file, "accepted"
    assert found == right[case.kind]
