"""# held: renamed away, whole, and held long enough

## Problem

A dropped column does not come back with its values. A renamed one does, as long as nobody drops it, and as long as it
still is the column that it was.

## What is measured

In phase `held`, after `1-retire.sql` of `genreq-checks stage` (docs/staging.md): the column has another name, and its comment
the stamp of that file: the plan, and since when. Its place (attnum) and type are those of the baseline, no partition or
child has the old name, and its values are those of the baseline, by the fingerprints of rows and values. The hold lasts
`hold_days` of the plan (7 by default) from the stamp's time on; before that it is `unknown` whether to finalise, and the
finding says from when.

## How it can be wrong

Values are compared in the rows that the baseline covers; rows written later have none. Values that changed between the
baseline and the rename fail too: take the baseline directly before it. A stamp is text that a role with the right to
comment can write. Without a baseline, a stamp or fingerprints the answer is `unknown`.

## What to do

Before the day: wait, and see `readers`. On it: `genreq-checks stage SOURCE --finalise REPORT -o DIR`, with this report as JSON.
If something needs the column, run `undo.sql`.
"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault
from genreq_checks.checks.values import held_values
from genreq_checks.evidence.hold import held_column, safe_from
from genreq_checks.evidence.sides import Evidence
from genreq_checks.report import Finding
from genreq_checks.snapshot import Column
from genreq_checks.text import plural, quote_name

RETIRE = "Write the files with 'genreq-checks stage', and run 1-retire.sql."


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Whole and held: what the catalog says of the column, then its values, then the time."""
    now = evidence.now
    problem = now.problem()
    if problem or now.table is None:
        reason = problem.text if problem else f"{now.source.location} has no catalog: it cannot show a column's name."
        return [unknown(column, reason)]
    if now.table.column(column) is not None:
        message = f"{column} has its own name in {now.plan_table}: it is not retired, or something has added it again."
        return [Finding(subject=column, outcome="fail", message=message, remedy=RETIRE, evidence={"present": True})]
    held = held_column(evidence, column)
    if held is None:
        message = f"{now.plan_table} has neither {column} nor a column that {column} was renamed to: it is gone."
        remedy = "Run the plan's rollback SQL, and restore the archive."
        return [Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence={"present": False})]
    changed = _changed(evidence, column, held)
    if changed:
        numbers: dict[str, object] = {"renamed_to": held.name, "position": held.position, "type": held.type}
        remedy = "Run undo.sql, and find out what was done to the table."
        return [Finding(subject=column, outcome="fail", message=changed, remedy=remedy, evidence=numbers)]
    return _of_the_hold(evidence, column, held)


def _changed(evidence: Evidence, column: str, held: Column) -> str:
    """What shows that it is not the column that it was; '' when nothing does."""
    then = evidence.baseline.table.column(column) if evidence.baseline and evidence.baseline.table else None
    if then is not None and then.position != held.position:
        return f"{held.name} is at the place {held.position} of the table, {column} was at {then.position}: it is another column."
    if then is not None and then.type != held.type:
        return f"{held.name} is {held.type}; {column} was {then.type}."
    facts = evidence.now.table
    for child in facts.children if facts else ():
        if column in child.columns:
            return f"{child.name}, a {child.kind} under {evidence.now.plan_table}, has a column {column}."
    return ""


def _of_the_hold(evidence: Evidence, column: str, held: Column) -> list[Finding]:
    stamp, plan = held.retired, evidence.plan
    if stamp is None:
        reason = f"{column} is renamed to {held.name}, but its comment has no stamp: since when is not known."
        return [unknown(column, reason, "Run undo.sql and 1-retire.sql again.")]
    if stamp.plan != plan.fingerprint:
        reason = f"{column} was retired under another plan (fingerprint {stamp.plan}, now {plan.fingerprint})."
        return [unknown(column, reason, "Check with the plan of that time, or run undo.sql and stage it again.")]
    if evidence.baseline is None:
        return [unknown(column, "whether every value is there is not known.", "Give --baseline SNAPSHOT.")]
    values = held_values(evidence, column)
    until, read_at = safe_from(evidence, stamp), evidence.now.source.read_at
    numbers = {
        "present": True,
        "renamed_to": held.name,
        "since": stamp.at.isoformat(),
        "finalise_from": until.isoformat(),
        "position": held.position,
        "type": held.type,
    }
    if values.outcome != "pass":
        return [values.model_copy(update={"evidence": values.evidence | numbers})]
    whole = f"{column} is {quote_name(held.name)} since {stamp.at:%Y-%m-%d %H:%M} UTC, and whole. {values.message}"
    passed = Finding(subject=column, outcome="pass", message=whole, evidence=values.evidence | numbers)
    if read_at >= until and stamp.at <= read_at:
        return [passed]
    days = plural(int(plan.hold_days), "day") if plan.hold_days == int(plan.hold_days) else f"{plan.hold_days:g} days"
    reason = f"the hold of {days} is over on {until:%Y-%m-%d %H:%M} UTC: it may be finalised from then on."
    return [unknown(column, reason, "Check again then.").model_copy(update={"evidence": numbers}), passed]


FAULTS = (
    fault(
        "download_url is not retired, but dropped",
        "held",
        by_sql(
            """DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE generation_requests DROP %I', attname) FROM pg_attribute
            WHERE attrelid = 'generation_requests'::regclass AND attname LIKE '%download\\_url'); END $$"""
        ),
        "held.download_url",
        unknown="readers.download_url",
    ),
    fault(
        "a new column download_url",
        "held",
        by_sql("ALTER TABLE generation_requests ADD download_url text"),
        "held.download_url",
        unknown="readers.download_url",
    ),
    fault(
        "the values of a retired column are cleared",
        "held",
        by_sql(
            """DO $$ BEGIN EXECUTE (SELECT format('UPDATE generation_requests SET %I = NULL', attname) FROM pg_attribute
            WHERE attrelid = 'generation_requests'::regclass AND attname LIKE '%download\\_url'); END $$"""
        ),
        "held.download_url",
    ),
    fault(
        "conversation is not gone, but has its own name again",
        "held",
        by_sql(
            """DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE generation_requests RENAME %I TO conversation', attname)
            FROM pg_attribute WHERE attrelid = 'generation_requests'::regclass AND attname LIKE '\\_retired%conversation');
            END $$"""
        ),
        "held.conversation",
        unknown="readers.conversation",
    ),
    fault(
        "a retired column of another type",
        "held",
        by_sql(
            """DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE generation_requests ALTER %I TYPE text', attname)
            FROM pg_attribute WHERE attrelid = 'generation_requests'::regclass AND attname LIKE '\\_retired%conversation');
            END $$"""
        ),
        "held.conversation",
    ),
)
CHECK = Check(
    name="held",
    title="{subject}: hidden and whole",
    order=55,
    page=__doc__,
    phases=frozenset({"held"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
    facts=lambda _plan, _subject: {"catalog", "rows", "key", "cohort", "baseline"},
    fingerprints=True,
    faults=FAULTS,
)
