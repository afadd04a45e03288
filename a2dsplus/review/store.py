"""The log of decisions in a database: append-only, each decision on disk before anybody hears that it is saved.

The default is SQLite in the dataset's `reviews.sqlite` (write-ahead log, synchronous=FULL); any SQLAlchemy URL does, such as
PostgreSQL for a team. Nothing is ever changed or removed in the log: an undo is one more decision.

decisions(seq, decision_id, reviewer, query_id, contrast_query_id, verdict, reason, note, undoes, tier, rank, at)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a2dsplus.errors import WorkspaceError
from a2dsplus.records import Status
from a2dsplus.review.decisions import Decision, DecisionError, PairKey, Reason, Verdict
from a2dsplus.review.ledger import Ledger, Outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SCHEMA = 1
FILE = "reviews.sqlite"
_UNCHANGEABLE = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS decisions_no_{event.lower()} BEFORE {event} ON decisions"
        " BEGIN SELECT RAISE(ABORT, 'the log of decisions is append-only'); END"
        for event in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the log of decisions is append-only'; END $$",
        "CREATE OR REPLACE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE ON decisions"
        " FOR EACH ROW EXECUTE FUNCTION decisions_append_only()",
    ],
}


def default_url(root: Path) -> str:
    """Return the URL of a dataset's own log."""
    return f"sqlite:///{(root / FILE).resolve()}"


