"""rollback: the old state comes back, values included."""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.forward import judged_steps
from genreq_checks.evidence import Evidence
from genreq_checks.population import not_in_baseline
from genreq_checks.results import Finding
from genreq_checks.text import listed

STEPS = {
    "archive": "Without an archive the dropped values are lost.",
    "rollback": "Change the rollback SQL: it must bring back every dropped column with its type, and touch nothing else.",
    "restore": "See docs/archive.md.",
    "rolled-back": "See the checks it names.",
    "compare": "Change the rollback SQL, or what rewrites values on restore (triggers, types).",
}


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """In a rehearsal by its steps, which compared every value; afterwards by the counts of the baseline."""
    if evidence.phase == "rehearsal":
        return judged_steps(evidence, STEPS)
    return [_column(evidence, name) for name in evidence.plan.dropped]


def _column(evidence: Evidence, name: str) -> Finding:
    baseline, now = evidence.baseline, evidence.now
    problem = now.problem("tally")
    if problem or now.tally is None:
        reason = problem.text if problem else f"{now.source.location} was read without its counts."
        return unknown(name, reason)
    if now.table is not None and now.table.column(name) is None:
        return Finding(
            subject=name,
            outcome="fail",
            message=f"{name} is not back in {now.plan_table}.",
            remedy="Apply the plan's rollback SQL.",
            evidence={"present": False},
        )
    if baseline is None:
        remedy = "Give the snapshot from before the drop: --baseline FILE."
        return unknown(name, "there is no baseline to say what the values were.", remedy)
    if baseline.tally is None or not baseline.tally.has(name):
        return unknown(name, not_in_baseline(baseline, name), "Give a snapshot from before the drop.")
    if not now.tally.has(name):
        return unknown(name, f"the role may not read {now.plan_table}.{name}.", "GRANT SELECT on it.")
    then, here = _filled(baseline.tally.count(name)), _filled(now.tally.count(name))
    evidence_ = {"before": then, "now": here}
    if baseline.tally.total == 0:
        return unknown(name, "the baseline has no rows: that values come back cannot be seen.")
    if then == here:
        message = (
            f"{name} has as many values as at the baseline: {listed(here)}. Only a rehearsal compares each of them."
        )
        return Finding(subject=name, outcome="pass", message=message, evidence=evidence_)
    less = any(here.get(label, 0) < count for label, count in then.items())
    message = f"{name} had {listed(then)} at the baseline and has {listed(here)} now."
    remedy = "Restore the archive: genreq-checks restore FILE URL" if less else "See what has written to it since."
    return Finding(subject=name, outcome="fail" if less else "warn", message=message, remedy=remedy, evidence=evidence_)


def _filled(counts: dict[str, int]) -> dict[str, int]:
    """The classes that are not SQL NULL, which a new column is full of."""
    return {label: count for label, count in counts.items() if label != "null" and count}


CHECK = Check(
    name="rollback",
    title="The old state comes back, values included",
    phases=frozenset({"rolled-back", "rehearsal"}),
    subjects=lambda _: ("",),
    judge=judge,
)
