"""What a failed statement means for the user, by its SQLSTATE: the server's messages may quote values or be translated."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa

from genreq_checks.errors import SourceError
from genreq_checks.plan import Table
from genreq_checks.postgres.connection import Target, shown_words
from genreq_checks.postgres.waiting import ConnectLimitError, LimitError, named
from genreq_checks.text import scrub

# Everything that a driver may raise during a read, including SQLAlchemy's error about a connection that was lost before.
DRIVER_ERRORS = (sa.exc.DBAPIError, sa.exc.PendingRollbackError, sa.exc.ResourceClosedError, psycopg.Error)
NOT_ALLOWED = "42501"
_TIMED_OUT = "57014"
_LOCKED = ("55P03", "40P01")
_READ_ONLY = "25006"
_NO_TEXT = ("22021", "22P05")  # bytes that are no text, a character that the other encoding does not have
_SERVER_ENDED = ("57P01", "57P02", "57P03", "57P05")  # shut down, crashed, starting up, idle for too long


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a driver's error, also inside SQLAlchemy's; None when the connection itself failed."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    state = getattr(cause, "sqlstate", None)  # psycopg's and Arrow's errors have it under this name
    return state if isinstance(state, str) else None


def kind_and_state(error: BaseException) -> str:
    """The error's kind with its SQLSTATE, without its text: `UniqueViolation (SQLSTATE 23505)`."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    state = sqlstate(error)
    if state is None:
        return type(cause).__name__
    try:
        return f"{psycopg.errors.lookup(state).__name__} (SQLSTATE {state})"
    except KeyError:
        return f"an unknown error (SQLSTATE {state})"


def _is_lost(error: BaseException) -> bool:
    """Did our own connection fail? If it still works, the server could not connect to the server of a foreign table."""
    return not isinstance(error, sa.exc.DBAPIError) or error.connection_invalidated


def _limit_behind(error: BaseException) -> LimitError | None:
    """The limit that passed, also when the error comes from the clean-up after it, on a closed connection."""
    seen: BaseException | None = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
    while seen is not None and not isinstance(seen, LimitError):
        seen = seen.__context__
    return seen


def explain(error: BaseException, target: Target, where: Table, doing: str = "Reading") -> SourceError:
    """Why a statement on the table failed, in one line, and what to do. `doing` is `Reading`, `Restoring` or similar."""
    state, table = sqlstate(error), where.qualified
    passed = _limit_behind(error)
    if isinstance(passed, ConnectLimitError):
        return SourceError(
            f"{target.location} did not accept the connection: {passed}.",
            "Check host and port, and that the server is up.",
        )
    if passed is not None:
        limit = named(passed.limit, passed.seconds)
        message = f"{limit[0].upper()}{limit[1:]} passed while {doing.lower()} {table}; {passed.ending}."
        return SourceError(message, f"Raise it with --{passed.limit} SECONDS.")
    if isinstance(error, (sa.exc.PendingRollbackError, sa.exc.ResourceClosedError)):
        return SourceError(
            f"The connection to {target.location} was lost before this was read.",
            "Try again; see the server's log.",
        )
    if state is None:
        text = scrub(shown_words(error, target)).rstrip(".")
        return SourceError(f"The connection to {target.location} was lost: {text}.", "Try again; see the server's log.")
    if state in _SERVER_ENDED or (state.startswith("08") and _is_lost(error)):
        return SourceError(
            f"The server of {target.location} ended the connection while {doing.lower()} {table} (SQLSTATE {state}).",
            "Try again when it is up; see the server's log.",
        )
    if state == _TIMED_OUT:
        return SourceError(
            f"{doing} {table} took longer than the time limit and was stopped.", "Raise it with --timeout SECONDS."
        )
    if state in _LOCKED:
        return SourceError(
            f"{table} is locked by another transaction.", "Try again when the migration that holds it is done."
        )
    if state == NOT_ALLOWED:
        if doing == "Reading":
            # The server has the same SQLSTATE for a missing privilege and for a policy under row_security = off.
            hint = (
                f"GRANT SELECT ON {where.in_sql} to the role, or read as the table's owner or as a role with BYPASSRLS."
            )
            return SourceError(f"The role may not read {table}, or row level security would hide rows of it.", hint)
        return SourceError(f"The role may not do this with {table}.", "GRANT it, or connect as the owner.")
    if state in _NO_TEXT:
        return SourceError(
            f"{doing} {table} failed: a text in the table or in the plan has no form in the other's encoding (SQLSTATE {state}).",
            "Compare the database's encoding (SHOW server_encoding) with the values in the table and in the plan.",
        )
    if state == _READ_ONLY:
        return SourceError(
            f"{target.location} is read-only: a standby, or set to read-only.", "Name the primary server."
        )
    return SourceError(f"{doing} {table} failed in the server: {kind_and_state(error)}.", "See the server's log.")
