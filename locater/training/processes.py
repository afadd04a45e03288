"""The devices and processes of a training, through Accelerate: torchrun and accelerate launch start them, this joins them."""

import os
from typing import Any

import torch

from locater.config import LocaterConfig
from locater.errors import ConfigError
from locater.model import Locater
from locater.training.options import TrainOptions


def join(options: TrainOptions, model: Locater) -> Any:
    """Return the Accelerator of this process, one of as many as were started together. Raises ConfigError."""
    try:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
        from accelerate.utils import DistributedDataParallelKwargs
    except ImportError:
        raise ConfigError("training needs Accelerate: pip install 'a2dsplus[train]'") from None
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true") or not torch.accelerator.is_available()
    # an address to meet at, and no rank to meet as: Accelerate's launcher knows several processes on GPUs or through MPI alone
    ranks = {"RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK"}
    if on_cpu and {"MASTER_ADDR", "ACCELERATE_MIXED_PRECISION"} <= os.environ.keys() and not ranks & os.environ.keys():
        raise ConfigError(
            "training: accelerate launch --cpu starts one process, whatever --num_processes says; for several on a CPU: "
            "torchrun --nproc-per-node N -m a2dsplus train ..."
        )
    torch.set_float32_matmul_precision("high")  # TF32, where the device has it
    AcceleratorState._reset_state()  # an earlier training in this process may have had another precision
    try:
        accelerator = Accelerator(
            mixed_precision="no" if options.precision == "fp32" else options.precision,
            cpu=on_cpu,
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=_idle(options, model))],
        )
    except ValueError as error:  # a precision that the device has not
        raise ConfigError(f"training: {' '.join(str(error).split())}") from None
    per_pass = options.batch // options.accumulate
    if per_pass % accelerator.num_processes:
        raise ConfigError(
            f"training: {per_pass} samples a pass do not divide among {accelerator.num_processes} processes"
        )
    return accelerator


def _idle(options: TrainOptions, model: Locater) -> bool:
    """Return whether some parameters may have no gradient, such as the local writer's where a clip is one frame."""
    config = model.config
    alone = not isinstance(config, LocaterConfig) or config.decode == "encoder"
    return options.clip_frames == 1 or alone or config.modules == 0


def lost(error: RuntimeError) -> bool:
    """Return whether an error says that another process of the training is gone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error) or "NCCL" in str(error)
