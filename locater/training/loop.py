"""The training itself (section 3.3): Adam, polynomial decay, Eq. 12; on one device or, through Accelerate, on several."""

import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from locater import checkpoint
from locater.errors import CheckpointError, ConfigError, LocaterError
from locater.loss import loss, place_loss
from locater.memory import Writer
from locater.model import Locater
from locater.paper import PaperNetwork
from locater.training.data import Clips, Compose, Example, FrameStore, Order, collate, scaled
from locater.training.logs import Log
from locater.training.options import TrainOptions
from locater.training.processes import join, lost
from locater.training.progress import Progress
from locater.training.state import checkpoints, identity, read_state, restore_state, save_state
from locater.training.validation import Validation

_LONG_SEQUENCE = 1024  # tokens from which on torch's fused attention is the faster one on a CPU, forward and back
_WORKERS = 8  # beside an accelerator, unless told otherwise


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
        globe, frames = scaled(batch["globe"]), scaled(batch["frames"])
        prediction = self.model(ids, globe, frames, ahead=batch["ahead"], masks=truth, known=given)
        total = loss(prediction, truth, known=known, count=count, weight=self.model.config.aux_weight).total
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
    compose: Compose | None = None,
    validation: Validation | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Train `model` in place and return the path of its last weights, OUT/model.safetensors, configuration beside.

    `compose`: what samples are asked of instead of their own videos, where `options.contrast_share` is more than 0.
    OUT/best.safetensors are those of the best mIoU, where there is a validation. A run that was interrupted goes on from its last
    checkpoint and ends with the same bits as one that was not, on the same machine and number of processes. Of several processes each takes
    its share of every batch, and the first alone writes and reports; the result is that of one process, to rounding. Raises ConfigError,
    CheckpointError (a run of other options in `out`), LocaterError (loss not finite, memory full, another process gone).
    """
    accelerator = join(options, model)
    try:
        with compiled(model) if options.compiled else contextlib.nullcontext():
            clips = Clips(examples, store, options, model.config, compose if options.contrast_share else None)
            return _train(accelerator, model, clips, out=out, validation=validation, report=report)
    except torch.OutOfMemoryError as error:
        raise LocaterError(
            f"training: {accelerator.device} ran out of memory; raise --accumulate (fewer samples a pass), add --recompute, "
            "or lower --clip-frames or --global-frames"
        ) from error
    except RuntimeError as error:
        if accelerator.num_processes > 1 and lost(error):
            raise LocaterError(
                "training: another process stopped (its own error, or out of memory); run the same command again to go on"
            ) from error
        raise


def _train(
    accelerator: Any,
    model: Locater,
    clips: Clips,
    *,
    out: Path,
    validation: Validation | None,
    report: Callable[[Progress], None] | None,
) -> Path:
    from accelerate.utils import send_to_device

    store, options = clips.store, clips.options
    model.train()
    if options.memories_only:
        freeze_encoders(model)
    if options.recompute:
        model.recompute()
    optimiser = make_optimiser(model, options)
    described = identity(model, clips)
    steps = max(len(clips) // options.batch, 1) * options.epochs
    out.mkdir(parents=True, exist_ok=True)
    scaler, found = accelerator.scaler, checkpoints(out)
    step, best = 0, -1.0
    if found:
        step, best = read_state(found[-1], identity=described)
        restore_state(found[-1], model=model, optimiser=optimiser, scaler=scaler)
    several, main = accelerator.num_processes, accelerator.is_main_process
    if store.bytes <= options.cache_gb * 2**30:
        with accelerator.local_main_process_first():  # which reads for all of its machine
            store.preload(file=out / "frames.bin" if several > 1 else None)
    network, optimiser = accelerator.prepare(Objective(model, options), optimiser)
    log = Log(out, start=step) if main else None
    order = Order(
        length=len(clips), batch=options.batch, seed=options.seed, start=step, steps=steps, passes=options.accumulate,
        rank=accelerator.process_index, ranks=several,
    )  # fmt: skip
    batches = iter(_loader(clips, order, options, device=accelerator.device))
    writers = model.network.writers() if isinstance(model.network, PaperNetwork) else {}
    sums: list[Tensor] = []
    began, since = time.perf_counter(), step
    while step < steps:
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps=steps, options=options)
        # what dropout draws depends on the step and the process alone, on every device
        draw = np.random.default_rng([options.seed, step, accelerator.process_index])
        torch.manual_seed(int(draw.integers(2**63)))
        count = clips.labelled(
            order.keys(step)
        )  # of all passes and processes, none of which may weigh more for having fewer
        last = step + 1 == steps
        logging, saving = (
            every == 0 or last for every in ((step + 1) % options.log_every, (step + 1) % options.save_every)
        )
        for writer in writers.values():
            writer.watched = logging
        for turn in range(options.accumulate):
            batch = send_to_device(next(batches), accelerator.device, non_blocking=True)
            texts = batch.pop("text")
            apart = accelerator.no_sync(network) if turn + 1 < options.accumulate else contextlib.nullcontext()
            with apart, attention_for(model):
                total, iou, logits = network(model.tokens(texts), batch, count=count)
                accelerator.backward(total * several)  # which average their gradients
            sums.append(torch.stack([total.detach(), iou]))
        if options.clip_norm:
            accelerator.clip_grad_norm_(network.parameters(), options.clip_norm)
        optimiser.step()
        optimiser.zero_grad()
        step += 1
        marks = None
        if validation is not None and (last or step % options.validate_every == 0):
            shares = validation.sums(model, rank=accelerator.process_index, ranks=several)
            marks = validation.marks(accelerator.reduce(shares.float().to(accelerator.device)))
            if main and marks.miou > best:
                checkpoint.save(model, out / "best.safetensors")
            best = max(best, marks.miou)
        if logging or saving:
            mean, overlapping = (accelerator.reduce(torch.stack(sums).sum(0)) * options.accumulate / len(sums)).tolist()
            if not mean < float("inf"):
                raise LocaterError(
                    f"training: the loss is {mean} at step {step}; lower the rate (--lr) or train in fp32"
                )
        if log is not None and (logging or marks is not None):
            now = Progress(
                step=step, steps=steps, loss=mean if logging else float("nan"), iou=overlapping if logging else float("nan"),
                seconds=(time.perf_counter() - began) / (step - since), memory=_gigabytes(accelerator.device),
                vitals=_vitals(writers), marks=marks,
            )  # fmt: skip
            log.progress(now, lr=optimiser.param_groups[0]["lr"])
            if report is not None:
                report(now)
        if logging:
            sums.clear()
            began, since = time.perf_counter(), step
        if saving and log is not None:
            save_state(out, model=model, optimiser=optimiser, scaler=scaler, step=step, best=best, identity=described)
            log.masks(step, frames=scaled(batch["frames"]), truth=batch["masks"], logits=logits, texts=texts)
    if log is not None:
        log.close()
    accelerator.wait_for_everyone()
    model.eval()
    final = out / "model.safetensors"
    if main:
        checkpoint.save(model, final)
    return final


def freeze_encoders(model: Locater) -> None:
    """Leave what comes before the memories as it is: no gradient, no graph. Raises ConfigError for the released network."""
    if not isinstance(model.network, PaperNetwork):
        raise ConfigError("training: memories_only is for the paper's network")
    for part in [*model.network.encoders(), model.network.readouts]:
        part.requires_grad_(False)


def _vitals(writers: dict[str, Writer]) -> dict[str, tuple[float, float]]:
    found = {name: writer.vitals.tolist() for name, writer in writers.items() if writer.vitals is not None}
    return {name: (spread, gate) for name, (spread, gate) in found.items()}


def _gigabytes(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _loader(clips: Clips, order: Order, options: TrainOptions, *, device: torch.device) -> DataLoader[dict[str, Any]]:
    """Return the batches of this process to the end of the training, as `collate` makes them."""
    workers = options.workers
    if workers < 0:
        workers = 0 if device.type == "cpu" else min(_WORKERS, len(os.sched_getaffinity(0)))
    return DataLoader(
        clips,
        batch_sampler=order,
        collate_fn=collate,
        num_workers=workers,
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
        del network.look, network.fuse


def make_optimiser(model: Locater, options: TrainOptions) -> torch.optim.Optimizer:
    """Return Adam (weight decay in the gradient) or AdamW over all trainable parameters; matrices and kernels alone decay."""
    kind = torch.optim.AdamW if options.decoupled else torch.optim.Adam
    products = (nn.Linear, nn.Conv2d, nn.Conv3d, nn.LSTM)
    matrices = {
        id(p) for m in model.modules() if isinstance(m, products) for p in m.parameters(recurse=False) if p.dim() > 1
    }
    matrices |= {id(p) for m in model.modules() if isinstance(m, Writer) for p in (m.candidate, m.gate)}
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise CheckpointError("training: the model has no trainable parameter")
    decaying, others = ([p for p in trainable if (id(p) in matrices) == kept] for kept in (True, False))
    groups = [{"params": decaying, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return kind([group for group in groups if group["params"]], lr=options.lr, fused=True)


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
