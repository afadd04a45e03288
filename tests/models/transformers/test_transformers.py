"""Other people's models from a folder, on tiny randomly initialised ones: what is yielded, silence, several texts, folders at fault."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from a2dsplus.errors import A2dsplusError, ModelError, UsageError
from a2dsplus.models import RolePhrase
from a2dsplus.models.run import Run, predict
from a2dsplus.models.transformers import Transformers
from a2dsplus.models.transformers.boxes import GroundingDino, OmDetTurbo, Owlv2
from a2dsplus.models.transformers.clipseg import ClipSeg
from a2dsplus.models.transformers.concept import concept
from tests.models.transformers.tiny_folders import KINDS, save

TEXTS = ["a man in red is running", "a dog"]
SEGMENTERS = ("sam2_video", "edgetam_video")


class Noise:
    """A video of coarse noise."""

    sample_id, height, width = "noise", 48, 80

    def __init__(self, frames: int = 9) -> None:
        self.frames = frames

    def __iter__(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(0)
        for _ in range(self.frames):
            yield rng.integers(0, 255, (6, 10, 3), np.uint8).repeat(8, 0).repeat(8, 1)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads cost tiny networks more than they bring."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a `model_type`, read only."""
    root = tmp_path_factory.mktemp("folders")
    for kind in KINDS:
        save(kind, root / kind)
    return root


def model(folders: Path, kind: str, **options: Any) -> Transformers:
    """Return the model of a kind; a segmenter behind OWLv2."""
    if kind in SEGMENTERS:
        return Transformers(checkpoint=folders / "owlv2", segmenter=folders / kind, device="cpu", **options)
    return Transformers(checkpoint=folders / kind, device="cpu", **options)


SLOW = [pytest.param(kind, marks=pytest.mark.slow) if kind == "sam3_video" else kind for kind in KINDS]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SLOW)
def test_each_model_yields_a_mask_and_a_confidence_a_frame(folders: Path, kind: str) -> None:
    video = Noise(5 if kind == "sam3_video" else 9)
    first = list(model(folders, kind, threshold=0.15).segment(video, TEXTS[0]))
    assert len(first) == video.frames
    for mask, confidence in first:
        assert mask.shape == (video.height, video.width)
        assert mask.dtype == np.bool_
        assert 0 <= confidence <= 1
    # a model made anew, other batches, fewer frames asked for, a second text beside: the same masks
    again = model(folders, kind, threshold=0.15, batch=2)
    wanted = (1, 3, 4)
    both = list(again.segment_all(video, TEXTS, wanted=wanted))
    assert [len(answers) for answers in both] == [2, 2, 2]
    alone = list(again.segment(video, TEXTS[1], wanted=wanted))
    for place, number in enumerate(wanted):
        assert_same(both[place][0], first[number - 1])
        assert_same(both[place][1], alone[place])


def assert_same(one: tuple[np.ndarray, float], other: tuple[np.ndarray, float]) -> None:
    assert np.mean(one[0] != other[0]) < 0.002  # a network's sums may differ in the last bit with the size of a batch
    assert one[1] == pytest.approx(other[1], abs=1e-4)


@pytest.mark.parametrize("kind", SLOW)
def test_a_score_below_the_threshold_is_silence(folders: Path, kind: str) -> None:
    masks = [mask for mask, _ in model(folders, kind, threshold=1.0).segment(Noise(5), TEXTS[0], wanted=(1, 4))]
    assert len(masks) == 2
    assert not any(mask.any() for mask in masks)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clipseg", "grounding-dino", "edgetam_video", "sam3"])
def test_a_score_above_the_threshold_is_not(folders: Path, kind: str) -> None:
    masks = [mask for mask, _ in model(folders, kind, threshold=0.1).segment(Noise(), TEXTS[0])]
    assert any(mask.any() for mask in masks)


def test_baseline_runs_a_folder_and_goes_on_where_it_stopped(folders: Path, dataset: Path, tmp_path: Path) -> None:
    run = Run(model="transformers", checkpoint=folders / "clipseg", dataset=dataset, options={"threshold": 0.2})
    assert predict(run, tmp_path / "p") == ["M", "S", "T"]
    predict(run, tmp_path / "q", subsets=["S"])
    predict(run, tmp_path / "q")
    for name in "MST":
        assert (tmp_path / "p" / f"{name}.json").read_bytes() == (tmp_path / "q" / f"{name}.json").read_bytes()
    note = json.loads((tmp_path / "p" / "manifest.json").read_text())
    assert note["options"] == {"threshold": 0.2}
    assert len(note["checkpoint"]) == 64


