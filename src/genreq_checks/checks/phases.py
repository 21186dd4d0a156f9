"""phases.<phase>: does the source code have what the plan's phases add, and no longer have what they remove?"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.code_facts import CodeFacts, Place
from genreq_checks.completion import MESSAGE_TYPE
from genreq_checks.evidence import Evidence
from genreq_checks.plan import Plan
from genreq_checks.results import Finding

REMEDIES = {
    "protocol": "Add the field to the message's class and to its factory.",
    "client": "Pass the detected value on when the message is made.",
    "server": "Derive and store it in the handler of the message, as the plan says.",
    "schema": "Remove the column from the schema files, and generate the migration.",
}


def features(plan: Plan, phase: str) -> tuple[str, ...]:
    """What a phase is to leave in the code, by the plan: one feature for each column it is about."""
    fields = [(column, kept.message_field) for column, kept in plan.kept.items() if kept.message_field]
    if phase == "protocol":
        return tuple(f"{part} {field}" for part in ("class field", "factory parameter") for _, field in fields)
    if phase == "client":
        return tuple(f"call passes {field}" for _, field in fields)
    if phase == "server":
        derived = tuple(f"{column} derived from {source}" for column, (source, _) in plan.derivations().items())
        return derived + tuple(f"{column} stored from {field}" for column, field in fields)
    return tuple(
        f"{part} without {column}" for part in ("table definition", "validation schema") for column in plan.dropped
    )


def subjects(plan: Plan) -> tuple[str, ...]:
    """The phases that the plan asks for."""
    return tuple(phase for phase in REMEDIES if features(plan, phase))


def judge(evidence: Evidence, phase: str) -> list[Finding]:
    """Each feature of the phase: found, not found, or cannot tell."""
    facts = evidence.inputs.code
    if facts is None:
        return [Finding(subject=phase, outcome="skip", message="No source code was given.", remedy="Give --code DIR.")]
    return [_feature(facts, phase, feature) for feature in features(evidence.plan, phase)]


def _feature(facts: CodeFacts, phase: str, feature: str) -> Finding:
    places = [place for place in facts.places if place.phase == phase and place.feature == feature]
    found, missing, unclear = (_in_state(places, state) for state in ("found", "missing", "unclear"))
    if missing and (not found or phase == "schema"):  # a definition that is still there counts, whatever others say
        return _finding(phase, feature, "fail", missing, REMEDIES[phase])
    if found:
        return _finding(phase, feature, "pass", [*found, *missing])
    if unclear:
        finding = _finding(phase, feature, "unknown", unclear, "Look at the place.")
        return finding.model_copy(update={"message": f"Not judged: cannot tell. {finding.message}"})
    reason = f"cannot tell, nothing of the kind is in the {facts.sources:,} source files under {facts.root}"
    more = f" (looked for what handles {MESSAGE_TYPE})" if phase != "schema" else ""
    finding = unknown(feature, f"{reason}{more}.", "Give the root of the whole source code with --code DIR.")
    return finding.model_copy(update={"evidence": {"state": "cannot tell", "places": []}})


def _in_state(places: list[Place], state: str) -> list[Place]:
    return [place for place in places if place.state == state]


def _finding(phase: str, feature: str, outcome: str, places: list[Place], remedy: str = "") -> Finding:
    first = places[0]
    state = {"pass": "found", "fail": "not found"}.get(outcome, "cannot tell")
    others = [place for place in places[1:] if place.state != first.state]
    message = f"{first.file}:{first.line}: {first.detail}."
    if others:
        message += f" But at {others[0].file}:{others[0].line}: {others[0].detail}."
    return Finding.model_validate(
        {
            "subject": feature,
            "outcome": outcome,
            "message": message,
            "remedy": remedy,
            "evidence": {
                "state": state,
                "file": first.file,
                "line": first.line,
                "places": [f"{place.file}:{place.line}: {place.detail}" for place in places[:100]],
            },
        }
    )


CHECK = Check(
    name="phases",
    title="Phase evidence in the source code: {subject}",
    phases=frozenset({"after"}),
    subjects=subjects,
    judge=judge,
)
