"""# reconciliation: rows hold what the recorded messages say

## Problem

The container sends `all_work_complete`, and the server turns it into an update of one row. If a field is lost, or
stored in the wrong column, the table looks plausible but is wrong: only the messages show it.

## What is measured

`--messages FILE` gives recorded messages as JSONL, plain or gzip, one or more files or folders. For each request
the message received last counts (by `received_at`, an ISO time or milliseconds; otherwise by the order of the
recording; a message without it counts as received with the one before it). Its row is read by key, in one read-only
transaction, and each kept column that a message sets is compared byte by byte with what the plan's handler writes
for the message: a missing field does not change the column, null clears it, the empty string is stored, a derived
column is always written.

Findings by `evidence.kind`: `summary` (whole counts), `differs` (missing, wrong or unexpected; fails),
`plan-defect` (the message has no github_url, the row has one, and the handler cleared the derived column: a defect
of the plan, listed separately), `message-without-row` and `row-without-message` (warn), `lines` (peculiar lines by
reason, with their places). Values are shown as shapes only.

Lines are read as JSON.parse reads them: NaN is invalid, the last of two equal keys wins. A byte-order mark and CRLF
belong to the file and not to the message: such a line is read and counted. Rejected, each with its reason:
truncated, invalid JSON or UTF-8, not an object, no type, no request_id or one of the wrong type, a used field of
the wrong type, NUL. Messages of other types are counted and skipped.

## How it can be wrong

Rows are read by the plan's key: where no unique index proves it, the answer is `unknown`. If another writer (the
manual deploy endpoint) changed a row after its message, the difference is not a fault. A deleted row has messages
and no row. A graceful shutdown completes a row without a message, and a completion outside the time of the recording
has none either (`within_recording` says which). Without `--cutover`, messages from before the change are judged by
the rules that apply after it. The rows are read in a separate transaction, shortly before the rest of the report.

## What to do

Look up the message by file and line, and read the server's log of that time. Read the database itself: in a snapshot
or a file of rows, no row can be looked up by key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import DIFFERENT, ColumnMatch, Example, Lines, Outcome, Reconciliation
from genreq_checks.leo.reconcile import rules_of
from genreq_checks.report import Finding
from genreq_checks.text import listed, plural, share

HANDLER = "Fix the handler: where github_url is missing, it must not change the derived column either."


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """One finding for what agrees, then each request that differs, then what has no counterpart, then peculiar lines."""
    found = evidence.now.messages
    if found is None:
        message = "Not asked for: --messages FILE gives the recorded messages."
        return [Finding(subject=column, outcome="skip", message=message)]
    if found.problem:
        return [unknown(column, found.problem, found.remedy)]
    match = found.columns.get(column)
    if not found.messages or match is None:
        read = f"{plural(found.lines, 'line')} in {plural(found.files, 'file')}"
        return [
            unknown(column, f"there is no usable completion message ({read}).", "Give other recordings."),
            *_lines(found),
        ]
    if match.problem:
        return [unknown(column, match.problem)]
    return [
        *_summary(evidence, column, found, match),
        *(_differs(column, example) for example in match.different),
        *(_defect(column, example) for example in match.defects),
        *_without(found),
        *_lines(found),
    ]


def count(evidence: Evidence, column: str) -> int | None:
    """How many findings there would be if every example were listed; None when all are."""
    found = evidence.now.messages
    match = found.columns.get(column) if found else None
    if found is None or match is None or match.problem:
        return None
    defects = match.counts.get("plan-defect", 0)
    hidden = match.differing - len(match.different) + defects - len(match.defects)
    for listing in (found.without_row, found.without_message):
        hidden += listing.count - len(listing.examples)
    return len(judge(evidence, column)) + hidden if hidden else None


def _summary(evidence: Evidence, column: str, found: Reconciliation, match: ColumnMatch) -> Iterator[Finding]:
    numbers: dict[str, Any] = {"kind": "summary", "messages": found.messages, "requests": found.requests}
    numbers |= {str(verdict): n for verdict, n in sorted(match.counts.items())}
    numbers |= {
        "before_cutover": found.before_cutover,
        "without_row": found.without_row.count,
        "without_message": found.without_message.count,
        "without_message_within_recording": found.within,
    }
    aside = f"; {found.before_cutover:,} from before the cutover were not judged" if found.before_cutover else ""
    if not match.judged:
        field = next(rule.field for rule in rules_of(evidence.plan) if rule.column == column)
        said = f"no message that counts has the field {field}" if match.counts else "no message has a row to judge"
        yield unknown(column, f"{said} ({plural(found.requests, 'request')}{aside}).").model_copy(
            update={"evidence": numbers}
        )
        return
    agrees = match.counts.get("agrees", 0)
    different = {str(verdict): match.counts.get(verdict, 0) for verdict in DIFFERENT}
    text = f"{share(agrees, match.judged)} of the requests hold what their last message says"
    text += f"; {listed(different)}" if match.differing else ""
    text += f"; {match.counts['not-set']:,} messages do not set it" if match.counts.get("not-set") else ""
    outcome: Outcome = "pass" if agrees or not match.differing else "fail"
    yield Finding(subject=column, outcome=outcome, message=f"{text}{aside}.", evidence=numbers)


def _differs(column: str, example: Example) -> Finding:
    note = f" ({example.note})" if example.note else ""
    message = (
        f"Request {example.key}: {column} should be {example.expected} by {example.file}:{example.line}, "
        f"but is {example.actual}{note}."
    )
    remedy = "Check whether the server stored this message, and what wrote the row after it."
    return Finding(
        subject=example.key, outcome="fail", message=message, remedy=remedy, evidence=_evidence("differs", example)
    )


def _defect(column: str, example: Example) -> Finding:
    message = (
        f"Request {example.key}: {example.file}:{example.line} has no github_url, so the plan's handler cleared {column} "
        "although the row has a value to derive it from. This is a defect of the plan."
    )
    return Finding(
        subject=example.key, outcome="warn", message=message, remedy=HANDLER, evidence=_evidence("plan-defect", example)
    )


def _evidence(kind: str, example: Example) -> dict[str, Any]:
    return {
        "kind": kind,
        "difference": example.verdict,
        "file": example.file,
        "line": example.line,
        "expected": example.expected,
        "actual": example.actual,
    }


def _without(found: Reconciliation) -> Iterator[Finding]:
    """A deleted row and a graceful shutdown do not prove a fault, but a person must look: they warn."""
    remedy = "Check whether it was deleted, or whether the message was stored under another request."
    for example in found.without_row.examples:
        message = f"Request {example.key} of {example.file}:{example.line} has no row."
        evidence = {"kind": "message-without-row", "file": example.file, "line": example.line}
        yield Finding(subject=example.key, outcome="warn", message=message, remedy=remedy, evidence=evidence)
    remedy = "Expected after a graceful shutdown or outside the recording; otherwise find what completed it."
    for example in found.without_message.examples:
        where = f", {example.note}" if example.note else ""
        message = f"Row {example.key} is completed{where}, and no message about it was recorded."
        evidence = {"kind": "row-without-message", "within_recording": bool(example.note)}
        yield Finding(subject=example.key, outcome="warn", message=message, remedy=remedy, evidence=evidence)


def _lines(found: Reconciliation) -> Iterator[Finding]:
    return map(_line, found.peculiar)


def _line(lines: Lines) -> Finding:
    """Lines that were read, or hold other messages, are only reported; a rejected line warns."""
    refused = lines.fate == "refused"
    places = ", ".join(lines.places[:5]) + (", …" if lines.count > 5 else "")
    told = {"refused": "not read", "read": "read anyway", "passed": "skipped"}[lines.fate]
    message = f"{plural(lines.count, 'line')} {told}: {lines.reason} ({places})."
    evidence = {"kind": "lines", "reason": lines.reason, "count": lines.count, "lines": list(lines.places)}
    remedy = "Record these again, if their content is needed." if refused else ""
    return Finding(
        subject=lines.reason, outcome="warn" if refused else "pass", message=message, remedy=remedy, evidence=evidence
    )


GITHUB, ARTIFACTS, DEPLOYMENT = (
    f"reconciliation.{column}" for column in ("github_url", "artifacts_github_url", "deployment_url")
)
FAULTS = (
    fault(
        "a table that lost its primary key",
        "after",
        by_sql("ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE"),
        takes=("key",),
    ),
    noticed("a tenth of the new rows without github_url", "after", GITHUB, ARTIFACTS),
    noticed("artifacts_github_url is not stored", "after", ARTIFACTS),
    noticed("deployment_url is hardly ever stored", "after", DEPLOYMENT),
    noticed("one artifacts_github_url is missing", "after", ARTIFACTS),
    noticed("one artifacts_github_url without its suffix", "after", ARTIFACTS),
    noticed("one artifacts_github_url without a github_url", "after", GITHUB),
    noticed("a deployment_url that is the text undefined", "after", DEPLOYMENT),
)


CHECK = Check(
    name="reconciliation",
    title="{subject}: rows hold what the recorded messages say",
    order=100,
    page=__doc__,
    phases=frozenset({"after"}),
    subjects=lambda plan: tuple(rule.column for rule in rules_of(plan)),
    judge=judge,
    facts=lambda _plan, _subject: {"key", "messages"},
    faults=FAULTS,
    count=count,
)
