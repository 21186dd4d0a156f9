"""Which failed statements of a command fail for want of a dropped column, and which would fail with it too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import psycopg

from genreq_checks.facts.commands import FailedStatement
from genreq_checks.facts.queries import FATES, Fate, Judgement
from genreq_checks.postgres.failure import NOT_ALLOWED
from genreq_checks.postgres.sql_lexer import statements
from genreq_checks.rehearsal.command_log import Failure
from genreq_checks.sources.oracle import Oracle
from genreq_checks.sources.oracle.probe import probe
from genreq_checks.sources.oracle.routines import names_in
from genreq_checks.sources.oracle.unwrapping import unwrap
from genreq_checks.sources.queries.masking import masked, shown

COLLATERAL = "25P02"  # the transaction had failed before
_FUNCTION = re.compile(r"(?:PL/pgSQL|SQL) function \"?([A-Za-z_][\w.$]*)")
_BY_FORM = ("42", "0A")  # classes of errors that a statement's form makes
_OF_FORM = frozenset(
    ("42601", "42703", "42804", "42883", "0A000")
)  # what another list of columns makes, whatever the rows
_OF_VALUES = ("22", "23")  # classes of what values make, which an INSERT by position gives to other columns


def failed_statements(oracle: Oracle, failures: Sequence[Failure]) -> tuple[FailedStatement, ...]:
    """The failures that are no collateral, once for each form, and for each whether a column is the reason."""
    counted: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], Failure] = {}
    for one in failures:
        if one.state != COLLATERAL:
            inside = _FUNCTION.search(one.context)
            key = (masked(one.statement), one.state, inside[1] if inside else "")
            counted[key] += 1
            first.setdefault(key, one)
    found: list[FailedStatement] = []
    for (text, state, function), calls in counted.items():
        judged = _judge(oracle, first[text, state, function])
        said = shown(text, understood=judged.worst == "breaks")
        found.append(FailedStatement(said, state, calls, function, judged, state == NOT_ALLOWED))
    return tuple(found)


def _judge(oracle: Oracle, failure: Failure) -> Judgement:
    """A judgement; where the clone itself failed, unknown."""
    try:
        return judge(oracle, failure)
    except (psycopg.Error, RecursionError, ValueError) as error:
        columns, reason = oracle.clones.columns, f"the clone failed at it ({type(error).__name__})"
        return Judgement(dict.fromkeys(columns, "unknown"), dict.fromkeys(columns, reason))


def judge(oracle: Oracle, failure: Failure) -> Judgement:
    """`breaks` for each column for want of which it failed, `unknown` where that cannot be told."""
    columns = oracle.clones.columns
    texts = statements(failure.statement)
    named = names_in(failure.message) & {column.lower() for column in columns} if failure.state[:2] == "42" else set()
    if any(unwrap(text).why == "DDL" for text in texts):  # a migration that drops the column once more reads nothing
        named = set()
    fates = [oracle.judge(text) for text in texts]
    same = _fails_with_the_columns(oracle, failure, texts)
    told: dict[str, Fate] = {}
    reasons: dict[str, str] = {}
    for column in columns:
        if same:
            told[column] = "untouched"
            continue
        of_texts = {one.fates[column] for one in fates}
        fate: Fate = next((one for one in FATES if one in of_texts), "untouched")
        told[column] = _told(fate, column.lower() in named, failure.state)
        if told[column] == "breaks":
            told_why = (one.reasons.get(column, "") for one in fates if one.fates[column] == "breaks")
            reasons[column] = next(filter(None, told_why), "") or _message(failure, column.lower() in named)
        elif told[column] == "unknown":
            reasons[column] = "whether the column is the reason cannot be told"
    return Judgement(told, reasons)


def _told(fate: Fate, is_named: bool, state: str) -> Fate:
    """What a statement that failed with this SQLSTATE says of a column for which the oracle has this fate."""
    if is_named or (fate == "breaks" and state.startswith(_BY_FORM)) or (fate == "changes" and state in _OF_FORM):
        return "breaks"  # code of a function that breaks may not have been reached
    return (
        "unknown"
        if fate in ("breaks", "unknown") or (fate == "changes" and state.startswith(_OF_VALUES))
        else "untouched"
    )


def _fails_with_the_columns(oracle: Oracle, failure: Failure, texts: Sequence[str]) -> bool:
    """Does the clone that is as the source refuse it with the same message? Then no dropped column is the reason."""
    for text in (failure.inner,) if failure.inner else texts:
        taken = unwrap(text)
        if taken.kind == "query":
            answer = probe(oracle.clones.whole, taken.text)
            if answer.failed and (answer.state, answer.message) == (failure.state, failure.message):
                return True
    return False


def _message(failure: Failure, is_named: bool) -> str:
    """The server's message where it is about names, else the SQLSTATE."""
    return " ".join(failure.message.split())[:200] if is_named else f"it is refused (SQLSTATE {failure.state})"