class Store:
    """The log in a database. Raises WorkspaceError where the database cannot be reached, is damaged, or of a newer schema."""

    def __init__(self, url: str) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import create_engine, make_url
        from sqlalchemy.exc import SQLAlchemyError

        try:
            parsed = make_url(url)
        except SQLAlchemyError:
            raise WorkspaceError(
                "--database: not a database URL; expected one such as postgresql://user@host/name"
            ) from None
        if parsed.drivername in ("postgres", "postgresql"):
            # the driver that the extra `postgres` installs
            parsed = parsed.set(drivername="postgresql+psycopg")
        # without the password: it is printed in errors
        self.name = parsed.render_as_string(hide_password=True)
        try:
            self._engine: Engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        except ModuleNotFoundError as error:
            raise WorkspaceError(
                f"{self.name}: the driver {error.name} is not installed; for PostgreSQL: pip install 'a2dsplus[postgres]'"
            ) from error
        except SQLAlchemyError as error:
            raise WorkspaceError(f"{self.name}: {_reason(error)}; check the URL") from error
        self._sqlite = self._engine.dialect.name == "sqlite"
        if self._sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
        self._tables()
        with self._errors():
            self._create()

    # ---- writing -------------------------------------------------------------------------------------------------

    def append(self, decision: Decision) -> Decision:
        """Log a decision and return it with its place in the log, once it is safely on disk.

        One that is logged already (same `decision_id`) is returned as logged. Raises DecisionError where the id belongs to
        another reviewer or another decision, or where an undo names a decision that is not this reviewer's.
        """
        from sqlalchemy import insert, select, update

        with self._errors(), self._engine.connect() as connection:
            if self._sqlite:
                # take the write lock at once: two servers on one file queue up instead of failing half-way
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            # this row's lock lets one writer in at a time, so `seq` has no gaps and no late arrivals
            connection.execute(update(self._head).values(seq=self._head.c.seq + 1))
            seq = connection.execute(select(self._head.c.seq)).scalar_one()
            logged = self._find(connection, decision.decision_id)
            if logged is not None:
                connection.rollback()
                if _content(logged) != _content(decision):
                    raise DecisionError(f"id {decision.decision_id}: belongs to another decision; choose a new id")
                return logged
            if decision.undoes is not None:
                undone = self._find(connection, decision.undoes)
                if undone is None or undone.reviewer != decision.reviewer or undone.verdict is Verdict.UNDO:
                    connection.rollback()
                    raise DecisionError(f"undoes {decision.undoes}: no decision of {decision.reviewer} has this id")
            connection.execute(insert(self._decisions).values({**_row(decision), "seq": seq}))
            connection.commit()
        return _decision({**_row(decision), "seq": seq})

    # ---- reading -------------------------------------------------------------------------------------------------

    def since(self, seq: int) -> Iterator[Decision]:
        """Yield the decisions logged after a place in the log, in the log's order (0: all)."""
        from sqlalchemy import select

        query = select(self._decisions).where(self._decisions.c.seq > seq).order_by(self._decisions.c.seq)
        with self._errors(), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query).mappings():
                yield _decision(dict(row))

    def ledger(self) -> Ledger:
        """Return the whole log, folded."""
        return Ledger(self.since(0))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # ---- the tables ----------------------------------------------------------------------------------------------

    def _tables(self) -> None:
        from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

        tables = MetaData()
        self._decisions = Table(
            "decisions",
            tables,
            Column("seq", Integer, primary_key=True, autoincrement=False),
            Column("decision_id", String(64), nullable=False, unique=True),
            Column("reviewer", String(40), nullable=False),
            Column("query_id", String(160), nullable=False),
            Column("contrast_query_id", String(160), nullable=False),
            Column("verdict", String(16), nullable=False),
            Column("reason", String(16)),
            Column("note", Text, nullable=False),
            Column("undoes", String(64)),
            Column("tier", Integer, nullable=False),
            Column("rank", Integer, nullable=False),
            Column("at", String(32), nullable=False),
        )
        Index("decisions_by_pair", self._decisions.c.query_id, self._decisions.c.contrast_query_id)
        self._head = Table("log_head", tables, Column("schema", Integer), Column("seq", Integer, nullable=False))
        self._metadata = tables

    def _create(self) -> None:
        from sqlalchemy import insert, select, text

        with self._engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif self._engine.dialect.name == "postgresql":
                # two servers that start at once would both find no table
                connection.execute(text("SELECT pg_advisory_xact_lock(7233101)"))
            self._metadata.create_all(connection)
            schema = connection.execute(select(self._head.c.schema)).scalar()
            if schema is None:
                connection.execute(insert(self._head).values(schema=SCHEMA, seq=0))
                for statement in _UNCHANGEABLE.get(self._engine.dialect.name, []):
                    connection.exec_driver_sql(statement)
            elif schema != SCHEMA:
                raise WorkspaceError(
                    f"{self.name}: written by another version of the toolkit (schema {schema}, this one reads {SCHEMA}); use that version"
                )
            connection.commit()

    def _find(self, connection: Connection, decision_id: str) -> Decision | None:
        from sqlalchemy import select

        query = select(self._decisions).where(self._decisions.c.decision_id == decision_id)
        row = connection.execute(query).mappings().first()
        return None if row is None else _decision(dict(row))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            raise WorkspaceError(
                f"{self.name}: {_reason(error)}; check the database, its disk and its permissions"
            ) from error


def settled(workspace_root: Path, *, database: str | None = None) -> dict[PairKey, Status]:
    """Return what the reviewers decided: {(query id, contrast query id): "accepted" or "rejected"}.

    Pairs that nobody judged, whose verdicts were all taken back, or on which reviewers disagree are absent. `database`: a
    SQLAlchemy URL; by default the dataset's own `reviews.sqlite`, which need not exist. Raises WorkspaceError.
    """
    if database is None and not (workspace_root / FILE).exists():
        return {}
    ledger = _read(workspace_root, database)
    outcomes = {pair: ledger.outcome(pair) for pair in ledger.pairs()}
    words: dict[Outcome, Status] = {Outcome.ACCEPTED: "accepted", Outcome.REJECTED: "rejected"}
    return {pair: words[outcome] for pair, outcome in outcomes.items() if outcome in words}


