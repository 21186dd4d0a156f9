"""The structure of a complete database as data: every object as the server's catalog describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from genreq_checks.plan import Table

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

FAMILY = """
    WITH RECURSIVE tree(oid) AS (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s AND c.relname = %(name)s
        UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid)
    SELECT n.nspname || '.' || c.relname, c.oid::bigint FROM tree
    JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1
"""
# Every branch returns kind, name, definition, table (or NULL) and the names of the table's columns that it uses.
OBJECTS = """
    WITH s AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
    ), r AS (SELECT c.*, s.nspname || '.' || c.relname AS full_name FROM pg_class c JOIN s ON s.oid = c.relnamespace),
    ext AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
    SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
               WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' ELSE 'table' END AS kind,
           full_name AS name,
           concat_ws(' ', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END, relpersistence,
               relrowsecurity, relforcerowsecurity, relacl, reloptions, relreplident, relispartition,
               (SELECT q::text FROM (SELECT seqtypid, seqstart, seqincrement, seqmax, seqmin, seqcycle
                                     FROM pg_sequence WHERE seqrelid = r.oid) q),
               obj_description(r.oid, 'pg_class')) AS definition,
           (SELECT o.full_name FROM pg_depend d JOIN r o ON o.oid = d.refobjid
            WHERE r.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
              AND d.refobjsubid > 0 LIMIT 1) AS "table",
           ARRAY(SELECT a.attname::text FROM pg_depend d JOIN pg_attribute a
                 ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                 WHERE r.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = r.oid
                   AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0) AS columns
    FROM r WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
      AND r.oid NOT IN (SELECT objid FROM ext WHERE classid = 'pg_class'::regclass)
    UNION ALL
    SELECT 'constraint', conname || ' on ' || coalesce(r.full_name, s.nspname), pg_get_constraintdef(c.oid), r.full_name,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey))
    FROM pg_constraint c JOIN s ON s.oid = c.connamespace LEFT JOIN r ON r.oid = c.conrelid WHERE contype NOT IN ('n', 't')
    UNION ALL
    SELECT 'index', i.full_name, concat_ws(' ', pg_get_indexdef(x.indexrelid), x.indisvalid), r.full_name,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = x.indrelid AND (a.attnum = ANY (x.indkey)
                 OR a.attnum IN (SELECT d.refobjsubid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                                 AND d.objid = x.indexrelid AND d.refobjid = x.indrelid)))
    FROM pg_index x JOIN r ON r.oid = x.indrelid JOIN r i ON i.oid = x.indexrelid
    UNION ALL
    SELECT 'statistics', s.nspname || '.' || stxname, pg_get_statisticsobjdef(t.oid), r.full_name,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.stxrelid AND a.attnum IN (
                 SELECT d.refobjsubid FROM pg_depend d WHERE d.classid = 'pg_statistic_ext'::regclass AND d.objid = t.oid))
    FROM pg_statistic_ext t JOIN s ON s.oid = t.stxnamespace JOIN r ON r.oid = t.stxrelid
    UNION ALL
    SELECT 'trigger', tgname || ' on ' || r.full_name, concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled), r.full_name,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr))
    FROM pg_trigger t JOIN r ON r.oid = t.tgrelid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'policy', polname || ' on ' || r.full_name, concat_ws(' ', polcmd, polpermissive, polroles,
           pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), r.full_name, '{}'
    FROM pg_policy p JOIN r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'rule', rulename || ' on ' || r.full_name, pg_get_ruledef(w.oid), r.full_name, '{}'
    FROM pg_rewrite w JOIN r ON r.oid = w.ev_class WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
           s.nspname || '.' || proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
           concat_ws(' ', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END, proacl), NULL, '{}'
    FROM pg_proc p JOIN s ON s.oid = p.pronamespace
    WHERE p.oid NOT IN (SELECT objid FROM ext WHERE classid = 'pg_proc'::regclass)
    UNION ALL
    SELECT 'type', s.nspname || '.' || typname, concat_ws(' ', typtype, format_type(nullif(typbasetype, 0), typtypmod),
           typnotnull, typdefault, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum
                                    WHERE enumtypid = t.oid)), NULL, '{}'
    FROM pg_type t JOIN s ON s.oid = t.typnamespace WHERE typtype IN ('e', 'd', 'r')
      AND t.oid NOT IN (SELECT objid FROM ext WHERE classid = 'pg_type'::regclass)
    UNION ALL
    SELECT 'schema', nspname, '', NULL, '{}' FROM s
    UNION ALL
    SELECT 'extension', extname, extversion, NULL, '{}' FROM pg_extension
    UNION ALL
    SELECT 'publication', pubname, concat_ws(' ', puballtables, pubinsert, pubupdate, pubdelete, pubtruncate), NULL, '{}'
    FROM pg_publication
    UNION ALL
    SELECT 'publication of', pubname || ' on ' || r.full_name, concat_ws(' ', pg_get_expr(p.prqual, p.prrelid),
           ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = p.prrelid AND attnum = ANY (p.prattrs))), r.full_name, '{}'
    FROM (SELECT CAST(NULL AS pg_node_tree) AS prqual, CAST(NULL AS int2vector) AS prattrs) before_15
    CROSS JOIN LATERAL (SELECT prpubid, prrelid, prqual, prattrs FROM pg_publication_rel) p -- where it has none, the others
    JOIN pg_publication b ON b.oid = p.prpubid JOIN r ON r.oid = p.prrelid
    UNION ALL
    SELECT 'event trigger', evtname, concat_ws(' ', evtevent, evtenabled, evtfoid::regproc, evttags), NULL, '{}'
    FROM pg_event_trigger
    UNION ALL
    SELECT 'setting', coalesce(setrole::regrole::text, ''), setconfig::text, NULL, '{}' FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
