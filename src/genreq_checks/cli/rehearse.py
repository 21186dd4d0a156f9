"""`genreq-checks rehearse`: the complete clean-up on a copy, forward, rollback and forward again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from genreq_checks.text import escape_controls

if TYPE_CHECKING:
    from genreq_checks.facts.commands import At
    from genreq_checks.rehearsal.commands import Commands

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
Run = Annotated[
    list[str] | None,
    typer.Option(
        "--run",
        metavar="COMMAND",
        help="A command to run on a copy, with the copy's URL in each variable that holds a PostgreSQL URL; repeatable.",
    ),
]
When = Annotated[
    list[str] | None,
    typer.Option(
        "--at", metavar="before|after", help="When --run runs: before the forward SQL or after it; repeatable."
    ),
]
RunTimeout = Annotated[float, typer.Option("--run-timeout", metavar="SECONDS", help="The limit of each --run.")]
Staged = Annotated[
    bool, typer.Option("--staged", help="First hide the columns by the files of 'stage', and bring them back.")
]
Strict = Annotated[bool, typer.Option("--strict", help="A warning fails too.")]


def rehearse(
    source: Source = None,
    forward: ForwardFile = None,
    rollback: RollbackFile = None,
    sample: SampleSize = "10000",
    scratch: ScratchServer = None,
    run: Run = None,
    at: When = None,
    run_timeout: RunTimeout = 600,
    staged: Staged = False,
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
    from genreq_checks.rehearsal import rehearse as make

    end = begin_deadline(deadline)
    places = pairs(formats, output)
    keep_files([file for _, file in places], plan, forward, rollback)
    size = _size(sample)
    chosen = the_plan(plan, table)
    commands = _commands(run, at, run_timeout)
    where = source_or_variable(source)
    if not is_database_url(where):
        raise UsageError("A rehearsal needs a live database as SOURCE.", "Give a URL: postgresql://user@host/database.")
    report = make(
        chosen,
        where,
        forward=forward,
        rollback=rollback,
        sample=size,
        scratch_url=scratch,
        timeout=timeout,
        deadline=end,
        progress=_tell if sys.stderr.isatty() else None,
        commands=commands,
        staged=staged,
    )
    write(places, report)
    raise typer.Exit(report.exit_code(strict))


def _commands(lines: list[str] | None, at: list[str] | None, seconds: float) -> Commands | None:
    """What to run; None where nothing is to run."""
    from genreq_checks.rehearsal.commands import Commands
    from genreq_checks.rehearsal.environment import POSTGRESQL_URL

    states: list[At] = []
    for word in at or ["after"]:
        if word not in ("before", "after"):
            raise UsageError("--at is neither before nor after.", "Write --at before, --at after, or both.")
        states.append("before" if word == "before" else "after")
    if not lines:
        if at:
            raise UsageError("--at says when a command runs, and there is none.", "Give --run COMMAND.")
        return None
    if not all(line.strip() for line in lines):
        raise UsageError("--run has no command.", "Write --run 'npm test'.")
    if any(POSTGRESQL_URL.search(line) for line in lines):
        raise UsageError(
            "--run has a PostgreSQL URL in it, so the command would run there.",
            "Let it take the URL from a variable, whose value is replaced; write it in single quotes: '$DATABASE_URL'.",
        )
    if not 0 < seconds <= 86_400:
        raise UsageError("--run-timeout is not a number of seconds up to a day.", "Write --run-timeout 600.")
    return Commands(tuple(lines), tuple(states), seconds, _say)


def _say(text: str) -> None:
    print(escape_controls(text), file=sys.stderr, flush=True)


def _size(text: str) -> int | None:
    """The number of rows, None for all."""
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) <= 10**9:
        raise UsageError(f"--sample '{text[:20]}' is neither a number of rows nor 'all'.", "Write --sample 10000.")
    return int(text)


def _tell(step: str) -> None:
    print(f"{step} …", file=sys.stderr, flush=True)
