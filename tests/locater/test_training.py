"""Training: samples, the fit of one batch, resumption after SIGKILL, the memories alone, weights by path, bad input."""

import dataclasses
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from locater import CheckpointError, ConfigError, Locater, LocaterConfig, LocaterError, VideoError
from locater import checkpoint as files
from locater.loss import place_loss
from locater.training import Clips, Example, FrameStore, TrainOptions, Validation, train
from locater.training.data import collate, scaled, squared
from locater.training.initial import settle, transfer
from locater.training.objective import make_optimiser, rate
from locater.training.progress import Progress
from locater.training.published import load_vectors, load_vision, load_vit
from tests.sources.roots import refer_ytvos

SIZE, COUNT = 32, 24
COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}
CONFIG = LocaterConfig.preset(
    "tiny", image_size=SIZE, dim=32, heads=2, vision_depth=1, modules=1, words=6, vocabulary=64, word_dim=16,
    norm="pre", write="parallel", gate_bias=-4.0,
)  # fmt: skip
OPTIONS = TrainOptions.preset(
    "tiny", batch=4, epochs=2, lr=3e-3, warmup=0, clip_frames=2, global_frames=2, precision="fp32", save_every=1, log_every=1
)  # fmt: skip


def place(video: str, colour: str, frame: int) -> tuple[slice, slice]:
    """Return where a video's square is: red above, blue below, moving right; the video's number says where it starts.

    At every eighth frame its edges are those of eighths of the image.
    """
    left = (8 * int(video) + frame) % 40
    top = 6 if colour == "red" else 24
    return slice(top, top + 18), slice(left, left + 24)


def paint(video: str, numbers: Sequence[int]) -> list[np.ndarray]:
    frames = []
    for number in numbers:
        image = np.full((48, 64, 3), 128, np.uint8)
        for colour, rgb in COLOURS.items():
            image[place(video, colour, number)] = rgb
        frames.append(image)
    return frames


@dataclasses.dataclass(frozen=True)
class Square:
    video: str
    colour: str

    def __call__(self, frame: int) -> np.ndarray:
        mask = np.zeros((48, 64), bool)
        mask[place(self.video, self.colour, frame)] = True
        return mask


def examples(videos: int = 4) -> list[Example]:
    return [
        Example(video=str(v), instance=colour, text=f"the {colour} square", labelled=tuple(range(0, COUNT, 4)), mask=Square(str(v), colour))
        for v in range(videos)
        for colour in COLOURS
    ]  # fmt: skip


def store(videos: int = 4) -> FrameStore:
    labelled = {str(v): range(0, COUNT, 4) for v in range(videos)}
    found = FrameStore(paint, dict.fromkeys(labelled, COUNT), size=SIZE, every=4, labelled=labelled)
    found.preload()
    return found


def fresh(config: LocaterConfig = CONFIG, seed: int = 0) -> Locater:
    torch.manual_seed(seed)
    return Locater(config)


