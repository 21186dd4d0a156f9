"""Rows from COPY into Arrow, by Apache Arrow's own PostgreSQL driver: no value passes through Python.

The driver is used below its DB-API, which would import pandas, for 60 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import pyarrow as pa
from adbc_driver_manager._reader import (
    AdbcRecordBatchReader,
)  # pyarrow's own takes an error of the server for one of a file
from psycopg import conninfo, sql

from genreq_checks.errors import SourceError
from genreq_checks.sources.connection import SETTINGS, Target

PIECE = 2 << 20  # bytes of rows that are in memory at once, about
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
NOW = "SELECT CAST(EXTRACT(epoch FROM pg_catalog.now()) * 1000000 AS bigint)"
CopyError = adbc.Error


@dataclass(frozen=True, slots=True)
class Copying:
    """The rows of one instant, in pieces."""

    at: datetime
    pieces: Iterator[pa.RecordBatch]


@contextmanager
def copying(target: Target, statement: str, timeout: float) -> Iterator[Copying]:
    """Run a SELECT as the driver runs it, by COPY in binary format, in a read-only transaction of its own.

    All columns must be text. `timeout` is in seconds, 0 is none. Raises: CopyError; SourceError for text that is none.
    """
    parameters = target.parameters | {"client_encoding": "UTF8"}
    settings = SETTINGS | {"statement_timeout": f"{int(timeout * 1000)}ms"}
    with (
        adbc_driver_postgresql.connect(conninfo.make_conninfo("", **parameters)) as database,
        adbc.AdbcConnection(database) as connection,
    ):
        connection.set_autocommit(False)
        _ask(connection, READ_ONLY)
        for name, value in settings.items():
            setting = sql.SQL("SELECT pg_catalog.set_config({}, {}, true)").format(
                sql.Literal(name), sql.Literal(value)
            )
            _ask(connection, setting.as_string(None))
        at = EPOCH + timedelta(microseconds=_ask(connection, NOW).column(0)[0].as_py())
        with adbc.AdbcStatement(connection) as running:
            running.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(PIECE)})
            yield Copying(at, (_valid(piece) for piece in _rows(running, statement)))
        connection.rollback()


def _rows(running: adbc.AdbcStatement, statement: str) -> AdbcRecordBatchReader:
    running.set_sql_query(statement)
    stream, _ = running.execute_query()
    return AdbcRecordBatchReader._import_from_c(stream.address)


def _ask(connection: adbc.AdbcConnection, statement: str) -> pa.Table:
    """A short answer, whole."""
    with adbc.AdbcStatement(connection) as running:
        return _rows(running, statement).read_all()


def _valid(piece: pa.RecordBatch) -> pa.RecordBatch:
    """The piece, if all its text is UTF-8: a database of encoding SQL_ASCII may hold anything."""
    try:
        piece.validate(full=True)
    except pa.ArrowInvalid:
        raise SourceError(
            "The table holds text that is not UTF-8 (its database's encoding is SQL_ASCII?).",
            "Find and mend it first: it cannot be archived as text.",
        ) from None
    return piece
