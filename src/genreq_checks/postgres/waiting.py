"""Waiting for a server that may never answer: the error of a limit, and a call that is abandoned when its time is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Literal, TypeVar

import psycopg

from genreq_checks.postgres.deadline import Deadline

T = TypeVar("T")
GRACE = 1.0  # seconds after --timeout: the server's own statement_timeout comes first, and keeps the connection
CANCEL = 2.0  # seconds that a cancel request may take
ANSWER = 2.0  # seconds that the server has to answer the request, before the connection is closed

Limit = Literal["deadline", "timeout"]
Ending = Literal[
    "the statement was cancelled",
    "the server did not answer and the connection was closed",
    "the server did not answer and the connection was given up",
    "nothing more was asked",
]


class LimitError(psycopg.OperationalError):
    """A limit passed on the client's side: `limit` is its kind, `seconds` its length, `ending` how the call ended.

    It is a subclass of the driver's own error, so that SQLAlchemy treats it as one.
    """

    def __init__(self, limit: Limit, seconds: float, ending: Ending) -> None:
        super().__init__(f"{named(limit, seconds)} passed; {ending}")
        self.limit, self.seconds, self.ending = limit, seconds, ending


class ConnectLimitError(LimitError):
    """The server, or a network device before it, accepted the connection and did not answer; or its name was not resolved."""

    def __init__(self, limit: Limit, seconds: float) -> None:
        super().__init__(limit, seconds, "nothing more was asked")
        self.args = (f"{named(limit, seconds)} passed while connecting",)


def named(limit: Limit, seconds: float) -> str:
    """The limit in words."""
    return f"the deadline of {seconds:g} s" if limit == "deadline" else f"the time limit of {seconds:g} s"


def statement_limit(timeout: float, deadline: Deadline | None) -> tuple[Limit, float, float] | None:
    """The limit that comes first: its kind, its seconds, and its time by `time.monotonic()`. None without a limit.

    `timeout` is in seconds; 0 means no limit.
    """
    of_timeout = time.monotonic() + timeout + GRACE if timeout else None
    if deadline is not None and (of_timeout is None or deadline.end <= of_timeout):
        return "deadline", deadline.seconds, deadline.end
    return None if of_timeout is None else ("timeout", timeout, of_timeout)


def begin(call: Callable[[], T], unwanted: Callable[[T], object] | None = None) -> Future[T]:
    """Begin a call in a separate thread, which does not keep the process alive.

    A caller that no longer wants the result cancels the future; a later result is passed to `unwanted`.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - any error is raised again where the result is awaited
            with suppress(InvalidStateError):
                future.set_exception(error)
            return
        try:
            future.set_result(result)
        except InvalidStateError:
            if unwanted is not None:
                unwanted(result)

    threading.Thread(target=run, name="genreq-call", daemon=True).start()
    return future
