"""# rows: the baseline's rows are still there

## Problem

Rates and counts of rows cannot tell that old rows were deleted while new ones came in: 90 % of the rows can go, and every
rate is as good as before.

## What is measured

The rows of the cohort until the newest time that the baseline has: their number, and the XOR of the 64-bit hashes of their
keys, for each UTC day. Equal sums are the same rows. Fewer rows are rows that are gone, or no longer of the cohort.
Rows that came later are counted apart.

## How it can be wrong

Where rows went and others with an earlier time came, in the same number or more, a sum of hashes only tells that they are
not the same: that is `unknown`. So is a row that was written before the baseline and committed after it. A baseline without
fingerprints (of an older version, of row files, or taken with `--only`), of another hash function (another major version
of PostgreSQL) or another key proves nothing: `unknown`.

## What to do

Find what deletes rows, or changes their status, and put the rows back from a backup. Where rows may go, the plan says so
with the reason: `may_go` in `[cohort]`.
"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.content import NO_BASELINE, Content, content, exact_changes, same_rows
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.row_changes import RowChanges
from genreq_checks.report import Finding
from genreq_checks.text import plural


def judge(evidence: Evidence, _subject: str = "") -> list[Finding]:
    """Equal sums pass; fewer rows fail; anything else is unknown. Row hashes tell it exactly."""
    exact = exact_changes(evidence)
    if isinstance(exact, RowChanges):
        return [_exact(evidence, exact)]
    if exact is not None and exact != NO_BASELINE:
        return [unknown("rows", exact, "Name the file that was written with the baseline: --row-hashes FILE")]
    found = content(evidence)
    if found == NO_BASELINE:
        return [Finding(subject="rows", outcome="skip", message=f"Not compared: {found}")]
    if isinstance(found, str):
        return [
            unknown("rows", found, "Take the next baseline with this version: genreq-checks snapshot SOURCE -o FILE")
        ]
    return [_compared(evidence, found)]


def _compared(evidence: Evidence, found: Content) -> Finding:
    cohort = evidence.plan.cohort
    then, now = found.total
    differing = [one for one in found.pairs if not same_rows(*one)]
    gone = max(0, then.rows - now.rows)
    numbers = {"rows": now.rows, "then": then.rows, "gone": gone, "blocks": len(differing)}
    until = f"until {found.then.until:%Y-%m-%d %H:%M} UTC"
    if not then.rows:
        return unknown("rows", f"the baseline had no {cohort.rows} with a time {until}.")
    if same_rows(then, now):
        message = f"All {plural(then.rows, *_words(evidence))} {until} are there."
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    where = f"in {plural(len(differing), found.then.unit)}"
    if gone:
        message = (
            f"{gone:,} of {plural(then.rows, *_words(evidence))} {until} are gone, or no longer {cohort.rows}, {where}."
        )
    else:
        message = f"The {cohort.rows} {until} are not the same {where}: {then.rows:,} then, {now.rows:,} now."
    if cohort.may_go is not None:
        message += f" The plan lets rows go: {cohort.may_go}"
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    if gone:
        remedy = (
            "Find what deletes them, and restore them from a backup; if they may go, the plan says so (cohort.may_go)."
        )
        return Finding(subject="rows", outcome="fail", message=message, remedy=remedy, evidence=numbers)
    remedy = "Only row hashes tell which: save them with the next baseline (genreq-checks snapshot SOURCE --row-hashes FILE)."
    return unknown("rows", message[0].lower() + message[1:], remedy).model_copy(update={"evidence": numbers})


def _exact(evidence: Evidence, changes: RowChanges) -> Finding:
    cohort = evidence.plan.cohort
    numbers = {"rows": changes.now, "then": changes.then, "gone": changes.gone, "added": changes.added}
    until = f"until {changes.until:%Y-%m-%d %H:%M} UTC"
    if not changes.then:
        return unknown("rows", f"the baseline had no {cohort.rows} with a time {until}.")
    later = f" {changes.added:,} came later with a time {until}." if changes.added else ""
    if not changes.gone:
        message = f"All {plural(changes.then, *_words(evidence))} {until} are there, by their keys.{later}"
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    gone = f"{changes.gone:,} of {plural(changes.then, *_words(evidence))} {until} are gone, or no longer {cohort.rows}.{later}"
    if cohort.may_go is not None:
        message = f"{gone} The plan lets rows go: {cohort.may_go}"
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    remedy = "List their keys: genreq-checks rows rows SOURCE --row-hashes FILE. Restore them from a backup."
    return Finding(subject="rows", outcome="fail", message=gone, remedy=remedy, evidence=numbers)


def _words(evidence: Evidence) -> tuple[str, str]:
    return evidence.plan.cohort.row, evidence.plan.cohort.rows


FIRST = "(SELECT min(id) FROM generation_requests WHERE status = 'completed' AND completed_at < '2024-12-01')"
FAULTS = (
    fault(
        "nine of ten old rows are deleted",
        "after",
        by_sql("DELETE FROM generation_requests WHERE completed_at < '2024-12-01' AND id % 10 > 0"),
        "rows",
    ),
    fault(
        "an old row is no longer completed",
        "after",
        by_sql("UPDATE generation_requests SET status = 'failed' WHERE id = " + FIRST),  # noqa: S608 - a constant
        "rows",
    ),
    fault(
        "an old row is exchanged for another one",
        "after",
        by_sql("UPDATE generation_requests SET id = 90001 WHERE id = " + FIRST),  # noqa: S608 - a constant
        unknown="rows",
    ),
    noticed("a table without rows", "after", "rows"),
)
CHECK = Check(
    name="rows",
    title="The baseline's rows are still there",
    order=64,
    page=__doc__,
    phases=frozenset({"before", "after", "rolled-back"}),
    subjects=lambda _plan: ("",),
    judge=judge,
    facts=lambda _plan, _subject: {"rows", "key", "cohort", "baseline"},
    fingerprints=True,
    faults=FAULTS,
)
