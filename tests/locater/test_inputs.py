"""Configurations, checkpoints, queries and videos: what is accepted, and the one line for what is not."""

import ast
import io
import json
import pickle
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import locater
from locater import CheckpointError, ConfigError, Locater, LocaterConfig, QueryError, VideoError
from locater.inference import confidence, follow, prepare, probabilities, stream, swap_sides
from locater.training.published import bert_names, load_bert

torch.set_num_threads(1)

SMALL = {"image_size": 32, "dim": 24, "heads": 2, "vision_depth": 1, "word_dim": 8, "vocabulary": 64}


def small(**changes: object) -> Locater:
    torch.manual_seed(0)
    return Locater(LocaterConfig.preset("tiny", **{**SMALL, **changes})).eval()


def video(frames: int = 7, height: int = 21, width: int = 34) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


# configurations


def test_presets_are_the_paper_s_figures() -> None:
    paper, rvos = LocaterConfig.preset("paper"), LocaterConfig.preset("rvos")
    assert (paper.image_size, paper.patches, paper.global_size, paper.local_size) == (320, 400, 600, 800)
    assert (rvos.image_size, rvos.patches, rvos.language) == (384, 2304, "bert")
    released = LocaterConfig.preset("released")
    assert (released.global_size, released.local_size, released.words) == (600, 800, 22)
    assert LocaterConfig.from_dict(json.loads(rvos.to_json())) == rvos


def test_a_configuration_names_every_fault_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        LocaterConfig(vision="resnet", modules=-1, local_slots=-2)
    for part in ("vision is 'resnet', expected one of transformer, conv3d", "modules is -1", "local_slots is -2"):
        assert part in str(caught.value)
    with pytest.raises(ConfigError, match="no preset 'huge', there are paper, paper-literal, released, rvos, tiny"):
        LocaterConfig.preset("huge")
    with pytest.raises(ConfigError, match="unknown field depth"):
        LocaterConfig.preset("tiny", depth=3)
    with pytest.raises(ConfigError, match="unknown field dim"):
        LocaterConfig.preset("released", dim=384)


def test_the_tiny_model_fits_the_wheel() -> None:
    model = Locater(LocaterConfig.preset("tiny"))
    assert 4 * sum(value.numel() for value in model.state_dict().values()) < 15_000_000


# checkpoints


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    model = small()
    locater.checkpoint.save(model, tmp_path / "a" / "tiny.safetensors")
    again = locater.checkpoint.load(tmp_path / "a" / "tiny.safetensors")
    assert again.config == model.config
    assert not again.training
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["tiny.json", "tiny.safetensors"]
    assert np.array_equal(model.segment(video(), "a dog"), again.segment(video(), "a dog"))


def test_a_configuration_of_when_both_variants_shared_one_record_is_read(tmp_path: Path) -> None:
    locater.checkpoint.save(small(gate_bias=-6.0), tmp_path / "m.safetensors")
    values = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps({**values, "global_frames": 3}))
    assert locater.checkpoint.load(tmp_path / "m.safetensors").config == small(gate_bias=-6.0).config
    (tmp_path / "m.json").write_text(json.dumps({**values, "depth": 3}))
    with pytest.raises(CheckpointError, match=r"m\.json: configuration: unknown field depth"):
        locater.checkpoint.load(tmp_path / "m.safetensors")


def test_checkpoints_at_fault_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointError, match=r"m\.safetensors: no such file"):
        locater.checkpoint.load(path)
    locater.checkpoint.save(small(), path)
    tensors = load_file(path)
    save_file({**tensors, "fusion.types": torch.full((2, 24), torch.nan)}, path)
    with pytest.raises(CheckpointError, match=r"NaN or infinite weights in fusion\.types$"):
        locater.checkpoint.load(path)
    save_file({**tensors, "fusion.types": torch.zeros(3, 24)}, path)
    with pytest.raises(CheckpointError, match=r"other shapes: fusion\.types is \(3, 24\), expected \(2, 24\)$"):
        locater.checkpoint.load(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        locater.checkpoint.load(path)
    save_file(tensors, path)
    path.with_suffix(".json").write_text("{}}")
    with pytest.raises(CheckpointError, match="not JSON"):
        locater.checkpoint.load(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="no configuration beside"):
        locater.checkpoint.load(path)


@pytest.mark.parametrize(("field", "size"), [("fuse_depth", 1 << 26), ("vision_depth", 1 << 26), ("dim", 10**9), ("vocabulary", 10**12), ("words", 10**9), ("image_size", 24 << 20)])  # fmt: skip
def test_sizes_that_the_weights_cannot_fill_are_refused_before_a_network_is_made(
    tmp_path: Path, field: str, size: int
) -> None:
    path = tmp_path / "m.safetensors"
    locater.checkpoint.save(small(), path)
    values = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**values, field: size}))
    with pytest.raises(CheckpointError, match=r"m\.json: \w+ (is|are) \d+, more than"):
        locater.checkpoint.load(path)


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("harmed"),))


