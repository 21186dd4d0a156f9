"""The checks as an assertion, for a team's own test suite."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from genreq_checks.errors import UsageError, near
from genreq_checks.plan import Plan, load_plan, parse_instant
from genreq_checks.report import PHASES, Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot

SHOWN = 5  # ids in the first line
__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password


def assert_clean(
    source: str | Path | Snapshot,
    *,
    cutover: datetime | str | None = None,
    baseline: str | Path | Snapshot | None = None,
    plan: Plan | str | Path | None = None,
    phase: Phase = "after",
    other_database: bool = False,
    strict: bool = False,
    max_lag: float | None = None,
) -> Report:
    """Check a source against the plan, and return the report when nothing failed and nothing is unknown.

    `source` and `baseline` are a database URL, a saved snapshot (.json), row files or a snapshot as it is; `cutover` is
    a point in time, read as UTC where it has no offset; `plan` a plan or its file, the built-in one when left out. With
    `strict` a warning is a failure too; `other_database` says that a baseline of another database is meant;
    `max_lag` is how many seconds a standby may be behind, the plan's when left out.

    Raises: AssertionError when a check failed or could not be judged (an unreachable database is such a case), with the
    checks' ids in its first line and the report as text below; UsageError, PlanError or SnapshotError for an invalid call.
    """
    if phase not in PHASES:
        raise UsageError(f"There is no phase '{str(phase)[:40]}'.", near(str(phase), PHASES))
    text = cutover.isoformat() if isinstance(cutover, datetime) else cutover
    moment, notes = parse_instant(text) if text is not None else (None, ())
    chosen = plan if isinstance(plan, Plan) else load_plan(plan)
    then = observe(chosen, baseline, moment) if baseline is not None else None
    now = observe(chosen, source, moment, baseline=then, fingerprints="none" if then is None else "all")
    report = check(
        chosen, now, then, cutover=moment, phase=phase, other_database=other_database, notes=notes, max_lag=max_lag
    )
    if report.exit_code(strict):
        from genreq_checks.outputs.text import render

        raise AssertionError(f"{summary(report, strict)}\n\n{render(report, width=100)}")
    return report


def summary(report: Report, strict: bool = False) -> str:
    """Which checks are no pass, in one line: pytest's short summary shows this line alone."""
    parts: list[str] = []
    for outcome in ("fail", "unknown", "warn") if strict else ("fail", "unknown"):
        ids = [one.id for one in report.checks if one.outcome == outcome]
        if ids:
            more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
            parts.append(f"{outcome}: {', '.join(ids[:SHOWN])}{more}")
    return "; ".join(parts) or report.outcome
