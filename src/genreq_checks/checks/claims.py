"""claims.<column>: what the plan says of a column before the change, measured over every row, whatever its status."""

from __future__ import annotations

from fractions import Fraction

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.plan import Claim
from genreq_checks.population import not_counted
from genreq_checks.results import Finding, Outcome
from genreq_checks.selection import CONTENT, Pick, Selection, count_picked, of_claim
from genreq_checks.tally import Tally
from genreq_checks.text import listed, percent, plural, share


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """A reason to drop that does not hold fails; a picture of a kept column that does not hold warns."""
    plan, tally = evidence.plan, evidence.now.tally
    if tally is None:
        return [unknown(column, str(evidence.side("all")))]
    claim = plan.claims()[column]
    selection = of_claim(column, claim)
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
            message=f"“{claim.text}” {message}",
            remedy=_remedy(column, outcome, against),
            evidence={"claim": claim.holds} | numbers | against,
        )
    ]


def _against(evidence: Evidence, selection: Selection, tally: Tally) -> dict[str, int]:
    return {pick.label: count_picked(tally, pick, evidence.plan, evidence.cutover) for pick in selection.picks}


def _measured(
    evidence: Evidence, column: str, claim: Claim, selection: Selection, tally: Tally, numbers: dict[str, int]
) -> tuple[Outcome, str]:
    """Whether the claim holds, and the measure in words."""
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
                return "warn", f"is nearly true: nothing has content, but not all is NULL ({classes} of {rows:,})."
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
    """Compared value by value when the plan says how one follows from the other; else only presence is measured."""
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
        text = f"{broken:,} of {plural(populated, 'value')} are not what follows from {other} ({rule}){where}"
        return "fail", f"is not true: {text}."
    aside = f", and {beside:,} beside a populated one, not compared with it" if beside else ""
    if alone:
        more = f", and {doubtful:,} while it is malformed" if doubtful else ""
        return "fail", f"is not true: {alone:,} of {populated:,} stand where {other} is empty{more}{aside}."
    if doubtful:
        return "warn", f"is doubtful: {doubtful:,} of {populated:,} stand where {other} is malformed{aside}."
    if beside:
        stand, they = ("stands", "it says") if beside == 1 else ("stand", "they say")
        text = f"{plural(beside, 'value')} {stand} beside a populated {other}; whether {they} the same is not compared"
        return "warn", f"proves presence only: {text}."
    reason = f"The plan says why they need not be compared: {claim.presence_is_enough}"
    return "pass", f"holds: {has}, each beside a populated {other}. {reason}"


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
    """Of the completed rows before the cutover as many as the plan's minimum, or all when it names none."""
    every = count_picked(tally, _every(evidence, column, tally), evidence.plan, evidence.cutover)
    if every == 0:
        return "unknown", f"is not judged: there are no completed rows{_when(evidence)}."
    kept = evidence.plan.kept.get(column)
    minimum = kept.minimum if kept and kept.minimum is not None else 1.0
    enough = every - without >= Fraction(str(minimum)) * every
    rule = f"at least {percent(round(minimum * 10**6), 10**6)}"
    measure = (
        f"{share(every - without, every)} of the completed rows{_when(evidence)} have a value; the rule is {rule}."
    )
    return ("pass", f"holds: {measure}") if enough else ("fail", f"is not true: {measure}")


def _every(evidence: Evidence, column: str, tally: Tally) -> Pick:
    return Pick("every", {column: frozenset(tally.count(column))}, cohort=True, side="not-after")


def _when(evidence: Evidence) -> str:
    return " before the cutover" if evidence.cutover is not None else ""


CHECK = Check(
    name="claims",
    title="{subject}: the plan's reason, measured",
    phases=frozenset({"before"}),
    subjects=lambda plan: tuple(plan.claims()),
    judge=judge,
)