def test_pickles_are_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"a": Harmful()}}, "zipped.pth")
    Path("plain.pkl").write_bytes(pickle.dumps(Harmful()))
    for name in ("zipped.pth", "plain.pkl"):
        with pytest.raises(CheckpointError, match="refused, it is a pickle of more than tensors"):
            locater.released.load(name)
    assert not Path("harmed").exists()
    Path("text.pth").write_text("weights")
    with pytest.raises(CheckpointError, match=r"text\.pth"):
        locater.released.load("text.pth")
    torch.save({"epoch": 3}, "odd.pth")
    with pytest.raises(CheckpointError, match="not a tensor: epoch"):
        locater.released.load("odd.pth")


def test_torch_files_are_read_under_their_usual_names() -> None:
    held = io.BytesIO()
    torch.save({"state_dict": {"module.a": torch.ones(2)}, "epoch": 3}, held)
    held.seek(0)
    content = torch.load(held, weights_only=True)
    assert list(locater.checkpoint.tensors_of(content, source="x")) == ["a"]


# queries


def test_words_are_hashed_alike_everywhere_and_cut_at_twenty() -> None:
    model = small()
    ids = model.tokens("A man's dog, running LEFT!")
    assert torch.equal(ids, model.tokens("a MAN'S dog running left"))
    assert int((ids != 0).sum()) == 5
    assert ids[0, 2] == model.tokens("dog")[0, 0]
    long = " ".join(f"word{index}" for index in range(500))
    assert torch.equal(model.tokens(long), model.tokens(" ".join(long.split()[:20])))
    assert model.tokens(long).shape == (1, 20)


@pytest.mark.parametrize("query", ["", "   ", "?!", [], ["a dog", ""], ["a dog", "..."]])
def test_a_query_without_words_is_an_error(query: object) -> None:
    with pytest.raises(QueryError) as caught:
        small().tokens(query)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_word_pieces_are_bert_s(tmp_path: Path) -> None:
    vocab = tmp_path / "vocab.txt"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "run", "##ning", "dog", ",", "a"]
    vocab.write_text("\n".join(pieces) + "\n")
    model = Locater(LocaterConfig.preset("released", image_size=32, modules=1, vision_depth=0), vocab=vocab)
    assert model.tokens("A running dog, zebra").tolist() == [[2, 8, 4, 5, 6, 7, 1, 3] + [0] * 14]
    assert model.tokens("dog " * 500).tolist() == [[2] + [6] * 20 + [3]]
    config = LocaterConfig.preset("tiny", **SMALL)
    files = tmp_path / "model.safetensors"
    locater.checkpoint.save(Locater(config, vocab=vocab), files)
    assert locater.checkpoint.load(files).tokens("a dog").tolist() == [[2, 8, 6, 3] + [0] * 16]
    assert (tmp_path / "model.vocab.txt").read_bytes() == vocab.read_bytes()
    locater.checkpoint.save(Locater(config), tmp_path / "hashed.safetensors")
    assert not (tmp_path / "hashed.vocab.txt").exists()
    with pytest.raises(QueryError, match="no such vocabulary file"):
        Locater(LocaterConfig.preset("tiny"), vocab=tmp_path / "none.txt")
    vocab.write_text("dog\n")
    with pytest.raises(QueryError, match="not a"):
        Locater(LocaterConfig.preset("tiny"), vocab=vocab)


def test_left_and_right_are_swapped_as_words() -> None:
    assert swap_sides("The LEFT man on the right, rightmost; upright Left-hand") == (
        "The RIGHT man on the left, leftmost; upright Right-hand"
    )


# videos


def test_a_video_may_be_an_array_a_list_or_a_generator() -> None:
    model, clip = small(interval=3), video()
    masks = model.segment(clip, "a dog")
    assert masks.shape == (7, 21, 34)
    assert masks.dtype == bool
    assert np.array_equal(masks, model.segment(list(clip), "a dog", batch=1))
    assert np.array_equal(masks, model.segment((frame for frame in clip), "a dog", batch=3))
    first = next(stream(model, (frame for frame in clip), "a dog"))
    assert np.array_equal(first, masks[0])


def test_segment_is_the_session() -> None:
    model, clip = small(interval=3), video(height=32, width=32)
    frames = prepare(clip, model.config)
    assert frames.min() >= -1
    assert frames.max() <= 1
    session = model.start("a dog", frames[None, ::3])
    expected = [session.step(frames[t : t + 1])[0, 0] > 0 for t in range(7)]
    assert np.array_equal(model.segment(clip, "a dog"), torch.stack(expected).numpy())


