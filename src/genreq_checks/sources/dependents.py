"""What depends on the dropped columns, before and after the drop: the catalog, function bodies, recent statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from genreq_checks.plan import Plan
from genreq_checks.postgres.marker import own
from genreq_checks.postgres.recovery import replays
from genreq_checks.snapshot import Dependent, Searched, TableFacts
from genreq_checks.sources.catalog_dependents import read_catalog
from genreq_checks.sources.function_bodies import Body, read_body

MOST_STATEMENTS = 20

# Every body is counted, but only one with a column's name in it is fetched. A BEGIN ATOMIC body has no text, and its
# dependencies are in pg_depend; PostgreSQL 13 has no pg_proc.prosqlbody that would identify it.
_BODIES = sa.text("""
    WITH family AS (SELECT c.oid, c.reltype FROM pg_catalog.pg_class c
                    WHERE c.oid = :oid OR c.oid IN (SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = :oid))
    SELECT (pg_catalog.pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity AS name, l.lanname AS language,
           CASE WHEN hit.it THEN p.prosrc END AS source, coalesce(p.proargnames::text[], '{}') AS arguments,
           CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind,
           EXISTS (SELECT FROM family f WHERE f.reltype = p.prorettype OR f.reltype = ANY (p.proargtypes)) AS takes_row,
           ARRAY(SELECT format('%I on %s', t.tgname, t.tgrelid::regclass) FROM pg_catalog.pg_trigger t
                 WHERE t.tgfoid = p.oid AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'D'
                   AND t.tgrelid IN (SELECT oid FROM family) ORDER BY 1) AS triggers,
           p.prorettype = 'trigger'::regtype AS is_trigger
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM unnest(CAST(:columns AS text[])) w
        WHERE position(lower(w) IN lower(p.prosrc)) > 0 OR w = ANY (p.proargnames)) AS it) hit
    WHERE l.lanname NOT IN ('c', 'internal') AND p.prosrc <> ''
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 1
""")
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
    found = list(read_catalog(connection, oid, present)) if present else []
    bodies = connection.execute(_BODIES, {"oid": oid, "columns": names}).all()
    for row in bodies:
        if row.source is not None:
            body = read_body(row.source, row.language)
            found += [one for name in names for one in _of_body(row, body, name, plan)]
    count, notes, statements = _statements(connection, plan, present)
    if facts.subscriptions is None:
        notes += ("pg_subscription_rel could not be read: whether a subscription writes the rows is not known",)
    if count is not None and replays(connection):
        notes += ("a standby has its own statements only, not the primary server's",)
    return Dependents((*found, *statements), Searched(functions=len(bodies), statements=count, notes=notes))


def _of_body(row: sa.Row[Any], body: Body, column: str, plan: Plan) -> Iterator[Dependent]:
    """The fate of a function whose body may name the column, and of the table's triggers that run it."""
    named = body.names(column, "code", "text") or column in row.arguments
    about_table = body.names(plan.table.name, "code", "text") or row.takes_row or bool(row.triggers)
    common = {"column": column, "kind": row.kind, "name": row.name}
    if not named:
        if body.names(column, "comment"):
            detail = "Only a comment in it names the column."
            yield Dependent(**common, fate="fine", confidence="possible", detail=detail)
        return
    if row.is_trigger and not about_table and not body.outside_records(column) and not body.names(column, "text"):
        detail = "It reads the column from NEW or OLD, but no enabled trigger of this table runs it."
        yield Dependent(**common, fate="fine", confidence="possible", detail=detail)
        return
    in_code = body.names(column, "code") or (body.names(column, "text") and body.runs_text)
    sure = about_table and in_code
    where = (
        "Its body names the column and the table."
        if sure
        else "Its body has the column's name, but may use another column."
    )
    if row.triggers and body.reads_record(column):
        where = f"Its body reads NEW.{column} or OLD.{column}."
    yield Dependent(**common, fate="breaks", confidence="textual" if sure else "possible", detail=where)
    for trigger in row.triggers if sure else ():
        detail = f"It runs {row.name}, which names {column}: without the column every statement that fires it fails."
        yield Dependent(column=column, kind="trigger", name=trigger, fate="breaks", confidence="textual", detail=detail)


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
