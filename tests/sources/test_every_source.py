"""One suite over every source: found from its folder, read whole, built, and each fault one line."""

import json
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from scipy.io import savemat

import a2dsplus
from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli import main
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import A2dsplusError, InputError, UsageError
from a2dsplus.media.masks import decode, encode
from a2dsplus.records import SubsetName
from a2dsplus.review.store import Store, default_url
from a2dsplus.sources import SOURCES, find_source
from a2dsplus.sources.reading import stamp
from tests.conftest import write_clip, write_masks
from tests.review.test_server import Voter, client_of, desk_of
from tests.sources import roots

ROOTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a2d-sentences": (roots.a2d, "test"),
    "jhmdb-sentences": (roots.jhmdb, "test"),
    "mevis": (roots.mevis, "train"),
    "ref-davis17": (roots.ref_davis, "valid"),
    "refer-youtube-vos": (roots.refer_ytvos, "train"),
    "table": (roots.table, "test"),
}
EVERY = pytest.mark.parametrize("name", list(ROOTS))


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every source's small root, read only."""
    return {name: make(tmp_path_factory.mktemp(name) / "root") for name, (make, _) in ROOTS.items()}


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_suite_covers_every_source() -> None:
    assert set(ROOTS) == set(SOURCES.places())


@EVERY
def test_it_is_found_from_its_folder_and_by_name(name: str, laid: dict[str, Path]) -> None:
    assert find_source(laid[name]).name == name
    assert find_source(laid[name], name=name).name == name


@EVERY
def test_every_video_is_read_with_masks_of_its_size(name: str, laid: dict[str, Path]) -> None:
    source, split = find_source(laid[name]), ROOTS[name][1]
    listing = source.listing(split)
    assert listing.queries and len({query.query_id for query in listing.queries}) == len(listing.queries)
    for video_id in listing.videos:
        video = source.video(video_id)
        assert video.clip.video_id == video_id and video.masks is not None
        for frame, objects in video.masks.items():
            assert 1 <= frame <= video.clip.frames
            assert all(rle["size"] == [video.clip.height, video.clip.width] for rle in objects.values())
        named = {o for query in listing.queries if query.video_id == video_id for o in query.objects or ()}
        assert named <= {o for objects in video.masks.values() for o in objects}


@EVERY
def test_it_builds_scores_and_changes_with_its_files(name: str, laid: dict[str, Path], tmp_path: Path) -> None:
    split, out = ROOTS[name][1], tmp_path / "out"
    result = _run(
        "build", "--root", laid[name], "--split", split, "--out", out, "--render", "none", "--subsets", "N,M,S,T"
    )
    assert result.exit_code == 0, result.output
    assert verify(Workspace(out)).is_sound
    assert _run("baseline", "--model", "oracle", "--dataset", out, "--out", tmp_path / "oracle").exit_code == 0
    scores = json.loads(_score(tmp_path / "oracle", out, tmp_path / "scores.json").read_text())["subsets"]
    assert scores["N"]["mIoU"] == 1.0
    source = find_source(laid[name])
    before = stamp(source, split)
    assert before == stamp(find_source(laid[name]), split) != stamp(source, split, content=True)


def _score(predictions: Path, out: Path, file: Path) -> Path:
    result = _run("score", predictions, "--dataset", out, "--json", file)
    assert result.exit_code == 0, result.output
    return file


# ---- each source's quirks ------------------------------------------------------------------------------------------


def test_jhmdb_frames_are_cut_to_the_masks_and_the_list_says_which_are_evaluated(
    laid: dict[str, Path], tmp_path: Path
) -> None:
    source = find_source(laid["jhmdb-sentences"])
    listing = source.listing("test")
    assert listing.queries[0].text == "the man catching a ball "
    assert listing.queries[0].video_id == "Ball_(1)+!@catch_u_nm_np1"
    video = source.video(listing.queries[0].video_id)
    assert video.clip.frames == 5 and video.masks is not None and list(video.masks) == [1, 3, 5]
    assert (decode(video.masks[3]["0"]) == roots.square(1, 2)).all()
    assert "list" in listing.notes[0]
    drawn = [find_source(roots.jhmdb(tmp_path / name, listed=False)) for name in ("a", "b")]
    assert "drawn" in drawn[0].listing("test").notes[0]
    frames = [list(source.video("dog_walk_f_cm_np1").masks or ()) for source in drawn]
    assert frames[0] == frames[1] and len(frames[0]) == 3


