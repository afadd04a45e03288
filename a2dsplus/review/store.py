"""The log of decisions in a database: append-only, each decision on disk before anybody hears that it is saved.

The default is SQLite in the dataset's `reviews.sqlite` (write-ahead log, synchronous=FULL); any SQLAlchemy URL does, such as
PostgreSQL for a team. Nothing is ever changed or removed in the log: an undo is one more decision.

decisions(seq, decision_id, reviewer, query_id, contrast_query_id, verdict, reason, note, undoes, tier, rank, mode, dataset, decided_at, at)
review_rules(dataset, seed, double)   what all servers of a dataset go by
A log of schema 1 (without mode, dataset, decided_at) is read, and gets these columns when it is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from a2dsplus.errors import WorkspaceError
from a2dsplus.records import Status
from a2dsplus.review.decisions import Decision, DecisionError, Mode, PairKey, Rejection, Verdict
from a2dsplus.review.ledger import Ledger, Outcome

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SCHEMA = 2
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
        "CREATE OR REPLACE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions"
        " FOR EACH STATEMENT EXECUTE FUNCTION decisions_append_only()",
    ],
}


# columns that a log of schema 1 lacks: name, size, what its decisions have there
_ADDED = (("mode", 8, "single"), ("dataset", 64, ""), ("decided_at", 32, ""))


def default_url(root: Path) -> str:
    """Return the URL of a dataset's own log."""
    return f"sqlite:///{(root / FILE).resolve()}"


