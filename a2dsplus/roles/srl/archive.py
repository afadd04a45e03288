"""Reading AllenNLP's SRL archives (`model.tar.gz` of model type `srl_bert`) without AllenNLP.

An archive is taken for untrusted: only its regular members of expected names are read, none is written to disk, and the weights
are loaded as tensors alone.
"""

import io
import json
import lzma
import math
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from a2dsplus.errors import ModelError, listed
from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.bert_names import find_vocabulary, shape_of_name
from a2dsplus.roles.srl.naming import check_is_file
from a2dsplus.roles.srl.srl_bert import Decoding, SrlBert, SrlTagger
from a2dsplus.roles.srl.wordpieces import WordPieces

_PADDING, _UNKNOWN = "@@PADDING@@", "@@UNKNOWN@@"
_WORDS = "bert_model.embeddings.word_embeddings.weight"
_UNUSED = ("bert_model.embeddings.position_ids", "bert_model.embeddings.token_type_ids", "bert_model.pooler.")
# bytes, unpacked; BERT-large in single precision is 1.34e9
_LARGEST_WEIGHTS, _LARGEST_TEXT, _LARGEST_ARCHIVE = 3 << 29, 64 << 20, 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedArchive:
    """An archive that has been read and checked.

    `members`: name to content of the members that make up the model. `config`: its configuration. `weights`: its state dict.
    """

    members: dict[str, bytes]
    config: dict[str, Any]
    shape: BertShape
    labels: tuple[str, ...]
    pieces: WordPieces
    weights: dict[str, torch.Tensor]


def load_archive(path: Path) -> SrlTagger:
    """Return the SRL model of an AllenNLP archive, giving the tags that AllenNLP 2.10.1 gives.

    `path`: a `.tar.gz` (or other tar) with `config.json`, `weights.th` and `vocabulary/`. The BERT vocabulary is a `vocab.txt`
    in the archive, or else found by the model's name (see `bert_names.find_vocabulary`); nothing is fetched. Raises ModelError
    that says which member, which tensor, which shapes.
    """
    opened = open_archive(path)
    _check_sizes(opened.shape, opened.weights, path)
    heads = "predicate_layer.weight" in opened.weights
    model = SrlBert(opened.shape, labels=len(opened.labels), predicate_head=heads)
    load_weights(model, opened.weights, where=f"{path}: weights.th")
    return SrlTagger(model, labels=opened.labels, pieces=opened.pieces, decoding=Decoding.ALLENNLP)


def open_archive(path: Path) -> OpenedArchive:
    """Return what an AllenNLP archive holds. Raises ModelError as `load_archive`."""
    members = _read_members(path)
    config = _config(members, path)
    name = _reader(config, path)["bert_model_name"]
    shape = _shape(config["model"].get("bert_model"), path)
    vocabulary = config.get("vocabulary")
    labels = read_labels(
        _text(members, "vocabulary/labels.txt", path),
        _text(members, "vocabulary/non_padded_namespaces.txt", path),
        options=vocabulary if isinstance(vocabulary, dict) else {},
        where=str(path),
    )
    return OpenedArchive(
        members=members,
        config=config,
        shape=shape,
        labels=labels,
        pieces=_pieces(members, name, shape, path),
        weights=_weights(members, path),
    )


