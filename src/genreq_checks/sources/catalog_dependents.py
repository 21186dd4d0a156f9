"""What depends on a column by pg_depend and the rest of the catalog: what blocks the drop, and what is dropped with it.

PostgreSQL itself decides by pg_depend: an automatic dependency is dropped with the column, a normal one blocks the
drop. This queries the same table, for the plan's table and every partition and child, and follows what blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from genreq_checks.snapshot import Dependent

_TREE = sa.text("""
    WITH RECURSIVE tree(oid) AS (
        SELECT CAST(:oid AS oid) UNION
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.oid)
    SELECT oid::bigint FROM tree
""")
_HANGING = sa.text("""
    WITH RECURSIVE cols AS (
        SELECT a.attrelid, a.attnum, a.attname::text AS name FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = ANY (CAST(:tree AS oid[])) AND a.attname::text = ANY (CAST(:columns AS text[]))
          AND a.attnum > 0 AND NOT a.attisdropped),
    deps(col, attrelid, attnum, classid, objid, objsubid, automatic, depth) AS (
        SELECT c.name, c.attrelid, c.attnum,
               CASE WHEN g.oid IS NULL THEN d.classid ELSE CAST('pg_attrdef'::regclass AS oid) END,
               coalesce(g.oid, d.objid), CASE WHEN g.oid IS NULL THEN d.objsubid ELSE 0 END, d.deptype <> 'n', 0
        FROM cols c JOIN pg_catalog.pg_depend d
          ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.attrelid AND d.refobjsubid = c.attnum
        -- before PostgreSQL 15 a generated column itself depends on the columns of its expression, and is dropped with them
        LEFT JOIN pg_catalog.pg_attrdef g ON d.classid = 'pg_class'::regclass AND d.objsubid > 0
                                         AND g.adrelid = d.objid AND g.adnum = d.objsubid
        WHERE g.oid IS NOT NULL OR NOT (d.classid = 'pg_class'::regclass AND d.objsubid > 0)
        UNION
        SELECT p.col, p.attrelid, p.attnum, d.classid, d.objid, d.objsubid, false, p.depth + 1
        FROM (SELECT deps.*, coalesce(r.ev_class, g.adrelid, deps.objid) AS target, g.adnum AS only,
                     CASE WHEN r.oid IS NULL AND g.oid IS NULL THEN deps.classid ELSE 'pg_class'::regclass END AS kind
              FROM deps
              LEFT JOIN pg_catalog.pg_rewrite r ON deps.classid = 'pg_rewrite'::regclass AND r.oid = deps.objid
                                               AND r.rulename = '_RETURN'
              LEFT JOIN pg_catalog.pg_attrdef g ON deps.classid = 'pg_attrdef'::regclass AND g.oid = deps.objid
              WHERE (g.adrelid, g.adnum) IS DISTINCT FROM (deps.attrelid, deps.attnum)) p
        JOIN pg_catalog.pg_depend d
          ON d.refclassid = p.kind AND d.refobjid = p.target AND (p.only IS NULL OR d.refobjsubid = p.only)
         AND d.deptype = 'n' AND NOT (d.classid = p.classid AND d.objid = p.objid)
        WHERE p.depth < 50),
    hanging AS (
        SELECT col, attrelid, attnum, classid, objid, max(objsubid) AS objsubid, bool_or(automatic) AS automatic,
               min(depth) AS depth
        FROM deps GROUP BY 1, 2, 3, 4, 5)
    SELECT h.col, h.automatic, h.depth,
        CASE h.classid
            WHEN 'pg_rewrite'::regclass THEN
                CASE WHEN rw.rulename <> '_RETURN' THEN 'rule' WHEN rc.relkind = 'm' THEN 'materialized view' ELSE 'view' END
            WHEN 'pg_constraint'::regclass THEN
                CASE con.contype WHEN 'c' THEN 'check constraint' WHEN 'u' THEN 'unique constraint'
                    WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'x' THEN 'exclusion constraint'
                    WHEN 'n' THEN 'not-null constraint' ELSE 'constraint' END
            WHEN 'pg_attrdef'::regclass THEN
                CASE WHEN aa.attgenerated = '' THEN 'default' ELSE 'generated column' END
            WHEN 'pg_class'::regclass THEN
                CASE rel.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' ELSE 'relation' END
            WHEN 'pg_trigger'::regclass THEN 'trigger'
            WHEN 'pg_policy'::regclass THEN 'policy'
            WHEN 'pg_publication_rel'::regclass THEN 'publication'
            WHEN 'pg_statistic_ext'::regclass THEN 'statistics'
            WHEN 'pg_proc'::regclass THEN CASE pr.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END
            ELSE io.type END AS kind,
        coalesce(quote_ident(coalesce(nullif(rw.rulename, '_RETURN'), con.conname, tg.tgname, po.polname, pub.pubname,
                                      aa.attname)), io.identity) AS object,
        CASE WHEN ow.oid IS NOT NULL THEN format('%I.%I', os.nspname, ow.relname) END AS owner,
        CASE WHEN rw.rulename = '_RETURN' THEN format('%I.%I', rn.nspname, rc.relname) END AS relation,
        CASE WHEN h.automatic THEN ARRAY(
              SELECT DISTINCT a.attname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a
                ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = h.classid AND d.objid = h.objid AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid = h.attrelid AND d.refobjsubid > 0 AND a.attname <> h.col
                AND NOT a.attisdropped ORDER BY 1) END AS others,
        -- of views and rules it is not asked: to write them down takes locks on all that they read
        pg_catalog.hashtextextended(CASE
            WHEN con.oid IS NOT NULL THEN pg_catalog.pg_get_constraintdef(con.oid)
            WHEN rel.relkind IN ('i', 'I') THEN pg_catalog.pg_get_indexdef(rel.oid)
            WHEN tg.oid IS NOT NULL THEN pg_catalog.pg_get_triggerdef(tg.oid)
            WHEN h.classid = 'pg_statistic_ext'::regclass THEN pg_catalog.pg_get_statisticsobjdef(h.objid)
            END COLLATE "C", 0) AS definition
    FROM hanging h
    CROSS JOIN LATERAL pg_catalog.pg_identify_object(h.classid, h.objid, h.objsubid) io
    LEFT JOIN pg_catalog.pg_rewrite rw ON h.classid = 'pg_rewrite'::regclass AND rw.oid = h.objid
    LEFT JOIN pg_catalog.pg_class rc ON rc.oid = rw.ev_class
    LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
    LEFT JOIN pg_catalog.pg_constraint con ON h.classid = 'pg_constraint'::regclass AND con.oid = h.objid
    LEFT JOIN pg_catalog.pg_attrdef ad ON h.classid = 'pg_attrdef'::regclass AND ad.oid = h.objid
    LEFT JOIN pg_catalog.pg_attribute aa ON aa.attrelid = ad.adrelid AND aa.attnum = ad.adnum
    LEFT JOIN pg_catalog.pg_class rel ON h.classid = 'pg_class'::regclass AND rel.oid = h.objid
    LEFT JOIN pg_catalog.pg_trigger tg ON h.classid = 'pg_trigger'::regclass AND tg.oid = h.objid
    LEFT JOIN pg_catalog.pg_policy po ON h.classid = 'pg_policy'::regclass AND po.oid = h.objid
    LEFT JOIN pg_catalog.pg_publication_rel pp ON h.classid = 'pg_publication_rel'::regclass AND pp.oid = h.objid
    LEFT JOIN pg_catalog.pg_publication pub ON pub.oid = pp.prpubid
    LEFT JOIN pg_catalog.pg_proc pr ON h.classid = 'pg_proc'::regclass AND pr.oid = h.objid
    LEFT JOIN pg_catalog.pg_class ow ON ow.oid = coalesce(
        CASE WHEN rw.rulename <> '_RETURN' THEN rw.ev_class END, con.conrelid, tg.tgrelid, po.polrelid, pp.prrelid, ad.adrelid)
    LEFT JOIN pg_catalog.pg_namespace os ON os.oid = ow.relnamespace
    WHERE NOT coalesce(con.conparentid <> 0, false) AND NOT coalesce(tg.tgisinternal OR tg.tgparentid <> 0, false)
      AND NOT coalesce(rel.relispartition, false)
      AND NOT (con.contype IS NOT NULL AND coalesce(con.coninhcount > 0, false))
    ORDER BY h.depth, 4, 5
