"""The paper variant against its equations written out as loops, and every ablation of Table 8."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import locater
from locater import Locater, LocaterConfig, recurrence
from locater.decoder import enlarge

torch.set_num_threads(1)

SMALL = {
    "image_size": 32, "dim": 24, "heads": 2, "vision_depth": 1, "word_dim": 8, "vocabulary": 64,
    "norm": "post", "write": "sequential", "gate_bias": 0.0,
}  # fmt: skip
QUERIES = ["the left dog", "a red ball that rolls behind the box"]


def small(seed: int = 0, **changes: object) -> Locater:
    """A tiny model whose every weight, norms and biases too, is random."""
    torch.manual_seed(seed)
    model = Locater(LocaterConfig.preset("tiny", **{**SMALL, **changes}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and "states" not in name:
                parameter.copy_(torch.randn_like(parameter) * 0.2 + ("norm" in name and name.endswith("weight")))
            elif name.endswith("candidate"):  # W_c with as much of the mean as of the patch
                parameter.copy_(torch.randn_like(parameter) * len(parameter) ** -0.5)
    return model


def clip(batch: int, ahead: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(9)
    masks = (torch.rand(batch, count, 1, 32, 32) > 0.5).float()
    return torch.rand(batch, ahead, 3, 32, 32) * 2 - 1, torch.rand(batch, count, 3, 32, 32) * 2 - 1, masks


# the equations, one sample and one patch at a time


def linear(x: Tensor, layer: torch.nn.Module) -> Tensor:
    return F.linear(x, layer.weight, layer.bias)  # type: ignore[arg-type]


def block(x: Tensor, b: torch.nn.Module, heads: int) -> Tensor:
    """Eq. 2."""
    d = x.shape[1]
    q, k, v = linear(x, b.attn.qkv).split(d, dim=-1)  # type: ignore[union-attr]
    parts = []
    for h in range(heads):
        s = slice(h * d // heads, (h + 1) * d // heads)
        parts.append((q[:, s] @ k[:, s].T / (d // heads) ** 0.5).softmax(-1) @ v[:, s])  # Eq. 1
    x = b.norm1(x + linear(torch.cat(parts, dim=-1), b.attn.proj))  # type: ignore[operator,union-attr]
    return b.norm2(x + linear(F.gelu(linear(x, b.mlp.fc1)), b.mlp.fc2))  # type: ignore[operator,union-attr]


def write(m: Tensor, x: Tensor, writer: torch.nn.Module) -> Tensor:
    """Eq. 5: the slots after every patch of x in turn."""
    m = m.clone()
    for xp in x:
        c = writer.candidate @ torch.cat([xp, m.mean(0)])
        o = torch.sigmoid(torch.stack([c @ writer.gate @ mn for mn in m]))
        m = torch.stack([on * c + (1 - on) * mn for on, mn in zip(o, m, strict=True)])
    return m


def follow(model: Locater, query: str, ahead: Tensor, frames: Tensor, masks: Tensor) -> list[Tensor]:
    """Section 3.2 on one sample: probabilities (S, S) of every frame, the given masks written."""
    net, config = model.network, model.config
    ids = model.tokens(query)[0]
    words = ids[ids != 0]
    e = net.language.lstm(
        (
            net.language.table(words // config.vocabulary)
            + net.language.table(config.vocabulary + words % config.vocabulary)
        )[None]
    )[0][0]  # (words, D): the pads do not exist here

    def encode(frame: Tensor) -> Tensor:
        x = F.conv2d(frame[None], net.vision.proj.weight, net.vision.proj.bias, stride=config.patch)[0].flatten(1).T
        x = x + net.vision.positions[0]
        for b in net.vision.blocks:
            x = block(x, b, config.heads)
        for k in range(config.modules):
            f1 = block(
                torch.cat([x + net.fusion.types[0], e + net.fusion.types[1]]), net.fusion.mix[k][0], config.heads
            )
            x = block(f1[: config.patches], net.fusion.refine[k][0], config.heads)  # Eq. 3, 4
        return x

    globe, local = net.globe.states, net.local.states
    for frame in ahead:
        globe = write(globe, encode(frame), net.globe)
    out = []
    for frame, mask in zip(frames, masks, strict=True):
        v = encode(frame)
        g = v
        for m in (globe, local):  # Eq. 7, 8
            g = g + (v @ m.T / config.dim**0.5).softmax(-1) @ m
        context = torch.cat([v.mean(0), globe.mean(0), local.mean(0)])  # Eq. 9
        a = (net.queries.context.weight @ context @ (e @ net.queries.words.weight.T).T).softmax(-1)
        s = torch.sigmoid(g @ (a @ e))  # Eq. 10, 11
        side = config.grid
        out.append(F.interpolate(s.view(1, 1, side, side), size=mask.shape[-2:], mode="bilinear")[0, 0])
        small_mask = mask.view(1, side, config.patch, side, config.patch).mean((2, 4))[None]
        embedded = net.mask_embedding.conv2(net.mask_embedding.conv1(small_mask).relu())[0].flatten(1).T
        local = write(local, torch.cat([v, embedded], dim=-1), net.local)  # Eq. 6
    return out


@pytest.mark.parametrize("gradients", [False, True], ids=["session", "training pass"])
def test_the_model_is_the_equations(gradients: bool) -> None:
    model = small(upsample="probability")
    ahead, frames, masks = clip(2, 2, 3)
    with torch.no_grad():
        expected = torch.stack(
            [torch.stack(follow(model, *one)) for one in zip(QUERIES, ahead, frames, masks, strict=True)]
        )
    if gradients:
        found = torch.sigmoid(model(QUERIES, ahead, frames, masks=masks).logits)[:, :, 0]
    else:
        session = model.eval().start(QUERIES, ahead)
        found = torch.stack([torch.sigmoid(session.step(frames[:, t], masks[:, t]))[:, 0] for t in range(3)], dim=1)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


def test_the_recurrence_is_the_loop_and_its_derivative_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(recurrence, "_STRIDE", 3)  # so that 7 patches cross two borders
    memory, x, from_mean, gate = (
        torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, 5, 4), (2, 7, 4), (4, 4), (4, 4))
    )
    with torch.no_grad():
        expected = memory.clone()
        for b in range(2):
            for p in range(7):
                c = x[b, p] + from_mean @ expected[b].mean(0)
                o = torch.sigmoid(expected[b] @ (gate.T @ c) - 0.5)
                expected[b] = o[:, None] * c + (1 - o[:, None]) * expected[b]
        found = recurrence.write_in_turn(memory, x, from_mean, gate, -0.5)
        alone = recurrence.write_in_turn(memory[:1], x[:1], from_mean, gate, -0.5)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(alone, expected[:1])
    assert torch.autograd.gradcheck(lambda *a: recurrence.write_in_turn(*a, -0.5), (memory, x, from_mean, gate))


def test_the_parallel_write_composes_the_same_interpolations() -> None:
    model = small(write="parallel", gate_bias=-1.0)
    writer = model.network.globe
    torch.manual_seed(1)
    memory, x = torch.randn(1, 6, 24), torch.randn(1, 5, 24)
    with torch.no_grad():
        c = torch.stack([writer.candidate @ torch.cat([xp, memory[0].mean(0)]) for xp in x[0]])
        o = torch.sigmoid(c @ writer.gate @ memory[0].T - 1)  # (5, 6), all from the state before
        expected = memory[0]
        for p in range(5):
            expected = o[p][:, None] * c[p] + (1 - o[p][:, None]) * expected
        torch.testing.assert_close(writer(memory, x)[0], expected)


def test_one_patch_a_frame_makes_both_writes_equal() -> None:
    one = {"image_size": 8, "global_slots": 3, "local_slots": 4}
    sequential, parallel = small(**one), small(**one, write="parallel")
    parallel.load_state_dict(sequential.state_dict())
    frames = torch.rand(1, 3, 3, 8, 8)
    results = []
    for model in (sequential.eval(), parallel.eval()):
        session = model.start("a dog", frames)
        results.append(torch.stack([session.step(frames[:, t]) for t in range(3)]))
    torch.testing.assert_close(*results)


ABLATIONS = {
    "no encoder, no memory, no read-outs": {
        "modules": 0,
        "global_slots": 0,
        "local_slots": 0,
        "deep_supervision": False,
    },
    "LOCATER-IMG": {"global_slots": 0, "local_slots": 0},
    "local memory only": {"global_slots": 0},
    "global memory only": {"local_slots": 0},
    "K = 1, a large memory": {"modules": 1, "global_slots": 3.0},
    "3-D convolutions": {"vision": "conv3d"},
    "text-invented query": {"query": "text"},
    "encoder only": {"decode": "encoder"},
    "cosine": {"decode": "cosine"},
    "without deep supervision": {"deep_supervision": False},
    "parallel write": {"write": "parallel", "gate_bias": -2.0},
    "pre-norm blocks": {"norm": "pre"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_trains_and_steps_as_it_trains(name: str) -> None:
    model = small(**ABLATIONS[name])
    config = model.config
    ahead, frames, masks = clip(2, 2, 3)
    masks[..., :16], masks[..., 16:] = 1, 0  # the left half: what positions alone can tell
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        prediction = model(QUERIES, ahead, frames, masks=masks)
        assert len(prediction.auxiliary) == (config.modules if config.deep_supervision else 0)
        losses.append(locater.loss.loss(prediction, masks))
        optimiser.zero_grad()
        losses[-1].total.backward()
        optimiser.step()
    assert losses[-1].main < 0.95 * losses[0].main
    model.eval()
    session = model.start(QUERIES, ahead if config.global_slots else None)
    with torch.no_grad():
        expected = model(QUERIES, ahead, frames, masks=masks).logits
    stepped = torch.stack([session.step(frames[:, t], masks[:, t]) for t in range(3)], dim=1)
    torch.testing.assert_close(stepped, expected, atol=1e-4, rtol=1e-4)


def test_the_memories_are_used() -> None:
    ahead, frames, _ = clip(1, 2, 1)
    for slots, remembers in (({"local_slots": 0}, False), ({"global_slots": 0}, True)):
        session = small(**slots).eval().start("a dog", ahead)
        first, second = session.step(frames[:, 0]), session.step(frames[:, 0])
        assert bool((first - second).abs().max() > 1e-4) == remembers
    model = small(local_slots=0).eval()
    one, other = (model.start("a dog", part).step(frames[:, 0]) for part in (ahead[:, :1], ahead))
    assert (one - other).abs().max() > 1e-4


def test_pads_change_nothing() -> None:
    model = small().eval()
    longer = Locater(LocaterConfig.from_dict({**model.config.to_dict(), "words": 40})).eval()
    longer.load_state_dict(model.state_dict())
    ahead, frames, _ = clip(1, 2, 1)
    one, other = (m.start("a red dog", ahead).step(frames[:, 0]) for m in (model, longer))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_a_batch_is_its_samples() -> None:
    model = small().eval()
    ahead, frames, _ = clip(2, 2, 3)
    both = model.start(QUERIES, ahead)
    together = torch.stack([both.step(frames[:, t]) for t in range(3)])
    for index, query in enumerate(QUERIES):
        alone = model.start(query, ahead[index : index + 1])
        steps = torch.stack([alone.step(frames[index : index + 1, t]) for t in range(3)])
        torch.testing.assert_close(steps, together[:, index : index + 1], atol=1e-5, rtol=1e-4)


def test_unlabelled_frames_take_the_model_s_own_mask_and_no_part_in_the_loss() -> None:
    model = small()
    ahead, frames, masks = clip(2, 2, 3)
    known = torch.tensor([[True, False, True], [False, False, True]])
    prediction = model(QUERIES, ahead, frames, masks=masks, known=known)
    changed = torch.where(known.view(2, 3, 1, 1, 1), masks, 1 - masks)
    again = model(QUERIES, ahead, frames, masks=changed, known=known)
    torch.testing.assert_close(prediction.logits, again.logits)
    found = locater.loss.loss(prediction, masks, known=known, weight=0.4)
    per_frame = F.binary_cross_entropy_with_logits(prediction.logits, masks, reduction="none").mean((2, 3, 4))
    assert found.main.item() == pytest.approx(per_frame[known].mean().item())
    assert found.total.item() == pytest.approx(found.main.item() + 0.4 * found.auxiliary.item())
    nothing = locater.loss.loss(prediction, masks, known=torch.zeros_like(known))
    assert nothing.total.item() == 0


def test_recomputed_blocks_give_the_same_gradients() -> None:
    model = small()
    ahead, frames, masks = clip(2, 2, 2)
    gradients = []
    for on in (False, True):
        model.recompute(on)
        model.zero_grad()
        locater.loss.loss(model(QUERIES, ahead, frames, masks=masks), masks).total.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    torch.testing.assert_close(*gradients)


def test_enlarging_probabilities_keeps_large_logits_finite() -> None:
    logits = torch.tensor([[[[-200.0, 200.0], [0.5, -0.5]]]])
    large = enlarge(logits, 8, mode="probability")
    assert large.isfinite().all()
    p = F.interpolate(torch.sigmoid(logits), (8, 8), mode="bilinear", align_corners=False)
    torch.testing.assert_close(torch.sigmoid(large), p)


def test_bf16_stays_near_single_precision() -> None:
    model = small().eval()
    ahead, frames, masks = clip(2, 2, 2)
    with torch.no_grad():
        exact = model(QUERIES, ahead, frames, masks=masks).logits
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(QUERIES, ahead, frames, masks=masks).logits
    assert rough.dtype == torch.float32
    assert (torch.sigmoid(rough) - torch.sigmoid(exact)).abs().max() < 0.1


@pytest.mark.parametrize(
    "changes", [{}, {"write": "parallel"}, {"vision": "conv3d"}, {"norm": "pre", "decode": "cosine"}]
)
def test_a_network_in_bf16_segments_and_trains(changes: dict[str, object]) -> None:
    model = small(**changes)
    ahead, frames, masks = clip(2, 2, 2)
    exact = model(QUERIES, ahead, frames, masks=masks).logits
    model = model.to(torch.bfloat16)
    rough = model(QUERIES, ahead, frames, masks=masks)
    assert (torch.sigmoid(rough.logits) - torch.sigmoid(exact)).abs().mean() < 0.02
    locater.loss.loss(rough, masks).total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    video = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    assert model.segment(video, "a dog").shape == (4, 20, 30)
