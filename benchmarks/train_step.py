"""Kernel launches and FLOPs of one training step at the paper's size: what holds without a GPU.

    python benchmarks/train_step.py [--json]

One sample of 320 x 320, G = 5 global frames and T = 3 of a clip, forward and backward, on torch's meta device, where operators are
dispatched but nothing is computed. torch.profiler counts the operators that do work (each at least one kernel launch on a GPU; views and
allocations left out), FlopCounterMode the FLOPs of matrix products and attention. Launches do not grow with the batch. Seconds.
"""

import argparse
import json

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from locater import Locater, LocaterConfig
from locater.loss import loss
from locater.paper import PaperNetwork, Words

PRESETS = ("paper-literal", "paper")
_NO_WORK = {
    "aten::" + name
    for name in (
        "view", "as_strided", "expand", "transpose", "t", "permute", "select", "slice", "unsqueeze", "squeeze", "alias", "detach",
        "_unsafe_view", "unbind", "split", "split_with_sizes", "chunk", "empty", "empty_like", "empty_strided", "new_empty", "_reshape_alias",
        "new_empty_strided", "reshape", "unflatten", "flatten", "narrow", "resize_", "set_", "result_type", "is_same_size", "lift_fresh",
    )
}  # fmt: skip


def step(preset: str) -> tuple[int, int]:
    """Return launches and FLOPs."""
    with torch.device("meta"):
        model = Locater(LocaterConfig.preset(preset)).train()
        network, size = model.network, model.config.image_size
        assert isinstance(network, PaperNetwork)
        words = Words(torch.zeros(1, 20, model.config.dim), torch.ones(1, 20, dtype=torch.bool))
        network.read_words = lambda ids: words  # the bi-LSTM over 20 words needs real lengths; it is 0.02% of the FLOPs
        model.tokens = lambda query: query
        ids = torch.zeros(1, 20, dtype=torch.long)
        globe, frames = torch.zeros(1, 5, 3, size, size), torch.zeros(1, 3, 3, size, size)
        truth = torch.zeros(1, 3, 1, size, size)

    def run() -> None:
        loss(model(ids, globe, frames, masks=truth), truth).total.backward()

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        run()
    launches = sum(
        1 for e in profiler.events() if e.name.startswith("aten::") and not e.cpu_children and e.name not in _NO_WORK
    )
    with FlopCounterMode(display=False) as counter:
        run()
    return launches, counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = {preset: step(preset) for preset in PRESETS}
    if arguments.json:
        print(json.dumps({name: {"launches": n, "flops": f} for name, (n, f) in found.items()}, indent=2))
        return
    for name, (launches, flops) in found.items():
        print(f"{name:14s} {launches:7,d} launches   {flops / 1e12:.2f} TFLOP")


if __name__ == "__main__":
    main()
