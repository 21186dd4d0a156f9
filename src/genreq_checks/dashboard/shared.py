"""One reading for all viewers: every session of the process is a thread, and all threads share this module."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from genreq_checks.dashboard.answer import Answer, reader
from genreq_checks.dashboard.settings import Settings, from_environment
from genreq_checks.errors import GenreqError

MARGIN = 10.0  # seconds that a reading has after its deadline: for the server's answer, and for the judgement


@dataclass(frozen=True, slots=True)
class Reading:
    """What can be shown now: the last good answer (None: there was none), and why it is not current.

    `error` is why the last attempt failed; `age` the seconds since the last good answer was read; `under_way` the
    seconds that an attempt has been running.
    """

    answer: Answer | None
    error: str | None = None
    age: float | None = None
    under_way: float | None = None

    @property
    def is_stale(self) -> bool:
        """Is the answer an old one because no newer one could be read?"""
        return self.error is not None or self.under_way is not None


class Board:
    """The last good answer, read again at most once in each interval of `refresh` seconds, and never twice at once.

    Time is divided into intervals from the start on; the first viewer in an interval starts a reading. A failed attempt
    counts too: a database that is down is read once in an interval, not by every viewer. A viewer waits at most
    `patience` seconds (`first_patience` while there is nothing to show) and then gets the last good answer.

    An attempt that takes longer than `limit` seconds is abandoned: the next interval starts a new one, and a later
    result of the old one is ignored. A reading has its own deadline; this limit is for a reading that hangs in spite of
    it.
    """

    def __init__(
        self,
        read: Callable[[], Answer],
        refresh: float,
        *,
        patience: float = 5.0,
        first_patience: float = 60.0,
        limit: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refresh = refresh
        self._read = read
        self._patience, self._first_patience = patience, first_patience
        self._limit = limit
        self._clock, self._start = clock, clock()
        self._lock = threading.Lock()
        self._attempt: Future[None] | None = None
        self._attempt_at = 0.0
        self._done_in: int | None = None
        self._answer: Answer | None = None
        self._answer_at = 0.0
        self._error: str | None = None

    def latest(self) -> Reading:
        """The answer of this interval, or the last good one and why there is no newer one."""
        attempt = self.attempt()
        if attempt is not None:
            with suppress(TimeoutError):
                attempt.result(self._patience if self._answer is not None else self._first_patience)
        return self.peek()

    def attempt(self) -> Future[None] | None:
        """Start a reading if this interval has none yet; returns the running attempt, or None."""
        with self._lock:
            self._give_up()
            if self._attempt is None and self._interval() != self._done_in:
                self._attempt, self._attempt_at = Future(), self._clock()
                threading.Thread(target=self._run, args=(self._attempt,), name="genreq-reading", daemon=True).start()
            return self._attempt

    def peek(self) -> Reading:
        """What can be shown, without reading."""
        with self._lock:
            self._give_up()
            now = self._clock()
            return Reading(
                self._answer,
                self._error,
                now - self._answer_at if self._answer is not None else None,
                now - self._attempt_at if self._attempt is not None else None,
            )

    def _give_up(self) -> None:
        """Abandon an attempt that is past the limit; those who wait for it get the reason."""
        if self._attempt is None or self._clock() - self._attempt_at <= self._limit:
            return
        self._error = (
            f"The reading took longer than {self._limit:g} s and was stopped; the next one starts at the next refresh."
        )
        self._done_in = self._interval()
        given_up, self._attempt = self._attempt, None
        given_up.set_result(None)

    def _interval(self) -> int:
        return int((self._clock() - self._start) // self.refresh)

    def _run(self, attempt: Future[None]) -> None:
        began = self._clock()
        answer: Answer | None = None
        try:
            answer = self._read()
            error = answer.unread
        except GenreqError as problem:
            error = str(problem)
        except Exception as problem:  # noqa: BLE001 - on any error viewers keep the last good answer, and its text may hold values
            error = f"The reading failed ({type(problem).__name__}); the next one starts at the next refresh."
        with self._lock:
            if self._attempt is not attempt:
                return  # it was abandoned, and a newer one may have finished since
            if answer is not None and error is None:
                self._answer, self._answer_at = answer, began
            self._error = error
            # it counts for the interval in which it ended: a reading longer than an interval is not followed by another at once
            self._done_in = self._interval()
            self._attempt = None
            attempt.set_result(None)


class _Process:
    """The objects that exist once for the process."""

    lock = threading.Lock()

    @cached_property
    def settings(self) -> Settings:
        return from_environment(os.environ)

    @cached_property
    def board(self) -> Board:
        return Board(reader(self.settings), self.settings.refresh, limit=self.settings.deadline + MARGIN)


_process = _Process()


def board() -> Board:
    """The board of this process, created from the environment at its first use.

    Raises: PlanError and UsageError for an invalid environment.
    """
    with _process.lock:
        return _process.board


def latest() -> Reading:
    """What all sessions show: see `Board.latest`."""
    try:
        return board().latest()
    except GenreqError as error:  # a notebook that was opened with invalid variables
        return Reading(None, str(error))
