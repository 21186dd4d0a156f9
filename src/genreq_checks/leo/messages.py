"""Recorded messages compared with the table's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from genreq_checks.errors import SourceError
from genreq_checks.facts import DIFFERENT, EXAMPLES, ColumnMatch, Example, Listed, Reconciliation, Verdict
from genreq_checks.leo.message_index import Index, open_index
from genreq_checks.leo.message_lines import LineCounts, Message, message_files, read_messages
from genreq_checks.leo.reconcile import Rule, compare, difference, expected_values, rules_of, shown_key
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.sources.rows_by_key import KeyedTable, Row, keyed_table
from genreq_checks.text import SHAPE_LENGTH, mask

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Column:
    """A column's counts and examples while they are gathered."""

    counts: Counter[Verdict] = field(default_factory=Counter[Verdict])
    different: list[Example] = field(default_factory=list[Example])
    defects: list[Example] = field(default_factory=list[Example])
    sent: int = 0
    stored: int = 0


@dataclass(slots=True)
class Gathered:
    """The result of one pass over the messages."""

    columns: dict[str, Column]
    before_cutover: int = 0
    without_row: int = 0
    strays: list[Example] = field(default_factory=list[Example])


def reconcile(
    plan: Plan,
    url: str,
    paths: Sequence[Path],
    cutover: datetime | None = None,
    *,
    timeout: float = 300,
    deadline: Deadline | None = None,
) -> Reconciliation:
    """Compare the completion messages in files or folders with the rows of a database, all read in one instant.

    With a `cutover` (aware) only rows completed from it on are judged. `timeout` is each statement's, in seconds; `deadline`
    bounds all of them. An error of the database is the result's `problem`.

    Raises: UsageError for a path that does not exist or an invalid URL.
    """
    files = message_files(paths)
    target = parse(url)
    rules = rules_of(plan)
    seen = LineCounts()
    try:
        with open_index() as index:
            index.put(read_messages(files, frozenset(rule.field for rule in rules), seen))
            read = Reconciliation(
                files=seen.files,
                lines=seen.lines,
                messages=index.messages,
                requests=index.requests,
                peculiar=seen.peculiar(),
            )
            if not index.messages:
                return read
            with reading(target, timeout, deadline) as connection:
                table, problems = keyed_table(connection, plan, tuple(rule.column for rule in rules))
                return _reconciled(read, index, table, problems, cutover)
    except SourceError as error:
        return Reconciliation(problem=error.message, remedy=error.hint)
    except DRIVER_ERRORS as error:
        failed = explain(error, target, plan.table)
        return Reconciliation(problem=failed.message, remedy=failed.hint)


def _reconciled(
    read: Reconciliation, index: Index, table: KeyedTable, problems: Mapping[str, str], cutover: datetime | None
) -> Reconciliation:
    """Read the messages once and the keys of the completed rows once."""
    rules = rules_of(table.plan)
    found = Gathered({name: Column() for name in table.columns})
    for batch in index.batches():
        rows = table.rows([message.key for message in batch], cutover)
        for message in batch:
            row = rows.get(message.key)
            if row is None:
                _add(found.strays, Example(shown_key(message.key), message.file, message.line))
                found.without_row += 1
            elif _is_before(row, message, cutover):
                found.before_cutover += 1
            else:
                _compare(found.columns, rules, message, row)
    lonely: list[Example] = []
    count = within = 0
    for keys in table.cohort(cutover, _span(index)):
        unheard = index.unknown(key for key, _ in keys)
        count += len(unheard)
        for key, inside in keys:
            if key in unheard:
                within += inside
                _add(lonely, Example(shown_key(key), note="within the recording" if inside else ""))
    columns = {
        name: ColumnMatch(c.counts, tuple(c.different), tuple(c.defects), sent=c.sent, stored=c.stored)
        for name, c in found.columns.items()
    }
    return replace(
        read,
        before_cutover=found.before_cutover,
        columns=columns | {name: ColumnMatch({}, problem=reason) for name, reason in problems.items()},
        without_row=Listed(found.without_row, tuple(found.strays)),
        without_message=Listed(count, tuple(lonely)),
        within=within,
    )


def _is_before(row: Row, message: Message, cutover: datetime | None) -> bool:
    """Is this from before the cutover? An undated row (for example a paused one) has the time of its message."""
    if cutover is None:
        return False
    if row.after is not None:
        return not row.after
    return message.received is not None and _instant(message.received) < cutover


def _compare(columns: dict[str, Column], rules: Sequence[Rule], message: Message, row: Row) -> None:
    for rule in rules:
        if rule.column in columns and rule.source is None and _has_value(message.fields.get(rule.field)):
            columns[rule.column].sent += 1
            columns[rule.column].stored += _has_value(row.values[rule.column])
    expected = expected_values(rules, message.fields)
    for name, verdict in compare(rules, message.fields, expected, row.values).items():
        column = columns[name]
        column.counts[verdict] += 1
        if verdict in DIFFERENT or verdict == "plan-defect":
            due, actual = expected.get(name), row.values[name]
            example = Example(
                key=shown_key(message.key),
                file=message.file,
                line=message.line,
                expected=_shape(due),
                actual=_shape(actual),
                verdict=verdict,
                note=difference(due, actual),
            )
            _add(column.defects if verdict == "plan-defect" else column.different, example)


def _has_value(value: str | None) -> bool:
    """Neither missing nor blank: what a rate counts as populated."""
    return value is not None and bool(value.strip())


def _shape(value: str | None) -> str:
    """The value as a report may show it."""
    return mask(None, 0, False) if value is None else mask(value[:SHAPE_LENGTH], len(value), False)


def _add(examples: list[Example], example: Example) -> None:
    if len(examples) < EXAMPLES:
        examples.append(example)


def _span(index: Index) -> tuple[datetime, datetime] | None:
    """The time of the recording, or None when no message has a time of receipt."""
    return None if index.first is None or index.last is None else (_instant(index.first), _instant(index.last))


def _instant(microseconds: int) -> datetime:
    """An instant, limited to the range of Python's datetime."""
    return _EPOCH + timedelta(microseconds=max(-62 * 10**15, min(microseconds, 250 * 10**15)))
