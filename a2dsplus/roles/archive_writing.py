"""Writing a model of ours as an archive that AllenNLP loads."""

import gzip
import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path

import torch

from a2dsplus.roles.srl_bert import SrlTagger


def write_archive(path: Path, tagger: SrlTagger, *, bert_model_name: str = "bert-base-uncased", level: int = 6) -> None:
    """Write `path`, a `.tar.gz` that AllenNLP 2.10.1 loads and that gives the tagger's labels and weights, bit for bit the same
    each time.

    AllenNLP takes the word pieces from the model that `bert_model_name` names, and puts words in lower case if it says
    "uncased"; the archive also carries them as `vocab.txt`, which the native runtime prefers. The predicate head, which
    AllenNLP does not know, is left out. `level`: of gzip's compression, 0 to 9.
    """
    shape = tagger.model.shape
    state = {
        name: value.detach().float().contiguous()
        for name, value in tagger.model.state_dict().items()
        if not name.startswith("predicate_layer.")
    }
    # AllenNLP loads strictly, and its BERT has these two besides; neither has a part in tagging.
    state["bert_model.embeddings.position_ids"] = torch.arange(shape.max_position_embeddings)[None]
    state["bert_model.pooler.dense.weight"] = torch.zeros(shape.hidden_size, shape.hidden_size)
    state["bert_model.pooler.dense.bias"] = torch.zeros(shape.hidden_size)
    weights = io.BytesIO()
    torch.save(state, weights)
    config = {
        "dataset_reader": {"type": "srl", "bert_model_name": bert_model_name},
        "model": {"type": "srl_bert", "bert_model": {"model_type": "bert", **asdict(shape)}, "embedding_dropout": 0.0},
    }
    members = {
        "config.json": json.dumps(config, indent=2, sort_keys=True).encode(),
        "vocab.txt": ("\n".join(tagger.pieces.pieces) + "\n").encode(),
        "vocabulary/labels.txt": ("\n".join(tagger.labels) + "\n").encode(),
        "vocabulary/non_padded_namespaces.txt": b"*labels\n*tags\n",
        "weights.th": weights.getvalue(),
    }
    partial = path.with_name(path.name + ".partial")
    write_members(partial, members, level=level)
    partial.replace(path)


def write_members(path: Path, members: dict[str, bytes], *, level: int = 6) -> None:
    """Write a tar of the members, in the order of their names, without times or owners."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=level) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, content in sorted(members.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
