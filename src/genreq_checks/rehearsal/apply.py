"""Run a migration on the scratch database as its file says, and record which locks it took on the table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg
from psycopg import conninfo, errors
from psycopg.pq import TransactionStatus

from genreq_checks.postgres.bounded import connect
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.sql_lexer import words
from genreq_checks.postgres.waiting import LimitError
from genreq_checks.rehearsal.sql_file import BYTE_ORDER_MARK, SqlFile

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

CONTROL = frozenset(("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"))
MAY_COMMIT = re.compile(r"\b(commit|rollback)\b", re.IGNORECASE)
FUNCTION = re.compile(r"(?:PL/pgSQL|SQL) function \"?([A-Za-z_][\w.$]*)")
_LOCKS = """
    SELECT DISTINCT mode FROM pg_catalog.pg_locks
    WHERE pid = %s AND locktype = 'relation' AND relation = pg_catalog.to_regclass(%s)::oid AND granted ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """The server's result: how many statements succeeded, the error of the first that failed, the locks.

    `locks` are those held on the table at the end of a statement. A statement that cannot run in a transaction block
    has released its locks by then, and adds none.
    """

    statements: int
    done: int
    seconds: float
    locks: tuple[str, ...]
    error: str | None


def apply(url: str, search_path: str, file: SqlFile, table: str, deadline: Deadline | None = None) -> Applied:
    """Run the file on a separate connection; `table` is the quoted name of the plan's table.

    Raises: LimitError when the deadline passes.
    """
    started, done, error = time.monotonic(), 0, None
    locks: set[str] = set()
    with (
        closing(psycopg.connect(url, autocommit=True, prepare_threshold=None)) as watcher,
        closing(connect(_parameters(url), 0, deadline, autocommit=True)) as connection,
    ):
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [search_path])
        pid = connection.info.backend_pid

        def look() -> None:
            if connection.info.transaction_status == TransactionStatus.INTRANS:
                locks.update(row[0] for row in watcher.execute(_LOCKS, [pid, table]))

        try:
            if file.breakpoints:
                connection.execute("BEGIN")
            for statement in file.statements:
                _send(connection, statement, look)
                done += 1
            if file.breakpoints:
                connection.execute("COMMIT")
        except LimitError:
            raise
        except psycopg.Error as problem:
            total = len(file.statements)
            error = f"{f'statement {done + 1} of {total}' if done < total else 'COMMIT'} failed: {explain(problem)}"
            if done == 0 and file.statements[0].startswith(BYTE_ORDER_MARK):
                error += " (the file begins with a byte-order mark: save it without one)"
        with suppress(psycopg.Error):
            if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                connection.execute("ROLLBACK")  # begun in the file and never committed: rolled back, as with psql
    return Applied(len(file.statements), done, time.monotonic() - started, tuple(sorted(locks)), error)


def _parameters(url: str) -> dict[str, str]:
    return {name: str(value) for name, value in conninfo.conninfo_to_dict(url).items() if value is not None}


def _send(connection: psycopg.Connection, statement: str, look: Callable[[], None]) -> None:
    """Send a statement. Where it would commit by itself, it is sent between BEGIN and COMMIT, so that its locks can be
    read; a statement that does not allow that is sent alone.
    """
    raw = statement.encode()
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    first = next(words(statement), "")
    if not idle or first in CONTROL or (first in ("do", "call") and MAY_COMMIT.search(statement)):
        connection.execute(raw)
        look()
        return
    connection.execute("BEGIN")
    try:
        connection.execute(raw)
        look()
        connection.execute("COMMIT")
    except (errors.ActiveSqlTransaction, errors.InvalidTransactionTermination):
        connection.execute("ROLLBACK")
        connection.execute(raw)


def explain(error: psycopg.Error) -> str:
    """A server error in one line. Only errors about names are quoted: other texts may hold users' values."""
    state, where = error.sqlstate, FUNCTION.search(error.diag.context or "")
    inside = f" (in function {where[1]})" if where else ""
    if state is None:
        copies = isinstance(
            error, psycopg.ProgrammingError
        )  # psycopg rejects COPY … FROM STDIN, whose rows are not SQL
        return f"{'COPY from the file itself cannot be rehearsed' if copies else 'the connection was lost'}{inside}"
    about_names = state[:2] in ("42", "2B", "3D", "3F", "0A") or state in ("25001", "2D000")
    if not about_names:
        return f"{type(error).__name__} (SQLSTATE {state}){inside}"
    text = error.diag.message_primary or type(error).__name__
    if state == "2BP01" and error.diag.message_detail:  # only the names of dependent objects
        text += f": {error.diag.message_detail}"
    return " ".join(text.split())[:400] + inside
