"""A model folder as `save_pretrained` writes it: config.json, weights in safetensors, what its processor needs. Nothing is fetched.

Pickled weights are refused: reading one can run its author's code.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2dsplus.errors import ModelError, UsageError, listed

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt")
_CONFIG_BYTES = 4 * 2**20
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How a network wants a frame: side x side pixels, each channel (value / 255 - mean) / std."""

    side: int
    mean: tuple[float, ...] = _IMAGENET_MEAN
    std: tuple[float, ...] = _IMAGENET_STD


def read_type(folder: Path) -> str:
    """Return `model_type` of a folder's config.json. Raises ModelError where there is none, or no weights in safetensors."""
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: no such folder; give one with config.json and model.safetensors, as save_pretrained writes it"
        )
    kind = _json(folder / "config.json").get("model_type")
    if not isinstance(kind, str):
        raise ModelError(f"{folder / 'config.json'}: has no model_type; is it of a transformers model?")
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
        if pickles:
            raise ModelError(
                f"{folder}: {pickles[0]} is a pickle, which is not read: it can run code; save the weights as safetensors"
            )
        raise ModelError(f"{folder}: has no weights (*.safetensors); download the whole folder")
    return kind


def load_model(name: str, folder: Path, *, device: str) -> Any:
    """Return the model of a class of transformers, evaluating, on its device.

    Raises ModelError where the weights do not fit config.json, and UsageError for a device that cannot be used.
    """
    library = transformers()
    try:
        with quiet():
            model, notes = getattr(library, name).from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # found below, and named
            )
    except Exception as error:  # the library raises what it likes for a folder that is at fault
        raise ModelError(f"{folder}: cannot be read as {name} ({_line(error)})") from error
    faults = [f"{key} is missing" for key in sorted(notes["missing_keys"])]
    for key, found, expected in sorted(notes["mismatched_keys"]):
        faults.append(f"{key} is {tuple(found)}, expected {tuple(expected)}")
    if faults:
        raise ModelError(f"{folder}: the weights do not fit config.json: {listed(faults, most=3)}")
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: cannot be used ({_line(error)})") from error


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder. Raises ModelError."""
    if not any((folder / name).is_file() for name in _VOCABULARIES):  # without, the library would make an empty one
        raise ModelError(f"{folder}: has no tokenizer ({', '.join(_VOCABULARIES)}); download the whole folder")
    try:
        with quiet():
            return transformers().AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise ModelError(
            f"{folder}: its tokenizer cannot be read ({_line(error)}); download the whole folder"
        ) from error


def load_processor(name: str, folder: Path) -> Any:
    """Return the image processor of a folder, of a class that needs no torchvision. Raises ModelError."""
    try:
        with quiet():
            return getattr(transformers(), name)(**_settings(folder, _PROCESSORS))
    except Exception as error:  # as above
        raise ModelError(f"{folder}: its image processor cannot be read ({_line(error)})") from error


def read_picture(folder: Path, *, side: int) -> Picture:
    """Return how a video model's folder wants its frames; `side`, ImageNet's mean and deviation where it does not say."""
    found = _settings(folder, ("video_preprocessor_config.json", *_PROCESSORS))
    size = found.get("size")
    if isinstance(size, dict) and isinstance(size.get("height"), int):
        side = size["height"]
    mean, std = found.get("image_mean", _IMAGENET_MEAN), found.get("image_std", _IMAGENET_STD)
    return Picture(side=side, mean=tuple(mean), std=tuple(std))


_PROCESSORS = ("preprocessor_config.json", "processor_config.json")


def transformers() -> Any:
    """Return the library. Raises UsageError where it is not installed."""
    try:
        import transformers as library
    except ImportError as error:
        raise UsageError("--model transformers: needs `pip install 'a2dsplus[transformers]'`") from error
    return library


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's notes and bars from the terminal: what is wrong becomes an error, the rest is no news."""
    logging = transformers().utils.logging
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    bars = getattr(logging, "is_progress_bar_enabled", lambda: False)()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _settings(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the processor's settings from the first of some files that is there; older and newer folders name and nest them differently."""
    for name in names:
        path = folder / name
        if path.is_file():
            found = _json(path)
            for nested in ("video_processor", "image_processor"):
                if isinstance(found.get(nested), dict):
                    found = found[nested]
            return {
                key: value for key, value in found.items() if not key.endswith("_type") and key != "processor_class"
            }
    return {}


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _CONFIG_BYTES:
            raise ModelError(f"{path}: {path.stat().st_size} bytes, too large for what it should be")
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: expected an object, got {type(found).__name__}")
    return found


def _line(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    return words[0][:300] if words else type(error).__name__
