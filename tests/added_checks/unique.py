"""# unique: no two completed rows share a value

## Problem

Two generations that store the same repository overwrite each other's code, and no rate shows it.

## What is measured

Of the completed rows after the cutover, how many have a value, and how many different values there are, compared byte by byte.

## How it can be wrong

Values that differ in letter case, or by a slash at the end, are different values here.

## What to do

Look at the rows (`genreq-checks rows unique.COLUMN SOURCE`), then at what chooses the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault
from genreq_checks.evidence.population import population_of
from genreq_checks.evidence.sides import Evidence
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.scan.selection import CONTENT, Pick, Selection

if TYPE_CHECKING:
    import sqlalchemy as sa

    from genreq_checks.scan.facets import Columns, Facet
    from genreq_checks.scan.fusion import Probe, Since


def subjects(plan: Plan) -> tuple[str, ...]:
    return tuple(name for name, column in plan.kept.items() if column.url and column.derived_from is None)


def judge(evidence: Evidence, column: str) -> list[Finding]:
    whole = population_of(evidence, column, evidence.judged)
    if isinstance(whole, str):
        return [unknown(column, whole)]
    answer = evidence.probe(f"unique.{column}", of_a_side=True)
    if isinstance(answer, str):
        return [unknown(column, answer)]
    ((values, different),) = answer
    if not values:
        return [unknown(column, f"no completed row {evidence.judged_words} has a value.")]
    shared = int(values) - int(different or 0)
    numbers = {"rows": whole.rows, "populated": whole.populated, "values": values, "different": different}
    if shared:
        message = f"{shared:,} of {values:,} values are another row's too."
        remedy = f"Look at the rows: genreq-checks rows unique.{column} SOURCE"
        return [Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=numbers)]
    message = f"All {values:,} values are different."
    return [Finding(subject=column, outcome="pass", message=message, evidence=numbers)]


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    from genreq_checks.scan.facets import content_of

    return content_of(plan, columns, subjects(plan))


def probes(plan: Plan) -> Iterator[Probe]:
    import sqlalchemy as sa

    from genreq_checks.scan.facets import as_text
    from genreq_checks.scan.fusion import Probe, in_cohort

    def select(column: str, origin: sa.FromClause, since: Since) -> sa.Select[Any]:
        value = as_text(column)
        counts = sa.func.count(value), sa.func.count(sa.distinct(value))
        of_side = sa.true() if since is None else since
        return sa.select(*counts).select_from(origin).where(in_cohort(plan), of_side)

    for name in subjects(plan):
        yield Probe(f"unique.{name}", (name, plan.cohort.column, plan.cohort.time), partial(select, name))


def rows(plan: Plan, column: str) -> Selection:
    def is_shared(since: Since) -> sa.ColumnElement[bool]:
        import sqlalchemy as sa

        from genreq_checks.scan.facets import as_text
        from genreq_checks.scan.fusion import in_cohort, relation

        value = as_text(column)
        shared = sa.select(value).select_from(relation(plan.table)).where(in_cohort(plan)).group_by(value)
        shared = shared if since is None else shared.where(since)
        return value.in_(shared.having(sa.func.count() > 1))

    return Selection((Pick("shared", {column: CONTENT}, cohort=True, side="after", where=is_shared),), (column,))


FAULTS = (
    fault(
        "two new rows with one github_url",
        "after",
        by_sql(
            "UPDATE generation_requests SET github_url = o.github_url, artifacts_github_url = o.artifacts_github_url "
            "FROM generation_requests o WHERE o.id = 650 AND generation_requests.id = 649"
        ),
        "unique.github_url",
        "reconciliation.github_url",
        "reconciliation.artifacts_github_url",
    ),
    fault(
        "two new rows with one deployment_url",
        "after",
        by_sql(
            "UPDATE generation_requests SET deployment_url = o.deployment_url "
            "FROM generation_requests o WHERE o.id = 650 AND generation_requests.id = 646"
        ),
        "unique.deployment_url",
    ),
)
CHECK = Check(
    name="unique",
    title="{subject}: no two completed rows share a value",
    order=75,
    page=__doc__,
    phases=frozenset({"after"}),
    subjects=subjects,
    judge=judge,
    facts=lambda _plan, _column: {"rows", "cohort"},
    facets=facets,
    probes=probes,
    rows=rows,
    faults=FAULTS,
)
