"""The bookkeeping of the migration tool, read in the snapshot's own transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Bookkeeping
from genreq_checks.postgres.failure import NOT_ALLOWED, kind_and_state, sqlstate
from genreq_checks.snapshot import AppliedMigration, Books, Problem
from genreq_checks.text import quote_name

MOST = 10_000
_COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("id", sa.BigInteger()),
    ("hash", sa.Text()),
    ("created_at", sa.BigInteger()),
)

_ALIKE = sa.text("""
    SELECT n.nspname AS schema, c.relname AS name,
           pg_catalog.array_agg(a.attname::text) AS columns
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND ((a.attname = 'id' AND a.atttypid IN (CAST('int2' AS regtype), CAST('int4' AS regtype), CAST('int8' AS regtype)))
           OR (a.attname = 'hash' AND a.atttypid IN (CAST('text' AS regtype), CAST('varchar' AS regtype)))
           OR (a.attname = 'created_at' AND a.atttypid = CAST('int8' AS regtype))
           OR a.attname = 'name')
    GROUP BY 1, 2 HAVING pg_catalog.count(*) FILTER (WHERE a.attname <> 'name') = 3
    ORDER BY 1, 2 LIMIT 20
""")
_EXISTS = sa.text("""
    SELECT true FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = :name
""")


def read_books(connection: sa.Connection, where: Bookkeeping) -> Books | Problem:
    """The bookkeeping table's rows, or that it is absent (and where a similar one is), or why it cannot be read."""
    name = f"{where.schema_name}.{where.table}"
    try:
        with connection.begin_nested():
            alike = connection.execute(_ALIKE).all()
            here = next((row for row in alike if (row.schema, row.name) == (where.schema_name, where.table)), None)
            if here is None:
                if connection.execute(_EXISTS, {"schema": where.schema_name, "name": where.table}).scalar():
                    hint = "Name the right one with --migrations-table SCHEMA.NAME or in the plan."
                    return Problem(
                        part="bookkeeping", message=f"{name} is not a bookkeeping table of Drizzle.", hint=hint
                    )
                return Books(table=name, present=False, elsewhere=tuple(f"{row.schema}.{row.name}" for row in alike))
            number, text, time = (sa.column(name, kind) for name, kind in _COLUMNS)
            tag = sa.cast(sa.column("name"), sa.Text) if "name" in here.columns else sa.null()
            table = sa.table(where.table, schema=where.schema_name)
            rows = connection.execute(
                sa.select(number, text, time, tag).select_from(table).order_by(time, number).limit(MOST)
            )
            applied = tuple(AppliedMigration(id=r[0], hash=r[1] or "", created_at=r[2], name=r[3]) for r in rows)
            return Books(table=name, present=True, applied=applied)
    except sa.exc.DBAPIError as error:
        state = sqlstate(error)
        if error.connection_invalidated or state is None:  # the connection is lost: the caller reports it
            raise
        if state == NOT_ALLOWED:
            schema, table_in_sql = quote_name(where.schema_name), quote_name(where.schema_name, where.table)
            hint = f"GRANT USAGE ON SCHEMA {schema} and SELECT ON {table_in_sql} to the role."
            return Problem(part="bookkeeping", message=f"The role may not read {name}.", hint=hint)
        return Problem(part="bookkeeping", message=f"{name} could not be read: {kind_and_state(error)}.")
