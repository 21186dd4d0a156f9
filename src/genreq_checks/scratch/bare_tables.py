"""Tables that the role may not read, made from the catalog, which everyone may read: pg_dump refuses to write them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from genreq_checks.scratch.stand_ins import Stub
from genreq_checks.text import quote_name

_TABLES = sa.text("""
    SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name,
           CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partitioned,
           CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS bound,
           (SELECT pn.nspname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
            WHERE i.inhrelid = c.oid AND c.relispartition) AS parent_schema,
           (SELECT p.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
            WHERE i.inhrelid = c.oid AND c.relispartition) AS parent,
           c.relrowsecurity AS row_security
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname || ' ' || c.relname) = ANY (CAST(:names AS text[])) AND c.relkind IN ('r', 'p') ORDER BY c.oid
""")
_COLUMNS = sa.text("""
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
           a.attgenerated <> '' AS generated, a.attidentity AS identity,
           pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression
    FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
""")
_SEQUENCES = sa.text("""
    SELECT n.nspname AS schema, s.relname AS name, a.attname AS column, format_type(q.seqtypid, NULL) AS type
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
      AND d.refobjid = CAST(:oid AS oid) ORDER BY 1, 2
""")
# What can be made once all tables are there. A partition has its own by its parent's.
_AFTER = sa.text("""
    SELECT 1 AS place, 'ALTER TABLE ' || CAST(:name AS text) || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' '
           || pg_catalog.pg_get_constraintdef(k.oid) AS sql
    FROM pg_catalog.pg_constraint k WHERE k.conrelid = CAST(:oid AS oid) AND k.contype IN ('p', 'u', 'c') AND k.conparentid = 0
    UNION ALL
    SELECT 2, pg_catalog.pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_index i
    WHERE i.indrelid = CAST(:oid AS oid) AND i.indisunique AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)
    UNION ALL
    SELECT 3, pg_catalog.pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = CAST(:oid AS oid) AND NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 4, pg_catalog.pg_get_ruledef(w.oid) FROM pg_catalog.pg_rewrite w
    WHERE w.ev_class = CAST(:oid AS oid) AND w.rulename <> '_RETURN' ORDER BY 1, 2
""")


def bare_tables(connection: sa.Connection, tables: Collection[tuple[str, str]]) -> tuple[list[Stub], list[Stub]]:
    """What makes the tables, with columns and defaults, and what then makes their keys, checks, triggers and partitions.

    Raises: sqlalchemy.exc.DBAPIError when the catalog cannot be read.
    """
    if not tables:
        return [], []
    rows = connection.execute(_TABLES, {"names": [f"{schema} {name}" for schema, name in tables]}).all()
    made: list[Stub] = []
    after: list[Stub] = []
    for schema in dict.fromkeys(row.schema for row in rows):
        made.append(Stub("", f"CREATE SCHEMA IF NOT EXISTS {quote_name(schema)}"))
    for row in rows:
        name = quote_name(row.schema, row.name)
        for one in connection.execute(_SEQUENCES, {"oid": row.oid}):
            sequence = quote_name(one.schema, one.name)
            made.append(Stub(sequence, f"CREATE SEQUENCE {sequence} AS {one.type}"))
            after.append(Stub("", f"ALTER SEQUENCE {sequence} OWNED BY {name}.{quote_name(one.column)}"))
        columns = ", ".join(_column(column) for column in connection.execute(_COLUMNS, {"oid": row.oid}))
        parts = f" PARTITION BY {row.partitioned}" if row.partitioned else ""
        parent = quote_name(row.parent_schema, row.parent) if row.parent else ""
        if (row.parent_schema, row.parent) in tables:
            made.append(Stub(name, f"CREATE TABLE {name} PARTITION OF {parent} {row.bound}{parts}"))
        else:
            made.append(Stub(name, f"CREATE TABLE {name} ({columns}){parts}"))
            if parent:
                after.append(Stub("", f"ALTER TABLE {parent} ATTACH PARTITION {name} {row.bound}"))
        if row.row_security:
            after.append(Stub("", f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"))
        rest = connection.execute(_AFTER, {"oid": row.oid, "name": name})
        after += [Stub("", one.sql) for one in rest]
    return made, after


def _column(row: sa.Row[tuple[object, ...]]) -> str:
    """A column as CREATE TABLE has it. An identity needs no sequence of its own here."""
    parts = [quote_name(str(row.name)), str(row.type)]
    if row.identity:
        parts.append(f"GENERATED {'ALWAYS' if row.identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif row.generated:
        parts.append(f"GENERATED ALWAYS AS ({row.expression}) STORED")
    elif row.expression:
        parts.append(f"DEFAULT {row.expression}")
    if row.required:
        parts.append("NOT NULL")
    return " ".join(parts)
