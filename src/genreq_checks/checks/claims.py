"""# claims: the plan's reasons, measured

## Problem

A plan drops a column because it is said to be redundant, or always null. If that is not true in the data, the drop
loses values, and afterwards nobody can measure it.

## What is measured

In phase `before`, over every row in any status, from the same scan as everything else.

- `redundant-with`, where the plan says how a value follows from the other column (`how`: equal, with a prefix or a
  suffix, in any case, a boolean, a map): values are compared. A value that does not follow fails, also where the
  other column is NULL.
- `redundant-with`, without `how`: only presence is measured. A value fails where the other column is NULL or blank,
  and warns where the other column is malformed. It also warns where the other column is populated, since nothing
  says that the two agree, unless the plan says why presence is enough (`presence_is_enough`).
- `always-null`: NULL, blank, JSON null, empty (`{}`, `[]`) and content are distinguished. Content fails. The others
  warn: they are not content, but not NULL either.
- `never-populated` and `populated` (as often as the plan's minimum among completed rows, or always) are about kept
  columns: a claim that does not hold warns, since these columns are not dropped.
- `any` asks nothing: it is measured and skipped.

## How it can be wrong

A plan that its table or its own SQL contradicts (another type, SQL that does not drop the column, a cohort value
that the column cannot have) leaves the claim `unknown` unless it fails; see docs/plan.md. So does a standby that
may be late. An unlogged table, or one that a subscription writes, warns: docs/standby.md.

A claim about a kept column is about the time before the change: with a cutover only rows before it count, without
one every row. Where the plan says that presence is enough, nothing is compared: the result is only as good as that
reason. `how` compares text: `1` and `1.0` differ.

## What to do

Look at the rows (`genreq-checks rows claims.COLUMN SOURCE`). Where presence alone is proved, give `how` or
`presence_is_enough` in the plan (see docs/plan.md). If the reason does not hold, the column cannot be dropped yet:
see the check `loss`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import PLAN, by_edit, by_sql, fault, noticed, together
from genreq_checks.evidence.contradictions import Fact
from genreq_checks.evidence.population import not_counted
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Outcome
from genreq_checks.plan import Claim, Plan
from genreq_checks.report import Finding
from genreq_checks.scan.selection import CONTENT, NO_CONTENT, Pick, Selection, count_picked, uncompared
from genreq_checks.tally import Tally
from genreq_checks.text import listed, percent, plural, share

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """A claim that does not hold fails for a dropped column and warns for a kept one."""
    plan, tally = evidence.plan, evidence.now.tally
    if tally is None:
        return [unknown(column, str(evidence.side("all")))]
    claim = plan.claims()[column]
    selection = rows(plan, column)
    for facet in (column, *selection.facets):
        if not tally.has(facet):
            return [unknown(column, not_counted(evidence, facet, "all"))]
    if tally.total == 0:
        return [unknown(column, f"{evidence.now.plan_table} has no rows.", "Read the table that is in use.")]
    counts = tally.count(column)
    numbers = {"rows": tally.total} | counts | {"populated": sum(counts.get(label, 0) for label in CONTENT)}
    outcome, message = _measured(evidence, column, claim, selection, tally, numbers)
    if outcome == "fail" and column in plan.kept:
        outcome = "warn"
    against = _against(evidence, selection, tally)
    return [
        Finding(
            subject=column,
            outcome=outcome,
            message=f"“{claim.text}” {message}{_existence(evidence, claim)}",
            remedy=_remedy(column, outcome, against),
            evidence={"claim": claim.holds} | numbers | against,
        )
    ]


def _existence(evidence: Evidence, claim: Claim) -> str:
    """Where values are redundant with URLs: whether it was asked that these lead somewhere."""
    other = evidence.plan.kept.get(claim.column or "")
    if claim.holds != "redundant-with" or other is None or other.url is None:
        return ""
    if evidence.now.probe_urls is None:
        return f" Whether the URLs in {claim.column} exist was not probed (--probe-urls N)."
    return f" Whether the URLs in {claim.column} exist: reachable.{claim.column}."


def _against(evidence: Evidence, selection: Selection, tally: Tally) -> dict[str, int]:
    return {pick.label: count_picked(tally, pick, evidence.plan, evidence.cutover) for pick in selection.picks}


def _measured(
    evidence: Evidence, column: str, claim: Claim, selection: Selection, tally: Tally, numbers: dict[str, int]
) -> tuple[Outcome, str]:
    """Whether the claim holds, and what was measured, in words."""
    against = _against(evidence, selection, tally)
    rows, populated = numbers["rows"], numbers["populated"]
    has = f"{share(populated, rows)} have a value, in all statuses"
    match claim.holds:
        case "redundant-with":
            return _redundant(claim, against, rows, populated)
        case "always-null":
            classes = listed({k: v for k, v in tally.count(column).items() if k != "null"})
            if against["content"]:
                return "fail", f"is not true: {has} ({classes})."
            if against["no content"]:
                return "warn", f"is nearly true: no value has content, but not all are NULL ({classes} of {rows:,})."
            return "pass", f"holds: NULL in all {plural(rows, 'row')}, in all statuses."
        case "never-populated":
            early = against["has a value"]
            if early:
                return "fail", f"is not true: {early:,} of {rows:,} have a value{_when(evidence)}."
            later = f" ({populated:,} after the cutover)" if populated else ""
            return "pass", f"holds: no value{_when(evidence)} in {plural(rows, 'row')}, in all statuses{later}."
        case "populated":
            return _populated(evidence, column, tally, against["not populated"])
        case "any":
            return "skip", f"asks nothing: {has}."


def _redundant(claim: Claim, against: dict[str, int], rows: int, populated: int) -> tuple[Outcome, str]:
    """Compared value by value when the plan says how one follows from the other; otherwise only presence is measured."""
    other, alone = str(claim.column), against["alone"]
    doubtful, beside = against.get("beside a malformed one", 0), against.get("not compared", 0)
    if populated == 0:
        return "pass", f"holds: no value in {plural(rows, 'row')}, in all statuses."
    has = f"{share(populated, rows)} have a value, in all statuses"
    if claim.how is not None:
        rule, broken = claim.how.words(other), alone + against["different"]
        if not broken:
            return "pass", f"holds: {has}, each as it follows from {other} ({rule})."
        where = f"; {alone:,} of them where it is empty" if alone else ""
        text = f"{broken:,} of {plural(populated, 'value')} do not follow from {other} ({rule}){where}"
        return "fail", f"is not true: {text}."
    aside = f", and {beside:,} where it is populated but not compared" if beside else ""
    if alone:
        more = f", and {doubtful:,} where it is malformed" if doubtful else ""
        return (
            "fail",
            f"is not true: {alone:,} of {populated:,} values are in rows where {other} is empty{more}{aside}.",
        )
    if doubtful:
        return (
            "warn",
            f"is doubtful: {doubtful:,} of {populated:,} values are in rows where {other} is malformed{aside}.",
        )
    if beside:
        which = "is in a row" if beside == 1 else "are in rows"
        text = f"{plural(beside, 'value')} {which} with a populated {other}; the values are not compared"
        return "warn", f"proves presence only: {text}."
    reason = f"The plan says why they need not be compared: {claim.presence_is_enough}"
    return "pass", f"holds: {has}, each in a row with a populated {other}. {reason}"


def _remedy(column: str, outcome: Outcome, against: dict[str, int]) -> str:
    if outcome not in ("warn", "fail"):
        return ""
    look = f"Look at the rows: genreq-checks rows claims.{column} SOURCE"
    if not against.get("not compared"):
        return look
    return (
        f'Say in the plan how a value follows (how), or why presence is enough (presence_is_enough = "reason"). {look}'
    )


def _populated(evidence: Evidence, column: str, tally: Tally, without: int) -> tuple[Outcome, str]:
    """Of the completed rows before the cutover, the plan's minimum must have a value, or all when it has no minimum."""
    every = count_picked(tally, _every(evidence, column, tally), evidence.plan, evidence.cutover)
    if every == 0:
        return "unknown", f"is not judged: there are no {evidence.plan.cohort.rows}{_when(evidence)}."
    kept = evidence.plan.kept.get(column)
    minimum = kept.minimum if kept and kept.minimum is not None else 1.0
    enough = every - without >= Fraction(str(minimum)) * every
    rule = f"at least {percent(round(minimum * 10**6), 10**6)}"
    measure = f"{share(every - without, every)} of the {evidence.plan.cohort.rows}{_when(evidence)} have a value"
    measure += f"; the rule is {rule}."
    return ("pass", f"holds: {measure}") if enough else ("fail", f"is not true: {measure}")


