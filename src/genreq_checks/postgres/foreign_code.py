"""User-defined code that reading a column would run, with the rights of the reading role, which may be a superuser."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan

# A cast with a function, from a column's type (or a domain's base type) to a type that our statements cast to, or a cast
# that the server applies by itself. PostgreSQL's own and those of an extension that a superuser owns are trusted.
_CASTS = sa.text("""
    WITH RECURSIVE types(name, oid) AS (
        SELECT a.attname::text, a.atttypid FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = CAST(:oid AS oid) AND a.attname::text = ANY (CAST(:columns AS text[]))
          AND a.attnum > 0 AND NOT a.attisdropped
        UNION SELECT types.name, t.typbasetype FROM types JOIN pg_catalog.pg_type t ON t.oid = types.oid
        WHERE t.typbasetype <> 0)
    SELECT types.name, pg_catalog.format_type(c.castsource, NULL) AS source,
           pg_catalog.format_type(c.casttarget, NULL) AS target,
           pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS function
    FROM types JOIN pg_catalog.pg_cast c ON c.castsource = types.oid AND c.castmethod = 'f'
    JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
    WHERE n.nspname <> 'pg_catalog'
      AND (c.castcontext = 'i' OR c.casttarget IN (
           CAST('text' AS regtype), CAST('varchar' AS regtype), CAST('bpchar' AS regtype), CAST('date' AS regtype),
           CAST('timestamp' AS regtype), CAST('timestamptz' AS regtype), CAST('json' AS regtype), CAST('jsonb' AS regtype)))
      AND NOT (r.rolsuper AND EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
    ORDER BY 1, 2, 3
""")


def columns_of(plan: Plan) -> tuple[str, ...]:
    """The columns that a reading for the plan may touch."""
    others = [column for column in (recipe.reconstruction for recipe in plan.dropped.values()) if column]
    names = (*plan.table.key, *plan.cohort.columns, *plan.kept, *plan.dropped)
    return tuple(dict.fromkeys((*names, *(other.column for other in others))))


def foreign_code(
    connection: sa.Connection, oid: int, plan: Plan, columns: Iterable[str] | None = None
) -> SourceError | None:
    """The first user-defined cast that reading the columns (by default the plan's) would run, and what to do."""
    names = list(columns) if columns is not None else list(columns_of(plan))
    row = connection.execute(_CASTS, {"oid": oid, "columns": names}).first()
    if row is None:
        return None
    return SourceError(
        f"Reading {plan.table.qualified}.{row.name} as text would run {row.function}, a user-defined function "
        f"(a cast from {row.source} to {row.target}).",
        f"Read its source, then: DROP CAST ({row.source} AS {row.target}).",
    )
