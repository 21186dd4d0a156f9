"""The report as SARIF 2.1.0, for code scanning: what failed, warns or is unknown, at the file and line where there is one."""

from __future__ import annotations

import json
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

from genreq_checks.facts import Outcome
from genreq_checks.outputs.figures import provenance, rate_table
from genreq_checks.outputs.location import place_of
from genreq_checks.outputs.verdict import headline, is_broken, not_passing
from genreq_checks.report import CheckResult, Finding, Report
from genreq_checks.text import line

LEVELS: dict[Outcome, str] = {"fail": "error", "unknown": "warning", "warn": "warning"}


def render(report: Report) -> str:
    """The report as one SARIF run; passed checks are in the counts only."""
    names = list(dict.fromkeys(line(check.id).split(".")[0] for check in report.checks))
    steps = [step for step in report.steps if step.outcome in LEVELS]
    if steps:
        names.append("rehearsal")
    results = [
        _result(report, check, finding, names)
        for check in not_passing(report)
        for finding in check.findings
        if finding.outcome in LEVELS
    ]
    for step in steps:
        results.append(_judged(step.outcome, "rehearsal", names, f"{line(step.name)}: {line(step.message)}"))
    table = rate_table(report)
    run = {
        "tool": {"driver": _driver(report, names)},
        "invocations": [
            {
                "executionSuccessful": not any(is_broken(check) for check in report.checks),
                "toolExecutionNotifications": [_broken(check) for check in report.checks if is_broken(check)],
            }
        ],
        "results": results,
        "columnKind": "unicodeCodePoints",
        "properties": {
            "outcome": report.outcome,
            "headline": line(headline(report)),
            "counts": report.counts,
            "rates": {
                row.name: {h: " ".join(cell).strip() for h, cell in zip(table.headings, row.cells, strict=True)}
                for row in table.rows
            },
            "provenance": provenance(report),
        },
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _driver(report: Report, names: list[str]) -> dict[str, Any]:
    titles = {line(check.id).split(".")[0]: line(check.title) for check in reversed(report.checks)}
    rules = [
        {
            "id": name,
            "shortDescription": {"text": titles.get(name) or name},
            "help": {"text": f"genreq-checks explain {name}"},
            "defaultConfiguration": {"level": "warning"},
        }
        for name in names
    ]
    return {"name": report.tool.name, "version": line(report.tool.version), "rules": rules}


def _result(report: Report, check: CheckResult, finding: Finding, names: list[str]) -> dict[str, Any]:
    remedy = f" → {line(finding.remedy)}" if finding.remedy else ""
    made = _judged(finding.outcome, line(check.id).split(".")[0], names, line(finding.message) + remedy)
    place = place_of(finding)
    name = f"{line(report.plan.table, 300)}.{line(finding.subject, 300)}"
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": name, "kind": "member"}]}
    if place:
        region = {"region": {"startLine": place.line}} if place.line else {}
        location = {"physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, **region}}
    identity = {"checkAndSubject/v1": f"{line(check.id, 300)}:{line(finding.subject, 300)}"}
    said = {"check": line(check.id), "outcome": finding.outcome, "subject": line(finding.subject)}
    return made | {"locations": [location], "partialFingerprints": identity, "properties": said}


def _judged(outcome: Outcome, rule: str, names: list[str], text: str) -> dict[str, Any]:
    """A result; unknown is `open`, which must not have a level: viewers that need one use the rule's level, warning."""
    judgement = {"kind": "open"} if outcome == "unknown" else {"level": LEVELS[outcome]}
    return {"ruleId": rule, "ruleIndex": names.index(rule), **judgement, "message": {"text": text or rule}}


def _broken(check: CheckResult) -> dict[str, Any]:
    first = next(finding for finding in check.findings if "error" in finding.evidence)
    return {"level": "error", "message": {"text": f"{line(check.id)}: {line(first.message)}"}}


def _uri(file: str) -> str:
    """A file as a URI reference: relative unchanged, absolute as file:///…, every special character percent-encoded."""
    windows = PureWindowsPath(file)
    path = PurePosixPath(windows.as_posix() if windows.drive else file)
    text = quote(path.as_posix().encode("utf-8", "replace"), safe="/")
    if windows.drive:
        return f"file:///{text}"
    return f"file://{text}" if path.is_absolute() else text
