"""# derivation: derived as the plan says

## Problem

artifacts_github_url must be github_url without one trailing slash, followed by -artifacts. Any other value sends
users to the wrong repository, or to no repository.

## What is measured

Each completed row is one of: none (nothing derived, nothing stored), match, missing (derived, not stored), wrong
(another value stored), unexpected (nothing derived, a value stored). Values are compared byte by byte. As in
JavaScript, nothing is derived from the empty string, but a value is derived from a blank one. After the cutover no
row may be missing, wrong or unexpected.

## How it can be wrong

A cohort without a row, or with a value that its column cannot have, is `unknown`. Without a cutover, rows from
before the change may break the rule, because it did not apply to them: then the outcome is `unknown`. With the
plan's handler, a message without github_url clears artifacts_github_url on a resumed row that has a github_url:
that is a defect of the plan, and this check finds it.

## What to do

Look at the rows (`genreq-checks rows derivation.COLUMN SOURCE`); back-fill them, or fix the handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.population import not_counted
from genreq_checks.evidence.sides import Evidence
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.scan.selection import Pick, Selection
from genreq_checks.tally import Tally
from genreq_checks.text import listed, plural

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet

BROKEN = ("missing", "wrong", "unexpected")


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Without a cutover, rows that break the rule may be older than it: the outcome is unknown, not fail."""
    facet, cohort = f"derivation.{column}", evidence.plan.cohort
    tally = evidence.side(evidence.judged)
    if isinstance(tally, str):
        return [unknown(column, tally)]
    if not tally.has(facet):
        source, _ = evidence.plan.derivations()[column]
        missing = source if tally.has(column) else column
        return [unknown(column, not_counted(evidence, missing, evidence.judged))]
    if tally.total == 0:
        return [
            unknown(column, f"there are no {cohort.rows} {evidence.judged_words}.", "Check again when there are some.")
        ]
    counts = tally.count(facet)
    broken = sum(counts[label] for label in BROKEN)
    numbers, counted = {"rows": tally.total} | counts, plural(tally.total, cohort.row, cohort.rows)
    where = f"of {counted} {evidence.judged_words}"
    if broken == 0 and counts["match"] == 0:
        reason = f"there is nothing to derive from in the {counted} {evidence.judged_words}."
        return [unknown(column, reason).model_copy(update={"evidence": numbers})]
    if broken == 0:
        message = f"Every row is derived as the plan says: {listed(counts)} {where}."
        return [Finding(subject=column, outcome="pass", message=message, evidence=numbers)]
    message = (
        f"{plural(broken, 'row')} {where} {'breaks' if broken == 1 else 'break'} the derivation: {listed(counts)}."
    )
    look = f"Look at them: genreq-checks rows derivation.{column} SOURCE"
    if evidence.cutover is not None or _more_than_before(evidence, facet, broken):
        return [Finding(subject=column, outcome="fail", message=message, remedy=look, evidence=numbers)]
    reason = f"{message} They may be from before the change."
    remedy = "Give --cutover T to judge only the rows after it."
    return [unknown(column, reason, remedy).model_copy(update={"evidence": numbers})]


def _more_than_before(evidence: Evidence, facet: str, broken: int) -> bool:
    before = evidence.side("before")
    if not isinstance(before, Tally) or not before.has(facet):
        return False
    counts = before.count(facet)
    return broken > sum(counts[label] for label in BROKEN)


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    """The derivations, and what both columns of each hold: counting them together costs no more than counting one."""
    from genreq_checks.scan.facets import content_of, derivation

    for column, (source, suffix) in plan.derivations().items():
        if column in columns and source in columns:
            yield from content_of(plan, columns, (source, column))
            yield derivation(column, source, suffix)


def rows(plan: Plan, column: str) -> Selection:
    """The completed rows after the cutover that break the derivation."""
    facet, (source, _) = f"derivation.{column}", plan.derivations()[column]
    picks = (Pick(label, {facet: frozenset((label,))}, cohort=True, side="after") for label in BROKEN)
    return Selection(tuple(picks), (source, column))


# Rows 601 to 760 are from after the change; row 650 has all three URLs.
FAULTS = (
    fault(
        "one artifacts_github_url is missing",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = NULL WHERE id = 650"),
        "derivation.artifacts_github_url",
    ),
    fault(
        "one artifacts_github_url without its suffix",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = github_url WHERE id = 650"),
        "derivation.artifacts_github_url",
    ),
    fault(
        "one artifacts_github_url without a github_url",
        "after",
        by_sql("UPDATE generation_requests SET github_url = NULL WHERE id = 650"),
        "derivation.artifacts_github_url",
    ),
    noticed("artifacts_github_url is not stored", "after", "derivation.artifacts_github_url"),
)


CHECK = Check(
    name="derivation",
    title="{subject}: derived as the plan says",
    order=80,
    page=__doc__,
    phases=frozenset({"held", "after"}),
    subjects=lambda plan: tuple(plan.derivations()),
    judge=judge,
    facts=lambda _plan, _column: {"rows", "cohort"},
    facets=facets,
    rows=rows,
    faults=FAULTS,
)
