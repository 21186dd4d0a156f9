"""`genreq-checks rehearse`: the complete clean-up on a copy, forward, rollback and forward again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.options import (
    DeadlineSeconds,
    PlanFile,
    Source,
    TableName,
    Timeout,
    begin_deadline,
    source_or_variable,
    the_plan,
)
from genreq_checks.cli.output import Formats, Outputs, keep_files, pairs, write
from genreq_checks.errors import UsageError

ForwardFile = Annotated[
    Path | None,
    typer.Option("--forward", metavar="FILE", help="The migration to rehearse; the plan's SQL when left out."),
]
RollbackFile = Annotated[
    Path | None, typer.Option("--rollback", metavar="FILE", help="The rollback; the plan's SQL when left out.")
]
SampleSize = Annotated[
    str, typer.Option("--sample", metavar="N|all", help="How many rows to copy; always at least one of every class.")
]
ScratchServer = Annotated[
    str | None,
    typer.Option(
        "--scratch",
        metavar="URL",
        help="A server on which a scratch database may be created and dropped; an embedded one when left out.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="A warning fails too.")]


def rehearse(
    source: Source = None,
    forward: ForwardFile = None,
    rollback: RollbackFile = None,
    sample: SampleSize = "10000",
    scratch: ScratchServer = None,
    plan: PlanFile = None,
    table: TableName = None,
    formats: Formats = None,
    output: Outputs = None,
    strict: Strict = False,
    timeout: Timeout = 300,
    deadline: DeadlineSeconds = None,
) -> None:
    """Rehearse the clean-up on a copy of the table: forward, checks, rollback, restore, compare, forward again."""
    from genreq_checks.postgres.url import is_database_url
    from genreq_checks.rehearsal import rehearse as run

    end = begin_deadline(deadline)
    places = pairs(formats, output)
    keep_files([file for _, file in places], plan, forward, rollback)
    size = _size(sample)
    chosen = the_plan(plan, table)
    where = source_or_variable(source)
    if not is_database_url(where):
        raise UsageError("A rehearsal needs a live database as SOURCE.", "Give a URL: postgresql://user@host/database.")
    report = run(
        chosen,
        where,
        forward=forward,
        rollback=rollback,
        sample=size,
        scratch_url=scratch,
        timeout=timeout,
        deadline=end,
        progress=_tell if sys.stderr.isatty() else None,
    )
    write(report, places)
    raise typer.Exit(report.exit_code(strict))


def _size(text: str) -> int | None:
    """The number of rows, None for all."""
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) <= 10**9:
        raise UsageError(f"--sample '{text[:20]}' is neither a number of rows nor 'all'.", "Write --sample 10000.")
    return int(text)


def _tell(step: str) -> None:
    print(f"{step} …", file=sys.stderr, flush=True)
