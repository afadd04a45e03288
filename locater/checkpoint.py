"""Weights at rest: safetensors with configuration and vocabulary beside them, and a careful reader of other files."""

import json
import math
import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from locater.config import AnyConfig, LocaterConfig, ReleasedConfig
from locater.errors import CheckpointError, ConfigError
from locater.model import Locater

_LARGEST_IMAGE = 1 << 12
_MOST_WORDS = 1 << 10
_MOST_PACKED = 1 << 27
_MOST = 5  # faults named in one message


def save(model: Locater, path: str | Path) -> None:
    """Write the weights to `path` (.safetensors) and the configuration beside it (.json), each in one step.

    So is the WordPiece vocabulary (.vocab.txt), where the model reads its queries with one.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _replace(_config_path(target), model.config.to_json().encode())
    if model.tokeniser is not None and model.tokeniser.vocab is not None:
        _replace(_vocab_path(target), model.tokeniser.vocab)
    write_tensors(target, model.network)


def write_tensors(path: Path, module: nn.Module) -> None:
    """Write a module's tensors as safetensors, in one step."""
    from safetensors.torch import save as to_bytes

    tensors = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    _replace(path, to_bytes(tensors, metadata={"format": "pt"}))


def load(path: str | Path, *, vocab: str | Path | None = None) -> Locater:
    """Return the model, in evaluation mode, that `save` wrote. Raises `CheckpointError`, `QueryError`.

    `vocab`: instead of the WordPiece vocabulary beside it.
    """
    beside = _config_path(Path(path))
    tensors = read(path)
    if not beside.is_file():
        raise CheckpointError(f"{beside}: no configuration beside the weights")
    try:
        values = json.loads(beside.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CheckpointError(f"{beside}: not JSON ({error})") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"{beside}: holds {type(values).__name__}, expected an object of configuration fields")
    try:
        config = LocaterConfig.from_dict(_of_its_variant(values))
    except ConfigError as error:
        raise CheckpointError(f"{beside}: {error}") from None
    _check_sizes(config, tensors, beside=beside)
    if vocab is None and _vocab_path(Path(path)).is_file():
        vocab = _vocab_path(Path(path))
    # BERT has buffers that no file holds: they must be made for real
    with torch.device("cpu" if getattr(config, "language", None) == "bert" else "meta"):
        try:
            model = Locater(config, vocab=vocab)
        except (RuntimeError, OverflowError, MemoryError) as error:
            raise CheckpointError(f"{beside}: no network can have these sizes ({error!s:.100})") from None
    fill(model.network, tensors, source=str(path), assign=True)
    return model.eval()


def _check_sizes(config: AnyConfig, tensors: Mapping[str, Tensor], *, beside: Path) -> None:
    """Raise `CheckpointError` for a configuration of more layers or wider ones than the weights can fill, before a network is made.

    A layer has tensors of its own; a block has one of D x D values; an embedding has at least its number of rows. The frame's side and
    the words of a query have no weight that bounds them in every variant: they have bounds of their own.
    """
    values = sum(tensor.numel() for tensor in tensors.values())
    layers = config.modules * (config.fuse_depth + config.post_depth) + config.vision_depth
    asked = {
        "layers": (layers + getattr(config, "lstm_layers", 0), len(tensors)),
        "dim": (config.dim, math.isqrt(values)),
        "vocabulary": (getattr(config, "vocabulary", 0) if getattr(config, "language", "") == "lstm" else 0, values),
        "word_dim": (getattr(config, "word_dim", 0) if getattr(config, "language", "") == "lstm" else 0, values),
        "word_vectors": (getattr(config, "word_vectors", 0), values),
        "image_size": (config.image_size, _LARGEST_IMAGE),
        "words": (config.words, _MOST_WORDS),
    }
    for name, (size, most) in asked.items():
        if size > most:
            raise CheckpointError(
                f"{beside}: {name} is {size}, more than {most}, which is what the weights beside it can fill or a frame or query can have"
            )


def _of_its_variant(values: dict[str, Any]) -> dict[str, Any]:
    """Return a file's fields without those of the other variant alone, which files name from when both shared one record."""
    paper, released = ({entry.name for entry in fields(kind) if entry.init} for kind in (LocaterConfig, ReleasedConfig))
    foreign = paper - released if values.get("variant") == "released" else released - paper
    return {name: value for name, value in values.items() if name not in foreign}


def read(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, or of a torch file that holds tensors alone.

    Raises `CheckpointError` if the file is missing, damaged, or would need unpickling of other objects.
    """
    source = Path(path)
    if not source.is_file():
        raise CheckpointError(f"{source}: no such file")
    if source.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(source)
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(f"{source}: not a safetensors file ({' '.join(str(error).split())})") from None
    check_records(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols, of files that are refused below
            content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{source}: refused, it is a pickle of more than tensors, which could run any code on loading; "
            "save a state_dict of tensors instead"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise CheckpointError(f"{source}: not a torch checkpoint ({' '.join(str(error).split())[:200]})") from None
    return tensors_of(content, source=str(source))


def check_records(file: Path) -> None:
    """Raise `CheckpointError` for a file of torch's (a zip) whose records say to be much larger than it: reading one would take that much memory.

    Tensors are stored as they are; only code is packed.
    """
    try:
        if not zipfile.is_zipfile(file):
            return
        with zipfile.ZipFile(file) as archive:
            declared = sum(info.file_size for info in archive.infolist())
    except Exception as error:  # a damaged zip makes its reader raise anything
        raise CheckpointError(f"{file}: not a torch file ({' '.join(str(error).split())[:200]})") from None
    if declared > file.stat().st_size + _MOST_PACKED:
        raise CheckpointError(f"{file}: not a torch file (its records say to be larger than the file)")


def tensors_of(content: object, *, source: str) -> dict[str, Tensor]:
    """Return a state_dict's tensors, looked up under `state_dict` or `model` too, without a `module.` prefix."""
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{source}: holds no state_dict (names and tensors)")
    odd = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if odd:
        raise CheckpointError(f"{source}: not a tensor: {_few(odd)}")
    prefixed = all(str(name).startswith("module.") for name in content)
    return {str(name)[7:] if prefixed else str(name): value for name, value in content.items()}


def fill(module: nn.Module, tensors: Mapping[str, Tensor], *, source: str, assign: bool = False) -> None:
    """Load `tensors` into `module`, every name and shape exactly; with `assign`, without a copy.

    Raises `CheckpointError` naming the tensors that are missing, unknown, of other shapes, or not finite.
    """
    expected = module.state_dict()
    missing = [name for name in expected if name not in tensors]
    unknown = [name for name in tensors if name not in expected]
    shapes = [
        f"{name} is {tuple(tensors[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    faults = [
        f"{label}: {_few(names)}"
        for label, names in (("missing", missing), ("unknown", unknown), ("other shapes", shapes))
        if names
    ]
    if faults:
        raise CheckpointError(f"{source}: does not fit the configuration; " + "; ".join(faults))
    sick = [name for name, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if sick:
        raise CheckpointError(f"{source}: NaN or infinite weights in {_few(sick)}")
    fitting = {name: tensors[name].to(value.dtype) for name, value in expected.items()}
    module.load_state_dict(fitting, strict=True, assign=assign)


def _few(names: list[str]) -> str:
    rest = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + rest


def _config_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _vocab_path(path: Path) -> Path:
    return path.with_suffix(".vocab.txt")


def _replace(path: Path, content: bytes) -> None:
    """Write `content` under a temporary name, then move it into place."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
