"""# kept: still there, with its type

## Problem

A migration that drops or changes one column too many loses data by mistake.

## What is measured

The column in the catalog, and its type, compared with the baseline where there is one, otherwise with the plan.

## How it can be wrong

Before the drop the column is `unknown` when the plan's forward SQL drops or renames it, or cannot be read; dynamic
SQL hides that, and only a rehearsal shows it. A plan that names a wrong type warns for text-like types and fails
for others; give a baseline to be sure.

## What to do

Find the migration that changed the column; restore it from a backup.
"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import PLAN, by_edit, by_sql, fault, noticed
from genreq_checks.evidence.sides import Evidence
from genreq_checks.report import Finding

TEXTUAL = ("text", "citext", "character varying", "character", "bpchar")


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """The type is compared with the baseline's, where there is one, and otherwise with the plan's."""
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
        message = f"{column} was {earlier.type} in the baseline and is {there.type} now."
        remedy = "Find the migration that changed it: the plan keeps the column as it is."
        return [Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=evidence_)]
    expected = evidence.plan.kept[column].type
    if earlier is None and expected and there.type != expected:
        alike = there.type.split("(")[0] in TEXTUAL and expected in TEXTUAL
        message = f"{column} is {there.type}; the plan says {expected}."
        remedy = "Fix the plan, or find what changed the column. A baseline (--baseline) shows which."
        return [
            Finding(
                subject=column, outcome="warn" if alike else "fail", message=message, remedy=remedy, evidence=evidence_
            )
        ]
    message = f"Still in {table} as {there.type}{', as in the baseline' if earlier else ''}."
    return [Finding(subject=column, outcome="pass", message=message, evidence=evidence_)]


DROP = 'ALTER TABLE "generation_requests" DROP COLUMN "conversation"'
ALL_THREE = "kept.github_url kept.artifacts_github_url kept.deployment_url"
FAULTS = (
    fault(
        "a table of another name",
        "before",
        by_sql("ALTER TABLE generation_requests RENAME TO requests"),
        takes=("catalog", "values"),
    ),
    fault(
        "forward SQL that is not SQL",
        "before",
        by_edit(PLAN, DROP, "to be written"),
        takes=("forward SQL", "values"),
    ),
    fault(
        "forward SQL that drops a column that stays",
        "before",
        by_edit(PLAN, DROP, f'{DROP}, DROP COLUMN "github_url"'),
        unknown="kept.github_url",
    ),
    fault(
        "forward SQL that does not drop a column that goes",
        "before",
        by_edit(PLAN, DROP, "SELECT 1"),
    ),
    fault(
        "github_url with another type",
        "after",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN github_url TYPE character varying(2000)"),
        "kept.github_url",
    ),
    fault(
        "artifacts_github_url with another type",
        "after",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN artifacts_github_url TYPE character varying(2000)"),
        "kept.artifacts_github_url",
    ),
    fault(
        "deployment_url with another type",
        "after",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN deployment_url TYPE character varying(2000)"),
        "kept.deployment_url",
    ),
    fault(
        "a table of another name",
        "after",
        by_sql("ALTER TABLE generation_requests RENAME TO requests"),
        takes=("catalog", "rows", "key"),
    ),
    noticed("the forward SQL forgets conversation", "rehearsal", unknown=ALL_THREE),
    noticed("the forward SQL begins with a byte-order mark", "rehearsal", unknown=ALL_THREE),
    noticed("the forward SQL drops the table and creates it again without a status", "rehearsal", *ALL_THREE.split()),
)


CHECK = Check(
    name="kept",
    title="{subject}: still there, with its type",
    order=60,
    page=__doc__,
    phases=frozenset({"before", "held", "after", "rolled-back", "rehearsal"}),
    subjects=lambda plan: tuple(plan.kept),
    judge=judge,
    facts=lambda _plan, _subject: {"catalog", "forward SQL"},
    faults=FAULTS,
)
