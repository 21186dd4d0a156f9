"""Rows from COPY into Arrow, by Apache Arrow's own PostgreSQL driver: no value passes through Python.

The driver is used below its DB-API, which would import pandas, for 60 MB. It waits without a limit, and does not react
to Ctrl-C. So each call to it runs in a separate thread, and the calling thread waits for it, within the limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import pyarrow as pa
from adbc_driver_manager._reader import (
    AdbcRecordBatchReader,
)  # pyarrow's own reader reports a server error as a file error
from psycopg import conninfo, sql

from genreq_checks.archive.table import TEXT_FORMS
from genreq_checks.errors import SourceError
from genreq_checks.postgres.bounded import KEEPALIVE
from genreq_checks.postgres.connection import SETTINGS, Target
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.marker import marked_text
from genreq_checks.postgres.waiting import ANSWER, CANCEL, LimitError, begin, statement_limit

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
T = TypeVar("T")
PIECE = 2 << 20  # approximate bytes of rows in memory at once
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
NOW = "SELECT CAST(EXTRACT(epoch FROM pg_catalog.now()) * 1000000 AS bigint)"
CopyError = adbc.Error


@dataclass(frozen=True, slots=True)
class Copying:
    """The database at one instant: everything that is read from it is of that time."""

    at: datetime
    connection: adbc.AdbcConnection
    target: Target
    timeout: float
    deadline: Deadline | None
    calls: Calls
    opened: ExitStack

    def ask(self, statement: str) -> object:
        """The one value that a SELECT returns. Raises: CopyError."""
        return _ask(self.calls, self.opened, self.connection, statement).column(0)[0].as_py()

    @contextmanager
    def beside(self) -> Iterator[Copying]:
        """Another transaction of the same instant: an error ends only that transaction, not this one. Raises: CopyError."""
        snapshot = str(self.ask("SELECT pg_catalog.pg_export_snapshot()"))
        with copying(self.target, self.timeout, self.deadline, snapshot) as other:
            yield other

    @contextmanager
    def pieces(self, statement: str) -> Iterator[Iterator[pa.RecordBatch]]:
        """The rows of a SELECT with only text columns, in pieces, as the driver reads them: by COPY in binary format.

        Raises: CopyError; SourceError for text that is not UTF-8.
        """
        with _statement(self.opened, self.connection) as running:
            running.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(PIECE)})
            yield _pieces(self.calls, running, statement)


@contextmanager
def copying(
    target: Target, timeout: float, deadline: Deadline | None = None, snapshot: str | None = None
) -> Iterator[Copying]:
    """A read-only transaction of the driver's own, in which values have their text forms.

    `timeout` is that of each statement in seconds, 0 means no limit; `deadline` bounds all of it; `snapshot` is one that
    another transaction exported. Raises: CopyError; LimitError when a limit passed on this side.
    """
    parameters = KEEPALIVE | target.parameters | {"client_encoding": "UTF8"}
    settings = SETTINGS | TEXT_FORMS | {"statement_timeout": f"{int(timeout * 1000)}ms"}
    calls = Calls(timeout, deadline)
    with calls.closing() as opened:
        connection = _connected(calls, opened, parameters)
        connection.set_autocommit(False)
        _ask(calls, opened, connection, READ_ONLY)
        if snapshot is not None:
            taken = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot))
            _ask(calls, opened, connection, taken.as_string(None))
        for name, value in settings.items():
            setting = sql.SQL("SELECT pg_catalog.set_config({}, {}, true)").format(
                sql.Literal(name), sql.Literal(value)
            )
            _ask(calls, opened, connection, setting.as_string(None))
        at = EPOCH + timedelta(microseconds=_ask(calls, opened, connection, NOW).column(0)[0].as_py())
        yield Copying(at, connection, target, timeout, deadline, calls, opened)
        calls.make(connection.rollback)


class Calls:
    """Calls to the driver, one after the other, each in a separate thread and within the limits."""

    def __init__(self, timeout: float, deadline: Deadline | None) -> None:
        self._timeout, self._deadline = timeout, deadline
        self._stuck: Future[object] | None = None

    def make(self, call: Callable[[], T], cancel: Callable[[], None] | None = None) -> T:
        """The call's result. When a limit passes, or on Ctrl-C, it is cancelled. Raises: LimitError."""
        limit = statement_limit(self._timeout, self._deadline)
        left = None if limit is None else limit[2] - time.monotonic()
        if limit is not None and left is not None and left <= 0:
            raise LimitError(limit[0], limit[1], "nothing more was asked")
        running = begin(call)
        try:
            if wait([running], left).done:
                return running.result()
        except KeyboardInterrupt:
            self._end(running, cancel)
            raise
        assert limit is not None
        has_ended = self._end(running, cancel)
        raise LimitError(
            limit[0],
            limit[1],
            "the statement was cancelled" if has_ended else "the server did not answer and the connection was given up",
        )

    def _end(self, running: Future[T], cancel: Callable[[], None] | None) -> bool:
        """Ask the server to cancel the call; returns whether it has ended."""
        self._stuck = running  # type: ignore[assignment]
        if cancel is not None:
            with suppress(adbc.Error, TimeoutError):
                begin(cancel).result(CANCEL)
        return bool(wait([running], ANSWER).done)

    @contextmanager
    def closing(self) -> Iterator[ExitStack]:
        """What is opened is closed at the end. If a call is still running, the thread that ends it closes it: it is in use."""
        with ExitStack() as opened:
            try:
                yield opened
            finally:
                if self._stuck is not None and not self._stuck.done():
                    left = opened.pop_all()
                    self._stuck.add_done_callback(lambda _: left.close())