COLUMNS = """
    SELECT n.nspname || '.' || c.relname AS "table", a.attname AS name, a.attnum AS position,
           format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
           concat_ws(' ', pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated) AS "default",
           concat_ws(' ', nullif(a.attcollation, t.typcollation)::regcollation, a.attacl) AS privileges,
           col_description(c.oid, a.attnum) AS comment
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    ORDER BY 1, 3
"""
_TABLES = """
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Object:
    """Any object except a column: its definition, and, where it belongs to a table, that table and its columns in it."""

    kind: str
    name: str
    definition: str
    table: str | None
    columns: list[str]


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column: `position` is attnum, which a rename keeps, but a drop and a new column do not."""

    table: str
    name: str
    position: int
    type: str
    required: bool
    default: str
    privileges: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Structure:
    """A database at one moment. `family` is the plan's table with all its partitions and children: the OID of each.

    `rows` has the number of rows and their digest for every table outside the family.
    """

    table: str
    family: Mapping[str, int]
    objects: Mapping[tuple[str, str], Object]
    columns: Mapping[tuple[str, str], ColumnShape]
    rows: Mapping[str, tuple[int, int]]


def read_structure(url: str, table: Table) -> Structure:
    """The complete structure of the scratch database."""
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute("SET LOCAL search_path = pg_catalog")
        family = connection.execute(FAMILY, {"schema": table.schema_name, "name": table.name}).fetchall()
        oids = {str(name): int(oid) for name, oid in family}
        with connection.cursor(row_factory=class_row(Object)) as cursor:
            objects = {(o.kind, o.name): o for o in cursor.execute(OBJECTS)}
        with connection.cursor(row_factory=class_row(ColumnShape)) as shapes:
            columns = {(c.table, c.name): c for c in shapes.execute(COLUMNS)}
        rows = {
            f"{schema}.{name}": _digest(connection, schema, name)
            for schema, name in connection.execute(_TABLES).fetchall()
            if f"{schema}.{name}" not in oids
        }
        return Structure(table.qualified, oids, objects, columns, rows)


def _digest(connection: psycopg.Connection, schema: str, name: str) -> tuple[int, int]:
    query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM ONLY {} t")
    row = connection.execute(query.format(sql.Identifier(schema, name))).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
