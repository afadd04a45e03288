"""The released variant against an independent transcription of its description, and its loader's strictness."""

import functools

import pytest
import torch

import locater
from locater import CheckpointError, ConfigError, QueryError, VideoError
from tests.locater.naive_released import NaiveReleased, random_state, shapes

torch.set_num_threads(1)

BASE = {
    "img_dim": 64, "K": 1, "fuse_depth": 1, "post_depth": 1, "vision_depth": 1,
    "global_mem_size": 1.5, "local_mem_size": 2,
}  # fmt: skip

# what each changes, how many global frames, how many samples, whether masks are given
CASES = {
    "default memories: fill, then gated writes": ({}, 3, 1, False),
    "two samples, deeper": ({"K": 2, "fuse_depth": 2, "post_depth": 2, "vision_depth": 2}, 3, 2, True),
    "all global frames fit": ({"global_mem_size": 3, "img_dim": 96}, 3, 1, False),
    "a global memory smaller than a frame": ({"global_mem_size": 0.5, "local_mem_size": 1}, 3, 2, False),
    "a local memory smaller than a frame": ({"global_mem_size": 1, "local_mem_size": 0.6}, 2, 1, True),
    "a local memory of no whole number of frames": ({"global_mem_size": 2.4, "local_mem_size": 2.5}, 4, 1, False),
    "one global frame": ({"local_mem_size": 1.9}, 1, 1, True),
}


@functools.lru_cache(maxsize=2)
def weights(seed: int) -> dict[str, torch.Tensor]:
    return random_state(seed, **BASE)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_logits_equal_the_description(case: str) -> None:
    changes, ahead, batch, given = CASES[case]
    config = {**BASE, **changes}
    state = random_state(len(case), **config)
    naive = NaiveReleased(state, **config)
    model = locater.released.load({f"module.{name}": x for name, x in state.items()}, **config)
    size = int(config["img_dim"])
    generator = torch.Generator().manual_seed(7)
    ids = torch.randint(1, 30000, (batch, 22), generator=generator)
    ids[:, 9:] = 0
    ahead_frames = torch.rand(batch, ahead, 3, size, size, generator=generator) * 2 - 1
    with torch.no_grad():
        naive.prep_global_mem(ahead_frames, ids)
        session = model.start(ids, ahead_frames)
        for _ in range(5):
            frame = torch.rand(batch, 3, size, size, generator=generator) * 2 - 1
            mask = (torch.rand(batch, 1, size, size, generator=generator) > 0.6).float() if given else None
            expected, weights = naive.forward(frame.unsqueeze(1), ids, mask)
            found = session.step(frame, mask)
            assert expected.std() > 0.01  # the comparison means something
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
            torch.testing.assert_close(session.word_weights, weights, atol=1e-5, rtol=0)


def test_names_and_shapes_are_the_release_s() -> None:
    with torch.device("meta"):
        model = locater.Locater(locater.LocaterConfig.preset("released"))
    found = {name: tuple(value.shape) for name, value in model.network.state_dict().items()}
    config = {
        "img_dim": 320, "K": 3, "fuse_depth": 2, "post_depth": 2, "vision_depth": 6,
        "global_mem_size": 1.5, "local_mem_size": 2,
    }  # fmt: skip
    assert found == shapes(**config)  # type: ignore[arg-type]
    assert len(found) == 369
    assert sum(parameter.numel() for parameter in model.parameters()) == 209_651_924


@pytest.mark.slow
def test_the_training_pass_equals_the_steps() -> None:
    config = {**BASE, "global_mem_size": 0.5}
    model = locater.released.load(random_state(3, **config), **config)
    torch.manual_seed(0)
    ids, ahead, frames = torch.randint(1, 999, (2, 22)), torch.rand(2, 3, 3, 64, 64), torch.rand(2, 4, 3, 64, 64)
    session = model.start(ids, ahead)
    stepped = torch.stack([session.step(frames[:, index]) for index in range(4)], dim=1)
    prediction = model(ids, ahead, frames)  # with gradients: the other path through every product
    assert prediction.logits.requires_grad
    torch.testing.assert_close(prediction.logits, stepped, atol=1e-4, rtol=0)
    assert [tuple(logits.shape) for logits in prediction.auxiliary] == [(2, 4, 1, 64, 64)]


def test_auxiliary_heads_equal_the_description() -> None:
    state = weights(1)
    naive, model = NaiveReleased(state, **BASE), locater.released.load(state, **BASE)
    ids, frames = torch.randint(1, 999, (1, 22)), torch.rand(1, 2, 3, 64, 64)
    with torch.no_grad():
        found = model(ids, frames, frames).auxiliary[0][0]  # (2, 1, 64, 64)
        tokens, _ = naive.fusion(naive.vision(frames[0]), naive.language(ids))
        x = tokens[:, 1:].transpose(1, 2).reshape(2, 768, 4, 4)
        part = {name: value for name, value in state.items() if name.startswith("aux_decoders.0.")}
        x = torch.conv2d(x, part["aux_decoders.0.0.weight"], part["aux_decoders.0.0.bias"])
        mean, var = part["aux_decoders.0.1.running_mean"], part["aux_decoders.0.1.running_var"]
        scale = part["aux_decoders.0.1.weight"] / (var + 1e-5).sqrt()
        x = (x - mean.view(-1, 1, 1)) * scale.view(-1, 1, 1) + part["aux_decoders.0.1.bias"].view(-1, 1, 1)
        x = torch.conv2d(x.relu(), part["aux_decoders.0.3.weight"], part["aux_decoders.0.3.bias"])
        expected = torch.nn.functional.interpolate(x, scale_factor=16, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["local_mem_size", "global_mem_size", "both"])
