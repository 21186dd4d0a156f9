"""# url-shape: well-formed URLs without credentials

## Problem

A populated column may hold a value that is not a usable URL: 'null', 'undefined', HTML, a URL of another host.
Worse, it may hold a password or a token.

## What is measured

Populated values are compared with the plan's shape (scheme, hosts, path segments). A cheap test on the prefix
decides for most; regular expressions judge the rest. User information before an @, GitHub's token forms and secrets
as query parameters are credentials. In a database whose encoding has bytes without a character (SQL_ASCII, WIN1252
and others), a value that cannot be converted to UTF-8 is of the class `undecodable`; it is malformed too.

## How it can be wrong

A cohort without a row, or with a value that its column cannot have, is `unknown`. A token of an unknown form
passes. A good URL of an unusual form (an @ in its path) is called malformed. In EUC_TW and MULE_INTERNAL a
value that cannot be converted is not distinguished from others.

## What to do

Malformed values warn: look at the rows. Credentials fail in any completed row: revoke them first, then clean the
value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.population import population_of
from genreq_checks.evidence.sides import Evidence
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.scan.selection import MALFORMED, Pick, Selection
from genreq_checks.text import plural, share

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Malformed values are judged on the side after; credentials in every completed row, since each one is a leak."""
    whole = population_of(evidence, column, "all")
    if isinstance(whole, str):
        return [unknown(column, whole)]
    found: list[Finding] = []
    look = f"Look at the rows: genreq-checks rows url-shape.{column} SOURCE"
    if whole.credentials:
        verb = "holds" if whole.credentials == 1 else "hold"
        message = (
            f"{plural(whole.credentials, 'value')} of {whole.populated:,} {verb} a password or a token in the URL."
        )
        remedy = f"Revoke it, then clean the value. {look}"
        found.append(Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=whole.evidence()))
    after = population_of(evidence, column, evidence.judged)
    if isinstance(after, str):
        return [*found, unknown(column, after)]
    where, cohort = evidence.judged_words, evidence.plan.cohort
    if after.populated == 0:
        return [
            *found,
            unknown(column, f"no value {where} to look at ({plural(after.rows, cohort.row, cohort.rows)})."),
        ]
    malformed = after.malformed - after.credentials
    if malformed:
        undecodable = f"; {after.undecodable:,} cannot be converted to UTF-8" if after.undecodable else ""
        measure = f"{share(malformed, after.populated)} of the values {where}"
        message = f"{measure} are not well-formed URLs of the expected kind{undecodable}."
        found.append(Finding(subject=column, outcome="warn", message=message, remedy=look, evidence=after.evidence()))
    elif not found:
        message = f"All {plural(after.populated, 'value')} {where} are well-formed, none holds a password or a token."
        found.append(Finding(subject=column, outcome="pass", message=message, evidence=after.evidence()))
    return found


def subjects(plan: Plan) -> tuple[str, ...]:
    """The kept columns that hold URLs by the plan."""
    return tuple(name for name, column in plan.kept.items() if column.url)


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    """What the columns of URLs hold."""
    from genreq_checks.scan.facets import content_of

    return content_of(plan, columns, subjects(plan))


def rows(_: Plan, column: str) -> Selection:
    """The completed rows with credentials, of any time, and the malformed ones after the cutover."""
    picks = (
        Pick("credentials", {column: frozenset(("credentials",))}, cohort=True),
        Pick("malformed", {column: MALFORMED}, cohort=True, side="after"),
    )
    return Selection(picks, (column,))


FAULTS = (
    fault(
        "an old row with a token in github_url",
        "after",
        by_sql("UPDATE generation_requests SET github_url = 'https://ghp_0123456789@github.com/a/b' WHERE id = 4"),
        "url-shape.github_url",
    ),
    fault(
        "an old row with a password in artifacts_github_url",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = 'https://u:p@github.com/a/b' WHERE id = 4"),
        "url-shape.artifacts_github_url",
    ),
    fault(
        "an old row with a password in deployment_url",
        "after",
        by_sql("UPDATE generation_requests SET deployment_url = 'https://u:p@a.fly.dev' WHERE id = 4"),
        "url-shape.deployment_url",
    ),
    fault(
        "a deployment_url that is the text undefined",
        "after",
        by_sql("UPDATE generation_requests SET deployment_url = 'undefined' WHERE id = 650"),
        warn="url-shape.deployment_url",
    ),
    noticed("artifacts_github_url is not stored", "after", unknown="url-shape.artifacts_github_url"),
)


CHECK = Check(
    name="url-shape",
    title="{subject}: well-formed URLs without credentials",
    order=90,
    page=__doc__,
    phases=frozenset({"held", "after"}),
    subjects=subjects,
    judge=judge,
    facts=lambda _plan, _column: {"rows", "cohort"},
    facets=facets,
    rows=rows,
    faults=FAULTS,
)
