"""What depends on the dropped columns, before and after the drop: the catalog, function bodies, jobs, recent statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from genreq_checks.plan import Plan
from genreq_checks.postgres.marker import own
from genreq_checks.postgres.recovery import replays
from genreq_checks.snapshot import Dependent, Searched, TableFacts
from genreq_checks.sources.body_dependents import read_bodies
from genreq_checks.sources.catalog_dependents import read_catalog, read_tree
from genreq_checks.sources.function_bodies import read_body
from genreq_checks.sources.replication_dependents import read_lost_identity, read_replication
from genreq_checks.sources.row_dependents import read_rows_users
from genreq_checks.sources.scheduled_dependents import read_event_triggers, read_jobs

MOST_STATEMENTS = 20

_STATEMENTS_AT = sa.text("""
    SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements'
""")
_HIDDEN = "<insufficient privilege>"
_OF_A_CLIENT = r"^\s*(select|insert|update|delete|merge|with|copy)\y"  # not DDL, which names the column that it creates


@dataclass(frozen=True, slots=True)
class Dependents:
    """What was found, and where was searched."""

    found: tuple[Dependent, ...]
    searched: Searched


def read_dependents(connection: sa.Connection, plan: Plan, oid: int, facts: TableFacts) -> Dependents:
    """What depends on the plan's dropped columns; for a column that is gone, what still names it.

    Raises: sqlalchemy.exc.DBAPIError when the catalog cannot be read.
    """
    names = list(plan.dropped)
    present = [name for name in names if facts.column(name)]
    tree = read_tree(connection, oid)
    found = list(read_catalog(connection, oid, tree, present)) if present else []
    if present:
        known = {(one.column, one.name) for one in found}
        by_rows = read_rows_users(connection, tree, present)
        found += [one for one in by_rows if (one.column, one.name.removeprefix("for ")) not in known]
        found += [*read_replication(connection, tree, present), *read_event_triggers(connection, present)]
    gone = [name for name in names if name not in present]
    found += read_lost_identity(connection, tree, gone)
    bodies = read_bodies(connection, plan, tree, present)
    jobs = read_jobs(connection, plan, names)
    found += [*bodies.found, *jobs.found]
    count, notes, statements = _statements(connection, plan, present)
    if facts.subscriptions is None:
        notes += ("pg_subscription_rel could not be read: whether a subscription writes the rows is not known",)
    if count is not None and replays(connection):
        notes += ("a standby has its own statements only, not the primary server's",)
    return Dependents(
        (*found, *statements), Searched(functions=bodies.count, statements=count, notes=notes, unread=jobs.unread)
    )


def _statements(
    connection: sa.Connection, plan: Plan, columns: Sequence[str]
) -> tuple[int | None, tuple[str, ...], list[Dependent]]:
    """Recent statements that name a column and the table. They are not read after the drop: a statement that names the
    column then fails before it is recorded, and the recorded ones are older.
    """
    if not columns:
        return None, (), []
    schema = connection.execute(_STATEMENTS_AT).scalar()
    if schema is None:
        return None, ("pg_stat_statements is not installed: recent statements were not read",), []
    query, calls, ident = (
        sa.column("query", sa.Text),
        sa.column("calls", sa.BigInteger),
        sa.column("queryid", sa.BigInteger),
    )
    here = sa.select(sa.column("oid", sa.BigInteger)).select_from(sa.table("pg_database", schema="pg_catalog"))
    here = here.where(sa.column("datname") == sa.func.current_database())
    source = sa.table("pg_stat_statements", schema=quoted_name(schema, True))
    in_database = (
        sa.select(query, calls, ident)
        .select_from(source)
        .where(sa.column("dbid", sa.BigInteger) == here.scalar_subquery())
    )
    mentions = sa.or_(query == _HIDDEN, *(query.icontains(name, autoescape=True) for name in columns))
    wanted = in_database.where(mentions, ~own(query), sa.or_(query == _HIDDEN, query.op("~*")(_OF_A_CLIENT)))
    try:
        with connection.begin_nested():
            count = connection.execute(sa.select(sa.func.count()).select_from(in_database.subquery())).scalar_one()
            rows = connection.execute(wanted.order_by(calls.desc(), ident)).all()
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None, ("pg_stat_statements could not be read: recent statements were not read",), []
    hidden = sum(row.query == _HIDDEN for row in rows)
    notes: tuple[str, ...] = (f"{hidden:,} statements of other roles are hidden from this one",) if hidden else ()
    found: list[Dependent] = []
    for column in columns:
        of = [
            r for r in rows if all(read_body(r.query, "sql").names(word, "code") for word in (column, plan.table.name))
        ]
        found += [
            Dependent(
                column=column,
                kind="statement",
                name=f"queryid {row.queryid}",
                fate="breaks",
                confidence="possible",
                detail=f"A recent statement on the table names the column ({row.calls:,} calls).",
            )
            for row in of[:MOST_STATEMENTS]
        ]
        if len(of) > MOST_STATEMENTS:
            notes += (f"{MOST_STATEMENTS} of {len(of):,} statements that name {column} are listed",)
    return count, notes, found
