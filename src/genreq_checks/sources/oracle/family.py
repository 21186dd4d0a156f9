"""The plan's table in a clone, with its partitions and children, and a role that must not touch some of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from genreq_checks.plan import Plan

_FAMILY = """
    WITH RECURSIVE tree(oid) AS (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s AND c.relname = %(name)s
        UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid)
    SELECT n.nspname, c.relname, c.reltype::bigint, y.typarray::bigint,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum)
    FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type y ON y.oid = c.reltype
"""
GONE = "........pg.dropped"  # how the catalog names a column that was dropped
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)' ORDER BY nspname = 'public' DESC, 1"


@dataclass(frozen=True, slots=True)
class Member:
    """The table, a partition or a child of it: the types of its row and of an array of them, its columns by position."""

    schema: str
    name: str
    row_types: frozenset[int]
    columns: tuple[str, ...]


def family_of(there: psycopg.Connection[Any], plan: Plan) -> tuple[Member, ...]:
    """The family, the table itself first; empty when it could not be made."""
    ours = (plan.table.schema_name, plan.table.name)
    rows = there.execute(_FAMILY, {"schema": ours[0], "name": ours[1]}).fetchall()
    rows.sort(key=lambda row: (row[0], row[1]) != ours)
    return tuple(
        Member(schema, name, frozenset((row, array)), tuple(columns)) for schema, name, row, array, columns in rows
    )


def make_blind(there: psycopg.Connection[Any], role: str, family: Sequence[Member], columns: Sequence[str]) -> None:
    """A role that may do all but what takes a privilege on the columns. It bypasses row level security."""
    name = sql.Identifier(role)
    there.execute(sql.SQL("CREATE ROLE {} NOLOGIN BYPASSRLS").format(name))
    for row in there.execute(SCHEMAS).fetchall():
        schema = sql.Identifier(row[0])
        there.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name))
        for kind in ("TABLES", "SEQUENCES", "ROUTINES"):
            what = sql.SQL(kind)
            there.execute(sql.SQL("GRANT ALL ON ALL {} IN SCHEMA {} TO {}").format(what, schema, name))
    for member in family:
        table = sql.Identifier(member.schema, member.name)
        there.execute(sql.SQL("REVOKE ALL ON TABLE {} FROM PUBLIC, {}").format(table, name))
        kept = [one for one in member.columns if one not in columns and not one.startswith(GONE)]
        listed = sql.SQL(", ").join(map(sql.Identifier, kept))
        if kept:
            rights = sql.SQL(
                "GRANT SELECT ({0}), INSERT ({0}), UPDATE ({0}), REFERENCES ({0}), DELETE, TRUNCATE ON {1} TO {2}"
            )
            there.execute(rights.format(listed, table, name))