class Killed(Transformers):
    """Kills its process in the middle of the second video that it is shown."""

    shown = 0

    def segment(self, video: Any, text: str, *, wanted: Any = None, roles: Any = None) -> Iterator[Any]:
        Killed.shown += 1
        for number, answer in enumerate(super().segment(video, text, wanted=wanted, roles=roles)):
            if Killed.shown == 2 and number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            yield answer


@pytest.mark.slow
def test_a_video_model_killed_in_the_middle_of_a_video_goes_on_to_the_same_bytes(
    folders: Path, dataset: Path, tmp_path: Path
) -> None:
    options = {"segmenter": folders / "edgetam_video", "threshold": 0.15}
    run = Run(model=f"{__name__}:Killed", checkpoint=folders / "owlv2", dataset=dataset, options=options)
    child = os.fork()
    if not child:
        predict(run, tmp_path / "killed", subsets=["T"])
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert not (tmp_path / "killed" / "T.json").exists()
    Killed.shown = 2
    predict(run, tmp_path / "killed", subsets=["T"])
    Killed.shown = 2
    predict(run, tmp_path / "whole", subsets=["T"])
    assert (tmp_path / "killed" / "T.json").read_bytes() == (tmp_path / "whole" / "T.json").read_bytes()


# ---- against the library's own calls ---------------------------------------------------------------------------------


def test_clipseg_is_the_librarys_with_each_frame_encoded_once(folders: Path) -> None:
    ours = ClipSeg(folders / "clipseg", device="cpu", threshold=None, batch=4)
    frames = list(Noise())[:3]
    with torch.inference_mode():
        prompts = ours.embed(TEXTS)
        logits = ours.logits(frames, prompts)
        pixels = ours.processor(images=frames, return_tensors="pt")["pixel_values"]
        for row, text in enumerate(TEXTS):
            tokens = ours.tokenizer([text] * len(frames), padding=True, return_tensors="pt")
            theirs = ours.model(**tokens, pixel_values=pixels).logits
            assert torch.allclose(logits[row], theirs, atol=1e-5)


def test_of_clipsegs_components_the_surest_is_taken(folders: Path) -> None:
    ours = ClipSeg(folders / "clipseg", device="cpu", threshold=0.5, batch=4)
    video = Noise()
    wide, sure, speck = np.zeros((3, 48, 80), bool)
    wide[5:30, 4:30], sure[10:33, 45:70], speck[40:41, 40:41] = True, True, True
    probability = np.where(wide, 0.6, np.where(sure, 0.8, np.where(speck, 0.99, 0.1))).astype(np.float32)[::2, ::2]
    mask, score = ours._answer(video, wide | sure | speck, probability)
    assert np.array_equal(mask, sure)
    assert score == pytest.approx(0.8)
    assert ours._answer(video, wide, np.full((24, 40), 0.45, np.float32))[0].any() == np.False_
    assert np.array_equal(ours._answer(video, sure, probability)[0], sure)


def test_the_best_box_is_the_librarys(folders: Path) -> None:
    from transformers import GroundingDinoProcessor, Owlv2Processor

    frames = list(Noise())[:2]
    sizes = [(48, 80)] * 2
    with torch.inference_mode():
        owl = Owlv2(folders / "owlv2", device="cpu")
        outputs = owl.model(**owl.inputs(frames, TEXTS[:1]))
        processor = Owlv2Processor(image_processor=owl.processor, tokenizer=owl.tokenizer)
        theirs = processor.post_process_grounded_object_detection(outputs, threshold=0.0, target_sizes=sizes)
        assert_best(owl.best(frames, TEXTS[:1]), theirs)
        dino = GroundingDino(folders / "grounding-dino", device="cpu")
        pictures = dino.processor(images=frames, return_tensors="pt")
        tokens = dino.tokens(TEXTS[0], 2)
        outputs = dino.model(**pictures, **tokens)
        processor = GroundingDinoProcessor(image_processor=dino.processor, tokenizer=dino.tokenizer)
        theirs = processor.post_process_grounded_object_detection(
            outputs, tokens["input_ids"], threshold=0.0, target_sizes=sizes
        )
        assert_best(dino.best(frames, TEXTS[:1]), theirs)


def assert_best(found: tuple[np.ndarray, np.ndarray], theirs: list[dict[str, torch.Tensor]]) -> None:
    boxes, scores = found
    assert boxes.shape == (1, 2, 4)
    for index, result in enumerate(theirs):
        best = int(result["scores"].argmax())
        assert scores[0, index] == pytest.approx(float(result["scores"][best]), abs=1e-6)
        inside = result["boxes"][best].numpy().clip(0, [80, 48, 80, 48])
        assert boxes[0, index] == pytest.approx(inside, abs=1e-3)


