"""forward: in a rehearsal, the forward SQL does what the plan says, twice, and nothing breaks by it."""

from __future__ import annotations

from collections.abc import Sequence

from genreq_checks.checks.check import Check, unknown
from genreq_checks.evidence import Evidence
from genreq_checks.results import Finding, Step

STEPS = {
    "forward": "Change the SQL, or the plan: it must drop the plan's columns and do nothing else.",
    "broken": "Change what names the columns before they are dropped.",
    "generation": "Change the trigger, rule or function before the columns are dropped: the application cannot write else.",
    "after": "See the checks it names.",
    "forward-again": "After the rollback the same SQL must work once more.",
}


def judge(evidence: Evidence, _: str) -> list[Finding]:
    """One finding per step, as the rehearsal saw it; a step that is not there is unknown."""
    return judged_steps(evidence, STEPS)


def judged_steps(evidence: Evidence, remedies: dict[str, str]) -> list[Finding]:
    """The findings about some steps of the rehearsal, each with its remedy where it did not pass."""
    steps: Sequence[Step] = evidence.inputs.rehearsal or ()
    found: list[Finding] = []
    for name, remedy in remedies.items():
        step = next((s for s in steps if s.name == name), None)
        if step is None:
            found.append(unknown(name, "the rehearsal has no such step.", "Rehearse again."))
            continue
        numbers = {"seconds": step.seconds, "locks": list(step.locks)}
        told = "" if step.outcome == "pass" else remedy
        found.append(
            Finding(
                subject=name, outcome=step.outcome, message=f"{name}: {step.message}", remedy=told, evidence=numbers
            )
        )
    return found


CHECK = Check(
    name="forward",
    title="The forward SQL does what the plan says, and nothing breaks",
    phases=frozenset({"rehearsal"}),
    subjects=lambda _: ("",),
    judge=judge,
)
