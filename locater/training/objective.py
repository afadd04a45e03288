"""What a training step minimises, over which parameters, at which rate.

Legend: B batch, T clip frames, L words, S image side.
"""

import contextlib
from typing import Any

import torch
from torch import Tensor, nn

from locater.errors import CheckpointError, ConfigError
from locater.loss import loss, place_loss
from locater.memory import Writer
from locater.model import Locater
from locater.paper import PaperNetwork
from locater.training.data import scaled
from locater.training.options import TrainOptions

_LONG_SEQUENCE = 1024  # tokens from which on torch's fused attention is the faster one on a CPU, forward and back


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


def freeze_encoders(model: Locater) -> None:
    """Leave what comes before the memories as it is: no gradient, no graph. Raises ConfigError for the released network."""
    if not isinstance(model.network, PaperNetwork):
        raise ConfigError("training: memories_only is for the paper's network")
    for part in [*model.network.encoders(), model.network.readouts]:
        part.requires_grad_(False)


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
