"""The report about one generation: the check `generation` alone, with the run's steps."""

from __future__ import annotations

from datetime import UTC, datetime

from genreq_checks import __version__
from genreq_checks.checks.generation import CHECK
from genreq_checks.evidence import Evidence
from genreq_checks.generation_facts import GenerationFacts
from genreq_checks.inputs import Inputs
from genreq_checks.plan import Plan
from genreq_checks.results import PlanInfo, Report, RequirementResult, Tool, overall, tally_outcomes
from genreq_checks.run import result
from genreq_checks.snapshot import Snapshot, SourceInfo


def report_on(plan: Plan, facts: GenerationFacts) -> Report:
    """Judge a run. The other checks of the plan are not in the report: one row proves no rate."""
    source = SourceInfo(kind="postgresql", location=facts.database, read_at=datetime.now(UTC))
    snapshot = Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=source,
    )
    evidence = Evidence(plan, "generation", snapshot, inputs=Inputs(generation=facts))
    judged = result(evidence, CHECK, "")
    counts = tally_outcomes([judged])
    return Report(
        tool=Tool(version=__version__),
        plan=PlanInfo(
            title=plan.title,
            table=plan.table.qualified,
            cutover=plan.cutover,
            fingerprint=plan.fingerprint,
            cohort=f"{plan.cohort.column} in ({', '.join(plan.cohort.values)})",
        ),
        phase="generation",
        sources={"after": source},
        outcome=overall(counts),
        counts=counts,
        checks=(judged,),
        requirements=tuple(
            RequirementResult(
                id=one.id,
                text=one.text,
                checks=one.checks,
                outcome=judged.outcome,
                unproven=(judged.id,) if judged.outcome in ("unknown", "skip") else (),
            )
            for one in plan.requirements
            if one.checks == (judged.id,)
        ),
        steps=facts.steps,
        notes=facts.events,
    )
