"""Small SRL archives for the tests: random networks of any size and label set, and one that has learnt something."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import torch

from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.bert_names import find_vocabulary
from a2dsplus.roles.srl.srl_bert import SrlBert, SrlTagger
from a2dsplus.roles.srl.wordpieces import WordPieces

ROLES = ("V", "ARG0", "ARG1", "ARG2", "ARGM-LOC", "ARGM-TMP", "ARGM-DIR", "ARGM-MNR", "R-ARG0", "C-ARG1")
MEMBERS = {
    "config": "config.json",
    "weights": "weights.th",
    "labels": "vocabulary/labels.txt",
    "non_padded": "vocabulary/non_padded_namespaces.txt",
    "vocab": "vocab.txt",
}
TINY = BertShape(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)


def labels_of(count: int) -> tuple[str, ...]:
    """Return O and the B- and I- labels of `count` roles, V among them."""
    roles = (*ROLES, *(f"X{number}" for number in range(count)))[:count]
    return ("O", *(f"{kind}-{role}" for role in roles for kind in "BI"))


def random_tagger(
    *,
    seed: int,
    shape: BertShape = TINY,
    labels: Sequence[str] | None = None,
    sharpness: float = 0.3,
    lower: bool = True,
) -> SrlTagger:
    """Return an untrained tagger; its matrices are drawn with the standard deviation `sharpness`."""
    torch.manual_seed(seed)
    chosen = labels_of(10) if labels is None else tuple(labels)
    network = SrlBert(shape, labels=len(chosen))
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=sharpness)
    return SrlTagger(network, labels=chosen, pieces=_pieces(lower=lower))


def trained_tagger(sentences: Sequence[Sequence[str]], predicates: Sequence[int]) -> SrlTagger:
    """Return a tiny tagger trained to call what stands before the predicate ARG0 and what follows it ARG1."""
    labels = labels_of(4)
    tagger = random_tagger(seed=5, labels=labels, sharpness=0.1)
    row = {label: number for number, label in enumerate(labels)}
    optimiser = torch.optim.Adam(tagger.model.parameters(), lr=3e-3)
    tagger.model.train()
    for words, predicate in zip(sentences, predicates, strict=True):
        encoded = tagger.pieces.encode(words)
        marked = torch.zeros(1, len(encoded.ids), dtype=torch.long)
        marked[0, encoded.starts[predicate] : encoded.ends[predicate]] = 1
        target = torch.full((len(encoded.ids),), row["O"])
        for word, (start, end) in enumerate(zip(encoded.starts, encoded.ends, strict=True)):
            role = "V" if word == predicate else "ARG0" if word < predicate else "ARG1"
            target[start:end] = row[f"I-{role}"]
            if word in (0, predicate, predicate + 1):
                target[start : start + 1] = row[f"B-{role}"]
        logits = tagger.model(torch.tensor([encoded.ids]), marked)[0]
        loss = torch.nn.functional.cross_entropy(logits, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tagger.model.eval()
    return tagger


def rewrite(source: Path, target: Path, **changes: bytes | None) -> Path:
    """Copy an archive with members (config, weights, labels, non_padded, vocab) replaced, added, or (None) left out."""
    members: dict[str, bytes] = {}
    with tarfile.open(source) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            members[member.name] = file.read()
    for key, content in changes.items():
        name = MEMBERS[key]
        if content is None:
            del members[name]
        else:
            members[name] = content
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def member(source: Path, name: str) -> bytes:
    """Return a member's content."""
    with tarfile.open(source) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def config_of(source: Path) -> dict[str, dict[str, object]]:
    """Return an archive's configuration."""
    found: dict[str, dict[str, object]] = json.loads(member(source, "config.json"))
    return found


def packed(state: dict[str, torch.Tensor]) -> bytes:
    """Return a state dict as `weights.th` holds it."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def state_of(source: Path) -> dict[str, torch.Tensor]:
    """Return an archive's state dict."""
    found: dict[str, torch.Tensor] = torch.load(io.BytesIO(member(source, "weights.th")), weights_only=True)
    return found


def pad_labels(path: Path, target: Path) -> Path:
    """Number an archive's labels as a padded namespace: @@PADDING@@ is output 0, @@UNKNOWN@@ stands in the file."""
    labels = member(path, "vocabulary/labels.txt").decode().split("\n")
    state = state_of(path)
    for name in ("tag_projection_layer.weight", "tag_projection_layer.bias"):
        state[name] = torch.cat([state[name][:2] * 0.5, state[name]])
    numbered = "\n".join(["@@UNKNOWN@@", *labels]).encode() + b"\n"
    return rewrite(path, target, labels=numbered, non_padded=b"*tags\n", weights=packed(state))


def _pieces(*, lower: bool) -> WordPieces:
    return WordPieces.read(find_vocabulary("bert-base-uncased", beside=Path("nowhere") / "none"), lower=lower)
