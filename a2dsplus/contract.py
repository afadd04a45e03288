"""What a JSON document has to hold: one way to say it, and to look.

{"name": str} is an object with that text, {"*": int} one whose values are whole numbers, float any number, {"name?": int} one that may lack it, [str] a list of
texts; `object` is anything.
"""

from typing import Any


def fault(value: Any, kind: Any, where: str) -> str | None:
    """Return what of a value is not of a kind, in a few words that begin with where it stands, or None."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            return f"{where} is no list"
        return next((found for row in value if (found := fault(row, kind[0], f"an entry of {where}"))), None)
    if not isinstance(kind, dict):
        kinds = (int, float) if kind is float else (kind,)
        fits = isinstance(value, kinds) and not (isinstance(value, bool) and kind in (int, float))
        return None if fits else f"{where} is of type {type(value).__name__}, expected {kind.__name__}"
    if not isinstance(value, dict):
        return f"{where} is no object"
    if "*" in kind:
        return next(
            (found for name, row in value.items() if (found := fault(row, kind["*"], f"{where}.{name:.60}"))), None
        )
    for name, own in kind.items():
        plain = name.removesuffix("?")
        if plain not in value:
            if plain == name:
                return f"{where} has no {name}"
            continue
        found = fault(value[plain], own, f"{where}.{plain}")
        if found:
            return found
    return None
