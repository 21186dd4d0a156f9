"""# generation: a generation runs end to end

## Problem

The container, the server and the table are changed separately. Each may be right alone, and a new row may still
have no URLs: a field has another name on one side, a handler stores null for a field that was not sent, a column is
gone while the server still writes it.

## What is measured

`genreq-checks generate` acts as a container once: it connects, waits for start_generation, and sends
all_work_complete with the addresses of an app folder. Then the row is read. Its status must be a completed one and
completed_at must be set, by this run (last_session_id, or otherwise a row that has changed). github_url and
deployment_url must be what was sent, byte for byte. artifacts_github_url must be what the plan derives from
github_url. A field that was not sent must not change its column. A server or a database that cannot be reached is
unknown. A server that closes the connection early, or a row that is not completed within the time, is a failure.

## How it can be wrong

It is one row of a simulated run: it proves that a URL can be stored, not that every container sends it (see
population and reconciliation). An app without fly.toml sends no address, and deployment_url is not judged. With the
plan's handler, a message without github_url clears artifacts_github_url of a row that keeps its github_url: that
fails here, and is a defect of the plan. `check` runs no generation: it skips this check, unless a run with your
server was saved (`generate --save FILE`, `check --generation FILE`).

## What to do

See what the server's log says about all_work_complete. Run it against the reference server (`genreq-checks
generate` without options): what passes there and fails with your server is a fault of your server.
"""

from __future__ import annotations

import json

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import GENERATION as SAVED
from genreq_checks.checks.fault import Place, fault
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Copied, Derived, GenerationFacts
from genreq_checks.report import Finding

NAME = "generation"
RUN_ONE = "Run one: genreq-checks generate --server ws://… --request ID --save FILE, then check --generation FILE."


def judge(evidence: Evidence, subject: str) -> list[Finding]:
    """First the run; the row's columns only when the run completed the row."""
    facts = evidence.now.generation
    if facts is None:
        return [Finding(subject=NAME, outcome="skip", message="No generation was run.", remedy=RUN_ONE)]
    run = _foreign(evidence, facts) or _run(evidence, facts)
    if run.outcome != "pass":
        return [run]
    found = [*map(_copied, facts.copied), *map(_derived, facts.derived)]
    order = list(evidence.plan.kept)
    return [run, *sorted(found, key=lambda finding: order.index(finding.subject))]


def _foreign(evidence: Evidence, facts: GenerationFacts) -> Finding | None:
    """A saved run that proves nothing about the table that is checked."""
    if facts.table != evidence.plan.table.qualified:
        return unknown(NAME, f"the generation was of {facts.table}, not {evidence.plan.table.qualified}.", RUN_ONE)
    if facts.embedded and evidence.phase != "generation":
        return unknown(NAME, "the generation ran with the reference server: it proves nothing about yours.", RUN_ONE)
    return None


def _run(evidence: Evidence, facts: GenerationFacts) -> Finding:
    """A server or database that cannot be reached is unknown; any later error is a failure."""
    numbers = facts.model_dump(include={"request", "reached", "completed", "status", "seconds"})
    if not facts.reached and facts.problem:
        return unknown(NAME, facts.problem, facts.hint)
    if facts.unread:
        return unknown(NAME, facts.unread).model_copy(update={"evidence": numbers})
    state = f"the row's {evidence.plan.cohort.column} is {facts.status or 'not known'}"
    if facts.problem:
        message = f"{facts.problem.rstrip('.')}; {state}."
        return Finding(subject=NAME, outcome="fail", message=message, remedy=facts.hint, evidence=numbers)
    if not facts.completed:
        time = evidence.plan.cohort.time
        done = facts.status in evidence.plan.cohort.values
        more = f", but it has no {time} or was so before the run" if done else ""
        message = (
            f"The completion was sent to {facts.server}, and request {facts.request} was not completed: {state}{more}."
        )
        told = "".join(f" The server reported: {event}" for event in facts.events[-1:])
        remedy = f"See in the server's log how it handled all_work_complete.{told}"
        return Finding(subject=NAME, outcome="fail", message=message, remedy=remedy, evidence=numbers)
    message = f"Request {facts.request} ran from ready to {facts.status} in {facts.seconds:.1f} s, on {facts.server}"
    message += f" with {facts.database}, {facts.run_at:%Y-%m-%d %H:%M} UTC."
    return Finding(subject=NAME, outcome="pass", message=message, evidence=numbers)


def _copied(one: Copied) -> Finding:
    numbers = {"field": one.field, "sent": one.sent is not None, "stored": one.stored, "changed": one.changed}
    if one.sent is None and one.changed:
        message = f"{one.column} was changed to {one.stored}, although no {one.field} was sent ({one.unsent})."
        remedy = "A missing field must not change the column: pass on undefined, not null."
        return Finding(subject=one.column, outcome="fail", message=message, remedy=remedy, evidence=numbers)
    if one.sent is None:
        message = f"No {one.field} was sent: {one.unsent}."
        if one.lawful:
            return Finding(subject=one.column, outcome="skip", message=message, evidence=numbers)
        remedy = "Give an --app-folder that has it" + (", or --github-url." if one.field == "github_url" else ".")
        return unknown(one.column, message, remedy).model_copy(update={"evidence": numbers})
    if one.stored != "as sent":
        message = f"{one.column} is {one.stored} after {one.field} was sent as {one.sent}."
        remedy = f"See how the server handles {one.field} of all_work_complete."
        return Finding(subject=one.column, outcome="fail", message=message, remedy=remedy, evidence=numbers)
    message = f"{one.column} is {one.sent}, as sent in {one.field}."
    return Finding(subject=one.column, outcome="pass", message=message, evidence=numbers)


def _derived(one: Derived) -> Finding:
    numbers = {"derivation": one.derivation, "source": one.source, "defect_of_the_plan": one.defect}
    if one.derivation == "match":
        message = f"{one.column} is what the plan derives from {one.source}."
        return Finding(subject=one.column, outcome="pass", message=message, evidence=numbers)
    if one.derivation == "none":
        reason = f"{one.source} and {one.column} are empty: there was nothing to derive."
        return unknown(one.column, reason).model_copy(update={"evidence": numbers})
    message = f"{one.column} is {one.derivation}: not what the plan derives from {one.source}."
    remedy = "See how the server derives it."
    if one.defect:
        message += f" The row kept a {one.source} that was not sent, and the plan's handler clears the derived column."
        remedy = f"A defect of the plan: do not change {one.column} when the message has no {one.source}."
    return Finding(subject=one.column, outcome="fail", message=message, remedy=remedy, evidence=numbers)


def _lose_github_url(place: Place) -> None:
    file = place.folder / SAVED
    facts = json.loads(file.read_text("utf-8"))
    facts["copied"][0] |= {"stored": "null", "changed": False}
    file.write_text(json.dumps(facts), "utf-8")


FAULTS = (fault("a generation whose github_url was not stored", "after", _lose_github_url, "generation"),)


CHECK = Check(
    name=NAME,
    title="A generation runs end to end",
    order=120,
    page=__doc__,
    phases=frozenset({"after", "generation"}),
    subjects=lambda plan: ("",) if plan.takes_messages else (),
    judge=judge,
    faults=FAULTS,
)
