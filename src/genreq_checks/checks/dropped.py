"""dropped.<column>: gone for sure, from the right table and all its partitions and children; or back, after a rollback."""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.results import Finding
from genreq_checks.snapshot import Column, Relation, TableFacts
from genreq_checks.text import plural, quote_name, size

NEVER_DROPPED = (
    " No column was ever dropped from this table: it was made without it, or the column was renamed. "
    "A baseline tells which."
)


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Absence is proved from the catalog of the table itself; whatever leaves a doubt is unknown."""
    facts, problem = evidence.now.table, evidence.now.problem()
    if problem or facts is None:
        reason = (
            problem.text
            if problem
            else f"{evidence.now.source.location} has no catalog: whether a column is gone cannot be seen."
        )
        return [unknown(column, reason)]
    if not facts.is_table:
        return [unknown(column, f"{evidence.now.plan_table} is a {facts.kind}, not a table.")]
    there = facts.column(column)
    if evidence.phase == "rolled-back":
        return [_back(evidence, column, there)]
    if there:
        return [_still_there(evidence, column, there.type)]
    found = [
        Finding(
            subject=child.name,
            outcome="fail",
            message=f"{child.name}, a {child.kind} under {evidence.now.plan_table}, still has the column {column}.",
            remedy=f"ALTER TABLE {child.in_sql or child.name} DROP COLUMN {quote_name(column)}",
        )
        for child in facts.children
        if column in child.columns
    ]
    renamed = _renamed(evidence, column, facts)
    if renamed:
        return [renamed, *found]
    found += [_not_seen(child, column) for child in facts.children if child.is_foreign and column not in child.columns]
    found += _doubts(evidence, column, facts)
    return found or [_gone(evidence, column, facts)]


def _renamed(evidence: Evidence, column: str, facts: TableFacts) -> Finding | None:
    """The column under another name: a rename keeps the place (attnum) that the baseline knows, a drop leaves it empty."""
    baseline, comparison = evidence.baseline, evidence.compared.get("baseline")
    then = baseline.table if baseline else None
    earlier = then.column(column) if then else None
    if then is None or earlier is None or comparison is None or comparison.kind == "other":
        return None  # places are comparable in one table only
    same = next((c for c in facts.columns if c.position == earlier.position), None)
    if same is None or (comparison.kind == "unproved" and then.column(same.name) is not None):
        return (
            None  # where nothing proves that it is the same table, a name that was there already tells of another one
        )
    message = f"{column} was renamed to {same.name}, not dropped: its place in {evidence.now.plan_table} is not empty."
    return Finding(
        subject=column,
        outcome="fail",
        message=message,
        remedy=f"ALTER TABLE {evidence.plan.table.in_sql} DROP COLUMN {quote_name(same.name)}",
        evidence={"present": True, "type": same.type, "renamed_to": same.name, "position": same.position},
    )


def _not_seen(child: Relation, column: str) -> Finding:
    """A foreign table lists the columns that it was told of: whether the table behind it has more, only that one knows."""
    reason = f"{child.place} is a foreign table: whether {column} is gone where its rows are cannot be seen from here."
    there = f" --table {child.remote}" if child.remote and "." in child.remote else ""
    remedy = f"Check that table where it is, and drop the column there too: genreq-checks check URL{there}"
    return unknown(child.name, reason, remedy)


def _still_there(evidence: Evidence, column: str, type_name: str) -> Finding:
    message = f"{evidence.now.plan_table} still has the column {column} ({type_name})."
    remedy = f"Apply the migration, or: ALTER TABLE {evidence.plan.table.in_sql} DROP COLUMN {quote_name(column)}"
    return Finding(
        subject=column, outcome="fail", message=message, remedy=remedy, evidence={"present": True, "type": type_name}
    )


def _doubts(evidence: Evidence, column: str, facts: TableFacts) -> list[Finding]:
    """What may be the column under another name or in another place."""
    found: list[Finding] = []
    plain = column.replace("_", "").lower()
    alike = [c.name for c in facts.columns if c.name.replace("_", "").lower() == plain]
    if alike:
        reason = f"{evidence.now.plan_table} has a column '{alike[0]}': is it {column} under another name?"
        found.append(unknown(column, reason, "Drop it too, or name it in the plan."))
    for twin in facts.twins:
        if column in twin.columns:
            message = f"Gone from {evidence.now.plan_table}, but {twin.name} still has it."
            remedy = "Make sure that the application does not mean that table (search_path)."
            found.append(Finding(subject=twin.name, outcome="warn", message=message, remedy=remedy))
    return found


def _gone(evidence: Evidence, column: str, facts: TableFacts) -> Finding:
    below = plural(len(facts.children), "partition or child", "partitions or children")
    under = f" and its {below}" if facts.children else ""
    space = (
        f" The space ({size(facts.bytes)} in all) comes back only with VACUUM FULL or pg_repack." if facts.bytes else ""
    )
    never = "" if facts.dropped_positions else NEVER_DROPPED
    return Finding(
        subject=column,
        outcome="pass",
        message=f"Gone from {evidence.now.plan_table}{under}.{never}{space}",
        evidence={"present": False, "table_bytes": facts.bytes, "dropped_slots": facts.dropped_slots},
    )


def _back(evidence: Evidence, column: str, there: Column | None) -> Finding:
    expected = evidence.plan.dropped[column].type
    if there is None:
        message = f"{column} is not back in {evidence.now.plan_table}."
        return Finding(
            subject=column,
            outcome="fail",
            message=message,
            remedy="Apply the plan's rollback SQL.",
            evidence={"present": False},
        )
    if expected and there.type != expected:
        message = f"{column} is back as {there.type}; it was {expected}."
        remedy = f"ALTER TABLE {evidence.plan.table.in_sql} ALTER COLUMN {quote_name(column)} TYPE {expected}"
        return Finding(
            subject=column,
            outcome="fail",
            message=message,
            remedy=remedy,
            evidence={"present": True, "type": there.type},
        )
    message = f"Back in {evidence.now.plan_table} as {there.type}."
    return Finding(subject=column, outcome="pass", message=message, evidence={"present": True, "type": there.type})


CHECK = Check(
    name="dropped",
    title="{subject}: gone from the table",
    phases=frozenset({"after", "rolled-back", "rehearsal"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
)