def _every(evidence: Evidence, column: str, tally: Tally) -> Pick:
    return Pick("every", {column: frozenset(tally.count(column))}, cohort=True, side="not-after")


def _when(evidence: Evidence) -> str:
    return " before the cutover" if evidence.cutover is not None else ""


def rows(plan: Plan, column: str) -> Selection:
    """The rows that contradict the claim. For a kept column only rows before the cutover count: the claim is about those."""
    claim = plan.claims()[column]
    match claim.holds:
        case "redundant-with":
            other = claim.column or ""
            return Selection(tuple(_against_redundancy(column, claim, other)), (column, other))
        case "always-null":
            blank = Pick("no content", {column: NO_CONTENT - {"null"}})
            return Selection((Pick("content", {column: CONTENT}), blank), (column,))
        case "never-populated":
            return Selection((Pick("has a value", {column: CONTENT}, side="not-after"),), (column,))
        case "populated":
            return Selection((Pick("not populated", {column: NO_CONTENT}, cohort=True, side="not-after"),), (column,))
        case "any":
            return Selection((), (column,))


def _against_redundancy(column: str, claim: Claim, other: str) -> Iterator[Pick]:
    needs = {column: CONTENT}
    if claim.how is not None:
        needs = {column: CONTENT, f"follows.{column}": frozenset(("other",))}
        yield Pick("alone", needs | {other: NO_CONTENT})
        yield Pick("different", needs | {other: CONTENT})
    else:
        yield Pick("alone", needs | {other: NO_CONTENT})
        yield from uncompared(claim, other, needs)


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    """What the columns with a claim hold, what the columns hold that replace them, and how the two agree."""
    from genreq_checks.scan.facets import comparisons_of, content_of

    for column, claim in plan.claims().items():
        yield from content_of(plan, columns, (column, *([claim.column] if claim.column else [])))
    yield from comparisons_of(plan, columns, plan.claims())


