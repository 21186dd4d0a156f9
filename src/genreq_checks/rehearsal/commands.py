"""Commands that run on copies of the rehearsed database, as it was and without the columns; and what they met there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import psycopg

from genreq_checks.errors import GenreqError
from genreq_checks.facts.commands import At, CommandRun, FailedStatement
from genreq_checks.facts.queries import Judgement
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS
from genreq_checks.postgres.sql_lexer import statements, words
from genreq_checks.rehearsal.blame import COLLATERAL, failed_statements
from genreq_checks.rehearsal.command_copy import ORIGINAL, CommandCopy
from genreq_checks.rehearsal.command_log import CommandLog, Failure, read_log
from genreq_checks.rehearsal.environment import Environment
from genreq_checks.rehearsal.logins import read_logins
from genreq_checks.rehearsal.processes import Ended, run_command
from genreq_checks.rehearsal.sql_file import SqlFile
from genreq_checks.scratch.database import Scratch
from genreq_checks.sources.oracle import open_oracle
from genreq_checks.sources.oracle.family import Member
from genreq_checks.sources.oracle.routines import names_in
from genreq_checks.sources.queries.masking import masked, shown
from genreq_checks.text import line, listed, plural, redact

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

LONGEST = 300  # characters of a command that a report shows
_OPTION = re.compile(r"(--?[\w-]*(?:password|passwd|secret|token|api-?key)[= ]+)\S+", re.IGNORECASE)
_DDL = frozenset(("create", "alter", "drop"))


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines of shell to run, at which states of the table, for at most how many seconds each; `said` gets the end of the
    output of one that did not succeed.
    """

    lines: tuple[str, ...]
    at: tuple[At, ...] = ("after",)
    seconds: float = 600
    said: Callable[[str], None] = lambda _: None


def shown_command(command: str, *secrets: str) -> str:
    """A command as a report may show it: one line, without passwords and the values of options that are named like one."""
    return line(_OPTION.sub(r"\1***", redact(command, *secrets)), LONGEST)


@dataclass(slots=True)
class _Run:
    """One run, and what must still be judged of it."""

    run: CommandRun
    failures: tuple[Failure, ...] = ()


def run_commands(
    plan: Plan,
    target: Target,
    scratch: Scratch,
    search_path: str,
    forward: SqlFile,
    commands: Commands,
    timeout: float,
    deadline: Deadline | None,
) -> tuple[CommandRun, ...]:
    """Run each command on a copy of its own, and judge what failed there.

    Raises: SourceError, psycopg.Error, sqlalchemy.exc.DBAPIError when the source's roles or the copy cannot be read.
    """
    server = scratch.running
    assert server is not None
    with reading(target, timeout, deadline) as connection:
        logins = read_logins(connection)
    with psycopg.connect(server.url(ORIGINAL), autocommit=True, prepare_threshold=None) as there:
        logins.place(there)
    made: list[_Run] = []
    with psycopg.connect(server.url(), autocommit=True, prepare_threshold=None) as admin:
        for at in sorted(set(commands.at), reverse=True):  # before comes first
            for command in commands.lines:
                name = f"command_{len(made) + 1}"
                one = CommandCopy(plan, target, scratch, admin, logins, name, search_path)
                made.append(_run(one, forward if at == "after" else None, command, commands, deadline))
    return _judged(plan, parse(server.url(ORIGINAL)), made, deadline)


def _run(
    place: CommandCopy, forward: SqlFile | None, command: str, commands: Commands, deadline: Deadline | None
) -> _Run:
    """Run one command on its copy, and read what the server logged."""
    secrets = place.target.secrets
    run = CommandRun(shown_command(command, *secrets), "before" if forward is None else "after")
    around = place.environment()
    if not around.replaced:
        problem = "no variable of the environment holds a PostgreSQL URL, so the command was not run."
        remedy = "Set the variable from which it takes the database's URL; the copy's URL takes its place."
        return _Run(replace(run, problem=problem, remedy=remedy))
    left = min(commands.seconds, deadline.left) if deadline is not None else commands.seconds
    if left <= 0:
        return _Run(replace(run, problem="the deadline passed before the command was run."))
    error = place.make(forward, deadline)
    if error is not None:
        return _Run(replace(run, problem=f"the forward SQL failed on the command's copy: {error}."))
    before, names, uses = place.family(), place.names(), place.uses()
    assert place.scratch.running is not None
    try:
        ended = run_command(command, around.variables, left)
        log = read_log(place.admin, place.scratch.running.folder, place.name)
    except TimeoutError:
        return _Run(replace(run, problem="the copy's server did not write its log."))
    except OSError as failed:
        return _Run(replace(run, problem=f"the command could not be started: {failed.strerror}."))
    if ended.code != 0 or not log.sessions:
        _tell(run, ended, commands.said, (*secrets, *(one.password for one in place.logins.known.values())))
    problem, remedy = _problem(run, around, log, before, place.family())
    if place.uses() == uses:  # a statement with its name was about a table of another schema
        names = frozenset()
    return _Run(_counted(run, ended, around, log, names, problem, remedy), tuple(log.failures))


