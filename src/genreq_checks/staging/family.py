"""The columns to stage, as the catalog has them now: what the files' guards assert before they change anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from genreq_checks.plan import Plan

# The table with all partitions and children. The guards hold the same text, with their own variable.
FAMILY = """
    WITH RECURSIVE tree(oid) AS (
        SELECT {root} UNION
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.oid)
    SELECT pg_catalog.array_agg(oid) FROM tree
"""
# What hangs on a column anywhere in the family, by the catalog, and the functions whose text has its name and the table's.
# The column's own default and NOT NULL are not dependents. Functions are not read again with the lock, which does not hold them.
DEPENDENTS = r"""
    SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT d.what ORDER BY d.what), '[]') FROM (
        SELECT (o.type || ' ' || o.identity) COLLATE "C" AS what
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_depend p ON p.refclassid = 'pg_catalog.pg_class'::regclass
             AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum
        LEFT JOIN pg_catalog.pg_attrdef e ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND e.oid = p.objid
        LEFT JOIN pg_catalog.pg_constraint c ON p.classid = 'pg_catalog.pg_constraint'::regclass AND c.oid = p.objid
        CROSS JOIN LATERAL pg_catalog.pg_identify_object(p.classid, p.objid, p.objsubid) o
        WHERE a.attrelid = ANY ({family}) AND a.attname = {now} AND NOT a.attisdropped
          AND (e.adrelid, e.adnum) IS DISTINCT FROM (a.attrelid, a.attnum) AND c.contype IS DISTINCT FROM 'n'
        UNION
        SELECT ('function ' || (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, f.oid, 0)).identity) COLLATE "C"
        FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_language l ON l.oid = f.prolang
        JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
        WHERE NOT {locked} AND l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND CASE WHEN {column} ~ '^\w+$' THEN f.prosrc ~* ('\y' || {column} || '\y')
              ELSE position(lower({column}) IN lower(f.prosrc)) > 0 END
          AND (CASE WHEN {table} ~ '^\w+$' THEN f.prosrc ~* ('\y' || {table} || '\y')
               ELSE position(lower({table}) IN lower(f.prosrc)) > 0 END OR f.prorettype = 'pg_catalog.trigger'::regtype)
    ) d
"""
# Publications of a table of the family, or of one above it.
PUBLISHED = """
    WITH RECURSIVE above(oid) AS (
        SELECT pg_catalog.unnest({family}) UNION
        SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN above a ON i.inhrelid = a.oid)
    SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(p.pubname), ', ')
    FROM pg_catalog.pg_publication_tables p JOIN pg_catalog.pg_namespace n ON n.nspname = p.schemaname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename JOIN above a ON a.oid = c.oid
"""
_FAMILY = "CAST(:family AS oid[])"
_COLUMNS = sa.text("""
    SELECT a.attname::text AS name, a.attnum::int AS position, a.attnotnull AS not_null,
           pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
           a.atthasdef OR a.attidentity <> '' AS filled, a.attinhcount > 0 AS inherited,
           pg_catalog.col_description(a.attrelid, a.attnum) AS comment,
           t.typnotnull AS refuses_null, c.reloftype <> 0 AS typed,
           EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)
                   AND (i.indisprimary OR i.indisreplident)) AS in_identity,
           ARRAY(SELECT pg_catalog.format('%I.%I', n.nspname, k.relname) FROM pg_catalog.pg_attribute b
                 JOIN pg_catalog.pg_class k ON k.oid = b.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
                 WHERE b.attrelid = ANY (CAST(:family AS oid[])) AND b.attname = a.attname AND NOT b.attisdropped
                   AND b.attnotnull AND NOT a.attnotnull AND NOT b.atthasdef ORDER BY 1) AS stricter
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
""")
# What makes a DROP COLUMN without CASCADE fail: what depends on the column and does not go with it.
_BLOCKING = sa.text("""
    SELECT DISTINCT o.type || ' ' || o.identity AS what
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_depend p ON p.refclassid = CAST('pg_catalog.pg_class' AS regclass)
         AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum
    CROSS JOIN LATERAL pg_catalog.pg_identify_object(p.classid, p.objid, p.objsubid) o
    WHERE a.attrelid = ANY (CAST(:family AS oid[])) AND a.attname = :now AND NOT a.attisdropped AND p.deptype = 'n'
    ORDER BY 1
""")
_SLOTS = sa.text("""
    SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_replication_slots
    WHERE slot_type = 'logical' AND database = pg_catalog.current_database()
""")


@dataclass(frozen=True, slots=True)
class Staged:
    """A column as it is in the catalog: `filled` is one that an INSERT without it fills by itself.

    `refuses_null`: its domain does; `stricter` are partitions and children in which it is NOT NULL and here it is not;
    `in_identity`: it is in the primary key or the replica identity. `blocking` are the
    dependents that block a drop. `comment` may be user text and is not shown.
    """

    name: str
    position: int
    type: str
    not_null: bool
    filled: bool
    inherited: bool
    typed: bool
    refuses_null: bool
    in_identity: bool
    stricter: tuple[str, ...]
    dependents: tuple[str, ...]
    blocking: tuple[str, ...]
    comment: str | None

    @property
    def takes_not_null(self) -> bool:
        """Must NOT NULL go while the column is hidden, so that an INSERT without it still works?"""
        return self.not_null and not self.filled


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """All columns of the table, by name; the publications that it is in, and how many logical slots the database has."""

    columns: dict[str, Staged]
    publications: str
    slots: int


def read_family(connection: sa.Connection, plan: Plan, oid: int, names: Mapping[str, str]) -> FamilyFacts:
    """The table's columns as the guards assert them; those in `names` (its name now → its own name) with their dependents."""
    family = connection.execute(sa.text(FAMILY.format(root="CAST(:oid AS oid)")), {"oid": oid}).scalar_one()
    of = {"family": family}
    dependents = sa.text(
        DEPENDENTS.format(family=_FAMILY, now=":now", column=":column", table=":table", locked="false").replace(
            "'::", "'\\:\\:"
        )
    )
    hanging = {
        now: tuple(
            connection.execute(dependents, of | {"now": now, "column": column, "table": plan.table.name}).scalar_one()
        )
        for now, column in names.items()
    }
    blocking = {now: tuple(connection.execute(_BLOCKING, of | {"now": now}).scalars()) for now in names}
    columns = {
        row.name: Staged(
            **dict(row._mapping)
            | {
                "stricter": tuple(row.stricter),
                "dependents": hanging.get(row.name, ()),
                "blocking": blocking.get(row.name, ()),
            }
        )
        for row in connection.execute(_COLUMNS, of | {"oid": oid})
    }
    published = connection.execute(sa.text(PUBLISHED.format(family=_FAMILY)), of).scalar()
    return FamilyFacts(columns, published or "", connection.execute(_SLOTS).scalar_one())