def test_grey_alpha_and_single_frames() -> None:
    model, clip = small(), video()
    grey = clip[..., 0]
    expected = model.segment(np.stack([grey] * 3, axis=-1), "a dog")
    assert np.array_equal(model.segment(grey, "a dog"), expected)
    assert np.array_equal(model.segment(grey[..., None], "a dog"), expected)
    alpha = np.concatenate([clip, clip[..., :1]], axis=-1)
    assert np.array_equal(model.segment(alpha, "a dog"), model.segment(clip, "a dog"))
    assert model.segment(clip[:1], "a dog").shape == (1, 21, 34)
    assert model.segment(video(2, 1, 1), "a dog").shape == (2, 1, 1)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), "the video has no frames"),
        (iter([]), "the video has no frames"),
        (np.zeros((8, 8, 3), np.uint8), r"looks like one frame; expected \(N, H, W, 3\)"),
        (np.zeros((2, 8, 8, 3), np.float32), "frame 1: float32, expected uint8"),
        (np.zeros((2, 8, 8, 2), np.uint8), "frame 1: shape"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((9, 8, 3), np.uint8)], "frame 2: 8 x 9, the first is 8 x 8"),
    ],
)  # fmt: skip
def test_videos_at_fault_are_one_line(bad: object, words: str) -> None:
    with pytest.raises(VideoError, match=words):
        small().segment(bad, "a dog")  # type: ignore[arg-type]


def test_tensors_of_wrong_shapes_are_one_line() -> None:
    model = small()
    frames = torch.zeros(1, 2, 3, 32, 32)
    with pytest.raises(VideoError, match="no global frames"):
        model.start("a dog").step(frames[:, 0])
    with pytest.raises(VideoError, match=r"global frames: shape \(1, 2, 3, 32, 32\), expected \(2, 2, 3, 32, 32\)"):
        model.start(["a dog", "a cat"], frames)
    with pytest.raises(VideoError, match=r"frame: torch.uint8, expected floating point"):
        model.start("a dog", frames).step(frames[:, 0].byte())
    with pytest.raises(VideoError, match="T >= 1"):
        model("a dog", frames, frames[:, :0])


def test_scales_and_mirrors_are_averaged() -> None:
    model, clip = small(interval=3), video()
    plain = model.segment(clip, "the left dog")
    assert np.array_equal(plain, model.segment(clip, "the left dog", scales=[1.0, 1.0]))
    both = model.segment(clip, "the left dog", scales=(0.5, 1.0, 1.75), flip=True)
    assert both.shape == plain.shape
    mirrored = model.segment(clip[:, :, ::-1], "the right dog", flip=True)
    assert np.array_equal(mirrored[..., ::-1], model.segment(clip, "the left dog", flip=True))
    with pytest.raises(QueryError, match="needs a text query"):
        model.segment(clip, model.tokens("a dog"), flip=True)


@pytest.mark.slow
def test_several_queries_see_the_video_once_and_get_the_bits_of_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ["the left dog", "a red ball that rolls", "somebody"]
    torch.manual_seed(0)
    released = Locater(LocaterConfig.preset("released", image_size=32, modules=1, vision_depth=1)).eval()
    ids = [torch.full((1, 22), number) for number in (5, 6, 7)]
    for model, asked in ((small(interval=3), queries), (small(vision="conv3d", interval=3), queries), (released, ids)):
        alone = [list(probabilities(model, video(), query)) for query in asked]
        looks: list[int] = []
        look = type(model.network).look
        monkeypatch.setattr(
            type(model.network),
            "look",
            lambda self, frames, look=look, looks=looks: looks.append(1) or look(self, frames),
        )
        together = list(follow(model, video(), asked))
        monkeypatch.undo()
        context = bool(model.network.context)
        sampled = len(model.config.sampled(7))
        assert len(looks) == 2 + (sampled if context else 1)  # two chunks of the video, one of the global frames
        for frame, maps in enumerate(together):
            assert all(torch.equal(ours, theirs[frame]) for ours, theirs in zip(maps, alone, strict=True))
    some = list(follow(released, iter(video()), ids, wanted={2, 5}))
    assert [len(maps) for maps in some] == [0, 0, 3, 0, 0, 3, 0]
    assert torch.equal(some[5][1], together[5][1])


def test_which_frames_the_global_memory_takes() -> None:
    assert LocaterConfig.preset("tiny").sampled(25) == [0, 10, 20]
    released = LocaterConfig.preset("released")
    assert released.sampled(30) == [4, 14, 24]  # frames 5, 15, 25
    assert released.sampled(2) == [0, 0, 0]
    assert released.sampled(3) == [0, 1, 2]


