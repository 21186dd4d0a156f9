"""kept.<column>: still there, and of the same type."""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.results import Finding

TEXTUAL = ("text", "citext", "character varying", "character", "bpchar")


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """The type is held against the baseline's, where there is one, and else against the plan's."""
    facts, problem = evidence.now.table, evidence.now.problem()
    if problem or facts is None:
        return [
            unknown(
                column,
                problem.text if problem else f"{evidence.now.source.location} has no catalog of columns and types.",
            )
        ]
    there = facts.column(column)
    table = evidence.now.plan_table
    if there is None:
        message = f"{table} has no column {column}, which the plan keeps."
        remedy = "Put it back (ALTER TABLE … ADD COLUMN) and restore its values from a backup."
        return [Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence={"present": False})]
    evidence_ = {"present": True, "type": there.type}
    earlier = evidence.baseline.table.column(column) if evidence.baseline and evidence.baseline.table else None
    if earlier is not None and earlier.type != there.type:
        message = f"{column} was {earlier.type} at the baseline and is {there.type} now."
        remedy = "Find the migration that changed it: the plan keeps the column as it is."
        return [Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=evidence_)]
    expected = evidence.plan.kept[column].type
    if earlier is None and expected and there.type != expected:
        alike = there.type.split("(")[0] in TEXTUAL and expected in TEXTUAL
        message = f"{column} is {there.type}; the plan says {expected}."
        remedy = "Fix the plan, or find what changed the column. A baseline (--baseline) tells which."
        return [
            Finding(
                subject=column, outcome="warn" if alike else "fail", message=message, remedy=remedy, evidence=evidence_
            )
        ]
    message = f"Still in {table} as {there.type}{', as at the baseline' if earlier else ''}."
    return [Finding(subject=column, outcome="pass", message=message, evidence=evidence_)]


CHECK = Check(
    name="kept",
    title="{subject}: still there, with its type",
    phases=frozenset({"before", "after", "rolled-back", "rehearsal"}),
    subjects=lambda plan: tuple(plan.kept),
    judge=judge,
)