class Store:
    """The log in a database. `dataset`: the fingerprint of the dataset whose decisions are read and written; "" reads all.

    `reads`: nothing will be written, so an SQLite file that cannot be is read as it stands. Decisions of schema 1, which name no dataset, count for every one. Raises WorkspaceError where the database cannot be reached, is
    damaged, or of a newer schema.
    """

    def __init__(self, url: str, *, dataset: str = "", reads: bool = False) -> None:
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
        self.dataset = dataset
        # without the password: it is printed in errors
        self.name = parsed.render_as_string(hide_password=True)
        fixed = reads and _cannot_be_written(parsed.database if parsed.get_backend_name() == "sqlite" else None)
        if fixed:
            parsed = parsed.set(
                database=f"file:{quote(str(parsed.database))}", query=_as_it_stands(str(parsed.database))
            )
        try:
            self._engine: Engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        except ModuleNotFoundError as error:
            raise WorkspaceError(
                f"{self.name}: the driver {error.name} is not installed; for PostgreSQL: pip install 'a2dsplus[postgres]'"
            ) from error
        except SQLAlchemyError as error:
            raise WorkspaceError(f"{self.name}: {_reason(error)}; check the URL") from error
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._tables()
        if fixed:
            with self._errors():
                self._check_schema()
            return
        if self._sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
        with self._errors():
            self._create()

    # ---- writing -------------------------------------------------------------------------------------------------

    def append(self, decision: Decision) -> Decision:
        """Log one decision (see `append_all`); raises DecisionError where it cannot be logged."""
        (logged,) = self.append_all([decision])
        if isinstance(logged, DecisionError):
            raise logged
        return logged

    def append_all(self, decisions: Sequence[Decision]) -> list[Decision | DecisionError]:
        """Log decisions in their order, in one transaction; return each with its place in the log once all are safely on disk.

        One that is logged already (same `decision_id`) is returned as logged. One that cannot be logged comes back as the error and
        holds up no other: its id belongs to another reviewer or another decision, or it undoes what is not this reviewer's.
        """
        from sqlalchemy import insert, select, update

        found: list[Decision | DecisionError] = []
        with self._errors(), self._engine.connect() as connection:
            if self._sqlite:
                # take the write lock at once: two servers on one file queue up instead of failing half-way
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            # this row's lock lets one writer in at a time, so `seq` has no gaps and no late arrivals
            connection.execute(update(self._head).values(seq=self._head.c.seq))
            seq = first = int(connection.execute(select(self._head.c.seq)).scalar_one())
            for decision in decisions:
                known = self._find(connection, decision.decision_id)
                fault = self._fault(connection, decision, known)
                if fault is None and known is None:
                    seq += 1
                    connection.execute(insert(self._decisions).values({**_row(decision), "seq": seq}))
                    known = _decision({**_row(decision), "seq": seq})
                found.append(DecisionError(fault) if fault or known is None else known)
            if seq > first:
                connection.execute(update(self._head).values(seq=seq))
                connection.commit()
            else:
                connection.rollback()
        return found

    def _fault(self, connection: Connection, decision: Decision, known: Decision | None) -> str | None:
        if known is not None:
            if _content(known) != _content(decision):
                return f"id {decision.decision_id}: belongs to another decision; choose a new id"
            return None
        if decision.undoes is not None:
            undone = self._find(connection, decision.undoes)
            if undone is None or undone.reviewer != decision.reviewer or undone.verdict is Verdict.UNDO:
                return f"undoes {decision.undoes}: no decision of {decision.reviewer} has this id"
        return None

    # ---- what holds for all servers of a dataset -----------------------------------------------------------------

    def rules(self) -> tuple[int, float] | None:
        """Return the seed and the double share stored for this dataset, None where none are."""
        from sqlalchemy import select

        table = self._rules
        with self._errors(), self._engine.connect() as connection:
            row = connection.execute(
                select(table.c.seed, table.c.double).where(table.c.dataset == self.dataset)
            ).first()
        return None if row is None else (int(row[0]), float(row[1]))

    def set_rules(self, *, seed: int, double: float) -> None:
        """Store them."""
        from sqlalchemy import delete, insert

        with self._errors(), self._engine.connect() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.execute(delete(self._rules).where(self._rules.c.dataset == self.dataset))
            connection.execute(insert(self._rules).values(dataset=self.dataset, seed=seed, double=double))
            connection.commit()

    # ---- reading -------------------------------------------------------------------------------------------------

    def since(self, seq: int) -> Iterator[Decision]:
        """Yield the decisions logged after a place in the log, in the log's order (0: all)."""
        from sqlalchemy import select

        query = select(self._decisions).where(self._decisions.c.seq > seq).order_by(self._decisions.c.seq)
        if self.dataset:
            query = query.where(self._decisions.c.dataset.in_((self.dataset, "")))
        with self._errors(), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query).mappings():
                yield _decision(dict(row))

    def of_others(self) -> int:
        """Return how many decisions in the log are about other datasets."""
        from sqlalchemy import func, select

        if not self.dataset:
            return 0
        query = select(func.count()).where(self._decisions.c.dataset.not_in((self.dataset, "")))
        with self._errors(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def ledger(self) -> Ledger:
        """Return the whole log, folded."""
        return Ledger(self.since(0))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # ---- the tables ----------------------------------------------------------------------------------------------

    def _tables(self) -> None:
        from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

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
            *(Column(name, String(size), nullable=False, server_default=value) for name, size, value in _ADDED),
            Column("at", String(32), nullable=False),
        )
        Index("decisions_by_pair", self._decisions.c.query_id, self._decisions.c.contrast_query_id)
        self._head = Table("log_head", tables, Column("schema", Integer), Column("seq", Integer, nullable=False))
        self._rules = Table(
            "review_rules",
            tables,
            Column("dataset", String(64), primary_key=True),
            Column("seed", BigInteger, nullable=False),
            Column("double", Float, nullable=False),
        )
        self._metadata = tables

    def _create(self) -> None:
        from sqlalchemy import insert, select, text, update

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
            elif schema == 1:
                for name, size, value in _ADDED:
                    connection.exec_driver_sql(
                        f"ALTER TABLE decisions ADD COLUMN {name} VARCHAR({size}) NOT NULL DEFAULT '{value}'"
                    )
                for statement in _UNCHANGEABLE.get(self._engine.dialect.name, []):
                    connection.exec_driver_sql(statement)
                connection.execute(update(self._head).values(schema=SCHEMA))
            elif schema != SCHEMA:
                raise WorkspaceError(
                    f"{self.name}: written by another version of the toolkit (schema {schema}, this one reads {SCHEMA}); use that version"
                )
            connection.commit()

    def _check_schema(self) -> None:
        """Raise WorkspaceError where a log that cannot be written is not of this schema: an older one would have to be brought up to it."""
        from sqlalchemy import select

        with self._engine.connect() as connection:
            schema = connection.execute(select(self._head.c.schema)).scalar()
        if schema != SCHEMA:
            raise WorkspaceError(
                f"{self.name}: of schema {schema}, this version reads {SCHEMA}, and the file cannot be written; copy the dataset to where it can"
            )

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
        except (ValueError, TypeError, DecisionError) as error:  # texts that are none, words that no verdict has
            raise WorkspaceError(f"{self.name}: damaged ({error!s:.160}); restore it from a copy") from error


