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
from torch import Tensor
from torch.utils.data import DataLoader

from locater import checkpoint
from locater.errors import ConfigError, LocaterError
from locater.model import Locater
from locater.paper import PaperNetwork
from locater.training.data import Batches, Clips, Compose, Example, FrameStore, collate, scaled
from locater.training.logs import Log
from locater.training.objective import Objective, attention_for, freeze_encoders, make_optimiser, rate
from locater.training.options import TrainOptions
from locater.training.processes import join, lost
from locater.training.progress import Progress
from locater.training.state import checkpoints, identity, read_state, restore_state, save_state, writing
from locater.training.validation import Marks, Validation

_WORKERS = 8  # beside an accelerator, unless told otherwise


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
            return _train(_Run(accelerator, model, clips, out=out, validation=validation), report)
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


class _Run:
    """A training on its way: what it was when it was started or killed, and a step at a time to the end."""

    def __init__(
        self, accelerator: Any, model: Locater, clips: Clips, *, out: Path, validation: Validation | None
    ) -> None:
        self.accelerator, self.model, self.clips, self.out, self.validation = accelerator, model, clips, out, validation
        self.store, self.options = clips.store, clips.options
        self.rank, self.ranks, self.main = (
            accelerator.process_index,
            accelerator.num_processes,
            accelerator.is_main_process,
        )
        model.train()
        if self.options.memories_only:
            freeze_encoders(model)
        if self.options.recompute:
            model.recompute()
        self.identity = identity(model, clips)
        self.step, self.steps, self.best = 0, max(len(clips) // self.options.batch, 1) * self.options.epochs, -1.0
        optimiser = make_optimiser(model, self.options)
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        if found := checkpoints(out):
            self.step, self.best = read_state(found[-1], identity=self.identity)
            restore_state(found[-1], model=model, optimiser=optimiser, scaler=accelerator.scaler)
        if self.store.bytes <= self.options.cache_gb * 2**30:
            with accelerator.local_main_process_first(), writing(out):  # which reads for all of its machine
                self.store.preload(file=out / "frames.bin" if self.ranks > 1 else None)
        self.network, self.optimiser = accelerator.prepare(Objective(model, self.options), optimiser)
        self.order = Batches(
            length=len(clips), batch=self.options.batch, seed=self.options.seed, start=self.step, steps=self.steps,
            passes=self.options.accumulate, rank=self.rank, ranks=self.ranks,
        )  # fmt: skip
        self.batches = iter(_loader(clips, self.order, self.options, device=accelerator.device))
        self.writers = model.network.writers() if isinstance(model.network, PaperNetwork) else {}
        self.sums: list[Tensor] = []  # of loss and IoU since the last log line
        self.began, self.since = time.perf_counter(), self.step

    def due(self, every: int) -> bool:
        """Return whether something that comes every so many steps, and after the last, comes now."""
        return self.step % every == 0 or self.step == self.steps

    def advance(self) -> dict[str, Any]:
        """Take a step and return its last batch, with its texts and logits."""
        options, accelerator = self.options, self.accelerator
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step, steps=self.steps, options=options)
        # what dropout draws depends on the step and the process alone, on every device
        draw = np.random.default_rng([options.seed, self.step, self.rank])
        torch.manual_seed(int(draw.integers(2**63)))
        # of all passes and processes, none of which may weigh more for having fewer
        count = self.clips.labelled(self.order.keys(self.step))
        self.step += 1
        for writer in self.writers.values():
            writer.watched = self.due(options.log_every)
        for turn in range(options.accumulate):
            batch = _send(next(self.batches), accelerator.device)
            texts = batch.pop("text")
            apart = accelerator.no_sync(self.network) if turn + 1 < options.accumulate else contextlib.nullcontext()
            with apart, attention_for(self.model):
                total, iou, logits = self.network(self.model.tokens(texts), batch, count=count)
                accelerator.backward(total * self.ranks)  # which average their gradients
            self.sums.append(torch.stack([total.detach(), iou]))
        if options.clip_norm:
            accelerator.clip_grad_norm_(self.network.parameters(), options.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return {**batch, "text": texts, "logits": logits}

    def validated(self) -> Marks | None:
        """Return what the validation finds, if there is one now, and keep the weights if they are the best so far."""
        if self.validation is None or not self.due(self.options.validate_every):
            return None
        shares = self.validation.sums(self.model, rank=self.rank, ranks=self.ranks)
        marks = self.validation.marks(self.accelerator.reduce(shares.float().to(self.accelerator.device)))
        if self.main and marks.miou > self.best:
            with writing(self.out):
                checkpoint.save(self.model, self.out / "best.safetensors")
        self.best = max(self.best, marks.miou)
        return marks

    def progress(self, marks: Marks | None) -> Progress | None:
        """Return what is to be told of this step, if anything. Raises LocaterError for a loss that is not finite."""
        logging, mean, iou = self.due(self.options.log_every), float("nan"), float("nan")
        if logging or self.due(self.options.save_every):
            sums = self.accelerator.reduce(torch.stack(self.sums).sum(0)) * self.options.accumulate / len(self.sums)
            found, overlapping = sums.tolist()
            if not found < float("inf"):
                raise LocaterError(
                    f"training: the loss is {found} at step {self.step}; lower the rate (--lr) or train in fp32"
                )
            if logging:
                mean, iou = found, overlapping
        if not logging and marks is None:
            return None
        seconds = (time.perf_counter() - self.began) / (self.step - self.since)
        vitals = {name: writer.vitals.tolist() for name, writer in self.writers.items() if writer.vitals is not None}
        now = Progress(
            step=self.step, steps=self.steps, loss=mean, iou=iou, seconds=seconds, memory=_gigabytes(self.accelerator.device),
            vitals={name: (spread, gate) for name, (spread, gate) in vitals.items()}, marks=marks,
        )  # fmt: skip
        if logging:
            self.sums.clear()
            self.began, self.since = time.perf_counter(), self.step
        return now

    def save(self) -> None:
        """Write a checkpoint, which a killed run goes on from."""
        with writing(self.out):
            save_state(
                self.out, model=self.model, optimiser=self.optimiser, scaler=self.accelerator.scaler, step=self.step, best=self.best,
                identity=self.identity,
            )  # fmt: skip


def _send(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Return a batch, its tensors on a device."""
    return {name: v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for name, v in batch.items()}


def _train(run: _Run, report: Callable[[Progress], None] | None) -> Path:
    """Take the steps that are left, tell and keep what is due, and return the path of the last weights."""
    with writing(run.out):
        log = Log(run.out, start=run.step) if run.main else None
    while run.step < run.steps:
        batch = run.advance()
        now = run.progress(run.validated())
        if log is None:
            continue
        if now is not None:
            with writing(run.out):
                log.progress(now, lr=run.optimiser.param_groups[0]["lr"])
            if report is not None:
                report(now)
        if run.due(run.options.save_every):
            run.save()
            frames, truth = scaled(batch["frames"]), batch["masks"]
            with writing(run.out):
                log.masks(run.step, frames=frames, truth=truth, logits=batch["logits"], texts=batch["text"])
    if log is not None:
        with writing(run.out):
            log.close()
    run.accelerator.wait_for_everyone()
    run.model.eval()
    final = run.out / "model.safetensors"
    if run.main:
        with writing(run.out):
            checkpoint.save(run.model, final)
    return final


def _gigabytes(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _loader(clips: Clips, order: Batches, options: TrainOptions, *, device: torch.device) -> DataLoader[dict[str, Any]]:
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

    model.compile_encoder(dynamic=False)
    try:
        yield
    except BackendCompilerFailed as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ConfigError(
            f"training: --compile needs a compiler that torch finds (a C++ compiler such as g++ on a CPU, or CXX): {first}"
        ) from error
    finally:
        for name in ("look", "fuse"):
            delattr(model.network, name)
