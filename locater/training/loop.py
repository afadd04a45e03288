"""The training itself (section 3.3): Adam, polynomial decay, Eq. 12; on one device or, through Accelerate, on several."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from locater import checkpoint
from locater.errors import CheckpointError, ConfigError, LocaterError
from locater.loss import loss, place_loss
from locater.model import Locater
from locater.training.data import Clips, Example, FrameStore, Order, collate, scaled
from locater.training.logs import Log
from locater.training.options import TrainOptions
from locater.training.processes import join, lost
from locater.training.state import checkpoints, identity, restore_state, save_state

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


class Objective(nn.Module):
    """A network and its losses in one: all that leaves it takes part in the loss, as several processes need it."""

    def __init__(self, model: Locater, options: TrainOptions) -> None:
        super().__init__()
        self.model = model
        self._place = options.place
        self._batch = options.batch

    def forward(self, ids: Tensor, batch: dict[str, Tensor], *, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss, the mean IoU and the logits (B, T, 1, S, S) of a batch, `collate`'s without its texts.

        ids (B, L). Loss and IoU are the batch's shares of those of a step with `count` labelled frames: the shares add up.
        """
        truth, known = batch["masks"], batch["known"]
        given = known & batch["teacher"].unsqueeze(1)
        prediction = self.model(ids, scaled(batch["globe"]), scaled(batch["frames"]), masks=truth, known=given)
        losses = loss(prediction, truth, known=known, count=count, weight=self.model.config.aux_weight)
        total = losses.total
        if self._place:
            total = total + self._place * len(ids) / self._batch * place_loss(prediction.tokens)
        logits = prediction.logits.detach()
        return total, overlap(logits, truth, known, count=count), logits


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
    and number of processes. Of several processes each takes its share of every batch, and the first alone writes and reports; the
    result is that of one process, to rounding. Raises ConfigError, CheckpointError (a run of other options in `out`), LocaterError
    (loss not finite, another process gone).
    """
    accelerator = join(options, model.config)
    try:
        with compiled(model) if options.compiled else contextlib.nullcontext():
            return _train(accelerator, model, examples, store, options, out=out, report=report)
    except RuntimeError as error:
        if accelerator.num_processes > 1 and lost(error):
            raise LocaterError(
                "training: another process stopped (its own error, or out of memory); run the same command again to go on"
            ) from error
        raise


def _train(
    accelerator: Any,
    model: Locater,
    examples: Sequence[Example],
    store: FrameStore,
    options: TrainOptions,
    *,
    out: Path,
    report: Callable[[Progress], None] | None,
) -> Path:
    from accelerate.utils import send_to_device

    model.train()
    if options.recompute:
        model.recompute()
    optimiser = make_optimiser(model, options)
    clips = Clips(examples, store, options)
    described = identity(model, clips)
    per_epoch = max(len(clips) // options.batch, 1)
    steps = per_epoch * options.epochs
    out.mkdir(parents=True, exist_ok=True)
    found = checkpoints(out)
    scaler = accelerator.scaler
    step = restore_state(found[-1], model=model, optimiser=optimiser, scaler=scaler, identity=described) if found else 0
    network, optimiser = accelerator.prepare(Objective(model, options), optimiser)
    main = accelerator.is_main_process
    log = Log(out, start=step) if main else None
    sums: list[Tensor] = []
    while step < steps:
        epoch, within = divmod(step, per_epoch)
        order = Order(
            length=len(clips), batch=options.batch, seed=options.seed, epoch=epoch, start=within, passes=options.accumulate,
            rank=accelerator.process_index, ranks=accelerator.num_processes,
        )  # fmt: skip
        batches = iter(_loader(clips, order, options, device=accelerator.device))
        for keys in order.steps:
            for group in optimiser.param_groups:
                group["lr"] = rate(step, steps=steps, options=options)
            # what dropout draws depends on the step and the process alone, on every device
            draw = np.random.default_rng([options.seed, step, accelerator.process_index])
            torch.manual_seed(int(draw.integers(2**63)))
            count = clips.labelled(keys)  # of all passes and processes, none of which may weigh more for having fewer
            for turn in range(options.accumulate):
                batch = send_to_device(next(batches), accelerator.device, non_blocking=True)
                texts = batch.pop("text")
                apart = accelerator.no_sync(network) if turn + 1 < options.accumulate else contextlib.nullcontext()
                with apart, attention_for(model):
                    total, iou, logits = network(model.tokens(texts), batch, count=count)
                    accelerator.backward(total * accelerator.num_processes)  # which average their gradients
                sums.append(torch.stack([total.detach(), iou]))
            if options.clip_norm:
                accelerator.clip_grad_norm_(network.parameters(), options.clip_norm)
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            last = step == steps
            logging, saving = (every == 0 or last for every in (step % options.log_every, step % options.save_every))
            if logging or saving:
                passes = torch.stack(sums)
                mean, overlapping = (accelerator.reduce(passes.sum(0)) * options.accumulate / len(sums)).tolist()
                if not mean < float("inf"):
                    raise LocaterError(
                        f"training: the loss is {mean} at step {step}; lower the rate (--lr) or train in fp32"
                    )
            if logging:
                sums.clear()
                if log is not None:
                    log.numbers(step, {"loss": mean, "iou": overlapping, "lr": optimiser.param_groups[0]["lr"]})
                if report is not None and main:
                    report(Progress(step=step, steps=steps, loss=mean, iou=overlapping))
            if saving and log is not None:
                save_state(out, model=model, optimiser=optimiser, scaler=scaler, step=step, identity=described)
                log.masks(step, frames=scaled(batch["frames"]), truth=batch["masks"], logits=logits, texts=texts)
    if log is not None:
        log.close()
    accelerator.wait_for_everyone()
    model.eval()
    final = out / "model.safetensors"
    if main:
        checkpoint.save(model, final)
    return final


def _loader(clips: Clips, order: Order, options: TrainOptions, *, device: torch.device) -> DataLoader[dict[str, Any]]:
    """Return the batches of this process, as `collate` makes them."""
    return DataLoader(
        clips,
        batch_sampler=order,
        collate_fn=collate,
        num_workers=options.workers,
        generator=torch.Generator(),  # of its own: a loader made anew on resumption must not move the global one
        pin_memory=device.type == "cuda",
    )


@contextlib.contextmanager
def compiled(model: Locater) -> Iterator[None]:
    """Give a context in which the model's encoder is compiled, if this machine can. Raises ConfigError where it cannot.

    The rest is left alone: texts of every length, and writers that loop over patches, would be compiled again and again.
    """
    from torch._dynamo.exc import BackendCompilerFailed

    network: Any = model.network
    model.compile_encoder(dynamic=False)
    try:
        yield
    except BackendCompilerFailed as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ConfigError(
            f"training: --compile needs a compiler that torch finds (a C++ compiler such as g++ on a CPU, or CXX): {first}"
        ) from error
    finally:
        del network.encode


def make_optimiser(model: Locater, options: TrainOptions) -> torch.optim.Optimizer:
    """Return Adam (weight decay in the gradient) or AdamW over all trainable parameters."""
    kind = torch.optim.AdamW if options.decoupled else torch.optim.Adam
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise CheckpointError("training: the model has no trainable parameter")
    return kind(trainable, lr=options.lr, weight_decay=options.weight_decay, fused=True)


def overlap(logits: Tensor, truth: Tensor, known: Tensor, *, count: int | None = None) -> Tensor:
    """Return the mean IoU of labelled frames; 1 where both are empty. `count`: as in `loss`."""
    ours, theirs = logits.detach() > 0, truth > 0.5
    both = (ours & theirs).sum((2, 3, 4)).float()
    either = (ours | theirs).sum((2, 3, 4)).float()
    iou = torch.where(either > 0, both / either.clamp_min(1), torch.ones_like(both))
    return (iou * known).sum() / (known.sum().clamp_min(1) if count is None else count)


def attention_for(model: Locater) -> contextlib.AbstractContextManager[Any]:
    """Return the context with the faster attention for a forward and a backward pass.

    On a CPU the backward pass of torch's fused attention takes several times that of plain products where sequences are short.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if model.device.type == "cpu" and model.config.patches < _LONG_SEQUENCE:
        return sdpa_kernel(SDPBackend.MATH)
    return contextlib.nullcontext()
