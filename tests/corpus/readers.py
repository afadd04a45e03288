"""Every reader of the toolkit: how its undamaged input is made, which of its files are damaged how, and what it says of them."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

import locater
from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.build.stats import summary
from a2dsplus.compose.render import Rendering
from a2dsplus.compose.subset import Subset
from a2dsplus.contrast.pairs_file import read_pairs_file, write_pairs
from a2dsplus.dataset import samples_file, tables
from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import A2dsplusError, InputError
from a2dsplus.media.clips import decode, probe
from a2dsplus.media.masks import decode as decode_mask
from a2dsplus.media.masks import encode
from a2dsplus.models.detector import FileDetector
from a2dsplus.models.reference import LocaterModel
from a2dsplus.models.run import Run, predict
from a2dsplus.progress import no_bar
from a2dsplus.records import SubsetName
from a2dsplus.review.decisions import Decision, Verdict, from_json, now
from a2dsplus.review.store import Store, default_url
from a2dsplus.roles.srl.archive import load_archive
from a2dsplus.roles.srl.compact import export_archive
from a2dsplus.score.evaluation import evaluate
from a2dsplus.sources import find_source
from locater import LocaterConfig
from tests.conftest import paint_root, write_clip
from tests.corpus import mutations as m
from tests.models.painted import save_detector
from tests.roles.srl_archives import random_tagger
from tests.sources import roots


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`make(place)` writes the input; `files`: globs and how those files are damaged; `read(place)` returns what was read.

    `sealed`: the file's content has a hash or checksum somewhere, so damage that is read as something else is silently wrong. `placed`:
    whether something else may stand in a file's place as well. `writes`: whether `read` changes the folder.
    """

    name: str
    make: Callable[[Path], object]
    files: dict[str, m.Mutation]
    read: Callable[[Path], object]
    sealed: bool = False
    placed: bool = True
    writes: bool = False


# ---- sources -------------------------------------------------------------------------------------------------------


def _source(name: str, split: str, *, pictures: bool = True) -> Callable[[Path], object]:
    def read(place: Path) -> object:
        source = find_source(place / "root", name=name)
        listing = source.listing(split)
        videos = {video: source.video(video) for video in listing.videos}
        shown = (
            [frame.to_ndarray().tobytes() for video in videos.values() for frame in decode(video.clip)]
            if pictures
            else []
        )
        list(source.files(split))
        return (
            listing.queries,
            sorted(row.item for row in listing.left_out),
            {name: own.masks for name, own in videos.items()},
            shown,
        )

    return read


def _root(make: Callable[[Path], Path]) -> Callable[[Path], object]:
    return lambda place: make(place / "root")


def _jhmdb_found(root: Path) -> Path:
    """J-HMDB without its list of frames."""
    return roots.jhmdb(root, listed=False)


def _parquet_table(root: Path) -> Path:
    roots.table(root)
    rows = [{"video": f"clips/{name}", "text": f"a {name} dog", "query": name, "object": "1",
             "rle": json.dumps([encode(roots.square(1, frame)) for frame in range(3)])} for name in ("one", "two")]  # fmt: skip
    (root / "table.csv").unlink()
    pq.write_table(pa.Table.from_pylist(rows), root / "table.parquet")
    return root


def _clips(place: Path) -> None:
    write_clip(place / "a.mp4", 12, 48, 64, Fraction(25))
    for name, codec in (("b.webm", "libvpx-vp9"), ("c.avi", "mpeg4"), ("d.mkv", "ffv1"), ("f.mov", "mjpeg")):
        with av.open(str(place / name), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.height, stream.width = 48, 64
            stream.pix_fmt = {"mjpeg": "yuvj420p"}.get(codec, "yuv420p")
            for index in range(8):
                picture = np.full((48, 64, 3), 20 + 10 * index, np.uint8)
                picture[8:20, 4 + index : 16 + index] = (220, 30, 30)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())


