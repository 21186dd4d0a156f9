"""An archive's values back into the table: where it is NULL, in short transactions, and repeatable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg
import pyarrow as pa

from genreq_checks.archive.compare import compare
from genreq_checks.archive.statements import AmbiguousKeyError, Found, Texts, fill, look
from genreq_checks.archive.table import TEXT_FORMS
from genreq_checks.archive.target import Goal, examine_for
from genreq_checks.errors import ArchiveError
from genreq_checks.plan import Plan
from genreq_checks.postgres.bounded import connect
from genreq_checks.postgres.connection import SETTINGS, parse
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain, kind_and_state
from genreq_checks.sources.archive import Archive, opened

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

ATTEMPTS = 3  # of one batch, when the application locked its rows or a deadlock occurred
KEPT_FROM_READING = ("row_security", "TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "lock_timeout")


class Unplaced(NamedTuple):
    """A value that stayed in the archive: its row is gone, or its column holds another value. `column` is '' for a row."""

    key: tuple[str, ...]
    column: str
    reason: Literal["gone", "different"]


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did, counted in values (`gone` in rows); `verified` says that the table was read again and agrees.

    `placed` were NULL and are filled, `already` were equal, `conflicts` are different and were kept, `overwritten` were
    different, `gone_values` are those of rows that are no longer there. They add up to the values in the archive.
    """

    table: str
    location: str
    rows: int
    placed: int
    already: int
    conflicts: int
    overwritten: int
    gone: int
    gone_values: int
    verified: bool
    problem: str = ""
    unplaced: tuple[Unplaced, ...] = ()


@dataclass(slots=True)
class Count:
    """The numbers of a batch, or of all batches so far."""

    placed: int = 0
    already: int = 0
    overwritten: int = 0
    gone_values: int = 0
    gone: int = 0
    conflicts: int = 0
    unplaced: list[Unplaced] = field(default_factory=list[Unplaced])


def restore(
    plan: Plan,
    path: str | Path,
    url: str,
    *,
    overwrite: bool = False,
    other_database: bool = False,
    batch: int = 5000,
    progress: Callable[[int], None] | None = None,
    unplaced: Callable[[Unplaced], None] | None = None,
    timeout: float = 300,
) -> RestoreResult:
    """Put the archive's values back. Each batch of rows is one transaction; after a crash, run it again.

    NULLs in the table are filled; an equal value does not change; a different one is kept, unless `overwrite`. The
    values of a generated column are compared and never written. Every value that stays in the archive is passed to
    `unplaced`, and the first 100 are in the result. `timeout` is each statement's.
    `other_database` says that the archive may be of another database than this one.
    Raises: ArchiveError for a file that is damaged or does not fit the table, before anything is written, and for a value
    that the table rejects; SourceError when the table cannot be reached.
    """
    target = parse(url)
    with opened(path) as archive:
        archive.verify()
        goal = examine_for(archive, plan, target, timeout, other_database)
        if goal.doubts:
            raise ArchiveError(
                f"It is not certain that this is the archive's database: {goal.doubts}.",
                "Confirm that it is intended (other_database).",
            )
        total, rows = Count(), 0
        try:
            with connect(target.parameters, timeout, autocommit=True) as connection:
                for piece in archive.batches(batch):
                    done = _place(connection, goal, archive, piece, overwrite, timeout)
                    rows += piece.num_rows
                    _add(total, done, unplaced)
                    if progress:
                        progress(rows)
            problem = compare(archive, goal, total.gone, total.conflicts, batch, timeout)
        except DRIVER_ERRORS as error:
            raise explain(error, target, goal.table, "Restoring") from None
    return RestoreResult(
        table=goal.table.qualified,
        location=goal.location,
        rows=rows,
        placed=total.placed,
        already=total.already,
        conflicts=total.conflicts,
        overwritten=total.overwritten,
        gone=total.gone,
        gone_values=total.gone_values,
        verified=not problem,
        problem=problem,
        unplaced=tuple(total.unplaced[:100]),
    )


def _add(total: Count, done: Count, tell: Callable[[Unplaced], None] | None) -> None:
    for name in ("placed", "already", "overwritten", "gone_values", "gone", "conflicts"):
        setattr(total, name, getattr(total, name) + getattr(done, name))
    total.unplaced += done.unplaced[: max(0, 100 - len(total.unplaced))]
    if tell:
        for one in done.unplaced:
            tell(one)


