"""A reviewer's decision about one candidate pair, as it is logged: what may be said, and in which words."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from a2dsplus.errors import InputError

PairKey = tuple[str, str]
"""(query id, contrast query id): a candidate pair, whatever its rank."""

_DECISION_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_LONGEST_NAME, _LONGEST_NOTE = 40, 2000
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|\+00:00)")


class Verdict(StrEnum):
    """What a reviewer said. `replace` rejects the candidate shown and asks for the next one; `undo` takes back an earlier
    decision of the same reviewer; the two settlements end a disagreement between others."""

    ACCEPT = "accept"
    REJECT = "reject"
    REPLACE = "replace"
    SKIP = "skip"
    UNDO = "undo"
    SETTLE_ACCEPT = "settle-accept"
    SETTLE_REJECT = "settle-reject"


class Mode(StrEnum):
    """How a pair was looked at: alone, with its clips, or among others by its captions."""

    SINGLE = "single"
    BULK = "bulk"


class Rejection(StrEnum):
    """Why a pair was rejected."""

    LINGUISTIC = "linguistic"
    VISUAL = "visual"
    REFERENT = "referent"
    ANNOTATION = "annotation"
    OTHER = "other"


REASONS = {
    Rejection.LINGUISTIC: "linguistically ambiguous",
    Rejection.VISUAL: "visually ambiguous",
    Rejection.REFERENT: "referent also in the contrast video",
    Rejection.ANNOTATION: "bad annotation",
    Rejection.OTHER: "other",
}

_REJECTING = (Verdict.REJECT, Verdict.REPLACE)
SETTLING = (Verdict.SETTLE_ACCEPT, Verdict.SETTLE_REJECT)


class DecisionError(InputError):
    """A decision that cannot be logged: an unknown pair, verdict or reason, or an undo of nothing. `decision_id`: where it has one."""

    decision_id: str | None = None


def now() -> str:
    """Return the time in UTC, ISO 8601 to the millisecond: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of the log.

    `decision_id`: chosen by whoever decided, so that a decision sent twice is logged once. `tier`, `rank`: of the pair when it
    was shown (tier 0: none). `undoes`: the decision taken back, with `undo`. `dataset`: the fingerprint of the source it is about, ""
    in a log of schema 1. `decided_at`: by the reviewer's clock, `at`: by the server's, both UTC, ISO 8601; they differ where a verdict
    waited for its server. `seq`: its place in the log, 0 before it is in. Raises DecisionError where these do not fit each other.
    """

    decision_id: str
    reviewer: str
    query_id: str
    contrast_query_id: str
    verdict: Verdict
    reason: Rejection | None = None
    note: str = ""
    undoes: str | None = None
    tier: int = 0
    rank: int = 0
    mode: Mode = Mode.SINGLE
    dataset: str = ""
    decided_at: str = ""
    at: str = field(default_factory=now)
    seq: int = 0

    def __post_init__(self) -> None:
        if not _DECISION_ID.fullmatch(self.decision_id):
            raise DecisionError("id: expected 8 to 64 letters, digits or hyphens, such as a UUID")
        if (self.reason is not None) and self.verdict not in (*_REJECTING, Verdict.SETTLE_REJECT):
            raise DecisionError(f"reason {self.reason}: a reason goes with a rejection, not with {self.verdict}")
        if self.verdict is Verdict.REJECT and self.reason is None:
            raise DecisionError(f"reason: a rejection needs one of {', '.join(Rejection)}")
        if len(self.note) > _LONGEST_NOTE:
            raise DecisionError(f"note: {len(self.note)} characters, at most {_LONGEST_NOTE} fit")
        if self.mode is Mode.BULK and self.verdict not in (Verdict.ACCEPT, Verdict.SKIP):
            raise DecisionError(
                f"mode bulk: goes with accept and skip, not with {self.verdict}; look at the pair alone"
            )
        if self.decided_at and not _TIME.fullmatch(self.decided_at):
            raise DecisionError("decided_at: expected a time in UTC such as 2026-11-25T09:30:00.000Z")
        if (self.undoes is not None) != (self.verdict is Verdict.UNDO):
            raise DecisionError("undoes: the id of the decision taken back goes with undo, and with undo alone")

    @property
    def pair(self) -> PairKey:
        """The pair it is about."""
        return self.query_id, self.contrast_query_id

    @property
    def vote(self) -> bool | None:
        """True for the pair, False against it, None where it is no vote."""
        if self.verdict is Verdict.ACCEPT:
            return True
        return False if self.verdict in _REJECTING else None


def reviewer_name(text: object) -> str:
    """Return a reviewer's name with single blanks inside and none around; any Unicode blank counts, a no-break space too.

    Raises DecisionError where it is empty, long or has control characters.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split()) if isinstance(text, str) else ""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise DecisionError(f"reviewer: expected a name of 1 to {_LONGEST_NAME} printable characters")
    return name


_FIELDS = ("id", "query", "contrast", "verdict", "reason", "note", "undoes", "mode", "decided_at", "saw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A decision as a page sent it. `saw`: the id of the reviewer's own standing decision on the pair that the page showed, "" for
    none, None where the page does not say."""

    decision: Decision
    saw: str | None


def from_json(value: object, *, reviewer: str, dataset: str = "") -> Sent:
    """Return the decision that a page sent, not yet checked against the data.

    `value`: {"id", "query", "contrast", "verdict"} and, where they apply, "reason", "note", "undoes", "mode", "decided_at", "saw".
    Raises DecisionError.
    """
    if not isinstance(value, Mapping):
        raise DecisionError("decision: expected a JSON object")
    text: dict[str, str] = {}
    for name in _FIELDS:
        given = value.get(name)
        if given is not None and not isinstance(given, str):
            raise DecisionError(f"{name}: expected text, got {type(given).__name__}")
        text[name] = given or ""
    unknown = sorted(set(map(str, value)) - set(text))
    if unknown:
        raise DecisionError(f"decision: unknown field {unknown[0]!r}; expected {', '.join(text)}")
    for name, words in (("verdict", Verdict), ("reason", Rejection), ("mode", Mode)):
        if (text[name] or name == "verdict") and text[name] not in list(words):
            raise DecisionError(f"{name} {text[name]!r}: expected one of {', '.join(words)}")
    decision = Decision(
        decision_id=text["id"],
        reviewer=reviewer,
        query_id=text["query"],
        contrast_query_id=text["contrast"],
        verdict=Verdict(text["verdict"]),
        reason=Rejection(text["reason"]) if text["reason"] else None,
        note=text["note"].replace("\x00", ""),
        undoes=text["undoes"] or None,
        mode=Mode(text["mode"] or Mode.SINGLE),
        dataset=dataset,
        decided_at=text["decided_at"],
    )
    return Sent(decision=decision, saw=None if value.get("saw") is None else text["saw"])
