"""# rows: the baseline's rows are still there

## Problem

Rates and counts of rows cannot tell that old rows were deleted while new ones came in: 90 % of the rows can go, and every
rate is as good as before.

## What is measured

Where the key is one integer: the number of rows up to the greatest key that the baseline has, and the XOR of the 64-bit hashes
of their keys, in every status. Equal sums are the same rows; fewer rows are rows that are gone, each of them proved.

With another key: the rows of the cohort until the newest time that the baseline has, by number and XOR for each UTC day; where
the plan has no time all rows of the cohort, in 256 blocks of the key's hash.
Equal sums are the same rows. Fewer rows fail as far as the whole table has fewer rows than it had.

## How it can be wrong

A sum of hashes does not tell which rows went where as many came: that is `unknown`. Where the key is not one integer, so is a
row that was completed again, with a later time, a row that was written before the baseline and committed after it, and a
deletion that new rows make up for. Row hashes tell each of them (`snapshot --row-hashes`). A baseline without fingerprints
(of an older version, of row files, or taken with `--only`), of another hash function (another major version of PostgreSQL) or
another key proves nothing: `unknown`.

## What to do

Find what deletes rows, or changes their status, and put the rows back from a backup. Where rows may go, the plan says so
with the reason: `may_go` in `[cohort]`.
"""

from __future__ import annotations

from datetime import datetime

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.content import NO_BASELINE, Content, blocks, content, exact_changes, same_rows
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.row_changes import RowChanges
from genreq_checks.report import Finding
from genreq_checks.text import plural


def judge(evidence: Evidence, _subject: str = "") -> list[Finding]:
    """Equal sums pass, rows that are gone fail, anything else is unknown. Row hashes tell it exactly."""
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
    by_key = _by_key(evidence, found)
    if by_key is not None:
        return by_key
    differing = [one for one in found.pairs if not same_rows(*one)]
    fewer = max(0, then.rows - now.rows)
    gone = min(fewer, _deleted(evidence))
    numbers = {"rows": now.rows, "then": then.rows, "gone": gone, "blocks": len(differing)}
    until = _until(evidence, found.then.until)
    with_time = " with a time" if cohort.time is not None else ""
    if not then.rows:
        return unknown("rows", f"the baseline had no {cohort.rows}{with_time} {until}.")
    if same_rows(then, now):
        message = f"All {plural(then.rows, *_words(evidence))} {until} are there.{_uncovered(evidence, then.rows)}"
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    where = f"in {blocks(evidence, found, len(differing))}"
    message = f"Of {plural(then.rows, *_words(evidence))} {until} {now.rows:,} are there, or others, {where}."
    if gone:
        message = f"At least {gone:,} of {plural(then.rows, *_words(evidence))} {until} are gone, {where}."
    return _differing(evidence, message, numbers)


def _by_key(evidence: Evidence, found: Content) -> Finding | None:
    """The answer of a range of keys, which says of every row whether it is there, whatever became of its status and time.

    None where there is no range, or where rows came that have an earlier key.
    """
    then, now = found.then.known, found.now.known
    if then is None or now is None or then.newest != now.newest or now.rows > then.rows:
        return None
    gone = then.rows - now.rows
    numbers = {"rows": now.rows, "then": then.rows, "gone": gone, "blocks": 0}
    every = f"{plural(then.rows, 'row')} of every status, by their keys up to {then.newest}"
    if (then.rows, then.keys) == (now.rows, now.keys):
        return Finding(subject="rows", outcome="pass", message=f"All {every}, are there.", evidence=numbers)
    if gone:
        return _differing(evidence, f"At least {gone:,} of {every}, are gone.", numbers)
    return _differing(evidence, f"The {every}, are not the same: rows went, and as many came.", numbers)


def _differing(evidence: Evidence, message: str, numbers: dict[str, int]) -> Finding:
    """Rows that are gone fail, unless the plan lets them go; rows that are others are unknown."""
    if evidence.plan.cohort.may_go is not None:
        message += f" The plan lets rows go: {evidence.plan.cohort.may_go}"
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    if numbers["gone"]:
        remedy = (
            "Find what deletes them, and restore them from a backup; if they may go, the plan says so (cohort.may_go)."
        )
        return Finding(subject="rows", outcome="fail", message=message, remedy=remedy, evidence=numbers)
    remedy = "Only row hashes tell which: save them with the next baseline (genreq-checks snapshot SOURCE --row-hashes FILE)."
    return unknown("rows", message[0].lower() + message[1:], remedy).model_copy(update={"evidence": numbers})


def _deleted(evidence: Evidence) -> int:
    """How many rows at least are gone from the table, whatever their status: it has so many fewer than the baseline."""
    then, now = evidence.baseline.tally if evidence.baseline else None, evidence.now.tally
    return max(0, then.total - now.total) if then is not None and now is not None else 0


def _uncovered(evidence: Evidence, covered: int) -> str:
    """The cohort's rows of the baseline that have no time, or one in the future, and are not compared."""
    tally = evidence.baseline.tally if evidence.baseline else None
    others = tally.of_status(evidence.plan.cohort.values).total - covered if tally is not None else 0
    return f" {plural(others, 'other')} without a time, or with a later one, are not compared." if others > 0 else ""


def _exact(evidence: Evidence, changes: RowChanges) -> Finding:
    cohort = evidence.plan.cohort
    numbers = {
        "rows": changes.now,
        "then": changes.then,
        "gone": changes.gone,
        "added": changes.added,
        "left": changes.left,
    }
    until = _until(evidence, changes.until)
    if not changes.then:
        return unknown("rows", f"the baseline had no {cohort.rows} {until} to compare.")
    every = f"{plural(changes.then, *_words(evidence))} {until}"
    left = f" {changes.left:,} have another status or a later time by now." if changes.left else ""
    added = (
        f" {changes.added:,} came later{' with such a time' if cohort.time is not None else ''}."
        if changes.added
        else ""
    )
    if not changes.gone:
        message = f"All {every} are there, by their keys.{left}{added}"
        if changes.left and cohort.may_go is None:  # completed again, or failed: nothing tells which
            remedy = "List their keys: genreq-checks rows rows SOURCE --row-hashes FILE."
            return Finding(subject="rows", outcome="warn", message=message, remedy=remedy, evidence=numbers)
        return Finding(subject="rows", outcome="pass", message=message, evidence=numbers)
    message = f"{changes.gone:,} of {every} are gone.{left}{added}"
    found = _differing(evidence, message, numbers)
    remedy = "List their keys: genreq-checks rows rows SOURCE --row-hashes FILE. Restore them from a backup."
    return found.model_copy(update={"remedy": remedy}) if found.outcome == "fail" else found


def _until(evidence: Evidence, moment: datetime) -> str:
    """Which rows are compared, in words: those until a time, or all of the baseline's where the plan has no time."""
    return "of the baseline" if evidence.plan.cohort.time is None else f"until {moment:%Y-%m-%d %H:%M} UTC"


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
        "an old row gets another key",
        "after",
        by_sql("UPDATE generation_requests SET id = 90001 WHERE id = " + FIRST),  # noqa: S608 - a constant
        "rows",
    ),
    noticed("a table without rows", "after", "rows"),
)
CHECK = Check(
    name="rows",
    title="The baseline's rows are still there",
    order=64,
    page=__doc__,
    phases=frozenset({"before", "held", "after", "rolled-back"}),
    subjects=lambda _plan: ("",),
    judge=judge,
    facts=lambda _plan, _subject: {"rows", "key", "cohort", "baseline"},
    fingerprints=True,
    faults=FAULTS,
)
