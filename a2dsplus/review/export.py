"""What a review leaves for others: the pairs as ids for `build --pairs`, and everything that was said, as a table."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from a2dsplus.contrast.reviewed import in_use, to_publish
from a2dsplus.files import replacing
from a2dsplus.records import Pair
from a2dsplus.review.decisions import PairKey
from a2dsplus.review.desk import Desk

COLUMNS = (
    "query_id",
    "contrast_query_id",
    "query",
    "contrast",
    "in_use",
    "rank",
    "tier",
    "grade",
    "because",
    "doubt",
    "status",
    "reviewer",
    "verdict",
    "reason",
    "note",
    "mode",
    "decided_at",
    "logged_at",
    "settled_by",
)


def export(desk: Desk, path: Path, *, judged: str = "") -> tuple[int, int]:
    """Write the reviewed pairs as a list of ids and statuses; return how many are in use and how many of those are accepted.

    `judged`: what the file is to say, besides what the dataset tells, of how they were judged.
    """
    from a2dsplus.contrast.pairs_file import write_pairs

    manifest = desk.workspace.manifest() or {}
    pairs = desk.pairs()
    contrasts = desk.catalogue.contrasts
    used = in_use(pairs, contrasts=contrasts)
    accepted = sum(pair.status == "accepted" for pair in used)
    about = {
        "dataset": manifest.get("source", {}).get("name"),
        "seed": manifest.get("seed"),
        "roles": (manifest.get("srl") or {}).get("name"),
        "judged": " ".join(filter(None, [_judged(used, accepted), judged])),
    }
    split = str(manifest.get("split", "test"))
    return write_pairs(path, to_publish(pairs, contrasts=contrasts), split=split, about=about), accepted


def _judged(used: Sequence[Pair], accepted: int) -> str:
    excluded = sum(pair.grade == "excluded" for pair in used)
    by_rules = f"From the captions alone, by the toolkit's exclusion test (annotations/exclusion.json): {excluded} of {len(used)} excluded, {len(used) - excluded} undecided."
    seen = f"Accepted by reviewers who watched the clips: {accepted}." if accepted else "Nobody watched the clips."
    return f"{by_rules} {seen}"


def export_table(desk: Desk, path: Path) -> tuple[int, int]:
    """Write a CSV table with COLUMNS: a row for each vote on each pair, and one for each pair in use without any.

    `status` is what the votes come to: unreviewed, accepted, rejected, disputed. Returns the numbers of pairs and of votes in it. Captions
    are in it: it is for the team, not for publication.
    """
    pairs = desk.pairs()
    used = {(pair.query_id, pair.contrast_query_id) for pair in in_use(pairs, contrasts=desk.catalogue.contrasts)}
    listed, said = 0, 0
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for pair in pairs:
            key = (pair.query_id, pair.contrast_query_id)
            rows = list(_rows(desk, pair, used=key in used))
            listed += bool(rows)
            said += sum(row["reviewer"] != "" for row in rows)
            table.writerows([_safe(row[name]) for name in COLUMNS] for row in rows)
    return listed, said


def _rows(desk: Desk, pair: Pair, *, used: bool) -> Iterator[dict[str, Any]]:
    key: PairKey = (pair.query_id, pair.contrast_query_id)
    settlement = desk.ledger.settlement(key)
    about = {
        "query_id": key[0],
        "contrast_query_id": key[1],
        "query": desk.caption(key[0]).text,
        "contrast": desk.caption(key[1]).text,
        "in_use": "yes" if used else "no",
        "rank": pair.rank,
        "tier": pair.tier if pair.tier is not None else "",
        "grade": pair.grade,
        "because": pair.because,
        "doubt": f"{pair.doubt:.4f}",
        "status": "disputed" if desk.is_disputed(key) else pair.status,
        "settled_by": settlement.reviewer if settlement else "",
    }
    nobody = dict.fromkeys(("reviewer", "verdict", "reason", "note", "mode", "decided_at", "logged_at"), "")
    said = desk.ledger.votes(key)
    for name in sorted(said):
        vote = said[name]
        yield {
            **about,
            "reviewer": name,
            "verdict": vote.verdict.value,
            "reason": vote.reason.value if vote.reason else "",
            "note": vote.note,
            "mode": vote.mode.value,
            "decided_at": vote.decided_at or vote.at,
            "logged_at": vote.at,
        }
    if not said and used:
        yield {**about, **nobody}


def _safe(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "@", "\t", "\r") else value
