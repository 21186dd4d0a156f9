"""population.<column>: its rate after against the rate before, and against the plan's minimum."""

from __future__ import annotations

from fractions import Fraction

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.population import Population, population_of
from genreq_checks.results import Finding, Outcome
from genreq_checks.stats import newcombe
from genreq_checks.text import percent, points, share, span

FEW = 10  # rows: a rate of fewer says nothing against a rise
RULES = {
    "not-lower": "not lower than before",
    "higher": "higher than before",
}


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """The change and the minimum are judged apart: the one may be unknown while the other is not."""
    expected = evidence.plan.kept[column]
    after = population_of(evidence, column, evidence.judged)
    if isinstance(after, str):
        return [unknown(column, after)]
    if after.rows == 0:
        undated = population_of(evidence, column, "undated")
        more = (
            f" ({undated.rows:,} completed rows are undated)" if not isinstance(undated, str) and undated.rows else ""
        )
        return [
            unknown(
                column,
                f"there are no completed rows {evidence.judged_words}{more}.",
                "Check again when there are some.",
            )
        ]
    found: list[Finding] = []
    if expected.minimum is not None:
        found.append(_minimum(evidence, column, after, expected.minimum))
    if expected.change in RULES:
        found.append(_change(evidence, column, after, expected.change))
    if not found:
        message = f"{share(after.populated, after.rows)} populated {evidence.judged_words}; the plan asks for no rate."
        found.append(Finding(subject=column, outcome="skip", message=message, evidence=after.evidence()))
    return found


def _minimum(evidence: Evidence, column: str, after: Population, minimum: float) -> Finding:
    enough = after.populated >= Fraction(str(minimum)) * after.rows
    rule = f"at least {percent(round(minimum * 10**6), 10**6)}"
    remedy = "" if enough else f"Look at the rows: genreq-checks rows population.{column} SOURCE"
    return Finding(
        subject=column,
        outcome="pass" if enough else "fail",
        message=f"{share(after.populated, after.rows)} populated {evidence.judged_words}; the rule is {rule}.",
        remedy=remedy,
        evidence={"rule": "minimum", "minimum": minimum} | after.evidence(),
    )


def _change(evidence: Evidence, column: str, after: Population, change: str) -> Finding:
    before = population_of(evidence, column, "before")
    rule = RULES[change]
    if isinstance(before, str):
        return unknown(column, f"whether it is {rule}: {before}")
    if before.rows == 0:
        return unknown(
            column,
            f"whether it is {rule}: there are no completed rows before.",
            "Choose a later cutover or another baseline.",
        )
    difference = after.populated / after.rows - before.populated / before.rows
    interval = (
        newcombe((before.populated, before.rows), (after.populated, after.rows)) if evidence.independent else None
    )
    low, high = interval or (difference, difference)
    outcome = _outcome(change, before, after, low, high)
    margin = f" {span(*interval)}" if interval else " (exact: the same table counted twice)"
    message = (
        f"{share(after.populated, after.rows)} populated {evidence.judged_words}, {share(before.populated, before.rows)} before: "
        f"{points(difference)} points{margin}; the rule is {rule}{' beyond the interval' if interval else ''}."
    )
    remedy = ""
    if outcome == "fail":
        remedy = f"See what writes {column}; the rows: genreq-checks rows population.{column} SOURCE"
    elif outcome == "unknown":
        message = f"Too few rows to tell: {message}"
        remedy = "Check again when more rows are completed."
    return Finding(
        subject=column,
        outcome=outcome,
        message=message,
        remedy=remedy,
        evidence={"rule": change, "difference": difference, "low": interval and low, "high": interval and high}
        | {"before": before.evidence(), "after": after.evidence()},
    )


def _outcome(change: str, before: Population, after: Population, low: float, high: float) -> Outcome:
    """not-lower fails when the whole interval is below zero; higher passes when it is above. Where it contains zero, higher is
    unknown when the rate rose at all or the rows are few, and fails otherwise. What was complete and still is cannot get
    higher, and passes.
    """
    if change == "not-lower":
        return "fail" if high < 0 else "pass"
    if low > 0 or (before.populated == before.rows and after.populated == after.rows):
        return "pass"
    rose = after.populated * before.rows > before.populated * after.rows
    return "unknown" if rose or (high > 0 and after.rows < FEW) else "fail"


CHECK = Check(
    name="population",
    title="{subject}: how often it is populated",
    phases=frozenset({"after"}),
    subjects=lambda plan: tuple(plan.kept),
    judge=judge,
)
