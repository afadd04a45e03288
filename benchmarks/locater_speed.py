"""The released network, whole, at 320 x 320 on one thread, in processor time: ours against a naive transcription, in the same run.

    python benchmarks/locater_speed.py [--frames N] [--json]

The naive transcription (tests/locater/naive_released.py) does what the description of the released code says, step by
step. Each runs in a process of its own, so that peak memory means something; both have the same random weights and
frames, and their logits are compared. The floor is the frame's 145 GFLOP at the measured rate of torch's own `F.linear`.
Claims: at least 4 times the frames a second, at most 0.6 of the peak memory, within 1.2 of the floor.
About three minutes.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CONFIG = {
    "img_dim": 320, "K": 3, "fuse_depth": 2, "post_depth": 2, "vision_depth": 6,
    "global_mem_size": 1.5, "local_mem_size": 2,
}  # fmt: skip
GFLOP = 145


def inputs(frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ids (1, 22), global frames (1, 3, 3, S, S), frames (1, T, 3, S, S)."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 30000, (1, 22), generator=generator)
    size = int(CONFIG["img_dim"])
    return (
        ids,
        torch.rand(1, 3, 3, size, size, generator=generator) * 2 - 1,
        torch.rand(1, frames, 3, size, size, generator=generator) * 2 - 1,
    )


def weights() -> dict[str, torch.Tensor]:
    """Return random weights, written straight into their final tensors so that making them adds nothing to the peak."""
    from tests.locater.naive_released import shapes

    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes(**CONFIG).items():  # type: ignore[arg-type]
        x = torch.randn(shape, generator=generator)
        scale = x[0].numel() ** -0.5 if x.dim() > 1 and "emb" not in name else 0.3
        x *= scale
        if name.endswith("weight") and x.dim() == 1:
            x += 1
        state[name] = x.abs_() if name.endswith("running_var") else x
    return state


def naive(frames: int, pipe: Any) -> None:
    """Time the transcription; send milliseconds of each frame, logits and peak memory."""
    from tests.locater.naive_released import NaiveReleased

    torch.set_num_threads(1)
    ids, ahead, clip = inputs(frames)
    model = NaiveReleased(weights(), **CONFIG)
    times, logits = [], []
    with torch.inference_mode():
        model.prep_global_mem(ahead, ids)
        for index in range(frames):
            start = time.process_time()
            logits.append(model.forward(clip[:, index : index + 1], ids)[0])
            times.append(time.process_time() - start)
    pipe.send((times, torch.cat(logits).numpy(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def ours(frames: int, pipe: Any) -> None:
    """Time `Session.step` likewise. The weights come from a safetensors file, as a user's would."""
    import tempfile

    torch.set_num_threads(1)
    ids, ahead, clip = inputs(frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "released.safetensors"
        child = multiprocessing.get_context("spawn").Process(target=_write, args=(path,))
        child.start()
        child.join()
        import locater

        model = locater.released.load(path, **CONFIG)
    session = model.start(ids, ahead)
    times, logits = [], []
    for index in range(frames):
        start = time.process_time()
        logits.append(session.step(clip[:, index]))
        times.append(time.process_time() - start)
    pipe.send((times, torch.cat(logits).numpy(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _write(path: Path) -> None:
    from safetensors.torch import save_file

    save_file(weights(), path)


def rate(product: Any) -> float:
    """Return GFLOP/s of a block's largest product, 423 tokens through 768 -> 3072."""
    x, w, b = torch.randn(423, 768), torch.randn(3072, 768), torch.randn(3072)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(20):
            start = time.process_time()
            product(x, w, b)
            best = min(best, time.process_time() - start)
    return 2 * 423 * 768 * 3072 / best / 1e9


def run(target: Any, frames: int) -> tuple[list[float], Any, int]:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe()
    child = context.Process(target=target, args=(frames, send))
    child.start()
    send.close()
    found: tuple[list[float], Any, int] = receive.recv()
    child.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8, help="the first two fill the local memory and are not counted")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    slow_times, slow_logits, slow_peak = run(naive, arguments.frames)
    fast_times, fast_logits, fast_peak = run(ours, arguments.frames)
    plain = rate(F.linear)
    slow, fast = (sorted(times[2:])[len(times[2:]) // 2] for times in (slow_times, fast_times))
    figures = {
        "naive_seconds_a_frame": slow, "seconds_a_frame": fast, "times_faster": slow / fast,
        "naive_peak_mb": slow_peak / 1024, "peak_mb": fast_peak / 1024, "peak_ratio": fast_peak / slow_peak,
        "linear_gflops": plain, "over_floor": fast / (GFLOP / plain),
        "largest_logit_difference": float(abs(slow_logits - fast_logits).max()),
        "largest_logit": float(abs(slow_logits).max()),
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"naive transcription  {slow:6.3f} s a frame   peak {figures['naive_peak_mb']:6.0f} MB")
    print(f"ours                 {fast:6.3f} s a frame   peak {figures['peak_mb']:6.0f} MB")
    print(f"{figures['times_faster']:.2f} times the frames a second, {figures['peak_ratio']:.2f} of the peak memory")
    print(f"floor at {plain:.0f} GFLOP/s: {figures['over_floor']:.2f} of it")
    print(
        f"largest difference of logits {figures['largest_logit_difference']:.1e} (largest {figures['largest_logit']:.1f})"
    )
    for claim, holds in (
        ("at least 4 times as fast", figures["times_faster"] >= 4),
        ("at most 0.6 of the peak memory", figures["peak_ratio"] <= 0.6),
        ("within 1.2 of the floor", figures["over_floor"] <= 1.2),
        ("logits within 1e-4", figures["largest_logit_difference"] <= 1e-4),
    ):
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {claim}")


if __name__ == "__main__":
    main()
