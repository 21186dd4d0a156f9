"""derivation.<column>: after the cutover not one row whose stored value is not the derived one."""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.population import not_counted
from genreq_checks.results import Finding
from genreq_checks.tally import Tally
from genreq_checks.text import listed, plural

BROKEN = ("missing", "wrong", "unexpected")


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Without a cutover, rows that break the rule may be old ones: then they are unknown, not failed."""
    facet = f"derivation.{column}"
    tally = evidence.side(evidence.judged)
    if isinstance(tally, str):
        return [unknown(column, tally)]
    if not tally.has(facet):
        source, _ = evidence.plan.derivations()[column]
        missing = source if tally.has(column) else column
        return [unknown(column, not_counted(evidence, missing, evidence.judged))]
    if tally.total == 0:
        return [
            unknown(column, f"there are no completed rows {evidence.judged_words}.", "Check again when there are some.")
        ]
    counts = tally.count(facet)
    broken = sum(counts[label] for label in BROKEN)
    numbers = {"rows": tally.total} | counts
    where = f"of {plural(tally.total, 'completed row')} {evidence.judged_words}"
    if broken == 0 and counts["match"] == 0:
        reason = (
            f"there is nothing to derive from in the {plural(tally.total, 'completed row')} {evidence.judged_words}."
        )
        return [unknown(column, reason).model_copy(update={"evidence": numbers})]
    if broken == 0:
        message = f"Derived as the plan says in every row: {listed(counts)} {where}."
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


CHECK = Check(
    name="derivation",
    title="{subject}: derived as the plan says",
    phases=frozenset({"after"}),
    subjects=lambda plan: tuple(plan.derivations()),
    judge=judge,
)
