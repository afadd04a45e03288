"""The BERT encoder (Devlin et al. 2019) in plain torch, its parameters named as transformers names them.

Written out rather than imported because importing transformers alone takes longer than the whole start-up of `a2dsplus parse`
may; a test holds it against transformers' own. Letters: B sequences, T word pieces, C hidden size, H heads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from a2dsplus.errors import ModelError

_ACTIVATIONS = {
    "gelu": lambda x: F.gelu(x),
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BertShape:
    """The sizes of a BERT encoder, under the names of a BERT `config.json`."""

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        for name in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"):
            if getattr(self, name) < 1:
                raise ModelError(f"BERT configuration: {name} is {getattr(self, name)}; it must be at least 1")
        if self.hidden_size % self.num_attention_heads:
            raise ModelError(
                f"BERT configuration: hidden_size {self.hidden_size} is not a multiple of"
                f" num_attention_heads {self.num_attention_heads}"
            )
        if self.hidden_act not in _ACTIVATIONS:
            known = ", ".join(_ACTIVATIONS)
            raise ModelError(
                f"BERT configuration: hidden_act {self.hidden_act!r} is not known; expected one of {known}"
            )
        if self.type_vocab_size < 2:
            raise ModelError(
                f"BERT configuration: type_vocab_size is {self.type_vocab_size}; token type 1 marks the predicate, so 2 are needed"
            )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "BertShape":
        """Return the shape that a BERT `config.json` describes; keys that do not concern the encoder are left aside.

        Raises ModelError for position embeddings other than absolute ones and for sizes of the wrong type.
        """
        kind = config.get("position_embedding_type", "absolute")
        if kind != "absolute":
            raise ModelError(f"BERT configuration: position_embedding_type is {kind!r}; only 'absolute' can be run")
        found = {}
        for name, default in ((f, getattr(cls(), f)) for f in cls.__dataclass_fields__):
            value = config.get(name, default)
            if isinstance(value, bool) or not isinstance(
                value, (float, int) if type(default) is float else type(default)
            ):
                raise ModelError(f"BERT configuration: {name} is {value!r}; expected a {type(default).__name__}")
            found[name] = type(default)(value)
        return cls(**found)


class _Embeddings(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        width = shape.hidden_size
        self.word_embeddings = nn.Embedding(shape.vocab_size, width)
        self.position_embeddings = nn.Embedding(shape.max_position_embeddings, width)
        self.token_type_embeddings = nn.Embedding(shape.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(shape.hidden_dropout_prob)

    def forward(self, ids: Tensor, types: Tensor) -> Tensor:
        positions = self.position_embeddings.weight[: ids.shape[1]]
        x = self.word_embeddings(ids) + self.token_type_embeddings(types) + positions  # (B, T, C)
        out: Tensor = self.dropout(self.LayerNorm(x))
        return out


class _SelfAttention(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.heads = shape.num_attention_heads
        self.dropout_share = shape.attention_probs_dropout_prob
        self.query = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.key = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.value = nn.Linear(shape.hidden_size, shape.hidden_size)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        b, t, c = x.shape
        split = (b, t, self.heads, c // self.heads)
        q, k, v = (
            layer(x).view(split).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )  # (B, H, T, C / H)
        dropout = self.dropout_share if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return mixed.transpose(1, 2).reshape(b, t, c)


class _Residual(nn.Module):
    """A projection back to the residual stream, dropout, addition, layer norm."""

    def __init__(self, width_in: int, shape: BertShape) -> None:
        super().__init__()
        self.dense = nn.Linear(width_in, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(shape.hidden_dropout_prob)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        out: Tensor = self.LayerNorm(self.dropout(self.dense(x)) + residual)
        return out


class _Layer(nn.Module):
    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": _SelfAttention(shape), "output": _Residual(shape.hidden_size, shape)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.hidden_size, shape.intermediate_size)})
        self.output = _Residual(shape.intermediate_size, shape)
        self.activation = _ACTIVATIONS[shape.hidden_act]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, mask), x)
        out: Tensor = self.output(self.activation(self.intermediate["dense"](x)), x)  # type: ignore[no-untyped-call]
        return out


class BertEncoder(nn.Module):
    """BERT without its pooler: word-piece ids to hidden states."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = _Embeddings(shape)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(_Layer(shape) for _ in range(shape.num_hidden_layers))})

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the hidden states (B, T, C) of word pieces `ids` (B, T) with token types `types` (B, T).

        `mask` (B, T) bool: true at real pieces; None where none is padding.
        """
        attended = None if mask is None else mask[:, None, None, :]  # (B, 1, 1, T): over keys
        x: Tensor = self.embeddings(ids, types)
        for layer in self.encoder["layer"].children():
            x = layer(x, attended)
        return x
