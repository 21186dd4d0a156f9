"""A connection on which nothing takes longer than its limits, whatever the server and the network do.

psycopg waits in one place, `Connection.wait`, which wakes up every tenth of a second; here it also checks the time. So
no second thread is needed, and no thread is left over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import capabilities
from psycopg.abc import PQGen

from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.marker import MarkedCursor
from genreq_checks.postgres.waiting import (
    ANSWER,
    CANCEL,
    ConnectLimitError,
    Ending,
    Limit,
    LimitError,
    begin,
    statement_limit,
)

__tracebackhide__ = True  # pytest prints the arguments of a call, and these hold the password

T = TypeVar("T")
CONNECT = 10.0  # seconds for each host, unless the URL says otherwise
KEEPALIVE = {  # a network that loses packets is noticed within a minute; values in the URL take precedence
    "keepalives": "1",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "45000",
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which every wait ends: `timeout` limits each statement, `deadline` all of them; 0 and None: no limit.

    When a limit passes, the statement is cancelled in the server. When the server does not answer to that, the
    connection is closed, and the waiting call raises LimitError.
    """

    timeout: float = 0
    deadline: Deadline | None = None
    _is_ending = False

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's, within the limits. Raises: LimitError."""
        within = self._within_limits(gen)
        return super().wait(within, interval) if timeout is None else super().wait(within, interval, timeout)

    def rollback(self) -> None:
        """As psycopg's; it may run briefly even when the deadline has passed."""
        with self._rolling_back():
            super().rollback()

    @contextmanager
    def _rolling_back(self) -> Iterator[None]:
        self._is_ending = True
        try:
            yield
        finally:
            self._is_ending = False

    def _within_limits(self, gen: PQGen[T]) -> PQGen[T]:
        """The generator itself, cancelled or stopped when it takes too long."""
        found = statement_limit(self.timeout, self.deadline)
        if self._is_ending:
            found = ("timeout", ANSWER, time.monotonic() + ANSWER)
        elif found is not None and found[0] == "deadline" and found[2] <= time.monotonic():
            raise self._cut_off("deadline", found[1], "nothing more was asked")
        is_cancelled = False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if found is not None and time.monotonic() >= found[2]:
                    limit, seconds, _ = found
                    if is_cancelled:
                        raise self._cut_off(limit, seconds, "the server did not answer and the connection was closed")
                    is_cancelled = True
                    self._ask_to_cancel()
                    found = limit, seconds, time.monotonic() + ANSWER
                wanted = gen.send(ready)
        except StopIteration as done:
            result: T = done.value
            return result
        except psycopg.errors.QueryCanceled:
            if is_cancelled and found is not None and found[0] == "deadline":
                raise self._cut_off("deadline", found[1], "the statement was cancelled") from None
            raise

    def _ask_to_cancel(self) -> None:
        """Ask the server to cancel; if it does not answer to that either, this takes at most CANCEL seconds."""
        with suppress(psycopg.Error, TimeoutError, OSError):
            if capabilities.has_cancel_safe():
                self.cancel_safe(timeout=CANCEL)
            else:  # libpq before 17 has only the call without a time limit
                begin(self.cancel).result(CANCEL)

    def _cut_off(self, limit: Limit, seconds: float, ending: Ending) -> LimitError:
        """Close the connection, without waiting; returns the error to raise."""
        self.pgconn.finish()
        return LimitError(limit, seconds, ending)


def connect(
    parameters: Mapping[str, str], timeout: float = 0, deadline: Deadline | None = None, *, autocommit: bool = False
) -> BoundedConnection:
    """A connection with these limits, without prepared statements.

    Connecting is limited too, including the resolution of the host's name and everything that blocks in libpq: by
    `connect_timeout` for each host, and by the deadline.
    Raises: psycopg.Error; ConnectLimitError when it took too long.
    """
    limit, seconds, left = _connect_limit(parameters, deadline)
    if left <= 0:
        raise ConnectLimitError(limit, seconds)

    def open_it() -> BoundedConnection:
        given: Any = KEEPALIVE | dict(parameters)
        try:
            return BoundedConnection.connect(
                **given, prepare_threshold=None, autocommit=autocommit, cursor_factory=MarkedCursor
            )
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - raised again without psycopg's frames: they hold the password
            raise error.with_traceback(None) from None

    opening = begin(open_it, unwanted=lambda late: late.close())
    try:
        connection = opening.result(left)
    except TimeoutError:
        if not opening.cancel():
            raise
        raise ConnectLimitError(limit, seconds) from None
    except KeyboardInterrupt:
        opening.cancel()
        raise
    connection.timeout, connection.deadline = timeout, deadline
    return connection


def _connect_limit(parameters: Mapping[str, str], deadline: Deadline | None) -> tuple[Limit, float, float]:
    """The limit, its seconds, and the seconds that are left."""
    try:
        each = float(parameters.get("connect_timeout", CONNECT))
    except ValueError:
        each = CONNECT  # libpq reports what is wrong with the value
    hosts = (parameters.get("host") or parameters.get("hostaddr") or "").count(",") + 1
    # A name may have two addresses (localhost has ::1 and 127.0.0.1), and its resolution takes time too.
    patience = (max(each, 2) if each > 0 else 130) * (hosts + 1)
    if deadline is not None and deadline.left < patience:
        return "deadline", deadline.seconds, deadline.left
    return "timeout", patience, patience