def facts(plan: Plan, column: str) -> Iterator[Fact]:
    """A dropped column needs forward SQL that drops it; a kept column's population rate needs the cohort."""
    yield "values"
    if column in plan.dropped:
        yield "forward SQL"
    if plan.claims()[column].holds == "populated":
        yield "cohort"


REASON = 'presence_is_enough = "GitHub holds the code that the download was made from."'
COMPARES = by_edit(PLAN, REASON, 'how = { suffix = "/archive.zip" }')
AGREES = by_sql("UPDATE generation_requests SET download_url = github_url || '/archive.zip'")  # NULL where that is NULL
SUBSCRIBED = """
SET allow_system_table_mods = on;
INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) VALUES (1, 'generation_requests'::regclass, 'r')
"""
FAULTS = (
    fault(
        "a download_url whose row has no github_url",
        "before",
        by_sql(
            "UPDATE generation_requests SET download_url = 'https://s3.example/a.zip', github_url = NULL WHERE id = 1"
        ),
        "claims.download_url",
    ),
    fault(
        "a download_url that is not what by the plan follows from github_url",
        "before",
        together(
            COMPARES, AGREES, by_sql("UPDATE generation_requests SET download_url = 'https://x.example' WHERE id = 1")
        ),
        "claims.download_url",
    ),
    fault(
        "a plan that takes presence for proof, and does not say why",
        "before",
        by_edit(PLAN, REASON, ""),
        warn="claims.download_url",
    ),
    fault(
        "a conversation that was stored",
        "before",
        by_sql("""UPDATE generation_requests SET conversation = '[{"role": "user"}]' WHERE id = 1"""),
        "claims.conversation",
    ),
    fault(
        "a conversation that is {} and not NULL",
        "before",
        by_sql("UPDATE generation_requests SET conversation = '{}' WHERE id = 1"),
        warn="claims.conversation",
    ),
    fault(
        "an eighth of the completed rows without github_url",
        "before",
        by_sql("UPDATE generation_requests SET github_url = NULL, download_url = NULL WHERE id % 8 = 0"),
        warn="claims.github_url",
    ),
    fault(
        "an artifacts_github_url from before the change",
        "before",
        by_sql("UPDATE generation_requests SET artifacts_github_url = github_url || '-artifacts' WHERE id = 2"),
        warn="claims.artifacts_github_url",
    ),
    fault(
        "a policy that hides rows from the role that reads",
        "before",
        by_sql(
            "GRANT USAGE ON SCHEMA drizzle TO pg_monitor; GRANT SELECT ON ALL TABLES IN SCHEMA public, drizzle TO pg_monitor; "
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = pg_monitor', current_database()); END $$"
        ),
        unknown="claims.deployment_url",  # the plan makes no claim about it
        takes=("values",),
    ),
    fault(
        "a plan with another type than the table's",
        "before",
        by_edit(PLAN, 'type = "jsonb"', 'type = "json"'),
        unknown="claims.conversation",
    ),
    fault(
        "a plan whose cohort has a value that the enum does not know",
        "before",
        by_edit(PLAN, 'values = ["completed"]', 'values = ["completed", "done"]'),
        takes=("cohort",),
    ),
    fault(
        "a plan whose cohort has no row",
        "before",
        by_edit(PLAN, 'values = ["completed"]', 'values = ["queued"]'),
        takes=("cohort",),
    ),
    fault(
        "an unlogged table, which a crash empties",
        "before",
        by_sql("ALTER TABLE iteration_snapshots SET UNLOGGED", "ALTER TABLE generation_requests SET UNLOGGED"),
        doubts=("values",),
    ),
    fault(
        "a subscription that writes the rows",
        "before",
        by_sql(SUBSCRIBED),
        doubts=("values",),
    ),
    fault(
        "a subscription whose first copy is not done",
        "before",
        by_sql(SUBSCRIBED, "UPDATE pg_subscription_rel SET srsubstate = 'd'"),
        takes=("values",),
    ),
    noticed("a table of another name", "before", unknown="claims.deployment_url"),
    noticed("forward SQL that does not drop a column that goes", "before", unknown="claims.conversation"),
)


CHECK = Check(
    name="claims",
    title="{subject}: the plan's reason, measured",
    order=20,
    page=__doc__,
    phases=frozenset({"before"}),
    subjects=lambda plan: tuple(plan.claims()),
    judge=judge,
    facts=lambda plan, column: frozenset(facts(plan, column)),
    facets=facets,
    rows=rows,
    faults=FAULTS,
)
