"""The one scan of a table: its counts, and the fingerprints of its rows and values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.postgres.encoding import decodable, known_white_space, server_encoding
from genreq_checks.postgres.streaming import streamed
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.fingerprints import KNOWN_TEXT, Marked, Marking, text_hash
from genreq_checks.scan.fusion import Needs, fuse, groups_of, in_cohort, relation, time_of, ways_to_count
from genreq_checks.snapshot import Problem, TableFacts
from genreq_checks.sources.evidence.source import Asked
from genreq_checks.sources.readable import find_obstacle, is_aware, read_types
from genreq_checks.tally import Tally
from genreq_checks.tally.counting import Counting, TooManyGroupsError
from genreq_checks.tally.fingerprints import Fingerprints, KeyRange
from genreq_checks.tally.periods import Unit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the one scan gives: the tally, and the fingerprints or why there are none."""

    tally: Tally
    fingerprints: Fingerprints | Problem | None


def read_counts(
    connection: sa.Connection, asked: Asked, oid: int, facts: TableFacts, read_at: datetime, needs: Needs
) -> Counts | Problem:
    """The counts of all classes that are needed, by one statement; or why there are none."""
    plan, cutover = asked.plan, asked.cutover
    obstacle = find_obstacle(connection, plan, oid, facts)
    if obstacle:
        return obstacle
    types = read_types(connection, oid)
    if cutover is not None and types[plan.cohort.clock] == "date" and cutover.astimezone(UTC).time() != time.min:
        message = (
            f"{plan.table.qualified}.{plan.cohort.clock} is a date, and the cutover is not the begin of a UTC day."
        )
        return Problem(part="tally", message=message, hint="Give the day from which on rows are after: --cutover DAY.")
    marked = _marked(connection, asked, types, facts, read_at) if needs.fingerprints else None
    aware = is_aware(plan, types)
    encoding = server_encoding(connection)
    columns = Columns(types, decodable(encoding))
    sendable = None if encoding == "SQL_ASCII" else columns.decodable  # there the bytes are sent unchanged
    ways = tuple(ways_to_count(groups_of(plan, needs.facets(columns) if needs.facets else ()), needs.together))
    for parts in ways:
        mark = marked if isinstance(marked, Marked) else None
        statuses = frozenset(
            plan.cohort.values if plan.cohort.time else ()
        )  # without a time the statement chooses the rows
        marking = Marking(statuses, mark.is_range, mark.everywhere) if mark else None
        in_groups = mark if plan.cohort.time is not None else None
        scan = fuse(plan, parts, cutover, aware, sendable=sendable, marked=in_groups)
        counting = Counting(plan.cohort.values, len(parts), may_coarsen=parts is ways[-1])
        # what is given up leaves the transaction as it was
        with (
            suppress(TooManyGroupsError),
            connection.begin_nested(),
            closing(streamed(connection, scan.select, known_white_space(connection))) as rows,
        ):
            tally = scan.tally(rows, cutover, counting, marking if in_groups else None)
            if mark is None or marking is None:
                return Counts(tally, marked if isinstance(marked, Problem) else None)
            if in_groups is None:
                _by_key(connection, plan, mark, marking)
            return Counts(tally, _fingerprints(connection, asked, mark, marking, tally.unit))
    message = f"{plan.table.qualified} falls into too many classes: the plan names too many columns."
    return Problem(part="tally", message=message, hint="Check a part of them with --only, or by a plan of its own.")


def _marked(
    connection: sa.Connection, asked: Asked, types: Mapping[str, str], facts: TableFacts, read_at: datetime
) -> Marked | Problem | None:
    """What is to be fingerprinted, or why it cannot be; None when it is not asked for."""
    plan = asked.plan
    if asked.fingerprints == "none":
        return None
    if (connection.dialect.server_version_info or (0,)) < (14,):
        message = f"{plan.table.qualified} was read from a server before PostgreSQL 14, which cannot fingerprint rows."
        return Problem(part="fingerprints", message=message)
    if not plan.table.key:
        message = f"Rows have no fingerprints: the plan names no key (table.key) of {plan.table.qualified}."
        return Problem(part="fingerprints", message=message)
    missing = next((name for name in plan.table.key if name not in types), None)
    if missing is not None:
        message = f"The key column '{missing}' of {plan.table.qualified} is not there or may not be read."
        return Problem(
            part="fingerprints", message=message, hint="Correct table.key in the plan, or GRANT SELECT on it."
        )
    names = (*plan.kept, *(plan.dropped if asked.fingerprints == "all" else ()))
    held = {name: column.name for name in plan.dropped if (column := facts.held(name)) and column.name in types}
    columns = tuple(name for name in names if name in types or name in held)
    return Marked(
        plan.table.key,
        columns,
        time_of(plan) if plan.cohort.time is not None else None,
        asked.until or read_at,
        {name: types[name] for name in plan.table.key},
        asked.newest_key,
        tuple(name for name in columns if name in plan.dropped),
        held,
    )


def _by_key(connection: sa.Connection, plan: Plan, marked: Marked, marking: Marking) -> None:
    """Add the blocks of a plan without a time, by a statement of their own."""
    select = marked.by_key(relation(plan.table), in_cohort(plan))
    with closing(streamed(connection, select, {})) as rows:
        for block, covered, count, *marks in rows:
            marking.add(f"block {block:>03}", None, covered, count, marks, "day")


def _fingerprints(
    connection: sa.Connection, asked: Asked, marked: Marked, marking: Marking, unit: Unit
) -> Fingerprints:
    known = sa.select(text_hash(sa.literal(KNOWN_TEXT), sa.literal_column("0", sa.BigInteger)))
    until = marked.until
    if asked.until is None and marking.newest is not None:
        with suppress(OverflowError):  # a time before the year 1
            until = EPOCH + timedelta(microseconds=int(marking.newest * 1_000_000))
    known_keys = None
    if marked.is_range and marking.greatest is not None:
        newest = marking.greatest if marked.newest is None else marked.newest
        known_keys = KeyRange(
            newest=newest,
            rows=marking.known,
            keys=marking.keys,
            columns=marked.everywhere,
            values=marking.values,
        )
    return Fingerprints(
        until=until,
        hashing=connection.execute(known).scalar_one(),
        key=marked.key,
        cohort=asked.plan.cohort.values,
        columns=marked.columns,
        unit=unit,
        blocks=marking.finish(unit),
        known=known_keys,
    )