def assert_same(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


# ---- samples -----------------------------------------------------------------------------------------------------


def test_a_sample_depends_on_epoch_index_and_seed_alone() -> None:
    one, other = (Clips(examples(), store(), OPTIONS, CONFIG) for _ in range(2))
    other[5, 3]  # drawn in another order
    first, second = one[2, 1], other[2, 1]
    assert first["text"] == second["text"]
    assert all(torch.equal(first[name], second[name]) for name in ("globe", "frames", "masks", "known"))
    reseeded = Clips(examples(), store(), dataclasses.replace(OPTIONS, seed=1), CONFIG)
    draws = [(clips.draw(epoch, 1).clip, clips.draw(epoch, 1).globe) for clips in (one, reseeded) for epoch in range(4)]
    assert draws[:4] != draws[4:]


def test_the_mask_lies_on_the_square_in_plain_and_mirrored_samples() -> None:
    for flip in (0.0, 1.0):
        clips = Clips(examples(), store(), dataclasses.replace(OPTIONS, flip=flip), CONFIG)
        for index, example in enumerate(clips.examples):
            sample = clips[0, index]
            colour = torch.tensor(COLOURS[example.instance]).view(3, 1, 1)
            for frame, mask, known in zip(sample["frames"], sample["masks"], sample["known"], strict=True):
                assert known
                inside = mask[0] == 1
                assert inside.any()
                assert (frame.float() - colour).abs().amax(0)[inside].max() < 8


def test_a_mirrored_sample_swaps_left_and_right_in_its_text() -> None:
    texts = {
        "man on the left of the right-hand dog": "man on the right of the left-hand dog",
        "Leftmost cat": "Rightmost cat",
    }
    for text, swapped in texts.items():
        asked = [dataclasses.replace(examples(1)[0], text=text)]
        assert Clips(asked, store(1), dataclasses.replace(OPTIONS, flip=1.0), CONFIG)[0, 0]["text"] == swapped
        assert Clips(asked, store(1), dataclasses.replace(OPTIONS, flip=0.0), CONFIG)[0, 0]["text"] == text


def test_clips_hold_a_labelled_frame_also_at_the_ends_and_in_short_videos() -> None:
    for labelled in ((0,), (COUNT - 1,), (11,)):
        asked = [dataclasses.replace(examples(1)[0], labelled=labelled)]
        for length, stride in ((1, 4), (4, 4), (9, 4)):
            clips = Clips(asked, store(1), dataclasses.replace(OPTIONS, clip_frames=length, stride=stride), CONFIG)
            for epoch in range(8):
                clip = clips.draw(epoch, 0).clip
                assert len(clip) == length
                assert labelled[0] in clip
                assert clip == sorted(clip)
                assert 0 <= clip[0] <= clip[-1] < COUNT


def test_a_clip_shorter_than_promised_is_one_clear_line() -> None:
    lying = FrameStore(
        lambda key, numbers: paint(key, numbers)[:2], {"0": COUNT}, size=SIZE, every=4, labelled={"0": [20]}
    )
    with pytest.raises(VideoError, match="video 0: frame 9 is wanted, the clip ends before it"):
        lying.preload()


def test_the_rate_rises_and_falls_polynomially() -> None:
    options = dataclasses.replace(OPTIONS, lr=1.0, warmup=1, power=0.5)
    assert [rate(step, steps=4, options=options) for step in range(4)] == pytest.approx([0.5, 0.75**0.5, 0.5**0.5, 0.5])


# ---- the loop ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("form", ["paper", "tiny"])
def test_it_memorises_one_batch(tmp_path: Path, form: str) -> None:
    forms = {
        "paper": {"write": "sequential", "upsample": "probability", "norm": "post", "gate_bias": 0.0},
        "tiny": {"upsample": "logit"},
    }
    config = LocaterConfig.from_dict({**CONFIG.to_dict(), "patch": 4, **forms[form]})
    assert config.variant == "paper"
    assert config.global_size
    assert config.local_size
    # the first and the seventeenth frame of every video, for both squares: the same batch again and again
    asked = [dataclasses.replace(example, labelled=(0, 16)) for example in examples()]
    frames = FrameStore(paint, dict.fromkeys("0123", COUNT), size=SIZE, every=16, labelled={})
    options = dataclasses.replace(
        OPTIONS, batch=8, epochs=110, flip=0.0, stride=16, lr=3e-3, warmup=20, save_every=1000, log_every=10
    )
    clips = Clips(asked, frames, options, CONFIG)
    assert all(clips.draw(epoch, index).clip == [0, 16] for epoch in range(9) for index in range(8))
    seen: list[Progress] = []
    train(fresh(config), asked, frames, options, out=tmp_path, report=seen.append)
    assert seen[0].iou < 0.5
    assert seen[-1].iou > 0.95
    assert seen[-1].loss < 0.2 * seen[0].loss  # Eq. 11's probabilities, enlarged, have soft edges


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread: a forked child has none of its parent's OpenMP threads and would wait for them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_by_sigkill_ends_in_the_same_bits(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, epochs=3)

    def noisy(seed: int = 0) -> Locater:
        """A model with dropout, as BERT has it."""
        model = fresh(seed=seed)
        model.network.vision.register_forward_hook(lambda module, _, out: F.dropout(out, 0.1, module.training))
        return model

    whole = train(noisy(), examples(), store(), options, out=tmp_path / "whole")
    plain = train(fresh(), examples(), store(), options, out=tmp_path / "plain")
    assert not load_file(plain)["vision.proj.weight"].equal(load_file(whole)["vision.proj.weight"])
    child = os.fork()
    if not child:

        def die(progress: Progress) -> None:
            if progress.step == 4:  # after step 3's checkpoint, before step 4's
                os.kill(os.getpid(), signal.SIGKILL)

        train(noisy(), examples(), store(), options, out=tmp_path / "killed", report=die)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    resumed: list[int] = []
    other = train(
        noisy(seed=5), examples(), store(), options, out=tmp_path / "killed", report=lambda p: resumed.append(p.step)
    )
    assert resumed == [4, 5, 6]
    assert_same(whole, other)
    assert_same(
        tmp_path / "whole/step-00000006/optimiser.safetensors", tmp_path / "killed/step-00000006/optimiser.safetensors"
    )


def test_workers_change_nothing(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, epochs=1)
    alone = train(fresh(), examples(), store(), options, out=tmp_path / "a")
    helped = train(fresh(), examples(), store(), dataclasses.replace(options, workers=1), out=tmp_path / "b")
    assert_same(alone, helped)


def test_accumulation_and_recomputation_take_the_same_steps(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, epochs=1, batch=8, lr=1e-3, clip_norm=0.0)
    plain = load_file(train(fresh(), examples(), store(), options, out=tmp_path / "a"))
    for name, changes in {"b": {"accumulate": 2}, "c": {"recompute": True}}.items():
        other = load_file(
            train(fresh(), examples(), store(), dataclasses.replace(options, **changes), out=tmp_path / name)
        )
        for key in plain:
            torch.testing.assert_close(other[key], plain[key], rtol=0, atol=1e-4)


def test_fewer_samples_than_a_batch_come_several_times(tmp_path: Path) -> None:
    seen: list[Progress] = []
    options = dataclasses.replace(OPTIONS, batch=8, accumulate=4)
    train(fresh(), examples(1), store(1), options, out=tmp_path, report=seen.append)
    assert [(progress.step, progress.steps) for progress in seen] == [(1, 2), (2, 2)]


@pytest.mark.slow
def test_a_compiled_run_has_the_same_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    from torch._dynamo.utils import counters

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    config = LocaterConfig.from_dict({**CONFIG.to_dict(), "vision_depth": 0, "deep_supervision": False})
    losses: list[list[float]] = []
    counters.clear()
    for compiled in (False, True):
        seen: list[Progress] = []
        options = dataclasses.replace(OPTIONS, compiled=compiled)
        train(fresh(config), examples(), store(), options, out=tmp_path / str(compiled), report=seen.append)
        losses.append([progress.loss for progress in seen])
    assert list((tmp_path / "cache").rglob("*.so")), "nothing was compiled"
    assert counters["stats"]["unique_graphs"] == 2  # texts of other lengths compile nothing anew
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_compiling_without_a_compiler_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.config as inductor

    monkeypatch.setattr(inductor.cpp, "cxx", (str(tmp_path / "g++"),))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    model = fresh()
    with pytest.raises(ConfigError, match="--compile needs a compiler that torch finds"):
        train(model, examples(), store(), dataclasses.replace(OPTIONS, compiled=True), out=tmp_path / "run")
    train(model, examples(), store(), OPTIONS, out=tmp_path / "plain")  # the model is as it was


def test_a_run_logs_curves_and_masks(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(fresh(), examples(), store(), dataclasses.replace(OPTIONS, epochs=1), out=tmp_path)
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2]
    assert "masks/0" in events.Tags()["images"]


def test_a_run_is_not_continued_with_other_options(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, epochs=1)
    train(fresh(), examples(), store(), options, out=tmp_path)
    with pytest.raises(CheckpointError, match=r"options.lr 0.003 -> 0.5.*another --out"):
        train(fresh(), examples(), store(), dataclasses.replace(options, lr=0.5), out=tmp_path)
    (tmp_path / "step-00000002" / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match="no checkpoint of a training"):
        train(fresh(), examples(), store(), options, out=tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    model = fresh()
    with torch.no_grad():
        model.network.fusion.types.fill_(float("nan"))
    with pytest.raises(LocaterError, match="the loss is nan at step 1"):
        train(model, examples(), store(), OPTIONS, out=tmp_path)


def test_an_accelerator_without_memory_says_which_option_lowers_it(tmp_path: Path) -> None:
    def full(module: torch.nn.Module, given: Any) -> None:
        raise torch.OutOfMemoryError("tried to allocate 20.00 GiB")

    model = fresh()
    model.network.vision.register_forward_pre_hook(full)
    with pytest.raises(
        LocaterError, match=r"training: cpu ran out of memory; raise --accumulate .*--recompute.*--global-frames"
    ):
        train(model, examples(), store(), OPTIONS, out=tmp_path)


def test_options_name_every_fault() -> None:
    with pytest.raises(ConfigError, match=r"epochs is 0.*flip is 2.*precision is 'int8'"):
        TrainOptions(precision="int8", epochs=0, flip=2)
    with pytest.raises(ConfigError, match="batch 5 is not a multiple of accumulate 2"):
        TrainOptions(batch=5, accumulate=2)
    with pytest.raises(ConfigError, match="unknown option rate"):
        TrainOptions.preset("paper", rate=1)
    assert TrainOptions.preset("paper") == TrainOptions(epochs=30, batch=32, lr=4e-5, weight_decay=1e-4)


# ---- the memories alone ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_memories_only_leaves_the_encoders_as_they_are(tmp_path: Path) -> None:
    model = fresh()
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    seen: list[Progress] = []
    options = dataclasses.replace(OPTIONS, epochs=30, log_every=10, memories_only=True)
    train(model, examples(), store(), options, out=tmp_path, report=seen.append)
    assert seen[-1].loss < seen[0].loss
    changed = {
        name.split(".")[0] for name, value in model.network.state_dict().items() if not value.equal(before[name])
    }
    assert changed == {"globe", "local", "mask_embedding", "queries"}
    with pytest.raises(ConfigError, match="memories_only is for the paper's network"):
        released = Locater(LocaterConfig.preset("released", image_size=SIZE, modules=1, vision_depth=0))
        train(released, examples(), store(), options, out=tmp_path / "released")


# ---- the global memory in training -------------------------------------------------------------------------------


def test_training_writes_the_frames_that_inference_writes() -> None:
    for count, interval, most, expected in ((24, 10, 0, [0, 10, 20]), (24, 7, 2, [0, 14]), (5, 10, 0, [0])):
        config = LocaterConfig.from_dict({**CONFIG.to_dict(), "interval": interval})
        clips = Clips(examples(), store(), dataclasses.replace(OPTIONS, global_frames=most), config)
        clips.store.counts = dict.fromkeys(clips.store.counts, count)
        drawn = [clips.draw(epoch, 0).globe for epoch in range(40)]
        moved = [[min(number + shift, count - 1) for number in expected] for shift in range(min(interval, count))]
        assert all(globe in moved for globe in drawn)
        assert expected in drawn
        assert len({tuple(globe) for globe in drawn}) > 3
    alone = LocaterConfig.from_dict({**CONFIG.to_dict(), "global_slots": 0})
    assert Clips(examples(), store(), OPTIONS, alone).draw(0, 0).globe == []


def test_videos_of_other_lengths_share_a_batch_and_each_is_as_alone() -> None:
    model = fresh().eval()
    clips = Clips(examples(), store(), dataclasses.replace(OPTIONS, global_frames=0), CONFIG)
    samples = [clips[0, index] for index in range(3)]
    samples[1]["globe"] = samples[1]["globe"][:1]
    batch = collate(samples)
    assert batch["ahead"].tolist() == [[True] * 3, [True, False, False], [True] * 3]

    def run(part: dict[str, Any]) -> torch.Tensor:
        return model(part["text"], scaled(part["globe"]), scaled(part["frames"]), ahead=part["ahead"]).logits

    with torch.no_grad():
        together = run(batch)
        for index, sample in enumerate(samples):
            torch.testing.assert_close(run(collate([sample]))[0], together[index], atol=1e-4, rtol=1e-4)


# ---- what a run tells --------------------------------------------------------------------------------------------


def test_a_run_tells_how_its_memories_are_and_which_are_dead(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    literal = {"write": "sequential", "gate_bias": 0.0, "patch": 4}  # 64 patches, the fewest at which Eq. 5 forgets all
    for name, changes in (("living", {}), ("literal", literal)):
        seen: list[Progress] = []
        options = dataclasses.replace(OPTIONS, epochs=1)
        model = fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), **changes}))
        train(model, examples(), store(), options, out=tmp_path / name, report=seen.append)
        now = seen[-1]
        assert now.vitals.keys() == {"global", "local"}
        assert all(0 < gate < 1 for _, gate in now.vitals.values())
        assert now.dead == (["global", "local"] if name == "literal" else [])
        assert "global memory: spread" in str(now)
        assert " left  " in str(now)
        events = EventAccumulator(str(tmp_path / name / "logs")).Reload()
        logged = events.Scalars("global_memory/spread")[-1].value
        assert logged == pytest.approx(now.vitals["global"][0], rel=1e-4)


