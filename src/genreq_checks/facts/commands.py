"""Commands that ran on copies of the database in a rehearsal, and which of their statements failed there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from genreq_checks.facts.queries import Judgement

At = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class FailedStatement:
    """A statement that the copy's server refused, `calls` times, with its SQLSTATE.

    `text` holds no literal. `function` is the function in which it failed, '' where there is none. `judged` has `breaks` for
    a dropped column whose absence is the reason, `unknown` where that cannot be told, else `untouched`. `denied`: the role
    had no right to it.
    """

    text: str
    state: str
    calls: int
    function: str
    judged: Judgement
    denied: bool = False


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One command on one copy: as the table was (`before`), or without the dropped columns (`after`).

    `code` is its exit code, None where it did not end in time or was not run. `replaced` are the variables that held a
    PostgreSQL URL and got the copy's. `sessions` and `statements` count what reached the copy, `on_table` the statements
    of these that name the table; `collateral` those that failed only because their transaction had failed before.
    `problem` says why nothing follows from it, and `remedy` what to do.
    """

    command: str
    at: At
    code: int | None = None
    seconds: float = 0.0
    replaced: tuple[str, ...] = ()
    sessions: int = 0
    statements: int = 0
    on_table: int = 0
    failed: tuple[FailedStatement, ...] = ()
    collateral: int = 0
    problem: str = ""
    remedy: str = ""

    def breaks(self, column: str | None = None) -> tuple[FailedStatement, ...]:
        """The statements that fail for want of a column, or of any of them."""
        return tuple(
            one
            for one in self.failed
            if (one.judged.worst if column is None else one.judged.fates.get(column)) == "breaks"
        )
