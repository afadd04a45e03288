"""The training loss (Eq. 12), and one of our own that makes V fit to be read by Eq. 7."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from locater.model import Prediction


class Loss(NamedTuple):
    """The loss and its two terms, scalars."""

    total: Tensor
    """main + weight * auxiliary."""
    main: Tensor
    """Pixel-wise binary cross-entropy of the final mask."""
    auxiliary: Tensor
    """The sum of the same over the read-outs of the K modules."""


def loss(
    prediction: Prediction,
    masks: Tensor,
    *,
    known: Tensor | None = None,
    count: float | None = None,
    weight: float = 0.4,
) -> Loss:
    """Return Eq. 12, averaged over pixels and labelled frames (so that it does not depend on their number).

    prediction: of `Locater.forward`; masks (B, T, 1, S, S) in {0, 1}, bool or float; known (B, T): which frames
    are labelled, all if left out. Without a labelled frame every term is 0. count: the labelled frames of a larger
    batch of which this is a part; the losses of its parts then add up to its own.
    """
    target = masks.float()

    def entropy(logits: Tensor) -> Tensor:
        per_frame = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none").mean((2, 3, 4))
        if known is None:
            return per_frame.mean() if count is None else per_frame.sum() / count
        counted = known.to(per_frame.dtype)
        return (per_frame * counted).sum() / (counted.sum().clamp_min(1) if count is None else count)

    main = entropy(prediction.logits)
    auxiliary = main.new_zeros(())
    for logits in prediction.auxiliary:
        auxiliary = auxiliary + entropy(logits)
    return Loss(main + weight * auxiliary, main, auxiliary)


def place_loss(tokens: Tensor) -> Tensor:
    """Return how badly a patch finds its own place in another frame of its clip, a scalar (not the paper's).

    tokens V (B, T, N, D), T >= 2. Eq. 7 reads a memory by the similarity of V alone, softmax(V m^T / sqrt(D)): this is the cross-entropy of
    that very read-out, with the last frame's V for slots and the patch of the same place for the right one, both ways.
    """
    first, last = tokens[:, 0].float(), tokens[:, -1].float()
    similarity = first @ last.transpose(1, 2) * first.shape[-1] ** -0.5  # (B, N, N)
    own = torch.arange(similarity.shape[1], device=similarity.device).expand(len(similarity), -1)
    return (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.transpose(1, 2), own)) / 2