def test_refer_ytvos_valid_is_without_test_ids_and_masks(laid: dict[str, Path], tmp_path: Path) -> None:
    source = find_source(laid["refer-youtube-vos"])
    assert source.listing("valid").videos == ["dddd111122", "eeee111122"]
    assert source.listing("test").videos == ["ffff111122"]
    assert source.video("ffff111122").clip.frames == 1
    out = tmp_path / "out"
    result = _run("build", "--root", laid["refer-youtube-vos"], "--split", "valid", "--out", out, "--render", "frames")
    assert result.exit_code == 0, result.output
    assert "M is left out" in result.output and not (out / "M").exists()
    subset = a2dsplus.Subset(out, "S")
    assert len(subset) == 2 and subset[0].masks.shape[0] == 0 and not (out / "S" / "ground_truth.json").exists()
    clips = pd.read_parquet(out / "clips.parquet").set_index("video_id")
    assert (
        list(clips.loc["eeee111122", "frame_names"]) == ["00010", "00015"] and clips.loc["eeee111122", "rate_assumed"]
    )
    asked = _run("baseline", "--model", "empty", "--dataset", out, "--out", tmp_path / "p")
    assert isinstance(asked.exception, InputError) and "no frame of S, T is evaluated" in str(asked.exception)
    whole = _run("export", "--layout", "refer-ytvos", "--subset", "S", "--dataset", out, "--out", tmp_path / "exported")
    assert whole.exit_code == 0, whole.output
    alone = _run(
        "build", "--root", laid["refer-youtube-vos"], "--split", "valid", "--out", tmp_path / "m", "--subsets", "M"
    )
    assert isinstance(alone.exception, InputError) and "withholds" in str(alone.exception)


