"""Training on several processes, started for real by torchrun and by Accelerate's launcher, on gloo."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from locater.training import Clips, train
from locater.training.data import Batches
from locater.training.progress import Progress
from tests.locater.test_training import CONFIG, assert_same, fresh, store
from tests.locater.training_process import SHARED, uneven

pytest.importorskip("accelerate", reason="several processes are joined by Accelerate (the extra `train`)")

HERE = Path(__file__).resolve().parents[2]
TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ACCELERATE = [
    "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--main_process_port", "0",
    "--mixed_precision", "no", "--dynamo_backend", "no",
]  # fmt: skip


def launch(launcher: list[str], module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module as two processes, one thread each, to its end."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ACCELERATE_", "MASTER_")) and k != "RANK"}
    return subprocess.run(
        [sys.executable, "-m", *launcher, "-m", module, *arguments],
        cwd=HERE, env={**clean, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def ours(process: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of stderr with the program's own words, the launcher's left out."""
    return re.findall(r"^(?:error|Error|Usage|step|interrupted).*", process.stderr, re.MULTILINE)


def assert_close(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(second[name], first[name], rtol=0, atol=5e-5)  # Adam enlarges rounding


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_and_survive_sigkill(tmp_path: Path) -> None:
    order = Batches(length=8, batch=4, seed=0, steps=2)
    steps = [order.keys(step) for step in range(2)]
    clips = Clips(uneven(), store(), SHARED, CONFIG)
    shares = {clips.labelled(step[first : first + 1]) for step in steps for first in range(4)}
    assert shares == {1, 2}  # else a mean of means would pass
    seen: list[Progress] = []
    alone = train(fresh(), uneven(), store(), SHARED, out=tmp_path / "alone", report=seen.append)
    whole = launch(TORCHRUN, "tests.locater.training_process", str(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    # told once, and of both processes' shares
    assert whole.stdout.splitlines() == [f"step {p.step} loss {p.loss:.6f}" for p in seen]
    assert_close(alone, tmp_path / "whole" / "model.safetensors")
    assert len(list((tmp_path / "whole" / "logs").iterdir())) == 1

    killed = launch(TORCHRUN, "tests.locater.training_process", str(tmp_path / "killed"), "--kill", "4")
    assert killed.returncode != 0
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    resumed = launch(TORCHRUN, "tests.locater.training_process", str(tmp_path / "killed"))
    assert resumed.returncode == 0, resumed.stderr
    assert [line.split()[1] for line in resumed.stdout.splitlines()] == ["4", "5", "6"]
    for name in ("model.safetensors", "step-00000006/optimiser.safetensors"):
        assert_same(tmp_path / "whole" / name, tmp_path / "killed" / name)


@pytest.mark.slow
def test_what_stops_one_process_stops_all_with_one_line(tmp_path: Path) -> None:
    done = launch(TORCHRUN, "tests.locater.training_process", str(tmp_path / "out"), "--damaged")
    assert done.returncode != 0
    (line,) = ours(done)
    assert re.fullmatch(r"error: video \d: frame \d+ is wanted, the clip ends before it", line)


@pytest.fixture(scope="module")
def arguments(small_root: Path) -> list[str]:
    sizes = {"image_size": 32, "dim": 32, "heads": 2, "vision_depth": 1, "modules": 1, "vocabulary": 64, "word_dim": 16}
    fields = [part for name, value in sizes.items() for part in ("--set", f"{name}={value}")]
    return [
        "train", "--preset", "tiny", "--root", str(small_root), "--split", "test", "--epochs", "2", "--batch", "2",
        "--precision", "fp32", *fields,
    ]  # fmt: skip


@pytest.mark.slow
def test_the_command_under_accelerates_launcher(arguments: list[str], tmp_path: Path) -> None:
    alone = subprocess.run(
        [sys.executable, "-m", "a2dsplus", *arguments, "--out", str(tmp_path / "one")], capture_output=True, text=True
    )
    assert alone.returncode == 0, alone.stderr
    # clips of one frame write no local memory: parameters without a gradient must not stall the others
    for extra, name in (([], "two"), (["--clip-frames", "1"], "short")):
        both = launch(ACCELERATE, "a2dsplus", *arguments, *extra, "--out", str(tmp_path / name))
        assert both.returncode == 0, both.stderr
        assert both.stdout.count("next: a2dsplus baseline") == 1
        assert len(ours(both)) == 1
        state = json.loads((tmp_path / name / "step-00000006" / "state.json").read_text())
        assert state["options"]["clip_frames"] == (1 if extra else 3)
    assert_close(tmp_path / "one" / "model.safetensors", tmp_path / "two" / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "extra", "words"),
    [
        (TORCHRUN, ["--batch", "3"], "error: training: 3 samples a pass do not divide among 2 processes"),
        (
            ["accelerate.commands.launch", "--cpu", *ACCELERATE[2:]],
            [],
            "error: training: accelerate launch --cpu starts one process.*torchrun --nproc-per-node N.*",
        ),
    ],
)
def test_bad_input_is_one_clear_line_of_all_processes(
    arguments: list[str], tmp_path: Path, launcher: list[str], extra: list[str], words: str
) -> None:
    done = launch(launcher, "a2dsplus", *arguments, "--out", str(tmp_path / "out"), *extra)
    assert done.returncode != 0
    (line,) = ours(done)
    assert re.fullmatch(words, line)