def _place(
    connection: psycopg.Connection[Any],
    goal: Goal,
    archive: Archive,
    piece: pa.RecordBatch,
    overwrite: bool,
    timeout: float,
) -> Count:
    """One batch in one transaction, tried again when the application locked its rows."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.transaction():
                _set(connection, timeout)
                return _write(connection, goal, archive, piece, overwrite)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == ATTEMPTS:
                raise
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise ArchiveError(
                f"{goal.table.qualified} rejects a value of the archive: {kind_and_state(error)}.",
                "Its batch was not written. Check the columns' types and constraints, then run it again.",
            ) from None
        except AmbiguousKeyError:
            raise ArchiveError(
                f"Two rows of {goal.table.qualified} have the same key.", "Its batch was not written."
            ) from None
    raise AssertionError


def _set(connection: psycopg.Connection[Any], timeout: float) -> None:
    """Set the text form of values, for this transaction only; the search_path stays, for the table's own triggers."""
    settings = {name: SETTINGS[name] for name in KEPT_FROM_READING}
    settings |= TEXT_FORMS | {"statement_timeout": f"{int(timeout * 1000)}ms"}
    for name, value in settings.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))


def _write(
    connection: psycopg.Connection[Any], goal: Goal, archive: Archive, piece: pa.RecordBatch, overwrite: bool
) -> Count:
    """Read and lock the batch's rows, fill the missing values, and compare generated columns with the archive."""
    key = list(archive.header.key)
    columns = [name for name in archive.header.columns if name not in goal.computed]
    keys = [piece.column(name).to_pylist() for name in key]
    wanted = list(zip(*(piece.column(name).to_pylist() for name in columns), strict=True)) or [()] * piece.num_rows
    found = look(connection, goal.place, key, columns, keys, lock=True)
    count, places, changes = Count(), list[int](), list[list[str | None]]()
    for n, values in enumerate(wanted):
        row_key = tuple(str(texts[n]) for texts in keys)
        if n not in found:
            count.gone += 1
            count.gone_values += sum(value is not None for value in values)
            count.unplaced.append(Unplaced(row_key, "", "gone"))
            continue
        change = [_decide(count, row_key, *cell, overwrite) for cell in zip(columns, values, found[n], strict=True)]
        if any(text is not None for text in change):
            places.append(n)
            changes.append(change)
    if places:
        chosen = [[texts[n] for n in places] for texts in keys]
        written = fill(connection, goal.place, key, columns, chosen, list(zip(*changes, strict=True)))
        _require_written(goal, changes, written)
    if goal.computed:
        now = look(connection, goal.place, key, goal.computed, keys, lock=False)
        _count_computed(count, goal.computed, piece, keys, found, now)
    return count


def _count_computed(
    count: Count, columns: Sequence[str], piece: pa.RecordBatch, keys: Texts, found: Found, now: Found
) -> None:
    """Count the values of generated columns, after all others were filled: they cannot be written."""
    for i, name in enumerate(columns):
        for n, value in enumerate(piece.column(name).to_pylist()):
            if value is None:
                continue
            if n not in found:
                count.gone_values += 1
            elif n in now and now[n][i] == value:
                count.already += 1
            else:
                count.conflicts += 1
                count.unplaced.append(Unplaced(tuple(str(texts[n]) for texts in keys), name, "different"))


def _decide(
    count: Count, key: tuple[str, ...], column: str, wanted: str | None, there: str | None, overwrite: bool
) -> str | None:
    """The text to write into one cell, or None for no change; counts the decision."""
    if wanted is None:
        return None
    if there == wanted:
        count.already += 1
        return None
    if there is None:
        count.placed += 1
        return wanted
    if overwrite:
        count.overwritten += 1
        return wanted
    count.conflicts += 1
    count.unplaced.append(Unplaced(key, column, "different"))
    return None


def _require_written(
    goal: Goal, changes: Sequence[Sequence[str | None]], written: dict[int, tuple[str | None, ...]]
) -> None:
    """Raises: ArchiveError, which rolls the batch back, when a trigger, a rule or a type changed a value."""
    for n, change in enumerate(changes):
        after = written.get(n)
        if after is None or any(text is not None and text != now for text, now in zip(change, after, strict=True)):
            hint = "Its batch was not written. Check the table's triggers, rules and column types, then run it again."
            raise ArchiveError(f"{goal.table.qualified} changed a value of the archive.", hint)
