"""Loading the authors' weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from locater.checkpoint import fill, read, tensors_of
from locater.config import LocaterConfig
from locater.errors import ConfigError
from locater.model import Locater
from locater.released_network import ReleasedNetwork

_FIELDS = {
    "img_dim": "image_size",
    "K": "modules",
    "fuse_depth": "fuse_depth",
    "post_depth": "post_depth",
    "vision_depth": "vision_depth",
    "global_mem_size": "global_slots",
    "local_mem_size": "local_slots",
}
_CONTEXT = "query_generator.vis_proj.fc1.weight"


def config(**released: Any) -> LocaterConfig:
    """Return the configuration for the released names: img_dim, K, fuse_depth, post_depth, vision_depth,
    global_mem_size, local_mem_size (the two as multiples of the patches of a frame; defaults as released).

    Raises `ConfigError` for another name or a value out of range.
    """
    unknown = sorted(set(released) - set(_FIELDS))
    if unknown:
        raise ConfigError(f"released configuration: unknown {', '.join(unknown)}; known: {', '.join(_FIELDS)}")
    return LocaterConfig.preset("released", **{_FIELDS[name]: value for name, value in released.items()})


def load(weights: str | Path | Mapping[str, Tensor], *, vocab: str | Path | None = None, **released: Any) -> Locater:
    """Return the released network with the authors' weights, in evaluation mode.

    weights: a path (safetensors, or a torch file of tensors alone) or a state_dict; every name and shape must
    fit, with or without a leading `module.`. vocab: bert-base-uncased's vocab.txt, for text queries. The other
    keywords are the released configuration's (`config`). Raises `CheckpointError`, `ConfigError`.
    """
    settings = config(**released)
    if isinstance(weights, str | Path):
        source, tensors = str(weights), tensors_of(read(weights), source=str(weights))
    else:
        source, tensors = "state_dict", tensors_of(weights, source="state_dict")
    with torch.device("meta"):
        model = Locater(settings, vocab=vocab)
        width = tensors[_CONTEXT].shape[-1] if _CONTEXT in tensors and tensors[_CONTEXT].dim() == 2 else 0
        present = 1 + (settings.local_size > 0) + (settings.global_size > 0)
        if present < 3 and width == present * settings.dim:  # an absent memory may be absent from the query too
            model.network = ReleasedNetwork(settings, query_parts=present)
    own = isinstance(weights, str | Path)
    if not own:
        model = model.to_empty(device="cpu")
    fill(model.network, tensors, source=source, assign=own)
    return model.eval()
