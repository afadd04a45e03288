"""What manifest.json says, and of which type: one contract, looked at whenever it is read."""

from collections.abc import Sequence
from typing import Any

from a2dsplus import contract

_NUMBERS = {"*": int}
_TEXTS = {"*": str}
CONTRACT: dict[str, Any] = {
    "source": {"name": str, "fingerprint": str},
    "split": str,
    "seed": int,
    "recipe": str,
    "kind": str,
    "contrasts": int,
    "srl": {"name": str, "sha256": str},
    "options": {},
    "counts": {"pairs": int, "queries": int, "position_words": int, "tiers": _NUMBERS, "grades?": _NUMBERS, "relations?": _NUMBERS},
    "guard": _NUMBERS,
    "witness": {"undecided": int, "excluded": int},
    "unpaired": _TEXTS,
    "short": _TEXTS,
    "left_out": [{"item": str, "reason": str}],
    "notes": [str],
    "frames": {"*": object},
    "files": _TEXTS,
}  # fmt: skip
"""Sections and their types, as `a2dsplus.contract` has them."""


def fault(manifest: dict[str, Any], *, needs: Sequence[str] = ()) -> str | None:
    """Return what is wrong with a manifest's sections, in a few words, or None. `needs`: the sections that must be there."""
    for name in ("files", *needs):
        if name not in manifest:
            return f"has no {name}"
    for name, kind in CONTRACT.items():
        found = contract.fault(manifest[name], kind, name) if name in manifest else None
        if found:
            return found
    return None
