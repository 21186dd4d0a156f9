"""`genreq-checks archive` and `restore`: the dropped columns' values into a file, and back."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.cli.options import (
    DeadlineSeconds,
    OtherDatabase,
    PlanFile,
    Replace,
    Source,
    TableName,
    Timeout,
    begin_deadline,
    source_or_variable,
    the_plan,
)
from genreq_checks.errors import UsageError
from genreq_checks.text import plural, scrub, size

if TYPE_CHECKING:
    from genreq_checks.archive.restoring import RestoreResult, Unplaced
    from genreq_checks.archive.target import Goal

Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write, usually ….parquet.")]
ArchiveFile = Annotated[Path, typer.Argument(metavar="FILE", help="An archive, as `archive` writes it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace values that differ, too.")]
AcceptDifferences = Annotated[
    bool, typer.Option("--accept-differences", help="Exit code 0 also when values differ or rows are gone.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoLimit = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Time limit; none when left out.")
]


def archive(
    output: Output,
    source: Source = None,
    replace: Replace = False,
    plan: PlanFile = None,
    table: TableName = None,
    timeout: NoLimit = None,
    deadline: DeadlineSeconds = None,
) -> None:
    """Archive the dropped columns' values into a Parquet file, and verify it by reading it again."""
    from genreq_checks.archive import write_archive

    end = begin_deadline(deadline)
    chosen = the_plan(plan, table)
    with Progress("archived") as progress:
        facts = write_archive(
            chosen,
            database(source),
            output,
            replace=replace,
            timeout=timeout,
            deadline=end,
            progress=progress.show,
        )
    for name in chosen.dropped:
        if name not in facts.columns:
            print(
                f"{name} is left out: text cannot keep its type exactly, and the plan gives its values up.",
                file=sys.stderr,
            )
    values = ", ".join(f"{name} {column.values:,}" for name, column in facts.columns.items())
    print(
        f"{output}: {plural(facts.rows, 'row')} of {facts.table} (values: {values}), {size(output.stat().st_size)}, verified",
        file=sys.stderr,
    )


def restore(
    file: ArchiveFile,
    source: Source = None,
    overwrite: Overwrite = False,
    yes: Yes = False,
    other_database: OtherDatabase = False,
    accept_differences: AcceptDifferences = False,
    plan: PlanFile = None,
    table: TableName = None,
    timeout: Timeout = 300,
) -> None:
    """Put an archive's values back where the table has NULL. What could not be placed goes to stdout, as CSV.

    The exit code is 1 when a value differs or a row is missing, unless --accept-differences.
    """
    from genreq_checks.archive.restoring import restore as put_back
    from genreq_checks.archive.target import examine

    chosen = the_plan(plan, table)
    url = database(source)
    goal = examine(chosen, file, url, timeout, other_database=other_database)
    confirm(goal, overwrite, yes)
    rejects = Rejects(list(chosen.table.key))
    with Progress("restored") as progress:
        done = put_back(
            chosen,
            file,
            url,
            overwrite=overwrite,
            other_database=other_database or bool(goal.doubts),  # the user saw the doubts and confirmed
            progress=progress.show,
            unplaced=rejects.tell,
            timeout=timeout,
        )
    print(sentence(done), file=sys.stderr)
    differs = bool(done.conflicts or done.gone)
    if differs and not accept_differences:
        print(
            "The table differs from the archive: exit code 1. Add --accept-differences for exit code 0.",
            file=sys.stderr,
        )
    raise typer.Exit(1 if not done.verified or (differs and not accept_differences) else 0)


def database(source: str | None) -> str:
    """The database to read or write. Raises: UsageError for a file, which cannot be archived or restored into."""
    from genreq_checks.postgres.url import is_database_url

    found = source_or_variable(source)
    if not is_database_url(found) and Path(found).exists():
        raise UsageError(
            "SOURCE is a file, but this needs the database itself.", "Give postgresql://user@host/database."
        )
    return found


def confirm(goal: Goal, overwrite: bool, yes: bool) -> None:
    """Say what will be written to, and ask. Raises: UsageError when nobody can be asked, or the answer is no.

    --yes does not confirm a doubtful database: the user gave it before the doubt was known.
    """
    what = f"{plural(goal.rows, 'row')} of the archive into {goal.table.qualified} in {goal.location}"
    for name in goal.computed:
        print(f"{scrub(name)} is a generated column: its values are compared, not written.", file=sys.stderr)
    if goal.triggers:
        print(f"Each filled row fires these triggers: {', '.join(map(scrub, goal.triggers))}.", file=sys.stderr)
    if goal.doubts:
        print(f"It is not certain that this is the archive's database: {scrub(goal.doubts)}.", file=sys.stderr)
        if not is_terminal():
            raise UsageError("Nothing was written.", "Add --other-database if this database is intended.")
    elif yes:
        return
    if not is_terminal():
        raise UsageError(f"Restoring {what} needs a confirmation.", "Add --yes, or run it in a terminal.")
    manner = "overwriting values that differ" if overwrite else "filling NULLs only"
    if not typer.confirm(f"Restore {scrub(what)}, {manner}?", err=True):
        raise UsageError("Nothing was written.")


def is_terminal() -> bool:
    """Whether a user can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def sentence(done: RestoreResult) -> str:
    """What a restore did, in one or two lines."""
    parts = [f"{plural(done.placed, 'value')} placed", f"{done.already:,} already there"]
    if done.overwritten:
        parts.append(f"{done.overwritten:,} overwritten")
    if done.conflicts:
        parts.append(f"{done.conflicts:,} different and kept")
    if done.gone:
        parts.append(f"{plural(done.gone, 'row')} missing with {plural(done.gone_values, 'value')}")
    end = "verified" if done.verified else f"NOT VERIFIED: {done.problem} Run it again."
    return f"{done.table}: {', '.join(parts)}; {end}"


class Rejects:
    """What stayed in the archive, as CSV on stdout: the reason, the column, the key. No output when all values were placed."""

    def __init__(self, key: list[str]) -> None:
        self._header: list[str] | None = ["reason", "column", *key]
        self._csv = csv.writer(sys.stdout)

    def tell(self, one: Unplaced) -> None:
        """Write one line. A key that a spreadsheet would read as a formula gets a leading apostrophe."""
        if self._header:
            self._csv.writerow(self._header)
            self._header = None
        key = [
            f"'{text}" if text and text[0] in "=+-@\t\r" and not text.lstrip("-").isdigit() else text
            for text in one.key
        ]
        self._csv.writerow([one.reason, one.column, *key])


class Progress:
    """Rows and rate on stderr, a few times a second, when it is a terminal."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._terminal = sys.stderr.isatty()
        self._start = self._last = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal:
            sys.stderr.write("\r\033[K")

    def show(self, rows: int) -> None:
        """Show the rows so far."""
        now = time.monotonic()
        if self._terminal and now - self._last > 0.2:
            self._last = now
            sys.stderr.write(f"\r{rows:,} rows {self._verb}, {rows / (now - self._start):,.0f} a second\033[K")
            sys.stderr.flush()