""")
_BESIDE = sa.text("""
    WITH cols AS (
        SELECT a.attrelid, a.attnum, a.attname::text AS name, a.attacl, a.attinhcount,
               a.attrelid = CAST(:oid AS oid) AS top, format('%I.%I', n.nspname, c.relname) AS owner
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE a.attrelid = ANY (CAST(:tree AS oid[])) AND a.attname::text = ANY (CAST(:columns AS text[]))
          AND a.attnum > 0 AND NOT a.attisdropped)
    SELECT c.name AS col, 'partition key' AS kind, 'partition key of ' || c.owner AS name, 'blocks' AS fate,
           CAST(NULL AS bigint) AS definition
    FROM cols c JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.attrelid AND c.attnum = ANY (p.partattrs)
    UNION ALL
    SELECT c.name, 'inherited column', 'parent of ' || c.owner, 'blocks', NULL FROM cols c WHERE c.top AND c.attinhcount > 0
    UNION ALL
    SELECT c.name, 'grant', format('%s to %s on %s', string_agg(lower(g.privilege_type), ', ' ORDER BY g.privilege_type),
           coalesce(quote_ident(pg_catalog.pg_get_userbyid(nullif(g.grantee, 0))), 'public'), c.owner), 'vanishes',
           NULL
    FROM cols c CROSS JOIN LATERAL pg_catalog.aclexplode(c.attacl) g GROUP BY c.name, c.owner, g.grantee
    UNION ALL
    SELECT c.name, 'comment', 'comment on ' || c.owner || '.' || quote_ident(c.name), 'vanishes',
           pg_catalog.hashtextextended(d.description COLLATE "C", 0)
    FROM cols c JOIN pg_catalog.pg_description d
      ON d.classoid = 'pg_class'::regclass AND d.objoid = c.attrelid AND d.objsubid = c.attnum
    ORDER BY 2, 3
