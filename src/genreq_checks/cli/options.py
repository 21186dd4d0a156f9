"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from genreq_checks.plan import Plan
    from genreq_checks.postgres.deadline import Deadline

VARIABLE = "LEO_DATABASE_URL"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]",
        help=f"A database URL, a saved snapshot (.json) or row files (.parquet, .csv). Left out: the variable {VARIABLE}.",
        show_default=False,
    ),
]
PlanFile = Annotated[Path | None, typer.Option("--plan", metavar="FILE", help="Another plan than the built-in one.")]
TableName = Annotated[str | None, typer.Option("--table", metavar="SCHEMA.NAME", help="Another table than the plan's.")]
Cutover = Annotated[
    str | None,
    typer.Option(
        "--cutover", metavar="T", help="The instant of the change, as 2025-01-31 or 2025-01-31T14:30Z; it is after."
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.001, max=2_000_000, help="Time limit of each statement.")
]
DeadlineSeconds = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        min=0.001,
        max=2_000_000,
        help="Time limit of the whole run; none when left out.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=0,
        max=1024,
        help="How many parallel workers the server may use for the scan; as its settings say when left out.",
    ),
]
Spark = Annotated[
    str | None,
    typer.Option(
        "--spark",
        metavar="MASTER",
        help="Read SOURCE, Parquet files or a table, by Spark: local[*], spark://host:port or sc://host:port.",
    ),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace an existing file even if it holds more, or is of another database.")
]
OtherDatabase = Annotated[
    bool,
    typer.Option(
        "--other-database", help="Accept a baseline or archive of another database: a clone, a restored dump."
    ),
]


def source_or_variable(source: str | None) -> str:
    """SOURCE, or the environment's database. Raises UsageError, naming `demo`, when there is neither."""
    if source:
        return source
    from_environment = os.environ.get(VARIABLE)
    if from_environment:
        return from_environment
    raise NoSourceError(
        f"There is no SOURCE, and {VARIABLE} is not set.",
        "Give a database URL, or try 'genreq-checks demo', which needs neither.",
    )


class NoSourceError(UsageError):
    """No source was named, so nothing could be read."""

    exit_code = 3


def begin_deadline(seconds: float | None) -> Deadline | None:
    """The deadline of a run that begins now; None without a deadline."""
    from genreq_checks.postgres.deadline import Deadline

    return Deadline.after(seconds) if seconds is not None else None


def read_cutover(text: str | None) -> tuple[datetime | None, tuple[str, ...]]:
    """The instant that --cutover names, and a note on how it was read. Raises UsageError for text that is not a point in time."""
    from genreq_checks.plan import parse_instant

    return parse_instant(text) if text is not None else (None, ())


def the_plan(file: Path | None, table: str | None) -> Plan:
    """The plan that the options name. Raises UsageError for a table without a schema or a name, like '.'."""
    from genreq_checks.plan import load_plan

    plan = load_plan(file)
    if table is None:
        return plan
    if not all(table.partition(".")[::2] if "." in table else [table]):
        raise UsageError(f"--table '{table[:40]}' does not name a table.", "Write SCHEMA.NAME, without quotes.")
    return plan.with_table(table)


@contextmanager
def narrate(message: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr for work of more than a second, when stderr is a terminal; yields a function that sets its message."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    status = Console(stderr=True).status(message)
    timer = threading.Timer(1.0, status.start)
    timer.start()
    try:
        yield status.update
    finally:
        timer.cancel()
        timer.join()
        status.stop()
