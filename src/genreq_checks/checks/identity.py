"""# identity: the same database and table

## Problem

A baseline or an archive of another database can look right: the same columns, the same keys, similar counts. A
comparison with it proves nothing, and a `restore` from it writes another database's values into rows with the same
keys.

## What is measured

Every snapshot, archive and history entry records the server's identity: its system identifier and timeline
(`pg_control_system()`, `pg_control_checkpoint()`), its own address and port, its version, the name and OID of the
database, the OID of the table, and each column's place (attnum) and type. The baseline and the archive are compared
with the source.

Another system identifier, database OID or table OID: `unknown`, and nothing is compared with that baseline or
archive. The same numbers at another server address or on another timeline: a warning. No identity (a file of format
1, row files), or one that the role may not read: a warning that says what is not proved.

## How it can be wrong

A physical copy (a standby, a restored base backup) has the same identifiers as its original. Only the address and
the timeline distinguish the two, and a failover changes both too. On a Unix socket the server has no address.
`pg_upgrade` and a restored dump make a new system identifier for the same data. Some hosted services do not allow a
role to execute the two functions.

## What to do

Give the baseline or the archive of this database. Where another one is intended (a clone, a restored dump, a database after
`pg_upgrade`), add `--other-database`: the report then says that the identity was not compared. To let a role
read it: `GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO role`.
"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.identity import Comparison
from genreq_checks.report import Finding

ACCEPT = "If another database is intended (a clone, a restored dump), add --other-database."


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """One finding for the baseline and one for the archive, for each that was given."""
    compared = evidence.compared
    if not compared:
        message = "Not asked for: there is neither a baseline nor an archive of a database to compare with."
        return [Finding(subject="source", outcome="skip", message=message)]
    return [_finding(evidence, subject, comparison) for subject, comparison in compared.items()]


def _finding(evidence: Evidence, subject: str, comparison: Comparison) -> Finding:
    earlier = evidence.identity_of(subject)
    numbers: dict[str, object] = {"kind": comparison.kind, "reasons": list(comparison.reasons)}
    if evidence.other_database:
        told = f" ({comparison.text})" if comparison.reasons else ""
        message = f"Not asked for: --other-database says that the {subject} may be of another database{told}."
        return Finding(subject=subject, outcome="skip", message=message, evidence=numbers)
    match comparison.kind:
        case "same":
            message = f"The {subject} is of this table: {earlier.short if earlier else ''}."
            return Finding(subject=subject, outcome="pass", message=message, evidence=numbers)
        case "other":
            reason = f"the {subject} is of another database or table: {comparison.text}."
            return unknown(subject, reason, ACCEPT).model_copy(update={"evidence": numbers})
        case "doubtful":
            message = f"The {subject} may be of a physical copy, which has the same identifiers: {comparison.text}."
            remedy = "Make sure that SOURCE is the right database; after a failover it is."
        case "unproved":
            message = f"It is not proved that the {subject} is of this table: {comparison.text}."
            remedy = f"Take the {subject} again with this version, or make sure that it is of this database."
            now = evidence.now.source.identity
            if (earlier and earlier.unproved) or (now and now.unproved):
                remedy = "GRANT EXECUTE on both functions to the role, or make sure that it is the same database."
    return Finding(subject=subject, outcome="warn", message=message, remedy=remedy, evidence=numbers)


MADE_ANEW = """
CREATE TABLE "anew" (LIKE "generation_requests" INCLUDING ALL);
INSERT INTO "anew" SELECT * FROM "generation_requests";
DROP TABLE "generation_requests" CASCADE;
ALTER TABLE "anew" RENAME TO "generation_requests";
"""
FAULTS = (
    fault(
        "a table of the same name that was created again",
        "after",
        by_sql(MADE_ANEW),
        unknown="identity",
        takes=("baseline",),
    ),
)


CHECK = Check(
    name="identity",
    title="The same database and table",
    order=10,
    page=__doc__,
    phases=frozenset({"before", "held", "after", "rolled-back"}),
    subjects=lambda _: ("",),
    judge=judge,
    facts=lambda _plan, _subject: {"baseline"},
    faults=FAULTS,
    worst="unknown",  # another database is not a fault of the database that is checked
)
