"""The checks as every output lists them: failures first, one cause once, passes in one line a family; rows in fixed columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genreq_checks.outputs.verdict import not_passing
from genreq_checks.report import CheckResult, Finding, Report
from genreq_checks.text import plural

NONE = "–"


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why several checks could not be judged, and what to do about it."""

    reason: str
    remedy: str
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Checks of one kind with the same outcome: the kind, and their subjects; () for the one that has none."""

    name: str
    checks: tuple[CheckResult, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects of its checks, such as columns."""
        return tuple(check.id.removeprefix(f"{self.name}.") for check in self.checks if check.id != self.name)

    @property
    def only(self) -> CheckResult | None:
        """The one check, or None when there are several."""
        return self.checks[0] if len(self.checks) == 1 else None

    @property
    def words(self) -> str:
        """The family in one line: `kept: github_url, deployment_url`."""
        return f"{self.name}: {', '.join(self.subjects)}" if self.subjects else self.name


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows that a check judged, and how many of them pass and fail, in words; a dash where it is not about rows."""

    rows: str
    passed: str
    failed: str


def causes(report: Report) -> tuple[Cause, ...]:
    """The reasons that are each the whole answer of two or more checks, in the order of the report."""
    groups: dict[tuple[str, str], list[CheckResult]] = {}
    for check in report.checks:
        said = {(finding.message, finding.remedy) for finding in check.findings}
        if check.outcome == "unknown" and len(said) == 1:
            groups.setdefault(said.pop(), []).append(check)
    return tuple(
        Cause(_sentence(message.removeprefix("Not judged: ")), remedy, tuple(checks))
        for (message, remedy), checks in groups.items()
        if len(checks) > 1
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def open_checks(report: Report) -> list[CheckResult]:
    """The checks that failed, are unknown or warn, worst first, but those that share a cause."""
    shared = {check.id for cause in causes(report) for check in cause.checks}
    return [check for check in not_passing(report) if check.id not in shared]


def passed(report: Report) -> list[CheckResult]:
    """The checks that passed."""
    return [check for check in report.checks if check.outcome == "pass"]


def skipped(report: Report) -> list[CheckResult]:
    """The checks that were not asked for."""
    return [check for check in report.checks if check.outcome == "skip"]


def families(checks: Iterable[CheckResult]) -> tuple[Family, ...]:
    """The checks by their kind, in their order."""
    found: dict[str, list[CheckResult]] = {}
    for check in checks:
        found.setdefault(check.id.partition(".")[0], []).append(check)
    return tuple(Family(name, tuple(some)) for name, some in found.items())


def counted(check: CheckResult) -> Counted:
    """The rows that a check judged; what is not known, or not about rows, is a dash."""
    finding = next((one for one in check.findings if one.outcome == check.outcome and _numbers(one)), None)
    numbers = _numbers(finding) if finding is not None else {}
    rows, failed = check.judged, check.failing
    if failed is None and numbers:  # the baseline's rows and values, which are compared as a whole
        rows = numbers.get("then", numbers["rows"])
        changed = [numbers[name] for name in ("gone", "changed", "cleared") if name in numbers]
        failed = sum(changed) if changed and not numbers.get("blocks") else None
    if (failed == 0) != (check.outcome == "pass"):  # the rows behind it are not what it is judged by, or not all of it
        failed = None
    if numbers.get("archived"):  # these rows are listed too, and do not fail
        failed = None
    if rows is None:
        return Counted(NONE, NONE, NONE if failed is None else f"{failed:,}")
    if failed is None or failed > rows:
        return Counted(f"{rows:,}", NONE, NONE)
    return Counted(f"{rows:,}", f"{rows - failed:,}", f"{failed:,}")


def _numbers(finding: Finding) -> dict[str, int]:
    """The counts of a finding, those after the change where it has two sides; {} when it does not count rows."""
    after = finding.evidence.get("after")
    numbers = after if isinstance(after, Mapping) else finding.evidence
    found = {str(name): count for name, count in numbers.items() if type(count) is int}
    return found if "rows" in found else {}


def first_rows(check: CheckResult, most: int = 3) -> str:
    """The first rows behind a check in one line: `id 610 (null), 612 (null), …: 3 of 19`; '' when none were read."""
    examples = check.examples
    if examples is None:
        return ""
    if examples.problem:
        return f"The rows could not be read: {examples.problem}"
    if not examples.rows:
        return ""
    shown = ", ".join(f"{'/'.join(row.key)} ({row.finding})" for row in examples.rows[:most])
    of = f"; {len(examples.rows[:most]):,} of {plural(examples.of, 'row')}" if examples.of is not None else ""
    return f"{', '.join(examples.key)} {shown}{of}"


def without_command(check: CheckResult, remedy: str) -> str:
    """A remedy for an output that has the check's command on a line of its own."""
    if not check.command or check.command not in remedy:
        return remedy
    return remedy.replace(f": {check.command}", " (command below)").replace(check.command, "(command below)")


def remedies(check: CheckResult) -> list[str]:
    """What to do about what does not pass, each once, for an output that has the check's command on a line of its own."""
    found = (without_command(check, one.remedy) for one in check.findings if one.outcome != "pass")
    return [remedy for remedy in dict.fromkeys(found) if remedy]
