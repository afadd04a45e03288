"""Which semantic-role model a name means, and the hash of its weights. Loads no model and imports no torch."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from a2dsplus.errors import ModelError
from a2dsplus.files import require_regular, sha256
from a2dsplus.roles.srl.download import find_srl_bert

SHIPPED = Path(__file__).resolve().parent / "compact_model"
"""The folder of the compact model's shipped weights."""
COMPACT_WEIGHTS = ("embeddings.safetensors", "network.safetensors")
"""The files of its weights: two, to stay within what code hosts take gladly."""


class NamedModel(NamedTuple):
    """What a name means."""

    name: str
    """How it was asked for, folders left out."""
    archive: Path | None
    """The AllenNLP archive; None for the compact model."""
    by_allennlp: bool
    """Whether AllenNLP itself is to run the archive."""

    @property
    def sha256(self) -> str:
        """Of its weights or archive, in hexadecimal, as the manifest records it; read anew. Raises ModelError."""
        if self.archive is None:
            return fingerprint()
        try:
            return sha256(self.archive)
        except OSError as error:
            raise ModelError(f"{self.archive}: cannot be read ({error.strerror})") from error


def identify(srl: str) -> NamedModel:
    """Return what `load_labeller` would load for a name. Raises ModelError where there is no such model."""
    if srl == "compact":
        return NamedModel(name=srl, archive=None, by_allennlp=False)
    asked = srl.removeprefix("allennlp:")
    archive = find_srl_bert() if asked == "srl-bert" else Path(asked).expanduser()
    check_is_file(archive)
    genuine = asked != srl
    name = ("allennlp:" if genuine else "") + (asked if asked == "srl-bert" else archive.name)
    return NamedModel(name=name, archive=archive, by_allennlp=genuine)


def check_is_file(archive: Path) -> None:
    """Raise ModelError unless there is a file."""
    if archive.is_dir():
        raise ModelError(f"{archive}: a folder; --srl takes the archive itself (model.tar.gz)")
    if not archive.exists():
        raise ModelError(
            f"{archive}: no such file; --srl takes compact, srl-bert, or the path of an AllenNLP SRL archive"
        )
    try:
        require_regular(archive)
    except OSError as error:
        raise ModelError(f"{archive}: {error.strerror}; --srl takes the archive itself (model.tar.gz)") from error


def fingerprint(folder: Path | None = None) -> str:
    """Return the sha256 over the files of the shipped compact model, or of the one in `folder`, in hexadecimal."""
    digest = hashlib.sha256()
    for name in ("config.json", "vocab.txt", *COMPACT_WEIGHTS):
        digest.update(((SHIPPED if folder is None else folder) / name).read_bytes())
    return digest.hexdigest()