def test_matrices_decay_and_nothing_else_does() -> None:
    model = fresh()
    optimiser = make_optimiser(model, dataclasses.replace(OPTIONS, weight_decay=0.5, lr=0.1))
    names = {id(parameter): name for name, parameter in model.network.named_parameters()}
    decaying, others = ({names[id(p)] for p in group["params"]} for group in optimiser.param_groups)
    assert {
        "globe.candidate",
        "local.gate",
        "vision.proj.weight",
        "language.lstm.weight_hh_l0",
        "queries.words.weight",
    } <= decaying
    assert {
        "globe.states",
        "vision.positions",
        "language.table.weight",
        "fusion.types",
        "vision.norm.weight",
        "vision.proj.bias",
    } <= others
    assert len(decaying) + len(others) == len(names)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = {name: parameter.detach().clone() for name, parameter in model.network.named_parameters()}
    optimiser.step()
    moved = {name for name, parameter in model.network.named_parameters() if not parameter.equal(before[name])}
    assert moved == {name for name in decaying if before[name].any()}


@pytest.mark.slow
def test_a_validation_measures_as_segmenting_does_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    held = Validation(examples(2), store(), queries=3)
    assert [example.video for example in held.examples] == ["0", "0", "1"]
    model = fresh()
    sums = held.sums(model)
    assert model.training
    units, ious, both, either, silent = 0, 0.0, 0, 0, []
    model.eval()
    for example in held.examples:
        numbers = range(0, COUNT, 4)
        frames = torch.from_numpy(np.stack([squared(image, SIZE) for image in paint(example.video, numbers)]))
        other = torch.from_numpy(
            np.stack([squared(image, SIZE) for image in paint(str(1 - int(example.video)), numbers)])
        )
        for video, length in ((frames, COUNT), (torch.cat([frames, other]), 2 * COUNT)):
            video = scaled(video.permute(0, 3, 1, 2))[None]
            session = model.start(example.text, video[:, [n // 4 for n in range(0, length, 10)]])
            masks = [session.step(video[:, t])[0, 0] > 0 for t in range(video.shape[1])]
            silent += [not mask.any() for mask in masks[6:]]
            for place, frame in enumerate(numbers if length == COUNT else ()):
                truth = torch.from_numpy(squared(example.mask(frame).astype(np.float32), SIZE) > 0.5)
                inside, whole = int((masks[place] & truth).sum()), int((masks[place] | truth).sum())
                units, both, either, ious = units + 1, both + inside, either + whole, ious + inside / whole
    assert sums.tolist() == pytest.approx([units, ious, both, either, len(silent), sum(silent)])
    marks = held.marks(sums)
    assert marks == pytest.approx((ious / units, both / either, sum(silent) / len(silent)))
    parts = held.sums(model, rank=0, ranks=2) + held.sums(model, rank=1, ranks=2)
    assert parts.tolist() == pytest.approx(sums.tolist())

    seen: list[Progress] = []
    options = dataclasses.replace(OPTIONS, epochs=30, validate_every=15, log_every=100)
    train(fresh(), examples(), store(), options, out=tmp_path, validation=held, report=seen.append)
    measured = {now.step: now.marks for now in seen if now.marks is not None}
    assert sorted(measured) == [15, 30, 45, 60]
    best = max(marks.miou for marks in measured.values())
    assert best > 0.3
    again = held.marks(held.sums(files.load(tmp_path / "best.safetensors")))
    assert again.miou == pytest.approx(best)
    assert "validation: mIoU" in str(seen[-1])


def test_processes_of_a_machine_share_what_one_has_read(tmp_path: Path) -> None:
    alone = store()
    shared = [FrameStore(paint, dict.fromkeys("0123", COUNT), size=SIZE, every=4, labelled={}) for _ in range(2)]
    for one in shared:
        one.preload(file=tmp_path / "frames.bin")
    assert (tmp_path / "frames.bin").stat().st_size == alone.bytes
    for key in "0123":
        assert np.array_equal(shared[1].kept(key), alone.kept(key))
        assert not shared[1].kept(key).flags.owndata
    assert [path.name for path in tmp_path.iterdir()] == ["frames.bin"]


# ---- a V that can be read by its place --------------------------------------------------------------------------


def test_place_loss_is_the_cross_entropy_of_reading_ones_own_place() -> None:
    places = 40 * torch.eye(9, 16)
    same = places.expand(2, 3, 9, 16)
    assert place_loss(same).item() < 1e-6
    assert place_loss(torch.ones(2, 3, 9, 16)).item() == pytest.approx(np.log(9))
    shifted = torch.stack([places, torch.ones(9, 16), places.roll(1, 0)])  # every patch reads its neighbour
    assert place_loss(shifted.unsqueeze(0)).item() == pytest.approx(40 * 40 / 4)


@pytest.mark.slow
def test_training_with_the_place_loss_teaches_v_its_place(tmp_path: Path) -> None:
    config = LocaterConfig.from_dict({**CONFIG.to_dict(), "global_slots": 0, "local_slots": 0})
    options = dataclasses.replace(OPTIONS, epochs=40, stride=12, log_every=80)
    found = {}
    for weight in (0.0, 0.1):
        model = fresh(config)
        clips = Clips(examples(), store(), dataclasses.replace(options, place=weight), CONFIG)
        train(model, clips.examples, clips.store, clips.options, out=tmp_path / str(weight))
        batch = collate([clips[99, index] for index in range(len(clips))])
        with torch.no_grad():
            found[weight] = place_loss(model(batch["text"], None, scaled(batch["frames"])).tokens).item()
    assert found[0.1] < 0.5 * found[0.0]
    with pytest.raises(ConfigError, match="place compares two frames of a clip, clip_frames is 1"):
        TrainOptions(place=0.1, clip_frames=1)


@pytest.mark.slow
def test_settled_memories_are_neutral_and_hold_places(tmp_path: Path) -> None:
    alone = fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), "global_slots": 0, "local_slots": 0}))
    options = dataclasses.replace(OPTIONS, epochs=60, stride=12, place=0.1, log_every=80)
    clips = Clips(examples(), store(), options, CONFIG)
    train(alone, clips.examples, clips.store, options, out=tmp_path)
    model = fresh(seed=1)
    settle(model, clips, transfer(alone, model, source="alone"))
    batch = collate([clips[99, index] for index in range(len(clips))])
    frames, globe = scaled(batch["frames"]), scaled(batch["globe"])
    with torch.no_grad():
        before = alone(batch["text"], None, frames)
        after = model(batch["text"], globe, frames)
        spread = before.logits.std()
        assert (after.logits - before.logits).abs().mean() < 0.2 * spread
        # a patch of the last frame reads most from the slot of its own place
        words = model.network.read_words(model.tokens(batch["text"]))
        seen = model.network.fuse(model.network.look(globe), words)[-1]
        memory = model.network.write_global(model.network.first_global(len(globe)), seen)
        read = (before.tokens[:, -1] @ memory.mT * memory.shape[-1] ** -0.5).softmax(-1)
        places = before.tokens.shape[2]
    slot = read.argmax(-1) % places
    assert (slot == torch.arange(places)).float().mean() > 0.5


