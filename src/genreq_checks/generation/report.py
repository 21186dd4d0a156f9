"""The report about one generation: the check `generation` alone, with the run's steps."""

from __future__ import annotations

from datetime import UTC, datetime

from genreq_checks import __version__
from genreq_checks.facts import GenerationFacts, SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.results import Report
from genreq_checks.run import check
from genreq_checks.snapshot import Snapshot


def report_on(plan: Plan, facts: GenerationFacts) -> Report:
    """Judge a run. The other checks of the plan are not in the report: one row proves no rate."""
    snapshot = Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(kind="postgresql", location=facts.database, read_at=datetime.now(UTC)),
        generation=facts,
    )
    report = check(plan, snapshot, phase="generation", only=["generation"])
    return report.model_copy(update={"steps": facts.steps, "notes": facts.events})