def read_labels(text: str, non_padded: str, *, options: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the labels in the order of the model's outputs, as AllenNLP numbers `vocabulary/labels.txt`.

    `text`, `non_padded`: the contents of `labels.txt` and `non_padded_namespaces.txt`. Unless a pattern of the latter (`*labels`,
    `labels`) names the label namespace, output 0 is the padding token and the file must hold the unknown token. `options`: the
    configuration's `vocabulary`, which may rename the two. Raises ModelError where no semantic-role labels come of it.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    patterns = [line.strip() for line in non_padded.split("\n")]
    padded = not any(
        pattern == "labels" or (pattern.startswith("*") and "labels".endswith(pattern[1:]))
        for pattern in patterns
        if pattern
    )
    if padded:
        unknown = options.get("oov_token", _UNKNOWN)
        if unknown not in lines:
            raise ModelError(f"{where}: vocabulary/labels.txt is a padded namespace and lacks {unknown}")
        lines = [options.get("padding_token", _PADDING), *lines]
    if "" in lines:
        raise ModelError(f"{where}: vocabulary/labels.txt, line {lines.index('') + 1 - padded}: an empty label")
    twice = sorted({line for line in lines if lines.count(line) > 1})
    if twice:
        raise ModelError(f"{where}: vocabulary/labels.txt has {listed(twice)} more than once")
    if "B-V" not in lines:
        raise ModelError(f"{where}: no label B-V in vocabulary/labels.txt ({listed(lines)}); not a semantic-role model")
    return tuple(lines)


def load_weights(model: SrlBert, found: Mapping[str, torch.Tensor], *, where: str) -> None:
    """Put a state dict into the model. BERT's pooler and its `position_ids` buffer are let go; all else must fit exactly.

    Raises ModelError naming the tensors that are missing, not known, or of another shape (expected and got).
    """
    expected = model.state_dict()
    given = {name: value for name, value in found.items() if not name.startswith(_UNUSED)}
    wrong = [
        f"{name} is {tuple(given[name].shape)}, the configuration asks for {tuple(value.shape)}"
        for name, value in expected.items()
        if name in given and given[name].shape != value.shape
    ]
    if wrong:
        raise ModelError(f"{where}: {listed(wrong, most=3)}")
    missing = [name for name in expected if name not in given]
    if missing:
        raise ModelError(f"{where}: lacks {listed(missing, most=3)}")
    unknown = [name for name in given if name not in expected]
    if unknown:
        raise ModelError(f"{where}: holds {listed(unknown, most=3)}, which the configuration has no place for")
    sick = [name for name, value in given.items() if not value.isfinite().all()]
    if sick:
        raise ModelError(f"{where}: NaN or infinite weights in {listed(sick, most=3)}")
    model.load_state_dict({name: value.float() for name, value in given.items()}, assign=True)


def _check_sizes(shape: BertShape, weights: Mapping[str, torch.Tensor], path: Path) -> None:
    """Raise ModelError for a configuration that the weights are too few to fill, before a network is made.

    A layer has tensors of its own, one of them of `hidden_size` x `hidden_size` values; a table has at least its number of rows.
    """
    if _WORDS not in weights:
        raise ModelError(f"{path}: weights.th: lacks {_WORDS}")
    values = sum(value.numel() for value in weights.values())
    most = {"num_hidden_layers": len(weights), "hidden_size": math.isqrt(values)}
    for field in fields(shape):
        size = getattr(shape, field.name)
        if type(size) is int and size > most.get(field.name, values):
            raise ModelError(
                f"{path}: config.json: {field.name} is {size}, weights.th with {values} values cannot fill it; the two are not of one model"
            )


def _read_members(path: Path) -> dict[str, bytes]:
    """Return the regular members of the archive that a model consists of, by name. Raises ModelError for anything unsafe."""
    check_is_file(path)
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or "\\" in member.name:
                    raise ModelError(f"{path}: member {member.name!r} leaves the archive; it is not read")
                total += member.size
                if total > _LARGEST_ARCHIVE:
                    raise ModelError(
                        f"{path}: unpacks to more than {_LARGEST_ARCHIVE} bytes; too large for an SRL model"
                    )
                if member.isdir():
                    continue
                if not member.isreg():
                    raise ModelError(f"{path}: member {member.name!r} is a link or a device; the archive is not read")
                if not _belongs(name):
                    continue
                if member.size > (_LARGEST_WEIGHTS if str(name) == "weights.th" else _LARGEST_TEXT):
                    raise ModelError(
                        f"{path}: member {member.name!r} has {member.size} bytes; too large for an SRL model"
                    )
                if str(name) in found:
                    raise ModelError(f"{path}: member {member.name!r} occurs twice")
                file = archive.extractfile(member)
                assert file is not None  # a regular member
                found[str(name)] = file.read()
            # the checksum of the whole is at the very end, after tar's own; nothing but padding may come before it
            stream = archive.fileobj
            if stream is not None and len(stream.read(_LARGEST_TEXT)) == _LARGEST_TEXT:
                raise ModelError(f"{path}: more than {_LARGEST_TEXT} bytes follow its last member; not read")
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise ModelError(f"{path}: not a readable tar archive ({error}); is it complete?") from error
    except (ValueError, OverflowError) as error:  # of a header
        raise ModelError(f"{path}: corrupt archive ({error})") from error
    return found


def _belongs(name: PurePosixPath) -> bool:
    return str(name) in ("config.json", "weights.th") or name.parts[0] == "vocabulary" or name.name == "vocab.txt"


def _text(members: Mapping[str, bytes], name: str, path: Path) -> str:
    if name not in members:
        raise ModelError(f"{path}: has no {name}; expected an AllenNLP archive (config.json, weights.th, vocabulary/)")
    try:
        return members[name].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: {name} is not UTF-8 ({error.reason} at byte {error.start})") from error


def _config(members: Mapping[str, bytes], path: Path) -> dict[str, Any]:
    try:
        config = json.loads(_text(members, "config.json", path))
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}: config.json is not JSON (line {error.lineno}: {error.msg})") from error
    except RecursionError as error:
        raise ModelError(f"{path}: config.json is nested without end; this is no AllenNLP archive") from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise ModelError(f"{path}: config.json has no model; expected an AllenNLP archive")
    kind = config["model"].get("type")
    if kind != "srl_bert":
        raise ModelError(f"{path}: model type {kind!r}; only srl_bert archives can be run")
    return config


