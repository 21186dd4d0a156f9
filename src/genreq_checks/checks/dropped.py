"""# dropped: gone from the table, proved by the catalog

## Problem

A column can look gone although it is not: in a missing table, in a view, in a table of the same name in another
schema, or where a partition was overlooked.

## What is measured

The catalog (pg_attribute by the table's OID) of the plan's schema and table, which must be an ordinary or a
partitioned table, and of every partition and child. In phase `rolled-back` the same check asks whether the column
is back with its type, and as the baseline has it: NOT NULL, default, constraints, indexes, statistics, views, grants
and comment.

## How it can be wrong

The table that the plan names is checked. An application whose search_path leads to a table of the same name in
another schema uses that one: this warns. For a partition or child that is a foreign table only the local list of
columns is visible: the column is `unknown` there until the remote table is checked on its own server. On a standby
that may be late nothing passes (docs/standby.md).

## What to do

Apply the migration. If its bookkeeping says applied while the column exists, see the check `migrations`. Only
VACUUM FULL or pg_repack returns the space.
"""

from __future__ import annotations

from collections.abc import Iterator

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import Place, by_sql, fault, noticed
from genreq_checks.evidence.sides import Evidence
from genreq_checks.report import Finding
from genreq_checks.snapshot import Column, Relation, Snapshot, TableFacts
from genreq_checks.text import plural, quote_name, size

NEVER_DROPPED = (
    " No column was ever dropped from this table: it was created without the column, or the column was renamed. "
    "A baseline shows which."
)


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Absence is proved from the catalog of the table itself; any doubt is unknown."""
    facts, problem = evidence.now.table, evidence.now.problem()
    if problem or facts is None:
        reason = (
            problem.text
            if problem
            else f"{evidence.now.source.location} has no catalog: it cannot show whether a column is gone."
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
    held = facts.held(column)
    if held is not None:
        return [_retired(evidence, column, held), *found]
    renamed = _renamed(evidence, column, facts)
    if renamed:
        return [renamed, *found]
    found += [_not_seen(child, column) for child in facts.children if child.is_foreign and column not in child.columns]
    found += _doubts(evidence, column, facts)
    return found or [_gone(evidence, column, facts)]


def _retired(evidence: Evidence, column: str, held: Column) -> Finding:
    """Renamed away by the files of `stage`: that is a phase of its own."""
    since = f" since {held.retired.at:%Y-%m-%d %H:%M} UTC" if held.retired is not None else ""
    return Finding(
        subject=column,
        outcome="fail",
        message=f"{column} is retired, not dropped: it is {quote_name(held.name)} in {evidence.now.plan_table}{since}.",
        remedy="Check with --phase held; after the hold: genreq-checks stage SOURCE --finalise REPORT -o DIR",
        evidence={"present": True, "type": held.type, "renamed_to": held.name, "position": held.position},
    )


def _renamed(evidence: Evidence, column: str, facts: TableFacts) -> Finding | None:
    """The column under another name: a rename keeps the place (attnum) that is in the baseline, a drop leaves it empty."""
    baseline, comparison = evidence.baseline, evidence.compared.get("baseline")
    then = baseline.table if baseline else None
    earlier = then.column(column) if then else None
    if then is None or earlier is None or comparison is None or comparison.kind == "other":
        return None  # places are comparable in one table only
    same = next((c for c in facts.columns if c.position == earlier.position), None)
    if same is None or (comparison.kind == "unproved" and then.column(same.name) is not None):
        return None  # nothing proves that it is the same table, and the name was already there: it may be another table
    message = f"{column} was renamed to {same.name}, not dropped: its place in {evidence.now.plan_table} is not empty."
    return Finding(
        subject=column,
        outcome="fail",
        message=message,
        remedy=f"ALTER TABLE {evidence.plan.table.in_sql} DROP COLUMN {quote_name(same.name)}",
        evidence={"present": True, "type": same.type, "renamed_to": same.name, "position": same.position},
    )


def _not_seen(child: Relation, column: str) -> Finding:
    """A foreign table lists the columns that it was defined with; only its remote table shows whether there are more."""
    reason = f"{child.place} is a foreign table: whether {column} is gone on the server that has its rows is not visible here."
    there = f" --table {child.remote}" if child.remote and "." in child.remote else ""
    remedy = f"Check that table on its own server, and drop the column there too: genreq-checks check URL{there}"
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
            remedy = "Make sure that the application does not use that table (search_path)."
            found.append(Finding(subject=twin.name, outcome="warn", message=message, remedy=remedy))
    return found


def _gone(evidence: Evidence, column: str, facts: TableFacts) -> Finding:
    below = plural(len(facts.children), "partition or child", "partitions or children")
    under = f" and its {below}" if facts.children else ""
    space = f" Only VACUUM FULL or pg_repack returns the space ({size(facts.bytes)} in all)." if facts.bytes else ""
    never = "" if facts.dropped_positions else NEVER_DROPPED
    return Finding(
        subject=column,
        outcome="pass",
        message=f"Gone from {evidence.now.plan_table}{under}.{never}{space}",
        evidence={"present": False, "table_bytes": facts.bytes, "dropped_slots": facts.dropped_slots},
    )


def _back(evidence: Evidence, column: str, there: Column | None) -> Finding:
    then = evidence.baseline.table.column(column) if evidence.baseline and evidence.baseline.table else None
    expected = then.type if then is not None else evidence.plan.dropped[column].type
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
    baseline = evidence.baseline
    if baseline is not None and baseline.dependents is not None and evidence.now.dependents is None:
        problem = evidence.now.problem("dependents")
        return unknown(column, problem.text if problem else "what is attached to the column was not read.")
    missing = list(_not_back(evidence, column, then, there))
    if missing:
        message = f"{column} is back as {there.type}, and not as it was: {'; '.join(missing)}."
        remedy = "Add it to the rollback SQL, or put it back by hand: the baseline's dependents name each."
        evidence_ = {"present": True, "type": there.type, "missing": len(missing)}
        return Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=evidence_)
    whole = ", with all that was attached to it" if baseline is not None and baseline.dependents is not None else ""
    message = f"Back in {evidence.now.plan_table} as {there.type}{whole}."
    return Finding(subject=column, outcome="pass", message=message, evidence={"present": True, "type": there.type})


def _not_back(evidence: Evidence, column: str, then: Column | None, there: Column) -> Iterator[str]:
    """What the baseline's catalog has of the column, and the table by now lacks. A default is told, and not shown."""
    if then is None or evidence.baseline is None:
        return
    if not then.nullable and there.nullable:
        yield "it was NOT NULL"
    if then.default != there.default:
        yield "it had a default" if there.default is None else "its default is another one"
    now = {(one.kind, one.name): one.definition for one in evidence.now.dependents or () if one.column == column}
    comparable = _is_one_version(evidence.baseline, evidence.now)  # servers of another version may hash otherwise
    for one in evidence.baseline.dependents or ():
        if one.column != column or one.confidence != "certain" or one.fate not in ("vanishes", "blocks"):
            continue
        if (one.kind, one.name) not in now:
            yield f"the {one.kind} {one.name} is missing"
        elif comparable and one.definition is not None and one.definition != now[one.kind, one.name]:
            yield f"the {one.kind} {one.name} is defined otherwise"