def _problem(
    run: CommandRun, around: Environment, log: CommandLog, before: Sequence[Member], now: Sequence[Member]
) -> tuple[str, str]:
    """Why nothing follows from a run, and what to do; '' where something does."""
    if not log.sessions:
        variables = f"{', '.join(around.replaced)} had the copy's URL"
        removed = f", and {', '.join(around.removed)} was removed" if around.removed else ""
        remedy = "Let the command take the database's URL from one of these variables."
        return f"the command did not connect to the copy: {variables}{removed}.", remedy
    names = {member.name.lower() for member in before}
    if run.at == "after" and (before != now or any(_changes(text, names) for text in log.began)):
        remedy = "Let it run on the table as it is, without its own migration or set-up of the table."
        return "the command itself changes the table's definition, so the columns may have been there again.", remedy
    return "", ""


def _changes(text: str, names: Collection[str]) -> bool:
    """Does a statement define or change something of one of these names? A DO block may do so too."""
    first, said = next(words(text), ""), names_in(text)
    return not said.isdisjoint(names) and (first in _DDL or (first == "do" and not said.isdisjoint(_DDL)))


def _counted(
    run: CommandRun,
    ended: Ended,
    around: Environment,
    log: CommandLog,
    names: frozenset[str],
    problem: str,
    remedy: str,
) -> CommandRun:
    """The run with what the log has of it; `names` are the table's and those of its views. A statement that failed did
    nothing on the table.
    """
    failed = Counter(text for one in log.failures for text in statements(one.statement))
    collateral = sum(one.state == COLLATERAL for one in log.failures)
    return replace(
        run,
        code=ended.code,
        seconds=ended.seconds,
        replaced=around.replaced,
        sessions=log.sessions,
        statements=(log.began | failed).total(),
        on_table=sum(n for text, n in (log.began - failed).items() if not names.isdisjoint(names_in(text))),
        collateral=collateral,
        problem=problem,
        remedy=remedy,
    )


def _tell(run: CommandRun, ended: Ended, said: Callable[[str], None], secrets: Sequence[str]) -> None:
    """Say how a command ended, with the end of its output, in which no password stands."""
    how = "was stopped, its time was over" if ended.code is None else f"ended with {ended.code}"
    said(f"{run.command} ({run.at}) {how}; the end of its output:")
    for text in ended.last:
        said(f"    {redact(text, *secrets)}")


def _judged(plan: Plan, original: Target, made: Sequence[_Run], deadline: Deadline | None) -> tuple[CommandRun, ...]:
    """The runs with their failed statements; the oracle is asked only where there are any."""
    if not any(one.state != COLLATERAL for run in made for one in run.failures):
        return tuple(one.run for one in made)
    try:
        with reading(original) as connection, open_oracle(connection, original, plan, deadline) as oracle:
            return tuple(replace(one.run, failed=failed_statements(oracle, one.failures)) for one in made)
    except (GenreqError, *DRIVER_ERRORS) as error:
        reason = error.message if isinstance(error, GenreqError) else type(error).__name__
        return tuple(replace(one.run, failed=_unjudged(plan, one.failures, reason)) for one in made)


def _unjudged(plan: Plan, failures: Sequence[Failure], reason: str) -> tuple[FailedStatement, ...]:
    unknown = Judgement(dict.fromkeys(plan.dropped, "unknown"), dict.fromkeys(plan.dropped, reason))
    counted = Counter((masked(one.statement), one.state) for one in failures if one.state != COLLATERAL)
    return tuple(
        FailedStatement(shown(text, understood=False), state, calls, "", unknown)
        for (text, state), calls in counted.items()
    )


def summary(run: CommandRun) -> str:
    """A run in one sentence."""
    if run.code is None and run.problem:
        return f"{run.command} ({run.at}): {run.problem}"
    how = f"ended with {run.code}" if run.code is not None else "did not end in time"
    states = Counter(f"with {one.state}" for one in run.failed for _ in range(one.calls))
    failed = f", failed: {listed(states)}" if states else ""
    beside = f" ({run.problem.rstrip('.')})" if run.problem else ""
    return f"{run.command} ({run.at}): {how} after {plural(run.statements, 'statement')}{failed}{beside}"
