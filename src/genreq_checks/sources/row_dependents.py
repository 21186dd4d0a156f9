"""What holds or takes whole rows of the table by the catalog; pg_depend has no column for a whole row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from genreq_checks.snapshot import Dependent

# A whole row is a Var with attribute 0 in the stored tree, a text the numbers of its bytes. The tree is read as text, which
# takes no lock on any table. Objects with a lower OID are PostgreSQL's own.
_TREES = sa.text(r"""
    WITH trees(classid, objid, tree) AS (
        SELECT 'pg_rewrite'::regclass, oid, ev_action::text FROM pg_catalog.pg_rewrite
        UNION ALL SELECT 'pg_policy'::regclass, oid, concat(polqual::text, polwithcheck::text) FROM pg_catalog.pg_policy
        UNION ALL SELECT 'pg_constraint'::regclass, oid, conbin::text FROM pg_catalog.pg_constraint WHERE conbin IS NOT NULL
        UNION ALL SELECT 'pg_trigger'::regclass, oid, tgqual::text FROM pg_catalog.pg_trigger WHERE tgqual IS NOT NULL
        UNION ALL SELECT 'pg_class'::regclass, indexrelid, concat(indexprs::text, indpred::text) FROM pg_catalog.pg_index
            WHERE indexprs IS NOT NULL OR indpred IS NOT NULL
        UNION ALL SELECT 'pg_proc'::regclass, oid, to_jsonb(p) ->> 'prosqlbody' FROM pg_catalog.pg_proc p
            WHERE to_jsonb(p) ->> 'prosqlbody' IS NOT NULL
        UNION ALL SELECT 'pg_attrdef'::regclass, oid, adbin::text FROM pg_catalog.pg_attrdef),
    about AS (
        SELECT t.*, t.tree LIKE '%\:varattno 0 %' AND EXISTS (
            SELECT FROM pg_catalog.pg_depend d WHERE d.classid = t.classid AND d.objid = t.objid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (CAST(:tree AS oid[]))) AS takes_row,
            ARRAY(SELECT w FROM unnest(CAST(:columns AS text[])) w WHERE position((
                SELECT ' ' || string_agg((get_byte(b.bytes, i) - get_byte(b.bytes, i) / 128 * 256)::text, ' ' ORDER BY i) || ' '
                FROM (SELECT convert_to(w, current_setting('server_encoding')) AS bytes) b,
                     generate_series(0, length(b.bytes) - 1) i) IN t.tree) > 0) AS named
        FROM trees t WHERE t.objid >= 16384)
    SELECT a.takes_row, a.named, io.type AS kind, coalesce(view.identity, io.identity) AS name, view.type AS view
    FROM about a CROSS JOIN LATERAL pg_catalog.pg_identify_object(a.classid, a.objid, 0) io
    LEFT JOIN pg_catalog.pg_rewrite r ON a.classid = 'pg_rewrite'::regclass AND r.oid = a.objid AND r.rulename = '_RETURN'
    LEFT JOIN LATERAL pg_catalog.pg_identify_object('pg_class'::regclass, r.ev_class, 0) view ON r.oid IS NOT NULL
    LEFT JOIN pg_catalog.pg_class c ON c.oid = r.ev_class LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (a.takes_row OR a.named <> '{}') AND coalesce(n.nspname, '') NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 3, 4
""")
_COLUMNS = sa.text("""
    WITH RECURSIVE types(oid) AS (
        SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.reltype = t.oid
        WHERE c.oid = ANY (CAST(:tree AS oid[]))
        UNION
        SELECT d.oid FROM types t JOIN pg_catalog.pg_type d ON d.typbasetype = t.oid OR (d.typelem = t.oid AND d.typlen = -1))
    SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname) AS name, c.relkind = 'v' AS is_view
    FROM pg_catalog.pg_attribute a JOIN types t ON t.oid = a.atttypid JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT a.attisdropped AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'm', 'f', 'c') ORDER BY 1
""")
_TYPED = sa.text("""
    SELECT c.reloftype::regtype::text AS type FROM pg_catalog.pg_class c
    WHERE c.oid = ANY (CAST(:tree AS oid[])) AND c.reloftype <> 0
""")


def read_rows_users(connection: sa.Connection, tree: Sequence[int], columns: Sequence[str]) -> Iterator[Dependent]:
    """Objects that use whole rows, columns that store them, texts in expressions that are the column's name, and the
    type of which the table is.
    """
    of = {"tree": list(tree), "columns": list(columns)}
    users = connection.execute(_TREES, of).all()
    stored = [row.name for row in connection.execute(_COLUMNS, of)]
    types = [row.type for row in connection.execute(_TYPED, of)]
    for column in columns:
        for row in users:
            kind = row.view or row.kind
            if column in row.named:
                detail = f"Its expression has the text {column}, which may be the column's name."
                yield Dependent(
                    column=column, kind=kind, name=row.name, fate="breaks", confidence="possible", detail=detail
                )
            elif row.takes_row:
                detail = "It uses a whole row of the table, which loses the column; a function that it gives the row to may fail."
                yield Dependent(
                    column=column, kind=kind, name=row.name, fate="changes", confidence="possible", detail=detail
                )
        for name in stored:
            detail = "It stores whole rows of the table, and loses this value of each."
            yield Dependent(
                column=column, kind="column", name=name, fate="changes", confidence="certain", detail=detail
            )
        for name in types:
            yield Dependent(
                column=column,
                kind="type",
                name=name,
                fate="blocks",
                confidence="certain",
                detail="The table is of this type, and its columns are changed there.",
                ddl=f"ALTER TYPE {name} DROP ATTRIBUTE … CASCADE",
            )
