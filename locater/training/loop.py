"""The training itself (section 3.3): Adam, polynomial decay, Eq. 12; on one device or, through Accelerate, on several."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from locater import checkpoint
from locater.errors import CheckpointError, ConfigError, LocaterError
from locater.loss import Loss, loss
from locater.model import Locater, Prediction
from locater.training.data import Clips, Example, FrameStore, Order, collate, scaled
from locater.training.logs import Log
from locater.training.options import TrainOptions
from locater.training.state import checkpoints, restore_state, save_state

_LONG_SEQUENCE = 1024  # tokens from which on torch's fused attention is the faster one on a CPU, forward and back


class Progress(NamedTuple):
    """A training after a step, averaged over the steps since the last report."""

    step: int
    steps: int
    loss: float
    iou: float
    """Mean intersection over union of the labelled frames, at S x S, at threshold 0.5."""


def rate(step: int, *, steps: int, options: TrainOptions) -> float:
    """Return the learning rate of 0-based `step`: a rise over `warmup` steps, then polynomial decay to zero."""
    rise = min((step + 1) / (options.warmup + 1), 1.0)
    return float(options.lr * rise * (1 - step / steps) ** options.power)


def train(
    model: Locater,
    examples: Sequence[Example],
    store: FrameStore,
    options: TrainOptions,
    *,
    out: Path,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Train `model` in place and return the path of its final weights, OUT/model.safetensors, configuration beside.

    A run that was interrupted goes on from its last checkpoint and ends with the same bits as one that was not, on the same machine
    and number of processes. Raises ConfigError, CheckpointError (a run of other options in `out`), LocaterError (loss not finite).
    """
    try:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
        from accelerate.utils import set_seed
    except ImportError:
        raise ConfigError("training needs Accelerate: pip install 'a2dsplus[train]'") from None
    AcceleratorState._reset_state()  # an earlier training in this process may have had another precision
    accelerator = Accelerator(
        mixed_precision="no" if options.precision == "fp32" else options.precision,
        gradient_accumulation_steps=options.accumulate,
        split_batches=True,
    )
    per_pass = options.batch // options.accumulate
    if per_pass % accelerator.num_processes:
        raise ConfigError(
            f"training: {per_pass} samples a pass do not divide among {accelerator.num_processes} processes"
        )
    set_seed(options.seed)
    model.train()
    if options.recompute:
        model.recompute()
    optimiser = make_optimiser(model, options)
    identity = {
        "options": {k: v for k, v in options.to_dict().items() if k not in ("workers", "save_every", "log_every")},
        "config": model.config.to_dict(),
        "data": {"examples": len(examples), "videos": len(store.counts)},
    }
    clips = Clips(examples, store, options)
    per_epoch = max(len(clips) // options.batch, 1)
    steps = per_epoch * options.epochs
    out.mkdir(parents=True, exist_ok=True)
    found = checkpoints(out)
    step = restore_state(found[-1], model=model, optimiser=optimiser, identity=identity) if found else 0
    random_state = torch.get_rng_state()
    network: Any = torch.compile(model, dynamic=False) if options.compiled else model
    network, optimiser = accelerator.prepare(network, optimiser)
    torch.set_rng_state(random_state)
    main = accelerator.is_main_process
    log = Log(out, start=step) if main else None
    sums: list[Tensor] = []
    while step < steps:
        epoch, within = divmod(step, per_epoch)
        order = Order(
            length=len(clips), batch=per_pass, seed=options.seed, epoch=epoch, start=within * options.accumulate
        )
        loader = accelerator.prepare(
            torch.utils.data.DataLoader(
                clips,
                batch_sampler=order,
                collate_fn=collate,
                num_workers=options.workers,
                generator=torch.Generator(),  # of its own: a loader made anew on resumption must not move the global one
                pin_memory=accelerator.device.type == "cuda",
            )
        )
        for passed, batch in enumerate(loader, 1):
            for group in optimiser.param_groups:
                group["lr"] = rate(step, steps=steps, options=options)
            with accelerator.accumulate(network), attention_for(model):
                prediction, losses, truth = _forward(network, batch, accelerator, weight=model.config.aux_weight)
                accelerator.backward(losses.total)
                if accelerator.sync_gradients and options.clip_norm:
                    accelerator.clip_grad_norm_(network.parameters(), options.clip_norm)
                optimiser.step()
                optimiser.zero_grad()
            sums.append(torch.stack([losses.total.detach(), overlap(prediction.logits, truth, batch["known"])]))
            if passed % options.accumulate:
                continue
            step += 1
            last = step == steps
            if step % options.log_every == 0 or last:
                total, iou = torch.stack(sums).mean(0).tolist()
                sums.clear()
                if not total < float("inf"):
                    raise LocaterError(
                        f"training: the loss is {total} at step {step}; lower the rate (--lr) or train in fp32"
                    )
                if log is not None:
                    log.numbers(step, {"loss": total, "iou": iou, "lr": optimiser.param_groups[0]["lr"]})
                if report is not None and main:
                    report(Progress(step=step, steps=steps, loss=total, iou=iou))
            if main and (step % options.save_every == 0 or last):
                save_state(out, model=model, optimiser=optimiser, step=step, identity=identity)
                if log is not None:
                    log.masks(
                        step, frames=scaled(batch["frames"]), truth=truth, logits=prediction.logits, texts=batch["text"]
                    )
            if passed // options.accumulate + within == per_epoch:
                break
    if log is not None:
        log.close()
    accelerator.wait_for_everyone()
    model.eval()
    final = out / "model.safetensors"
    if main:
        checkpoint.save(model, final)
    return final


def make_optimiser(model: Locater, options: TrainOptions) -> torch.optim.Optimizer:
    """Return Adam (weight decay in the gradient) or AdamW over all trainable parameters."""
    kind = torch.optim.AdamW if options.decoupled else torch.optim.Adam
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise CheckpointError("training: the model has no trainable parameter")
    return kind(trainable, lr=options.lr, weight_decay=options.weight_decay, fused=True)


def _forward(
    network: Any, batch: dict[str, Any], accelerator: Any, *, weight: float
) -> tuple[Prediction, Loss, Tensor]:
    """Return a batch's prediction, its Eq. 12 and its masks."""
    frames, globe, truth = scaled(batch["frames"]), scaled(batch["globe"]), batch["masks"]
    given = batch["known"] & batch["teacher"].unsqueeze(1)
    with accelerator.autocast():
        prediction = network(batch["text"], globe, frames, masks=truth, known=given)
        return prediction, loss(prediction, truth, known=batch["known"], weight=weight), truth


def overlap(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Return the mean IoU of labelled frames; 1 where both are empty."""
    ours, theirs = logits.detach() > 0, truth > 0.5
    both = (ours & theirs).sum((2, 3, 4)).float()
    either = (ours | theirs).sum((2, 3, 4)).float()
    iou = torch.where(either > 0, both / either.clamp_min(1), torch.ones_like(both))
    return (iou * known).sum() / known.sum().clamp_min(1)


def attention_for(model: Locater) -> contextlib.AbstractContextManager[Any]:
    """Return the context with the faster attention for a forward and a backward pass.

    On a CPU the backward pass of torch's fused attention takes several times that of plain products where sequences are short.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if model.device.type == "cpu" and model.config.patches < _LONG_SEQUENCE:
        return sdpa_kernel(SDPBackend.MATH)
    return contextlib.nullcontext()
