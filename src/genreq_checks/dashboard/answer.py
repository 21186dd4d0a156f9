"""The result of one reading: the snapshots and their report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from genreq_checks.dashboard.chart_images import Pictures, draw
from genreq_checks.dashboard.review import open_sources
from genreq_checks.dashboard.settings import Settings
from genreq_checks.errors import SourceError
from genreq_checks.evidence.commands import Call
from genreq_checks.outputs.shown import Shown, shown
from genreq_checks.plan import Plan
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.report import Report
from genreq_checks.run import check, observe, with_examples
from genreq_checks.snapshot import Snapshot

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password


@dataclass(frozen=True, slots=True)
class Answer:
    """A report and the snapshots behind it. `is_sample`: it is of the sample data, since no source was named."""

    plan: Plan
    now: Snapshot
    baseline: Snapshot | None
    cutover: datetime | None
    report: Report
    pictures: Pictures
    is_sample: bool = False

    def shown(self, now: datetime | None = None) -> Shown:
        """What the page shows, and how old it is: a live table, a snapshot, files, or sample data."""
        return shown(self.report, now)

    @property
    def unread(self) -> str | None:
        """Why the rows could not be counted, or None. A missing table is an answer, not a failure to read."""
        if self.now.tally is not None or any(problem.part == "table" for problem in self.now.problems):
            return None
        problem = self.now.problem("tally")
        return problem.text if problem else "The rows were not counted."


def reader(settings: Settings) -> Callable[[], Answer]:
    """A function that reads the source and judges it; the baseline is read once, since it does not change.

    One reading takes no longer than the settings' deadline. The first rows behind a check are read when its findings change,
    and not with each reading.
    """
    kept: Snapshot | None = None
    last: Report | None = None

    def read_one(source: str, deadline: Deadline, baseline: Snapshot | None = None) -> Snapshot:
        return observe(
            settings.plan,
            source,
            settings.cutover,
            timeout=settings.timeout,
            deadline=deadline,
            baseline=baseline,
            fingerprints="none" if settings.baseline is None else "all",
        )

    def read() -> Answer:
        nonlocal kept, last
        if settings.source is None:
            return sample()
        deadline = Deadline.after(settings.deadline)
        baseline = kept
        if settings.baseline is not None and baseline is None:
            baseline = read_one(settings.baseline, deadline)
            if baseline.problem("tally") is None:  # otherwise it could not be read now, and is read again later
                kept = baseline
        now = read_one(settings.source, deadline, baseline)
        call = Call(str(settings.plan_file) if settings.plan_file else None, settings.table, settings.variable)
        plan, cutover = settings.plan, settings.cutover
        report = check(plan, now, baseline, cutover=cutover, other_database=settings.other_database, call=call)
        if now.source.saved_in is None:
            report = with_first_rows(report, last, plan, settings.source, now, deadline)
            last = report
        return Answer(plan, now, baseline, cutover, report, draw(report, settings.history))

    return read


def with_first_rows(
    report: Report, last: Report | None, plan: Plan, source: str, now: Snapshot, deadline: Deadline
) -> Report:
    """The report with the first rows behind its failing checks: those of the last one where the findings are the same."""
    known = {check.id: check for check in last.checks} if last is not None else {}
    same = [check.id in known and known[check.id].findings == check.findings for check in report.checks]
    if all(same[n] for n, check in enumerate(report.checks) if check.outcome in ("fail", "warn")):
        kept = (
            check.model_copy(update={"examples": known[check.id].examples if same[n] else None})
            for n, check in enumerate(report.checks)
        )
        return report.model_copy(update={"checks": tuple(kept)})
    return with_examples(report, plan, source, now, deadline=deadline)


@cache
def sample() -> Answer:
    """The clean-up on the sample history, run once on an embedded PostgreSQL."""
    opened = open_sources(environment={})
    if opened.now is None:
        raise SourceError(opened.problem or "The sample could not be created.")
    report = check(opened.plan, opened.now, opened.baseline, cutover=opened.cutover)
    return Answer(opened.plan, opened.now, opened.baseline, opened.cutover, report, draw(report), is_sample=True)
