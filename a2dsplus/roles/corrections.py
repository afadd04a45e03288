"""Captions with an evident slip ("solder" for "soldier") and what was meant: `annotations/query_corrections.json`.

The file knows captions by their hash, since A2D-Sentences is not ours to publish.
"""

import functools
import hashlib
import re
from dataclasses import dataclass

from a2dsplus.resources import document

NAME = "annotations/query_corrections.json"
_EDIT = {"word": int, "written": str, "meant": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One word of a caption, counted from 0, as written and as meant (which may be several words)."""

    word_index: int
    written: str
    meant: str


def correct_caption(caption: str) -> str:
    """Return the caption as it was meant: the recorded words replaced, all else verbatim, blanks too.

    A caption without a recorded slip is returned as it is. Upper and lower case and the number of blanks do not matter for
    recognising one.
    """
    edits = corrections().get(caption_key(caption))
    if edits is None:
        return caption
    places = [(match.start(), match.end()) for match in re.finditer(r"\S+", caption)]
    for edit in sorted(edits, key=lambda edit: -edit.word_index):
        start, end = places[edit.word_index]
        caption = caption[:start] + edit.meant + caption[end:]
    return caption


def caption_key(caption: str) -> str:
    """Return what a caption is known by: the SHA-256, in hex, of its words in lower case with single blanks between them."""
    return hashlib.sha256(" ".join(caption.lower().split()).encode("utf-8", "surrogatepass")).hexdigest()


@functools.cache
def corrections() -> dict[str, tuple[Edit, ...]]:
    """Return the recorded edits of each caption's key. Raises InputError where the shipped file is damaged."""
    table = document(NAME, {"captions": [{"caption_sha256": str, "edits": [_EDIT]}]})
    return {
        row["caption_sha256"]: tuple(
            Edit(word_index=edit["word"], written=edit["written"], meant=edit["meant"]) for edit in row["edits"]
        )
        for row in table["captions"]
    }