def test_grounding_dino_is_given_a_phrase_that_ends_in_a_dot(folders: Path) -> None:
    dino = GroundingDino(folders / "grounding-dino", device="cpu")
    assert dino.tokenizer.decode(dino.tokens(" A Dog. ", 1)["input_ids"][0]) == "[CLS] a dog. [SEP]"


def test_a_long_caption_is_cut_and_not_refused(folders: Path) -> None:
    long = "a man " * 100
    frames = list(Noise())[:1]
    with torch.inference_mode():
        for detector in (
            Owlv2(folders / "owlv2", device="cpu"),
            GroundingDino(folders / "grounding-dino", device="cpu"),
            OmDetTurbo(folders / "omdet-turbo", device="cpu"),
        ):
            assert detector.best(frames, [long])[0].shape == (1, 1, 4)


def test_the_concept_is_who_the_roles_name() -> None:
    roles = (RolePhrase(0, "V", "verb", "is running", "run"), RolePhrase(0, "ARG0", "who", "man in red", "man in red"))
    assert concept("a man in red is running", roles) == "man in red"
    assert concept("a man in red is running", ()) == "a man in red is running"
    assert concept("a man in red is running", None) == "a man in red is running"


# ---- folders at fault -----------------------------------------------------------------------------------------------


def broken(folders: Path, tmp_path: Path, kind: str, how: str) -> Path:
    folder = tmp_path / how
    shutil.copytree(folders / kind, folder)
    weights = folder / "model.safetensors"
    if how == "no weights":
        weights.unlink()
    elif how == "pickle":
        torch.save(load_file(weights), folder / "pytorch_model.bin")
        weights.unlink()
    elif how == "missing tensor":
        tensors = load_file(weights)
        del tensors["decoder.film_mul.weight"]
        save_file(tensors, weights, metadata={"format": "pt"})
    elif how == "another shape":
        tensors = load_file(weights)
        tensors["decoder.film_mul.weight"] = torch.zeros(3, 3)
        save_file(tensors, weights, metadata={"format": "pt"})
    elif how == "cut off":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif how == "unknown type":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "model_type": "llama"}))
    elif how == "no json":
        (folder / "config.json").write_text("model_type: clipseg")
    elif how == "no tokenizer":
        for path in folder.glob("*token*"):
            path.unlink()
        for path in (*folder.glob("vocab*"), *folder.glob("merges*")):
            path.unlink()
    return folder


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no weights", r"has no weights \(\*\.safetensors\); download the whole folder"),
        ("pickle", r"pytorch_model\.bin is a pickle, which is not read"),
        ("missing tensor", r"the weights do not fit config\.json: decoder\.film_mul\.weight is missing"),
        ("another shape", r"config\.json: decoder\.film_mul\.weight is \(3, 3\), expected \(16, 32\)"),
        ("cut off", r"cannot be read as CLIPSegForImageSegmentation"),
        ("unknown type", r"model_type 'llama'; known are clipseg, grounding-dino, .*sam3, sam3_video"),
        ("no json", r"config\.json: is not JSON"),
        ("no tokenizer", r"has no tokenizer \(tokenizer\.json, vocab\.json, vocab\.txt\)"),
    ],
)
def test_a_folder_at_fault_is_one_clear_line(folders: Path, tmp_path: Path, how: str, words: str) -> None:
    with pytest.raises(ModelError, match=words) as error:
        Transformers(checkpoint=broken(folders, tmp_path, "clipseg", how), device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("checkpoint", "segmenter", "options", "kind", "words"),
    [
        (None, None, {}, UsageError, "needs --checkpoint FOLDER"),
        ("nowhere", None, {}, ModelError, "nowhere: no such folder"),
        ("sam2_video", None, {}, ModelError, "'sam2_video' reads no text; give it with --segmenter"),
        ("clipseg", "sam2_video", {}, UsageError, "goes with a detector .*, not with clipseg"),
        ("owlv2", "clipseg", {}, ModelError, "model_type 'clipseg'; known are edgetam_video, sam2_video"),
        ("owlv2", None, {"threshold": 1.5}, UsageError, "--threshold 1.5: expected a number from 0 to 1"),
        ("owlv2", None, {"device": "cuda:0"}, UsageError, "--device cuda:0: cannot be used"),
    ],
)
def test_folders_and_options_that_do_not_go_together(
    folders: Path,
    checkpoint: str | None,
    segmenter: str | None,
    options: dict[str, Any],
    kind: type[A2dsplusError],
    words: str,
) -> None:
    if options.get("device") and torch.cuda.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(kind, match=words):
        Transformers(
            checkpoint=None if checkpoint is None else folders / checkpoint,
            segmenter=None if segmenter is None else folders / segmenter,
            **{"device": "cpu", **options},
        )