def test_the_released_network_segments_too() -> None:
    torch.manual_seed(0)
    model = Locater(LocaterConfig.preset("released", image_size=32, modules=1, vision_depth=0)).eval()
    ids = torch.ones(1, 22, dtype=torch.long)
    masks = model.segment(video(4), ids)
    assert masks.shape == (4, 21, 34)
    assert np.array_equal(masks, model.segment(iter(video(4)), ids, batch=1))
    with pytest.raises(VideoError, match="the released network takes 32 alone"):
        model.segment(video(4), ids, scales=[0.5])


def test_a_session_s_memory_does_not_grow() -> None:
    """In evaluation mode steps hold no graph, though gradients are on."""
    model = small()
    session = model.start("a dog", torch.zeros(1, 1, 3, 32, 32))
    logits = [session.step(torch.zeros(1, 3, 32, 32)) for _ in range(3)]
    assert not any(step.requires_grad for step in logits)
    model.train()
    session = model.start("a dog", torch.zeros(1, 1, 3, 32, 32))
    assert session.step(torch.zeros(1, 3, 32, 32)).requires_grad


def test_masks_of_any_kind_and_frames_of_any_precision_are_taken() -> None:
    model = small()
    frames, mask = torch.rand(1, 3, 3, 32, 32), torch.rand(1, 1, 32, 32) > 0.5
    results = []
    for given, clip in ((mask, frames), (mask.float(), frames.double()), (mask.byte(), frames)):
        session = model.start("a dog", clip[:, :1])
        session.step(clip[:, 1], given)
        results.append(session.step(clip[:, 2]))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_the_confidence_is_the_iou_to_be_expected() -> None:
    probability = torch.tensor([[0.9, 0.7], [0.4, 0.0]])
    assert confidence(probability, (probability > 0.5).numpy()) == pytest.approx((0.9 + 0.7) / (2 + 0.4))
    assert confidence(probability, np.zeros((2, 2), bool)) == pytest.approx(0.1)
    assert (
        confidence(torch.ones(2, 2), np.ones((2, 2), bool))
        == confidence(torch.zeros(2, 2), np.zeros((2, 2), bool))
        == 1
    )


def test_imports_run_one_way() -> None:
    folder = Path(locater.__file__).parent
    imports: dict[str, set[str]] = {}
    for file in folder.rglob("*.py"):
        if file.name == "__init__.py":
            continue
        nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
        named = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names} | {n.module for n in nodes}
        imports[".".join(("locater", *file.relative_to(folder).with_suffix("").parts))] = named
    known = {name: named & imports.keys() for name, named in imports.items()}
    assert "locater.session" in known["locater.model"]
    TopologicalSorter(known).prepare()  # raises CycleError, types' imports and late ones counted


def test_masks_are_the_probabilities_above_the_threshold() -> None:
    model = small()
    maps = np.stack([p.numpy() for p in probabilities(model, video(4), "a dog")])
    for threshold in (0.5, float(np.median(maps))):
        assert np.array_equal(model.segment(video(4), "a dog", threshold=threshold), maps > threshold)


@pytest.mark.slow
def test_a_compiled_encoder_gives_the_same_masks() -> None:
    model = small()
    expected = model.segment(video(4), "a dog", batch=4)
    model.compile_encoder(backend="eager")
    assert np.array_equal(model.segment(video(4), "a dog", batch=4), expected)
    assert set(model.state_dict()) == set(small().state_dict())


def test_published_bert_names_are_understood(tmp_path: Path) -> None:
    one = torch.ones(2)
    published = {
        "bert.embeddings.LayerNorm.gamma": one, "bert.embeddings.LayerNorm.beta": one, "bert.pooler.dense.weight": one,
        "cls.predictions.bias": one, "bert.encoder.layer.0.output.dense.weight": one,
    }  # fmt: skip
    assert sorted(bert_names(published)) == [
        "embeddings.LayerNorm.bias", "embeddings.LayerNorm.weight", "encoder.layer.0.output.dense.weight",
    ]  # fmt: skip
    with torch.device("meta"):
        model = Locater(LocaterConfig.preset("rvos", image_size=8, vision_depth=0, modules=1))
    with pytest.raises(CheckpointError, match=r"holds neither model\.safetensors nor pytorch_model\.bin"):
        load_bert(model, tmp_path)
    save_file({"bert.embeddings.word_embeddings.weight": torch.zeros(4, 768)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"word_embeddings\.weight is \(4, 768\), expected \(30522, 768\)"):
        load_bert(model, tmp_path)
