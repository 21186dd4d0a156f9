"""Outcomes, findings and the report: frozen data, which every output renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from genreq_checks.errors import libraries
from genreq_checks.facts import Outcome, SourceInfo, Step
from genreq_checks.facts.file_format import Model
from genreq_checks.tally.periods import Unit

if TYPE_CHECKING:
    import pandas as pd

Phase = Literal["before", "held", "after", "rolled-back", "rehearsal", "generation"]
PHASES: tuple[Phase, ...] = ("before", "held", "after", "rolled-back")
WORST_FIRST: tuple[Outcome, ...] = ("fail", "unknown", "warn", "pass", "skip")
SCHEMA_VERSION: Final = 1
LIST_LIMIT = 100


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of some outcomes: fail, unknown, warn, pass, skip; unknown when there are none."""
    found = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in found), "unknown")


class Finding(Model):
    """One judged fact: its subject, its outcome, the rule with the measured value, and what to do."""

    subject: str
    outcome: Outcome
    message: str
    remedy: str = ""
    evidence: dict[str, Any] = Field(default_factory=dict)


class ExampleRow(Model):
    """One row behind a finding: its key, its time, what is with it, and the shape of each value that shows it."""

    key: tuple[str, ...]
    time: str | None
    finding: str
    values: tuple[str, ...] = ()


class Examples(Model):
    """The first rows behind a check's findings, read after it was judged; `problem` says why there are none.

    `key` and `columns` name what the rows have. `of` is how many rows the check counted, None where that is not known.
    """

    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[ExampleRow, ...] = ()
    of: int | None = None
    read_at: datetime | None = None
    problem: str = ""


class CheckResult(Model):
    """A check's findings; its outcome is the worst of theirs. `found` is their full number, if the list is cut.

    `failing` is how many rows are behind its findings, of `judged` rows; None where that is not known or it is not about
    rows. `command` lists them, `examples` are the first of them; None when they were not asked for.
    """

    id: str
    title: str
    outcome: Outcome
    requirement: str | None = None
    found: int
    findings: tuple[Finding, ...]
    failing: int | None = Field(None, exclude_if=lambda failing: failing is None)
    judged: int | None = Field(None, exclude_if=lambda judged: judged is None)
    command: str = Field("", exclude_if=lambda command: not command)
    examples: Examples | None = Field(None, exclude_if=lambda examples: examples is None)


class Rate(Model):
    """A column's population on one side, in rows of the cohort; rate and its interval are fractions, None without rows."""

    column: str
    side: Literal["before", "after", "undated", "all"]
    rows: int
    populated: int
    null: int
    blank: int
    malformed: int
    rate: float | None
    low: float | None
    high: float | None


class RateAmong(Model):
    """A column's population among some rows of the side that is judged: those whose message had the column's `field`."""

    column: str
    side: Literal["after", "all"]
    field: str
    rows: int
    populated: int
    rate: float | None
    low: float | None
    high: float | None


class DayCount(Model):
    """A column's population on one side on one UTC day, in rows of the cohort; in one month or year, where the report's
    `period` says so: `day` is then the first of it.

    `day` is text as PostgreSQL writes a date: also infinity, BC and years of five digits. None: rows without a time.
    """

    column: str
    side: Literal["before", "after", "undated", "all"]
    day: str | None
    rows: int
    populated: int
    null: int
    blank: int
    malformed: int


class Derivation(Model):
    """A derived column's classes on one side, in rows of the cohort."""

    column: str
    side: Literal["before", "after", "undated", "all"]
    none: int
    match: int
    missing: int
    wrong: int
    unexpected: int


class RateChange(Model):
    """The difference of two rates (after − before); the interval is None where the difference is exact or unknown."""

    column: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None


class Meanwhile(Model):
    """The rows before the cutover, counted in the baseline and again now: exact, the same rows twice."""

    column: str
    rows_then: int
    rows_now: int
    populated_then: int
    populated_now: int


