"""The label set of the compact model, and how PropBank's labels fall onto it."""

from collections.abc import Sequence

ROLES = (
    *("V", "C-V", "ARG0", "ARG1", "ARG2", "ARG3", "ARG4"),
    *("ARGM-ADJ", "ARGM-ADV", "ARGM-CAU", "ARGM-COM", "ARGM-CXN", "ARGM-DIR", "ARGM-DIS", "ARGM-EXT", "ARGM-GOL"),
    *("ARGM-LOC", "ARGM-LVB", "ARGM-MNR", "ARGM-MOD", "ARGM-NEG", "ARGM-PRD", "ARGM-PRP", "ARGM-PRR", "ARGM-TMP"),
    *("C-ARG1", "R-ARG0", "R-ARG1", "R-ARG2", "R-ARGM-ADV", "R-ARGM-LOC", "R-ARGM-TMP"),
)
LABELS = ("O", *(f"{mark}-{role}" for role in ROLES for mark in "BI"))

AUXILIARY_SENSES = frozenset({"be.03", "have.01", "do.01", "get.03"})
"""Roleset ids that carry no frame of their own."""

_RENAMED = {
    "ARGA": "ARG0",
    "ARG5": "ARG4",
    "ARG6": "ARG4",
    "ARGM-PNC": "ARGM-PRP",
    "ARGM-REC": "ARGM-ADV",
    "ARGM-TOP": "ARGM-ADV",
}


def collapsed(role: str) -> str:
    """Return the role of ROLES that stands for a PropBank role, rare ones merged into their nearest neighbour.

    ARGA is ARG0; ARG5 and ARG6 are ARG4; PNC is PRP; REC and TOP are ADV; "-DSP" is dropped; C-ARGn is C-ARG1 and C-ARGM-x is
    ARGM-x; R-ARG3 and beyond are R-ARG2; R-ARGM-x other than LOC and TMP is R-ARGM-ADV.
    """
    if role in ROLES:
        return role
    if role.endswith("-DSP"):
        return collapsed(role.removesuffix("-DSP"))
    prefix, _, rest = role.partition("-")
    if prefix == "C" and rest:
        return "C-ARG1" if not rest.startswith("ARGM") else collapsed(rest)
    if prefix == "R" and rest:
        if rest.startswith("ARGM"):
            return "R-ARGM-ADV"
        base = collapsed(rest)
        return f"R-{base}" if f"R-{base}" in ROLES else "R-ARG2"
    return _RENAMED.get(role, "ARGM-ADV")


def collapsed_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return BIO tags with every role collapsed; spans stay as they are."""
    return tuple(tag if tag == "O" else f"{tag[0]}-{collapsed(tag[2:])}" for tag in tags)


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return (role, start, end) for each span of BIO tags, `end` exclusive. An I- without its B- begins a span."""
    found: list[tuple[str, int, int]] = []
    for index, tag in enumerate(tags):
        if tag == "O":
            continue
        if tag[0] == "I" and found and found[-1][0] == tag[2:] and found[-1][2] == index:
            found[-1] = (tag[2:], found[-1][1], index + 1)
        else:
            found.append((tag[2:], index, index + 1))
    return found
