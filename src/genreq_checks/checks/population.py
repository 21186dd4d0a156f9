"""# population: how often a column is populated

## Problem

A column that the plan populates may still be empty in new rows. A rate over the whole table hides that: old rows
that were back-filled raise the rate, although new rows have no value.

## What is measured

Of the completed rows, how many hold a value that is neither NULL nor blank (empty, or white space only), before the
cutover and after it. The rate has a Wilson interval; the difference of two independent sides has a Newcombe
interval; where the same rows were counted twice the difference is exact and has none. `not-lower` fails when the
whole interval is below zero. `higher` passes when it is above zero, fails when the rate did not rise, and is
unknown when the rate rose but the interval contains zero, or when fewer than 10 rows are too few to decide.
`minimum` is compared with the measured rate itself. With `values` or `pattern` in the plan each value of the judged side is
compared with them.

## How it can be wrong

A cohort without a row, or with a value that its column cannot have, is `unknown`. A wrong cutover puts old rows on
the side after. Completed rows without completed_at are on neither side: the report counts them as undated. A
malformed value counts as populated (see url-shape).

## What to do

Look at the rows (`genreq-checks rows population.COLUMN SOURCE`), then at what writes the column.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import PLAN, by_edit, by_sql, fault
from genreq_checks.evidence.population import Population, population_of
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Outcome
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.scan.selection import Pick, Selection
from genreq_checks.tally.intervals import newcombe
from genreq_checks.text import percent, plural, points, share, span

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet

FEW = 10  # rows: the rate of fewer cannot disprove a rise
RULES = {
    "not-lower": "not lower than before",
    "higher": "higher than before",
}


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """The change and the minimum are judged separately: one may be unknown while the other is not."""
    expected, cohort = evidence.plan.kept[column], evidence.plan.cohort
    after = population_of(evidence, column, evidence.judged)
    if isinstance(after, str):
        return [unknown(column, after)]
    if after.rows == 0:
        undated = population_of(evidence, column, "undated")
        more = f" ({undated.rows:,} {cohort.rows} are undated)" if not isinstance(undated, str) and undated.rows else ""
        return [
            unknown(
                column,
                f"there are no {cohort.rows} {evidence.judged_words}{more}.",
                "Check again when there are some.",
            )
        ]
    found: list[Finding] = []
    if expected.minimum is not None:
        found.append(_minimum(evidence, column, after, expected.minimum))
    if expected.change in RULES:
        found.append(_change(evidence, column, after, expected.change))
    if expected.values is not None or expected.pattern is not None:
        found.append(_allowed(evidence, column))
    if not found:
        message = (
            f"{share(after.populated, after.rows)} populated {evidence.judged_words}; the plan sets no rule for it."
        )
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


def _allowed(evidence: Evidence, column: str) -> Finding:
    """Each value is one that the plan allows; NULL and blank are no value."""
    side = evidence.side(evidence.judged)
    if isinstance(side, str):
        return unknown(column, side)
    if not side.has(f"allowed.{column}"):
        return unknown(
            column, f"{evidence.now.source.location} was read without comparing {column} with the plan's values."
        )
    counts = side.count(f"allowed.{column}")
    values, other = counts["allowed"] + counts["other"], counts["other"]
    numbers = {"rule": "values", "values": values, "other": other}
    where = evidence.judged_words
    if not values:
        return unknown(column, f"whether its values are as the plan says: there is none {where}.")
    if not other:
        message = f"All {plural(values, 'value')} {where} {'is' if values == 1 else 'are'} as the plan says."
        return Finding(subject=column, outcome="pass", message=message, evidence=numbers)
    return Finding(
        subject=column,
        outcome="fail",
        message=f"{other:,} of {plural(values, 'value')} {where} {'is' if other == 1 else 'are'} not as the plan says.",
        remedy=f"Look at the rows: genreq-checks rows population.{column} SOURCE",
        evidence=numbers,
    )


def _change(evidence: Evidence, column: str, after: Population, change: str) -> Finding:
    before = population_of(evidence, column, "before")
    rule = RULES[change]
    if isinstance(before, str):
        return unknown(column, f"whether it is {rule}: {before}")
    if before.rows == 0:
        return unknown(
            column,
            f"whether it is {rule}: there are no {evidence.plan.cohort.rows} before.",
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
        reason = "Too few rows to tell" if after.rows < FEW else "The rise is within the interval and may be chance"
        message = f"{reason}: {message}"
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
    unknown when the rate rose or the rows are few, and fails otherwise. A rate of 100 % before and after cannot rise, and
    passes.
    """
    if change == "not-lower":
        return "fail" if high < 0 else "pass"
    if low > 0 or (before.populated == before.rows and after.populated == after.rows):
        return "pass"
    rose = after.populated * before.rows > before.populated * after.rows
    return "unknown" if rose or (high > 0 and after.rows < FEW) else "fail"


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    """What the kept columns hold."""
    from genreq_checks.scan.facets import allowed, content_of

    yield from content_of(plan, columns, plan.kept)
    for name, kept in plan.kept.items():
        if name in columns and (kept.values is not None or kept.pattern is not None):
            yield allowed(name, kept, columns.decodable)


def rows(plan: Plan, column: str) -> Selection:
    """The completed rows after the cutover without a value, or with one that the plan does not allow."""
    picks = [Pick(label, {column: frozenset((label,))}, cohort=True, side="after") for label in ("null", "blank")]
    kept = plan.kept[column]
    if kept.values is not None or kept.pattern is not None:
        other = {f"allowed.{column}": frozenset(("other",))}
        picks.append(Pick("not as the plan says", other, cohort=True, side="after"))
    return Selection(tuple(picks), (column,))


FAULTS = (
    fault(
        "a tenth of the new rows without github_url",
        "after",
        by_sql(
            "UPDATE generation_requests SET github_url = NULL, artifacts_github_url = NULL WHERE id > 600 AND id % 10 = 0"
        ),
        "population.github_url",
    ),
    fault(
        "artifacts_github_url is not stored",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = NULL WHERE id > 600"),
        "population.artifacts_github_url",
    ),
    fault(
        "deployment_url is hardly ever stored",
        "after",
        by_sql("UPDATE generation_requests SET deployment_url = NULL WHERE id > 600 AND id % 30 <> 0"),
        "population.deployment_url",
    ),
    fault(
        "a table without rows",
        "after",
        by_sql("TRUNCATE generation_requests CASCADE"),
        takes=("rows", "key"),
    ),
    fault(
        "a plan whose cohort has a value that the enum does not know",
        "after",
        by_edit(PLAN, 'values = ["completed"]', 'values = ["completed", "done"]'),
        takes=("cohort",),
    ),
)


CHECK = Check(
    name="population",
    title="{subject}: how often it is populated",
    order=70,
    page=__doc__,
    phases=frozenset({"held", "after"}),
    subjects=lambda plan: tuple(plan.kept),
    judge=judge,
    facts=lambda _plan, _column: {"rows", "cohort", "baseline"},
    facets=facets,
    rows=rows,
    faults=FAULTS,
)
