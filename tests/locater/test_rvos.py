"""The configuration of the RVOS challenge (section 5.6) from the command line: BERT weights by path, vocabulary, training, baseline.

Fewer blocks and smaller frames than the preset's, on the same path; BERT is of its true size, with weights drawn here.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.cli import baseline, train
from a2dsplus.compose.render import Rendering
from a2dsplus.errors import A2dsplusError
from a2dsplus.sources import find_source
from a2dsplus.sources.a2d import A2dSource
from locater import LocaterConfig, QueryError, checkpoint
from locater.inference import SCALES
from locater.language import BertLanguage
from tests.sources import roots

WORDS = "[PAD] [UNK] [CLS] [SEP] a boy dog man red car is run ##ning jump ##ing on the grass left right"
PIECES = WORDS.split()
SMALL = {"image_size": 32, "dim": 48, "heads": 2, "vision_depth": 1, "modules": 1}
LR = 1e-4


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for two gigabytes of weights, removed afterwards."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture
def vocab(folder: Path) -> Path:
    path = folder / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n")
    return path


def arguments(root: Path, out: Path, *more: object) -> list[str]:
    fields = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    return [
        "--preset", "rvos", "--root", str(root), "--split", "test", "--out", str(out), "--epochs", "1", "--batch", "6",
        "--clip-frames", "2", "--global-frames", "2", "--lr", str(LR), "--precision", "fp32", "--recompute", *fields, *map(str, more),
    ]  # fmt: skip


@pytest.mark.slow
def test_it_starts_from_bert_trains_and_segments(small_root: Path, folder: Path, vocab: Path) -> None:
    torch.manual_seed(0)
    bert = {
        f"bert.{name}": value for name, value in BertLanguage(LocaterConfig.preset("rvos")).bert.state_dict().items()
    }
    save_file(bert, folder / "bert.safetensors")
    run = folder / "run"
    asked = arguments(small_root, run, "--bert", folder / "bert.safetensors", "--vocab", vocab)
    assert CliRunner().invoke(train.command, asked, catch_exceptions=False).exit_code == 0

    model = checkpoint.load(run / "model.safetensors")
    assert (model.config.patch, model.config.words, model.config.language) == (8, 22, "bert")
    assert model.tokens("a running dog").tolist()[0][:6] == [2, 4, PIECES.index("run"), PIECES.index("##ning"), 6, 3]
    trained = model.network.language.bert.state_dict()
    moved = {name: (value - bert[f"bert.{name}"]).abs().max().item() for name, value in trained.items()}
    assert max(moved.values()) <= 1.01 * LR  # one step of Adam from the weights given
    assert moved["encoder.layer.11.output.dense.weight"] > 0.5 * LR

    video = np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3), np.uint8)
    masks = model.segment(video, "a dog on the left", scales=SCALES, flip=True)
    assert masks.shape == (3, 40, 60)
    assert masks.dtype == bool

    build(A2dSource(small_root), folder / "data", options=BuildOptions(rendering=Rendering(form="none")))
    line = ["--model", "locater", "--checkpoint", run / "model.safetensors", "--dataset", folder / "data",
            "--out", folder / "predictions", "--subsets", "M", "--device", "cpu"]  # fmt: skip
    done = CliRunner().invoke(baseline.command, [str(part) for part in line], catch_exceptions=False)
    assert done.exit_code == 0
    assert "mIoU" in done.stdout

    (run / "model.vocab.txt").unlink()
    with pytest.raises(QueryError, match=r"no vocabulary for text queries.*NAME\.vocab\.txt beside NAME\.safetensors"):
        checkpoint.load(run / "model.safetensors").tokens("a dog")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--bert", "none.safetensors"], "none.safetensors: no such file"),
        (["--bert", "{folder}"], "holds neither model.safetensors nor pytorch_model.bin"),
        (["--bert", "{folder}/vocab.txt"], r"vocab.txt: (not a torch checkpoint|refused)"),
        (["--bert", "{folder}/half.safetensors"], "half.safetensors: does not fit the configuration; missing: "),
        (["--vocab", "none.txt"], "none.txt: no such vocabulary file"),
        (["--set", "language=lstm", "--bert", "x.safetensors"], "--bert: this network reads with lstm"),
    ],
)
def test_bad_input_is_one_clear_line(small_root: Path, folder: Path, vocab: Path, more: list[str], words: str) -> None:
    save_file({"bert.embeddings.word_embeddings.weight": torch.zeros(30522, 768)}, folder / "half.safetensors")
    given = ["--vocab", str(vocab), *(part.format(folder=folder) for part in more)]
    with pytest.raises(A2dsplusError, match=words) as caught:
        train.command.main(arguments(small_root, folder / "run", *given), standalone_mode=False)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_it_trains_on_the_layout_of_refer_youtube_vos(folder: Path) -> None:
    """Its train split, read by the registry; with words in place of BERT, whose two gigabytes the test above fills."""
    root = roots.refer_ytvos(folder / "root")
    line = [part if part != "test" else "train" for part in arguments(root, folder / "run", "--set", "language=lstm")]
    done = CliRunner().invoke(train.command, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    model = checkpoint.load(folder / "run" / "model.safetensors")
    assert (model.config.patch, model.config.language) == (8, "lstm")
    moved = [value.abs().sum().item() for value in model.state_dict().values() if value.is_floating_point()]
    assert np.isfinite(moved).all()
    build(find_source(root), folder / "data", options=BuildOptions(split="train", rendering=Rendering(form="none")))
    line = ["--model", "locater", "--checkpoint", folder / "run" / "model.safetensors", "--dataset", folder / "data",
            "--out", folder / "predictions", "--subsets", "M", "--device", "cpu"]  # fmt: skip
    done = CliRunner().invoke(baseline.command, [str(part) for part in line], catch_exceptions=False)
    assert done.exit_code == 0 and "mIoU" in done.output
