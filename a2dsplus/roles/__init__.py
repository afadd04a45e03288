"""Captions to semantic roles.

    labeller = load_labeller()                       the compact model of the wheel
    parsed = parse(["a man is on the left"], labeller=labeller)
    caption_roles(parsed[0])                         the caption's roles, each once

Labellers: `compact`, `srl-bert` (the paper's model, found or fetched), the path of an AllenNLP archive, and
`allennlp:ARCHIVE` (the same by AllenNLP itself).
"""

from a2dsplus.roles.frames import build_caption, caption_roles
from a2dsplus.roles.mending import Tagging
from a2dsplus.roles.parsing import parse
from a2dsplus.roles.srl.labeller import Labeller, Predicates, load_labeller
from a2dsplus.roles.srl.naming import identify
from a2dsplus.roles.tokens import Word, split_words

__all__ = [
    "Labeller",
    "Predicates",
    "Tagging",
    "Word",
    "build_caption",
    "caption_roles",
    "identify",
    "load_labeller",
    "parse",
    "split_words",
]
