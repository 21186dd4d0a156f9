"""reconciliation.<column>: each row holds what the last completion message about it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.reconciled import DIFFERENT, ColumnMatch, Example, Lines, Reconciliation, rules_of
from genreq_checks.results import Finding, Outcome
from genreq_checks.text import listed, plural, share

HANDLER = "Fix the handler: where github_url is missing it must leave the derived column alone too."


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """What agrees in one finding, then each request that differs, then what has no counterpart, then peculiar lines."""
    found = evidence.inputs.messages
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
    found = evidence.inputs.messages
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
        said = (
            f"no message to judge by says anything about {field}" if match.counts else "no message has a row to judge"
        )
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
        f"and is {example.actual}{note}."
    )
    remedy = "See whether the server stored this message, or what wrote the row after it."
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
    """A deleted row and a graceful shutdown are lawful: neither proves a fault, and neither is to be overlooked."""
    remedy = "See whether it was deleted, or whether the message was stored under another request."
    for example in found.without_row.examples:
        message = f"Request {example.key} of {example.file}:{example.line} has no row."
        evidence = {"kind": "message-without-row", "file": example.file, "line": example.line}
        yield Finding(subject=example.key, outcome="warn", message=message, remedy=remedy, evidence=evidence)
    remedy = "Lawful after a graceful shutdown or outside of the recording; else find out what completed it."
    for example in found.without_message.examples:
        where = f", {example.note}" if example.note else ""
        message = f"Row {example.key} is completed{where}, and no message about it was recorded."
        evidence = {"kind": "row-without-message", "within_recording": bool(example.note)}
        yield Finding(subject=example.key, outcome="warn", message=message, remedy=remedy, evidence=evidence)


def _lines(found: Reconciliation) -> Iterator[Finding]:
    return map(_line, found.peculiar)


def _line(lines: Lines) -> Finding:
    """Lines that were read all the same, or hold other messages, are only told of; a refused line warns."""
    refused = lines.fate == "refused"
    places = ", ".join(lines.places[:5]) + (", …" if lines.count > 5 else "")
    told = {"refused": "not read", "read": "read all the same", "passed": "passed over"}[lines.fate]
    message = f"{plural(lines.count, 'line')} {told}: {lines.reason} ({places})."
    evidence = {"kind": "lines", "reason": lines.reason, "count": lines.count, "lines": list(lines.places)}
    remedy = "Record these again, if what they say matters." if refused else ""
    return Finding(
        subject=lines.reason, outcome="warn" if refused else "pass", message=message, remedy=remedy, evidence=evidence
    )


CHECK = Check(
    name="reconciliation",
    title="{subject}: rows hold what the recorded messages say",
    phases=frozenset({"after"}),
    subjects=lambda plan: tuple(rule.column for rule in rules_of(plan)),
    judge=judge,
    count=count,
)
