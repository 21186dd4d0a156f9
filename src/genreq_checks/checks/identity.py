"""identity: what the source is compared with is of the same database and table."""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.identity import Comparison
from genreq_checks.results import Finding

ACCEPT = "If another database is meant (a clone, a restored dump), add --other-database."


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """One finding for the baseline and one for the archive, whichever was given."""
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
            message = f"The {subject} may be of a physical copy, which has the same numbers: {comparison.text}."
            remedy = "Make sure that SOURCE is the database that is meant; after a failover it is."
        case "unproved":
            message = f"That the {subject} is of this table is not proved: {comparison.text}."
            remedy = f"Take the {subject} again with this version, or make sure that it is of this database."
            now = evidence.now.source.identity
            if (earlier and earlier.unproved) or (now and now.unproved):
                remedy = "GRANT EXECUTE on both functions to the role, or make sure that it is the same database."
    return Finding(subject=subject, outcome="warn", message=message, remedy=remedy, evidence=numbers)


CHECK = Check(
    name="identity",
    title="The same database and table",
    phases=frozenset({"before", "after", "rolled-back"}),
    subjects=lambda _: ("",),
    judge=judge,
    worst="unknown",  # that it is another database is no fault of it
)
