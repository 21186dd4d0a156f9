"""Waiting for a server that may never answer: the limits' own error, and a call that is left behind when it is too late."""

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
ANSWER = 2.0  # seconds that the server has to answer to it, before the connection is closed

Limit = Literal["deadline", "timeout"]
Ending = Literal[
    "the statement was cancelled",
    "the server did not answer and the connection was closed",
    "the server did not answer and the connection was given up",
    "nothing more was asked",
]


class LimitError(psycopg.OperationalError):
    """A limit passed on the client's side. `limit` is which, of so many `seconds`, and `ending` what became of the call.

    It is a kind of the driver's own errors, so that SQLAlchemy treats it as one of them.
    """

    def __init__(self, limit: Limit, seconds: float, ending: Ending) -> None:
        super().__init__(f"{named(limit, seconds)} passed; {ending}")
        self.limit, self.seconds, self.ending = limit, seconds, ending


class ConnectLimitError(LimitError):
    """The server, or the network on the way to it, took the connection and was silent; or its name was not resolved."""

    def __init__(self, limit: Limit, seconds: float) -> None:
        super().__init__(limit, seconds, "nothing more was asked")
        self.args = (f"{named(limit, seconds)} passed while connecting",)


def named(limit: Limit, seconds: float) -> str:
    """The limit in words."""
    return f"the deadline of {seconds:g} s" if limit == "deadline" else f"the time limit of {seconds:g} s"


def statement_limit(timeout: float, deadline: Deadline | None) -> tuple[Limit, float, float] | None:
    """The limit that comes first: which, its seconds, and its moment by `time.monotonic()`. None when there is none.

    `timeout` is in seconds, 0 is none.
    """
    of_timeout = time.monotonic() + timeout + GRACE if timeout else None
    if deadline is not None and (of_timeout is None or deadline.end <= of_timeout):
        return "deadline", deadline.seconds, deadline.end
    return None if of_timeout is None else ("timeout", timeout, of_timeout)


def begin(call: Callable[[], T], unwanted: Callable[[T], object] | None = None) -> Future[T]:
    """Begin a call in a thread of its own, which does not keep the process alive.

    Who does not want its result any more cancels the future; what comes then is given to `unwanted`.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - whatever it was, it is raised where the call is waited for
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
