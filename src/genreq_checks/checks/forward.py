"""# forward: the SQL does what the plan says, and nothing breaks

## Problem

A migration can print success and drop too little, too much or nothing: a DO block hides an error, a COMMIT in the
middle keeps half of the changes, CASCADE drops a view too, a column is renamed instead of dropped. And a trigger
that reads the dropped column does not stop the drop, but makes every later UPDATE fail.

## What is measured

`genreq-checks rehearse` runs the file on a scratch copy and compares the catalog of the whole copy (tables,
columns, types, constraints, indexes, views, functions, triggers, policies, privileges) and the rows of all its
tables before and after. A change that is not in the plan is a failure, also when the SQL reported success. Then
real rows are updated, deleted and inserted as they are, and rolled back, or, where the plan takes the application's messages, a
generation runs end to end (INSERT, UPDATE by the completion message, SELECT); functions are checked again, and, after the
rollback, the same SQL runs again.

## How it can be wrong

The copy has a sample of the rows, at least one of every class. A function that nothing calls is judged by its text
and only warns. Other tables are copied with at most 1,000 rows each.

## What to do

Change the SQL, or the plan if the plan is wrong. Change triggers and functions before the columns are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.dependents import READS_CONVERSATION
from genreq_checks.checks.fault import FORWARD, by_edit, by_sql, fault, noticed
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Step
from genreq_checks.report import Finding

STEPS = {
    "forward": "Change the SQL, or the plan: it must drop the plan's columns and do nothing else.",
    "broken": "Change what names the columns before they are dropped.",
    "generation": "Change the trigger, rule or function before the drop: otherwise the application cannot write.",
    "writes": "Change the trigger, rule or function before the drop: otherwise rows can no longer be written.",
    "after": "See the checks it names.",
    "forward-again": "After the rollback the same SQL must work again.",
}

STAGED = {
    "retire": "See docs/staging.md: what it names speaks against hiding the columns.",
    "hidden": "Change what needs the columns before they are hidden.",
    "undo": "Do not hide the columns before this is understood.",
}


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """One finding per step of the rehearsal; a step that is missing is unknown, one that was not asked for is not."""
    made = {step.name for step in evidence.now.rehearsal or ()}
    without = "writes" if evidence.plan.takes_messages else "generation"
    always = {name: told for name, told in STEPS.items() if name != without}
    return judged_steps(evidence, {name: told for name, told in STAGED.items() if name in made} | always)


def judged_steps(evidence: Evidence, remedies: dict[str, str]) -> list[Finding]:
    """The findings about some steps of the rehearsal, each with its remedy where it did not pass."""
    steps: Sequence[Step] = evidence.now.rehearsal or ()
    found: list[Finding] = []
    for name, remedy in remedies.items():
        step = next((s for s in steps if s.name == name), None)
        if step is None:
            found.append(unknown(name, "the rehearsal has no such step.", "Rehearse again."))
            continue
        numbers = {"seconds": step.seconds, "locks": list(step.locks)}
        told = "" if step.outcome == "pass" else remedy
        found.append(
            Finding(
                subject=name, outcome=step.outcome, message=f"{name}: {step.message}", remedy=told, evidence=numbers
            )
        )
    return found


DOWNLOAD_URL = 'ALTER TABLE "generation_requests" DROP COLUMN "download_url"'
CONVERSATION = 'ALTER TABLE "generation_requests" DROP COLUMN "conversation";'
FILL = """UPDATE "generation_requests" SET "deployment_url" = 'https://a.fly.dev' WHERE "deployment_url" IS NULL;"""
MADE_AGAIN = """
DROP TABLE "generation_requests" CASCADE;
CREATE TABLE "generation_requests" ("id" serial PRIMARY KEY, "completed_at" timestamp);
"""
FAULTS = (
    fault(
        "the forward SQL forgets conversation",
        "rehearsal",
        by_edit(FORWARD, CONVERSATION, "SELECT 1;"),
        "forward",
    ),
    fault(
        "the forward SQL drops a column that stays",
        "rehearsal",
        by_edit(FORWARD, 'DROP COLUMN "conversation";', 'DROP COLUMN "conversation", DROP COLUMN "error_message";'),
        "forward",
    ),
    fault(
        "the forward SQL fills deployment_url, which the plan does not say",
        "rehearsal",
        by_edit(FORWARD, 'DROP COLUMN "conversation";', f'DROP COLUMN "conversation"; {FILL}'),
        "forward",
    ),
    fault(
        "the forward SQL begins with a byte-order mark",
        "rehearsal",
        by_edit(FORWARD, DOWNLOAD_URL, f"\ufeff{DOWNLOAD_URL}"),
        "forward",
    ),
    fault(
        "the forward SQL drops the table and creates it again without a status",
        "rehearsal",
        by_edit(FORWARD, CONVERSATION, MADE_AGAIN),
        "forward",
    ),
    fault(
        "a trigger that lets no row be written once conversation is gone",
        "rehearsal",
        by_sql(READS_CONVERSATION),
        "forward",
    ),
    noticed("the rollback SQL forgets conversation", "rehearsal", unknown="forward"),
)


CHECK = Check(
    name="forward",
    title="The forward SQL does what the plan says, and nothing breaks",
    order=150,
    page=__doc__,
    phases=frozenset({"rehearsal"}),
    subjects=lambda _: ("",),
    judge=judge,
    faults=FAULTS,
)
