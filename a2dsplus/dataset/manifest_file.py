"""What manifest.json says, and of which type: one contract, looked at whenever it is read."""

from collections.abc import Sequence
from typing import Any

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
"""Sections and their types: {} is an object, "*" each of its values, "name?" one that may be missing, [x] a list of x."""


def fault(manifest: dict[str, Any], *, needs: Sequence[str] = ()) -> str | None:
    """Return what is wrong with a manifest's sections, in a few words, or None. `needs`: the sections that must be there."""
    for name in ("files", *needs):
        if name not in manifest:
            return f"has no {name}"
    for name, kind in CONTRACT.items():
        found = _fault(manifest[name], kind, name) if name in manifest else None
        if found:
            return found
    return None


def _fault(value: Any, kind: Any, where: str) -> str | None:
    if isinstance(kind, list):
        if not isinstance(value, list):
            return f"{where} is no list"
        return next((fault for row in value if (fault := _fault(row, kind[0], f"an entry of {where}"))), None)
    if not isinstance(kind, dict):
        fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        return None if fits else f"{where} is of type {type(value).__name__}, expected {kind.__name__}"
    if not isinstance(value, dict):
        return f"{where} is no object"
    if "*" in kind:
        return next(
            (fault for name, row in value.items() if (fault := _fault(row, kind["*"], f"{where}.{name:.60}"))), None
        )
    for name, own in kind.items():
        plain = name.removesuffix("?")
        if plain not in value:
            if plain == name:
                return f"{where} has no {name}"
            continue
        found = _fault(value[plain], own, f"{where}.{plain}")
        if found:
            return found
    return None
