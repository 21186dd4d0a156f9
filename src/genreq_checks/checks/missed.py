"""Readers in a hold: the statements that failed in the server's log since the column was renamed away."""

from __future__ import annotations

from genreq_checks.checks.check import unknown
from genreq_checks.evidence.hold import on_standbys, stamp_of, uncovered
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Outcome
from genreq_checks.facts.server_log import Missed
from genreq_checks.report import Finding
from genreq_checks.text import line, plural


def judge_missed(evidence: Evidence, column: str) -> list[Finding]:
    """What failed since the column is renamed away, and whether the log tells of all of that time."""
    log, stamp = evidence.now.log, stamp_of(evidence, column)
    if stamp is None:
        return [unknown(column, f"{column} is not retired, or since when is not known.", "See held.")]
    if log is None:
        return [unknown(column, "no log of the hold was given.", "Give the server's log of the whole hold: --log FILE")]
    found = [_missed(one) for one in log.missed if one.column == column]
    reason, remedy = uncovered(log, stamp, evidence.now.source.read_at)
    if not reason:
        reason, remedy = on_standbys(log.standbys, evidence.plan)
    numbers = {"sources": list(log.sources), "entries": log.entries, "calls": log.counted.get(column, 0)}
    if reason:
        return [*found, unknown(column, reason, remedy).model_copy(update={"evidence": numbers})]
    if found:
        return found
    span = f"since {stamp.at:%Y-%m-%d %H:%M} UTC"
    message = f"No statement failed for {column} {span}, in {plural(log.entries, 'entry', 'entries')} of the log."
    return [Finding(subject=column, outcome="pass", message=message, evidence=numbers)]


def _missed(one: Missed) -> Finding:
    place = f"{one.source}:{one.line}"
    names = ", ".join(f"{line(name, 60) or 'without a name'} {calls:,}" for name, calls in one.programs.items())
    doubt = "" if one.certain else " Nothing in the entry names the table: it may be another one's column."
    message = f"{place}: failed {plural(one.calls, 'time')} ({names}): {one.text}.{doubt}"
    numbers = {
        "fate": "breaks",
        "source": one.source,
        "line": one.line,
        "calls": one.calls,
        "programs": dict(one.programs),
    }
    numbers |= {
        "since": one.first.isoformat() if one.first else None,
        "last": one.last.isoformat() if one.last else None,
    }
    outcome: Outcome = "fail" if one.certain else "warn"
    remedy = "Change what sends it, and deploy that; until then run undo.sql if it must work."
    return Finding(
        subject=place, outcome=outcome, message=message, remedy=remedy, evidence=numbers | {"text": one.text}
    )