""")
_DROP = {  # what to drop first; it can be created again, without the column, after the drop
    "view": "DROP VIEW {name}",
    "materialized view": "DROP MATERIALIZED VIEW {name}",
    "rule": "DROP RULE {object} ON {owner}",
    "trigger": "DROP TRIGGER {object} ON {owner}",
    "policy": "DROP POLICY {object} ON {owner}",
    "foreign key": "ALTER TABLE {owner} DROP CONSTRAINT {object}",
    "generated column": "ALTER TABLE {owner} DROP COLUMN {object}",
    "default": "ALTER TABLE {owner} ALTER COLUMN {object} DROP DEFAULT",
    "publication": "ALTER PUBLICATION {object} DROP TABLE {owner}",
    "function": "DROP FUNCTION {name}",
    "procedure": "DROP PROCEDURE {name}",
}
_KEEP = {
    "generated column": "ALTER TABLE {owner} ALTER COLUMN {object} DROP EXPRESSION"
}  # what would be dropped with the column


def read_tree(connection: sa.Connection, oid: int) -> list[int]:
    """The table with its partitions and children at any depth."""
    return [row.oid for row in connection.execute(_TREE, {"oid": oid})]


def read_catalog(
    connection: sa.Connection, oid: int, tree: Sequence[int], columns: Sequence[str]
) -> Iterator[Dependent]:
    """What depends on the columns by the catalog; nothing depends on a missing column. All of it is certain."""
    of = {"tree": list(tree), "columns": list(columns)}
    for row in connection.execute(_HANGING, of):
        if row.kind == "publication" or row.owner is None:
            name = row.relation or row.object
        elif row.kind in ("generated column", "default"):
            name = f"{row.owner}.{row.object}"
        else:
            name = f"{row.object} on {row.owner}"
        ddl = (
            (_KEEP if row.automatic else _DROP).get(row.kind, "").format(name=name, object=row.object, owner=row.owner)
        )
        yield Dependent(
            column=row.col,
            kind=row.kind,
            name=name,
            fate="vanishes" if row.automatic else "blocks",
            confidence="certain",
            detail="" if row.depth == 0 else "It depends on the column indirectly, through another object.",
            spans=tuple(row.others or ()),
            ddl=ddl,
            definition=row.definition,
        )
    for row in connection.execute(_BESIDE, of | {"oid": oid}):
        yield Dependent(
            column=row.col,
            kind=row.kind,
            name=row.name,
            fate=row.fate,
            confidence="certain",
            definition=row.definition,
        )
