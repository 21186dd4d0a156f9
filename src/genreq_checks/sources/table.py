"""One instant of a PostgreSQL table, read in one transaction: the catalog's facts and one scan."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from genreq_checks import __version__
from genreq_checks.errors import SourceError
from genreq_checks.facts import SourceInfo
from genreq_checks.facts.recovery import Recovery
from genreq_checks.facts.row_changes import HashedRows
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import estimate, find_table
from genreq_checks.postgres.connection import Target, parse, reading
from genreq_checks.postgres.encoding import known_white_space
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.identity import read_identity
from genreq_checks.postgres.recovery import read_recovery
from genreq_checks.postgres.role import notes_on_role
from genreq_checks.scan.fusion import Needs, Probe, on_or_after, relation
from genreq_checks.snapshot import Part, ProbeRows, Problem, Snapshot, TableFacts
from genreq_checks.sources.bookkeeping import read_books
from genreq_checks.sources.counts import Counts, read_counts
from genreq_checks.sources.dependents import Dependents, read_dependents
from genreq_checks.sources.evidence.source import Asked
from genreq_checks.sources.probing import MOST_PROBED, not_readable, probe_rows
from genreq_checks.sources.readable import find_obstacle, is_aware, read_types
from genreq_checks.tally.fingerprints import Fingerprints

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
T = TypeVar("T")

_WHO = sa.text("""
    SELECT current_user::text AS role, current_database()::text AS database,
           pg_catalog.current_setting('server_version') AS server, pg_catalog.now() AS read_at,
           (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS is_superuser
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
    counts: Counts | None = None
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
        if needs.facets is not None or (needs.fingerprints and asked.fingerprints != "none"):
            if asked.progress:
                asked.progress(f"Reading {estimate(connection, oid, facts.bytes)} of {plan.table.qualified}")
            counts = attempt("tally", lambda: read_counts(connection, asked, oid, facts, who.read_at, needs))
        for one in needs.probes:
            rows = attempt("probe", partial(_probe, connection, plan, oid, facts, cutover, one))
            if rows is not None:
                probes[one.name] = rows
    read = attempt("bookkeeping", lambda: read_books(connection, plan.migrations))
    books, other_books = read or (None, ())
    if isinstance(books, Problem):
        problems.append(books)
    fingerprints = counts.fingerprints if counts else None
    if isinstance(fingerprints, Problem):
        problems.append(fingerprints)
    hashed = _hashed(connection, asked, oid, fingerprints, problems) if asked.row_hashes is not None else None
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
        hashed=hashed,
        probes=probes,
        books=None if isinstance(books, Problem) else books,
        other_books=other_books,
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


def _hashed(
    connection: sa.Connection,
    asked: Asked,
    oid: int | None,
    fingerprints: Fingerprints | Problem | None,
    problems: Sequence[Problem],
) -> HashedRows:
    """Write the file of row hashes. Raises: OutputError, UsageError; SourceError when the rows cannot be hashed."""
    assert asked.row_hashes is not None
    if oid is None or not isinstance(fingerprints, Fingerprints):
        reason = problems[0].text if problems else "The rows have no fingerprints."
        raise SourceError(f"No row hashes were written: {reason}")
    from genreq_checks.sources.row_hashes import write_row_hashes

    types, columns = read_types(connection, oid), fingerprints.columns
    return write_row_hashes(connection, asked.plan, types, columns, fingerprints.until, asked.row_hashes)


def _probe(
    connection: sa.Connection, plan: Plan, oid: int, facts: TableFacts, cutover: datetime | None, probe: Probe
) -> ProbeRows | Problem:
    types = read_types(connection, oid)
    obstacle = find_obstacle(connection, plan, oid, facts) or not_readable(plan, probe, types)
    if obstacle:
        return obstacle.model_copy(update={"part": "probe"})
    since = None if cutover is None else on_or_after(plan, cutover, is_aware(plan, types))
    select = probe.select(relation(plan.table), since).limit(MOST_PROBED + 1)
    return probe_rows(probe, connection.execute(select, known_white_space(connection)).all())