def settled(workspace_root: Path, *, database: str | None = None, dataset: str = "") -> dict[PairKey, Status]:
    """Return what the reviewers decided: {(query id, contrast query id): "accepted" or "rejected"}.

    Pairs that nobody judged, whose verdicts were all taken back, or on which reviewers disagree are absent. `database`: a
    SQLAlchemy URL; by default the dataset's own `reviews.sqlite`, which need not exist. `dataset`: the source's fingerprint; of a
    shared database, only its decisions count. Raises WorkspaceError.
    """
    if database is None and not (workspace_root / FILE).exists():
        return {}
    ledger = read_ledger(workspace_root, database, dataset)
    outcomes = {pair: ledger.outcome(pair) for pair in ledger.pairs()}
    words: dict[Outcome, Status] = {Outcome.ACCEPTED: "accepted", Outcome.REJECTED: "rejected"}
    return {pair: words[outcome] for pair, outcome in outcomes.items() if outcome in words}


def read_ledger(workspace_root: Path, database: str | None, dataset: str) -> Ledger:
    """Return a dataset's log, folded (see `settled`)."""
    # all of a dataset's own log is about it, also what was said before its source was mended
    store = Store(database or default_url(workspace_root), dataset=dataset if database else "", reads=True)
    try:
        return store.ledger()
    finally:
        store.close()


def _cannot_be_written(database: str | None) -> bool:
    """Whether a file, or the folder in which SQLite puts others beside it, refuses to be written."""
    if not database or not Path(database).is_file():
        return False
    return not (os.access(database, os.W_OK) and os.access(Path(database).parent, os.W_OK))


def _as_it_stands(database: str) -> dict[str, str]:
    """Return how SQLite is told to open a file that it cannot write: without locks, unless there is a log beside it to be read as well."""
    log = Path(f"{database}-wal")
    waits = log.is_file() and log.stat().st_size > 0
    return {"mode": "ro", "uri": "true", **({} if waits else {"immutable": "1"})}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # SQLAlchemy begins transactions by itself only where the driver does not
    connection.isolation_level = None
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _content(decision: Decision) -> tuple[object, ...]:
    return (*decision.pair, decision.reviewer, decision.verdict, decision.reason, decision.note, decision.undoes)


def _row(decision: Decision) -> dict[str, Any]:
    row = {name: getattr(decision, name) for name in Decision.__slots__}
    reason = decision.reason.value if decision.reason else None
    return {**row, "verdict": decision.verdict.value, "reason": reason, "mode": decision.mode.value}


def _decision(row: dict[str, Any]) -> Decision:
    reason = Rejection(row["reason"]) if row["reason"] else None
    return Decision(**{**row, "verdict": Verdict(row["verdict"]), "reason": reason, "mode": Mode(row["mode"])})


def _reason(error: Exception) -> str:
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    return words[0] if words else type(error).__name__
