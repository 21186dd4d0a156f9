"""# readers: statements that still need the column

## Problem

A client that still names a dropped column fails once it is gone: an older build, a nightly job, a report of another team.
Code search is not certain, and the catalog has views but no applications.

## What is measured

With `--queries FILE` (repeatable: SQL text, csvlog, jsonlog, a log in plain text with statements in it, auto_explain's
plans; gzip too), PostgreSQL itself judges every statement, on a clone of the database's structure, without rows, in an
embedded server: once unchanged, once without the columns (by the plan's own SQL), and as a role that may do everything
except use them. The statement is parsed and planned there, and never run. Each has a fate:

- `breaks` (fail): it fails without the column, or a function that it calls or a trigger that it fires would fail
- `changes` (warn): its result has other columns, an INSERT by position moves values to other columns, a name means another
  column
- `touches` (pass): it reads the column, and its plan is the same without it
- `untouched` (counted)
- `unknown`: it cannot be planned (a DO block or DDL that names the column, text that is cut off, EXECUTE without its
  PREPARE), the unchanged clone rejects it, or only its words name the column; each with its reason

`--queries pg_stat_statements` takes what that extension has of the database, with the query's id in place of a line. It
shows what ran, and never that nothing else did: one entry stands for several texts (`SELECT *` and a list of all columns),
entries are evicted and reset, failed statements and replicas are not in it, and other roles' texts may be hidden. This tool's
own statements are marked by a comment, and left out.

Statements that differ only in their literals are one statement; `calls` says how often it occurs, `since` when it was
first seen. Literals are not shown.

In phase `held` (docs/staging.md) the columns are renamed away, and the server's log of the hold is the witness (`--log FILE`,
repeatable: csvlog, jsonlog or plain text): each statement that failed with SQLSTATE 42703 for a column since it was retired
(fail; warn where nothing in the entry names the table), how often, and by which application_name. It passes when there is none
and the log tells of the whole hold: it has the line that `1-retire.sql` wrote, no gap of more than a day, and ends less than a
day ago. Otherwise, and without a log, it is unknown.

**A pass needs complete logs**: logs over `readers_days` of the plan (7 by default) up to the last day, without a gap of
more than a day, of a server that logs every statement. A file of SQL is not complete: where no statement in it breaks, the
outcome is unknown, since it is not known what else runs.

What runs on a standby is in none of the primary's logs: while one replays this server's changes, nothing passes, unless the plan
says why nothing there needs the columns (`standby_readers = "reason"`: it answers no queries, or its logs were read).

In a rehearsal, `--run COMMAND` answers for a build: it runs on a copy without the columns, and each statement that the copy
refuses for want of a column fails ([rehearsal](../rehearsal.md)).

## How it can be wrong

A function's body in SQL or PL/pgSQL is judged on the clones statement by statement, with its variables; a record variable
has the columns of the one query that fills it. SQL that it builds at run time, record variables that several statements fill,
and bodies in other languages are judged by their words. A statement that runs
less often than the log is long may be missing. The log's settings are those at the time of reading; it is not known whether
they were the same before. A log that is not csvlog or jsonlog may not say which database it is about. An extension, a
collation or a foreign table that the embedded server cannot have is replaced by a stub: the evidence lists them. Rights and
policies of the application's role are not tried: `dependents` says which policies block the drop or vanish with it.
In phase `held`: views, `SELECT *` and functions bound by position do not fail, and an error that PL/pgSQL catches is not
logged. In plain text the error is told by its English message, unless the prefix has the SQLSTATE (%e).

## What to do

Change what breaks, deploy that, and read the logs of the time after. Read what changes: an application may still work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.commands import judge_commands
from genreq_checks.checks.fault import LOG, QUERIES, Place, Plant, fault
from genreq_checks.checks.missed import judge_missed
from genreq_checks.evidence.hold import on_standbys
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import Outcome
from genreq_checks.facts.queries import FATES, Fate, JudgedStatement, QueryFacts, QuerySource
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.text import listed, percent, plural

OUTCOMES: dict[Fate, Outcome] = {"breaks": "fail", "changes": "warn", "touches": "pass", "unknown": "unknown"}
WORDS: dict[Fate, str] = {
    "breaks": "breaks without the column",
    "changes": "goes through, and changes",
    "touches": "reads the column, without consequence",
    "unknown": "cannot be judged",
}
REMEDIES: dict[Fate, str] = {
    "breaks": "Change what sends it, and deploy that before the drop.",
    "changes": "Look at what uses its result.",
    "unknown": "Look at it yourself.",
}
DAY = timedelta(days=1)


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """What breaks fails, what changes warns; without a log that covers the time nothing passes.

    In a rehearsal the commands that ran on the copy are judged, in a hold what failed in the log since.
    """
    if evidence.phase == "rehearsal":
        return judge_commands(evidence.now.commands, column)
    if evidence.phase == "held":
        return judge_missed(evidence, column)
    facts = evidence.now.queries
    if facts is None:
        remedy = "Give --queries FILE: SQL text, or a server's log."
        return [Finding(subject=column, outcome="skip", message="No statements were given.", remedy=remedy)]
    if facts.problem:
        return [unknown(column, facts.problem, facts.remedy)]
    if column not in facts.counted:
        return [unknown(column, "the column was not in the table when the statements were judged.")]
    rank = {fate: place for place, fate in enumerate(FATES)}
    concerned = [one for one in facts.statements if one.judged.fates.get(column, "untouched") != "untouched"]
    concerned.sort(key=lambda one: (rank[one.judged.fates[column]], -one.calls, one.source, one.line))
    found = [_finding(one, column, facts) for one in concerned]
    urgent = [finding for finding in found if finding.outcome != "pass"]
    rest = [finding for finding in found if finding.outcome == "pass"]
    noted = [Finding(subject=column, outcome="warn", message=f"Note: {note}.") for note in facts.notes]
    return [*urgent, *noted, *_summary(facts, column, evidence.plan), *rest]


def count(evidence: Evidence, column: str) -> int | None:
    """How many findings there would be if every statement were kept."""
    facts = evidence.now.queries
    if evidence.phase in ("held", "rehearsal") or facts is None or column not in facts.counted:
        return None
    kept = sum(one.judged.fates.get(column, "untouched") != "untouched" for one in facts.statements)
    whole = sum(number for fate, number in facts.counted[column].items() if fate != "untouched")
    return len(judge(evidence, column)) + whole - kept


def _finding(one: JudgedStatement, column: str, facts: QueryFacts) -> Finding:
    fate = one.judged.fates[column]
    reason = one.judged.reasons.get(column, "")
    place = f"{one.source}:{one.line}"
    called = f" ({plural(one.calls, 'call')})" if one.calls > 1 else ""
    shape = next((source.kind for source in facts.sources if source.name == one.source), "sql")
    evidence: dict[str, object] = {"fate": fate, "source": one.source, "line": one.line, "calls": one.calls}
    evidence["since"] = one.since.isoformat() if one.since else None
    evidence |= {"reason": reason, "text": one.text} | ({"file": one.source} if shape == "sql" else {})
    return Finding(
        subject=place,
        outcome=OUTCOMES[fate],
        message=f"{place}: {WORDS[fate]}{called}: {reason}. {one.text}",
        remedy=REMEDIES.get(fate, ""),
        evidence=evidence,
    )


def _summary(facts: QueryFacts, column: str, plan: Plan) -> Iterator[Finding]:
    """One sentence with the whole counts, and what they are worth."""
    counts: dict[str, int] = {fate: facts.counted[column].get(fate, 0) for fate in FATES}
    judged = sum(counts.values())
    names = plural(len(facts.sources), "file")
    rate = f" ({percent(counts['unknown'], judged)} unknown)" if counts["unknown"] else ""
    message = f"{plural(judged, 'statement')} in {names}: {listed(counts)}{rate}"
    evidence: dict[str, object] = {
        "fates": counts,
        "sources": [_said(one) for one in facts.sources],
        "stand_ins": list(facts.stand_ins),
        "refused": list(facts.refused),
        "notes": list(facts.notes),
    }
    days = plan.readers_days
    reason, remedy = _uncovered(facts, days)
    if not reason:
        reason, remedy = on_standbys(facts.standbys, plan)
    if reason:
        yield unknown(column, f"{reason} {message}.", remedy).model_copy(update={"evidence": evidence})
    else:
        yield Finding(
            subject=column, outcome="pass", message=f"{message}; the logs cover {days:g} days.", evidence=evidence
        )


def _said(one: QuerySource) -> str:
    """A source in one line."""
    note = f" ({one.note})" if one.note else ""
    return f"{one.name}: {one.kind}, {plural(one.statements, 'call')} of {one.distinct:,} different statements{note}"


def _uncovered(facts: QueryFacts, days: float) -> tuple[str, str]:
    """Why the statements are not all that runs, and what to do; '' when they are."""
    if not any(facts.counted[name] and sum(facts.counted[name].values()) for name in facts.counted):
        return "no statement was found in what was given.", "Give files with statements in them."
    spans = sorted((one.first, one.last, one.gap) for one in facts.sources if one.first and one.last)
    if not spans:
        remedy = f"Give the server's log of {days:g} days with --queries too."
        what = "a file of SQL" if any(one.kind == "sql" for one in facts.sources) else "pg_stat_statements"
        return f"{what} does not tell what else runs.", remedy
    if facts.logs_all:
        return f"{facts.logs_all}, so what else runs is not known.", "Have it log every statement for that time."
    first, last, gap = spans[0]
    for begins, ends, inside in spans[1:]:
        gap = max(gap, inside, (begins - last).total_seconds())
        last = max(last, ends)
    span = f"the logs are from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    if last - first < timedelta(days=days):
        return f"{span}, less than {days:g} days.", "Give logs of the whole time, or set readers_days in the plan."
    if gap > DAY.total_seconds():
        return f"{span}, with a gap of {gap / 3600:.0f} hours.", "Give the logs between as well."
    if facts.read_at is not None and facts.read_at - last > DAY:
        return f"{span}, and nothing is known of the time since.", "Give the latest logs as well."
    return "", ""


def _plant(text: str) -> Plant:
    def plant(place: Place) -> None:
        (place.folder / QUERIES).write_text(text, "utf-8")

    return plant


def _log(**entry: str) -> Plant:
    """One more entry, at the time of the last."""

    def plant(place: Place) -> None:
        file = place.folder / LOG
        lines = file.read_text("utf-8").splitlines()
        file.write_text("\n".join([*lines, json.dumps(json.loads(lines[-1]) | entry), ""]), "utf-8")

    return plant


def _cut_log(place: Place) -> None:
    file = place.folder / LOG
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[:-3]) + "\n", "utf-8")


FAULTS = (
    fault(
        "a nightly job reads download_url",
        "before",
        _plant(
            "SELECT id, status FROM generation_requests;\nSELECT download_url FROM generation_requests WHERE id = 1;\n"
        ),
        "readers.download_url",
        unknown="readers.conversation",
    ),
    fault(
        "an older build inserts every column with its name",
        "before",
        _plant('INSERT INTO "generation_requests" ("prompt", "conversation") VALUES ($1, $2);\n'),
        "readers.conversation",
        unknown="readers.download_url",
    ),
    fault(
        "a report reads every column",
        "before",
        _plant("SELECT * FROM generation_requests;\n"),
        unknown="readers.download_url readers.conversation",
    ),
    fault(
        "an older build still reads download_url",
        "held",
        _log(
            state_code="42703",
            message='column "download_url" does not exist',
            statement='select "download_url" from "generation_requests" where "id" = $1',
            application_name="old build",
        ),
        "readers.download_url",
    ),
    fault("the log ends three days ago", "held", _cut_log, unknown="readers.download_url readers.conversation"),
)
CHECK = Check(
    name="readers",
    title="{subject}: statements that still need it",
    order=125,
    page=__doc__,
    phases=frozenset({"before", "held", "rehearsal"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
    facts=lambda _plan, _subject: {"queries", "log"},
    count=count,
    faults=FAULTS,
)
