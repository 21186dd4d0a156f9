"""Each check that did not pass, as the dashboard shows it: findings, the first rows, also as CSV, and the complete command."""

from __future__ import annotations

import io
from typing import NamedTuple

from genreq_checks.outputs.grid import causes, counted, families, open_checks, passed, skipped, without_command
from genreq_checks.outputs.rows import write_csv
from genreq_checks.outputs.verdict import MARKS
from genreq_checks.report import CheckResult, Report
from genreq_checks.text import line, plural

Row = dict[str, str]


class Failing(NamedTuple):
    """A check that did not pass. `rows` are the first rows behind it, `told` says of how many, or why there are none."""

    check: str
    name: str
    findings: tuple[str, ...]
    rows: list[Row]
    told: str
    command: str


def failing(report: Report) -> list[Failing]:
    """The checks that failed, are unknown or warn, worst first, but those that share a cause: see `shared_causes`."""
    return [
        Failing(
            line(check.id),
            f"{MARKS[check.outcome]} {line(check.id)}",
            _findings(check),
            example_rows(check),
            _told(check),
            line(check.command, 2000),
        )
        for check in open_checks(report)
    ]


def shared_causes(report: Report) -> list[str]:
    """Each reason why several checks could not be judged, once, with their number."""
    return [
        line(
            f"? {cause.reason.rstrip('.')}: {plural(len(cause.checks), 'check')} could not be judged. {cause.remedy}",
            500,
        )
        for cause in causes(report)
    ]


def example_rows(check: CheckResult) -> list[Row]:
    """The first rows behind a check: key, time, finding, and the shapes of the values, none of which is a link."""
    examples = check.examples
    if examples is None:
        return []
    return [
        {line(name): line(value) for name, value in zip(examples.key, row.key, strict=False)}
        | {"time": line(row.time or ""), "finding": line(row.finding)}
        | {line(name): unlinked(value) for name, value in zip(examples.columns, row.values, strict=False)}
        for row in examples.rows
    ]


def rows_csv(check: Failing) -> str:
    """The first rows behind a check as CSV."""
    out = io.StringIO()
    header = list(check.rows[0]) if check.rows else []
    write_csv(header, ([row[name].replace(_JOINER, "") for name in header] for row in check.rows), out)
    return out.getvalue()


def grid_rows(report: Report) -> list[Row]:
    """One line for each check that did not pass, worst first, then one for each family of those that did."""
    found = [
        {
            "outcome": f"{MARKS[check.outcome]} {check.outcome}",
            "check": line(check.id),
            "rows": counted(check).rows,
            "passed": counted(check).passed,
            "failed": counted(check).failed,
            "found": line(check.findings[0].message) if check.findings else "",
        }
        for check in (*open_checks(report), *(check for cause in causes(report) for check in cause.checks))
    ]
    for outcome, checks in (("pass", passed(report)), ("skip", skipped(report))):
        for family in families(checks):
            numbers = counted(family.only) if family.only else None
            words = {"rows": numbers.rows, "passed": numbers.passed, "failed": numbers.failed} if numbers else {}
            told = line(family.only.findings[0].message) if family.only and family.only.findings else ""
            found.append(
                {"outcome": f"{MARKS[outcome]} {outcome}", "check": line(family.words, 300)}  # type: ignore[index]
                | ({"rows": "", "passed": "", "failed": ""} | words)
                | {"found": told or plural(len(family.checks), "check")}
            )
    return found


_JOINER = "\N{WORD JOINER}"


def unlinked(value: str) -> str:
    """A masked value that no page makes a link of."""
    return line(value).replace("://", f":{_JOINER}//")


def _findings(check: CheckResult) -> tuple[str, ...]:
    some = [finding for finding in check.findings if finding.outcome == check.outcome][:3]
    more = check.found - len(some) if check.outcome != "unknown" else 0
    told = [line(f"{finding.message} {without_command(check, finding.remedy)}".strip(), 600) for finding in some]
    return (*told, *([f"… and {more:,} more."] if more > 0 and len(check.findings) > len(some) else []))


def _told(check: CheckResult) -> str:
    examples = check.examples
    if examples is None:
        return ""
    if examples.problem:
        return line(f"The rows could not be read: {examples.problem}")
    if not examples.rows:
        return ""
    of = f" of {examples.of:,}" if examples.of is not None else ""
    when = f", read {examples.read_at:%Y-%m-%d %H:%M:%S} UTC" if examples.read_at else ""
    return f"The first {plural(len(examples.rows), 'row')}{of}{when}; values are masked."
