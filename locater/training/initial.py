"""Where the weights start that are not drawn: another network's weights, memories settled on its encoders."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from locater.errors import CheckpointError
from locater.model import Locater
from locater.paper import PaperNetwork
from locater.training.data import Clips, collate, scaled
from locater.training.published import adopt

_SEEN = 1 << 24  # numbers of V by which fresh memories are settled: some hundred frames
_QUERY_SHARE = 0.98  # of the query vectors' energy


@torch.no_grad()
def settle(model: Locater, clips: Clips, fresh: Sequence[str]) -> None:
    """Give those memories that are `fresh` (parameters' names, as `transfer` returns them) slots that are places, by trained encoders.

    Slot n begins as the mean V of place n, and W_o as a multiple of the identity: what is written then goes to the slot that resembles it.
    W_c begins as [P, 0], where P takes away what query vectors look at, so that a memory is neutral until it learns what to tell.
    Nothing is fixed, and the network's form (Eq. 5 to 7) stays.
    """
    network = model.network
    if not isinstance(network, PaperNetwork):
        return
    named = (("globe", network.globe), ("local", network.local))
    writers = [writer for name, writer in named if writer is not None and f"{name}.states" in fresh]
    if not writers:
        return
    tokens, queries = _seen(model, network, clips)
    dim = tokens.shape[-1]
    _, spread, directions = torch.linalg.svd(queries, full_matrices=False)
    share = spread.square().cumsum(0) / spread.square().sum()
    rank = min(int((share < _QUERY_SHARE).sum()) + 1, dim // 3)
    apart = torch.eye(dim) - directions[:rank].T @ directions[:rank]  # P
    places = tokens.mean(0) @ apart  # (N, D)
    own, nearest = torch.stack([_likeness(frame @ apart, places) for frame in tokens[:: len(tokens) // 32 + 1]]).mean(0)
    opening = (own + nearest) / 2  # of the slot's own patch and the likest other: where the gate is half open
    for writer in writers:
        writer.candidate[:, :dim] += apart - torch.eye(dim)
        writer.gate.copy_(torch.eye(dim) * (-writer.shift / opening if writer.shift else 1 / dim))
        writer.states.copy_(places[torch.arange(len(writer.states)) % len(places)])


def _likeness(frame: Tensor, places: Tensor) -> Tensor:
    """Return (2,): the median likeness of a patch to its own place, and to the likest other; frame, places (N, D)."""
    alike = frame @ places.T  # (N, N)
    others = alike.masked_fill(torch.eye(len(places), dtype=torch.bool), -torch.inf)
    return torch.stack([alike.diagonal().median(), others.amax(-1).median()])


def _seen(model: Locater, network: PaperNetwork, clips: Clips) -> tuple[Tensor, Tensor]:
    """Return V (n, N, D) of frames from all over the training data, and the query vectors (n, D) on them."""
    tokens, queries = [], []
    most = _SEEN // (clips.options.clip_frames * model.config.patches * model.config.dim)
    picked = np.linspace(0, len(clips) - 1, min(max(most, 8), len(clips))).astype(int)
    for part in np.array_split(picked, max(len(picked) // 8, 1)):
        batch = collate([clips[0, int(index)] for index in part])
        words = network.read_words(model.tokens(batch["text"]))
        seen = network.fuse(model.glance(scaled(batch["frames"])), words)[-1]  # (B, T, N, D)
        means = [writer.states.mean(0).expand(len(part), -1) for writer in network.writers().values()]
        for frame in seen.unbind(1):
            tokens.append(frame.cpu().float())
            queries.append(network.queries(*words, summaries=[frame.mean(1), *means])[0].cpu().float())
    return torch.cat(tokens), torch.cat(queries)


@torch.no_grad()
def transfer(source_model: Locater, model: Locater, *, source: str) -> list[str]:
    """Copy a trained network's weights into `model` and return the names that start fresh, such as memories that it lacks.

    W1 of Eq. 9 grows with the memories: the columns of the frame are copied, those of the memories start at zero. Raises CheckpointError
    where another tensor has another shape.
    """
    theirs = source_model.network.state_dict()
    if "language.known_ids" in theirs:  # words with vectors of their own stay so
        adopt(model, theirs["language.known_ids"].clone(), theirs["language.known.weight"].clone(), source=source)
    own, wrong = model.network.state_dict(), []
    for name in own.keys() & theirs.keys():
        if name == "queries.context.weight" and len(own[name]) == len(theirs[name]):
            shared = min(own[name].shape[1], theirs[name].shape[1])
            own[name].zero_()[:, :shared] = theirs[name][:, :shared]
        elif own[name].shape != theirs[name].shape:
            wrong.append(f"{name} is {tuple(theirs[name].shape)}, expected {tuple(own[name].shape)}")
        else:
            own[name].copy_(theirs[name])
    if wrong:
        raise CheckpointError(f"{source}: does not fit the configuration; {'; '.join(sorted(wrong)[:3])}")
    return sorted(own.keys() - theirs.keys())