def summary(workspace_root: Path, *, database: str | None = None) -> dict[str, Any]:
    """Return how much is reviewed, by whom, and the rejection rate by tier and reason, as plain numbers.

    {"decisions", "pairs": {"accepted", "rejected", "disputed"}, "reviewers": [{"name", "accepted", "rejected", "skipped", "first", "last"}],
    "tiers": {"1": {"accepted", "rejected", "rejection_rate" (0..1)}}, "reasons": {reason: {"rejected", "rejection_rate"}},
    "agreement": [{"reviewers", "pairs", "percent", "kappa"}], "disagreements": [[query id, contrast query id]]}. The rate of a
    tier is over its decided pairs; that of a reason is over all decided pairs, for pairs rejected with it.
    """
    if database is None and not (workspace_root / FILE).exists():
        return summarise(Ledger())
    return summarise(_read(workspace_root, database))


def summarise(ledger: Ledger) -> dict[str, Any]:
    """Return a ledger's summary (see `summary`)."""
    from a2dsplus.review.agreement import agreements

    counts = dict.fromkeys((Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DISPUTED), 0)
    tiers: dict[int, dict[Outcome, int]] = {}
    reasons = dict.fromkeys([*map(str, Reason), "replaced"], 0)
    for pair in ledger.pairs():
        outcome = ledger.outcome(pair)
        if outcome is Outcome.UNREVIEWED:
            continue
        counts[outcome] += 1
        if outcome is Outcome.DISPUTED:
            continue
        votes = list(ledger.votes(pair).values())
        settlement = ledger.settlement(pair)
        said = [*votes, settlement] if settlement is not None else votes
        tiers.setdefault(said[0].tier, {Outcome.ACCEPTED: 0, Outcome.REJECTED: 0})[outcome] += 1
        if outcome is Outcome.REJECTED:
            against = [d for d in said if d.vote is False or d.verdict is Verdict.SETTLE_REJECT]
            for reason in {str(d.reason) if d.reason else "replaced" for d in against}:
                reasons[reason] += 1
    decided = counts[Outcome.ACCEPTED] + counts[Outcome.REJECTED]
    return {
        "decisions": len(ledger),
        "pairs": {str(outcome): number for outcome, number in counts.items()},
        "reviewers": [_reviewer(name, ledger.history(name)) for name in ledger.reviewers()],
        "tiers": {
            str(tier): {
                "accepted": row[Outcome.ACCEPTED],
                "rejected": row[Outcome.REJECTED],
                "rejection_rate": row[Outcome.REJECTED] / sum(row.values()),
            }
            for tier, row in sorted(tiers.items())
        },
        "reasons": {
            reason: {"rejected": number, "rejection_rate": number / decided if decided else 0.0}
            for reason, number in reasons.items()
        },
        "agreement": [
            {"reviewers": list(a.reviewers), "pairs": a.pairs, "percent": a.percent, "kappa": a.kappa}
            for a in agreements(ledger)
        ],
        "disagreements": [list(pair) for pair in sorted(ledger.disputed)],
    }


def _reviewer(name: str, history: list[Decision]) -> dict[str, Any]:
    latest = {decision.pair: decision for decision in history}.values()
    return {
        "name": name,
        "accepted": sum(decision.vote is True for decision in latest),
        "rejected": sum(decision.vote is False for decision in latest),
        "skipped": sum(decision.verdict is Verdict.SKIP for decision in latest),
        "first": history[0].at,
        "last": history[-1].at,
    }


def _read(workspace_root: Path, database: str | None) -> Ledger:
    store = Store(database or default_url(workspace_root))
    try:
        return store.ledger()
    finally:
        store.close()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # SQLAlchemy begins transactions by itself only where the driver does not
    connection.isolation_level = None
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _content(decision: Decision) -> tuple[object, ...]:
    return (*decision.pair, decision.reviewer, decision.verdict, decision.reason, decision.note, decision.undoes)


def _row(decision: Decision) -> dict[str, Any]:
    row = {name: getattr(decision, name) for name in Decision.__slots__}
    return {**row, "verdict": decision.verdict.value, "reason": decision.reason.value if decision.reason else None}


def _decision(row: dict[str, Any]) -> Decision:
    reason = Reason(row["reason"]) if row["reason"] else None
    return Decision(**{**row, "verdict": Verdict(row["verdict"]), "reason": reason})


def _reason(error: Exception) -> str:
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    return words[0] if words else type(error).__name__
