"""BERT models by name, without a network: their sizes and where their word-piece vocabulary lies on this machine."""

import json
import os
from dataclasses import replace
from pathlib import Path

from a2dsplus.errors import ModelError
from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.naming import SHIPPED

VOCABULARY_VARIABLE = "A2DSPLUS_BERT_VOCAB"

_LARGE = BertShape(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
_SHAPES = {
    "bert-base-uncased": BertShape(),
    "bert-base-cased": BertShape(vocab_size=28996),
    "bert-large-uncased": _LARGE,
    "bert-large-cased": replace(_LARGE, vocab_size=28996),
}
_SHIPPED = dict.fromkeys(("bert-base-uncased", "bert-large-uncased"), SHIPPED / "vocab.txt")


def shape_of_name(name: str, *, where: str) -> BertShape:
    """Return the sizes of the BERT model of a name, or of a folder with its `config.json`.

    Looked up in the published models' table, then on disk, then in the local Hugging Face cache. Raises ModelError.
    """
    known = _SHAPES.get(_short(name))
    if known is not None:
        return known
    file = _folder_file(name, "config.json") or _cached_file(name, "config.json")
    if file is None:
        raise ModelError(
            f"{where}: the BERT model {name!r} is not known here; put its configuration in place of its name in config.json"
            " (model.bert_model), or download the model into the Hugging Face cache"
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: cannot read the BERT configuration ({error})") from error
    if not isinstance(config, dict):
        raise ModelError(f"{file}: expected a JSON object of BERT's sizes")
    return BertShape.of(config)


def find_vocabulary(name: str, *, beside: Path) -> Path:
    """Return the `vocab.txt` of a BERT model.

    Tried in order: the file that A2DSPLUS_BERT_VOCAB names, `vocab.txt` in the folder of the archive `beside`, the folder that
    `name` is, the vocabulary shipped with the toolkit (BERT uncased), the local Hugging Face cache. Raises ModelError.
    """
    chosen = os.environ.get(VOCABULARY_VARIABLE)
    if chosen:
        if not Path(chosen).is_file():
            raise ModelError(f"{VOCABULARY_VARIABLE}={chosen}: no such file")
        return Path(chosen)
    neighbour = beside.parent / "vocab.txt"
    if neighbour.is_file():
        return neighbour
    shipped = _SHIPPED.get(_short(name))
    found = _folder_file(name, "vocab.txt") or (shipped or _cached_file(name, "vocab.txt"))
    if found is None or not found.is_file():
        raise ModelError(
            f"{beside}: the word-piece vocabulary of {name!r} is not on this machine; put its vocab.txt beside the archive"
            f" or name it in {VOCABULARY_VARIABLE}"
        )
    return found


def _short(name: str) -> str:
    return name.removeprefix("google-bert/")


def _folder_file(name: str, wanted: str) -> Path | None:
    file = Path(name) / wanted
    return file if Path(name).is_absolute() and file.is_file() else None


def _cached_file(name: str, wanted: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, wanted)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None
