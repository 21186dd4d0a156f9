"""One instant of a PostgreSQL table, read in one transaction: the catalog's facts and one scan."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from genreq_checks import __version__
from genreq_checks.errors import SourceError
from genreq_checks.facts import SourceInfo
from genreq_checks.facts.recovery import Recovery
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import estimate, find_table, hides_rows
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.encoding import decodable, known_white_space, server_encoding
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.postgres.identity import read_identity
from genreq_checks.postgres.recovery import read_recovery, replays
from genreq_checks.postgres.role import notes_on_role
from genreq_checks.postgres.streaming import streamed
from genreq_checks.scan.facets import Columns
from genreq_checks.scan.fingerprints import KNOWN_TEXT, Marked, Marking, text_hash
from genreq_checks.scan.fusion import Needs, Probe, fuse, groups_of, on_or_after, relation, ways_to_count
from genreq_checks.snapshot import Part, ProbeRows, Problem, Snapshot, TableFacts
from genreq_checks.sources.bookkeeping import read_books
from genreq_checks.sources.dependents import Dependents, read_dependents
from genreq_checks.sources.evidence.source import Asked
from genreq_checks.sources.probing import MOST_PROBED, not_readable, probe_rows
from genreq_checks.tally import Tally
from genreq_checks.tally.counting import Counting, TooManyGroupsError
from genreq_checks.tally.fingerprints import Fingerprints
from genreq_checks.tally.periods import Unit

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
T = TypeVar("T")
WITH_TIME_ZONE = "timestamp with time zone"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = ("timestamp without time zone", WITH_TIME_ZONE, "date")

_WHO = sa.text("""
    SELECT current_user::text AS role, current_database()::text AS database,
           pg_catalog.current_setting('server_version') AS server, pg_catalog.now() AS read_at,
           (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS is_superuser
""")
_TYPES = sa.text("""
    WITH RECURSIVE stripped(attnum, type) AS (
        SELECT a.attnum, a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = CAST(:oid AS oid)
        UNION ALL
        SELECT s.attnum, t.typbasetype FROM stripped s JOIN pg_catalog.pg_type t ON t.oid = s.type AND t.typtype = 'd')
    SELECT a.attname AS name, pg_catalog.format_type(s.type, NULL) AS type
    FROM pg_catalog.pg_attribute a JOIN stripped s ON s.attnum = a.attnum
    JOIN pg_catalog.pg_type t ON t.oid = s.type AND t.typtype <> 'd'
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped
      AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
""")


def observe(asked: Asked, needs: Needs) -> Snapshot:
    """Read the plan's table: who reads it, the catalog's facts, the tally. It writes nothing and holds no lock for long.

    What cannot be read is a problem in the snapshot, and checks that need it are unknown. `needs` is what is needed from
    the rows.
    Raises: UsageError for an invalid URL.
    """
    plan, target = asked.plan, parse(asked.url)
    started = time.monotonic()
    try:
        with reading(target, asked.timeout, asked.deadline, asked.workers) as connection:
            snapshot = _read(connection, asked, target, needs)
    except SourceError as error:
        return _unread(plan, target, error)
    except DRIVER_ERRORS as error:
        return _unread(plan, target, explain(error, target, plan.table))
    source = snapshot.source.model_copy(update={"seconds": round(time.monotonic() - started, 3)})
    return snapshot.model_copy(update={"source": source})


def _unread(plan: Plan, target: Target, error: SourceError) -> Snapshot:
    """The snapshot of a source that could not be read: one problem, which makes every check unknown."""
    return Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(kind="postgresql", location=target.location, read_at=datetime.now(UTC), notes=target.notes),
        problems=(Problem.of("connection", error),),
    )


def _read(connection: sa.Connection, asked: Asked, target: Target, needs: Needs) -> Snapshot:
    plan, cutover = asked.plan, asked.cutover
    who = connection.execute(_WHO).one()
    recovery = read_recovery(connection)  # directly after the transaction's snapshot, whose age it shows
    found = find_table(connection, plan.table)
    identity = read_identity(connection, found.oid)
    on_role = notes_on_role(connection, who.role, who.is_superuser, found.oid, plan.table)
    problems = [found.problem] if found.problem else []
    counts: _Counts | None = None
    probes: dict[str, ProbeRows] = {}
    hanging: Dependents | None = None
    lost: Problem | None = None  # why the connection was lost

    def attempt(part: Part, read: Callable[[], T | Problem]) -> T | None:
        """One part of the snapshot, or None and its problem; a lost connection is a problem for every part after it."""
        nonlocal lost
        answer: T | Problem
        if lost is not None:
            problems.append(lost.model_copy(update={"part": part}))
            return None
        try:
            with connection.begin_nested():
                answer = read()
        except DRIVER_ERRORS as error:
            answer = Problem.of(part, explain(error, target, plan.table))
            if connection.invalidated or connection.closed:
                lost = answer
            if part == "tally" and found.facts is not None:
                answer = _or_of_another_server(answer, found.facts)
        if isinstance(answer, Problem):
            problems.append(answer)
            return None
        return answer

    oid, facts = found.oid, found.facts
    if oid is not None and facts is not None and not problems:
        hanging = attempt("dependents", lambda: read_dependents(connection, plan, oid, facts))
        if needs.facets is not None:
            if asked.progress:
                asked.progress(f"Reading {estimate(connection, oid, facts.bytes)} of {plan.table.qualified}")
            counts = attempt("tally", lambda: _counts(connection, asked, oid, facts, who.read_at, needs))
        for one in needs.probes:
            rows = attempt("probe", partial(_probe, connection, plan, oid, facts, cutover, one))
            if rows is not None:
                probes[one.name] = rows
    books = attempt("bookkeeping", lambda: read_books(connection, plan.migrations))
    fingerprints = counts.fingerprints if counts else None
    if isinstance(fingerprints, Problem):
        problems.append(fingerprints)
    return Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(
            kind="postgresql",
            location=target.location,
            read_at=who.read_at.astimezone(UTC),
            server=f"PostgreSQL {who.server}",
            database=who.database,
            role=who.role,
            identity=identity,
            recovery=recovery,
            notes=(*target.notes, *on_role, *_late(recovery)),
        ),
        table=found.facts,
        tally=counts.tally if counts else None,
        fingerprints=fingerprints if isinstance(fingerprints, Fingerprints) else None,
        probes=probes,
        books=books,
        dependents=hanging and hanging.found,
        searched=hanging and hanging.searched,
        problems=tuple(problems),
    )


def _or_of_another_server(problem: Problem, facts: TableFacts) -> Problem:
    """The problem; where rows are read from another server, the hint says that it may have failed there."""
    foreign = [child.place for child in facts.children if child.is_foreign]
    if not foreign:
        return problem
    hint = f"Rows are read from another server too, which may have failed: {', '.join(foreign[:3])}. {problem.hint}"
    return problem.model_copy(update={"hint": hint.strip()})


def _late(recovery: Recovery | None) -> tuple[str, ...]:
    """A note on a standby, which may lag behind."""
    return () if recovery is None else (f"The source is {recovery.words}.",)


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the one scan gives: the tally, and the fingerprints or why there are none."""

    tally: Tally
    fingerprints: Fingerprints | Problem | None


def _counts(
    connection: sa.Connection, asked: Asked, oid: int, facts: TableFacts, read_at: datetime, needs: Needs
) -> _Counts | Problem:
    plan, cutover = asked.plan, asked.cutover
    obstacle = find_obstacle(connection, plan, oid, facts)
    if obstacle:
        return obstacle
    types = read_types(connection, oid)
    marked = _marked(connection, asked, types, read_at) if needs.fingerprints else None
    aware = types[plan.cohort.time] == WITH_TIME_ZONE
    encoding = server_encoding(connection)
    columns = Columns(types, decodable(encoding))
    sendable = None if encoding == "SQL_ASCII" else columns.decodable  # there the bytes are sent unchanged
    ways = tuple(ways_to_count(groups_of(plan, needs.facets(columns) if needs.facets else ()), needs.together))
    for parts in ways:
        mark = marked if isinstance(marked, Marked) else None
        marking = Marking(frozenset(plan.cohort.values)) if mark else None
        scan = fuse(plan, parts, cutover, aware, sendable=sendable, marked=mark)
        counting = Counting(plan.cohort.values, len(parts), may_coarsen=parts is ways[-1])
        # what is given up leaves the transaction as it was
        with (
            suppress(TooManyGroupsError),
            connection.begin_nested(),
            closing(streamed(connection, scan.select, known_white_space(connection))) as rows,
        ):
            tally = scan.tally(rows, cutover, counting, marking)
            if mark is None or marking is None:
                return _Counts(tally, marked if isinstance(marked, Problem) else None)
            return _Counts(tally, _fingerprints(connection, asked, mark, marking, tally.unit))
    message = f"{plan.table.qualified} falls into too many classes: the plan names too many columns."
    return Problem(part="tally", message=message, hint="Check a part of them with --only, or by a plan of its own.")


def _marked(
    connection: sa.Connection, asked: Asked, types: Mapping[str, str], read_at: datetime
) -> Marked | Problem | None:
    """What is to be fingerprinted, or why it cannot be; None when it is not asked for."""
    plan = asked.plan
    if asked.fingerprints == "none":
        return None
    if (connection.dialect.server_version_info or (0,)) < (14,):
        message = f"{plan.table.qualified} was read from a server before PostgreSQL 14, which cannot fingerprint rows."
        return Problem(part="fingerprints", message=message)
    missing = next((name for name in plan.table.key if name not in types), None)
    if missing is not None:
        message = f"The key column '{missing}' of {plan.table.qualified} is not there or may not be read."
        return Problem(
            part="fingerprints", message=message, hint="Correct table.key in the plan, or GRANT SELECT on it."
        )
    names = (*plan.kept, *(plan.dropped if asked.fingerprints == "all" else ()))
    columns = tuple(name for name in names if name in types)
    return Marked(
        plan.table.key,
        columns,
        plan.cohort.time,
        asked.until or read_at,
        {name: types[name] for name in plan.table.key},
    )


def _fingerprints(
    connection: sa.Connection, asked: Asked, marked: Marked, marking: Marking, unit: Unit
) -> Fingerprints:
    known = sa.select(text_hash(sa.literal(KNOWN_TEXT), sa.literal_column("0", sa.BigInteger)))
    until = marked.until
    if asked.until is None and marking.newest is not None:
        with suppress(OverflowError):  # a time before the year 1
            until = EPOCH + timedelta(microseconds=int(marking.newest * 1_000_000))
    return Fingerprints(
        until=until,
        hashing=connection.execute(known).scalar_one(),
        key=marked.key,
        cohort=asked.plan.cohort.values,
        columns=marked.columns,
        unit=unit,
        blocks=marking.finish(unit),
    )


def _probe(
    connection: sa.Connection, plan: Plan, oid: int, facts: TableFacts, cutover: datetime | None, probe: Probe
) -> ProbeRows | Problem:
    types = read_types(connection, oid)
    obstacle = find_obstacle(connection, plan, oid, facts) or not_readable(plan, probe, types)
    if obstacle:
        return obstacle.model_copy(update={"part": "probe"})
    since = None if cutover is None else on_or_after(plan, cutover, types[plan.cohort.time] == WITH_TIME_ZONE)
    select = probe.select(relation(plan.table), since).limit(MOST_PROBED + 1)
    return probe_rows(probe, connection.execute(select, known_white_space(connection)).all())


def read_types(connection: sa.Connection, oid: int) -> dict[str, str]:
    """The columns that the role may read, with their types' names; a domain has the name of its base type."""
    return {row.name: row.type for row in connection.execute(_TYPES, {"oid": oid})}


def find_obstacle(connection: sa.Connection, plan: Plan, oid: int, facts: TableFacts) -> Problem | None:
    """A known reason why the scan would be wrong or impossible."""
    name = plan.table.qualified
    if hides_rows(connection, oid):
        return Problem(
            part="tally",
            message=f"Row level security would hide rows of {name} from this role, and every rate would be wrong.",
            hint="Read as the table's owner or as a role with BYPASSRLS.",
        )
    unlogged = [name] if facts.unlogged else [child.name for child in facts.children if child.unlogged]
    if unlogged and replays(connection):
        message = f"{unlogged[0]} is unlogged, and a standby does not have its rows."
        return Problem(part="tally", message=message, hint="Read the primary server.")
    for needed in (plan.cohort.column, plan.cohort.time):
        column = facts.column(needed)
        if column is None:
            return Problem(part="tally", message=f"{name} has no column '{needed}', by which the plan counts.", hint="")
        if not column.privilege:
            hint = f"GRANT SELECT ON {plan.table.in_sql} to the role."
            return Problem(part="tally", message=f"The role may not read {name}.{needed}.", hint=hint)
    time_column = facts.column(plan.cohort.time)
    if time_column and read_types(connection, oid).get(plan.cohort.time) not in TIMES:
        message = f"{name}.{plan.cohort.time} is of type {time_column.type}, not a timestamp: no row can be dated."
        return Problem(part="tally", message=message, hint="Name a timestamp column in the plan's cohort.time.")
    danger = foreign_code(connection, oid, plan)
    return Problem.of("tally", danger) if danger else None
