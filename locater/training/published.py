"""Published encoders by path: ImageNet's ViT, Kinetics' I3D, BERT-base and word vectors."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from locater.checkpoint import fill, read
from locater.config import LocaterConfig
from locater.errors import CheckpointError, ConfigError
from locater.language import BertLanguage, HashTokeniser, LstmLanguage
from locater.model import Locater
from locater.paper import PaperNetwork
from locater.vision import Conv3dVision, PatchVision


def load_vision(model: Locater, path: str | Path) -> None:
    """Fill the visual encoder: a ViT from ImageNet weights, I3D from Kinetics'. Raises ConfigError, CheckpointError."""
    vision = model.network.vision if isinstance(model.network, PaperNetwork) else None
    if isinstance(vision, Conv3dVision):
        load_i3d(vision, path)
    else:
        load_vit(model, path)


def load_i3d(vision: Conv3dVision, path: str | Path) -> None:
    """Fill I3D from a Kinetics checkpoint as it is published for PyTorch: Conv3d_1a_7x7.conv3d.weight, Mixed_3b.b1a.bn.weight, ...

    Layers past ours are left out. Raises CheckpointError where names or shapes are of another layout.
    """
    found, own = read(path), vision.stages.state_dict()
    missing = [name for name in own if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        raise CheckpointError(
            f"{path}: no I3D in the names of its PyTorch release; missing {', '.join(missing[:3])} ..."
        )
    fill(vision.stages, {**own, **{name: found[name] for name in own if name in found}}, source=str(path))


@torch.no_grad()
def load_vit(model: Locater, path: str | Path) -> int:
    """Fill the visual encoder from ImageNet ViT weights (timm's names) and return how many of its blocks were filled.

    Patch projection, positions (without the class token, enlarged bicubically to our grid), the first blocks and the final norm. Raises
    ConfigError for a network that is no ViT of that kind, CheckpointError where names or shapes do not fit.
    """
    vision = model.network.vision if isinstance(model.network, PaperNetwork) else None
    if not isinstance(vision, PatchVision) or getattr(model.config, "norm", None) != "pre":
        raise ConfigError(
            "configuration: ViT weights need variant='paper', vision='transformer' and norm='pre' (a ViT normalises before its layers)"
        )
    found = read(path)
    own = {
        "proj.weight": "patch_embed.proj.weight", "proj.bias": "patch_embed.proj.bias",
        "norm.weight": "norm.weight", "norm.bias": "norm.bias",
    }  # fmt: skip
    for index in range(model.config.vision_depth):
        for part in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"):
            for kind in ("weight", "bias"):
                own[f"blocks.{index}.{part}.{kind}"] = f"blocks.{index}.{part}.{kind}"
    missing = [name for name in [*own.values(), "pos_embed"] if name not in found]
    if missing:
        raise CheckpointError(
            f"{path}: no ViT in timm's names; missing {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}"
        )
    state = vision.state_dict()
    filled = {name: found[theirs] for name, theirs in own.items()}
    positions = found["pos_embed"]
    side = int(positions.shape[1] ** 0.5)  # 1 + side^2 tokens, or side^2 where there is no class token
    square = positions[:, positions.shape[1] - side * side :].float().transpose(1, 2).unflatten(2, (side, side))
    grid = model.config.grid
    filled["positions"] = F.interpolate(square, (grid, grid), mode="bicubic", align_corners=False).flatten(2).mT
    wrong = [
        f"{name} is {tuple(value.shape)}, expected {tuple(state[name].shape)}"
        for name, value in filled.items()
        if value.shape != state[name].shape
    ]
    if wrong:
        raise CheckpointError(f"{path}: does not fit the configuration; {'; '.join(wrong[:3])}")
    vision.load_state_dict(filled)
    return model.config.vision_depth


def load_vectors(model: Locater, path: str | Path, texts: Iterable[str]) -> int:
    """Give the words of `texts` the vectors of a text file, "word v1 v2 ..." a line as GloVe and word2vec have it; return how many it has.

    The others stay hashed. Raises ConfigError where the network has no hashed words, CheckpointError where the file is of another layout.
    """
    config, tokeniser = model.config, model.tokeniser
    if not isinstance(config, LocaterConfig) or not isinstance(tokeniser, HashTokeniser):
        raise ConfigError("configuration: word vectors need variant='paper' and language='lstm'")
    wanted = {word for text in texts for word in tokeniser.words(text)}
    found: dict[int, list[float]] = {}
    if not Path(path).is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                word, *values = line.split()
                if word in wanted and not (number == 1 and len(values) == 1):  # word2vec's first line counts words
                    if len(values) != config.word_dim:
                        raise CheckpointError(
                            f"{path}: line {number}: {len(values)} values, the network's words have {config.word_dim} (--set word_dim={len(values)})"
                        )
                    found[tokeniser.id(word)] = [float(value) for value in values]
    except (OSError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: no word vectors, a word and its numbers a line ({error})") from None
    if not found:
        raise CheckpointError(f"{path}: holds none of the {len(wanted)} words of the captions")
    ids = sorted(found)
    adopt(model, torch.tensor(ids), torch.tensor([found[word] for word in ids]), source=str(path))
    return len(ids)


def adopt(model: Locater, ids: Tensor, vectors: Tensor, *, source: str) -> None:
    """Give words, ids (W,) ascending, vectors (W, word_dim) of their own. Raises CheckpointError where the network has none such."""
    config, network = model.config, model.network
    language = network.language if isinstance(network, PaperNetwork) else None
    if (
        not isinstance(config, LocaterConfig)
        or not isinstance(language, LstmLanguage)
        or vectors.shape[1] != config.word_dim
    ):
        raise CheckpointError(
            f"{source}: has word vectors of {vectors.shape[1]} values, which this network cannot take"
        )
    language.keep(ids, vectors)
    model.config = network.config = dataclasses.replace(config, word_vectors=len(ids))  # type: ignore[assignment]


def load_bert(model: Locater, path: str | Path) -> None:
    """Fill the language encoder with published BERT-base weights: a file, or the folder that transformers saves.

    Safetensors, or a torch file of tensors alone. Raises ConfigError where it is no BERT, CheckpointError.
    """
    language = model.network.language if isinstance(model.network, PaperNetwork) else None
    if not isinstance(language, BertLanguage):
        raise ConfigError("configuration: BERT weights need language='bert'")
    source = Path(path)
    if source.is_dir():
        known = ("model.safetensors", "pytorch_model.bin")
        found = [source / name for name in known if (source / name).is_file()]
        if not found:
            raise CheckpointError(f"{source}: holds neither {' nor '.join(known)}")
        source = found[0]
    fill(language.bert, bert_names(read(source)), source=str(source))


def bert_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the encoder's tensors under today's names: no `bert.`, no pooler or heads, gamma and beta renamed."""
    out = {}
    for name, value in tensors.items():
        short = name.removeprefix("bert.")
        if short.startswith(("pooler.", "cls.")) or short == "embeddings.position_ids":
            continue
        out[short.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")] = value
    return out
