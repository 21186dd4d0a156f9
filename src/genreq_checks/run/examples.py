"""The first rows behind each failing check: read after it was judged, bounded, masked, and put into the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.checks import checks_of, needs_of
from genreq_checks.checks.behind import count_behind, count_of, selection_of
from genreq_checks.plan import Plan
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.url import is_database_url
from genreq_checks.report import Report
from genreq_checks.snapshot import Snapshot

if TYPE_CHECKING:
    from genreq_checks.sources.first_rows import Wanted

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
STATEMENT_SECONDS = 10.0
ALL_SECONDS = 30.0


def with_examples(
    report: Report,
    plan: Plan,
    source: str | Path | Snapshot,
    now: Snapshot,
    *,
    timeout: float = STATEMENT_SECONDS,
    deadline: Deadline | None = None,
) -> Report:
    """The report with the first rows behind each check that failed or warns, where the source is a database.

    `now` is what was judged: rows are read only of the kinds that it counted. All of it takes at most `ALL_SECONDS`, and
    no longer than `deadline`. A row that could not be read is the examples' problem; it changes no outcome.
    """
    if isinstance(source, Snapshot) or not is_database_url(str(source)):
        return report
    wanted = list(_wanted(report, plan, now))
    if not wanted or now.problem("tally") is not None:
        return report
    from genreq_checks.sources.first_rows import first_rows

    left = ALL_SECONDS if deadline is None else min(ALL_SECONDS, deadline.left)
    found = first_rows(
        plan,
        str(source),
        wanted,
        report.plan.cutover,
        min(timeout, STATEMENT_SECONDS),
        Deadline.after(left),
    )
    made = (check.model_copy(update={"examples": found.get(check.id)}) for check in report.checks)
    return report.model_copy(update={"checks": tuple(made)})


def _wanted(report: Report, plan: Plan, now: Snapshot) -> Iterator[Wanted]:
    from genreq_checks.sources.first_rows import Wanted

    made = {one.id(subject): (one, subject) for one, subject in checks_of(plan)}
    for result in report.checks:
        one, subject = made.get(result.id, (None, ""))
        selection = selection_of(one, plan, subject) if one is not None else None
        if one is None or selection is None or result.outcome not in ("fail", "warn"):
            continue
        tally, cutover = now.tally, report.plan.cutover
        picks = tuple(pick for pick in selection.picks if count_of(tally, pick, plan, cutover) != 0)
        if picks:
            of = count_behind(tally, selection, plan, cutover)
            yield Wanted(result.id, replace(selection, picks=picks), needs_of(plan, [one]), of)
