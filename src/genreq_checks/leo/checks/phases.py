"""The application's own phases: protocol, client, server and schema.

Of a plan that takes its messages, wherever the files lie. Tests, mocks and comments prove nothing.

- `phases.protocol`: the Python class AllWorkCompleteMessage has the message's field (flyio_url), and
  create_all_work_complete_message takes it and uses it
- `phases.client`: a call of the factory (or of the class) passes the field, and not None
- `phases.server`: a write to the table stores artifactsGithubUrl, built from github_url without one trailing slash
  and -artifacts, and deploymentUrl from flyio_url
- `phases.schema`: the table's definition and the validation schemas of its rows no longer have the dropped columns,
  and the columns have no separate schema (conversationTurnSchema)

Each feature is found (pass, with file and line), not found (fail: the class, the call, the handler or the schema is
there without it) or cannot tell (unknown: nothing of the kind in the tree, unpacked arguments, a derivation that is
made elsewhere or in another way). The names come from the plan: `message_field`, `derived_from`, `suffix`, and the
dropped columns' `code_names`. One place that has the feature is enough for the first three; a second place without it
is named in the message. For the schema every definition counts.
"""

from __future__ import annotations

from genreq_checks.checks.check import unknown
from genreq_checks.checks.fault import by_edit, fault, noticed
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import CodeFacts, CodePlace
from genreq_checks.leo.completion import MESSAGE_TYPE
from genreq_checks.plan import Plan
from genreq_checks.report import Finding

REMEDIES = {
    "protocol": "Add the field to the message's class and to its factory.",
    "client": "Pass the detected value when the message is created.",
    "server": "Derive and store it in the handler of the message, as the plan says.",
    "schema": "Remove the column from the schema files, and generate the migration.",
}


def features(plan: Plan, phase: str) -> tuple[str, ...]:
    """What the code must have after a phase, by the plan: one feature for each column of the phase."""
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
    return tuple(phase for phase in REMEDIES if features(plan, phase)) if plan.takes_messages else ()


def judge(evidence: Evidence, phase: str) -> list[Finding]:
    """Each feature of the phase: found, not found, or cannot tell."""
    facts = evidence.now.code
    return [_feature(facts, phase, feature) for feature in features(evidence.plan, phase)] if facts else []


def _feature(facts: CodeFacts, phase: str, feature: str) -> Finding:
    places = [place for place in facts.places if place.phase == phase and place.feature == feature]
    found, missing, unclear = (_in_state(places, state) for state in ("found", "missing", "unclear"))
    if missing and (
        not found or phase == "schema"
    ):  # a definition that still has the column counts, whatever the others say
        return _finding(phase, feature, "fail", missing, REMEDIES[phase])
    if found:
        return _finding(phase, feature, "pass", [*found, *missing])
    if unclear:
        finding = _finding(phase, feature, "unknown", unclear, "Look at the place.")
        return finding.model_copy(update={"message": f"Not judged: cannot tell. {finding.message}"})
    reason = f"cannot tell, the {facts.sources:,} source files under {facts.root} have no such code"
    more = f" (searched for code that handles {MESSAGE_TYPE})" if phase != "schema" else ""
    finding = unknown(feature, f"{reason}{more}.", "Give the root of the complete source code with --code DIR.")
    return finding.model_copy(update={"evidence": {"state": "cannot tell", "places": []}})


def _in_state(places: list[CodePlace], state: str) -> list[CodePlace]:
    return [place for place in places if place.state == state]


def _finding(phase: str, feature: str, outcome: str, places: list[CodePlace], remedy: str = "") -> Finding:
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


FAULTS = (
    fault(
        "the message has no flyio_url",
        "after",
        by_edit("code/container/protocol.py", "    flyio_url: Optional[str] = None\n", ""),
        "phases.protocol",
    ),
    fault(
        "the container does not send the detected flyio_url",
        "after",
        by_edit("code/container/client.py", "artifacts.flyio_url if artifacts else None", "None"),
        "phases.client",
    ),
    fault(
        "the server stores another field as deployment_url",
        "after",
        by_edit("code/server/wsi-server.ts", "msg.flyio_url", "msg.s3_url"),
        "phases.server",
    ),
    noticed("the schema file still has downloadUrl", "after", "phases.schema"),
)
