"""Loading the authors' weights, a file of tensors as it is."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from locater.checkpoint import fill, read, tensors_of
from locater.config import ReleasedConfig
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


def config(**released: Any) -> ReleasedConfig:
    """Return the configuration for the released names: img_dim, K, fuse_depth, post_depth, vision_depth,
    global_mem_size, local_mem_size (the two as multiples of the patches of a frame; defaults as released).

    Raises `ConfigError` for another name or a value out of range.
    """
    unknown = sorted(set(released) - set(_FIELDS))
    if unknown:
        raise ConfigError(f"released configuration: unknown {', '.join(unknown)}; known: {', '.join(_FIELDS)}")
    return ReleasedConfig(**{_FIELDS[name]: value for name, value in released.items()})


def load(weights: str | Path | Mapping[str, Tensor], *, vocab: str | Path | None = None, **released: Any) -> Locater:
    """Return the released network with the authors' weights, in evaluation mode.

    weights: a path (safetensors, or a torch file of tensors alone) or a state_dict; every name and shape must
    fit, with or without a leading `module.`. vocab: bert-base-uncased's vocab.txt, for text queries. The other
    keywords are the released configuration's (`config`); those not given are read off the tensors, but for the memories' sizes,
    which leave no trace in them: 1.5 and 2 as released, 0 where there is no writer. Raises `CheckpointError`, `ConfigError`.
    """
    own = isinstance(weights, str | Path)
    source, content = (str(weights), read(weights)) if isinstance(weights, str | Path) else ("state_dict", weights)
    tensors = tensors_of(content, source=source)
    settings = config(**{**_sizes(tensors), **released})
    with torch.device("meta"):
        model = Locater(settings, vocab=vocab)
        width = tensors[_CONTEXT].shape[-1] if _CONTEXT in tensors and tensors[_CONTEXT].dim() == 2 else 0
        present = 1 + (settings.local_size > 0) + (settings.global_size > 0)
        if present < 3 and width == present * settings.dim:  # an absent memory may be absent from the query too
            model.network = ReleasedNetwork(settings, query_parts=present)
    if not own:
        model = model.to_empty(device="cpu")
    fill(model.network, tensors, source=source, assign=own)
    return model.eval()


def _sizes(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return what the names and shapes of a released state_dict say of its configuration."""

    def depth(prefix: str) -> int | None:
        found = {int(match[1]) for name in tensors if (match := re.match(rf"{prefix}\.(\d+)\.", name))}
        return len(found) or None

    positions = tensors.get("vision_encoder.pos_embed")
    sizes: dict[str, Any] = {
        "K": depth("trans_fusion"),
        "fuse_depth": depth(r"trans_fusion\.0\.blocks"),
        "post_depth": depth(r"trans_fusion\.0\.pos_blocks"),
        "vision_depth": depth(r"vision_encoder\.blocks"),
        "img_dim": None if positions is None or positions.dim() != 3 else 16 * round((positions.shape[1] - 1) ** 0.5),
    }
    if any(name.startswith("mem_reader.") for name in tensors):  # else it is no released network at all
        for name in ("global", "local"):
            if not any(key.startswith(f"{name}mem_writer.") for key in tensors):
                sizes[f"{name}_mem_size"] = 0
    return {name: value for name, value in sizes.items() if value is not None}
