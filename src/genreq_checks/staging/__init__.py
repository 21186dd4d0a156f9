"""Hide, hold, finalise, undo: files of guarded SQL that a user runs. Nothing is written into a database here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.report import Report
from genreq_checks.snapshot import Snapshot
from genreq_checks.sources.readable import find_obstacle
from genreq_checks.staging.actions import Action
from genreq_checks.staging.backfill import backfills
from genreq_checks.staging.family import FamilyFacts, read_family
from genreq_checks.staging.finalise import held_columns, to_drop, why_not
from genreq_checks.staging.forms import FINALISE, RETIRE, UNDO, Form, formed
from genreq_checks.staging.readme import readme
from genreq_checks.staging.refusals import advise
from genreq_checks.staging.writing import asked, sql_file, write_files
from genreq_checks.text import plural

BACKFILL = "backfill.sql"
__all__ = [
    "BACKFILL",
    "FINALISE",
    "RETIRE",
    "UNDO",
    "RefusedError",
    "Written",
    "read_catalog",
    "stage_backfill",
    "stage_finalise",
    "stage_retire",
]
__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password


class RefusedError(UsageError):
    """What was asked for would not be safe now: nothing was written, and the reasons are told."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Written:
    """What a staging wrote: the folder, its files, and what a user should know."""

    folder: Path
    files: tuple[str, ...]
    told: tuple[str, ...]


def stage_retire(
    plan: Plan,
    url: str,
    now: Snapshot,
    folder: Path,
    baseline: Snapshot | None = None,
    *,
    form: Form = "psql",
    other_database: bool = False,
    timeout: float = 300,
    deadline: Deadline | None = None,
) -> Written:
    """Write 1-retire.sql, undo.sql and README.md for the plan's columns, as `now` and the catalog have them.

    Raises: RefusedError with every reason; SourceError when the catalog cannot be read.
    """
    problem = now.problem("dependents")
    if problem is not None:
        raise SourceError(f"Nothing was written: {problem.message}", problem.hint)
    family = read_catalog(plan, url, {name: name for name in plan.dropped}, timeout, deadline)
    advice = advise(plan, now, baseline, family, other_database=other_database)
    if advice.refused:
        raise RefusedError("\n".join(["The columns are not renamed away:", *(f"- {one}" for one in advice.refused)]))
    day = datetime.now(UTC).date()
    what = asked(plan, family, day)
    texts: dict[Action, str] = {action: sql_file(action, plan, what, day) for action in ("retire", "undo")}
    files, more = formed(form, texts, plan, now.migrations)
    told = (*more, *advice.told)
    files["README.md"] = readme(plan, what, told, now.source.location, day)
    write_files(folder, files)
    return Written(folder, tuple(files), told)


def stage_finalise(
    plan: Plan,
    url: str,
    now: Snapshot,
    report: Report,
    folder: Path,
    *,
    form: Form = "psql",
    timeout: float = 300,
    deadline: Deadline | None = None,
) -> Written:
    """Write 2-finalise.sql, which drops the retired columns: only after a passing report of their hold.

    Raises: RefusedError with every reason; SourceError when the catalog cannot be read.
    """
    problem = now.problem("dependents")
    if problem is not None:
        raise SourceError(f"Nothing was written: {problem.message}", problem.hint)
    names = {column.name: name for name, column in held_columns(plan, now).items()}
    family = read_catalog(plan, url, names, timeout, deadline)
    refused = why_not(plan, now, report, family)
    if refused:
        raise RefusedError("\n".join(["The columns are not dropped:", *(f"- {one}" for one in refused)]))
    day = datetime.now(UTC).date()
    texts: dict[Action, str] = {"finalise": sql_file("finalise", plan, to_drop(plan, now, family), day)}
    files, more = formed(form, texts, plan, now.migrations)
    write_files(folder, files)
    told = "It cannot be undone: only the archive from before 1-retire.sql has the old values then."
    return Written(folder, tuple(files), (*more, told))


def stage_backfill(
    plan: Plan, url: str, folder: Path, *, timeout: float = 300, deadline: Deadline | None = None
) -> Written:
    """Write backfill.sql: the derived value for the rows that lack it, with their exact number.

    Raises: UsageError when no column is derived, no row lacks a value, or the key has several columns.
    """
    if not plan.derivations():
        raise UsageError("The plan derives no column: there is nothing to back-fill.")
    target = parse(url)
    try:
        with reading(target, timeout, deadline) as connection:
            found = find_table(connection, plan.table)
            if found.oid is None or found.facts is None or found.problem is not None:
                problem = found.problem
                raise SourceError(
                    problem.message if problem else "The table was not found.", problem.hint if problem else ""
                )
            obstacle = find_obstacle(connection, plan, found.oid, found.facts)
            if obstacle is not None:
                raise SourceError(obstacle.message, obstacle.hint)
            made = backfills(connection, plan, {one.name: one.type for one in found.facts.columns})
    except DRIVER_ERRORS as error:
        raise explain(error, target, plan.table) from None
    if not made:
        raise UsageError("No row lacks a derived value: there is nothing to back-fill.")
    told = [f"{one.column}: {plural(one.count, 'row')} will get a value." for one in made]
    told += [
        f'The plan does not announce it, and values.{one.column} will warn: may_gain = "the reason" in [kept.{one.column}].'
        for one in made
        if plan.kept[one.column].may_gain is None and plan.kept[one.column].may_change is None
    ]
    write_files(folder, {BACKFILL: "\n".join(one.text for one in made)})
    return Written(folder, (BACKFILL,), tuple(told))


def read_catalog(
    plan: Plan, url: str, names: dict[str, str], timeout: float = 300, deadline: Deadline | None = None
) -> FamilyFacts:
    """The table's columns as the guards assert them. Raises: SourceError when they cannot be read."""
    target = parse(url)
    try:
        with reading(target, timeout, deadline) as connection:
            found = find_table(connection, plan.table)
            if found.oid is None or found.problem is not None:
                problem = found.problem
                raise SourceError(
                    problem.message if problem else "The table was not found.", problem.hint if problem else ""
                )
            return read_family(connection, plan, found.oid, names)
    except DRIVER_ERRORS as error:
        raise explain(error, target, plan.table) from None
