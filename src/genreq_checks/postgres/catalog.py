"""The table's facts, read from pg_catalog by OID: independent of search_path, and without information_schema."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from genreq_checks.facts.retired import read_stamp
from genreq_checks.plan import Table
from genreq_checks.postgres.table_rules import read_rules, with_limits
from genreq_checks.snapshot import Column, Problem, Relation, Subscription, TableFacts
from genreq_checks.text import plural, size

KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "i": "index",
    "I": "partitioned index",
    "S": "sequence",
    "c": "composite type",
    "t": "TOAST table",
}

_RELATIONS = sa.text("""
    SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
           c.relrowsecurity AS rls, c.relpersistence = 'u' AS unlogged
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND (lower(c.relname) = lower(:name) OR n.nspname = :schema)
    ORDER BY 2, 3 LIMIT 5000
""")
_COLUMNS = sa.text("""
    SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnum AS position,
           NOT a.attnotnull AS nullable, a.attgenerated <> '' AS generated,
           CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS "default",
           pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS privilege,
           nullif(ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
                        WHERE e.enumtypid = (
                            WITH RECURSIVE under(oid) AS (
                                SELECT t.oid UNION ALL
                                SELECT d.typbasetype FROM under u JOIN pg_catalog.pg_type d ON d.oid = u.oid AND d.typtype = 'd')
                            SELECT b.oid FROM under b JOIN pg_catalog.pg_type y ON y.oid = b.oid AND y.typtype <> 'd')
                        ORDER BY e.enumsortorder), '{}') AS labels,
           CASE WHEN a.attname LIKE '\\_retired\\_%' THEN pg_catalog.col_description(a.attrelid, a.attnum) END AS comment
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
""")
_NAMES = sa.text("""
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS in_sql,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = CAST(:oid AS oid)
""")
_CHILDREN = sa.text("""
    WITH RECURSIVE tree(oid) AS (
        SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = CAST(:oid AS oid)
        UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.oid)
    SELECT n.nspname || '.' || c.relname AS name, pg_catalog.format('%I.%I', n.nspname, c.relname) AS in_sql,
           c.relkind::text AS kind,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal AND NOT c.relispartition
                 ORDER BY a.attnum) AS own,
           c.relpersistence = 'u' AS unlogged, s.srvname::text AS server,
           (SELECT pg_catalog.string_agg(o.option_value, '.' ORDER BY o.option_name)
            FROM pg_catalog.pg_options_to_table(f.ftoptions) o
            WHERE o.option_name IN ('schema_name', 'table_name')) AS remote
    FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = c.oid
    LEFT JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
    ORDER BY 1
""")
# A partition's rows may be written by its own subscription, or by one of a table above it.
_SUBSCRIPTIONS = sa.text("""
    WITH RECURSIVE below(oid) AS (
        SELECT CAST(:oid AS oid) UNION
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON i.inhparent = b.oid),
    above(oid) AS (
        SELECT CAST(:oid AS oid) UNION
        SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN above a ON i.inhrelid = a.oid)
    SELECT 'the subscription ' || coalesce(
               (SELECT pg_catalog.quote_ident(s.subname) FROM pg_catalog.pg_stat_subscription s
                WHERE s.subid = r.srsubid LIMIT 1), r.srsubid::text) AS name,
           pg_catalog.bool_and(r.srsubstate IN ('r', 's')) AS ready
    FROM pg_catalog.pg_subscription_rel r
    WHERE r.srrelid IN (SELECT oid FROM below UNION SELECT oid FROM above)
    GROUP BY r.srsubid ORDER BY 1
""")
_SIZE = sa.text("""
    SELECT sum(pg_catalog.pg_total_relation_size(t.oid))::bigint FROM (
        SELECT CAST(:oid AS oid) AS oid UNION SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = CAST(:oid AS oid)) t
""")
_ROWS = sa.text("""
    WITH RECURSIVE parts(oid) AS (
        SELECT CAST(:oid AS oid)
        UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN parts ON i.inhparent = parts.oid)
    SELECT sum(c.reltuples)::bigint FROM pg_catalog.pg_class c JOIN parts ON parts.oid = c.oid
    WHERE c.relkind <> 'p' HAVING min(c.reltuples) >= 0
""")  # never analysed: -1, and 0 before PostgreSQL 14
_DROPPED = sa.text("""
    SELECT attnum FROM pg_catalog.pg_attribute
    WHERE attrelid = CAST(:oid AS oid) AND attnum > 0 AND attisdropped ORDER BY 1
""")


_RLS = sa.text("SELECT pg_catalog.row_security_active(CAST(:oid AS oid))")


@dataclass(frozen=True, slots=True)
class Found:
    """What the catalog has about the plan's table: its OID and facts, or why it was not found."""

    oid: int | None
    facts: TableFacts | None
    problem: Problem | None


