"""What a review shows: the configured or typed sources, the days of a cutover, and tables."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cache
from math import isinf
from typing import Any

from genreq_checks.checks import needs_of, rows_behind, with_rows
from genreq_checks.dashboard.arguments import read_arguments
from genreq_checks.errors import GenreqError
from genreq_checks.plan import Plan, load_plan, parse_instant
from genreq_checks.postgres.url import is_database_url
from genreq_checks.report import WORST_FIRST, CheckResult, Report
from genreq_checks.run import observe
from genreq_checks.snapshot import Snapshot
from genreq_checks.tally.periods import Unit, day_number, day_of, next_begin
from genreq_checks.text import bounds, percent, points, span

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

DATABASE = "LEO_DATABASE_URL"
VARIABLES = {
    "source": "GENREQ_SOURCE",
    "baseline": "GENREQ_BASELINE",
    "cutover": "GENREQ_CUTOVER",
    "plan": "GENREQ_PLAN",
}
CALLOUTS = {"pass": "success", "warn": "warn", "fail": "danger", "unknown": "neutral"}  # marimo's kind for an outcome
Cells = dict[str, str | int | None]
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Opened:
    """What was read for a review, once. Without `now`, `problem` says why, and never holds a password.

    `cutover` is the configured instant, `url` the database that was read, `is_sample`: it is the sample data.
    """

    plan: Plan
    now: Snapshot | None = None
    baseline: Snapshot | None = None
    cutover: datetime | None = None
    url: str | None = field(default=None, repr=False)
    is_sample: bool = False
    problem: str | None = None


def open_sources(
    source: str = "",
    baseline: str = "",
    evidence: Mapping[str, Any] | None = None,
    *,
    arguments: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Opened:
    """Read what was typed, else what the arguments or the environment name, else the sample before and after the clean-up.

    `arguments` are the notebook's: source, baseline, cutover and plan. In the environment GENREQ_SOURCE or LEO_DATABASE_URL
    is the source, GENREQ_BASELINE the baseline (each a database URL, a snapshot or row files), GENREQ_CUTOVER the instant of
    the change, GENREQ_PLAN another plan. `evidence` are files and folders by the name of what reads them, as in `observe`;
    they are read beside the source, the sample too.
    """
    given = os.environ if environment is None else environment
    named = {name: given.get(variable, "").strip() for name, variable in VARIABLES.items()}
    beside = evidence or {}
    plan = load_plan()
    try:
        named |= read_arguments(arguments or {}, VARIABLES)
        where = source.strip() or named["source"] or given.get(DATABASE, "").strip()
        plan = load_plan(named["plan"]) if named["plan"] else plan
        cutover = parse_instant(named["cutover"])[0] if named["cutover"] else plan.cutover
        if not where:
            sample = _sample()
            told = observe(sample.plan, sample.now, sample.cutover, **beside) if sample.now and beside else sample.now
            return replace(sample, now=told)
        then = baseline.strip() or named["baseline"]
        before = observe(plan, then, cutover) if then else None
        now = observe(plan, where, cutover, baseline=before, **beside)
    except GenreqError as error:
        return Opened(plan, problem=str(error))
    problem = now.problem("tally")
    url = where if is_database_url(where) else None
    return Opened(plan, now, before, cutover, url, problem=problem.text if problem else None)


def source_sentence(opened: Opened, place: str) -> str:
    """What was read, by whom and when; for the sample also that it is one, and where to name a source."""
    if opened.now is None:
        return opened.problem or "Nothing was read."
    source = opened.now.source
    who = f" as {source.role}" if source.role else ""
    sample = f" This is the sample data: name a source {place} to see your own." if opened.is_sample else ""
    return f"Read-only from {source.location}{who}, {source.read_at:%Y-%m-%d %H:%M} UTC.{sample}"


def _sample() -> Opened:
    with _one_at_a_time:
        return _sample_once()


@cache
def _sample_once() -> Opened:
    from genreq_checks.demo import sample_snapshots

    made = sample_snapshots()
    return Opened(made.plan, made.after, made.before, made.cutover, is_sample=True)


def days_to_choose(now: Snapshot, cutover: datetime | None = None) -> tuple[date, ...]:
    """The possible days of a cutover: those with rows, the day after the last of them, and the configured one."""
    unit: Unit = now.tally.unit if now.tally else "day"
    found: set[date] = set()
    for day in {row.day for row in now.tally.rows} if now.tally else ():
        if day is not None and not isinf(day_number(day)):
            found.add(date.fromisoformat(day))
    if found and max(found).year < date.max.year:
        after = datetime.combine(max(found), time(0, 0, 1), UTC)
        found.add(next_begin(after, unit).date())
    if cutover is not None:
        found.add(date.fromisoformat(day_of(cutover)))
    return tuple(sorted(found))


def chosen_first(days: Sequence[date], cutover: datetime | None) -> int:
    """The index of the configured cutover's day among the days, otherwise the last index; 0 when there are no days."""
    day = date.fromisoformat(day_of(cutover)) if cutover is not None else None
    return days.index(day) if day in days else max(0, len(days) - 1)


