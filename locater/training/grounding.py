"""Training the grounding module (section 5.6): its candidates seen once through a LOCATER that stays as it is, then cross-entropy.

Legend: B batch, M candidates, T frames, L words, D width.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from locater.errors import LocaterError
from locater.grounding import Grounding, grounding_loss
from locater.training.data import Batches
from locater.training.objective import rate
from locater.training.options import TrainOptions

OPTIONS = ("epochs", "batch", "lr", "weight_decay", "power", "warmup", "clip_norm", "seed", "log_every")
"""The fields of `TrainOptions` that this training has."""


class Case(NamedTuple):
    """One query with its candidates: `seen`, `words`, `mask` as `grounding.look` gives them, and how good each candidate is."""

    seen: Tensor
    """(M, T, D + 7)."""
    words: Tensor
    """(L, D)."""
    mask: Tensor
    """(L,)."""
    quality: Tensor
    """(M,), mean IoU."""


def train_grounding(
    cases: Sequence[Case], options: TrainOptions, *, heads: int, report: Callable[[int, int, float, float], None]
) -> Grounding:
    """Return a module trained to pick the best candidate, in evaluation mode, on the device of `cases`.

    Of `options`: those in `OPTIONS`. `heads`: of its blocks. `report` is called with
    the step, the number of steps, the loss, and the mean quality of what was picked by the share of the best's. Cases whose candidates are
    all equally good teach nothing and are left out. Raises `LocaterError` where none is left.
    """
    cases = [case for case in cases if case.quality.max() > case.quality.min()]
    if not cases:
        raise LocaterError("grounding: no query has a better and a worse candidate")
    device = cases[0].seen.device
    torch.manual_seed(options.seed)
    module = Grounding(cases[0].words.shape[-1], heads).to(device)
    optimiser = torch.optim.Adam(module.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    steps = max(len(cases) // options.batch, 1) * options.epochs
    batches = Batches(length=len(cases), batch=options.batch, seed=options.seed, steps=steps)
    sums = torch.zeros(3, device=device)  # loss, quality picked, best quality
    for step, keys in enumerate(batches, start=1):
        for group in optimiser.param_groups:
            group["lr"] = rate(step - 1, steps=steps, options=options)
        batch = [cases[index] for _, index in keys]
        seen = pad_sequence([case.seen.transpose(0, 1) for case in batch], batch_first=True).transpose(1, 2)
        lengths = torch.tensor([case.seen.shape[1] for case in batch], device=device)
        known = torch.arange(seen.shape[2], device=device) < lengths.unsqueeze(1)  # (B, T)
        words, mask, quality = (torch.stack(part) for part in zip(*(case[1:] for case in batch), strict=True))
        scores = module(seen, known, words, mask)  # (B, M)
        loss = grounding_loss(scores, quality)
        optimiser.zero_grad()
        loss.backward()
        if options.clip_norm:
            torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip_norm)
        optimiser.step()
        with torch.no_grad():
            picked = quality.gather(1, scores.argmax(1, keepdim=True))
            sums += torch.stack([loss, picked.mean(), quality.amax(1).mean()])
        if step % options.log_every == 0 or step == steps:
            mean, ours, best = (sums / ((step - 1) % options.log_every + 1)).tolist()
            if not mean < float("inf"):
                raise LocaterError(f"grounding: the loss is {mean} at step {step}; lower the rate (--lr)")
            report(step, steps, mean, ours / best)
            sums.zero_()
    return module.eval()