def find_table(connection: sa.Connection, table: Table) -> Found:
    """Look the table up by schema and name; if it does not exist, say where else it may be."""
    rows = connection.execute(_RELATIONS, {"name": table.name, "schema": table.schema_name}).all()
    here = next((row for row in rows if row.schema == table.schema_name and row.name == table.name), None)
    if here is None:
        return Found(None, None, _missing(table, [(row.schema, row.name) for row in rows]))
    of = {"oid": here.oid}
    columns = tuple(map(_column, connection.execute(_COLUMNS, of)))
    children = tuple(
        Relation(**{**row._mapping, "kind": KINDS.get(row.kind, row.kind)}) for row in connection.execute(_CHILDREN, of)
    )
    dropped = tuple(connection.execute(_DROPPED, of).scalars())
    unique = None
    if here.kind in "rp":
        unique, limits = read_rules(connection, here.oid)
        columns = with_limits(columns, limits)
    facts = TableFacts(
        schema_name=here.schema,
        name=here.name,
        kind=KINDS.get(here.kind, here.kind),
        columns=columns,
        children=children,
        twins=_twins(connection, table, rows),
        bytes=_size(connection, here.oid) if here.kind in "rpm" else None,
        dropped_slots=len(dropped),
        dropped_positions=dropped,
        row_security=here.rls,
        unique=unique,
        unlogged=here.unlogged,
        subscriptions=_subscriptions(connection, here.oid),
    )
    return Found(here.oid, facts, _not_a_table(table, facts))


def _column(row: sa.Row[Any]) -> Column:
    """A column; of a comment only its stamp is kept, since a comment may be user text."""
    facts = dict(row._mapping)
    stamp = read_stamp(facts.pop("comment"))
    return Column(**facts, retired=stamp)


def _subscriptions(connection: sa.Connection, oid: int) -> tuple[Subscription, ...] | None:
    """What writes rows into the table from another server; None when the role may not read that."""
    try:
        with connection.begin_nested():
            return tuple(Subscription(**row._mapping) for row in connection.execute(_SUBSCRIPTIONS, {"oid": oid}))
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None


def hides_rows(connection: sa.Connection, oid: int) -> bool:
    """Would row level security hide rows of the table from this role?"""
    return bool(connection.execute(_RLS, {"oid": oid}).scalar_one())


def quoted(table: Table) -> sql.Identifier:
    """The plan's table in a psycopg statement; `scan.fusion.relation` is the same for SQLAlchemy."""
    return sql.Identifier(table.schema_name, table.name)


def _twins(connection: sa.Connection, table: Table, rows: Sequence[sa.Row[Any]]) -> tuple[Relation, ...]:
    """Tables of the same name (in any case) in other schemas: an application's search_path may lead to them."""
    found: list[Relation] = []
    for row in rows:
        same = row.name.lower() == table.name.lower()
        if same and (row.schema, row.name) != (table.schema_name, table.name) and row.kind in "rp":
            for twin in connection.execute(
                _NAMES, {"oid": row.oid}
            ):  # only columns whose reading does not wait for its locks
                name = f"{row.schema}.{row.name}"
                found.append(Relation(name=name, in_sql=twin.in_sql, kind=KINDS[row.kind], columns=tuple(twin.columns)))
    return tuple(found[:20])


def _size(connection: sa.Connection, oid: int) -> int | None:
    """The table's size with indexes and TOAST, in bytes; None when another transaction holds a lock on it."""
    try:
        with connection.begin_nested():
            return connection.execute(_SIZE, {"oid": oid}).scalar()
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None


def estimate(connection: sa.Connection, oid: int, stored: int | None) -> str:
    """About how many rows a table has by the planner's statistics, and its size in bytes, in words."""
    rows = connection.execute(_ROWS, {"oid": oid}).scalar()
    said = "rows" if rows is None else f"about {plural(rows, 'row')}"
    return said if stored is None else f"{said} ({size(stored)})"


def _missing(table: Table, others: list[tuple[str, str]]) -> Problem:
    exact = [f"{schema}.{name}" for schema, name in others if name == table.name]
    same = [
        f'{schema}."{name}"' for schema, name in others if name != table.name and name.lower() == table.name.lower()
    ]
    names = [name for schema, name in others if schema == table.schema_name]
    close = difflib.get_close_matches(table.name, names, n=3, cutoff=0.7)
    candidates = exact or same or [f"{table.schema_name}.{name}" for name in close]
    hint = "Check that this is the right database, and that the role may use the schema."
    if candidates:
        hint = f"Is it {' or '.join(candidates[:3])}? Name it with --table SCHEMA.NAME or in a plan (--plan FILE)."
    return Problem(part="table", message=f"There is no table {table.qualified} in this database.", hint=hint)


def _not_a_table(table: Table, facts: TableFacts) -> Problem | None:
    if facts.is_table:
        return None
    return Problem(
        part="table",
        message=f"{table.qualified} is a {facts.kind}, not a table: it cannot prove anything about dropped columns.",
        hint="Name the table behind it with --table SCHEMA.NAME or in a plan (--plan FILE).",
    )