@pytest.mark.parametrize("narrow", [False, True], ids=["query of three parts", "query without them"])
def test_a_memory_of_size_zero_has_no_writer(gone: str, narrow: bool) -> None:
    """Without a global memory the local one alone is read; without a local one the frame stands in for it."""
    config = {**BASE, "local_mem_size": 1}
    for name in ("local_mem_size", "global_mem_size"):
        config[name] = 0 if gone in (name, "both") else config[name]
    state = random_state(5, **config)
    if narrow:
        parts = 1 + (config["local_mem_size"] > 0) + (config["global_mem_size"] > 0)
        state["query_generator.vis_proj.fc1.weight"] = state["query_generator.vis_proj.fc1.weight"][:, : 768 * parts]
    assert any(name.startswith("localmem_writer") for name in state) == (config["local_mem_size"] > 0)
    model = locater.released.load(state, **config)
    ids, frames = torch.randint(1, 999, (1, 22)), torch.rand(1, 3, 3, 64, 64)
    session = model.start(ids, frames if config["global_mem_size"] else None)
    first = session.step(frames[:, 0])
    again = session.step(frames[:, 0])
    changed = bool((first - again).abs().max() > 1e-3)
    assert first.isfinite().all()
    assert changed == (config["local_mem_size"] > 0)  # without a local memory nothing is remembered


def test_a_missing_and_a_misshapen_tensor_are_named() -> None:
    state = weights(1)
    wrong = {**state, "mem_reader.0.q.weight": torch.zeros(4, 768)}
    with pytest.raises(CheckpointError, match=r"mem_reader\.0\.q\.weight is \(4, 768\), expected \(768, 768\)"):
        locater.released.load(wrong, **BASE)
    del wrong["mem_reader.0.q.weight"], wrong["main_dec_net.k.bias"]
    with pytest.raises(CheckpointError, match=r"missing: mem_reader\.0\.q\.weight, main_dec_net\.k\.bias$"):
        locater.released.load(wrong, **BASE)
    with pytest.raises(CheckpointError, match=r"unknown: extra$"):
        locater.released.load({**state, "extra": torch.zeros(1)}, **BASE)
    with pytest.raises(CheckpointError, match=r"NaN or infinite weights in main_dec_net\.k\.bias$"):
        locater.released.load({**state, "main_dec_net.k.bias": torch.full((768,), torch.nan)}, **BASE)
    with pytest.raises(CheckpointError, match="pos_embed"):
        locater.released.load(state, **{**BASE, "img_dim": 96})


def test_the_caller_s_tensors_stay_the_caller_s() -> None:
    state = weights(1)
    before = state["mem_reader.0.q.bias"].clone()
    model = locater.released.load(state, **BASE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(state["mem_reader.0.q.bias"], before)


def test_bad_configurations_and_inputs_are_one_line() -> None:
    with pytest.raises(ConfigError, match="unknown depth"):
        locater.released.config(depth=3)
    with pytest.raises(ConfigError, match="100 is not a multiple of patch 16"):
        locater.released.config(img_dim=100)
    model = locater.released.load(weights(1), **BASE)
    frames = torch.zeros(1, 3, 3, 64, 64)
    with pytest.raises(QueryError, match=r"vocab.txt"):
        model.start("a dog", frames)
    with pytest.raises(QueryError, match=r"shape \(1, 20\), expected \(B, 22\)"):
        model.start(torch.ones(1, 20, dtype=torch.long), frames)
    with pytest.raises(QueryError, match="0 to 29999"):
        model.start(torch.full((1, 22), 30000), frames)
    with pytest.raises(VideoError, match="empty"):
        model.start(torch.ones(1, 22, dtype=torch.long), frames[:, :0])
    session = model.start(torch.ones(1, 22, dtype=torch.long), frames)
    with pytest.raises(VideoError, match=r"frame: shape \(1, 3, 32, 32\), expected \(1, 3, 64, 64\)"):
        session.step(torch.zeros(1, 3, 32, 32))
    with pytest.raises(VideoError, match="mask: shape"):
        session.step(frames[:, 0], torch.zeros(1, 64, 64))


def test_constants_first_made_in_inference_serve_training_too() -> None:
    from locater.released_decoder import _chain, _shifted_doubling

    _chain.cache_clear()
    _shifted_doubling.cache_clear()
    with torch.inference_mode():
        made = _chain(4, 2)
    assert not made.is_inference()
    assert _chain(4, 2) is made
