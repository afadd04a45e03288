"""What a pair's doubt comes from, in a sentence or two under its captions: what keeps the two apart, and what does not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from a2dsplus.contrast.entailment import Guard
from a2dsplus.records import Pair
from a2dsplus.review.index import RoleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence as pieces of text, each with the slot that it names or "". `kind`: apart, open or together."""

    kind: str
    pieces: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The sentence."""
        return "".join(text for text, _ in self.pieces)


def lines(
    pair: Pair,
    query: Sequence[RoleRow],
    contrast: Sequence[RoleRow],
    *,
    guard: Guard,
) -> list[Line]:
    """Return the sentences about a pair. `query`, `contrast`: the roles of its captions."""
    if pair.kind != "other":
        return [_line("apart", f"the same clip, {pair.kind}: only its motion differs")]
    satisfied = [
        slot
        for slot in _slots(query)
        if slot not in pair.shared and _satisfied(_of(query, slot), _of(contrast, slot), guard)
    ]
    differing = [slot for slot in pair.differing if slot not in satisfied]
    found = [_apart(pair, differing, query, contrast)]
    if pair.grade == "undecided" and pair.because:
        found.append(_line("open", pair.because))
    told = [slot for slot in _slots(query) if slot in pair.shared or slot in satisfied]
    if told:
        makes = "satisfies" if len(told) == 1 else "satisfy"
        found.append(_line("together", "the contrast’s ", *_named(told), f" {makes} the query’s"))
    return found


def _apart(pair: Pair, differing: Sequence[str], query: Sequence[RoleRow], contrast: Sequence[RoleRow]) -> Line:
    if pair.grade == "excluded":
        return _line("apart", f"exclude each other by {pair.because}" if pair.because else "exclude each other")
    one_sided = [slot for slot in pair.extra if slot in _slots(query)]
    if len(differing) == 1 and not one_sided:
        slot = differing[0]
        words = f" keeps these apart: {_phrases(query, slot)} / {_phrases(contrast, slot)}"
        return _line("apart", "only ", *_named([slot]), words)
    if differing:
        told = "; ".join(f"{_phrases(query, slot)} / {_phrases(contrast, slot)}" for slot in differing)
        ending = " keeps these apart: " if len(differing) == 1 else " keep these apart: "
        return _line("apart", *_named(differing), f"{ending}{told}", *_alone(query, one_sided))
    if one_sided:
        return _line("apart", "nothing contradicts", *_alone(query, one_sided))
    return _line("apart", "nothing in the captions keeps these apart")


def _alone(query: Sequence[RoleRow], slots: Sequence[str]) -> list[str | tuple[str, str]]:
    """Return what the query alone says, as the end of a sentence."""
    if not slots:
        return []
    told = ", ".join(_phrases(query, slot) for slot in slots)
    return ["; the contrast does not say ", *_named(slots), f" ({told})"]


def _satisfied(roles: Sequence[RoleRow], by: Sequence[RoleRow], guard: Guard) -> bool:
    return bool(roles and by) and all(
        any(guard.role_satisfied((role.slot, role.lemma), (other.slot, other.lemma)) for other in by) for role in roles
    )


def _slots(roles: Iterable[RoleRow]) -> list[str]:
    return list(dict.fromkeys(role.slot for role in roles))


def _of(roles: Iterable[RoleRow], slot: str) -> list[RoleRow]:
    return [role for role in roles if role.slot == slot]


def _phrases(roles: Iterable[RoleRow], slot: str) -> str:
    return " and ".join(dict.fromkeys(role.phrase for role in _of(roles, slot))) or "nothing"


def _named(slots: Sequence[str]) -> list[tuple[str, str]]:
    """Return slots as pieces with commas and an "and" between them."""
    found: list[tuple[str, str]] = []
    for number, slot in enumerate(slots):
        if number:
            found.append((" and " if number == len(slots) - 1 else ", ", ""))
        found.append((slot, slot))
    return found


def _line(kind: str, *pieces: "str | tuple[str, str]") -> Line:
    return Line(kind=kind, pieces=tuple((piece, "") if isinstance(piece, str) else piece for piece in pieces))
