"""What commands that ran on copies of the database say of a column: the part of `readers` that a rehearsal answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genreq_checks.checks.check import unknown
from genreq_checks.facts.commands import CommandRun, FailedStatement
from genreq_checks.report import WORST_FIRST, Finding
from genreq_checks.text import plural

CHANGE = "Change what sends it, and deploy that before the drop."
COMPARE = "Add --at before --at after: then the command runs with the columns too, and the two are compared."


def judge_commands(runs: Sequence[CommandRun] | None, column: str) -> list[Finding]:
    """What each command met without the column. Without a run there nothing passes."""
    if runs is None:
        return [Finding(subject=column, outcome="skip", message="Not asked for in phase rehearsal.")]
    if not runs:
        return [unknown(column, "the commands were not run: an earlier step of the rehearsal did not succeed.")]
    found: list[Finding] = []
    for run in runs:
        if run.at == "after":
            earlier = next((one for one in runs if one.at == "before" and one.command == run.command), None)
            found += _without(run, earlier, column)
        else:
            found += _with(run)
    if all(run.at == "before" for run in runs):
        found.append(unknown(column, "nothing ran without the column.", "Add --at after."))
    return sorted(found, key=lambda finding: WORST_FIRST.index(finding.outcome))


def _without(run: CommandRun, earlier: CommandRun | None, column: str) -> Iterator[Finding]:
    """A run without the columns: each statement that breaks, and how it ended."""
    failed = [one for one in run.failed if one.judged.fates.get(column, "untouched") != "untouched"]
    yield from (_failed(run, one, column) for one in failed)
    if run.problem:
        yield _unknown(run, run.problem, run.remedy)
    elif run.code is None:
        yield _unknown(run, "it did not end in time.", "Give it more time with --run-timeout SECONDS.")
    elif run.code != 0:
        yield from _ended_badly(run, earlier, column)
    elif not run.on_table:
        message = f"none of its {plural(run.statements, 'statement')} on the copy named the table and succeeded."
        yield _unknown(run, message, "Give a command that uses the table.")
    elif not failed:
        refused = sum(one.calls for one in run.failed if one.denied)
        if refused:
            told = f"{run.command}: {plural(refused, 'statement')} refused for want of a right."
            remedy = "If the role has that right in the source, what comes after it did not run."
            yield Finding(subject=run.command, outcome="warn", message=told, remedy=remedy)
        others = sum(one.calls for one in run.failed) + run.collateral
        beside = f"; {plural(others, 'statement')} failed for another reason" if others else ""
        message = f"{run.command}: ended with 0, {_counts(run)}, none failed for want of {column}{beside}."
        yield Finding(subject=run.command, outcome="pass", message=message, evidence=_evidence(run, "untouched"))


def _with(run: CommandRun) -> Iterator[Finding]:
    """A run with the columns, which shows what fails anyway."""
    if run.problem:
        yield _unknown(run, run.problem, run.remedy)
    else:
        how = f"ended with {run.code}" if run.code is not None else "did not end in time"
        yield Finding(
            subject=run.command,
            outcome="pass" if run.code == 0 else "warn",
            message=f"{run.command}: {how} before the forward SQL, {_counts(run)}.",
            evidence=_evidence(run, "untouched"),
        )


def _failed(run: CommandRun, one: FailedStatement, column: str) -> Finding:
    """A statement that the copy refused, for want of the column or perhaps so."""
    fate = one.judged.fates[column]
    reason = one.judged.reasons.get(column, "")
    inside = f" in the function {one.function}" if one.function else ""
    times = f", {one.calls:,} times" if one.calls > 1 else ""
    what = "breaks without the column" if fate == "breaks" else "failed"
    evidence = _evidence(run, fate) | {"calls": one.calls, "reason": reason, "text": one.text, "state": one.state}
    evidence |= {"function": one.function} if one.function else {}
    return Finding(
        subject=run.command,
        outcome="fail" if fate == "breaks" else "unknown",
        message=f"{run.command}: {what} (SQLSTATE {one.state}{times}){inside}: {reason}. {one.text}",
        remedy=CHANGE if fate == "breaks" else COMPARE,
        evidence=evidence,
    )


def _ended_badly(run: CommandRun, earlier: CommandRun | None, column: str) -> Iterator[Finding]:
    """A command that did not succeed: its failing statements explain it, or the same command with the columns does."""
    if run.breaks(column):
        return  # each of them is a finding
    how = f"it ended with {run.code}"
    if run.breaks():
        message = f"{how} for want of another column, so what comes after that is not known."
        yield _unknown(run, message, "Change what breaks, and rehearse again.")
    elif earlier is None or earlier.problem or earlier.code is None:
        yield _unknown(run, f"{how}, and no failing statement tells that a column is the reason.", COMPARE)
    elif earlier.code == 0:
        message = f"{run.command}: ended with {run.code} without the columns and with 0 as the table was."
        yield Finding(
            subject=run.command,
            outcome="fail",
            message=message,
            remedy="Read its output: it depends on the columns, or on the shape of a result.",
            evidence=_evidence(run, "breaks"),
        )
    else:
        yield _unknown(run, f"{how}, and with {earlier.code} as the table was.", "Make it succeed before the drop.")


def _counts(run: CommandRun) -> str:
    return f"{plural(run.statements, 'statement')} in {plural(run.sessions, 'session')}, {run.on_table:,} on the table"


def _unknown(run: CommandRun, message: str, remedy: str) -> Finding:
    found = unknown(run.command, f"{run.command} ({run.at} the forward SQL): {message}", remedy)
    return found.model_copy(update={"evidence": _evidence(run, "unknown")})


def _evidence(run: CommandRun, fate: str) -> dict[str, object]:
    """What machines read of a run: the keys of every finding of `readers`, and how the command ended."""
    about: dict[str, object] = {
        "fate": fate,
        "source": run.command,
        "line": None,
        "calls": run.statements,
        "since": None,
    }
    counts = {"sessions": run.sessions, "statements": run.statements, "on_table": run.on_table}
    return about | {"at": run.at, "code": run.code, "replaced": list(run.replaced)} | counts