def _is_one_version(one: Snapshot, two: Snapshot) -> bool:
    """Are both of one major version of PostgreSQL?"""
    versions = [each.source.identity.server_version if each.source.identity else None for each in (one, two)]
    return None not in versions and len({(version or 0) // 10_000 for version in versions}) == 1


def _rename(place: Place) -> None:
    place.run(
        "ALTER TABLE generation_requests RENAME COLUMN download_url TO old_download",
        "ALTER TABLE generation_requests DROP COLUMN conversation",
    )
    place.finish()


FAULTS = (
    fault(
        "download_url is still there",
        "after",
        by_sql("ALTER TABLE generation_requests ADD COLUMN download_url text"),
        "dropped.download_url",
    ),
    fault(
        "conversation is still there",
        "after",
        by_sql("ALTER TABLE generation_requests ADD COLUMN conversation jsonb"),
        "dropped.conversation",
    ),
    fault(
        "a child table that still has download_url",
        "after",
        by_sql("CREATE TABLE old_requests (download_url text) INHERITS (generation_requests)"),
        "dropped.download_url",
        takes=("key",),
    ),
    fault(
        "a column downloadUrl although download_url was dropped",
        "after",
        by_sql('ALTER TABLE generation_requests ADD COLUMN "downloadUrl" text'),
        unknown="dropped.download_url",
    ),
    fault("a download_url that was renamed and not dropped", "after", _rename, "dropped.download_url", state="before"),
    fault(
        "a child on another server",
        "after",
        by_sql(
            "CREATE EXTENSION file_fdw; CREATE SERVER archive FOREIGN DATA WRAPPER file_fdw; "
            "CREATE FOREIGN TABLE older () INHERITS (generation_requests) "
            "SERVER archive OPTIONS (filename '/dev/null', format 'csv')"
        ),
        unknown="dropped.download_url dropped.conversation",
        takes=("key",),
    ),
    fault(
        "download_url is back with a default that it did not have",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests ALTER download_url SET DEFAULT 'none'"),
        "dropped.download_url",
    ),
    fault(
        "download_url is back with another type",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN download_url TYPE character varying(2000)"),
        "dropped.download_url",
    ),
    fault(
        "conversation is not back",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests DROP COLUMN conversation"),
        "dropped.conversation",
    ),
    noticed("the forward SQL forgets conversation", "rehearsal", unknown="dropped.download_url dropped.conversation"),
    noticed(
        "the forward SQL begins with a byte-order mark",
        "rehearsal",
        unknown="dropped.download_url dropped.conversation",
    ),
)


CHECK = Check(
    name="dropped",
    title="{subject}: gone from the table",
    order=50,
    page=__doc__,
    phases=frozenset({"after", "rolled-back", "rehearsal"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
    facts=lambda _plan, _subject: {"catalog"},
    faults=FAULTS,
)
