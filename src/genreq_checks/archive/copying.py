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

from genreq_checks.archive.table import TEXT_FORMS
from genreq_checks.errors import SourceError
from genreq_checks.sources.connection import SETTINGS, Target

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

PIECE = 2 << 20  # bytes of rows that are in memory at once, about
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
NOW = "SELECT CAST(EXTRACT(epoch FROM pg_catalog.now()) * 1000000 AS bigint)"
CopyError = adbc.Error


@dataclass(frozen=True, slots=True)
class Copying:
    """The database at one instant: everything that is asked of it is of that time."""

    at: datetime
    connection: adbc.AdbcConnection
    target: Target
    timeout: float

    def ask(self, statement: str) -> object:
        """The one value that a SELECT gives. Raises: CopyError."""
        return _ask(self.connection, statement).column(0)[0].as_py()

    @contextmanager
    def beside(self) -> Iterator[Copying]:
        """Another transaction of the same instant: an error ends that one, and this one goes on. Raises: CopyError."""
        snapshot = str(self.ask("SELECT pg_catalog.pg_export_snapshot()"))
        with copying(self.target, self.timeout, snapshot) as other:
            yield other

    @contextmanager
    def pieces(self, statement: str) -> Iterator[Iterator[pa.RecordBatch]]:
        """The rows of a SELECT of which all columns are text, in pieces, as the driver reads them: by COPY in binary format.

        Raises: CopyError; SourceError for text that is none.
        """
        with adbc.AdbcStatement(self.connection) as running:
            running.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(PIECE)})
            yield (_valid(piece) for piece in _rows(running, statement))


@contextmanager
def copying(target: Target, timeout: float, snapshot: str | None = None) -> Iterator[Copying]:
    """A read-only transaction of the driver's own, in which values have their text forms.

    `timeout` is that of each statement in seconds, 0 is none; `snapshot` is what another transaction exported.
    Raises: CopyError.
    """
    parameters = target.parameters | {"client_encoding": "UTF8"}
    settings = SETTINGS | TEXT_FORMS | {"statement_timeout": f"{int(timeout * 1000)}ms"}
    with (
        adbc_driver_postgresql.connect(conninfo.make_conninfo("", **parameters)) as database,
        adbc.AdbcConnection(database) as connection,
    ):
        connection.set_autocommit(False)
        _ask(connection, READ_ONLY)
        if snapshot is not None:
            _ask(connection, sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)).as_string(None))
        for name, value in settings.items():
            setting = sql.SQL("SELECT pg_catalog.set_config({}, {}, true)").format(
                sql.Literal(name), sql.Literal(value)
            )
            _ask(connection, setting.as_string(None))
        at = EPOCH + timedelta(microseconds=_ask(connection, NOW).column(0)[0].as_py())
        yield Copying(at, connection, target, timeout)
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