class RequirementResult(Model):
    """A requirement of the plan, the checks that prove it, and their common outcome (`skip`: not in this phase)."""

    id: str
    text: str
    checks: tuple[str, ...]
    outcome: Outcome
    unproven: tuple[str, ...] = ()


class Tool(Model):
    """The tool that made the report."""

    name: str = "genreq-checks"
    version: str


class PlanInfo(Model):
    """The plan of the report."""

    title: str
    table: str
    cutover: datetime | None
    fingerprint: str
    cohort: str
    row: str = "completed row"  # the name of one row of the cohort; several are `rows`
    rows: str = "completed rows"


class Report(Model):
    """The complete answer. All outputs have the same numbers; `outcome` is the worst of the checks, without skipped ones.

    `only` are the requested patterns of check ids; () when all of the plan's checks were made. `made_at` is when it was
    judged, in UTC: how old a snapshot was then.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    tool: Tool
    plan: PlanInfo
    phase: Phase
    sources: dict[str, SourceInfo]
    outcome: Literal["pass", "warn", "fail", "unknown"]
    counts: dict[Outcome, int]
    rates: tuple[Rate, ...] = ()
    rates_among: tuple[RateAmong, ...] = Field((), exclude_if=lambda rates: not rates)
    derivation: tuple[Derivation, ...] = ()
    changes: tuple[RateChange, ...] = ()
    meanwhile: tuple[Meanwhile, ...] = ()
    daily: tuple[DayCount, ...] = ()
    period: Unit = Field("day", exclude_if=lambda unit: unit == "day")
    statuses: dict[str, int] = Field(default_factory=dict)
    checks: tuple[CheckResult, ...]
    requirements: tuple[RequirementResult, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    only: tuple[str, ...] = Field((), exclude_if=lambda only: not only)
    made_at: datetime | None = Field(None, exclude_if=lambda moment: moment is None)

    def check(self, check_id: str) -> CheckResult:
        """The result of one check. Raises KeyError when the report does not have it."""
        for result in self.checks:
            if result.id == check_id:
                return result
        raise KeyError(check_id)

    def rate(self, column: str, side: str) -> Rate | None:
        """The rate of a column on a side, or None when it was not measured."""
        return next((r for r in self.rates if r.column == column and r.side == side), None)

    def frame(self) -> pd.DataFrame:
        """The rates as a frame: column, side, rows, populated, null, blank, malformed, rate, low, high."""
        with libraries():
            import pandas as pd

        return pd.DataFrame([rate.model_dump() for rate in self.rates], columns=list(Rate.model_fields))

    def _repr_html_(self) -> str:
        """The verdict and the table of checks, as notebooks show them."""
        html: str = import_module("genreq_checks.outputs.html").fragment(
            self
        )  # imported by name: rendering is a higher layer than data
        return html

    def exit_code(self, strict: bool = False) -> int:
        """0 nothing failed and nothing is unknown, 1 a check failed, 3 something is unknown; strict: a warning fails."""
        if self.counts["fail"] or (strict and self.counts["warn"]):
            return 1
        return 3 if self.outcome == "unknown" else 0


def exit_code(reports: Iterable[Report], strict: bool = False) -> int:
    """The exit code of several reports: 1 where one has it, then 3."""
    codes = {report.exit_code(strict) for report in reports}
    return 1 if 1 in codes else 3 if 3 in codes else 0


def tally_outcomes(results: Iterable[CheckResult]) -> dict[Outcome, int]:
    """The number of checks of each outcome, all outcomes named."""
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in ("pass", "warn", "fail", "unknown", "skip")}


def overall(counts: dict[Outcome, int]) -> Literal["pass", "warn", "fail", "unknown"]:
    """The report's outcome: fail over unknown over warn over pass; unknown when nothing was judged."""
    if counts["fail"]:
        return "fail"
    if counts["unknown"]:
        return "unknown"
    if counts["warn"]:
        return "warn"
    return "pass" if counts["pass"] else "unknown"