def test_two_expressions_of_an_object_are_two_queries_of_one_mask(laid: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = BuildOptions(split="train", subsets=(SubsetName.N, SubsetName.M), rendering=Rendering(form="none"))
    build(find_source(laid["refer-youtube-vos"]), out, options=options)
    subset = a2dsplus.Subset(out, "M")
    assert {sample.sample_id for sample in subset.samples} == {"aaaa111122", "cccc111122"}
    items = {subset[index].query_id: subset[index] for index in range(len(subset))}
    assert (items["aaaa111122/0"].masks == items["aaaa111122/1"].masks).all()
    # object 2 is not in the first frame: evaluated, and empty there
    assert [bool(mask.any()) for mask in items["aaaa111122/2"].masks] == [False, True, True]


def test_mevis_masks_are_unions_in_the_order_of_names(laid: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = BuildOptions(split="train", subsets=(SubsetName.N,), rendering=Rendering(form="none"))
    build(find_source(laid["mevis"]), out, options=options)
    subset = a2dsplus.Subset(out, "N")
    items = {subset[index].query_id: subset[index] for index in range(len(subset))}
    both = items["1a2b3c/0"]
    for frame, mask in enumerate(both.masks):
        expected = roots.square(1, frame) | (roots.square(2, frame) if frame else np.zeros_like(mask))
        assert (mask == expected).all()
    assert not items["1a2b3c/2"].masks.any() and len(items["1a2b3c/2"].evaluated_frames) == 3
    assert [round((float(np.median(frame)) - 20) / 20) for frame in both.frames] == [0, 1, 2]


def test_ref_davis_has_four_expressions_an_object_and_void_pixels(laid: dict[str, Path], tmp_path: Path) -> None:
    source = find_source(laid["ref-davis17"])
    queries = {query.query_id: query for query in source.listing("valid").queries}
    # annotator 2's first-frame text of object 2 is not there: expression 6 is missing, the others keep their numbers
    assert [q.expression_id for q in queries.values() if q.video_id == "classic-car"] == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "7",
    ]
    assert queries["bear/2"].text.endswith("café")
    masks = source.video("bear").masks
    assert masks is not None and decode(masks[1]["void"]).sum() == 2 * roots.WIDTH


def test_a_table_keeps_its_columns_and_reads_both_kinds_of_masks(laid: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(find_source(laid["table"]), out, options=BuildOptions(rendering=Rendering(form="none")))
    queries = pd.read_parquet(out / "queries.parquet")
    assert list(queries["query_id"]) == ["clips~2fone/a", "clips~2ftwo/b", "clips~2ftwo/c"]
    assert list(queries["who"]) == ["Ada", "Bob", "Bob"]
    masks = find_source(laid["table"])
    masks.listing("test")
    found = masks.video("clips~2ftwo").masks
    assert found is not None and (decode(found[2]["2"]) == roots.square(2, 1)).all()


def test_the_files_of_a_split_are_its_own_whatever_was_listed_before(laid: dict[str, Path]) -> None:
    source = find_source(laid["refer-youtube-vos"])
    fresh = {split: list(find_source(laid["refer-youtube-vos"]).files(split)) for split in ("train", "valid")}
    source.listing("train")
    assert {split: list(source.files(split)) for split in fresh} == fresh
    assert any("dddd111122" in str(path) for path in fresh["valid"])
    assert not any("aaaa111122" in str(path) for path in fresh["valid"])


def test_refer_ytvos_valid_is_all_of_it_where_test_is_not_listed(tmp_path: Path) -> None:
    root = roots.refer_ytvos(tmp_path / "root")
    shutil.rmtree(root / "meta_expressions" / "test")
    assert find_source(root).listing("valid").videos == ["dddd111122", "eeee111122", "ffff111122"]


def test_masks_of_valid_are_read_where_a_folder_has_them(tmp_path: Path) -> None:
    """As in a Ref-DAVIS17 converted to this layout, with void, and in a release of valid's ground truth."""
    root = roots.refer_ytvos(tmp_path / "root")
    file = root / "meta_expressions" / "valid" / "meta_expressions.json"
    shutil.rmtree(root / "meta_expressions" / "test")
    document = json.loads(file.read_text())
    for video, own in document["videos"].items():
        for expression in own["expressions"].values():
            expression["obj_id"] = "1"
        for index, name in enumerate(own["frames"]):
            indices = roots.numbered([1], index)
            indices[-2:] = 255
            roots.palette(root / "valid" / "Annotations" / video / f"{name}.png", indices)
    file.write_text(json.dumps(document))
    source = find_source(root)
    listing = source.listing("valid")
    masks = source.video("dddd111122").masks
    assert masks is not None and (decode(masks[2]["1"]) == roots.square(1, 1)).all()
    assert decode(masks[2]["void"]).sum() == 2 * roots.WIDTH and not listing.notes
    assert any(path.parent.parent.name == "Annotations" for path in source.files("valid"))
    del document["videos"]["dddd111122"]["expressions"]["0"]["obj_id"]
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match="expression 0 has no obj_id, and valid has masks"):
        find_source(root).listing("valid")


def test_objects_that_nobody_describes_and_frames_that_are_not_listed_are_no_part(laid: dict[str, Path]) -> None:
    source = find_source(laid["refer-youtube-vos"])
    source.listing("train")
    video = source.video("aaaa111122")
    assert video.clip.frames == 3 and video.clip.frame_names == ("00005", "00010", "00020")
    assert video.masks is not None and {name for objects in video.masks.values() for name in objects} == {"1", "2"}


def test_mevis_has_a_second_validation_split_with_masks(laid: dict[str, Path]) -> None:
    source = find_source(laid["mevis"])
    texts = {query.query_id: query.text for query in source.listing("train").queries}
    assert {query.query_id: query.text for query in source.listing("valid_u").queries} == texts
    assert source.video("4d5e6f").masks is not None
    withheld = source.listing("valid")
    assert withheld.notes == ["valid withholds object ids and masks"]
    assert all(query.objects is None for query in withheld.queries) and source.video("4d5e6f").masks is None


def test_ref_davis_sorts_objects_as_strings_and_lists_texts_of_no_video(tmp_path: Path) -> None:
    root = roots.ref_davis(tmp_path / "root")
    train = find_source(root).listing("train")
    assert {query.expression_id: query.objects for query in train.queries}["0"] == ("10",)
    assert [query.text for query in train.queries if query.expression_id == "4"] == ["a rider"]
    with (root / "davis_text_annotations" / "Davis17_annot1.txt").open("a") as file:
        file.write('nowhere 1 "a dog"\n')
    left = find_source(root).listing("valid").left_out
    assert [row.item for row in left] == ["nowhere"] and "no list in ImageSets/2017" in left[0].reason


def test_jhmdb_captions_without_a_folder_are_listed(tmp_path: Path) -> None:
    root = roots.jhmdb(tmp_path / "root")
    with (root / "jhmdb_annotation.txt").open("a") as file:
        file.write("nowhere_walk_f_cm_np1,a man walks\n")
    listing = find_source(root).listing("test")
    assert [row.item for row in listing.left_out] == ["nowhere_walk_f_cm_np1"] and len(listing.queries) == 3


def test_a_table_of_files_run_lengths_several_objects_none_and_splits(tmp_path: Path) -> None:
    write_clip(tmp_path / "yard.mp4", 3, 48, 64, Fraction(25))
    rle = [None, *(json.loads(json.dumps(encode(roots.square(1, frame)))) for frame in (1, 2))]
    other = [None, *(json.loads(json.dumps(encode(roots.square(2, frame)))) for frame in (1, 2))]
    rows = [
        {"video": "yard.mp4", "text": "a dog", "object": "d", "split": "test", "rle": json.dumps(rle)},
        {"video": "yard.mp4", "text": "a cat", "object": "c", "split": "test", "rle": json.dumps(other)},
        {"video": "yard.mp4", "text": "both animals", "object": "d;c", "split": "test", "rle": None},
        {"video": "yard.mp4", "text": "a horse", "object": None, "split": "test", "rle": None},
        {"video": "yard.mp4", "text": "of another split", "object": "d", "split": "train", "rle": json.dumps(rle)},
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "mine.parquet")
    out = tmp_path / "out"
    options = BuildOptions(subsets=(SubsetName.N,), rendering=Rendering(form="none"))
    build(find_source(tmp_path / "mine.parquet"), out, options=options)
    subset = a2dsplus.Subset(out, "N")
    items = {subset[index].text: subset[index] for index in range(len(subset))}
    assert list(items) == ["a dog", "a cat", "both animals", "a horse"]
    assert all(list(items[text].evaluated_frames) == [2, 3] for text in items)
    assert (items["both animals"].masks[1] == roots.square(1, 2) | roots.square(2, 2)).all()
    assert not items["a horse"].masks.any()


# ---- what every source goes through --------------------------------------------------------------------------------


# what of the pairs' kinds the few captions of a root take part in: nobody moves in "a white cat"
RECIPES: list[tuple[str, list[str]]] = [
    ("strict", ["--recipe", "strict"]),
    ("two contrasts", ["--contrasts", "2"]),
    ("frozen", ["--kind", "frozen"]),
    ("reversed", ["--kind", "reversed"]),
    ("both orders", ["--recipe", "strict", "--order", "both"]),
]


@EVERY
def test_it_goes_from_build_over_review_and_a_model_to_a_score(
    name: str, laid: dict[str, Path], tmp_path: Path
) -> None:
    """One folder, built again with other options: the clips are read and the captions parsed once."""
    out = tmp_path / "out"
    composed = {}
    for place, (recipe, options) in enumerate(RECIPES):
        built = _run(
            "build", "--root", laid[name], "--split", ROOTS[name][1], "--out", out, "--render", "none", "--subsets", "N,S,T", *options
        )  # fmt: skip
        assert built.exit_code == 0, (recipe, built.output, built.exception)
        composed[recipe] = len((out / "S" / "samples.jsonl").read_text().splitlines())
        assert verify(Workspace(out)).is_sound
        predicted = tmp_path / f"everything-{place}"
        ran = _run("baseline", "--model", "everything", "--dataset", out, "--out", predicted, "--no-score")
        assert ran.exit_code == 0, (recipe, ran.output, ran.exception)
        found = json.loads(_score(predicted, out, tmp_path / "scores.json").read_text())
        assert set(found["subsets"]) == {"N", *("ST" if composed[recipe] else "")}, recipe
        assert all(0 < own["mIoU"] < 1 for own in found["subsets"].values())
    # no caption of the A2D root has a direction
    assert composed["strict"] and composed["frozen"] and bool(composed["reversed"]) == (name != "a2d-sentences"), (
        composed
    )
    assert composed["strict"] == composed["two contrasts"] == composed["both orders"] / 2, composed
    # a reviewer sees the pair and its sample, accepts it, and the next build keeps it
    store = Store(default_url(out))
    voter = Voter(client_of(desk_of(out, store)), "ada")
    first = voter.ahead()[0]
    asked = {"query": first["query"], "contrast": first["contrast"]}
    assert voter.client.get("/preview/S", params=asked).status_code == 200
    assert "error" not in voter.says("accept", first)
    store.close()
    assert _run("review", "--dataset", out, "--export", tmp_path / "reviewed.json").exit_code == 0
    kept = json.loads((tmp_path / "reviewed.json").read_text())["pairs"]
    assert (*asked.values(), "accepted") in [(row["query"], row["contrast"], row["status"]) for row in kept]
    again = _run("build", "--root", laid[name], "--split", ROOTS[name][1], "--out", out, "--render", "none", "--subsets", "S", "--pairs", tmp_path / "reviewed.json")  # fmt: skip
    assert again.exit_code == 0 and f" {len(kept)} pairs" in again.output, again.output


@pytest.mark.parametrize("name", list(ROOTS))
def test_real_data_where_an_environment_variable_names_it(name: str, tmp_path: Path) -> None:
    """A2DSPLUS_REAL_<SOURCE>=FOLDER (dashes as underscores), and, if not the suite's, A2DSPLUS_REAL_SPLIT: the whole split of a real download."""
    variable = f"A2DSPLUS_REAL_{name.upper().replace('-', '_')}"
    if variable not in os.environ:
        pytest.skip(f"{variable} names no folder of a real download")
    split = os.environ.get("A2DSPLUS_REAL_SPLIT", ROOTS[name][1])
    out = tmp_path / "out"
    built = _run("build", "--root", os.environ[variable], "--source", name, "--split", split, "--out", out, "--render", "none", "--subsets", "N,S,T")  # fmt: skip
    assert built.exit_code == 0, (built.output, built.exception)
    assert verify(Workspace(out)).is_sound
    if (out / "N" / "ground_truth.json").is_file():
        ran = _run("baseline", "--model", "oracle", "--dataset", out, "--out", tmp_path / "oracle", "--no-score", "--subsets", "N")  # fmt: skip
        assert ran.exit_code == 0, (ran.output, ran.exception)
        found = json.loads(_score(tmp_path / "oracle", out, tmp_path / "scores.json").read_text())["subsets"]
        assert found["N"]["mIoU"] == 1.0


# ---- bad input -----------------------------------------------------------------------------------------------------


def _edit(path: Path, change: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


FAULTS: dict[str, tuple[str, Callable[[Path], Any], list[str]]] = {
    "a2d: a mask of another size": ("a2d-sentences", lambda r: write_masks(r / "text_annotations/a2d_annotation_with_instances/ddddddddddd/00004.h5", ["0"], 20, 20), ["00004.h5", "20x20"]),
    "jhmdb: a mask of another size": ("jhmdb-sentences", lambda r: savemat(r / "puppet_mask/walk/dog_walk_f_cm_np1/puppet_mask.mat", {"part_mask": np.zeros((9, 9, 7), np.uint8)}), ["puppet_mask.mat", "9x9"]),
    "jhmdb: a list of another release": ("jhmdb-sentences", lambda r: _edit(r / "jhmdb_sentences_samples_metadata.json", lambda d: d.__setitem__(slice(None), d[:3])), ["lists no frame of dog_walk_f_cm_np1"]),
    "jhmdb: a way out": ("jhmdb-sentences", lambda r: (r / "jhmdb_annotation.txt").write_text("video_id,query\n../../walk/dog_walk_f_cm_np1,a dog walks\n"), ["none of its videos is in Rename_Images"]),
    "ytvos: a way out": ("refer-youtube-vos", lambda r: _edit(r / "meta_expressions/train/meta_expressions.json", lambda d: d["videos"].update({"/etc": d["videos"]["aaaa111122"]})), ["'/etc'", "no name of a folder"]),
    "ytvos: a way up": ("refer-youtube-vos", lambda r: _edit(r / "meta_expressions/train/meta_expressions.json", lambda d: d["videos"].update({"../aaaa111122": d["videos"]["aaaa111122"]})), ["../aaaa111122", "no name of a folder"]),
    "ytvos: a frame that leads out": ("refer-youtube-vos", lambda r: _edit(r / "meta_expressions/train/meta_expressions.json", lambda d: d["videos"]["aaaa111122"].update(frames=["../-bbb111122/00000"])), ["aaaa111122", "no name of a frame"]),
    "mevis: no video": ("mevis", lambda r: shutil.rmtree(r / "train/JPEGImages/4d5e6f"), ["4d5e6f"]),
    "mevis: a way out": ("mevis", lambda r: _edit(r / "train/meta_expressions.json", lambda d: d["videos"].update({"x/../../4d5e6f": d["videos"]["4d5e6f"]})), ["x/../../4d5e6f", "no name of a folder"]),
    "mevis: an id of an object that is no number": ("mevis", lambda r: _edit(r / "train/meta_expressions.json", lambda d: d["videos"]["4d5e6f"]["expressions"]["0"].update(anno_id=["../x"])), ["4d5e6f", "anno_id"]),
    "davis: no video": ("ref-davis17", lambda r: shutil.rmtree(r / "JPEGImages/480p/bear"), ["bear"]),
    "davis: a mask of another size": ("ref-davis17", lambda r: roots.palette(r / "Annotations_unsupervised/480p/bear/00001.png", np.zeros((9, 9))), ["00001.png", "9x9"]),
    "davis: a way out": ("ref-davis17", lambda r: ((r / "ImageSets/2017/val.txt").write_text("/etc\n"), (r / "davis_text_annotations/Davis17_annot1.txt").write_text('/etc 1 "a dog"\n')), ["'/etc'", "no name of a folder"]),
    "table: no video": ("table", lambda r: (r / "table.csv").write_text("video,text\nclips/three,a dog runs\n"), ["clips/three"]),
    "table: a mask of another size": ("table", lambda r: roots.palette(r / "masks/one/2.png", np.zeros((9, 9))), ["2.png", "9x9"]),
    "table: no text column": ("table", lambda r: (r / "table.csv").write_text("video,caption\nclips/one,a dog\n"), ["no column text", "video and text", "masks"]),
    "jhmdb: no masks": ("jhmdb-sentences", lambda r: (r / "puppet_mask/walk/dog_walk_f_cm_np1/puppet_mask.mat").unlink(), ["puppet_mask.mat", "missing"]),
    "jhmdb: no MATLAB file": ("jhmdb-sentences", lambda r: (r / "puppet_mask/walk/dog_walk_f_cm_np1/puppet_mask.mat").write_bytes(b"x" * 300), ["puppet_mask.mat", "MATLAB"]),
    "jhmdb: a listed frame beyond": ("jhmdb-sentences", lambda r: _edit(r / "jhmdb_sentences_samples_metadata.json", lambda d: d[0].__setitem__(1, "a/00039.png")), ["frame 39", "beyond"]),
    "jhmdb: an empty caption": ("jhmdb-sentences", lambda r: (r / "jhmdb_annotation.txt").write_text("video_id,query\ndog_walk_f_cm_np1,\n"), ["line 2"]),
    "ytvos: a missing frame": ("refer-youtube-vos", lambda r: (r / "train/JPEGImages/aaaa111122/00010.jpg").unlink(), ["aaaa111122", "00010"]),
    "ytvos: a missing mask": ("refer-youtube-vos", lambda r: (r / "train/Annotations/aaaa111122/00010.png").unlink(), ["00010.png", "missing"]),
    "ytvos: a mask of another size": ("refer-youtube-vos", lambda r: roots.palette(r / "train/Annotations/aaaa111122/00010.png", np.zeros((9, 9))), ["00010.png", "9x9"]),
    "ytvos: images of two sizes": ("refer-youtube-vos", lambda r: roots.Image.new("RGB", (10, 10)).save(r / "train/JPEGImages/aaaa111122/00010.jpg"), ["00010.jpg", "10x10"]),
    "ytvos: an unknown object": ("refer-youtube-vos", lambda r: _edit(r / "meta_expressions/train/meta_expressions.json", lambda d: d["videos"]["aaaa111122"]["expressions"]["0"].update(obj_id="9")), ["aaaa111122/0", "object 9"]),
    "ytvos: no obj_id": ("refer-youtube-vos", lambda r: _edit(r / "meta_expressions/train/meta_expressions.json", lambda d: d["videos"]["aaaa111122"]["expressions"]["0"].pop("obj_id")), ["aaaa111122", "obj_id"]),
    "ytvos: no video": ("refer-youtube-vos", lambda r: shutil.rmtree(r / "train/JPEGImages/aaaa111122"), ["aaaa111122"]),
    "ytvos: no JSON": ("refer-youtube-vos", lambda r: (r / "meta_expressions/train/meta_expressions.json").write_text("{"), ["meta_expressions.json", "JSON"]),
    "mevis: an entry too few": ("mevis", lambda r: _edit(r / "train/mask_dict.json", lambda d: d["11"].pop()), ["object 11", "2 masks", "3 frames"]),
    "mevis: a mask of another size": ("mevis", lambda r: _edit(r / "train/mask_dict.json", lambda d: d["11"][0].update(size=[3, 4])), ["object 11", "entry 0"]),
    "mevis: damaged run lengths": (
        "mevis",
        lambda r: _edit(r / "train/mask_dict.json", lambda d: d["11"][0].update(counts="zzzzzzzzzz")),
        ["object 11", "entry 0"],
    ),
    "mevis: an unknown object": ("mevis", lambda r: _edit(r / "train/mask_dict.json", lambda d: d.pop("12")), ["4d5e6f/0", "object 12"]),
    "davis: a broken line": ("ref-davis17", lambda r: (r / "davis_text_annotations/Davis17_annot1.txt").write_text("bear a brown bear\n"), ["Davis17_annot1.txt, line 1"]),
    "davis: a missing mask": ("ref-davis17", lambda r: (r / "Annotations_unsupervised/480p/bear/00001.png").unlink(), ["00001.png"]),
    "table: a missing column": ("table", lambda r: (r / "table.csv").write_text("clip,text\na,b\n"), ["no column video"]),
    "table: an id twice": ("table", lambda r: (r / "table.csv").write_text("video,text,query\nclips/one,a dog runs,x\nclips/one,a cat runs,x\n"), ["clips~2fone/x", "twice"]),
    "table: a way out": ("table", lambda r: (r / "table.csv").write_text("video,text\n../../etc/passwd,a dog runs\n"), ["refuses"]),
    "table: a mask too few": ("table", lambda r: (r / "table.csv").write_text('video,text,rle\nclips/one,a dog runs,"[null, null]"\n'), ["row", "2 entries", "3 frames"]),
    "table: a soft mask": ("table", lambda r: roots.palette(r / "masks/one/2.png", roots.numbered([1, 2], 1)), ["2.png", "more than two levels, up to 2"]),
    "table: a frame's mask twice": ("table", lambda r: shutil.copy(r / "masks/one/2.png", r / "masks/one/00002.PNG"), ["2.png", "00002.PNG", "of the two"]),
    "table: a quote never closed": ("table", lambda r: (r / "table.csv").write_text('video,text\n\nclips/one,a dog\nclips/one,"a cat\nclips/one,a hen\n'), ["table.csv, line 4", "a quote that opens here is open until line 5"]),
    "table: an empty text": ("table", lambda r: (r / "table.csv").write_text("video,text\nclips/one, \n"), ["text is empty"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_one_line(fault: str, tmp_path: Path) -> None:
    name, spoil, words = FAULTS[fault]
    make, split = ROOTS[name]
    root = make(tmp_path / "root")
    spoil(root)
    with pytest.raises(A2dsplusError) as caught:
        options = BuildOptions(split=split, rendering=Rendering(form="none"))
        build(find_source(root, name=name), tmp_path / "out", options=options)
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value), str(caught.value)
    assert not (tmp_path / "out" / "queries.parquet").exists()


SPOILT = {
    "a2d-sentences": ("text_annotations/a2d_annotation_with_instances/ddddddddddd/00004.h5", "ddddddddddd"),
    "jhmdb-sentences": ("puppet_mask/walk/man_walk_f_cm_np1/puppet_mask.mat", "man_walk_f_cm_np1"),
    "mevis": ("train/JPEGImages/4d5e6f/00001.jpg", "4d5e6f"),
    "ref-davis17": ("Annotations_unsupervised/480p/bear/00001.png", "bear"),
    "refer-youtube-vos": ("train/Annotations/cccc111122/00005.png", "cccc111122"),
    "table": ("masks/one/2.png", "clips~2fone"),
}


@EVERY
def test_skip_bad_goes_on_and_lists_what_it_left_out(name: str, tmp_path: Path) -> None:
    make, split = ROOTS[name]
    root = make(tmp_path / "root")
    spoilt, video = SPOILT[name]
    (root / spoilt).write_bytes(b"damaged")
    result = _run(
        "build", "--root", root, "--split", split, "--out", tmp_path / "out", "--render", "none", "--skip-bad"
    )
    assert result.exit_code == 0, result.output
    assert f"left out: {video}" in result.output
    left = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [row["item"] for row in left if row["item"] == video] and Path(spoilt).name in str(left)


def test_a_folder_of_no_dataset_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "somewhere").mkdir()
    (tmp_path / "somewhere" / "notes.txt").touch()
    with pytest.raises(InputError) as caught:
        find_source(tmp_path / "somewhere")
    words = [*ROOTS, "videoset.csv", "mask", "table.csv", "notes.txt"]
    assert all(word in str(caught.value) for word in words[:6]) and "notes.txt" in str(caught.value)
    with pytest.raises(InputError, match="no such folder"):
        find_source(tmp_path / "nowhere")
    for name in ROOTS:
        with pytest.raises(InputError, match=f"not {name}, missing are .*; there are notes.txt"):
            find_source(tmp_path / "somewhere", name=name)
    with pytest.raises(UsageError, match="a2d-sentences, jhmdb-sentences"):
        find_source(tmp_path, name="coco")


def test_a_split_that_a_source_cannot_have_is_wrong_usage(laid: dict[str, Path], tmp_path: Path) -> None:
    result = _run("build", "--root", laid["mevis"], "--split", "test", "--out", tmp_path / "out")
    assert isinstance(result.exception, UsageError) and "valid_u" in str(result.exception)
