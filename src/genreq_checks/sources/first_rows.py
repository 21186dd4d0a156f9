"""The first rows behind some checks, read in one transaction after the checks were judged: key, time, finding and shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.encoding import decodable, known_white_space, server_encoding
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.report import ExampleRow, Examples
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.wanted import Wanted
from genreq_checks.sources.rows import masked_rows, readable, select_rows
from genreq_checks.text import mask, scrub

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
MOST = 10  # rows of one check
_IDENTIFIER = re.compile(r"[\w.:+-]{1,64}")  # numbers, UUIDs, times and other names without spaces


def first_rows(
    plan: Plan,
    url: str,
    wanted: Sequence[Wanted],
    cutover: datetime | None,
    timeout: float,
    deadline: Deadline | None = None,
) -> dict[str, Examples]:
    """The first rows of each check, some of every kind, by the check's id. What cannot be read is the examples' problem.

    `timeout` is each statement's, `deadline` bounds all of them. Raises: UsageError for an invalid URL.
    """
    target = parse(url)
    found: dict[str, Examples] = {}
    problem = ""
    try:
        with reading(target, timeout, deadline) as connection:
            at = connection.execute(sa.select(sa.func.pg_catalog.now())).scalar_one().astimezone(UTC)
            connection.execute(sa.select(sa.func.pg_catalog.set_config("enable_sort", "on", True)))
            for one in wanted:
                try:
                    with connection.begin_nested():
                        types = readable(connection, plan, target, one.selection)
                        found[one.check] = _read(connection, plan, one, types, cutover, at)
                except (SourceError, UsageError) as error:
                    found[one.check] = Examples(of=one.of, problem=error.message)
                except DRIVER_ERRORS as error:
                    if connection.invalidated or connection.closed:
                        raise
                    found[one.check] = Examples(of=one.of, problem=explain(error, target, plan.table).message)
                except Exception as error:  # noqa: BLE001 - the judgement stands, whatever is wrong with its examples
                    found[one.check] = Examples(of=one.of, problem=f"They were not selected ({type(error).__name__}).")
    except SourceError as error:
        problem = error.message
    except DRIVER_ERRORS as error:
        problem = explain(error, target, plan.table).message
    return {one.check: found.get(one.check, Examples(of=one.of, problem=problem)) for one in wanted}


def _read(
    connection: sa.Connection, plan: Plan, one: Wanted, types: dict[str, str], cutover: datetime | None, at: datetime
) -> Examples:
    columns = Columns(types, decodable(server_encoding(connection)))

    def execute(select: sa.Select[Any]) -> Iterable[Any]:
        return connection.execute(select.params(known_white_space(connection)))

    return read_examples(plan, one, columns, cutover, at, execute)


def read_examples(
    plan: Plan,
    one: Wanted,
    columns: Columns,
    cutover: datetime | None,
    at: datetime,
    execute: Callable[[sa.Select[Any]], Iterable[Any]],
    origin: sa.FromClause | None = None,
) -> Examples:
    """The first rows of each kind, by statements that `execute` runs. None at all is a problem: the check counted some."""
    types = dict(columns.types)
    facets = {facet.name: facet for facet in one.needs.facets(columns)} if one.needs.facets else {}
    keys, of_cohort = len(plan.table.key), len(plan.cohort.columns)
    rows: list[ExampleRow] = []
    for number, pick in enumerate(one.selection.picks):
        room = max((MOST - len(rows)) // (len(one.selection.picks) - number), 1)
        selection = replace(one.selection, picks=(pick,))
        select = select_rows(plan, selection, types, facets, cutover, origin=origin).limit(room)
        for row in masked_rows(execute(select), keys + of_cohort + 1, selection, types):
            key = tuple(map(shown_key, row[:keys]))
            time = row[keys + of_cohort - 1] if plan.cohort.time is not None else None
            finding, *values = row[keys + of_cohort :]
            rows.append(ExampleRow(key=key, time=time, finding=finding or "", values=tuple(map(str, values))))
    return Examples(
        key=plan.table.key,
        columns=one.selection.columns,
        rows=tuple(rows[:MOST]),
        of=one.of,
        read_at=at,
        problem="" if rows else "None of the rows that were counted is there any more: the rows have changed.",
    )


def shown_key(value: str | None) -> str:
    """A key's value as a report may show it: an identifier as it is, of other text its shape."""
    if value is None or not _IDENTIFIER.fullmatch(value):
        return mask(value, len(value or ""), is_json=False)
    return scrub(value)
