"""One suite over every source: found from its folder, read whole, built, and each fault one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import a2dsplus
from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli import main
from a2dsplus.compose.render import Rendering
from a2dsplus.dataset.verify import verify
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import A2dsplusError, InputError, UsageError
from a2dsplus.media.masks import decode
from a2dsplus.records import SubsetName
from a2dsplus.sources import SOURCES, find_source
from a2dsplus.sources.reading import stamp
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


# ---- bad input -----------------------------------------------------------------------------------------------------


def _edit(path: Path, change: Callable[[Any], Any]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


FAULTS: dict[str, tuple[str, Callable[[Path], Any], list[str]]] = {
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


@pytest.mark.parametrize("name", ["refer-youtube-vos", "jhmdb-sentences"])
def test_skip_bad_goes_on_and_lists_what_it_left_out(name: str, tmp_path: Path) -> None:
    make, split = ROOTS[name]
    root = make(tmp_path / "root")
    spoilt = {"refer-youtube-vos": "train/Annotations/cccc111122/00005.png", "jhmdb-sentences": "puppet_mask/walk/man_walk_f_cm_np1/puppet_mask.mat"}  # fmt: skip
    (root / spoilt[name]).write_bytes(b"damaged")
    result = _run(
        "build", "--root", root, "--split", split, "--out", tmp_path / "out", "--render", "none", "--skip-bad"
    )
    assert result.exit_code == 0, result.output
    assert "left out: " + Path(spoilt[name]).parts[2] in result.output


def test_a_folder_of_no_dataset_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "somewhere").mkdir()
    (tmp_path / "somewhere" / "notes.txt").touch()
    with pytest.raises(InputError) as caught:
        find_source(tmp_path / "somewhere")
    words = [*ROOTS, "videoset.csv", "mask", "table.csv", "notes.txt"]
    assert all(word in str(caught.value) for word in words[:6]) and "notes.txt" in str(caught.value)
    with pytest.raises(InputError, match="no such folder"):
        find_source(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="a2d-sentences, jhmdb-sentences"):
        find_source(tmp_path, name="coco")


def test_a_split_that_a_source_cannot_have_is_wrong_usage(laid: dict[str, Path], tmp_path: Path) -> None:
    result = _run("build", "--root", laid["mevis"], "--split", "test", "--out", tmp_path / "out")
    assert isinstance(result.exception, UsageError) and "valid_u" in str(result.exception)