def test_a_memoryless_network_lends_its_weights_to_one_with_memories() -> None:
    alone = fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), "global_slots": 0, "local_slots": 0}), seed=1)
    model = fresh()
    new = transfer(alone, model, source="alone")
    assert {name.split(".")[0] for name in new} == {"globe", "local", "mask_embedding"}
    assert model.network.vision.proj.weight.equal(alone.network.vision.proj.weight)
    wide = fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), "dim": 64}))
    with pytest.raises(CheckpointError, match="alone: does not fit"):
        transfer(wide, model, source="alone")


def test_vit_weights_fill_the_visual_encoder(tmp_path: Path) -> None:
    dim, side = 32, 8
    state = {"patch_embed.proj.weight": torch.randn(dim, 3, 8, 8), "patch_embed.proj.bias": torch.randn(dim),
             "pos_embed": torch.randn(1, 1 + side * side, dim), "norm.weight": torch.randn(dim), "norm.bias": torch.randn(dim)}  # fmt: skip
    sizes = {"norm1": (dim,), "attn.qkv": (3 * dim, dim), "attn.proj": (dim, dim), "norm2": (dim,),
             "mlp.fc1": (4 * dim, dim), "mlp.fc2": (dim, 4 * dim)}  # fmt: skip
    for part, shape in sizes.items():
        state[f"blocks.0.{part}.weight"], state[f"blocks.0.{part}.bias"] = torch.randn(shape), torch.randn(shape[0])
    path = tmp_path / "vit.safetensors"
    save_file(state, path)
    model = fresh()
    assert load_vit(model, path) == 1
    assert model.network.vision.blocks[0].attn.qkv.weight.equal(state["blocks.0.attn.qkv.weight"])
    assert model.network.vision.positions.shape == (1, 16, dim)
    square = state["pos_embed"][0, 1:].view(
        2, 4, 2, 4, dim
    )  # the bicubic resize keeps the mean of what it shrinks, nearly
    assert model.network.vision.positions.mean().item() == pytest.approx(square.mean().item(), abs=0.1)
    with pytest.raises(ConfigError, match="norm='pre'"):
        load_vit(fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), "norm": "post"})), path)
    del state["norm.bias"]
    save_file(state, path)
    with pytest.raises(CheckpointError, match=r"missing norm\.bias"):
        load_vit(model, path)