def _reader(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the reader's configuration; AllenNLP's predictors take the validation reader where there is one."""
    reader = config.get("validation_dataset_reader") or config.get("dataset_reader")
    if not isinstance(reader, dict) or not isinstance(reader.get("bert_model_name"), str):
        raise ModelError(f"{path}: config.json has no dataset_reader.bert_model_name; the word pieces are not known")
    return reader


def _shape(bert: object, path: Path) -> BertShape:
    if isinstance(bert, dict):
        return BertShape.of(bert)
    if isinstance(bert, str):
        return shape_of_name(bert, where=f"{path}: config.json")
    raise ModelError(f"{path}: config.json: model.bert_model is {bert!r}; expected a name or a BERT configuration")


def _pieces(members: Mapping[str, bytes], name: str, shape: BertShape, path: Path) -> WordPieces:
    inside: Sequence[str] = sorted(member for member in members if PurePosixPath(member).name == "vocab.txt")
    lower = "uncased" in name  # AllenNLP's rule
    if inside:
        pieces = WordPieces(_text(members, inside[0], path).rstrip("\n").split("\n"), lower=lower)
        source = inside[0]
    else:
        file = find_vocabulary(name, beside=path)
        pieces, source = WordPieces.read(file, lower=lower), str(file)
    if len(pieces) > shape.vocab_size:
        raise ModelError(f"{path}: {len(pieces)} word pieces in {source} for an encoder with {shape.vocab_size}")
    return pieces


def _weights(members: Mapping[str, bytes], path: Path) -> dict[str, torch.Tensor]:
    if "weights.th" not in members:
        raise ModelError(
            f"{path}: has no weights.th; expected an AllenNLP archive (config.json, weights.th, vocabulary/)"
        )
    try:
        found = torch.load(io.BytesIO(members["weights.th"]), map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever a damaged or hostile file provokes
        reason = str(error).strip().split("\n")[0][:200]
        raise ModelError(f"{path}: weights.th cannot be loaded as tensors alone ({reason})") from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise ModelError(f"{path}: weights.th is no state dict of tensors")
    return found