def _read_clips(place: Path) -> object:
    found = {}
    for path in sorted(place.iterdir()):
        clip = probe(path, video_id="a")
        found[path.name] = clip.frames, [frame.to_ndarray().tobytes() for frame in decode(clip)]
    return found


# ---- the dataset ---------------------------------------------------------------------------------------------------


@cache
def _dataset() -> Path:
    """A built dataset with N, M, S and T, made once a process; its source stays where it was."""
    import tempfile

    place = Path(tempfile.mkdtemp(prefix="corpus-"))
    paint_root(place / "root")
    build(find_source(place / "root"), place / "data", options=_options(), bars=no_bar)
    return place


def _options() -> BuildOptions:
    return BuildOptions(rendering=Rendering(form="none"), subsets=tuple(SubsetName))


def _data(place: Path) -> None:
    shutil.copytree(_dataset() / "data", place / "data")


def _foreign(place: Path) -> None:
    """A dataset whose hashes its writer can choose, so that none counts."""
    _data(place)
    manifest = json.loads((place / "data/manifest.json").read_text())
    manifest["files"] = {}
    (place / "data/manifest.json").write_text(json.dumps(manifest))


def _tables(place: Path) -> object:
    workspace = Workspace.open(place / "data")
    masks = {video: dict(frames) for video, frames in tables.read_masks(workspace).items()}
    clips = {
        name: (clip.frames, clip.height, clip.width, str(clip.rate))
        for name, clip in tables.read_clips(workspace).items()
    }
    return tables.read_queries(workspace), masks, clips, tables.read_pairs(workspace), tables.read_roles(workspace)


def _samples(place: Path) -> object:
    found = list(samples_file.read(place / "data/S/samples.jsonl"))
    subset = Subset(place / "data", "S")
    item = subset[0] if len(subset) else None
    return found, None if item is None else (item.text, item.frames.tobytes(), item.masks.tobytes())


def _manifest(place: Path) -> object:
    workspace = Workspace.open(place / "data")
    verify(workspace)
    summary(workspace)
    Subset(place / "data", "T")
    return True


def _again(place: Path) -> object:
    """What a build over a damaged memory of itself leaves."""
    build(find_source(_dataset() / "root"), place / "data", options=_options(), bars=no_bar)
    return {
        path.name: path.read_bytes()
        for path in sorted((place / "data").rglob("*.json*"))
        if ".a2dsplus" not in path.parts
    }


# ---- predictions ---------------------------------------------------------------------------------------------------


def _masks_of(place: Path, subset: str) -> dict[str, np.ndarray]:
    document = json.loads((place / f"data/{subset}/ground_truth.json").read_text())
    keys = {row["id"]: row["key"] for row in document["images"]}
    return {keys[row["image_id"]]: decode_mask(row["segmentation"]) for row in document["annotations"]}


def _coco(place: Path) -> None:
    _data(place)
    rows = [
        {"image_id": key, "segmentation": encode(mask), "score": 0.5, "category_id": 1}
        for key, mask in _masks_of(place, "S").items()
    ]
    (place / "out").mkdir()
    (place / "out/S.json").write_text(json.dumps(rows))
    (place / "out/manifest.json").write_text(json.dumps({"schema": 1, "model": "mine", "ground_truth": {}}))


def _write_png(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)


def _png(place: Path) -> None:
    _data(place)
    for key, mask in _masks_of(place, "S").items():
        sample, frame, word = key.split("/")
        _write_png(place / "out/S" / sample / word / f"{frame}.png", mask)


