"""# rollback: the old state comes back, values included

## Problem

The columns come back at the end of the table, empty, without default, constraint or index. A rollback that was
tested on NULLs proves nothing about values.

## What is measured

In a rehearsal: after the rollback SQL, every object of the copy is compared with its state before; the archive is
restored; then every value of every column of every row is compared with the original, byte by byte, by key. In
phase `rolled-back`, on the live table: the dropped columns exist, and hold as many values of each class as in the
baseline.

## How it can be wrong

Values are restored by the plan's key: where it is not a column, or no unique index proves it, the answer is
`unknown`. In phase `rolled-back` counts are compared, not values, and rows that were written since change them;
only a rehearsal compares values. Without a baseline it is unknown. Indexes and constraints on the columns that the
rollback SQL does not create again are a warning.

## What to do

Fix the rollback SQL until the rehearsal passes. Keep the archive (`genreq-checks archive`) until the clean-up is
final, and `genreq-checks restore` it after a rollback.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import ROLLBACK, by_edit, by_sql, fault, noticed
from genreq_checks.checks.forward import judged_steps
from genreq_checks.evidence.population import not_counted, not_in_baseline
from genreq_checks.evidence.sides import Evidence
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.text import listed

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet

STEPS = {
    "archive": "Without an archive the dropped values are lost.",
    "rollback": "Change the rollback SQL: it must bring back every dropped column with its type, and change nothing else.",
    "restore": "See docs/archive.md.",
    "rolled-back": "See the checks it names.",
    "compare": "Change the rollback SQL, or what rewrites values on restore (triggers, types).",
}


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """Judged by the steps of a rehearsal, which compares every value; without one, by the baseline's counts."""
    if evidence.phase == "rehearsal":
        return judged_steps(evidence, STEPS)
    return [_column(evidence, name) for name in evidence.plan.dropped]


def _column(evidence: Evidence, name: str) -> Finding:
    baseline, now = evidence.baseline, evidence.now
    problem = now.problem("tally")
    if problem or now.tally is None:
        reason = problem.text if problem else f"{now.source.location} was read without its counts."
        return unknown(name, reason)
    if now.table is not None and now.table.column(name) is None:
        return Finding(
            subject=name,
            outcome="fail",
            message=f"{name} is not back in {now.plan_table}.",
            remedy="Apply the plan's rollback SQL.",
            evidence={"present": False},
        )
    if baseline is None:
        remedy = "Give the snapshot from before the drop: --baseline FILE."
        return unknown(name, "without a baseline the old values are not known.", remedy)
    if baseline.tally is None or not baseline.tally.has(name):
        return unknown(name, not_in_baseline(baseline, name), "Give a snapshot from before the drop.")
    if not now.tally.has(name):
        return unknown(name, not_counted(evidence, name, "all"))
    then, here = _filled(baseline.tally.count(name)), _filled(now.tally.count(name))
    evidence_ = {"before": then, "now": here}
    if baseline.tally.total == 0:
        return unknown(name, "the baseline has no rows, so it cannot show that values come back.")
    if then == here:
        message = (
            f"{name} has as many values as in the baseline: {listed(here)}. Only a rehearsal compares each of them."
        )
        return Finding(subject=name, outcome="pass", message=message, evidence=evidence_)
    less = any(here.get(label, 0) < count for label, count in then.items())
    message = f"{name} had {listed(then)} in the baseline and has {listed(here)} now."
    remedy = "Restore the archive: genreq-checks restore FILE URL" if less else "Find what wrote to it since."
    return Finding(subject=name, outcome="fail" if less else "warn", message=message, remedy=remedy, evidence=evidence_)


def _filled(counts: dict[str, int]) -> dict[str, int]:
    """The classes other than SQL NULL; a new column is NULL in every row."""
    return {label: count for label, count in counts.items() if label != "null" and count}


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    """What the restored columns hold."""
    from genreq_checks.scan.facets import content_of

    return content_of(plan, columns, plan.dropped)


FAULTS = (
    fault(
        "the rollback SQL forgets conversation",
        "rehearsal",
        by_edit(ROLLBACK, 'ALTER TABLE "generation_requests" ADD COLUMN "conversation" JSONB;', ""),
        "rollback",
    ),
    fault(
        "a table that lost its primary key",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE"),
        takes=("key",),
    ),
    noticed("download_url is back, and empty", "rolled-back", "rollback"),
    noticed("conversation is not back", "rolled-back", "rollback"),
    noticed("the forward SQL forgets conversation", "rehearsal", unknown="rollback"),
    noticed("the forward SQL begins with a byte-order mark", "rehearsal", unknown="rollback"),
    noticed("the forward SQL drops a column that stays", "rehearsal", "rollback"),
    noticed("the forward SQL fills deployment_url, which the plan does not say", "rehearsal", "rollback"),
    noticed("the forward SQL drops the table and creates it again without a status", "rehearsal", "rollback"),
)


CHECK = Check(
    name="rollback",
    title="The old state comes back, values included",
    order=160,
    page=__doc__,
    phases=frozenset({"rolled-back", "rehearsal"}),
    subjects=lambda _: ("",),
    judge=judge,
    facts=lambda _plan, _column: {"rows", "key", "earlier values"},
    facets=facets,
    faults=FAULTS,
)