def test_kinetics_weights_fill_i3d_and_it_computes_what_i3d_does(tmp_path: Path) -> None:
    config = LocaterConfig.from_dict({**CONFIG.to_dict(), "vision": "conv3d"})
    torch.manual_seed(3)
    model = fresh(config)
    vision = model.network.vision
    published = {name: torch.randn(value.shape) * 0.05 for name, value in vision.stages.state_dict().items()}
    for name in [name for name in published if name.endswith("running_var")]:
        published[name] = published[name].abs() + 0.5
    published = {name: value for name, value in published.items() if not name.endswith("num_batches_tracked")}
    torch.save({**published, "logits.conv3d.weight": torch.zeros(400, 1024, 1, 1, 1)}, tmp_path / "rgb_imagenet.pt")
    load_vision(model, tmp_path / "rgb_imagenet.pt")
    assert vision.stages["Mixed_3b"].b1a.conv3d.weight.equal(published["Mixed_3b.b1a.conv3d.weight"])

    # the last frame of a clip that is one picture throughout: time then changes nothing, I3D is its kernels' sums over time
    def unit(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        weight = published[f"{name}.conv3d.weight"].sum(2)
        kernel = weight.shape[-1]
        total = kernel - stride
        x = F.conv2d(F.pad(x, [total // 2, total - total // 2] * 2), weight, stride=stride)
        mean, var, scale, shift = (
            published[f"{name}.bn.{part}"].view(-1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return ((x - mean) / (var + 1e-3).sqrt() * scale + shift).relu()

    def pool(x: torch.Tensor, stride: int) -> torch.Tensor:
        around = [1, 1, 1, 1] if stride == 1 else [0, 1, 0, 1]
        return F.max_pool2d(F.pad(x, around), 3, stride=stride)

    picture = torch.rand(1, 3, SIZE, SIZE) * 2 - 1
    x = pool(unit(picture, "Conv3d_1a_7x7", 2), 2)
    x = pool(unit(unit(x, "Conv3d_2b_1x1"), "Conv3d_2c_3x3"), 2)
    for name in ("Mixed_3b", "Mixed_3c"):
        branches = [
            unit(x, f"{name}.b0"), unit(unit(x, f"{name}.b1a"), f"{name}.b1b"),
            unit(unit(x, f"{name}.b2a"), f"{name}.b2b"), unit(pool(x, 1), f"{name}.b3b"),
        ]  # fmt: skip
        x = torch.cat(branches, dim=1)
    seen: list[torch.Tensor] = []
    vision.proj.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    model.eval()
    with torch.no_grad():
        vision(picture.expand(1, vision.context + 1, -1, -1, -1))
    torch.testing.assert_close(seen[0][0, 0], x[0].flatten(1).T, atol=1e-4, rtol=1e-4)

    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="no I3D in the names of its PyTorch release; missing Conv3d_1a_7x7"):
        load_vision(model, tmp_path / "other.safetensors")
    with pytest.raises(ConfigError, match="patch 4, vision='conv3d' has 8 and 16"):
        LocaterConfig.from_dict({**config.to_dict(), "patch": 4})


def test_word_vectors_are_the_words_start_and_come_back_from_a_file(tmp_path: Path) -> None:
    vectors = {word: torch.randn(16) for word in ("red", "square", "zebra")}
    path = tmp_path / "glove.txt"
    path.write_text("3 16\n" + "".join(f"{w} {' '.join(f'{x:.6f}' for x in v.tolist())}\n" for w, v in vectors.items()))
    model = fresh()
    before = model.network.read_words(model.tokens(["the blue one", "the red square"])).features
    assert load_vectors(model, path, [example.text for example in examples()]) == 2  # nobody speaks of a zebra
    language = model.network.language
    place = language.known_ids.tolist().index(int(model.tokens("red")[0, 0]))
    torch.testing.assert_close(language.known.weight[place], vectors["red"], atol=1e-5, rtol=0)
    after = model.network.read_words(model.tokens(["the blue one", "the red square"])).features
    assert after[0].equal(before[0])
    assert not after[1].isclose(before[1]).all()
    options = dataclasses.replace(OPTIONS, epochs=1)
    again = files.load(train(model, examples(), store(), options, out=tmp_path / "run"))
    assert again.config.word_vectors == 2
    assert not again.network.language.known.weight[place].equal(vectors["red"])  # it has learned
    with pytest.raises(
        CheckpointError, match=r"glove\.txt: line 2: 16 values, the network's words have 8 \(--set word_dim=16\)"
    ):
        load_vectors(fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), "word_dim": 8})), path, ["red"])
    with pytest.raises(CheckpointError, match="holds none of the 1 words"):
        load_vectors(fresh(), path, ["elsewhere"])
    path.write_text("red " + "x " * 16)
    with pytest.raises(CheckpointError, match="no word vectors, a word and its numbers a line"):
        load_vectors(fresh(), path, ["red"])


# ---- the command -------------------------------------------------------------------------------------------------


def test_the_command_trains_on_an_a2d_folder_and_its_weights_load(small_root: Path, tmp_path: Path) -> None:
    from a2dsplus.cli.train import command

    arguments = [
        "--preset", "tiny", "--root", str(small_root), "--split", "test", "--out", str(tmp_path / "run"), "--epochs", "1",
        "--batch", "2", "--precision", "fp32",
    ]  # fmt: skip
    fields = {
        "image_size": 32,
        "dim": 32,
        "heads": 2,
        "vision_depth": 1,
        "modules": 1,
        "vocabulary": 64,
        "word_dim": 16,
    }
    for name, value in fields.items():
        arguments += ["--set", f"{name}={value}"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "next: a2dsplus baseline --model locater" in done.stdout
    model = files.load(tmp_path / "run" / "model.safetensors")
    assert json.loads((tmp_path / "run" / "model.json").read_text())["dim"] == model.config.dim == 32
    masks = model.segment(np.zeros((3, 20, 30, 3), np.uint8), "a dog")
    assert masks.shape == (3, 20, 30)
    more = [
        *arguments,
        "--init",
        str(tmp_path / "run" / "model.safetensors"),
        "--memories-only",
        "--out",
        str(tmp_path / "more"),
    ]
    assert CliRunner().invoke(command, more, catch_exceptions=False).exit_code == 0
    again = files.load(tmp_path / "more" / "model.safetensors")
    assert again.network.vision.proj.weight.equal(model.network.vision.proj.weight)
    assert not again.network.globe.candidate.equal(model.network.globe.candidate)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give the training data with --root DIR"),
        (["--root", "nowhere"], "nowhere: no such folder"),
        (["--root", ".", "--set", "global_slots"], "expected FIELD=VALUE"),
        (["--root", ".", "--set", "colour=1"], "unknown field colour"),
        (["--root", ".", "--memories-only"], "give a checkpoint with --init"),
        (["--root", ".", "--init", "none.safetensors"], "none.safetensors: no such file"),
        (
            ["--root", "{root}", "--split", "test", "--validation-split", "valid"],
            "split 'valid': A2D-Sentences has train and test",
        ),
        (
            ["--root", "{ytvos}", "--validation-split", "valid"],
            "no caption of split valid has a mask: the source publishes none",
        ),
    ],
)
def test_bad_input_is_one_clear_line(small_root: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    from a2dsplus.cli.train import command
    from a2dsplus.errors import A2dsplusError

    with pytest.raises(A2dsplusError, match=words):
        ytvos = refer_ytvos(tmp_path / "ytvos") if "{ytvos}" in arguments else None
        given = [part.format(root=small_root, ytvos=ytvos) for part in arguments]
        command.main(["--preset", "tiny", *given], standalone_mode=False)


def test_every_option_of_a_training_is_one_of_the_command() -> None:
    from a2dsplus.cli.train import command

    known = {parameter.name: parameter for parameter in command.params}
    for entry in dataclasses.fields(TrainOptions):
        option = known[entry.name]
        assert option.default is None  # so that the preset's value stands
        assert entry.metadata["text"] in option.help


def test_the_changes_of_the_network_that_the_page_names_are_possible() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    table = page[page.index("## Each row of the paper") : page.index("## What is the paper's")]
    commands = [command for command in re.findall(r"`([^`]*)`", table) if "--set" in command]
    assert len(commands) >= 8
    for command in commands:
        given = [part.partition("=") for part in re.findall(r"--set (\S+)", command)]
        config = LocaterConfig.preset("paper", **{name: _value(value) for name, _, value in given})
        assert all(getattr(config, name) == _value(value) for name, _, value in given)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