def cutover_on(day: date, configured: datetime | None) -> datetime:
    """The instant for a chosen day: the configured instant on its own day, otherwise the beginning of the day in UTC."""
    if configured is not None and day.isoformat() == day_of(configured):
        return configured
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def statuses_to_choose(plan: Plan, now: Snapshot) -> tuple[str, ...]:
    """The statuses that occur, and the cohort's own, whether they occur or not."""
    found = now.tally.own_statuses() if now.tally else ()
    return tuple(dict.fromkeys((*plan.cohort.values, *filter(None, found))))


def with_cohort(plan: Plan, values: Iterable[str]) -> Plan:
    """The plan for rows of other statuses; the unchanged plan when no statuses or its own are chosen."""
    chosen = tuple(values)
    if not chosen or set(chosen) == set(plan.cohort.values):
        return plan
    return plan.model_copy(update={"cohort": plan.cohort.model_copy(update={"values": chosen})})


def checks_with_rows(plan: Plan) -> tuple[str, ...]:
    """The ids of the checks behind whose findings there are rows of the table."""
    return with_rows(plan)


def offending_rows(
    opened: Opened, plan: Plan, check_id: str, cutover: datetime | None, limit: int = 1000
) -> list[Cells] | str:
    """Read the rows behind a check by key, values masked, at most `limit`; or a sentence why they cannot be listed."""
    if opened.url is None:
        return f"Rows can only be listed from a database: genreq-checks rows {check_id} URL"
    from genreq_checks.sources.rows import listing

    try:
        one, selection = rows_behind(plan, check_id)
        with listing(plan, opened.url, selection, needs_of(plan, [one]), cutover, limit=limit) as found:
            return [
                {name: _unlinked(value) for name, value in zip(found.header, row, strict=True)} for row in found.rows
            ]
    except GenreqError as error:
        return str(error)


def _unlinked(value: str | None) -> str | None:
    """A masked value of which no table makes a link."""
    return value.replace("://", ":\N{WORD JOINER}//") if value is not None else None


def rate_rows(report: Report) -> list[Cells]:
    """The report's rates, one line for each column and side."""
    return [
        {
            "column": rate.column,
            "side": rate.side,
            "populated": percent(rate.populated, rate.rows),
            "95 % interval": bounds(rate.low, rate.high),
            "populated rows": rate.populated,
            "rows": rate.rows,
            "null": rate.null,
            "blank": rate.blank,
            "malformed": rate.malformed,
        }
        for rate in report.rates
    ]


def change_rows(report: Report) -> list[Cells]:
    """After − before for each column, in percentage points with the interval."""
    return [
        {
            "column": change.column,
            "points": "" if change.difference is None else points(change.difference),
            "95 % interval": span(change.low, change.high),
        }
        for change in report.changes
    ]


def finding_rows(checks: Iterable[CheckResult]) -> list[Cells]:
    """Every finding of some checks, worst first as in the report: outcome, check, subject, message, what to do."""
    return [
        {"outcome": f.outcome, "check": check.id, "subject": f.subject, "message": f.message, "what to do": f.remedy}
        for check in checks
        for f in check.findings
    ]


def rows_beside(report: Report, shown: tuple[str, ...]) -> list[Cells]:
    """The findings of the checks whose ids begin with none of `shown`, worst first; of what was not asked for none."""
    beside = [check for check in report.checks if not check.id.startswith(shown) and check.outcome != "skip"]
    return finding_rows(sorted(beside, key=lambda check: WORST_FIRST.index(check.outcome)))


def requirement_rows(report: Report) -> list[Cells]:
    """Requirement → checks → outcome, with what is unproven."""
    return [
        {"requirement": r.text, "outcome": r.outcome, "checks": ", ".join(r.checks), "unproven": ", ".join(r.unproven)}
        for r in report.requirements
    ]
