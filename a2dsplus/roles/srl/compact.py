"""The compact semantic-role model that the wheel carries: MiniLM as SRL-BERT with a predicate head, int8 weights.

    tagger = load_compact()             an SrlTagger that finds predicates itself; decoding is strict
    export_archive(Path("m.tar.gz"))    the same network as an AllenNLP archive, without its predicate head

Every matrix is kept as int8 with one scale a row, vectors in single precision; both are put back to single precision on loading.
The model card is `annotations/compact-model-card.md`.
"""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from a2dsplus.errors import ModelError
from a2dsplus.files import replacing, write_json, write_text
from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.naming import COMPACT_WEIGHTS, SHIPPED
from a2dsplus.roles.srl.srl_bert import Decoding, SrlBert, SrlTagger
from a2dsplus.roles.srl.wordpieces import WordPieces

_SCHEMA = 1
_EMBEDDINGS = "bert_model.embeddings."
_SCALE = ".row_scale"


def load_compact(folder: Path | None = None) -> SrlTagger:
    """Return the tagger of the shipped compact model, or of one that `a2dsplus train-srl` wrote to `folder`.

    Raises ModelError where a file is missing or damaged, or does not fit the configuration.
    """
    folder = SHIPPED if folder is None else folder
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder}: no compact model there (config.json is missing); install the toolkit again"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder / 'config.json'}: cannot be read ({error})") from error
    if not isinstance(config, dict) or config.get("schema") != _SCHEMA:
        raise ModelError(f"{folder / 'config.json'}: expected schema {_SCHEMA} of a compact model")
    shape, labels = BertShape.of(config["bert"]), [str(label) for label in config["labels"]]
    # Not on the meta device: drawing numbers there makes torch import its compiler, which takes longer than drawing them.
    model = SrlBert(shape, labels=len(labels), predicate_head=True)
    state: dict[str, Tensor] = {}
    for name in COMPACT_WEIGHTS:
        state |= _read(folder / name)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if expected != found:
        name = min(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise ModelError(
            f"{folder}: tensor {name} has shape {found.get(name)}, the configuration wants {expected.get(name)}"
        )
    model.load_state_dict(state, assign=True)
    pieces = WordPieces.read(folder / "vocab.txt", lower=bool(config["lower"]))
    return SrlTagger(model.requires_grad_(False), labels=labels, pieces=pieces, decoding=Decoding.STRICT)


def save_compact(tagger: SrlTagger, folder: Path) -> None:
    """Write a tagger's network to `folder` as `load_compact` reads it: matrices in int8, one scale a row.

    Raises ModelError where the network has no predicate head.
    """
    from safetensors.torch import save_file

    if not tagger.finds_predicates:
        raise ModelError("a compact model needs a predicate head; this network has none")
    folder.mkdir(parents=True, exist_ok=True)
    parts: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    for name, tensor in tagger.model.state_dict().items():
        part = parts[0] if name.startswith(_EMBEDDINGS) else parts[1]
        tensor = tensor.detach().float()
        if tensor.dim() < 2:
            part[name] = tensor.contiguous()
            continue
        scale = tensor.abs().amax(dim=1).clamp_min(1e-12) / 127
        part[name] = torch.round(tensor / scale[:, None]).to(torch.int8)
        part[name + _SCALE] = scale
    for name, part in zip(COMPACT_WEIGHTS, parts, strict=True):
        with replacing(folder / name) as draft:
            save_file(part, draft)
            draft.chmod(0o644)  # safetensors lets the owner alone read
    shape = tagger.model.shape
    config = {
        "schema": _SCHEMA,
        "bert": {name: getattr(shape, name) for name in BertShape.__dataclass_fields__},
        "labels": list(tagger.labels),
        "lower": tagger.pieces.lower,
    }
    write_text(folder / "vocab.txt", "".join(f"{piece}\n" for piece in tagger.pieces.pieces))
    write_json(folder / "config.json", config, indent=1)


def export_archive(path: Path, *, tagger: SrlTagger | None = None, wordpieces: str = "bert-base-uncased") -> None:
    """Write the compact model (or another tagger's network) as an AllenNLP archive, `model.tar.gz`.

    It holds `config.json`, `weights.th` and `vocabulary/`, and loads in AllenNLP 2.10.1 and with `--srl PATH`. The predicate head is
    left out, as AllenNLP's class has none; so is strict decoding. AllenNLP names a word-piece vocabulary rather than carry it:
    `wordpieces` is that name (a hub name or a folder); the compact model's pieces are those of bert-base-uncased.
    """
    tagger = load_compact() if tagger is None else tagger
    shape = tagger.model.shape
    state = {
        name: tensor.clone()
        for name, tensor in tagger.model.state_dict().items()
        if not name.startswith("predicate_layer.")
    }
    # AllenNLP wants every tensor that the BERT class of its day has: a pooler, which the model never reads, and the positions' numbers.
    state["bert_model.pooler.dense.weight"] = torch.zeros(shape.hidden_size, shape.hidden_size)
    state["bert_model.pooler.dense.bias"] = torch.zeros(shape.hidden_size)
    state["bert_model.embeddings.position_ids"] = torch.arange(shape.max_position_embeddings)[None]
    weights = io.BytesIO()
    torch.save(state, weights)
    bert: dict[str, Any] = {name: getattr(shape, name) for name in BertShape.__dataclass_fields__}
    config = {
        "dataset_reader": {"type": "srl", "bert_model_name": wordpieces},
        "model": {"type": "srl_bert", "bert_model": bert, "embedding_dropout": 0.1, "srl_eval_path": None},
        "train_data_path": "",
        "trainer": {"optimizer": "adam"},
        "data_loader": {"batch_size": 32},
    }
    members = {
        "config.json": json.dumps(config, indent=1, sort_keys=True).encode(),
        "vocabulary/labels.txt": "\n".join(tagger.labels).encode(),
        "vocabulary/non_padded_namespaces.txt": b"*tags\n*labels\n",
        "weights.th": weights.getvalue(),
    }
    with replacing(path) as draft, tarfile.open(draft, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored = load_file(path)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: missing; install the toolkit again") from error
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: damaged ({error}); install the toolkit again") from error
    found = {}
    for name, tensor in stored.items():
        if name.endswith(_SCALE):
            continue
        scale = stored.get(name + _SCALE)
        found[name] = tensor if scale is None else tensor.float().mul_(scale[:, None])
    return found
