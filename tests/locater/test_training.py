"""Training: samples, the fit of one batch, resumption after SIGKILL, the memories alone, weights by path, bad input."""

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from locater import CheckpointError, ConfigError, Locater, LocaterConfig, LocaterError, VideoError
from locater import checkpoint as files
from locater.loss import place_loss
from locater.training import Clips, Example, FrameStore, TrainOptions, train
from locater.training.data import collate, scaled
from locater.training.initial import prepare, settle, transfer
from locater.training.loop import Progress, rate
from locater.training.memories import Encodings, follow, train_memories
from locater.training.published import load_vit

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


def paint(video: str) -> list[np.ndarray]:
    frames = []
    for number in range(COUNT):
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
    model = Locater(config)
    prepare(model)
    return model


def assert_same(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


# ---- samples -----------------------------------------------------------------------------------------------------


def test_a_sample_depends_on_epoch_index_and_seed_alone() -> None:
    one, other = (Clips(examples(), store(), OPTIONS) for _ in range(2))
    other[5, 3]  # drawn in another order
    first, second = one[2, 1], other[2, 1]
    assert first["text"] == second["text"]
    assert all(torch.equal(first[name], second[name]) for name in ("globe", "frames", "masks", "known"))
    reseeded = Clips(examples(), store(), dataclasses.replace(OPTIONS, seed=1))
    draws = [(clips.draw(epoch, 1).clip, clips.draw(epoch, 1).globe) for clips in (one, reseeded) for epoch in range(4)]
    assert draws[:4] != draws[4:]


def test_the_mask_lies_on_the_square_in_plain_and_mirrored_samples() -> None:
    for flip in (0.0, 1.0):
        clips = Clips(examples(), store(), dataclasses.replace(OPTIONS, flip=flip))
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
        assert Clips(asked, store(1), dataclasses.replace(OPTIONS, flip=1.0))[0, 0]["text"] == swapped
        assert Clips(asked, store(1), dataclasses.replace(OPTIONS, flip=0.0))[0, 0]["text"] == text


def test_clips_hold_a_labelled_frame_also_at_the_ends_and_in_short_videos() -> None:
    for labelled in ((0,), (COUNT - 1,), (11,)):
        asked = [dataclasses.replace(examples(1)[0], labelled=labelled)]
        for length, stride in ((1, 4), (4, 4), (9, 4)):
            clips = Clips(asked, store(1), dataclasses.replace(OPTIONS, clip_frames=length, stride=stride))
            for epoch in range(8):
                clip = clips.draw(epoch, 0).clip
                assert len(clip) == length
                assert labelled[0] in clip
                assert clip == sorted(clip)
                assert 0 <= clip[0] <= clip[-1] < COUNT


def test_a_clip_shorter_than_promised_is_one_clear_line() -> None:
    lying = FrameStore(lambda key: paint(key)[:5], {"0": COUNT}, size=SIZE, every=4, labelled={"0": [20]})
    with pytest.raises(VideoError, match="video 0: frame 9 is wanted, the clip ends before it"):
        lying.preload()


def test_the_rate_rises_and_falls_polynomially() -> None:
    options = dataclasses.replace(OPTIONS, lr=1.0, warmup=1, power=0.5)
    assert [rate(step, steps=4, options=options) for step in range(4)] == pytest.approx([0.5, 0.75**0.5, 0.5**0.5, 0.5])


# ---- the loop ----------------------------------------------------------------------------------------------------


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
    clips = Clips(asked, frames, options)
    assert all(clips.draw(epoch, index).clip == [0, 16] for epoch in range(9) for index in range(8))
    seen: list[Progress] = []
    train(fresh(config), asked, frames, options, out=tmp_path, report=seen.append)
    assert seen[0].iou < 0.5
    assert seen[-1].iou > 0.95
    assert seen[-1].loss < 0.2 * seen[0].loss  # Eq. 11's probabilities, enlarged, have soft edges


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
    assert counters["stats"]["unique_graphs"] == 1  # texts of other lengths compile nothing anew
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


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


def test_options_name_every_fault() -> None:
    with pytest.raises(ConfigError, match=r"precision is 'int8'.*epochs is 0.*flip is 2"):
        TrainOptions(precision="int8", epochs=0, flip=2)
    with pytest.raises(ConfigError, match="batch 5 is not a multiple of accumulate 2"):
        TrainOptions(batch=5, accumulate=2)
    with pytest.raises(ConfigError, match="unknown option rate"):
        TrainOptions.preset("paper", rate=1)
    assert TrainOptions.preset("paper") == TrainOptions(epochs=30, batch=32, lr=4e-5, weight_decay=1e-4)


# ---- the memories alone ------------------------------------------------------------------------------------------


def test_encodings_and_follow_are_the_forward_pass() -> None:
    model = fresh().eval()
    clips = Clips(examples(), store(), OPTIONS)
    encodings = Encodings(model, clips.examples, clips.store)
    encodings.encode()
    draws = [clips.draw(1, index) for index in range(len(clips))]
    assert {draw.flip for draw in draws} == {True, False}
    batch = collate([clips[1, index] for index in range(len(clips))])
    with torch.no_grad():
        whole = model(batch["text"], scaled(batch["globe"]), scaled(batch["frames"]), masks=batch["masks"])
        words, globe, clip = encodings.batch(draws)
        short = follow(model.network, words, globe, clip, masks=batch["masks"], known=None, size=SIZE)
    torch.testing.assert_close(short.logits, whole.logits, rtol=0.05, atol=0.15)  # V is kept in bfloat16


def test_training_the_memories_leaves_the_encoders_alone(tmp_path: Path) -> None:
    model = fresh()
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    clips = Clips(examples(), store(), dataclasses.replace(OPTIONS, epochs=30, log_every=10))
    encodings = Encodings(model, clips.examples, clips.store)
    encodings.encode()
    seen: list[Progress] = []
    train_memories(model, encodings, clips, out=tmp_path, report=seen.append)
    assert seen[-1].loss < seen[0].loss
    changed = {
        name.split(".")[0] for name, value in model.network.state_dict().items() if not value.equal(before[name])
    }
    assert changed <= {"globe", "local", "mask_embedding", "queries"}
    assert {"globe", "local", "queries"} <= changed


def test_memories_go_on_to_the_same_bits_after_an_interruption(tmp_path: Path) -> None:
    clips = Clips(examples(), store(), OPTIONS)
    encodings = Encodings(fresh(), clips.examples, clips.store)
    encodings.encode()

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    whole = train_memories(fresh(), encodings, clips, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_memories(fresh(), encodings, clips, out=tmp_path / "cut", report=stop)
    seen: list[Progress] = []
    cut = train_memories(fresh(seed=9), encodings, clips, out=tmp_path / "cut", report=seen.append)
    assert seen[0].step == 3
    assert_same(whole, cut)
    with pytest.raises(CheckpointError, match=r"started otherwise.*lr"):
        slower = Clips(clips.examples, clips.store, dataclasses.replace(OPTIONS, lr=1e-4))
        train_memories(fresh(), encodings, slower, out=tmp_path / "cut")


# ---- a V that can be read by its place --------------------------------------------------------------------------


def test_place_loss_is_the_cross_entropy_of_reading_ones_own_place() -> None:
    places = 40 * torch.eye(9, 16)
    same = places.expand(2, 3, 9, 16)
    assert place_loss(same).item() < 1e-6
    assert place_loss(torch.ones(2, 3, 9, 16)).item() == pytest.approx(np.log(9))
    shifted = torch.stack([places, torch.ones(9, 16), places.roll(1, 0)])  # every patch reads its neighbour
    assert place_loss(shifted.unsqueeze(0)).item() == pytest.approx(40 * 40 / 4)


def test_training_with_the_place_loss_teaches_v_its_place(tmp_path: Path) -> None:
    config = LocaterConfig.from_dict({**CONFIG.to_dict(), "global_slots": 0, "local_slots": 0})
    options = dataclasses.replace(OPTIONS, epochs=40, stride=12, log_every=80)
    found = {}
    for weight in (0.0, 0.1):
        model = fresh(config)
        clips = Clips(examples(), store(), dataclasses.replace(options, place=weight))
        train(model, clips.examples, clips.store, clips.options, out=tmp_path / str(weight))
        batch = collate([clips[99, index] for index in range(len(clips))])
        with torch.no_grad():
            found[weight] = place_loss(model(batch["text"], None, scaled(batch["frames"])).tokens).item()
    assert found[0.1] < 0.5 * found[0.0]
    with pytest.raises(ConfigError, match="place compares two frames of a clip, clip_frames is 1"):
        TrainOptions(place=0.1, clip_frames=1)


def test_settled_memories_are_neutral_and_hold_places(tmp_path: Path) -> None:
    alone = fresh(LocaterConfig.from_dict({**CONFIG.to_dict(), "global_slots": 0, "local_slots": 0}))
    options = dataclasses.replace(OPTIONS, epochs=60, stride=12, place=0.1, log_every=80)
    clips = Clips(examples(), store(), options)
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
        memory = model.network.global_memory([model.network.encode(globe, words)[-1]], len(globe))
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
    ],
)
def test_bad_input_is_one_clear_line(arguments: list[str], words: str) -> None:
    from a2dsplus.cli.train import command
    from a2dsplus.errors import A2dsplusError

    with pytest.raises(A2dsplusError, match=words):
        command.main(["--preset", "tiny", *arguments], standalone_mode=False)
