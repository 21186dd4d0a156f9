"""The complete clean-up on a copy, forward, rollback and forward again: judged by its effects, not by its messages.

    report = rehearse(load_plan(), "postgresql://…")

The source is only read. See docs/rehearsal.md.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa

from genreq_checks import __version__
from genreq_checks.errors import GenreqError, UsageError
from genreq_checks.facts import SourceInfo, Step
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.waiting import LimitError, named
from genreq_checks.rehearsal.answer import Answer
from genreq_checks.rehearsal.apply import explain
from genreq_checks.rehearsal.command_log import SETTINGS
from genreq_checks.rehearsal.commands import Commands
from genreq_checks.rehearsal.sql_file import parse_sql, read_sql
from genreq_checks.rehearsal.stages import Stages
from genreq_checks.report import Report
from genreq_checks.run import check
from genreq_checks.scratch.database import open_scratch
from genreq_checks.snapshot import Problem, Snapshot

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

SAMPLE = 10_000
NEEDED = ("copy", "before", "forward", "rollback")  # when one of these fails, the later steps cannot run


def rehearse(
    plan: Plan,
    source_url: str,
    *,
    forward: str | Path | None = None,
    rollback: str | Path | None = None,
    sample: int | None = SAMPLE,
    scratch_url: str | None = None,
    timeout: float = 300,
    deadline: Deadline | None = None,
    progress: Callable[[str], None] | None = None,
    commands: Commands | None = None,
    staged: bool = False,
) -> Report:
    """Rehearse the clean-up on a copy of the source, and report each step (`Report.steps`) and what it proves.

    `forward` and `rollback` are SQL files; the plan's own SQL when left out. `sample` is the number of copied rows (at
    least one of every class), None for all of them. `scratch_url` names a server on which a database may be created for
    the rehearsal; an embedded one is used when left out. `timeout` is that of each statement on the source, in seconds;
    `deadline` bounds the rehearsal: the step that it ends, and the later ones, are `unknown`. `progress` receives the
    name of each step as it begins. `commands` run on copies of their own: see `rehearsal.commands`. `staged`: first hide the
    columns by the files of `stage`, run a generation, and undo it.

    Raises: UsageError for invalid files and URLs, SourceError or EmbeddedServerError when there is no
    scratch database. A problem with the source is a step that is `unknown`.
    """
    forward_file = read_sql(forward) if forward is not None else parse_sql(plan.forward_sql, "the plan's forward SQL")
    own = parse_sql(plan.sql.rollback, "the plan's rollback SQL") if plan.sql.rollback is not None else None
    back_file = read_sql(rollback) if rollback is not None else own  # None: made from the copy's catalog
    late = plan.sql.after_restore
    late_file = parse_sql(late, "the plan's SQL after the restore") if late is not None else None
    target = parse(source_url)
    if commands is not None and scratch_url is not None:
        raise UsageError("Commands run in the embedded server only, whose log is read.", "Leave --scratch out.")
    settings = SETTINGS if commands is not None else None
    scratch = open_scratch(scratch_url, target, settings, network=commands is not None)
    with scratch as place, tempfile.TemporaryDirectory(prefix="genreq-rehearsal-") as folder:
        stages = Stages(
            plan, target, place, Path(folder), forward_file, back_file, sample, timeout, deadline, commands, staged
        )
        stages.late_file = late_file
        with closing(stages):
            steps = _walk(stages, progress or (lambda _: None))
    source = stages.copied.source if stages.copied else None
    return _report(plan, stages, steps, source or _unread(target.location))


def _walk(stages: Stages, progress: Callable[[str], None]) -> tuple[Step, ...]:
    """Run the steps one after the other; those that cannot run are unknown, and say why."""
    steps: list[Step] = []
    stopped: str | None = None
    for name, make in stages.steps().items():
        if stopped is not None:
            message = f"Not made: the step {stopped} did not succeed."
            steps.append(Step(name=name, outcome="unknown", seconds=0, message=message))
            continue
        if stages.deadline is not None and stages.deadline.left <= 0:
            message = f"Not made: {named('deadline', stages.deadline.seconds)} passed."
            steps.append(Step(name=name, outcome="unknown", seconds=0, message=message))
            continue
        progress(name)
        started = time.monotonic()
        answer = _make(make)
        if not answer.goes_on and name in NEEDED:
            stopped = name
        seconds = round(time.monotonic() - started, 3)
        steps.append(
            Step(name=name, outcome=answer.outcome, seconds=seconds, message=answer.message, locks=answer.locks)
        )
    return tuple(steps)


def _make(make: Callable[[], Answer]) -> Answer:
    try:
        return make()
    except GenreqError as error:
        return Answer("unknown", str(error), goes_on=False)
    except LimitError as error:
        return Answer("unknown", f"Stopped: {error}.", goes_on=False)
    except psycopg.Error as error:
        return Answer("unknown", f"The scratch database failed: {explain(error)}.", goes_on=False)
    except sa.exc.DBAPIError as error:
        cause = error.orig
        text = explain(cause) if isinstance(cause, psycopg.Error) else type(cause).__name__
        return Answer("unknown", f"The scratch database failed: {text}.", goes_on=False)


def _report(plan: Plan, stages: Stages, steps: tuple[Step, ...], source: SourceInfo) -> Report:
    """The checks of a rehearsal, from the results of its steps. Rates are left out: a sample's rate proves nothing."""
    reason = next(
        (step.message for step in steps if step.outcome == "unknown"), "The rehearsal did not reach this step."
    )
    nothing = Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=source,
        problems=(Problem(part="connection", message=reason),),
    )
    now = (stages.after_snapshot or nothing).with_evidence(
        rehearsal=steps, commands=stages.runs if stages.commands else None
    )
    report = check(plan, now, stages.baseline, phase="rehearsal")
    nothing_of_a_sample: dict[str, object] = {
        "rates": (),
        "changes": (),
        "derivation": (),
        "meanwhile": (),
        "daily": (),
        "statuses": {},
    }
    return report.model_copy(update={"steps": steps, "sources": {"after": source}, **nothing_of_a_sample})


def _unread(location: str) -> SourceInfo:
    return SourceInfo(kind="postgresql", location=location, read_at=datetime.now(UTC))