def _zip(place: Path) -> None:
    _png(place)
    with zipfile.ZipFile(place / "S.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((place / "out").rglob("*.png")):
            archive.write(path, path.relative_to(place / "out/S"))
    shutil.rmtree(place / "out")
    (place / "out").mkdir()
    (place / "S.zip").rename(place / "out/S.zip")


def _sa2va(place: Path) -> None:
    _data(place)
    found: dict[str, Any] = {}
    for key, mask in _masks_of(place, "S").items():
        sample, frame, _ = key.split("/")
        entry = found.setdefault(sample, {}).setdefault("0", {"frames": [], "prediction_masks": []})
        entry["frames"].append(frame)
        entry["prediction_masks"].append(encode(mask) if mask.any() else None)
    (place / "out").mkdir()
    (place / "out/S.json").write_text(json.dumps(found))


def _davis(place: Path) -> None:
    roots.ref_davis(place / "root")
    options = BuildOptions(rendering=Rendering(form="none"), subsets=(SubsetName.N,), split="valid")
    build(find_source(place / "root"), place / "data", options=options, bars=no_bar)
    for video, count in (("classic-car", 2), ("bear", 1), ("dogs-scale", 3)):
        for run in range(4):
            for frame in range(3):
                roots.palette(
                    place / f"out/anno_{run}/{video}/{frame:05d}.png", roots.numbered(list(range(1, count + 1)), frame)
                )


def _scored(place: Path, *, subset: str = "S", **settings: Any) -> object:
    report = evaluate(place / "out", place / "data", subsets=[subset], resamples=2, **settings)
    figures = json.dumps(report.as_json(), allow_nan=False)
    return [row for row in figures.split(", ") if "notes" not in row]


def _figures(place: Path, *, subset: str = "S", **settings: Any) -> object:
    """The figures alone: what is read, without what is said of the reading."""
    report = evaluate(place / "out", place / "data", subsets=[subset], resamples=0, **settings)
    json.dumps(report.as_json(), allow_nan=False)
    return {name: report.subsets[subset].figures[name] for name in ("oIoU", "mIoU", "mAP")}


def _half_done(place: Path) -> None:
    _foreign(place)
    predict(_run(place), place / "out", subsets=["S"])
    document = json.loads((place / "out/S.json").read_text())
    keys = json.loads((place / "data/S/ground_truth.json").read_text())["images"]
    sample = {row["id"]: row["key"].split("/")[0] for row in keys}
    first = next(iter(sample.values()))
    rows = [row for row in document if sample.get(row["image_id"], str(row["image_id"]).split("/")[0]) == first]
    (place / "out/.S.partial").write_text(json.dumps([first, rows]) + "\n")
    (place / "out/S.json").rename(place / "right.json")


def _run(place: Path) -> Run:
    return Run(model="oracle", checkpoint=None, dataset=place / "data")


def _gone_on(place: Path) -> object:
    (place / "out/S.json").unlink(missing_ok=True)
    predict(_run(place), place / "out", subsets=["S"])
    return _figures(place)


# ---- pairs, reviews ------------------------------------------------------------------------------------------------


def _pairs(place: Path) -> None:
    write_pairs(place / "pairs.json", tables.read_pairs(Workspace(_dataset() / "data")), split="test")


def _reviews(place: Path) -> None:
    _data(place)
    store = Store(default_url(place / "data"))
    for number, pair in enumerate(tables.read_pairs(Workspace(place / "data"))[:3]):
        store.append(
            Decision(
                decision_id=f"decision-{number}", reviewer="Ada", query_id=pair.query_id, contrast_query_id=pair.contrast_query_id,
                verdict=Verdict.ACCEPT, reason=None, note="", undoes=None, tier=pair.tier or 0, rank=pair.rank, at=now(),
            )
        )  # fmt: skip
    store.close()


def _log(place: Path) -> object:
    from a2dsplus.review.store import settled

    for left in (place / "data").glob("reviews.sqlite-*"):
        left.unlink()
    return settled(place / "data")


def _sent(place: Path) -> object:
    try:
        found = json.loads((place / "sent.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{place}/sent.json: the server answers 400") from None
    decision = from_json(found, reviewer="Ada").decision
    return decision.pair, decision.verdict, decision.note


def _decision(place: Path) -> None:
    sent = {
        "id": "0123456789abcdef",
        "query": "a/0",
        "contrast": "b/0",
        "verdict": "accept",
        "note": "a dog",
        "mode": "single",
        "saw": "",
    }
    (place / "sent.json").write_text(json.dumps(sent))


# ---- networks ------------------------------------------------------------------------------------------------------

_SMALL: dict[str, Any] = {"image_size": 32, "dim": 16, "heads": 2}


def _checkpoint(place: Path) -> None:
    torch.manual_seed(0)
    locater.checkpoint.save(locater.Locater(LocaterConfig.preset("tiny")), place / "tiny.safetensors")


def _model(place: Path) -> object:
    model = LocaterModel(checkpoint=place / "tiny.safetensors", device="cpu")
    return model is not None


def _pickled(place: Path) -> None:
    _checkpoint(place)
    torch.save(locater.checkpoint.read(place / "tiny.safetensors"), place / "tiny.pth")


def _tensors(place: Path) -> object:
    from a2dsplus.errors import ModelError

    try:
        return {name: own.numpy().tobytes() for name, own in locater.checkpoint.read(place / "tiny.pth").items()}
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error


def _vectors(place: Path) -> None:
    (place / "words.txt").write_text("".join(f"{word} {' '.join(['0.5'] * 64)}\n" for word in ("dog", "cat", "man")))


def _read_vectors(place: Path) -> object:
    from a2dsplus.errors import ModelError
    from locater.training.published import load_vectors

    try:
        return load_vectors(_network(), place / "words.txt", ["a dog", "a cat"])
    except locater.LocaterError as error:
        raise ModelError(str(error)) from error


@cache
def _network() -> locater.Locater:
    return locater.Locater(LocaterConfig.preset("tiny"))


def _archive(place: Path) -> None:
    export_archive(place / "srl.tar.gz", tagger=random_tagger(seed=1))


def _in_archive(name: str) -> m.Mutation:
    return m.document if name.endswith(".json") else m.flipped if name.endswith(".th") else m.table_of_text


def _tagger(place: Path) -> object:
    tagger = load_archive(place / "srl.tar.gz")
    words = [["a", "dog", "runs"]]
    return repr(tagger.tag(words, [[1]])) if len(tagger.labels) < 10_000 else "large"


def _detector(place: Path) -> None:
    save_detector(place / "net.pt")


READERS = [
    Reader(name="a2d tables", make=_root(roots.a2d), read=_source("a2d-sentences", "test", pictures=False),
           files={"root/text_annotations/*.txt": m.table_of_text, "root/Release/videoset.csv": m.table_of_text}),
    Reader(name="a2d h5", make=_root(roots.a2d), read=_source("a2d-sentences", "test", pictures=False), files={"root/text_annotations/*/*/*.h5": m.hdf5}),
    Reader(name="jhmdb tables", make=_root(roots.jhmdb), read=_source("jhmdb-sentences", "test", pictures=False),
           files={"root/*.txt": m.table_of_text, "root/*.json": m.document}),
    Reader(name="jhmdb MATLAB", make=_root(_jhmdb_found), read=_source("jhmdb-sentences", "test", pictures=False), files={"root/puppet_mask/*/*/*.mat": m.matlab}),
    Reader(name="refer_ytvos json", make=_root(roots.refer_ytvos), read=_source("refer-youtube-vos", "train", pictures=False),
           files={"root/meta_expressions/*/*.json": m.document, "root/train/meta.json": m.document}),
    Reader(name="refer_ytvos palettes", make=_root(roots.refer_ytvos), read=_source("refer-youtube-vos", "train", pictures=False),
           files={"root/train/Annotations/*/*.png": m.picture}),
    Reader(name="frames as pictures", make=_root(roots.refer_ytvos), read=_source("refer-youtube-vos", "train"),
           files={"root/train/JPEGImages/*/*.jpg": m.picture}),
    Reader(name="mevis", make=_root(roots.mevis), read=_source("mevis", "train", pictures=False), files={"root/train/*.json": m.document}),
    Reader(name="ref_davis texts", make=_root(roots.ref_davis), read=_source("ref-davis17", "valid", pictures=False),
           files={"root/davis_text_annotations/*.txt": m.table_of_text, "root/ImageSets/2017/*.txt": m.table_of_text}),
    Reader(name="ref_davis palettes", make=_root(roots.ref_davis), read=_source("ref-davis17", "valid", pictures=False),
           files={"root/Annotations_unsupervised/480p/*/*.png": m.picture}),
    Reader(name="table csv", make=_root(roots.table), read=_source("table", "all", pictures=False), files={"root/table.csv": m.table_of_text, "root/masks/*/*.png": m.picture}),
    Reader(name="table parquet", make=_root(_parquet_table), read=_source("table", "all", pictures=False), files={"root/table.parquet": m.parquet}),
    Reader(name="video", make=_clips, read=_read_clips, files={"*.*": m.clip}),
    Reader(name="dataset tables", make=_data, read=_tables, files={"data/*.parquet": m.parquet}, sealed=True),
    Reader(name="dataset tables, foreign", make=_foreign, read=_tables, files={"data/*.parquet": m.parquet}),
    Reader(name="samples.jsonl", make=_data, read=_samples, files={"data/S/samples.jsonl": m.lines_of_json}, sealed=True),
    Reader(name="samples.jsonl, foreign", make=_foreign, read=_samples, files={"data/S/samples.jsonl": m.lines_of_json}),
    Reader(name="manifest", make=_data, read=_manifest, files={"data/manifest.json": m.document}),
    Reader(name="a build's memory", make=_data, read=_again, files={"data/.a2dsplus/*.json": m.document, "data/.a2dsplus/*.parquet": m.parquet}, writes=True),
    Reader(name="ground truth", make=_coco, read=_figures, files={"data/S/ground_truth.json": m.document, "data/S/blind.json": m.document}, sealed=True),
    Reader(name="ground truth, foreign", make=lambda place: (_coco(place), shutil.rmtree(place / "data"), _foreign(place)), read=_scored,
           files={"data/S/*.json*": m.document}),
    Reader(name="predictions coco", make=_coco, read=_scored, files={"out/*.json": m.document}),
    Reader(name="predictions png", make=_png, read=_scored, files={"out/S/*/*/*.png": m.picture}),
    Reader(name="predictions zip", make=_zip, read=_scored, files={"out/S.zip": m.zipped(m.picture)}),
    Reader(name="predictions sa2va", make=_sa2va, read=_scored, files={"out/S.json": m.document}),
    Reader(name="predictions davis", make=_davis, read=partial(_scored, subset="N", protocol="davis"), files={"out/*/*/*.png": m.picture}),
    Reader(name="predictions half done", make=_half_done, read=_gone_on, files={"out/.S.partial": m.lines_of_json, "out/manifest.json": m.document}, writes=True),
    Reader(name="pairs file", make=_pairs, read=lambda place: read_pairs_file(place / "pairs.json", split="test"), files={"pairs.json": m.document}),
    Reader(name="review log", make=_reviews, read=_log, files={"data/reviews.sqlite": m.database}, writes=True),
    Reader(name="review decisions", make=_decision, read=_sent, files={"sent.json": m.document}, placed=False),
    Reader(name="SRL archive", make=_archive, read=_tagger, files={"srl.tar.gz": m.tarred(_in_archive)}),
    Reader(name="checkpoint", make=_checkpoint, read=_model, files={"tiny.safetensors": m.safetensors, "tiny.json": m.document}),
    Reader(name="torch checkpoint", make=_pickled, read=_tensors, files={"tiny.pth": m.zipped(m.flipped)}),
    Reader(name="word vectors", make=_vectors, read=_read_vectors, files={"words.txt": m.table_of_text}),
    Reader(name="detector", make=_detector, read=lambda place: FileDetector(place / "net.pt", device="cpu", threshold=0.5) is not None,
           files={"net.pt": m.zipped(m.flipped)}),
]  # fmt: skip
assert A2dsplusError and io
