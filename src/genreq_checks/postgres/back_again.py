"""The SQL that brings dropped columns back as the catalog has them: types, defaults, constraints, indexes, comments, grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

# Every branch returns a statement, its place in the order, and whether it needs the columns' values. All names are
# qualified, since the connection's search_path is pg_catalog. A column's values come back after the statements, so that
# what a column of NULLs does not fulfil comes after them. A comment is a plain literal: not every parser reads E'…'.
_STATEMENTS = sa.text("""
    WITH t AS (
        SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = CAST(:oid AS oid)
    ), cols AS (
        SELECT a.*, t.name AS "table", pg_catalog.quote_ident(a.attname) AS "column", y.typcollation,
               pg_catalog.array_position(CAST(:columns AS text[]), a.attname::text) AS place
        FROM pg_catalog.pg_attribute a JOIN t ON t.oid = a.attrelid JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname = ANY (CAST(:columns AS text[]))
    ), sequences AS (
        SELECT s.*, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, cols."table", cols."column", cols.place
        FROM cols JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = cols.attrelid
             AND d.refobjsubid = cols.attnum AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'a'
        JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid JOIN pg_catalog.pg_class c ON c.oid = d.objid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ), keys AS (
        SELECT k.*, t.name AS "table", k.contype IN ('u', 'p', 'x') AS has_index
        FROM pg_catalog.pg_constraint k JOIN t ON t.oid = k.conrelid
        WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0
          AND EXISTS (SELECT FROM cols WHERE cols.attnum = ANY (k.conkey)
                      OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_constraint'::regclass
                                 AND d.objid = k.oid AND d.refobjid = cols.attrelid AND d.refobjsubid = cols.attnum))
    )
    SELECT 1 AS step, place, pg_catalog.format(
           'CREATE SEQUENCE %s AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s%s',
           name, pg_catalog.format_type(seqtypid, NULL), seqincrement, seqmin, seqmax, seqstart, seqcache,
           CASE WHEN seqcycle THEN ' CYCLE' ELSE '' END) AS statement, false AS late FROM sequences
    UNION ALL
    SELECT 2, place, pg_catalog.concat(
           'ALTER TABLE ', "table", ' ADD COLUMN ', "column", ' ', pg_catalog.format_type(atttypid, atttypmod),
           CASE WHEN attcollation <> 0 AND attcollation <> typcollation
                THEN (SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, o.collname) FROM pg_catalog.pg_collation o
                      JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace WHERE o.oid = attcollation) END,
           CASE WHEN attgenerated = 's'
                THEN (SELECT pg_catalog.format(' GENERATED ALWAYS AS (%s) STORED', pg_catalog.pg_get_expr(d.adbin, d.adrelid))
                      FROM pg_catalog.pg_attrdef d WHERE d.adrelid = attrelid AND d.adnum = attnum) END), false FROM cols
    UNION ALL
    SELECT 3, place, pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s', "table", "column",
                                       pg_catalog.pg_get_expr(d.adbin, d.adrelid)), false
    FROM cols JOIN pg_catalog.pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum WHERE attgenerated = ''
    UNION ALL
    SELECT 4, place, pg_catalog.format('ALTER SEQUENCE %s OWNED BY %s.%s', name, "table", "column"), false FROM sequences
    UNION ALL
    SELECT 5, place, pg_catalog.format('COMMENT ON COLUMN %s.%s IS ''%s''', "table", "column",
                                       pg_catalog.replace(pg_catalog.col_description(attrelid, attnum), '''', '''''')), false
    FROM cols WHERE pg_catalog.col_description(attrelid, attnum) IS NOT NULL
    UNION ALL
    SELECT 6, place, pg_catalog.format('GRANT %s (%s) ON %s TO %s%s', g.privilege_type, "column", "table",
               CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END,
               CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), false
    FROM cols CROSS JOIN LATERAL pg_catalog.aclexplode(attacl) g
    UNION ALL
    SELECT 7, k.oid::bigint, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', "table", k.conname,
                                               pg_catalog.pg_get_constraintdef(k.oid)), k.contype = 'p'
    FROM keys k
    UNION ALL
    SELECT 8, k.oid::bigint, pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS ''%s''', k.conname, "table",
                                               pg_catalog.replace(
                                                   pg_catalog.obj_description(k.oid, 'pg_constraint'), '''', '''''')),
           k.contype = 'p'
    FROM keys k WHERE pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL
    UNION ALL
    SELECT 9, i.indexrelid::bigint, pg_catalog.pg_get_indexdef(i.indexrelid), false
    FROM pg_catalog.pg_index i JOIN t ON t.oid = i.indrelid
    WHERE NOT EXISTS (SELECT FROM keys k WHERE k.has_index AND k.conindid = i.indexrelid) AND i.indisvalid
      AND EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN cols ON d.refobjid = cols.attrelid AND d.refobjsubid = cols.attnum
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid)
    UNION ALL
    SELECT 10, i.indexrelid::bigint, pg_catalog.format('COMMENT ON INDEX %s IS ''%s''',
                                               pg_catalog.format('%I.%I', n.nspname, c.relname),
                                               pg_catalog.replace(pg_catalog.obj_description(c.oid, 'pg_class'), '''', '''''')),
           false
    FROM pg_catalog.pg_index i JOIN t ON t.oid = i.indrelid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE pg_catalog.obj_description(c.oid, 'pg_class') IS NOT NULL
      AND EXISTS (SELECT FROM cols WHERE cols.attnum = ANY (CAST(i.indkey AS int2[])))
    UNION ALL
    SELECT 11, s.oid::bigint, pg_catalog.pg_get_statisticsobjdef(s.oid), false
    FROM pg_catalog.pg_statistic_ext s JOIN t ON t.oid = s.stxrelid
    WHERE EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN cols ON d.refobjid = cols.attrelid AND d.refobjsubid = cols.attnum
                  WHERE d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid = s.oid)
    UNION ALL
    SELECT 12, place, pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET NOT NULL', "table", "column"), true
    FROM cols WHERE attnotnull AND attgenerated = ''
    UNION ALL
    SELECT 13, place, pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s ADD GENERATED %s AS IDENTITY', "table", "column",
                                        CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END), true
    FROM cols WHERE attidentity <> ''
    ORDER BY 1, 2, 3
""")


@dataclass(frozen=True, slots=True)
class BackAgain:
    """The rollback's statements, and those that need the columns' values first: NOT NULL, a primary key, an identity."""

    statements: tuple[str, ...]
    late: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The statements as one text of SQL."""
        return _joined(self.statements)

    @property
    def late_text(self) -> str:
        """Those that need the values, as one text of SQL; '' when there are none."""
        return _joined(self.late)


def _joined(statements: Sequence[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


def read_back_again(connection: sa.Connection, oid: int, columns: Sequence[str]) -> BackAgain:
    """What brings these columns of a table back. The connection's search_path must be pg_catalog."""
    rows = connection.execute(_STATEMENTS, {"oid": oid, "columns": list(columns)}).all()
    late = sorted((row for row in rows if row.late), key=lambda row: (row.step == 7, row.step == 8))
    return BackAgain(tuple(row.statement for row in rows if not row.late), tuple(row.statement for row in late))