def _pieces(calls: Calls, running: adbc.AdbcStatement, statement: str) -> Iterator[pa.RecordBatch]:
    rows = calls.make(lambda: _rows(running, statement), running.cancel)
    while (piece := calls.make(lambda: next(rows, None), running.cancel)) is not None:
        yield _valid(piece)


def _connected(calls: Calls, opened: ExitStack, parameters: Mapping[str, str]) -> adbc.AdbcConnection:
    """A connection whose search_path is PostgreSQL's own from the start: the driver queries types before we can set it.

    A pooler that rejects this parameter gets a connection without it.
    """
    pinned = {"options": "-c search_path=pg_catalog"}
    for more in (pinned, {}):
        uri = conninfo.make_conninfo("", **{**parameters, **more})
        try:
            database = opened.enter_context(calls.make(partial(adbc_driver_postgresql.connect, uri)))
            connection: adbc.AdbcConnection = opened.enter_context(calls.make(partial(adbc.AdbcConnection, database)))
        except CopyError as error:
            if not more or "startup parameter" not in str(error):
                raise
        else:
            return connection
    raise AssertionError


def _rows(running: adbc.AdbcStatement, statement: str) -> AdbcRecordBatchReader:
    running.set_sql_query(marked_text(statement))
    stream, _ = running.execute_query()
    return AdbcRecordBatchReader._import_from_c(stream.address)


def _ask(calls: Calls, opened: ExitStack, connection: adbc.AdbcConnection, statement: str) -> pa.Table:
    """A short result, read completely."""
    with _statement(opened, connection) as running:
        return calls.make(lambda: _rows(running, statement).read_all(), running.cancel)


@contextmanager
def _statement(opened: ExitStack, connection: adbc.AdbcConnection) -> Iterator[adbc.AdbcStatement]:
    """A statement that is closed at the end, or, after an error, together with the rest: a call may still use it."""
    running = adbc.AdbcStatement(connection)
    try:
        yield running
    except BaseException:
        opened.push(running)
        raise
    running.close()


def _valid(piece: pa.RecordBatch) -> pa.RecordBatch:
    """The piece, if all its text is UTF-8: a database of encoding SQL_ASCII may hold anything."""
    try:
        piece.validate(full=True)
    except pa.ArrowInvalid:
        raise SourceError(
            "The table holds text that is not UTF-8 (its database's encoding is SQL_ASCII?).",
            "Find and fix it first: it cannot be archived as text.",
        ) from None
    return piece
